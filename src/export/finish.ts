/** What a round says about a binding when its writes are through: its state, its event, and for whom it waits. */
import type { Change, NewEvent } from '../db/event-log.ts'
import { backoffBase } from '../kernel/backoff.ts'
import { jsonEquals, type JsonObject } from '../kernel/json.ts'
import type { Problem } from '../plan/problem.ts'
import { isSent } from '../plan/update-user.ts'
import type { Round } from './context.ts'
import { noteMissingDomain } from './domains.ts'
import {
  type BindingError,
  type Draft,
  fail,
  isAsked,
  isEnding,
  NOT_ADOPTED,
  NOTHING_ASKED,
  NOTHING_DUE,
  owe,
} from './draft.ts'
import {
  isAllThatFailed,
  keepEarlier,
  keepReading,
  keepWaiting,
  restToGiveBack,
} from './found-alone.ts'
import { leaveLostLink, MANAGER_MISSING, oweLink } from './manager.ts'
import { settleHeld } from './removals.ts'
import { SETS_NOTHING, settleWrite } from './settle.ts'
import { tellEnded, tellLeft, tellRefused } from './tell-job.ts'
import { planWork, replicatedAt, type UserWork } from './user-work.ts'

/** The tokens ended, or the connection: a binding that was begun stays owed, one that was not is met again in the log. */
export function leaveUnreached(round: Round, draft: Draft): void {
  // What a look found out, or a write did, is kept: the binding is owed.
  if (draft.writes > 0 || (draft.before !== undefined && draft.row !== draft.met))
    return owe(draft, round.ports.clock.now())
  round.unreached.add(draft.target)
  round.cut.add(draft.target)
  if (draft.before === undefined) round.drafts.delete(draft.target.id)
}

/** The end of a user's part in the round. */
export function finishUser(round: Round, work: UserWork): void {
  const { draft, user } = work
  if (round.unreached.has(draft.target)) return
  if (!work.plan.readsAgain) tellLeft(round, work)
  leaveLostLink(draft, work.plan)
  settleWork(round, work)
  keepReading(draft, work.plan, replicatedAt(draft.row))
  // An account that is ending, has ended, or is not there is no member of this round's groups.
  const { graphId, state } = draft.row
  if (graphId === null || state === 'unbinding' || state === 'former')
    round.graphIds.set(draft.target.id, null)
  noteWaiting(round, work)
  // The last one counts: by it a former account is known.
  if (user !== undefined && draft.row.externalId !== user.externalId)
    draft.row = { ...draft.row, externalId: user.externalId }
  noteEvent(round, draft)
  const { error } = draft.row
  keepWaiting(draft)
  if (draft.row.error !== error) tellRefused(round, draft, error)
}

function settleWork(round: Round, work: UserWork): void {
  const { draft, held } = work
  const isAlone = draft.only !== undefined && (draft.stopped || isMoreOwed(round, work))
  if (!draft.stopped && isAlone) settleFound(round, work)
  else if (!draft.stopped) settlePlan(round, work)
  if (held !== undefined) settleHeld(draft, held)
  if (isAlone) keepEarlier(draft)
}

/** Whether the binding owes more than what was sent alone. */
function isMoreOwed(round: Round, work: UserWork): boolean {
  const { draft, held } = work
  const rest = () => planWork(round, { ...work, draft: { ...draft, only: undefined } })
  return held !== undefined || !isAllThatFailed(draft, rest())
}

/** Of what was found alone: a part was refused, could not be planned, or waits for the manager's account. */
function settleFound(round: Round, work: UserWork): void {
  const { draft, plan, refused, held, linkAgain } = work
  if (held !== undefined) return
  if (refused !== undefined) settleRefused(draft, refused)
  else if (plan.needs.length > 0) settleUnread(round, work)
  else if (plan.readsAgain) owe(draft, replicatedAt(draft.row))
  else if (linkAgain !== undefined) oweLink(draft, linkAgain)
  else if ((draft.before?.restoring ?? null) !== null) {
    letGoOfManager(work)
    const restoring = restToGiveBack(draft)
    const isThrough = restoring === null
    draft.row = { ...draft.row, restoring, ...(isThrough ? { undoSequence: null } : {}) }
  }
}

/** Whoever tries a link again at long pauses is called as well, should the manager come back before; whoever was linked waits no longer. */
function noteWaiting(round: Round, { draft, plan, user, linkAgain }: UserWork): void {
  const { target, before, sent, only } = draft
  if (!isSent('manager', only)) return
  if (target.due || (before !== undefined && sent.has('manager'))) round.doneWaiting.push(target.id)
  const awaitedId = linkAgain === undefined ? plan.awaitsManager : (user?.managerId ?? null)
  if (awaitedId !== null) round.awaits.push({ awaitedId, waiterId: draft.target.id })
}

/** Tries again later, with growing pauses. */
export function putOff(round: Round, draft: Draft): void {
  // Nothing was asked any more, so nothing failed.
  if (round.halt !== null) return owe(draft, round.ports.clock.now())
  const attempts = draft.row.attempts + 1
  draft.row = { ...draft.row, attempts }
  owe(draft, round.ports.clock.now() + backoffBase(attempts) * 1000)
}

function settlePlan(round: Round, work: UserWork): void {
  const { draft, plan, refused, held, linkAgain } = work
  if (held !== undefined && plan.needs.length === 0) {
    if (plan.failure !== null) noteMissingDomain(round, plan.failure)
  } else if (refused !== undefined) settleRefused(draft, refused)
  else if (plan.failure !== null) failPlan(round, draft, plan.failure)
  else if (plan.needs.length > 0) settleUnread(round, work)
  // A replica may show the account as it was before: what it holds is known when the write has come through everywhere.
  else if (plan.readsAgain) owe(draft, replicatedAt(draft.row))
  else if (linkAgain !== undefined) oweLink(draft, linkAgain, MANAGER_MISSING)
  else {
    tellEnded(round, work)
    letGoOfManager(work)
    settleState(round, draft, plan.action === 'end' ? 'former' : 'synced', plan.problems)
  }
  if (draft.row.state === 'former' && draft.row.unboundBy === 'undo') letGo(draft)
}

/** Whom the account had before its manager was bound is put back, or was changed since: whoever it has is none of ours. */
function letGoOfManager({ draft, plan }: UserWork): void {
  const { snapshot, unknown } = draft.row
  if (plan.awaitsManager === null || draft.before?.restoring?.['manager'] === undefined) return
  const { manager: _, ...rest } = snapshot
  draft.row = {
    ...draft.row,
    snapshot: rest,
    unknown: unknown.filter((key) => key !== 'manager'),
    managerGraphId: null,
  }
}

/** What Graph holds could not be read, so what depends on it could not even be planned. */
export function settleUnread(
  round: Round,
  { draft, read }: Pick<UserWork, 'draft' | 'read'>,
): void {
  const { clock, random } = round.ports
  if (read === undefined || read.kind === 'done' || round.halt !== null) return putOff(round, draft)
  settleWrite(draft, SETS_NOTHING, read, { now: clock.now(), random }, null)
}

/** An account that is as it was before its bind is none of ours: a later bind meets it as a stranger. */
function letGo(draft: Draft): void {
  draft.row = { ...draft.row, graphId: null, snapshot: {}, unknown: [], ...NOT_ADOPTED }
}

/** Whoever is unbound is let go of, even where the account is not ours to disable: what was refused is told. */
function settleRefused(draft: Draft, refused: BindingError): void {
  const isUnbinding = isEnding(draft.row)
  fail(draft, refused)
  if (isUnbinding && refused.code === 'mastered_on_premises')
    draft.row = { ...draft.row, state: 'former' }
}

function failPlan(round: Round, draft: Draft, failure: Problem): void {
  noteMissingDomain(round, failure)
  fail(draft, toError(failure))
}

/** Everything that was owed has been carried out. */
export function settleState(
  round: Round,
  draft: Draft,
  state: 'synced' | 'former',
  problems: readonly Problem[],
): void {
  const { row } = draft
  const told = problems.length === 0 ? null : adjusted(problems)
  const isSame =
    draft.writes === 0 &&
    row.state === state &&
    row.dueAt === null &&
    row.found === null &&
    row.approval === null &&
    !isAsked(row) &&
    row.restoring === null &&
    JSON.stringify(row.error) === JSON.stringify(told)
  if (isSame) return
  draft.row = {
    ...row,
    ...NOTHING_DUE,
    state,
    urgency: 0,
    attempts: 0,
    approval: null,
    // What was asked for has been carried out.
    ...NOTHING_ASKED,
    restoring: null,
    error: told,
    exportedSequence: draft.writes > 0 ? round.head : row.exportedSequence,
  }
}

const toError = ({ code, message, whatToDo, attribute, domain }: Problem) => ({
  code,
  message,
  whatToDo,
  ...(attribute === null ? {} : { attribute }),
  ...(domain === undefined ? {} : { domain }),
})

/** What was carried out though not every value as it is: each with its attribute, what became of it and what to do. */
const adjusted = (problems: readonly Problem[]): JsonObject => ({
  code: 'values_adjusted',
  message: problems.map(({ message }) => message).join(' '),
  whatToDo: problems[0]?.whatToDo ?? '',
  problems: problems.map((problem): JsonObject => ({ ...problem })),
})

/** A round that sent nothing for a binding writes no event about it, unless it has just failed or is held. */
export function noteEvent(round: Round, draft: Draft): void {
  const { row } = draft
  const type = eventType(draft)
  if (type === undefined) return
  round.events.push({
    class: 'record',
    type,
    time: round.ports.clock.now(),
    target: { type: row.kind, id: row.resourceId },
    directoryId: row.directoryId,
    outcome: type === 'export_success' ? 'success' : 'failure',
    actor: { type: 'system', id: null },
    changes: changesOf(draft),
    details: {
      graphId: accountOf(draft),
      attributes: [...draft.sent.keys()],
      ...(type === 'export_success' ? {} : { error: row.error }),
    },
  })
}

/** The account that was written, also where the round has let go of it. */
const accountOf = ({ row, before }: Draft): string | null => row.graphId ?? before?.graphId ?? null

/** What was exported, from what Microsoft 365 held before as far as that is known; what it held already is no change. */
const changesOf = ({ sent }: Draft): readonly Change[] =>
  [...sent].flatMap(([attribute, { to, ...from }]) =>
    to === undefined || jsonEquals(from.from, to) ? [] : [{ attribute, ...from, to }],
  )

/** What was exported is told, also where something else is refused, held or put off as before. */
function eventType(draft: Draft): NewEvent['type'] | undefined {
  const { row, before, writes } = draft
  // A domain that is not verified is told once, about the directory.
  const isTold = row.error?.['code'] === 'domain_not_verified'
  const isNews = !isTold && (before?.state !== row.state || !sameError(draft))
  if (isNews && row.state === 'failed') return 'export_failure'
  if (isNews && row.state === 'held') return 'binding_held'
  return writes > 0 ? 'export_success' : undefined
}

const sameError = ({ row, before }: Draft): boolean =>
  JSON.stringify(row.error) === JSON.stringify(before?.error ?? null)
