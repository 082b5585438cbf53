import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import { type GraphEmulator, HangUp, createGraphEmulator } from './emulator.ts'
import { type Send, askToken, errorOf, idOf, newUser, signIn } from './test-client.ts'

let emulator: GraphEmulator
let send: Send

beforeEach(async () => {
  emulator = createGraphEmulator()
  send = await signIn(emulator)
})

const users = () => emulator.summary().users.length
const creates = { method: 'POST', path: '^/users$' }

const batchOf = (names: string[]): JsonObject => ({
  requests: names.map((name) => ({
    id: name,
    method: 'POST',
    url: '/users',
    headers: { 'Content-Type': 'application/json' },
    body: newUser(name),
  })),
})

describe('a fault', () => {
  it('answers 504 to a create that was carried out', async () => {
    emulator.faults.add({ match: creates, commit: true, status: 504 })
    expect(errorOf(await send('POST', '/users', newUser('adele')))).toEqual({
      status: 504,
      code: 'UnknownError',
      message: '',
    })
    expect(users()).toBe(1)
    expect((await send('POST', '/users', newUser('lee'))).status).toBe(201)
  })

  it('carries out nothing unless it is told to', async () => {
    emulator.faults.add({ match: creates, status: 503, retryAfter: 2.5 })
    const failed = await send('POST', '/users', newUser('adele'))
    expect([failed.status, failed.headers.get('retry-after'), users()]).toEqual([503, '2.5', 0])
    expect(emulator.counters.snapshot()).toMatchObject({ writes: 1, committedWrites: 0 })
  })

  it('hangs up, before or after carrying out', async () => {
    emulator.faults.add({ match: creates, transport: 'hang-up' })
    await expect(send('POST', '/users', newUser('adele'))).rejects.toThrow(HangUp)
    expect(users()).toBe(0)
    emulator.faults.add({ match: creates, commit: true, transport: 'hang-up' })
    await expect(send('POST', '/users', newUser('adele'))).rejects.toThrow(HangUp)
    expect(users()).toBe(1)
    expect(
      emulator.journal.records().map(({ status, isCommitted }) => [status, isCommitted]),
    ).toEqual([
      [0, false],
      [0, true],
    ])
  })

  it('cuts the JSON of an answer in half', async () => {
    emulator.faults.add({ match: creates, commit: true, transport: 'truncate' })
    await expect(send('POST', '/users', newUser('adele'))).rejects.toThrow(SyntaxError)
    expect(users()).toBe(1)
  })

  it('hits the inner requests of a batch one by one', async () => {
    emulator.faults.add({ match: creates, times: 2, skip: 1, status: 429, retryAfter: 12 })
    const { status, body } = await send('POST', '/$batch', batchOf(['a', 'b', 'c', 'd']))
    const responses = body['responses'] as unknown as {
      status: number
      headers: object
      body: JsonObject
    }[]
    const throttled = responses.filter((inner) => inner.status === 429)
    expect([status, throttled.length, users()]).toEqual([200, 2, 2])
    for (const { headers, body } of throttled) {
      expect(new Headers(Object.entries(headers)).get('retry-after')).toBe('12')
      expect(body).toMatchObject({
        error: {
          code: 'TooManyRequests',
          message: 'Please retry again later.',
          innerError: { code: '429', message: 'Please retry after', status: '429' },
        },
      })
    }
  })

  it('loses a whole envelope when it is aimed at the envelope, or hangs up inside it', async () => {
    emulator.faults.add({ match: { path: '/\\$batch$' }, commit: true, status: 502 })
    expect((await send('POST', '/$batch', batchOf(['a', 'b']))).status).toBe(502)
    emulator.faults.add({ match: creates, commit: true, transport: 'hang-up' })
    await expect(send('POST', '/$batch', batchOf(['c', 'd']))).rejects.toThrow(HangUp)
    expect(users()).toBe(4)
  })

  it.each([
    [401, 'InvalidAuthenticationToken'],
    [403, 'Authorization_RequestDenied'],
    [404, 'Request_ResourceNotFound'],
    [409, 'Directory_ConcurrencyViolation'],
    [500, 'Service_InternalServerError'],
    [503, 'serviceNotAvailable'],
  ])('of status %d has the code %s', async (status, code) => {
    emulator.faults.add({ status })
    expect(errorOf(await send('GET', '/users'))).toMatchObject({ status, code })
  })

  it('may carry any code, message and body', async () => {
    emulator.faults.add({ status: 403, code: 'Directory_QuotaExceeded', message: 'Full.' })
    expect(errorOf(await send('GET', '/users'))).toEqual({
      status: 403,
      code: 'Directory_QuotaExceeded',
      message: 'Full.',
    })
    emulator.faults.add({ status: 502, body: { odd: true } })
    expect((await send('GET', '/users')).body).toEqual({ odd: true })
  })

  it('hits the token endpoint only by name', async () => {
    emulator.faults.add({ status: 503 })
    expect((await askToken(emulator)).status).toBe(200)
    emulator.faults.add({ match: { path: '/oauth2/' }, status: 503 })
    expect((await askToken(emulator)).status).toBe(503)
    expect((await askToken(emulator)).status).toBe(200)
  })

  it('with a broken expression is refused when it is planned', () => {
    expect(() => emulator.faults.add({ match: { path: '(' } })).toThrow(SyntaxError)
  })

  it('can be chosen by a predicate, and taken back', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    const isPrivate = {
      when: ({ body }: { body?: unknown }) => JSON.stringify(body).includes('secret'),
    }
    emulator.faults.add({ ...isPrivate, times: Infinity, status: 500 })
    expect((await send('PATCH', `/users/${id}`, { jobTitle: 'secret' })).status).toBe(500)
    expect((await send('PATCH', `/users/${id}`, { jobTitle: 'open' })).status).toBe(204)
    emulator.faults.clear()
    expect((await send('PATCH', `/users/${id}`, { jobTitle: 'secret' })).status).toBe(204)
  })
})

describe('overlapping writes on one object', () => {
  it('are noticed when requests take time, and refused on demand', async () => {
    emulator = createGraphEmulator({ latency: 5, rejectOverlaps: true })
    send = await signIn(emulator)
    const [id, other] = emulator.seed({ users: 2 }).users
    const patch = (user = id) => send('PATCH', `/users/${user}`, { jobTitle: 'x' })
    await patch()
    await Promise.all([patch(), patch(other)])
    expect(emulator.counters.snapshot().maxWritesInFlightPerObject).toBe(1)
    const answers = await Promise.all([patch(), patch()])
    expect(answers.map(({ status }) => status)).toEqual([204, 409])
    expect(emulator.counters.snapshot().overlaps).toEqual([id])
  })
})
