/** Accounts of former users that we deleted: Microsoft 365 keeps them for 30 days, for the same person to come back to. */
import { type SQL, sql } from 'drizzle-orm'

import type { LeaseKey } from './lease.ts'

export interface DeletedAccount {
  readonly graphId: string
  /** The former user. */
  readonly resourceId: string
  readonly externalId: string | null
  /** Its userPrincipalName before it was deleted. */
  readonly name: string | null
  readonly deletedAt: number
  /** The attributes that we had exported to it. */
  readonly exported: readonly string[]
}

/** So long Microsoft 365 keeps a deleted account. */
export const ACCOUNT_KEPT_MS = 30 * 24 * 3_600_000

/**
 * The statement that finds the accounts which one of the users may ask for: by externalId, or by any name it may want; `users` is what
 * stands behind IN.
 */
export function deletedAccountsOf(
  { organizationId, directoryId }: Pick<LeaseKey, 'organizationId' | 'directoryId'>,
  users: SQL,
  now: number,
): SQL {
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}
    AND deleted_at IS NOT NULL AND deleted_at > ${now - ACCOUNT_KEPT_MS} AND graph_id IS NOT NULL`
  const of = (column: SQL) =>
    sql`SELECT ${column} FROM user WHERE organization_id = ${organizationId}
      AND id IN ${users} AND ${column} IS NOT NULL`
  const names = sql`${of(sql`user_name_key`)} UNION ALL SELECT lower(e.value ->> 'value')
    FROM user u, json_each(u.resource, '$.emails') e WHERE u.organization_id = ${organizationId}
      AND u.id IN ${users}`
  const account = sql`SELECT graph_id, resource_id, external_id, deleted_at,
    snapshot ->> 'email' AS name, (SELECT json_group_array(key) FROM json_each(snapshot)) AS exported`
  // Most directories delete nothing: then no user is read for this, nor (left to itself, SQLite would) every binding.
  const deletesAny = sql`EXISTS (SELECT 1 FROM binding INDEXED BY binding_deleted_by_name WHERE ${mine})`
  return sql`${account} FROM binding
      WHERE ${deletesAny} AND ${mine} AND external_id IN (${of(sql`external_id`)})
    UNION ${account} FROM binding
      WHERE ${deletesAny} AND ${mine} AND lower(snapshot ->> 'email') IN (${names})`
}

/** Reads one row of that statement. */
export function toDeletedAccount(row: Record<string, unknown>): DeletedAccount {
  const keys: unknown = JSON.parse(String(row['exported']))
  return {
    graphId: String(row['graph_id']),
    resourceId: String(row['resource_id']),
    externalId: typeof row['external_id'] === 'string' ? row['external_id'] : null,
    name: typeof row['name'] === 'string' ? row['name'] : null,
    deletedAt: Number(row['deleted_at']),
    exported: Array.isArray(keys) ? keys.map(String) : [],
  }
}
