/** Tokens of other issuers that a federated credential trusts. */
import type { Database } from '../db/client.ts'
import {
  type CredentialOfSource,
  endOf,
  findTrusting,
  type Recognition,
} from '../db/credential-store.ts'
import { readClaims } from '../http/jwt-trust.ts'
import type { JwtVerifier } from '../http/jwt-verifier.ts'
import { err, ok } from '../kernel/result.ts'

/** Whether a bearer token is a JWT; ours have no dot. */
export const isJwt = (token: string): boolean => token.includes('.')

/** Whose a JWT is, for whoever sends it as a bearer token: that of the one source that trusts it. */
export async function recogniseJwt(
  database: Database,
  verifier: JwtVerifier,
  jwt: string,
  now: number,
): Promise<Recognition> {
  const claims = readClaims(jwt)
  if (claims === undefined) return err({ reason: 'unknown' })
  const [trusting, another] = await findTrusting(database, claims)
  // Two sources trust it for two things that it says: nobody knows which of them is meant.
  if (trusting === undefined || another !== undefined) return err({ reason: 'unknown' })
  return verifyFor(trusting, verifier, jwt, now)
}

/** Whether a JWT is what a federated credential trusts. */
export async function verifyFor(
  { credential, caller }: CredentialOfSource,
  verifier: JwtVerifier,
  jwt: string,
  now: number,
): Promise<Recognition> {
  const { issuer, subject, audience } = credential
  if (issuer === null || subject === null || audience === null) return err({ reason: 'unknown' })
  const verified = await verifier.verify(jwt, { issuer, subject, audience }, now)
  // Anybody can name the credential: only what its issuer signed says anything of it.
  if (!verified.ok)
    return err({ reason: verified.error === 'unreachable' ? 'unreachable' : 'unknown' })
  if (credential.revokedAt !== null) return err({ reason: 'revoked', caller })
  return ok({ caller, expiresAt: Math.min(endOf(credential), verified.value) })
}
