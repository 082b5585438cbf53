/**
 * Whoever is unbound or deleted here, and whose account somebody deleted in Microsoft 365: while that is in the recycle bin it may
 * come back, enabled, so that the ending is a failure; once it is not there either, there is nothing left to end.
 */
import { REPLICATION_SECONDS } from '../graph/outcome-match.ts'
import type { Outcome } from '../graph/outcome.ts'
import { getDeleted } from '../plan/requests.ts'
import type { Round } from './context.ts'
import { type BindingError, type Draft, fail, owe } from './draft.ts'
import { SAYS_NOTHING_YET } from './recycle-bin.ts'
import { sendWave, type WaveItem } from './sending.ts'
import { OBJECT_MISSING } from './settle.ts'
import { planWork, type UserWork } from './user-work.ts'

/** Looks for the accounts of this round's endings that Graph does not know, and lets whatever is gone for good be over. */
export async function lookForGone(round: Round, works: readonly UserWork[]): Promise<void> {
  const missing = works.filter(isMissing)
  if (missing.length === 0) return
  const items = missing.map(({ draft: { before, row } }): WaveItem => {
    const request = getDeleted(row.graphId ?? '')
    // One that was deleted, or restored, moments ago may not be in every replica yet: it is looked for twice.
    const age = wasLookedFor(before, round.ports.clock.now()) ? {} : { ageSeconds: 0 }
    return { id: row.resourceId, context: { purpose: 'read', request, ...age } }
  })
  const outcomes = await sendWave(round, items)
  for (const work of missing) decide(round, work, outcomes.get(work.draft.target.id))
}

function isMissing({ draft: { row, stopped }, plan, read }: UserWork): boolean {
  const isRefused = stopped && row.dueAt === null && row.error?.['code'] === OBJECT_MISSING.code
  return plan.action === 'end' && (isRefused || read?.kind === 'missing')
}

const wasLookedFor = (before: Draft['before'], now: number): boolean =>
  before?.error?.['message'] === LOOKED_FOR.message && before.dueAt !== null && before.dueAt <= now

/** Where nobody may look, the failure stands as it is. */
function decide(round: Round, work: UserWork, outcome: Outcome | undefined): void {
  const { draft } = work
  if (outcome?.kind === 'missing') return endWithout(round, work)
  if (outcome?.kind === 'done') return fail(draft, IN_RECYCLE_BIN)
  if (outcome !== undefined && !SAYS_NOTHING_YET.has(outcome.kind)) return
  // What was approved has not been carried out yet: it is not asked about again.
  if (draft.before?.approval === 'approved') draft.row = { ...draft.row, approval: 'approved' }
  owe(draft, round.ports.clock.now() + REPLICATION_SECONDS * 1000, LOOKED_FOR)
}

const LOOKED_FOR: BindingError = {
  ...OBJECT_MISSING,
  message:
    'The account does not exist in Microsoft 365 any more, nor in the recycle bin there. It is looked for once more, when every replica of Microsoft 365 knows what became of it.',
  whatToDo: 'Wait five minutes: if it is not found then either, this is through.',
}

const IN_RECYCLE_BIN: BindingError = {
  ...OBJECT_MISSING,
  message:
    'The account could not be ended: somebody deleted it in Microsoft 365. It is in the recycle bin there, and would be enabled again if it was restored.',
  whatToDo:
    'Restore it in Microsoft 365 (Entra ID, Deleted users), or delete it there for good; then replay this.',
}

/** Another bind makes a new account. */
function endWithout(round: Round, work: UserWork): void {
  const { draft } = work
  draft.row = { ...draft.row, graphId: null, snapshot: {}, unknown: [], adoptedAt: null }
  draft.stopped = false
  work.plan = planWork(round, work)
  work.queue = [...work.plan.writes]
}
