/** What is planned of one user, from what Graph holds now: the same plan as that of a round. Pure. */
import { isJsonObject, type Json } from '../kernel/json.ts'
import { heldOf, type SeenUser, seenUser } from '../plan/graph-user.ts'
import type { UserPlan } from '../plan/planned.ts'
import { type Held, SNAPSHOT_KEYS } from '../plan/snapshot.ts'
import { planUser } from '../plan/user-plan.ts'
import { linkedAgain } from './linked-again.ts'
import { plannedManager } from './manager.ts'
import { personOf, type Setting, type Subject, type WritableTarget } from './preview-subject.ts'
import { targetOf } from './preview-target.ts'

/** What a target holds now, and what would be written to it. */
export interface Look {
  readonly target: WritableTarget
  readonly seen: SeenUser
  readonly plan: UserPlan
}

/**
 * The account that the user has once it is exported: its Graph id, or our id of the user where the account is still to be created.
 * Undefined where there will be none.
 */
export function accountToCome(setting: Setting, subject: Subject): string | undefined {
  const target = targetOf(setting, subject)
  if ('refused' in target) return undefined
  if (target.graphId !== null) return target.graphId
  return lookAt(setting, subject, target).plan.failure === null ? subject.user.id : undefined
}

/** What the user would be sent; undefined where nothing can be. */
export const planFor = (setting: Setting, subject: Subject): UserPlan | undefined =>
  lookFor(setting, subject)?.plan

/** The same, and what there is now. */
export function lookFor(setting: Setting, subject: Subject): Look | undefined {
  const target = targetOf(setting, subject)
  return 'refused' in target ? undefined : lookAt(setting, subject, target)
}

/** Plans what would be written to the target. */
export function lookAt(setting: Setting, subject: Subject, target: WritableTarget): Look {
  const { graphId, comesBack } = target
  const outcome = setting.outcomes.get(subject.user.id)
  const live = graphId !== null && outcome?.kind === 'done' ? outcome.body : undefined
  const body = comesBack?.held ?? live
  const seen = isJsonObject(body) ? seenUser(body, managerIn(body['manager'])) : {}
  const current = isJsonObject(body) ? heldOf(seen, SNAPSHOT_KEYS) : undefined
  const plan = planOf(setting, subject, target, current)
  const writes = comesBack === undefined ? plan.writes : [comesBack.write, ...plan.writes]
  return { target, seen, plan: { ...plan, writes } }
}

/** The Graph id of the manager in the answer to a reading of a user. */
export const managerIn = (manager: Json | undefined): string | null => {
  const id = isJsonObject(manager) ? manager['id'] : undefined
  return typeof id === 'string' ? id : null
}

function planOf(
  { directions, settings, graphBase, verifiedDomains, managers }: Setting,
  subject: Subject,
  target: WritableTarget,
  current: Held | undefined,
): UserPlan {
  const user = personOf(subject)
  const { managerId } = user
  const manager = managerId === null ? null : managers.get(managerId)
  const linked = linkedAgain(target, manager, directions) ?? target
  const unknown = manager?.isBack === true ? [...linked.unknown, 'manager'] : linked.unknown
  return planUser({
    user,
    binding: { ...linked, unknown, creatingAs: null },
    directions,
    settings,
    ...plannedManager(manager, linked),
    // Nobody is told which one it is.
    password: subject.hasPassword ? '' : undefined,
    randomPassword: '',
    graphBase,
    verifiedDomains,
    current,
  })
}
