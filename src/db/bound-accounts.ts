import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { holdsLease, type LeaseKey } from './lease.ts'

/** Which of these Graph objects are bound in the directory already, and to which resource of ours. */
export async function boundAccounts(
  database: Database,
  key: LeaseKey,
  graphIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (graphIds.length === 0) return new Map()
  const [, found] = await database.run(
    holdsLease(key),
    sql`SELECT graph_id, resource_id FROM binding WHERE organization_id = ${key.organizationId}
      AND directory_id = ${key.directoryId} AND graph_id IS NOT NULL
      AND graph_id IN (SELECT value FROM json_each(${JSON.stringify(graphIds)}))`,
  )
  const rows = found?.rows ?? []
  return new Map(rows.map((row) => [String(row['graph_id']), String(row['resource_id'])]))
}
