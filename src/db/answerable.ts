/** Which bindings a command about those that are there is about; and what its job tells of others that it names. */
import { type SQL, sql } from 'drizzle-orm'

import { bindingId } from './binding-store.ts'
import { MAX_ERRORS } from './job-errors.ts'
import type { LeaseKey } from './lease.ts'
import { IS_REJECTED } from './rejection.ts'
import { IS_RESTING } from './resting.ts'

interface Command {
  readonly sequence: number
  /** It names its resources, each by its id. */
  readonly isNamed: boolean
}

/** What is held stays so, whoever binds it again, unless it is an ending. */
export const IS_BOUND_AGAIN = sql`(state <> 'held' OR unbound_by IS NOT NULL)`

const ABOUT = {
  // Whoever is not bound yet has no state.
  bind: () => sql`coalesce(${IS_BOUND_AGAIN}, TRUE)`,
  // What was rejected is answered: whoever wants it tried after all names it.
  replay: ({ isNamed }: Command) =>
    isNamed
      ? sql`${IS_RESTING} AND state IN ('failed', 'unbinding')`
      : sql`${IS_RESTING} AND state IN ('failed', 'unbinding') AND NOT ${IS_REJECTED}`,
  approve: ({ sequence, isNamed }: Command) =>
    isNamed
      ? sql`(${isAskedBefore(sequence)} OR ${IS_REJECTED} AND ${IS_RESTING})`
      : isAskedBefore(sequence),
  reject: ({ sequence }: Command) => isAskedBefore(sequence),
  export: () => sql`state NOT IN ('held', 'former', 'unbinding') AND unbound_by IS NULL`,
  // Whose ending was rejected is ended when it is named.
  unbind: ({ isNamed }: Command) =>
    isNamed
      ? sql`state <> 'former' AND (unbound_by IS NOT 'admin' OR ${IS_REJECTED})`
      : sql`state <> 'former' AND unbound_by IS NOT 'admin'`,
} as const satisfies Record<string, (command: Command) => SQL>

type Action = keyof typeof ABOUT

/** An answer is about what was held when it was given: whatever was held since, the administrator has not seen. */
const isAskedBefore = (sequence: number): SQL =>
  sql`(approval = 'asked' AND coalesce(held_sequence, 0) < ${sequence})`

/** Whether a binding is one of those that the command is about. */
export const isAbout = (action: Action, command: Command): SQL => ABOUT[action](command)

/** The statement by which the job of a command tells of those of `ids` that it is not about; none where it named nobody. */
export function tellOthers(
  key: LeaseKey,
  command: Command & { readonly action: string },
  ids: SQL,
): SQL[] {
  const { organizationId, directoryId } = key
  const { action, sequence, isNamed } = command
  if (!isNamed || !hasAbout(action)) return []
  const { code, message, whatToDo } = TOLD[action]
  const others = sql`FROM (${ids}) named LEFT JOIN binding ON organization_id = ${organizationId}
      AND directory_id = ${directoryId} AND kind IN ('user', 'group') AND resource_id = named.id
    WHERE NOT coalesce(${isAbout(action, command)}, FALSE)`
  const error = sql`json_object('bindingId', ${bindingId(directoryId, '')} || resource_id, 'resourceId', named.id,
    'code', CASE WHEN state IS NULL THEN 'not_bound' ELSE ${code} END,
    'message', CASE WHEN state IS NULL THEN 'It is not bound here.' ELSE ${message} END,
    'whatToDo', CASE WHEN state IS NULL THEN ${action === 'export' ? BIND : NOTHING} ELSE ${whatToDo} END)`
  return [
    sql`UPDATE job SET reached = reached + (SELECT count(*) ${others}), failed = failed + (SELECT count(*) ${others}),
        errors = (SELECT json_group_array(json(value)) FROM (SELECT value FROM json_each(coalesce(job.errors, '[]'))
          UNION ALL SELECT ${error} ${others} LIMIT ${MAX_ERRORS}))
      WHERE organization_id = ${organizationId} AND sequence = ${sequence} AND EXISTS (SELECT 1 ${others})`,
  ]
}

const hasAbout = (action: string): action is Action => Object.hasOwn(ABOUT, action)

const BIND = 'Bind it: that exports it.'
const NOTHING = 'There is nothing to do.'
const HELD = 'Do what its error says; then approve it, and it is looked at again, or reject it.'

const NOT_BOUND_AGAIN = {
  code: sql`'held'`,
  message: sql`'It is bound already, and held: a bind changes nothing of it.'`,
  whatToDo: sql`${HELD}`,
} as const

const NOT_HELD = {
  code: 'not_held',
  message: sql`CASE state WHEN 'held' THEN 'It was answered already, or was not held yet when this was asked.'
    ELSE 'It is not held: its state is ' || state || '.' END`,
  whatToDo: sql`CASE state WHEN 'held' THEN 'Read the binding again: its error says what it is held for by now.'
    WHEN 'failed' THEN 'Its error says why it has failed. Replay it to try again.'
    ELSE 'There is nothing to answer.' END`,
} as const

const NOT_FAILED = {
  code: 'not_failed',
  message: sql`CASE WHEN state = 'failed' THEN 'It is being tried again already.'
    ELSE 'It has not failed: its state is ' || state || '.' END`,
  whatToDo: sql`CASE WHEN state = 'held' THEN ${HELD}
    WHEN state = 'former' THEN 'Bind the user or group again.'
    WHEN due_at IS NOT NULL THEN 'Wait: it is tried by itself.'
    ELSE 'There is nothing to try again.' END`,
} as const

const NOT_EXPORTED = {
  code: sql`CASE state WHEN 'held' THEN 'held' WHEN 'former' THEN 'not_bound' ELSE 'unbinding' END`,
  message: sql`CASE state WHEN 'held' THEN 'It is held: nothing of it is exported again before that is answered.'
    WHEN 'former' THEN 'It is not bound any more: its state is former.' ELSE 'It is being unbound: its state is ' || state || '.' END`,
  whatToDo: sql`CASE state WHEN 'held' THEN ${HELD} WHEN 'former' THEN ${BIND}
    ELSE 'Bind it again if it is to stay.' END`,
} as const

const NOT_UNBOUND = {
  code: sql`CASE state WHEN 'former' THEN 'unbound_already' ELSE 'unbinding' END`,
  message: sql`CASE state WHEN 'former' THEN 'It is unbound already: its state is former.'
    ELSE 'It is being unbound already: its state is ' || state || '.' END`,
  whatToDo: sql`CASE WHEN state = 'former' THEN 'It stays so until an administrator binds it again.' WHEN state = 'held' THEN ${HELD}
    WHEN due_at IS NULL THEN 'Its error says why it has failed. Replay it to try again.' ELSE 'Wait: it is tried by itself.' END`,
} as const

/** What the jobs tell of bindings that their commands are not about. */
const TOLD = {
  bind: NOT_BOUND_AGAIN,
  replay: NOT_FAILED,
  approve: NOT_HELD,
  reject: NOT_HELD,
  export: NOT_EXPORTED,
  unbind: NOT_UNBOUND,
} as const satisfies Record<Action, unknown>
