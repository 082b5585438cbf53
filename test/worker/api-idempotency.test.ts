import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { dropOldKeys } from '../../src/db/idempotency-store.ts'
import { apiClient, OPERATOR, type ApiClient } from '../support/api.ts'
import { readLog } from '../support/seed.ts'
import { lossy, staged } from '../support/staged.ts'

const DAY = 24 * 3_600_000
const source = { name: 'Entra', type: 'entra' }

const post = (api: ApiClient, path: string, body: unknown, key: string) =>
  api.send('POST', path, body, { 'Idempotency-Key': key })

const sourcesOf = async (api: ApiClient) => (await api.get('/sources')).body['items']

describe('a POST with an Idempotency-Key', () => {
  test('is carried out once: a repeat gives the first answer, status and body', async () => {
    const api = await apiClient()
    const first = await post(api, '/sources', source, 'one')
    expect(first.status).toBe(201)
    const again = await post(api, '/sources', source, 'one')
    expect({ status: again.status, text: again.text }).toEqual({ status: 201, text: first.text })
    expect(again.headers.get('Content-Type')).toBe('application/json')
    expect(again.headers.get('Idempotent-Replayed')).toBe('true')
    expect(first.headers.get('Idempotent-Replayed')).toBeNull()
    expect(await sourcesOf(api)).toHaveLength(1)
    expect(await readLog(api.organizationId)).toHaveLength(1)
  })

  test('without the header nothing is remembered', async () => {
    const api = await apiClient()
    await api.post('/sources', source)
    await api.post('/sources', source)
    expect(await sourcesOf(api)).toHaveLength(2)
  })

  test('costs two round trips more, and a repeat one', async () => {
    const api = await apiClient()
    await api.get('/organization')
    const { cost: bare } = await api.post('/sources', source)
    const { cost: first } = await post(api, '/sources', source, 'one')
    const { cost: again } = await post(api, '/sources', source, 'one')
    expect(first.roundTrips).toBe(bare.roundTrips + 2)
    expect(again.roundTrips).toBe(1)
  })

  test('an answer that held a secret is not kept: 409 with the id of what was made', async () => {
    const api = await apiClient()
    const { body } = await api.post('/sources', source)
    const path = `/sources/${body['id']}/credentials`
    const wanted = { type: 'bearer', name: 'one' }
    const made = await post(api, path, wanted, 'one')
    const again = await post(api, path, wanted, 'one')
    expect(again.status).toBe(409)
    expect(again.body).toMatchObject({
      type: 'urn:isthmus:problem:conflict',
      id: made.body['id'],
      detail: expect.stringContaining('secret'),
    })
    const [stored] = await connect(env.DB).run(
      sql`SELECT * FROM idempotency_key WHERE organization_id = ${api.organizationId}`,
    )
    expect(stored?.rows).toMatchObject([
      { status: 201, answer: null, resource_id: made.body['id'] },
    ])
    expect(JSON.stringify(stored)).not.toContain(made.body['secret'])
  })

  test("an operator's too: one organization, and 409 with its id", async () => {
    const api = await apiClient()
    const headers = { Authorization: `Bearer ${OPERATOR}`, 'Idempotency-Key': api.organizationId }
    const made = await api.send('POST', '/organizations', { name: 'Contoso' }, headers)
    const again = await api.send('POST', '/organizations', { name: 'Contoso' }, headers)
    expect([made.status, again.status]).toEqual([201, 409])
    expect(again.body['id']).toBe(made.body['id'])
  })

  test('the same key with another body, path or query is refused by its name', async () => {
    const api = await apiClient()
    await post(api, '/sources', source, 'one')
    for (const [path, body] of [
      ['/sources', { ...source, name: 'Okta' }],
      ['/sources?dry=1', source],
      ['/admins', source],
    ] as const) {
      const answer = await post(api, path, body, 'one')
      expect(answer.status).toBe(422)
      expect(answer.body).toMatchObject({
        type: 'urn:isthmus:problem:key-reused',
        detail: expect.stringContaining('"one"'),
      })
    }
    expect(await sourcesOf(api)).toHaveLength(1)
  })

  test('keys belong to an administrator: another one, and another organization, may use the same', async () => {
    const api = await apiClient()
    await post(api, '/sources', source, 'one')
    for (const other of [await api.as('manager'), await apiClient()])
      expect((await post(other, '/sources', { ...source, name: 'Two' }, 'one')).status).toBe(201)
  })

  test('a refusal gives the key back, a conflict is an answer', async () => {
    const api = await apiClient()
    expect((await post(api, '/sources', { name: '' }, 'one')).status).toBe(400)
    expect((await post(api, '/sources', source, 'one')).status).toBe(201)
    const directory = {
      name: 'Contoso',
      tenantId: crypto.randomUUID(),
      clientId: crypto.randomUUID(),
      credential: { type: 'client_secret', secret: 'a secret of the app' },
    }
    await api.post('/directories', directory)
    const clash = await post(api, '/directories', directory, 'two')
    expect(clash.status).toBe(409)
    const again = await post(api, '/directories', directory, 'two')
    expect({ status: again.status, text: again.text }).toEqual({ status: 409, text: clash.text })
    expect(again.headers.get('Content-Type')).toBe('application/problem+json')
  })

  test.each(['', ' ', 'a b', 'ä', 'x'.repeat(201)])('the key "%s" is refused', async (key) => {
    const api = await apiClient()
    const { status, body } = await post(api, '/sources', source, key)
    // Whoever sends an empty header sends a key that is malformed.
    expect(status).toBe(400)
    expect(body['errors']).toMatchObject([{ header: 'Idempotency-Key' }])
    expect(await sourcesOf(api)).toEqual([])
  })

  test('a body that is too large is refused as ever', async () => {
    const api = await apiClient()
    const answer = await post(api, '/sources', { name: 'x'.repeat(1024 * 1024) }, 'one')
    expect(answer.status).toBe(413)
    expect((await post(api, '/sources', source, 'one')).status).toBe(201)
  })
})

describe('two requests with one key at once', () => {
  test('the second is told to come again while the first runs, and is answered afterwards', async () => {
    const { promise: isClaimed, resolve: claimed } = Promise.withResolvers<undefined>()
    const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<undefined>()
    // Batch 1 finds the key's owner, 2 claims, 3 is the work.
    const slow = staged(async (batch) => {
      if (batch !== 3) return
      claimed(undefined)
      await mayGoOn
    })
    let requests = 0
    const api = await apiClient({
      instead: { connect: () => (++requests === 1 ? slow() : connect(env.DB)) },
    })
    const first = post(api, '/sources', source, 'one')
    await isClaimed
    const meanwhile = await post(api, '/sources', source, 'one')
    expect(meanwhile.status).toBe(409)
    expect(meanwhile.body['detail']).toContain('not been answered yet')
    goOn(undefined)
    const { status, text } = await first
    expect(status).toBe(201)
    const after = await post(api, '/sources', source, 'one')
    expect({ status: after.status, text: after.text }).toEqual({ status, text })
    expect(await sourcesOf(api)).toHaveLength(1)
  })

  test('whatever their order, one is carried out', async () => {
    const api = await apiClient()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post(api, '/sources', source, 'one')),
    )
    const made = answers.filter(({ status }) => status === 201)
    expect(new Set(made.map(({ body }) => body['id'])).size).toBe(1)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    expect(await sourcesOf(api)).toHaveLength(1)
  })
})

describe('what nobody knows', () => {
  test.each([true, false])(
    'a write whose answer was lost (carried out: %s) is not repeated under its key',
    async (isCarriedOut) => {
      let requests = 0
      const broken = lossy(3, isCarriedOut)
      const api = await apiClient({
        instead: { connect: () => (++requests === 1 ? broken() : connect(env.DB)) },
      })
      expect((await post(api, '/sources', source, 'one')).status).toBe(503)
      expect((await post(api, '/sources', source, 'one')).status).toBe(409)
      api.clock.now += 120_000
      const later = await post(api, '/sources', source, 'one')
      expect(later.status).toBe(409)
      expect(later.body['detail']).toContain('not known whether it was carried out')
      expect(await sourcesOf(api)).toHaveLength(isCarriedOut ? 1 : 0)
    },
  )
})

test('keys count for 24 hours, and are dropped then', async () => {
  const api = await apiClient()
  const first = await post(api, '/sources', source, 'one')
  api.clock.now += DAY - 1
  expect((await post(api, '/sources', source, 'one')).text).toBe(first.text)
  const database = connect(env.DB)
  const kept = async () => {
    const [found] = await database.run(
      sql`SELECT * FROM idempotency_key WHERE organization_id = ${api.organizationId}`,
    )
    return found?.rows.length
  }
  await dropOldKeys(database, api.clock.now)
  expect(await kept()).toBe(1)
  api.clock.now += 1
  expect((await post(api, '/sources', source, 'one')).body['id']).not.toBe(first.body['id'])
  api.clock.now += DAY
  await dropOldKeys(database, api.clock.now)
  expect(await kept()).toBe(0)
})
