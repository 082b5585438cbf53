/**
 * A run of reconciliation that enforces sends what it told, an undoing what it gives back, and nothing else: a binding that owes more,
 * since that was refused, is held or waits, owes it afterwards as before. Pure but for the draft.
 */
import type { BindingRow } from '../db/round-store.ts'
import type { JsonObject } from '../kernel/json.ts'
import { AWAY } from '../plan/drift.ts'
import { DESIRED, type UserPlan } from '../plan/planned.ts'
import { isSent } from '../plan/update-user.ts'
import { type Draft, hasNoAccount, isEnding, nextOfRest, storedError } from './draft.ts'
import { MANAGER_MISSING } from './manager.ts'
import type { Target } from './targets.ts'

const LIVE: ReadonlySet<BindingRow['state']> = new Set(['synced', 'failed', 'held', 'owed'])
/** In these it rests though it owes more. */
const RESTING: ReadonlySet<BindingRow['state']> = new Set(['failed', 'held'])
/** It waits by itself, or for an answer. */
const WAITING: ReadonlySet<BindingRow['state']> = new Set(['held', 'owed'])

/**
 * What alone may be sent of a binding; undefined where its resource changed, is gone, or somebody asked. That an account came back is told
 * too: everything that is owed to it is sent.
 */
export function onlyFound(
  target: Target,
  before: BindingRow | undefined,
  exists: boolean,
): ReadonlySet<string> | undefined {
  if (before === undefined || !exists || target.mayRetry || !target.mayWrite) return undefined
  if (!LIVE.has(before.state) || isFoundAgain(before)) return undefined
  if (isLinkAlone(target, before)) return undefined
  return hasNoAccount(before) ? undefined : withPending(target.found, before)
}

/**
 * The account was away: a run tells of everything that is owed to it. What an undoing gives back, or exports again, is sent alone all the
 * same; and of a group that was found gone, and is there after all, no more is told than what was found of it.
 */
const isFoundAgain = ({ kind, error, found }: BindingRow): boolean =>
  kind === 'user' && AWAY.has(error?.['code']) && found === null

/** Whoever waits for the link alone owes nothing else; where it is told that another one goes, it waits on. */
const isLinkAlone = ({ found, ours }: Target, { error }: BindingRow): boolean =>
  error?.['code'] === MANAGER_MISSING.code && found.has('manager') && ours.get('manager') !== null

/** What is still to be tried again alone goes with it. */
const withPending = (
  names: ReadonlySet<string>,
  { found, dueAt }: BindingRow,
): ReadonlySet<string> => (found === null || dueAt === null ? names : new Set([...found, ...names]))

/**
 * Whether what an undoing gave back, or exported again, or the link to the manager, was all that the binding owed, which had failed with
 * it, or with what its account holds otherwise by now; `rest`: what would be sent if everything were.
 */
export const isAllThatFailed = ({ before, only }: Draft, rest: UserPlan): boolean =>
  before?.state === 'failed' &&
  (before.restoring !== null ||
    before.error?.['attribute'] === 'manager' ||
    isExportedAgain(only)) &&
  !isPasswordRefused(before) &&
  rest.writes.length === 0 &&
  rest.needs.length === 0 &&
  rest.failure === null &&
  (rest.awaitsManager === null || isSent('manager', only))

const isExportedAgain = (only: Draft['only']): boolean =>
  [...(only ?? [])].some((name) => name.startsWith(DESIRED))

/** What was refused then is settled, and planned no more. */
const isPasswordRefused = (before: BindingRow): boolean =>
  storedError(before)?.attributes?.includes('password') === true

/** Of what an undoing gives back, what was not sent alone is still to be. */
export const restToGiveBack = ({ row, only }: Draft): JsonObject | null => {
  const rest = Object.entries(row.restoring ?? {}).filter(([name]) => only?.has(name) === false)
  return rest.length === 0 ? null : Object.fromEntries(rest)
}

/** What an intent says of it. */
export const foundIn = ({ only, before }: Draft): { readonly found?: string[] } =>
  only !== undefined && before !== undefined && before.state !== 'synced'
    ? { found: [...only] }
    : {}

/** What was sent alone is through, or is tried again alone: what the binding owed before it owes still, and has failed with the same error. */
export function keepEarlier(draft: Draft): void {
  const { before, row, only, stopped } = draft
  if (before === undefined || only === undefined) return
  const { state, error, approval } = before
  if (!stopped) {
    // What was found and is not to be put right is told by the next run again.
    const unknown = row.unknown.filter((name) => before.unknown.includes(name))
    draft.row = { ...row, unknown, state, error, approval, ...nextOfRest(before) }
  } else if (row.dueAt !== null && state !== 'synced') {
    const { dueAt: restDueAt } = nextOfRest(before)
    // What waits does not wait for a try that may be put off again and again: that comes with everything then.
    const isOvertaken = restDueAt !== null && restDueAt <= row.dueAt
    const next = isOvertaken ? { found: null, restDueAt: null } : { found: [...only], restDueAt }
    draft.row = { ...row, state, error, approval, ...next }
  } else if (row.state === 'held' && state === 'owed') draft.row = { ...row, ...nextOfRest(before) }
}

/** What was found was refused too, and that is told: whoever waits waits on, and who is held is asked about still. */
export function keepWaiting(draft: Draft): void {
  const { before, row, only, stopped } = draft
  if (before === undefined || only === undefined || !stopped || row.dueAt !== null) return
  if (row.state !== 'failed' || !WAITING.has(before.state) || AWAY.has(row.error?.['code'])) return
  const { state, error, approval } = before
  draft.row = { ...row, state, error, approval, ...nextOfRest(before) }
}

/**
 * What an undoing gives back, and a replica may have shown as it was before, is read again alone, of whoever has failed or is held with
 * something else by then.
 */
export function keepReading(draft: Draft, plan: UserPlan, at: number): void {
  const { row, only } = draft
  if (!plan.readsAgain || only !== undefined || row.restoring === null || isEnding(row)) return
  if (row.dueAt !== null || !RESTING.has(row.state) || AWAY.has(row.error?.['code'])) return
  draft.row = { ...row, dueAt: at, found: Object.keys(row.restoring) }
}
