import { Hono } from 'hono'

import { noteRefusal } from './db/refusal-store.ts'
import { connect, type Database } from './db/client.ts'
import { safeErrorText, writeFailure } from './db/failure.ts'
import { claimKey, keepAnswer, releaseKey } from './db/idempotency-store.ts'
import { isMigrated } from './db/migration-state.ts'
import { addQuirkCounts, type DueQuirks } from './db/quirk-store.ts'
import { type Deps, directoryConnector, tenantFinder } from './deps.ts'
import { directoryApi } from './directories/api.ts'
import { directoryRoutes } from './directories/routes.ts'
import { eventApi } from './events/api.ts'
import { eventRoutes } from './events/routes.ts'
import { sealCredential } from './export/connection.ts'
import { previewUsers } from './export/preview.ts'
import { federatedAudience } from './graph/clouds.ts'
import { createTokenCache } from './graph/token.ts'
import { apiAccess, isSameSecret } from './http/api-access.ts'
import type { ApiEnv } from './http/api-context.ts'
import { authenticate } from './http/authenticate.ts'
import { closedQueries } from './http/closed-query.ts'
import type { AppEnv } from './http/context.ts'
import type { ApiRoom } from './http/describe-api.ts'
import { docsApi, docsRoutes } from './http/docs-routes.ts'
import { idempotency } from './http/idempotency.ts'
import { createJwtVerifier } from './http/jwt-verifier.ts'
import { problemAnswer, problemErrorHandler } from './http/problem-response.ts'
import { rateLimit } from './http/rate-limit.ts'
import { requestLog } from './http/request-log.ts'
import { wellKnownRoutes } from './http/well-known.ts'
import { normalizeScimPath } from './http/scim-path.ts'
import { scimErrorHandler, scimFault } from './http/scim-response.ts'
import { redact } from './kernel/redact.ts'
import { adminApi } from './provisioning/admin-api.ts'
import { adminRoutes } from './provisioning/admin-routes.ts'
import { organizationApi } from './organizations/api.ts'
import { findAdmin, findSource, type RecogniseDeps } from './organizations/recognise.ts'
import { oauthRoutes } from './organizations/oauth-routes.ts'
import { organizationRoutes } from './organizations/routes.ts'
import { scimRoutes } from './provisioning/routes.ts'
import { reconcileApi } from './reconcile/api.ts'
import { reconcileRoutes } from './reconcile/routes.ts'
import { getPath } from 'hono/utils/url'

type RequestEnv = AppEnv & { Variables: { database: Database } }

/** What whoever opens the gateway's address is told: where to go on. */
const SURFACES = {
  name: 'Isthmus',
  description: 'A SCIM 2.0 gateway to Microsoft 365',
  scim: '/scim/v2',
  api: '/api/v1',
  reference: '/api/v1/docs',
  openapi: '/api/v1/openapi.json',
  health: '/healthz',
} as const

const WRITES = ['POST', 'PUT', 'PATCH', 'DELETE']

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
  const verifier = createJwtVerifier(deps.fetch)
  const recognise: RecogniseDeps = { clock, verifier, noteRefusal: refusalNote(deps) }
  app.route('/scim', scimApp(deps, recognise))
  app.route('/oauth', oauthRoutes({ ...deps, ...recognise, describe, isTransient }))
  app.route('/api', apiApp(deps, recognise))
  app.route('/.well-known', wellKnownRoutes<RequestEnv>(deps.issuer))
  app.get('/', (c) => c.json(SURFACES))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    const checks = await Promise.all([isMigrated(c.get('database')), deps.isQueueThere()])
    return checks.every(Boolean)
      ? c.json({ status: 'ready' })
      : c.json({ status: 'unavailable' }, 503)
  })
  app.on(WRITES, ['/', '/healthz', '/readyz', '/.well-known/*'], (c) =>
    c.json({ title: 'Method not allowed', status: 405 }, 405, { Allow: 'GET' }),
  )
  app.notFound((c) => c.json({ title: 'Not found', status: 404 }, 404))
  app.onError((thrown, c) => {
    log({ level: 'error', message: 'request failed', error: describe(thrown) })
    return c.json({ title: 'Internal error', status: 500, requestId: c.get('requestId') }, 500)
  })
  return app
}

function scimApp(deps: Deps, recognise: RecogniseDeps): Hono<RequestEnv> {
  const scim = new Hono<RequestEnv>()
  scim.onError(scimErrorHandler({ log: deps.log, describe, isTransient }))
  scim.use(
    '/v2/*',
    authenticate<RequestEnv>((c, token) => findSource(c, recognise, token)),
    rateLimit<RequestEnv>(deps.isWithinLimit),
  )
  const { clock, newId, sealer, pause, announce, config } = deps
  const publicUrl = config.PUBLIC_URL
  const saveQuirks = async (due: DueQuirks) => {
    try {
      // A connection of its own: a request's meter says what the request costs.
      await addQuirkCounts(connect(config.DB), due)
    } catch (thrown) {
      deps.log({ level: 'warn', message: 'quirks not counted', error: describe(thrown) })
    }
  }
  scim.route('/v2', scimRoutes({ clock, newId, sealer, pause, announce, saveQuirks, publicUrl }))
  scim.all('*', (c) => scimFault(c, { kind: 'notFound', what: 'This path' }))
  return scim
}

/** Writes the event of a refusal on a connection of its own: a request's meter says what the request costs. */
function refusalNote({ config, log }: Deps): RecogniseDeps['noteRefusal'] {
  return async (credential, refusal) => {
    try {
      await noteRefusal(connect(config.DB), credential, refusal)
    } catch (thrown) {
      log({ level: 'warn', message: 'refusal not noted', error: describe(thrown) })
    }
  }
}

const API = '/api/v1'

/** Every route of the admin API, described by the room that it is in. */
const API_ROOMS: readonly ApiRoom[] = [
  organizationApi,
  adminApi,
  directoryApi,
  reconcileApi,
  eventApi,
  docsApi,
]

function apiApp(deps: Deps, recognise: RecogniseDeps): Hono<ApiEnv<Database>> {
  const { clock, newId, announce, config, isWithinLimit } = deps
  const { GRAPH_WRITE_QUOTA, GRAPH_TENANT_WRITE_QUOTA, GRAPH_APP_WRITE_QUOTA } = config
  const api = new Hono<ApiEnv<Database>>()
  api.onError(problemErrorHandler({ log: deps.log, describe, isTransient }))
  api.use(
    '/v1/*',
    apiAccess<Database>(API, {
      findAdmin: (c, key) => findAdmin(c, recognise, key),
      isOperator: (token) => isSameSecret(crypto.subtle, token, config.OPERATOR_TOKEN),
      isWithinLimit,
    }),
    idempotency<Database>({
      clock,
      subtle: crypto.subtle,
      claim: claimKey,
      keep: keepAnswer,
      release: releaseKey,
    }),
    closedQueries(API, API_ROOMS),
  )
  // Holds values and no promises, so it may outlive the request that filled it.
  const tokenCache = createTokenCache()
  const connect = directoryConnector(deps, tokenCache)
  const findTenantId = tenantFinder(deps)
  const directories = directoryRoutes({
    clock,
    newId,
    findTenantId,
    announce,
    sealCredential: (organizationId, directoryId, credential) =>
      sealCredential(deps.sealer, organizationId, directoryId, credential),
    issuer: deps.issuer && {
      issuer: deps.issuer.issuer,
      audience: federatedAudience(config.LOGIN_BASE_URL),
    },
    // A new token tells of permissions that were granted a moment ago; one from a cache does not.
    connectDirectory: (row) => directoryConnector(deps, createTokenCache())(row),
    connectForReading: connect,
    previewUsers: ({ database, now }, asked) =>
      previewUsers({ database, now, graphBase: config.GRAPH_BASE_URL, connect }, asked),
    announceImport: deps.announceRun,
    quotas: [GRAPH_WRITE_QUOTA, GRAPH_TENANT_WRITE_QUOTA, GRAPH_APP_WRITE_QUOTA],
  })
  const organizations = organizationRoutes({
    clock,
    newId,
    findTenantId,
    announce,
    randomBytes: deps.randomBytes,
  })
  api.route('/v1', organizations)
  api.route('/v1', directories)
  api.route('/v1', adminRoutes({ clock, announce, newId, sealer: deps.sealer, pause: deps.pause }))
  api.route('/v1', reconcileRoutes({ clock, newId, announce, announceRun: deps.announceRun }))
  api.route('/v1', eventRoutes({ clock, announce }))
  api.route('/v1', docsRoutes(API_ROOMS, API))
  api.all('*', (c) => problemAnswer(c, { kind: 'unknownPath' }))
  return api
}

const describe = (thrown: unknown): string => redact(safeErrorText(thrown))

/** What D1 recovers from by itself: the client is asked to repeat. */
function isTransient(thrown: unknown): boolean {
  const kind = writeFailure(thrown)?.kind
  return kind === 'unavailable' || kind === 'overloaded'
}
