import { type SQL, sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { holdsLease, type LeaseKey } from './lease.ts'

type DirectoryKey = Pick<LeaseKey, 'organizationId' | 'directoryId'>

/**
 * How many users of the directory have an account that is ours: what a threshold in percent is of. One that is being unbound counts
 * until it has ended: else whoever unbinds everybody at once would make the share of them that may go smaller with each. A scan of the
 * bindings: asked only when it decides something; a drain asks under its lease.
 */
export async function countBound(
  database: Database,
  key: DirectoryKey | LeaseKey,
): Promise<number> {
  const lease = 'token' in key ? [holdsLease(key)] : []
  const answers = await database.run(...lease, boundOf(key, sql`state <> 'former'`))
  return Number(answers.at(-1)?.rows[0]?.['bound'] ?? 0)
}

/** How many will have one, as far as they do, once these users are bound as well. */
export async function countBoundWith(
  database: Database,
  key: DirectoryKey,
  userIds: readonly string[],
): Promise<number> {
  const these = sql`SELECT value FROM json_each(${JSON.stringify(userIds)})`
  const bound = sql`(state <> 'former' OR resource_id IN (${these}))`
  const [found] = await database.run(boundOf(key, bound))
  return Number(found?.rows[0]?.['bound'] ?? 0)
}

const boundOf = ({ organizationId, directoryId }: DirectoryKey, isBound: SQL): SQL =>
  sql`SELECT count(*) AS bound FROM binding WHERE organization_id = ${organizationId}
    AND directory_id = ${directoryId} AND kind = 'user' AND graph_id IS NOT NULL AND ${isBound}`
