import type { Context, ErrorHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

import type { JsonObject } from '../kernel/json.ts'
import { toScimError, type ScimFault } from '../scim/fault.ts'
import { errorBody } from '../scim/messages.ts'
import type { AppEnv } from './context.ts'
import { type ErrorPorts, noteUnexpected } from './unexpected.ts'

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

/** Answers what no handler expected: 503 for what passes by itself, else 500 with the id under which it is logged. */
export const scimErrorHandler =
  <E extends AppEnv>(ports: ErrorPorts): ErrorHandler<E> =>
  (thrown, c) =>
    scimFault(c, noteUnexpected(ports, c.get('requestId'), thrown))
