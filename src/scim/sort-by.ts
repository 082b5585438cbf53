/** What `sortBy` and `sortOrder` name (RFC 7644 section 3.4.2.3). Pure. */
import { err, ok, type Result } from '../kernel/result.ts'
import { parseAttributePath } from './attribute-path.ts'
import type { ResourceType } from './attributes.ts'
import type { ScimFault } from './fault.ts'
import { comparedAttribute, resolveAttribute, type ResolvedAttribute } from './resolve.ts'

export interface SortBy {
  readonly attribute: ResolvedAttribute
  readonly isDescending: boolean
}

/**
 * The attribute to sort by: a complex one stands for its `value`. Without an order it is ascending, and so it is with one
 * that is none. Fault: invalidValue for a name that no resource of the type has, that has no value of its own, or that
 * must not be asked about.
 */
export function readSortBy(
  sortBy: string,
  sortOrder: string | undefined,
  type: ResourceType,
): Result<SortBy, ScimFault> {
  const invalid = (reason: string) =>
    err<ScimFault>({ kind: 'invalidValue', attribute: 'sortBy', reason })
  const path = parseAttributePath(sortBy.trim())
  if (!path.ok) return invalid(path.error)
  const found = resolveAttribute(path.value, type)
  if (found === undefined) return invalid(`${type.name} has no attribute ${sortBy.slice(0, 100)}`)
  const attribute = comparedAttribute(found)
  if (attribute === undefined)
    return invalid(`${found.definition.name} has no value of its own; sort by a sub-attribute`)
  if ((attribute.sub ?? attribute.definition).returned === 'never')
    return invalid(`${found.definition.name} cannot be searched`)
  return ok({ attribute, isDescending: sortOrder?.toLowerCase() === 'descending' })
}
