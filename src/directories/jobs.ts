import { type JobProgress, type JobRow, readJob } from '../db/job-store.ts'
import { notFound, type Problem } from '../http/problem.ts'
import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import type { DirectoryScope } from './context.ts'

export type JobType = JobRow['type']

/** How far a job has come. Problem: notFound. */
export async function readJobProgress(
  { database, organizationId }: DirectoryScope,
  id: string,
): Promise<Result<JsonObject, Problem>> {
  const found = await readJob(database, organizationId, id)
  return found === undefined ? err(notFound('Job', id)) : ok(showJob(found))
}

/** A job as it is shown. It has failed when it is over and nothing of it could be done. */
export function showJob({ job, directory, remaining, failed }: JobProgress): JsonObject {
  const { id, type, directoryId, ended, total, reached, createdAt } = job
  const done = Math.max(0, reached - remaining)
  const errors = [...(job.errors ?? []), ...failed.map(showFailure)]
  const isOver = ended && remaining === 0
  const failures = job.failed + failed.length
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
    waiting: isOver || (type === 'import' && !ended) ? null : whatFor(directory),
    createdAt: toRfc3339(createdAt),
  }
}

/** Why a job of the drain does not go on: a directory that is not active carries nothing out, and forgets nothing. */
function whatFor({ state, stateReason }: JobProgress['directory']): JsonObject | null {
  if (state === 'active') return null
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

const showFailure = ({ resourceId, error }: JobProgress['failed'][number]): JsonObject => ({
  resourceId,
  ...(isJsonObject(error) ? error : {}),
})
