/** What a round of a drain reads: two round trips, whatever the number of users. */
import { type SQL, sql } from 'drizzle-orm'

import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'
import type { Answer, Database } from './client.ts'
import { decode } from './client.ts'
import { type DeletedAccount, deletedAccountsOf, toDeletedAccount } from './deleted-accounts.ts'
import { isFollowedBy } from './event-log.ts'
import { type Grant, type Lane, openLanes, readGrant, takeTokens } from './lane-store.ts'
import { type DirectoryRow, holdsLease, type LeaseKey } from './lease.ts'
import { type Parting, partingOf, toParting } from './letting-go.ts'
import { type Edge, edgesOf, LIVE, toEdge } from './round-edges.ts'
import { attributeDirection, binding, directory } from './tables/directories.ts'
import { group, pendingPassword, user } from './tables/provisioning.ts'
import { linkWaitersOf, managerOf, takesNoLink, toLinkWaiters } from './waiting.ts'

export type BindingRow = typeof binding.$inferSelect
export type UserRow = typeof user.$inferSelect
export type GroupRow = typeof group.$inferSelect
export type DirectionRow = typeof attributeDirection.$inferSelect
export type PendingPasswordRow = typeof pendingPassword.$inferSelect

/** What a directory reads of an event: which resources to look at, never what to send; of drift also what was seen, to be told. */
export interface LogEntry {
  readonly sequence: number
  readonly type: string
  readonly targetType: string
  readonly targetId: string
  readonly touched: readonly string[] | null
  /** Of drift: what Graph is to hold, and what it holds instead, by attribute. */
  readonly ours?: ReadonlyMap<string, Json>
  readonly theirs?: ReadonlyMap<string, Json>
}

export interface DueBinding {
  readonly kind: 'user' | 'group'
  readonly resourceId: string
  /** What reconciliation found of it, where that alone is due. */
  readonly found: readonly string[] | null
}

export interface RoundLog {
  readonly directory: DirectoryRow
  readonly directions: readonly DirectionRow[]
  readonly urgent: readonly LogEntry[]
  readonly ordinary: readonly LogEntry[]
  /** The urgent ones first, then the longest due. */
  readonly due: readonly DueBinding[]
  /** The log's end. */
  readonly head: number
}

/**
 * How many entries of the log, and how many due bindings, one round looks at: more than it can send. What it reads beyond is
 * read again by the next one, and near the log's end it is all that other directories recorded there.
 */
export const ENTRIES_PER_ROUND = 100
export const DUE_PER_ROUND = 100
/** Reads the directory, what the log holds after its positions, and which bindings are due. */
export async function readLog(database: Database, key: LeaseKey, now: number): Promise<RoundLog> {
  const { organizationId, directoryId } = key
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  const positionOf = (column: SQL) =>
    sql`(SELECT ${column} FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId})`
  const entries = (position: SQL, from: SQL, only: SQL) =>
    sql`SELECT sequence, type, target_type, target_id, touched,
        CASE type WHEN 'drift_found' THEN body ->> '$.changes' END AS changes FROM ${from}
      WHERE organization_id = ${organizationId} AND sequence > ${positionOf(position)} AND ${only}
        AND ${isFollowedBy(directoryId)}
      ORDER BY sequence LIMIT ${ENTRIES_PER_ROUND}`
  const dueBindings = (urgency: 0 | 1) =>
    sql`SELECT kind, resource_id, found FROM binding
      WHERE ${mine} AND urgency = ${urgency} AND due_at <= ${now} ORDER BY due_at LIMIT ${DUE_PER_ROUND}`
  const [, own, directions, urgent, ordinary, urgentDue, due, head] = await database.run(
    holdsLease(key),
    sql`SELECT * FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT * FROM attribute_direction WHERE ${mine}`,
    // Left to itself, SQLite walks the whole log for the few that are urgent.
    entries(sql`urgent_position`, sql`event INDEXED BY event_urgent`, sql`urgent = 1`),
    entries(sql`position`, sql`event`, sql`TRUE`),
    dueBindings(1),
    dueBindings(0),
    sql`SELECT coalesce(max(sequence), 0) AS head FROM event WHERE organization_id = ${organizationId}`,
  )
  return {
    directory: decode(directory, only(own)),
    directions: rows(directions).map((row) => decode(attributeDirection, row)),
    urgent: rows(urgent).map(toEntry),
    ordinary: rows(ordinary).map(toEntry),
    due: [...rows(urgentDue), ...rows(due)].map((row) => ({
      kind: row['kind'] === 'group' ? 'group' : 'user',
      resourceId: String(row['resource_id']),
      found: typeof row['found'] === 'string' ? ids(row['found']) : null,
    })),
    head: Number(only(head)['head']),
  }
}

/** The statement that tells whether something urgent has happened that the directory has not looked at. */
export const readUrgent = ({ organizationId, directoryId }: LeaseKey): SQL =>
  sql`SELECT EXISTS (SELECT 1 FROM event INDEXED BY event_urgent
    WHERE organization_id = ${organizationId} AND urgent = 1 AND sequence >
      (SELECT urgent_position FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId})) AS is_urgent`

/** The account of a manager. */
export interface ManagerAccount {
  readonly graphId: string
  /** It was found deleted in Microsoft 365, or its user was deleted here: nobody is linked to it. */
  readonly isMissing: boolean
  /** When it was last written; null when never. */
  readonly exportedAt: number | null
  /** The event that bound the manager; null where groups did. */
  readonly boundSequence: number | null
  /** The manager is unbound, and the account not ended yet. */
  readonly isEnding: boolean
  /** And that because the bind of the manager is undone. */
  readonly isUndone: boolean
}

export interface RoundTargets {
  readonly users: readonly UserRow[]
  readonly groups: readonly GroupRow[]
  readonly bindings: readonly BindingRow[]
  /** By user id. */
  readonly managers: ReadonlyMap<string, ManagerAccount>
  readonly edges: readonly Edge[]
  readonly parting: readonly Parting[]
  readonly passwords: readonly PendingPasswordRow[]
  /** Accounts in the recycle bin that one of the users may ask for. */
  readonly deleted: readonly DeletedAccount[]
  /** Of `reportedIds`: how many users wait to be linked to it as their manager. */
  readonly linkWaiters: ReadonlyMap<string, number>
  readonly grant: Grant
}

export interface TargetQuery {
  readonly userIds: readonly string[]
  /** Those of them whom a run that only reports has named, and nothing else. */
  readonly reportedIds: readonly string[]
  readonly groupIds: readonly string[]
  /** Those of them that are due, perhaps because somebody arrived for whom they waited. */
  readonly dueGroupIds: readonly string[]
  /** Pairs of group and member that the log names; the awaited and unknown ones of the groups are added. */
  readonly edges: readonly (readonly [groupId: string, memberId: string])[]
  readonly lanes: readonly Lane[]
  readonly wanted: number
  readonly now: number
}

/** Reads everything that planning needs and takes the quota for it, in one round trip. */
export async function readTargets(
  database: Database,
  key: LeaseKey,
  query: TargetQuery,
): Promise<RoundTargets> {
  const { organizationId, directoryId } = key
  const users = JSON.stringify(query.userIds)
  const groups = JSON.stringify(query.groupIds)
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  const reported = sql`(SELECT value FROM json_each(${JSON.stringify(query.reportedIds)}))`
  const [
    ,
    ,
    grant,
    ,
    userRows,
    groupRows,
    bindings,
    managers,
    edges,
    parting,
    passwords,
    deleted,
    waiters,
  ] = await database.run(
    holdsLease(key),
    openLanes(query.lanes, query.now),
    ...takeTokens(query.lanes, query.wanted, query.now),
    sql`SELECT u.*, ${importedNow} AS imported_now FROM user u WHERE organization_id = ${organizationId}
      AND id IN (SELECT value FROM json_each(${users}))`,
    sql`SELECT * FROM "group" WHERE organization_id = ${organizationId}
      AND id IN (SELECT value FROM json_each(${groups}))`,
    sql`SELECT * FROM binding WHERE ${mine} AND kind = 'user'
        AND resource_id IN (SELECT value FROM json_each(${users}))
      UNION ALL SELECT * FROM binding WHERE ${mine} AND kind = 'group'
        AND resource_id IN (SELECT value FROM json_each(${groups}))`,
    managersOf(organizationId, directoryId, sql`(SELECT value FROM json_each(${users}))`),
    edgesOf(key, JSON.stringify(query.edges), groups, JSON.stringify(query.dueGroupIds)),
    partingOf(key, users, groups),
    sql`SELECT * FROM pending_password WHERE organization_id = ${organizationId}
      AND user_id IN (SELECT value FROM json_each(${users}))`,
    deletedAccountsOf(key, sql`(SELECT value FROM json_each(${users}))`, query.now),
    ...(query.reportedIds.length > 0 ? [linkWaitersOf(key, reported)] : []),
  )
  return {
    users: rows(userRows).map((row) => decode(user, { ...row, imported: row['imported_now'] })),
    groups: rows(groupRows).map((row) => decode(group, row)),
    bindings: rows(bindings).map((row) => decode(binding, row)),
    managers: toManagers(managers),
    edges: rows(edges).map(toEdge),
    parting: rows(parting).map(toParting),
    passwords: rows(passwords).map((row) => decode(pendingPassword, row)),
    deleted: rows(deleted).map(toDeletedAccount),
    linkWaiters: toLinkWaiters(waiters),
    grant: readGrant(grant ?? { rows: [], changes: 0 }, query.lanes, query.wanted, query.now),
  }
}

/**
 * Of a user's imported values those that a directory still imports: nothing else wins over what the client sent. A direction that
 * left `import` has its values taken away later, page by page; with a binding, and with a directory, they go in the same batch.
 */
export const importedNow: SQL = sql`(SELECT json_group_object(i.key, json(i.value)) FROM json_each(u.imported) i
  WHERE EXISTS (SELECT 1 FROM attribute_direction a WHERE a.organization_id = u.organization_id
    AND a.directory_id = i.value ->> 'directoryId' AND a.attribute = i.key AND a.direction = 'import'))`

/** Whether the binding `b` ends because its bind is undone. CASE: the undoings are read once, and only where somebody ends. */
const isUndone = (organizationId: string, directoryId: string): SQL =>
  sql`CASE WHEN b.unbound_by IS NOT NULL THEN printf('evt_%012d', b.bound_sequence) IN (
    SELECT touched ->> '$[0]' FROM event WHERE organization_id = ${organizationId}
      AND target_id = ${directoryId} AND type = 'undo') END`

/** The accounts of the managers of users; `users` is what stands behind IN. */
export function managersOf(organizationId: string, directoryId: string, users: SQL): SQL {
  return sql`SELECT b.resource_id, b.graph_id, b.exported_at, b.bound_sequence, b.unbound_by,
      ${takesNoLink(sql`b`)} AS is_missing, ${isUndone(organizationId, directoryId)} AS is_undone
    FROM user u JOIN binding b
      ON b.organization_id = u.organization_id AND b.directory_id = ${directoryId} AND b.kind = 'user'
        AND b.resource_id IN ${managerOf}
    WHERE u.organization_id = ${organizationId}
      AND u.id IN ${users} AND ${LIVE}`
}

/** Reads the answer to `managersOf`: by user id. */
export const toManagers = (answer: Answer | undefined): ReadonlyMap<string, ManagerAccount> =>
  new Map(
    rows(answer).map((row) => [
      String(row['resource_id']),
      {
        graphId: String(row['graph_id']),
        isMissing: row['is_missing'] === 1,
        exportedAt: typeof row['exported_at'] === 'number' ? row['exported_at'] : null,
        boundSequence: typeof row['bound_sequence'] === 'number' ? row['bound_sequence'] : null,
        isEnding: row['unbound_by'] !== null,
        isUndone: row['is_undone'] === 1,
      },
    ]),
  )

const rows = (answer: Answer | undefined): Answer['rows'] => answer?.rows ?? []
const only = (answer: Answer | undefined): Record<string, unknown> => answer?.rows[0] ?? {}

const toEntry = (row: Record<string, unknown>): LogEntry => ({
  sequence: Number(row['sequence']),
  type: String(row['type']),
  targetType: String(row['target_type']),
  targetId: String(row['target_id']),
  touched: typeof row['touched'] === 'string' ? ids(row['touched']) : null,
  ...(typeof row['changes'] === 'string' ? toDrift(row['changes']) : {}),
})

/** A list that was too long for its event has no values. */
function toDrift(changes: string): Pick<LogEntry, 'ours' | 'theirs'> {
  const list: Json = JSON.parse(changes)
  const rows = (isJsonArray(list) ? list : []).filter(isJsonObject)
  const valuesOf = (side: 'from' | 'to') =>
    rows.flatMap(({ attribute, [side]: value }): [string, Json][] =>
      typeof attribute === 'string' && value !== undefined ? [[attribute, value]] : [],
    )
  return { ours: new Map(valuesOf('from')), theirs: new Map(valuesOf('to')) }
}

function ids(json: string): readonly string[] {
  const value: unknown = JSON.parse(json)
  return Array.isArray(value) ? value.map(String) : []
}
