import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'

import { dropExpiredTokens } from '../../src/db/access-token-store.ts'
import { connect } from '../../src/db/client.ts'
import type { Deps } from '../../src/deps.ts'
import { apiClient, type ApiClient } from '../support/api.ts'
import { testIssuer } from '../support/issuer.ts'
import { type Loose, readLog } from '../support/seed.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const GRANT = { grant_type: 'client_credentials' }

/** Whatever path of the gateway, as a client of its own sees it. */
async function call(api: ApiClient, path: string, init: RequestInit) {
  const ctx = createExecutionContext()
  const request = new Request(`https://gateway.test${path}`, init)
  const response = await api.app.request(request, undefined, env, ctx)
  const text = await response.text()
  await waitOnExecutionContext(ctx)
  const body: Loose = text === '' ? {} : JSON.parse(text)
  return { status: response.status, headers: response.headers, body }
}

const token = (api: ApiClient, form: Record<string, string>, headers: object = {}) =>
  call(api, '/oauth/token', {
    method: 'POST',
    headers: { 'CF-Connecting-IP': '192.0.2.9', ...headers },
    body: new URLSearchParams(form),
  })

const basic = (id: string, secret: string) => ({
  Authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`,
})

const users = (api: ApiClient, bearer: string) =>
  call(api, '/scim/v2/Users', { headers: { Authorization: `Bearer ${bearer}` } })

async function world(credential: object = { type: 'oauth_client' }, instead: Partial<Deps> = {}) {
  const api = await apiClient({ instead })
  const { body: source } = await api.post('/sources', { name: 'Entra', type: 'entra' })
  const path = `/sources/${source['id']}/credentials`
  const { body: made } = await api.post(path, { name: 'client', ...credential })
  const { id, secret } = made
  return { api, source, path, id, secret, client: { client_id: id, client_secret: secret } }
}

const refused = (answer: Awaited<ReturnType<typeof token>>) => ({
  status: answer.status,
  error: answer.body['error'],
})

describe('client credentials (RFC 6749 section 4.4)', () => {
  test('an id and secret in the body are exchanged for a token of an hour, which SCIM accepts', async () => {
    const { api, client } = await world()
    const answer = await token(api, { ...GRANT, ...client })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^isth_access_[0-9a-z]{52}$/),
      token_type: 'Bearer',
      expires_in: 3600,
    })
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    expect(answer.headers.get('Pragma')).toBe('no-cache')
    expect(answer.headers.get('X-Request-Id')).toMatch(/^req_/)
    const bearer = answer.body['access_token']
    expect((await users(api, bearer)).status).toBe(200)
    api.clock.now += 3_600_000
    expect((await users(api, bearer)).status).toBe(401)
  })

  test('Basic authentication does the same, form-encoded or not', async () => {
    const { api, id, secret } = await world()
    for (const headers of [
      basic(id, secret),
      { Authorization: `Basic ${btoa(`${id}:${secret}`)}` },
      { Authorization: `basic ${btoa(`${id.replace('_', '%5F')}:${secret}`)}` },
    ])
      expect((await token(api, GRANT, headers)).status).toBe(200)
  })

  test('the scope that was asked for is granted', async () => {
    const { api, client } = await world()
    const { body } = await token(api, { ...GRANT, ...client, scope: 'https://x/.default scim' })
    expect(body['scope']).toBe('https://x/.default scim')
  })

  test('writes of a token are those of its source', async () => {
    const { api, source, client } = await world()
    const { body } = await token(api, { ...GRANT, ...client })
    await call(api, '/scim/v2/Groups', {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${body['access_token']}`,
        'Content-Type': 'application/scim+json',
      },
      body: JSON.stringify({
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
        displayName: 'Staff',
      }),
    })
    const log = await readLog(api.organizationId)
    expect(log.at(-1)).toMatchObject({ type: 'group_create', actor_id: source['id'] })
  })

  test.each<[string, Record<string, string>, number, string]>([
    ['no grant_type', { grant_type: '' }, 400, 'invalid_request'],
    ['another grant', { grant_type: 'authorization_code' }, 400, 'unsupported_grant_type'],
    ['a wrong secret', { client_secret: 'isth_client_wrong' }, 401, 'invalid_client'],
    ['an unknown id', { client_id: 'cred_unknown' }, 401, 'invalid_client'],
    ['no secret', { client_secret: '' }, 401, 'invalid_client'],
    ['no id', { client_id: '' }, 401, 'invalid_client'],
    ['a scope with quotes', { scope: '"all"' }, 400, 'invalid_scope'],
    ['a secret and an assertion', { client_assertion: 'x.y.z' }, 400, 'invalid_request'],
  ])('%s is refused by its code', async (_, change, status, error) => {
    const { api, client } = await world()
    const answer = await token(api, { ...GRANT, ...client, ...change })
    expect(refused(answer)).toEqual({ status, error })
    expect(answer.body['error_description']).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    const challenge = answer.headers.get('WWW-Authenticate')
    expect(challenge).toBe(status === 401 ? 'Basic realm="oauth"' : null)
  })

  test.each(['Basic ', 'Basic !!!', `Basic ${btoa('no colon')}`, 'Bearer isth_scim_x', 'Digest x'])(
    'the header %s is refused',
    async (Authorization) => {
      const { api } = await world()
      const answer = await token(api, GRANT, { Authorization })
      expect(refused(answer)).toEqual({ status: 401, error: 'invalid_client' })
    },
  )

  test('a header and an id that name two clients, or a parameter sent twice, are refused', async () => {
    const { api, id, secret } = await world()
    const other = await token(api, { ...GRANT, client_id: 'cred_other' }, basic(id, secret))
    expect(refused(other)).toEqual({ status: 400, error: 'invalid_request' })
    const twice = await call(api, '/oauth/token', {
      method: 'POST',
      body: new URLSearchParams([
        ['grant_type', 'client_credentials'],
        ['grant_type', 'client_credentials'],
      ]),
    })
    expect(twice).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test('another method, type, size or path', async () => {
    const { api, client } = await world()
    const get = await call(api, '/oauth/token', { method: 'GET' })
    expect(get).toMatchObject({ status: 405, body: { error: 'invalid_request' } })
    expect(get.headers.get('Allow')).toBe('POST')
    const json = await call(api, '/oauth/token', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...GRANT, ...client }),
    })
    expect(json).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const large = await token(api, { ...GRANT, ...client, scope: 'x'.repeat(70_000) })
    expect(refused(large)).toEqual({ status: 400, error: 'invalid_request' })
    expect((await call(api, '/oauth/keys', { method: 'POST' })).status).toBe(404)
  })

  test.each([
    ['D1_ERROR: Network connection lost.', 503, 'temporarily_unavailable', 'warn'],
    ['a bug', 500, 'server_error', 'error'],
  ])('a database that answers "%s" is no refusal', async (text, status, error, level) => {
    let isBroken = false
    const connected: Deps['connect'] = () => {
      const database = connect(env.DB)
      const run: typeof database.run = (...queries) =>
        isBroken ? Promise.reject(new Error(text)) : database.run(...queries)
      return { ...database, run }
    }
    const { api, client } = await world(undefined, { connect: connected })
    isBroken = true
    const answer = await token(api, { ...GRANT, ...client })
    expect(refused(answer)).toEqual({ status, error })
    expect(api.lines).toContainEqual(
      expect.objectContaining({ level, message: 'request failed', error: `Error: ${text}` }),
    )
    expect(JSON.stringify(api.lines)).not.toContain(client.client_secret)
  })

  test('whoever asks too often is told to wait', async () => {
    const keys: string[] = []
    const isWithinLimit: Deps['isWithinLimit'] = async (key) => {
      keys.push(key)
      return !key.startsWith('oauth:')
    }
    const { api, client } = await world(undefined, { isWithinLimit })
    const answer = await token(api, { ...GRANT, ...client })
    expect(refused(answer)).toEqual({ status: 429, error: 'temporarily_unavailable' })
    expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/)
    expect(keys).toContain('oauth:192.0.2.9')
  })
})

describe('what becomes of a credential', () => {
  test('a revoked one gets no token, and its tokens are refused within 30 s', async () => {
    const { api, path, id, client } = await world()
    const { body } = await token(api, { ...GRANT, ...client })
    expect((await users(api, body['access_token'])).status).toBe(200)
    await api.delete(`${path}/${id}`)
    expect(refused(await token(api, { ...GRANT, ...client }))).toEqual({
      status: 401,
      error: 'invalid_client',
    })
    api.clock.now += 30_000
    expect((await users(api, body['access_token'])).status).toBe(401)
  })

  test('a token ends with its credential', async () => {
    const expiresAt = new Date(Date.now() + 600_000).toISOString()
    const { api, client } = await world({ type: 'oauth_client', expiresAt })
    const { body } = await token(api, { ...GRANT, ...client })
    expect(body['expires_in']).toBeLessThanOrEqual(600)
    expect(body['expires_in']).toBeGreaterThan(500)
    api.clock.now += 600_000
    expect((await users(api, body['access_token'])).status).toBe(401)
    const late = await token(api, { ...GRANT, ...client })
    expect(refused(late)).toEqual({ status: 401, error: 'invalid_client' })
    expect(late.body['error_description']).toContain('expired')
  })

  test('a removed source takes its tokens with it', async () => {
    const { api, source, client } = await world()
    const { body } = await token(api, { ...GRANT, ...client })
    await api.delete(`/sources/${source['id']}`)
    expect((await users(api, body['access_token'])).status).toBe(401)
  })

  test('a bearer token is no client secret, and a client secret no bearer token', async () => {
    const { api, secret, path } = await world()
    expect((await users(api, secret)).status).toBe(401)
    const { body: bearer } = await api.post(path, { type: 'bearer', name: 'bearer' })
    const answer = await token(api, {
      ...GRANT,
      client_id: bearer['id'],
      client_secret: bearer['secret'],
    })
    expect(refused(answer)).toEqual({ status: 401, error: 'invalid_client' })
  })

  test('a refused credential is told to its administrators, once an hour', async () => {
    const { api, path, id, source, client } = await world()
    await api.delete(`${path}/${id}`)
    const failures = async () =>
      (await readLog(api.organizationId)).filter(({ type }) => type === 'auth_failure')
    await token(api, { ...GRANT, ...client })
    await token(api, { ...GRANT, ...client })
    const [event, ...more] = await failures()
    expect(more).toEqual([])
    expect(event).toMatchObject({
      class: 'record',
      outcome: 'failure',
      target_type: 'credential',
      target_id: id,
      actor_id: source['id'],
      body: {
        origin: { ip: '192.0.2.9', requestId: expect.stringMatching(/^req_/) },
        details: { reason: 'revoked' },
      },
    })
    api.clock.now += 3_600_000
    await token(api, { ...GRANT, ...client })
    expect(await failures()).toHaveLength(2)
  })

  test('a revoked bearer token is told in the same way, and a wrong secret by nobody knows whom is not', async () => {
    const { api, path, client } = await world()
    const { body: bearer } = await api.post(path, { type: 'bearer', name: 'bearer' })
    await api.delete(`${path}/${bearer['id']}`)
    await users(api, bearer['secret'])
    await token(api, { ...GRANT, ...client, client_secret: 'wrong' })
    const log = await readLog(api.organizationId)
    const failures = log.filter(({ type }) => type === 'auth_failure')
    expect(failures.map(({ target_id }) => target_id)).toEqual([bearer['id']])
  })

  test('neither secrets nor tokens are stored, logged or told by events', async () => {
    const { api, secret, client, id } = await world()
    const { body } = await token(api, { ...GRANT, ...client })
    await token(api, { ...GRANT }, basic(id, `${secret}x`))
    const tables = ['access_token', 'source_credential', 'credential_notice']
    const stored = await connect(env.DB).run(
      ...tables.map((name) => sql`SELECT * FROM ${sql.identifier(name)}`),
    )
    const everything = JSON.stringify([stored, await readLog(api.organizationId), api.lines])
    expect(everything).not.toContain(secret)
    expect(everything).not.toContain(body['access_token'])
  })

  test('what is expired is dropped, and nothing else', async () => {
    const { api, client } = await world()
    const first = await token(api, { ...GRANT, ...client })
    api.clock.now += 1_800_000
    const second = await token(api, { ...GRANT, ...client })
    api.clock.now += 1_800_000
    const database = connect(env.DB)
    await dropExpiredTokens(database, api.clock.now)
    const [left] = await database.run(
      sql`SELECT * FROM access_token WHERE organization_id = ${api.organizationId}`,
    )
    expect(left?.rows).toHaveLength(1)
    expect((await users(api, first.body['access_token'])).status).toBe(401)
    expect((await users(api, second.body['access_token'])).status).toBe(200)
  })
})

describe('workload federation (RFC 7523 section 2.2)', () => {
  let made = 0

  async function federated(prefix = 'https://issuer.example') {
    made += 1
    const issuer = await testIssuer(`${prefix}/${made}/v2.0`)
    const trust = { issuer: issuer.issuer, subject: 'sync', audience: `api://isthmus-${made}` }
    const { fetch } = issuer
    const context = await world({ type: 'federated', ...trust }, { fetch })
    const { api, id } = context
    const claims = { sub: trust.subject, aud: trust.audience }
    const sign = (more: object = {}, header: object = {}) =>
      issuer.sign(api.clock.now, { ...claims, ...more }, header)
    const present = (jwt: string, more: Record<string, string> = {}) =>
      token(api, {
        ...GRANT,
        client_id: id,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: jwt,
        ...more,
      })
    return { ...context, issuer, trust, claims, sign, present }
  }

  test('an assertion that the issuer signed is exchanged for a token, more than once', async () => {
    const { api, sign, present, issuer } = await federated()
    const jwt = await sign()
    for (const client_id of [undefined, '']) {
      const answer = await present(jwt, client_id === undefined ? {} : { client_id })
      expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
      expect((await users(api, answer.body['access_token'])).status).toBe(200)
    }
    // Configuration and keys, once.
    expect(issuer.asked).toBe(2)
  })

  test('the same token counts at /scim itself, until it ends', async () => {
    const { api, sign } = await federated()
    const jwt = await sign()
    expect((await users(api, jwt)).status).toBe(200)
    api.clock.now += 300_000 + 60_000
    expect((await users(api, jwt)).status).toBe(401)
  })

  test.each<[string, object, object]>([
    ['another audience', { aud: 'api://somebody-else' }, {}],
    ['another subject', { sub: 'another' }, {}],
    ['another issuer', { iss: 'https://issuer.example/another' }, {}],
    ['one that has ended', { exp: 1_700_000_000 }, {}],
    ['one without an end', { exp: undefined }, {}],
    ['one that does not count yet', { nbf: 4_000_000_000 }, {}],
    ['a key that the issuer does not publish', {}, { kid: 'key-9' }],
  ])('an assertion for %s is refused, as a bearer token too', async (_, claims, header) => {
    const { api, sign, present } = await federated()
    const jwt = await sign(claims, header)
    expect(refused(await present(jwt))).toEqual({ status: 401, error: 'invalid_client' })
    expect((await users(api, jwt)).status).toBe(401)
    expect((await present(await sign())).status).toBe(200)
  })

  test('no algorithm, and a shared secret made of the public key, are refused', async () => {
    const { api, issuer, trust, present } = await federated()
    const part = (value: object) =>
      btoa(JSON.stringify(value)).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')
    const seconds = Math.floor(api.clock.now / 1000)
    const { issuer: iss, subject: sub, audience: aud } = trust
    const payload = { iss, sub, aud, exp: seconds + 300 }
    const unsigned = `${part({ alg: 'none', typ: 'JWT' })}.${part(payload)}.`
    const confused = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
      .sign(new TextEncoder().encode(JSON.stringify(issuer.publicKey())))
    for (const jwt of [unsigned, confused, 'x.y.z', '..', `${await issuer.sign(0, {})}x`]) {
      expect(refused(await present(jwt))).toEqual({ status: 401, error: 'invalid_client' })
      expect((await users(api, jwt)).status).toBe(401)
    }
  })

  test('a token that another key signed under the same name is refused', async () => {
    const { trust, present, sign } = await federated()
    const impostor = await testIssuer(trust.issuer)
    const jwt = await impostor.sign(Date.now(), { sub: trust.subject, aud: trust.audience })
    expect(refused(await present(jwt))).toEqual({ status: 401, error: 'invalid_client' })
    expect((await present(await sign())).status).toBe(200)
  })

  test('an assertion has to say its type', async () => {
    const { sign, present } = await federated()
    const answer = await present(await sign(), { client_assertion_type: 'jwt' })
    expect(refused(answer)).toEqual({ status: 400, error: 'invalid_request' })
  })

  test('the assertion of one client does not do for another', async () => {
    const { sign, present } = await federated()
    const other = await federated()
    const answer = await present(await sign(), { client_id: other.id })
    expect(refused(answer)).toEqual({ status: 401, error: 'invalid_client' })
  })

  test('an issuer that does not answer is 503 and no refusal; known keys go on', async () => {
    const { api, sign, present, issuer } = await federated()
    issuer.isDown = true
    const jwt = await sign()
    const answer = await present(jwt)
    expect(refused(answer)).toEqual({ status: 503, error: 'temporarily_unavailable' })
    expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/)
    const scim = await users(api, jwt)
    expect(scim.status).toBe(503)
    expect(scim.headers.get('Content-Type')).toBe('application/scim+json')
    expect(scim.headers.get('Retry-After')).toMatch(/^\d+$/)
    issuer.isDown = false
    api.clock.now += 30_000
    expect((await present(await sign())).status).toBe(200)
    issuer.isDown = true
    api.clock.now += 2 * 3_600_000
    expect((await present(await sign())).status).toBe(200)
    api.clock.now += 25 * 3_600_000
    expect((await present(await sign())).status).toBe(503)
  })

  test('a new key is found at once, and nonsense does not make the gateway ask again and again', async () => {
    const { api, sign, present, issuer } = await federated()
    expect((await present(await sign())).status).toBe(200)
    api.clock.now += 30_000
    await issuer.rotate('key-2')
    expect((await present(await sign())).status).toBe(200)
    const { asked } = issuer
    for (let i = 0; i < 5; i++)
      expect((await present(await sign({}, { kid: `nonsense-${i}` }))).status).toBe(401)
    expect(issuer.asked).toBe(asked)
  })

  test('requests that come while the keys are read are not refused', async () => {
    const { sign, present } = await federated()
    const jwt = await sign()
    const answers = await Promise.all([present(jwt), present(jwt), present(jwt)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test('a revoked trust gets no token, and the tokens it got are refused within 30 s', async () => {
    const { api, path, id, sign, present } = await federated()
    const { body } = await present(await sign())
    const direct = await sign()
    expect((await users(api, direct)).status).toBe(200)
    await api.delete(`${path}/${id}`)
    api.clock.now += 30_000
    expect((await present(await sign())).status).toBe(401)
    expect((await users(api, body['access_token'])).status).toBe(401)
    expect((await users(api, direct)).status).toBe(401)
  })

  test('Entra ID names an application by appid or azp, and not where it acts for a person', async () => {
    const { api, issuer } = await federated('https://login.microsoftonline.com')
    const application = crypto.randomUUID()
    const audience = crypto.randomUUID()
    const { body: source } = await api.post('/sources', { name: 'Two', type: 'entra' })
    const { status } = await api.post(`/sources/${source['id']}/credentials`, {
      type: 'federated',
      name: 'application',
      issuer: issuer.issuer,
      subject: application,
      audience: `api://${audience}`,
    })
    expect(status).toBe(201)
    const bearer = async (claims: object) =>
      (await users(api, await issuer.sign(api.clock.now, { sub: 'object', ...claims }))).status
    expect(await bearer({ azp: application, aud: audience })).toBe(200)
    expect(await bearer({ appid: application, aud: `api://${audience}/.default` })).toBe(200)
    expect(await bearer({ azp: application, aud: audience, scp: 'user_impersonation' })).toBe(401)
  })

  test('a token that two sources trust is refused: nobody knows which is meant', async () => {
    const { api, claims, sign, issuer } = await federated()
    const { body: source } = await api.post('/sources', { name: 'Two', type: 'entra' })
    const { status } = await api.post(`/sources/${source['id']}/credentials`, {
      type: 'federated',
      name: 'two',
      issuer: issuer.issuer,
      subject: claims.sub,
      audience: `${claims.aud}-two`,
    })
    expect(status).toBe(201)
    expect((await users(api, await sign({ aud: [claims.aud, `${claims.aud}-two`] }))).status).toBe(
      401,
    )
    expect((await users(api, await sign())).status).toBe(200)
  })
})
