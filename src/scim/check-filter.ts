/**
 * Whether a filter makes sense for a resource type. Pure.
 *
 * An attribute that the schemas do not have is a fault, never a filter that matches everything or nothing (Q19):
 * a client that asks for a user and gets a wrong one overwrites a stranger.
 */
import { assertNever, err, ok, type Result } from '../kernel/result.ts'
import { printAttributePath } from './attribute-path.ts'
import type { ResourceType } from './attributes.ts'
import type { ScimFault } from './fault.ts'
import { coerceOperand, comparisonRules } from './operand.ts'
import { printFilter } from './print-filter.ts'
import {
  comparedAttribute,
  resolveAttribute,
  resolveSub,
  type ResolvedAttribute,
} from './resolve.ts'
import type { AttributePath, Filter } from './tree.ts'

/** How names are looked up: among the attributes of a resource, or among the sub-attributes of one. */
type Lookup = (path: AttributePath) => Result<ResolvedAttribute, string>

/**
 * The filter with its values in the types of their attributes (`active eq "True"` becomes `active eq true`, Q2).
 * Fault: `invalidFilter` that names the attribute which is unknown, cannot be compared by that operator or with that
 * value (RFC 7644 section 3.4.2.2), or must not be searched (RFC 7643 section 7, `returned` is `never`).
 */
export function checkFilter(filter: Filter, type: ResourceType): Result<Filter, ScimFault> {
  const lookup: Lookup = (path) => {
    const found = resolveAttribute(path, type)
    return found ? ok(found) : err(`${type.name} has no attribute ${printAttributePath(path)}`)
  }
  return report(filter, check(filter, lookup))
}

/** The same for the filter inside `[ ]`, whose names are sub-attributes of `owner`. Fault: `invalidFilter`. */
export function checkElementFilter(
  filter: Filter,
  owner: ResolvedAttribute,
): Result<Filter, ScimFault> {
  return report(filter, checkElement(filter, owner))
}

function report(filter: Filter, checked: Result<Filter, string>): Result<Filter, ScimFault> {
  if (checked.ok) return checked
  return err({ kind: 'invalidFilter', filter: printFilter(filter), reason: checked.error })
}

function check(filter: Filter, lookup: Lookup): Result<Filter, string> {
  switch (filter.kind) {
    case 'compare':
      return checkCompare(filter, lookup)
    case 'present': {
      const found = search(filter.path, lookup)
      return found.ok ? ok(filter) : found
    }
    case 'and':
    case 'or':
      return checkBoth(filter, lookup)
    case 'not': {
      const inner = check(filter.filter, lookup)
      return inner.ok ? ok({ ...filter, filter: inner.value }) : inner
    }
    case 'valuePath': {
      const found = search(filter.path, lookup)
      if (!found.ok) return found
      const inner = checkElement(filter.filter, found.value)
      return inner.ok ? ok({ ...filter, filter: inner.value }) : inner
    }
    default:
      return assertNever(filter)
  }
}

function checkBoth(
  filter: Extract<Filter, { kind: 'and' | 'or' }>,
  lookup: Lookup,
): Result<Filter, string> {
  const left = check(filter.left, lookup)
  if (!left.ok) return left
  const right = check(filter.right, lookup)
  return right.ok ? ok({ ...filter, left: left.value, right: right.value }) : right
}

function checkElement(filter: Filter, owner: ResolvedAttribute): Result<Filter, string> {
  const { definition, sub, opaque } = owner
  if (sub !== undefined || (definition.type !== 'complex' && !opaque))
    return err(`${(sub ?? definition).name} has no sub-attributes to filter by`)
  return check(filter, (path) => {
    const found = resolveSub(owner, path.attribute)
    return found
      ? ok({ ...owner, sub: found })
      : err(`${definition.name} has no sub-attribute ${path.attribute}`)
  })
}

function checkCompare(
  filter: Extract<Filter, { kind: 'compare' }>,
  lookup: Lookup,
): Result<Filter, string> {
  const { path, operator, value } = filter
  const found = search(path, lookup)
  if (!found.ok) return found
  const isEquality = operator === 'eq' || operator === 'ne'
  if (value === null && isEquality) return ok(filter)
  const target = comparedAttribute(found.value)
  const name = printAttributePath(path)
  if (target === undefined)
    return err(`${name} has no value of its own; compare one of ${subNames(found.value)}`)
  const definition = target.sub ?? target.definition
  const rules = comparisonRules(definition)
  if (!rules.operators.includes(operator))
    return err(
      `${name} is ${definition.type} and knows no ${operator}; use ${rules.operators.join(', ')}`,
    )
  const coerced = coerceOperand(value, definition)
  if (coerced === undefined || coerced === null)
    return err(`${name} ${operator} is followed by ${rules.expected}`)
  return ok({ ...filter, value: coerced })
}

/** Looks up an attribute that a filter may ask about: asking often enough would reveal a secret one. */
function search(path: AttributePath, lookup: Lookup): Result<ResolvedAttribute, string> {
  const found = lookup(path)
  if (!found.ok || (found.value.sub ?? found.value.definition).returned !== 'never') return found
  return err(`${printAttributePath(path)} cannot be searched`)
}

function subNames(found: ResolvedAttribute): string {
  const { name, subAttributes = [] } = found.definition
  return subAttributes.map((sub) => `${name}.${sub.name}`).join(', ')
}
