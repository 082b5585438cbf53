import { type SQL, sql } from 'drizzle-orm'

import type { Json } from '../kernel/json.ts'
import type { Database } from './client.ts'
import { decode } from './client.ts'
import { refuseUnless } from './failure.ts'
import { directory } from './tables/directories.ts'

export type DirectoryRow = typeof directory.$inferSelect

/** How long a lease lasts unless it is renewed. D1's own clock counts, so that no two machines disagree about it. */
export const LEASE_MS = 60_000

/** D1's own clock, in milliseconds. */
export const NOW = sql`CAST(unixepoch('subsec') * 1000 AS INTEGER)`

/** A directory as one drain sees it; every statement of the drain is about it and begins with its lease. */
export interface LeaseKey {
  readonly organizationId: string
  readonly directoryId: string
  readonly token: string
}

export type LeaseTaken =
  /** An intent that is still there is that of a holder who died: what it names may have been written or not. */
  | { readonly kind: 'taken'; readonly directory: DirectoryRow }
  | { readonly kind: 'held'; readonly forMs: number }
  /** There is no such directory, or it is paused. */
  | { readonly kind: 'none' }

const here = ({ organizationId, directoryId }: LeaseKey): SQL =>
  sql`organization_id = ${organizationId} AND id = ${directoryId}`

/** Takes the directory's lease when nobody holds it. One round trip, one row. */
export async function takeLease(database: Database, key: LeaseKey): Promise<LeaseTaken> {
  const [before, update] = await database.run(
    sql`SELECT *, max(0, lease_until - ${NOW}) AS held_for FROM directory WHERE ${here(key)}`,
    sql`UPDATE directory SET lease_token = ${key.token}, lease_until = ${NOW} + ${LEASE_MS}
      WHERE ${here(key)} AND state = 'active' AND lease_until <= ${NOW}`,
  )
  const row = before?.rows[0]
  if (row === undefined || row['state'] !== 'active') return { kind: 'none' }
  if (update?.changes !== 1) return { kind: 'held', forMs: Number(row['held_for']) }
  return { kind: 'taken', directory: decode(directory, row) }
}

/** The statement that every batch of a drain begins with: the batch is aborted unless the lease is still ours. */
export const holdsLease = (key: LeaseKey): SQL =>
  refuseUnless(
    sql`EXISTS (SELECT 1 FROM directory WHERE ${here(key)} AND lease_token = ${key.token} AND lease_until > ${NOW})`,
    'lease',
  )

/** The statement that renews the lease and stores what is about to be written. */
export const renewLease = (key: LeaseKey, intent: Json): SQL =>
  sql`UPDATE directory SET lease_until = ${NOW} + ${LEASE_MS}, intent = ${JSON.stringify(intent)}
    WHERE ${here(key)}`

/** So much of a lease is over before a look at the quota renews it. */
const WORTH_RENEWING_MS = 15_000

/** The statement that renews a lease that is not fresh, and leaves the intent as it is. */
export const extendLease = (key: LeaseKey): SQL =>
  sql`UPDATE directory SET lease_until = ${NOW} + ${LEASE_MS}
    WHERE ${here(key)} AND lease_until < ${NOW} + ${LEASE_MS - WORTH_RENEWING_MS}`

/** Gives the lease back, unless somebody else has it by now. */
export async function releaseLease(database: Database, key: LeaseKey): Promise<void> {
  await database.run(
    sql`UPDATE directory SET lease_token = NULL, lease_until = 0
      WHERE ${here(key)} AND lease_token = ${key.token}`,
  )
}
