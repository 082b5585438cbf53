/**
 * Lists that are filtered by what no index holds: walked downwards from the cursor, at most 20,000 rows a request, so
 * that nobody's search keeps D1's one thread from everybody else. A page may so be shorter than asked, even empty, and still
 * have a successor.
 */
import { type SQL, sql } from 'drizzle-orm'

const MAX_WALK = 20_000

export interface Walk {
  /** A table and the condition that its key or an index serves. */
  readonly from: SQL
  /** The column that tells where a row stands in the list. */
  readonly place: SQL
  readonly order: SQL
  /** What the rows are filtered by. */
  readonly matches: SQL
  readonly limit: number
}

/**
 * A subquery of `place`, `is_match` and `walked`: the rows of a page, one more, and the last row that was walked. It stays
 * narrow; join the rows themselves to it.
 */
export const walked = ({ from, place, order, matches, limit }: Walk): SQL =>
  sql`(SELECT place, is_match, walked FROM (SELECT place, is_match, row_number() OVER () AS walked
      FROM (SELECT ${place} AS place, (${matches}) AS is_match FROM ${from} ORDER BY ${order} LIMIT ${MAX_WALK}))
    WHERE is_match OR walked = ${MAX_WALK} LIMIT ${limit + 1})`

export interface WalkedPage {
  readonly rows: readonly Record<string, unknown>[]
  /** The row after which the next page begins; undefined on the last page. */
  readonly last: Record<string, unknown> | undefined
}

/** The page in the rows of a query over `walked`, in the order of the list. */
export function walkedPage(rows: readonly Record<string, unknown>[], limit: number): WalkedPage {
  const matching = rows.filter((row) => row['is_match'] === 1)
  const page = matching.slice(0, limit)
  if (matching.length > limit) return { rows: page, last: page.at(-1) }
  const end = rows.at(-1)
  return { rows: page, last: end?.['walked'] === MAX_WALK ? end : undefined }
}
