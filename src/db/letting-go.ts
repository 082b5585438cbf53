/** The memberships of whoever is unbound, which its groups are to let go of. */
import { type SQL, sql } from 'drizzle-orm'

import type { LeaseKey } from './lease.ts'
import { dueAt, IS_RESTING } from './resting.ts'

/** A membership of one of the users or groups that are unbound, which Graph still holds. */
export interface Parting {
  readonly groupId: string
  readonly memberId: string
  /** It is to be looked at again: somebody asked for that already. */
  readonly isMarked: boolean
  /** When its group is tried next; null when it is not. */
  readonly dueAt: number | null
}

/**
 * The statements that have the memberships of `members`, a subquery, looked at again: they are in the same groups here as before, but
 * are to be in none of them there. Deleted resources are in no group any more, and their events name those that they were in.
 */
export function letGoStatements(
  { organizationId, directoryId }: LeaseKey,
  members: SQL,
  now: number,
): SQL[] {
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  const memberships = sql`FROM group_member WHERE organization_id = ${organizationId} AND member_id IN (${members})`
  return [
    sql`UPDATE exported_member SET unknown = 1 WHERE ${mine}
      AND (group_id, member_id) IN (SELECT group_id, member_id ${memberships})`,
    sql`UPDATE binding SET ${dueAt(now)}, state = CASE state WHEN 'synced' THEN 'owed' ELSE state END
      WHERE ${mine} AND kind = 'group' AND resource_id IN (SELECT group_id ${memberships})
        AND ${IS_RESTING} AND state NOT IN ('held', 'former', 'unbinding')`,
  ]
}

/** The memberships that are still there of those of these users and groups that are unbound. */
export function partingOf(
  { organizationId, directoryId }: LeaseKey,
  userIds: string,
  groupIds: string,
): SQL {
  const unbound = (kind: 'user' | 'group', ids: string) =>
    sql`SELECT resource_id FROM binding WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}
      AND kind = ${kind} AND resource_id IN (SELECT value FROM json_each(${ids}))
      AND state <> 'former' AND (state = 'unbinding' OR unbound_by IS NOT NULL)`
  // CROSS JOIN: from the few that are unbound to what they are in.
  return sql`SELECT x.group_id, x.member_id, x.unknown, g.due_at
    FROM (${unbound('user', userIds)} UNION ALL ${unbound('group', groupIds)}) u
    CROSS JOIN group_member m ON m.organization_id = ${organizationId} AND m.member_id = u.resource_id
    CROSS JOIN exported_member x ON x.organization_id = ${organizationId} AND x.directory_id = ${directoryId}
      AND x.group_id = m.group_id AND x.member_id = m.member_id
    CROSS JOIN binding g ON g.organization_id = ${organizationId} AND g.directory_id = ${directoryId}
      AND g.kind = 'group' AND g.resource_id = x.group_id`
}

/** Reads a row of `partingOf`. */
export const toParting = (row: Record<string, unknown>): Parting => ({
  groupId: String(row['group_id']),
  memberId: String(row['member_id']),
  isMarked: row['unknown'] === 1,
  dueAt: typeof row['due_at'] === 'number' ? row['due_at'] : null,
})
