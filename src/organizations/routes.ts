import { Hono } from 'hono'

import { readNumbers } from '../db/metrics-reader.ts'
import { originOf } from '../http/authenticate.ts'
import { pageQuery, parseBody } from '../http/parse-request.ts'
import { apiAnswer, emptyAnswer, problemAnswer } from '../http/problem-response.ts'
import { ok } from '../kernel/result.ts'
import {
  addAdmin,
  adminPatchSchema,
  listAdmins,
  newAdminSchema,
  patchAdmin,
  removeAdmin,
} from './admins.ts'
import { addKey, listKeys, newKeySchema, revokeKey } from './api-keys.ts'
import { type OrganizationDeps, type OrganizationEnv, scopeOf } from './context.ts'
import { addCredential, newCredentialSchema, revokeCredential } from './credentials.ts'
import {
  addOrganization,
  newOrganizationSchema,
  organizationPatchSchema,
  patchOrganization,
  showOrganization,
} from './organizations.ts'
import { METRICS_MEDIA, prometheusText } from './metrics.ts'
import { listQuirks } from './quirks.ts'
import {
  addSource,
  listSources,
  newSourceSchema,
  patchSource,
  readSource,
  removeSource,
  sourcePatchSchema,
} from './sources.ts'

/**
 * `/organizations`, `/organization`, `/admins`, `/api-keys` and `/sources` of the admin API; who may call what stands in
 * http/access.ts, what they take and give in api.ts.
 */
export function organizationRoutes(deps: OrganizationDeps): Hono<OrganizationEnv> {
  const routes = new Hono<OrganizationEnv>()
  routes.post('/organizations', async (c) => {
    const body = await parseBody(c.req.raw, newOrganizationSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    const made = await addOrganization(deps, c.get('database'), originOf(c), body.value)
    return apiAnswer(c, ok(made), 201)
  })
  routes.get('/organization', async (c) => apiAnswer(c, await showOrganization(scopeOf(c, deps))))
  routes.patch('/organization', async (c) => {
    const body = await parseBody(c.req.raw, organizationPatchSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, await patchOrganization(scopeOf(c, deps), body.value))
  })
  routes.get('/metrics', async (c) => {
    const { database, organizationId } = scopeOf(c, deps)
    const text = prometheusText(await readNumbers(database, organizationId))
    return c.body(text, 200, { 'Content-Type': METRICS_MEDIA, 'Cache-Control': 'no-store' })
  })
  addAdminRoutes(routes, deps)
  addKeyRoutes(routes, deps)
  addSourceRoutes(routes, deps)
  addCredentialRoutes(routes, deps)
  return routes
}

function addAdminRoutes(routes: Hono<OrganizationEnv>, deps: OrganizationDeps): void {
  routes.get('/admins', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, ok(await listAdmins(scopeOf(c, deps), page.value)))
  })
  routes.post('/admins', async (c) => {
    const body = await parseBody(c.req.raw, newAdminSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, ok(await addAdmin(scopeOf(c, deps), deps, body.value)), 201)
  })
  routes.patch('/admins/:id', async (c) => {
    const body = await parseBody(c.req.raw, adminPatchSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, await patchAdmin(scopeOf(c, deps), c.req.param('id'), body.value))
  })
  routes.delete('/admins/:id', async (c) =>
    emptyAnswer(c, await removeAdmin(scopeOf(c, deps), c.req.param('id'))),
  )
}

function addKeyRoutes(routes: Hono<OrganizationEnv>, deps: OrganizationDeps): void {
  routes.get('/api-keys', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, ok(await listKeys(scopeOf(c, deps), page.value)))
  })
  routes.post('/api-keys', async (c) => {
    const body = await parseBody(c.req.raw, newKeySchema)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, await addKey(scopeOf(c, deps), deps, body.value), 201)
  })
  routes.delete('/api-keys/:id', async (c) =>
    emptyAnswer(c, await revokeKey(scopeOf(c, deps), c.req.param('id'))),
  )
}

function addSourceRoutes(routes: Hono<OrganizationEnv>, deps: OrganizationDeps): void {
  routes.get('/sources', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, ok(await listSources(scopeOf(c, deps), page.value)))
  })
  routes.post('/sources', async (c) => {
    const body = await parseBody(c.req.raw, newSourceSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, await addSource(scopeOf(c, deps), deps, body.value), 201)
  })
  routes.get('/sources/:id', async (c) =>
    apiAnswer(c, await readSource(scopeOf(c, deps), c.req.param('id'))),
  )
  routes.patch('/sources/:id', async (c) => {
    const body = await parseBody(c.req.raw, sourcePatchSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, await patchSource(scopeOf(c, deps), deps, c.req.param('id'), body.value))
  })
  routes.delete('/sources/:id', async (c) =>
    emptyAnswer(c, await removeSource(scopeOf(c, deps), c.req.param('id'))),
  )
}

function addCredentialRoutes(routes: Hono<OrganizationEnv>, deps: OrganizationDeps): void {
  routes.get('/sources/:id/quirks', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, await listQuirks(scopeOf(c, deps), c.req.param('id')))
  })
  routes.post('/sources/:id/credentials', async (c) => {
    const body = await parseBody(c.req.raw, newCredentialSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    const scope = scopeOf(c, deps)
    return apiAnswer(c, await addCredential(scope, deps, c.req.param('id'), body.value), 201)
  })
  routes.delete('/sources/:id/credentials/:credentialId', async (c) => {
    const { id, credentialId } = c.req.param()
    return emptyAnswer(c, await revokeCredential(scopeOf(c, deps), id, credentialId))
  })
}
