/** The tables of the contract: settings and attributes of a directory, routes and their roles, types of events. */
import { describe, expect, test } from 'vitest'

import type { EventType } from '../../src/db/event-log.ts'
import { API_ROUTES } from '../../src/http/access.ts'
import { apiClient } from '../support/api.ts'
import { batchOf, exportWorld, newUser } from '../support/export.ts'
import { type Loose, scimClient } from '../support/seed.ts'

const directory = {
  name: 'Contoso',
  tenantId: 'contoso.onmicrosoft.com',
  clientId: '15714005-cafe-4b0b-9f00-0123456789ab',
  credential: { type: 'client_secret', secret: 'a secret of the app' },
}

const BY_HAND = { bindNewUsers: { mode: 'manual' as const, groupIds: [] } }

const REFUSED = {
  match: { method: 'POST', path: '^/users$' },
  status: 400,
  code: 'Request_BadRequest',
  message: "Invalid value specified for property 'jobTitle' of resource 'User'.",
}

async function connected() {
  const scim = await scimClient({ policy: 'any' })
  const api = await apiClient({ organizationId: scim.organizationId })
  const { body } = await api.post('/directories', directory)
  return { scim, api, settings: body['settings'], path: `/directories/${body['id']}` }
}

type Setting = readonly [name: string, byDefault: unknown, others: readonly unknown[]]

const SETTINGS: readonly Setting[] = [
  ['upnSource', 'email', ['alternateEmail']],
  ['blankPolicy', 'ignore', ['clear']],
  ['onSuspend', 'disable', ['leave']],
  ['onDelete', 'disable', ['delete', 'leave']],
  ['onUnbind', 'disable', ['delete', 'leave']],
  ['onGroupDelete', 'leave', ['delete']],
  ['bindNewUsers', { mode: 'manual', groupIds: [] }, [{ mode: 'all', groupIds: [] }]],
  ['bindNewGroups', 'manual', ['all']],
  ['conflict', 'adopt', ['hold']],
  [
    'reconcile',
    { mode: 'report', intervalMinutes: 60 },
    [{ mode: 'enforce', intervalMinutes: 15 }],
  ],
  ['threshold', { count: 20, percent: 10 }, [{ count: 5, percent: 50 }, null]],
  ['writeQuotaPercent', 80, [50]],
  ['sameTenant', false, [true]],
]

describe('the settings of a directory made through the API', () => {
  test.each(SETTINGS)('%s is %j unless it is set to one of %j', async (name, byDefault, others) => {
    const { api, settings, path } = await connected()
    expect(settings[name]).toEqual(byDefault)
    for (const value of [...others, byDefault]) {
      const patched = await api.patch(path, { settings: { [name]: value } })
      expect({ status: patched.status, value: patched.body['settings']?.[name] }).toEqual({
        status: 200,
        value,
      })
    }
    expect((await api.get(path)).body['settings']).toEqual(settings)
  })

  test('bindNewUsers takes the mode groups, with groups of the organization', async () => {
    const { scim, api, path } = await connected()
    const { body: group } = await scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
    })
    const bindNewUsers = { mode: 'groups', groupIds: [group['id']] }
    const patched = await api.patch(path, { settings: { bindNewUsers } })
    expect(patched.body['settings'].bindNewUsers).toEqual(bindNewUsers)
  })

  test.each([
    [80, 16],
    [50, 10],
  ])('writeQuotaPercent %i of the 20 writes a second are %i', async (writeQuotaPercent, rate) => {
    const { organizationId, directoryId } = await exportWorld({ settings: { writeQuotaPercent } })
    const api = await apiClient({ organizationId })
    const { body } = await api.get(`/directories/${directoryId}/status`)
    expect(body['writesPerSecond']).toBe(rate)
  })

  test('are these, and the default of the usage location, which nobody has chosen', async () => {
    const { settings } = await connected()
    expect(Object.keys(settings).toSorted()).toEqual(
      [...SETTINGS.map(([name]) => name), 'usageLocation'].toSorted(),
    )
    expect(settings['usageLocation']).toBeNull()
  })
})

const ALWAYS = ['export']
const ANY = ['export', 'import', 'exclude']
type AttributeRow = readonly [name: string, graph: string, directions: readonly string[]]

const ATTRIBUTES: readonly AttributeRow[] = [
  ['firstname', 'givenName', ALWAYS],
  ['lastname', 'surname', ALWAYS],
  ['displayname', 'displayName', ALWAYS],
  ['email', 'userPrincipalName', ALWAYS],
  ['password', 'passwordProfile.password', ALWAYS],
  ['department', 'department', ANY],
  ['jobTitle', 'jobTitle', ANY],
  ['location', 'officeLocation', ANY],
  ['alternateEmail', 'otherMails', ANY],
  ['employeeIdentifier', 'employeeId', ANY],
  ['employeeType', 'employeeType', ANY],
  ['company', 'companyName', ANY],
  ['costCenter', 'employeeOrgData', ANY],
  ['division', 'employeeOrgData', ANY],
  ['preferredLanguage', 'preferredLanguage', ANY],
  ['workStreetAddress', 'streetAddress', ANY],
  ['workCity', 'city', ANY],
  ['workState', 'state', ANY],
  ['workPostalCode', 'postalCode', ANY],
  ['workCountry', 'country', ANY],
  ['workPhone', 'businessPhones', ANY],
  ['mobilePhone', 'mobilePhone', ANY],
  ['fax', 'faxNumber', ANY],
  ['manager', 'manager', ANY],
  ['usageLocation', 'usageLocation', ['export', 'exclude']],
]

describe('the attributes of a directory', () => {
  test('have these names, Graph properties, directions and defaults', async () => {
    const { api, path } = await connected()
    const { body } = await api.get(`${path}/attributes`)
    expect(
      body['items'].map((item: Loose) => [item['attribute'], item['graph'], item['directions']]),
    ).toEqual(ATTRIBUTES)
    for (const { attribute, direction, locked } of body['items']) {
      const always = ATTRIBUTES.some(
        ([name, , choices]) => name === attribute && choices === ALWAYS,
      )
      expect({ attribute, direction, locked }).toEqual({
        attribute,
        direction: always ? 'export' : 'exclude',
        locked: always,
      })
    }
  })

  test.each(ATTRIBUTES)('%s (%s) takes %j, and no other direction', async (name, _, directions) => {
    const { api, path } = await connected()
    const statuses = []
    for (const direction of ANY) {
      const { status } = await api.patch(`${path}/attributes`, { [name]: direction })
      statuses.push([direction, status])
    }
    const refusal = directions === ALWAYS ? 409 : 400
    expect(statuses).toEqual(
      ANY.map((direction) => [direction, directions.includes(direction) ? 200 : refusal]),
    )
  })
})

/** What each role may beside what the one before it may. */
const ROUTES: Readonly<Record<string, string>> = {
  operator: 'POST /organizations',
  read_only: `GET /organization, GET /admins, GET /api-keys, GET /sources, GET /sources/:id, GET /sources/:id/quirks,
    GET /users, GET /users/:id, GET /users/:id/events, GET /groups, GET /groups/:id, GET /groups/:id/events,
    GET /directories, GET /directories/:id, GET /directories/:id/attributes, GET /directories/:id/import-candidates,
    GET /directories/:id/bindings, GET /directories/:id/status, GET /directories/:id/failures,
    GET /directories/:id/reconciliations, GET /reconciliations/:id, GET /reconciliations/:id/drift,
    GET /events, GET /events/export, GET /metrics, GET /jobs, GET /jobs/:id`,
  manager: `POST /sources, PATCH /sources/:id, DELETE /sources/:id, POST /sources/:id/credentials,
    DELETE /sources/:id/credentials/:credentialId, PATCH /users/:id, DELETE /users/:id, PATCH /groups/:id,
    DELETE /groups/:id, PATCH /directories/:id/attributes, POST /directories/:id/undo, POST /directories/:id/preview,
    POST /directories/:id/import, POST /directories/:id/bindings, DELETE /directories/:id/bindings,
    POST /directories/:id/exports`,
  administrator: `POST /directories, PATCH /directories/:id, DELETE /directories/:id, POST /directories/:id/test,
    POST /directories/:id/failures/replay, POST /directories/:id/reconciliations, POST /directories/:id/held/approve,
    POST /directories/:id/held/reject, POST /reconciliations/:id/approve, POST /reconciliations/:id/reject`,
  billing_admin: `PATCH /organization, POST /admins, PATCH /admins/:id, DELETE /admins/:id, POST /api-keys,
    DELETE /api-keys/:id`,
  public: 'GET /openapi.json, GET /docs',
}

test('the routes of the admin API are these, each with its least role', () => {
  const known: Readonly<Record<string, string>> = API_ROUTES
  const byRole = Object.fromEntries(
    Object.keys(ROUTES).map((role) => [
      role,
      Object.keys(known)
        .filter((route) => known[route] === role)
        .toSorted(),
    ]),
  )
  expect(byRole).toEqual(
    Object.fromEntries(
      Object.entries(ROUTES).map(([role, routes]) => [role, routes.split(/,\s+/).toSorted()]),
    ),
  )
})

describe('administrators and their keys', () => {
  test('the last billing_admin stays, in its role; another one may go', async () => {
    const api = await apiClient()
    const last = `/admins/${api.adminId}`
    expect((await api.delete(last)).status).toBe(409)
    expect((await api.patch(last, { role: 'manager' })).status).toBe(409)
    const bob = await api.post('/admins', { name: 'Bob', role: 'billing_admin' })
    // Without a key, Bob could manage nothing.
    expect((await api.delete(last)).status).toBe(409)
    await api.post('/api-keys', { name: 'his', adminId: bob.body['id'] })
    expect((await api.delete(last)).status).toBe(204)
  })

  test('a key shows its secret in the answer to its POST only, and a revoked one is refused', async () => {
    const api = await apiClient()
    const { status, body } = await api.post('/api-keys', { name: 'two' })
    expect(status).toBe(201)
    expect(body['secret']).toMatch(/^isth_api_[0-9a-z]{52}$/)
    const { body: keys, text } = await api.get('/api-keys')
    expect(keys['items'].map((key: Loose) => key['id'])).toContain(body['id'])
    expect(text).not.toContain(body['secret'])
    const headers = { Authorization: `Bearer ${body['secret']}` }
    const read = async () => (await api.send('GET', '/organization', undefined, headers)).status
    expect(await read()).toBe(200)
    expect((await api.delete(`/api-keys/${body['id']}`)).status).toBe(204)
    api.clock.now += 30_000
    expect(await read()).toBe(401)
  })
})

const EVENT_TYPES = [
  'user_create',
  'user_update',
  'user_suspend',
  'user_activate',
  'user_delete',
  'group_create',
  'group_update',
  'group_delete',
  'binding_create',
  'binding_delete',
  'export_success',
  'export_failure',
  'export_requested',
  'directory_create',
  'directory_update',
  'directory_delete',
  'integrationattribute_include',
  'integrationattribute_exclude',
  'credential_create',
  'credential_revoke',
] as const satisfies readonly EventType[]

describe('the log', () => {
  test('tells of what is done every day by the types that clients know', async () => {
    const world = await exportWorld({ settings: BY_HAND })
    const { scim, clock, organizationId } = world
    const api = await apiClient({ organizationId, clock })
    const path = `/directories/${world.directoryId}`
    const { body: user } = await scim.post('/Users', newUser('ann'))
    const bad = newUser('bob', { emails: [{ type: 'work', value: 'bob@elsewhere.example' }] })
    const { body: refused } = await scim.post('/Users', bad)
    const set = (value: boolean) =>
      scim.patch(`/Users/${user['id']}`, [{ op: 'replace', path: 'active', value }])
    await scim.patch(`/Users/${user['id']}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    await set(false)
    await set(true)
    const { body: group } = await scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
    })
    await scim.patch(`/Groups/${group['id']}`, [
      { op: 'replace', path: 'displayName', value: 'Buyers' },
    ])
    const userIds = [user['id'], refused['id']]
    await api.post(`${path}/bindings`, { userIds })
    await world.settle()
    await api.post(`${path}/exports`, { userIds })
    await api.patch(`${path}/attributes`, { jobTitle: 'exclude' })
    await api.patch(`${path}/attributes`, { jobTitle: 'export' })
    await api.send('DELETE', `${path}/bindings`, { userIds })
    await world.settle()
    await scim.delete(`/Users/${user['id']}`)
    await scim.delete(`/Groups/${group['id']}`)
    const { body: key } = await api.post('/api-keys', { name: 'two' })
    await api.delete(`/api-keys/${key['id']}`)
    const { body: other } = await api.post('/directories', directory)
    await api.patch(`/directories/${other['id']}`, { name: 'Fabrikam' })
    await api.delete(`/directories/${other['id']}`)
    const missing = []
    for (const type of EVENT_TYPES) {
      const { items } = (await api.get(`/events?type=${type}`)).body
      if (items.length === 0) missing.push(type)
    }
    expect(missing).toEqual([])
  })
})

describe('the quirks of a source', () => {
  test('tell of each its number, count, when it was last seen, and what to change', async () => {
    const { scim, api } = await connected()
    const { body } = await scim.post('/Users', newUser('ann'))
    await scim.patch(`/Users/${body['id']}`, [{ op: 'Replace', path: 'active', value: 'False' }])
    const { body: quirks } = await api.get(`/sources/${scim.sourceId}/quirks`)
    const [upperCase] = quirks['items']
    expect(upperCase).toMatchObject({ number: 1, count: 1, lastSeen: expect.stringMatching(/Z$/) })
    expect(upperCase['whatToDo']).toMatch(/aadOptscim062020/)
  })
})

describe('a binding that has come to its end', () => {
  test('is listed only when it is asked for by its state', async () => {
    const world = await exportWorld()
    const { organizationId, clock } = world
    const api = await apiClient({ organizationId, clock })
    const { body: user } = await world.scim.post('/Users', newUser('ann'))
    await world.settle()
    await world.scim.delete(`/Users/${user['id']}`)
    await world.settle()
    const path = `/directories/${world.directoryId}/bindings`
    expect((await api.get(path)).body['items']).toEqual([])
    const former = await api.get(`${path}?state=former`)
    expect(former.body['items']).toMatchObject([{ userId: user['id'], state: 'former' }])
    const states = 'pending,synced,owed,failed,held,unbinding,former'
    expect((await api.get(`${path}?state=${states}`)).status).toBe(200)
  })
})

describe('an export', () => {
  test('is rung for at once by the change itself, and needs no other bell', async () => {
    const { scim, organizationId, graph, jobs, bells, slept } = await exportWorld()
    await scim.post('/Users', newUser('ann'))
    expect(scim.rung).toEqual([organizationId])
    await jobs.queue(batchOf([{ organizationId }]))
    expect(graph.summary().users).toHaveLength(1)
    expect([bells, slept]).toEqual([[], []])
  })

  test('makes the display name of first and last name, again whenever one changes', async () => {
    const world = await exportWorld()
    const { body } = await world.scim.post('/Users', newUser('ann', { displayName: 'Other' }))
    const shown = async () => {
      await world.settle()
      return world.graph.summary().users.map((user) => user['displayName'])
    }
    expect(await shown()).toEqual(['ann Test'])
    const rename = (name: string, value: string) =>
      world.scim.patch(`/Users/${body['id']}`, [{ op: 'replace', path: `name.${name}`, value }])
    await rename('givenName', 'Anna')
    expect(await shown()).toEqual(['Anna Test'])
    await rename('familyName', 'Best')
    expect(await shown()).toEqual(['Anna Best'])
  })

  test('that failed is tried again when its user changes', async () => {
    const world = await exportWorld()
    world.graph.faults.add(REFUSED)
    const { body } = await world.scim.post('/Users', newUser('ann'))
    await world.settle()
    expect(await world.binding(body['id'])).toMatchObject({ state: 'failed' })
    await world.scim.patch(`/Users/${body['id']}`, [{ op: 'replace', path: 'title', value: 'B' }])
    await world.settle()
    expect(await world.binding(body['id'])).toMatchObject({ state: 'synced' })
  })
})
