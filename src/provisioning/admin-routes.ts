import { Hono } from 'hono'

import { type AdminReader, adminReader } from '../db/admin-reader.ts'
import type { Database } from '../db/client.ts'
import { type ApiContext, type ApiEnv, type ListBody, openApiScope } from '../http/api-context.ts'
import { pageAsked, parseBody, parseQuery, toCursor } from '../http/parse-request.ts'
import { notFound } from '../http/problem.ts'
import { apiAnswer, emptyAnswer, problemAnswer } from '../http/problem-response.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok } from '../kernel/result.ts'
import { groupsQuery, usersQuery } from './admin-api.ts'
import {
  groupPatchSchema,
  patchAdminGroup,
  readAdminGroup,
  removeAdminGroup,
} from './admin-groups.ts'
import type { AdminWriteDeps } from './admin-scope.ts'
import { showAdminGroup, showAdminUser } from './admin-show.ts'
import { patchAdminUser, removeAdminUser, userPatchSchema } from './admin-users.ts'

/** `/users` and `/groups` of the admin API; who may call what stands in http/access.ts. */
export function adminRoutes(deps: AdminWriteDeps): Hono<ApiEnv<Database>> {
  const routes = new Hono<ApiEnv<Database>>()
  addUserRoutes(routes, deps)
  addGroupRoutes(routes, deps)
  return routes
}

type Routes = Hono<ApiEnv<Database>>

function readerOf(c: ApiContext<Database>, deps: AdminWriteDeps): AdminReader {
  const { database, organizationId } = openApiScope(c, deps)
  return adminReader(database, organizationId)
}

function addUserRoutes(routes: Routes, deps: AdminWriteDeps): void {
  routes.get('/users', async (c) => {
    const query = parseQuery(c.req.query(), usersQuery)
    if (!query.ok) return problemAnswer(c, query.error)
    const { q, status, ...page } = query.value
    const search = { text: q || undefined, status: status || undefined, ...pageAsked(page) }
    const { items, nextAfter } = await readerOf(c, deps).users(search)
    return apiAnswer(c, ok(listBody(items.map(showAdminUser), nextAfter)))
  })
  routes.get('/users/:id', async (c) => {
    const { id } = c.req.param()
    const found = await readerOf(c, deps).user(id)
    return apiAnswer(c, found === undefined ? err(notFound('User', id)) : ok(showAdminUser(found)))
  })
  routes.patch('/users/:id', async (c) => {
    const body = await parseBody(c.req.raw, userPatchSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    const changed = await patchAdminUser(openApiScope(c, deps), deps, c.req.param('id'), body.value)
    return apiAnswer(c, changed)
  })
  routes.delete('/users/:id', async (c) =>
    emptyAnswer(c, await removeAdminUser(openApiScope(c, deps), deps, c.req.param('id'))),
  )
}

function addGroupRoutes(routes: Routes, deps: AdminWriteDeps): void {
  routes.get('/groups', async (c) => {
    const query = parseQuery(c.req.query(), groupsQuery)
    if (!query.ok) return problemAnswer(c, query.error)
    const { q, ...page } = query.value
    const { items, nextAfter } = await readerOf(c, deps).groups({
      text: q || undefined,
      ...pageAsked(page),
    })
    return apiAnswer(c, ok(listBody(items.map(showAdminGroup), nextAfter)))
  })
  routes.get('/groups/:id', async (c) =>
    apiAnswer(c, await readAdminGroup(openApiScope(c, deps), c.req.param('id'))),
  )
  routes.patch('/groups/:id', async (c) => {
    const body = await parseBody(c.req.raw, groupPatchSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    const scope = openApiScope(c, deps)
    return apiAnswer(c, await patchAdminGroup(scope, deps, c.req.param('id'), body.value))
  })
  routes.delete('/groups/:id', async (c) =>
    emptyAnswer(c, await removeAdminGroup(openApiScope(c, deps), deps, c.req.param('id'))),
  )
}

const listBody = (items: readonly JsonObject[], nextAfter: string | undefined): ListBody => ({
  items,
  nextCursor: nextAfter === undefined ? null : toCursor(nextAfter),
})
