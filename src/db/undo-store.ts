/** What is asked of the log to undo one of its events, and the command that undoes it. */
import { type SQL, sql } from 'drizzle-orm'

import { eventId } from '../kernel/id.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { isRefused, write } from './admin-write.ts'
import { type Answer, type Database, decode } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import type { EventRow } from './event-store.ts'
import { refuseUnless } from './failure.ts'
import { insertJob, type JobRow, type WantedJob } from './job-store.ts'
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
}

/** The event, and whether it was undone already; undefined when the organization has no such directory. */
export async function readUndoable(
  database: Database,
  key: UndoKey,
): Promise<Undoable | undefined> {
  const { organizationId, directoryId, sequence } = key
  const [found, row, undone] = await database.run(
    sql`SELECT 1 FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT * FROM event WHERE organization_id = ${organizationId} AND sequence = ${sequence}`,
    undoneBy(key),
  )
  if ((found?.rows.length ?? 0) === 0) return undefined
  const [only] = row?.rows ?? []
  return {
    event: only === undefined ? undefined : decode(event, only),
    isUndone: (undone?.rows.length ?? 0) > 0,
  }
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
