import * as v from 'valibot'

import type { Database } from '../db/client.ts'
import type { NewEvent, Origin } from '../db/event-log.ts'
import {
  createOrganization,
  type OrganizationRow,
  readOrganization,
  renameOrganization,
} from '../db/organization-store.ts'
import { textField } from '../http/parse-request.ts'
import type { Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import type { OrganizationDeps, OrganizationScope } from './context.ts'
import { newSecret } from './secret.ts'

export const newOrganizationSchema = v.strictObject({ name: textField(200) })
export const organizationPatchSchema = v.strictObject({ name: v.optional(textField(200)) })

const FIRST_ADMIN = 'First administrator'
const FIRST_KEY = 'First key'

/** An operator's request: a new organization, and the key with which its first administrator does the rest. */
export async function addOrganization(
  deps: OrganizationDeps,
  database: Database,
  origin: Origin,
  { name }: v.InferOutput<typeof newOrganizationSchema>,
): Promise<JsonObject> {
  const now = deps.clock.now()
  const id = deps.newId('org')
  const admin = { id: deps.newId('adm'), name: FIRST_ADMIN, role: 'billing_admin' } as const
  const keyId = deps.newId('key')
  const { secret, secretHash, prefix } = await newSecret('api', deps.randomBytes)
  const by = { class: 'record', time: now, actor: { type: 'operator', id: null }, origin } as const
  const events: NewEvent[] = [
    {
      ...by,
      type: 'organization_create',
      target: { type: 'organization', id },
      changes: [{ attribute: 'name', from: null, to: name }],
    },
    {
      ...by,
      type: 'credential_create',
      target: { type: 'api_key', id: keyId },
      details: { adminId: admin.id, role: admin.role, prefix },
    },
  ]
  await createOrganization(database, {
    organization: { id, name, createdAt: now },
    admin,
    key: { id: keyId, name: FIRST_KEY, secretHash, prefix },
    events,
  })
  return {
    id,
    name,
    createdAt: toRfc3339(now),
    admin: { id: admin.id, name: admin.name },
    apiKey: { id: keyId, name: FIRST_KEY, role: admin.role, prefix, secret },
  }
}

/** The caller's organization. */
export async function showOrganization(
  scope: OrganizationScope,
): Promise<Result<JsonObject, Problem>> {
  const found = await readOrganization(scope.database, scope.organizationId)
  return found === undefined ? err(GONE) : ok(show(found))
}

/** Gives the caller's organization another name. */
export async function patchOrganization(
  scope: OrganizationScope,
  { name }: v.InferOutput<typeof organizationPatchSchema>,
): Promise<Result<JsonObject, Problem>> {
  const before = await readOrganization(scope.database, scope.organizationId)
  if (before === undefined) return err(GONE)
  if (name === undefined || name === before.name) return ok(show(before))
  const renamed = await renameOrganization(scope.database, before, name, {
    ...scope.by,
    class: 'record',
    type: 'organization_update',
    target: { type: 'organization', id: before.id },
    changes: [{ attribute: 'name', from: before.name, to: name }],
  })
  return renamed ? ok(show({ ...before, name })) : err({ kind: 'busy', retryAfterSeconds: 1 })
}

const GONE: Problem = { kind: 'notFound', what: 'The organization' }

function show({ id, name, userCount, groupCount, createdAt }: OrganizationRow): JsonObject {
  return { id, name, userCount, groupCount, createdAt: toRfc3339(createdAt) }
}
