/** How an API key is recognised. Making and revoking them: key-store.ts. */
import { sql } from 'drizzle-orm'

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

/** The administrator of an active API key, by the key's hash; undefined for an unknown, revoked or expired one. */
export async function findKeyOwner(
  database: Database,
  secretHash: string,
  now: number,
): Promise<KeyOwner | undefined> {
  const held = known.get(secretHash)
  if (held !== undefined && now - held.readAt < MAX_AGE_MS)
    return now < held.expiresAt ? held.owner : undefined
  const found = await readKey(database, secretHash, now)
  known.delete(secretHash)
  if (found === undefined || now >= found.expiresAt) return undefined
  const [oldest] = known.keys()
  if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest)
  known.set(secretHash, found)
  return found.owner
}

/** Not by organization: the key is what tells the organization. */
async function readKey(
  database: Database,
  secretHash: string,
  now: number,
): Promise<Known | undefined> {
  const [keys, admins] = await database.run(
    sql`SELECT * FROM api_key WHERE secret_hash = ${secretHash}`,
    sql`SELECT a.* FROM api_key k JOIN admin a
      ON a.organization_id = k.organization_id AND a.id = k.admin_id WHERE k.secret_hash = ${secretHash}`,
  )
  const [keyRow] = keys?.rows ?? []
  const [adminRow] = admins?.rows ?? []
  if (keyRow === undefined || adminRow === undefined) return undefined
  const { organizationId, id: keyId, role: most, revokedAt, expiresAt } = decode(apiKey, keyRow)
  if (revokedAt !== null) return undefined
  const { id: adminId, name, role } = decode(admin, adminRow)
  return {
    owner: { organizationId, adminId, name, role: lesserRole(role, most), keyId },
    expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
    readAt: now,
  }
}
