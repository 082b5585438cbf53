import * as v from 'valibot'

import type { NewEvent } from '../db/event-log.ts'
import { type ShownCredential, sourceStore } from '../db/source-store.ts'
import { textField, timeField, wordField } from '../http/parse-request.ts'
import { invalidField, type Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import type { OrganizationDeps, OrganizationScope } from './context.ts'
import { newSecret } from './secret.ts'

export const newCredentialSchema = v.strictObject({
  type: wordField(['bearer', 'oauth_client', 'federated']),
  name: textField(200),
  expiresAt: v.optional(v.nullable(timeField), null),
})

/** A bearer token for a source; its secret is in this answer and nowhere else. Problems: invalid, notFound. */
export async function addCredential(
  scope: OrganizationScope,
  deps: OrganizationDeps,
  sourceId: string,
  { type, name, expiresAt }: v.InferOutput<typeof newCredentialSchema>,
): Promise<Result<JsonObject, Problem>> {
  if (type !== 'bearer') return err(invalidField('/type', LATER))
  if (expiresAt !== null && expiresAt <= scope.now) return err(invalidField('/expiresAt', PAST))
  const { organizationId, now } = scope
  const { secret, secretHash, prefix } = await newSecret('scim', deps.randomBytes)
  const id = deps.newId('cred')
  const shown = { organizationId, id, sourceId, type, name, prefix, expiresAt, createdAt: now }
  const row = { ...shown, secretHash, revokedAt: null }
  const until = expiresAt === null ? null : toRfc3339(expiresAt)
  const event = credentialEvent(scope, 'credential_create', id, {
    sourceId,
    type,
    name,
    prefix,
    expiresAt: until,
  })
  const isAdded = await sourceStore(scope.database, organizationId).addCredential(row, event)
  if (!isAdded) return err({ kind: 'notFound', what: `Source ${sourceId.slice(0, 100)}` })
  return ok({ ...showCredential(row), secret })
}

/** Revokes a credential; once or twice is the same. Problem: notFound. */
export async function revokeCredential(
  scope: OrganizationScope,
  sourceId: string,
  id: string,
): Promise<Result<undefined, Problem>> {
  const event = credentialEvent(scope, 'credential_revoke', id, { sourceId })
  const store = sourceStore(scope.database, scope.organizationId)
  const isKnown = await store.revokeCredential(sourceId, id, scope.now, event)
  return isKnown
    ? ok(undefined)
    : err({ kind: 'notFound', what: `Credential ${id.slice(0, 100)} of this source` })
}

/** A credential without its secret. */
export function showCredential(credential: ShownCredential): JsonObject {
  const { id, type, name, prefix, expiresAt, revokedAt, createdAt } = credential
  return {
    id,
    type,
    name,
    prefix,
    expiresAt: expiresAt === null ? null : toRfc3339(expiresAt),
    revokedAt: revokedAt === null ? null : toRfc3339(revokedAt),
    createdAt: toRfc3339(createdAt),
  }
}

const LATER = 'can only be bearer so far: OAuth clients and federated credentials are not built yet'
const PAST = 'lies in the past: the credential could never be used. Give a later time, or null'

function credentialEvent(
  scope: OrganizationScope,
  type: 'credential_create' | 'credential_revoke',
  id: string,
  details: JsonObject,
): NewEvent {
  return { ...scope.by, class: 'record', type, target: { type: 'credential', id }, details }
}
