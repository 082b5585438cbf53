import type { Context, MiddlewareHandler } from 'hono'

import { type Access, mayAct, routeAccess } from './access.ts'
import type { AdminCaller, ApiEnv } from './api-context.ts'
import type { Problem } from './problem.ts'
import { problemAnswer } from './problem-response.ts'

export interface ApiAccessPorts<Db> {
  /** The administrator whom a key belongs to; undefined for a key that is unknown, revoked or expired. */
  readonly findAdmin: (c: Context<ApiEnv<Db>>, key: string) => Promise<AdminCaller | undefined>
  readonly isOperator: (token: string) => Promise<boolean>
  readonly isWithinLimit: (key: string) => Promise<boolean>
}

type Unauthorized = Extract<Problem, { kind: 'unauthorized' }>

const BEARER = /^Bearer +([\x21-\x7e]{1,4096}) *$/i
/** The period of the limiter; it does not tell when the next request is let through. */
const PERIOD_SECONDS = 10

/**
 * The only door of the admin API: looks the route up in the table, authenticates, and lets pass who has the role. Behind it
 * a route knows that its caller may do what it does.
 */
export function apiAccess<Db>(
  base: string,
  ports: ApiAccessPorts<Db>,
): MiddlewareHandler<ApiEnv<Db>> {
  return async function checkAccess(c, next) {
    const route = routeAccess(c.req.method, c.req.path.slice(base.length))
    if (route.kind === 'unknown') return problemAnswer(c, { kind: 'unknownPath' })
    if (route.kind === 'otherMethods') {
      const { method } = c.req
      return problemAnswer(c, { kind: 'methodNotAllowed', method, allowed: route.allowed })
    }
    const refused = await refusal(c, route.least, ports)
    if (refused !== undefined) return problemAnswer(c, refused)
    await next()
    return undefined
  }
}

async function refusal<Db>(
  c: Context<ApiEnv<Db>>,
  least: Access,
  ports: ApiAccessPorts<Db>,
): Promise<Problem | undefined> {
  if (least === 'public') return undefined
  const header = c.req.header('Authorization')
  if (header === undefined) return unauthorized(least, 'missing')
  const token = BEARER.exec(header)?.[1]
  if (token === undefined) return unauthorized(least, 'malformed')
  if (least === 'operator' && (await ports.isOperator(token))) return undefined
  const admin = await ports.findAdmin(c, token)
  if (admin === undefined) return unauthorized(least, await whatElse(token, ports.isOperator))
  if (!(await ports.isWithinLimit(`${admin.organizationId}:${admin.keyId}`)))
    return { kind: 'tooManyRequests', retryAfterSeconds: PERIOD_SECONDS }
  const { role } = admin
  if (least === 'operator' || !mayAct(role, least)) return { kind: 'forbidden', role, least }
  c.set('admin', admin)
  return undefined
}

/** Of what is the operator's alone no reason is told that is about keys. */
const unauthorized = (least: Access, reason: Unauthorized['reason']): Unauthorized => ({
  kind: 'unauthorized',
  reason: least === 'operator' ? 'notOperators' : reason,
})

/** What a token is that is no key: each says by its beginning what it is for, and the operator's is compared. */
async function whatElse(token: string, isOperator: (token: string) => Promise<boolean>) {
  if (/^isth_(?:scim|access|client)_/.test(token)) return 'ofSource'
  return (await isOperator(token)) ? 'ofOperator' : 'refused'
}

/**
 * Whether two secrets are the same, in a time that tells nothing of where they differ: digests are compared, to their
 * end, and nobody can choose a digest.
 */
export async function isSameSecret(subtle: SubtleCrypto, a: string, b: string): Promise<boolean> {
  const digest = async (text: string) =>
    new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(text)))
  const [left, right] = await Promise.all([digest(a), digest(b)])
  let difference = 0
  for (const [i, byte] of left.entries()) difference |= byte ^ (right[i] ?? 0)
  return difference === 0
}
