/** What a round leaves behind, gathered for the batch that stores it. Pure. */
import { laneKey } from '../db/lane-store.ts'
import { isRejection } from '../db/rejection.ts'
import type { RoundCommit } from '../db/round-commit.ts'
import type { JsonObject } from '../kernel/json.ts'
import { AWAY } from '../plan/drift.ts'
import type { Round } from './context.ts'
import { domainChange } from './domains.ts'
import { changeOf, type Draft, isAsked, isReturned } from './draft.ts'
import { isAccountMissing } from './manager.ts'
import { removalsChange } from './removals.ts'
import { positionsBefore } from './targets.ts'

/** Of a round that carried nothing. */
export const EMPTY_COMMIT: Omit<RoundCommit, 'now' | 'position' | 'urgentPosition'> = {
  bindings: [],
  edges: [],
  endedGroups: [],
  awaits: [],
  arrived: [],
  doneWaiting: [],
  moved: [],
  vanished: [],
  unbound: [],
  parting: [],
  lostGraphIds: [],
  returnedGraphIds: [],
  calledHolders: [],
  takenOver: [],
  passwordsOf: [],
  domains: undefined,
  removals: null,
  lastDrain: null,
  lastError: null,
  refused: null,
  lanes: [],
  unusedTokens: 0,
  blocks: [],
  jobErrors: [],
  events: [],
}

/** Of a round that is through. */
export function toCommit(round: Round): RoundCommit {
  const now = round.ports.clock.now()
  const drafts = [...round.drafts.values()].filter(({ target }) => !round.unreached.has(target))
  const bindings = drafts.flatMap((draft) => changeOf(draft) ?? [])
  // What a run that only reports has found calls nobody who may have something to write.
  const calling = drafts.filter(({ target }) => target.mayWrite)
  // Whoever was deleted here ends, be it in a later round: nobody is linked to that account.
  const here = new Set(round.loaded.users.map(({ id }) => id))
  const returned = calling.filter((draft) => hasReturned(draft) && here.has(draft.target.id))
  const called = calling.filter((draft) => hasArrived(draft) || isBack(draft))
  return {
    now,
    bindings,
    edges: round.edges,
    endedGroups: round.endedGroups,
    awaits: round.awaits,
    arrived: round.arrived,
    doneWaiting: round.doneWaiting,
    // Who lacks the link to whoever a run has found to be back, and which groups lack the account, it tells too.
    moved: [...called, ...returned.filter((draft) => !isToldReturned(draft))].map(
      ({ target }) => target.id,
    ),
    vanished: drafts
      .filter((draft) => hasVanished(draft) || (draft.target.mayWrite && hasGone(draft)))
      .map(({ target }) => target.id),
    unbound: drafts.filter(hasEnded).map(({ target }) => target.id),
    parting: round.parting,
    // Of whoever a run has found to be back, the links have been told: they are drift, and one that enforces sends, or takes away, those.
    lostGraphIds: calling
      .filter((draft) => hasMoved(draft) && !isEndOfReturned(draft))
      .flatMap(({ before }) => before?.graphId ?? []),
    returnedGraphIds: returned
      .filter((draft) => isAccountMissing(draft.before) && !isToldReturned(draft))
      .flatMap(({ row }) => row.graphId ?? []),
    calledHolders: round.calledHolders,
    takenOver: round.takenOver,
    passwordsOf: round.passwordsOf,
    domains: domainChange(round),
    removals: removalsChange(round),
    ...positionsBefore(round.targets, [...round.cut]),
    lastDrain: { at: now, writes: round.writes },
    lastError: lastError(drafts, now),
    refused: refusedBy(round),
    lanes: round.lanes,
    unusedTokens: round.tokens,
    blocks: blocksOf(round),
    jobErrors: round.jobErrors,
    events: round.events,
  }
}

function refusedBy({ halt, tried }: Round): RoundCommit['refused'] {
  if (halt?.kind !== 'auth') return null
  const { code, message, whatToDo } = halt.error
  return { tried, refusal: { code, reason: `${message} ${whatToDo}` } }
}

/** Whether the Graph id by which others name the resource came, changed, or went. */
const hasMoved = ({ before, row }: Draft): boolean => liveId(before) !== liveId(row)
const hasArrived = (draft: Draft): boolean => hasMoved(draft) && liveId(draft.row) !== null
const hasGone = (draft: Draft): boolean => hasMoved(draft) && liveId(draft.row) === null

/** Whether the account was found deleted in Microsoft 365. */
const hasVanished = ({ before, row }: Draft): boolean =>
  isAccountMissing(row) && !isAccountMissing(before)

/** Whether a run that enforces has found the account to be back, and told which links to it are sent, or go. */
const isToldReturned = (draft: Draft): boolean => draft.target.enforced && isReturned(draft)
/** Whether such an account ends, at once or with another try. */
const isEndOfReturned = (draft: Draft): boolean =>
  draft.row.state === 'former' && (isToldReturned(draft) || isTriedAgain(draft))

const isTriedAgain = ({ target, before }: Draft): boolean =>
  before !== undefined &&
  isAway(before) &&
  !isAsked(before) &&
  target.urgentAt === null &&
  target.ordinaryAt === null

/** Whether the account that had been found deleted is there again, and nothing is left that an administrator is told of that. */
const hasReturned = (draft: Draft): boolean =>
  isAway(draft.before) && !isAway(draft.row) && !hasMoved(draft)

const isAway = (row: Draft['before']): boolean =>
  row?.kind === 'user' && row.graphId !== null && AWAY.has(row.error?.['code'])

/** Whether it is a user's that ends with this round. */
const hasEnded = ({ target, before, row }: Draft): boolean =>
  target.kind === 'user' && row.state === 'former' && before?.state !== 'former'

/** Bound again, with the account it had: its groups wait for it, as for one that has just got its Graph id. */
const isBack = ({ target, before, row }: Draft): boolean =>
  target.due &&
  before?.state === 'owed' &&
  before.askedSequence !== null &&
  row.state === 'synced' &&
  row.graphId !== null

const liveId = (row: Draft['before']): string | null =>
  row === undefined || row.state === 'former' ? null : row.graphId

function lastError(drafts: readonly Draft[], now: number): JsonObject | null {
  const failed = drafts.findLast(
    ({ row, before }) => row.state === 'failed' && row !== before && !isRejection(row.error),
  )
  if (failed === undefined) return null
  return { at: now, resourceId: failed.target.id, ...failed.row.error }
}

const blocksOf = ({ blocks, directory: { tenantId, clientId } }: Round): RoundCommit['blocks'] =>
  [...blocks].map(([scope, until]) => ({ key: laneKey(scope, tenantId, clientId), until }))
