/**
 * The resources of one type that satisfy a filter, in an order: SQL decides what it can, and about the rest (see
 * `filterCondition`) `matchesFilter`, in bounded pages.
 */
import { type SQL, sql } from 'drizzle-orm'

import type { ResourceType } from '../scim/attributes.ts'
import type { Filter } from '../scim/tree.ts'
import type { Answer, Database, Query } from './client.ts'
import { isSearchAlone, searchCondition } from './filter-sql-index.ts'
import { filterCondition } from './filter-sql.ts'
import { orderOf, type Cut, type Order, type Place, type Rows, type Sort } from './sort.ts'

/** What is asked of the resources of one type. */
export interface TypeQuery {
  /** One that `checkFilter` has passed. */
  readonly filter?: Filter
  readonly sort?: Sort
}

/** A slice of a list by count. */
export interface IndexWindow {
  readonly skip: number
  readonly take: number
}

/** A part of a list by place: what stands behind a place, or before it, whatever was added or deleted meanwhile. */
export interface CursorWindow {
  readonly take: number
  /** Absent for the beginning of the list. */
  readonly from?: Place
  readonly isBackward: boolean
  /** How many resources satisfied the filter on the first page: they are not counted again for every page. */
  readonly total?: number
}

/** Rows of one type, as the reader of that type reads them. */
export interface RowSource<T> {
  readonly type: ResourceType
  /** Reads the resources of these ids (a subquery), with `sort_key` of the order beside each. */
  readonly select: (ids: SQL, order: Order, isBackward: boolean, purpose: Purpose) => Query[]
  assemble(answers: readonly Answer[]): readonly Listed<T>[]
  /** `matchesFilter` of the resource as it is shown. */
  matches(item: T, filter: Filter): boolean
}

/** What is done with the rows that are read: what is not needed for it need not be read. */
export type Purpose = 'show' | 'decide' | 'decide and show'

export interface Listed<T> {
  readonly item: T
  readonly place: Place
}

/** Rows that are read at once to be decided about. */
const DECIDED_AT_ONCE = 500

/** What the pages of one list share. */
export interface List<T> {
  readonly database: Database
  readonly source: RowSource<T>
  readonly filter: Filter | undefined
  readonly order: Order
  /** Counts what SQL decides, and what it leaves undecided. */
  readonly count: Query
  /** Three-valued; 1 without a filter. */
  readonly condition: SQL
  /** The rows that satisfy `where`, a condition beside the one that an index answers. */
  readonly rows: (where: SQL) => Rows
}

/** `isShared`: other lists are merged with this one. */
export function openList<T>(
  database: Database,
  source: RowSource<T>,
  { filter, sort }: TypeQuery,
  scope: { readonly organizationId: string; readonly baseUrl: string; readonly isShared: boolean },
): List<T> {
  const { type } = source
  const { organizationId, baseUrl, isShared } = scope
  const [row, table] = type.name === 'User' ? [sql`u`, sql`user u`] : [sql`g`, sql`"group" g`]
  const indexed = filter && searchCondition(filter, type, organizationId)
  const isDecided = filter === undefined || isSearchAlone(filter, type)
  const condition = isDecided ? sql`1` : filterCondition(filter, type, baseUrl)
  const from = sql`${table} WHERE ${row}.organization_id = ${organizationId} AND ${indexed ?? sql`1`}`
  return {
    database,
    source,
    filter,
    order: orderOf(sort, type, baseUrl, { isSearched: indexed !== undefined, isShared }),
    condition,
    count:
      filter === undefined
        ? countedResources(type, organizationId)
        : sql`SELECT sum(ifnull(${condition}, ${sql.raw(String(UNDECIDED))})) AS counted FROM ${from}`,
    rows: (where) => ({ row, from: sql`${from} AND ${where}` }),
  }
}

/** The organization keeps count of its resources: none is read for it. */
function countedResources({ name }: ResourceType, organizationId: string): SQL {
  const column = sql.raw(name === 'User' ? 'user_count' : 'group_count')
  return sql`SELECT ${column} AS counted FROM organization WHERE id = ${organizationId}`
}

/** An undecided row counts as so many: more than any organization has, so that one sum tells both numbers. */
const UNDECIDED = 100_000_000

function readCount(answer: Answer | undefined): { sure: number; undecided: number } {
  const counted = Number(answer?.rows[0]?.['counted'] ?? 0)
  return { sure: counted % UNDECIDED, undecided: Math.floor(counted / UNDECIDED) }
}

/** How many resources there are, and a slice of them. */
export async function countAndRead<T>(
  list: List<T>,
  { skip, take }: IndexWindow,
): Promise<{ total: number; found: readonly Listed<T>[] }> {
  const read = (from: List<T>): Query[] => {
    const limit = sql`LIMIT ${take} OFFSET ${skip}`
    const ids = idsOf(from, { limit, isBackward: false })
    return take === 0 ? [] : from.source.select(ids, from.order, false, 'show')
  }
  const [counted, ...answers] = await list.database.run(list.count, ...read(list))
  const { total, settled } = await settle(list, counted)
  if (settled === list) return { total, found: list.source.assemble(answers) }
  if (take === 0 || skip >= total) return { total, found: [] }
  return { total, found: list.source.assemble(await list.database.run(...read(settled))) }
}

/** The list with nothing left undecided, itself when nothing was, and how many resources it has. */
export async function settle<T>(
  list: List<T>,
  counted: Answer | undefined,
): Promise<{ total: number; settled: List<T> }> {
  const { sure, undecided } = readCount(counted)
  if (undecided === 0) return { total: sure, settled: list }
  const accepted = await decide(list)
  const condition = sql`(${list.condition} OR ${isAmong(accepted)})`
  return { total: sure + accepted.length, settled: { ...list, condition } }
}

/** D1 takes 2 MB in one parameter. */
const IDS_IN_PARAMETER = 40_000

function isAmong(ids: readonly string[]): SQL {
  const parts: SQL[] = [sql`0`]
  for (let at = 0; at < ids.length; at += IDS_IN_PARAMETER) {
    const part = JSON.stringify(ids.slice(at, at + IDS_IN_PARAMETER))
    parts.push(sql`id IN (SELECT value FROM json_each(${part}))`)
  }
  return sql.join(parts, sql` OR `)
}

/** The ids that SQL leaves undecided and the matcher accepts: every such row is looked at, a bounded page at a time. */
async function decide<T>(list: List<T>): Promise<string[]> {
  const accepted: string[] = []
  const undecided = { ...list, condition: sql`(${list.condition}) IS NULL` }
  for (let from: Place | undefined, isLast = false; !isLast;) {
    const queries = readBehind(undecided, from, false, DECIDED_AT_ONCE, 'decide')
    const rows = list.source.assemble(await list.database.run(...queries))
    for (const { item, place } of rows) if (isMatch(list, item)) accepted.push(place.id)
    isLast = rows.length < DECIDED_AT_ONCE
    from = rows.at(-1)?.place ?? from
  }
  return accepted
}

/** As many matches as a page takes and one more, which says that the page is not the last; those next to the place first. */
export async function collect<T>(
  list: List<T>,
  { from: start, isBackward, take, total: known }: CursorWindow,
): Promise<{ total: number; found: readonly Listed<T>[] }> {
  const wanted = take === 0 ? 0 : take + 1
  const candidates = { ...list, condition: sql`(${list.condition}) IS NOT 0` }
  const found: Listed<T>[] = []
  let total = known
  for (let from = start, isLast = false; !isLast;) {
    const queries =
      wanted === 0 ? [] : readBehind(candidates, from, isBackward, wanted, 'decide and show')
    const counting = total === undefined ? [list.count] : []
    const answers = await list.database.run(...counting, ...queries)
    total ??= await totalOf(list, answers[0])
    const rows = list.source.assemble(answers.slice(counting.length))
    found.push(...rows.filter(({ item }) => isMatch(list, item)))
    isLast = rows.length < wanted || found.length >= wanted
    from = rows.at(-1)?.place ?? from
  }
  return { total: total ?? 0, found }
}

async function totalOf<T>(list: List<T>, counted: Answer | undefined): Promise<number> {
  const { sure, undecided } = readCount(counted)
  return undecided === 0 ? sure : sure + (await decide(list)).length
}

function readBehind<T>(
  list: List<T>,
  from: Place | undefined,
  isBackward: boolean,
  count: number,
  purpose: Purpose,
): Query[] {
  const ids = idsOf(list, { place: from, isBackward, limit: sql`LIMIT ${count}` })
  return list.source.select(ids, list.order, isBackward, purpose)
}

const idsOf = <T>({ order, rows, condition }: List<T>, cut: Cut): SQL =>
  order.ids(rows(condition), cut)

function isMatch<T>({ source, filter }: List<T>, item: T): boolean {
  return filter === undefined || source.matches(item, filter)
}
