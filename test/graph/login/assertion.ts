import {
  type CryptoKey,
  type JWTPayload,
  type ProtectedHeaderParameters,
  base64url,
  compactVerify,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  importX509,
} from 'jose'
import type { AppSettings, FederatedCredential } from '../settings.ts'
import type { Tenant } from '../tenant.ts'
import type { World } from '../world.ts'
import { refusals } from './refusals.ts'
import type { TokenRequest } from './token.ts'

interface AssertionRequest extends TokenRequest {
  readonly assertion: string
}

interface Assertion {
  readonly text: string
  readonly header: ProtectedHeaderParameters
  readonly claims: JWTPayload
}

/** What a federated credential expects of an assertion unless it says otherwise. */
const EXCHANGE_AUDIENCE = 'api://AzureADTokenExchange'

/**
 * Judges a client assertion: one that the application signed itself with its certificate, or one of an issuer that it
 * trusts by a federated credential.
 */
export async function checkAssertion(
  world: World,
  tenant: Tenant,
  app: AppSettings,
  request: AssertionRequest,
): Promise<void> {
  const assertion = read(request.assertion)
  const { iss: issuer } = assertion.claims
  const isOwn = issuer === app.clientId || !URL.canParse(issuer ?? '')
  if (isOwn) await checkOwn(world, tenant, app, assertion, request)
  else await checkFederated(world, app, assertion)
  checkTime(world, assertion.claims)
  checkReplay(world, app, assertion.claims)
}

function read(text: string): Assertion {
  try {
    return { text, header: decodeProtectedHeader(text), claims: decodeJwt(text) }
  } catch {
    throw refusals.malformedAssertion()
  }
}

async function checkOwn(
  world: World,
  tenant: Tenant,
  app: AppSettings,
  assertion: Assertion,
  { origin, tenantName }: AssertionRequest,
): Promise<void> {
  await checkCertificate(world, app, assertion)
  const { iss, sub, aud } = assertion.claims
  if (iss !== app.clientId || sub !== app.clientId) throw refusals.otherApp()
  const addresses = [tenantName, tenant.settings.id].flatMap((name) => [
    `${origin}/${name}/oauth2/v2.0/token`,
    `${origin}/${name}/v2.0`,
  ])
  if (typeof aud !== 'string' || !addresses.includes(aud)) throw refusals.audience()
}

/** The signature must be that of a certificate of the application, which the header names by its thumbprint. */
async function checkCertificate(
  world: World,
  { certificates = [] }: AppSettings,
  { text, header }: Assertion,
): Promise<void> {
  const named = header['x5t#S256'] ?? header.x5t ?? ''
  const name = String(named)
  const hash = header['x5t#S256'] === undefined ? 'SHA-1' : 'SHA-256'
  const thumbprints = await Promise.all(certificates.map(({ pem }) => thumbprint(pem, hash)))
  const certificate = certificates[thumbprints.indexOf(name)]
  if (!certificate) throw refusals.badSignature('The key was not found.', name)
  if (certificate.expiresAt !== undefined && certificate.expiresAt <= world.now())
    throw refusals.badSignature('The key used is expired.', name)
  const algorithm = header.alg ?? ''
  if (
    !['PS256', 'RS256'].includes(algorithm) ||
    !(await isSignedBy(text, certificate.pem, algorithm))
  )
    throw refusals.badSignature(
      'The provided signature value did not match the expected signature value.',
      name,
    )
}

const isSignedBy = async (text: string, pem: string, algorithm: string): Promise<boolean> =>
  isSigned(text, await importX509(pem, algorithm))

async function isSigned(text: string, key: CryptoKey): Promise<boolean> {
  try {
    await compactVerify(text, key)
    return true
  } catch {
    return false
  }
}

async function thumbprint(pem: string, hash: 'SHA-1' | 'SHA-256'): Promise<string> {
  const body = pem.replaceAll(/-----[A-Z ]+-----/g, '').replaceAll(/\s/g, '')
  const der = Uint8Array.from(atob(body), (character) => character.charCodeAt(0))
  return base64url.encode(new Uint8Array(await crypto.subtle.digest(hash, der)))
}

/** Issuer, subject and audience must be those of one federated credential, letter by letter, and the issuer's key must have signed. */
async function checkFederated(world: World, app: AppSettings, assertion: Assertion): Promise<void> {
  const { iss = '', sub = '', aud } = assertion.claims
  const audience = typeof aud === 'string' ? aud : ''
  const trusted = (app.federatedCredentials ?? []).filter(
    (one) => one.issuer === iss && audiencesOf(one).includes(audience),
  )
  if (trusted.length === 0) throw refusals.noFederatedIdentity(iss, sub, audience)
  if (!trusted.some((one) => one.subject === sub)) throw refusals.noFederatedSubject(sub)
  const { kid = '', alg } = assertion.header
  const key = await issuerKey(world, iss, assertion.header)
  if (!key) throw refusals.badSignature('The key was not found.', kid)
  if (alg !== 'RS256' || !(await isSigned(assertion.text, key)))
    throw refusals.badSignature(
      'The provided signature value did not match the expected signature value.',
      kid,
    )
}

const audiencesOf = ({ audiences = [EXCHANGE_AUDIENCE] }: FederatedCredential): readonly string[] =>
  audiences

async function issuerKey(
  world: World,
  issuer: string,
  header: ProtectedHeaderParameters,
): Promise<CryptoKey | undefined> {
  try {
    return await createLocalJWKSet(await world.issuerKeys(issuer))(header)
  } catch {
    return undefined
  }
}

function checkTime(world: World, { nbf, iat, exp }: JWTPayload): void {
  const now = world.now() / 1000
  const from = nbf ?? iat ?? 0
  // Entra ID forgives clocks that differ by five minutes.
  if (exp !== undefined && now - SKEW_SECONDS <= exp && now + SKEW_SECONDS >= from) return
  throw refusals.validity(told(now), told(from), told(exp ?? 0))
}

const SKEW_SECONDS = 300

const told = (seconds: number): string => new Date(seconds * 1000).toISOString()

/** Entra ID lets an assertion be used until it expires, so a second use is only counted, unless it is to be refused. */
function checkReplay(world: World, { clientId }: AppSettings, { jti }: JWTPayload): void {
  if (jti === undefined) return
  const isReplay = world.counters.assertion(`${clientId}/${jti}`)
  if (isReplay && world.rejectReplayedAssertions) throw refusals.replayed()
}
