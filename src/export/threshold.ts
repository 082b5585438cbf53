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
  /** How many users are bound; undefined where nobody had to count them. */
  readonly bound: number | undefined
}

/** What an administrator reads of a removal that is held. `name`: of what is gone here, so that its id tells nobody whose it is. */
export function thresholdError(
  kind: BindingRow['kind'],
  takesAway: TakesAway,
  { threshold, used, bound }: Standing,
  name?: string,
): BindingError {
  const limit = `${limitOf(threshold, bound)}${shareOf(threshold, bound)}`
  return {
    code: 'threshold',
    message: `${removalOf(kind, takesAway, name)} was held back: ${used === 1 ? '1 was' : `${used} were`} disabled or deleted in this directory within one hour, and its threshold is ${limit}.`,
    whatToDo: 'Approve it, and what is desired by then is carried out; or reject it.',
  }
}

/** How the limit comes of the number of bound users, where it may. */
const shareOf = ({ count, percent }: Threshold, bound: number | undefined): string =>
  bound === undefined || percent === 0
    ? ''
    : ` (${count}, or ${percent} % of ${bound} bound users where that is more)`

/** What an administrator reads of a removal that is held because one of the same object was rejected before. `name`: see `thresholdError`. */
export const rejectedBefore = (
  kind: BindingRow['kind'],
  takesAway: TakesAway,
  name?: string,
): BindingError => ({
  code: 'threshold',
  message: `${removalOf(kind, takesAway, name)} was held back: an administrator rejected it before, and since then the ${kind} was suspended or deleted here, or left the groups that it was bound for.`,
  whatToDo: 'Approve it, and what is desired by then is carried out; or reject it.',
})

function removalOf(kind: BindingRow['kind'], takesAway: TakesAway, name?: string): string {
  const verb = takesAway === 'disable' ? 'Disabling' : 'Deleting'
  const object = kind === 'user' ? 'the account' : 'the group'
  return `${verb} ${object}${name === undefined ? '' : ` ${name}`} in Microsoft 365`
}

/** What an administrator reads of a removal that was rejected. */
export const REMOVAL_REJECTED: BindingError = {
  code: 'removal_rejected' satisfies RejectionCode,
  message:
    'An administrator rejected the disabling or deletion in Microsoft 365: it was left as it is.',
  whatToDo:
    'It stays so, whatever else changes, until the user is active or bound again; when it is suspended or deleted anew, you are asked again. To have it carried out after all, approve this binding by its id; a replay asks again.',
}
