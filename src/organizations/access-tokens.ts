/** `/oauth/token`: a source's credential is exchanged for an access token of an hour. */
import { insertAccessToken } from '../db/access-token-store.ts'
import type { Database } from '../db/client.ts'
import {
  type CredentialOfSource,
  endOf,
  findClient,
  findTrusting,
  hashToken,
  type Recognition,
  type RefusedToken,
} from '../db/credential-store.ts'
import { isSameSecret } from '../http/api-access.ts'
import { readClaims } from '../http/jwt-trust.ts'
import type { JwtVerifier } from '../http/jwt-verifier.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { verifyFor } from './federation.ts'
import { newSecret } from './secret.ts'
import type { ClientProof } from './token-request.ts'

/** Entra ID's validator refuses less than an hour and more than six. */
const LIFE_MS = 3_600_000

export interface TokenPorts {
  readonly database: Database
  readonly verifier: JwtVerifier
  readonly randomBytes: (length: number) => Uint8Array
  readonly now: number
}

export interface IssuedToken {
  readonly token: string
  readonly expiresInSeconds: number
  readonly caller: CredentialOfSource['caller']
}

/**
 * An access token for whoever proves to be a client. It ends with its credential, by expiry at once and by revocation
 * within 30 s. Failures: as `recogniseToken` has them; `unknown` is a wrong secret or assertion too.
 */
export async function issueToken(
  ports: TokenPorts,
  proof: ClientProof,
): Promise<Result<IssuedToken, RefusedToken>> {
  const { database, now, randomBytes } = ports
  const client = await recogniseClient(ports, proof)
  if (!client.ok) return client
  const { caller, expiresAt: end } = client.value
  if (now >= end) return err({ reason: 'expired', caller })
  const { secret: token, secretHash: tokenHash } = await newSecret('access', randomBytes)
  const expiresAt = Math.min(now + LIFE_MS, end)
  const { organizationId, credentialId } = caller
  await insertAccessToken(database, { tokenHash, organizationId, credentialId, expiresAt })
  return ok({ token, expiresInSeconds: Math.floor((expiresAt - now) / 1000), caller })
}

/** The client, and until when its credential is good: an assertion may end before the token that it brings. */
async function recogniseClient(ports: TokenPorts, proof: ClientProof): Promise<Recognition> {
  const found = await findProven(ports.database, proof)
  if (found === undefined) return err({ reason: 'unknown' })
  if (proof.kind === 'assertion') {
    const verified = await verifyFor(found, ports.verifier, proof.jwt, ports.now)
    return verified.ok ? ok({ ...verified.value, expiresAt: endOf(found.credential) }) : verified
  }
  const { credential, caller } = found
  const isProven = await isSecretOf(credential.secretHash, proof.secret)
  if (!isProven) return err({ reason: 'unknown' })
  if (credential.revokedAt !== null) return err({ reason: 'revoked', caller })
  return ok({ caller, expiresAt: endOf(credential) })
}

/** The credential that a proof is about; the proof has yet to be checked. */
async function findProven(
  database: Database,
  proof: ClientProof,
): Promise<CredentialOfSource | undefined> {
  if (proof.clientId !== undefined) return findClient(database, proof.clientId)
  if (proof.kind === 'secret') return undefined
  const claims = readClaims(proof.jwt)
  if (claims === undefined) return undefined
  const [trusting, another] = await findTrusting(database, claims)
  return another === undefined ? trusting : undefined
}

async function isSecretOf(secretHash: string | null, secret: string): Promise<boolean> {
  return secretHash !== null && isSameSecret(crypto.subtle, secretHash, await hashToken(secret))
}
