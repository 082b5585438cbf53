/** What travelled to Graph and when: an observer beside the wire, which knows nothing of the gateway nor of the emulator. */
import * as v from 'valibot'

import type { VirtualTime } from './virtual-time.ts'

/** One `$batch` as it was on the wire; times are milliseconds. */
export interface Envelope {
  readonly tenantId: string
  readonly sentAt: number
  answeredAt: number
  /** What was asked, as `POST /users`, in order. */
  readonly requests: readonly string[]
  /** How many of them write. */
  readonly writes: number
  /** Whether each waits for the one before it. */
  readonly isSerial: boolean
  /** How many were answered 429, and how many seconds the longest Retry-After told. */
  throttled: number
  retryAfter: number
}

export interface Traffic {
  readonly envelopes: readonly Envelope[]
  /** Carries a request over the wire, which takes its time, half of it each way. */
  readonly carry: typeof fetch
}

const batchSchema = v.object({
  requests: v.array(
    v.object({ method: v.string(), url: v.string(), dependsOn: v.optional(v.array(v.string())) }),
  ),
})
const answerSchema = v.object({
  responses: v.array(
    v.object({
      status: v.number(),
      headers: v.optional(v.record(v.string(), v.unknown())),
    }),
  ),
})
const claimsSchema = v.object({ tid: v.string() })

/** Watches everything that is sent to `graph` while `latency` milliseconds pass for each. */
export function watchTraffic(
  graph: (request: Request) => Promise<Response>,
  time: VirtualTime,
  latency: number,
): Traffic {
  const envelopes: Envelope[] = []
  const cross = async (request: Request) => {
    await time.sleep(latency / 2)
    const answer = await time.during(graph(request))
    await time.sleep(latency / 2)
    return answer
  }
  return {
    envelopes,
    carry: async (input, init) => {
      const request = new Request(input, init)
      if (!request.url.endsWith('/$batch')) return cross(request)
      const envelope = open(request, await time.during(request.clone().json()), time.now())
      envelopes.push(envelope)
      const answer = await cross(request)
      envelope.answeredAt = time.now()
      noteThrottling(envelope, await time.during(answer.clone().json()))
      return answer
    },
  }
}

function open(request: Request, body: unknown, sentAt: number): Envelope {
  const { requests } = v.parse(batchSchema, body)
  const [, claims = ''] = request.headers.get('Authorization')?.split('.') ?? []
  const { tid } = v.parse(claimsSchema, JSON.parse(atob(base64(claims))))
  return {
    tenantId: tid,
    sentAt,
    answeredAt: Infinity,
    requests: requests.map(({ method, url }) => `${method} ${url}`),
    writes: requests.filter(({ method }) => method !== 'GET').length,
    isSerial: requests.some(({ dependsOn }) => dependsOn !== undefined),
    throttled: 0,
    retryAfter: 0,
  }
}

const base64 = (base64url: string): string => base64url.replaceAll('-', '+').replaceAll('_', '/')

function noteThrottling(envelope: Envelope, body: unknown): void {
  const answer = v.safeParse(answerSchema, body)
  if (!answer.success) return
  const refused = answer.output.responses.filter(({ status }) => status === 429)
  envelope.throttled = refused.length
  envelope.retryAfter = Math.max(
    0,
    ...refused.map(({ headers = {} }) => Number(headers['Retry-After'] ?? 0)),
  )
}
