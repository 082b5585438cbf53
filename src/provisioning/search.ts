/**
 * A search across all resource types, at the root (RFC 7644 sections 3.4.2.1 and 3.4.3): one list, ordered, paged and counted
 * as a whole. An attribute that a type does not have has no value there; one that no type has is refused (Q19).
 */
import type { QueryOfType } from '../db/resource-reader.ts'
import type { TypeQuery } from '../db/search-list.ts'
import type { Sort } from '../db/sort.ts'
import type { JsonObject } from '../kernel/json.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { ResourceType } from '../scim/attributes.ts'
import type { ScimFault } from '../scim/fault.ts'
import { parseFilter } from '../scim/filter.ts'
import type { SearchRequest } from '../scim/messages.ts'
import { narrowFilter, type Narrowed } from '../scim/narrow-filter.ts'
import { isShown, project } from '../scim/project.ts'
import { GROUP, RESOURCE_TYPES } from '../scim/resource-types.ts'
import { readSortBy } from '../scim/sort-by.ts'
import { answerPage, openPaging } from './list.ts'
import type { Scope } from './scope.ts'

/** What cursors of this list are told apart by from those of one type. */
const LIST = 'all'

/** One page over all resource types as a ListResponse. */
export async function searchAll(
  scope: Scope,
  request: SearchRequest,
): Promise<Result<JsonObject, ScimFault>> {
  const asked = queriesOf(request)
  if (!asked.ok) return asked
  const paging = await openPaging(scope, LIST, request)
  if (!paging.ok) return paging
  const members = isShown('members', GROUP, request) ? 'all' : 'none'
  const query = { window: paging.value.window, baseUrl: scope.baseUrl }
  const page = await scope.resources.list(asked.value, query, members)
  const resources = page.items.map(({ type, shown }) => project(shown, type, request))
  return ok(await answerPage(scope, paging.value, page, resources))
}

/** What the request asks of each type; a type is left out when nothing of it can satisfy the filter. */
function queriesOf({ filter, sortBy, sortOrder }: SearchRequest): Result<QueryOfType, ScimFault> {
  const filters = filtersOf(filter)
  if (!filters.ok) return filters
  const sorts = sortsOf(sortBy, sortOrder)
  if (!sorts.ok) return sorts
  const asked: Partial<Record<ResourceType['name'], TypeQuery>> = {}
  for (const [at, type] of RESOURCE_TYPES.entries()) {
    const [left, sort] = [filters.value[at] ?? 'all', sorts.value[at]]
    if (left === 'none') continue
    asked[type.name] = { ...(left === 'all' ? {} : { filter: left }), ...(sort ? { sort } : {}) }
  }
  return ok(asked)
}

/** The filter as each type sees it. Faults: those of `parseFilter` and `narrowFilter`. */
function filtersOf(text: string | undefined): Result<readonly Narrowed[], ScimFault> {
  if (text === undefined) return ok([])
  const parsed = parseFilter(text)
  if (!parsed.ok) return parsed
  const filters: Narrowed[] = []
  for (const type of RESOURCE_TYPES) {
    const narrowed = narrowFilter(parsed.value, type, RESOURCE_TYPES)
    if (!narrowed.ok) return narrowed
    filters.push(narrowed.value)
  }
  return ok(filters)
}

/** The order as each type sees it. Fault: that of the first type, when none can be sorted so. */
function sortsOf(
  sortBy: string | undefined,
  sortOrder: string | undefined,
): Result<readonly (Sort | undefined)[], ScimFault> {
  const read = RESOURCE_TYPES.map((type) => readSortBy(sortBy, sortOrder, type))
  const [first] = read
  if (first?.ok === false && read.every((sort) => !sort.ok)) return first
  const isDescending = read.some((sort) => sort.ok && sort.value?.isDescending === true)
  return ok(read.map((sort) => (sort.ok ? sort.value : { attribute: undefined, isDescending })))
}
