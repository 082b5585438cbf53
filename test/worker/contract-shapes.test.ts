/** The shapes of the contract, each answered to a real request with at least the members that clients read. */
import { describe, expect, test } from 'vitest'

import { API_ROUTES } from '../../src/http/access.ts'
import { apiClient, OPERATOR } from '../support/api.ts'
import { apiWorld, filledPaths } from '../support/api-world.ts'
import { exportWorld, newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

const text = expect.any(String)
const number = expect.any(Number)
const id = (prefix: string) => expect.stringMatching(new RegExp(`^${prefix}_`))
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/
const time = expect.stringMatching(RFC3339)

const directory = {
  name: 'Contoso',
  tenantId: crypto.randomUUID(),
  clientId: crypto.randomUUID(),
  credential: {
    type: 'client_secret',
    secret: 'a secret of the app',
    expiresAt: '2099-01-01T00:00:00Z',
  },
  settings: { usageLocation: 'US' },
}

describe('what is made has the shape of the contract:', () => {
  test('an organization, with its first key', async () => {
    const api = await apiClient()
    const headers = { Authorization: `Bearer ${OPERATOR}` }
    const { body } = await api.send('POST', '/organizations', { name: 'Contoso' }, headers)
    expect(body).toMatchObject({
      id: id('org'),
      name: 'Contoso',
      apiKey: { id: id('key'), role: 'billing_admin', secret: expect.stringMatching(/^isth_api_/) },
    })
  })

  test('a source, and each type of credential', async () => {
    const api = await apiClient()
    const source = {
      name: 'Entra',
      type: 'entra',
      usernamePolicy: 'any',
      entraTenantId: crypto.randomUUID(),
    }
    const { body } = await api.post('/sources', source)
    expect(body).toMatchObject({ id: id('src'), ...source })
    for (const type of ['bearer', 'oauth_client', 'federated']) {
      const path = `/sources/${body['id']}/credentials`
      const { body: credential } = await api.post(path, { type, name: type })
      expect(credential).toMatchObject({ id: id('cred'), type, name: type, expiresAt: null })
      if (type === 'bearer') expect(credential['secret']).toMatch(/^isth_scim_/)
    }
  })

  test('a directory, which never gives a secret back', async () => {
    const api = await apiClient()
    const { body, text: answer } = await api.post('/directories', directory)
    const { name, tenantId, clientId } = directory
    expect(body).toMatchObject({
      ...{ id: id('dir'), name, tenantId, clientId, state: 'active', stateReason: null },
      credential: { type: 'client_secret', expiresAt: time },
      settings: {
        upnSource: 'email',
        blankPolicy: 'ignore',
        onSuspend: 'disable',
        onDelete: 'disable',
        onUnbind: 'disable',
        onGroupDelete: 'leave',
        bindNewUsers: { mode: 'manual', groupIds: [] },
        bindNewGroups: 'manual',
        conflict: 'adopt',
        usageLocation: 'US',
        reconcile: { mode: 'report', intervalMinutes: 60 },
        threshold: { count: 20, percent: 10 },
        writeQuotaPercent: 80,
        sameTenant: false,
      },
    })
    expect(answer).not.toContain(directory.credential.secret)
    const { body: attributes } = await api.get(`/directories/${body['id']}/attributes`)
    expect(attributes['nextCursor']).toBeNull()
    expect(attributes['items']).toContainEqual(
      expect.objectContaining({
        ...{ attribute: 'department', label: 'Department', graph: 'department' },
        ...{ graphLabel: 'Department', direction: 'exclude', locked: false },
      }),
    )
  })
})

/** A user of whom Microsoft 365 owns the department, and somebody changed the title there. */
async function drifted(): Promise<{ world: ReconcileWorld; run: Loose; userId: string }> {
  const world = await reconcileWorld()
  await world.api.patch(`/directories/${world.directoryId}/attributes`, { department: 'import' })
  const [userId = ''] = await world.exported('ann')
  const properties = { department: 'Ops', jobTitle: 'Boss' }
  world.graph.changeUser(world.accountOf('ann'), { properties })
  return { world, run: await world.run('report'), userId }
}

describe('what is read has the shape of the contract:', () => {
  test('a user, with what was imported, groups and bindings', async () => {
    const { world, userId } = await drifted()
    const { body: group } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
      members: [{ value: userId }],
    })
    const { body } = await world.api.get(`/users/${userId}`)
    expect(body).toMatchObject({
      ...{ id: userId, username: 'ann@contoso.com', email: 'ann@contoso.com' },
      ...{ firstname: 'ann', lastname: 'Test', displayname: 'ann Test', department: 'Ops' },
      ...{ status: 'password_pending', suspended: false, passwordExpired: false },
      ...{
        externalId: 'ann',
        sourceId: id('src'),
        version: number,
        createdAt: time,
        modifiedAt: time,
      },
      imported: { department: { value: 'Ops', directoryId: world.directoryId, at: time } },
      groups: [{ id: group['id'], displayName: 'Sales' }],
      bindings: [{ directoryId: world.directoryId, state: 'synced' }],
    })
  })

  test('a reconciliation and its drift', async () => {
    const { world, run, userId } = await drifted()
    expect(run).toMatchObject({
      ...{ id: id('rec'), directoryId: world.directoryId, mode: 'report', state: 'done' },
      counts: { read: 1, drift: 1, corrected: 0, imported: 1 },
    })
    const graphId = world.accountOf('ann')
    const ann = { userId, userName: 'ann@contoso.com', graphId }
    const drift = await world.drift(run)
    expect(drift).toContainEqual({
      ...{ ...ann, attribute: 'jobTitle', direction: 'export' },
      ...{ ours: 'Engineer', theirs: 'Boss', action: 'reported' },
    })
    expect(drift).toContainEqual({
      ...{ ...ann, attribute: 'department', direction: 'import' },
      ...{ ours: null, theirs: 'Ops', action: 'imported' },
    })
  })

  test('the status of a directory', async () => {
    const { world } = await drifted()
    const { body } = await world.api.get(`/directories/${world.directoryId}/status`)
    expect(body).toMatchObject({
      ...{ owed: 0, inFlight: 0, failed: 0, held: 0, bound: 1, writesPerSecond: 16 },
      ...{ blockedUntil: null, estimatedFinish: null, lastError: null },
      lastDrain: { at: time, writes: number },
    })
  })

  test('a binding, with the reason of its failure', async () => {
    const world = await exportWorld()
    const api = await apiClient({ organizationId: world.organizationId, clock: world.clock })
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      ...{ status: 400, code: 'Request_BadRequest' },
      message: "Invalid value specified for property 'jobTitle' of resource 'User'.",
    })
    const { body: user } = await world.scim.post('/Users', newUser('ann'))
    await world.settle()
    for (const list of ['bindings', 'failures']) {
      const { body } = await api.get(`/directories/${world.directoryId}/${list}`)
      expect(body['items']).toMatchObject([
        {
          ...{ id: id('bnd'), kind: 'user', userId: user['id'], groupId: null, graphId: null },
          ...{ state: 'failed', exportedAt: null, attempts: number },
          error: { code: text, message: text, whatToDo: text, requestId: text },
        },
      ])
    }
  })

  test('a preview, and a job', async () => {
    const settings = { bindNewUsers: { mode: 'manual' as const, groupIds: [] } }
    const world = await exportWorld({ settings })
    const { organizationId, clock } = world
    const fetch: typeof globalThis.fetch = (input, init) =>
      world.graph.fetch(new Request(input, init))
    const api = await apiClient({ organizationId, clock, instead: { fetch } })
    const { body: user } = await world.scim.post('/Users', newUser('ann'))
    const path = `/directories/${world.directoryId}`
    const userIds = [user['id']]
    const { body: preview } = await api.post(`${path}/preview`, { userIds })
    expect(preview).toMatchObject({ sequence: number, nextCursor: null })
    expect(preview['items']).toMatchObject([
      {
        userId: user['id'],
        userName: 'ann@contoso.com',
        graphId: null,
        action: 'create',
        problems: [],
      },
    ])
    const change = { attribute: 'jobTitle', graph: 'jobTitle', current: null, next: 'Engineer' }
    expect(preview['items'][0].changes).toContainEqual(change)
    const atSequence = preview['sequence']
    const started = await api.post(`${path}/bindings`, { userIds, atSequence })
    expect(started.status).toBe(202)
    const job = { id: id('job'), type: 'bind', done: 0, total: number, errors: [] }
    expect(started.body).toMatchObject({ ...job, state: 'running' })
    await world.settle()
    const { body: ended } = await api.get(`/jobs/${started.body['id']}`)
    expect(ended).toMatchObject({ ...job, state: 'done', done: 1, total: 1 })
  })

  test('an event', async () => {
    const { world } = await drifted()
    const { api, directoryId } = world
    const { body } = await api.get('/events?type=integrationattribute_include')
    expect(body['items'][0]).toMatchObject({
      ...{ id: id('evt'), sequence: number, time, type: 'integrationattribute_include' },
      actor: { type: 'admin', id: api.adminId, name: 'Ann Admin', keyId: api.keyId },
      target: { type: 'directory', id: directoryId },
      origin: { ip: text, requestId: text },
      outcome: 'success',
      changes: [{ attribute: 'department', from: 'export', to: 'import' }],
      details: {},
    })
  })
})

/** Every member of an answer with its name, however deep. */
function membersOf(value: unknown): [name: string, value: unknown][] {
  if (Array.isArray(value)) return value.flatMap(membersOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(
    ([name, each]) => [[name, each], ...membersOf(each)] as [string, unknown][],
  )
}

/** The lists by their names, and every other resource that is read as JSON, of a world that has one of everything. */
const READ = Object.keys(API_ROUTES)
  .filter((route) => route.startsWith('GET ') && !/docs|openapi|metrics|export$/.test(route))
  .map((route) => route.slice(4))
const ONE = /^\/organization$|\/:id$|\/status$/

describe('every answer to a GET', () => {
  test('names its members in camelCase, tells times as RFC 3339, and a list is items and nextCursor', async () => {
    const { api, ids } = await apiWorld()
    const read: string[] = []
    for (const path of READ) {
      const [filled = ''] = filledPaths(path, [ids])
      const { status, body } = await api.get(filled)
      if (status !== 200) continue
      read.push(path)
      const wrong = membersOf(body).filter(([name, value]) =>
        /(?:At|^time|Until)$/.test(name)
          ? value !== null && !RFC3339.test(String(value))
          : !/^[a-z][a-zA-Z0-9]*$/.test(name),
      )
      expect({ path, wrong }).toEqual({ path, wrong: [] })
      if (ONE.test(path)) continue
      expect({ path, names: Object.keys(body).toSorted() }).toEqual({
        path,
        names: ['items', 'nextCursor'],
      })
      expect(body['nextCursor'] === null || typeof body['nextCursor'] === 'string').toBe(true)
    }
    expect(READ.filter((path) => !read.includes(path))).toEqual(UNREAD)
  })
})

/** Of these the world has none; the tests above read them. */
const UNREAD = ['/jobs/:id', '/reconciliations/:id', '/reconciliations/:id/drift']
