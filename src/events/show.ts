/** An event as the API shows it. Pure. */
import type { EventRow } from '../db/event-store.ts'
import { eventId } from '../kernel/id.ts'
import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { toRfc3339 } from '../kernel/time.ts'

/** An event as the API shows it; its id is its place in the log. */
export function showEvent(row: EventRow): JsonObject {
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
