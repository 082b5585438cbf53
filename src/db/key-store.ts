/** API keys as administrators manage them. How a key is recognised: api-key-store.ts. */
import { type SQL, sql } from 'drizzle-orm'

import { isRefused, write } from './admin-write.ts'
import { type Database, decode } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import { mutation } from './mutation.ts'
import { admin, apiKey } from './tables/organizations.ts'

type ApiKeyRow = typeof apiKey.$inferSelect
type Role = (typeof admin.$inferSelect)['role']

/** A key as it is shown: its hash leaves the database never. */
export type ShownKey = Omit<ApiKeyRow, 'secretHash' | 'role'> & {
  readonly adminName: string
  /** What it may do: what its administrator may, or less. */
  readonly role: Role
}

/** From the least to the most. */
const ROLES: readonly Role[] = ['read_only', 'manager', 'administrator', 'billing_admin']

/** The role of a key: its administrator's, unless it was given a lesser one. */
export const lesserRole = (role: Role, most: Role | null): Role =>
  most !== null && ROLES.indexOf(most) < ROLES.indexOf(role) ? most : role

export interface KeyStore {
  /** Keys after `afterId`, in the order of their ids. */
  list(afterId: string, limit: number): Promise<readonly ShownKey[]>
  /** A key, also one that is revoked. */
  find(id: string): Promise<ShownKey | undefined>
  /** False: there is no such administrator. */
  insert(row: ApiKeyRow, event: NewEvent): Promise<boolean>
  /** Revoking twice is revoking once. False: nobody would be left who may make another key. */
  revoke(id: string, now: number, event: NewEvent): Promise<boolean>
}

/** The keys that can make another one, as `k` with their administrators as `a`: without any, nobody could manage the organization. */
export const managingKeys = (organizationId: string, now: number): SQL =>
  sql`SELECT k.id FROM api_key k JOIN admin a ON a.organization_id = k.organization_id AND a.id = k.admin_id
    WHERE k.organization_id = ${organizationId} AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > ${now})
      AND coalesce(k.role, 'billing_admin') = 'billing_admin' AND a.role = 'billing_admin'`

/** The API keys of one organization. */
export function keyStore(database: Database, organizationId: string): KeyStore {
  const here = sql`organization_id = ${organizationId}`

  async function read(condition: SQL): Promise<ShownKey[]> {
    const [found] = await database.run(
      sql`SELECT k.*, a.name AS admin_name, a.role AS admin_role FROM api_key k
        JOIN admin a ON a.organization_id = k.organization_id AND a.id = k.admin_id
        WHERE k.organization_id = ${organizationId} AND ${condition}`,
    )
    return (found?.rows ?? []).map(toKey)
  }

  return {
    list: (afterId, limit) => read(sql`k.id > ${afterId} ORDER BY k.id LIMIT ${limit}`),
    find: async (id) => (await read(sql`k.id = ${id}`))[0],
    async insert(row, event) {
      const { id, adminId, name, secretHash, prefix, role, expiresAt, createdAt } = row
      const insertion = sql`INSERT INTO api_key (organization_id, id, admin_id, name, secret_hash, prefix, role,
          expires_at, created_at)
        SELECT organization_id, ${id}, id, ${name}, ${secretHash}, ${prefix}, ${role}, ${expiresAt}, ${createdAt}
        FROM admin WHERE ${here} AND id = ${adminId}`
      return (await write(database, mutation(organizationId, insertion, event, []))).ok
    },
    async revoke(id, now, event) {
      const managing = managingKeys(organizationId, now)
      const written = await write(database, [
        refuseUnless(
          sql`${id} NOT IN (${managing}) OR EXISTS (${managing} AND k.id <> ${id})`,
          'last',
        ),
        sql`UPDATE api_key SET revoked_at = ${now} WHERE ${here} AND id = ${id} AND revoked_at IS NULL`,
        appendEvents(organizationId, [event], { onlyIfChanged: true }),
      ])
      if (!written.ok && !isRefused(written.error, 'last'))
        throw new Error('a revocation was refused')
      return written.ok
    },
  }
}

function toKey(row: Record<string, unknown>): ShownKey {
  const { secretHash: _, role: most, ...shown } = decode(apiKey, row)
  const { name: adminName, role } = decode(admin, {
    name: row['admin_name'],
    role: row['admin_role'],
  })
  return { ...shown, adminName, role: lesserRole(role, most) }
}
