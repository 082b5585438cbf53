import * as v from 'valibot'

import { adminStore } from '../db/admin-store.ts'
import type { NewEvent } from '../db/event-log.ts'
import { keyStore, lesserRole, type ShownKey } from '../db/key-store.ts'
import { ROLES } from '../http/access.ts'
import { listOf, timeShape } from '../http/describe-api.ts'
import { type PageQuery, pageOf, textField, timeField, wordField } from '../http/parse-request.ts'
import { invalidField, notFound, type Problem } from '../http/problem.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import { noAdmin } from './admins.ts'
import type { OrganizationDeps, OrganizationScope } from './context.ts'
import { newSecret } from './secret.ts'

export const newKeySchema = v.strictObject({
  name: textField(200),
  adminId: v.optional(
    v.pipe(textField(100), v.description('Whose key it is; the caller when it is left out.')),
  ),
  role: v.optional(
    v.pipe(
      wordField(ROLES),
      v.description(
        'The most that the key may do. Left out, it may do whatever its administrator may, now and later; the answer tells the role.',
      ),
    ),
  ),
  expiresAt: v.optional(v.nullable(timeField), null),
})

const shape = {
  id: v.string(),
  adminId: v.string(),
  adminName: v.string(),
  name: v.string(),
  role: v.pipe(v.picklist(ROLES), v.description('What the key may do.')),
  prefix: v.pipe(v.string(), v.description('How its secret begins.')),
  expiresAt: v.nullable(timeShape),
  revokedAt: v.nullable(timeShape),
  createdAt: timeShape,
}

export const keyShape = v.strictObject(shape)
export const newKeyShape = v.strictObject({
  ...shape,
  secret: v.pipe(v.string(), v.description('The key itself: shown here and never again.')),
})
const keysShape = listOf(keyShape)
type KeyBody = v.InferOutput<typeof keyShape>

const storeOf = ({ database, organizationId }: OrganizationScope) =>
  keyStore(database, organizationId)

/** One page of the keys, without their secrets. */
export async function listKeys(
  scope: OrganizationScope,
  { limit, after = '' }: PageQuery,
): Promise<v.InferOutput<typeof keysShape>> {
  return pageOf(await storeOf(scope).list(after, limit + 1), limit, showKey)
}

/** A key for an administrator; its secret is in this answer and nowhere else. Problems: invalid, notFound. */
export async function addKey(
  scope: OrganizationScope,
  deps: OrganizationDeps,
  { name, adminId = scope.by.actor.id, role, expiresAt }: v.InferOutput<typeof newKeySchema>,
): Promise<Result<v.InferOutput<typeof newKeyShape>, Problem>> {
  const { organizationId, database, now } = scope
  if (expiresAt !== null && expiresAt <= now) return err(invalidField('/expiresAt', PAST))
  const owner = await adminStore(database, organizationId).find(adminId)
  if (owner === undefined) return err(noAdmin(adminId))
  if (role !== undefined && lesserRole(owner.role, role) !== role)
    return err(invalidField('/role', `is more than ${owner.role}, the role of its administrator`))
  const { secret, secretHash, prefix } = await newSecret('api', deps.randomBytes)
  const id = deps.newId('key')
  const own = { organizationId, id, adminId, name, prefix, expiresAt, createdAt: now }
  const row = { ...own, role: role ?? null, secretHash, revokedAt: null }
  const shown = showKey({ ...row, adminName: owner.name, role: role ?? owner.role })
  const event = keyEvent(scope, 'credential_create', shown)
  const isAdded = await storeOf(scope).insert(row, event)
  return isAdded ? ok({ ...shown, secret }) : err(noAdmin(adminId))
}

/** Revokes a key; once or twice is the same. Problems: notFound, conflict (the last that can make another). */
export async function revokeKey(
  scope: OrganizationScope,
  id: string,
): Promise<Result<undefined, Problem>> {
  const store = storeOf(scope)
  const key = await store.find(id)
  if (key === undefined) return err(notFound('API key', id))
  const event = keyEvent(scope, 'credential_revoke', showKey(key))
  const isRevoked = await store.revoke(id, scope.now, event)
  return isRevoked ? ok(undefined) : err({ kind: 'conflict', detail: LAST })
}

const PAST = 'lies in the past: the key could never be used. Give a later time, or null'
const LAST =
  'This is the last key with the role billing_admin: without one, nobody could make another key any more. Make its successor first, then revoke this one with that.'

function keyEvent(
  scope: OrganizationScope,
  type: 'credential_create' | 'credential_revoke',
  { id, adminId, name, role, prefix, expiresAt }: KeyBody,
): NewEvent {
  const details = { adminId, name, role, prefix, expiresAt }
  return { ...scope.by, class: 'record', type, target: { type: 'api_key', id }, details }
}

function showKey(key: ShownKey): KeyBody {
  const { id, adminId, adminName, name, role, prefix, expiresAt, revokedAt, createdAt } = key
  return {
    id,
    adminId,
    adminName,
    name,
    role,
    prefix,
    expiresAt: expiresAt === null ? null : toRfc3339(expiresAt),
    revokedAt: revokedAt === null ? null : toRfc3339(revokedAt),
    createdAt: toRfc3339(createdAt),
  }
}
