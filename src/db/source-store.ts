import { and, eq, type SQL, sql } from 'drizzle-orm'

import { err, ok, type Result } from '../kernel/result.ts'
import { isRefused, write } from './admin-write.ts'
import { type Answer, type Database, decode } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import { mutation } from './mutation.ts'
import { source, sourceCredential } from './tables/organizations.ts'
import { directoriesAgainst } from './tenant-guard.ts'

export type SourceRow = typeof source.$inferSelect
export type SourceCredentialRow = typeof sourceCredential.$inferSelect
/** A credential as it is shown: its hash leaves the database never. */
export type ShownCredential = Omit<SourceCredentialRow, 'secretHash'>

export interface SourceWithCredentials extends SourceRow {
  readonly credentials: readonly ShownCredential[]
}

export type SourceFault =
  /** There is no such source, or it is no longer as it was read. */
  | { readonly kind: 'stale' }
  /** A directory of this tenant is connected that does not allow a source of the same tenant. */
  | { readonly kind: 'sameTenant'; readonly directoryId: string; readonly directoryName: string }

type Written = Promise<Result<undefined, SourceFault>>

/** `trusted`: a credential, of whatever organization, trusts the same token already. */
export type CredentialFault = 'noSource' | 'trusted'

export interface SourceStore {
  /** Sources after `afterId`, in the order of their ids. */
  list(afterId: string, limit: number): Promise<readonly SourceWithCredentials[]>
  find(id: string): Promise<SourceWithCredentials | undefined>
  insert(row: SourceRow, event: NewEvent): Written
  update(before: SourceRow, after: SourceRow, event: NewEvent): Written
  /** Stores which tenant a source is of, that Entra ID did not tell of when it was named. */
  learnTenant(source: SourceRow, tenantGuid: string): Written
  /** The source goes and its credentials with it; users stay. */
  remove(before: SourceRow, now: number, event: NewEvent): Written
  /** `isOfTenant`: the tokens of its issuer and audience are one organization's, whatever their subject. */
  addCredential(
    row: SourceCredentialRow,
    event: NewEvent,
    isOfTenant?: boolean,
  ): Promise<Result<undefined, CredentialFault>>
  /** Revoking twice is revoking once. */
  revokeCredential(credential: ShownCredential, now: number, event: NewEvent): Promise<void>
}

/** Columns of a credential without its hash. */
const SHOWN = sql`organization_id, id, source_id, type, name, prefix, issuer, subject, audience, expires_at,
  revoked_at, created_at`

/** The sources of one organization. */
export function sourceStore(database: Database, organizationId: string): SourceStore {
  const here = sql`organization_id = ${organizationId}`
  const asRead = ({ id, modifiedAt }: SourceRow) =>
    and(
      eq(source.organizationId, organizationId),
      eq(source.id, id),
      eq(source.modifiedAt, modifiedAt),
    )

  async function read(condition: SQL): Promise<SourceWithCredentials[]> {
    const page = sql`FROM source WHERE ${here} AND ${condition}`
    const [sources, credentials] = await database.run(
      sql`SELECT * ${page}`,
      sql`SELECT ${SHOWN} FROM source_credential WHERE ${here}
        AND source_id IN (SELECT id ${page}) ORDER BY id`,
    )
    return assemble(sources, credentials)
  }

  return {
    list: (afterId, limit) => read(sql`id > ${afterId} ORDER BY id LIMIT ${limit}`),
    find: async (id) => (await read(sql`id = ${id}`))[0],
    insert: (row, event) =>
      writeSource(database, row, database.build.insert(source).values(row), event),
    async update(before, after, event) {
      const { name, usernamePolicy, entraTenantId, tenantGuid, modifiedAt } = after
      const change = database.build
        .update(source)
        .set({ name, usernamePolicy, entraTenantId, tenantGuid, modifiedAt })
        .where(asRead(before))
      return writeSource(database, after, change, event)
    },
    learnTenant: (row, tenantGuid) =>
      guardTenant(database, { ...row, tenantGuid }, [tenantStatement(row, tenantGuid)]),
    async remove(before, now, event) {
      const removal = database.build.delete(source).where(asRead(before))
      const its = sql`${here} AND source_id = ${before.id}`
      const credentials = [
        sql`DELETE FROM source_credential WHERE ${its} AND issuer IS NULL`,
        // The trust stays, revoked: the client may go on sending, and what it sends is for nobody else.
        sql`UPDATE source_credential SET revoked_at = coalesce(revoked_at, ${now}) WHERE ${its}`,
      ]
      const written = await write(database, mutation(organizationId, removal, event, credentials))
      return written.ok ? ok(undefined) : err({ kind: 'stale' })
    },
    async addCredential(row, event, isOfTenant = false) {
      const written = await write(database, [
        ...(row.issuer === null ? [] : [isNobodyElses(row, isOfTenant)]),
        ...mutation(organizationId, insertCredential(row), event, []),
      ])
      if (written.ok) return ok(undefined)
      const isTrusted = written.error.kind === 'unique' || isRefused(written.error, 'trusted')
      return err(isTrusted ? 'trusted' : 'noSource')
    },
    async revokeCredential({ sourceId, id }, now, event) {
      await database.run(
        sql`UPDATE source_credential SET revoked_at = ${now}
          WHERE ${here} AND source_id = ${sourceId} AND id = ${id} AND revoked_at IS NULL`,
        appendEvents(organizationId, [event], { onlyIfChanged: true }),
      )
    },
  }
}

/**
 * Tokens that were trusted once stay their organization's, also while nobody trusts them and after their source has gone: were
 * another one to trust them meanwhile, it would be sent the first one's users.
 */
function isNobodyElses(
  { organizationId, issuer, subject, audience }: SourceCredentialRow,
  isOfTenant: boolean,
): SQL {
  // One token may speak of several subjects: the object of the application, and the application.
  const same = isOfTenant ? sql`TRUE` : sql`subject = ${subject}`
  return refuseUnless(
    sql`NOT EXISTS (SELECT 1 FROM source_credential WHERE issuer = ${issuer} AND ${same}
      AND audience = ${audience} AND organization_id <> ${organizationId})`,
    'trusted',
  )
}

const writeSource = (
  database: Database,
  row: SourceRow,
  change: Parameters<typeof mutation>[1],
  event: NewEvent,
): Written => guardTenant(database, row, mutation(row.organizationId, change, event, []))

/** A source and a directory of one tenant would chase each other's changes, so the directory has to allow it. */
async function guardTenant(
  database: Database,
  { organizationId, entraTenantId, tenantGuid }: SourceRow,
  queries: Parameters<typeof write>[1],
): Written {
  const clash = directoriesAgainst(organizationId, [entraTenantId, tenantGuid])
  const written = await write(database, [
    refuseUnless(sql`NOT EXISTS (${clash})`, 'tenant'),
    ...queries,
  ])
  if (written.ok) return ok(undefined)
  if (!isRefused(written.error, 'tenant')) return err({ kind: 'stale' })
  const [found] = await database.run(clash)
  const [row] = found?.rows ?? []
  if (row === undefined) return err({ kind: 'stale' })
  const { id, name } = row
  return err({ kind: 'sameTenant', directoryId: String(id), directoryName: String(name) })
}

/** The source may have been given another tenant meanwhile. */
const tenantStatement = ({ organizationId, id, entraTenantId }: SourceRow, guid: string): SQL =>
  sql`UPDATE source SET tenant_guid = ${guid} WHERE organization_id = ${organizationId} AND id = ${id}
    AND entra_tenant_id = ${entraTenantId}`

/** Inserts nothing where there is no such source. */
function insertCredential(row: SourceCredentialRow): SQL {
  return sql`INSERT INTO source_credential (${SHOWN}, secret_hash)
    SELECT organization_id, ${row.id}, id, ${row.type}, ${row.name}, ${row.prefix}, ${row.issuer},
      ${row.subject}, ${row.audience}, ${row.expiresAt}, ${row.revokedAt}, ${row.createdAt},
      ${row.secretHash}
    FROM source WHERE organization_id = ${row.organizationId} AND id = ${row.sourceId}`
}

function assemble(
  sources: Answer | undefined,
  credentials: Answer | undefined,
): SourceWithCredentials[] {
  const all = (credentials?.rows ?? []).map(toCredential)
  return (sources?.rows ?? []).map((row) => {
    const found = decode(source, row)
    return { ...found, credentials: all.filter(({ sourceId }) => sourceId === found.id) }
  })
}

function toCredential(row: Record<string, unknown>): ShownCredential {
  const { secretHash: _, ...shown } = decode(sourceCredential, row)
  return shown
}
