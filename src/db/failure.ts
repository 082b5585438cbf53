import { type SQL, sql } from 'drizzle-orm'

/**
 * What D1 may answer to a write instead of doing it. The text of a Drizzle error holds the statement and every
 * parameter, so no text leaves this file: failures are named, and bugs are thrown without their parameters.
 */
export type WriteFailure =
  /** A unique index refused the batch; `index` names its columns, for example `user.organization_id, user.email_key`. */
  | { readonly kind: 'unique'; readonly columns: string }
  /** A condition that the batch asserts (`refuseUnless`) does not hold; `name` is the assertion's. */
  | { readonly kind: 'refused'; readonly name: string }
  /** D1 could not be reached or was reset; the write may or may not have happened. */
  | { readonly kind: 'unavailable' }
  /** D1 has more to do than it can; the write did not happen. */
  | { readonly kind: 'overloaded' }

const TRANSIENT =
  /network connection lost|storage caused object to be reset|reset because its code was updated|cannot resolve d1 db due to transient issue|starting up d1 db storage caused object to be reset|internal error in d1 db storage|the database is locked/i
const OVERLOADED =
  /d1 db is overloaded|exceeded timeout|exceeded its memory limit|exceeded its cpu time limit/i

/** Names the failure in whatever D1 or Drizzle threw; undefined when it is none of ours (a bug). */
export function writeFailure(thrown: unknown): WriteFailure | undefined {
  const text = messages(thrown)
  const unique = /UNIQUE constraint failed: ([^:\n]+)/.exec(text)
  if (unique?.[1] !== undefined) return { kind: 'unique', columns: unique[1].trim() }
  const refused = /bad JSON path: 'refused:(\w+)'/.exec(text)
  if (refused?.[1] !== undefined) return { kind: 'refused', name: refused[1] }
  if (OVERLOADED.test(text)) return { kind: 'overloaded' }
  if (TRANSIENT.test(text)) return { kind: 'unavailable' }
  return undefined
}

/**
 * A statement that aborts its whole batch unless `condition` holds when it runs; `name` comes back in the failure.
 * SQLite has no RAISE outside triggers, and a JSON path that cannot be parsed is an error that carries a text.
 */
export const refuseUnless = (condition: SQL, name: string): SQL =>
  sql`SELECT CASE WHEN ${condition} THEN 1 ELSE json_extract('{}', ${`refused:${name}`}) END AS held`

/** The messages of an error and its causes: a batch's error is raw, a single statement's is wrapped. */
function messages(thrown: unknown): string {
  const texts: string[] = []
  for (let error = thrown; error instanceof Error && texts.length < 5; error = error.cause)
    texts.push(error.message)
  return texts.join('\n')
}

/** What may be logged of an error that nobody expected: D1's own words, never a statement's parameters. */
export function safeErrorText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'a value that is no error was thrown'
  let innermost: Error = thrown
  for (let depth = 0; depth < 5 && innermost.cause instanceof Error; depth++)
    innermost = innermost.cause
  const text = innermost.message.startsWith('Failed query') ? 'a query failed' : innermost.message
  return `${innermost.name}: ${text.slice(0, 300)}`
}
