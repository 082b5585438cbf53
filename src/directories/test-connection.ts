/**
 * `POST /directories/{id}/test`: whether the connection works, and what has to be done when it does not. A directory whose
 * credential is refused stops, one that had stopped and whose connection works goes on.
 */
import { decodeJwt } from 'jose'
import * as v from 'valibot'

import { readConnection, type StoredConnection } from '../db/connection-reader.ts'
import { directoryStore } from '../db/directory-store.ts'
import type { DirectoryRow } from '../db/lease.ts'
import { resumeDirectory } from '../db/refused-connection.ts'
import { learnSourceTenants, sourceAgainst, type TenantClash } from '../db/tenant-guard.ts'
import type { AuthFailure } from '../graph/auth-failure.ts'
import { tenantOfToken } from '../graph/tenant.ts'
import type { Transport, TransportAnswer } from '../graph/transport.ts'
import type { Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { readSettings } from '../plan/configuration.ts'
import {
  type DirectoryDeps,
  type DirectoryScope,
  type GraphConnection,
  noDirectory,
} from './context.ts'
import { clashFailure } from './faults.ts'
import { type MissingPermission, missingPermissions } from './permissions.ts'

/** Something that has to be done, for the administrator who does it. */
interface Trouble {
  readonly code: string
  readonly message: string
  readonly whatToDo: string
  readonly requestId?: string | undefined
}

interface Domain {
  readonly name: string
  readonly isDefault: boolean
  readonly isVerified: boolean
}

/** Asks for a new token, reads its permissions and the tenant's domains. Problem: notFound. */
export async function testConnection(
  scope: DirectoryScope,
  deps: DirectoryDeps,
  id: string,
): Promise<Result<JsonObject, Problem>> {
  const { database, organizationId } = scope
  const stored = await readConnection(database, organizationId, id)
  if (stored === undefined) return err(noDirectory(id))
  await learnSourceTenants(database, organizationId, deps.findTenantId)
  const found = await tryConnection(scope, deps, stored)
  if (found['ok'] === true && stored.directory.state === 'auth_error')
    await resume(scope, stored.directory)
  // Whoever found out that the credential is refused has stopped the directory: what holds now is read.
  const tested = await directoryStore(database, organizationId).find(id)
  if (tested === undefined) return err(noDirectory(id))
  const { state, stateReason } = tested
  return ok({ ...found, state, stateReason })
}

async function resume(scope: DirectoryScope, directory: DirectoryRow): Promise<void> {
  const { id, state } = directory
  const isResumed = await resumeDirectory(scope.database, directory, {
    ...scope.by,
    class: 'record',
    type: 'directory_update',
    target: { type: 'directory', id },
    directoryId: id,
    changes: [{ attribute: 'state', from: state, to: 'active' }],
  })
  if (isResumed) scope.changed()
}

async function tryConnection(
  { database }: DirectoryScope,
  deps: DirectoryDeps,
  stored: StoredConnection,
): Promise<JsonObject> {
  const connection = await deps.connectDirectory(stored.directory)
  if (!connection.ok) return withoutToken({ ...UNREADABLE, message: connection.error })
  const token = await connection.value.token()
  if (!token.ok) return withoutToken(troubleOf(token.error))
  const tenantGuid = stored.directory.tenantGuid ?? tenantOfToken(token.value) ?? null
  const clash = await sourceAgainst(database, { ...stored.directory, tenantGuid })
  return inspect(connection.value, token.value, stored, clash)
}

async function inspect(
  { transport }: GraphConnection,
  token: string,
  { directory, hasGroups }: StoredConnection,
  clash: TenantClash | undefined,
): Promise<JsonObject> {
  const granted = rolesOf(token)
  const settings = readSettings(directory.settings)
  const undertaking = {
    settings,
    hasGroups: hasGroups || settings.bindNewGroups === 'all',
  }
  const missing = missingPermissions(granted, undertaking)
  const domains = await readDomains(transport)
  const problems: readonly Trouble[] = [
    ...missing.filter(({ isRequired }) => isRequired).map(permissionTrouble),
    ...(domains.ok ? domainTrouble(domains.value) : [domains.error]),
    ...(clash === undefined ? [] : [troubleOf(clashFailure(clash))]),
  ]
  return {
    ok: problems.length === 0,
    token: { ok: true },
    permissions: {
      granted: granted.toSorted(),
      missing: missing.map((each): JsonObject => ({ ...each })),
    },
    domains: domains.ok ? domains.value.map((domain): JsonObject => ({ ...domain })) : [],
    problems: problems.map(showTrouble),
  }
}

/** The answer when there is no token, and so nothing else to be known. */
function withoutToken(trouble: Trouble): JsonObject {
  const { requestId, ...shown } = showTrouble(trouble)
  return {
    ok: false,
    token: { ok: false, ...shown, ...(requestId === undefined ? {} : { requestId }) },
    permissions: { granted: [], missing: [] },
    domains: [],
    problems: [showTrouble(trouble)],
  }
}

const showTrouble = ({ requestId, ...trouble }: Trouble): JsonObject => ({
  ...trouble,
  ...(requestId === undefined ? {} : { requestId }),
})

const troubleOf = (failure: AuthFailure): Trouble => ({
  code: failure.code,
  message: failure.message,
  whatToDo: failure.kind === 'permanent' ? failure.whatToDo : 'Wait some minutes, then test again.',
  requestId: failure.requestId,
})

/** The application permissions that a token carries. It came from Entra ID itself, so its signature needs no look. */
function rolesOf(token: string): string[] {
  try {
    const { roles } = decodeJwt(token)
    return v.is(v.array(v.string()), roles) ? roles : []
  } catch {
    return []
  }
}

const domainsSchema = v.object({
  value: v.array(v.object({ id: v.string(), isDefault: v.boolean(), isVerified: v.boolean() })),
})
const organizationSchema = v.object({
  value: v.tuple([
    v.object({ verifiedDomains: v.array(v.object({ name: v.string(), isDefault: v.boolean() })) }),
  ]),
})

/** All domains where the application may read them, else the verified ones, which any of its permissions shows. */
async function readDomains(transport: Transport): Promise<Result<Domain[], Trouble>> {
  const all = await transport.send(DOMAINS)
  if (all.kind === 'answered') {
    const read = v.safeParse(domainsSchema, all.body)
    if (read.success)
      return ok(read.output.value.map(({ id: name, ...rest }) => ({ name, ...rest })))
  }
  const answer = await transport.send(ORGANIZATION)
  if (answer.kind === 'auth_failed') return err(troubleOf(answer.failure))
  const read = v.safeParse(organizationSchema, answer.kind === 'answered' ? answer.body : undefined)
  if (!read.success) {
    const trouble = [all, answer].some(isBusy) ? DOMAINS_LATER : NO_DOMAINS
    return err({ ...trouble, requestId: answer.requestId })
  }
  const [{ verifiedDomains }] = read.output.value
  return ok(verifiedDomains.map((domain) => ({ ...domain, isVerified: true })))
}

/** It may answer another time: whether a permission is missing it did not say. */
const isBusy = (answer: TransportAnswer): boolean =>
  answer.kind === 'unanswered' ||
  (answer.kind === 'answered' && (answer.status === 429 || answer.status >= 500))

const DOMAINS = { method: 'GET', url: '/domains?$select=id,isDefault,isVerified' } as const
const ORGANIZATION = { method: 'GET', url: '/organization?$select=id,verifiedDomains' } as const

const permissionTrouble = ({ permission, why }: MissingPermission): Trouble => ({
  code: 'permission_missing',
  message: `The application lacks ${permission}, which it needs ${why}.`,
  whatToDo: `In Entra ID, under App registrations > API permissions, add the application permission ${permission} of Microsoft Graph and grant admin consent. It takes some minutes to count.`,
})

function domainTrouble(domains: readonly Domain[]): Trouble[] {
  return domains.some(({ isVerified }) => isVerified)
    ? []
    : [
        {
          code: 'no_verified_domain',
          message: 'No domain of the tenant is verified, so no user can be created in it.',
          whatToDo: 'Verify a domain in the Microsoft 365 admin center under Settings > Domains.',
        },
      ]
}

const UNREADABLE = {
  code: 'credential_unreadable',
  whatToDo: 'Enter the credential of this directory again.',
} as const

const DOMAINS_LATER: Trouble = {
  code: 'domains_unreadable',
  message:
    'Microsoft 365 answers no more requests for now, or gave no answer, so the domains of the tenant are not known.',
  whatToDo: 'Test again in some minutes.',
}

const NO_DOMAINS: Trouble = {
  code: 'domains_unreadable',
  message: 'Microsoft Graph did not show the domains of the tenant.',
  whatToDo:
    'Grant the application the permission Domain.Read.All of Microsoft Graph, or test again in some minutes if it has that.',
}
