import type { ShownCredential } from '../db/source-store.ts'
import type { JsonObject } from '../kernel/json.ts'
import { toRfc3339 } from '../kernel/time.ts'

/** A credential without its secret; one that asks `/oauth/token` for access tokens has a client id. */
export function showCredential(credential: ShownCredential): JsonObject {
  const { id, type, name, prefix, expiresAt, revokedAt, createdAt } = credential
  const { issuer, subject, audience } = credential
  return {
    id,
    type,
    name,
    prefix,
    ...(type === 'bearer' ? {} : { clientId: id }),
    ...(type === 'federated' ? { issuer, subject, audience } : {}),
    expiresAt: expiresAt === null ? null : toRfc3339(expiresAt),
    revokedAt: revokedAt === null ? null : toRfc3339(revokedAt),
    createdAt: toRfc3339(createdAt),
  }
}
