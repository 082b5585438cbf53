import { type SQL, sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { holdsLease, type LeaseKey } from './lease.ts'

/** The binding that holds an account already. */
export interface Holder {
  readonly resourceId: string
  /** Nobody has the account any more: whoever had it was let go of, or deleted here while the end of the account is held or refused. */
  readonly isFormer: boolean
  readonly externalId: string | null
  /** The attributes that were exported to it. */
  readonly exported: readonly string[]
}

/** Which of these Graph objects are bound in the directory already, and to which resource of ours. */
export async function boundAccounts(
  database: Database,
  key: LeaseKey,
  graphIds: readonly string[],
): Promise<Map<string, Holder>> {
  if (graphIds.length === 0) return new Map()
  const [, found] = await database.run(holdsLease(key), holdersOf(key, graphIds))
  return readHolders(found?.rows ?? [])
}

/** Whether nobody has the account of this binding any more: see `Holder`. */
export const isFormerHolder = sql`(state = 'former' OR kind = 'user' AND state IN ('held', 'failed') AND due_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM user WHERE user.organization_id = binding.organization_id AND user.id = binding.resource_id))`

/** The statement that finds the bindings which hold these accounts. */
export const holdersOf = (
  { organizationId, directoryId }: Pick<LeaseKey, 'organizationId' | 'directoryId'>,
  graphIds: readonly string[],
): SQL =>
  sql`SELECT graph_id, resource_id, ${isFormerHolder} AS is_former, external_id,
      (SELECT json_group_array(key) FROM json_each(snapshot)) AS exported FROM binding INDEXED BY binding_by_graph_id
    WHERE organization_id = ${organizationId} AND directory_id = ${directoryId} AND graph_id IS NOT NULL
      AND graph_id IN (SELECT value FROM json_each(${JSON.stringify(graphIds)}))`

/** Reads the rows of that statement, by Graph id. */
export const readHolders = (rows: readonly Record<string, unknown>[]): Map<string, Holder> =>
  new Map(
    rows.map((row) => [
      String(row['graph_id']),
      {
        resourceId: String(row['resource_id']),
        isFormer: row['is_former'] === 1,
        externalId: typeof row['external_id'] === 'string' ? row['external_id'] : null,
        exported: keysIn(row['exported']),
      },
    ]),
  )

function keysIn(json: unknown): readonly string[] {
  const keys: unknown = JSON.parse(String(json))
  return Array.isArray(keys) ? keys.map(String) : []
}
