import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'

import { apiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'
import { type Loose, scimClient } from '../support/seed.ts'

const names = (body: Loose) => body['items'].map((item: Loose) => item['username'])

describe('users and groups', () => {
  async function people() {
    // Ids made within one millisecond have no order.
    let now = Date.now()
    const scim = await scimClient({ instead: { clock: { now: () => (now += 1) } } })
    const api = await apiClient({ organizationId: scim.organizationId })
    const ann = await scim.post('/Users', newUser('ann', { password: 'Correct-horse-7' }))
    const bob = await scim.post('/Users', newUser('bob', { active: false }))
    const cid = await scim.post('/Users', newUser('CID', { displayName: 'Zed' }))
    const group = await scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
      externalId: 'g1',
      members: [{ value: ann.body['id'] }],
    })
    return { scim, api, ann: ann.body, bob: bob.body, cid: cid.body, group: group.body }
  }

  test("are shown by the directory's own names, and no password is", async () => {
    const { api, ann, group, scim } = await people()
    const { status, body, text, cost } = await api.get(`/users/${ann['id']}`)
    expect(status).toBe(200)
    expect(cost.roundTrips).toBe(2)
    expect(body).toMatchObject({
      id: ann['id'],
      username: 'ann@contoso.com',
      email: 'ann@contoso.com',
      firstname: 'ann',
      lastname: 'Test',
      displayname: 'ann Test',
      jobTitle: 'Engineer',
      department: null,
      manager: null,
      status: 'active',
      suspended: false,
      passwordExpired: false,
      externalId: 'ann',
      sourceId: scim.sourceId,
      imported: {},
      groups: [{ id: group['id'], displayName: 'Sales' }],
      bindings: [],
      version: 1,
      createdAt: expect.stringMatching(/Z$/),
      modifiedAt: expect.stringMatching(/Z$/),
    })
    expect(text).not.toContain('Correct-horse-7')
    const shown = await api.get(`/groups/${group['id']}`)
    expect(shown.body).toMatchObject({
      id: group['id'],
      displayName: 'Sales',
      externalId: 'g1',
      memberCount: 1,
      members: [{ id: ann['id'], type: 'user' }],
      bindings: [],
    })
    const { body: list } = await api.get('/groups?q=sal')
    expect(list['items']).toMatchObject([{ id: group['id'], memberCount: 1 }])
    expect((await api.get('/groups?q=nobody')).body).toEqual({ items: [], nextCursor: null })
  })

  test('are found by a part of a name or address, by status, and in pages', async () => {
    const { api } = await people()
    expect(names((await api.get('/users')).body)).toHaveLength(3)
    expect(names((await api.get('/users?q=BOB@')).body)).toEqual(['bob@contoso.com'])
    expect(names((await api.get('/users?q=zed')).body)).toEqual(['CID@contoso.com'])
    expect(names((await api.get('/users?q=cid%20te')).body)).toEqual(['CID@contoso.com'])
    expect(names((await api.get('/users?status=suspended')).body)).toEqual(['bob@contoso.com'])
    expect(names((await api.get('/users?status=active')).body)).toEqual(['ann@contoso.com'])
    expect(names((await api.get('/users?status=password_pending')).body)).toEqual([
      'CID@contoso.com',
    ])
    expect((await api.get('/users?status=gone')).status).toBe(400)
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: { body: Loose } = await api.get(`/users?q=contoso&limit=2&cursor=${cursor}`)
      seen.push(...names(body))
      cursor = body['nextCursor']
    }
    expect(seen).toEqual(['ann@contoso.com', 'bob@contoso.com', 'CID@contoso.com'])
  })

  test('of another organization are not there', async () => {
    const { ann, group } = await people()
    const stranger = await apiClient()
    expect((await stranger.get(`/users/${ann['id']}`)).status).toBe(404)
    expect((await stranger.get(`/groups/${group['id']}`)).status).toBe(404)
    expect((await stranger.get('/users')).body['items']).toEqual([])
    expect((await stranger.get('/groups')).body['items']).toEqual([])
  })

  test('tell of their bindings', async () => {
    const world = await exportWorld()
    const { organizationId, directoryId, clock } = world
    const api = await apiClient({ organizationId, clock })
    const { body } = await world.scim.post('/Users', newUser('ann'))
    await world.settle()
    const { body: shown } = await api.get(`/users/${body['id']}`)
    expect(shown['bindings']).toEqual([
      {
        id: `bnd_${directoryId.slice(4)}_${body['id']}`,
        directoryId,
        graphId: expect.any(String),
        state: 'synced',
        exportedAt: expect.stringMatching(/Z$/),
      },
    ])
  })
})

describe('GET /events', () => {
  test('tells who did what to what, newest first, and filters', async () => {
    const api = await apiClient()
    const start = api.clock.now
    const { body: source } = await api.post('/sources', { name: 'One', type: 'entra' })
    api.clock.now += 60_000
    await api.patch(`/sources/${source['id']}`, { name: 'Two' })
    api.clock.now += 60_000
    const other = await api.as('manager')
    const removed = await other.delete(`/sources/${source['id']}`)
    const all = await api.get('/events')
    expect(all.body['items'].map((event: Loose) => event['type'])).toEqual([
      'source_delete',
      'source_update',
      'source_create',
    ])
    expect(all.body['items'][0]).toEqual({
      id: 'evt_000000000003',
      sequence: 3,
      time: new Date(start + 120_000).toISOString(),
      type: 'source_delete',
      actor: { type: 'admin', id: other.adminId, name: 'Ann Admin', keyId: other.keyId },
      target: { type: 'source', id: source['id'] },
      directoryId: null,
      origin: { ip: '192.0.2.7', requestId: removed.headers.get('X-Request-Id') },
      outcome: 'success',
      changes: [
        { attribute: 'name', from: 'Two', to: null },
        { attribute: 'type', from: 'entra', to: null },
        { attribute: 'usernamePolicy', from: 'strict', to: null },
      ],
      details: {},
    })
    const sequences = async (query: string) =>
      (await api.get(`/events?${query}`)).body['items'].map((event: Loose) => event['sequence'])
    const time = (after: number) => new Date(start + after).toISOString()
    expect(await sequences('type=source_update')).toEqual([2])
    expect(await sequences('type=source_update,source_create')).toEqual([2, 1])
    expect(await sequences(`actor=${api.adminId}`)).toEqual([2, 1])
    expect(await sequences(`target=${source['id']}&type=source_create`)).toEqual([1])
    expect(await sequences('target=src_other')).toEqual([])
    expect(await sequences(`from=${time(1000)}`)).toEqual([3, 2])
    expect(await sequences(`from=${time(1000)}&to=${time(60_000)}`)).toEqual([2])
    const wrong = await api.get('/events?from=yesterday')
    expect(wrong.body['errors']).toMatchObject([{ parameter: 'from' }])
    const first = await api.get('/events?limit=2')
    const second = await api.get(`/events?limit=2&cursor=${first.body['nextCursor']}`)
    expect(second.body).toMatchObject({ items: [{ sequence: 1 }], nextCursor: null })
    expect((await (await apiClient()).get('/events')).body['items']).toEqual([])
  })

  test('by outcome', async () => {
    const api = await apiClient()
    await api.post('/sources', { name: 'One', type: 'entra' })
    const count = async (outcome: string) =>
      (await api.get(`/events?outcome=${outcome}`)).body['items'].length
    expect([await count('success'), await count('failure')]).toEqual([1, 0])
  })

  test.each([
    ['/events?type=bogus', 'type', 'user_create'],
    ['/events?type=user_create,bogus', 'type', 'integrationattribute_include'],
    ['/events/export?type=bogus', 'type', 'user_create'],
    ['/users/usr_1/events?type=bogus', 'type', 'user_create'],
    ['/events?outcome=bogus', 'outcome', 'failure'],
    ['/events/export?format=xml', 'format', 'ndjson'],
    ['/users?status=bogus', 'status', 'password_pending'],
    ['/directories/dir_1/bindings?state=bogus', 'state', 'unbinding'],
    ['/directories/dir_1/bindings?state=held,bogus', 'state', 'unbinding'],
    ['/directories/dir_1/bindings?kind=bogus', 'kind', 'group'],
  ])('%s is refused, and told what there is', async (path, parameter, word) => {
    const { status, body } = await (await apiClient()).get(path)
    expect(status).toBe(400)
    expect(body['errors']).toMatchObject([{ parameter, detail: expect.stringContaining(word) }])
  })

  test('walks at most 20,000 rows a request, and goes on from there', async () => {
    const api = await apiClient()
    await env.DB.prepare(
      `INSERT INTO event (organization_id, sequence, time, class, type, urgent, target_type, target_id, outcome, actor_type, body)
       SELECT ?1, value, ?2, 'record', CASE value WHEN 7 THEN 'undo' ELSE 'auth_failure' END, 0, 'x', 'x', 'success', 'system', '{}'
       FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 20100) SELECT value FROM n)`,
    )
      .bind(api.organizationId, api.clock.now)
      .run()
    const first = await api.get('/events?type=undo')
    expect(first.body['items']).toEqual([])
    expect(first.cost.rowsRead).toBeLessThan(100_000)
    const second = await api.get(`/events?type=undo&cursor=${first.body['nextCursor']}`)
    expect(second.body).toMatchObject({ items: [{ sequence: 7 }], nextCursor: null })
    const cheap = await api.get('/events?limit=10')
    expect(cheap.body['items']).toHaveLength(10)
    expect(cheap.cost.rowsRead).toBeLessThan(100)
    const past = await api.get(
      `/events?type=undo&from=${new Date(api.clock.now + 7_200_000).toISOString()}`,
    )
    expect(past.body).toEqual({ items: [], nextCursor: null })
  })
})
