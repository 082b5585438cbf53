import type { Caller } from './access.ts'
import { accessErrors } from './errors.ts'
import { type Answer, answer } from './exchange.ts'
import type { AppSettings } from './settings.ts'
import type { Tenant } from './tenant.ts'
import { type World, findTenant } from './world.ts'

/** A refusal of the token endpoint. */
class TokenError extends Error {
  readonly status: number
  readonly error: string
  readonly code: number

  constructor(status: number, error: string, code: number, message: string) {
    super(message)
    this.status = status
    this.error = error
    this.code = code
  }
}

const refusals = {
  missing: (name: string) =>
    new TokenError(
      400,
      'invalid_request',
      900144,
      `The request body must contain the following parameter: '${name}'.`,
    ),
  unknownTenant: (name: string) =>
    new TokenError(
      400,
      'invalid_request',
      90002,
      `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
    ),
  unknownApp: (id: string, tenant: string) =>
    new TokenError(
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${id}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    ),
  disabledApp: (id: string) =>
    new TokenError(400, 'unauthorized_client', 7000112, `Application '${id}' is disabled.`),
  grantType: (name: string) =>
    new TokenError(
      400,
      'unsupported_grant_type',
      70003,
      `The app requested an unsupported grant type '${name}'.`,
    ),
  scope: (scope: string) =>
    new TokenError(
      400,
      'invalid_scope',
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    ),
  noCredential: () =>
    new TokenError(
      401,
      'invalid_client',
      7000216,
      "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    ),
  wrongSecret: (id: string) =>
    new TokenError(
      401,
      'invalid_client',
      7000215,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${id}'.`,
    ),
  expiredSecret: (id: string) =>
    new TokenError(
      401,
      'invalid_client',
      7000222,
      `The provided client secret keys for app '${id}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
    ),
  assertion: () =>
    new TokenError(
      401,
      'invalid_client',
      700027,
      'Client assertion failed signature validation: this emulator does not support assertions yet.',
    ),
} as const

/** `POST /{tenant}/oauth2/v2.0/token`: client credentials for a token that tells the application's roles. */
export function issueToken(world: World, tenantName: string, form: URLSearchParams): Answer {
  try {
    const tenant = findTenant(world, tenantName)
    if (!tenant) throw refusals.unknownTenant(tenantName)
    const app = authenticate(world, tenant, form)
    world.counters.token()
    return answer(200, {
      token_type: 'Bearer',
      expires_in: world.tokenLifetimeSeconds,
      ext_expires_in: world.tokenLifetimeSeconds,
      access_token: makeToken(world, tenant, app),
    })
  } catch (error) {
    if (error instanceof TokenError) return refusal(world, error)
    throw error
  }
}

function authenticate(world: World, tenant: Tenant, form: URLSearchParams): AppSettings {
  const parameter = (name: string): string => {
    const value = form.get(name)
    if (!value) throw refusals.missing(name)
    return value
  }
  const grantType = parameter('grant_type')
  const clientId = parameter('client_id')
  const scope = parameter('scope')
  if (grantType !== 'client_credentials') throw refusals.grantType(grantType)
  if (!scope.endsWith('/.default')) throw refusals.scope(scope)
  const app = tenant.settings.apps.find((one) => one.clientId === clientId.toLowerCase())
  if (!app) throw refusals.unknownApp(clientId, tenant.settings.displayName)
  if (app.isDisabled) throw refusals.disabledApp(clientId)
  checkCredential(world, app, form)
  return app
}

/** A secret; certificates and federated credentials (`client_assertion`) will be verified here. */
function checkCredential(world: World, app: AppSettings, form: URLSearchParams): void {
  if (form.get('client_assertion')) throw refusals.assertion()
  const secret = form.get('client_secret')
  if (!secret) throw refusals.noCredential()
  const known = app.secrets.find((one) => one.value === secret)
  if (!known) throw refusals.wrongSecret(app.clientId)
  if (known.expiresAt !== undefined && known.expiresAt <= world.now())
    throw refusals.expiredSecret(app.clientId)
}

function refusal(world: World, error: TokenError): Answer {
  const timestamp = new Date(world.now())
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
  const [traceId, correlationId] = [world.random.guid(), world.random.guid()]
  const trace = `Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`
  return answer(error.status, {
    error: error.error,
    error_description: `AADSTS${error.code}: ${error.message} ${trace}`,
    error_codes: [error.code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${error.code}`,
  })
}

/** What an access token says. It carries everything, so that it outlives a restart of the emulator. */
interface Claims {
  readonly tid: string
  readonly appid: string
  readonly roles: readonly string[]
  readonly nbf: number
  readonly exp: number
  /** The emulator's own: tokens of an older generation were revoked. */
  readonly generation: number
}

function makeToken(world: World, { settings }: Tenant, app: AppSettings): string {
  const issued = Math.floor(world.now() / 1000)
  const claims: Claims & Record<string, unknown> = {
    aud: 'https://graph.microsoft.com',
    iss: `https://sts.windows.net/${settings.id}/`,
    iat: issued,
    nbf: issued,
    exp: issued + world.tokenLifetimeSeconds,
    appid: app.clientId,
    idtyp: 'app',
    roles: app.roles,
    tid: settings.id,
    generation: world.tokenGeneration,
  }
  return `${encode({ typ: 'JWT', alg: 'none' })}.${encode(claims)}.emulator`
}

/** The caller behind an `Authorization` header, or the service's 401. */
export function readCaller(world: World, header: string | null): Caller {
  const token = /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1]
  if (token === undefined) throw accessErrors.badToken('Access token is empty.')
  const claims = readClaims(token)
  if (!claims)
    throw accessErrors.badToken('IDX14100: JWT is not well formed, there are no dots (.).')
  const now = world.now() / 1000
  if (claims.exp <= now || claims.generation !== world.tokenGeneration)
    throw accessErrors.badToken('Lifetime validation failed, the token is expired.')
  const tenant = world.tenants.get(claims.tid)
  const app = tenant?.settings.apps.find((one) => one.clientId === claims.appid)
  if (!tenant || !app || app.isDisabled) throw accessErrors.unknownCaller()
  return { tenant, app, roles: claims.roles }
}

function readClaims(token: string): Claims | undefined {
  const [, payload, signature] = token.split('.')
  if (!payload || signature !== 'emulator') return undefined
  try {
    return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
  } catch {
    return undefined
  }
}

const encode = (value: object): string =>
  btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
