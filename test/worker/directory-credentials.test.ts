/** How a directory proves itself to Microsoft Entra ID, in workerd: what the API takes, what is stored, what is sent. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importX509,
  jwtVerify,
} from 'jose'
import { describe, expect, test } from 'vitest'

import { createApp } from '../../src/app.ts'
import { connect } from '../../src/db/client.ts'
import { createDeps } from '../../src/deps.ts'
import { apiClient, type ApiClient } from '../support/api.ts'
import {
  CERTIFICATE,
  EC_CERTIFICATE,
  EC_KEY,
  ENCRYPTED_KEY,
  OTHER_KEY,
  PRIVATE_KEY,
  PRIVATE_KEY_PKCS1,
} from '../support/certificates.ts'
import type { Loose } from '../support/seed.ts'

const PUBLIC_URL = 'https://gateway.example'
const NOW = Date.UTC(2026, 5, 1)

async function signingKey(): Promise<string> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return JSON.stringify(await exportJWK(privateKey))
}

interface Entra {
  /** The forms that the token endpoint got. */
  readonly forms: URLSearchParams[]
  readonly fetch: typeof fetch
}

/** Entra ID and Graph, as far as the test of a connection asks: a token with these roles, and these domains. */
function entra(roles: readonly string[], domains: (url: URL) => Response = someDomains): Entra {
  const forms: URLSearchParams[] = []
  const token = `e30.${btoa(JSON.stringify({ roles })).replaceAll('=', '')}.e30`
  return {
    forms,
    async fetch(input, init) {
      const url = new URL(String(input))
      if (!url.pathname.endsWith('/oauth2/v2.0/token')) return domains(url)
      forms.push(new URLSearchParams(String(init?.body)))
      return Response.json({ access_token: token, expires_in: 3599 })
    },
  }
}

const someDomains = (url: URL): Response =>
  url.pathname === '/v1.0/domains'
    ? Response.json({
        value: [
          { id: 'contoso.com', isDefault: true, isVerified: true },
          { id: 'contoso.example', isDefault: false, isVerified: false },
        ],
      })
    : new Response('{}', { status: 404 })

const refused =
  (code: number): typeof fetch =>
  async () =>
    Response.json({ error: 'invalid_client', error_codes: [code] }, { status: 401 })

interface World {
  readonly api: ApiClient
  post(path: string, body?: unknown): Promise<{ status: number; body: Loose }>
  patch(path: string, body: unknown): Promise<{ status: number; body: Loose }>
  get(url: string): Promise<Response>
}

/** The gateway with settings of its own and another outside, called with the key of an administrator. */
async function world(
  more: Record<string, unknown> = {},
  fetch: typeof globalThis.fetch = refused(90033),
): Promise<World> {
  const api = await apiClient({ role: 'administrator', clock: { now: NOW } })
  const deps = createDeps(
    { ...env, ...more },
    { clock: { now: () => NOW }, log: () => {}, announce: async () => {}, fetch },
  )
  const app = createApp(deps)
  const request = async (url: string, init: RequestInit): Promise<Response> => {
    const ctx = createExecutionContext()
    const response = await app.request(new Request(url, init), undefined, env, ctx)
    await waitOnExecutionContext(ctx)
    return response
  }
  const send = (method: string) => async (path: string, body?: unknown) => {
    const answer = await request(`https://gateway.test/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${api.key}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: await answer.json<Loose>() }
  }
  return { api, post: send('POST'), patch: send('PATCH'), get: (url) => request(url, {}) }
}

const directory = (credential: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  name: 'Contoso',
  tenantId: crypto.randomUUID(),
  clientId: crypto.randomUUID(),
  credential,
  ...more,
})

const PEMS = { type: 'certificate', certificate: CERTIFICATE, privateKey: PRIVATE_KEY }

async function stored(id: string): Promise<Loose> {
  const [found] = await connect(env.DB).run(sql`SELECT * FROM directory WHERE id = ${id}`)
  return found?.rows[0] ?? {}
}

describe('a certificate', () => {
  test.each([
    ['two texts', PEMS],
    ['a key in PKCS #1', { ...PEMS, privateKey: PRIVATE_KEY_PKCS1 }],
    ['one text', { type: 'certificate', pem: `${PRIVATE_KEY}\n${CERTIFICATE}` }],
  ])('is taken as %s, stored sealed, and its expiry is shown', async (_, credential) => {
    const { post } = await world()
    const made = await post('/directories', directory(credential))
    expect(made.status).toBe(201)
    expect(made.body['credential']).toEqual({
      type: 'certificate',
      expiresAt: '2076-01-01T00:00:00.000Z',
    })
    const row = JSON.stringify(await stored(made.body['id']))
    expect(row).toContain('"v1.')
    expect(row).not.toContain('PRIVATE KEY')
    expect(JSON.stringify(made.body)).not.toContain('PRIVATE KEY')
  })

  test.each([
    [{ ...PEMS, certificate: 'nonsense' }, '/credential/certificate'],
    [{ ...PEMS, privateKey: 'nonsense' }, '/credential/privateKey'],
    [{ ...PEMS, privateKey: OTHER_KEY }, '/credential/privateKey'],
    [{ ...PEMS, privateKey: ENCRYPTED_KEY }, '/credential/privateKey'],
    [{ ...PEMS, certificate: EC_CERTIFICATE, privateKey: EC_KEY }, '/credential/certificate'],
    [{ type: 'certificate', certificate: CERTIFICATE }, '/credential/privateKey'],
    [{ type: 'certificate', pem: CERTIFICATE }, '/credential/pem'],
    [{ ...PEMS, pem: CERTIFICATE }, '/credential/pem'],
    [{ type: 'client_secret', secret: 's', expiresAt: '2026-01-01' }, '/credential/expiresAt'],
  ])('that is wrong is refused with the field (%#)', async (credential, pointer) => {
    const { post } = await world()
    const answer = await post('/directories', directory(credential))
    expect(answer.status).toBe(400)
    expect(answer.body['errors'].map((error: Loose) => error['pointer'])).toEqual([pointer])
  })

  test('gets a token by an assertion that Entra ID verifies with the certificate', async () => {
    const microsoft = entra(['User.ReadWrite.All'])
    const { post } = await world({}, microsoft.fetch)
    const made = await post('/directories', directory(PEMS))
    const tested = await post(`/directories/${made.body['id']}/test`)
    expect(tested.body['token']).toEqual({ ok: true })
    const assertion = microsoft.forms[0]?.get('client_assertion') ?? ''
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'PS256' })
    const { payload } = await jwtVerify(assertion, await importX509(CERTIFICATE, 'PS256'), {
      currentDate: new Date(NOW),
      issuer: made.body['clientId'],
      audience: `https://login.microsoftonline.com/${made.body['tenantId']}/oauth2/v2.0/token`,
    })
    expect(payload.sub).toBe(made.body['clientId'])
  })
})

describe('a federated credential', () => {
  test('is answered with what has to be entered in Entra ID, and signs what the published key verifies', async () => {
    const microsoft = entra(['User.ReadWrite.All'])
    const settings = { PUBLIC_URL: `${PUBLIC_URL}/`, SIGNING_KEY: await signingKey() }
    const { post, get } = await world(settings, microsoft.fetch)
    const made = await post('/directories', directory({ type: 'federated' }))
    const { id } = made.body
    const trust = {
      issuer: PUBLIC_URL,
      subject: `directory:${id}`,
      audience: 'api://AzureADTokenExchange',
    }
    expect(made.body['credential']).toEqual({ type: 'federated', expiresAt: null, ...trust })
    expect(await stored(id)).toMatchObject({ credential: null, credential_type: 'federated' })

    const tested = await post(`/directories/${id}/test`)
    expect(tested.body['ok']).toBe(true)
    const discovery = await get('https://gateway.test/.well-known/openid-configuration')
    const { issuer, jwks_uri } = await discovery.json<Loose>()
    expect([issuer, jwks_uri]).toEqual([PUBLIC_URL, `${PUBLIC_URL}/.well-known/jwks.json`])
    const published = await get('https://gateway.test/.well-known/jwks.json')
    const keys = await published.json<Parameters<typeof createLocalJWKSet>[0]>()
    expect(Object.keys(keys.keys[0] ?? {}).toSorted()).toEqual([
      'alg',
      'e',
      'kid',
      'kty',
      'n',
      'use',
    ])
    await jwtVerify(microsoft.forms[0]?.get('client_assertion') ?? '', createLocalJWKSet(keys), {
      currentDate: new Date(NOW),
      ...trust,
    })
  })

  test.each([
    ['PUBLIC_URL', async () => ({ SIGNING_KEY: await signingKey() })],
    ['SIGNING_KEY', async () => ({ PUBLIC_URL })],
  ])('without %s is refused, and nothing is published', async (name, settings) => {
    const { post, get } = await world(await settings())
    const answer = await post('/directories', directory({ type: 'federated' }))
    expect(answer.status).toBe(400)
    expect(answer.body['detail']).toContain(name)
    for (const path of ['openid-configuration', 'jwks.json']) {
      const published = await get(`https://gateway.test/.well-known/${path}`)
      expect(published.status).toBe(404)
      expect((await published.json<Loose>())['detail']).toContain(name)
    }
  })

  test('is told in the words of its own cloud', async () => {
    const { post } = await world({
      PUBLIC_URL,
      SIGNING_KEY: await signingKey(),
      LOGIN_BASE_URL: 'https://login.partner.microsoftonline.cn',
      GRAPH_BASE_URL: 'https://microsoftgraph.chinacloudapi.cn/v1.0',
    })
    const made = await post('/directories', directory({ type: 'federated' }))
    expect(made.body['credential']['audience']).toBe('api://AzureADTokenExchangeChina')
  })
})

test('a credential of another type takes the place of the first, and the change is told', async () => {
  const { api, post, patch } = await world()
  const made = await post('/directories', directory({ type: 'client_secret', secret: 'hunter2' }))
  const path = `/directories/${made.body['id']}`
  await connect(env.DB).run(
    sql`UPDATE directory SET state = 'auth_error', state_reason = 'refused' WHERE id = ${made.body['id']}`,
  )
  const changed = await patch(path, { credential: PEMS })
  expect(changed.body).toMatchObject({
    state: 'active',
    stateReason: null,
    credential: { type: 'certificate', expiresAt: '2076-01-01T00:00:00.000Z' },
  })
  const events = await api.get('/events?type=directory_update')
  expect(events.body['items'][0].changes).toContainEqual({
    attribute: 'credential',
    from: 'client_secret',
    to: 'certificate',
  })
})

describe('POST /directories/{id}/test', () => {
  const secret = { type: 'client_secret', secret: 'hunter2' }
  const tested = async (fetch: typeof globalThis.fetch, settings = {}) => {
    const { post } = await world({}, fetch)
    const made = await post('/directories', directory(secret, { settings }))
    return (await post(`/directories/${made.body['id']}/test`)).body
  }

  test('tells what works: the token, the permissions and the domains', async () => {
    const all = [
      'User.ReadWrite.All',
      'Group.ReadWrite.All',
      'Domain.Read.All',
      'User-PasswordProfile.ReadWrite.All',
    ]
    expect(await tested(entra(all).fetch, { bindNewGroups: 'all' })).toEqual({
      ok: true,
      token: { ok: true },
      permissions: { granted: all.toSorted(), missing: [] },
      domains: [
        { name: 'contoso.com', isDefault: true, isVerified: true },
        { name: 'contoso.example', isDefault: false, isVerified: false },
      ],
      problems: [],
      state: 'active',
      stateReason: null,
    })
  })

  test('tells what is missing for what the directory is set to do, and where to grant it', async () => {
    const body = await tested(entra(['User.Read.All', 'Directory.ReadWrite.All']).fetch, {
      onDelete: 'delete',
    })
    expect(body['ok']).toBe(false)
    expect(body['permissions']['missing']).toEqual([
      { permission: 'User.DeleteRestore.All', why: expect.any(String), isRequired: true },
      {
        permission: 'User-PasswordProfile.ReadWrite.All',
        why: expect.stringContaining('User Administrator'),
        isRequired: false,
      },
    ])
    expect(body['problems']).toEqual([
      {
        code: 'permission_missing',
        message: expect.stringContaining('User.DeleteRestore.All'),
        whatToDo: expect.stringContaining('App registrations > API permissions'),
      },
    ])
  })

  test('what only some would miss is told and does not fail the test', async () => {
    const body = await tested(entra(['User.ReadWrite.All']).fetch)
    expect(body['ok']).toBe(true)
    const missing = body['permissions']['missing'].map((each: Loose) => each['permission'])
    expect(missing).toEqual(['Domain.Read.All', 'User-PasswordProfile.ReadWrite.All'])
  })

  test('a refused credential is explained', async () => {
    const body = await tested(refused(7000222))
    expect(body).toMatchObject({
      ok: false,
      token: { ok: false, code: 'AADSTS7000222', message: 'The client secret has expired.' },
      problems: [{ whatToDo: expect.stringContaining('create a new client secret') }],
    })
  })

  test('domains come of the organization where the application may not list them', async () => {
    const shy = (url: URL) =>
      url.pathname === '/v1.0/organization'
        ? Response.json({
            value: [{ id: 'x', verifiedDomains: [{ name: 'a.com', isDefault: true }] }],
          })
        : Response.json({ error: { code: 'Authorization_RequestDenied' } }, { status: 403 })
    const body = await tested(entra(['User.ReadWrite.All'], shy).fetch)
    expect(body['domains']).toEqual([{ name: 'a.com', isDefault: true, isVerified: true }])
    const none = await tested(entra(['User.ReadWrite.All'], () => new Response('{}')).fetch)
    expect(none).toMatchObject({
      ok: false,
      domains: [],
      problems: [{ code: 'domains_unreadable' }],
    })
  })

  test.each([429, 503])(
    'domains that are not known since Microsoft 365 answers %i are no missing permission',
    async (status) => {
      const { fetch } = entra(['Domain.Read.All'], () => new Response('{}', { status }))
      const { problems } = await tested(fetch)
      const trouble = problems.find(({ code }: Loose) => code === 'domains_unreadable')
      expect(trouble).toMatchObject({
        message: expect.stringContaining('answers no more requests for now'),
        whatToDo: 'Test again in some minutes.',
      })
    },
  )

  test('a refused credential stops the directory, and tells it once', async () => {
    const { api, post } = await world({}, refused(7000215))
    const { id } = (await post('/directories', directory(secret))).body
    const { body } = await post(`/directories/${id}/test`)
    const stopped = {
      state: 'auth_error',
      stateReason: expect.stringMatching(
        /does not accept the client secret.*create a new client secret/,
      ),
    }
    expect(body).toMatchObject({ ok: false, ...stopped })
    expect((await api.get(`/directories/${id}`)).body).toMatchObject(stopped)
    await post(`/directories/${id}/test`)
    const events = await api.get('/events?type=auth_failure')
    expect(events.body['items']).toMatchObject([
      { target: { id }, outcome: 'failure', details: { code: 'AADSTS7000215' } },
    ])
  })

  test('stops no directory where Entra ID may answer otherwise later, or that is paused', async () => {
    const busy = await world({}, async () => new Response('', { status: 503 }))
    const one = (await busy.post('/directories', directory(secret))).body['id']
    expect((await busy.post(`/directories/${one}/test`)).body).toMatchObject({
      ok: false,
      state: 'active',
    })
    const wrong = await world({}, refused(7000215))
    const two = (await wrong.post('/directories', directory(secret))).body['id']
    await wrong.patch(`/directories/${two}`, { state: 'paused' })
    expect((await wrong.post(`/directories/${two}/test`)).body).toMatchObject({ state: 'paused' })
  })

  test('lets a directory go on that had stopped, once all is well', async () => {
    const roles: string[] = []
    const { api, post } = await world({}, (input, init) => entra(roles).fetch(input, init))
    const { id } = (await post('/directories', directory(secret))).body
    await connect(env.DB).run(
      sql`UPDATE directory SET state = 'auth_error', state_reason = 'refused' WHERE id = ${id}`,
    )
    expect((await post(`/directories/${id}/test`)).body).toMatchObject({
      ok: false,
      state: 'auth_error',
      stateReason: 'refused',
    })
    roles.push('User.ReadWrite.All')
    expect((await post(`/directories/${id}/test`)).body).toMatchObject({
      ok: true,
      state: 'active',
      stateReason: null,
      problems: [],
    })
    const events = await api.get('/events?type=directory_update')
    expect(events.body['items']).toMatchObject([
      {
        actor: { type: 'admin' },
        target: { id },
        changes: [{ attribute: 'state', from: 'auth_error', to: 'active' }],
      },
    ])
  })

  test('does not stop a directory that got another credential meanwhile', async () => {
    const { api, post, patch } = await world({}, async () => {
      await patch(`/directories/${id}`, { credential: { ...secret, secret: 'another' } })
      return await refused(7000215)('https://login.test/oauth2/v2.0/token')
    })
    const { id } = (await post('/directories', directory(secret))).body
    expect((await post(`/directories/${id}/test`)).body).toMatchObject({
      ok: false,
      state: 'active',
    })
    expect((await api.get('/events?type=auth_failure')).body['items']).toEqual([])
  })

  test('a new credential lets a directory go on that the old one stopped while it was entered', async () => {
    const { sealer } = createDeps(env)
    let meanwhile = async (): Promise<unknown> => undefined
    const seal: typeof sealer.seal = async (...asked) => {
      await meanwhile()
      return sealer.seal(...asked)
    }
    const fetch = refused(7000215)
    const api = await apiClient({ instead: { sealer: { ...sealer, seal }, fetch } })
    const { id } = (await api.post('/directories', directory(secret))).body
    meanwhile = () => api.post(`/directories/${id}/test`, {})
    const given = await api.patch(`/directories/${id}`, {
      credential: { ...secret, secret: 'another' },
    })
    expect(given.body).toMatchObject({ state: 'active', stateReason: null })
    const { body } = await api.get(`/directories/${id}`)
    expect(body).toMatchObject({ state: 'active', stateReason: null })
    expect((await api.get('/events?type=auth_failure')).body['items']).toHaveLength(1)
  })

  test('lets no directory go on that an administrator paused meanwhile', async () => {
    const works = entra(['User.ReadWrite.All']).fetch
    const { post, patch } = await world({}, async (...asked) => {
      await patch(`/directories/${id}`, { state: 'paused' })
      return works(...asked)
    })
    const { id } = (await post('/directories', directory(secret))).body
    await connect(env.DB).run(sql`UPDATE directory SET state = 'auth_error' WHERE id = ${id}`)
    expect((await post(`/directories/${id}/test`)).body).toMatchObject({
      ok: true,
      state: 'paused',
    })
  })

  test('is not found when the directory is removed meanwhile', async () => {
    const { api, post } = await world({}, async () => {
      await api.delete(`/directories/${id}`)
      return refused(7000215)('https://login.test/oauth2/v2.0/token')
    })
    const { id } = (await post('/directories', directory(secret))).body
    expect((await post(`/directories/${id}/test`)).status).toBe(404)
  })

  test("takes an administrator, and a directory of one's own", async () => {
    const { api, post } = await world({}, entra([]).fetch)
    const made = await post('/directories', directory(secret))
    const path = `/directories/${made.body['id']}/test`
    expect((await (await api.as('manager')).post(path, {})).status).toBe(403)
    expect((await (await apiClient()).post(path, {})).status).toBe(404)
  })
})
