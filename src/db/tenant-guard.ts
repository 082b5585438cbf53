/**
 * An organization connects a tenant once, and not beside a source of the same tenant, by whichever names the tenant goes: each row
 * holds the name that was entered and, as soon as Entra ID has told it, the tenant's id.
 */
import { type SQL, sql } from 'drizzle-orm'

import { isRefused, type Refusal, write } from './admin-write.ts'
import type { Database } from './client.ts'
import { refuseUnless } from './failure.ts'

/** A tenant by its names. */
export interface NamedTenant {
  readonly organizationId: string
  /** The directory that is to be connected to it. */
  readonly id: string
  readonly tenantId: string
  readonly tenantGuid: string | null
}

export type TenantClash =
  | { readonly kind: 'tenantTaken'; readonly id: string; readonly name: string }
  /** A source of this tenant exists, and the settings do not allow both. */
  | { readonly kind: 'sameTenant'; readonly id: string; readonly name: string }

/** Whether the columns of a row name one of these; what is null names nothing. */
const isNamed = (columns: readonly SQL[], names: readonly (string | null)[]): SQL => {
  const list = sql.join(
    names.map((name) => sql`${name}`),
    sql`, `,
  )
  const either = columns.map((column) => sql`${column} IN (${list})`)
  return sql`(${sql.join(either, sql` OR `)})`
}

/** The other directories of a tenant. */
const directories = ({ organizationId, id, tenantId, tenantGuid }: NamedTenant): SQL =>
  sql`SELECT id, name FROM directory WHERE organization_id = ${organizationId} AND id <> ${id}
    AND ${isNamed([sql`tenant_id`, sql`tenant_guid`], [tenantId, tenantGuid])}`

/** The sources of a tenant. */
const sources = ({ organizationId, tenantId, tenantGuid }: NamedTenant): SQL =>
  sql`SELECT id, name FROM source WHERE organization_id = ${organizationId}
    AND ${isNamed([sql`entra_tenant_id`, sql`tenant_guid`], [tenantId, tenantGuid])}`

/** The directories of the tenant that a source names which allow no source of their own tenant. */
export const directoriesAgainst = (
  organizationId: string,
  names: readonly (string | null)[],
): SQL =>
  sql`SELECT id, name FROM directory WHERE organization_id = ${organizationId}
    AND ${isNamed([sql`tenant_id`, sql`tenant_guid`], names)}
    AND coalesce(settings ->> '$.sameTenant', 0) = 0`

/** The assertion that no other directory is connected to the tenant. */
export const isOnlyDirectory = (tenant: NamedTenant): SQL =>
  refuseUnless(sql`NOT EXISTS (${directories(tenant)})`, 'tenant')

/** The assertion that no source names the tenant. */
export const isNoSourceThere = (tenant: NamedTenant): SQL =>
  refuseUnless(sql`NOT EXISTS (${sources(tenant)})`, 'source')

/** Finds the id of the tenant that a name stands for; null when Entra ID does not tell. */
export type FindTenant = (name: string) => Promise<string | null>

/** So many names are asked of Entra ID at once. */
const MOST_ASKED = 20

/**
 * Asks for the tenants of those sources that Entra ID did not tell of when they were named, and stores what it tells now: before
 * somebody relies on knowing every source of a tenant.
 */
export async function learnSourceTenants(
  database: Database,
  organizationId: string,
  findTenant: FindTenant,
): Promise<void> {
  const unknown = sql`organization_id = ${organizationId} AND tenant_guid IS NULL`
  const [found] = await database.run(
    sql`SELECT DISTINCT entra_tenant_id AS name FROM source
      WHERE ${unknown} AND entra_tenant_id IS NOT NULL LIMIT ${MOST_ASKED}`,
  )
  const names = (found?.rows ?? []).map(({ name }) => String(name))
  const told = await Promise.all(names.map(async (name) => ({ name, id: await findTenant(name) })))
  const updates = told.flatMap(({ name, id }) =>
    id === null
      ? []
      : [sql`UPDATE source SET tenant_guid = ${id} WHERE ${unknown} AND entra_tenant_id = ${name}`],
  )
  if (updates.length > 0) await database.run(...updates)
}

/** The source of a directory's own tenant, where the directory allows none. */
export async function sourceAgainst(
  database: Database,
  directory: NamedTenant,
): Promise<TenantClash | undefined> {
  const { organizationId, id } = directory
  const [found] = await database.run(
    sql`${sources(directory)} AND NOT EXISTS (SELECT 1 FROM directory WHERE organization_id = ${organizationId}
      AND id = ${id} AND settings ->> '$.sameTenant' = 1)`,
  )
  const [row] = found?.rows ?? []
  return row && { kind: 'sameTenant', id: String(row['id']), name: String(row['name']) }
}

/** What stands in the way of a write that one of these refused, read afterwards: in between it may have gone. */
export async function readClash(
  database: Database,
  tenant: NamedTenant,
  refusal: Refusal,
): Promise<TenantClash | undefined> {
  const kind = isRefused(refusal, 'source') ? 'sameTenant' : 'tenantTaken'
  const [found] = await database.run(kind === 'sameTenant' ? sources(tenant) : directories(tenant))
  const [row] = found?.rows ?? []
  return row && { kind, id: String(row['id']), name: String(row['name']) }
}

/**
 * Stores the id of a directory's tenant, which a token has told. The clash: the tenant has another directory, or a source; then
 * nothing is stored.
 */
export async function admitTenant(
  database: Database,
  tenant: NamedTenant & { readonly tenantGuid: string },
): Promise<TenantClash | undefined> {
  const { organizationId, id, tenantGuid } = tenant
  const mine = sql`organization_id = ${organizationId} AND id = ${id}`
  const isAllowed = sql`EXISTS (SELECT 1 FROM directory WHERE ${mine} AND settings ->> '$.sameTenant' = 1)`
  const written = await write(database, [
    isOnlyDirectory(tenant),
    refuseUnless(sql`${isAllowed} OR NOT EXISTS (${sources(tenant)})`, 'source'),
    sql`UPDATE directory SET tenant_guid = ${tenantGuid} WHERE ${mine}`,
  ])
  return written.ok ? undefined : readClash(database, tenant, written.error)
}
