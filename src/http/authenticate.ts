import type { Context, MiddlewareHandler } from 'hono'

import { clientIp, type AppEnv, type Caller } from './context.ts'
import { scimFault } from './scim-response.ts'

/** Finds the caller that a bearer token belongs to; undefined for a token that is unknown, revoked or expired. */
export type FindCaller<E extends AppEnv> = (
  c: Context<E>,
  token: string,
) => Promise<Caller | undefined>

const BEARER = /^Bearer +([\x21-\x7e]{1,4096}) *$/i

/** Lets a request pass that carries the bearer token of a source, and says which one in the context (RFC 6750). */
export function authenticate<E extends AppEnv>(findCaller: FindCaller<E>): MiddlewareHandler<E> {
  return async function authenticateBearer(c, next) {
    const header = c.req.header('Authorization')
    if (header === undefined) return scimFault(c, { kind: 'unauthorized', reason: MISSING })
    const token = BEARER.exec(header)?.[1]
    if (token === undefined) return scimFault(c, { kind: 'unauthorized', reason: MALFORMED })
    const caller = await findCaller(c, token)
    if (caller === undefined) return scimFault(c, { kind: 'unauthorized', reason: REFUSED })
    c.set('caller', caller)
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

/** What an event says of where a request came from. */
export function originOf<E extends AppEnv>(c: Context<E>): { ip?: string; requestId: string } {
  const ip = clientIp(c)
  return { ...(ip === undefined ? {} : { ip }), requestId: c.get('requestId') }
}
