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

const totalsOf = (key: RunKey): SQL => sql`SELECT
    coalesce(sum(direction = 'export' AND attribute <> 'deleted'), 0) AS exported,
    coalesce(sum(direction = 'import'), 0) AS imported,
    coalesce(sum(attribute = 'deleted'), 0) AS deleted,
    coalesce(sum(attribute = 'accountEnabled' AND ours = 'false' OR attribute = ${ACCOUNT}), 0) AS disables
  FROM drift WHERE organization_id = ${key.organizationId}
    AND reconciliation_id = ${key.reconciliationId}`

function toTotals(found: Answer | undefined): DriftTotals {
  const row = found?.rows[0] ?? {}
  const count = (name: keyof DriftTotals) => Number(row[name] ?? 0)
  return {
    exported: count('exported'),
    imported: count('imported'),
    deleted: count('deleted'),
    disables: count('disables'),
  }
}

/**
 * Takes the links away that went with the manager's account: a deletion is told once, of the manager, for whom the reports wait. Of a
 * manager who came back a run that reports tells them, since they are written again only where one enforces. Gives the counts of
 * what is left.
 */
export async function dropLostLinks(
  database: Database,
  key: RunKey,
  mode: 'report' | 'enforce',
): Promise<DriftTotals> {
  const { organizationId, directoryId, reconciliationId } = key
  const isMissing = sql`b.error ->> '$.code' IS 'object_missing'`
  const [, left] = await database.run(
    sql`DELETE FROM drift WHERE organization_id = ${organizationId} AND reconciliation_id = ${reconciliationId}
      AND attribute = 'manager' AND direction = 'export' AND theirs = 'null' AND EXISTS (
        SELECT 1 FROM binding b INDEXED BY binding_by_graph_id
          LEFT JOIN drift d ON d.organization_id = b.organization_id AND d.reconciliation_id = ${reconciliationId}
            AND d.user_id = b.resource_id AND d.attribute = 'deleted'
        WHERE b.organization_id = ${organizationId} AND b.directory_id = ${directoryId}
          AND b.graph_id IS NOT NULL AND b.graph_id = drift.ours ->> '$'
          AND (d.theirs <> 'null' OR ${isMissing} AND (d.theirs IS NULL OR ${mode === 'enforce'})))`,
    totalsOf(key),
  )
  return toTotals(left)
}

/** How many accounts are bound here: what a threshold in percent is of. */
export async function countBound(database: Database, key: RunKey): Promise<number> {
  const [found] = await database.run(
    sql`SELECT count(*) AS bound FROM binding WHERE organization_id = ${key.organizationId}
      AND directory_id = ${key.directoryId} AND kind = 'user' AND graph_id IS NOT NULL
      AND state NOT IN ('unbinding', 'former')`,
  )
  return Number(found?.rows[0]?.['bound'] ?? 0)
}

/** The exported rows of the next users after `after`, whole users only. */
export async function driftOfUsers(
  database: Database,
  key: RunKey,
  after: string,
  users: number,
): Promise<readonly DriftRow[]> {
  const mine = sql`organization_id = ${key.organizationId} AND reconciliation_id = ${key.reconciliationId}`
  const [found] = await database.run(
    sql`SELECT * FROM drift WHERE ${mine} AND direction = 'export' AND user_id IN (
        SELECT DISTINCT user_id FROM drift WHERE ${mine} AND direction = 'export' AND user_id > ${after}
        ORDER BY user_id LIMIT ${users})
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
