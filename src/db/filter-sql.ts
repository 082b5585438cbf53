/**
 * Filters -> SQL: a condition over rows that is 1 where `matchesFilter` is true of the resource that the row shows, 0 where
 * it is false, and null where SQL cannot decide, which is rare and for `matchesFilter` to settle. A null is always right.
 * Every text of the client is a parameter. Pure.
 */
import { type SQL, sql } from 'drizzle-orm'

import { assertNever } from '../kernel/result.ts'
import type { ResourceType } from '../scim/attributes.ts'
import {
  comparedAttribute,
  resolveAttribute,
  resolveSub,
  type ResolvedAttribute,
} from '../scim/resolve.ts'
import type { AttributePath, Filter } from '../scim/tree.ts'
import { compareValue, FALSE, negate, UNDECIDED } from './filter-sql-compare.ts'
import { chainOf, fits } from './filter-sql-fits.ts'
import type { Term, Values } from './filter-sql-value.ts'
import { placesOf, subOf } from './filter-sql-values.ts'

/** The condition over rows `u` or `g`, of a filter that `checkFilter` has passed. `baseUrl`: the URL of the SCIM root. */
export function filterCondition(filter: Filter, type: ResourceType, baseUrl: string): SQL {
  const { sql: condition } = compile(filter, {
    resolve: (path) => resolveAttribute(path, type),
    placesOf: (found) => placesOf(found, type, baseUrl),
  })
  if (!fits(condition, filter, type)) return UNDECIDED.sql
  const row = sql.raw(type.name === 'User' ? 'u' : 'g')
  // NUL and halves of characters are spelled so in JSON; SQLite's functions for text end at the one and break at the other.
  return sql`CASE WHEN instr(${row}.resource, '\\u0000') OR instr(${row}.resource, '\\ud') THEN NULL
    ELSE ${condition} END`
}

/** What names mean, and where values are: in a row, or in one element of an attribute. */
interface Scope {
  readonly resolve: (path: AttributePath) => ResolvedAttribute | undefined
  /** From the outermost place inwards: each is within one value of the one before. */
  readonly placesOf: (found: ResolvedAttribute) => readonly Values[]
}

function compile(filter: Filter, scope: Scope): Term {
  switch (filter.kind) {
    case 'compare':
      return compileCompare(filter, scope)
    case 'present':
      return compilePresent(filter.path, scope)
    case 'and':
    case 'or': {
      const terms = chainOf(filter, filter.kind).map((inner) => compile(inner, scope))
      return join(terms, filter.kind)
    }
    case 'not':
      return negate(compile(filter.filter, scope))
    case 'valuePath':
      return compileValuePath(filter, scope)
    default:
      return assertNever(filter)
  }
}

function compileCompare(
  { path, operator, value }: Extract<Filter, { kind: 'compare' }>,
  scope: Scope,
): Term {
  if (value === null) {
    const present = compilePresent(path, scope)
    return operator === 'ne' ? present : negate(present)
  }
  const found = scope.resolve(path)
  const target = found && comparedAttribute(found)
  if (target === undefined) return FALSE
  const places = scope.placesOf(target)
  const last = places.at(-1)
  const positive = operator === 'ne' ? 'eq' : operator
  const term = last && compareValue(last, target.sub ?? target.definition, positive, value)
  if (term === undefined) return FALSE
  const some = someOf(places, term)
  return operator === 'ne' ? negate(some) : some
}

function compilePresent(path: AttributePath, scope: Scope): Term {
  const found = scope.resolve(path)
  const places = found === undefined ? [] : scope.placesOf(found)
  const last = places.at(-1)
  if (last === undefined) return FALSE
  return someOf(places, { sql: last.isPresent, isExact: last.form !== 'unknown' })
}

/** One element satisfies the whole inner filter (RFC 7644 figure 1, `valuePath`). */
function compileValuePath(
  { path, filter }: Extract<Filter, { kind: 'valuePath' }>,
  scope: Scope,
): Term {
  const owner = scope.resolve(path)
  const place = owner && scope.placesOf(owner).at(-1)
  if (owner === undefined || place === undefined) return FALSE
  const inner = compile(filter, {
    resolve: ({ attribute }) => {
      const sub = resolveSub(owner, attribute)
      return sub && { ...owner, sub }
    },
    placesOf: ({ sub }) => (sub === undefined ? [] : [subOf(place, sub)]),
  })
  if (place.from !== undefined) return someOf([place], inner)
  return { sql: sql`(${place.isPresent} AND ${inner.sql})`, isExact: inner.isExact }
}

/** Whether the term holds for some value of the places: null when it holds for none, and one is undecided. */
function someOf(places: readonly Values[], term: Term): Term {
  const froms = places.flatMap(({ from }) => (from === undefined ? [] : [from]))
  if (froms.length === 0) return term
  // One subquery over all places, for D1 limits how deep expressions nest.
  const tables = sql.join(
    froms.map((from) => from.tables),
    sql`, `,
  )
  const where = froms.reduce((all, from) => sql`${all} AND ${from.where ?? sql`1`}`, sql`1`)
  if (term.isExact)
    return { ...term, sql: sql`EXISTS (SELECT 1 FROM ${tables} WHERE ${where} AND ${term.sql})` }
  // 1 wins over null, null over 0; `max` alone would pass over the null.
  const some = sql`(SELECT CASE max(ifnull(${term.sql}, 0.5)) WHEN 1 THEN 1 WHEN 0.5 THEN NULL ELSE 0 END
    FROM ${tables} WHERE ${where})`
  return { ...term, sql: some }
}

/** Joined as a balanced tree: D1 nests expressions 100 deep, and a chain of `and` is as deep as it is long. */
function join(terms: readonly Term[], kind: 'and' | 'or'): Term {
  const [first, ...more] = terms
  if (first === undefined || more.length === 0) return first ?? FALSE
  const middle = Math.ceil(terms.length / 2)
  const left = join(terms.slice(0, middle), kind)
  const right = join(terms.slice(middle), kind)
  const operator = sql.raw(kind === 'and' ? 'AND' : 'OR')
  return {
    sql: sql`(${left.sql} ${operator} ${right.sql})`,
    isExact: left.isExact && right.isExact,
  }
}
