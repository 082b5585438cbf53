import { beforeEach, describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { type GraphEmulator, createGraphEmulator } from './emulator.ts'
import { textFrom } from './text.ts'
import { type Send, errorOf, idOf, newUser, signIn } from './test-client.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }

let emulator: GraphEmulator
let send: Send

beforeEach(async () => {
  emulator = createGraphEmulator()
  send = await signIn(emulator)
})

interface Inner {
  id: string
  status: number
  headers: Record<string, string>
  body: JsonObject | null
}

async function batch(requests: Json): Promise<Inner[]> {
  const { status, body } = await send('POST', '/$batch', { requests })
  expect(status).toBe(200)
  return body['responses'] as unknown as Inner[]
}

const refusal = async (requests: Json) => errorOf(await send('POST', '/$batch', { requests }))

const create = (id: string, name: string, more: JsonObject = {}): JsonObject => ({
  id,
  method: 'POST',
  url: '/users',
  headers: JSON_TYPE,
  body: newUser(name),
  ...more,
})

const statuses = (responses: Inner[]): Record<string, number> =>
  Object.fromEntries(responses.map(({ id, status }) => [id, status]))

describe('$batch', () => {
  it('answers 200 outside whatever happened inside', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    const responses = await batch([
      {
        id: '1',
        method: 'PATCH',
        url: `/users/${id}`,
        headers: JSON_TYPE,
        body: { jobTitle: 'Director' },
      },
      create('2', 'adele'),
      { id: '3', method: 'DELETE', url: `/groups/${id}/members/${id}/$ref` },
      { id: '4', method: 'GET', url: 'users/$count', headers: { ConsistencyLevel: 'eventual' } },
    ])
    expect(statuses(responses)).toEqual({ 1: 204, 2: 400, 3: 404, 4: 200 })
    expect(responses.find((inner) => inner.id === '1')?.body).toBeNull()
    const message =
      'Another object with the same value for property userPrincipalName already exists.'
    expect(responses.find((inner) => inner.id === '2')?.body).toMatchObject({
      error: {
        code: 'Request_BadRequest',
        message,
        details: [
          { code: 'ObjectConflict', message, target: 'userPrincipalName' },
          { code: 'ConflictingObjects', message, target: `User_${id}` },
        ],
      },
    })
  })

  it('answers in any order and writes header names in any case', async () => {
    const reads = Array.from({ length: 20 }, (_, i) => ({
      id: `${i}`,
      method: 'GET',
      url: '/users',
    }))
    const responses = await batch(reads)
    expect(responses.map(({ id }) => id)).not.toEqual(reads.map(({ id }) => id))
    const names = new Set(responses.flatMap(({ headers }) => Object.keys(headers)))
    expect(names).toContain('x-ms-resource-unit')
    expect(names).toContain('X-MS-RESOURCE-UNIT')
  })

  it('refuses 21 requests, none, and ids that differ only in case', async () => {
    const read = (id: string) => ({ id, method: 'GET', url: '/users' })
    expect(await refusal(Array.from({ length: 21 }, (_, i) => read(`${i}`)))).toMatchObject({
      status: 400,
      message: 'Number of batch request steps exceeds the maximum value of 20.',
    })
    expect((await refusal([])).status).toBe(400)
    expect((await refusal([read('a'), read('A')])).message).toBe(
      'Request Id has to be unique in a batch.',
    )
  })

  it('refuses absolute addresses', async () => {
    const url = 'https://graph.microsoft.com/v1.0/users'
    expect((await refusal([{ id: '1', method: 'GET', url }])).status).toBe(400)
  })

  it('refuses the whole batch when a body has no Content-Type or a write no body', async () => {
    const { headers: _, ...bare } = create('1', 'adele')
    expect((await refusal([create('2', 'lee'), bare])).message).toBe(
      "Write request with id '1' does not contain a Content-Type header.",
    )
    const url = '/users/x/revokeSignInSessions'
    expect((await refusal([{ id: '1', method: 'POST', url, headers: JSON_TYPE }])).message).toBe(
      'Write request id : 1 does not contain Content-Type header or body.',
    )
    expect(emulator.summary().users).toEqual([])
  })

  it('refuses a batch inside a batch, and a version in the address', async () => {
    const nested = {
      id: '1',
      method: 'POST',
      url: '/$batch',
      headers: JSON_TYPE,
      body: { requests: [{ id: '1', method: 'GET', url: '/users' }] },
    }
    const responses = await batch([nested, { id: '2', method: 'GET', url: '/v1.0/users' }])
    expect(statuses(responses)).toEqual({ 1: 400, 2: 400 })
  })

  it('runs a chain in order and fails what comes after a failure with 424', async () => {
    const responses = await batch([
      create('1', 'adele'),
      create('2', 'adele', { dependsOn: ['1'] }),
      create('3', 'lee', { dependsOn: ['2'] }),
      create('4', 'kim', { dependsOn: ['3'] }),
    ])
    expect(statuses(responses)).toEqual({ 1: 201, 2: 400, 3: 424, 4: 424 })
    expect(emulator.counters.snapshot().writes).toBe(2)
  })

  it('lets all requests depend on one', async () => {
    const star = [
      create('1', 'a'),
      create('2', 'b', { dependsOn: ['1'] }),
      create('3', 'c', { dependsOn: ['1'] }),
    ]
    expect(statuses(await batch(star))).toEqual({ 1: 201, 2: 201, 3: 201 })
  })

  it('refuses any other shape of dependencies', async () => {
    const mixed = [create('1', 'a'), create('2', 'b'), create('3', 'c', { dependsOn: ['2'] })]
    const tree = [
      create('1', 'a'),
      create('2', 'b', { dependsOn: ['1'] }),
      create('3', 'c', { dependsOn: ['1'] }),
      create('4', 'd', { dependsOn: ['3'] }),
    ]
    const unknown = [create('1', 'a'), create('2', 'b', { dependsOn: ['9'] })]
    for (const requests of [mixed, tree, unknown])
      expect((await refusal(requests)).status).toBe(400)
    expect(emulator.summary().users).toEqual([])
  })

  it('runs independent requests in any order', async () => {
    const order = async (seed: number): Promise<Json[]> => {
      const one = createGraphEmulator({ seed })
      const post = await signIn(one)
      await post('POST', '/$batch', {
        requests: ['a', 'b', 'c', 'd'].map((name) => create(name, name)),
      })
      return one.summary().users.map((user) => user['mailNickname'] ?? null)
    }
    expect(await order(1)).toEqual(await order(1))
    const orders = await Promise.all([1, 2, 3, 4, 5].map(order))
    expect(new Set(orders.map((names) => names.map(textFrom).join())).size).toBeGreaterThan(1)
  })

  it('counts envelopes by how full they were, and inner writes one by one', async () => {
    await batch([create('1', 'a'), create('2', 'b')])
    await batch([{ id: '1', method: 'GET', url: '/users' }])
    expect(emulator.counters.snapshot()).toMatchObject({
      envelopes: [2, 1],
      requests: 3,
      writes: 2,
      writesByKind: { 'user.create': 2 },
    })
  })

  it('sees two writes on one object in one batch as overlapping', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    const patch = (n: string) => ({
      id: n,
      method: 'PATCH',
      url: `/users/${n === '1' ? id : 'adele@contoso.com'}`,
      headers: JSON_TYPE,
      body: { jobTitle: n },
    })
    await batch([patch('1'), { ...patch('2'), dependsOn: ['1'] }])
    expect(emulator.counters.snapshot().maxWritesInFlightPerObject).toBe(1)
    await batch([patch('1'), patch('2')])
    expect(emulator.counters.snapshot()).toMatchObject({
      maxWritesInFlightPerObject: 2,
      overlaps: [id],
    })
  })
})
