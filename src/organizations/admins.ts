import * as v from 'valibot'

import { type AdminFault, type AdminRow, adminStore } from '../db/admin-store.ts'
import { type NewEvent, valuesGone } from '../db/event-log.ts'
import { ROLES, ROLES_EXPLAINED } from '../http/access.ts'
import { listOf, timeShape } from '../http/describe-api.ts'
import { type PageQuery, pageOf, textField, wordField } from '../http/parse-request.ts'
import { notFound, type Problem } from '../http/problem.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import type { OrganizationDeps, OrganizationScope } from './context.ts'

const EMAIL = 'must be an e-mail address such as ann@example.com, or null'

const fields = {
  name: textField(200),
  email: v.nullable(
    v.pipe(v.string(EMAIL), v.trim(), v.maxLength(320, EMAIL), v.regex(/^[^\s@]+@[^\s@]+$/, EMAIL)),
  ),
  role: v.pipe(wordField(ROLES), v.description(ROLES_EXPLAINED)),
}

export const newAdminSchema = v.strictObject({ ...fields, email: v.optional(fields.email, null) })
export const adminPatchSchema = v.partial(v.strictObject(fields))

export const adminShape = v.strictObject({
  id: v.string(),
  name: v.string(),
  email: v.nullable(v.string()),
  role: v.pipe(v.picklist(ROLES), v.description('The most that their keys may do.')),
  createdAt: timeShape,
})

const adminsShape = listOf(adminShape)
export type ShownAdmin = v.InferOutput<typeof adminShape>

const storeOf = ({ database, organizationId }: OrganizationScope) =>
  adminStore(database, organizationId)

/** One page of the administrators. */
export async function listAdmins(
  scope: OrganizationScope,
  { limit, after = '' }: PageQuery,
): Promise<v.InferOutput<typeof adminsShape>> {
  return pageOf(await storeOf(scope).list(after, limit + 1), limit, showAdmin)
}

/** A new administrator, who can do nothing until they have a key. */
export async function addAdmin(
  scope: OrganizationScope,
  deps: OrganizationDeps,
  wanted: v.InferOutput<typeof newAdminSchema>,
): Promise<ShownAdmin> {
  const { organizationId, now } = scope
  const row = { ...wanted, organizationId, id: deps.newId('adm'), createdAt: now }
  const event = adminEvent(scope, 'admin_create', row.id, changesOf(undefined, row))
  await storeOf(scope).insert(row, event)
  return showAdmin(row)
}

/** Changes what the body names. Problems: notFound, conflict (the last billing_admin), busy. */
export async function patchAdmin(
  scope: OrganizationScope,
  id: string,
  patch: v.InferOutput<typeof adminPatchSchema>,
): Promise<Result<ShownAdmin, Problem>> {
  const before = await storeOf(scope).find(id)
  if (before === undefined) return err(noAdmin(id))
  const { name = before.name, email = before.email, role = before.role } = patch
  const after: AdminRow = { ...before, name, email, role }
  const changes = changesOf(before, after)
  if (changes.length === 0) return ok(showAdmin(before))
  const event = adminEvent(scope, 'admin_update', id, changes)
  const written = await storeOf(scope).update(before, after, event)
  return written.ok ? ok(showAdmin(after)) : err(problemOf(written.error))
}

/** Removes an administrator and their keys. Problems: notFound, conflict (the last billing_admin), busy. */
export async function removeAdmin(
  scope: OrganizationScope,
  id: string,
): Promise<Result<undefined, Problem>> {
  const before = await storeOf(scope).find(id)
  if (before === undefined) return err(noAdmin(id))
  const event = adminEvent(scope, 'admin_delete', id, valuesGone(changesOf(undefined, before)))
  const removed = await storeOf(scope).remove(before, event)
  return removed.ok ? removed : err(problemOf(removed.error))
}

/** The problem of an administrator that this organization does not have. */
export const noAdmin = (id: string): Problem => notFound('Administrator', id)

type Changes = NonNullable<NewEvent['changes']>

function adminEvent(
  scope: OrganizationScope,
  type: 'admin_create' | 'admin_update' | 'admin_delete',
  id: string,
  changes: Changes,
): NewEvent {
  return { ...scope.by, class: 'record', type, target: { type: 'admin', id }, changes }
}

function changesOf(before: AdminRow | undefined, after: AdminRow): Changes {
  return (['name', 'email', 'role'] as const).flatMap((attribute) => {
    const from = before?.[attribute] ?? null
    const to = after[attribute]
    return from === to ? [] : [{ attribute, from, to }]
  })
}

const LAST =
  'This is the last billing_admin of the organization who has a key: without one, nobody could manage administrators and keys any more. Give somebody else the role billing_admin and a key first.'

const problemOf = ({ kind }: AdminFault): Problem =>
  kind === 'stale' ? { kind: 'busy', retryAfterSeconds: 1 } : { kind: 'conflict', detail: LAST }

function showAdmin({ id, name, email, role, createdAt }: AdminRow): ShownAdmin {
  return { id, name, email, role, createdAt: toRfc3339(createdAt) }
}
