/** How long to wait before another try when the other side did not say. */

const FIRST_SECONDS = 2
const LONGEST_SECONDS = 180

/**
 * The wait before try `attempt` + 1 without its jitter: 2, 4, 8 … 128, then 180 seconds. `attempt` counts failed tries from
 * 1; a count beyond any number of doublings, or none at all, is still answered (2 ** 2000 is Infinity, and its minimum 180).
 */
export function backoffBase(attempt: number): number {
  const doublings = Math.max(0, Math.floor(attempt) - 1) || 0
  return Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** doublings)
}

/**
 * Seconds to wait after `attempt` failed tries, with full jitter: evenly spread from 1 s to the base, so that what failed
 * together does not come back together. `random` is in [0, 1).
 */
export function backoffSeconds(attempt: number, random: number): number {
  return 1 + random * (backoffBase(attempt) - 1)
}

const LONGEST_PAUSE_MILLISECONDS = 500

/**
 * Milliseconds to let other writers of the same row go first that were faster `rounds` times: evenly spread from 0 to 20,
 * 40, 80 … 500, so that writers who met once do not all meet again. `random` is in [0, 1).
 */
export function pauseMilliseconds(rounds: number, random: number): number {
  return Math.floor(random * Math.min(LONGEST_PAUSE_MILLISECONDS, 10 * 2 ** rounds))
}
