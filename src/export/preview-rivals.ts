/**
 * Users of one preview who would have one account, or one name: whoever comes first gets it, and nobody gives it away but by an export of
 * its own. Pure.
 */
import { foldCase } from '../kernel/fold.ts'
import { type AskedQuery, isAsked } from './preview-call.ts'
import { planFor } from './preview-item.ts'
import { isExportedToo } from './preview-managers.ts'
import { nameToCreate, type Setting, type Subject } from './preview-subject.ts'
import { targetOf } from './preview-target.ts'

/** Forgets the accounts of those whose name is given away by who has it, and is exported as well: such a name is free then. */
export function withFreedNames(
  setting: Setting,
  query: AskedQuery,
  subjects: readonly Subject[],
): Setting {
  const byId = new Map(subjects.map((subject) => [subject.user.id, subject]))
  const freed = new Set<string>()
  for (const subject of subjects) {
    const account = setting.accounts.get(subject.user.id)
    if (account === undefined || subject.binding?.graphId) continue
    const holder = byId.get(setting.holders.get(account.id)?.resourceId ?? '')
    if (holder !== undefined && givesAway(setting, query, holder, nameToCreate(setting, subject)))
      freed.add(subject.user.id)
  }
  if (freed.size === 0) return setting
  return {
    ...setting,
    accounts: without(setting.accounts, freed),
    outcomes: without(setting.outcomes, freed),
  }
}

function givesAway(
  setting: Setting,
  query: AskedQuery,
  holder: Subject,
  name: string | null,
): boolean {
  const isSent = isAsked(query, holder) ? holder.isCalled : isExportedToo(query.userIds, holder)
  const renames = planFor(setting, holder)?.writes.flatMap(({ sets }) => sets.email ?? []) ?? []
  return isSent && renames.some((next) => foldCase(String(next)) !== foldCase(name ?? ''))
}

const without = <T>(
  map: ReadonlyMap<string, T>,
  ids: ReadonlySet<string>,
): ReadonlyMap<string, T> => new Map([...map].filter(([id]) => !ids.has(id)))

/** Adds who comes first, by the ids of those who come later. */
export function withRivals(setting: Setting, subjects: readonly Subject[]): Setting {
  const first = new Map<string, string>()
  const rivals = new Map<string, string>()
  for (const subject of subjects) {
    const { id } = subject.user
    const wanted = wantedBy(setting, subject)
    const rival = wanted.map((each) => first.get(each)).find((each) => each !== undefined)
    if (rival !== undefined && rival !== id) rivals.set(id, rival)
    else for (const each of wanted) first.set(each, id)
  }
  return rivals.size === 0 ? setting : { ...setting, rivals }
}

/** The account that would be adopted, and the name that would be made or taken. */
function wantedBy(setting: Setting, subject: Subject): readonly string[] {
  if (subject.binding?.graphId) return []
  const target = targetOf(setting, subject)
  if ('refused' in target || planFor(setting, subject)?.failure !== null) return []
  const name = nameToCreate(setting, subject)
  return [target.graphId, name === null ? null : `name ${foldCase(name)}`].filter(
    (each) => each !== null,
  )
}
