/**
 * Token bucket arithmetic: one token is one write to Graph. Pure: the time is an argument, the state a value.
 *
 * Microsoft publishes a quota as writes per period ("3,000 per 150 s") without saying how its bucket refills. A bucket
 * as deep as the quota that also refills at the quota's rate lets twice the quota through in one period, so burst and
 * rate share the quota here: over any period, burst + rate × period stays within what was published.
 */
import { err, ok, type Result } from './result.ts'

/** A published quota: at most `writes` in any `seconds`. */
export interface Quota {
  readonly writes: number
  readonly seconds: number
}

/** The bucket made of a quota: how many tokens it holds when full, and how many flow in per second. */
export interface BucketShape {
  readonly capacity: number
  readonly perSecond: number
}

/** What is stored of a bucket. Tokens are fractional; times are milliseconds since 1970. */
export interface BucketState {
  readonly tokens: number
  readonly refilledAt: number
  readonly blockedUntil: number
}

/** What a taker gets: whole tokens (perhaps 0) and, when fewer than wanted, seconds until another try makes sense. */
export interface Taken {
  readonly state: BucketState
  readonly taken: number
  readonly waitSeconds: number
}

/** Reads `writes/seconds`, as `3000/150`. The error is a sentence for whoever configures the deployment. */
export function parseQuota(text: string): Result<Quota, string> {
  const match = /^\s*(\d{1,9})\s*\/\s*(\d{1,6})\s*$/.exec(text)
  const writes = Number(match?.[1])
  const seconds = Number(match?.[2])
  if (writes > 0 && seconds > 0) return ok({ writes, seconds })
  return err(`"${text.slice(0, 40)}" is no quota: write it as writes/seconds, for example 3000/150`)
}

/** A bucket holds this share of the quota at least: 90 of 3000, which is a round of four full envelopes. */
const LEAST_DEPTH = 0.03

/** Graph takes twenty writes in one envelope: where tokens are short, they are taken by the envelope. */
const ENVELOPE = 20

/**
 * The bucket for `percent` (1 to 100) of a quota: its rate is that share of the published rate, its depth what the
 * published quota leaves beside that rate, at most a quarter of the share (3000/150 at 80 % is 16 per second, burst 600).
 */
export function bucketShape(quota: Quota, percent: number): BucketShape {
  const share = Math.min(Math.max(percent, 1), 100) / 100
  const used = quota.writes * share
  const spare = Math.max(quota.writes - used, quota.writes * LEAST_DEPTH)
  const capacity = Math.max(1, Math.floor(Math.min(spare, used / 4)))
  // Near 100 % little is left for a burst: the rate gives way, so that both together stay within the quota.
  const flow = Math.min(used, Math.max(quota.writes - capacity, 1))
  return { capacity, perSecond: flow / quota.seconds }
}

/** A bucket nobody has taken from. */
export function fullBucket(shape: BucketShape, now: number): BucketState {
  return { tokens: shape.capacity, refilledAt: now, blockedUntil: 0 }
}

/** The state at `now`. A clock that went backwards adds nothing, and nothing flows in while the bucket is blocked. */
export function refill(state: BucketState, now: number, shape: BucketShape): BucketState {
  const since = Math.max(state.refilledAt, state.blockedUntil)
  const tokens = Math.min(shape.capacity, state.tokens)
  if (now <= since) return { ...state, tokens }
  const flowed = ((now - since) / 1000) * shape.perSecond
  return { ...state, tokens: Math.min(shape.capacity, tokens + flowed), refilledAt: now }
}

/**
 * Takes `wanted` whole tokens; where they are fewer, whole envelopes of them (a bucket that holds less than an envelope
 * gives what it holds); none while the bucket is blocked. What is left is best asked for again once as many are there.
 */
export function take(state: BucketState, wanted: number, now: number, shape: BucketShape): Taken {
  const filled = refill(state, now, shape)
  if (now < filled.blockedUntil)
    return { state: filled, taken: 0, waitSeconds: secondsUntil(filled, wanted, now, shape) }
  const there = Math.max(0, Math.min(Math.floor(filled.tokens), Math.floor(wanted)))
  const taken = there < wanted ? there - (there % grainOf(shape)) : there
  const rest = { ...filled, tokens: filled.tokens - taken }
  const waitSeconds = taken < wanted ? secondsUntil(rest, wanted, now, shape) : 0
  return { state: rest, taken, waitSeconds }
}

/** By how many tokens a bucket gives when it has fewer than wanted. */
export const grainOf = ({ capacity }: BucketShape): number => Math.min(ENVELOPE, capacity)

/** Gives back tokens that were taken and not used. */
export function giveBack(state: BucketState, count: number, shape: BucketShape): BucketState {
  return { ...state, tokens: Math.min(shape.capacity, state.tokens + Math.max(0, count)) }
}

/** Seconds from `now` until `count` tokens are there; more than the bucket holds counts as a full bucket. */
export function secondsUntil(
  state: BucketState,
  count: number,
  now: number,
  shape: BucketShape,
): number {
  const filled = refill(state, now, shape)
  const blocked = Math.max(0, filled.blockedUntil - now) / 1000
  const missing = Math.min(count, shape.capacity) - filled.tokens
  return blocked + Math.max(0, missing) / shape.perSecond
}

/**
 * Blocks the bucket for `seconds` after a 429 and empties it: Graph's own count was higher than ours. A shorter
 * block never shortens a longer one.
 */
export function block(state: BucketState, now: number, seconds: number): BucketState {
  const blockedUntil = Math.max(state.blockedUntil, now + Math.ceil(seconds * 1000))
  return { tokens: 0, refilledAt: Math.max(state.refilledAt, now), blockedUntil }
}
