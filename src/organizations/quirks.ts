import * as v from 'valibot'

import { quirkCounts } from '../db/quirk-store.ts'
import { sourceStore } from '../db/source-store.ts'
import { listOf, timeShape } from '../http/describe-api.ts'
import type { Problem } from '../http/problem.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import { QUIRKS } from '../scim/quirk-table.ts'
import type { OrganizationScope } from './context.ts'
import { noSource } from './sources.ts'

export const quirkShape = v.strictObject({
  number: v.number(),
  name: v.string(),
  description: v.pipe(v.string(), v.description('What was seen.')),
  whatToDo: v.pipe(v.string(), v.description('What to change in the client.')),
  count: v.pipe(v.number(), v.description('Requests in which it was tolerated.')),
  lastSeen: timeShape,
})
const quirksShape = listOf(quirkShape)

const TABLE: ReadonlyMap<number, { readonly description: string; readonly remedy: string }> =
  new Map(Object.entries(QUIRKS).map(([number, quirk]) => [Number(number), quirk]))

/** Which peculiarities of a source's client were tolerated, by number. Problem: notFound. */
export async function listQuirks(
  { database, organizationId }: OrganizationScope,
  sourceId: string,
): Promise<Result<v.InferOutput<typeof quirksShape>, Problem>> {
  const source = await sourceStore(database, organizationId).find(sourceId)
  if (source === undefined) return err(noSource(sourceId))
  const counts = await quirkCounts(database, organizationId, sourceId)
  // A number that the table no longer describes was counted by an earlier release.
  const items = counts.flatMap(({ number, count, lastSeen }) => {
    const { description, remedy: whatToDo } = TABLE.get(number) ?? {}
    if (description === undefined || whatToDo === undefined) return []
    const seen = { count, lastSeen: toRfc3339(lastSeen) }
    return [{ number, name: `Q${number}`, description, whatToDo, ...seen }]
  })
  return ok({ items, nextCursor: null })
}
