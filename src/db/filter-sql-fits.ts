/** Whether D1 takes a condition as it is: how many parameters, how long a text, how deep an expression. Pure. */
import type { SQL } from 'drizzle-orm'
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'

import { assertNever } from '../kernel/result.ts'
import type { ResourceType } from '../scim/attributes.ts'
import { resolveAttribute } from '../scim/resolve.ts'
import type { Filter } from '../scim/tree.ts'

/** D1 takes 100 parameters and 100 KB in a statement, and the condition is not all of it. */
const MAX_PARAMETERS = 60
const MAX_CHARACTERS = 60_000
/**
 * D1 nests expressions 100 deep. In the deepest statement, a page by cursor, a comparison of a sub-attribute of an opaque
 * attribute in [ ] leaves ten levels around it, by order of values two, and another some forty-eight (test/worker/list-depth.test.ts).
 */
const MAX_LEVELS = { ordered: 2, opaque: 8, known: 45 }

const dialect = new SQLiteSyncDialect()

/** Whether D1 takes the condition. The limits of `parseFilter` are such that it does, but for the oddest filters. */
export function fits(condition: SQL, filter: Filter, type: ResourceType): boolean {
  const { sql: text, params } = dialect.sqlToQuery(condition)
  return (
    params.length <= MAX_PARAMETERS &&
    text.length <= MAX_CHARACTERS &&
    levelsOf(filter) <= maxLevelsOf(filter, type)
  )
}

/** How deep the operators stand around the deepest term. */
function levelsOf(filter: Filter): number {
  switch (filter.kind) {
    case 'compare':
    case 'present':
      return 1
    case 'not':
    case 'valuePath':
      return 1 + levelsOf(filter.filter)
    case 'and':
    case 'or': {
      const chain = chainOf(filter, filter.kind)
      return Math.ceil(Math.log2(chain.length)) + Math.max(...chain.map(levelsOf))
    }
    default:
      return assertNever(filter)
  }
}

/** How many levels fit around the deepest of the terms. */
function maxLevelsOf(filter: Filter, type: ResourceType): number {
  switch (filter.kind) {
    case 'compare':
    case 'present':
    case 'valuePath':
      if (resolveAttribute(filter.path, type)?.opaque !== true) return MAX_LEVELS.known
      return filter.kind === 'valuePath' && isOrdering(filter.filter)
        ? MAX_LEVELS.ordered
        : MAX_LEVELS.opaque
    case 'not':
      return maxLevelsOf(filter.filter, type)
    case 'and':
    case 'or':
      return Math.min(maxLevelsOf(filter.left, type), maxLevelsOf(filter.right, type))
    default:
      return assertNever(filter)
  }
}

/** Whether some comparison asks which of two values comes first: a value of unknown form is compared in each form. */
function isOrdering(filter: Filter): boolean {
  switch (filter.kind) {
    case 'compare':
      return ['gt', 'ge', 'lt', 'le'].includes(filter.operator)
    case 'present':
      return false
    case 'not':
    case 'valuePath':
      return isOrdering(filter.filter)
    case 'and':
    case 'or':
      return isOrdering(filter.left) || isOrdering(filter.right)
    default:
      return assertNever(filter)
  }
}

/** The terms that one operator joins, however the chain leans. */
export function chainOf(filter: Filter, kind: 'and' | 'or'): Filter[] {
  return filter.kind === kind
    ? [...chainOf(filter.left, kind), ...chainOf(filter.right, kind)]
    : [filter]
}
