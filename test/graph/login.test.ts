import {
  SignJWT,
  type JSONWebKeySet,
  type JWTPayload,
  exportJWK,
  generateKeyPair,
  importPKCS8,
} from 'jose'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { certificateAssertion } from '../../src/graph/assertion.ts'
import {
  type GatewayIssuer,
  createGatewayIssuer,
  isSigningKey,
} from '../../src/graph/gateway-issuer.ts'
import type { Json } from '../../src/kernel/json.ts'
import { CERTIFICATE, OTHER_KEY, PRIVATE_KEY } from '../support/certificates.ts'
import {
  DEMO_CLIENT_ID,
  DEMO_TENANT_ID,
  type EmulatorOptions,
  type GraphEmulator,
  createGraphEmulator,
  demoTenant,
} from './emulator.ts'
import type { AppSettings } from './settings.ts'
import { type Send, askToken, errorOf, signIn } from './test-client.ts'

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const TOKEN_URL = `https://login.microsoftonline.com/${DEMO_TENANT_ID}/oauth2/v2.0/token`
const ISSUER = 'https://gateway.example'
const AUDIENCE = 'api://AzureADTokenExchange'

const clock = { now: Date.UTC(2026, 5, 1) }
let emulator: GraphEmulator

const begin = (app: Partial<AppSettings>, options: EmulatorOptions = {}): void => {
  const apps = demoTenant.apps.map((one) => ({ ...one, ...app }))
  emulator = createGraphEmulator({
    now: () => clock.now,
    tenants: [{ ...demoTenant, apps }],
    ...options,
  })
}

/** The answer to an assertion: 200, or what is wrong. */
async function present(
  assertion: string,
  more: Record<string, string> = {},
): Promise<{ status: number; error?: Json; codes?: Json; text: string }> {
  const { status, body } = await askToken(emulator, {
    client_secret: '',
    client_assertion_type: TYPE,
    client_assertion: assertion,
    ...more,
  })
  const { error, error_codes: codes, error_description: description } = body
  return {
    status,
    ...(error === undefined ? {} : { error }),
    ...(codes === undefined ? {} : { codes }),
    text: typeof description === 'string' ? description : '',
  }
}

describe('a certificate', () => {
  const own = (
    more: { privateKey?: string; clientId?: string; tokenUrl?: string; now?: number } = {},
  ) =>
    certificateAssertion({
      certificate: CERTIFICATE,
      privateKey: PRIVATE_KEY,
      clientId: DEMO_CLIENT_ID,
      tokenUrl: TOKEN_URL,
      now: clock.now,
      ...more,
    })

  beforeEach(() => begin({ certificates: [{ pem: CERTIFICATE }] }))

  it('signs in', async () => {
    expect((await present(await own())).status).toBe(200)
  })

  it('signs in with RS256 and a SHA-1 thumbprint, as older clients do', async () => {
    const hash = await crypto.subtle.digest('SHA-1', pemBytes(CERTIFICATE))
    const x5t = btoa(String.fromCharCode(...new Uint8Array(hash)))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '')
    const seconds = clock.now / 1000
    const token = await new SignJWT({ iss: DEMO_CLIENT_ID, sub: DEMO_CLIENT_ID, aud: TOKEN_URL })
      .setProtectedHeader({ alg: 'RS256', x5t })
      .setNotBefore(seconds)
      .setExpirationTime(seconds + 600)
      .sign(await importPKCS8(PRIVATE_KEY, 'RS256'))
    expect((await present(token)).status).toBe(200)
  })

  it('that another key signed for is refused', async () => {
    expect(await present(await own({ privateKey: OTHER_KEY }))).toMatchObject({
      status: 401,
      error: 'invalid_client',
      codes: [700027],
      text: expect.stringContaining('did not match the expected signature value'),
    })
  })

  it('that is not registered, or has expired, is refused', async () => {
    begin({})
    expect(await present(await own())).toMatchObject({
      codes: [700027],
      text: expect.stringContaining('The key was not found'),
    })
    begin({ certificates: [{ pem: CERTIFICATE, expiresAt: clock.now }] })
    expect(await present(await own())).toMatchObject({
      codes: [700027],
      text: expect.stringContaining('The key used is expired'),
    })
  })

  it.each([
    ['another application', { clientId: '11111111-2222-3333-4444-555555555555' }, 700021],
    [
      'another endpoint',
      { tokenUrl: 'https://login.microsoftonline.com/other/oauth2/v2.0/token' },
      700023,
    ],
    ['the past', { now: Date.UTC(2026, 4, 30) }, 700024],
    ['the future', { now: Date.UTC(2026, 5, 2) }, 700024],
  ])('whose assertion is for %s is refused', async (_, more, code) => {
    expect(await present(await own(more))).toMatchObject({ status: 401, codes: [code] })
  })

  it('is no secret: text that is no assertion is refused', async () => {
    expect(await present('nonsense')).toMatchObject({ status: 400, codes: [50027] })
    expect(await present(await own(), { client_assertion_type: 'x' })).toMatchObject({
      status: 400,
      codes: [900144],
    })
  })

  it('may sign in twice with one assertion, which is counted, unless that is to be refused', async () => {
    const assertion = await own()
    expect((await present(assertion)).status).toBe(200)
    expect((await present(assertion)).status).toBe(200)
    expect((await present(await own())).status).toBe(200)
    expect(emulator.counters.snapshot().replayedAssertions).toBe(1)
    begin({ certificates: [{ pem: CERTIFICATE }] }, { rejectReplayedAssertions: true })
    expect((await present(assertion)).status).toBe(200)
    expect(await present(assertion)).toMatchObject({ status: 401, codes: [50013] })
  })
})

describe('a federated credential', () => {
  let gateway: GatewayIssuer
  let keys: JSONWebKeySet

  beforeAll(async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const key = await exportJWK(privateKey)
    if (!isSigningKey(key)) throw new Error('no signing key')
    gateway = createGatewayIssuer(ISSUER, key)
    keys = { keys: [await gateway.publicKey()] }
  })

  const credential = { issuer: ISSUER, subject: 'directory:dir_1' }
  const trusting = (options: EmulatorOptions = {}, one = credential) =>
    begin({ federatedCredentials: [one] }, { issuerKeys: async () => keys, ...options })
  const say = async (subject: string, audience = AUDIENCE): Promise<string> =>
    (await gateway.assertion(subject, audience, clock.now)) ?? ''

  it('signs in, with keys that the issuer publishes', async () => {
    const asked: string[] = []
    trusting({
      issuerKeys: async (issuer) => {
        asked.push(issuer)
        return keys
      },
    })
    expect((await present(await say('directory:dir_1'))).status).toBe(200)
    expect(asked).toEqual([ISSUER])
  })

  it('of another subject is refused', async () => {
    trusting()
    expect(await present(await say('directory:dir_2'))).toMatchObject({
      status: 401,
      error: 'invalid_client',
      codes: [700213],
      text: expect.stringContaining("subject 'directory:dir_2'"),
    })
  })

  it('of another issuer or audience is refused', async () => {
    trusting()
    expect(await present(await say('directory:dir_1', 'api://other'))).toMatchObject({
      codes: [70021],
    })
    trusting({}, { ...credential, issuer: 'https://other.example' })
    expect(await present(await say('directory:dir_1'))).toMatchObject({ codes: [70021] })
    begin({})
    expect(await present(await say('directory:dir_1'))).toMatchObject({ codes: [70021] })
  })

  it('is refused when the key is not published, or cannot be had', async () => {
    trusting({ issuerKeys: async () => ({ keys: [] }) })
    expect(await present(await say('directory:dir_1'))).toMatchObject({ codes: [700027] })
    trusting({ issuerKeys: () => Promise.reject(new Error('down')) })
    expect(await present(await say('directory:dir_1'))).toMatchObject({ codes: [700027] })
  })

  it('is refused when somebody else signed, or time is over', async () => {
    trusting()
    const payload: JWTPayload = { iss: ISSUER, sub: 'directory:dir_1', aud: AUDIENCE }
    const forged = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'RS256', kid: keys.keys[0]?.kid ?? '' })
      .setExpirationTime(clock.now / 1000 + 600)
      .sign(await importPKCS8(OTHER_KEY, 'RS256'))
    expect(await present(forged)).toMatchObject({ codes: [700027] })
    const old = (await gateway.assertion('directory:dir_1', AUDIENCE, clock.now - 3_600_000)) ?? ''
    expect(await present(old)).toMatchObject({ codes: [700024] })
  })
})

describe('the consent', () => {
  let send: Send

  beforeEach(async () => {
    begin({})
    send = await signIn(emulator)
  })

  it('can be taken back: no tokens, and the ones there are speak for nobody', async () => {
    emulator.changeApp(DEMO_CLIENT_ID, null)
    expect((await askToken(emulator)).body['error_codes']).toEqual([700016])
    expect(errorOf(await send('GET', '/users'))).toMatchObject({
      status: 401,
      code: 'Authorization_IdentityNotFound',
    })
  })

  it('can change, for tokens from then on', async () => {
    emulator.changeApp(DEMO_CLIENT_ID, { roles: ['User.Read.All'] })
    const later = await signIn(emulator)
    expect((await later('GET', '/users')).status).toBe(200)
    expect((await later('GET', '/groups')).status).toBe(403)
    expect((await send('GET', '/groups')).status).toBe(200)
  })

  it('changes over HTTP as well', async () => {
    const url = `https://graph.microsoft.com/_control/apps/${DEMO_CLIENT_ID}`
    const body = JSON.stringify({ isDisabled: true })
    expect((await emulator.fetch(new Request(url, { method: 'POST', body }))).status).toBe(204)
    expect((await askToken(emulator)).body['error_codes']).toEqual([7000112])
  })
})

const pemBytes = (pem: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(
    atob(pem.replaceAll(/-----[A-Z ]+-----|\s/g, '')),
    (one) => one.codePointAt(0) ?? 0,
  )

it('the discovery document tells the id of a tenant by any of its names', async () => {
  const graph = createGraphEmulator()
  for (const name of [DEMO_TENANT_ID, 'contoso.com', 'Contoso.onmicrosoft.com']) {
    const url = `https://login.microsoftonline.com/${name}/v2.0/.well-known/openid-configuration`
    const answer = await graph.fetch(new Request(url))
    const issuer = `https://login.microsoftonline.com/${DEMO_TENANT_ID}/v2.0`
    expect(await answer.json()).toMatchObject({ issuer })
  }
  const unknown =
    'https://login.microsoftonline.com/no.example/v2.0/.well-known/openid-configuration'
  expect((await graph.fetch(new Request(unknown))).status).toBe(400)
})
