import type { Context, ErrorHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

import type { JsonObject } from '../kernel/json.ts'
import { toScimError, type ScimFault } from '../scim/fault.ts'
import { errorBody } from '../scim/messages.ts'
import type { AppEnv, Log } from './context.ts'

/** Exactly this, without a charset: Entra's validator refuses anything else. */
const SCIM_CONTENT_TYPE = 'application/scim+json'

type Headers = Readonly<Record<string, string>>

/** An answer with a SCIM body. */
export function scimAnswer(
  c: Context,
  status: ContentfulStatusCode,
  body: JsonObject,
  headers: Headers = {},
): Response {
  return c.body(JSON.stringify(body), status, { 'Content-Type': SCIM_CONTENT_TYPE, ...headers })
}

/** The answer to a request that is refused (RFC 7644 section 3.12). */
export function scimFault(c: Context, fault: ScimFault): Response {
  const error = toScimError(fault)
  return scimAnswer(c, error.status, errorBody(error), {
    ...(error.retryAfterSeconds === undefined
      ? {}
      : { 'Retry-After': String(error.retryAfterSeconds) }),
    ...(fault.kind === 'methodNotAllowed' ? { Allow: fault.allowed } : {}),
    ...(fault.kind === 'versionMismatch' ? { ETag: fault.current } : {}),
    ...(fault.kind === 'unauthorized' ? { 'WWW-Authenticate': 'Bearer realm="scim"' } : {}),
  })
}

export interface ErrorPorts {
  readonly log: Log
  /** The text of an error that may be logged. */
  readonly describe: (thrown: unknown) => string
  /** Whether the error passes by itself, so that the client should try again. */
  readonly isTransient: (thrown: unknown) => boolean
}

/** Answers what no handler expected: 503 for what passes by itself, else 500 with the id under which it is logged. */
export function scimErrorHandler<E extends AppEnv>(ports: ErrorPorts): ErrorHandler<E> {
  return function answerUnexpected(thrown, c) {
    const requestId = c.get('requestId')
    const isTransient = ports.isTransient(thrown)
    ports.log({
      level: isTransient ? 'warn' : 'error',
      message: 'request failed',
      requestId,
      error: ports.describe(thrown),
      at: placesOf(thrown),
    })
    return scimFault(
      c,
      isTransient ? { kind: 'busy', retryAfterSeconds: 2 } : { kind: 'internal', requestId },
    )
  }
}

/** The first places of the stack, without the message, which may hold anything. */
function placesOf(thrown: unknown): string[] {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  const places = stack.split('\n').filter((line) => /^\s+at /.test(line))
  return places.slice(0, 6).map((line) => line.trim())
}
