/** What a run does when Graph answers a read with something else than what was asked for. */
import { blockLane, laneKey } from '../db/lane-store.ts'
import type { Outcome } from '../graph/outcome.ts'
import { backoffBase } from '../kernel/backoff.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Run as AnyRun, StepResult } from './context.ts'

/** What of a run matters here. */
type Run = Omit<AnyRun, 'connection'>
import { type Progress, readLink, withoutLink } from './progress.ts'

/** So often one step is tried, which is about a quarter of an hour, and the pages are begun again. */
const MAX_ATTEMPTS = 8
const MAX_RESTARTS = 3

/** The step that follows an outcome that is no success. A 429 stops the lane for whoever writes too. */
export async function afterFailure(run: Run, outcome: Outcome): Promise<StepResult> {
  if (outcome.kind === 'restart') return restart(run, outcome.from)
  if (outcome.kind === 'authError' || outcome.kind === 'permanent') return failed(run, outcome)
  if (outcome.kind !== 'throttled')
    return tryAgain(run, 'afterSeconds' in outcome ? outcome.afterSeconds : undefined)
  await blockFor(run, outcome)
  return { progress: run.progress, waitSeconds: outcome.retryAfterSeconds }
}

async function blockFor(run: Run, outcome: Extract<Outcome, { kind: 'throttled' }>): Promise<void> {
  const { tenantId, clientId } = run.directory
  const until = run.ports.clock.now() + Math.ceil(outcome.retryAfterSeconds * 1000)
  await run.ports.database.run(blockLane(laneKey(outcome.scope, tenantId, clientId), until))
}

/** The same step later: it ends when Graph keeps giving no answer. */
export function tryAgain(run: Run, afterSeconds = 0): StepResult {
  const attempts = run.progress.attempts + 1
  if (attempts >= MAX_ATTEMPTS) return failed(run, NO_ANSWER)
  const waitSeconds = Math.max(afterSeconds, backoffBase(attempts))
  return { progress: { ...run.progress, attempts }, waitSeconds }
}

function restart(run: Run, from: 'first_page' | 'baseline'): StepResult {
  const { progress } = run
  if (progress.restarts >= MAX_RESTARTS) return failed(run, NO_END)
  return { progress: from === 'baseline' ? withoutLink(progress) : firstPage(run) }
}

/** A page's link lives for some minutes: its round begins again where it began. */
function firstPage({ progress, directory }: Run): Progress {
  const link = progress.isWhole ? null : (readLink(directory.deltaLink)?.link ?? null)
  return { ...progress, link, pages: 0, restarts: progress.restarts + 1 }
}

interface Reason {
  readonly code: string
  readonly message: string
  readonly whatToDo: string
  readonly requestId?: string
}

/**
 * The end of a run that cannot go on. The next one finds again what this one found: one that was held has left a newer link, behind
 * which only everybody shows it.
 */
export function failed(run: Run, reason: Reason): StepResult {
  const { code, message, whatToDo, requestId } = reason
  const error: JsonObject = {
    code,
    message,
    whatToDo,
    ...(requestId === undefined ? {} : { requestId }),
  }
  const link = run.progress.isApproved ? { deltaLink: null } : {}
  return { progress: run.progress, state: 'failed', error, ...link }
}

const AGAIN = 'Start it again, or wait for the next one.'
const NO_ANSWER: Reason = {
  code: 'no_answer',
  message: `Microsoft 365 gave no answer in ${MAX_ATTEMPTS} tries.`,
  whatToDo: `Check the service health of Microsoft 365. ${AGAIN}`,
}
const NO_END: Reason = {
  code: 'no_end',
  message: `Microsoft 365 ended the listing of its users ${MAX_RESTARTS} times before the last page.`,
  whatToDo: AGAIN,
}
