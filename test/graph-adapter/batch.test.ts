import { describe, expect, it } from 'vitest'
import { sendBatch, type BatchItem } from '../../src/graph/batch.ts'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { answered, fakeTransport } from './fakes.ts'

const rename = (id: string): BatchItem => ({
  id,
  request: { method: 'PATCH', url: `/users/${id}`, body: { displayName: id } },
})
const ITEMS = ['usr_a', 'usr_B', 'usr_b'].map(rename)
const requestsOf = (body: Json | undefined) =>
  (body as { requests: (JsonObject & { id: string })[] }).requests

describe('an envelope', () => {
  it('carries requests as Graph wants them', async () => {
    const { transport, sent } = fakeTransport(async () => answered(200, { responses: [] }))
    await sendBatch(transport, [
      { id: 'a', request: { method: 'PATCH', url: '/users/1', body: { city: null } } },
      { id: 'b', request: { method: 'DELETE', url: '/users/2' } },
      { id: 'c', request: { method: 'POST', url: '/users/3/revokeSignInSessions' } },
      {
        id: 'd',
        request: { method: 'GET', url: '/users/4', headers: { ConsistencyLevel: 'eventual' } },
      },
      {
        id: 'e',
        request: { method: 'PATCH', url: '/x', headers: { 'content-type': 'a/b' }, body: {} },
      },
    ])
    const contentType = { 'Content-Type': 'application/json' }
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({ method: 'POST', url: '/$batch' })
    expect(requestsOf(sent[0]?.body)).toEqual([
      { id: '1', method: 'PATCH', url: '/users/1', headers: contentType, body: { city: null } },
      { id: '2', method: 'DELETE', url: '/users/2' },
      {
        id: '3',
        method: 'POST',
        url: '/users/3/revokeSignInSessions',
        headers: contentType,
        body: {},
      },
      { id: '4', method: 'GET', url: '/users/4', headers: { ConsistencyLevel: 'eventual' } },
      { id: '5', method: 'PATCH', url: '/x', headers: { 'content-type': 'a/b' }, body: {} },
    ])
  })

  it('chains its requests when it is serial', async () => {
    const { transport, sent } = fakeTransport(async () => answered(200, { responses: [] }))
    await sendBatch(transport, ITEMS, { serial: true })
    expect(requestsOf(sent[0]?.body).map((request) => request['dependsOn'])).toEqual([
      undefined,
      ['1'],
      ['2'],
    ])
  })

  it('gives every item its own answer, in whatever order they come', async () => {
    const { transport } = fakeTransport(async () =>
      answered(200, {
        responses: [
          { id: '3', status: 429, headers: { 'rEtRy-AfTeR': '12', 'X-Number': 1 }, body: {} },
          { id: '1', status: 204, headers: {}, body: null },
          { id: '2', status: 400, headers: { 'Request-Id': 'r-2' }, body: { error: {} } },
        ],
      }),
    )
    const answers = await sendBatch(transport, ITEMS)
    expect(answers.get('usr_a')).toMatchObject({ status: 204, body: undefined })
    expect(answers.get('usr_B')).toMatchObject({ status: 400, requestId: 'r-2' })
    expect(answers.get('usr_b')).toMatchObject({
      status: 429,
      headers: { 'retry-after': '12', 'x-number': '1' },
    })
  })

  it("keeps the envelope's request id for answers that have none", async () => {
    const envelope = { ...answered(200, { responses: [{ id: '1', status: 204 }] }), requestId: 'r' }
    const answers = await sendBatch(fakeTransport(async () => envelope).transport, ITEMS)
    expect(answers.get('usr_a')).toMatchObject({ requestId: 'r' })
    expect(answers.get('usr_b')).toMatchObject({ kind: 'unanswered', requestId: 'r' })
  })

  it.each([
    ['is missing', { responses: [{ id: '2', status: 204 }, 'x', null, { status: 204 }] }],
    ['has no status', { responses: [{ id: '1' }] }],
    ['is in no list', { responses: {} }],
    ['comes with no body', undefined],
  ])('leaves an item whose answer %s unanswered', async (_, body) => {
    const { transport } = fakeTransport(async () => answered(200, body))
    const answers = await sendBatch(transport, ITEMS)
    expect(answers.get('usr_a')).toEqual({ kind: 'unanswered', why: 'missing' })
    expect(answers.size).toBe(3)
  })

  it('that is throttled throttles every item', async () => {
    const { transport } = fakeTransport(async () => answered(429, {}, { 'retry-after': '5' }))
    const answers = await sendBatch(transport, ITEMS)
    for (const answer of answers.values())
      expect(answer).toMatchObject({
        kind: 'answered',
        status: 429,
        headers: { 'retry-after': '5' },
      })
  })

  it.each([500, 502, 503, 504, 408])(
    'that ends in %d leaves every item unknown',
    async (status) => {
      const { transport } = fakeTransport(async () => answered(status, {}, { 'retry-after': '5' }))
      const answers = await sendBatch(transport, ITEMS)
      expect([...answers.values()]).toEqual(
        ITEMS.map(() => ({ kind: 'unanswered', why: 'server_error', status, retryAfter: '5' })),
      )
    },
  )

  it.each([302, 400, 403, 404, 410, 413])(
    'that is refused with %d was not carried out, and says nothing about the objects in it',
    async (status) => {
      const body = { error: { code: 'Request_ResourceNotFound' } }
      const answers = await sendBatch(
        fakeTransport(async () => answered(status, body)).transport,
        ITEMS,
      )
      for (const answer of answers.values())
        expect(answer).toEqual({ kind: 'not_executed', why: 'envelope_refused', status })
    },
  )

  it.each([
    { kind: 'unanswered', why: 'timeout' },
    { kind: 'auth_failed', failure: { kind: 'transient', code: 'x', message: 'y' } },
  ] as const)('that comes to nothing ($kind) tells so for every item', async (answer) => {
    const answers = await sendBatch(fakeTransport(async () => answer).transport, ITEMS)
    expect([...answers.values()]).toEqual([answer, answer, answer])
  })

  it('has the token renewed when an item was refused for it', async () => {
    const body = {
      responses: [
        { id: '1', status: 401 },
        { id: '2', status: 204 },
      ],
    }
    const { transport, renewals } = fakeTransport(async () => answered(200, body))
    await sendBatch(transport, ITEMS)
    expect(renewals()).toBe(1)
  })

  it('is not sent when it is empty', async () => {
    const { transport, sent } = fakeTransport(async () => answered(200))
    expect((await sendBatch(transport, [])).size).toBe(0)
    expect(sent).toHaveLength(0)
  })

  it('takes 20 items at most, under different ids', async () => {
    const { transport, sent } = fakeTransport(async () => answered(200, { responses: [] }))
    const items = (count: number) => Array.from({ length: count }, (_, i) => rename(`u${i}`))
    expect((await sendBatch(transport, items(20))).size).toBe(20)
    await expect(sendBatch(transport, items(21))).rejects.toThrow(RangeError)
    await expect(sendBatch(transport, [rename('u'), rename('u')])).rejects.toThrow(RangeError)
    expect(sent).toHaveLength(1)
  })
})
