import { sql } from 'drizzle-orm'

import type { UsernamePolicy } from '../scim/username.ts'
import { decode, type Database } from './client.ts'
import { source, sourceCredential } from './tables/organizations.ts'

/** The source that a credential belongs to: who calls, for which organization, under which username policy. */
export interface SourceCaller {
  readonly organizationId: string
  readonly credentialId: string
  readonly source: {
    readonly id: string
    readonly name: string
    readonly usernamePolicy: UsernamePolicy
  }
}

/** The form in which bearer tokens are stored and looked up: SHA-256 in lower-case hexadecimal. */
export async function hashToken(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

interface Known {
  readonly caller: SourceCaller
  readonly expiresAt: number
  readonly readAt: number
}

/** A revoked credential is refused within this time. */
const MAX_AGE_MS = 30_000
const MAX_KNOWN = 1000
/** Resolved values only, by hash. What is not found is asked again, so that a new credential works at once. */
const known = new Map<string, Known>()

/** The source of an active bearer token, by the token's hash; undefined for an unknown, revoked or expired one. */
export async function findCaller(
  database: Database,
  tokenHash: string,
  now: number,
): Promise<SourceCaller | undefined> {
  const held = known.get(tokenHash)
  if (held !== undefined && now - held.readAt < MAX_AGE_MS)
    return now < held.expiresAt ? held.caller : undefined
  const found = await readCredential(database, tokenHash, now)
  known.delete(tokenHash)
  if (found === undefined || now >= found.expiresAt) return undefined
  const [oldest] = known.keys()
  if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest)
  known.set(tokenHash, found)
  return found.caller
}

/** Not by organization: the credential is what tells the organization. */
async function readCredential(
  database: Database,
  tokenHash: string,
  now: number,
): Promise<Known | undefined> {
  const [credentials, sources] = await database.run(
    sql`SELECT * FROM source_credential WHERE secret_hash = ${tokenHash}`,
    sql`SELECT s.* FROM source_credential c JOIN source s
      ON s.organization_id = c.organization_id AND s.id = c.source_id WHERE c.secret_hash = ${tokenHash}`,
  )
  const [credentialRow] = credentials?.rows ?? []
  const [sourceRow] = sources?.rows ?? []
  if (credentialRow === undefined || sourceRow === undefined) return undefined
  const { organizationId, id, type, revokedAt, expiresAt } = decode(sourceCredential, credentialRow)
  if (type !== 'bearer' || revokedAt !== null) return undefined
  const { id: sourceId, name, usernamePolicy } = decode(source, sourceRow)
  return {
    caller: { organizationId, credentialId: id, source: { id: sourceId, name, usernamePolicy } },
    expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
    readAt: now,
  }
}
