import { Hono } from 'hono'

import { adminReader } from '../db/admin-reader.ts'
import type { Database } from '../db/client.ts'
import {
  type ApiContext,
  type ApiEnv,
  type ApiScopePorts,
  type ListBody,
  openApiScope,
} from '../http/api-context.ts'
import { pageAsked, parseQuery, toCursor } from '../http/parse-request.ts'
import type { Problem } from '../http/problem.ts'
import { apiAnswer, problemAnswer } from '../http/problem-response.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok } from '../kernel/result.ts'
import { groupsQuery, usersQuery } from './admin-api.ts'
import { showAdminGroup, showAdminUser } from './admin-show.ts'

/** A group shows this many of its members. */
const MAX_MEMBERS = 1000

/** `/users` and `/groups` of the admin API, read only; who may call what stands in http/access.ts. */
export function adminRoutes(deps: ApiScopePorts): Hono<ApiEnv<Database>> {
  const routes = new Hono<ApiEnv<Database>>()
  const readerOf = (c: ApiContext<Database>) => {
    const { database, organizationId } = openApiScope(c, deps)
    return adminReader(database, organizationId)
  }
  routes.get('/users', async (c) => {
    const query = parseQuery(c.req.query(), usersQuery)
    if (!query.ok) return problemAnswer(c, query.error)
    const { q, status, ...page } = query.value
    const search = { text: q || undefined, status: status || undefined, ...pageAsked(page) }
    const { items, nextAfter } = await readerOf(c).users(search)
    return apiAnswer(c, ok(listBody(items.map(showAdminUser), nextAfter)))
  })
  routes.get('/users/:id', async (c) => {
    const { id } = c.req.param()
    const found = await readerOf(c).user(id)
    return apiAnswer(c, found === undefined ? err(missing('User', id)) : ok(showAdminUser(found)))
  })
  routes.get('/groups', async (c) => {
    const query = parseQuery(c.req.query(), groupsQuery)
    if (!query.ok) return problemAnswer(c, query.error)
    const { q, ...page } = query.value
    const { items, nextAfter } = await readerOf(c).groups({
      text: q || undefined,
      ...pageAsked(page),
    })
    return apiAnswer(c, ok(listBody(items.map(showAdminGroup), nextAfter)))
  })
  routes.get('/groups/:id', async (c) => {
    const { id } = c.req.param()
    const found = await readerOf(c).group(id, MAX_MEMBERS)
    if (found === undefined) return problemAnswer(c, missing('Group', id))
    const members = found.memberIds.map((memberId) => ({
      id: memberId,
      type: memberId.startsWith('grp_') ? 'group' : 'user',
    }))
    return apiAnswer(c, ok({ ...showAdminGroup(found), members }))
  })
  return routes
}

const listBody = (items: readonly JsonObject[], nextAfter: string | undefined): ListBody => ({
  items,
  nextCursor: nextAfter === undefined ? null : toCursor(nextAfter),
})

const missing = (what: string, id: string): Problem => ({
  kind: 'notFound',
  what: `${what} ${id.slice(0, 100)}`,
})
