/** What would become of one user, from what Graph holds now: the same decisions as a round of a drain. Pure. */
import type { UserRow } from '../db/round-store.ts'
import { MASTERED_ON_PREMISES } from '../graph/outcome-texts.ts'
import { isJsonObject, type Json } from '../kernel/json.ts'
import { type Change, heldOf, plannedChanges, type SeenUser, seenUser } from '../plan/graph-user.ts'
import type { UserPlan } from '../plan/planned.ts'
import { isPartOfRemoval } from '../plan/removal.ts'
import { type Held, SNAPSHOT_KEYS } from '../plan/snapshot.ts'
import { planUser } from '../plan/user-plan.ts'
import { type BindingError, storedError } from './draft.ts'
import { linkedAgain } from './linked-again.ts'
import { plannedManager } from './manager.ts'
import { type PreviewImport, previewImports } from './preview-imports.ts'
import { RESTORED } from './preview-return.ts'
import { personOf, type Setting, type Subject, type WritableTarget } from './preview-subject.ts'
import { targetIfApproved, targetOf } from './preview-target.ts'
import { errorOf, valueTaken } from './settle.ts'
import { REMOVAL_REJECTED } from './threshold.ts'

export interface PreviewItem {
  readonly userId: string
  readonly userName: string | null
  readonly graphId: string | null
  readonly action: 'create' | 'update' | 'none' | 'conflict'
  readonly changes: readonly PreviewChange[]
  readonly imports: readonly PreviewImport[]
  /** What would be changed of an account, or of its being enabled, once that is approved. */
  readonly ifApproved: readonly PreviewChange[]
  /** What an administrator should know: values that do not fit, and why nothing can be done. */
  readonly problems: readonly BindingError[]
}

interface PreviewChange {
  readonly attribute: string
  readonly graph: string
  readonly current: Json
  readonly next: Json
}

/** Says what the next export would do with the user; `held`: why the account is not disabled though it should be. */
export function previewItem(
  setting: Setting,
  subject: Subject,
  held: BindingError | undefined,
): PreviewItem {
  const { user } = subject
  const target = targetOf(setting, subject)
  if ('refused' in target) {
    const item = conflict(user, target.graphId, [target.refused])
    return { ...item, ifApproved: changesIfApproved(setting, subject) }
  }
  if (!subject.isCalled) return asItIs(setting, subject, target.graphId)
  const { seen, plan: wanted } = lookAt(setting, subject, target)
  const plan = held === undefined ? wanted : withoutRemoval(wanted)
  const { comesBack } = target
  const problems = [
    ...(comesBack === undefined ? [] : [RESTORED]),
    ...(held === undefined ? [] : [held]),
    ...refusalsOf(setting, subject, plan),
    ...problemsOf(plan),
  ]
  const sent = changesOf(plan, seen, subject)
  const isAsked = held !== undefined && held.code !== REMOVAL_REJECTED.code
  const ifApproved = isAsked ? without(changesOf(wanted, seen, subject).changes, sent.changes) : []
  if (plan.failure !== null && plan.writes.length === 0)
    return { ...conflict(user, target.graphId, problems), ifApproved }
  return {
    ...named(user),
    graphId: target.graphId,
    ...sent,
    ...(comesBack === undefined ? {} : { action: 'update' }),
    imports: previewImports(
      personOf(subject),
      setting.directions,
      { ...seen, ...comesBack?.write.sets },
      (graphId) => liveHolder(setting, graphId),
    ),
    ifApproved,
    problems,
  }
}

/** Why Microsoft 365 would refuse what is sent, as far as its accounts show that. */
function refusalsOf(
  { accounts, taken }: Setting,
  { user }: Subject,
  { writes }: UserPlan,
): readonly BindingError[] {
  const holder = taken.get(user.id)
  const isSynced = accounts.get(user.id)?.isSynced === true && writes.length > 0
  return [
    ...(isSynced ? [errorOf({ code: 'mastered_on_premises', ...MASTERED_ON_PREMISES })] : []),
    ...(holder === undefined ? [] : [valueTaken('userPrincipalName', holder)]),
  ]
}

/** Why there is no other name first; then what does not fit. */
function problemsOf({ failure, problems }: UserPlan): readonly BindingError[] {
  const others = problems.map(({ code, message, whatToDo, attribute }) => ({
    code,
    message,
    whatToDo,
    ...(attribute === null ? {} : { attribute }),
  }))
  return failure === null ? others : [errorOf({ ...failure, attribute: 'email' }), ...others]
}

const without = (
  changes: readonly PreviewChange[],
  others: readonly PreviewChange[],
): readonly PreviewChange[] => {
  const names = new Set(others.map(({ attribute }) => attribute))
  return changes.filter(({ attribute }) => !names.has(attribute))
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
export function planFor(setting: Setting, subject: Subject): UserPlan | undefined {
  const target = targetOf(setting, subject)
  return 'refused' in target ? undefined : lookAt(setting, subject, target).plan
}

/** What the target holds now, and what would be written to it. */
function lookAt(
  setting: Setting,
  subject: Subject,
  target: WritableTarget,
): { readonly seen: SeenUser; readonly plan: UserPlan } {
  const { graphId, comesBack } = target
  const outcome = setting.outcomes.get(subject.user.id)
  const live = graphId !== null && outcome?.kind === 'done' ? outcome.body : undefined
  const body = comesBack?.held ?? live
  const seen = isJsonObject(body) ? seenUser(body, managerIn(body['manager'])) : {}
  const current = isJsonObject(body) ? heldOf(seen, SNAPSHOT_KEYS) : undefined
  const plan = planOf(setting, subject, target, current)
  const writes = comesBack === undefined ? plan.writes : [comesBack.write, ...plan.writes]
  return { seen, plan: { ...plan, writes } }
}

/** Nothing is sent of whoever is not called; what is held waits for its answer. */
function asItIs(setting: Setting, subject: Subject, graphId: string | null): PreviewItem {
  const { user, binding } = subject
  const error = binding && storedError(binding)
  const item = conflict(user, graphId, error === undefined ? [] : [error])
  if (binding?.state !== 'held') return { ...item, action: 'none' }
  return { ...item, ifApproved: changesIfApproved(setting, subject) }
}

/** Of an account that is held whatever an administrator answers, nothing. */
function changesIfApproved(setting: Setting, subject: Subject): readonly PreviewChange[] {
  const target = targetIfApproved(setting, subject)
  if (target === undefined || 'refused' in target) return []
  const { seen, plan } = lookAt(setting, subject, target)
  return changesOf(plan, seen, subject).changes
}

const withoutRemoval = (plan: UserPlan): UserPlan => ({
  ...plan,
  writes: plan.writes.filter((write) => !isPartOfRemoval(write)),
})

function liveHolder({ holders }: Setting, graphId: string): string | undefined {
  const holder = holders.get(graphId)
  return holder?.isFormer === false ? holder.resourceId : undefined
}

function changesOf(
  plan: UserPlan,
  seen: SeenUser,
  { hasPassword }: Subject,
): Pick<PreviewItem, 'action' | 'changes'> {
  const changes: readonly (Change | PreviewChange)[] = plannedChanges(plan, seen)
  const all = hasPassword ? [...changes, PASSWORD] : changes
  if (plan.action === 'create') return { action: 'create', changes: all }
  return { action: all.length === 0 ? 'none' : 'update', changes: all }
}

/** That there is a new one is told, and nothing of it. */
const PASSWORD: PreviewChange = {
  attribute: 'password',
  graph: 'passwordProfile.password',
  current: null,
  next: null,
}

const named = ({ id, resource: { userName } }: UserRow) => ({
  userId: id,
  userName: typeof userName === 'string' ? userName : null,
})

const conflict = (
  user: UserRow,
  graphId: string | null,
  problems: readonly BindingError[],
): PreviewItem => ({
  ...named(user),
  graphId,
  action: 'conflict',
  changes: [],
  imports: [],
  ifApproved: [],
  problems,
})

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
    randomPassword: '',
    graphBase,
    verifiedDomains,
    current,
  })
}
