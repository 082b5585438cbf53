import { sql, type SQL } from 'drizzle-orm'

import { matchesFilter } from '../scim/match.ts'
import { GROUP } from '../scim/resource-types.ts'
import type { Filter } from '../scim/tree.ts'
import type { Answer, Database, Query } from './client.ts'
import { MAX_TOUCHED } from './event-log.ts'
import { askedMembers, searchCondition } from './filter-sql.ts'
import { readGroup, showGroup, type StoredGroup } from './row.ts'
import { walk, WALK_PAGE, type Page, type Slice } from './search.ts'

/** Which members are read with a group: all, none, those of these ids that are members, or as many as an event names. */
export type MembersWanted = 'all' | 'none' | 'touched' | readonly string[]

export interface GroupReader {
  find(id: string, members: MembersWanted): Promise<StoredGroup | undefined>
  /** Groups in the order of their ids, which is that of their creation. */
  list(slice: Slice, members: 'all' | 'none'): Promise<Page<StoredGroup>>
  /** Groups that satisfy a filter which `checkFilter` has passed. */
  search(filter: Filter, slice: Slice, members: 'all' | 'none'): Promise<Page<StoredGroup>>
}

/** The reading half of `groupStore`. */
export function groupReader(database: Database, organizationId: string): GroupReader {
  /** The groups that `condition` (about `g`) selects, with members: one round trip. */
  async function read(condition: SQL, members: MembersWanted): Promise<StoredGroup[]> {
    const page = sql`${condition} LIMIT ${WALK_PAGE}`
    const [groups, held] = await database.run(...select(organizationId, page, members))
    return assemble(groups, held)
  }
  return {
    async find(id, members) {
      const [found] = await read(sql`g.id = ${id}`, members)
      return found
    },
    async list({ skip, take }, members) {
      const [counted, groups, held] = await database.run(
        sql`SELECT group_count FROM organization WHERE id = ${organizationId}`,
        ...select(organizationId, sql`1 = 1 ORDER BY g.id LIMIT ${take} OFFSET ${skip}`, members),
      )
      const total = Number(counted?.rows[0]?.['group_count'] ?? 0)
      return { total, items: assemble(groups, held) }
    },
    async search(filter, slice, members) {
      const indexed = searchCondition(filter, GROUP, organizationId)
      // Few candidates come with what is shown of them, many only with what the filter asks about.
      const asked = members === 'all' && indexed !== undefined ? 'all' : askedMembers(filter, GROUP)
      // The plus keeps SQLite from walking the ids when another index finds the few candidates.
      const [condition, id] = indexed ? [indexed, sql`+g.id`] : [sql`1 = 1`, sql`g.id`]
      const found = await walk(
        (after) => read(sql`${condition} AND ${id} > ${after} ORDER BY ${id}`, asked),
        (candidate) => matchesFilter(showGroup(candidate, ''), filter, GROUP),
        slice,
      )
      if (members === 'none' || asked === 'all' || found.items.length === 0) return found
      const ids = JSON.stringify(found.items.map(({ id }) => id))
      const items = await read(
        sql`g.id IN (SELECT value FROM json_each(${ids})) ORDER BY g.id`,
        'all',
      )
      return { ...found, items }
    },
  }
}

/** Groups and, where wanted, their members: two statements for one batch. `page` is about `g` and may end in a limit. */
function select(organizationId: string, page: SQL, members: MembersWanted): Query[] {
  const here = sql`"group" g WHERE g.organization_id = ${organizationId} AND ${page}`
  const groups = sql`SELECT g.* FROM ${here}`
  if (members === 'none' || members.length === 0) return [groups]
  const touched = sql`LIMIT ${MAX_TOUCHED + 1}`
  const some =
    typeof members === 'string'
      ? sql``
      : sql`AND member_id IN (SELECT value FROM json_each(${JSON.stringify(members)}))`
  return [
    groups,
    sql`SELECT group_id, member_id FROM group_member WHERE organization_id = ${organizationId}
      AND group_id IN (SELECT g.id FROM ${here}) ${some} ${members === 'touched' ? touched : sql``}`,
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
