import type { Context, MiddlewareHandler } from 'hono'

import type { Result } from '../kernel/result.ts'
import { clientIp, type AppEnv, type Caller } from './context.ts'
import { scimFault } from './scim-response.ts'

/**
 * Finds the caller that a bearer token belongs to. `refused`: it is unknown, revoked or expired; `unreachable`: its issuer's
 * keys cannot be had now.
 */
export type FindCaller<E extends AppEnv> = (
  c: Context<E>,
  token: string,
) => Promise<Result<Caller, 'refused' | 'unreachable'>>

const BEARER = /^Bearer +([\x21-\x7e]{1,4096}) *$/i

/** Lets a request pass that carries the bearer token of a source, and says which one in the context (RFC 6750). */
export function authenticate<E extends AppEnv>(findCaller: FindCaller<E>): MiddlewareHandler<E> {
  return async function authenticateBearer(c, next) {
    const header = c.req.header('Authorization')
    if (header === undefined) return scimFault(c, { kind: 'unauthorized', reason: MISSING })
    const token = BEARER.exec(header)?.[1]
    if (token === undefined) return scimFault(c, { kind: 'unauthorized', reason: MALFORMED })
    const caller = await findCaller(c, token)
    if (!caller.ok) {
      const isKey = caller.error === 'refused' && token.startsWith('isth_api_')
      return scimFault(c, FAULTS[isKey ? 'ofAdmin' : caller.error])
    }
    c.set('caller', caller.value)
    await next()
    return undefined
  }
}

const MISSING =
  'The request carries no credential: send "Authorization: Bearer <token>" with the token of a source.'
const MALFORMED =
  'The Authorization header is not understood: send "Authorization: Bearer <token>".'
const REFUSED =
  'The token is unknown, revoked or expired: create another one for the source (POST /api/v1/sources/{id}/credentials) and enter it in the client.'
const OF_ADMIN =
  'This is an API key of an administrator, which reaches /api/v1 alone. SCIM takes a token of a source (POST /api/v1/sources/{id}/credentials).'
const UNREACHABLE =
  'The keys of the issuer that signed the token cannot be read now, so the token cannot be checked. Try again; if it stays so, check the issuer of the federated credential.'
const FAULTS = {
  refused: { kind: 'unauthorized', reason: REFUSED },
  ofAdmin: { kind: 'unauthorized', reason: OF_ADMIN },
  unreachable: { kind: 'unavailable', reason: UNREACHABLE, retryAfterSeconds: 30 },
} as const

/** What an event says of where a request came from. */
export function originOf<E extends AppEnv>(c: Context<E>): { ip?: string; requestId: string } {
  const ip = clientIp(c)
  return { ...(ip === undefined ? {} : { ip }), requestId: c.get('requestId') }
}
