import type * as v from 'valibot'

import { directoryStore, type ShownDirectory, type WantedDirectory } from '../db/directory-store.ts'
import { type NewEvent, valuesGone } from '../db/event-log.ts'
import { learnSourceTenants } from '../db/tenant-guard.ts'
import type { ListBody } from '../http/api-context.ts'
import { pageOf, type PageQuery } from '../http/parse-request.ts'
import { invalidField, type Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { readSettings } from '../plan/configuration.ts'
import { defaultSettings, type DirectorySettings } from '../plan/settings.ts'
import { changesBetween, concernsExport } from './changes.ts'
import { type NewCredential, readCredential } from './credential.ts'
import { type DirectoryDeps, type DirectoryScope, noDirectory } from './context.ts'
import { problemOf } from './faults.ts'
import {
  type directoryPatchSchema,
  mergedSettings,
  type newDirectorySchema,
  showDirectory,
} from './shape.ts'

type Outcome = Promise<Result<JsonObject, Problem>>

const storeOf = ({ database, organizationId }: DirectoryScope) =>
  directoryStore(database, organizationId)

/** One page of the directories. */
export async function listDirectories(
  scope: DirectoryScope,
  { issuer }: DirectoryDeps,
  { limit, after = '' }: PageQuery,
): Promise<ListBody> {
  const found = await storeOf(scope).list(after, limit + 1)
  return pageOf(found, limit, (item) => showDirectory(item, issuer))
}

/** One directory, without its secret. Problem: notFound. */
export async function readDirectory(
  scope: DirectoryScope,
  { issuer }: DirectoryDeps,
  id: string,
): Outcome {
  const found = await storeOf(scope).find(id)
  return found === undefined ? err(noDirectory(id)) : ok(showDirectory(found, issuer))
}

/** Connects a tenant. Problems: invalid, conflict (the tenant is connected already, or is that of a source). */
export async function addDirectory(
  scope: DirectoryScope,
  deps: DirectoryDeps,
  body: v.InferOutput<typeof newDirectorySchema>,
): Outcome {
  const { settings: given = {} } = body
  const settings = mergedSettings(defaultSettings, given)
  if (!settings.ok) return settings
  const { organizationId, now } = scope
  const id = deps.newId('dir')
  const read = readCredential(body.credential, deps, id, now)
  if (!read.ok) return read
  const { credential, expiresAt } = read.value
  await learnSourceTenants(scope.database, organizationId, deps.findTenantId)
  const row = {
    organizationId,
    id,
    name: body.name,
    tenantId: body.tenantId,
    tenantGuid: await deps.findTenantId(body.tenantId),
    clientId: body.clientId,
    credentialType: credential.type,
    credentialExpiresAt: expiresAt,
    settings: settings.value,
    state: 'active' as const,
    stateReason: null,
    createdAt: now,
    modifiedAt: now,
  }
  const wanted = {
    row,
    credential: await deps.sealCredential(organizationId, id, credential),
    newGroupIds: row.settings.bindNewUsers.groupIds,
    checkSources: !row.settings.sameTenant,
    // Nothing is imported yet.
    checkImports: false,
    event: directoryEvent(scope, 'directory_create', id, changesBetween(undefined, row, false)),
  }
  const written = await storeOf(scope).insert(wanted)
  return written.ok ? ok(showDirectory(row, deps.issuer)) : err(problemOf(written.error))
}

/** Changes what the body names; settings are merged. Problems: invalid, notFound, conflict, busy. */
export async function patchDirectory(
  scope: DirectoryScope,
  deps: DirectoryDeps,
  id: string,
  patch: v.InferOutput<typeof directoryPatchSchema>,
): Outcome {
  const store = storeOf(scope)
  const before = await store.find(id)
  if (before === undefined) return err(noDirectory(id))
  const { organizationId, now } = scope
  const given = patch.credential && readCredential(patch.credential, deps, id, now)
  if (given?.ok === false) return given
  const credential = given?.value.credential
  const after = patched(before, patch, given?.value, now)
  if (!after.ok) return after
  const row = after.value
  const changes = changesBetween(before, row, credential !== undefined)
  if (changes.length === 0) return ok(showDirectory(before, deps.issuer))
  const settings = readSettings(before.settings)
  const checkSources = await allowsNoMore(scope, deps, settings, row.settings)
  const { groupIds } = settings.bindNewUsers
  const written = await store.update(before, {
    row,
    credential: credential && (await deps.sealCredential(organizationId, id, credential)),
    newGroupIds: row.settings.bindNewUsers.groupIds.filter((group) => !groupIds.includes(group)),
    checkSources,
    checkImports: row.settings.upnSource !== settings.upnSource,
    event: directoryEvent(scope, 'directory_update', id, changes),
  })
  if (!written.ok) return err(problemOf(written.error))
  scope.changed()
  return ok(showDirectory(row, deps.issuer))
}

/** Whether a source of the same tenant was allowed and is no more: then it matters of which tenants the sources are. */
async function allowsNoMore(
  { database, organizationId }: DirectoryScope,
  { findTenantId }: DirectoryDeps,
  before: DirectorySettings,
  after: DirectorySettings,
): Promise<boolean> {
  if (!before.sameTenant || after.sameTenant) return false
  await learnSourceTenants(database, organizationId, findTenantId)
  return true
}

type Patched = WantedDirectory['row']

function patched(
  before: ShownDirectory,
  patch: v.InferOutput<typeof directoryPatchSchema>,
  given: NewCredential | undefined,
  now: number,
): Result<Patched, Problem> {
  const { name = before.name, clientId = before.clientId, settings: wanted = {} } = patch
  if (clientId !== before.clientId && given === undefined)
    return err(invalidField('/credential', OTHER_APP))
  const { credential, expiresAt } = given ?? {
    credential: { type: before.credentialType },
    expiresAt: before.credentialExpiresAt,
  }
  const settings = mergedSettings(readSettings(before.settings), wanted)
  if (!settings.ok) return settings
  // A new credential is what a directory waits for whose old one was refused.
  const isMended = before.state === 'auth_error' && given !== undefined
  const state = patch.state ?? (isMended ? 'active' : before.state)
  return ok({
    ...before,
    name,
    clientId,
    credentialType: credential.type,
    credentialExpiresAt: expiresAt,
    state,
    stateReason: state === before.state ? before.stateReason : null,
    settings: settings.value,
    // It also tells two changes apart, so it never stands still.
    modifiedAt: Math.max(now, before.modifiedAt + 1),
  })
}

const OTHER_APP =
  'is missing: another clientId is another app registration, which has a credential of its own'

/** Drops a directory, its bindings and what it imported, which the others follow; Microsoft 365 stays as it is. Problems: notFound, busy. */
export async function removeDirectory(
  scope: DirectoryScope,
  id: string,
): Promise<Result<undefined, Problem>> {
  const store = storeOf(scope)
  const before = await store.find(id)
  if (before === undefined) return err(noDirectory(id))
  const changes = valuesGone(changesBetween(undefined, before, false))
  const event = directoryEvent(scope, 'directory_delete', id, changes)
  const removed = await store.remove(before, event)
  if (!removed.ok) return err(problemOf(removed.error))
  scope.changed()
  return ok(undefined)
}

/** What changes the desired state of users is a command, which the drain follows; the rest is told to people only. */
function directoryEvent(
  scope: DirectoryScope,
  type: 'directory_create' | 'directory_update' | 'directory_delete',
  id: string,
  changes: NonNullable<NewEvent['changes']>,
): NewEvent {
  const isCommand = type === 'directory_update' && changes.some(concernsExport)
  return {
    ...scope.by,
    class: isCommand ? 'command' : 'record',
    type,
    target: { type: 'directory', id },
    directoryId: id,
    changes,
  }
}
