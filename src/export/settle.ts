/** What becomes of a binding when one of its writes was answered, or was not. Pure but for the draft it is given. */
import type { Outcome } from '../graph/outcome.ts'
import { backoffBase, backoffSeconds } from '../kernel/backoff.ts'
import type { JsonObject } from '../kernel/json.ts'
import { assertNever } from '../kernel/result.ts'
import { knownAfter } from '../plan/settle.ts'
import { MAX_CALLS } from './adoption.ts'
import { type BindingError, type Draft, fail, owe } from './draft.ts'
import { settleDone, type SettledWrite } from './settle-done.ts'

export interface Moment {
  readonly now: number
  /** In [0, 1): the jitter of a backoff. */
  readonly random: () => number
}

/** What settling takes a request for that sets no value of its object, whatever becomes of it: a read, a membership. */
export const SETS_NOTHING: SettledWrite = {
  purpose: 'update',
  sets: {},
  attributes: [],
  carriesPassword: false,
}

/** A user keeps being tried for about an hour of backoff, then it has failed. */
const MAX_ATTEMPTS = 20
/** Replica lag: the first look after an unanswered create comes soon, later ones after 8 and 20 s. */
const FIRST_LOOK_MS = 2_000
/** So long a create is repeated that is never answered; its name is kept, and looked for when it is tried again. */
const UNANSWERED_MS = 3_600_000

/** Takes the outcome of `write` into the draft; `created` is the name under which a create was sent. */
export function settleWrite(
  draft: Draft,
  write: SettledWrite,
  outcome: Outcome,
  moment: Moment,
  createdAs: string | null,
): void {
  switch (outcome.kind) {
    case 'done':
    case 'alreadyDone':
      return settleDone(draft, write, outcome, moment.now)
    case 'throttled':
      return owe(draft, moment.now + outcome.retryAfterSeconds * 1000)
    case 'retry':
      return retryLater(draft, moment, outcome.afterSeconds, outcome.countsAsAttempt)
    case 'notReplicated':
      return retryLater(draft, moment, outcome.afterSeconds, true)
    case 'unknown':
      return settleUnknown(draft, write, moment, createdAs, outcome.afterSeconds)
    case 'conflict':
      return settleConflict(draft, write, outcome, moment, createdAs)
    case 'missing':
      return settleMissing(draft, write, outcome, moment)
    case 'authError':
      // The connection's error stops the round; the binding waits for the connection to be mended.
      return outcome.scope === 'connection' ? owe(draft, moment.now) : fail(draft, errorOf(outcome))
    case 'permanent':
      if (outcome.afterSeconds !== undefined && draft.row.attempts === 0)
        return retryLater(draft, moment, outcome.afterSeconds, true)
      return fail(draft, errorOf(outcome))
    case 'privilegedTarget':
      return fail(draft, errorOf({ ...outcome, code: 'privileged_target' }))
    case 'masteredOnPremises':
      return fail(draft, errorOf({ ...outcome, code: 'mastered_on_premises' }))
    case 'splitNeeded':
    case 'restart':
      throw new Error(`a write of one object cannot have the outcome ${outcome.kind}`)
    default:
      return assertNever(outcome)
  }
}

function retryLater(
  draft: Draft,
  { now, random }: Moment,
  afterSeconds: number | undefined,
  counts: boolean,
): void {
  const attempts = draft.row.attempts + (counts ? 1 : 0)
  draft.row = { ...draft.row, attempts }
  if (attempts >= MAX_ATTEMPTS) return fail(draft, GAVE_UP)
  // Replica lag may last minutes: what Graph asks for is the least, and each try waits longer than the one before.
  const seconds = Math.max(afterSeconds ?? 0, backoffSeconds(attempts, random()))
  owe(draft, now + seconds * 1000)
}

/** Nobody knows whether it happened: its attributes differ from every value until a write of them was answered. */
function settleUnknown(
  draft: Draft,
  write: SettledWrite,
  moment: Moment,
  createdAs: string | null,
  afterSeconds: number | undefined,
): void {
  const lost = { sets: {}, attributes: write.attributes }
  const before = { ...draft.row, snapshot: { ...draft.row.snapshot, ...linkTried(draft, write) } }
  draft.row = { ...draft.row, ...knownAfter<JsonObject>(before, lost, 'unanswered') }
  if (!makesAccount(write) || createdAs === null)
    return retryLater(draft, moment, afterSeconds, true)
  draft.row = {
    ...draft.row,
    unknown: [],
    creatingAs: createdAs,
    // Of a create that is repeated the first try may be the one that made the account.
    creatingSince: draft.row.creatingSince ?? moment.now,
    attempts: 0,
  }
  if (moment.now - (draft.row.creatingSince ?? moment.now) > UNANSWERED_MS)
    return fail(draft, GAVE_UP)
  owe(draft, moment.now + FIRST_LOOK_MS)
}

/** An account that had no manager has this one now, or none still: in either case none once the manager's account is gone. */
function linkTried({ before, row, target }: Draft, { sets }: SettledWrite): JsonObject {
  const manager = 'manager' in sets ? sets.manager : undefined
  const last = target.theirs.get('manager') ?? row.snapshot['manager'] ?? null
  const hadNone = last === null && before?.unknown.includes('manager') !== true
  return typeof manager === 'string' && hadNone ? { manager } : {}
}

/** Afterwards there is an account that was not there before: until then its name is all that is known of it. */
const makesAccount = ({ purpose }: SettledWrite): boolean =>
  purpose === 'create' || purpose === 'restore'

/** A taken name is looked at by the next round: the account may be one that is to be adopted. */
function settleConflict(
  draft: Draft,
  write: SettledWrite,
  outcome: Extract<Outcome, { kind: 'conflict' }>,
  moment: Moment,
  createdAs: string | null,
): void {
  const namesUser = outcome.target === 'userPrincipalName'
  if (makesAccount(write) && createdAs !== null && namesUser) {
    return lookForName(draft, createdAs, moment.now)
  }
  // The holder of a name may be another user of ours, who is called and may give it away.
  const mayFree = namesUser && outcome.holderId !== undefined
  const tries = mayFree ? MAX_CALLS : Number(outcome.afterSeconds !== undefined)
  const error = takenError(outcome)
  if (draft.row.attempts >= tries) return fail(draft, error)
  retryLater(draft, moment, outcome.afterSeconds, true)
  // While its holder may free it, that is what the user waits for.
  if (mayFree && draft.row.dueAt !== null) owe(draft, draft.row.dueAt, error)
}

/** Without `creatingSince`: nobody is waiting for an answer, the name was there before. */
function lookForName(draft: Draft, name: string, now: number): void {
  const { attempts } = draft.row
  draft.row = { ...draft.row, creatingAs: name, attempts: attempts + 1 }
  if (attempts >= MAX_ATTEMPTS) return fail(draft, GAVE_UP)
  // At once the first time; a name that is refused and yet seen nowhere is asked for with growing pauses.
  owe(draft, now + (attempts === 0 ? 0 : backoffBase(attempts) * 1000))
}

function takenError({
  target,
  holderId,
  requestId,
}: Extract<Outcome, { kind: 'conflict' }>): BindingError {
  const property = target === 'other' ? 'value of a unique property' : target
  return { ...valueTaken(property, holderId), ...(requestId === undefined ? {} : { requestId }) }
}

/** What an administrator reads of a value that another object has; `holderId`: its Graph id, where that is known. */
export const valueTaken = (property: string, holderId: string | undefined): BindingError => ({
  code: 'value_taken',
  message: `Another object in Microsoft 365 has the same ${property}.`,
  whatToDo: `Change the value here, or in Microsoft 365${holderId === undefined ? '' : ` (object ${holderId})`}, then replay the failure where it was exported already.`,
})

function settleMissing(
  draft: Draft,
  write: SettledWrite,
  outcome: Extract<Outcome, { kind: 'missing' }>,
  moment: Moment,
): void {
  const isOwn = outcome.objectId === undefined || outcome.objectId === draft.row.graphId
  // Whoever is not in the recycle bin any more is created.
  if (write.purpose === 'restore') return retryLater(draft, moment, undefined, true)
  if (write.purpose === 'manager' && !isOwn) return retryLater(draft, moment, undefined, true)
  const evidence = outcome.requestId === undefined ? {} : { requestId: outcome.requestId }
  keepKnown(draft)
  fail(draft, { ...OBJECT_MISSING, ...evidence })
}

/** Nothing was written: should the account come back, it holds what it held, and is owed no more than before. */
function keepKnown(draft: Draft): void {
  const { before, row, writes } = draft
  if (before === undefined || before.graphId !== row.graphId || writes > 0) return
  const { snapshot, unknown, exportedSequence } = before
  draft.row = { ...row, snapshot, unknown, exportedSequence }
}

/** Somebody deleted in Microsoft 365 what is bound here. */
export const OBJECT_MISSING: BindingError = {
  code: 'object_missing',
  message: 'The object does not exist in Microsoft 365 any more: somebody deleted it there.',
  whatToDo: 'Restore it in Microsoft 365 (Entra ID, Deleted users), then export it again.',
}

const GAVE_UP: BindingError = {
  code: 'gave_up',
  message: `Microsoft 365 did not accept it in ${MAX_ATTEMPTS} tries.`,
  whatToDo: 'Check the service health of Microsoft 365, then replay the failure.',
}

/** What an administrator reads of a refusal. */
export function errorOf(outcome: {
  readonly code: string
  readonly message: string
  readonly whatToDo: string
  readonly requestId?: string
  readonly attribute?: string
  readonly graphCode?: string
  readonly graphMessage?: string
}): BindingError {
  const { code, message, whatToDo, requestId, attribute, graphCode, graphMessage } = outcome
  return {
    code,
    message: graphMessage
      ? `${message} (Microsoft Graph: ${graphCode}, "${graphMessage}")`
      : message,
    whatToDo,
    ...(requestId === undefined ? {} : { requestId }),
    ...(attribute === undefined ? {} : { attribute }),
  }
}
