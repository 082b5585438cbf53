/**
 * Whoever is unbound or deleted here, and whose account somebody deleted in Microsoft 365: while that is in the recycle bin it may
 * come back, enabled, so that the ending is a failure; once it is not there either, there is nothing left to end. Whoever is bound again
 * while its ending looks for the account gets a new one; anybody else whose account is gone waits for an administrator.
 */
import { REPLICATION_SECONDS } from '../graph/outcome-match.ts'
import type { Outcome } from '../graph/outcome.ts'
import { getDeleted } from '../plan/requests.ts'
import type { Round } from './context.ts'
import {
  ageOf,
  type BindingError,
  type Draft,
  fail,
  isAsked,
  isFoundDeleted,
  NOT_ADOPTED,
  owe,
} from './draft.ts'
import { settleUnread } from './finish.ts'
import { readRequest } from './read-account.ts'
import { SAYS_NOTHING_YET } from './recycle-bin.ts'
import { sendWave, type WaveItem } from './sending.ts'
import { OBJECT_MISSING } from './settle.ts'
import { planWork, type UserWork } from './user-work.ts'

/** What an administrator reads of an account that is not in the recycle bin either. */
export const ACCOUNT_GONE: BindingError = {
  ...OBJECT_MISSING,
  message: 'The account does not exist in Microsoft 365 any more, and is not in its recycle bin.',
  whatToDo:
    'Unbind the user, then bind it again: that creates a new account, after five minutes in which Microsoft 365 may still find the old one.',
}

/** Whoever ends, and whose account was found deleted: only what a read shows to be there is written. */
export async function readBeforeEnding(round: Round, works: readonly UserWork[]): Promise<void> {
  const doubtful = works.filter(isDoubtful)
  if (doubtful.length === 0) return
  const items = doubtful.map(({ draft }): WaveItem => {
    const request = readRequest(draft.row.graphId ?? '', [])
    const context = { purpose: 'read', request, ...ageOf(draft, round.ports.clock.now()) } as const
    return { id: draft.target.id, context }
  })
  const outcomes = await sendWave(round, items)
  for (const work of doubtful) {
    const { draft } = work
    const read = outcomes.get(draft.target.id)
    if (read?.kind === 'done') continue
    work.queue = []
    // Of what a run that only reports has found, the next one tells again.
    const { mayWrite, due } = draft.target
    if (read?.kind === 'missing' || mayWrite || due) settleUnread(round, { draft, read })
    else draft.stopped = true
  }
}

function isDoubtful({ draft, plan, queue }: UserWork): boolean {
  if (plan.action !== 'end' || draft.stopped || queue.length === 0) return false
  // That Graph does not know it would count as deleted by us: whoever restores it would have an account that nobody ends.
  const deletes = queue.some(({ purpose }) => purpose === 'delete')
  const wasMissing = draft.before?.error?.['code'] === OBJECT_MISSING.code
  return isFoundDeleted(draft) || isLookedFor(draft.before) || (deletes && wasMissing)
}

/** Looks in the recycle bin for the accounts that Graph does not know in this round, and lets whatever is gone for good be over. */
export async function lookForGone(round: Round, works: readonly UserWork[]): Promise<void> {
  const missing = works.filter(isMissing)
  if (missing.length === 0) return
  const items = missing.map((work): WaveItem => {
    const { before, row } = work.draft
    const request = getDeleted(row.graphId ?? '')
    // One that was deleted, or restored, moments ago may not be in every replica yet: it is looked for twice.
    const now = round.ports.clock.now()
    const isFirst = !isTellingOnly(work) && !wasLookedFor(before, now)
    const age = isFirst ? { ageSeconds: 0 } : {}
    return { id: row.resourceId, context: { purpose: 'read', request, ...age } }
  })
  const outcomes = await sendWave(round, items)
  for (const work of missing) decide(round, work, outcomes.get(work.draft.target.id))
}

function isMissing({ draft: { row, stopped }, read }: UserWork): boolean {
  const isRefused = stopped && row.dueAt === null && row.error?.['code'] === OBJECT_MISSING.code
  return isRefused || (!stopped && read?.kind === 'missing')
}

const isLookedFor = (before: Draft['before']): boolean =>
  before?.error?.['message'] === LOOKED_FOR.message || isReportLookedFor(before)

const isReportLookedFor = (before: Draft['before']): boolean =>
  before?.error?.['message'] === LOOKED_FOR_BY_REPORT.message

/** Whether a run that only reports is all that the round looks at the binding for: its second look is no more to write for than its first. */
export const isDueByReport = ({ target, before }: Pick<Draft, 'target' | 'before'>): boolean =>
  before !== undefined &&
  isReportLookedFor(before) &&
  !isAsked(before) &&
  target.urgentAt === null &&
  target.ordinaryAt === null

const wasLookedFor = (before: Draft['before'], now: number): boolean =>
  isLookedFor(before) && before?.dueAt !== null && (before?.dueAt ?? 0) <= now

/** Whether nothing becomes of the binding but its failure, since nobody has unbound it. */
const isTellingOnly = ({ draft, plan }: UserWork): boolean =>
  plan.action !== 'end' && !isLookedFor(draft.before)

/** Where nobody may look, the failure stands as it is. */
function decide(round: Round, work: UserWork, outcome: Outcome | undefined): void {
  const { draft, plan } = work
  if (outcome?.kind === 'done')
    return fail(draft, plan.action === 'end' ? IN_RECYCLE_BIN : OBJECT_MISSING)
  if (outcome?.kind === 'missing') return settleGone(round, work)
  if (isTellingOnly(work) || (outcome !== undefined && !SAYS_NOTHING_YET.has(outcome.kind))) return
  // What was approved has not been carried out yet: it is not asked about again.
  if (draft.before?.approval === 'approved') draft.row = { ...draft.row, approval: 'approved' }
  const error = draft.target.mayWrite ? LOOKED_FOR : LOOKED_FOR_BY_REPORT
  owe(draft, round.ports.clock.now() + REPLICATION_SECONDS * 1000, error)
}

function settleGone(round: Round, work: UserWork): void {
  if (isTellingOnly(work)) fail(work.draft, ACCOUNT_GONE)
  else if (work.plan.action === 'end') endWithout(round, work)
  else beginAnew(round, work.draft)
}

const LOOKED_FOR: BindingError = {
  ...OBJECT_MISSING,
  message:
    'The account does not exist in Microsoft 365 any more, nor in the recycle bin there. It is looked for once more, when every replica of Microsoft 365 knows what became of it.',
  whatToDo:
    'Wait five minutes: if it is not found then either, this is through, and a user who is bound again by then gets a new account.',
}

/** The same for an ending that a run that only reports looks into. */
const LOOKED_FOR_BY_REPORT: BindingError = {
  ...LOOKED_FOR,
  message: `${LOOKED_FOR.message} A reconciliation that only reports asked for that, so that nothing is written.`,
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
  forgetAccount(draft)
  draft.stopped = false
  work.plan = planWork(round, work)
  work.queue = [...work.plan.writes]
}

/** The next round creates it. */
function beginAnew(round: Round, draft: Draft): void {
  forgetAccount(draft)
  draft.row = { ...draft.row, attempts: 0, error: null }
  owe(draft, round.ports.clock.now())
}

function forgetAccount(draft: Draft): void {
  draft.row = { ...draft.row, graphId: null, snapshot: {}, unknown: [], ...NOT_ADOPTED }
}
