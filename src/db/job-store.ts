/** Long work that a request of an administrator starts, and how far it has come. */
import { type SQL, sql } from 'drizzle-orm'

import { err, ok, type Result } from '../kernel/result.ts'
import { isRefused, type Refusal, write } from './admin-write.ts'
import { type Answer, type Database, decode } from './client.ts'
import { appendEvents, headOf, type NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import { MAX_ERRORS } from './job-errors.ts'
import type { DirectoryRow } from './lease.ts'
import { directory } from './tables/directories.ts'
import { job } from './tables/jobs.ts'

export type JobRow = typeof job.$inferSelect

export type WantedJob = Pick<JobRow, 'organizationId' | 'id' | 'type' | 'directoryId' | 'createdAt'>

/** The statement that begins the job of a command, directly after the one that appends it to the log. */
export const insertJob = (
  { organizationId, id, type, directoryId, createdAt }: WantedJob,
  total: SQL,
): SQL =>
  sql`INSERT INTO job (organization_id, id, type, directory_id, sequence, ended, total, created_at)
    SELECT id, ${id}, ${type}, ${directoryId},
      (SELECT max(sequence) FROM event WHERE organization_id = ${organizationId}), 0, ${total}, ${createdAt}
    FROM organization WHERE id = ${organizationId} RETURNING *`

/** Whether a directory does what its jobs ask of it, and why not. */
export type DirectoryState = Pick<DirectoryRow, 'state' | 'stateReason'>

const stateOf = ({ organizationId, directoryId }: Pick<JobRow, 'organizationId' | 'directoryId'>) =>
  sql`SELECT state, state_reason FROM directory
    WHERE organization_id = ${organizationId} AND id = ${directoryId}`

export interface WantedCommand {
  readonly job: WantedJob
  /** Of class command, about the directory; `touched` names the resources, absent: all. */
  readonly event: NewEvent
  /** Where they have to exist: as users and groups, or as bindings of the directory. */
  readonly among: 'resources' | 'bindings'
  /** What a preview was computed at: none of the resources may have changed since. */
  readonly atSequence?: number | undefined
}

/** So many ids a refusal tells of. */
export const MAX_TOLD = 5

export type CommandFault =
  | { readonly kind: 'noDirectory' }
  /** Some of them, at most `MAX_TOLD`. */
  | { readonly kind: 'unknown' | 'changed'; readonly ids: readonly string[] }
  /** No preview can have told that sequence: the log ends at `head`. */
  | { readonly kind: 'ahead'; readonly head: number }

export interface StartedJob {
  readonly job: JobRow
  readonly directory: DirectoryState
}

/** Appends a command to the log, and the job that tells how far it has come. One round trip. */
export async function startCommand(
  database: Database,
  wanted: WantedCommand,
): Promise<Result<StartedJob, CommandFault>> {
  const { job: row, event } = wanted
  const { organizationId, type } = row
  const ids = event.touched ?? []
  const total =
    ids.length > 0 || type !== 'bind' ? sql`${ids.length}` : sql`user_count + group_count`
  const written = await write(database, [
    refuseUnless(directoryIs(wanted), 'directory'),
    refuseUnless(sql`NOT EXISTS (${unknownIds(wanted)})`, 'unknown'),
    refuseUnless(sql`${wanted.atSequence ?? 0} <= ${headOf(organizationId)}`, 'ahead'),
    refuseUnless(sql`NOT EXISTS (${changedIds(wanted)})`, 'changed'),
    appendEvents(organizationId, [event]),
    insertJob(row, total),
    stateOf(row),
  ])
  if (!written.ok) return err(await explain(database, wanted, written.error))
  const [made] = written.value.at(-2)?.rows ?? []
  const [found] = written.value.at(-1)?.rows ?? []
  if (made === undefined || found === undefined) return err({ kind: 'noDirectory' })
  return ok({ job: decode(job, made), directory: decode(directory, found) })
}

/** What stands in the way of a refused command, read afterwards. */
async function explain(
  database: Database,
  wanted: WantedCommand,
  refusal: Refusal,
): Promise<CommandFault> {
  if (isRefused(refusal, 'directory')) return { kind: 'noDirectory' }
  if (isRefused(refusal, 'ahead')) {
    const [end] = await database.run(sql`SELECT ${headOf(wanted.job.organizationId)} AS head`)
    return { kind: 'ahead', head: Number(end?.rows[0]?.['head']) }
  }
  const isUnknown = isRefused(refusal, 'unknown')
  const [found] = await database.run(isUnknown ? unknownIds(wanted) : changedIds(wanted))
  const ids = (found?.rows ?? []).map((row) => String(row['id']))
  return { kind: isUnknown ? 'unknown' : 'changed', ids }
}

const directoryIs = ({ job: { organizationId, directoryId } }: WantedCommand): SQL =>
  sql`EXISTS (SELECT 1 FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId})`

const listed = ({ event }: WantedCommand): SQL =>
  sql`json_each(${JSON.stringify(event.touched ?? [])})`

function unknownIds(wanted: WantedCommand): SQL {
  const { organizationId, directoryId } = wanted.job
  const known =
    wanted.among === 'bindings'
      ? sql`SELECT resource_id FROM binding WHERE organization_id = ${organizationId}
          AND directory_id = ${directoryId} AND kind IN ('user', 'group')
          AND resource_id IN (SELECT value FROM ${listed(wanted)})`
      : sql`SELECT id FROM user WHERE organization_id = ${organizationId}
            AND id IN (SELECT value FROM ${listed(wanted)})
          UNION ALL SELECT id FROM "group" WHERE organization_id = ${organizationId}
            AND id IN (SELECT value FROM ${listed(wanted)})`
  return sql`SELECT value AS id FROM ${listed(wanted)} WHERE value NOT IN (${known}) LIMIT ${MAX_TOLD}`
}

/** Of a command about everything, every user counts; of a bind whoever waits for one of those that it names, whom its preview told too. */
function changedIds(wanted: WantedCommand): SQL {
  const { job: row, event, atSequence } = wanted
  if (atSequence === undefined) return sql`SELECT NULL AS id WHERE FALSE`
  const named = sql`(SELECT value FROM ${listed(wanted)})`
  const waits = sql`EXISTS (SELECT 1 FROM awaited a WHERE a.organization_id = ${row.organizationId}
    AND a.directory_id = ${row.directoryId} AND a.waiter_id = event.target_id AND a.awaited_id IN ${named})`
  const only = event.touched === undefined ? sql`TRUE` : sql`(target_id IN ${named} OR ${waits})`
  return sql`SELECT DISTINCT target_id AS id FROM event WHERE organization_id = ${row.organizationId}
    AND sequence > ${atSequence} AND class = 'change' AND target_type = 'user' AND ${only} LIMIT ${MAX_TOLD}`
}

export interface JobProgress extends StartedJob {
  /** Bindings that still owe what was asked for, or are still to be made. */
  readonly remaining: number
  /** The first of those to be tried, where all that remains is among the bindings: when, after how many tries, and its binding's error; else null. */
  readonly next: {
    readonly dueAt: number
    readonly attempts: number
    readonly error: unknown
  } | null
  /** Bindings that could not be carried out: `resource_id` and the binding's error, of the first hundred. */
  readonly failed: readonly { readonly resourceId: string; readonly error: unknown }[]
  /** How many they are. */
  readonly failures: number
}

/** A job and how far it has come; undefined when the organization has none of this id. */
export async function readJob(
  database: Database,
  organizationId: string,
  id: string,
): Promise<JobProgress | undefined> {
  const [found] = await database.run(
    progressOf(organizationId, sql`organization_id = ${organizationId} AND id = ${id}`),
  )
  return found?.rows.map(toProgress)[0]
}

/** The jobs of an organization and how far they have come, newest first, before the one of that id. */
export async function readJobs(
  database: Database,
  organizationId: string,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly JobProgress[]> {
  const before = after === undefined ? sql`TRUE` : sql`id < ${after}`
  const page = sql`organization_id = ${organizationId} AND ${before} ORDER BY id DESC LIMIT ${limit}`
  const [found] = await database.run(progressOf(organizationId, page))
  return (found?.rows ?? []).map(toProgress)
}

const COMMANDS = sql`json_each(coalesce(j.commands, json_array(j.sequence))) c`
const HERE = sql`b.organization_id = j.organization_id AND b.directory_id = j.directory_id`
// Whoever asked for everything does not wait for what is tried alone; an undoing does, and for no other error.
const OF_ALL = sql`SELECT b.resource_id, CASE WHEN b.found IS NULL THEN b.due_at ELSE b.rest_due_at END AS due_at, b.attempts, b.error, b.error AS why`
const OF_UNDOING = sql`SELECT b.resource_id, b.due_at, b.attempts, b.error, CASE WHEN b.found IS NULL THEN b.error END AS why`
// The indexes are named: left to itself, SQLite walks every binding of the directory for each command.
const ASKED = sql`FROM (
  ${OF_ALL} FROM ${COMMANDS} CROSS JOIN binding b INDEXED BY binding_asked ON ${HERE} AND b.asked_sequence = c.value
  UNION ALL ${OF_ALL} FROM (SELECT DISTINCT e.kind, e.resource_id FROM ${COMMANDS} CROSS JOIN earlier e
      ON e.directory_id = j.directory_id AND e.sequence = c.value) e
    CROSS JOIN binding b ON ${HERE} AND b.kind = e.kind AND b.resource_id = e.resource_id
  UNION ALL ${OF_UNDOING} FROM binding b INDEXED BY binding_undone WHERE ${HERE} AND b.undo_sequence = j.sequence) b`

/** The query of some jobs with what is left of each, newest first. */
function progressOf(organizationId: string, chosen: SQL): SQL {
  // Whom earlier commands wait for, walked once for all the jobs.
  const earlier = sql`SELECT b.directory_id, b.kind, b.resource_id, s.value AS sequence
    FROM binding b INDEXED BY binding_asked_before CROSS JOIN json_each(b.asked_before) s
    WHERE b.organization_id = ${organizationId} AND b.directory_id IN (SELECT directory_id FROM chosen) AND b.asked_before IS NOT NULL`
  // A command that a drain has not carried out is met in the log; one that it has, in the bindings.
  const ahead = sql`SELECT coalesce(sum(json_array_length(e.touched)), 0) FROM ${COMMANDS}
    CROSS JOIN event e ON e.organization_id = j.organization_id AND e.sequence = c.value
    WHERE j.commands IS NOT NULL AND e.sequence > d.position`
  // Beside a single minimum, SQLite takes a bare column from the row that has it.
  const due = sql`SELECT json_object('count', count(*), 'dueAt', min(b.due_at), 'attempts', b.attempts, 'error', json(b.why))
    ${ASKED} WHERE b.due_at IS NOT NULL`
  const failed = sql`SELECT json_object('count', count(*),
      'told', json_group_array(json_object('resourceId', resource_id, 'error', json(error))) FILTER (WHERE place <= ${MAX_ERRORS}))
    FROM (SELECT b.resource_id, b.error, row_number() OVER () AS place ${ASKED} WHERE b.due_at IS NULL AND b.error IS NOT NULL)`
  return sql`WITH chosen AS MATERIALIZED (SELECT * FROM job WHERE ${chosen}), earlier AS MATERIALIZED (${earlier})
    SELECT j.*, d.state AS directory_state, d.state_reason AS directory_reason,
      (${ahead}) AS asked_ahead, (${due}) AS asked_due, (${failed}) AS asked_failed
    FROM chosen j CROSS JOIN directory d ON d.organization_id = j.organization_id AND d.id = j.directory_id
    ORDER BY j.id DESC`
}

/** What is left of the bindings that a job asked something of, and the first of them to be tried. */
interface Due {
  readonly count: number
  readonly dueAt: number | null
  readonly attempts: number | null
  readonly error: unknown
}

interface Failed {
  readonly count: number
  readonly told: JobProgress['failed']
}

function toProgress(row: Answer['rows'][number]): JobProgress {
  const due: Due = JSON.parse(String(row['asked_due']))
  const failed: Failed = JSON.parse(String(row['asked_failed']))
  const ahead = Number(row['asked_ahead'])
  const { dueAt, attempts, error } = due
  return {
    job: decode(job, row),
    directory: decode(directory, {
      state: row['directory_state'],
      state_reason: row['directory_reason'],
    }),
    remaining: due.count + ahead,
    next: ahead > 0 || dueAt === null ? null : { dueAt, attempts: attempts ?? 0, error },
    failed: failed.told,
    failures: failed.count,
  }
}

const KEPT_MS = 30 * 24 * 3_600_000

/** Drops jobs of every organization that began more than 30 days ago and are over; gives their number. */
export async function dropOldJobs(database: Database, now: number): Promise<number> {
  const [dropped] = await database.run(
    sql`DELETE FROM job WHERE created_at <= ${now - KEPT_MS} AND ended = 1`,
  )
  return dropped?.changes ?? 0
}
