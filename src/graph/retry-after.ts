/** Reading Retry-After as Microsoft sends it: decimals, dates, nonsense, or nothing at all. */

/**
 * Microsoft asks for seconds or minutes. A value beyond an hour is taken for a mistake: believing it would stop a directory for
 * a day, while asking too early costs one more 429, which says again how long to wait.
 */
const LONGEST_SECONDS = 3600

/**
 * Seconds (whole, 1 to 3,600) that a Retry-After header asks for; undefined when it is missing or means nothing. `date` is
 * the answer's Date header, against which an HTTP date is read (our own clock may differ).
 */
export function parseRetryAfter(value: string | undefined, date?: string): number | undefined {
  const text = value?.trim()
  if (!text) return undefined
  const seconds = /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : secondsBetween(date, text)
  if (!Number.isFinite(seconds) || seconds < 0) return undefined
  // A decimal (0.124 was seen) is rounded up: a retry inside the window extends it.
  return Math.min(LONGEST_SECONDS, Math.max(1, Math.ceil(seconds)))
}

function secondsBetween(from: string | undefined, to: string): number {
  return from === undefined ? Number.NaN : (Date.parse(to) - Date.parse(from)) / 1000
}
