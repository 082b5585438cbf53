/** What is asked of the log to undo one of its events, and the command that undoes it. */
import { type SQL, sql } from 'drizzle-orm'

import { eventId } from '../kernel/id.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import {
  BIND_UNDONE,
  BOUND_AGAIN,
  BOUND_MEANWHILE,
  UNBOUND_MEANWHILE,
  UNBOUND_SINCE,
  UNDONE_MEANWHILE,
} from '../plan/problem.ts'
import { isRefused, write } from './admin-write.ts'
import { type Answer, type Database, decode } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import type { EventRow } from './event-store.ts'
import { refuseUnless } from './failure.ts'
import { addJobErrors } from './job-errors.ts'
import { insertJob, type JobRow, type WantedJob } from './job-store.ts'
import { isOverwritten } from './overwritten-store.ts'
import { event } from './tables/events.ts'
import { job } from './tables/jobs.ts'

export interface UndoKey {
  readonly organizationId: string
  readonly directoryId: string
  /** Of the event that is to be undone. */
  readonly sequence: number
}

export interface Undoable {
  /** Undefined when there is no such event, or no more. */
  readonly event: EventRow | undefined
  readonly isUndone: boolean
  /** Of the creation of a user: the bind of that user here; undefined where there is none. */
  readonly bind: UserBind | undefined
}

export interface UserBind {
  /** The event that bound it; null where groups did. */
  readonly sequence: number | null
  /** Whether the event that is to be undone bound it, or had us overwrite something of its account. */
  readonly isCause: boolean
}

/** The event, and whether it can be undone; undefined when the organization has no such directory. */
export async function readUndoable(
  database: Database,
  key: UndoKey,
): Promise<Undoable | undefined> {
  const { organizationId, directoryId, sequence } = key
  const [found, row, undone, bind] = await database.run(
    sql`SELECT 1 FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT * FROM event WHERE organization_id = ${organizationId} AND sequence = ${sequence}`,
    undoneBy(key),
    bindOfCreated(key),
  )
  if ((found?.rows.length ?? 0) === 0) return undefined
  const [only] = row?.rows ?? []
  return {
    event: only === undefined ? undefined : decode(event, only),
    isUndone: (undone?.rows.length ?? 0) > 0,
    bind: (bind?.rows ?? []).map(toBind)[0],
  }
}

const bindOfCreated = ({ organizationId, directoryId, sequence }: UndoKey): SQL =>
  sql`SELECT bound_sequence, bound_sequence = ${sequence} OR EXISTS (SELECT 1 FROM overwritten o
        WHERE o.organization_id = ${organizationId} AND o.directory_id = ${directoryId}
          AND o.user_id = binding.resource_id AND o.sequence = ${sequence}) AS is_cause
    FROM binding WHERE organization_id = ${organizationId} AND directory_id = ${directoryId} AND kind = 'user'
      AND resource_id = (SELECT target_id FROM event
        WHERE organization_id = ${organizationId} AND sequence = ${sequence} AND type = 'user_create')`

function toBind({ bound_sequence: sequence, is_cause: isCause }: Answer['rows'][number]): UserBind {
  return { sequence: sequence === null ? null : Number(sequence), isCause: isCause === 1 }
}

/** The command that has undone it in this directory. */
const undoneBy = ({ organizationId, directoryId, sequence }: UndoKey): SQL =>
  sql`SELECT 1 FROM event WHERE organization_id = ${organizationId} AND target_id = ${directoryId}
    AND type = 'undo' AND touched ->> '$[0]' = ${eventId(sequence)}`

/** The statements that append the command and begin its job, unless the event was undone before. The last answers with the job. */
export const undoStatements = (key: UndoKey, command: NewEvent, wanted: WantedJob): SQL[] => [
  refuseUnless(sql`NOT EXISTS (${undoneBy(key)})`, 'undone'),
  appendEvents(key.organizationId, [command]),
  insertJob(wanted, sql`0`),
]

/** The job that those statements began. */
export function begunJob(answers: readonly Answer[]): JobRow {
  const row = answers.at(-1)?.rows[0]
  if (row === undefined) throw new Error('a job was begun and is not there')
  return decode(job, row)
}

/** What the event overwrote of the account of the binding `b`, as `o`. */
const overwrittenBy = (sequence: SQL): SQL =>
  sql`LEFT JOIN overwritten o ON o.organization_id = b.organization_id AND o.directory_id = b.directory_id
    AND o.user_id = b.resource_id AND o.sequence = ${sequence}`
const HELD_BEFORE = sql`CASE WHEN o.held IS NOT NULL
  THEN json((SELECT json_group_object(h.key, json(h.value -> '$[0]')) FROM json_each(o.held) h)) END`

/** Whether the user of a binding was not deleted here. */
export const hasUser = (table: 'binding' | 'b'): SQL =>
  sql`EXISTS (SELECT 1 FROM user u
    WHERE u.organization_id = ${sql.raw(table)}.organization_id AND u.id = ${sql.raw(table)}.resource_id)`

/**
 * The statement by which the job of an undoing tells of those users of `ids` whom the event is about and nothing is done for: they
 * were unbound since, or bound again, or their bind is being undone. After the one that asks the bindings for it.
 */
export function tellUnasked(
  { organizationId, directoryId }: Omit<UndoKey, 'sequence'>,
  { sequence, undone }: { readonly sequence: number; readonly undone: number },
  ids: SQL,
): SQL {
  const id = (of: SQL) => sql`CASE WHEN ${of} IS NOT NULL THEN printf('evt_%012d', ${of}) END`
  const named = sql`SELECT t.value FROM event e, json_each(e.touched) t
    WHERE e.organization_id = ${organizationId} AND e.sequence = ${undone}`
  return addJobErrors(
    organizationId,
    sequence,
    sql`SELECT json_set(CASE
          WHEN b.unbound_by = 'undo' THEN json_set(${JSON.stringify(BIND_UNDONE)}, '$.eventId', ${id(sql`b.undo_sequence`)})
          WHEN b.state = 'former' OR b.unbound_by IS NOT NULL OR NOT ${hasUser('b')} THEN ${JSON.stringify(UNBOUND_SINCE)}
          ELSE json_set(${JSON.stringify(BOUND_AGAIN)}, '$.eventId', ${id(sql`b.bound_sequence`)}) END,
        '$.resourceId', b.resource_id, '$.graphId', b.graph_id,
        '$.before', ${HELD_BEFORE}) AS value
      FROM binding b ${overwrittenBy(sql`${undone}`)}
      WHERE b.organization_id = ${organizationId} AND b.directory_id = ${directoryId} AND b.kind = 'user'
        AND b.resource_id IN (${ids}) AND b.undo_sequence IS NOT ${sequence} AND NOT ${IS_GIVEN_BACK}
        AND (o.held IS NOT NULL OR b.bound_sequence > ${undone} AND b.resource_id IN (${named}))`,
  )
}

/** Its bind was undone: that gave back what this event overwrote too, and its job has told it. */
const IS_GIVEN_BACK = sql`(b.state = 'former' AND b.unbound_by IS 'undo')`

/** Whether a binding ends because its bind is being undone: while a direction is, it may end for its groups. */
export const isBeingUndone = (table: 'binding' | 'b'): SQL =>
  sql`(${sql.raw(table)}.unbound_by IN ('admin', 'undo') AND ${sql.raw(table)}.undo_sequence IS NOT NULL)`

/** Whether undoing the event at `undone` is about the binding. */
export const isUndoneBy = (undone: number): SQL =>
  sql`(coalesce(bound_sequence = ${undone}, FALSE) OR ${isOverwritten(undone)} AND ${hasUser('binding')})`

/**
 * The statement by which the jobs of undoings tell of those users of `ids` whom another one, at `sequence`, is about as well before they
 * are through with them: what is left of theirs is its own from now on. Before the one that asks the bindings for it.
 */
export function tellUndoneMeanwhile(
  { organizationId, directoryId }: Omit<UndoKey, 'sequence'>,
  { sequence, undone }: { readonly sequence: number; readonly undone: number },
  ids: SQL,
): SQL {
  const theirs = sql`FROM binding WHERE organization_id = ${organizationId} AND directory_id = ${directoryId} AND kind = 'user'
    AND resource_id IN (${ids}) AND restoring IS NOT NULL AND unbound_by IS NULL AND undo_sequence < ${sequence} AND ${isUndoneBy(undone)}`
  return addJobErrors(
    organizationId,
    sql`SELECT undo_sequence ${theirs}`,
    sql`SELECT json_set(${JSON.stringify({ ...UNDONE_MEANWHILE, eventId: eventId(sequence) })},
        '$.resourceId', resource_id, '$.graphId', graph_id, '$.before', json(restoring)) AS value
      ${theirs} AND undo_sequence = job.sequence`,
  )
}

/**
 * The statement by which the jobs of undoings tell of those users of `ids` whom `unbound`, a condition of the binding, says to be
 * unbound before they are through with them. Before the one that unbinds.
 */
export function tellUnboundMeanwhile(
  { organizationId, directoryId }: Omit<UndoKey, 'sequence'>,
  unbound: SQL,
  ids: SQL,
): SQL {
  const left = sql`FROM binding WHERE organization_id = ${organizationId} AND directory_id = ${directoryId} AND kind = 'user'
    AND resource_id IN (${ids}) AND restoring IS NOT NULL AND ${unbound} AND undo_sequence IS NOT NULL`
  return addJobErrors(
    organizationId,
    sql`SELECT undo_sequence ${left}`,
    sql`SELECT json_set(${JSON.stringify(UNBOUND_MEANWHILE)}, '$.resourceId', resource_id, '$.graphId', graph_id,
        '$.before', json(restoring)) AS value ${left} AND undo_sequence = job.sequence`,
  )
}

/**
 * The statement by which the jobs of undoings tell of those users of `ids` whom the bind at `sequence` keeps bound before they are
 * through with them. Before the one that binds.
 */
export function tellBoundMeanwhile(
  { organizationId, directoryId }: Omit<UndoKey, 'sequence'>,
  sequence: number,
  ids: SQL,
): SQL {
  const undone = sql`FROM binding b ${overwrittenBy(sql`b.bound_sequence`)} WHERE b.organization_id = ${organizationId} AND b.directory_id = ${directoryId}
    AND b.kind = 'user' AND b.resource_id IN (${ids}) AND ${isBeingUndone('b')}`
  return addJobErrors(
    organizationId,
    sql`SELECT b.undo_sequence ${undone}`,
    sql`SELECT json_set(${JSON.stringify({ ...BOUND_MEANWHILE, eventId: eventId(sequence) })},
        '$.resourceId', b.resource_id, '$.graphId', b.graph_id, '$.before', ${HELD_BEFORE}) AS value
      ${undone} AND b.undo_sequence = job.sequence`,
  )
}

/** Begins to undo what needs no more than the command. */
export async function startUndo(
  database: Database,
  key: UndoKey,
  command: NewEvent,
  wanted: WantedJob,
): Promise<Result<JobRow, 'undone' | 'noDirectory'>> {
  const { organizationId, directoryId } = key
  const written = await write(database, [
    refuseUnless(
      sql`EXISTS (SELECT 1 FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId})`,
      'directory',
    ),
    ...undoStatements(key, command, wanted),
  ])
  if (written.ok) return ok(begunJob(written.value))
  return err(isRefused(written.error, 'directory') ? 'noDirectory' : 'undone')
}
