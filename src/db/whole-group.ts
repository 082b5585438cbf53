import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { holdsLease, type LeaseKey } from './lease.ts'
import type { Edge } from './round-edges.ts'

/** Among the unknown attributes of a group's binding: all its memberships are sent again, page by page. */
export const MEMBERS = 'members'

export interface GroupPage {
  readonly edges: readonly Edge[]
  /** The last member id that was compared; null when the comparison is through. */
  readonly nextCursor: string | null
}

/** How many members of each side one page holds. */
const PAGE = 400

/** The next page of a group's members and of those that were exported, merged by member id. */
export async function readWholeGroup(
  database: Database,
  key: LeaseKey,
  groupId: string,
  cursor: string,
): Promise<GroupPage> {
  const { organizationId, directoryId } = key
  const [, members, exported] = await database.run(
    holdsLease(key),
    sql`SELECT m.member_id, CASE WHEN b.state NOT IN ('unbinding', 'former') THEN b.graph_id END AS graph_id
      FROM group_member m LEFT JOIN binding b ON b.organization_id = m.organization_id
        AND b.directory_id = ${directoryId} AND b.resource_id = m.member_id
        AND b.kind = CASE substr(m.member_id, 1, 4) WHEN 'grp_' THEN 'group' ELSE 'user' END
      WHERE m.organization_id = ${organizationId} AND m.group_id = ${groupId} AND m.member_id > ${cursor}
      ORDER BY m.member_id LIMIT ${PAGE}`,
    sql`SELECT x.member_id, x.graph_id, x.unknown, x.exported_at,
        coalesce(x.was_there AND b.unbound_by = 'undo', FALSE) AS is_theirs
      FROM exported_member x LEFT JOIN binding b ON x.was_there AND b.organization_id = x.organization_id
        AND b.directory_id = x.directory_id AND b.kind = 'user' AND b.resource_id = x.member_id
      WHERE x.organization_id = ${organizationId} AND x.directory_id = ${directoryId}
        AND x.group_id = ${groupId} AND x.member_id > ${cursor}
      ORDER BY x.member_id LIMIT ${PAGE}`,
  )
  return mergePages(groupId, members?.rows ?? [], exported?.rows ?? [], PAGE)
}

type Row = Record<string, unknown>

/** Merges two lists that are ordered by member id; a full list says nothing of what comes after its last id. */
export function mergePages(
  groupId: string,
  members: readonly Row[],
  exported: readonly Row[],
  limit: number,
): GroupPage {
  const idOf = (row: Row) => String(row['member_id'])
  const ends = [members, exported]
    .filter((list) => list.length >= limit)
    .flatMap((list) => list.slice(-1).map(idOf))
  const nextCursor = ends.length === 0 ? null : (ends.toSorted()[0] ?? null)
  const isInPage = (row: Row) => nextCursor === null || idOf(row) <= nextCursor
  const edges = new Map<string, Edge>()
  for (const row of members.filter(isInPage))
    edges.set(idOf(row), {
      groupId,
      memberId: idOf(row),
      isMember: true,
      exportedAs: null,
      unknown: false,
      exportedAt: null,
      passedOn: false,
      isTheirs: false,
      graphId: typeof row['graph_id'] === 'string' ? row['graph_id'] : null,
    })
  for (const row of exported.filter(isInPage)) {
    const member = edges.get(idOf(row))
    edges.set(idOf(row), {
      groupId,
      memberId: idOf(row),
      isMember: member !== undefined,
      exportedAs: String(row['graph_id']),
      unknown: row['unknown'] === 1,
      exportedAt: Number(row['exported_at']),
      passedOn: false,
      isTheirs: row['is_theirs'] === 1,
      graphId: member?.graphId ?? null,
    })
  }
  return { edges: [...edges.values()], nextCursor }
}
