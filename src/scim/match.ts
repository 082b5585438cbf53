/**
 * Whether a resource satisfies a filter (RFC 7644 section 3.4.2.2). Pure.
 *
 * Where the RFC is open: `ne` is true when no value is equal, so also when there is none. `eq null` means "not
 * present" and `ne null` "present" (RFC 7643 section 2.5). Text is ordered by code points after folding.
 * Filters have passed `checkFilter`: here, what does not resolve has no values, so that its negation would match.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { compareTexts } from '../kernel/order.ts'
import { assertNever } from '../kernel/result.ts'
import type { AttributeDefinition, ResourceType } from './attributes.ts'
import { coerceOperand, comparable } from './operand.ts'
import {
  comparedAttribute,
  readSubValues,
  readValues,
  resolveAttribute,
  resolveSub,
  type ResolvedAttribute,
} from './resolve.ts'
import type { AttributePath, CompareOperator, Filter } from './tree.ts'

/** What names mean, and where values are: in a resource, or in one element of an attribute. */
interface Scope {
  readonly resolve: (path: AttributePath) => ResolvedAttribute | undefined
  readonly read: (found: ResolvedAttribute) => readonly Json[]
}

type Test = (actual: string | number | boolean, wanted: string | number | boolean) => boolean

/** `ne` is the negation of `eq` over all values, so it is not in here. */
const TESTS: { readonly [K in Exclude<CompareOperator, 'ne'>]: Test } = {
  eq: (actual, wanted) => actual === wanted,
  co: (actual, wanted) => String(actual).includes(String(wanted)),
  sw: (actual, wanted) => String(actual).startsWith(String(wanted)),
  ew: (actual, wanted) => String(actual).endsWith(String(wanted)),
  gt: (actual, wanted) => order(actual, wanted) > 0,
  ge: (actual, wanted) => order(actual, wanted) >= 0,
  lt: (actual, wanted) => order(actual, wanted) < 0,
  le: (actual, wanted) => order(actual, wanted) <= 0,
}

/** True when `resource`, which is of `type`, satisfies `filter`; one value of a multi-valued attribute is enough. */
export function matchesFilter(resource: JsonObject, filter: Filter, type: ResourceType): boolean {
  return matches(filter, {
    resolve: (path) => resolveAttribute(path, type),
    read: (found) => readValues(resource, found),
  })
}

/** True when one value of the attribute `owner` satisfies the filter inside `[ ]`, alone. */
export function matchesElement(element: Json, filter: Filter, owner: ResolvedAttribute): boolean {
  return matches(filter, {
    resolve: (path) => {
      const sub = resolveSub(owner, path.attribute)
      return sub && { ...owner, sub }
    },
    read: ({ sub }) => (sub === undefined ? [element] : readSubValues(element, sub.name)),
  })
}

function matches(filter: Filter, scope: Scope): boolean {
  switch (filter.kind) {
    case 'compare':
      return matchesCompare(filter, scope)
    case 'present':
      return valuesAt(filter.path, scope).some(isPresent)
    case 'and':
      return matches(filter.left, scope) && matches(filter.right, scope)
    case 'or':
      return matches(filter.left, scope) || matches(filter.right, scope)
    case 'not':
      return !matches(filter.filter, scope)
    case 'valuePath': {
      const owner = scope.resolve(filter.path)
      if (owner === undefined) return false
      return scope.read(owner).some((element) => matchesElement(element, filter.filter, owner))
    }
    default:
      return assertNever(filter)
  }
}

function matchesCompare(filter: Extract<Filter, { kind: 'compare' }>, scope: Scope): boolean {
  const { path, operator, value } = filter
  if (value === null) return valuesAt(path, scope).some(isPresent) === (operator === 'ne')
  const found = scope.resolve(path)
  const target = found && comparedAttribute(found)
  if (target === undefined) return false
  const definition = target.sub ?? target.definition
  const operand = coerceOperand(value, definition)
  const wanted = operand === undefined ? undefined : comparable(operand, definition)
  if (wanted === undefined) return false
  const values = scope.read(target)
  return operator === 'ne'
    ? !values.some((actual) => holds(TESTS.eq, actual, wanted, definition))
    : values.some((actual) => holds(TESTS[operator], actual, wanted, definition))
}

/** Below, at or above 0 as `a` comes before, with or after `b`. */
function order(a: string | number | boolean, b: string | number | boolean): number {
  if (typeof a !== 'string' || typeof b !== 'string') return Number(a) - Number(b)
  return compareTexts(a, b)
}

function holds(
  test: Test,
  actual: Json,
  wanted: string | number | boolean,
  definition: AttributeDefinition,
): boolean {
  const compared = comparable(actual, definition)
  return compared !== undefined && test(compared, wanted)
}

function valuesAt(path: AttributePath, scope: Scope): readonly Json[] {
  const found = scope.resolve(path)
  return found === undefined ? [] : scope.read(found)
}

/** Not null, not empty text, and for lists and objects something present inside; however deep (`pr`). */
function isPresent(value: Json): boolean {
  const open: Json[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const inside = isJsonArray(next) ? next : isJsonObject(next) ? Object.values(next) : []
    for (const item of inside) open.push(item)
    if (typeof next !== 'object' && next !== '') return true
  }
  return false
}
