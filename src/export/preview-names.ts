/** Who else has a name that is wanted on a page of a preview, or wants it as well, and comes first: on whichever page that is. Reads only. */
import { readWanting } from '../db/preview-names.ts'
import { readPreviewHolders } from '../db/preview-reader.ts'
import { foldCase } from '../kernel/fold.ts'
import { ok, type Result } from '../kernel/result.ts'
import { getUser } from '../plan/requests.ts'
import type { AskedQuery } from './preview-call.ts'
import { readGraph } from './preview-graph.ts'
import { readAccounts, type Reading, type ReadingFault } from './preview-reading.ts'
import { newNameOf } from './preview-refusals.ts'
import { nameToCreate, type Setting, type Subject } from './preview-subject.ts'
import { withFreedNames, withRivals } from './preview-rivals.ts'
import { readSubjects } from './preview-users.ts'

/** Whose name one wants may want another's, and so on: so far it is followed whether names become free. */
const MOST_HOPS = 4

/** The setting with what these others make of the names that the subjects want. */
export async function withNamesakes(
  reading: Reading,
  query: AskedQuery,
  before: Setting,
  subjects: readonly Subject[],
): Promise<Result<Setting, ReadingFault>> {
  let setting = before
  let all = subjects
  let others = subjects
  for (let hops = 0; hops < MOST_HOPS; hops += 1) {
    const named = await withTakenNames(reading, setting, others)
    if (!named.ok) return named
    setting = named.value
    const isFirst = hops === 0
    const wanting = isFirst ? await wantingToo(reading, query, setting, subjects) : []
    const known = new Set(all.map(({ user }) => user.id))
    const ids = new Set([...wanting, ...holdersOf(setting, isFirst)])
    const unknown = [...ids].filter((id) => !known.has(id))
    others = await readSubjects(reading, query, reading.configuration, unknown)
    if (others.length === 0) break
    const read = await readGraph(reading, others)
    if (!read.ok) return read
    setting = both(setting, read.value)
    all = inOrder([...all, ...others])
  }
  return ok(withRivals(withFreedNames(setting, query, all), all))
}

/** Who has the accounts that are found, or none but those with names that are wanted. */
function holdersOf({ holders, taken }: Setting, isAll: boolean): readonly string[] {
  const wanted = new Set(taken.values())
  return [...holders].flatMap(([graphId, { isFormer, resourceId }]) =>
    isFormer || !(isAll || wanted.has(graphId)) ? [] : resourceId,
  )
}

/** Adds which other accounts have the names to which bound users would be renamed, and whose they are. */
async function withTakenNames(
  reading: Reading,
  setting: Setting,
  subjects: readonly Subject[],
): Promise<Result<Setting, ReadingFault>> {
  const renamed = subjects.flatMap((subject) => {
    const { user, binding, isCalled } = subject
    const name = isCalled && binding?.graphId ? newNameOf(setting, subject) : undefined
    return name === undefined ? [] : [{ id: user.id, own: binding?.graphId, name }]
  })
  if (renamed.length === 0) return ok(setting)
  const requests = new Map(renamed.map(({ id, name }) => [id, getUser(name, ['id'])]))
  const read = await readAccounts(reading, requests)
  if (!read.ok) return read
  const taken = new Map(
    renamed.flatMap(({ id, own }): [string, string][] => {
      const account = read.value.get(id)?.id
      return account === undefined || account === own ? [] : [[id, account]]
    }),
  )
  const holders = await readPreviewHolders(reading.database, reading.key, [...taken.values()])
  return ok({
    ...setting,
    taken: new Map([...setting.taken, ...taken]),
    holders: new Map([...setting.holders, ...holders]),
  })
}

/** Of those whom a bind is about, who comes before the last of the page. */
async function wantingToo(
  { database, configuration }: Reading,
  query: AskedQuery,
  setting: Setting,
  subjects: readonly Subject[],
): Promise<readonly string[]> {
  const last = inOrder(subjects).at(-1)?.user.id
  if (query.userIds === undefined || last === undefined) return []
  const names = subjects.flatMap((subject) => {
    const name = subject.binding?.graphId
      ? newNameOf(setting, subject)
      : nameToCreate(configuration, subject)
    return name ? foldCase(name) : []
  })
  return readWanting(database, query, { names, among: query.userIds, before: last })
}

/** As they are exported, each of them once. */
const inOrder = (subjects: readonly Subject[]): readonly Subject[] =>
  [...new Map(subjects.map((subject) => [subject.user.id, subject])).values()].toSorted((a, b) =>
    a.user.id < b.user.id ? -1 : 1,
  )

const both = (setting: Setting, others: Setting): Setting => ({
  ...setting,
  outcomes: new Map([...others.outcomes, ...setting.outcomes]),
  accounts: new Map([...others.accounts, ...setting.accounts]),
  recycleBin: new Map([...others.recycleBin, ...setting.recycleBin]),
  holders: new Map([...others.holders, ...setting.holders]),
})
