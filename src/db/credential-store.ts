/** How a source's credential is recognised. Adding and revoking them: source-store.ts. */
import { type SQL, sql } from 'drizzle-orm'

import { err, ok, type Result } from '../kernel/result.ts'
import type { UsernamePolicy } from '../scim/username.ts'
import { decode, type Database } from './client.ts'
import type { SourceCredentialRow } from './source-store.ts'
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

/** A caller, and until when (ms) what it showed is good. */
export interface Recognised {
  readonly caller: SourceCaller
  readonly expiresAt: number
}

/** Why a token is refused, and whose it is as far as that is known. */
export interface RefusedToken {
  readonly reason: 'unknown' | 'revoked' | 'expired' | 'unreachable'
  readonly caller?: SourceCaller
}

export type Recognition = Result<Recognised, RefusedToken>

/** A credential with the source that it belongs to. */
export interface CredentialOfSource {
  readonly credential: SourceCredentialRow
  readonly caller: SourceCaller
}

/** The form in which tokens and secrets are stored and looked up: SHA-256 in lower-case hexadecimal. */
export async function hashToken(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

interface Known extends Recognised {
  readonly readAt: number
}

/** A revoked credential is refused within this time. */
const MAX_AGE_MS = 30_000
const MAX_KNOWN = 1000
/** Resolved values only, by hash. What is not found is asked again, so that a new credential works at once. */
const known = new Map<string, Known>()

/**
 * Whoever shows a token, by the token's hash, as `recognise` has it; asked again after half a minute at the latest.
 */
export async function findCaller(
  tokenHash: string,
  now: number,
  recognise: () => Promise<Recognition>,
): Promise<Result<SourceCaller, RefusedToken>> {
  const held = known.get(tokenHash)
  if (held !== undefined && now - held.readAt < MAX_AGE_MS) return callerNow(held, now)
  const found = await recognise()
  known.delete(tokenHash)
  if (!found.ok) return found
  const [oldest] = known.keys()
  if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest)
  known.set(tokenHash, { ...found.value, readAt: now })
  return callerNow(found.value, now)
}

const callerNow = (
  { caller, expiresAt }: Recognised,
  now: number,
): Result<SourceCaller, RefusedToken> =>
  now < expiresAt ? ok(caller) : err({ reason: 'expired', caller })

/** Whose bearer token or access token has this hash. Not by organization: the token is what tells the organization. */
export async function recogniseToken(database: Database, tokenHash: string): Promise<Recognition> {
  const shown = sql`(SELECT organization_id, id, NULL AS until FROM source_credential
      WHERE secret_hash = ${tokenHash} AND type = 'bearer'
    UNION ALL SELECT organization_id, credential_id, expires_at FROM access_token
      WHERE token_hash = ${tokenHash})`
  const [found] = await readCredentials(database, shown)
  if (found === undefined) return err({ reason: 'unknown' })
  const { credential, caller, until } = found
  if (credential.revokedAt !== null) return err({ reason: 'revoked', caller })
  return ok({ caller, expiresAt: Math.min(endOf(credential), until ?? Number.POSITIVE_INFINITY) })
}

/** The credential that is an OAuth client, by its client id, whatever has become of it. */
export async function findClient(
  database: Database,
  clientId: string,
): Promise<CredentialOfSource | undefined> {
  const [found] = await readCredentials(
    database,
    sql`(SELECT organization_id, id, NULL AS until FROM source_credential
      WHERE id = ${clientId} AND type IN ('oauth_client', 'federated'))`,
  )
  return found
}

/** The credentials, not revoked, that trust what a JWT says of itself; at most two, which is one too many. */
export async function findTrusting(
  database: Database,
  claims: {
    readonly issuer: string
    readonly subjects: readonly string[]
    readonly audiences: readonly string[]
  },
): Promise<readonly CredentialOfSource[]> {
  const among = (values: readonly string[]) =>
    sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`
  return readCredentials(
    database,
    sql`(SELECT organization_id, id, NULL AS until FROM source_credential
      WHERE issuer IS NOT NULL AND revoked_at IS NULL AND issuer = ${claims.issuer}
        AND subject IN ${among(claims.subjects)} AND audience IN ${among(claims.audiences)} LIMIT 2)`,
  )
}

/** When a credential ends by itself. */
export const endOf = ({ expiresAt }: Pick<SourceCredentialRow, 'expiresAt'>): number =>
  expiresAt ?? Number.POSITIVE_INFINITY

interface ReadCredential extends CredentialOfSource {
  readonly until: number | null
}

/** The credentials that `shown` (organization_id, id, until) names, with their sources, in one round trip. */
async function readCredentials(database: Database, shown: SQL): Promise<readonly ReadCredential[]> {
  const credentials = sql`${shown} k JOIN source_credential c
    ON c.organization_id = k.organization_id AND c.id = k.id`
  const [found, owners] = await database.run(
    sql`SELECT c.*, k.until FROM ${credentials} ORDER BY c.id`,
    sql`SELECT s.* FROM ${credentials} JOIN source s
      ON s.organization_id = c.organization_id AND s.id = c.source_id`,
  )
  const sources = (owners?.rows ?? []).map((row) => decode(source, row))
  return (found?.rows ?? []).flatMap((row) => {
    const credential = decode(sourceCredential, row)
    const { organizationId, id: credentialId, sourceId } = credential
    const owner = sources.find(
      (each) => each.id === sourceId && each.organizationId === organizationId,
    )
    if (owner === undefined) return []
    const { id, name, usernamePolicy } = owner
    const caller = { organizationId, credentialId, source: { id, name, usernamePolicy } }
    const until = row['until']
    return [{ credential, caller, until: typeof until === 'number' ? until : null }]
  })
}
