import { and, eq, sql } from 'drizzle-orm'

import { err, ok, type Result } from '../kernel/result.ts'
import { isRefused, write } from './admin-write.ts'
import { type Database, decode } from './client.ts'
import type { NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import { managingKeys } from './key-store.ts'
import { mutation } from './mutation.ts'
import { admin } from './tables/organizations.ts'

export type AdminRow = typeof admin.$inferSelect

export type AdminFault =
  /** There is no such administrator, or they are no longer as they were read. */
  | { readonly kind: 'stale' }
  /** Nobody would be left who may manage administrators and has a key. */
  | { readonly kind: 'lastBillingAdmin' }

type Written = Promise<Result<undefined, AdminFault>>

export interface AdminStore {
  /** Administrators after `afterId`, in the order of their ids. */
  list(afterId: string, limit: number): Promise<readonly AdminRow[]>
  find(id: string): Promise<AdminRow | undefined>
  insert(row: AdminRow, event: NewEvent): Promise<void>
  update(before: AdminRow, after: AdminRow, event: NewEvent): Written
  /** An administrator goes and their keys with them. */
  remove(before: AdminRow, event: NewEvent): Written
}

/** The administrators of one organization. */
export function adminStore(database: Database, organizationId: string): AdminStore {
  const { build } = database
  const here = sql`organization_id = ${organizationId}`
  const asRead = ({ id, name, role }: AdminRow) =>
    and(
      eq(admin.organizationId, organizationId),
      eq(admin.id, id),
      eq(admin.name, name),
      eq(admin.role, role),
    )
  const anotherStays = (id: string, { time }: NewEvent) =>
    refuseUnless(sql`EXISTS (${managingKeys(organizationId, time)} AND a.id <> ${id})`, 'last')
  return {
    async list(afterId, limit) {
      const [found] = await database.run(
        sql`SELECT * FROM admin WHERE ${here} AND id > ${afterId} ORDER BY id LIMIT ${limit}`,
      )
      return (found?.rows ?? []).map((row) => decode(admin, row))
    },
    async find(id) {
      const [found] = await database.run(sql`SELECT * FROM admin WHERE ${here} AND id = ${id}`)
      return found?.rows.map((row) => decode(admin, row))[0]
    },
    async insert(row, event) {
      const insertion = build.insert(admin).values(row)
      await database.run(...mutation(organizationId, insertion, event, []))
    },
    async update(before, after, event) {
      const { name, email, role } = after
      const isLess = before.role === 'billing_admin' && role !== 'billing_admin'
      const change = build.update(admin).set({ name, email, role }).where(asRead(before))
      const queries = mutation(organizationId, change, event, [])
      return outcome(database, isLess ? [anotherStays(before.id, event), ...queries] : queries)
    },
    async remove(before, event) {
      const removal = build.delete(admin).where(asRead(before))
      const keys = sql`DELETE FROM api_key WHERE ${here} AND admin_id = ${before.id}`
      const queries = mutation(organizationId, removal, event, [keys])
      const isLess = before.role === 'billing_admin'
      return outcome(database, isLess ? [anotherStays(before.id, event), ...queries] : queries)
    },
  }
}

async function outcome(
  database: Database,
  queries: Parameters<typeof write>[1],
): Promise<Result<undefined, AdminFault>> {
  const written = await write(database, queries)
  if (written.ok) return ok(undefined)
  return err({ kind: isRefused(written.error, 'last') ? 'lastBillingAdmin' : 'stale' })
}
