import type { Context } from 'hono'
import { routePath } from 'hono/route'

import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { factory, type AppEnv, type Log } from './context.ts'

export interface RequestLogPorts {
  readonly clock: Clock
  readonly log: Log
  readonly newRequestId: () => string
}

/**
 * Gives every request an id and every answer the header X-Request-Id, and writes one line per request. The line holds the
 * pattern of the route, never the path or the query: they hold user names.
 */
export function requestLog({ clock, log, newRequestId }: RequestLogPorts) {
  return factory.createMiddleware(async function logRequest(c, next) {
    const start = clock.now()
    const requestId = newRequestId()
    c.set('requestId', requestId)
    c.set('quirks', new Set())
    await next()
    c.res.headers.set('X-Request-Id', requestId)
    const entry = { requestId, method: c.req.method, route: routePath(c), status: c.res.status }
    log({ ...entry, ms: clock.now() - start, ...describeRequest(c) })
  })
}

function describeRequest(c: Context<AppEnv>): JsonObject {
  const caller = c.get('caller')
  const { roundTrips = 0, rowsRead = 0, rowsWritten = 0 } = c.get('cost') ?? {}
  const { status } = c.res
  return {
    level: status >= 500 && status !== 501 ? 'error' : 'info',
    message: 'request',
    organization: caller?.organizationId ?? null,
    source: caller?.source.id ?? null,
    roundTrips,
    rowsRead,
    rowsWritten,
    quirks: [...c.get('quirks')].toSorted((a, b) => a - b),
  }
}
