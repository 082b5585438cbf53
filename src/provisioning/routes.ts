import { Hono, type MiddlewareHandler } from 'hono'

import { quirkTally } from '../db/quirk-store.ts'
import { callerOf, noteQuirks, runAfter } from '../http/context.ts'
import { scimAnswer, scimFault } from '../http/scim-response.ts'
import type { JsonObject } from '../kernel/json.ts'
import {
  findDocument,
  resourceTypeDocuments,
  schemaDocuments,
  serviceProviderConfig,
  type Features,
} from '../scim/discovery.ts'
import { listResponse } from '../scim/messages.ts'
import { RESOURCE_TYPES } from '../scim/resource-types.ts'
import { BULK_LIMITS } from './bulk.ts'
import { addBulk } from './bulk-routes.ts'
import { groupService } from './groups.ts'
import { CURSOR_TIMEOUT_SECONDS } from './list-cursor.ts'
import { DEFAULT_COUNT, MAX_COUNT, projectionOf } from './list.ts'
import { resourceRoutes } from './resource-routes.ts'
import { scimUrl, type ProvisioningDeps, type ProvisioningEnv, type ScimContext } from './scope.ts'
import { addSearch } from './search-routes.ts'
import { searchQuirks } from './search-quirks.ts'
import { userService } from './users.ts'

const FEATURES: Features = {
  bulk: BULK_LIMITS,
  maxResults: MAX_COUNT,
  sort: true,
  etag: true,
  changePassword: true,
  cursorPaging: { defaultPageSize: DEFAULT_COUNT, timeoutSeconds: CURSOR_TIMEOUT_SECONDS },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: 'A token of a source, created by POST /api/v1/sources/{id}/credentials.',
      specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
      primary: true,
    },
    {
      type: 'oauth2',
      name: 'OAuth 2.0 client credentials',
      description:
        'An access token from /oauth/token, for an OAuth client or by a JWT that the source trusts.',
      specUri: 'https://www.rfc-editor.org/rfc/rfc6749',
    },
  ],
}

/** Which methods a path knows; the rest is 405. The first pattern that matches counts. */
const METHODS: readonly (readonly [pattern: RegExp, allowed: string])[] = [
  [/^\/?$/, 'GET'],
  [/^\/(?:Users|Groups)$/, 'GET, POST'],
  [/^(?:\/Users|\/Groups)?\/\.search$/, 'POST'],
  [/^\/(?:Users|Groups)\/[^/]+$/, 'GET, PUT, PATCH, DELETE'],
  [/^\/Bulk$/, 'POST'],
  [/^\/(?:ServiceProviderConfig|ResourceTypes|Schemas)$/, 'GET'],
  [/^\/(?:ResourceTypes|Schemas)\/[^/]+$/, 'GET'],
]

/** The SCIM 2.0 service, to be mounted behind authentication at `/scim/v2`. */
export function scimRoutes(deps: ProvisioningDeps): Hono<ProvisioningEnv> {
  const routes = new Hono<ProvisioningEnv>()
  routes.use(countQuirks(deps), async function noteOddUrl(c, next) {
    if (new URL(c.req.url).pathname !== encodeURI(c.req.path)) noteQuirks(c, [38])
    const { filter, ...query } = c.req.query()
    noteQuirks(c, searchQuirks({ ...projectionOf(query), ...(filter && { filter }) }))
    await next()
  })
  for (const service of [userService, groupService])
    routes.route(service.type.endpoint, resourceRoutes(service, deps))
  addBulk(routes, deps)
  addSearch(routes, deps)
  addDiscovery(routes, deps)
  for (const [path, what] of UNSUPPORTED)
    routes.all(path, (c) => scimFault(c, { kind: 'notImplemented', what }))
  routes.all('*', answerUnknown)
  return routes
}

/** Counts for the source what was tolerated in requests that were not refused. */
function countQuirks({ clock, saveQuirks }: ProvisioningDeps): MiddlewareHandler<ProvisioningEnv> {
  const tally = quirkTally()
  return async function countTolerated(c, next) {
    await next()
    const { organizationId, source } = callerOf(c)
    const tolerated = c.res.status < 400 ? c.get('quirks') : []
    const due = tally.note(organizationId, source.id, tolerated, clock.now())
    if (due !== undefined) runAfter(c, saveQuirks(due))
  }
}

const UNSUPPORTED = [
  ['/Me', 'The endpoint /Me'],
  ['/Me/*', 'The endpoint /Me'],
] as const

function addDiscovery(routes: Hono<ProvisioningEnv>, deps: ProvisioningDeps): void {
  routes.get('/ServiceProviderConfig', (c) =>
    scimAnswer(c, 200, serviceProviderConfig(FEATURES, scimUrl(c, deps))),
  )
  const lists = { '/ResourceTypes': resourceTypeDocuments, '/Schemas': schemaDocuments }
  for (const [path, documents] of Object.entries(lists)) {
    routes.get(path, (c) => {
      // RFC 7644 section 4: a filter here is refused, not ignored.
      if (c.req.query('filter') !== undefined)
        return scimFault(c, { kind: 'forbidden', reason: `${path} cannot be filtered.` })
      return scimAnswer(c, 200, listOf(documents(RESOURCE_TYPES, scimUrl(c, deps))))
    })
    routes.get(`${path}/:id`, (c) => {
      const id = c.req.param('id')
      const found = findDocument(documents(RESOURCE_TYPES, scimUrl(c, deps)), id)
      return found === undefined
        ? scimFault(c, { kind: 'notFound', what: `${path.slice(1, -1)} ${id.slice(0, 100)}` })
        : scimAnswer(c, 200, found)
    })
  }
}

function listOf(resources: readonly JsonObject[]): JsonObject {
  const { length } = resources
  return listResponse({ resources, totalResults: length, itemsPerPage: length, startIndex: 1 })
}

/** 405 for a method that the path does not know, 404 for a path that nobody knows. */
function answerUnknown(c: ScimContext): Response {
  const path = c.req.path.replace(/^\/scim\/v2/, '')
  const [, allowed] = METHODS.find(([pattern]) => pattern.test(path)) ?? []
  const { method } = c.req
  return scimFault(
    c,
    allowed === undefined
      ? { kind: 'notFound', what: 'This path' }
      : { kind: 'methodNotAllowed', method, allowed },
  )
}
