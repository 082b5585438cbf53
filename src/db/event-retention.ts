/**
 * How long events are kept: as each organization says, and never shorter than its directories need them, or what they overwrote can be put
 * back.
 */
import { type SQL, sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { DEFAULT_RETENTION_DAYS } from './organization-store.ts'

const DAY_MS = 24 * 3_600_000
/** Events a statement: D1 is not kept from everybody else for long. */
const CHUNK = 2000
/** Statements a run; the rest is left to the next day. */
const MAX_CHUNKS = 400

/**
 * Drops the events of every organization that are older than it keeps them, oldest first; gives their number. The newest
 * event stays (the sequence goes on from it), and so does what a directory has not followed yet, and what can be undone.
 */
export async function dropOldEvents(database: Database, now: number): Promise<number> {
  const due = await organizationsWithOld(database, now)
  let dropped = 0
  let chunks = 0
  for (const { organizationId, cutoff } of due) {
    const kept = await undoableIn(database, organizationId)
    for (let isMore = true; isMore && chunks < MAX_CHUNKS; chunks++) {
      const [answer] = await database.run(dropChunk(organizationId, kept, cutoff))
      const changes = answer?.changes ?? 0
      dropped += changes
      isMore = changes === CHUNK
    }
  }
  return dropped
}

interface Due {
  readonly organizationId: string
  /** Events before this time (ms) are too old. */
  readonly cutoff: number
}

/** Organizations whose oldest event may go: one look into the log of each. */
async function organizationsWithOld(database: Database, now: number): Promise<readonly Due[]> {
  const cutoff = sql`${now} - ${DAY_MS} * coalesce(o.settings ->> '$.eventRetentionDays', ${DEFAULT_RETENTION_DAYS})`
  const [found] = await database.run(
    sql`SELECT o.id, ${cutoff} AS cutoff FROM organization o WHERE (SELECT time
        FROM (${oldest(sql`o.id`, undoable(sql`o.id`), 1)})) < ${cutoff}`,
  )
  return (found?.rows ?? []).map((row) => ({
    organizationId: String(row['id']),
    cutoff: Number(row['cutoff']),
  }))
}

/** The sequences that stay, as a JSON list: read once for all chunks. */
async function undoableIn(database: Database, organizationId: string): Promise<string> {
  const [found] = await database.run(undoable(sql`${organizationId}`))
  return JSON.stringify((found?.rows ?? []).map((row) => row['sequence']))
}

const dropChunk = (organizationId: string, kept: string, cutoff: number): SQL =>
  sql`DELETE FROM event WHERE organization_id = ${organizationId} AND sequence IN (
    SELECT sequence FROM (${oldest(sql`${organizationId}`, sql`SELECT value FROM json_each(${kept})`, CHUNK)})
    WHERE time < ${cutoff})`

/** The binds and directions that overwrote what is kept, each known to an undoing by its event. */
const undoable = (organizationId: SQL): SQL =>
  sql`SELECT w.sequence FROM overwritten w WHERE w.organization_id = ${organizationId}
    UNION SELECT b.bound_sequence FROM overwritten w CROSS JOIN binding b
      ON b.organization_id = w.organization_id AND b.directory_id = w.directory_id AND b.kind = 'user'
        AND b.resource_id = w.user_id AND b.bound_sequence IS NOT NULL
      WHERE w.organization_id = ${organizationId}`

/** The oldest events that are not the newest one nor among `kept`, and that every directory has followed. */
function oldest(organizationId: SQL, kept: SQL, limit: number): SQL {
  const here = sql`organization_id = ${organizationId}`
  const newest = sql`(SELECT max(sequence) FROM event WHERE ${here})`
  const followed = sql`(SELECT min(min(position), min(urgent_position)) FROM directory WHERE ${here})`
  return sql`SELECT sequence, time FROM event WHERE ${here} AND sequence < ${newest}
    AND sequence <= coalesce(${followed}, ${newest}) AND sequence NOT IN (${kept})
    ORDER BY sequence LIMIT ${limit}`
}
