import * as v from 'valibot'

import { type NewEvent, valuesGone } from '../db/event-log.ts'
import {
  type SourceFault,
  type SourceRow,
  sourceStore,
  type SourceWithCredentials,
} from '../db/source-store.ts'
import type { ListBody } from '../http/api-context.ts'
import { type PageQuery, pageOf, tenantField, textField, wordField } from '../http/parse-request.ts'
import { notFound, type Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import type { OrganizationDeps, OrganizationScope } from './context.ts'
import { showCredential } from './show-credential.ts'

const fields = {
  name: textField(200),
  usernamePolicy: wordField(['strict', 'local-part', 'any']),
  entraTenantId: v.nullable(tenantField),
}

export const newSourceSchema = v.strictObject({
  name: fields.name,
  type: wordField(['entra', 'okta', 'generic']),
  usernamePolicy: v.optional(fields.usernamePolicy, 'strict'),
  entraTenantId: v.optional(fields.entraTenantId, null),
})

export const sourcePatchSchema = v.partial(v.strictObject(fields))

type Outcome = Promise<Result<JsonObject, Problem>>

const storeOf = ({ database, organizationId }: OrganizationScope) =>
  sourceStore(database, organizationId)

/** One page of the sources. */
export async function listSources(
  scope: OrganizationScope,
  { limit, after = '' }: PageQuery,
): Promise<ListBody> {
  return pageOf(await storeOf(scope).list(after, limit + 1), limit, showSource)
}

/** One source with its credentials. Problem: notFound. */
export async function readSource(scope: OrganizationScope, id: string): Outcome {
  const found = await storeOf(scope).find(id)
  return found === undefined ? err(noSource(id)) : ok(showSource(found))
}

/** A new source, which nobody can use until it has a credential. Problem: conflict with a directory's tenant. */
export async function addSource(
  scope: OrganizationScope,
  deps: OrganizationDeps,
  wanted: v.InferOutput<typeof newSourceSchema>,
): Outcome {
  const { organizationId, now } = scope
  const tenantGuid = await tenantOf(deps, wanted.entraTenantId)
  const id = deps.newId('src')
  const row = { ...wanted, tenantGuid, organizationId, id, createdAt: now, modifiedAt: now }
  const event = sourceEvent(scope, 'source_create', row.id, changesOf(undefined, row))
  const written = await storeOf(scope).insert(row, event)
  return written.ok ? ok(showSource({ ...row, credentials: [] })) : err(problemOf(written.error))
}

/** Changes what the body names. Problems: notFound, conflict with a directory's tenant, busy. */
export async function patchSource(
  scope: OrganizationScope,
  deps: OrganizationDeps,
  id: string,
  patch: v.InferOutput<typeof sourcePatchSchema>,
): Outcome {
  const store = storeOf(scope)
  const found = await store.find(id)
  if (found === undefined) return err(noSource(id))
  const { credentials, ...source } = found
  // The time of the last change also tells two changes apart, so it never stands still.
  const modifiedAt = Math.max(scope.now, source.modifiedAt + 1)
  const { name = source.name, usernamePolicy = source.usernamePolicy } = patch
  const { entraTenantId = source.entraTenantId } = patch
  const wanted: SourceRow = { ...source, name, usernamePolicy, entraTenantId, modifiedAt }
  const changes = changesOf(source, wanted)
  if (changes.length === 0) return ok(showSource(found))
  const after = { ...wanted, tenantGuid: await tenantOf(deps, entraTenantId) }
  const event = sourceEvent(scope, 'source_update', id, changes)
  const written = await store.update(source, after, event)
  return written.ok ? ok(showSource({ ...after, credentials })) : err(problemOf(written.error))
}

/**
 * A source as it is used: whose tenant Entra ID did not tell of before, is asked for again. Undefined when there is none. Problems:
 * conflict with a directory's tenant, busy.
 */
export async function sourceInUse(
  scope: OrganizationScope,
  deps: OrganizationDeps,
  id: string,
): Promise<Result<SourceRow | undefined, Problem>> {
  const store = storeOf(scope)
  const source = await store.find(id)
  if (source === undefined || source.entraTenantId === null || source.tenantGuid !== null)
    return ok(source)
  const tenantGuid = await tenantOf(deps, source.entraTenantId)
  if (tenantGuid === null) return ok(source)
  const learned = await store.learnTenant(source, tenantGuid)
  return learned.ok ? ok({ ...source, tenantGuid }) : err(problemOf(learned.error))
}

/** Removes a source and its credentials; its users stay. Problems: notFound, busy. */
export async function removeSource(
  scope: OrganizationScope,
  id: string,
): Promise<Result<undefined, Problem>> {
  const store = storeOf(scope)
  const before = await store.find(id)
  if (before === undefined) return err(noSource(id))
  const event = sourceEvent(scope, 'source_delete', id, valuesGone(changesOf(undefined, before)))
  const removed = await store.remove(before, scope.now, event)
  return removed.ok ? removed : err(problemOf(removed.error))
}

/** The problem of a source that this organization does not have. */
export const noSource = (id: string): Problem => notFound('Source', id)

const tenantOf = async (deps: OrganizationDeps, name: string | null): Promise<string | null> =>
  name === null ? null : deps.findTenantId(name)

type Changes = NonNullable<NewEvent['changes']>

function sourceEvent(
  scope: OrganizationScope,
  type: 'source_create' | 'source_update' | 'source_delete',
  id: string,
  changes: Changes,
): NewEvent {
  return { ...scope.by, class: 'record', type, target: { type: 'source', id }, changes }
}

function changesOf(before: SourceRow | undefined, after: SourceRow): Changes {
  const names = ['name', 'type', 'usernamePolicy', 'entraTenantId'] as const
  return names.flatMap((attribute) => {
    const from = before?.[attribute] ?? null
    const to = after[attribute]
    return from === to ? [] : [{ attribute, from, to }]
  })
}

function problemOf(fault: SourceFault): Problem {
  if (fault.kind === 'stale') return { kind: 'busy', retryAfterSeconds: 1 }
  const { directoryId, directoryName } = fault
  return {
    kind: 'conflict',
    detail: `The directory "${directoryName}" (${directoryId}) is connected to this Entra tenant: a source of the same tenant and the directory would chase each other's changes. Leave out entraTenantId, or set sameTenant to true in the settings of the directory.`,
    evidence: { directoryId },
  }
}

function showSource(source: SourceWithCredentials): JsonObject {
  const { id, name, type, usernamePolicy, entraTenantId, createdAt, modifiedAt } = source
  return {
    id,
    name,
    type,
    usernamePolicy,
    entraTenantId,
    credentials: source.credentials.map(showCredential),
    createdAt: toRfc3339(createdAt),
    modifiedAt: toRfc3339(modifiedAt),
  }
}
