/** What goes beyond the directory's threshold is held until an administrator has approved or rejected it. Pure. */
import type { RejectionCode } from '../db/rejection.ts'
import type { BindingRow } from '../db/round-store.ts'
import type { Outcome } from '../graph/outcome.ts'
import type { TakesAway } from '../plan/planned.ts'
import { isCounted, limitOf, type Threshold } from '../plan/removed-lately.ts'
import type { BindingError } from './draft.ts'

/** What is to become of a removal: it goes through, counts first, stays held, or was rejected. */
export type Permission = 'free' | 'counts' | 'asked' | 'rejected'

/**
 * Judges one removal by what its binding says. An approved one is free, and so is one of an account that was counted within
 * the hour: a repeated write counts once.
 */
export function permissionOf(
  { approval, takenAt }: Pick<BindingRow, 'approval' | 'takenAt'>,
  threshold: Threshold | null,
  now: number,
): Permission {
  if (approval === 'rejected') return 'rejected'
  if (approval === 'approved' || threshold === null) return 'free'
  if (approval === 'asked') return 'asked'
  return isCounted(takenAt, now) ? 'free' : 'counts'
}

/** Whether it happened, or may have. */
export const mayHaveHappened = ({ kind }: Outcome): boolean =>
  kind === 'done' || kind === 'alreadyDone' || kind === 'unknown'

/** Where a directory stands. */
export interface Standing {
  readonly threshold: Threshold
  readonly used: number
  readonly bound: number
}

/** What an administrator reads of a removal that is held. */
export function thresholdError(
  kind: BindingRow['kind'],
  takesAway: TakesAway,
  { threshold, used, bound }: Standing,
): BindingError {
  const verb = takesAway === 'disable' ? 'Disabling' : 'Deleting'
  const { count, percent } = threshold
  return {
    code: 'threshold',
    message: `${verb} ${OBJECTS[kind]} in Microsoft 365 was held back: ${used} were disabled or deleted in this directory within one hour, and its threshold is ${limitOf(threshold, bound)} (${count}, or ${percent} % of ${bound} bound users where that is more).`,
    whatToDo: 'Approve it, and what is desired by then is carried out; or reject it.',
  }
}

const OBJECTS = { user: 'the account', group: 'the group' } as const

/** What an administrator reads of a removal that is held because one of the same object was rejected before. */
export const rejectedBefore = (kind: BindingRow['kind'], takesAway: TakesAway): BindingError => ({
  code: 'threshold',
  message: `${takesAway === 'disable' ? 'Disabling' : 'Deleting'} ${OBJECTS[kind]} in Microsoft 365 was held back: an administrator rejected it before, and since then the ${kind} was suspended or deleted here, or left the groups that it was bound for.`,
  whatToDo: 'Approve it, and what is desired by then is carried out; or reject it.',
})

/** What an administrator reads of a removal that was rejected. */
export const REMOVAL_REJECTED: BindingError = {
  code: 'removal_rejected' satisfies RejectionCode,
  message:
    'An administrator rejected the disabling or deletion in Microsoft 365: it was left as it is.',
  whatToDo:
    'It stays so, whatever else changes, until the user is active or bound again; when it is suspended or deleted anew, you are asked again. To have it carried out after all, approve this binding by its id; a replay asks again.',
}
