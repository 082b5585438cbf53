import { Hono } from 'hono'

import { findKeyOwner } from './db/api-key-store.ts'
import { findCaller, hashToken } from './db/credential-store.ts'
import { connect, type Database } from './db/client.ts'
import { safeErrorText, writeFailure } from './db/failure.ts'
import { isMigrated } from './db/migration-state.ts'
import { addQuirkCounts, type DueQuirks } from './db/quirk-store.ts'
import type { Deps } from './deps.ts'
import { directoryRoutes } from './directories/routes.ts'
import { eventRoutes } from './events/routes.ts'
import { credentialContext } from './export/connection.ts'
import { apiAccess, isSameSecret } from './http/api-access.ts'
import type { ApiEnv } from './http/api-context.ts'
import { authenticate } from './http/authenticate.ts'
import type { AppEnv } from './http/context.ts'
import { problemAnswer, problemErrorHandler } from './http/problem-response.ts'
import { rateLimit } from './http/rate-limit.ts'
import { requestLog } from './http/request-log.ts'
import { normalizeScimPath } from './http/scim-path.ts'
import { scimErrorHandler, scimFault } from './http/scim-response.ts'
import { redact } from './kernel/redact.ts'
import { adminRoutes } from './provisioning/admin-routes.ts'
import { organizationRoutes } from './organizations/routes.ts'
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
  app.route('/api', apiApp(deps))
  // The console (/console) is mounted here.
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
  const saveQuirks = async (due: DueQuirks) => {
    try {
      // A connection of its own: a request's meter says what the request costs.
      await addQuirkCounts(connect(config.DB), due)
    } catch (thrown) {
      deps.log({ level: 'warn', message: 'quirks not counted', error: describe(thrown) })
    }
  }
  scim.route('/v2', scimRoutes({ clock, newId, sealer, announce, saveQuirks, publicUrl }))
  scim.all('*', (c) => scimFault(c, { kind: 'notFound', what: 'This path' }))
  return scim
}

const API = '/api/v1'

function apiApp(deps: Deps): Hono<ApiEnv<Database>> {
  const { clock, newId, sealer, announce, config, isWithinLimit } = deps
  const { GRAPH_WRITE_QUOTA, GRAPH_TENANT_WRITE_QUOTA, GRAPH_APP_WRITE_QUOTA } = config
  const api = new Hono<ApiEnv<Database>>()
  api.onError(problemErrorHandler({ log: deps.log, describe, isTransient }))
  api.use(
    '/v1/*',
    apiAccess<Database>(API, {
      findAdmin: async (c, key) =>
        findKeyOwner(c.get('database'), await hashToken(key), clock.now()),
      isOperator: (token) => isSameSecret(crypto.subtle, token, config.OPERATOR_TOKEN),
      isWithinLimit,
    }),
  )
  const directories = directoryRoutes({
    clock,
    newId,
    announce,
    sealCredential: (organizationId, directoryId, secret) =>
      sealer.seal(secret, credentialContext(organizationId, directoryId)),
    quotas: [GRAPH_WRITE_QUOTA, GRAPH_TENANT_WRITE_QUOTA, GRAPH_APP_WRITE_QUOTA],
  })
  const organizations = organizationRoutes({
    clock,
    newId,
    announce,
    randomBytes: deps.randomBytes,
  })
  api.route('/v1', organizations)
  api.route('/v1', directories)
  api.route('/v1', adminRoutes({ clock, announce }))
  api.route('/v1', eventRoutes({ clock, announce }))
  api.all('*', (c) => problemAnswer(c, { kind: 'unknownPath' }))
  return api
}

const describe = (thrown: unknown): string => redact(safeErrorText(thrown))

/** What D1 recovers from by itself: the client is asked to repeat. */
function isTransient(thrown: unknown): boolean {
  const kind = writeFailure(thrown)?.kind
  return kind === 'unavailable' || kind === 'overloaded'
}
