import { and, eq, sql } from 'drizzle-orm'

import { type Database, decode } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { isRefused, write } from './admin-write.ts'
import { mutation } from './mutation.ts'
import { admin, apiKey, organization } from './tables/organizations.ts'

export type OrganizationRow = typeof organization.$inferSelect

export interface NewOrganization {
  readonly organization: Pick<OrganizationRow, 'id' | 'name' | 'createdAt'>
  readonly admin: Pick<typeof admin.$inferSelect, 'id' | 'name' | 'role'>
  readonly key: Pick<typeof apiKey.$inferSelect, 'id' | 'name' | 'secretHash' | 'prefix'>
  readonly events: readonly NewEvent[]
}

/** An organization with its first administrator and that one's key, in one batch. */
export async function createOrganization(
  database: Database,
  wanted: NewOrganization,
): Promise<void> {
  const { build } = database
  const { id: organizationId, createdAt } = wanted.organization
  const own = { organizationId, createdAt }
  await database.run(
    build.insert(organization).values({ ...wanted.organization, settings: {} }),
    build.insert(admin).values({ ...own, ...wanted.admin }),
    build.insert(apiKey).values({ ...own, ...wanted.key, adminId: wanted.admin.id }),
    appendEvents(organizationId, wanted.events),
  )
}

/** The organization; undefined when it is gone. */
export async function readOrganization(
  database: Database,
  organizationId: string,
): Promise<OrganizationRow | undefined> {
  const [found] = await database.run(sql`SELECT * FROM organization WHERE id = ${organizationId}`)
  const [row] = found?.rows ?? []
  return row === undefined ? undefined : decode(organization, row)
}

/** How long an organization keeps its events unless it says otherwise. */
export const DEFAULT_RETENTION_DAYS = 90

/** How long an organization keeps its events. */
export function retentionDays({ settings }: Pick<OrganizationRow, 'settings'>): number {
  const days = settings['eventRetentionDays']
  return typeof days === 'number' ? days : DEFAULT_RETENTION_DAYS
}

/** Stores name and settings, unless somebody else changed them meanwhile: then false. */
export async function updateOrganization(
  database: Database,
  before: OrganizationRow,
  { name, settings }: OrganizationRow,
  event: NewEvent,
): Promise<boolean> {
  const isAsRead = and(
    eq(organization.id, before.id),
    eq(organization.name, before.name),
    sql`json(${organization.settings}) = json(${JSON.stringify(before.settings)})`,
  )
  const update = database.build.update(organization).set({ name, settings }).where(isAsRead)
  const written = await write(database, mutation(before.id, update, event, []))
  if (!written.ok && !isRefused(written.error, 'stale')) throw new Error('a name was refused')
  return written.ok
}
