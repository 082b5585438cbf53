import { Hono, type Context } from 'hono'

import type { Database } from '../db/client.ts'
import type { RefusedToken } from '../db/credential-store.ts'
import { type AppEnv, clientIp } from '../http/context.ts'
import { readBytes } from '../http/read-body.ts'
import { type ErrorPorts, noteUnexpected } from '../http/unexpected.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { issueToken } from './access-tokens.ts'
import { type RecogniseDeps, tellOfSource } from './recognise.ts'
import { readTokenRequest, type TokenFault } from './token-request.ts'

export interface OAuthDeps extends RecogniseDeps, ErrorPorts {
  readonly randomBytes: (length: number) => Uint8Array
  readonly isWithinLimit: (key: string) => Promise<boolean>
}

type OAuthEnv = AppEnv & { Variables: { database: Database } }

const MAX_FORM_BYTES = 64 * 1024
const RETRY_SECONDS = 30

/** `/oauth`: the token endpoint of the sources' OAuth clients (RFC 6749); answers are never kept by anybody. */
export function oauthRoutes(deps: OAuthDeps): Hono<OAuthEnv> {
  const routes = new Hono<OAuthEnv>()
  routes.onError((thrown, c) => {
    const { kind } = noteUnexpected(deps, c.get('requestId'), thrown)
    return kind === 'busy' ? refuse(c, BUSY) : refuse(c, BROKEN, 500)
  })
  routes.post('/token', async (c) => {
    if (!(await deps.isWithinLimit(`oauth:${clientIp(c) ?? ''}`))) return refuse(c, TOO_MANY, 429)
    const form = await readForm(c.req.raw)
    if (!form.ok) return refuse(c, form.error)
    const asked = readTokenRequest(form.value, c.req.header('Authorization'))
    if (!asked.ok) return refuse(c, asked.error)
    const { proof, scope } = asked.value
    const now = deps.clock.now()
    const issued = await issueToken({ ...deps, database: c.get('database'), now }, proof)
    if (!issued.ok) {
      tellOfSource(c, deps, issued.error)
      return refuse(c, clientFault(issued.error))
    }
    const { token, expiresInSeconds, caller } = issued.value
    c.set('caller', caller)
    const granted = { access_token: token, token_type: 'Bearer', expires_in: expiresInSeconds }
    return c.json({ ...granted, ...(scope === undefined ? {} : { scope }) }, 200, UNCACHED)
  })
  routes.all('/token', (c) => {
    const fault = invalid(`${c.req.method} is not possible here: use POST.`)
    return refuse(c, fault, 405, { Allow: 'POST' })
  })
  routes.all('*', (c) => refuse(c, invalid('There is nothing here but /oauth/token.'), 404))
  return routes
}

const invalid = (description: string): TokenFault => ({ error: 'invalid_request', description })

async function readForm(request: Request): Promise<Result<URLSearchParams, TokenFault>> {
  const type = request.headers.get('Content-Type') ?? ''
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type.trim()))
    return err(invalid('The body has to be of the type application/x-www-form-urlencoded.'))
  const bytes = await readBytes(request, MAX_FORM_BYTES)
  if (bytes === undefined) return err(invalid(`The body has ${MAX_FORM_BYTES} bytes at most.`))
  return ok(new URLSearchParams(new TextDecoder().decode(bytes)))
}

const clientFault = ({ reason }: RefusedToken): TokenFault =>
  reason === 'unreachable'
    ? { error: 'temporarily_unavailable', description: UNREACHABLE }
    : { error: 'invalid_client', description: REFUSED[reason] }

const UNREACHABLE =
  "The keys of the assertion's issuer cannot be read now. Try again; if it stays so, check the issuer of the federated credential."
const BUSY: TokenFault = {
  error: 'temporarily_unavailable',
  description: 'The database is busy. Try again in a moment.',
}
const BROKEN: TokenFault = {
  error: 'server_error',
  description: 'Something went wrong in the gateway. Its log tells more under the X-Request-Id.',
}
const TOO_MANY: TokenFault = {
  error: 'temporarily_unavailable',
  description: 'Too many requests. Keep an access token for as long as it is valid.',
}
const REFUSED = {
  unknown:
    'No client with this id and proof is known. Check the id, and the secret or what the federated credential trusts.',
  revoked: 'The credential of this client is revoked. Create another one for the source.',
  expired: 'The credential of this client is expired. Create another one for the source.',
} as const

const UNCACHED = { 'Cache-Control': 'no-store', Pragma: 'no-cache' }

function refuse(
  c: Context<OAuthEnv>,
  { error, description }: TokenFault,
  status: 400 | 404 | 405 | 429 | 500 = 400,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = { error, error_description: description }
  const all = { ...UNCACHED, ...headers }
  if (error === 'invalid_client')
    return c.json(body, 401, { ...all, 'WWW-Authenticate': 'Basic realm="oauth"' })
  if (error !== 'temporarily_unavailable') return c.json(body, status, all)
  return c.json(body, status === 429 ? 429 : 503, { ...all, 'Retry-After': String(RETRY_SECONDS) })
}
