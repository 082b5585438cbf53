/** What becomes of an error that nobody expected: one line of the log, and what its client may know. */
import type { Log } from './context.ts'

export interface ErrorPorts {
  readonly log: Log
  /** The text of an error that may be logged. */
  readonly describe: (thrown: unknown) => string
  /** Whether the error passes by itself, so that the client should try again. */
  readonly isTransient: (thrown: unknown) => boolean
}

/** `internal` is found in the log by the id of the request. */
export type Unexpected =
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
  | { readonly kind: 'internal'; readonly requestId: string }

/** Logs the error, and says how the request ends. */
export function noteUnexpected(
  { log, describe, isTransient }: ErrorPorts,
  requestId: string,
  thrown: unknown,
): Unexpected {
  const passes = isTransient(thrown)
  log({
    level: passes ? 'warn' : 'error',
    message: 'request failed',
    requestId,
    error: describe(thrown),
    at: placesOf(thrown),
  })
  return passes ? { kind: 'busy', retryAfterSeconds: 2 } : { kind: 'internal', requestId }
}

/** The first places of the stack, without the message, which may hold anything. */
function placesOf(thrown: unknown): string[] {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  const places = stack.split('\n').filter((line) => /^\s+at /.test(line))
  return places.slice(0, 6).map((line) => line.trim())
}
