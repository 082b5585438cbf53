/** The memberships that a round looks at, each with what Graph is known to hold of it. */
import { type SQL, sql } from 'drizzle-orm'

import type { LeaseKey } from './lease.ts'

/** How many of the members that groups waited for one round takes; the others keep their groups due. */
const WAITING_PER_ROUND = 1600

/** An account that is ending, or has ended, is nobody's manager and no member. */
export const LIVE = sql`b.graph_id IS NOT NULL AND b.state NOT IN ('unbinding', 'former')`

/** One membership to be looked at: is it one now, does Graph hold it, and by which ids. */
export interface Edge {
  readonly groupId: string
  readonly memberId: string
  readonly isMember: boolean
  /** The Graph id under which it was exported; null when it was not. */
  readonly exportedAs: string | null
  /** A write about it has no answer. */
  readonly unknown: boolean
  /** When it was added; null when it was not. */
  readonly exportedAt: number | null
  /** The account under which it was exported is another member's by now. */
  readonly passedOn: boolean
  /** The account was in the group before its bind, which is being undone: it is left there. */
  readonly isTheirs: boolean
  /** The member's Graph id in this directory now; null when it has none. */
  readonly graphId: string | null
}

/**
 * Only who has arrived is looked at, and only for groups that are due: that is what makes them due. CROSS JOIN keeps the
 * order in which the tables are walked: the other way round costs every binding of the directory.
 */
export function edgesOf(
  { organizationId, directoryId }: LeaseKey,
  named: string,
  groups: string,
  due: string,
): SQL {
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  return sql`WITH edge AS (
      SELECT e.value ->> 0 AS group_id, e.value ->> 1 AS member_id FROM json_each(${named}) e
      UNION SELECT * FROM (SELECT a.waiter_id, a.awaited_id FROM awaited a CROSS JOIN binding b
        ON b.organization_id = a.organization_id AND b.directory_id = a.directory_id
          AND b.kind IN ('user', 'group') AND b.resource_id = a.awaited_id AND ${LIVE}
        WHERE a.organization_id = ${organizationId} AND a.directory_id = ${directoryId}
          AND a.waiter_id IN (SELECT value FROM json_each(${due})) LIMIT ${WAITING_PER_ROUND})
      UNION SELECT group_id, member_id FROM exported_member
        WHERE ${mine} AND group_id IN (SELECT value FROM json_each(${groups})) AND unknown = 1)
    SELECT edge.group_id, edge.member_id, x.graph_id AS exported_as, x.unknown, x.exported_at,
      EXISTS (SELECT 1 FROM group_member m WHERE m.organization_id = ${organizationId}
        AND m.group_id = edge.group_id AND m.member_id = edge.member_id) AS is_member,
      CASE WHEN ${LIVE} THEN b.graph_id END AS graph_id,
      EXISTS (SELECT 1 FROM binding o JOIN group_member m ON m.organization_id = o.organization_id
          AND m.group_id = edge.group_id AND m.member_id = o.resource_id
        WHERE o.organization_id = ${organizationId} AND o.directory_id = ${directoryId}
          AND o.graph_id = x.graph_id AND o.resource_id <> edge.member_id
          AND o.state NOT IN ('unbinding', 'former')) AS passed_on,
      coalesce(x.was_there AND b.unbound_by = 'undo', FALSE) AS is_theirs
    FROM edge
    LEFT JOIN exported_member x ON x.organization_id = ${organizationId}
      AND x.directory_id = ${directoryId} AND x.group_id = edge.group_id AND x.member_id = edge.member_id
    LEFT JOIN binding b ON b.organization_id = ${organizationId} AND b.directory_id = ${directoryId}
      AND b.kind = CASE substr(edge.member_id, 1, 4) WHEN 'grp_' THEN 'group' ELSE 'user' END
      AND b.resource_id = edge.member_id`
}

/** Reads a row of `edgesOf`. */
export const toEdge = (row: Record<string, unknown>): Edge => ({
  groupId: String(row['group_id']),
  memberId: String(row['member_id']),
  isMember: row['is_member'] === 1,
  exportedAs: typeof row['exported_as'] === 'string' ? row['exported_as'] : null,
  unknown: row['unknown'] === 1,
  exportedAt: typeof row['exported_at'] === 'number' ? row['exported_at'] : null,
  passedOn: row['passed_on'] === 1,
  isTheirs: row['is_theirs'] === 1,
  graphId: typeof row['graph_id'] === 'string' ? row['graph_id'] : null,
})
