/**
 * A search across all resource types, at the root (RFC 7644 section 3.4.3): one list, users first, then groups, paged by index.
 * An attribute that a type does not have has no value there, so a filter about it excludes that type; one that no type has
 * is refused (Q19). The list is two lists one after the other, and no `sortBy` orders one against the other: it is ignored.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from '../scim/fault.ts'
import { listResponse, type SearchRequest } from '../scim/messages.ts'
import { groupService } from './groups.ts'
import { DEFAULT_COUNT, listResources, MAX_COUNT } from './list.ts'
import type { Scope } from './scope.ts'
import type { ResourceService } from './service.ts'
import { userService } from './users.ts'

const SERVICES: readonly ResourceService[] = [userService, groupService]

/** One page over all resource types as a ListResponse. */
export async function searchAll(
  scope: Scope,
  request: SearchRequest,
): Promise<Result<JsonObject, ScimFault>> {
  const { sortBy: _, sortOrder: __, cursor, ...search } = request
  if (cursor !== undefined) return err(NO_CURSOR)
  const startIndex = Math.max(1, request.startIndex ?? 1)
  const count = Math.min(MAX_COUNT, Math.max(0, request.count ?? DEFAULT_COUNT))
  const resources: JsonObject[] = []
  let totalResults = 0
  let refusal: ScimFault | undefined
  let isAnswered = false
  for (const service of SERVICES) {
    const rest = {
      startIndex: Math.max(1, startIndex - totalResults),
      count: count - resources.length,
    }
    const listed = await listResources(scope, service, { ...search, ...rest })
    if (listed.ok) {
      isAnswered = true
      totalResults += Number(listed.value['totalResults'])
      resources.push(...resourcesIn(listed.value['Resources']))
    } else if (listed.error.kind === 'invalidFilter') refusal ??= listed.error
    else return listed
  }
  if (!isAnswered && refusal !== undefined) return err(refusal)
  return ok(listResponse({ totalResults, startIndex, itemsPerPage: resources.length, resources }))
}

const NO_CURSOR: ScimFault = {
  kind: 'invalidValue',
  attribute: 'cursor',
  reason: 'a search across all resource types is paged by startIndex; search /Users or /Groups',
}

function resourcesIn(listed: Json | undefined): JsonObject[] {
  return isJsonArray(listed) ? listed.filter(isJsonObject) : []
}
