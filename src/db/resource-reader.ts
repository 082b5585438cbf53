/** Users and groups as one list. */
import type { JsonObject } from '../kernel/json.ts'
import type { ResourceType } from '../scim/attributes.ts'
import { matchesFilter } from '../scim/match.ts'
import type { Database } from './client.ts'
import { groupSource } from './group-reader.ts'
import { showGroup, showUser } from './row.ts'
import type { RowSource, TypeQuery } from './search-list.ts'
import { listPage, type ListPart, type Page, type PageQuery } from './search.ts'
import { userSource } from './user-reader.ts'

/** A resource as it is shown, and what it is. */
export interface Resource {
  readonly type: ResourceType
  readonly shown: JsonObject
}

/** What is asked of each type; of a type that is absent there is nothing in the list. */
export type QueryOfType = Readonly<Partial<Record<ResourceType['name'], TypeQuery>>>

export interface ResourceReader {
  /** A page of all resources that satisfy what is asked of their type, in an order. */
  list(asked: QueryOfType, page: PageQuery, members: 'all' | 'none'): Promise<Page<Resource>>
}

/** The users and groups of one organization. */
export function resourceReader(database: Database, organizationId: string): ResourceReader {
  return {
    async list({ User: users, Group: groups }, page, members) {
      const { baseUrl } = page
      const parts: ListPart<Resource>[] = []
      if (groups !== undefined) {
        const source = groupSource(organizationId, { ...groups, ...page }, members)
        parts.push({ ...groups, source: shownBy(source, (group) => showGroup(group, baseUrl)) })
      }
      if (users !== undefined) {
        const source = userSource(organizationId, baseUrl)
        parts.push({ ...users, source: shownBy(source, (user) => showUser(user, baseUrl)) })
      }
      return listPage(database, organizationId, parts, page)
    },
  }
}

function shownBy<T>(source: RowSource<T>, show: (item: T) => JsonObject): RowSource<Resource> {
  const { type } = source
  return {
    type,
    select: source.select,
    assemble: (answers) =>
      source
        .assemble(answers)
        .map(({ item, place }) => ({ item: { type, shown: show(item) }, place })),
    matches: ({ shown }, filter) => matchesFilter(shown, filter, type),
  }
}
