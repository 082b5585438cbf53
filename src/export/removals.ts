/** The removals of a round: which of them go beyond the directory's threshold, and what is counted of those that went out. */
import { countBound } from '../db/bound-count.ts'
import { isRejection } from '../db/rejection.ts'
import type { Outcome } from '../graph/outcome.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { GroupSnapshot } from '../plan/group-plan.ts'
import type { PlannedWrite, TakesAway } from '../plan/planned.ts'
import { isRemoval } from '../plan/removal.ts'
import {
  boundLately,
  isCounted,
  limitOf,
  removedLately,
  withRemoved,
} from '../plan/removed-lately.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import type { Round } from './context.ts'
import { type BindingError, type Draft, fail } from './draft.ts'
import {
  mayHaveHappened,
  permissionOf,
  rejectedBefore,
  REMOVAL_REJECTED,
  type Standing,
  thresholdError,
} from './threshold.ts'

interface Taking {
  readonly draft: Draft
  readonly plan: { readonly takesAway: TakesAway }
}

/** Why removals of this round must not be carried out, by resource: beyond the threshold, or rejected. */
export async function heldRemovals(
  round: Round,
  works: readonly Taking[],
): Promise<ReadonlyMap<string, BindingError>> {
  const now = round.ports.clock.now()
  const { threshold } = round.settings
  const held = new Map<string, BindingError>()
  const counting: Taking[] = []
  for (const work of works) {
    const { draft } = work
    if (draft.stopped || !isTaking(work)) continue
    const permission = permissionOf(draft.row, threshold, now)
    if (permission === 'rejected') held.set(draft.target.id, REMOVAL_REJECTED)
    if (permission === 'counts' || permission === 'asked') counting.push(work)
  }
  if (threshold === null || counting.length === 0) return held
  const standing = await standingOf(round, threshold, counting.length)
  const beyond = counting.filter(({ draft }) => !isGranted(round, draft, standing))
  // Whoever reads it counts what this round lets through with the rest.
  const told = { ...standing, used: standing.used + round.removals.granted }
  for (const { draft, plan } of beyond)
    held.set(draft.target.id, heldError(round, draft, plan.takesAway, told))
  return held
}

/** Whether it is to be taken away. Once it is not any more, a rejection is over: whoever wants it again wants something else. */
function isTaking({ draft, plan }: Taking): boolean {
  const { row } = draft
  const isAll = draft.only === undefined
  const isOver =
    isAll && plan.takesAway === null && row.approval === 'rejected' && row.graphId !== null
  if (isOver) draft.row = { ...row, approval: null }
  return plan.takesAway !== null
}

/** Lets one through while the threshold has room. What an administrator is asked about waits for the answer. */
function isGranted({ removals }: Round, { row }: Draft, standing: Standing): boolean {
  const { threshold, used, bound } = standing
  const isWithin = row.approval !== 'asked' && used + removals.granted < limitOf(threshold, bound)
  if (isWithin) removals.granted += 1
  return isWithin
}

function heldError(
  round: Round,
  { before, row }: Draft,
  takesAway: TakesAway,
  standing: Standing,
): BindingError {
  const { kind, approval } = row
  const name = nameOfGone(round, row)
  const isAskedAnew = approval === 'asked' && isRejection(before?.error ?? null)
  return isAskedAnew
    ? rejectedBefore(kind, takesAway, name)
    : thresholdError(kind, takesAway, standing, name)
}

/** What Microsoft 365 was told that a user or group is called that is gone here; undefined where it is there, or nothing was told. */
function nameOfGone({ loaded }: Round, row: Draft['row']): string | undefined {
  const { kind, resourceId, snapshot } = row
  const [existing, name] =
    kind === 'user' ? [loaded.users, snapshot['email']] : [loaded.groups, snapshot['displayName']]
  const isHere = existing.some(({ id }) => id === resourceId)
  return isHere || typeof name !== 'string' ? undefined : name
}

/** Whoever is suspended or deleted after that was rejected is to be taken away anew, and that is asked about. */
export function askAnew(draft: Draft): void {
  const { row, target } = draft
  if (target.removed && row.approval === 'rejected' && row.graphId !== null)
    draft.row = { ...row, approval: 'asked' }
}

/** The bound users are counted only when it depends on them whether something is held. */
async function standingOf(
  round: Round,
  threshold: Standing['threshold'],
  wanted: number,
): Promise<Standing> {
  const { removals, ports, key } = round
  const now = ports.clock.now()
  const used = removedLately(removals.before, now)
  const { bound } = removals.before
  if (used + removals.granted + wanted <= threshold.count || threshold.percent === 0)
    return { threshold, used, bound: bound?.count }
  if (boundLately(removals.before, now) === undefined) {
    const count = await countBound(ports.database, key)
    removals.before = { ...removals.before, bound: { count, at: now } }
  }
  return { threshold, used, bound: removals.before.bound?.count }
}

/** Counts a removal that happened, or may have: each account once within the hour, and what was approved not at all. */
export function noteRemoval(
  round: Round,
  draft: Draft,
  write: PlannedWrite<Snapshot | GroupSnapshot>,
  outcome: Outcome,
): void {
  if (!isRemoval(write) || !mayHaveHappened(outcome)) return
  const now = round.ports.clock.now()
  if (isCounted(draft.row.takenAt, now)) return
  if (draft.before?.approval !== 'approved') round.removals.sent += 1
  draft.row = { ...draft.row, takenAt: now }
}

/** What is to be stored of the removals; null when nothing changed. */
export function removalsChange({ removals, directory, ports }: Round): JsonObject | null {
  const { before, sent } = removals
  const after = withRemoved(before, sent, ports.clock.now())
  const isSame = sent === 0 && JSON.stringify(before) === JSON.stringify(directory.removals)
  return isSame || (directory.removals === null && sent === 0 && before.bound === null)
    ? null
    : { ...after }
}

/** Ends a draft with a removal that is held or rejected. One that is put off keeps the question, or the answer, for its next round. */
export function settleHeld(draft: Draft, error: BindingError): void {
  const { row, before } = draft
  if (error.code === REMOVAL_REJECTED.code) return settleRejected(draft, error)
  if (row.dueAt !== null && draft.stopped) {
    draft.row = { ...row, approval: 'asked' }
    return
  }
  // What it is held for was told already; the numbers of today are no news.
  const isTold = row.approval === 'asked' && before?.error?.['code'] === error.code
  fail(draft, error, 'held')
  if (isTold) draft.row = { ...draft.row, error: before.error }
  keepSame(draft)
}

/** It is answered. What else of the binding is put off, or was refused in this round, is what there is to tell. */
function settleRejected(draft: Draft, error: BindingError): void {
  if (draft.stopped) return
  fail(draft, error)
  // It is not ended, and stays in its groups.
  draft.row = { ...draft.row, state: 'failed' }
  keepSame(draft)
}

/** A binding that is as it was costs no write. */
function keepSame(draft: Draft): void {
  const { before, row } = draft
  if (before !== undefined && JSON.stringify(row) === JSON.stringify(before)) draft.row = before
}
