import type { MiddlewareHandler } from 'hono'

import { callerOf, type AppEnv } from './context.ts'
import { scimFault } from './scim-response.ts'

/** The period of the limiter in wrangler.toml; it does not tell when the next request is let through. */
const PERIOD_SECONDS = 10

/** Refuses a credential that sends far more than any provisioning client does; it stands behind `authenticate`. */
export function rateLimit<E extends AppEnv>(
  isWithinLimit: (key: string) => Promise<boolean>,
): MiddlewareHandler<E> {
  return async function limitRate(c, next) {
    const { organizationId, credentialId } = callerOf(c)
    if (!(await isWithinLimit(`${organizationId}:${credentialId}`)))
      return scimFault(c, { kind: 'tooManyRequests', retryAfterSeconds: PERIOD_SECONDS })
    await next()
    return undefined
  }
}
