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
 * The attribute to sort by: a complex one stands for its `value`. Without an order it is ascending; without an attribute
 * (an empty name is none) there is nothing to sort by. Fault: invalidValue for an order that is neither ascending nor
 * descending, and for a name that no resource of the type has, that has no value of its own, or that must not be asked
 * about.
 */
export function readSortBy(
  sortBy: string | undefined,
  sortOrder: string | undefined,
  type: ResourceType,
): Result<SortBy | undefined, ScimFault> {
  const isDescending = readSortOrder(sortOrder)
  if (!isDescending.ok) return isDescending
  if (sortBy === undefined || sortBy === '') return ok(undefined)
  const attribute = readAttribute(sortBy, type)
  return attribute.ok
    ? ok({ attribute: attribute.value, isDescending: isDescending.value })
    : attribute
}

/** Whether the order is descending; its name is read in any case. */
function readSortOrder(sortOrder: string | undefined): Result<boolean, ScimFault> {
  const folded = sortOrder?.toLowerCase() ?? ''
  if (folded === '' || folded === 'ascending') return ok(false)
  if (folded === 'descending') return ok(true)
  const reason = `"${folded.slice(0, 100)}" is no order; ascending or descending is expected`
  return err({ kind: 'invalidValue', attribute: 'sortOrder', reason })
}

function readAttribute(sortBy: string, type: ResourceType): Result<ResolvedAttribute, ScimFault> {
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
  return ok(attribute)
}
