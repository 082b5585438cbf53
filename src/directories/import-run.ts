/**
 * A consumer carries one import on, slice by slice, and stores where it stands after each. Microsoft 365 is only read. Whoever
 * dies in between leaves an import that the next one carries on: the users of the lost slice are found in the log.
 */
import type { NewEvent } from '../db/event-log.ts'
import { writeFailure } from '../db/failure.ts'
import {
  failImport,
  type ImportKey,
  readImport,
  silentImports,
  type StoredImport,
  storeImportStep,
} from '../db/import-store.ts'
import { MAX_ERRORS } from '../db/job-errors.ts'
import type { JobRow } from '../db/job-store.ts'
import { backoffBase } from '../kernel/backoff.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { ImportPorts, ImportRun } from './import-context.ts'
import { type ImportProgress, readProgress, readRequest } from './import-progress.ts'
import { importSlice, type Sliced } from './import-slice.ts'
import type { ReadFault } from './read-accounts.ts'

/** What a step makes of the job. */
interface Step extends Pick<JobRow, 'reached' | 'failed' | 'errors' | 'ended' | 'stopped'> {
  readonly progress: ImportProgress
  readonly events: readonly NewEvent[]
  readonly command: NewEvent | undefined
  /** Nothing can be done before so many seconds have passed. */
  readonly waitSeconds: number
}

/** Workers give a consumer fifteen minutes; an import stops well before and rings again. */
const MAX_MS = 10 * 60_000
/** Of an import that stores nothing for so long nobody takes care any more. */
const SILENCE_MS = 2 * 60_000
/** So often one step is tried, which is about a quarter of an hour, and the list is begun again. */
const MAX_ATTEMPTS = 8
const MAX_RESTARTS = 3

/** Carries an import on as far as it comes; gives the number of its steps. Never throws for what may happen in operation. */
export async function carryImportOn(ports: ImportPorts, key: ImportKey): Promise<number> {
  try {
    return await carryOn(ports, key)
  } catch (thrown) {
    const failure = writeFailure(thrown)
    if (failure === undefined) {
      ports.reportBug(thrown, key)
      await failImport(ports.database, key, BUG)
    } else if (failure.kind !== 'refused') await ports.ring(key, 60)
    // A step that was refused is somebody else's by now.
    return 0
  }
}

/** Rings for imports whose message was lost, or whose consumer died; gives their number. */
export async function ringSilentImports({
  database,
  clock,
  ring,
}: Pick<ImportPorts, 'database' | 'clock' | 'ring'>): Promise<number> {
  const silent = await silentImports(database, clock.now())
  for (const key of silent) await ring(key)
  return silent.length
}

async function carryOn(ports: ImportPorts, key: ImportKey): Promise<number> {
  const startedAt = ports.clock.now()
  const { database, clock } = ports
  for (let steps = 0; ; steps++) {
    const stored = await readImport(database, key)
    if (stored === undefined) return steps
    const step = await nextStep(ports, key, stored)
    const now = clock.now()
    const dueAt = now + SILENCE_MS + step.waitSeconds * 1000
    const progress = { ...step.progress }
    await storeImportStep(database, key, { ...step, progress, dueAt, version: stored.job.version })
    if (step.events.length > 0) await ports.ring({ organizationId: key.organizationId })
    const isSpent = now - startedAt > MAX_MS || database.meter.statements > ports.maxStatements
    if (!step.ended && (step.waitSeconds > 0 || isSpent)) {
      await ports.ring(key, Math.ceil(step.waitSeconds))
      return steps + 1
    }
  }
}

async function nextStep(
  ports: ImportPorts,
  key: ImportKey,
  { job, directory }: StoredImport,
): Promise<Step> {
  const request = readRequest(job.request)
  const run: ImportRun = { ports, key, job, request, progress: readProgress(job.progress) }
  const connection = await ports.connect(directory)
  if (!connection.ok) return stopped(run, { ...UNREADABLE, message: connection.error })
  const sliced = await importSlice(run, connection.value.transport)
  return sliced.ok ? afterSlice(run, sliced.value) : afterFault(run, sliced.error)
}

function afterSlice(run: ImportRun, { met, imported, errors, next }: Sliced): Step {
  const { job, progress } = run
  return {
    reached: job.reached + met,
    failed: job.failed + errors.length,
    errors: [...(job.errors ?? []), ...errors].slice(0, MAX_ERRORS),
    ended: next === null,
    stopped: false,
    progress: next ?? progress,
    ...told(run, imported),
    waitSeconds: 0,
  }
}

/** Each user's import is a record; that they are bound is one command, which the directory's drain follows. */
function told({ ports, job, request }: ImportRun, imported: Sliced['imported']) {
  const { actor, origin, bind } = request
  const { directoryId, id: jobId } = job
  const by = { time: ports.clock.now(), actor, origin, directoryId }
  const events = imported.map(
    ({ userId, candidate: { graphId, userPrincipalName } }): NewEvent => ({
      ...by,
      class: 'record',
      type: 'user_import',
      target: { type: 'user', id: userId },
      details: { jobId, graphId, userPrincipalName },
    }),
  )
  const ids = imported.map(({ userId }) => userId)
  const command: NewEvent = {
    ...by,
    class: 'command',
    type: 'binding_create',
    target: { type: 'directory', id: directoryId },
    touched: ids,
    details: { jobId, count: ids.length, ids },
  }
  return { events, command: bind && ids.length > 0 ? command : undefined }
}

function afterFault(run: ImportRun, fault: ReadFault): Step {
  const { progress } = run
  if (fault.kind === 'refused') return stopped(run, fault)
  if (fault.kind === 'restart') return restarted(run)
  const attempts = progress.attempts + (fault.isThrottled ? 0 : 1)
  if (attempts >= MAX_ATTEMPTS) return stopped(run, NO_ANSWER)
  const waitSeconds = Math.max(1, fault.afterSeconds, attempts === 0 ? 0 : backoffBase(attempts))
  return { ...unchanged(run), progress: { ...progress, attempts }, waitSeconds }
}

/** A page's link lives for some minutes: the list begins again, and so does the count. */
function restarted(run: ImportRun): Step {
  const restarts = run.progress.restarts + 1
  if (restarts > MAX_RESTARTS) return stopped(run, NO_END)
  const progress = { at: 0, token: null, attempts: 0, restarts }
  return { ...unchanged(run), reached: 0, failed: 0, errors: [], progress }
}

function stopped(run: ImportRun, { code, message, whatToDo }: Reason): Step {
  const errors = (run.job.errors ?? []).slice(0, MAX_ERRORS)
  const error: JsonObject = { code, message, whatToDo }
  return { ...unchanged(run), errors: [...errors, error], ended: true, stopped: true }
}

const unchanged = ({ job: { reached, failed, errors }, progress }: ImportRun): Step => ({
  reached,
  failed,
  errors: errors ?? [],
  ended: false,
  stopped: false,
  progress,
  events: [],
  command: undefined,
  waitSeconds: 0,
})

interface Reason {
  readonly code: string
  readonly message: string
  readonly whatToDo: string
}

const AGAIN = 'Import again: whoever is here already is left as it is.'
const UNREADABLE = {
  code: 'credential_unreadable',
  whatToDo: `Give the directory its credential again. ${AGAIN}`,
}
const NO_ANSWER: Reason = {
  code: 'no_answer',
  message: `Microsoft 365 gave no answer in ${MAX_ATTEMPTS} tries.`,
  whatToDo: `Check the service health of Microsoft 365. ${AGAIN}`,
}
const NO_END: Reason = {
  code: 'no_end',
  message: `Microsoft 365 ended the listing of its users ${MAX_RESTARTS + 1} times before the last page.`,
  whatToDo: AGAIN,
}
const BUG = {
  code: 'internal',
  message: 'Something went wrong in the gateway.',
  whatToDo: `${AGAIN} If it fails again, tell the operator of the gateway.`,
}
