/**
 * Users of one preview who would have one account, or one name: whoever comes first gets it, and nobody gives it away but by an export of
 * its own. Pure.
 */
import { foldCase } from '../kernel/fold.ts'
import { type AskedQuery, isAsked } from './preview-call.ts'
import { isExportedToo } from './preview-managers.ts'
import { planFor } from './preview-plan.ts'
import { newNameOf } from './preview-refusals.ts'
import { nameToCreate, type Setting, type Subject } from './preview-subject.ts'
import { targetOf } from './preview-target.ts'

/** Forgets the accounts of those whose name is given away by who has it, and is exported as well: such a name is free then. */
export function withFreedNames(
  setting: Setting,
  query: AskedQuery,
  subjects: readonly Subject[],
): Setting {
  const byId = new Map(subjects.map((subject) => [subject.user.id, subject]))
  const freed = new Map<string, string>()
  for (const subject of subjects) {
    const { id } = subject.user
    const account = subject.binding?.graphId ? setting.taken.get(id) : setting.accounts.get(id)?.id
    const holder = byId.get(setting.holders.get(account ?? '')?.resourceId ?? '')
    if (holder !== undefined && givesAway(setting, query, holder, subject))
      freed.set(id, holder.user.id)
  }
  keepNames(setting, freed)
  if (freed.size === 0) return setting
  const created = new Set(
    subjects
      .flatMap(({ user, binding }) => (binding?.graphId ? [] : user.id))
      .filter((id) => freed.has(id)),
  )
  return {
    ...setting,
    taken: without(setting.taken, freed),
    accounts: without(setting.accounts, created),
    outcomes: without(setting.outcomes, created),
  }
}

/** Whoever does not get another name keeps the own one, and so on; names that are exchanged in a circle are free. `freed`: by whom. */
function keepNames({ taken }: Setting, freed: Map<string, string>): void {
  const isKept = (holderId: string) => taken.has(holderId) && !freed.has(holderId)
  for (let before = freed.size + 1; freed.size < before;) {
    before = freed.size
    for (const [id, holderId] of freed) if (isKept(holderId)) freed.delete(id)
  }
}

/** A change that is still to be followed calls the user who has the new name, as a round does. */
function givesAway(setting: Setting, query: AskedQuery, holder: Subject, to: Subject): boolean {
  const isSent = isAsked(query, holder) ? holder.isCalled : isExportedToo(query.userIds, holder)
  const isCalled = isSent || (to.binding?.graphId && to.unfollowed.isChanged)
  const next = isCalled ? newNameOf(setting, holder) : undefined
  return next !== undefined && foldCase(next) !== foldCase(nameToCreate(setting, to) ?? '')
}

const without = <T>(
  map: ReadonlyMap<string, T>,
  ids: Pick<ReadonlySet<string>, 'has'>,
): ReadonlyMap<string, T> => new Map([...map].filter(([id]) => !ids.has(id)))

/** Adds who comes first, by the ids of those who come later; of whoever is renamed, the account whose name that is by then. */
export function withRivals(setting: Setting, subjects: readonly Subject[]): Setting {
  const first = new Map<string, Subject>()
  const rivals = new Map<string, string>()
  const taken = new Map(setting.taken)
  for (const subject of subjects) {
    const { user, binding } = subject
    const wanted = wantedBy(setting, subject)
    const rival = wanted.map((each) => first.get(each)).find((each) => each !== undefined)
    if (rival === undefined || rival.user.id === user.id)
      for (const each of wanted) first.set(each, subject)
    else if (binding?.graphId) taken.set(user.id, rival.binding?.graphId ?? rival.user.id)
    else rivals.set(user.id, rival.user.id)
  }
  return { ...setting, rivals, taken }
}

/** The account that would be adopted, and the name that would be made or taken. */
function wantedBy(setting: Setting, subject: Subject): readonly string[] {
  if (subject.binding?.graphId) {
    const next = subject.isCalled ? newNameOf(setting, subject) : undefined
    return next === undefined ? [] : [`name ${foldCase(next)}`]
  }
  const target = targetOf(setting, subject)
  if ('refused' in target || planFor(setting, subject)?.failure !== null) return []
  const name = nameToCreate(setting, subject)
  return [target.graphId, name === null ? null : `name ${foldCase(name)}`].filter(
    (each) => each !== null,
  )
}
