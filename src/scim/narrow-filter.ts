/**
 * A filter over several resource types as one of them sees it (RFC 7644 section 3.4.2.1): an attribute that the type does not
 * have is one without a value. Such terms are decided here, so that what is left is about attributes of the type. Pure.
 */
import { assertNever, err, ok, type Result } from '../kernel/result.ts'
import { printAttributePath } from './attribute-path.ts'
import type { ResourceType } from './attributes.ts'
import { checkFilter } from './check-filter.ts'
import type { ScimFault } from './fault.ts'
import { printFilter } from './print-filter.ts'
import { resolveAttribute } from './resolve.ts'
import type { Filter } from './tree.ts'

/** What a filter asks of one type: `all` of its resources, `none`, or those that satisfy what is left. */
export type Narrowed = Filter | 'all' | 'none'

/**
 * The filter for resources of `type`, its values in the types of their attributes (see `checkFilter`). Fault: invalidFilter
 * for a term that makes no sense for `type`, and for an attribute that none of `types` has (Q19).
 */
export function narrowFilter(
  filter: Filter,
  type: ResourceType,
  types: readonly ResourceType[],
): Result<Narrowed, ScimFault> {
  switch (filter.kind) {
    case 'compare':
    case 'present':
    case 'valuePath':
      return narrowTerm(filter, type, types)
    case 'not': {
      const inner = narrowFilter(filter.filter, type, types)
      return inner.ok ? ok(negated(inner.value)) : inner
    }
    case 'and':
    case 'or': {
      const left = narrowFilter(filter.left, type, types)
      if (!left.ok) return left
      const right = narrowFilter(filter.right, type, types)
      return right.ok ? ok(joined(filter.kind, left.value, right.value)) : right
    }
    default:
      return assertNever(filter)
  }
}

type Term = Extract<Filter, { kind: 'compare' | 'present' | 'valuePath' }>

function narrowTerm(
  term: Term,
  type: ResourceType,
  types: readonly ResourceType[],
): Result<Narrowed, ScimFault> {
  const isKnownTo = (known: ResourceType) => resolveAttribute(term.path, known) !== undefined
  if (isKnownTo(type)) return checkFilter(term, type)
  if (types.some(isKnownTo)) return ok(holdsWithoutValue(term) ? 'all' : 'none')
  const reason = `no resource type has an attribute ${printAttributePath(term.path)}`
  return err({ kind: 'invalidFilter', filter: printFilter(term), reason })
}

/** Without a value nothing is equal, so that `ne` holds, and `eq null`, which asks for what is not present. */
function holdsWithoutValue(term: Term): boolean {
  if (term.kind !== 'compare') return false
  return term.operator === (term.value === null ? 'eq' : 'ne')
}

function negated(inner: Narrowed): Narrowed {
  if (inner === 'all') return 'none'
  return inner === 'none' ? 'all' : { kind: 'not', filter: inner }
}

function joined(kind: 'and' | 'or', left: Narrowed, right: Narrowed): Narrowed {
  const deciding = kind === 'and' ? 'none' : 'all'
  if (left === deciding || right === deciding) return deciding
  // What is a word still and does not decide, changes nothing.
  if (typeof left === 'string') return right
  return typeof right === 'string' ? left : { kind, left, right }
}
