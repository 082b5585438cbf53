/** Who else has a name that is wanted on a page of a preview, or wants it as well, and comes first: on whichever page that is. Reads only. */
import { readWanting } from '../db/preview-names.ts'
import { foldCase } from '../kernel/fold.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { AskedQuery } from './preview-call.ts'
import { type Reading, readGraph, type ReadingFault } from './preview-graph.ts'
import { nameToCreate, type Setting, type Subject } from './preview-subject.ts'
import { withFreedNames, withRivals } from './preview-rivals.ts'
import { readSubjects } from './preview-users.ts'

/** The setting with what these others make of the names that the subjects want. */
export async function withNamesakes(
  reading: Reading,
  query: AskedQuery,
  setting: Setting,
  subjects: readonly Subject[],
): Promise<Result<Setting, ReadingFault>> {
  const known = new Set(subjects.map(({ user }) => user.id))
  const wanting = await wantingToo(reading, query, subjects)
  const holders = [...setting.holders.values()].filter(({ isFormer }) => !isFormer)
  const ids = new Set([...wanting, ...holders.map(({ resourceId }) => resourceId)])
  const others = await readSubjects(
    reading,
    query,
    reading.configuration,
    [...ids].filter((id) => !known.has(id)),
  )
  const all = inOrder([...subjects, ...others])
  if (others.length === 0) return ok(withRivals(withFreedNames(setting, query, all), all))
  const read = await readGraph(reading, others)
  if (!read.ok) return read
  return ok(withRivals(withFreedNames(both(setting, read.value), query, all), all))
}

/** Of those whom a bind is about, who comes before the last of the page. */
async function wantingToo(
  { database, configuration }: Reading,
  query: AskedQuery,
  subjects: readonly Subject[],
): Promise<readonly string[]> {
  const last = inOrder(subjects).at(-1)?.user.id
  if (query.userIds === undefined || last === undefined) return []
  const names = subjects.flatMap((subject) => {
    const name = subject.binding?.graphId ? null : nameToCreate(configuration, subject)
    return name === null ? [] : foldCase(name)
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
