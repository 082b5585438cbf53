/**
 * Orders of lists (RFC 7644 section 3.4.2.3): by one attribute, whatever its type, and then by id, so that every resource has
 * one place and a page can begin behind a place instead of after a count. Without an attribute: by id, which is the
 * order of creation. What has no value comes last, and first when the order is descending. Pure.
 */
import { type SQL, sql } from 'drizzle-orm'

import { compareTexts } from '../kernel/order.ts'
import type { ResourceType } from '../scim/attributes.ts'
import { comparisonRules } from '../scim/operand.ts'
import type { ResolvedAttribute } from '../scim/resolve.ts'
import { foldPlain } from './filter-sql-fold.ts'
import type { Values } from './filter-sql-value.ts'
import { placesOf } from './filter-sql-values.ts'

export interface Sort {
  /** What `comparedAttribute` gives; undefined where no resource of the type has the attribute. */
  readonly attribute: ResolvedAttribute | undefined
  readonly isDescending: boolean
}

/** The place of a resource in an order: its key in the order, null without one, and its id. */
export interface Place {
  readonly key: string | number | null
  readonly id: string
}

/** Rows to be ordered: a FROM clause that ends in conditions, and its table's alias. */
export interface Rows {
  readonly row: SQL
  readonly from: SQL
}

/** A part of the rows in their order. */
export interface Cut {
  /** The place that the part stands behind, or before when it is walked backwards. */
  readonly place?: Place | undefined
  readonly isBackward: boolean
  /** LIMIT and OFFSET. */
  readonly limit: SQL
}

/** An order of rows in SQL. */
export interface Order {
  /** The key of a row: a column of what is read, called `sort_key`. */
  readonly key: SQL
  /** The ids of a part of the rows. */
  ids(rows: Rows, cut: Cut): SQL
  /** The same with their keys: `id` and `sort_key`. */
  places(rows: Rows, cut: Cut): SQL
  /** The terms of ORDER BY for the rows of a page, with their `sort_key`. */
  pageTerms(isBackward: boolean): SQL
}

/** Of texts as many characters count: the key travels in the client's cursor. */
const MAX_KEY_CHARACTERS = sql.raw('200')

/** Whether the order is that of the ids. */
export const isById = (sort: Sort | undefined): boolean =>
  sort === undefined || sort.attribute?.definition.name === 'id'

/**
 * The order of a list. `isSearched`: an index finds the few rows already, so none is to be walked for the order (a plus
 * before a column keeps SQLite from it). `isShared`: the list has resources of other types too, which may have the same keys.
 */
export function orderOf(
  sort: Sort | undefined,
  type: ResourceType,
  baseUrl: string,
  { isSearched, isShared }: { readonly isSearched: boolean; readonly isShared: boolean },
): Order {
  const plus = sql.raw(isSearched ? '+' : '')
  const id = sql.raw(type.name === 'User' ? 'u.id' : 'g.id')
  if (sort === undefined || isById(sort)) {
    const column = { walked: sql`${plus}${id}`, inPage: id }
    return byUnique(column, sql`NULL`, (place) => place.id, sort?.isDescending === true)
  }
  const { attribute, isDescending } = sort
  if (attribute === undefined) return byKey(sql`NULL`, id, isDescending)
  const places = placesOf(attribute, type, baseUrl)
  const [first, ...inner] = places
  if (isShared || inner.length > 0 || first?.form !== 'key')
    return byKey(keyOf(places, attribute), id, isDescending)
  // In a page the index of the names would be walked to its end.
  const column = { walked: sql`${plus}${first.value}`, inPage: sql`+${first.value}` }
  return byUnique(column, first.value, ({ key }) => key, isDescending)
}

/** By a column that has a value in every row, and another one in each: an index is walked. */
function byUnique(
  column: { readonly walked: SQL; readonly inPage: SQL },
  key: SQL,
  valueOf: (place: Place) => Place['key'],
  isDescending: boolean,
): Order {
  const isDown = (isBackward: boolean) => isBackward !== isDescending
  const direction = (isBackward: boolean) => (isDown(isBackward) ? sql`DESC` : sql`ASC`)
  const read = (columns: SQL, { from }: Rows, { place, isBackward, limit }: Cut) => {
    const relation = isDown(isBackward) ? sql`<` : sql`>`
    const behind = place ? sql`AND ${column.walked} ${relation} ${valueOf(place)}` : sql``
    const order = sql`ORDER BY ${column.walked} ${direction(isBackward)}`
    return sql`SELECT ${columns} FROM ${from} ${behind} ${order} ${limit}`
  }
  return {
    key,
    ids: (rows, cut) => read(sql`${rows.row}.id`, rows, cut),
    places: (rows, cut) => read(sql`${rows.row}.id AS id, ${key} AS sort_key`, rows, cut),
    pageTerms: (isBackward) => sql`${column.inPage} ${direction(isBackward)}`,
  }
}

/** By a key that may be absent or the same in many rows: SQLite sorts the rows of the organization. */
function byKey(key: SQL, id: SQL, isDescending: boolean): Order {
  const termsOf = (k: SQL, last: SQL, isBackward: boolean) =>
    isBackward === isDescending
      ? sql`${k} IS NULL, ${k}, ${last}`
      : sql`${k} IS NULL DESC, ${k} DESC, ${last} DESC`
  const read = (columns: SQL, { row, from }: Rows, { place, isBackward, limit }: Cut) => {
    const relation = isBackward === isDescending ? above : below
    const behind = place === undefined ? sql`1` : relation(place)
    // The limit keeps SQLite from working out the key again for each mention, and its depth from adding up.
    return sql`SELECT ${columns} FROM (SELECT ${row}.id AS id, ${key} AS k FROM ${from} LIMIT -1)
      WHERE ${behind} ORDER BY ${termsOf(sql`k`, sql`id`, isBackward)} ${limit}`
  }
  return {
    key,
    ids: (rows, cut) => read(sql`id`, rows, cut),
    places: (rows, cut) => read(sql`id, k AS sort_key`, rows, cut),
    pageTerms: (isBackward) => termsOf(sql`sort_key`, id, isBackward),
  }
}

/** Absent keys are the highest. */
function above({ key, id }: Place): SQL {
  return key === null
    ? sql`k IS NULL AND id > ${id}`
    : sql`(k IS NULL OR k > ${key} OR (k = ${key} AND id > ${id}))`
}

function below({ key, id }: Place): SQL {
  return key === null
    ? sql`(k IS NOT NULL OR id < ${id})`
    : sql`(k < ${key} OR (k = ${key} AND id < ${id}))`
}

/** Of several values the primary one counts, else the first (RFC 7644 section 3.4.2.3). */
function keyOf(places: readonly Values[], { definition, sub }: ResolvedAttribute): SQL {
  const last = places.at(-1)
  if (last === undefined) return sql`NULL`
  return places.reduceRight(
    (key, { from, order }) => {
      if (from === undefined) return key
      const where = from.where ?? sql`1`
      return sql`(SELECT ${key} FROM ${from.tables} WHERE ${where} ORDER BY ${order ?? sql`1`} LIMIT 1)`
    },
    keyOfValue(last, sub ?? definition),
  )
}

function keyOfValue({ value, form }: Values, definition: ResolvedAttribute['definition']): SQL {
  if (form === 'object' || form === 'unknown') return sql`NULL`
  if (form === 'flag' || form === 'instant') return value
  const start = sql`substr(${value}, 1, ${MAX_KEY_CHARACTERS})`
  const isFolded = form === 'key' || definition.caseExact
  return isFolded || !comparisonRules(definition).operators.includes('gt')
    ? start
    : foldPlain(start)
}

/** Where a row stands in the order that it was read in. */
export function placeOf(row: Record<string, unknown>): Place {
  const key = row['sort_key']
  const isKey = typeof key === 'string' || typeof key === 'number'
  return { key: isKey ? key : null, id: String(row['id']) }
}

/** Below, at or above 0 as SQLite puts `a` before, with or after `b` in an ascending order; absent keys are the highest. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.key !== b.key) {
    if (a.key === null || b.key === null) return a.key === null ? 1 : -1
    if (typeof a.key === 'string' && typeof b.key === 'string') return compareTexts(a.key, b.key)
    if (typeof a.key === 'number' && typeof b.key === 'number') return a.key - b.key
    return typeof a.key === 'number' ? -1 : 1
  }
  return compareTexts(a.id, b.id)
}
