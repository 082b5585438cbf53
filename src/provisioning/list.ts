import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ListQuery, Page } from '../db/search.ts'
import type { ResourceType } from '../scim/attributes.ts'
import { checkFilter } from '../scim/check-filter.ts'
import type { ScimFault } from '../scim/fault.ts'
import { parseFilter } from '../scim/filter.ts'
import { listResponse, splitNames, type SearchRequest } from '../scim/messages.ts'
import { project, type Projection } from '../scim/project.ts'
import { readSortBy } from '../scim/sort-by.ts'
import type { Filter } from '../scim/tree.ts'
import { openWindow, sealPlaces } from './list-cursor.ts'
import type { Scope } from './scope.ts'
import type { ResourceService } from './service.ts'

/** Resources in a page when no count is asked for, and at most. */
export const DEFAULT_COUNT = 100
export const MAX_COUNT = 200

/** The parameters of a list, from the query of a GET or the body of a search. Unknown ones mean nothing. */
export function searchOfQuery(
  query: Readonly<Record<string, string>>,
): Result<SearchRequest, ScimFault> {
  const startIndex = integerOf(query, 'startIndex')
  if (!startIndex.ok) return startIndex
  const count = integerOf(query, 'count')
  const { filter, sortBy, sortOrder, cursor } = query
  if (!count.ok)
    return cursor === undefined
      ? count
      : err({ kind: 'invalidCount', reason: 'a whole number is expected' })
  return ok({
    ...projectionOf(query),
    ...(filter === undefined ? {} : { filter }),
    ...(sortBy ? { sortBy } : {}),
    ...(sortOrder === undefined ? {} : { sortOrder }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(startIndex.value === undefined ? {} : { startIndex: startIndex.value }),
    ...(count.value === undefined ? {} : { count: count.value }),
  })
}

/** What `attributes` and `excludedAttributes` ask for. */
export function projectionOf(query: Readonly<Record<string, string>>): {
  attributes?: string[]
  excludedAttributes?: string[]
} {
  const { attributes, excludedAttributes } = query
  return {
    ...(attributes === undefined ? {} : { attributes: splitNames(attributes) }),
    ...(excludedAttributes === undefined
      ? {}
      : { excludedAttributes: splitNames(excludedAttributes) }),
  }
}

/** One page of a service's resources as a ListResponse (RFC 7644 section 3.4.2). */
export async function listResources(
  scope: Scope,
  service: ResourceService,
  request: SearchRequest,
): Promise<Result<JsonObject, ScimFault>> {
  const { type } = service
  const filter = filterOf(request.filter, type)
  if (!filter.ok) return filter
  const sort = readSortBy(request.sortBy, request.sortOrder, type)
  if (!sort.ok) return sort
  const paging = await openPaging(scope, type.name, request)
  if (!paging.ok) return paging
  const query: ListQuery = {
    baseUrl: scope.baseUrl,
    window: paging.value.window,
    ...(filter.value === undefined ? {} : { filter: filter.value }),
    ...(sort.value === undefined ? {} : { sort: sort.value }),
  }
  const projection: Projection = request
  const page = await service.list(scope, query, projection)
  const resources = page.items.map((item) => project(item, type, projection))
  return ok(await answerPage(scope, paging.value, page, resources))
}

/** A page as a ListResponse, with what leads on from it. */
export async function answerPage(
  scope: Scope,
  { list, request, window, startIndex }: Paging,
  page: Omit<Page<unknown>, 'items'>,
  resources: readonly JsonObject[],
): Promise<JsonObject> {
  return listResponse({
    totalResults: page.total,
    itemsPerPage: resources.length,
    ...(startIndex === undefined ? {} : { startIndex }),
    ...(await sealPlaces(scope, list, request, window.take, page)),
    resources,
  })
}

/** Which page of a list is asked for. */
interface Paging {
  /** The name of the list: cursors of others are none of it. */
  readonly list: string
  readonly request: SearchRequest
  readonly window: ListQuery['window']
  /** Set when the page is told by its index. */
  readonly startIndex?: number
}

/**
 * By cursor when there is one, even an empty one, else by index (RFC 9865 section 2.4). Out of range is not refused but
 * bounded (RFC 7644 section 3.4.2.4): less than 0 is 0, more than a page is a page.
 */
export async function openPaging(
  scope: Scope,
  list: string,
  request: SearchRequest,
): Promise<Result<Paging, ScimFault>> {
  const startIndex = Math.max(1, request.startIndex ?? 1)
  const take = Math.min(MAX_COUNT, Math.max(0, request.count ?? DEFAULT_COUNT))
  if (request.cursor === undefined)
    return ok({ list, request, startIndex, window: { skip: startIndex - 1, take } })
  if (startIndex > 1)
    return err({
      kind: 'invalidValue',
      attribute: 'startIndex',
      reason: 'a list is paged by startIndex or by cursor, and this request has both',
    })
  const window = await openWindow(scope, list, request, take)
  return window.ok ? ok({ list, request, window: window.value }) : window
}

function filterOf(
  text: string | undefined,
  type: ResourceType,
): Result<Filter | undefined, ScimFault> {
  if (text === undefined) return ok(undefined)
  const parsed = parseFilter(text)
  return parsed.ok ? checkFilter(parsed.value, type) : parsed
}

function integerOf(
  query: Readonly<Record<string, string>>,
  attribute: string,
): Result<number | undefined, ScimFault> {
  const text = query[attribute]
  if (text === undefined || text === '') return ok(undefined)
  if (/^[+-]?\d{1,9}$/.test(text)) return ok(Number(text))
  return err({ kind: 'invalidValue', attribute, reason: 'a whole number is expected' })
}
