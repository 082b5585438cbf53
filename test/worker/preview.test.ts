import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import { type ApiClient, apiClient } from '../support/api.ts'
import { type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import { byHand } from '../support/reconcile.ts'
import { type Loose, readLog } from '../support/seed.ts'

interface Previewing {
  readonly world: ExportWorld
  readonly api: ApiClient
  readonly directory: string
  preview(body: unknown, query?: string): Promise<Loose>
  /** Accounts as somebody else made them in Microsoft 365. */
  readonly accounts: readonly string[]
}

const MANUAL: Partial<DirectorySettings> = { bindNewUsers: { mode: 'manual', groupIds: [] } }

/** A directory that nobody is bound to by itself, in a tenant with so many accounts of its own. */
async function previewing(
  settings: Partial<DirectorySettings> = MANUAL,
  seeded = 0,
): Promise<Previewing> {
  const world = await exportWorld({ settings })
  const { organizationId, clock } = world
  const fetch: typeof globalThis.fetch = (input, init) =>
    world.graph.fetch(new Request(input, init))
  const api = await apiClient({ organizationId, clock, instead: { fetch } })
  const directory = `/directories/${world.directoryId}`
  const { users } = world.graph.seed({ users: seeded, prefix: 'old' })
  return {
    world,
    api,
    directory,
    accounts: users,
    async preview(body, query = '') {
      world.graph.counters.reset()
      const log = await readLog(organizationId)
      const answer = await api.post(`${directory}/preview${query}`, body)
      expect({ status: answer.status, detail: answer.body['detail'] }).toEqual({ status: 200 })
      expect(world.graph.counters.snapshot().writes).toBe(0)
      expect(await readLog(organizationId)).toEqual(log)
      return answer.body
    },
  }
}

const created = async (world: ExportWorld, name: string, more = {}): Promise<string> =>
  (await world.scim.post('/Users', newUser(name, more))).body['id']

/** Users come by their ids, and ids of one millisecond by chance. */
const inOrder = (items: readonly Loose[], ids: readonly string[]): Loose[] =>
  items.toSorted((a, b) => ids.indexOf(a['userId']) - ids.indexOf(b['userId']))

/** What the drain sent since the counters were reset, by what it changed. */
function sent(world: ExportWorld): Loose[] {
  return world.graph.journal
    .records()
    .filter(({ method }) => method !== 'GET')
    .map(({ body }) => body as Loose)
}

describe('a preview of a bind', () => {
  test('tells of a user without an account everything that would be created, and the sequence', async () => {
    const { world, preview } = await previewing()
    const ann = await created(world, 'ann')
    const { sequence, items, nextCursor } = await preview({ userIds: [ann] })
    expect({ sequence, nextCursor }).toEqual({ sequence: 1, nextCursor: null })
    expect(items).toMatchObject([{ userId: ann, graphId: null, action: 'create', problems: [] }])
    expect(items[0].changes).toContainEqual({
      attribute: 'email',
      graph: 'userPrincipalName',
      current: null,
      next: 'ann@contoso.com',
    })
  })

  test('tells of an account that would be adopted which values would be lost, and no other', async () => {
    const { world, preview, accounts } = await previewing(MANUAL, 1)
    const [graphId = ''] = accounts
    world.graph.changeUser(graphId, {
      properties: {
        userPrincipalName: 'ann@contoso.com',
        givenName: 'ann',
        surname: 'Before',
        jobTitle: 'Chief',
        displayName: 'ann Test',
      },
    })
    const ann = await created(world, 'ann')
    const { items } = await preview({ userIds: [ann] })
    expect(items).toMatchObject([{ userId: ann, graphId, action: 'update' }])
    expect(items[0].changes).toContainEqual({
      attribute: 'jobTitle',
      graph: 'jobTitle',
      current: 'Chief',
      next: 'Engineer',
    })
    const named = items[0].changes.map((change: Loose) => change['attribute'])
    expect(named).toContain('lastname')
    expect(named).not.toContain('firstname')
    expect(named).not.toContain('displayname')
  })

  test.each([
    ['a guest', { userType: 'Guest' }, 'account_is_guest'],
    ['mastered on premises', { onPremisesSyncEnabled: true }, 'account_is_synced'],
  ])('tells of an account that is %s that it would be held', async (_, properties, code) => {
    const { world, preview, accounts } = await previewing(MANUAL, 1)
    world.graph.changeUser(accounts[0] ?? '', {
      properties: { userPrincipalName: 'ann@contoso.com', ...properties },
    })
    const { items } = await preview({ userIds: [await created(world, 'ann')] })
    expect(items).toMatchObject([
      { userName: 'ann@contoso.com', action: 'conflict', changes: [], problems: [{ code }] },
    ])
  })

  test('tells of an account that would be held what approving it changes', async () => {
    const { world, preview, accounts } = await previewing({ ...MANUAL, conflict: 'hold' }, 1)
    const [graphId = ''] = accounts
    world.graph.changeUser(graphId, {
      properties: { userPrincipalName: 'ann@contoso.com', jobTitle: 'Chief', givenName: 'ann' },
    })
    const ann = await created(world, 'ann')
    const { items } = await preview({ userIds: [ann] })
    expect(items).toMatchObject([{ graphId, action: 'conflict', changes: [] }])
    const told: Loose[] = items[0].ifApproved
    expect(told).toContainEqual({
      attribute: 'jobTitle',
      graph: 'jobTitle',
      current: 'Chief',
      next: 'Engineer',
    })
    const api = await apiClient({ organizationId: world.organizationId, clock: world.clock })
    const directory = `/directories/${world.directoryId}`
    await api.post(`${directory}/bindings`, { userIds: [ann] })
    await world.settle()
    const account = (): Loose =>
      (world.graph.summary()['users'] as Loose[]).find(({ id }) => id === graphId) ?? {}
    const before = account()
    await api.post(`${directory}/held/approve`, { all: true })
    await world.settle()
    const after = account()
    const changed = Object.keys(after).filter((name) => after[name] !== before[name])
    expect(changed.toSorted()).toEqual(told.map(({ graph }) => graph).toSorted())
  })

  test('tells of a name that cannot be made, and of values that do not fit', async () => {
    const { world, preview } = await previewing()
    const emails = [{ type: 'work', value: 'ann@elsewhere.example' }]
    const ann = await created(world, 'ann', { emails })
    const bob = await created(world, 'bob', { title: 'x'.repeat(200) })
    const { items } = await preview({ userIds: [ann, bob] })
    expect(inOrder(items, [ann, bob])).toMatchObject([
      { userId: ann, action: 'conflict', problems: [{ code: 'domain_not_verified' }] },
      {
        userId: bob,
        action: 'create',
        problems: [{ code: 'value_shortened', attribute: 'jobTitle' }],
      },
    ])
  })

  test('tells why somebody is not renamed who is sent something else', async () => {
    const { world, api, directory, preview } = await previewing()
    const ann = await created(world, 'ann')
    await api.post(`${directory}/bindings`, { userIds: [ann] })
    await world.settle()
    await world.scim.patch(`/Users/${ann}`, [
      { op: 'replace', path: 'title', value: 'Boss' },
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'ann@elsewhere.example' },
    ])
    const { items } = await preview({ userIds: [ann] })
    expect(items).toMatchObject([
      {
        changes: [{ attribute: 'jobTitle', next: 'Boss' }],
        problems: [{ code: 'domain_not_verified', attribute: 'email' }],
      },
    ])
  })

  test('pages over its users, and asks Microsoft 365 once for twenty of them', async () => {
    const { world, preview } = await previewing()
    const first = await created(world, 'user1')
    await world.query(sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 249)
      INSERT INTO user (organization_id, id, user_name_key, suspended, password_expired, has_password, resource,
        source_id, version, created_at, modified_at)
      SELECT organization_id, 'usr_z' || printf('%03d', i), 'u' || i, 0, 0, 0,
        json_replace(resource, '$.userName', 'u' || i || '@contoso.com', '$.emails[0].value', 'u' || i || '@contoso.com'),
        source_id, 1, 0, 0
      FROM user, n WHERE organization_id = ${world.organizationId} AND id = ${first}`)
    const rest = Array.from({ length: 249 }, (_, i) => `usr_z${String(i + 1).padStart(3, '0')}`)
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Loose = await preview({ userIds: [first, ...rest] }, `?cursor=${cursor}`)
      seen.push(...page['items'].map((item: Loose) => item['userId']))
      // The domains, the accounts, and the searches for accounts that may be theirs.
      expect(world.graph.counters.snapshot().envelopes.length).toBeLessThanOrEqual(1 + 5 + 5)
      cursor = page['nextCursor']
    }
    expect(seen).toEqual([first, ...rest])
  })
})

describe('a preview of other directions', () => {
  test('tells of every bound user what would be overwritten, and of nobody else', async () => {
    const { world, api, directory, preview } = await previewing()
    await world.query(
      sql`UPDATE attribute_direction SET direction = 'exclude' WHERE directory_id = ${world.directoryId}`,
    )
    const [ann, bob] = [await created(world, 'ann'), await created(world, 'bob')]
    await api.post(`${directory}/bindings`, { userIds: [ann] })
    await world.settle()
    const [account] = world.graph.summary().users
    world.graph.changeUser(String(account?.['id']), { properties: { jobTitle: 'Chief' } })
    const { items } = await preview({ attributes: { jobTitle: 'export' } })
    expect(items).toEqual([
      {
        userId: ann,
        userName: 'ann@contoso.com',
        graphId: account?.['id'],
        action: 'update',
        changes: [{ attribute: 'jobTitle', graph: 'jobTitle', current: 'Chief', next: 'Engineer' }],
        refused: [],
        imports: [],
        ifApproved: [],
        problems: [],
      },
    ])
    expect((await preview({ attributes: { jobTitle: 'exclude' } }))['items']).toMatchObject([
      { action: 'none', changes: [] },
    ])
    expect(bob).toBeDefined()
  })
})

describe('a preview of directions of somebody of whom Microsoft 365 refused a value', () => {
  async function refused() {
    const each = await previewing()
    const { world, api, directory } = each
    await api.patch(`${directory}/attributes`, { department: 'exclude' })
    const ann = await created(world, 'ann')
    await api.post(`${directory}/bindings`, { userIds: [ann] })
    await world.settle()
    world.clock.now += 3_600_000
    const match = { method: 'PATCH', path: '^/users/' }
    world.graph.faults.add({ match, times: 1, status: 403, code: 'Authorization_RequestDenied' })
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    await world.settle()
    const choose = async (attributes: Loose) => {
      world.graph.journal.clear()
      await api.patch(`${directory}/attributes`, attributes)
      await world.settle()
      return sent(world)
    }
    return { ...each, choose }
  }

  test.each([{ company: 'exclude' }, { jobTitle: 'export' }, {}])(
    'tells of nothing that is sent by %j, which sends nothing',
    async (attributes) => {
      const { preview, choose } = await refused()
      const { items } = await preview({ attributes })
      expect(items).toMatchObject([
        { action: 'none', changes: [], problems: [{ code: 'Authorization_RequestDenied' }] },
      ])
      expect(await choose(attributes)).toEqual([])
    },
  )

  test('tells that it is tried again by one that sends something', async () => {
    const { preview, choose } = await refused()
    const attributes = { department: 'export' }
    const { items } = await preview({ attributes })
    expect(items).toMatchObject([{ changes: [{ attribute: 'jobTitle', next: 'Boss' }] }])
    expect(await choose(attributes)).toEqual([{ jobTitle: 'Boss' }])
  })
})

describe('a preview of everybody who is bound', () => {
  test('goes on behind a user who was deleted, and whose account has still to follow', async () => {
    const { world, api, directory, preview } = await previewing()
    const names = ['ann', 'bob', 'cid', 'dan']
    const ids: string[] = []
    for (const name of names) ids.push(await created(world, name))
    await api.post(`${directory}/bindings`, { userIds: ids })
    await world.settle()
    const [first = '', ...rest] = ids.toSorted()
    await world.scim.delete(`/Users/${first}`)
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Loose = await preview({ attributes: {} }, `?limit=2&cursor=${cursor}`)
      seen.push(...page['items'].map((item: Loose) => item['userId']))
      cursor = page['nextCursor']
    }
    expect(seen).toEqual(rest)
  })
})

describe('directions that follow a preview', () => {
  test('are refused when a bound user has changed since, and nobody else counts', async () => {
    const { world, api, directory, preview } = await previewing()
    const [ann, bob] = [await created(world, 'ann'), await created(world, 'bob')]
    await api.post(`${directory}/bindings`, { userIds: [ann] })
    await world.settle()
    const change = (id: string, value: string) =>
      world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value }])
    const wanted = { jobTitle: 'exclude' }
    const first = (await preview({ attributes: wanted }))['sequence']
    await change(bob, 'Other')
    expect(
      (await api.patch(`${directory}/attributes`, { ...wanted, atSequence: first })).status,
    ).toBe(200)
    const second = (await preview({ attributes: { jobTitle: 'export' } }))['sequence']
    await change(ann, 'Other')
    const refused = await api.patch(`${directory}/attributes`, {
      jobTitle: 'export',
      atSequence: second,
    })
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({ userIds: [ann], detail: expect.stringContaining(ann) })
    const none = await api.patch(`${directory}/attributes`, {
      jobTitle: 'export',
      atSequence: 'now',
    })
    expect(none.body['errors']).toMatchObject([{ pointer: '/atSequence' }])
  })

  test('and name a sequence that no preview has told are refused, as a bind is, with the greatest that is taken', async () => {
    const { world, api, directory, preview } = await previewing()
    const ann = await created(world, 'ann')
    const { sequence } = await preview({ userIds: [ann] })
    const log = await readLog(world.organizationId)
    const ahead = { atSequence: sequence + 1 }
    const refused = {
      status: 400,
      body: {
        errors: [
          {
            pointer: '/atSequence',
            detail: `is ${sequence + 1}, which no preview told yet: at most ${sequence}`,
          },
        ],
      },
    }
    for (const body of [{ jobTitle: 'exclude' }, { firstname: 'export' }])
      expect(await api.patch(`${directory}/attributes`, { ...body, ...ahead })).toMatchObject(
        refused,
      )
    for (const method of ['POST', 'DELETE'])
      for (const body of [{ userIds: [ann] }, { all: true }])
        expect(
          await api.send(method, `${directory}/bindings`, { ...body, ...ahead }),
        ).toMatchObject(refused)
    expect(await readLog(world.organizationId)).toEqual(log)
    const asked = { userIds: [ann], atSequence: sequence }
    expect((await api.post(`${directory}/bindings`, asked)).status).toBe(202)
  })

  test('refuses a bind of whoever has changed since the first page, whichever page told the sequence', async () => {
    const { world, api, directory } = await previewing(MANUAL)
    const userIds = [await created(world, 'ann'), await created(world, 'bob')].toSorted()
    const page = async (cursor = '') =>
      (await api.post(`${directory}/preview?limit=1&cursor=${cursor}`, { userIds })).body
    const one = await page()
    await world.scim.patch(`/Users/${userIds[0]}`, [{ op: 'add', path: 'title', value: 'CFO' }])
    const two = await page(one['nextCursor'])
    expect([one, two].map(({ items }) => items[0]['userId'])).toEqual(userIds)
    const bind = (atSequence: unknown) => api.post(`${directory}/bindings`, { userIds, atSequence })
    expect(two['sequence']).toBe(one['sequence'])
    expect(await bind(two['sequence'])).toMatchObject({
      status: 409,
      body: { userIds: [userIds[0]] },
    })
    expect((await bind((await page())['sequence'])).status).toBe(202)
  })
})

describe('what is exported afterwards', () => {
  test('is what the preview told, request by request', async () => {
    const { world, api, directory, preview, accounts } = await previewing(MANUAL, 2)
    const names = ['ann', 'bob']
    for (const [i, graphId] of accounts.entries())
      world.graph.changeUser(graphId, {
        properties: {
          userPrincipalName: `${names[i]}@contoso.com`,
          jobTitle: 'Before',
          city: 'Oslo',
        },
      })
    const ids = [
      await created(world, 'ann'),
      await created(world, 'bob'),
      await created(world, 'cid'),
    ]
    const { sequence, items } = await preview({ userIds: ids })
    expect(inOrder(items, ids).map((item: Loose) => item['action'])).toEqual([
      'update',
      'update',
      'create',
    ])
    const asked = { userIds: ids, atSequence: sequence }
    expect((await api.post(`${directory}/bindings`, asked)).status).toBe(202)
    const before = new Map(world.graph.summary().users.map((user) => [user['id'], user]))
    world.graph.counters.reset()
    await world.settle()
    expect(sent(world).length).toBeGreaterThan(0)
    for (const item of items) {
      const binding = await world.binding(item['userId'])
      const after: Loose = world.graph
        .summary()
        .users.find((user) => user['id'] === binding['graph_id']) as Loose
      const was = before.get(binding['graph_id'])
      for (const { attribute, graph, current, next } of item['changes']) {
        const value = (user: Loose | undefined) => {
          const found = user?.[graph] ?? null
          return Array.isArray(found) ? (found[0] ?? null) : found
        }
        expect([attribute, value(was), value(after)]).toEqual([attribute, current, next])
      }
      // Whatever the preview did not name is as it was.
      const told = new Set(item['changes'].map((change: Loose) => change['graph']))
      for (const [name, value] of Object.entries(was ?? {}))
        if (!told.has(name)) expect([name, after[name]]).toEqual([name, value])
    }
  })
})

describe('a preview of a bind of somebody who was bound before', () => {
  /** Ann, bound by a command and exported long ago. */
  async function bound(settings: Partial<DirectorySettings> = {}) {
    const each = await previewing({ ...MANUAL, ...settings })
    const { world, api, directory } = each
    const ann = await created(world, 'ann')
    const command = async (method: 'POST' | 'DELETE', path: string, body: unknown) => {
      await api.send(method, `${directory}${path}`, body)
      await world.settle()
    }
    const bind = () => command('POST', '/bindings', { userIds: [ann] })
    await bind()
    world.clock.now += 3_600_000
    const graphId = String((await world.binding(ann))['graph_id'])
    const account = () => world.graph.summary().users.find(({ id }) => id === graphId)
    return { ...each, ann, graphId, account, command, bind }
  }

  test('leaves the usage location that somebody gave the account since, as the bind does', async () => {
    const { world, ann, graphId, account, command, bind, preview } = await bound({
      usageLocation: 'DE',
    })
    await command('DELETE', '/bindings', { userIds: [ann] })
    world.clock.now += 3_600_000
    world.graph.changeUser(graphId, { properties: { usageLocation: 'FR' } })
    const { items } = await preview({ userIds: [ann] })
    expect(items[0]['changes']).toMatchObject([{ attribute: 'accountEnabled', next: true }])
    await bind()
    expect(account()).toMatchObject({ accountEnabled: true, usageLocation: 'FR' })
  })

  test('of whose account came back out of the recycle bin tells that all of it is sent again', async () => {
    const { world, ann, graphId, account, bind, preview } = await bound()
    await byHand(world, 'DELETE', `/users/${graphId}`)
    await world.scim.patch(`/Users/${ann}`, [
      { op: 'replace', path: 'name.givenName', value: 'Anna' },
    ])
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ error: { code: 'object_missing' } })
    await byHand(world, 'POST', `/directory/deletedItems/${graphId}/restore`)
    world.graph.changeUser(graphId, { properties: { jobTitle: 'Boss' } })
    const { items } = await preview({ userIds: [ann] })
    expect(items[0]['changes']).toContainEqual(
      expect.objectContaining({ attribute: 'jobTitle', current: 'Boss', next: 'Engineer' }),
    )
    await bind()
    expect(account()).toMatchObject({ jobTitle: 'Engineer', givenName: 'Anna' })
  })

  test('disables nobody whose disabling was rejected, and says so', async () => {
    const threshold = { count: 0, percent: 0 }
    const { world, ann, account, command, bind, preview } = await bound({ threshold })
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    await command('POST', '/held/reject', { all: true })
    const { items } = await preview({ userIds: [ann] })
    expect(items).toMatchObject([
      { action: 'none', changes: [], problems: [{ code: 'removal_rejected' }] },
    ])
    await bind()
    expect(account()).toMatchObject({ accountEnabled: true })
  })
})

describe('a preview', () => {
  test.each([
    [{}, ''],
    [{ userIds: [] }, '/userIds'],
    [{ userIds: ['grp_1'] }, '/userIds/0'],
    [{ attributes: { nothing: 'export' } }, '/attributes/nothing'],
    [{ attributes: { department: 'sideways' } }, '/attributes/department'],
  ])('of what cannot be is refused with the place: %j', async (body, pointer) => {
    const { api, directory } = await previewing()
    const answer = await api.post(`${directory}/preview`, body)
    expect(answer.status).toBe(400)
    expect(answer.body['errors'][0]['pointer']).toBe(pointer)
  })

  test('of somebody who is not of this organization is 404, and so is another one’s directory', async () => {
    const { world, api, directory } = await previewing()
    const other = await previewing()
    const stranger = await created(other.world, 'ann')
    const own = await created(world, 'ann')
    expect((await api.post(`${directory}/preview`, { userIds: [own, stranger] })).status).toBe(404)
    expect((await api.post(`${other.directory}/preview`, { userIds: [own] })).status).toBe(404)
  })

  test('that Microsoft 365 throttles is no guess: it is to be asked for again', async () => {
    const { world, api, directory } = await previewing()
    const ann = await created(world, 'ann')
    world.graph.faults.add({ match: { path: '^/users/' }, status: 429, retryAfter: 7 })
    const answer = await api.post(`${directory}/preview`, { userIds: [ann] })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('Retry-After')).toBe('7')
  })
})
