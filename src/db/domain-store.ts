/** What is kept of a tenant's verified domains, and who waits for one to be verified. */
import { type SQL, sql } from 'drizzle-orm'

import type { JsonObject } from '../kernel/json.ts'
import type { Database } from './client.ts'
import { extendLease, holdsLease, type LeaseKey } from './lease.ts'
import { dueAt, IS_RESTING } from './resting.ts'

/** What was read of the domains. */
export interface DomainChange {
  readonly facts: JsonObject | null
  /** A domain that users waited for is verified by now: they are due. */
  readonly isAwaitedVerified: boolean
}

const mine = ({ organizationId, directoryId }: LeaseKey): SQL =>
  sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`

const WAITS = sql`state = 'failed' AND ${IS_RESTING} AND error ->> 'code' = 'domain_not_verified'`

/** The statements that store what was read. The bindings are scanned only when a domain that was missing is there. */
export function domainStatements(
  key: LeaseKey,
  { facts, isAwaitedVerified }: DomainChange,
  now: number,
): SQL[] {
  const stored = facts === null ? null : JSON.stringify(facts)
  return [
    sql`UPDATE directory SET domains = ${stored}
      WHERE organization_id = ${key.organizationId} AND id = ${key.directoryId}`,
    ...(isAwaitedVerified
      ? [sql`UPDATE binding SET ${dueAt(now)} WHERE ${mine(key)} AND ${WAITS}`]
      : []),
  ]
}

/** Stores what was read without a round; where nobody waits any more, the domains are not asked for again. */
export async function storeDomains(
  database: Database,
  key: LeaseKey,
  change: DomainChange,
  now: number,
): Promise<void> {
  await database.run(
    holdsLease(key),
    extendLease(key),
    ...domainStatements(key, change, now),
    sql`UPDATE directory SET domains = json_set(domains, '$.missing', json('[]'))
      WHERE organization_id = ${key.organizationId} AND id = ${key.directoryId}
        AND NOT EXISTS (SELECT 1 FROM binding WHERE ${mine(key)}
          AND state = 'failed' AND error ->> 'code' = 'domain_not_verified')`,
  )
}
