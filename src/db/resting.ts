/** Whether a binding rests: nothing is due, or nothing but what reconciliation found of it. */
import { type SQL, sql } from 'drizzle-orm'

/** Whoever calls such a binding calls it for everything that it owes, but for a link and an undoing, which are sent alone. */
export const IS_RESTING: SQL = sql`(due_at IS NULL OR found IS NOT NULL)`

/** Makes everything that it owes due; or `found` alone, where that is not NULL. */
export const dueAt = (time: SQL | number, found: SQL = sql`NULL`): SQL =>
  sql`due_at = ${time}, found = ${found}`
