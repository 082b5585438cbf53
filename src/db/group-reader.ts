import { sql, type SQL } from 'drizzle-orm'

import { matchesFilter } from '../scim/match.ts'
import { GROUP } from '../scim/resource-types.ts'
import type { Answer, Database, Query } from './client.ts'
import { MAX_TOUCHED } from './event-log.ts'
import { askedMembers } from './filter-sql-index.ts'
import { readGroup, showGroup, type StoredGroup } from './row.ts'
import type { Purpose, RowSource } from './search-list.ts'
import { listPage, type ListQuery, type Page } from './search.ts'
import { placeOf } from './sort.ts'

/** Which members are read with a group: all, none, those of these ids that are members, or as many as an event names. */
export type MembersWanted = 'all' | 'none' | 'touched' | readonly string[]

/** `memberOf`: ids of the groups that this one is a direct member of. */
export interface RemovableGroup extends StoredGroup {
  readonly memberOf: readonly string[]
}

export interface GroupReader {
  find(id: string, members: MembersWanted): Promise<StoredGroup | undefined>
  /** A group with what its removal touches: as many of its members as an event names, and the groups that it is a member of. */
  findToRemove(id: string): Promise<RemovableGroup | undefined>
  /** A page of the groups that satisfy a filter, in an order. */
  list(query: ListQuery, members: 'all' | 'none'): Promise<Page<StoredGroup>>
}

/** The reading half of `groupStore`. */
export function groupReader(database: Database, organizationId: string): GroupReader {
  return {
    async find(id, members) {
      const page = { ids: sql`${id}` }
      const [groups, held] = await database.run(...select(organizationId, page, members))
      return assemble(groups, held)[0]
    },
    async findToRemove(id) {
      const [groups, held, holders] = await database.run(
        ...select(organizationId, { ids: sql`${id}` }, 'touched'),
        sql`SELECT group_id FROM group_member
          WHERE organization_id = ${organizationId} AND member_id = ${id}`,
      )
      const memberOf = (holders?.rows ?? []).map((row) => String(row['group_id']))
      const [found] = assemble(groups, held)
      return found && { ...found, memberOf }
    },
    async list(query, members) {
      const source = groupSource(organizationId, query, members)
      return listPage(database, organizationId, [{ ...query, source }], query)
    },
  }
}

/** The rows of groups; `shown` says which members are read with a group that will be shown. */
export function groupSource(
  organizationId: string,
  { filter, baseUrl }: ListQuery,
  shown: 'all' | 'none',
): RowSource<StoredGroup> {
  const asked = filter === undefined ? 'none' : askedMembers(filter, GROUP)
  const membersFor = (purpose: Purpose): MembersWanted => {
    if (purpose === 'show' || (purpose === 'decide and show' && shown === 'all')) return shown
    return asked
  }
  return {
    type: GROUP,
    select(ids, order, isBackward, purpose) {
      const page = {
        ids,
        order: sql`ORDER BY ${order.pageTerms(isBackward)}`,
        columns: sql`, ${order.key} AS sort_key`,
      }
      return select(organizationId, page, membersFor(purpose))
    },
    assemble([groups, held]) {
      const rows = groups?.rows ?? []
      return assemble(groups, held).flatMap((item, at) => {
        const row = rows[at]
        return row === undefined ? [] : [{ item, place: placeOf(row) }]
      })
    },
    matches: (group, filter) => matchesFilter(showGroup(group, baseUrl), filter, GROUP),
  }
}

/** Which groups are read: their ids, as what stands behind IN, with an order and more columns where they are wanted. */
interface GroupPage {
  readonly ids: SQL
  readonly order?: SQL
  readonly columns?: SQL
}

/** Groups and, where wanted, their members: two statements for one batch. */
function select(
  organizationId: string,
  { ids, order = sql``, columns = sql`` }: GroupPage,
  members: MembersWanted,
): Query[] {
  const groups = sql`SELECT g.* ${columns} FROM "group" g
    WHERE g.organization_id = ${organizationId} AND g.id IN (${ids}) ${order}`
  if (members === 'none' || members.length === 0) return [groups]
  const touched = sql`LIMIT ${MAX_TOUCHED + 1}`
  const some =
    typeof members === 'string'
      ? sql``
      : sql`AND member_id IN (SELECT value FROM json_each(${JSON.stringify(members)}))`
  return [
    groups,
    sql`SELECT group_id, member_id FROM group_member WHERE organization_id = ${organizationId}
      AND group_id IN (${ids}) ${some} ${members === 'touched' ? touched : sql``}`,
  ]
}

function assemble(groups: Answer | undefined, memberships: Answer | undefined): StoredGroup[] {
  const members = new Map<string, string[]>()
  for (const row of memberships?.rows ?? []) {
    const groupId = String(row['group_id'])
    const held = members.get(groupId)
    if (held === undefined) members.set(groupId, [String(row['member_id'])])
    else held.push(String(row['member_id']))
  }
  return (groups?.rows ?? []).map((row) => readGroup(row, members.get(String(row['id'])) ?? []))
}
