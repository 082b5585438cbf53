import type { Context, ErrorHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

import type { Result } from '../kernel/result.ts'
import type { AppEnv } from './context.ts'
import { type Problem, toProblemDocument } from './problem.ts'
import { type ErrorPorts, noteUnexpected } from './unexpected.ts'

const CONTENT_TYPE = 'application/problem+json'

/** A problem's type is a name, not an address: `urn:isthmus:problem:not-found`. */
const typeOf = ({ kind }: Problem): string =>
  `urn:isthmus:problem:${kind.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** The answer to a request of the admin API that is refused (RFC 9457). */
export function problemAnswer(c: Context, problem: Problem): Response {
  const { status, title, detail, more = {}, headers = {} } = toProblemDocument(problem)
  const requestId: unknown = c.get('requestId')
  const body = { ...more, type: typeOf(problem), title, status, detail, requestId }
  return c.body(JSON.stringify(body), status, { ...headers, 'Content-Type': CONTENT_TYPE })
}

/** The JSON of what a use case gave, or the problem that it ended in. */
export function apiAnswer(
  c: Context,
  result: Result<object, Problem>,
  status: ContentfulStatusCode = 200,
): Response {
  if (!result.ok) return problemAnswer(c, result.error)
  // Answers hold people's data, and some a secret that is shown once.
  return c.json(result.value, status, { 'Cache-Control': 'no-store' })
}

/** 204, or the problem that a use case ended in. */
export function emptyAnswer(c: Context, result: Result<unknown, Problem>): Response {
  return result.ok ? c.body(null, 204) : problemAnswer(c, result.error)
}

/** Answers what no route expected: 503 for what passes by itself, else 500 with the id under which it is logged. */
export const problemErrorHandler =
  <E extends AppEnv>(ports: ErrorPorts): ErrorHandler<E> =>
  (thrown, c) =>
    problemAnswer(c, noteUnexpected(ports, c.get('requestId'), thrown))
