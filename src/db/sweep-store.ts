/** How lagging directories are found: by cron for everybody (a scan without an organization), by a bell for one. */
import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { isFollowedBy } from './event-log.ts'
import { NOW } from './lease.ts'

export interface Lagging {
  readonly organizationId: string
  readonly directoryId: string
}

/** Records alone are no lag, but many of them are worth stepping over, lest every look scans them. */
const RECORDS_WORTH_A_STEP = 1000
/** More bells than one invocation rings in reasonable time. */
const MOST = 500

/**
 * Active directories whose log holds something to follow, that have a due binding, or that left an intent behind; but none
 * whose lease is held: its holder looks once more when it gives the lease back, and an expired lease is found by cron.
 * Were it rung for, the bells of everything that happens during one long drain would go round until its end. Of more
 * than one look takes, any: so none is left out look after look.
 */
export async function laggingDirectories(
  database: Database,
  now: number,
  organizationId?: string,
): Promise<readonly Lagging[]> {
  const only = organizationId === undefined ? sql`TRUE` : sql`d.organization_id = ${organizationId}`
  const [found] = await database.run(
    sql`SELECT d.organization_id, d.id FROM directory d
      WHERE ${only} AND d.state = 'active' AND d.lease_until <= ${NOW} AND (
        d.intent IS NOT NULL AND d.intent <> 'null'
        OR EXISTS (SELECT 1 FROM binding b WHERE b.organization_id = d.organization_id
          AND b.directory_id = d.id AND b.urgency IN (0, 1) AND b.due_at <= ${now})
        OR EXISTS (SELECT 1 FROM event e WHERE e.organization_id = d.organization_id
          AND e.sequence > d.position AND ${isFollowedBy(sql`d.id`, 'e')})
        OR (SELECT max(e.sequence) FROM event e WHERE e.organization_id = d.organization_id)
          > d.position + ${RECORDS_WORTH_A_STEP})
      ORDER BY random() LIMIT ${MOST}`,
  )
  return (found?.rows ?? []).map((row) => ({
    organizationId: String(row['organization_id']),
    directoryId: String(row['id']),
  }))
}
