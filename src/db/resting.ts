/** Whether a binding rests: nothing is due, or nothing but what is tried alone. */
import { type SQL, sql } from 'drizzle-orm'

/** Whoever calls such a binding calls it for everything that it owes, but for a link and an undoing, which are sent alone. */
export const IS_RESTING: SQL = sql`(due_at IS NULL OR found IS NOT NULL AND rest_due_at IS NULL)`

/** Makes everything that it owes due; or `found` alone, where that is not NULL, and the rest at `rest`, where that waits. */
export const dueAt = (
  time: SQL | number,
  { found = sql`NULL`, rest = sql`NULL` }: { readonly found?: SQL; readonly rest?: SQL } = {},
): SQL => sql`due_at = ${time}, found = ${found}, rest_due_at = ${rest}`

/** A missing account is looked for the second time when every replica knows of it, whatever is asked for in the meantime. */
export const isLookedFor = (now: number): SQL =>
  sql`coalesce(kind = 'user' AND error ->> '$.code' = 'object_missing' AND due_at > ${now}, FALSE)`
export const whenDue = (now: number): SQL =>
  sql`CASE WHEN ${isLookedFor(now)} THEN due_at ELSE ${now} END`
