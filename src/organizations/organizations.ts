import * as v from 'valibot'

import type { Database } from '../db/client.ts'
import type { Change, NewEvent, Origin } from '../db/event-log.ts'
import {
  createOrganization,
  DEFAULT_RETENTION_DAYS,
  type OrganizationRow,
  readOrganization,
  retentionDays,
  updateOrganization,
} from '../db/organization-store.ts'
import { ROLES } from '../http/access.ts'
import { timeShape } from '../http/describe-api.ts'
import { textField } from '../http/parse-request.ts'
import type { Problem } from '../http/problem.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import type { OrganizationDeps, OrganizationScope } from './context.ts'
import { newSecret } from './secret.ts'

const DAYS = 'must be a whole number of days from 1 to 3650'

export const newOrganizationSchema = v.strictObject({ name: textField(200) })
export const organizationPatchSchema = v.partial(
  v.strictObject({
    name: textField(200),
    eventRetentionDays: v.pipe(
      v.number(DAYS),
      v.integer(DAYS),
      v.minValue(1, DAYS),
      v.maxValue(3650, DAYS),
      v.description(
        `How long events are kept, in days (${DEFAULT_RETENTION_DAYS} unless it is set).`,
      ),
    ),
  }),
)

export const organizationShape = v.strictObject({
  id: v.string(),
  name: v.string(),
  userCount: v.number(),
  groupCount: v.number(),
  eventRetentionDays: v.number(),
  createdAt: timeShape,
})

export const newOrganizationShape = v.strictObject({
  id: v.string(),
  name: v.string(),
  createdAt: timeShape,
  admin: v.strictObject({ id: v.string(), name: v.string() }),
  apiKey: v.strictObject({
    id: v.string(),
    name: v.string(),
    role: v.picklist(ROLES),
    prefix: v.string(),
    secret: v.pipe(v.string(), v.description('The key itself: shown here and never again.')),
  }),
})

type Organization = v.InferOutput<typeof organizationShape>

const FIRST_ADMIN = 'First administrator'
const FIRST_KEY = 'First key'

/** An operator's request: a new organization, and the key with which its first administrator does the rest. */
export async function addOrganization(
  deps: OrganizationDeps,
  database: Database,
  origin: Origin,
  { name }: v.InferOutput<typeof newOrganizationSchema>,
): Promise<v.InferOutput<typeof newOrganizationShape>> {
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
): Promise<Result<Organization, Problem>> {
  const found = await readOrganization(scope.database, scope.organizationId)
  return found === undefined ? err(GONE) : ok(show(found))
}

/** Changes what the body names. Problem: busy. */
export async function patchOrganization(
  scope: OrganizationScope,
  patch: v.InferOutput<typeof organizationPatchSchema>,
): Promise<Result<Organization, Problem>> {
  const before = await readOrganization(scope.database, scope.organizationId)
  if (before === undefined) return err(GONE)
  const { name = before.name, eventRetentionDays = retentionDays(before) } = patch
  const after = withRetention({ ...before, name }, eventRetentionDays)
  const changes = changesBetween(show(before), show(after))
  if (changes.length === 0) return ok(show(before))
  const isWritten = await updateOrganization(scope.database, before, after, {
    ...scope.by,
    class: 'record',
    type: 'organization_update',
    target: { type: 'organization', id: before.id },
    changes,
  })
  return isWritten ? ok(show(after)) : err({ kind: 'busy', retryAfterSeconds: 1 })
}

const GONE: Problem = { kind: 'notFound', what: 'The organization' }

function withRetention(row: OrganizationRow, eventRetentionDays: number): OrganizationRow {
  if (eventRetentionDays === retentionDays(row)) return row
  return { ...row, settings: { ...row.settings, eventRetentionDays } }
}

function changesBetween(before: Organization, after: Organization): Change[] {
  return (['name', 'eventRetentionDays'] as const).flatMap((attribute) => {
    const from = before[attribute]
    const to = after[attribute]
    return from === to ? [] : [{ attribute, from, to }]
  })
}

function show(row: OrganizationRow): Organization {
  const { id, name, userCount, groupCount, createdAt } = row
  const eventRetentionDays = retentionDays(row)
  return { id, name, userCount, groupCount, eventRetentionDays, createdAt: toRfc3339(createdAt) }
}
