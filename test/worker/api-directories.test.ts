import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'

import { credentialContext } from '../../src/export/connection.ts'
import { defaultSettings } from '../../src/plan/settings.ts'
import { apiClient, type ApiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'
import { type Loose, readLog } from '../support/seed.ts'

const SECRET = 'Q8x8Q~a-client-secret-that-nobody-may-see'
const directory = {
  name: 'Contoso',
  tenantId: '8b7ccf0c-20b1-4b4f-a9a0-3c0a6d3c1a11',
  clientId: '15714005-cafe-4b0b-9f00-0123456789ab',
  credential: { type: 'client_secret', secret: SECRET, expiresAt: '2027-03-01T00:00:00Z' },
}

async function rowOf(api: ApiClient, id: string): Promise<Loose> {
  const row = await env.DB.prepare('SELECT * FROM directory WHERE organization_id = ? AND id = ?')
    .bind(api.organizationId, id)
    .first()
  return row ?? {}
}

async function withDirectory(more: object = {}) {
  const api = await apiClient()
  const made = await api.post('/directories', { ...directory, ...more })
  expect(made.status).toBe(201)
  return { api, made, id: String(made.body['id']), path: `/directories/${made.body['id']}` }
}

describe('POST /directories', () => {
  test('connects a tenant with every default, its secret sealed and shown nowhere', async () => {
    const { api, made, id } = await withDirectory()
    expect(made.body).toEqual({
      id: expect.stringMatching(/^dir_/),
      name: 'Contoso',
      tenantId: directory.tenantId,
      clientId: directory.clientId,
      state: 'active',
      stateReason: null,
      credential: { type: 'client_secret', expiresAt: '2027-03-01T00:00:00.000Z' },
      settings: defaultSettings,
      createdAt: expect.stringMatching(/Z$/),
      modifiedAt: expect.stringMatching(/Z$/),
    })
    // Whose key it is, whether the tenant of a source is still to be asked for, and the write.
    expect(made.cost.roundTrips).toBeLessThanOrEqual(3)
    const row = await rowOf(api, id)
    const context = credentialContext(api.organizationId, id)
    expect(await api.deps.sealer.open(row['credential'], context)).toEqual({
      ok: true,
      value: SECRET,
    })
    const log = await readLog(api.organizationId)
    expect(JSON.stringify([row, log, made.body, api.lines])).not.toContain(SECRET)
    expect(log).toMatchObject([
      { type: 'directory_create', class: 'record', target_id: id, directory_id: id },
    ])
    expect((await api.get(`/directories/${id}`)).body).toEqual(made.body)
    expect((await api.get('/directories')).body).toEqual({ items: [made.body], nextCursor: null })
  })

  test('begins at the end of the log', async () => {
    const api = await apiClient()
    await api.post('/sources', { name: 'One', type: 'okta' })
    await api.post('/sources', { name: 'Two', type: 'okta' })
    const { body } = await api.post('/directories', directory)
    expect(await rowOf(api, body['id'])).toMatchObject({ position: 2, urgent_position: 2 })
  })

  test('a tenant is connected once; the refusal names the directory', async () => {
    const { api, id } = await withDirectory()
    const tenantId = directory.tenantId.toUpperCase()
    const again = await api.post('/directories', { ...directory, tenantId, name: 'Again' })
    expect(again.status).toBe(409)
    expect(again.body).toMatchObject({
      directoryId: id,
      detail: expect.stringMatching(/Contoso/),
    })
    expect(await readLog(api.organizationId)).toHaveLength(1)
    const other = await apiClient()
    expect((await other.post('/directories', directory)).status).toBe(201)
  })

  test.each([
    [{ name: '' }, '/name'],
    [{ tenantId: 'nonsense' }, '/tenantId'],
    [{ clientId: 'nonsense' }, '/clientId'],
    [{ credential: { type: 'client_secret' } }, '/credential/secret'],
    [{ credential: { type: 'certificate', certificate: 'x', key: 'y' } }, '/credential/key'],
    [{ credential: { type: 'federated' } }, '/credential/type'],
    [{ credential: { type: 'password' } }, '/credential/type'],
    [{ settings: { reconcile: { intervalMinutes: 5 } } }, '/settings/reconcile/intervalMinutes'],
    [{ settings: { upnSorce: 'email' } }, '/settings/upnSorce'],
    [{ settings: 7 }, '/settings'],
    [{ settings: null }, '/settings'],
    [
      { settings: { bindNewUsers: { mode: 'groups', groupIds: ['grp_unknown'] } } },
      '/settings/bindNewUsers/groupIds',
    ],
    [{ settings: { bindNewUsers: { mode: 'groups' } } }, '/settings/bindNewUsers/groupIds'],
    [{ state: 'paused' }, '/state'],
  ])('refuses %j with a pointer to the field', async (wrong, pointer) => {
    const api = await apiClient()
    const { status, body } = await api.post('/directories', { ...directory, ...wrong })
    expect(status).toBe(400)
    expect(body['errors'][0]['pointer']).toBe(pointer)
    expect((await api.get('/directories')).body['items']).toEqual([])
    expect(await readLog(api.organizationId)).toEqual([])
  })
})

describe('PATCH /directories/{id}', () => {
  test('merges settings deeply and tells each of them before and after', async () => {
    const { api, path, id } = await withDirectory()
    const settings = { reconcile: { mode: 'enforce' }, usageLocation: 'de' }
    const patched = await api.patch(path, { settings })
    expect(patched.cost.roundTrips).toBe(2)
    expect(patched.body['settings']).toEqual({
      ...defaultSettings,
      usageLocation: 'DE',
      reconcile: { mode: 'enforce', intervalMinutes: 60 },
    })
    expect((await readLog(api.organizationId)).at(-1)).toMatchObject({
      type: 'directory_update',
      // What users should hold in Microsoft 365 changes: the drain follows it.
      class: 'command',
      directory_id: id,
      body: {
        changes: [
          { attribute: 'settings.usageLocation', from: null, to: 'DE' },
          { attribute: 'settings.reconcile.mode', from: 'report', to: 'enforce' },
        ],
      },
    })
    expect(api.rung).toEqual([api.organizationId])
  })

  test('pauses and resumes; what changes nothing writes nothing', async () => {
    const { api, path } = await withDirectory()
    expect((await api.patch(path, { state: 'paused' })).body['state']).toBe('paused')
    const none = await api.patch(path, { settings: null })
    expect(none.status).toBe(400)
    expect(none.body['errors']).toMatchObject([{ pointer: '/settings' }])
    const same = await api.patch(path, { state: 'paused', name: 'Contoso', settings: {} })
    expect(same.status).toBe(200)
    expect((await api.patch(path, { state: 'active' })).body['state']).toBe('active')
    const log = await readLog(api.organizationId)
    expect(log.map(({ type, class: kind }) => [type, kind])).toEqual([
      ['directory_create', 'record'],
      ['directory_update', 'record'],
      ['directory_update', 'record'],
    ])
    expect((await api.patch(path, { state: 'auth_error' })).status).toBe(400)
  })

  test('a new secret mends a directory whose old one was refused', async () => {
    const { api, path, id } = await withDirectory()
    await env.DB.prepare("UPDATE directory SET state = 'auth_error', state_reason = ? WHERE id = ?")
      .bind('The secret has expired.', id)
      .run()
    const before = await rowOf(api, id)
    const credential = { type: 'client_secret', secret: 'another secret' }
    const patched = await api.patch(path, { credential })
    expect(patched.body).toMatchObject({
      state: 'active',
      stateReason: null,
      credential: { type: 'client_secret', expiresAt: null },
    })
    const row = await rowOf(api, id)
    expect(row['credential']).not.toBe(before['credential'])
    expect(JSON.stringify([row, await readLog(api.organizationId), patched.body])).not.toContain(
      'another secret',
    )
  })

  test('another app needs its own secret; the tenant stays', async () => {
    const { api, path } = await withDirectory()
    const clientId = '00000000-0000-0000-0000-000000000001'
    const refused = await api.patch(path, { clientId })
    expect(refused.body['errors']).toMatchObject([{ pointer: '/credential' }])
    const { credential } = directory
    expect((await api.patch(path, { clientId, credential })).body['clientId']).toBe(clientId)
    const moved = await api.patch(path, { tenantId: 'fabrikam.onmicrosoft.com' })
    expect(moved.body['errors']).toMatchObject([{ pointer: '/tenantId' }])
  })
})

describe('a directory of another organization', () => {
  test('is not there, and stays as it is', async () => {
    const { api, path } = await withDirectory()
    const stranger = await apiClient()
    const before = (await api.get(path)).body
    const tries = [
      stranger.get(path),
      stranger.patch(path, { name: 'Mine' }),
      stranger.delete(path),
      stranger.get(`${path}/attributes`),
      stranger.patch(`${path}/attributes`, { department: 'export' }),
      stranger.get(`${path}/status`),
      stranger.get(`${path}/bindings`),
    ]
    for (const answer of await Promise.all(tries)) expect(answer.status).toBe(404)
    expect((await api.get(path)).body).toEqual(before)
    expect(await readLog(stranger.organizationId)).toEqual([])
    expect(await readLog(api.organizationId)).toHaveLength(1)
  })
})

describe('attributes of a directory', () => {
  const directions = (body: Loose) =>
    Object.fromEntries(
      body['items'].map((item: Loose) => [item['attribute'], item['direction']]),
    ) as Record<string, string>

  test('begin excluded, but for those that are always exported', async () => {
    const { api, path } = await withDirectory()
    const { body, cost } = await api.get(`${path}/attributes`)
    expect(cost.roundTrips).toBe(1)
    const department = body['items'].find((item: Loose) => item['attribute'] === 'department')
    expect(department).toEqual({
      attribute: 'department',
      label: 'Department',
      graph: 'department',
      graphLabel: 'Department',
      direction: 'exclude',
      directions: ['export', 'import', 'exclude'],
      locked: false,
    })
    const locked = body['items'].filter((item: Loose) => item['locked'])
    expect(locked.map((item: Loose) => [item['attribute'], item['direction']])).toEqual(
      ['firstname', 'lastname', 'displayname', 'email', 'password'].map((name) => [name, 'export']),
    )
  })

  test('a PATCH writes one event per changed attribute, whose sequence the direction keeps', async () => {
    const { api, path, id } = await withDirectory()
    const wanted = { department: 'export', jobTitle: 'import', fax: 'exclude' }
    const patched = await api.patch(`${path}/attributes`, wanted)
    expect(patched.status).toBe(200)
    expect(patched.cost.roundTrips).toBe(2)
    expect(directions(patched.body)).toMatchObject(wanted)
    expect((await api.get(`${path}/attributes`)).body).toEqual(patched.body)
    await api.patch(`${path}/attributes`, { department: 'exclude', jobTitle: 'import' })
    const [, ...log] = await readLog(api.organizationId)
    const told = log.map((event) => [event['sequence'], event['type'], event['body']['changes'][0]])
    expect(told).toEqual([
      [
        2,
        'integrationattribute_include',
        { attribute: 'department', from: 'exclude', to: 'export' },
      ],
      [3, 'integrationattribute_include', { attribute: 'jobTitle', from: 'exclude', to: 'import' }],
      [
        4,
        'integrationattribute_exclude',
        { attribute: 'department', from: 'export', to: 'exclude' },
      ],
    ])
    for (const event of log)
      expect(event).toMatchObject({
        class: 'command',
        directory_id: id,
        target_type: 'directory',
        target_id: id,
        actor_id: api.adminId,
      })
    const { results } = await env.DB.prepare(
      'SELECT attribute, direction, sequence FROM attribute_direction WHERE directory_id = ?',
    )
      .bind(id)
      .all()
    expect(results).toEqual([
      { attribute: 'department', direction: 'exclude', sequence: 4 },
      { attribute: 'jobTitle', direction: 'import', sequence: 3 },
    ])
    expect(api.rung).toHaveLength(2)
  })

  test.each([
    [{ department: 'export', nonsense: 'export' }, 400, '/nonsense'],
    [{ department: 'export', fax: 'send' }, 400, '/fax'],
    [{ department: 'export', usageLocation: 'import' }, 400, '/usageLocation'],
    [{ department: 'export', email: 'send' }, 400, '/email'],
    [{ department: 'export', email: 'exclude' }, 409, undefined],
  ])('applies %j not at all', async (wanted, status, pointer) => {
    const { api, path } = await withDirectory()
    const answer = await api.patch(`${path}/attributes`, wanted)
    expect(answer.status).toBe(status)
    expect(answer.body['errors']?.[0]['pointer']).toBe(pointer)
    expect(directions((await api.get(`${path}/attributes`)).body)['department']).toBe('exclude')
    expect(await readLog(api.organizationId)).toHaveLength(1)
  })

  test('one directory alone imports an attribute, also when two try at once', async () => {
    const { api, path, id } = await withDirectory()
    const { body: other } = await api.post('/directories', {
      ...directory,
      name: 'Fabrikam',
      tenantId: 'fabrikam.onmicrosoft.com',
    })
    const paths = [path, `/directories/${other['id']}`]
    const answers = await Promise.all(
      paths.map((each) => api.patch(`${each}/attributes`, { department: 'import' })),
    )
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '409'])
    const winner = answers[0]?.status === 200 ? id : other['id']
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      directoryId: winner,
      attribute: 'department',
    })
  })

  test('changes at once are told in the order in which they happened', async () => {
    const { api, path } = await withDirectory()
    await Promise.all(
      ['export', 'import', 'exclude', 'export'].map((department) =>
        api.patch(`${path}/attributes`, { department }),
      ),
    )
    const [, ...log] = await readLog(api.organizationId)
    let held = 'exclude'
    for (const event of log) {
      const [change] = event['body']['changes']
      expect(change['from']).toBe(held)
      held = change['to']
    }
    expect(directions((await api.get(`${path}/attributes`)).body)['department']).toBe(held)
  })
})

describe('what an administrator changes', () => {
  test('reaches Microsoft 365: an attribute that is exported from now on, a setting', async () => {
    const world = await exportWorld()
    const { organizationId, directoryId, clock } = world
    const api = await apiClient({ organizationId, clock })
    const path = `/directories/${directoryId}`
    await api.patch(`${path}/attributes`, { jobTitle: 'exclude' })
    await world.scim.post('/Users', newUser('ann'))
    await world.settle()
    const held = () => {
      const users = [...world.graph.tenant().all('user')].map(({ properties }) => properties)
      return users.find((user) => user['givenName'] === 'ann')
    }
    expect(held()).toMatchObject({ usageLocation: 'US' })
    expect(held()?.['jobTitle'] ?? null).toBeNull()
    await api.patch(`${path}/attributes`, { jobTitle: 'export' })
    await api.patch(path, { settings: { usageLocation: 'DE' } })
    expect((await api.get(`${path}/status`)).body['owed']).toBeGreaterThan(0)
    await world.settle()
    expect(held()).toMatchObject({ jobTitle: 'Engineer', usageLocation: 'DE' })
    expect((await api.get(`${path}/status`)).body['owed']).toBe(0)
  })
})

describe('bindings of a directory, and its end', () => {
  test('are listed by state and in pages, and go with the directory', async () => {
    const world = await exportWorld()
    const { organizationId, directoryId, clock } = world
    const api = await apiClient({ organizationId, clock })
    const users = []
    for (const name of ['ann', 'bob', 'cid']) {
      // Ids made within one millisecond have no order.
      clock.now += 1
      users.push((await world.scim.post('/Users', newUser(name))).body['id'])
    }
    const group = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
    })
    await world.settle()
    const path = `/directories/${directoryId}/bindings`
    const all = await api.get(path)
    expect(all.cost.roundTrips).toBe(2)
    expect(all.body['items'].map((item: Loose) => item['userId'] ?? item['groupId'])).toEqual([
      group.body['id'],
      ...users,
    ])
    expect(all.body['items'][0]).toMatchObject({ userName: null, groupName: 'Sales' })
    expect(all.body['items'][1]).toEqual({
      id: `bnd_${directoryId.slice(4)}_${users[0]}`,
      directoryId,
      kind: 'user',
      userId: users[0],
      groupId: null,
      userName: 'ann@contoso.com',
      groupName: null,
      graphId: expect.any(String),
      state: 'synced',
      reason: 'all',
      exportedAt: expect.stringMatching(/Z$/),
      dueAt: null,
      attempts: 0,
      error: null,
    })
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: { body: Loose } = await api.get(`${path}?limit=1&cursor=${cursor}`)
      seen.push(...body['items'].map((item: Loose) => item['id']))
      cursor = body['nextCursor']
    }
    expect(seen).toEqual(all.body['items'].map((item: Loose) => item['id']))

    await env.DB.prepare("UPDATE binding SET state = 'failed', error = ? WHERE resource_id = ?")
      .bind(JSON.stringify({ code: 'x', message: 'm', whatToDo: 'w' }), users[1])
      .run()
    const failed = await api.get(`${path}?state=failed,held`)
    expect(failed.body['items']).toMatchObject([{ userId: users[1], error: { code: 'x' } }])
    const wrong = await api.get(`${path}?state=broken`)
    expect(wrong.body['errors']).toMatchObject([{ parameter: 'state' }])

    const { writes } = world.graph.counters.snapshot()
    expect((await api.delete(`/directories/${directoryId}`)).status).toBe(204)
    expect((await api.get(path)).status).toBe(404)
    const { results } = await env.DB.prepare('SELECT 1 FROM binding WHERE directory_id = ?')
      .bind(directoryId)
      .all()
    expect(results).toEqual([])
    await world.settle()
    expect(world.graph.counters.snapshot().writes).toBe(writes)
    expect((await readLog(organizationId)).at(-1)).toMatchObject({ type: 'directory_delete' })
  })
})
