import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Slice } from '../db/search.ts'
import type { ResourceType } from '../scim/attributes.ts'
import { checkFilter } from '../scim/check-filter.ts'
import type { ScimFault } from '../scim/fault.ts'
import { parseFilter } from '../scim/filter.ts'
import { listResponse, splitNames, type SearchRequest } from '../scim/messages.ts'
import { project, type Projection } from '../scim/project.ts'
import type { Filter } from '../scim/tree.ts'
import type { Scope } from './scope.ts'
import type { ResourceService } from './service.ts'

const DEFAULT_COUNT = 100
export const MAX_COUNT = 200

/** The parameters of a list, from the query of a GET or the body of a search. Unknown ones mean nothing. */
export function searchOfQuery(
  query: Readonly<Record<string, string>>,
): Result<SearchRequest, ScimFault> {
  const startIndex = integerOf(query, 'startIndex')
  if (!startIndex.ok) return startIndex
  const count = integerOf(query, 'count')
  if (!count.ok) return count
  const { filter } = query
  return ok({
    ...projectionOf(query),
    ...(filter === undefined ? {} : { filter }),
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
  const filter = filterOf(request.filter, service.type)
  if (!filter.ok) return filter
  const startIndex = Math.max(1, request.startIndex ?? 1)
  const slice = sliceOf(startIndex, request.count)
  const projection: Projection = request
  const page = await service.list(scope, filter.value, slice, projection)
  const resources = page.items.map((item) => project(item, service.type, projection))
  return ok(
    listResponse({
      totalResults: page.total,
      startIndex,
      itemsPerPage: resources.length,
      resources,
    }),
  )
}

/** Out of range is not refused but bounded (RFC 7644 section 3.4.2.4): less than 0 is 0, more than a page is a page. */
function sliceOf(startIndex: number, count: number = DEFAULT_COUNT): Slice {
  return { skip: startIndex - 1, take: Math.min(MAX_COUNT, Math.max(0, count)) }
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
