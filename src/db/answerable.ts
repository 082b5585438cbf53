/** Which bindings a command that answers what is held, or replays failures, is about; and what its job tells of others that it names. */
import { type SQL, sql } from 'drizzle-orm'

import { bindingId } from './binding-store.ts'
import { MAX_ERRORS } from './job-store.ts'
import type { LeaseKey } from './lease.ts'
import { IS_REJECTED } from './rejection.ts'

interface Command {
  readonly sequence: number
  /** It names its resources, each by its id. */
  readonly isNamed: boolean
}

const ABOUT = {
  // What was rejected is answered: whoever wants it tried after all names it.
  replay: ({ isNamed }: Command) =>
    isNamed
      ? sql`due_at IS NULL AND state IN ('failed', 'unbinding')`
      : sql`due_at IS NULL AND state IN ('failed', 'unbinding') AND NOT ${IS_REJECTED}`,
  approve: ({ sequence, isNamed }: Command) =>
    isNamed
      ? sql`(${isAskedBefore(sequence)} OR ${IS_REJECTED} AND due_at IS NULL)`
      : isAskedBefore(sequence),
  reject: ({ sequence }: Command) => isAskedBefore(sequence),
} as const satisfies Record<string, (command: Command) => SQL>

type Answering = keyof typeof ABOUT

/** An answer is about what was held when it was given: whatever was held since, the administrator has not seen. */
const isAskedBefore = (sequence: number): SQL =>
  sql`(approval = 'asked' AND coalesce(held_sequence, 0) < ${sequence})`

/** Whether a binding is one of those that the command is about. */
export const isAnswerable = (action: Answering, command: Command): SQL => ABOUT[action](command)

/** The statement by which the job of a command tells of the bindings of `ids` that it is not about; none where it named nobody. */
export function tellOthers(
  key: LeaseKey,
  command: Command & { readonly action: string },
  ids: SQL,
): SQL[] {
  const { organizationId, directoryId } = key
  const { action, sequence, isNamed } = command
  if (!isNamed || !isAnswering(action)) return []
  const { code, message, whatToDo } = action === 'replay' ? NOT_FAILED : NOT_HELD
  const others = sql`FROM binding WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}
    AND kind IN ('user', 'group') AND resource_id IN (${ids}) AND NOT coalesce(${isAnswerable(action, command)}, FALSE)`
  const error = sql`json_object('bindingId', ${bindingId(directoryId, '')} || resource_id, 'resourceId', resource_id,
    'code', ${code}, 'message', ${message}, 'whatToDo', ${whatToDo})`
  return [
    sql`UPDATE job SET reached = reached + (SELECT count(*) ${others}), failed = failed + (SELECT count(*) ${others}),
        errors = (SELECT json_group_array(json(value)) FROM (SELECT value FROM json_each(coalesce(job.errors, '[]'))
          UNION ALL SELECT ${error} ${others} LIMIT ${MAX_ERRORS}))
      WHERE organization_id = ${organizationId} AND sequence = ${sequence} AND EXISTS (SELECT 1 ${others})`,
  ]
}

const isAnswering = (action: string): action is Answering => Object.hasOwn(ABOUT, action)

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
  whatToDo: sql`CASE WHEN state = 'held' THEN 'Do what its error says; then approve it, and it is looked at again, or reject it.'
    WHEN state = 'former' THEN 'Bind the user or group again.'
    WHEN due_at IS NOT NULL THEN 'Wait: it is tried by itself.'
    ELSE 'There is nothing to try again.' END`,
} as const
