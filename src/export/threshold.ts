/**
 * The directory's threshold: how many accounts may be disabled or deleted in one hour, whatever caused it. What goes beyond it
 * is held until an administrator has approved or rejected it. Pure.
 */
import * as v from 'valibot'

import type { RejectionCode } from '../db/rejection.ts'
import type { BindingRow } from '../db/round-store.ts'
import type { Outcome } from '../graph/outcome.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { TakesAway } from '../plan/planned.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import type { BindingError } from './draft.ts'

const removalsSchema = v.object({
  /** How many accounts were disabled or deleted, by minute since the epoch. */
  minutes: v.record(v.string(), v.number()),
  /** How many users were bound, and when they were counted; null when they never were. */
  bound: v.nullable(v.object({ count: v.number(), at: v.number() })),
})

/** What is known of a directory's disables and deletions lately. */
export type Removals = v.InferOutput<typeof removalsSchema>

const HOUR_MS = 3_600_000
const minuteOf = (time: number): number => Math.floor(time / 60_000)

/** What is stored of the removals; a directory that never had one has none. */
export const readRemovals = (stored: JsonObject | null): Removals =>
  stored === null ? { minutes: {}, bound: null } : v.parse(removalsSchema, stored)

/** How many there were within the last hour. */
export function removedLately({ minutes }: Removals, now: number): number {
  const since = minuteOf(now - HOUR_MS)
  const lately = Object.entries(minutes).filter(([minute]) => Number(minute) >= since)
  return lately.reduce((sum, [, count]) => sum + count, 0)
}

/** So long the count of bound users is taken for true. */
const COUNT_LASTS_MS = 60_000

/** How many users are bound; undefined where that is to be counted again. */
export const boundLately = ({ bound }: Removals, now: number): number | undefined =>
  bound === null || now - bound.at > COUNT_LASTS_MS ? undefined : bound.count

/** The removals with `count` more at `at`; those before the last hour are forgotten. */
export function withRemoved(removals: Removals, count: number, at: number): Removals {
  if (count === 0) return removals
  const since = minuteOf(at - HOUR_MS)
  const lately = Object.entries(removals.minutes).filter(([minute]) => Number(minute) >= since)
  const minutes = new Map(lately)
  const minute = String(minuteOf(at))
  minutes.set(minute, (minutes.get(minute) ?? 0) + count)
  return { ...removals, minutes: Object.fromEntries(minutes) }
}

type Threshold = NonNullable<DirectorySettings['threshold']>

/** The larger of count and percent of the bound users. */
export const limitOf = ({ count, percent }: Threshold, bound: number): number =>
  Math.max(count, Math.floor((bound * percent) / 100))

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

/** Whether a removal at `takenAt` still counts. */
export const isCounted = (takenAt: number | null, now: number): boolean =>
  takenAt !== null && minuteOf(takenAt) >= minuteOf(now - HOUR_MS)

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
