import { sql, type SQL } from 'drizzle-orm'

import { matchesFilter } from '../scim/match.ts'
import { USER } from '../scim/resource-types.ts'
import type { Filter } from '../scim/tree.ts'
import type { Database } from './client.ts'
import { searchCondition } from './filter-sql.ts'
import { readUser, showUser, type StoredUser } from './row.ts'
import { walk, WALK_PAGE, type Page, type Slice } from './search.ts'

export interface UserReader {
  find(id: string): Promise<StoredUser | undefined>
  /** Users in the order of their ids, which is that of their creation. */
  list(slice: Slice): Promise<Page<StoredUser>>
  /** Users that satisfy a filter which `checkFilter` has passed. */
  search(filter: Filter, slice: Slice): Promise<Page<StoredUser>>
}

/** The reading half of `userStore`. */
export function userReader(database: Database, organizationId: string): UserReader {
  async function read(condition: SQL): Promise<StoredUser[]> {
    const [answer] = await database.run(select(organizationId, condition))
    return (answer?.rows ?? []).map(readUser)
  }
  return {
    async find(id) {
      const [found] = await read(sql`u.id = ${id}`)
      return found
    },
    async list({ skip, take }) {
      const [counted, answer] = await database.run(
        sql`SELECT user_count FROM organization WHERE id = ${organizationId}`,
        select(organizationId, sql`1 = 1 ORDER BY u.id LIMIT ${take} OFFSET ${skip}`),
      )
      const total = Number(counted?.rows[0]?.['user_count'] ?? 0)
      return { total, items: (answer?.rows ?? []).map(readUser) }
    },
    async search(filter, slice) {
      const indexed = searchCondition(filter, USER, organizationId)
      // The plus keeps SQLite from walking the ids when another index finds the few candidates.
      const [condition, id] = indexed ? [indexed, sql`+u.id`] : [sql`1 = 1`, sql`u.id`]
      return walk(
        (after) => read(sql`${condition} AND ${id} > ${after} ORDER BY ${id} LIMIT ${WALK_PAGE}`),
        (candidate) => matchesFilter(showUser(candidate, ''), filter, USER),
        slice,
      )
    },
  }
}

/** Users with their groups, in one statement. `condition` is about `u`; an order and a limit may follow it. */
function select(organizationId: string, condition: SQL): SQL {
  return sql`SELECT u.*, (
      SELECT json_group_array(json_object('id', g.id, 'displayName', g.resource ->> '$.displayName'))
      FROM group_member m JOIN "group" g ON g.organization_id = m.organization_id AND g.id = m.group_id
      WHERE m.organization_id = u.organization_id AND m.member_id = u.id
    ) AS groups
    FROM user u WHERE u.organization_id = ${organizationId} AND ${condition}`
}
