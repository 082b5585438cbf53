/** How an API key is recognised. Making and revoking them: key-store.ts. */
import { sql } from 'drizzle-orm'

import { err, ok, type Result } from '../kernel/result.ts'
import { type Database, decode } from './client.ts'
import { lesserRole } from './key-store.ts'
import { admin, apiKey } from './tables/organizations.ts'

/** The administrator that an API key belongs to. */
export interface KeyOwner {
  readonly organizationId: string
  readonly adminId: string
  readonly name: string
  readonly role: (typeof admin)['$inferSelect']['role']
  readonly keyId: string
}

/** Why a key is refused, and whose it is as far as that is known. */
export interface RefusedKey {
  readonly reason: 'unknown' | 'revoked' | 'expired'
  readonly owner?: KeyOwner
}

interface Known {
  readonly owner: KeyOwner
  readonly expiresAt: number
  readonly readAt: number
}

/** A revoked key, and a role that was taken away, count for this long at most. */
const MAX_AGE_MS = 30_000
const MAX_KNOWN = 1000
/** Resolved values only, by hash. What is not found is asked again, so that a new key works at once. */
const known = new Map<string, Known>()

/** The administrator of an active API key, by the key's hash. */
export async function findKeyOwner(
  database: Database,
  secretHash: string,
  now: number,
): Promise<Result<KeyOwner, RefusedKey>> {
  const held = known.get(secretHash)
  if (held !== undefined && now - held.readAt < MAX_AGE_MS) return ownerNow(held, now)
  const found = await readKey(database, secretHash, now)
  known.delete(secretHash)
  if (!found.ok) return found
  const [oldest] = known.keys()
  if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest)
  known.set(secretHash, found.value)
  return ownerNow(found.value, now)
}

const ownerNow = ({ owner, expiresAt }: Known, now: number): Result<KeyOwner, RefusedKey> =>
  now < expiresAt ? ok(owner) : err({ reason: 'expired', owner })

/** Not by organization: the key is what tells the organization. */
async function readKey(
  database: Database,
  secretHash: string,
  now: number,
): Promise<Result<Known, RefusedKey>> {
  const [keys, admins] = await database.run(
    sql`SELECT * FROM api_key WHERE secret_hash = ${secretHash}`,
    sql`SELECT a.* FROM api_key k JOIN admin a
      ON a.organization_id = k.organization_id AND a.id = k.admin_id WHERE k.secret_hash = ${secretHash}`,
  )
  const [keyRow] = keys?.rows ?? []
  const [adminRow] = admins?.rows ?? []
  if (keyRow === undefined || adminRow === undefined) return err({ reason: 'unknown' })
  const { organizationId, id: keyId, role: most, revokedAt, expiresAt } = decode(apiKey, keyRow)
  const { id: adminId, name, role } = decode(admin, adminRow)
  const owner = { organizationId, adminId, name, role: lesserRole(role, most), keyId }
  if (revokedAt !== null) return err({ reason: 'revoked', owner })
  return ok({ owner, expiresAt: expiresAt ?? Number.POSITIVE_INFINITY, readAt: now })
}
