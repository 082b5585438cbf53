import { sql, type SQL } from 'drizzle-orm'

import { matchesFilter } from '../scim/match.ts'
import { USER } from '../scim/resource-types.ts'
import type { Database } from './client.ts'
import { readUser, showUser, type StoredUser } from './row.ts'
import type { RowSource } from './search-list.ts'
import { listPage, type ListQuery, type Page } from './search.ts'
import { placeOf } from './sort.ts'

export interface UserReader {
  find(id: string): Promise<StoredUser | undefined>
  /** A page of the users that satisfy a filter, in an order. */
  list(query: ListQuery): Promise<Page<StoredUser>>
}

/** The reading half of `userStore`. */
export function userReader(database: Database, organizationId: string): UserReader {
  return {
    async find(id) {
      const [answer] = await database.run(select(organizationId, sql`u.id = ${id}`))
      return answer?.rows.map(readUser)[0]
    },
    async list(query) {
      const source = userSource(organizationId, query.baseUrl)
      return listPage(database, organizationId, [{ ...query, source }], query)
    },
  }
}

/** The rows of users, with their groups. */
export function userSource(organizationId: string, baseUrl: string): RowSource<StoredUser> {
  return {
    type: USER,
    select: (ids, order, isBackward) => [
      select(
        organizationId,
        sql`u.id IN (${ids}) ORDER BY ${order.pageTerms(isBackward)}`,
        sql`, ${order.key} AS sort_key`,
      ),
    ],
    assemble: ([answer]) =>
      (answer?.rows ?? []).map((row) => ({ item: readUser(row), place: placeOf(row) })),
    matches: (user, filter) => matchesFilter(showUser(user, baseUrl), filter, USER),
  }
}

/** Users with their groups, in one statement. `condition` is about `u`; an order may follow it. */
function select(organizationId: string, condition: SQL, columns: SQL = sql``): SQL {
  return sql`SELECT u.*, (
      SELECT json_group_array(json_object('id', g.id, 'displayName', g.resource ->> '$.displayName'))
      FROM group_member m JOIN "group" g ON g.organization_id = m.organization_id AND g.id = m.group_id
      WHERE m.organization_id = u.organization_id AND m.member_id = u.id
    ) AS groups ${columns}
    FROM user u WHERE u.organization_id = ${organizationId} AND ${condition}`
}
