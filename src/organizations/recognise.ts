/** Whose a request is: a source's by a token, an administrator's by a key. What is known and refused is told to its organization. */
import type { Context } from 'hono'

import { findKeyOwner, type KeyOwner } from '../db/api-key-store.ts'
import type { Database } from '../db/client.ts'
import {
  findCaller,
  hashToken,
  recogniseToken,
  type RefusedToken,
  type SourceCaller,
} from '../db/credential-store.ts'
import type { Refusal, RefusedCredential } from '../db/refusal-store.ts'
import { originOf } from '../http/authenticate.ts'
import { type AppEnv, runAfter } from '../http/context.ts'
import type { JwtVerifier } from '../http/jwt-verifier.ts'
import type { Clock } from '../kernel/clock.ts'
import { err, type Result } from '../kernel/result.ts'
import { isJwt, recogniseJwt } from './federation.ts'

export interface RecogniseDeps {
  readonly clock: Clock
  readonly verifier: JwtVerifier
  /** Writes the event of a refusal beside the request that it is about; never fails. */
  readonly noteRefusal: (credential: RefusedCredential, refusal: Refusal) => Promise<void>
}

type RecogniseEnv = AppEnv & { Variables: { database: Database } }

/** The source that a bearer token belongs to: ours, an access token, or a JWT that it trusts. */
export async function findSource<E extends RecogniseEnv>(
  c: Context<E>,
  deps: RecogniseDeps,
  token: string,
): Promise<Result<SourceCaller, 'refused' | 'unreachable'>> {
  const database: Database = c.get('database')
  const now = deps.clock.now()
  const hash = await hashToken(token)
  const found = await findCaller(hash, now, () =>
    isJwt(token)
      ? recogniseJwt(database, deps.verifier, token, now)
      : recogniseToken(database, hash),
  )
  if (found.ok) return found
  tellOfSource(c, deps, found.error)
  return err(found.error.reason === 'unreachable' ? 'unreachable' : 'refused')
}

/** Tells of a source's credential that was refused, if it is known whose it is. */
export function tellOfSource<E extends AppEnv>(
  c: Context<E>,
  { clock, noteRefusal }: Pick<RecogniseDeps, 'clock' | 'noteRefusal'>,
  { reason, caller }: RefusedToken,
): void {
  if (caller === undefined) return
  const { organizationId, credentialId, source } = caller
  const target = { type: 'credential', id: credentialId }
  const actor = { type: 'source', id: source.id, name: source.name } as const
  const refusal = { reason, now: clock.now(), origin: originOf(c) }
  runAfter(c, noteRefusal({ organizationId, target, actor }, refusal))
}

/** The administrator that an API key belongs to; undefined for a key that is unknown, revoked or expired. */
export async function findAdmin<E extends RecogniseEnv>(
  c: Context<E>,
  { clock, noteRefusal }: RecogniseDeps,
  key: string,
): Promise<KeyOwner | undefined> {
  const now = clock.now()
  const found = await findKeyOwner(c.get('database'), await hashToken(key), now)
  if (found.ok) return found.value
  const { reason, owner } = found.error
  if (owner === undefined) return undefined
  const { organizationId, adminId, name, keyId } = owner
  const target = { type: 'api_key', id: keyId }
  const actor = { type: 'admin', id: adminId, name, keyId } as const
  runAfter(c, noteRefusal({ organizationId, target, actor }, { reason, now, origin: originOf(c) }))
  return undefined
}
