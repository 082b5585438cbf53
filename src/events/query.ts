import { type EventQuery, type EventRow, listEvents } from '../db/event-store.ts'
import type { Database } from '../db/client.ts'
import type { ListBody } from '../http/api-context.ts'
import { pageQuery, timeQuery, toCursor } from '../http/parse-request.ts'
import { invalidParameter, type Problem } from '../http/problem.ts'
import { eventId } from '../kernel/id.ts'
import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'

type Query = Readonly<Record<string, string>>

/** One page of the log, newest first, filtered by what the query names. Problem: invalid, with the parameter. */
export async function queryEvents(
  database: Database,
  organizationId: string,
  query: Query,
): Promise<Result<ListBody, Problem>> {
  const parsed = parseQuery(query)
  if (!parsed.ok) return parsed
  const { items, nextBefore } = await listEvents(database, organizationId, parsed.value)
  return ok({
    items: items.map(showEvent),
    nextCursor: nextBefore === undefined ? null : toCursor(String(nextBefore)),
  })
}

function parseQuery(query: Query): Result<EventQuery, Problem> {
  const page = pageQuery(query)
  if (!page.ok) return page
  const { limit, after } = page.value
  if (after !== undefined && !/^\d{1,15}$/.test(after))
    return err(invalidParameter('cursor', 'is the cursor of another list; leave it out to begin'))
  const from = timeQuery(query, 'from')
  if (!from.ok) return from
  const to = timeQuery(query, 'to')
  if (!to.ok) return to
  return ok({
    types: (query['type'] ?? '').split(',').filter((type) => type !== ''),
    actorId: query['actor'] || undefined,
    targetId: query['target'] || undefined,
    from: from.value,
    to: to.value,
    before: after === undefined ? undefined : Number(after),
    limit,
  })
}

/** An event as the API shows it; its id is its place in the log. */
function showEvent(row: EventRow): JsonObject {
  const { sequence, time, type, actorType, actorId, targetType, targetId, outcome, body } = row
  const actor = isJsonObject(body['actor']) ? body['actor'] : {}
  return {
    id: eventId(sequence),
    sequence,
    time: toRfc3339(time),
    type,
    actor: { type: actorType, id: actorId, ...actor },
    target: { type: targetType, id: targetId },
    directoryId: row.directoryId,
    origin: body['origin'] ?? {},
    outcome,
    changes: body['changes'] ?? [],
    ...(body['changeCount'] === undefined ? {} : { changeCount: body['changeCount'] }),
    details: body['details'] ?? {},
  }
}
