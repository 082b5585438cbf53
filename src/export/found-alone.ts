/**
 * A run of reconciliation that enforces sends what it told, and nothing else. A binding that owes more, since that was refused, is held or
 * waits, is sent what was found alone, and owes the rest as before. Pure but for the draft.
 */
import type { BindingRow } from '../db/round-store.ts'
import { AWAY } from '../plan/drift.ts'
import { type Draft, hasNoAccount } from './draft.ts'
import type { Target } from './targets.ts'

const OWES_MORE: ReadonlySet<BindingRow['state']> = new Set(['failed', 'held', 'owed'])

/**
 * What alone may be sent of a binding; undefined where its resource changed, somebody asked, or it owes nothing else. That an account came
 * back is told too: everything that is owed to it is sent.
 */
export function onlyFound(
  target: Target,
  before: BindingRow | undefined,
): ReadonlySet<string> | undefined {
  if (before === undefined || target.mayRetry || !target.mayWrite) return undefined
  if (!OWES_MORE.has(before.state) || AWAY.has(before.error?.['code'])) return undefined
  return hasNoAccount(before) ? undefined : target.found
}

/** What an intent says of it: whoever waits is tried with everything in any case. */
export const foundIn = ({ only, before }: Draft): { readonly found?: string[] } =>
  only === undefined || before?.state === 'owed' ? {} : { found: [...only] }

/** What was sent alone is through, or is tried again alone: what the binding owed before it owes still, and has failed with the same error. */
export function keepEarlier(draft: Draft): void {
  const { before, row, only, stopped } = draft
  if (before === undefined || only === undefined) return
  const { state, error, approval } = before
  if (!stopped) {
    // Its own next try, of what waits, is no other for this one.
    const next = before.found === null ? before : { dueAt: null, attempts: 0 }
    const { dueAt, attempts } = next
    draft.row = { ...row, state, error, approval, dueAt, attempts, found: null }
  } else if (row.dueAt !== null && state !== 'owed')
    draft.row = { ...row, state, error, approval, found: [...only] }
}

/** What was found was refused too, and that is told: whoever waits waits on, and who is held is asked about still. */
export function keepWaiting(draft: Draft): void {
  const { before, row, only, stopped } = draft
  if (before === undefined || only === undefined || !stopped || row.dueAt !== null) return
  if (before.state === 'failed' || AWAY.has(row.error?.['code'])) return
  const { state, error, approval, dueAt, attempts } = before
  draft.row = { ...row, state, error, approval, dueAt, attempts, found: null }
}
