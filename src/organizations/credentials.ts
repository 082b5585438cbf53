import * as v from 'valibot'

import type { NewEvent } from '../db/event-log.ts'
import {
  type ShownCredential,
  type SourceCredentialRow,
  type SourceRow,
  sourceStore,
} from '../db/source-store.ts'
import type { Trust } from '../http/jwt-trust.ts'
import { textField, timeField } from '../http/parse-request.ts'
import { invalidField, type Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import type { OrganizationDeps, OrganizationScope } from './context.ts'
import { newSecret } from './secret.ts'
import { showCredential } from './show-credential.ts'
import { noSource, sourceInUse } from './sources.ts'
import { isEntraProvisioning, readTrust, trustFields, warningOf } from './trust.ts'

const shared = {
  name: textField(200),
  expiresAt: v.optional(v.nullable(timeField), null),
}

export const newCredentialSchema = v.variant(
  'type',
  [
    v.strictObject({ type: v.literal('bearer'), ...shared }),
    v.strictObject({ type: v.literal('oauth_client'), ...shared }),
    v.strictObject({ type: v.literal('federated'), ...shared, ...trustFields }),
  ],
  'must be one of: bearer, oauth_client, federated',
)

type Wanted = v.InferOutput<typeof newCredentialSchema>

/**
 * A credential for a source: a bearer token, an OAuth client (its secret is in this answer and nowhere else), or trust in
 * another issuer's tokens, which needs no secret. Problems: invalid, notFound, conflict (the token is trusted already, or a directory is of
 * the source's tenant).
 */
export async function addCredential(
  scope: OrganizationScope,
  deps: OrganizationDeps,
  sourceId: string,
  wanted: Wanted,
): Promise<Result<JsonObject, Problem>> {
  const { organizationId, now } = scope
  const { type, name, expiresAt } = wanted
  if (expiresAt !== null && expiresAt <= now) return err(invalidField('/expiresAt', PAST))
  const source = await sourceInUse(scope, deps, sourceId)
  if (!source.ok) return source
  if (source.value === undefined) return err(noSource(sourceId))
  const store = sourceStore(scope.database, organizationId)
  const proof = await proofOf(wanted, deps, source.value)
  if (!proof.ok) return proof
  const { secret, secretHash, prefix, trust } = proof.value
  const id = deps.newId('cred')
  const shown = { organizationId, id, sourceId, type, name, prefix, expiresAt, createdAt: now }
  const row: SourceCredentialRow = { ...shown, ...trust, secretHash, revokedAt: null }
  const event = credentialEvent(scope, 'credential_create', row)
  const added = await store.addCredential(row, event, isEntraProvisioning(trust.audience))
  if (!added.ok) return err(added.error === 'trusted' ? TRUSTED : noSource(sourceId))
  return ok({
    ...showCredential(row),
    ...(secret === null ? {} : { secret }),
    ...warningOf(trust.audience),
  })
}

interface Proof {
  /** Told once, stored nowhere; null where there is none. */
  readonly secret: string | null
  readonly secretHash: string | null
  readonly prefix: string | null
  readonly trust: Trust | { readonly [name in keyof Trust]: null }
}

/** By what whoever has the credential will be recognised. */
async function proofOf(
  wanted: Wanted,
  { randomBytes }: OrganizationDeps,
  source: SourceRow,
): Promise<Result<Proof, Problem>> {
  if (wanted.type !== 'federated') {
    const use = wanted.type === 'bearer' ? 'scim' : 'client'
    return ok({ ...(await newSecret(use, randomBytes)), trust: NO_TRUST })
  }
  const trust = readTrust(wanted, source.tenantGuid)
  return trust.ok ? ok({ ...NO_SECRET, trust: trust.value }) : trust
}

const NO_SECRET = { secret: null, secretHash: null, prefix: null } as const
const NO_TRUST = { issuer: null, subject: null, audience: null } as const

/** Revokes a credential; once or twice is the same. Problem: notFound. */
export async function revokeCredential(
  scope: OrganizationScope,
  sourceId: string,
  id: string,
): Promise<Result<undefined, Problem>> {
  const store = sourceStore(scope.database, scope.organizationId)
  const source = await store.find(sourceId)
  const credential = source?.credentials.find((item) => item.id === id)
  if (credential === undefined)
    return err({ kind: 'notFound', what: `Credential ${id.slice(0, 100)} of this source` })
  const event = credentialEvent(scope, 'credential_revoke', credential)
  await store.revokeCredential(credential, scope.now, event)
  return ok(undefined)
}

const TRUSTED: Problem = {
  kind: 'conflict',
  detail:
    'Tokens of this issuer, subject and audience stand for another source: a token can stand for one only, and those that an organization has trusted once stay its own. Revoke the credential of your other source, or use another audience; if you have no such source, ask the operator of the gateway.',
}
const PAST = 'lies in the past: the credential could never be used. Give a later time, or null'

function credentialEvent(
  scope: OrganizationScope,
  type: 'credential_create' | 'credential_revoke',
  credential: ShownCredential,
): NewEvent {
  const { id, sourceId, name, prefix, expiresAt, issuer, subject, audience } = credential
  const details = {
    sourceId,
    type: credential.type,
    name,
    prefix,
    expiresAt: expiresAt === null ? null : toRfc3339(expiresAt),
    ...(issuer === null ? {} : { issuer, subject, audience }),
  }
  return { ...scope.by, class: 'record', type, target: { type: 'credential', id }, details }
}
