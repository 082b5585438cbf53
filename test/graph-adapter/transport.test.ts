import { describe, expect, it, vi } from 'vitest'

import { createTransport } from '../../src/graph/transport.ts'
import { ACCOUNT, fakeClock, fakeFetch, fakeTokens, json, silence } from './fakes.ts'

const GET_USER = { method: 'GET', url: '/users/1' } as const
const EXPIRED = json(
  401,
  { error: { code: 'InvalidAuthenticationToken', message: 'Access token has expired.' } },
  { 'request-id': 'r-401' },
)

function transportWith(...answers: Parameters<typeof fakeFetch>) {
  const { fetch, seen } = fakeFetch(...answers)
  const tokens = fakeTokens()
  const clock = fakeClock()
  let count = 0
  const options = {
    fetch,
    clock,
    tokenSource: tokens,
    account: ACCOUNT,
    graphBaseUrl: 'https://graph.example/v1.0',
    timeoutMs: 30,
    newRequestId: () => `c-${++count}`,
  }
  return { transport: createTransport(options), options, seen, tokens, clock }
}

describe('the transport', () => {
  it('sends a request below the base with token, request id and JSON', async () => {
    const { transport, seen } = transportWith(json(201, { id: '1' }, { 'Request-Id': 'r-1' }))
    const answer = await transport.send({
      method: 'POST',
      url: '/users',
      headers: { ConsistencyLevel: 'eventual' },
      body: { displayName: 'Ada' },
    })
    expect(answer).toMatchObject({
      kind: 'answered',
      status: 201,
      body: { id: '1' },
      requestId: 'r-1',
    })
    expect(seen[0]?.url).toBe('https://graph.example/v1.0/users')
    expect(seen[0]?.init.body).toBe('{"displayName":"Ada"}')
    expect(seen[0]?.init.redirect).toBe('manual')
    expect(Object.fromEntries(new Headers(seen[0]?.init.headers))).toMatchObject({
      authorization: 'Bearer token-1',
      'client-request-id': 'c-1',
      'content-type': 'application/json',
      consistencylevel: 'eventual',
    })
  })

  it('reads an answer without body', async () => {
    const { transport } = transportWith(new Response(null, { status: 204 }))
    expect(await transport.send(GET_USER)).toMatchObject({ status: 204, body: undefined })
  })

  it('follows a link that Graph gave, and none to another host', async () => {
    const { transport, seen } = transportWith(json(200, {}))
    await transport.send({ method: 'GET', url: 'https://graph.example/v1.0/users?$skiptoken=x' })
    expect(seen[0]?.url).toBe('https://graph.example/v1.0/users?$skiptoken=x')
    const elsewhere = { method: 'GET', url: 'https://evil.example/v1.0/users' } as const
    await expect(transport.send(elsewhere)).rejects.toThrow('leads away')
    expect(seen).toHaveLength(1)
  })

  it('sends once more with a new token after a 401', async () => {
    const { transport, seen, tokens } = transportWith(EXPIRED, json(200, { id: '1' }))
    expect(await transport.send(GET_USER)).toMatchObject({ kind: 'answered', status: 200 })
    expect(tokens.forgotten).toEqual(['token-1'])
    const sent = seen.map(({ init }) => new Headers(init.headers))
    expect(sent.map((headers) => headers.get('authorization'))).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ])
    expect(sent.map((headers) => headers.get('client-request-id'))).toEqual(['c-1', 'c-2'])
  })

  it('calls a second 401 a failure for an administrator, and keeps no token', async () => {
    const { transport, seen, tokens } = transportWith(EXPIRED)
    expect(await transport.send(GET_USER)).toMatchObject({
      kind: 'auth_failed',
      failure: { kind: 'permanent', code: 'InvalidAuthenticationToken', requestId: 'r-401' },
    })
    expect(seen).toHaveLength(2)
    expect(tokens.forgotten).toEqual(['token-1', 'token-2'])
  })

  it('calls it transient while the consent still spreads', async () => {
    const { options, clock } = transportWith(EXPIRED)
    const account = { ...ACCOUNT, connectedAt: clock.now() - 60_000 }
    const transport = createTransport({ ...options, account })
    expect(await transport.send(GET_USER)).toMatchObject({ failure: { kind: 'transient' } })
  })

  it('sends nothing without a token', async () => {
    const { options, seen } = transportWith(json(200, {}))
    const failure = { kind: 'transient', code: 'x', message: 'y' } as const
    const tokenSource = {
      ...options.tokenSource,
      token: async () => ({ ok: false, error: failure }) as const,
    }
    const answer = await createTransport({ ...options, tokenSource }).send(GET_USER)
    expect(answer).toEqual({ kind: 'auth_failed', failure })
    expect(seen).toHaveLength(0)
  })

  it('gives up after its timeout, whether headers or body are late', async () => {
    const silent = transportWith(silence)
    expect(await silent.transport.send(GET_USER)).toMatchObject({
      kind: 'unanswered',
      why: 'timeout',
    })
    const stalled = transportWith(async ({ init }) => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"id":'))
          init.signal?.addEventListener('abort', () => controller.error(new Error('aborted')))
        },
      })
      return new Response(body, { status: 200, headers: { 'request-id': 'r-9' } })
    })
    expect(await stalled.transport.send(GET_USER)).toEqual({
      kind: 'unanswered',
      why: 'timeout',
      requestId: 'r-9',
    })
  })

  it('leaves no timer behind once it has an answer', async () => {
    vi.useFakeTimers()
    try {
      const { transport } = transportWith(json(200, {}))
      await transport.send(GET_USER)
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('has one timeout for both tokens and both tries together', async () => {
    const signals: unknown[] = []
    const { options } = transportWith(async (call) => {
      signals.push(call.init.signal)
      return signals.length === 2 ? EXPIRED.clone() : silence(call)
    })
    const tokenSource = {
      ...options.tokenSource,
      token: async (_: unknown, signal?: AbortSignal) => {
        signals.push(signal)
        return { ok: true, value: 'token' } as const
      },
    }
    const answer = await createTransport({ ...options, tokenSource }).send(GET_USER)
    expect(answer).toMatchObject({ kind: 'unanswered', why: 'timeout' })
    expect(signals).toHaveLength(4)
    expect(new Set(signals).size).toBe(1)
  })

  it('tells a broken network from an answer that ends early', async () => {
    const broken = transportWith(new TypeError('network'))
    expect(await broken.transport.send(GET_USER)).toEqual({
      kind: 'unanswered',
      why: 'network',
      requestId: 'c-1',
    })
    const headers = { 'Content-Type': 'application/json', 'request-id': 'r-2' }
    const cut = transportWith(new Response('{"id":"1', { status: 200, headers }))
    expect(await cut.transport.send(GET_USER)).toEqual({
      kind: 'unanswered',
      why: 'truncated',
      requestId: 'r-2',
    })
  })

  it('believes the status of a failure whose body is no JSON', async () => {
    const headers = { 'Content-Type': 'text/html' }
    const { transport } = transportWith(new Response('<h1>Bad gateway', { status: 502, headers }))
    expect(await transport.send(GET_USER)).toMatchObject({ status: 502, body: undefined })
  })

  it('leaves no body unread', async () => {
    const bodies: Response[] = []
    const { transport } = transportWith(async () => {
      bodies.push(json(bodies.length === 0 ? 401 : 503, { error: {} }))
      return bodies.at(-1)!
    })
    await transport.send(GET_USER)
    expect(bodies.map(({ bodyUsed }) => bodyUsed)).toEqual([true, true])
  })

  it('drops the token in use when it is told to', async () => {
    const { transport, tokens } = transportWith(json(200, {}))
    await transport.send(GET_USER)
    transport.renewToken()
    expect(tokens.forgotten).toEqual(['token-1'])
  })
})
