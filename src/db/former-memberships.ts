/**
 * What a deleted account was a member of. Graph does not know such a membership any more when it is to be removed, yet gives it back with
 * the account, should that be restored: so it is kept for as long as the account may come back (export.md section 5).
 */
import { type SQL, sql } from 'drizzle-orm'

import type { LeaseKey } from './lease.ts'
import { dueAt, IS_RESTING } from './resting.ts'

/** A membership that Graph did not know when it was to be removed. */
export interface LeftMembership {
  readonly groupId: string
  readonly memberId: string
  /** Milliseconds. */
  readonly leftAt: number
}

/** Whether the account of the membership `x` is, or is being, let go of: one that is there has left the group by somebody else's hand. */
const IS_LET_GO = sql`NOT EXISTS (SELECT 1 FROM binding m CROSS JOIN user u
    ON u.organization_id = m.organization_id AND u.id = m.resource_id
  WHERE m.organization_id = x.organization_id AND m.directory_id = x.directory_id AND m.kind = 'user'
    AND m.resource_id = x.member_id AND m.deleted_at IS NULL AND m.state NOT IN ('unbinding', 'former'))`

/**
 * The statement that keeps what is exported of these memberships; after the bindings of the round, and before that is forgotten. Groups
 * are not restored.
 */
export const keepFormer = (
  { organizationId, directoryId }: LeaseKey,
  left: readonly LeftMembership[],
): SQL =>
  sql`INSERT INTO former_membership (organization_id, directory_id, graph_id, group_id, left_at, was_there)
    SELECT x.organization_id, x.directory_id, x.graph_id, x.group_id, e.value ->> 'leftAt', x.was_there
    FROM json_each(${JSON.stringify(left)}) e CROSS JOIN exported_member x
      ON x.organization_id = ${organizationId} AND x.directory_id = ${directoryId}
        AND x.group_id = e.value ->> 'groupId' AND x.member_id = e.value ->> 'memberId'
    WHERE substr(x.member_id, 1, 4) <> 'grp_' AND ${IS_LET_GO}
    ON CONFLICT DO UPDATE SET left_at = excluded.left_at, was_there = excluded.was_there`

/**
 * The statements that look again at what these accounts were members of, where they are there again: nobody knows whether each is in those
 * groups, and whoever has the account by now leaves the ones that it is not in here. After the bindings and memberships of the round.
 */
export function returnFormer(
  { organizationId, directoryId }: LeaseKey,
  graphIds: readonly string[],
  now: number,
): SQL[] {
  if (graphIds.length === 0) return []
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  const back = sql`(SELECT graph_id FROM binding INDEXED BY binding_by_graph_id WHERE ${mine} AND graph_id IS NOT NULL
      AND graph_id IN (SELECT value FROM json_each(${JSON.stringify(graphIds)}))
      AND deleted_at IS NULL AND state <> 'former')`
  const former = sql`former_membership WHERE ${mine} AND graph_id IN ${back}`
  return [
    sql`INSERT INTO exported_member
        (organization_id, directory_id, group_id, member_id, graph_id, unknown, exported_at, was_there)
      SELECT g.organization_id, g.directory_id, f.group_id, b.resource_id, f.graph_id, 1, ${now}, f.was_there
      FROM (SELECT * FROM ${former}) f
        CROSS JOIN binding b INDEXED BY binding_by_graph_id ON b.organization_id = ${organizationId}
          AND b.directory_id = ${directoryId} AND b.graph_id IS NOT NULL AND b.graph_id = f.graph_id
        CROSS JOIN binding g ON g.organization_id = ${organizationId} AND g.directory_id = ${directoryId}
          AND g.kind = 'group' AND g.resource_id = f.group_id AND g.state NOT IN ('unbinding', 'former')
      WHERE TRUE
      ON CONFLICT DO UPDATE SET was_there = excluded.was_there WHERE graph_id = excluded.graph_id`,
    // A replica may not know yet that they are there again: that is no reason to take them for removed.
    sql`UPDATE exported_member INDEXED BY exported_member_unknown SET exported_at = ${now} WHERE ${mine} AND unknown = 1 AND graph_id IN ${back}`,
    sql`UPDATE binding SET ${dueAt(now)}, state = CASE state WHEN 'synced' THEN 'owed' ELSE state END
      WHERE ${mine} AND kind = 'group' AND resource_id IN (SELECT group_id FROM ${former})
        AND ${IS_RESTING} AND state NOT IN ('held', 'former', 'unbinding')`,
    sql`DELETE FROM ${former}`,
  ]
}
