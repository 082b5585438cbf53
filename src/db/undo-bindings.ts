/** What undoing an event makes of the bindings that it is about. */
import { type SQL, sql } from 'drizzle-orm'

import { heldBefore } from './overwritten-store.ts'
import { dueAt, IS_RESTING, whenDue } from './resting.ts'
import { isUndoneBy } from './undo-store.ts'

interface Undoing {
  /** Of the command. */
  readonly sequence: number
  /** Of the event that is undone. */
  readonly undone: number
  readonly now: number
}

/** Whether the event bound it, and it is bound by that still. */
export const isBindOf = (undone: number): SQL =>
  sql`(coalesce(bound_sequence = ${undone}, FALSE) AND state <> 'former' AND unbound_by IS NULL)`

/**
 * Gives accounts back what the event overwrote. Whoever it bound is unbound: an account that was there before is left as it was then,
 * one that we created ends like that of anybody who is unbound. `these` are the bindings among which the event's are.
 */
export function putBack({ undone, sequence, now }: Undoing, these: SQL): SQL {
  const held = heldBefore(undone)
  const isBind = sql`coalesce(bound_sequence = ${undone}, FALSE)`
  // What was refused before, or is held, stays so, and what waits is tried in its own time: what is put back is sent alone.
  const isLater = sql`(state = 'owed' AND NOT ${isBind} AND (found IS NOT NULL OR due_at > ${now}))`
  const isAlone = sql`(${isLater} OR state IN ('failed', 'held') AND ${IS_RESTING} AND NOT ${isBind})`
  const found = sql`CASE WHEN ${isAlone} THEN ${namesOf(held)} END`
  const rest = sql`CASE WHEN ${isLater} THEN CASE WHEN found IS NULL THEN due_at ELSE rest_due_at END END`
  return sql`UPDATE binding SET ${dueAt(whenDue(now), { found, rest })}, undo_sequence = ${sequence},
      asked_sequence = CASE WHEN NOT ${isBind} THEN asked_sequence END, asked_before = CASE WHEN NOT ${isBind} THEN asked_before END,
      attempts = CASE WHEN ${isLater} THEN attempts ELSE 0 END,
      restoring = coalesce(${held}, restoring), approval = CASE WHEN ${isBind} THEN NULL ELSE approval END,
      unbound_by = CASE WHEN NOT ${isBind} THEN unbound_by WHEN adopted_at IS NULL THEN 'admin' ELSE 'undo' END,
      state = CASE WHEN ${isBind} THEN 'unbinding' WHEN state = 'synced' THEN 'owed' ELSE state END
    WHERE ${these} AND state <> 'former' AND unbound_by IS NULL AND ${isUndoneBy(undone)}`
}

/** What is put back, with what reconciliation found before. */
const namesOf = (held: SQL): SQL => sql`(SELECT json_group_array(name) FROM (
  SELECT key AS name FROM json_each(${held}) UNION SELECT value FROM json_each(found)))`
