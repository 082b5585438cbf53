import { type Answer, answer } from '../exchange.ts'
import type { AppSettings } from '../settings.ts'
import type { Tenant } from '../tenant.ts'
import { type World, findTenant } from '../world.ts'
import { makeAccessToken } from './access-token.ts'
import { checkCredential } from './credential.ts'
import { TokenError, refusals } from './refusals.ts'

/** What is asked of the token endpoint. */
export interface TokenRequest {
  /** The tenant as the address names it: an id or a domain. */
  readonly tenantName: string
  readonly origin: string
  readonly form: URLSearchParams
}

/** `POST /{tenant}/oauth2/v2.0/token`: client credentials for a token that tells the application's roles. */
export async function issueToken(
  world: World,
  { tenantName, origin, form }: TokenRequest,
): Promise<Answer> {
  try {
    const tenant = findTenant(world, tenantName)
    if (!tenant) throw refusals.unknownTenant(tenantName)
    const app = await authenticate(world, tenant, { tenantName, origin, form })
    world.counters.token()
    return answer(200, {
      token_type: 'Bearer',
      expires_in: world.tokenLifetimeSeconds,
      ext_expires_in: world.tokenLifetimeSeconds,
      access_token: makeAccessToken(world, tenant, app),
    })
  } catch (error) {
    if (error instanceof TokenError) return refusal(world, error)
    throw error
  }
}

async function authenticate(
  world: World,
  tenant: Tenant,
  request: TokenRequest,
): Promise<AppSettings> {
  const { form } = request
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
  const app = tenant.app(clientId)
  if (!app) throw refusals.unknownApp(clientId, tenant.settings.displayName)
  if (app.isDisabled) throw refusals.disabledApp(clientId)
  await checkCredential(world, tenant, app, request)
  return app
}

/** A refusal as Entra ID tells it. */
export function refusal(world: World, error: TokenError): Answer {
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
