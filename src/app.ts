import { Hono } from 'hono'

import { findCaller, hashToken } from './db/credential-store.ts'
import type { Database } from './db/client.ts'
import { safeErrorText, writeFailure } from './db/failure.ts'
import { isMigrated } from './db/migration-state.ts'
import type { Deps } from './deps.ts'
import { authenticate } from './http/authenticate.ts'
import type { AppEnv } from './http/context.ts'
import { rateLimit } from './http/rate-limit.ts'
import { requestLog } from './http/request-log.ts'
import { normalizeScimPath } from './http/scim-path.ts'
import { scimErrorHandler, scimFault } from './http/scim-response.ts'
import { redact } from './kernel/redact.ts'
import { scimRoutes } from './provisioning/routes.ts'
import { getPath } from 'hono/utils/url'

type RequestEnv = AppEnv & { Variables: { database: Database } }

/** The HTTP surface. Each sub-app answers errors in its own format; unknown paths of a surface too. */
export function createApp(deps: Deps): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>({ getPath: (request) => normalizeScimPath(getPath(request)) })
  const { clock, log, newId } = deps
  app.use(requestLog({ clock, log, newRequestId: () => newId('req') }))
  app.use(async function openDatabase(c, next) {
    const database = deps.connect()
    c.set('database', database)
    c.set('cost', database.meter)
    await next()
  })
  app.route('/scim', scimApp(deps))
  // The admin API (/api/v1) and the console (/console) are mounted here.
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    const isReady = await isMigrated(c.get('database'))
    return isReady ? c.json({ status: 'ready' }) : c.json({ status: 'unavailable' }, 503)
  })
  app.notFound((c) => c.json({ title: 'Not found', status: 404 }, 404))
  app.onError((thrown, c) => {
    log({ level: 'error', message: 'request failed', error: describe(thrown) })
    return c.json({ title: 'Internal error', status: 500, requestId: c.get('requestId') }, 500)
  })
  return app
}

function scimApp(deps: Deps): Hono<RequestEnv> {
  const scim = new Hono<RequestEnv>()
  scim.onError(scimErrorHandler({ log: deps.log, describe, isTransient }))
  scim.use(
    '/v2/*',
    authenticate<RequestEnv>(async (c, token) =>
      findCaller(c.get('database'), await hashToken(token), deps.clock.now()),
    ),
    rateLimit<RequestEnv>(deps.isWithinLimit),
  )
  const { clock, newId, sealer, announce, config } = deps
  const publicUrl = config.PUBLIC_URL
  scim.route('/v2', scimRoutes({ clock, newId, sealer, announce, publicUrl }))
  scim.all('*', (c) => scimFault(c, { kind: 'notFound', what: 'This path' }))
  return scim
}

const describe = (thrown: unknown): string => redact(safeErrorText(thrown))

/** What D1 recovers from by itself: the client is asked to repeat. */
function isTransient(thrown: unknown): boolean {
  const kind = writeFailure(thrown)?.kind
  return kind === 'unavailable' || kind === 'overloaded'
}
