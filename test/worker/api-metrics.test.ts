import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'

import { createApp } from '../../src/app.ts'
import { connect } from '../../src/db/client.ts'
import { apiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'
import type { Loose } from '../support/seed.ts'

/** Every sample of an exposition, by name and labels; the syntax is checked line by line. */
function samples(text: string): Record<string, number> {
  const found: Record<string, number> = {}
  for (const line of text.split('\n').slice(0, -1)) {
    if (/^# (?:HELP [a-z_]+ .+|TYPE [a-z_]+ gauge)$/.test(line)) continue
    const sample = /^([a-z_]+(?:\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\})?) (-?[0-9.e+]+)$/.exec(
      line,
    )
    if (sample === null) throw new Error(`no exposition: ${line}`)
    found[sample[1]!] = Number(sample[2])
  }
  expect(text.endsWith('\n')).toBe(true)
  return found
}

describe('GET /metrics', () => {
  test('tells the numbers of the caller’s organization and of its directories', async () => {
    const world = await exportWorld()
    const { organizationId, directoryId, clock } = world
    const api = await apiClient({ organizationId, clock, role: 'read_only' })
    await world.scim.post('/Users', newUser('ann'))
    await world.scim.post('/Users', newUser('bob'))
    await world.settle()
    await world.scim.post('/Users', newUser('cid'))
    const { status, headers, text } = await api.get('/metrics')
    expect(status).toBe(200)
    expect(headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const found = samples(text)
    expect(found).toMatchObject({ isthmus_users: 3, isthmus_groups: 0 })
    const of = (name: string) =>
      Object.entries(found).find(([key]) =>
        key.startsWith(`isthmus_directory_${name}{directory="${directoryId}"`),
      )?.[1]
    expect(['owed', 'bound', 'failed', 'held', 'active'].map(of)).toEqual([1, 2, 0, 0, 1])
    expect(of('last_drain_timestamp_seconds')).toBeGreaterThan(1_700_000_000)
    expect(of('log_lag')).toBeGreaterThanOrEqual(1)
  })

  test('of another organization there is nothing in it', async () => {
    const world = await exportWorld()
    await world.scim.post('/Users', newUser('ann'))
    const stranger = await apiClient()
    const { text } = await stranger.get('/metrics')
    expect(samples(text)).toEqual({
      isthmus_users: 0,
      isthmus_groups: 0,
      isthmus_log_sequence: 0,
    })
  })

  test('a name with quotes and line breaks does not break out of its label', async () => {
    const api = await apiClient()
    await api.post('/directories', {
      name: 'A "b" \\ c\nd',
      tenantId: crypto.randomUUID(),
      clientId: crypto.randomUUID(),
      credential: { type: 'client_secret', secret: 'a secret of the app' },
    })
    const { text } = await api.get('/metrics')
    expect(Object.keys(samples(text)).join()).toContain('name="A \\"b\\" \\\\ c\\nd"')
  })
})

test("the gateway's own address tells where its surfaces are", async () => {
  const { deps } = await apiClient()
  const app = createApp(deps)
  const { name, description, ...paths } = await (await app.request('/')).json<Loose>()
  expect([name, description]).toEqual(['Isthmus', expect.stringMatching(/SCIM/)])
  const statuses = Object.entries(paths).map(async ([what, path]) => [
    what,
    (await app.request(String(path))).status,
  ])
  expect(Object.fromEntries(await Promise.all(statuses))).toEqual({
    scim: 401,
    api: 404,
    reference: 200,
    openapi: 200,
    health: 200,
  })
})

test('what answers GET alone says so', async () => {
  const { deps } = await apiClient()
  for (const path of ['/', '/healthz', '/readyz', '/.well-known/jwks.json']) {
    const response = await createApp(deps).request(path, { method: 'POST' })
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'GET'])
    expect(response.headers.get('X-Request-Id')).toMatch(/^req_/)
  }
  expect((await createApp(deps).request('/.well-known/nothing')).status).toBe(404)
})

describe('GET /readyz', () => {
  test('is 503, without a word why, when the queue or the database does not answer', async () => {
    const { deps } = await apiClient()
    const away = { isQueueThere: async () => false }
    const broken = {
      connect: () => ({ ...connect(env.DB), run: () => Promise.reject(new Error('D1 is away')) }),
    }
    for (const instead of [away, broken]) {
      const response = await createApp({ ...deps, ...instead }).request('/readyz')
      expect([response.status, await response.json()]).toEqual([503, { status: 'unavailable' }])
      expect(response.headers.get('X-Request-Id')).toMatch(/^req_/)
    }
    expect((await createApp(deps).request('/healthz')).status).toBe(200)
    expect((await createApp(deps).request('/readyz')).status).toBe(200)
  })
})
