import { type SQL, type Table, getTableColumns } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'

/**
 * D1 through Drizzle. Every statement of the product goes through `run`, as one batch: D1's only transaction and
 * one round trip. (Drizzle's own `batch` cannot bind the parameters of raw SQL and mixes up joined columns.)
 */
export interface Database {
  /** Drizzle's builders; build with them, run with `run`. */
  readonly build: ReturnType<typeof drizzle>
  /** What has been asked of D1 so far: round trips are latency, rows written are the bill. */
  readonly meter: Meter
  run(...queries: readonly Query[]): Promise<readonly Answer[]>
}

export type Query = SQL | { toSQL(): { sql: string; params: unknown[] } }

export interface Answer {
  readonly rows: readonly Record<string, unknown>[]
  /** Rows of the table itself that the statement inserted, changed or deleted. */
  readonly changes: number
}

export interface Meter {
  roundTrips: number
  statements: number
  rowsRead: number
  rowsWritten: number
}

const dialect = new SQLiteSyncDialect()

/** Opens the binding; cheap, done once per request, message or tick. */
export function connect(d1: D1Database): Database {
  const meter: Meter = { roundTrips: 0, statements: 0, rowsRead: 0, rowsWritten: 0 }
  const prepare = (query: Query): D1PreparedStatement => {
    const { sql, params } = 'toSQL' in query ? query.toSQL() : dialect.sqlToQuery(query)
    return d1.prepare(sql).bind(...params)
  }
  return {
    build: drizzle(d1),
    meter,
    async run(...queries) {
      meter.roundTrips += 1
      meter.statements += queries.length
      const results = await d1.batch<Record<string, unknown>>(queries.map(prepare))
      return results.map(({ results: rows, meta }) => {
        meter.rowsRead += meta.rows_read
        meter.rowsWritten += meta.rows_written
        return { rows, changes: meta.changes }
      })
    },
  }
}

/** A row as D1 gives it (column names, texts and numbers) as Drizzle's type of the table (JSON and booleans read). */
export function decode<T extends Table>(table: T, row: Record<string, unknown>): T['$inferSelect'] {
  const columns = Object.entries(getTableColumns(table))
  const entries = columns.map(([key, column]) => {
    const value = row[column.name]
    return [key, value === null || value === undefined ? null : column.mapFromDriverValue(value)]
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each column decoded by its own definition
  return Object.fromEntries(entries) as T['$inferSelect']
}

/** The reverse: a row as JSON of column names and what D1 stores in them, for statements over `json_each`. */
export function encode<T extends Table>(table: T, row: T['$inferSelect']): Record<string, unknown> {
  const columns = Object.entries(getTableColumns(table))
  const values: Record<string, unknown> = { ...row }
  return Object.fromEntries(
    columns.map(([key, column]) => {
      const value = values[key]
      return [
        column.name,
        value === null || value === undefined ? null : column.mapToDriverValue(value),
      ]
    }),
  )
}
