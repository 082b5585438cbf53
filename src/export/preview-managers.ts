/**
 * Managers who have no account yet, or none that is there. Whoever wants one of them is linked to that one as soon as there is an
 * account: so a preview has to say whether there will be one. Pure.
 */
import { directionOf } from '../plan/attributes.ts'
import { hasEnded } from './draft.ts'
import { idToLink } from './manager.ts'
import { accountToCome } from './preview-plan.ts'
import { type Configuration, personOf, type Setting, type Subject } from './preview-subject.ts'

/** Who is bound again, by the bind of `userIds`, does not end any more. */
export const boundBy = (
  userIds: readonly string[] | undefined,
  managers: Configuration['managers'],
): Configuration['managers'] =>
  new Map(
    [...managers].map(([id, manager]) => [
      id,
      userIds?.includes(id) === true ? { ...manager, ...STAYS } : manager,
    ]),
  )

const STAYS = { isEnding: false, isUndone: false } as const

/** Our ids of the managers whom an export of these users would wait for. */
export function awaitedManagers(
  { directions, managers }: Configuration,
  subjects: readonly Subject[],
): readonly string[] {
  if (directionOf(directions, 'manager').direction !== 'export') return []
  const wanted = new Set(subjects.flatMap((subject) => personOf(subject).managerId ?? []))
  return [...wanted].filter((id) => idToLink(managers.get(id)) === undefined)
}

/**
 * Whether the manager is exported as well: bound with the users of `userIds`, or by what the directory has still to follow, or bound
 * already and owed, or changed since. Without `userIds` every bound user is.
 */
export function isExportedToo(
  userIds: readonly string[] | undefined,
  { user, binding, unfollowed, willBeBound }: Subject,
): boolean {
  if (userIds?.includes(user.id) === true || willBeBound) return true
  if (binding === undefined || hasEnded(binding)) return false
  return userIds === undefined || binding.dueAt !== null || unfollowed.isChanged
}

const ACCOUNT_TO_COME = {
  isMissing: false,
  exportedAt: null,
  boundSequence: null,
  ...STAYS,
} as const

/** Adds the accounts that these managers would have. Of one that is created, our id stands for the Graph id that nobody knows yet. */
export function withAccountsToCome(setting: Setting, managers: readonly Subject[]): Setting {
  const toCome = managers.flatMap((manager) => {
    const graphId = accountToCome(setting, manager)
    if (graphId === undefined) return []
    const isBack = setting.managers.has(manager.user.id)
    return [[manager.user.id, { ...ACCOUNT_TO_COME, graphId, isBack }] as const]
  })
  return { ...setting, managers: new Map([...setting.managers, ...toCome]) }
}
