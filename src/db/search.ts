/**
 * Pages of lists (RFC 7644 section 3.4.2.4, RFC 9865), of one resource type in one round trip, and of several types as one
 * list: by the places of their resources, whose ids tell them apart.
 */
import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import {
  collect,
  countAndRead,
  openList,
  settle,
  type CursorWindow,
  type IndexWindow,
  type List,
  type Listed,
  type RowSource,
  type TypeQuery,
} from './search-list.ts'
import { comparePlaces, isById, placeOf, type Place } from './sort.ts'

/** Which part of a list is asked for. */
export interface PageQuery {
  readonly window: IndexWindow | CursorWindow
  /** The URL of the SCIM root, which references and locations begin with. */
  readonly baseUrl: string
}

export type ListQuery = TypeQuery & PageQuery

export interface Page<T> {
  readonly total: number
  readonly items: readonly T[]
  /** Where the page ends, when more comes behind it; of a page by place. */
  readonly next?: Place
  /** Where the page begins, when something comes before it. */
  readonly previous?: Place
}

/** The resources of one type in a list. */
export interface ListPart<T> extends TypeQuery {
  readonly source: RowSource<T>
}

/** One page of an organization's resources. `parts`: the types in the order of their ids, sorted alike. */
export async function listPage<T>(
  database: Database,
  organizationId: string,
  parts: readonly ListPart<T>[],
  { window, baseUrl }: PageQuery,
): Promise<Page<T>> {
  const scope = { organizationId, baseUrl, isShared: parts.length > 1 }
  const lists = parts.map((part) => openList(database, part.source, part, scope))
  const sort = parts[0]?.sort
  const isDescending = sort?.isDescending === true
  const sign = isDescending ? -1 : 1
  const compare: Compare = (a, b) => sign * comparePlaces(a.place, b.place)
  if (!('skip' in window)) return pageByCursor(lists, compare, window)
  if (lists.length > 1 && !isById(sort)) return pageByPlaces(database, lists, compare, window)
  return pageByIndex(isDescending ? lists.toReversed() : lists, window)
}

/** How the resources of a list follow each other. */
type Compare = (a: { readonly place: Place }, b: { readonly place: Place }) => number

/** Of lists that come one after the other. */
async function pageByIndex<T>(
  lists: readonly List<T>[],
  { skip, take }: IndexWindow,
): Promise<Page<T>> {
  const items: T[] = []
  let total = 0
  for (const list of lists) {
    const rest = { skip: Math.max(0, skip - total), take: take - items.length }
    const part = await countAndRead(list, rest)
    items.push(...itemsOf(part.found))
    total += part.total
  }
  return { total, items }
}

/** Of lists that are merged: the places of each, as far as the page may reach, tell which resources are in it. */
async function pageByPlaces<T>(
  database: Database,
  lists: readonly List<T>[],
  compare: Compare,
  { skip, take }: IndexWindow,
): Promise<Page<T>> {
  const counted = await database.run(...lists.map(({ count }) => count))
  const settled = await Promise.all(lists.map((list, at) => settle(list, counted[at])))
  const total = settled.reduce((sum, part) => sum + part.total, 0)
  if (take === 0 || skip >= total) return { total, items: [] }
  const cut = { isBackward: false, limit: sql`LIMIT ${skip + take}` }
  const answers = await database.run(
    ...settled.map(({ settled: { order, rows, condition } }) => order.places(rows(condition), cut)),
  )
  const places = answers
    .flatMap(({ rows }) => rows.map((row) => ({ place: placeOf(row) })))
    .toSorted(compare)
    .slice(skip, skip + take)
  const ids = JSON.stringify(places.map(({ place }) => place.id))
  const found = await Promise.all(lists.map((list) => readThese(list, ids)))
  return { total, items: itemsOf(found.flat().toSorted(compare)) }
}

async function readThese<T>(list: List<T>, ids: string): Promise<readonly Listed<T>[]> {
  const these = sql`SELECT value FROM json_each(${ids})`
  const queries = list.source.select(these, list.order, false, 'show')
  return list.source.assemble(await list.database.run(...queries))
}

async function pageByCursor<T>(
  lists: readonly List<T>[],
  compare: Compare,
  window: CursorWindow,
): Promise<Page<T>> {
  const { from, isBackward, take } = window
  const parts = await Promise.all(lists.map((list) => collect(list, window)))
  const total = window.total ?? parts.reduce((sum, part) => sum + part.total, 0)
  const found = merge(
    parts.map((part) => part.found),
    isBackward ? (a, b) => compare(b, a) : compare,
  )
  const hasMore = found.length > take
  const kept = found.slice(0, take)
  // Everything before the place is gone: what is left begins with the first page.
  if (isBackward && take > 0 && kept.length === 0)
    return pageByCursor(lists, compare, { take, isBackward: false, total })
  const listed = isBackward ? kept.toReversed() : kept
  const [isMoreBefore, isMoreBehind] = isBackward ? [hasMore, true] : [from !== undefined, hasMore]
  return { total, items: itemsOf(listed), ...endsOf(listed, isMoreBefore, isMoreBehind) }
}

/** The places from which a client may go on. */
function endsOf<T>(
  listed: readonly Listed<T>[],
  isMoreBefore: boolean,
  isMoreBehind: boolean,
): Pick<Page<T>, 'previous' | 'next'> {
  const [first, last] = [listed[0]?.place, listed.at(-1)?.place]
  return {
    ...(isMoreBefore && first !== undefined ? { previous: first } : {}),
    ...(isMoreBehind && last !== undefined ? { next: last } : {}),
  }
}

/** One list is in its order already. */
function merge<T>(
  parts: readonly (readonly Listed<T>[])[],
  compare: Compare,
): readonly Listed<T>[] {
  return parts.length === 1 ? parts.flat() : parts.flat().toSorted(compare)
}

const itemsOf = <T>(listed: readonly Listed<T>[]): T[] => listed.map(({ item }) => item)
