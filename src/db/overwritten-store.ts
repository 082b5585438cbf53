/** What accounts held before a bind or a direction overwrote it; kept for 30 days, so that it can be put back. */
import { type SQL, sql } from 'drizzle-orm'

import type { Json, JsonObject } from '../kernel/json.ts'
import type { Database } from './client.ts'
import type { LeaseKey } from './lease.ts'

/** So long what was overwritten is kept. */
export const OVERWRITTEN_KEPT_MS = 30 * 24 * 3_600_000

export interface Overwritten {
  readonly userId: string
  readonly graphId: string
  /** The event that makes us overwrite it. */
  readonly sequence: number
  /** By attribute. */
  readonly held: Readonly<Record<string, Json>>
}

/**
 * The statement that keeps what is about to be overwritten. What was kept first stays: later there may be a value of ours; but for that
 * of an account that the user has no more.
 */
export function keepOverwritten(
  { organizationId, directoryId }: LeaseKey,
  overwritten: readonly Overwritten[],
  now: number,
): SQL[] {
  if (overwritten.length === 0) return []
  const rows = overwritten.map(({ held, ...row }) => ({ ...row, held: inLists(held) }))
  return [
    sql`INSERT INTO overwritten (organization_id, directory_id, user_id, sequence, graph_id, held, created_at)
      SELECT ${organizationId}, ${directoryId}, o.value ->> 'userId', o.value ->> 'sequence',
        o.value ->> 'graphId', o.value -> 'held', ${now}
      FROM json_each(${JSON.stringify(rows)}) o WHERE TRUE
      ON CONFLICT DO UPDATE SET graph_id = excluded.graph_id,
        held = CASE graph_id WHEN excluded.graph_id THEN json_patch(excluded.held, overwritten.held) ELSE excluded.held END,
        created_at = CASE graph_id WHEN excluded.graph_id THEN created_at ELSE excluded.created_at END`,
  ]
}

/** A merge patch (RFC 7396) takes null for a removal, and a list for a value. */
const inLists = (held: Overwritten['held']): JsonObject =>
  Object.fromEntries(Object.entries(held).map(([name, value]) => [name, [value]]))

/** What is kept of the account of a binding that the event at `sequence` overwrote, as `o`: by a direction that alone, by the bind everything since. */
const keptBy = (
  sequence: number,
): SQL => sql`o.organization_id = binding.organization_id AND o.directory_id = binding.directory_id
  AND o.user_id = binding.resource_id AND o.graph_id = binding.graph_id
  AND (o.sequence = ${sequence} AND coalesce(binding.bound_sequence, 0) <= ${sequence}
    OR binding.bound_sequence = ${sequence} AND o.sequence > ${sequence})`

/** Whether there is anything to be put back of it. For statements about `binding`. */
export const isOverwritten = (sequence: number): SQL =>
  sql`EXISTS (SELECT 1 FROM overwritten o WHERE ${keptBy(sequence)})`

/**
 * What the account of a binding held before what is to be undone: by a direction that alone, by the bind everything since; NULL when
 * nothing was overwritten, or another event has bound the user since. What is to be put back already is put back with it. For
 * statements about `binding`.
 */
export const heldBefore = (sequence: number): SQL => sql`(
  SELECT json_group_object(name, json(held)) FROM (
    SELECT name, held, min(place) FROM (
      SELECT e.key AS name, e.value -> '$[0]' AS held, o.sequence AS place
        FROM overwritten o, json_each(o.held) e WHERE ${keptBy(sequence)}
      UNION ALL SELECT e.key, binding.restoring -> e.fullkey, ${Number.MAX_SAFE_INTEGER}
        FROM json_each(binding.restoring) e)
    GROUP BY name) HAVING count(*) > 0)`

/** Somebody asked in time for something to be undone, and the directory, which is paused perhaps, has still to follow it. */
const IS_ASKED_FOR = sql`EXISTS (SELECT 1 FROM event e JOIN directory d ON d.organization_id = e.organization_id AND d.id = e.target_id
  WHERE e.organization_id = overwritten.organization_id AND e.target_id = overwritten.directory_id
    AND e.type = 'undo' AND e.sequence > d.position)`

/** Drops what was overwritten more than 30 days ago, in every organization; gives its number. */
export async function dropOverwritten(database: Database, now: number): Promise<number> {
  const [dropped] = await database.run(
    sql`DELETE FROM overwritten WHERE created_at <= ${now - OVERWRITTEN_KEPT_MS} AND NOT ${IS_ASKED_FOR}`,
  )
  return dropped?.changes ?? 0
}
