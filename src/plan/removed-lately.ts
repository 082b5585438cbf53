/**
 * The directory's threshold: how many accounts may be disabled or deleted in one hour, whatever caused it, and how many were. Pure.
 */
import * as v from 'valibot'

import type { JsonObject } from '../kernel/json.ts'
import type { DirectorySettings } from './settings.ts'

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

export type Threshold = NonNullable<DirectorySettings['threshold']>

/** The larger of count and percent of the bound users; who did not count them has the count alone decide. */
export const limitOf = ({ count, percent }: Threshold, bound = 0): number =>
  Math.max(count, Math.floor((bound * percent) / 100))

/** Whether a removal at `takenAt` still counts. */
export const isCounted = (takenAt: number | null, now: number): boolean =>
  takenAt !== null && takenAt >= countedSince(now)

/** The first moment of which a removal still counts. */
export const countedSince = (now: number): number => minuteOf(now - HOUR_MS) * 60_000
