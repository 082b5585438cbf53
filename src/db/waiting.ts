/** Who waits for somebody's account, and which of them is called once it is there. */
import { type SQL, sql } from 'drizzle-orm'

import { AWAY_CODES } from '../plan/drift.ts'
import { ENTERPRISE_USER_URN } from '../scim/urns.ts'
import type { Answer } from './client.ts'
import type { LeaseKey } from './lease.ts'
import { IS_RESTING } from './resting.ts'

/** Written out: a statement takes a hundred parameters, and nearly as many ids are asked for in one. */
export const awayCodes = sql.raw(AWAY_CODES.map((code) => `'${code}'`).join(', '))

/** A user whose account is another's, or not ours to write, is not woken by others; of one whose disabling is held the rest is. */
const IS_CALLED = sql`state <> 'former' AND (state <> 'held' OR graph_id IS NOT NULL AND deleted_at IS NULL)
  AND coalesce(error ->> 'code', '') <> 'mastered_on_premises'`
export const MAY_WAKE = sql`${IS_RESTING} AND ${IS_CALLED}`
const IS_TRYING = sql`error ->> 'code' = 'manager_missing'`
/** Whoever tries at long pauses whether the manager's account is there need not try again once it is known to be deleted. */
export const MAY_STOP_TRYING = sql`${IS_TRYING} AND ${IS_CALLED}`
/** Nor need it wait for the next try once the account is back. */
const MAY_STOP_WAITING = sql`(${IS_RESTING} OR ${IS_TRYING}) AND ${IS_CALLED}`

/** Who is sent the link to a manager whose account is there by now: no user without an account, or whose account is away too. */
const HAS_ACCOUNT = sql`kind = 'user' AND graph_id IS NOT NULL AND deleted_at IS NULL
  AND coalesce(error ->> '$.code', '') NOT IN (${awayCodes})`
export const MAY_BE_LINKED = sql`(${HAS_ACCOUNT} AND ${MAY_STOP_WAITING})`
/** Who is called once what it waits for is there. */
export const MAY_BE_CALLED = sql`(kind = 'group' AND ${MAY_STOP_WAITING} OR ${MAY_BE_LINKED})`
export const MAY_WAKE_FOR_LINK = sql`(${HAS_ACCOUNT} AND ${MAY_WAKE})`
/** What `found` becomes of whoever is called for the link: what was refused before, or is held, stays so. */
export const LINK_ALONE = sql`CASE WHEN kind = 'user' AND state IN ('failed', 'held') THEN CASE
  WHEN found IS NULL THEN '["manager"]'
  WHEN EXISTS (SELECT 1 FROM json_each(found) WHERE value = 'manager') THEN found
  ELSE json_insert(found, '$[#]', 'manager') END END`

/** Whose manager a user is to have, by our ids: `u` is its row. */
const MANAGER_PATH = `$."${ENTERPRISE_USER_URN}".manager.value`
export const managersOwn: SQL = sql`json_extract(u.resource, ${MANAGER_PATH})`
export const managersImported: SQL = sql`u.imported ->> '$.manager.value'`
export const managerOf: SQL = sql`(${managersOwn}, ${managersImported})`

/** Whether nobody is linked to the account of this binding: it was found deleted in Microsoft 365, or its user was deleted here. */
export const takesNoLink = (b: SQL): SQL =>
  sql`(${b}.error ->> '$.code' IS 'object_missing' OR NOT EXISTS (SELECT 1 FROM user here
    WHERE here.organization_id = ${b}.organization_id AND here.id = ${b}.resource_id))`

/** Whoever waits for one of `awaited`, a subquery: a user who has another manager by now does not. */
export const waitersFor = ({ organizationId, directoryId }: LeaseKey, awaited: SQL): SQL =>
  sql`SELECT a.waiter_id FROM awaited a
    WHERE a.organization_id = ${organizationId} AND a.directory_id = ${directoryId} AND a.awaited_id IN (${awaited})
      AND (substr(a.waiter_id, 1, 4) = 'grp_' OR EXISTS (SELECT 1 FROM user u
        WHERE u.organization_id = a.organization_id AND u.id = a.waiter_id AND a.awaited_id IN ${managerOf}))`

/**
 * How many users would be called to be linked to each of these managers, who have accounts; `managers` is what stands behind IN.
 * Whoever has another manager by now, or has the link by a change of its own, waits no longer.
 */
export function linkWaitersOf({ organizationId, directoryId }: LeaseKey, managers: SQL): SQL {
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId} AND kind = 'user'`
  return sql`SELECT a.awaited_id, count(*) AS waiters FROM awaited a CROSS JOIN user u
      ON u.organization_id = a.organization_id AND u.id = a.waiter_id AND a.awaited_id IN ${managerOf}
    WHERE a.organization_id = ${organizationId} AND a.directory_id = ${directoryId} AND a.awaited_id IN ${managers}
      AND EXISTS (SELECT 1 FROM binding WHERE ${mine} AND resource_id = a.waiter_id AND ${MAY_BE_LINKED}
        AND manager_graph_id IS NOT (SELECT graph_id FROM binding WHERE ${mine} AND resource_id = a.awaited_id))
    GROUP BY a.awaited_id`
}

/** Reads the answer to `linkWaitersOf`: by user id of the manager. */
export const toLinkWaiters = (answer: Answer | undefined): ReadonlyMap<string, number> =>
  new Map(
    (answer?.rows ?? []).map((row) => [String(row['awaited_id']), Number(row['waiters'])] as const),
  )
