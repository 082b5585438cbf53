/** The log as administrators read it: newest first. */
import { type SQL, sql } from 'drizzle-orm'

import { walked, walkedPage } from './bounded-walk.ts'
import { type Database, decode } from './client.ts'
import { event } from './tables/events.ts'

export type EventRow = typeof event.$inferSelect

export interface EventQuery {
  readonly types: readonly string[]
  readonly actorId: string | undefined
  readonly targetId: string | undefined
  readonly outcome: EventRow['outcome'] | undefined
  /** Milliseconds, both inclusive. */
  readonly from: number | undefined
  readonly to: number | undefined
  /** The sequence that the page before ended with. */
  readonly before: number | undefined
  readonly limit: number
}

export interface EventPage {
  readonly items: readonly EventRow[]
  /** The sequence before which the next page begins; undefined on the last page. */
  readonly nextBefore: number | undefined
}

/** The order of the log is that of the commits, and requests take their time a little before. */
const DISORDER_MS = 60 * 60_000

/** One page of an organization's log, in one round trip. */
export async function listEvents(
  database: Database,
  organizationId: string,
  query: EventQuery,
): Promise<EventPage> {
  const { limit, from, targetId, before = Number.MAX_SAFE_INTEGER } = query
  const target = targetId === undefined ? sql`TRUE` : sql`target_id = ${targetId}`
  const page = walked({
    from: sql`event WHERE organization_id = ${organizationId} AND ${target} AND sequence < ${before}`,
    place: sql`sequence`,
    order: sql`sequence DESC`,
    matches: conditionOf(query),
    limit,
  })
  const [found] = await database.run(
    sql`SELECT e.*, w.is_match, w.walked FROM ${page} w JOIN event e
        ON e.organization_id = ${organizationId} AND e.sequence = w.place ORDER BY e.sequence DESC`,
  )
  const { rows, last } = walkedPage(found?.rows ?? [], limit)
  // Nothing further down is as young as asked.
  const isPast =
    from !== undefined && last !== undefined && Number(last['time']) < from - DISORDER_MS
  return {
    items: rows.map((row) => decode(event, row)),
    nextBefore: last === undefined || isPast ? undefined : Number(last['sequence']),
  }
}

function conditionOf({ types, actorId, outcome, from, to }: EventQuery): SQL {
  const conditions = [
    ...(types.length === 0
      ? []
      : [sql`type IN (SELECT value FROM json_each(${JSON.stringify(types)}))`]),
    ...(actorId === undefined ? [] : [sql`actor_id = ${actorId}`]),
    ...(outcome === undefined ? [] : [sql`outcome = ${outcome}`]),
    ...(from === undefined ? [] : [sql`time >= ${from}`]),
    ...(to === undefined ? [] : [sql`time <= ${to}`]),
  ]
  // The value of AND is NULL for a row without an actor, which is no match either.
  return conditions.length === 0 ? sql`1` : sql`coalesce(${sql.join(conditions, sql` AND `)}, 0)`
}
