/** What a whole comparison reads of bound groups and of the memberships that were exported. */
import { type SQL, sql } from 'drizzle-orm'

import { type Answer, type Database, decode } from './client.ts'
import { idsInFlight } from './compared-accounts.ts'
import { type Lane, readBlock } from './lane-store.ts'
import type { RunKey } from './reconciliation-store.ts'
import { LIVE } from './round-edges.ts'
import { binding, directory } from './tables/directories.ts'
import { awayCodes, MAY_WAKE } from './waiting.ts'

/** A bound group as a step begins with it. */
export interface BoundGroup {
  readonly id: string
  readonly graphId: string
}

export interface BoundGroups {
  readonly groups: readonly BoundGroup[]
  /** Until when a lane is blocked; 0 when none is. */
  readonly blockedUntil: number
}

interface GroupPage {
  readonly after: string
  readonly limit: number
  readonly lanes: readonly Lane[]
  readonly ids: readonly string[] | null
}

/**
 * The next bound groups that exist here, after the one of that id; of `ids`, where they are given. Of one that was unbound, and that an
 * administrator keeps from being deleted, nothing is ours any more.
 */
export async function nextGroups(
  database: Database,
  { organizationId, directoryId }: RunKey,
  page: GroupPage,
): Promise<BoundGroups> {
  const [found, block] = await database.run(
    sql`SELECT resource_id, graph_id FROM binding
      WHERE organization_id = ${organizationId} AND directory_id = ${directoryId} AND kind = 'group'
        AND resource_id > ${page.after} AND graph_id IS NOT NULL
        AND state NOT IN ('held', 'unbinding', 'former') AND unbound_by IS NULL
        AND EXISTS (SELECT 1 FROM "group" g WHERE g.organization_id = binding.organization_id AND g.id = resource_id)
        ${page.ids === null ? sql`` : sql`AND resource_id IN (SELECT value FROM json_each(${JSON.stringify(page.ids)}))`}
      ORDER BY resource_id LIMIT ${page.limit}`,
    readBlock(page.lanes),
  )
  return {
    groups: (found?.rows ?? []).map((row) => ({
      id: String(row['resource_id']),
      graphId: String(row['graph_id']),
    })),
    blockedUntil: Number(block?.rows[0]?.['until'] ?? 0),
  }
}

/** A membership that was exported, by the Graph id under which it was. */
export interface ExportedMembership {
  readonly groupId: string
  readonly memberId: string
  readonly graphId: string
}

const MEMBERS_PER_READ = 5000

/** Every membership of a group that was exported. */
export async function exportedMemberships(
  database: Database,
  { organizationId, directoryId }: RunKey,
  groupId: string,
): Promise<readonly ExportedMembership[]> {
  const found: ExportedMembership[] = []
  for (let after = ''; ;) {
    const [page] = await database.run(
      sql`SELECT group_id, member_id, graph_id FROM exported_member
        WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}
          AND group_id = ${groupId} AND member_id > ${after}
        ORDER BY member_id LIMIT ${MEMBERS_PER_READ}`,
    )
    const rows = (page?.rows ?? []).map(toMembership)
    found.push(...rows)
    const last = rows.at(-1)
    if (last === undefined || rows.length < MEMBERS_PER_READ) return found
    after = last.memberId
  }
}

const toMembership = (row: Answer['rows'][number]): ExportedMembership => ({
  groupId: String(row['group_id']),
  memberId: String(row['member_id']),
  graphId: String(row['graph_id']),
})

/** What Graph seems to hold otherwise. */
export interface Suspects {
  /** Exported, and Graph does not tell of them. */
  readonly missing: readonly (readonly [groupId: string, memberId: string])[]
  /** Graph tells of accounts that were not exported. */
  readonly extra: readonly (readonly [groupId: string, graphId: string])[]
}

/** A membership that is drift, as far as is known here. */
export interface MemberDrift extends ExportedMembership {
  /** Whether it is one here. */
  readonly isMember: boolean
  /** When the membership, or one of its group, was exported last. */
  readonly exportedAt: number
}

/** A group as it is stored now. */
export interface ComparedGroup {
  readonly id: string
  readonly graphId: string
  /** The name that Graph was told; null where none is known. */
  readonly displayName: string | null
  readonly exportedAt: number
  /** A drain is writing it right now. */
  readonly isInFlight: boolean
}

export interface ConfirmedGroups {
  readonly groups: ReadonlyMap<string, ComparedGroup>
  readonly drift: readonly MemberDrift[]
}

/**
 * Of what Graph seems to hold otherwise, what is drift: memberships that were exported and are wanted, and members who are bound
 * here and are none. Whatever the export still owes is none, and who is not bound here is not ours. Beside that, members whom a group
 * waits for though their accounts are there by now, and nobody calls it: Graph may hold those.
 */
export async function confirmDrift(
  database: Database,
  key: RunKey,
  groupIds: readonly string[],
  { missing, extra }: Suspects,
): Promise<ConfirmedGroups> {
  const { organizationId, directoryId } = key
  const groupList = JSON.stringify(groupIds)
  const [own, rows, ...found] = await database.run(
    sql`SELECT intent FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT * FROM binding WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}
      AND kind = 'group' AND resource_id IN (SELECT value FROM json_each(${groupList}))`,
    ...pairLists(missing).map((pairs) => stillWanted(key, pairs)),
    ...pairLists(extra).map((pairs) => boundButNoMembers(key, pairs)),
    waitedFor(key, groupList),
  )
  const inFlight = idsInFlight(decode(directory, own?.rows[0] ?? {}).intent)
  const groups = (rows?.rows ?? [])
    .map((row) => decode(binding, row))
    .map((row): ComparedGroup => {
      const name = row.unknown.includes('displayName') ? undefined : row.snapshot['displayName']
      return {
        id: row.resourceId,
        graphId: row.graphId ?? '',
        displayName: typeof name === 'string' ? name : null,
        exportedAt: row.exportedAt ?? 0,
        isInFlight: inFlight.has(row.resourceId),
      }
    })
  return {
    groups: new Map(groups.map((group) => [group.id, group])),
    drift: found.flatMap((answer) => answer.rows).map(toDrift),
  }
}

const PAIRS_PER_STATEMENT = 5000

function pairLists(pairs: readonly (readonly [string, string])[]): string[] {
  const lists: string[] = []
  for (let at = 0; at < pairs.length; at += PAIRS_PER_STATEMENT)
    lists.push(JSON.stringify(pairs.slice(at, at + PAIRS_PER_STATEMENT)))
  return lists
}

/** The order of the tables is that of the list: one look-up each. An account that is gone is drift of its own. */
const stillWanted = (
  { organizationId, directoryId, reconciliationId }: RunKey,
  pairs: string,
): SQL =>
  sql`SELECT x.group_id, x.member_id, x.graph_id, x.exported_at, 1 AS is_member FROM json_each(${pairs}) e
    CROSS JOIN exported_member x ON x.organization_id = ${organizationId} AND x.directory_id = ${directoryId}
      AND x.group_id = e.value ->> 0 AND x.member_id = e.value ->> 1 AND x.unknown = 0
    CROSS JOIN group_member m ON m.organization_id = x.organization_id
      AND m.group_id = x.group_id AND m.member_id = x.member_id
    CROSS JOIN binding b ON b.organization_id = x.organization_id AND b.directory_id = x.directory_id
      AND b.kind = CASE substr(x.member_id, 1, 4) WHEN 'grp_' THEN 'group' ELSE 'user' END
      AND b.resource_id = x.member_id AND b.graph_id = x.graph_id
    WHERE b.state NOT IN ('unbinding', 'former')
      AND NOT (b.state = 'failed' AND b.error ->> '$.code' = 'object_missing')
      AND NOT EXISTS (SELECT 1 FROM drift d WHERE d.organization_id = x.organization_id
        AND d.reconciliation_id = ${reconciliationId} AND d.user_id = x.member_id
        AND d.attribute = 'deleted' AND d.theirs <> 'null')`

/** Who was found deleted is there again when this run has seen the account. */
function waitedFor(key: RunKey, groupList: string): SQL {
  const { organizationId, directoryId, reconciliationId } = key
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  const ofMember = sql`r.user_id = b.resource_id AND r.organization_id = ${organizationId}
    AND r.reconciliation_id = ${reconciliationId} AND r.attribute = 'deleted'`
  return sql`SELECT g.resource_id AS group_id, b.resource_id AS member_id, b.graph_id, g.exported_at, 1 AS is_member
    FROM (SELECT resource_id, exported_at FROM binding WHERE ${mine} AND kind = 'group' AND ${MAY_WAKE}
        AND resource_id IN (SELECT value FROM json_each(${groupList}))
        AND coalesce(error ->> '$.code', '') NOT IN (${awayCodes})) g
      CROSS JOIN awaited a ON a.organization_id = ${organizationId} AND a.directory_id = ${directoryId}
        AND a.waiter_id = g.resource_id
      CROSS JOIN group_member m ON m.organization_id = a.organization_id
        AND m.group_id = a.waiter_id AND m.member_id = a.awaited_id
      CROSS JOIN binding b ON b.organization_id = a.organization_id AND b.directory_id = a.directory_id
        AND b.kind = CASE substr(a.awaited_id, 1, 4) WHEN 'grp_' THEN 'group' ELSE 'user' END
        AND b.resource_id = a.awaited_id AND ${LIVE}
    WHERE b.unbound_by IS NULL AND NOT EXISTS (SELECT 1 FROM drift r WHERE ${ofMember} AND r.theirs <> 'null')
      AND (b.error ->> '$.code' IS NOT 'object_missing' OR EXISTS (SELECT 1 FROM drift r WHERE ${ofMember}))`
}

const boundButNoMembers = ({ organizationId, directoryId }: RunKey, pairs: string): SQL =>
  sql`SELECT e.value ->> 0 AS group_id, b.resource_id AS member_id, b.graph_id, 0 AS is_member,
      (SELECT g.exported_at FROM binding g WHERE g.organization_id = b.organization_id
        AND g.directory_id = b.directory_id AND g.kind = 'group' AND g.resource_id = e.value ->> 0) AS exported_at
    FROM json_each(${pairs}) e
    CROSS JOIN binding b INDEXED BY binding_by_graph_id ON b.organization_id = ${organizationId}
      AND b.directory_id = ${directoryId} AND b.graph_id IS NOT NULL AND b.graph_id = e.value ->> 1
    WHERE b.state NOT IN ('unbinding', 'former')
      AND NOT EXISTS (SELECT 1 FROM group_member m WHERE m.organization_id = b.organization_id
        AND m.group_id = e.value ->> 0 AND m.member_id = b.resource_id)`

/** What Graph tells of a group that changed. */
export interface ChangedGroup {
  /** Its Graph id. */
  readonly id: string
  readonly isRemoved: boolean
  readonly displayName: string | undefined
  /** Graph ids of members. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/**
 * Which bound groups are told otherwise than they were exported: gone, of another name, without a member that was exported, or with one
 * that is bound here and is none. What we changed ourselves is told as it was exported.
 */
export async function suspectedGroups(
  database: Database,
  key: RunKey,
  told: readonly ChangedGroup[],
): Promise<readonly string[]> {
  if (told.length === 0) return []
  const [found] = await database.run(boundAs(key, JSON.stringify(told.map(({ id }) => id))))
  const bound = new Map((found?.rows ?? []).map((row) => [String(row['graph_id']), row]))
  const groups = told.flatMap((each) => {
    const row = bound.get(each.id)
    return row === undefined
      ? []
      : [{ ...each, groupId: String(row['resource_id']), name: row['name'] }]
  })
  const others = groups.filter(
    ({ isRemoved, displayName, name }) =>
      isRemoved || (displayName !== undefined && displayName !== name),
  )
  const pairsOf = (which: 'added' | 'removed') =>
    pairLists(groups.flatMap((each) => each[which].map((id) => [each.groupId, id] as const)))
  const statements = [
    ...pairsOf('added').map((pairs) => boundButNoMembers(key, pairs)),
    ...pairsOf('removed').map((pairs) => exportedAndWanted(key, pairs)),
  ]
  const members = statements.length === 0 ? [] : await database.run(...statements)
  const ids = members.flatMap(({ rows }) => rows.map((row) => String(row['group_id'])))
  return [...new Set([...others.map(({ groupId }) => groupId), ...ids])]
}

const boundAs = ({ organizationId, directoryId }: RunKey, graphIds: string): SQL =>
  sql`SELECT b.resource_id, b.graph_id, b.snapshot ->> 'displayName' AS name FROM json_each(${graphIds}) e
    CROSS JOIN binding b INDEXED BY binding_by_graph_id ON b.organization_id = ${organizationId}
      AND b.directory_id = ${directoryId} AND b.graph_id IS NOT NULL AND b.graph_id = e.value
    WHERE b.kind = 'group' AND b.state NOT IN ('held', 'unbinding', 'former') AND b.unbound_by IS NULL`

const exportedAndWanted = ({ organizationId, directoryId }: RunKey, pairs: string): SQL =>
  sql`SELECT x.group_id FROM json_each(${pairs}) e
    CROSS JOIN binding b INDEXED BY binding_by_graph_id ON b.organization_id = ${organizationId}
      AND b.directory_id = ${directoryId} AND b.graph_id IS NOT NULL AND b.graph_id = e.value ->> 1
    CROSS JOIN exported_member x ON x.organization_id = b.organization_id AND x.directory_id = b.directory_id
      AND x.group_id = e.value ->> 0 AND x.member_id = b.resource_id AND x.graph_id = b.graph_id
    CROSS JOIN group_member m ON m.organization_id = x.organization_id
      AND m.group_id = x.group_id AND m.member_id = x.member_id
    WHERE b.state NOT IN ('unbinding', 'former')`

const toDrift = (row: Answer['rows'][number]): MemberDrift => ({
  ...toMembership(row),
  isMember: row['is_member'] === 1,
  exportedAt: Number(row['exported_at'] ?? 0),
})
