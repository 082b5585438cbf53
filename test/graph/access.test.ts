import { describe, expect, it } from 'vitest'
import {
  DEMO_CLIENT_ID,
  DEMO_TENANT_ID,
  type EmulatorOptions,
  type GraphEmulator,
  createGraphEmulator,
  demoTenant,
} from './emulator.ts'
import type { AppSettings, TenantSettings } from './settings.ts'
import { textFrom } from './text.ts'
import { askToken, errorOf, newGroup, newUser, signIn } from './test-client.ts'

const START = Date.UTC(2026, 0, 9, 2, 2, 12)

const emulate = (options: EmulatorOptions = {}): GraphEmulator =>
  createGraphEmulator({ now: () => START, ...options })

const withApp = (app: Partial<AppSettings>): GraphEmulator =>
  emulate({
    tenants: [{ ...demoTenant, apps: demoTenant.apps.map((one) => ({ ...one, ...app })) }],
  })

describe('the token endpoint', () => {
  it('knows a tenant by its id and by its domains', async () => {
    for (const name of [DEMO_TENANT_ID, 'contoso.com', 'CONTOSO.onmicrosoft.com'])
      expect((await askToken(emulate(), {}, name)).status).toBe(200)
  })

  it('refuses a wrong secret with the whole AADSTS body', async () => {
    const { status, body } = await askToken(emulate(), { client_secret: 'nope' })
    expect(status).toBe(401)
    expect(body).toMatchObject({
      error: 'invalid_client',
      error_codes: [7000215],
      timestamp: '2026-01-09 02:02:12Z',
      error_uri: 'https://login.microsoftonline.com/error?code=7000215',
    })
    expect(body['error_description']).toBe(
      `AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${DEMO_CLIENT_ID}'. Trace ID: ${textFrom(body['trace_id'])} Correlation ID: ${textFrom(body['correlation_id'])} Timestamp: 2026-01-09 02:02:12Z`,
    )
  })

  it.each<[string, Record<string, string>, number, number]>([
    ['an unknown application', { client_id: DEMO_TENANT_ID }, 400, 700016],
    ['another grant', { grant_type: 'password' }, 400, 70003],
    ['a scope that is not .default', { scope: 'User.Read' }, 400, 1002012],
    ['no credential', { client_secret: '' }, 401, 7000216],
    ['no client id', { client_id: '' }, 400, 900144],
  ])('refuses %s', async (_, form, status, code) => {
    const refused = await askToken(emulate(), form)
    expect(refused.status).toBe(status)
    expect(refused.body).toMatchObject({ error_codes: [code] })
  })

  it('refuses an unknown tenant, an expired secret and a disabled application', async () => {
    const code = async (emulator: GraphEmulator, secret: string, tenant?: string) =>
      (await askToken(emulator, { client_secret: secret }, tenant)).body['error_codes']
    expect(await code(emulate(), 'x', 'fabrikam.com')).toEqual([90002])
    const expired = withApp({ secrets: [{ value: 'old', expiresAt: START }] })
    expect(await code(expired, 'old')).toEqual([7000222])
    expect(await code(withApp({ isDisabled: true }), 'x')).toEqual([7000112])
  })
})

describe('a bearer token', () => {
  it('must be there, be whole, and be in force', async () => {
    let now = START
    const emulator = createGraphEmulator({ now: () => now })
    const send = await signIn(emulator)
    const ask = async (token?: string) => {
      const headers: Record<string, string> = token === undefined ? {} : { Authorization: token }
      const url = 'https://graph.microsoft.com/v1.0/users'
      return (await emulator.fetch(new Request(url, { headers }))).status
    }
    expect(await ask()).toBe(401)
    expect(await ask('Bearer nonsense')).toBe(401)
    expect(await ask('Basic abc')).toBe(401)
    now += 3599_000
    expect(errorOf(await send('GET', '/users'))).toEqual({
      status: 401,
      code: 'InvalidAuthenticationToken',
      message: 'Lifetime validation failed, the token is expired.',
    })
  })

  it('ends when tokens are revoked, and a new one works', async () => {
    const emulator = emulate()
    const before = await signIn(emulator)
    emulator.revokeTokens()
    expect((await before('POST', '/$batch', { requests: [] })).status).toBe(401)
    expect((await (await signIn(emulator))('GET', '/users')).status).toBe(200)
  })

  it('opens only what the application was consented to', async () => {
    const send = await signIn(withApp({ roles: ['User.Read.All'] }))
    expect((await send('GET', '/users')).status).toBe(200)
    for (const [method, path] of [
      ['POST', '/users'],
      ['DELETE', '/users/x'],
      ['GET', '/groups'],
      ['GET', '/domains'],
    ] as const)
      expect(errorOf(await send(method, path, method === 'POST' ? {} : undefined))).toEqual({
        status: 403,
        code: 'Authorization_RequestDenied',
        message: 'Insufficient privileges to complete the operation.',
      })
  })

  it.each([
    ['User-Phone.ReadWrite.All', { mobilePhone: '+1', businessPhones: ['+2'] }],
    ['User-Mail.ReadWrite.All', { otherMails: ['a@example.net'] }],
    ['User.EnableDisableAccount.All', { accountEnabled: false }],
    [
      'User-PasswordProfile.ReadWrite.All',
      { passwordProfile: { forceChangePasswordNextSignIn: true, password: 'xWwvJ]6NMw+bWH-d' } },
    ],
  ])('with %s alone opens its own properties and no others', async (role, body) => {
    const emulator = withApp({ roles: [role, 'User.Read.All'] })
    const send = await signIn(emulator)
    const path = `/users/${emulator.seed({ users: 1 }).users[0]}`
    expect((await send('PATCH', path, body)).status).toBe(204)
    expect((await send('PATCH', path, { jobTitle: 'Director' })).status).toBe(403)
    expect((await send('PATCH', path, { ...body, jobTitle: 'Director' })).status).toBe(403)
    expect((await send('POST', '/users', newUser('adele'))).status).toBe(403)
  })

  it('opens its own tenant only', async () => {
    const fabrikam: TenantSettings = {
      ...demoTenant,
      id: '11111111-1111-4111-8111-111111111111',
      domains: [{ name: 'fabrikam.com' }],
    }
    const emulator = emulate({ tenants: [demoTenant, fabrikam] })
    const send = await signIn(emulator)
    emulator.seed({ users: 2 }, 'fabrikam.com')
    expect((await send('GET', '/users')).body['value']).toEqual([])
    expect((await send('POST', '/users', newUser('adele'))).status).toBe(201)
    expect(emulator.summary('fabrikam.com').users).toHaveLength(2)
  })
})

describe('the quota of a tenant', () => {
  it('refuses new users and groups; what is in the recycle bin counts for a quarter', async () => {
    const emulator = emulate({ tenants: [{ ...demoTenant, objectQuota: 4 }] })
    const send = await signIn(emulator)
    const { users } = emulator.seed({ users: 4 })
    for (const [path, body] of [
      ['/users', newUser('adele')],
      ['/groups', newGroup('ops')],
    ] as const)
      expect(errorOf(await send('POST', path, body))).toMatchObject({
        status: 403,
        code: 'Directory_QuotaExceeded',
      })
    await send('DELETE', `/users/${users[0]}`)
    expect((await send('POST', '/users', newUser('adele'))).status).toBe(403)
    await send('DELETE', `/directory/deletedItems/${users[0]}`)
    expect((await send('POST', '/users', newUser('adele'))).status).toBe(201)
  })
})
