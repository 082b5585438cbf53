import { and, eq, type SQL, sql } from 'drizzle-orm'

import { err, ok, type Result } from '../kernel/result.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import { isRefused, type Refusal, write } from './admin-write.ts'
import { type Database, decode, type Query } from './client.ts'
import type { NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import { takeImported } from './imported-store.ts'
import type { DirectoryRow } from './lease.ts'
import { mutation } from './mutation.ts'
import { directory } from './tables/directories.ts'
import { isNoSourceThere, isOnlyDirectory, readClash, type TenantClash } from './tenant-guard.ts'

/** A directory as administrators see it: without its credential and without what the drain keeps there. */
export type ShownDirectory = Pick<
  DirectoryRow,
  | 'organizationId'
  | 'id'
  | 'name'
  | 'tenantId'
  | 'tenantGuid'
  | 'clientId'
  | 'credentialType'
  | 'credentialExpiresAt'
  | 'settings'
  | 'state'
  | 'stateReason'
  | 'createdAt'
  | 'modifiedAt'
>

export type DirectoryFault =
  /** There is no such directory, or it is no longer as it was read. */
  | { readonly kind: 'stale' }
  | TenantClash
  | { readonly kind: 'unknownGroups'; readonly ids: readonly string[] }
  /** The userPrincipalName is to be taken from an attribute that the directory imports. */
  | { readonly kind: 'upnImported'; readonly attribute: DirectorySettings['upnSource'] }

type Written = Promise<Result<undefined, DirectoryFault>>

/** A directory as it shall be, and what of it has to be checked against the rest of the organization. */
export interface WantedDirectory {
  readonly row: Omit<ShownDirectory, 'settings'> & { readonly settings: DirectorySettings }
  /** Sealed, or null where it holds no secret; undefined where it stays as it is. */
  readonly credential: string | null | undefined
  /** Groups that the settings name and did not name before. */
  readonly newGroupIds: readonly string[]
  /** Whether a source of the same tenant has to be ruled out. */
  readonly checkSources: boolean
  /** Whether the userPrincipalName is taken from another attribute than before, which the directory may import. */
  readonly checkImports: boolean
  readonly event: NewEvent
}

interface Checked extends WantedDirectory {
  /** Then no other directory may be connected to the tenant; one that is there keeps its tenant. */
  readonly isNew: boolean
}

export interface DirectoryStore {
  /** Directories after `afterId`, in the order of their ids. */
  list(afterId: string, limit: number): Promise<readonly ShownDirectory[]>
  find(id: string): Promise<ShownDirectory | undefined>
  /** A new directory follows the log from its end. */
  insert(wanted: WantedDirectory & { readonly credential: string | null }): Written
  update(before: ShownDirectory, wanted: WantedDirectory): Written
  /** The directory goes with its bindings, the values that it imported, and whatever is kept for it. */
  remove(before: ShownDirectory, event: NewEvent): Written
}

const SHOWN = sql`organization_id, id, name, tenant_id, tenant_guid, client_id, credential_type, credential_expires_at,
  settings, state, state_reason, created_at, modified_at`

/** A new credential is no longer the one that was refused, though that was found out since the directory was read. */
const MENDED = {
  state: sql`CASE state WHEN 'auth_error' THEN 'active' ELSE state END`,
  stateReason: sql`CASE state WHEN 'auth_error' THEN NULL ELSE state_reason END`,
}

/** What belongs to a directory and goes with it. */
const DEPENDENTS = [
  'binding',
  'exported_member',
  'former_membership',
  'awaited',
  'attribute_direction',
  'job',
  'reconciliation',
  'drift',
  'seen_accounts',
  'overwritten',
] as const

/** The directories of one organization. */
export function directoryStore(database: Database, organizationId: string): DirectoryStore {
  const here = sql`organization_id = ${organizationId}`
  const asRead = ({ id, modifiedAt }: ShownDirectory) =>
    and(
      eq(directory.organizationId, organizationId),
      eq(directory.id, id),
      eq(directory.modifiedAt, modifiedAt),
    )

  async function read(condition: SQL): Promise<ShownDirectory[]> {
    const [found] = await database.run(
      sql`SELECT ${SHOWN} FROM directory WHERE ${here} AND ${condition}`,
    )
    return (found?.rows ?? []).map((row) => decode(directory, row))
  }

  async function carryOut(wanted: Checked, change: Query): Written {
    const written = await write(database, [
      ...assertions(wanted),
      ...mutation(organizationId, change, wanted.event, []),
    ])
    return written.ok ? ok(undefined) : err(await explain(database, wanted, written.error))
  }

  return {
    list: (afterId, limit) => read(sql`id > ${afterId} ORDER BY id LIMIT ${limit}`),
    find: async (id) => (await read(sql`id = ${id}`))[0],
    insert: (wanted) => carryOut({ ...wanted, isNew: true }, insertion(wanted)),
    async update(before, wanted) {
      const { name, clientId, credentialType, credentialExpiresAt, settings } = wanted.row
      const { state, stateReason, modifiedAt } = wanted.row
      const update = database.build
        .update(directory)
        .set({
          ...(wanted.credential === undefined ? {} : { credential: wanted.credential, ...MENDED }),
          // Whoever finds a credential refused sets the state too: it is written only where the administrator changes it.
          ...(state === before.state ? {} : { state, stateReason }),
          name,
          clientId,
          credentialType,
          credentialExpiresAt,
          settings,
          modifiedAt,
        })
        .where(asRead(before))
      return carryOut({ ...wanted, isNew: false }, update)
    },
    async remove(before, event) {
      const { id } = before
      const removal = database.build.delete(directory).where(asRead(before))
      const dependents = DEPENDENTS.map(
        (table) => sql`DELETE FROM ${sql.identifier(table)} WHERE ${here} AND directory_id = ${id}`,
      )
      const users = sql`SELECT id FROM user WHERE ${here} AND imported IS NOT NULL`
      const imported = takeImported({ organizationId, directoryId: id }, { users, now: event.time })
      const queries = mutation(organizationId, removal, event, [...dependents, ...imported])
      return (await write(database, queries)).ok ? ok(undefined) : err({ kind: 'stale' })
    },
  }
}

function insertion({ row, credential }: WantedDirectory): SQL {
  return sql`INSERT INTO directory (${SHOWN}, credential, position, urgent_position)
    SELECT ${row.organizationId}, ${row.id}, ${row.name}, ${row.tenantId}, ${row.tenantGuid}, ${row.clientId},
      ${row.credentialType}, ${row.credentialExpiresAt}, ${JSON.stringify(row.settings)}, ${row.state},
      ${row.stateReason}, ${row.createdAt}, ${row.modifiedAt}, ${credential ?? null}, head, head
    FROM (SELECT coalesce(max(sequence), 0) AS head FROM event WHERE organization_id = ${row.organizationId})`
}

function assertions({ row, newGroupIds, checkSources, checkImports, isNew }: Checked): SQL[] {
  return [
    ...(isNew ? [isOnlyDirectory(row)] : []),
    ...(checkSources ? [isNoSourceThere(row)] : []),
    ...(checkImports ? [refuseUnless(sql`NOT EXISTS (${importOfName(row)})`, 'imports')] : []),
    ...(newGroupIds.length > 0
      ? [refuseUnless(sql`NOT EXISTS (${missing(row.organizationId, newGroupIds)})`, 'groups')]
      : []),
  ]
}

const importOfName = ({ organizationId, id, settings }: WantedDirectory['row']): SQL =>
  sql`SELECT 1 FROM attribute_direction WHERE organization_id = ${organizationId} AND directory_id = ${id}
    AND attribute = ${settings.upnSource} AND direction = 'import'`

const missing = (organizationId: string, groupIds: readonly string[]): SQL =>
  sql`SELECT value AS id FROM json_each(${JSON.stringify(groupIds)}) WHERE value NOT IN (
    SELECT id FROM "group" WHERE organization_id = ${organizationId})`

/** What stands in the way of a refused write, read afterwards: in between it may have gone. */
async function explain(
  database: Database,
  { row, newGroupIds }: WantedDirectory,
  refusal: Refusal,
): Promise<DirectoryFault> {
  if (isRefused(refusal, 'stale')) return { kind: 'stale' }
  if (isRefused(refusal, 'imports'))
    return { kind: 'upnImported', attribute: row.settings.upnSource }
  if (!isRefused(refusal, 'groups'))
    return (await readClash(database, row, refusal)) ?? { kind: 'stale' }
  const [groups] = await database.run(missing(row.organizationId, newGroupIds))
  return { kind: 'unknownGroups', ids: (groups?.rows ?? []).map(({ id }) => String(id)) }
}
