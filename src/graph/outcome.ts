/**
 * What one answer of Graph means for the request it answers. Pure: an interpreter of the rows in `outcome-table.ts`. Where an
 * answer leaves doubt, a write counts as unknown, never as done or not done.
 */
import { isJsonObject, type Json } from '../kernel/json.ts'
import { assertNever } from '../kernel/result.ts'
import type { AuthFailure } from './auth-failure.ts'
import type { InnerAnswer } from './batch.ts'
import { parseGraphError } from './graph-error.ts'
import { afterSeconds, fillOutcome, type Answered } from './outcome-fill.ts'
import { matches } from './outcome-match.ts'
import type { RowOutcome } from './outcome-row.ts'
import { OUTCOME_TABLE, REJECTED_OUTCOME } from './outcome-table.ts'
import type { Outcome, WriteContext } from './outcome-types.ts'
import { parseRetryAfter } from './retry-after.ts'

export type * from './outcome-types.ts'

/** Says what an answer means. Total: every answer, also one never seen before, has an outcome. */
export function classifyAnswer(answer: InnerAnswer, context: WriteContext): Outcome {
  switch (answer.kind) {
    case 'answered':
      return classifyAnswered(answer, context)
    case 'unanswered': {
      const after = afterSeconds(parseRetryAfter(answer.retryAfter))
      const outcome: Outcome =
        context.purpose === 'read'
          ? { kind: 'retry', reason: 'no_answer', countsAsAttempt: true, ...after }
          : { kind: 'unknown', reason: answer.why, ...after }
      return withRequestId(outcome, answer.requestId)
    }
    case 'not_executed': {
      const countsAsAttempt = answer.why === 'envelope_refused'
      return withRequestId({ kind: 'retry', reason: answer.why, countsAsAttempt }, answer.requestId)
    }
    case 'auth_failed':
      return fromAuthFailure(answer.failure)
    default:
      return assertNever(answer)
  }
}

function classifyAnswered(answer: Answered, context: WriteContext): Outcome {
  if (answer.status >= 200 && answer.status < 300)
    return withRequestId(succeeded(answer.body, context), answer.requestId)
  const error = parseGraphError(answer.body, answer.headers)
  const row = OUTCOME_TABLE.find((row) => matches(row, answer.status, error, context))
  const outcome = fillOutcome(row?.outcome ?? unlisted(answer.status), {
    answer,
    error,
    context,
    row,
  })
  return withRequestId(outcome, error.requestId ?? answer.requestId)
}

/** A new user whose id did not arrive must be looked up, as if nothing had been answered. */
function succeeded(body: Json | undefined, { purpose }: WriteContext): Outcome {
  const id = isJsonObject(body) ? body['id'] : undefined
  if (purpose === 'create_user' && typeof id !== 'string')
    return { kind: 'unknown', reason: 'truncated' }
  return { kind: 'done', ...(body === undefined ? {} : { body }) }
}

const unlisted = (status: number): RowOutcome =>
  status >= 500 ? { kind: 'serverError' } : REJECTED_OUTCOME

function fromAuthFailure(failure: AuthFailure): Outcome {
  const { code, message } = failure
  if (failure.kind === 'permanent') {
    const { whatToDo } = failure
    return withRequestId(
      { kind: 'authError', scope: 'connection', code, message, whatToDo },
      failure.requestId,
    )
  }
  const after = afterSeconds(failure.retryAfterSeconds)
  const outcome: Outcome = {
    kind: 'retry',
    reason: 'login_unavailable',
    countsAsAttempt: false,
    ...after,
  }
  return withRequestId(outcome, failure.requestId)
}

function withRequestId(outcome: Outcome, requestId: string | undefined): Outcome {
  return requestId === undefined ? outcome : { ...outcome, requestId }
}
