import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { API_ROUTES, ROLES } from '../../src/http/access.ts'
import { apiClient, OPERATOR } from '../support/api.ts'
import { readLog } from '../support/seed.ts'

const ROUTES = Object.entries(API_ROUTES).map(([route, least]) => {
  const [method = '', path = ''] = route.split(' ')
  return { method, path, url: path.replaceAll(/:\w+/g, 'x'), least, route }
})
const bodyOf = (method: string) => (method === 'POST' || method === 'PATCH' ? {} : undefined)
/** Routes that take a key. */
const GUARDED = ROUTES.filter((row) => row.least !== 'public')

describe('the audit of the router', () => {
  test('every route under /api is in the table of roles, and every row of the table is a route', async () => {
    const { app } = await apiClient()
    const mounted = app.routes
      .filter(({ method, path }) => path.startsWith('/api/') && method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace('/api/v1', '')}`)
    expect([...new Set(mounted)].toSorted()).toEqual(Object.keys(API_ROUTES).toSorted())
  })

  test.each(GUARDED)('$route demands a key that is known', async ({ method, url }) => {
    const api = await apiClient()
    for (const header of ['', 'Bearer isth_api_unknown', 'Basic QWxhZGRpbg==', 'Bearer']) {
      const answer = await api.send(method, url, bodyOf(method), { Authorization: header })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
      expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="api"')
    }
  })

  test.each(GUARDED)('$route refuses every role below $least and no other', async (row) => {
    const { least, method, url } = row
    for (const role of ROLES) {
      const api = await apiClient({ role })
      const answer = await api.send(method, url, bodyOf(method))
      const may =
        least !== 'operator' && least !== 'public' && ROLES.indexOf(role) >= ROLES.indexOf(least)
      const isRefused = answer.body['type'] === 'urn:isthmus:problem:forbidden'
      expect({ role, isRefused }).toEqual({ role, isRefused: !may })
      expect(answer.status === 403).toBe(!may)
    }
  })
})

describe('authentication', () => {
  test("a source's token and the operator's reach nothing of an organization", async () => {
    const api = await apiClient()
    const answer = await api.send('GET', '/organization', undefined, {
      Authorization: `Bearer ${OPERATOR}`,
    })
    expect(answer.status).toBe(401)
    expect(answer.body['detail']).toContain('the token of the operator')
    const { body: source } = await api.post('/sources', { name: 'Entra', type: 'entra' })
    const { body: credential } = await api.post(`/sources/${source['id']}/credentials`, {
      type: 'bearer',
      name: 'one',
    })
    const Authorization = `Bearer ${credential['secret']}`
    const refused = await api.send('GET', '/organization', undefined, { Authorization })
    expect(refused.status).toBe(401)
    expect(refused.body['detail']).toContain('a token of a source, which reaches /scim/v2 alone')
  })

  test('an API key reaches nothing of /scim', async () => {
    const api = await apiClient()
    const response = await api.app.request('https://gateway.test/scim/v2/Users', {
      headers: { Authorization: `Bearer ${api.key}` },
    })
    expect(response.status).toBe(401)
    expect((await response.json<{ detail: string }>()).detail).toContain(
      'an API key of an administrator, which reaches /api/v1 alone',
    )
  })

  test('a key counts until it expires', async () => {
    const now = Date.now()
    const api = await apiClient({ clock: { now }, expiresAt: now + 5000 })
    expect((await api.get('/organization')).status).toBe(200)
    api.clock.now = now + 4999
    expect((await api.get('/organization')).status).toBe(200)
    api.clock.now = now + 5000
    expect((await api.get('/organization')).status).toBe(401)
  })

  test('a revoked key is refused within 30 s, and costs no look-up until then', async () => {
    const api = await apiClient()
    expect((await api.get('/organization')).cost.roundTrips).toBe(2)
    expect((await api.get('/organization')).cost.roundTrips).toBe(1)
    await connect(env.DB).run(
      sql`UPDATE api_key SET revoked_at = ${api.clock.now} WHERE id = ${api.keyId}`,
    )
    api.clock.now += 30_000
    expect((await api.get('/organization')).status).toBe(401)
  })

  test('a key that is revoked or expired and used is told to its organization, once an hour', async () => {
    const now = Date.now()
    const api = await apiClient({ clock: { now }, expiresAt: now + 1000 })
    api.clock.now = now + 1000
    expect((await api.get('/organization')).status).toBe(401)
    const { headers } = await api.get('/organization')
    const [event, ...more] = await readLog(api.organizationId)
    expect(more).toEqual([])
    expect(event).toMatchObject({
      type: 'auth_failure',
      outcome: 'failure',
      target_type: 'api_key',
      target_id: api.keyId,
      actor_id: api.adminId,
      body: { details: { reason: 'expired' }, origin: { ip: '192.0.2.7' } },
    })
    expect(JSON.stringify(event)).not.toContain(headers.get('X-Request-Id'))
    await connect(env.DB).run(sql`UPDATE api_key SET revoked_at = ${now} WHERE id = ${api.keyId}`)
    api.clock.now += 3_600_000
    await api.get('/organization')
    const log = await readLog(api.organizationId)
    expect(log.map(({ body }) => body.details.reason)).toEqual(['expired', 'revoked'])
  })

  test('a role that was taken away is gone within 30 s', async () => {
    const api = await apiClient()
    expect((await api.patch('/organization', { name: 'One' })).status).toBe(200)
    await connect(env.DB).run(sql`UPDATE admin SET role = 'read_only' WHERE id = ${api.adminId}`)
    api.clock.now += 30_000
    expect((await api.patch('/organization', { name: 'Two' })).status).toBe(403)
  })
})

describe('problem documents', () => {
  test('unknown paths answer one, below /api/v1 and beside it', async () => {
    const api = await apiClient()
    for (const path of ['/nothing', '/sources/src_x/nothing', '/../v2/users', '/', '']) {
      const answer = await api.get(path)
      expect(answer.status).toBe(404)
      expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
      expect(answer.body).toEqual({
        type: 'urn:isthmus:problem:unknown-path',
        title: 'Not found',
        status: 404,
        detail: expect.any(String),
        requestId: expect.stringMatching(/^req_/),
      })
      expect(answer.headers.get('X-Request-Id')).toBe(answer.body['requestId'])
    }
  })

  test('a method that a path does not know answers 405 and those that it does', async () => {
    const api = await apiClient()
    const answer = await api.send('PUT', '/organization', {})
    expect(answer.status).toBe(405)
    expect(answer.headers.get('Allow')).toBe('GET, PATCH')
  })

  test('HEAD is a GET without its body', async () => {
    const api = await apiClient()
    const answer = await api.send('HEAD', '/organization')
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: '' })
  })

  test.each([
    ['{', 400, 'unreadable'],
    ['', 400, 'unreadable'],
    ['[]', 400, 'invalid'],
    ['{"__proto__":1}', 400, 'unreadable'],
    [`{"name":"${'x'.repeat(1024 * 1024)}"}`, 413, 'payload-too-large'],
  ])('a body that is no object: %#', async (body, status, kind) => {
    const api = await apiClient()
    const answer = await api.send('POST', '/sources', body, { 'Content-Type': 'application/json' })
    expect(answer.status).toBe(status)
    expect(answer.body['type']).toBe(`urn:isthmus:problem:${kind}`)
  })

  test('a content type that is not JSON', async () => {
    const api = await apiClient()
    const answer = await api.send('POST', '/sources', '{}', { 'Content-Type': 'text/xml' })
    expect(answer.status).toBe(415)
  })

  test('names every field that is wrong by its JSON Pointer', async () => {
    const api = await apiClient()
    const answer = await api.post('/sources', { type: 'ldap', usernamePolicy: 7, 'a/b~': 1 })
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({
      type: 'urn:isthmus:problem:invalid',
      errors: expect.arrayContaining([
        { pointer: '/name', detail: 'is missing' },
        { pointer: '/type', detail: 'must be one of: entra, okta, generic' },
        {
          pointer: '/usernamePolicy',
          detail: 'must be one of: strict, local-part, any',
        },
        {
          pointer: '/a~1b~0',
          detail:
            'is no field that can be set here; there are: name, type, usernamePolicy, entraTenantId',
        },
      ]),
    })
  })

  test('tells the members that there are, also of an object within, and of the form that is meant', async () => {
    const api = await apiClient()
    const directory = {
      name: 'Contoso',
      tenantId: crypto.randomUUID(),
      clientId: crypto.randomUUID(),
      credential: { type: 'certificate', pem: 'x', secret: 'x' },
    }
    const [within] = (await api.post('/directories', directory)).body['errors']
    expect(within).toEqual({
      pointer: '/credential/secret',
      detail: 'is no field that can be set here; there are: type, certificate, privateKey, pem',
    })
    const { body: made } = await api.post('/directories', {
      ...directory,
      credential: { type: 'client_secret', secret: 'x' },
    })
    const path = `/directories/${made['id']}`
    const bind = await api.post(`${path}/bindings`, { all: true, userIds: ['usr_1'] })
    expect(bind.body['errors']).toEqual([
      { pointer: '/all', detail: expect.stringContaining('there are: userIds, groupIds') },
    ])
    const settings = { reconcile: { interval: 5 }, onSuspended: 'leave' }
    const { body } = await api.patch(path, { settings })
    expect(body['errors']).toEqual([
      {
        pointer: '/settings/reconcile/interval',
        detail: 'is no setting; there are: mode, intervalMinutes',
      },
      {
        pointer: '/settings/onSuspended',
        detail: expect.stringMatching(/^is no setting; there are: upnSource, .*onSuspend, /),
      },
    ])
    const attributes = await api.patch(`${path}/attributes`, { departement: 'export' })
    expect(attributes.body['errors'][0].detail).toMatch(/there are: firstname, .*department, /)
  })

  test('says where a body stops being JSON', async () => {
    const api = await apiClient()
    const { status, body } = await api.send('POST', '/sources', '{\n  "name": "Entra"\n  "type"}', {
      'Content-Type': 'application/json',
    })
    expect(status).toBe(400)
    expect(body['detail']).toContain('from line 3, column 3 on')
  })

  test.each(GUARDED)(
    '$route refuses a parameter that it does not take',
    async ({ method, url }) => {
      const api = await apiClient({ role: 'billing_admin' })
      const header = url === '/organizations' ? { Authorization: `Bearer ${OPERATOR}` } : {}
      const answer = await api.send(method, `${url}?limt=5`, bodyOf(method), header)
      expect(answer.status).toBe(400)
      expect(answer.body['errors']).toEqual([
        {
          parameter: 'limt',
          detail: expect.stringMatching(/^is no parameter of this route, which takes/),
        },
      ])
    },
  )

  test('the parameters of the contract are taken, and named to whoever misspells them', async () => {
    const api = await apiClient()
    const { body: source } = await api.post('/sources', { name: 'Entra', type: 'entra' })
    for (const taken of [
      '/users?q=a&status=active&cursor=&limit=1',
      '/events?type=user_create&actor=a&target=b&from=2026-01-01T00:00:00Z&to=&cursor=',
      '/events/export?format=csv&type=undo',
      `/sources/${source['id']}/quirks?limit=200&cursor=`,
    ])
      expect((await api.get(taken)).status).toBe(200)
    const { body } = await api.get('/users?state=active')
    expect(body['detail']).toContain('limit, cursor, q, status')
    expect((await api.get('/docs?from=mail')).status).toBe(200)
  })

  test('a parameter that is given twice is refused and named: a list has commas', async () => {
    const api = await apiClient()
    const { status, body } = await api.get(
      '/events?type=source_create&type=admin_create&actor=a&type=undo&limit=1&limit=1',
    )
    expect(status).toBe(400)
    expect(body['errors']).toEqual([
      { parameter: 'type', detail: 'is given 3 times; give it once' },
      { parameter: 'limit', detail: 'is given 2 times; give it once' },
    ])
    expect((await api.get('/events?type=source_create,admin_create&type=')).status).toBe(400)
    expect((await api.get('/docs?from=mail&from=mail')).status).toBe(200)
  })

  test.each(['limit=0', 'limit=201', 'limit=ten', 'cursor=%2B%2B', 'cursor=x'])(
    'a list refuses %s and names the parameter',
    async (query) => {
      const api = await apiClient()
      const collections = ['/sources', '/directories', '/users', '/groups', '/events']
      for (const path of [...collections, '/directories/x/attributes', '/sources/x/quirks']) {
        const { status, body } = await api.get(`${path}?${query}`)
        expect(status).toBe(400)
        expect(body['errors'][0]['parameter']).toBe(query.split('=')[0])
      }
    },
  )
})

describe('organizations', () => {
  const operator = { Authorization: `Bearer ${OPERATOR}` }

  test('an operator makes one, and its first administrator may do everything in it', async () => {
    const api = await apiClient()
    const made = await api.send('POST', '/organizations', { name: ' Contoso ' }, operator)
    expect(made.status).toBe(201)
    expect(made.cost.roundTrips).toBe(1)
    expect(made.headers.get('Cache-Control')).toBe('no-store')
    const { id, apiKey } = made.body
    expect(made.body).toMatchObject({ id: expect.stringMatching(/^org_/), name: 'Contoso' })
    expect(apiKey).toMatchObject({
      id: expect.stringMatching(/^key_/),
      role: 'billing_admin',
      secret: expect.stringMatching(/^isth_api_[0-9a-z]{52}$/),
    })
    const headers = { Authorization: `Bearer ${apiKey['secret']}` }
    const shown = await api.send('GET', '/organization', undefined, headers)
    expect(shown.body).toEqual({
      id,
      name: 'Contoso',
      userCount: 0,
      groupCount: 0,
      eventRetentionDays: 90,
      createdAt: expect.stringMatching(/Z$/),
    })
    const log = await readLog(id)
    expect(log.map(({ type }) => type)).toEqual(['organization_create', 'credential_create'])
    expect(log[0]).toMatchObject({ actor_type: 'operator', actor_id: null, class: 'record' })
    const { results } = await env.DB.prepare('SELECT * FROM api_key WHERE organization_id = ?')
      .bind(id)
      .all()
    expect(JSON.stringify([results, log])).not.toContain(apiKey['secret'])
  })

  test("the operator's token has to be right to its last character, and the refusal says which one it takes", async () => {
    const api = await apiClient()
    const wrong = [`${OPERATOR}0`, OPERATOR.slice(0, -1), `${OPERATOR.slice(0, -1)}1`]
    for (const sent of [...wrong.map((token) => `Bearer ${token}`), `Basic ${OPERATOR}`]) {
      const headers = { Authorization: sent }
      const { status, body } = await api.send('POST', '/organizations', { name: 'X' }, headers)
      expect([status, body['detail']]).toEqual([401, expect.stringContaining('OPERATOR_TOKEN')])
    }
  })

  test('a billing_admin renames it, with an event that tells before and after', async () => {
    const api = await apiClient()
    const answer = await api.patch('/organization', { name: 'Fabrikam' })
    expect(answer.body).toMatchObject({ id: api.organizationId, name: 'Fabrikam' })
    expect((await api.patch('/organization', { name: 'Fabrikam' })).status).toBe(200)
    const log = await readLog(api.organizationId)
    expect(log).toHaveLength(1)
    expect(log[0]).toMatchObject({
      type: 'organization_update',
      actor_type: 'admin',
      actor_id: api.adminId,
      body: {
        actor: { name: 'Ann Admin', keyId: api.keyId },
        origin: { ip: '192.0.2.7', requestId: answer.headers.get('X-Request-Id') },
        changes: [{ attribute: 'name', from: 'Test', to: 'Fabrikam' }],
      },
    })
  })

  test('a billing_admin says how long events are kept, in whole days', async () => {
    const api = await apiClient()
    const answer = await api.patch('/organization', { eventRetentionDays: 365 })
    expect(answer.body).toMatchObject({ name: 'Test', eventRetentionDays: 365 })
    expect((await api.get('/organization')).body).toEqual(answer.body)
    const [event] = await readLog(api.organizationId)
    expect(event?.['body'].changes).toEqual([
      { attribute: 'eventRetentionDays', from: 90, to: 365 },
    ])
    for (const eventRetentionDays of [0, 1.5, 3651, '90', null]) {
      const { status, body } = await api.patch('/organization', { eventRetentionDays })
      expect(status).toBe(400)
      expect(body['errors']).toEqual([
        {
          pointer: '/eventRetentionDays',
          detail: 'must be a whole number of days from 1 to 3650',
        },
      ])
    }
    expect((await api.get('/organization')).body).toEqual(answer.body)
  })
})
