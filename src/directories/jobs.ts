import { MAX_ERRORS } from '../db/job-errors.ts'
import {
  type JobProgress,
  type JobRow,
  readJob,
  readJobs,
  type StartedJob,
} from '../db/job-store.ts'
import type { ListBody } from '../http/api-context.ts'
import { pageOf, type PageQuery } from '../http/parse-request.ts'
import { notFound, type Problem } from '../http/problem.ts'
import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import type { DirectoryScope } from './context.ts'

export type JobType = JobRow['type']

/** How far a job has come. Problem: notFound. */
export async function readJobProgress(
  { database, organizationId, now }: DirectoryScope,
  id: string,
): Promise<Result<JsonObject, Problem>> {
  const found = await readJob(database, organizationId, id)
  return found === undefined ? err(notFound('Job', id)) : ok(showJob(found, now))
}

/** One page of the jobs and how far they have come, newest first. */
export async function listJobs(
  { database, organizationId, now }: DirectoryScope,
  { after, limit }: PageQuery,
): Promise<ListBody> {
  const found = await readJobs(database, organizationId, { after, limit: limit + 1 })
  const jobs = found.map((progress) => ({ id: progress.job.id, progress }))
  return pageOf(jobs, limit, ({ progress }) => showJob(progress, now))
}

/** A job that has just begun, as it is shown. */
export const showBegun = (started: StartedJob): JsonObject =>
  showJob({ ...started, remaining: 0, next: null, failed: [], failures: 0 }, started.job.createdAt)

/** A job as it is shown. It has failed when it is over and nothing of it could be done. */
function showJob(progress: JobProgress, now: number): JsonObject {
  const { job, remaining, failed } = progress
  const { id, type, directoryId, ended, total, reached, createdAt } = job
  const done = Math.max(0, reached - remaining)
  const errors = [...(job.errors ?? []), ...failed.map(showFailure)].slice(0, MAX_ERRORS)
  const isOver = ended && remaining === 0
  const failures = job.failed + progress.failures
  const hasFailed = job.stopped || (failures > 0 && failures >= done)
  return {
    id,
    type,
    directoryId,
    state: isOver ? (hasFailed ? 'failed' : 'done') : 'running',
    done,
    // Of a command that is expanded nobody knows how many it concerns until it is.
    total: ended && !job.stopped ? reached : Math.max(total, reached),
    errors,
    // An import reads whatever the state; its bindings are the drain's.
    waiting: isOver || (type === 'import' && !ended) ? null : whatFor(progress, now),
    createdAt: toRfc3339(createdAt),
  }
}

/** Why a job of the drain does not go on: a directory that is not active carries nothing out, and forgets nothing. */
function whatFor(progress: JobProgress, now: number): JsonObject | null {
  const { state, stateReason } = progress.directory
  if (state === 'active') return untilWhen(progress, now)
  return state === 'paused'
    ? {
        state,
        reason: 'The directory is paused.',
        whatToDo: 'Set its state to "active": what is owed is carried out then.',
      }
    : {
        state,
        reason: stateReason ?? 'The credential of the directory was refused.',
        whatToDo:
          'Do what the reason says, then test the connection (POST …/test): when it works, or with a new credential, what is owed is carried out.',
      }
}

/** Whatever is left of it is put off: until the first of it is tried, and for the reason that one has. */
function untilWhen({ job, next }: JobProgress, now: number): JsonObject | null {
  if (!job.ended || next === null || next.dueAt <= now) return null
  const error =
    isJsonObject(next.error) && next.error['code'] !== 'values_adjusted' ? next.error : {}
  const plain = job.type === 'undo' && next.attempts === 0 ? REPLICATING : PUT_OFF
  const { message, whatToDo } = { ...plain, ...error }
  return {
    state: 'put_off',
    reason: message,
    whatToDo,
    until: toRfc3339(next.dueAt),
  }
}

const REPLICATING = {
  message:
    'Some replica of Microsoft 365 may still show accounts as they were before the last write: what they hold is looked at again.',
  whatToDo: 'Nothing: it goes on by itself.',
}
const PUT_OFF = {
  message: 'Microsoft 365 could not carry it out yet: it is tried again.',
  whatToDo: 'Nothing: it goes on by itself.',
}

const showFailure = ({ resourceId, error }: JobProgress['failed'][number]): JsonObject => ({
  resourceId,
  ...(isJsonObject(error) ? error : {}),
})
