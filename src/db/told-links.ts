/**
 * What a run tells of links and memberships beside what it found otherwise: those of managers and members whose account is back, or goes;
 * and what it does not tell, since somebody has put it right.
 */
import { type SQL, sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { type DriftTotals, isBack, totalsOf, toTotals } from './drift-store.ts'
import type { RunKey } from './reconciliation-store.ts'
import { awayCodes, managerOf, managersImported, managersOwn, MAY_BE_LINKED } from './waiting.ts'

/** Whether somebody enabled or disabled the account as it is to be here by now: that change was refused, is held, or is not ours to make. */
const isAsDesired = sql`attribute = 'accountEnabled' AND direction = 'export' AND EXISTS (
  SELECT 1 FROM user u WHERE u.organization_id = drift.organization_id AND u.id = drift.user_id
    AND u.suspended = (drift.ours = 'true'))`

/** Of which links to managers who are back a run tells beside those that it found otherwise. */
export interface ToldLinks {
  /** The manager is exported, and nobody has approved what was told before. */
  readonly areTold: boolean
  /** The directory has a threshold: an administrator is asked about an account before it is taken away. */
  readonly asks: boolean
}

/** Whether somebody linked the account to the manager who is wanted by now: that was refused, or waits. */
const isAsWanted = sql`attribute = 'manager' AND direction = 'export' AND EXISTS (
  SELECT 1 FROM user u CROSS JOIN binding b ON b.organization_id = u.organization_id AND b.directory_id = drift.directory_id
      AND b.kind = 'user' AND b.resource_id = coalesce(${managersImported}, ${managersOwn}) AND b.graph_id = drift.theirs ->> '$'
    CROSS JOIN user m ON m.organization_id = b.organization_id AND m.id = b.resource_id
  WHERE u.organization_id = drift.organization_id AND u.id = drift.user_id AND b.state NOT IN ('unbinding', 'former'))`

/**
 * Takes away what nobody puts right, and the links that went with the account of a manager who is not back, or deleted here: a deletion
 * is told once, of the manager, for whom the reports wait, and who are linked to nobody else meanwhile. Tells of whoever waits for the
 * link to one who is back, and of the links to one who is back and ends. Gives the counts of what there is then.
 */
export async function settleLinks(
  database: Database,
  key: RunKey,
  { areTold, asks }: ToldLinks,
): Promise<DriftTotals> {
  const { organizationId, directoryId, reconciliationId } = key
  const isMissing = sql`b.error ->> '$.code' IS 'object_missing'`
  const isOfLostManager = sql`organization_id = ${organizationId} AND reconciliation_id = ${reconciliationId}
    AND attribute = 'manager' AND direction = 'export' AND EXISTS (
      SELECT 1 FROM binding b INDEXED BY binding_by_graph_id
        LEFT JOIN drift d ON d.organization_id = b.organization_id AND d.reconciliation_id = ${reconciliationId}
          AND d.user_id = b.resource_id AND d.attribute = 'deleted'
      WHERE b.organization_id = ${organizationId} AND b.directory_id = ${directoryId}
        AND b.graph_id IS NOT NULL AND b.graph_id = drift.ours ->> '$'
        AND (d.theirs <> 'null' OR ${isMissing} AND d.theirs IS NULL OR NOT EXISTS (SELECT 1 FROM user u
          WHERE u.organization_id = b.organization_id AND u.id = b.resource_id)))`
  const answers = await database.run(
    ...(areTold ? [tellEnding(key, asks)] : []),
    sql`DELETE FROM drift WHERE ${isOfLostManager} AND theirs = 'null'`,
    sql`UPDATE drift SET ours = 'null' WHERE ${isOfLostManager}`,
    ...(areTold ? [tellWaiters(key)] : []),
    sql`DELETE FROM drift WHERE organization_id = ${organizationId} AND reconciliation_id = ${reconciliationId}
      AND (${isAsDesired} OR ${isAsWanted})`,
    totalsOf(key),
  )
  return toTotals(answers.at(-1))
}

/** Of a waiter who came back too, everything that is owed is sent. */
function tellWaiters(key: RunKey): SQL {
  const { organizationId, directoryId, reconciliationId } = key
  const waiter = sql`SELECT graph_id FROM binding WHERE organization_id = ${organizationId}
    AND directory_id = ${directoryId} AND kind = 'user' AND resource_id = a.waiter_id
    AND manager_graph_id IS NOT d.graph_id AND (${MAY_BE_LINKED} OR EXISTS (
      SELECT 1 FROM drift r WHERE r.user_id = a.waiter_id AND ${isBack(key, sql`r`)}))`
  return sql`INSERT INTO drift (organization_id, directory_id, reconciliation_id, user_id, attribute, graph_id,
      direction, ours, theirs)
    SELECT * FROM (SELECT ${organizationId}, ${directoryId}, ${reconciliationId}, a.waiter_id, 'manager',
        (${waiter}) AS graph_id, 'export', json_quote(d.graph_id), 'null'
      FROM drift d CROSS JOIN awaited a ON a.organization_id = d.organization_id
        AND a.directory_id = ${directoryId} AND a.awaited_id = d.user_id
      CROSS JOIN user u ON u.organization_id = a.organization_id AND u.id = a.waiter_id
        AND a.awaited_id IN ${managerOf}
      CROSS JOIN user m ON m.organization_id = d.organization_id AND m.id = d.user_id
      WHERE ${isBack(key, sql`d`)})
    WHERE graph_id IS NOT NULL
    ON CONFLICT DO UPDATE SET ours = excluded.ours`
}

/**
 * The links to one who is back and was deleted here go with the end of the account, unless an administrator is asked about that. A page,
 * or a look at each, has shown whose link went before: there is none to take away.
 */
function tellEnding(key: RunKey, asks: boolean): SQL {
  const { organizationId, directoryId, reconciliationId } = key
  const kept = asks ? sql`('rejected', 'asked')` : sql`('rejected')`
  const isBackToo = sql`EXISTS (SELECT 1 FROM drift r WHERE r.user_id = b.resource_id AND ${isBack(key, sql`r`)})`
  return sql`INSERT INTO drift (organization_id, directory_id, reconciliation_id, user_id, attribute, graph_id,
      direction, ours, theirs)
    SELECT ${organizationId}, ${directoryId}, ${reconciliationId}, b.resource_id, 'manager', b.graph_id,
      'export', 'null', json_quote(d.graph_id)
    FROM drift d CROSS JOIN binding m ON m.organization_id = d.organization_id AND m.directory_id = ${directoryId}
        AND m.kind = 'user' AND m.resource_id = d.user_id
      CROSS JOIN binding b INDEXED BY binding_by_manager ON b.organization_id = d.organization_id
        AND b.directory_id = ${directoryId} AND b.manager_graph_id IS NOT NULL AND b.manager_graph_id = d.graph_id
      CROSS JOIN user u ON u.organization_id = b.organization_id AND u.id = b.resource_id
        AND d.user_id IN ${managerOf}
    WHERE ${isBack(key, sql`d`)} AND coalesce(m.approval, '') NOT IN ${kept}
      AND NOT EXISTS (SELECT 1 FROM user w WHERE w.organization_id = d.organization_id AND w.id = d.user_id)
      AND b.kind = 'user' AND b.graph_id IS NOT NULL AND b.state NOT IN ('unbinding', 'former')
      AND coalesce(b.error ->> '$.code', '') <> 'mastered_on_premises'
      AND (coalesce(b.error ->> '$.code', '') NOT IN (${awayCodes}) OR ${isBackToo})
    ON CONFLICT DO UPDATE SET ours = 'null' WHERE drift.theirs <> 'null'`
}

/** How many reports of managers who are back one look gives. */
const REPORTS_PER_LOOK = 200

/** The next accounts behind `after` whose manager is back, as we know the links: whether they are there a page of changes does not tell. */
export async function reportsOfReturned(
  database: Database,
  key: RunKey,
  after: string,
): Promise<readonly string[]> {
  const [found] = await database.run(
    sql`SELECT b.graph_id FROM drift d CROSS JOIN binding b INDEXED BY binding_by_manager
        ON b.organization_id = d.organization_id AND b.directory_id = ${key.directoryId}
          AND b.manager_graph_id IS NOT NULL AND b.manager_graph_id = d.graph_id
      WHERE ${isBack(key, sql`d`)} AND b.kind = 'user' AND b.graph_id > ${after}
        AND b.state NOT IN ('unbinding', 'former')
      ORDER BY b.graph_id LIMIT ${REPORTS_PER_LOOK}`,
  )
  return (found?.rows ?? []).map((row) => String(row['graph_id']))
}

/** The groups that wait for an account that is back: no page of groups that changed shows whether it is a member. Of many, one more than `limit`. */
export async function groupsAwaitingReturned(
  database: Database,
  key: RunKey,
  limit: number,
): Promise<readonly string[]> {
  const [found] = await database.run(
    sql`SELECT DISTINCT a.waiter_id FROM drift d CROSS JOIN awaited a ON a.organization_id = d.organization_id
        AND a.directory_id = ${key.directoryId} AND a.awaited_id = d.user_id
      WHERE ${isBack(key, sql`d`)} AND substr(a.waiter_id, 1, 4) = 'grp_' LIMIT ${limit + 1}`,
  )
  return (found?.rows ?? []).map((row) => String(row['waiter_id']))
}
