/** A binding as a round changes it: what was stored before, what is to be stored, and what became of its writes. */
import * as v from 'valibot'

import type { BindingChange } from '../db/binding-write.ts'
import type { LeaseKey } from '../db/lease.ts'
import type { BindingRow } from '../db/round-store.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { AWAY } from '../plan/drift.ts'
import type { Held } from '../plan/snapshot.ts'
import type { Target } from './targets.ts'

export interface Draft {
  readonly target: Target
  readonly before: BindingRow | undefined
  /** With what reconciliation found, which the log tells again where the round does not reach it. */
  met: BindingRow | undefined
  row: BindingRow
  /** What alone may be sent; undefined: everything that is owed. See found-alone.ts. */
  readonly only: ReadonlySet<string> | undefined
  /** Writes of this round that were answered OK, and what they carried, by attribute. */
  writes: number
  readonly sent: Map<string, Sent>
  /** What the account held of it before, where that may be somebody else's and was read. */
  held: Held
  /** It could not be carried out for now, and waits: no further write of this round. */
  stopped: boolean
}

/** What its event tells of an attribute that was sent. Without `from` nobody knows what was there; without `to` the value is told nowhere. */
export interface Sent {
  readonly from?: Json
  readonly to?: Json
}

/** What an administrator reads about a binding that failed or is held. */
export interface BindingError {
  readonly code: string
  readonly message: string
  readonly whatToDo: string
  readonly requestId?: string
  readonly attribute?: string
  /** What was refused, by API name, while everything else was exported. */
  readonly attributes?: readonly string[]
  readonly domain?: string
  /** The userPrincipalName of the account whose adoption was rejected. */
  readonly name?: string
}

const storedErrorSchema = v.object({
  code: v.string(),
  message: v.string(),
  whatToDo: v.string(),
  requestId: v.exactOptional(v.string()),
  attribute: v.exactOptional(v.string()),
  attributes: v.exactOptional(v.array(v.string())),
  domain: v.exactOptional(v.string()),
  name: v.exactOptional(v.string()),
})

/** What an administrator reads about the binding; undefined where there is nothing to read. */
export const storedError = ({ error }: Pick<BindingRow, 'error'>): BindingError | undefined =>
  error === null ? undefined : v.parse(storedErrorSchema, error)

/** The draft of a stored binding, or of one that begins with this round; `only`: see `Draft`. */
export function openDraft(
  key: LeaseKey,
  target: Target,
  before: BindingRow | undefined,
  reason: BindingRow['reason'],
  only?: ReadonlySet<string>,
): Draft {
  return {
    target,
    before,
    met: before,
    row: before === undefined ? newBinding(key, target, reason) : rowOf(before, only),
    only,
    writes: 0,
    sent: new Map(),
    held: {},
    stopped: false,
  }
}

/** What is found is tried as often as anything else; and whoever is tried with everything has nothing left that was found. */
function rowOf(before: BindingRow, only: Draft['only']): BindingRow {
  const isAll = before.found === null && before.restDueAt === null
  if (only === undefined) return isAll ? before : { ...before, found: null, restDueAt: null }
  return before.found === null && before.attempts > 0 ? { ...before, attempts: 0 } : before
}

/** When what is owed beside what is sent alone is tried next, as before. */
export function nextOfRest({
  found,
  restDueAt,
  ...before
}: BindingRow): Pick<BindingRow, 'dueAt' | 'attempts' | 'found' | 'restDueAt'> {
  const dueAt = found === null ? before.dueAt : restDueAt
  const attempts = found !== null && restDueAt === null ? 0 : before.attempts
  return { dueAt, attempts, found: null, restDueAt: null }
}

function newBinding(key: LeaseKey, target: Target, reason: BindingRow['reason']): BindingRow {
  return {
    organizationId: key.organizationId,
    directoryId: key.directoryId,
    kind: target.kind,
    resourceId: target.id,
    graphId: null,
    state: 'pending',
    reason,
    snapshot: {},
    unknown: [],
    exportedSequence: 0,
    exportedAt: null,
    creatingAs: null,
    creatingSince: null,
    adopting: null,
    dueAt: null,
    urgency: 0,
    attempts: 0,
    error: null,
    managerGraphId: null,
    passwordSequence: 0,
    deliveredSequence: null,
    memberCursor: null,
    externalId: null,
    deletedAt: null,
    unboundBy: null,
    approval: null,
    heldSequence: null,
    takenAt: null,
    askedSequence: null,
    askedBefore: null,
    undoSequence: null,
    // Whoever is bound without a command is bound because it was created.
    boundSequence: target.created ? target.ordinaryAt : null,
    adoptedAt: null,
    restoring: null,
    found: null,
    restDueAt: null,
  }
}

/** Of a binding of which nothing is tried by itself: what was tried alone is over as well. */
export const NOTHING_DUE = { dueAt: null, found: null, restDueAt: null } as const

/** Of a binding that has been carried out for whoever asked. */
export const NOTHING_ASKED = { askedSequence: null, askedBefore: null, undoSequence: null } as const

/** Whether an administrator waits for what becomes of it. */
export const isAsked = ({ askedSequence, undoSequence }: BindingRow): boolean =>
  askedSequence !== null || undoSequence !== null

/** Of a binding that has no account any more. */
export const NOT_ADOPTED = { adoptedAt: null, deliveredSequence: null } as const

/** The change to store; undefined when the round left the binding as it was. */
export function changeOf({ before, row }: Draft): BindingChange | undefined {
  return row === before ? undefined : { before, after: row }
}

/** Puts a binding off: it is due again at `dueAt`. */
export function owe(draft: Draft, dueAt: number, error?: BindingError): void {
  draft.row = {
    ...draft.row,
    dueAt,
    urgency: draft.target.urgentAt === null ? draft.row.urgency : 1,
    state: waitingState(draft.row),
    error: error === undefined ? draft.row.error : toJson(error),
  }
  draft.stopped = true
}

/** Whether the binding is to end though its resource exists: somebody unbound it. */
export const isEnding = ({ state, unboundBy }: BindingRow): boolean =>
  state === 'unbinding' || (state !== 'former' && unboundBy !== null)

/** Whether there is no account to write to. One that we deleted is none: it comes back from the recycle bin, or another one is created. */
export const hasNoAccount = ({ graphId, deletedAt }: BindingRow): boolean =>
  graphId === null || deletedAt !== null

/** Whether reconciliation found the account again that it had found deleted. */
export const isReturned = ({ row, target }: Draft): boolean =>
  target.found.has(`deleted:returned:${row.graphId}`)

/** Whether it found the account of the binding deleted. */
export const isFoundDeleted = ({ row, target }: Draft): boolean =>
  target.found.has(`deleted:recycle_bin:${row.graphId}`) ||
  target.found.has(`deleted:gone:${row.graphId}`)

/** Whether another bind begins anew, as of somebody who was never bound. */
export const hasEnded = (row: BindingRow): boolean => row.state === 'former' || isEnding(row)

/** An unbinding that has to wait stays one. */
function waitingState(row: BindingRow): BindingRow['state'] {
  const { graphId } = row
  if (isEnding(row)) return 'unbinding'
  return graphId === null ? 'pending' : 'owed'
}

/**
 * Ends the tries: the binding waits for a change of its resource, or for somebody who replays it; held, it waits for an
 * administrator, who is asked.
 */
export function fail(draft: Draft, error: BindingError, state: 'failed' | 'held' = 'failed'): void {
  const { row } = draft
  const isUnbinding = row.state === 'unbinding'
  draft.row = {
    ...row,
    ...NOTHING_DUE,
    state: isUnbinding && state === 'failed' ? 'unbinding' : state,
    unboundBy: isUnbinding ? (row.unboundBy ?? 'admin') : row.unboundBy,
    approval: state === 'held' ? 'asked' : answered(row.approval, error),
    error: toJson(error),
  }
  draft.stopped = true
}

/**
 * An approval is used up; what was rejected stays so, whatever becomes of the rest. What is asked about an account that is away is
 * asked still when it comes back.
 */
const answered = (
  approval: BindingRow['approval'],
  { code }: BindingError,
): BindingRow['approval'] =>
  approval === 'rejected' || (approval === 'asked' && AWAY.has(code)) ? approval : null

const toJson = (error: BindingError): JsonObject => ({ ...error })

/** How long ago the object was written: one that was found, or made, moments ago may be unknown to a replica. */
export function ageOf({ before, row }: Draft, now: number): { ageSeconds?: number } {
  if (before?.graphId !== row.graphId) return { ageSeconds: 0 }
  return row.exportedAt === null ? {} : { ageSeconds: (now - row.exportedAt) / 1000 }
}
