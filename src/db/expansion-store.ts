import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { holdsLease, type LeaseKey } from './lease.ts'

/** How many bindings one batch makes due. */
const PER_BATCH = 2000

/**
 * Makes the next bindings after `cursor` due and stores how far it came; when none is left, the log is followed beyond the
 * command at `sequence`. One round trip. Gives whether the expansion is through.
 */
export async function expandCommand(
  database: Database,
  key: LeaseKey,
  { sequence, cursor, now }: { sequence: number; cursor: string; now: number },
): Promise<boolean> {
  const mine = sql`organization_id = ${key.organizationId} AND directory_id = ${key.directoryId} AND kind = 'user'`
  const last = sql`(SELECT max(resource_id) FROM (SELECT resource_id FROM binding
    WHERE ${mine} AND resource_id > ${cursor} ORDER BY resource_id LIMIT ${PER_BATCH}))`
  const here = sql`organization_id = ${key.organizationId} AND id = ${key.directoryId}`
  const [, page] = await database.run(
    holdsLease(key),
    sql`SELECT ${last} AS last`,
    sql`UPDATE binding SET due_at = ${now}, state = CASE state WHEN 'synced' THEN 'owed' ELSE state END
      WHERE ${mine} AND resource_id > ${cursor} AND resource_id <= ${last}
        AND due_at IS NULL AND state <> 'former' AND (state <> 'held' OR graph_id IS NOT NULL)`,
    sql`UPDATE directory SET
        expansion = CASE WHEN ${last} IS NULL THEN NULL
          ELSE json_object('sequence', ${sequence}, 'cursor', ${last}) END,
        position = CASE WHEN ${last} IS NULL THEN max(position, ${sequence}) ELSE position END
      WHERE ${here}`,
  )
  return (page?.rows[0]?.['last'] ?? null) === null
}

/** Follows the log beyond a command that asks for nothing more. */
export async function passCommand(
  database: Database,
  key: LeaseKey,
  sequence: number,
): Promise<void> {
  await database.run(
    holdsLease(key),
    sql`UPDATE directory SET position = max(position, ${sequence})
      WHERE organization_id = ${key.organizationId} AND id = ${key.directoryId}`,
  )
}
