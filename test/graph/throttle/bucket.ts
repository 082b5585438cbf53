/** So much in so many seconds. */
export interface Quota {
  readonly limit: number
  readonly seconds: number
  /** How much may come at once after a rest; default the whole limit. */
  readonly burst?: number
}

/** Sums of fractions miss whole numbers by a little. */
const TOLERANCE = 1e-6

/**
 * A token bucket: full at first, refilled without a break. Microsoft does not publish how its buckets refill; this one
 * lets a whole limit through at once and another one in the period after it, so a client that must be right in any case
 * is tested with a smaller `burst`.
 */
export class Bucket {
  #spent = 0
  #at: number

  constructor(now: number) {
    this.#at = now
  }

  /** Milliseconds until so much can be taken; 0 when it can be now. */
  wait(quota: Quota, amount: number, now: number): number {
    const burst = burstOf(quota)
    // Whoever asks for more than a full bucket waits for a full one: waiting longer would not help.
    const missing = this.spent(quota, now) + Math.min(amount, burst) - burst
    return missing <= TOLERANCE ? 0 : (missing * quota.seconds * 1000) / quota.limit
  }

  /** Takes so much, whether it is there or not; the debt is never more than another bucketful. */
  take(quota: Quota, amount: number, now: number): void {
    this.#spent = Math.min(burstOf(quota) * 2, this.spent(quota, now) + amount)
  }

  /** Returns what turned out not to be owed. */
  giveBack(amount: number): void {
    this.#spent = Math.max(0, this.#spent - amount)
  }

  /** What is taken and not yet refilled; above the burst it is debt. */
  spent(quota: Quota, now: number): number {
    const refilled = (Math.max(0, now - this.#at) * quota.limit) / (quota.seconds * 1000)
    this.#at = Math.max(now, this.#at)
    this.#spent = Math.max(0, this.#spent - refilled)
    return this.#spent
  }
}

export const burstOf = (quota: Quota): number => quota.burst ?? quota.limit
