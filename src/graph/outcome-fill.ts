/** Completes the outcome of a row of `outcome-table.ts` by what varies from answer to answer. */
import { isJsonObject } from '../kernel/json.ts'
import { redactSecrets } from '../kernel/redact.ts'
import { assertNever } from '../kernel/result.ts'
import type { InnerAnswer } from './batch.ts'
import type { GraphError } from './graph-error.ts'
import { sensitiveAttributes } from './outcome-match.ts'
import type { OutcomeRow, RowOutcome } from './outcome-row.ts'
import { PASSWORD_PERMISSION, PERMISSIONS, type Explanation } from './outcome-texts.ts'
import type { Outcome, Purpose, ThrottleScope, WriteContext } from './outcome-types.ts'
import { parseRetryAfter } from './retry-after.ts'

export type Answered = Extract<InnerAnswer, { kind: 'answered' }>
type Explained = Extract<Outcome, { message: string }>
type RestartPoint = Extract<RowOutcome, { kind: 'restart' }>['from']

/** Graph names no time in some of its 429s. */
const UNSTATED_THROTTLE_SECONDS = 10
const GRAPH_MESSAGE_LENGTH = 300
const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

/** An answer that is no success, and what it answers. */
export interface Case {
  readonly answer: Answered
  readonly error: GraphError
  readonly context: WriteContext
  readonly row: OutcomeRow | undefined
}

/** Completes a row's outcome by what the answer and the request say. */
export function fillOutcome(outcome: RowOutcome, known: Case): Outcome {
  if ('text' in outcome) return explained(outcome, known)
  const { headers } = known.answer
  const stated = parseRetryAfter(headers['retry-after'], headers['date'])
  switch (outcome.kind) {
    case 'alreadyDone':
    case 'splitNeeded':
      return outcome
    case 'notReplicated':
      return { ...outcome, ...missingId(known.error) }
    case 'throttled':
      return throttled(stated, headers['x-ms-throttle-scope'])
    case 'missing':
      return { kind: 'missing', ...missingId(known.error) }
    case 'serverError':
      return serverError(known.context.purpose, stated)
    case 'retry':
      return retry(outcome, stated)
    case 'conflict':
      return { ...outcome, ...holder(known.error) }
    case 'restart':
      return restart(outcome.from, headers['location'])
    default:
      return assertNever(outcome)
  }
}

function throttled(stated: number | undefined, scope: string | undefined): Outcome {
  return {
    kind: 'throttled',
    retryAfterSeconds: stated ?? UNSTATED_THROTTLE_SECONDS,
    stated: stated !== undefined,
    scope: throttleScope(scope),
  }
}

function serverError(purpose: Purpose, stated: number | undefined): Outcome {
  return purpose === 'read'
    ? { kind: 'retry', reason: 'server_error', countsAsAttempt: true, ...afterSeconds(stated) }
    : { kind: 'unknown', reason: 'server_error', ...afterSeconds(stated) }
}

function retry(row: Extract<RowOutcome, { kind: 'retry' }>, stated: number | undefined): Outcome {
  const after = afterSeconds(stated ?? row.afterSeconds)
  return { kind: 'retry', reason: row.reason, countsAsAttempt: !row.free, ...after }
}

function restart(from: RestartPoint, url: string | undefined): Outcome {
  return { kind: 'restart', from, ...(url === undefined ? {} : { url }) }
}

/** `<scope>/<limit>/<app id>/<tenant id>`; the narrowest when Graph does not say. */
function throttleScope(header: string | undefined): ThrottleScope {
  const scope = header?.split('/', 1)[0]?.toLowerCase()
  if (scope === 'application') return 'app'
  return scope === 'tenant' ? 'tenant' : 'app_tenant'
}

/** For spreading: no member at all when no time is known. */
export const afterSeconds = (seconds: number | undefined): { afterSeconds?: number } =>
  seconds === undefined ? {} : { afterSeconds: seconds }

function missingId(error: GraphError): { objectId?: string } {
  const objectId = new RegExp(`^Resource '(${GUID})' does not exist`, 'i').exec(error.message)?.[1]
  return objectId === undefined ? {} : { objectId }
}

/** Who holds the value: the detail ConflictingObjects has the target `User_<id>`. */
function holder(error: GraphError): { holderId?: string; holderKind?: string } {
  const pattern = new RegExp(`^(\\w+)_(${GUID})$`, 'i')
  for (const { code, target } of error.details) {
    const [, kind, id] = (code === 'ConflictingObjects' && pattern.exec(target)) || []
    if (kind && id) return { holderId: id, holderKind: kind.toLowerCase() }
  }
  return {}
}

type ExplainedRow = Extract<RowOutcome, { text: Explanation }>

function explained(outcome: ExplainedRow, known: Case): Explained {
  const { error, context } = known
  switch (outcome.kind) {
    case 'privilegedTarget': {
      const attributes = sensitiveAttributes(context)
      return { kind: 'privilegedTarget', attributes, ...worded(outcome.text, known) }
    }
    case 'masteredOnPremises':
      return { kind: 'masteredOnPremises', ...worded(outcome.text, known) }
    case 'authError': {
      const code = error.code || `http_${known.answer.status}`
      return { kind: 'authError', scope: outcome.scope, code, ...worded(outcome.text, known) }
    }
    case 'permanent': {
      const attribute = outcome.attribute ?? namedAttribute(known)
      return {
        kind: 'permanent',
        code: outcome.code,
        graphCode: error.code,
        graphMessage: graphMessage(known),
        ...(attribute === undefined ? {} : { attribute }),
        ...afterSeconds(outcome.afterSeconds),
        ...worded(outcome.text, known, attribute),
      }
    }
    default:
      return assertNever(outcome)
  }
}

function worded(text: Explanation, known: Case, attribute?: string): Explanation {
  const { context } = known
  const password = sensitiveAttributes(context).includes('passwordProfile')
  const permission =
    password && context.purpose === 'update_user'
      ? PASSWORD_PERMISSION
      : PERMISSIONS[context.purpose]
  const fillIn = (sentence: string) =>
    sentence
      .replaceAll('{attribute}', () => attribute ?? 'an attribute')
      .replaceAll('{permission}', permission)
      .replaceAll('{again}', context.purpose === 'read' ? 'try again' : 'export again')
      .replaceAll('{reason}', () => graphMessage(known) || 'it gave no reason.')
  return { message: fillIn(text.message), whatToDo: fillIn(text.whatToDo) }
}

/** Graph's words, as far as they may be kept: the password that was sent is not among them. */
function graphMessage({ error, context }: Case): string {
  const profile = context.request.body?.['passwordProfile']
  const password = isJsonObject(profile) ? profile['password'] : undefined
  const message =
    typeof password === 'string' && password !== ''
      ? error.message.replaceAll(password, '[password]')
      : error.message
  return redactSecrets(message).slice(0, GRAPH_MESSAGE_LENGTH)
}

/** The attribute an error is about: the detail's target, else what the row's pattern finds in the text. */
function namedAttribute({ error, row }: Case): string | undefined {
  const target = error.details.find((detail) => detail.code === 'InvalidValue')?.target
  return target || row?.says?.message?.exec(error.message)?.[1]
}
