import type { Json } from '../../src/kernel/json.ts'
import type { GraphAccount, TokenSource } from '../../src/graph/token.ts'
import type { Transport, TransportAnswer } from '../../src/graph/transport.ts'
import type { GraphRequest } from '../../src/plan/requests.ts'

export interface Seen {
  readonly url: string
  readonly init: RequestInit
}

/** A `fetch` that answers from a list (the last answer again and again) and remembers what it was asked. */
export function fakeFetch(...answers: (Response | Error | ((seen: Seen) => Promise<Response>))[]) {
  const seen: Seen[] = []
  async function fetch(this: unknown, input: unknown, init?: RequestInit): Promise<Response> {
    // Workers throw "Illegal invocation" when fetch is called as a method of something.
    if (this !== undefined) throw new TypeError('Illegal invocation')
    const call = { url: String(input), init: init ?? {} }
    seen.push(call)
    const answer = answers[Math.min(seen.length, answers.length) - 1]
    if (answer instanceof Error) throw answer
    if (typeof answer === 'function') return answer(call)
    return answer!.clone()
  }
  return { fetch: fetch as unknown as typeof globalThis.fetch, seen }
}

/** Never answers; rejects when its signal is aborted, as the real one does. */
export const silence = ({ init }: Seen) =>
  new Promise<Response>((_, reject) => {
    const late = () => reject(new DOMException('late', 'TimeoutError'))
    if (init.signal?.aborted) late()
    else init.signal?.addEventListener('abort', late)
  })

export const json = (status: number, body: Json, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
  })

export const ACCOUNT: GraphAccount = {
  tenantId: '11111111-1111-1111-1111-111111111111',
  clientId: '22222222-2222-2222-2222-222222222222',
  credential: { type: 'client_secret', secret: 'hunter2~secret' },
}

export function fakeClock(now = 1_700_000_000_000) {
  return {
    now: () => now,
    advance(milliseconds: number) {
      now += milliseconds
    },
  }
}

/** Gives token-1 until it is told to forget it, then token-2, and so on. */
export function fakeTokens(): TokenSource & { readonly forgotten: string[] } {
  const forgotten: string[] = []
  return {
    forgotten,
    token: async () => ({ ok: true, value: `token-${forgotten.length + 1}` }),
    forget: (_, token) => void forgotten.push(token),
  }
}

/** A transport that answers with a function of the request. */
export function fakeTransport(answer: (request: GraphRequest) => Promise<TransportAnswer>) {
  const sent: GraphRequest[] = []
  let renewed = 0
  const transport: Transport = {
    send(request) {
      sent.push(request)
      return answer(request)
    },
    renewToken: () => void renewed++,
  }
  return { transport, sent, renewals: () => renewed }
}

export const answered = (
  status: number,
  body?: Json,
  headers: Record<string, string> = {},
): TransportAnswer => ({ kind: 'answered', status, headers, body })
