/** What the gateway proves itself with where no client secret is stored, verified as Entra ID would. */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto'

import { decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'

import { federatedAudience, graphScope } from '../../src/graph/clouds.ts'
import {
  createGatewayIssuer,
  isSigningKey,
  type SigningKey,
} from '../../src/graph/gateway-issuer.ts'
import {
  createTokenSource,
  type Credential,
  type TokenSourceOptions,
} from '../../src/graph/token.ts'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificates.ts'
import { ACCOUNT, fakeClock, fakeFetch, json } from './fakes.ts'

const LOGIN = 'https://login.microsoftonline.com'
const ISSUER = 'https://gateway.example'
const certificate: Credential = {
  type: 'certificate',
  certificate: CERTIFICATE,
  privateKey: PRIVATE_KEY,
}
const federated: Credential = { type: 'federated', subject: 'directory:dir_1' }

async function signingKey(algorithm: 'RS256' | 'ES256', more = {}): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const key = { ...(await exportJWK(privateKey)), ...more }
  if (!isSigningKey(key)) throw new Error('no signing key')
  return key
}

/** The form that is sent to Entra ID for a token; undefined when none is. */
async function formFor(credential: Credential, more: Partial<TokenSourceOptions> = {}) {
  const clock = fakeClock(Date.UTC(2026, 5, 1))
  const { fetch, seen } = fakeFetch(json(200, { access_token: 't1', expires_in: 3599 }))
  const source = createTokenSource({
    fetch,
    clock,
    loginBaseUrl: LOGIN,
    graphBaseUrl: 'https://graph.microsoft.com/v1.0',
    ...more,
  })
  const result = await source.token({ ...ACCOUNT, credential })
  const [call] = seen
  return { result, now: clock.now(), form: call && new URLSearchParams(String(call.init.body)) }
}

describe('a certificate', () => {
  it('signs an assertion that names the application, the endpoint and the certificate', async () => {
    const { form, now } = await formFor(certificate)
    const { client_assertion: assertion = '', ...rest } = Object.fromEntries(form ?? [])
    expect(rest).toEqual({
      client_id: ACCOUNT.clientId,
      scope: 'https://graph.microsoft.com/.default',
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    expect(decodeProtectedHeader(assertion)).toEqual({
      alg: 'PS256',
      typ: 'JWT',
      'x5t#S256': createHash('sha256')
        .update(new X509Certificate(CERTIFICATE).raw)
        .digest('base64url'),
    })
    const { payload } = await jwtVerify(assertion, createPublicKey(CERTIFICATE), {
      algorithms: ['PS256'],
      currentDate: new Date(now),
    })
    const seconds = now / 1000
    expect(payload).toEqual({
      iss: ACCOUNT.clientId,
      sub: ACCOUNT.clientId,
      aud: `${LOGIN}/${ACCOUNT.tenantId}/oauth2/v2.0/token`,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: seconds,
      nbf: seconds,
      exp: seconds + 600,
    })
  })

  it('is never sent: neither it nor its key is in the form', async () => {
    const { form } = await formFor(certificate)
    expect(form?.toString()).not.toContain(encodeURIComponent(PRIVATE_KEY.slice(60, 100)))
    expect(form?.get('client_secret')).toBeNull()
  })
})

describe('a federated credential', () => {
  it.each(['RS256', 'ES256'] as const)(
    'is an assertion of the gateway, which its public key verifies (%s)',
    async (algorithm) => {
      const issuer = createGatewayIssuer(ISSUER, await signingKey(algorithm))
      const { form, now } = await formFor(federated, { issuer })
      const key = await issuer.publicKey()
      const { payload, protectedHeader } = await jwtVerify(
        form?.get('client_assertion') ?? '',
        await importJWK(key, algorithm),
        { currentDate: new Date(now) },
      )
      expect(protectedHeader).toEqual({ alg: algorithm, typ: 'JWT', kid: key.kid })
      expect(payload).toMatchObject({
        iss: ISSUER,
        sub: 'directory:dir_1',
        aud: 'api://AzureADTokenExchange',
        exp: now / 1000 + 600,
      })
    },
  )

  it.each([
    ['RS256', ['alg', 'e', 'kid', 'kty', 'n', 'use']],
    ['ES256', ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']],
  ] as const)('publishes nothing of the private key (%s)', async (algorithm, members) => {
    const key = await signingKey(algorithm, { secret: 'note of the operator' })
    const shown = await createGatewayIssuer(ISSUER, key).publicKey()
    expect(Object.keys(shown).toSorted()).toEqual(members)
    expect(JSON.stringify(shown)).not.toContain(key.d)
  })

  it('keeps the key id that the operator gave', async () => {
    const issuer = createGatewayIssuer(ISSUER, await signingKey('RS256', { kid: '2026-11' }))
    expect((await issuer.publicKey()).kid).toBe('2026-11')
  })

  it('cannot be used by a deployment that is no issuer, or whose key is broken, and says so', async () => {
    const broken = await signingKey('ES256', { x: 'AQAB' })
    for (const issuer of [undefined, createGatewayIssuer(ISSUER, broken)]) {
      const { result, form } = await formFor(federated, { issuer })
      expect(result).toMatchObject({
        ok: false,
        error: {
          kind: 'permanent',
          code: 'not_an_issuer',
          message: expect.stringContaining('SIGNING_KEY'),
        },
      })
      expect(form).toBeUndefined()
    }
  })

  it('takes keys only that are private and strong enough', async () => {
    const rsa = await signingKey('RS256')
    const { d: _, ...publicHalf } = rsa
    expect([rsa, await signingKey('ES256')].map(isSigningKey)).toEqual([true, true])
    const wrong = [publicHalf, { ...rsa, n: 'AQAB' }, { kty: 'oct', k: 'AQAB' }, {}, null, 'x']
    expect(wrong.map(isSigningKey)).toEqual(wrong.map(() => false))
  })
})

describe('a cloud', () => {
  it.each([
    ['https://graph.microsoft.com/v1.0', 'https://graph.microsoft.com/.default'],
    ['https://graph.microsoft.us/v1.0', 'https://graph.microsoft.us/.default'],
    ['https://dod-graph.microsoft.us/v1.0', 'https://dod-graph.microsoft.us/.default'],
    [
      'https://microsoftgraph.chinacloudapi.cn/v1.0',
      'https://microsoftgraph.chinacloudapi.cn/.default',
    ],
    ['http://127.0.0.1:8788/v1.0', 'https://graph.microsoft.com/.default'],
  ])('whose Graph is %s is asked for the scope %s', (base, scope) => {
    expect(graphScope(base)).toBe(scope)
  })

  it.each([
    ['https://login.microsoftonline.com', 'api://AzureADTokenExchange'],
    ['https://login.microsoftonline.us', 'api://AzureADTokenExchangeUSGov'],
    ['https://login.partner.microsoftonline.cn', 'api://AzureADTokenExchangeChina'],
    ['http://127.0.0.1:8788', 'api://AzureADTokenExchange'],
  ])('whose login is %s takes assertions for %s', (base, audience) => {
    expect(federatedAudience(base)).toBe(audience)
  })

  it("has its own token endpoint as an assertion's audience", async () => {
    const { form } = await formFor(certificate, {
      loginBaseUrl: 'https://login.microsoftonline.us',
    })
    const payload = JSON.parse(atob(form?.get('client_assertion')?.split('.')[1] ?? ''))
    expect(payload.aud).toMatch(/^https:\/\/login\.microsoftonline\.us\//)
  })
})
