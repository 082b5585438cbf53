/**
 * What reconciliation found of a user or group, which its command names: attributes that Graph holds otherwise are unknown from now on, and
 * so are sent; a user whose account is gone has failed. What Graph holds instead is not taken over. Pure but for the draft.
 */
import { AWAY } from '../plan/drift.ts'
import { type Snapshot, SNAPSHOT_KEYS, type SnapshotKey } from '../plan/snapshot.ts'
import { type Draft, fail, isEnding, isReturned } from './draft.ts'
import type { Round } from './context.ts'
import { ACCOUNT_GONE } from './gone.ts'
import { GROUP_GONE, isAskedFor, isToldGone, makeAnew } from './gone-group.ts'
import { OBJECT_MISSING } from './settle.ts'

/** Takes the findings into the draft of a binding; without an account there is nothing that could have drifted. */
export function takeFindings(draft: Draft): void {
  const { found, urgentAt } = draft.target
  if (draft.row.graphId === null) return
  // What is urgent is sent whatever was found: should the account have come back since, it must not stay enabled.
  if (draft.row.state !== 'unbinding' && urgentAt === null) {
    const { graphId } = draft.row
    if (found.has(`deleted:recycle_bin:${graphId}`)) return fail(draft, OBJECT_MISSING)
    if (found.has(`deleted:gone:${graphId}`)) return fail(draft, ACCOUNT_GONE)
  }
  const wasMissing = draft.row.error?.['code'] === OBJECT_MISSING.code
  // Nobody has seen the account since: that everything is sent again shows whether it is there.
  if (wasMissing && !isReturned(draft) && draft.only === undefined) forgetExported(draft)
  takeReturn(draft)
  if (found.size === 0) return
  const { row } = draft
  const drifted = SNAPSHOT_KEYS.filter(
    (key) => found.has(key) && !row.unknown.includes(key) && !isGivenBack(draft, key),
  )
  draft.row = { ...row, unknown: [...row.unknown, ...drifted], snapshot: snapshotOf(draft) }
  takeApproval(draft)
}

/** The account has another manager than ours, and is to have none: no link of ours is left that might be lost with her account. */
function snapshotOf({ row, target }: Draft): Snapshot {
  if (target.ours.get('manager') !== null) return row.snapshot
  const { manager: _, ...others } = row.snapshot
  return others
}

/** What an undoing gives back alone was not found to be otherwise. */
const isGivenBack = ({ before, row }: Draft, key: SnapshotKey): boolean =>
  before?.found?.includes(key) === true && row.restoring?.[key] !== undefined

/** The account was seen: whatever becomes of the writes to it, whoever waits for it waits no longer. */
function takeReturn(draft: Draft): void {
  const { row, target } = draft
  if (isReturned(draft) && target.mayWrite && AWAY.has(row.error?.['code']))
    draft.row = { ...row, error: null }
}

/** An administrator approved what putting the findings right takes away, not what is held or was rejected otherwise. */
export function takeApproval(draft: Draft): void {
  const { row, target } = draft
  if (target.found.has('approved') && row.approval === null)
    draft.row = { ...row, approval: 'approved' }
}

/** An account that was disabled is not disabled again: that would count as a removal, and stop an unbind that has nothing to do. */
function forgetExported(draft: Draft): void {
  const { unknown, snapshot } = draft.row
  const exported = SNAPSHOT_KEYS.filter(
    (key) =>
      snapshot[key] !== undefined &&
      !unknown.includes(key) &&
      !(key === 'accountEnabled' && snapshot[key] === false),
  )
  if (exported.length > 0) draft.row = { ...draft.row, unknown: [...unknown, ...exported] }
}

/**
 * Takes the findings into the draft of a group: one that is gone has failed, or is made anew for whoever asks for it; a name that Graph
 * holds otherwise is unknown. Its memberships are looked at one by one.
 */
export function takeGroupFindings(round: Round, draft: Draft): void {
  const { row, target } = draft
  const isFoundGone = target.found.has(`deleted:gone:${row.graphId}`)
  const wasGone = isToldGone(draft)
  if ((isFoundGone || wasGone) && isAskedFor(draft)) return makeAnew(round, draft)
  if (isFoundGone && !isEnding(row)) return fail(draft, GROUP_GONE)
  // Of one that was gone nobody has seen since whether it is there, but for a run: that its name is sent again shows it.
  const isUnseen = wasGone && draft.only === undefined
  if ((!target.found.has(NAME) && !isUnseen) || row.unknown.includes(NAME)) return
  draft.row = { ...row, unknown: [...row.unknown, NAME] }
}

/** The one attribute of a group that is exported. */
const NAME = 'displayName'
