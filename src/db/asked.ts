/**
 * Which commands a binding owes something to. It is carried out for all of them at once, so a command that asks again does not end the
 * wait of those before it; what they asked for and will not come to any more, their jobs are told.
 */
import { type SQL, sql } from 'drizzle-orm'

import { eventId } from '../kernel/id.ts'
import type { JsonObject } from '../kernel/json.ts'
import { ASK_BOUND_AGAIN, ASK_UNBOUND } from '../plan/problem.ts'
import { addJobFailures } from './job-errors.ts'
import type { LeaseKey } from './lease.ts'
import { IS_RESTING } from './resting.ts'

/** It ends, so that a bind is the opposite of what was asked for. */
const ENDS = sql`(state <> 'former' AND (state = 'unbinding' OR unbound_by IS NOT NULL))`
/** It stays, so that an ending is the opposite. */
const STAYS = sql`(state NOT IN ('unbinding', 'former') AND unbound_by IS NULL)`
const NEVER = sql`FALSE`

/** When what a command wants is the opposite of what those before it asked for. */
const opposite = (action: string): SQL => {
  if (action === 'bind') return ENDS
  return action === 'unbind' || action === 'undo' ? STAYS : NEVER
}

/** What a command makes of a binding that it asks something of: whoever waits for that goes on waiting. */
export const asks = (sequence: number, action: string): SQL =>
  sql`asked_sequence = ${sequence}, asked_before = CASE
    WHEN asked_sequence = ${sequence} THEN asked_before
    WHEN asked_sequence IS NULL OR ${IS_RESTING} OR ${opposite(action)} THEN NULL
    ELSE json_insert(coalesce(asked_before, '[]'), '$[#]', asked_sequence) END`

/** Nobody asks anything of it any more. */
export const ASKS_NOTHING = sql`asked_sequence = NULL, asked_before = NULL`

/**
 * The statement by which the jobs of earlier commands tell of those of `ids` whom another command is `about`, a condition of the
 * binding. Before the one that asks.
 */
export function tellAskedBefore(
  key: LeaseKey,
  { action, sequence }: { readonly action: string; readonly sequence: number },
  about: SQL,
  ids: SQL,
): SQL {
  const problem = {
    ...(action === 'bind' ? ASK_BOUND_AGAIN : ASK_UNBOUND),
    eventId: eventId(sequence),
  }
  const isEarlier = sql`< ${sequence}`
  return tellAsked(key, { condition: about, isEarlier, isOpposite: opposite(action), problem }, ids)
}

/** The same of whoever turns without a command: it ends, or comes back, for its groups. Before it does. */
export const tellAskedOfTurn = (
  key: LeaseKey,
  turn: 'ends' | 'returns',
  condition: SQL,
  ids: SQL,
): SQL =>
  tellAsked(
    key,
    {
      condition,
      isEarlier: sql`IS NOT NULL`,
      isOpposite: sql`TRUE`,
      problem: turn === 'ends' ? ASK_UNBOUND : ASK_BOUND_AGAIN,
    },
    ids,
  )

interface Told {
  /** Of the binding. */
  readonly condition: SQL
  /** What holds of the last command that asked something of it. */
  readonly isEarlier: SQL
  readonly isOpposite: SQL
  readonly problem: JsonObject
}

/**
 * What was refused, or held, before that is tried again is told as it is; of whoever waits, that the opposite is wanted by now.
 */
function tellAsked({ organizationId, directoryId }: LeaseKey, told: Told, ids: SQL): SQL {
  const value = sql`CASE WHEN ${IS_RESTING} THEN error ELSE ${JSON.stringify(told.problem)} END`
  const isTold = sql`CASE WHEN ${IS_RESTING} THEN error IS NOT NULL ELSE ${told.isOpposite} END`
  // Where nobody has asked for anything, no binding is read for it; where many have, those of `ids` alone: the plus keeps SQLite from
  // the index of all of them.
  const isAny = sql`EXISTS (SELECT 1 FROM binding e INDEXED BY binding_asked WHERE e.organization_id = ${organizationId}
    AND e.directory_id = ${directoryId} AND e.asked_sequence ${told.isEarlier})`
  const rows = sql`SELECT a.value AS sequence, json_set(${value}, '$.resourceId', resource_id) AS told FROM binding, json_each(json_insert(coalesce(asked_before, '[]'), '$[#]', asked_sequence)) a
    WHERE organization_id = ${organizationId} AND directory_id = ${directoryId} AND kind IN ('user', 'group')
      AND resource_id IN (${ids}) AND ${isAny} AND +asked_sequence ${told.isEarlier} AND ${isTold} AND ${told.condition}`
  return addJobFailures(organizationId, rows)
}
