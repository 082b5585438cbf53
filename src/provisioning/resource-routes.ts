import { Hono } from 'hono'

import { noteQuirks } from '../http/context.ts'
import { scimAnswer, scimFault } from '../http/scim-response.ts'
import type { Result } from '../kernel/result.ts'
import { ifNoneMatch } from '../scim/etag.ts'
import type { ScimFault } from '../scim/fault.ts'
import { parseSearchRequest, type SearchRequest } from '../scim/messages.ts'
import { project, type Projection } from '../scim/project.ts'
import { listResources, projectionOf, searchOfQuery } from './list.ts'
import { bodyOf } from './request-body.ts'
import {
  openScope,
  type ProvisioningDeps,
  type ProvisioningEnv,
  type ScimContext,
} from './scope.ts'
import { searchQuirks } from './search-quirks.ts'
import type { ResourceService, Shown } from './service.ts'

/** The endpoints of one resource type: `/Users` or `/Groups` (RFC 7644 table 2). */
export function resourceRoutes(
  service: ResourceService,
  deps: ProvisioningDeps,
): Hono<ProvisioningEnv> {
  const routes = new Hono<ProvisioningEnv>()
  addCollectionRoutes(routes, service, deps)
  addItemRoutes(routes, service, deps)
  return routes
}

type Routes = Hono<ProvisioningEnv>

function addCollectionRoutes(
  routes: Routes,
  service: ResourceService,
  deps: ProvisioningDeps,
): void {
  const answerList = async (c: ScimContext, request: Result<SearchRequest, ScimFault>) => {
    const listed = request.ok
      ? await listResources(openScope(c, deps), service, request.value)
      : request
    return listed.ok ? scimAnswer(c, 200, listed.value) : scimFault(c, listed.error)
  }

  routes.get('/', (c) => answerList(c, searchOfQuery(c.req.query())))

  routes.post('/.search', async (c) => {
    const body = await bodyOf(c)
    const search = body.ok ? parseSearchRequest(body.value) : body
    if (search.ok) noteQuirks(c, searchQuirks(search.value))
    return answerList(c, search)
  })

  routes.post('/', async (c) => {
    const body = await bodyOf(c)
    if (!body.ok) return scimFault(c, body.error)
    const created = await service.create(openScope(c, deps), body.value)
    if (!created.ok) return scimFault(c, created.error)
    return show(c, 201, service, created.value, projectionOf(c.req.query()))
  })
}

function addItemRoutes(routes: Routes, service: ResourceService, deps: ProvisioningDeps): void {
  routes.get('/:id', async (c) => {
    const projection = projectionOf(c.req.query())
    const found = await service.read(openScope(c, deps), c.req.param('id'), projection)
    if (!found.ok) return scimFault(c, found.error)
    const { tag } = found.value
    if (!ifNoneMatch(c.req.header('If-None-Match'), tag)) return c.body(null, 304, { ETag: tag })
    return show(c, 200, service, found.value, projection)
  })

  routes.put('/:id', async (c) => {
    const body = await bodyOf(c)
    if (!body.ok) return scimFault(c, body.error)
    const replaced = await service.replace(openScope(c, deps), c.req.param('id'), body.value)
    if (!replaced.ok) return scimFault(c, replaced.error)
    return show(c, 200, service, replaced.value, projectionOf(c.req.query()))
  })

  routes.patch('/:id', async (c) => {
    const body = await bodyOf(c)
    if (!body.ok) return scimFault(c, body.error)
    const asked = projectionOf(c.req.query())
    const isShown = service.type.name === 'User' || Object.keys(asked).length > 0
    // Without a body nobody sees the members, which may be many (RFC 7644 section 3.5.2 allows 204).
    const projection = isShown ? asked : undefined
    const scope = openScope(c, deps)
    const patched = await service.patch(scope, c.req.param('id'), body.value, projection)
    if (!patched.ok) return scimFault(c, patched.error)
    if (projection !== undefined) return show(c, 200, service, patched.value, projection)
    return c.body(null, 204, { ETag: patched.value.tag })
  })

  routes.delete('/:id', async (c) => {
    const removed = await service.remove(openScope(c, deps), c.req.param('id'))
    return removed.ok ? c.body(null, 204) : scimFault(c, removed.error)
  })
}

function show(
  c: ScimContext,
  status: 200 | 201,
  { type }: ResourceService,
  { resource, tag, location }: Shown,
  projection: Projection,
): Response {
  return scimAnswer(c, status, project(resource, type, projection), {
    ETag: tag,
    ...(status === 201 ? { Location: location } : {}),
  })
}
