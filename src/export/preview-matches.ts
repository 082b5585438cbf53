/** Looks, for users who would be created, for accounts that may be theirs already: one search for each of them. Reads only. */
import type { Holder } from '../db/bound-accounts.ts'
import { readPreviewHolders } from '../db/preview-reader.ts'
import type { Outcome } from '../graph/outcome.ts'
import { isJsonArray, isJsonObject } from '../kernel/json.ts'
import { ok, type Result } from '../kernel/result.ts'
import { findAlike } from '../plan/requests.ts'
import type { BindingError } from './draft.ts'
import {
  ALIKE_SELECT,
  type AlikeAccount,
  likenessOf,
  possibleMatch,
  readAlike,
} from './possible-match.ts'
import type { PreviewItem } from './preview-item.ts'
import { readAll, type Reading, type ReadingFault } from './preview-reading.ts'
import { nameToCreate, personOf, type Setting, type Subject } from './preview-subject.ts'

/** What Microsoft 365 has that is like one user. */
interface Found {
  readonly accounts: readonly AlikeAccount[]
  readonly hasMore: boolean
}

/** Adds to each of the items that create an account which others may be that person's. What is created stays the same. */
export async function withMatches(
  reading: Reading,
  setting: Setting,
  subjects: readonly Subject[],
  items: readonly PreviewItem[],
): Promise<Result<readonly PreviewItem[], ReadingFault>> {
  const created = new Set(
    items.flatMap(({ action, userId }) => (action === 'create' ? userId : [])),
  )
  const people = subjects.filter(({ user }) => created.has(user.id))
  const requests = people.flatMap((subject) => {
    const request = findAlike(likenessOf(personOf(subject)), ALIKE_SELECT)
    return request === undefined ? [] : [[subject.user.id, request] as const]
  })
  const read = await readAll(reading, new Map(requests))
  if (!read.ok) return read
  const found = new Map([...read.value].map(([id, outcome]) => [id, foundIn(outcome)]))
  const graphIds = new Set(
    [...found.values()].flatMap(({ accounts }) => accounts.map(({ id }) => id)),
  )
  const holders = await readPreviewHolders(reading.database, reading.key, [...graphIds])
  const problems = new Map(
    people.map((subject) => [
      subject.user.id,
      problemOf(setting, subject, found.get(subject.user.id), holders),
    ]),
  )
  return ok(
    items.map((item) => {
      const problem = problems.get(item.userId)
      return problem === undefined ? item : { ...item, problems: [problem, ...item.problems] }
    }),
  )
}

/** Graph's list; what it refuses to search for is like nobody. */
function foundIn(outcome: Outcome): Found {
  const body = outcome.kind === 'done' && isJsonObject(outcome.body) ? outcome.body : {}
  const { value, '@odata.nextLink': next } = body
  const accounts = (isJsonArray(value) ? value : []).flatMap((each) => readAlike(each) ?? [])
  return { accounts, hasMore: typeof next === 'string' }
}

function problemOf(
  setting: Setting,
  subject: Subject,
  found: Found | undefined,
  holders: ReadonlyMap<string, Holder>,
): BindingError | undefined {
  const name = nameToCreate(setting, subject)
  if (found === undefined || name === null) return undefined
  const policy = setting.settings.conflict
  return possibleMatch({ ...found, person: personOf(subject), name, policy, holders })
}
