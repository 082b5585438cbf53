/** What a run found, as it is counted, carried on and shown. */
import { type SQL, sql } from 'drizzle-orm'

import { membershipOf } from '../plan/drift.ts'
import { ACCOUNT } from '../plan/owed.ts'
import { type Answer, type Database, decode } from './client.ts'
import { nameColumns, namesIn, type ResourceNames } from './resource-names.ts'
import type { DriftRow, RunKey } from './reconciliation-store.ts'
import { drift } from './tables/reconciliations.ts'

export interface DriftTotals {
  /** Exported values that Graph does not hold. */
  readonly exported: number
  readonly imported: number
  /** Accounts that were deleted in Microsoft 365, or came back. */
  readonly deleted: number
  /** Accounts that putting our value back would disable or delete. */
  readonly disables: number
}

/** The counts of a run's rows. */
export async function driftTotals(database: Database, key: RunKey): Promise<DriftTotals> {
  const [found] = await database.run(totalsOf(key))
  return toTotals(found)
}

/** Whether putting our value back takes the account away. */
const isRemoval = sql`(attribute = 'accountEnabled' AND ours = 'false' OR attribute = ${ACCOUNT})`

/** Of the accounts that the run would take away, those that count: of whoever was taken away since then already it counts no more. */
export async function countRemovals(
  database: Database,
  { organizationId, directoryId, reconciliationId }: RunKey,
  since: number,
): Promise<number> {
  const [found] = await database.run(
    sql`SELECT count(*) AS removals FROM drift WHERE organization_id = ${organizationId}
      AND reconciliation_id = ${reconciliationId} AND ${isRemoval} AND NOT EXISTS (SELECT 1 FROM binding b
        WHERE b.organization_id = drift.organization_id AND b.directory_id = ${directoryId} AND b.kind = 'user'
          AND b.resource_id = drift.user_id AND b.taken_at >= ${since})`,
  )
  return Number(found?.rows[0]?.['removals'] ?? 0)
}

/** Asks for the counts of a run's rows, which `toTotals` reads. */
export const totalsOf = (key: RunKey): SQL => sql`SELECT
    coalesce(sum(direction = 'export' AND attribute <> 'deleted'), 0) AS exported,
    coalesce(sum(direction = 'import'), 0) AS imported,
    coalesce(sum(attribute = 'deleted'), 0) AS deleted,
    coalesce(sum(${isRemoval}), 0) AS disables
  FROM drift WHERE organization_id = ${key.organizationId}
    AND reconciliation_id = ${key.reconciliationId}`

/** Reads what `totalsOf` gave. */
export function toTotals(found: Answer | undefined): DriftTotals {
  const row = found?.rows[0] ?? {}
  const count = (name: keyof DriftTotals) => Number(row[name] ?? 0)
  return {
    exported: count('exported'),
    imported: count('imported'),
    deleted: count('deleted'),
    disables: count('disables'),
  }
}

/** That an account is back, of the run's drift `d`. */
export const isBack = ({ organizationId, reconciliationId }: RunKey, d: SQL): SQL =>
  sql`(${d}.organization_id = ${organizationId} AND ${d}.reconciliation_id = ${reconciliationId}
    AND ${d}.attribute = 'deleted' AND ${d}.theirs = 'null')`

/** Which users: those whose account came back, or everybody else. */
export interface UserPage {
  readonly back: boolean
  readonly after: string
  readonly limit: number
}

/** The exported rows of the next users, whole users only. */
export async function driftOfUsers(
  database: Database,
  key: RunKey,
  { back, after, limit }: UserPage,
): Promise<readonly DriftRow[]> {
  const mine = sql`organization_id = ${key.organizationId} AND reconciliation_id = ${key.reconciliationId}`
  const returned = sql`EXISTS (SELECT 1 FROM drift r WHERE r.user_id = drift.user_id AND ${isBack(key, sql`r`)})`
  const [found] = await database.run(
    sql`SELECT * FROM drift WHERE ${mine} AND direction = 'export' AND user_id IN (
        SELECT DISTINCT user_id FROM drift WHERE ${mine} AND direction = 'export' AND user_id > ${after}
          AND ${back ? returned : sql`NOT ${returned}`}
        ORDER BY user_id LIMIT ${limit})
      ORDER BY user_id, attribute`,
  )
  return (found?.rows ?? []).map((row) => decode(drift, row))
}

const MEMBERSHIP = membershipOf('')
/** The group that a row is about: as `groupOf` says of a membership, else the group itself. */
const GROUP = sql`CASE WHEN drift.attribute LIKE ${`${MEMBERSHIP}%`}
  THEN substr(drift.attribute, ${MEMBERSHIP.length + 1}) ELSE drift.user_id END`

/** One page of what a run found; `after` is `user attribute` of the row that the page before ended with. */
export async function listDrift(
  database: Database,
  organizationId: string,
  reconciliationId: string,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly (DriftRow & ResourceNames)[]> {
  const [user = '', attribute = ''] = (page.after ?? '').split('/')
  const [found] = await database.run(
    sql`SELECT *, ${nameColumns(organizationId, sql`drift.user_id`, GROUP)} FROM drift WHERE organization_id = ${organizationId}
      AND reconciliation_id = ${reconciliationId} AND (user_id, attribute) > (${user}, ${attribute})
      ORDER BY user_id, attribute LIMIT ${page.limit}`,
  )
  return (found?.rows ?? []).map((row) => ({ ...decode(drift, row), ...namesIn(row) }))
}
