/**
 * Graph's `$batch` (https://learn.microsoft.com/graph/json-batching): up to 20 requests in one envelope. The envelope saves
 * round trips, not quota: each inner request counts.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { assertNever } from '../kernel/result.ts'
import type { AuthFailure } from './auth-failure.ts'
import type { GraphRequest } from '../plan/requests.ts'
import type { GraphHeaders, Transport, TransportAnswer } from './transport.ts'

/** A request under the caller's own id, which must be unique in its envelope. */
export interface BatchItem {
  readonly id: string
  readonly request: GraphRequest
}

/** Up to 20 items that travel together; `serial` runs them in order, and a failure fails what follows (424). */
export interface Envelope {
  readonly items: readonly BatchItem[]
  readonly serial?: boolean
}

/**
 * What became of one inner request. `answered`: Graph's own answer (an envelope's 429 is every item's). `unanswered`: it may
 * have been carried out. `not_executed`: it was certainly not, because the envelope was refused or never sent.
 * `auth_failed`: nor was it then.
 */
export type InnerAnswer =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: GraphHeaders
      readonly body: Json | undefined
      readonly requestId?: string
    }
  | {
      readonly kind: 'unanswered'
      readonly why: 'timeout' | 'network' | 'truncated' | 'missing' | 'server_error'
      readonly status?: number
      readonly retryAfter?: string
      readonly requestId?: string
    }
  | {
      readonly kind: 'not_executed'
      readonly why: 'envelope_refused' | 'not_sent'
      readonly status?: number
      readonly requestId?: string
    }
  | { readonly kind: 'auth_failed'; readonly failure: AuthFailure }

export type InnerAnswers = ReadonlyMap<string, InnerAnswer>

export const MOST_PER_ENVELOPE = 20

/** Sends one envelope and gives an answer for every item, whatever happened. Too many items are a bug and throw. */
export async function sendBatch(
  transport: Transport,
  items: readonly BatchItem[],
  options: { readonly serial?: boolean } = {},
): Promise<InnerAnswers> {
  if (items.length === 0) return new Map<string, InnerAnswer>()
  if (items.length > MOST_PER_ENVELOPE)
    throw new RangeError(`an envelope takes ${MOST_PER_ENVELOPE} requests, got ${items.length}`)
  if (new Set(items.map(({ id }) => id)).size < items.length)
    throw new RangeError('the ids in an envelope must differ')
  const body = { requests: items.map((item, i) => wireRequest(item, i, options.serial ?? false)) }
  const answer = await transport.send({ method: 'POST', url: '/$batch', body })
  const answers = readEnvelope(answer, items)
  if ([...answers.values()].some(refusesToken)) transport.renewToken()
  return answers
}

/** The same answer for every item: for an envelope that failed as a whole, or was not sent. */
export function sameAnswer(items: readonly BatchItem[], answer: InnerAnswer): InnerAnswers {
  return new Map(items.map(({ id }) => [id, answer]))
}

/** Ids on the wire are places in the envelope: Graph compares ids without regard to case. */
const wireId = (place: number): string => String(place + 1)

function wireRequest(item: BatchItem, place: number, serial: boolean): JsonObject {
  const { method, url, headers, body } = item.request
  // Graph wants a body and its Content-Type even of a POST that has nothing to say.
  const sentBody = body === undefined && method === 'POST' ? {} : body
  const sentHeaders = withContentType(headers ?? {}, sentBody !== undefined)
  return {
    id: wireId(place),
    method,
    url,
    ...(Object.keys(sentHeaders).length > 0 ? { headers: sentHeaders } : {}),
    ...(sentBody === undefined ? {} : { body: sentBody }),
    ...(serial && place > 0 ? { dependsOn: [wireId(place - 1)] } : {}),
  }
}

function withContentType(
  headers: Readonly<Record<string, string>>,
  hasBody: boolean,
): Readonly<Record<string, string>> {
  const named = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  return hasBody && !named ? { ...headers, 'Content-Type': 'application/json' } : headers
}

function readEnvelope(answer: TransportAnswer, items: readonly BatchItem[]): InnerAnswers {
  switch (answer.kind) {
    case 'unanswered':
    case 'auth_failed':
      return sameAnswer(items, answer)
    case 'answered':
      return answer.status === 200
        ? readResponses(answer, items)
        : sameAnswer(items, refusedEnvelope(answer))
    default:
      return assertNever(answer)
  }
}

type Answered = Extract<TransportAnswer, { kind: 'answered' }>

/**
 * What an envelope that is no 200 says of its items. 429: none was carried out. Another 4xx (or a redirect): the same, and
 * its status must not be read as that of an item, for a 404 would then mean a missing user. 5xx: nobody knows.
 */
function refusedEnvelope(answer: Answered): InnerAnswer {
  const id = answer.requestId === undefined ? {} : { requestId: answer.requestId }
  const { status, headers, body } = answer
  if (status === 429) return { kind: 'answered', status, headers, body, ...id }
  if (status >= 300 && status < 500 && status !== 408)
    return { kind: 'not_executed', why: 'envelope_refused', status, ...id }
  const retryAfter = headers['retry-after']
  const stated = retryAfter === undefined ? {} : { retryAfter }
  return { kind: 'unanswered', why: 'server_error', status, ...stated, ...id }
}

function readResponses(answer: Answered, items: readonly BatchItem[]): InnerAnswers {
  const list = isJsonObject(answer.body) ? answer.body['responses'] : undefined
  const byWireId = new Map<string, JsonObject>()
  for (const response of isJsonArray(list) ? list : [])
    if (isJsonObject(response) && typeof response['id'] === 'string')
      byWireId.set(response['id'], response)
  return new Map(items.map(({ id }, i) => [id, innerAnswer(byWireId.get(wireId(i)), answer)]))
}

function innerAnswer(
  response: JsonObject | undefined,
  { requestId: envelopeId, headers: { date } }: Answered,
): InnerAnswer {
  const status = response?.['status']
  if (!response || typeof status !== 'number')
    return {
      kind: 'unanswered',
      why: 'missing',
      ...(envelopeId === undefined ? {} : { requestId: envelopeId }),
    }
  // Only the envelope tells its date, against which a Retry-After that is a date has to be read.
  const headers: GraphHeaders = {
    ...(date === undefined ? {} : { date }),
    ...lowerCaseNames(response['headers']),
  }
  const requestId = headers['request-id'] ?? envelopeId
  const id = requestId === undefined ? {} : { requestId }
  return { kind: 'answered', status, headers, body: response['body'] ?? undefined, ...id }
}

/** Inside an envelope the case of header names varies from answer to answer. */
function lowerCaseNames(headers: Json | undefined): GraphHeaders {
  if (!isJsonObject(headers)) return {}
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number'
        ? [[name.toLowerCase(), String(value)]]
        : [],
    ),
  )
}

const refusesToken = (answer: InnerAnswer): boolean =>
  answer.kind === 'answered' && answer.status === 401
