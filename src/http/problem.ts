/**
 * Everything that a request to the admin API may be refused for, each arm with its evidence, and the one mapping from it to
 * a problem document (RFC 9457). Texts are read by administrators: what happened, why, what to do.
 */
import type { Json, JsonObject } from '../kernel/json.ts'
import { assertNever } from '../kernel/result.ts'
import type { Access, Role } from './access.ts'

/** One thing that is wrong with a request: in its body (a JSON Pointer, RFC 6901), its query or its headers. */
export type FieldProblem =
  | { readonly pointer: string; readonly detail: string }
  | { readonly parameter: string; readonly detail: string }
  | { readonly header: string; readonly detail: string }

export type Problem =
  | { readonly kind: 'invalid'; readonly errors: readonly FieldProblem[] }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'unauthorized'; readonly reason: keyof typeof REASONS }
  | { readonly kind: 'forbidden'; readonly role: Role; readonly least: Access }
  | { readonly kind: 'notFound'; readonly what: string }
  | { readonly kind: 'unknownPath' }
  | { readonly kind: 'methodNotAllowed'; readonly method: string; readonly allowed: string }
  /** What the organization has already forbids it; `evidence` names it, for programs. */
  | { readonly kind: 'conflict'; readonly detail: string; readonly evidence?: JsonObject }
  /** An Idempotency-Key came with another request before. */
  | { readonly kind: 'keyReused'; readonly key: string }
  | { readonly kind: 'payloadTooLarge'; readonly limitBytes: number }
  | { readonly kind: 'unsupportedMediaType'; readonly contentType: string }
  | { readonly kind: 'tooManyRequests'; readonly retryAfterSeconds: number }
  /** `detail`: who is busy, where it is not the database. */
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number; readonly detail?: string }
  | { readonly kind: 'internal'; readonly requestId: string }

export interface ProblemDocument {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 500 | 503
  readonly title: string
  readonly detail: string
  /** Members beyond those of RFC 9457. */
  readonly more?: Readonly<Record<string, Json>>
  readonly headers?: Readonly<Record<string, string>>
}

/** The problem of something that this organization does not have, by the id that was asked for. */
export const notFound = (what: string, id: string): Problem => ({
  kind: 'notFound',
  what: `${what} ${id.slice(0, 100)}`,
})

/** The fault of one field of the body. */
export const invalidField = (pointer: string, detail: string): Problem => ({
  kind: 'invalid',
  errors: [{ pointer, detail }],
})

/** The fault of one parameter of the query. */
export const invalidParameter = (parameter: string, detail: string): Problem => ({
  kind: 'invalid',
  errors: [{ parameter, detail }],
})

/** Status, texts and headers of a problem. */
export function toProblemDocument(problem: Problem): ProblemDocument {
  switch (problem.kind) {
    case 'invalid':
      return invalid(problem.errors)
    case 'unreadable':
      return document(400, 'The request cannot be read', problem.reason)
    case 'unauthorized':
      return { ...document(401, 'Not authenticated', REASONS[problem.reason]), headers: CHALLENGE }
    case 'forbidden':
      return document(403, 'Not allowed', refusal(problem.role, problem.least))
    case 'notFound':
      return document(404, 'Not found', `${problem.what} ${NOT_HERE}`)
    case 'unknownPath':
      return document(404, 'Not found', NO_PATH)
    case 'methodNotAllowed':
      return methodNotAllowed(problem.method, problem.allowed)
    case 'conflict':
      return { ...document(409, 'Conflict', problem.detail), more: problem.evidence ?? {} }
    case 'keyReused':
      return document(
        422,
        'Key used before',
        `The Idempotency-Key "${problem.key}" ${OTHER_REQUEST}`,
      )
    case 'payloadTooLarge':
      return document(413, 'Too large', `A body has ${problem.limitBytes} bytes at most.`)
    case 'unsupportedMediaType':
      return document(415, 'Unsupported content type', notJson(problem.contentType))
    case 'tooManyRequests':
      return later(document(429, 'Too many requests', TOO_MANY), problem.retryAfterSeconds)
    case 'busy':
      return later(document(503, 'Busy', problem.detail ?? BUSY), problem.retryAfterSeconds)
    case 'internal':
      return document(500, 'Internal error', `${INTERNAL} ${problem.requestId}.`)
    default:
      return assertNever(problem)
  }
}

const document = (
  status: ProblemDocument['status'],
  title: string,
  detail: string,
): ProblemDocument => ({ status, title, detail })

const later = (problem: ProblemDocument, seconds: number): ProblemDocument => ({
  ...problem,
  headers: { 'Retry-After': String(seconds) },
})

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="api"' }
const NOT_HERE = 'does not exist in this organization. Check the id, and whose key you use.'
const NO_PATH = 'The admin API has no such path. Check its spelling.'
const OTHER_REQUEST =
  'came with another request within the last 24 hours. Use a new key for each request, and the same one for its repeats alone.'
const TOO_MANY =
  'This key sends more requests than any administrator does. Send fewer, and try again later.'
const BUSY =
  'The database is busy, or somebody else is changing the same thing. Try again in a moment.'
const INTERNAL = 'Something went wrong in the gateway. Its log tells more under the request id'

const notJson = (contentType: string): string =>
  `"${contentType.slice(0, 100)}" is not understood: send the body as application/json.`

function methodNotAllowed(method: string, allowed: string): ProblemDocument {
  const detail = `${method} is not possible here: use ${allowed}.`
  return { ...document(405, 'Method not allowed', detail), headers: { Allow: allowed } }
}

const REASONS = {
  missing: 'The request carries no key: send "Authorization: Bearer <API key>".',
  malformed: 'The Authorization header is not understood: send "Authorization: Bearer <API key>".',
  refused:
    'The key is unknown, revoked or expired. Use another one, or ask a billing_admin of your organization for one.',
  notOperators:
    'This takes the deployment secret OPERATOR_TOKEN and nothing else: send "Authorization: Bearer <OPERATOR_TOKEN>", or ask the operator of the gateway.',
  ofSource:
    'This is a token of a source, which reaches /scim/v2 alone. The admin API takes an API key of an administrator (isth_api_…).',
  ofOperator:
    'This is the token of the operator, who makes organizations (POST /organizations) and no more. Everything else takes an API key of an administrator (isth_api_…), such as the one that was shown when the organization was made.',
} as const

/** The short text names the first error, so that whoever reads only that knows where to look. */
function invalid(errors: readonly FieldProblem[]): ProblemDocument {
  const [first] = errors
  const place = first === undefined ? '' : placeOf(first)
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more, see "errors")` : ''
  const detail =
    first === undefined ? '' : `${place === '' ? 'The body' : place} ${first.detail}${more}.`
  return {
    status: 400,
    title: 'The request is invalid',
    detail,
    more: { errors: errors.map((error): JsonObject => ({ ...error })) },
  }
}

const placeOf = (error: FieldProblem): string =>
  'pointer' in error ? error.pointer : 'parameter' in error ? error.parameter : error.header

function refusal(role: Role, least: Access): string {
  if (least === 'operator')
    return 'Only the operator of this deployment may do this, with the deployment secret OPERATOR_TOKEN.'
  return `The key has the role ${role}; this takes the role ${least}. Use a key of an administrator with that role.`
}
