import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { holdsLease, type LeaseKey } from './lease.ts'

/** How many users of the directory have an account that is ours. A scan of its bindings: asked only when it decides something. */
export async function countBound(database: Database, key: LeaseKey): Promise<number> {
  const [, found] = await database.run(
    holdsLease(key),
    sql`SELECT count(*) AS bound FROM binding WHERE organization_id = ${key.organizationId}
      AND directory_id = ${key.directoryId} AND kind = 'user'
      AND graph_id IS NOT NULL AND state <> 'former'`,
  )
  return Number(found?.rows[0]?.['bound'] ?? 0)
}
