/**
 * The manager of a user. One whose account somebody deleted in Microsoft 365 is waited for like one who has none yet: Graph dropped
 * every link to the account together with it, and takes no other until it is back. So is one who was deleted here.
 */
import type { BindingRow, ManagerAccount } from '../db/round-store.ts'
import { REPLICATION_SECONDS } from '../graph/outcome-match.ts'
import type { Outcome } from '../graph/outcome.ts'
import type { Json } from '../kernel/json.ts'
import type { DirectoryUser } from '../plan/directory-user.ts'
import type { PlannedWrite, UserBinding, UserPlan, UserPlanInput } from '../plan/planned.ts'
import { managerGone } from '../plan/problem.ts'
import type { SnapshotValue } from '../plan/snapshot.ts'
import { managerWrites } from '../plan/update-user.ts'
import type { Round } from './context.ts'
import { type BindingError, type Draft, isEnding, isReturned, owe } from './draft.ts'
import { OBJECT_MISSING } from './settle.ts'

/** Null: no manager is wanted; undefined: one is, who has no account here. */
export type WantedManager = ManagerAccount | null | undefined

/** The account of the manager who is wanted, as far as the round knows it. */
export function wantedManager(round: Round, user: DirectoryUser | undefined): WantedManager {
  const managerId = user?.managerId ?? null
  if (managerId === null) return null
  const draft = round.drafts.get(managerId)
  if (draft === undefined) return round.loaded.managers.get(managerId)
  const graphId = round.graphIds.get(managerId) ?? null
  if (graphId === null) return undefined
  const { before, row } = draft
  const { boundSequence } = row
  const exportedAt = before?.graphId === graphId ? row.exportedAt : round.ports.clock.now()
  const isMissing = !isHere(round, managerId) || isAway(draft)
  const ending = { isEnding: isEnding(row), isUndone: isUndone(round, managerId) }
  return { graphId, isMissing, exportedAt, boundSequence, ...ending }
}

/** Nobody is linked to one who was deleted here: her links go with her end, or stay while that is held. */
const isHere = ({ loaded }: Round, userId: string): boolean =>
  loaded.users.some(({ id }) => id === userId)

/** Whoever is seen again by a write of this round is linked by the next: the end of this one calls everybody who waits. */
function isAway(draft: Draft): boolean {
  const { before, row } = draft
  const wasMissing = before?.graphId === row.graphId && isAccountMissing(before)
  return !isReturned(draft) && (wasMissing || isAccountMissing(row))
}

const isUndone = ({ loaded }: Round, managerId: string): boolean =>
  loaded.managers.get(managerId)?.isUndone === true

/** The event that bound the manager who is wanted, with or without an account yet; null where groups did, or nobody is bound. */
export function bindOfManager(round: Round, user: DirectoryUser | undefined): number | null {
  const managerId = user?.managerId ?? ''
  const { boundSequence } =
    round.drafts.get(managerId)?.row ?? round.loaded.managers.get(managerId) ?? {}
  return boundSequence ?? null
}

/** Whether the account of a user was found deleted in Microsoft 365, and nobody has seen it since. */
export const isAccountMissing = (row: BindingRow | undefined): boolean =>
  row?.kind === 'user' && row.graphId !== null && row.error?.['code'] === OBJECT_MISSING.code

/** The Graph id that is to be linked. Null: no manager is wanted; undefined: one is, and is waited for. */
export function idToLink(manager: WantedManager): string | null | undefined {
  if (manager === null) return null
  return manager === undefined || manager.isMissing ? undefined : manager.graphId
}

/** What of the user's own binding says whether the link is wanted. */
type Linkable = Pick<UserBinding, 'snapshot' | 'restoring'>

/** What a plan takes of the manager. */
export const plannedManager = (
  manager: WantedManager,
  binding: Linkable,
): Pick<UserPlanInput, 'managerGraphId' | 'lostManagerId' | 'endingManagerId'> => ({
  managerGraphId: isNobodys(manager, binding) ? undefined : idToLink(manager),
  endingManagerId: manager?.isEnding === true ? manager.graphId : undefined,
  lostManagerId: manager?.isMissing === true ? manager.graphId : undefined,
})

/** What a run that enforces told of the link; undefined where one is wanted, and that is unknown in any case. */
export function toldManager({ target, before }: Draft): Json | undefined {
  const told = target.ours.get('manager')
  return told !== null && before?.unknown.includes('manager') === true ? undefined : told
}

/**
 * Who is ending is nobody's manager for an account that is to have the one again whom it had before; and whose bind is undone is
 * nobody's but for those who were linked otherwise, until she ends.
 */
function isNobodys(manager: WantedManager, { snapshot, restoring }: Linkable): boolean {
  if (manager?.isEnding !== true) return false
  const isLinked = snapshot.manager === manager.graphId
  return restoring?.manager !== undefined || (manager.isUndone && !isLinked)
}

/** When a link is tried again, and how often it was. */
export interface LinkAgain {
  readonly at: number
  readonly attempts: number
}

/** What a link is about, of one user of a round. */
interface LinkedUser {
  readonly draft: Draft
  readonly user: DirectoryUser | undefined
  queue: PlannedWrite[]
  linkAgain: LinkAgain | undefined
}

/** The pauses between the tries of a link, each longer than the one before; the last one again and again. */
const PAUSES_SECONDS = [REPLICATION_SECONDS, 1200, 4800, 19_200, 86_400]

/**
 * Takes it into the work that Graph does not know the manager's account: the link is tried again when every replica knows of the
 * account, and then at long pauses, until a reconciliation tells that it is deleted, or somebody brings it back; the link to a former
 * manager goes, and everything else of the user goes on. False when the outcome is another, and when the manager was written so lately
 * that a replica may lag behind.
 */
export function takeMissingManager(
  round: Round,
  work: LinkedUser,
  { purpose, sets }: PlannedWrite,
  outcome: Outcome,
): boolean {
  const { draft } = work
  if (purpose !== 'manager' || !isOfManager(draft, outcome)) return false
  const now = round.ports.clock.now()
  const replicated = (wantedManager(round, work.user)?.exportedAt ?? 0) + REPLICATION_SECONDS * 1000
  if (now < replicated) return false
  if (isLostAnew(draft, sets.manager)) return leaveToNextRun(draft)
  work.linkAgain = nextTry(draft, now)
  if (mayHoldAnother(lastKnown(draft), sets.manager)) work.queue.unshift(...managerWrites('', null))
  return true
}

/** Whether the account is to be given the link again that it was last known to have, or was to get. */
const isLostAnew = ({ row }: Draft, wanted: SnapshotValue | undefined): boolean =>
  typeof wanted === 'string' && row.snapshot['manager'] === wanted

/** The manager's account went with the link, or after it: should it come back, a run tells of the link again. */
function leaveToNextRun(draft: Draft): true {
  if (!draft.row.unknown.includes('manager')) return true
  const unknown = draft.row.unknown.filter((name) => name !== 'manager')
  draft.row = { ...draft.row, unknown }
  return true
}

/** Of a link that was lost with the account of the manager, and was to be made again, nothing is unknown any more. */
export function leaveLostLink(draft: Draft, { awaitsManager, unknown: planned }: UserPlan): void {
  if (awaitsManager !== null && !planned.includes('manager')) leaveToNextRun(draft)
}

/** What was tried while a replica might lag behind does not count; of a link that is tried alone the error is another. */
function nextTry({ before, row }: Draft, now: number): LinkAgain {
  const isWaiting =
    before?.error?.['code'] === MANAGER_MISSING.code || before?.found?.includes('manager') === true
  const pause = isWaiting ? Math.min(row.attempts, PAUSES_SECONDS.length - 1) : 0
  return {
    at: now + (PAUSES_SECONDS[pause] ?? REPLICATION_SECONDS) * 1000,
    attempts: pause + 1,
  }
}

/** Puts the link off, whatever else was written of the user in this round. */
export function oweLink(draft: Draft, { at, attempts }: LinkAgain, error?: BindingError): void {
  draft.row = { ...draft.row, attempts }
  owe(draft, at, error)
}

type Linked = Pick<BindingRow, 'snapshot' | 'unknown'>

/** Whether the account may still be linked to a former manager, who is in any case not the one. */
export function mayHoldAnother({ snapshot, unknown }: Linked, wanted?: SnapshotValue): boolean {
  const { manager = null } = snapshot
  if (wanted === null || manager === wanted) return false
  return unknown.includes('manager') || manager !== null
}

/** What is tried alone counts as unknown, so that it is sent: whom the account has was known after the last try. */
const lastKnown = (draft: Draft): Linked =>
  isTriedAlone(draft)
    ? { ...draft.row, unknown: draft.row.unknown.filter((name) => name !== 'manager') }
    : draft.row

const isTriedAlone = ({ before, target }: Draft): boolean =>
  before?.found?.includes('manager') === true &&
  !before.unknown.includes('manager') &&
  !target.found.has('manager')

/**
 * Takes it into the draft that an undoing cannot give the account the manager back whom it had, since that one's account is gone by now:
 * it is to have none then, which is planned by the next round, and the job tells it. False when the outcome is another.
 */
export function takeGoneManager(
  round: Round,
  draft: Draft,
  { purpose, putsBack }: PlannedWrite,
  outcome: Outcome,
): boolean {
  const { restoring, undoSequence: sequence, resourceId, graphId } = draft.row
  const before = restoring?.['manager']
  if (putsBack !== true || purpose !== 'manager' || typeof before !== 'string') return false
  if (!isOfManager(draft, outcome)) return false
  draft.row = { ...draft.row, restoring: { ...restoring, manager: null } }
  const errors = [{ resourceId, graphId, ...managerGone(before) }]
  if (sequence !== null) round.jobErrors.push({ sequence, errors })
  owe(draft, round.ports.clock.now())
  return true
}

/** Whether Graph names an object that it does not know, and that is not the user's own. */
const isOfManager = ({ row }: Draft, outcome: Outcome): boolean =>
  (outcome.kind === 'missing' || outcome.kind === 'notReplicated') &&
  outcome.objectId !== undefined &&
  outcome.objectId !== row.graphId

/** What an administrator reads of a user whose link waits; in SQL the code says who is called though it is due later. */
export const MANAGER_MISSING: BindingError = {
  code: 'manager_missing',
  attribute: 'manager',
  message:
    'Microsoft 365 does not know the account of the manager: everything is exported but the link to it.',
  whatToDo:
    'Wait, if that account was created or restored lately: the link is tried again. Else restore it in Microsoft 365 (Entra ID, Deleted users), or give the user another manager.',
}
