import { Hono } from 'hono'

import { adminReader, USER_STATUSES } from '../db/admin-reader.ts'
import type { Database } from '../db/client.ts'
import {
  type ApiContext,
  type ApiEnv,
  type ApiScopePorts,
  type ListBody,
  openApiScope,
} from '../http/api-context.ts'
import { pageQuery, toCursor } from '../http/parse-request.ts'
import { invalidParameter, type Problem } from '../http/problem.ts'
import { apiAnswer, problemAnswer } from '../http/problem-response.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { showAdminGroup, showAdminUser } from './admin-show.ts'

/** A group shows this many of its members. */
const MAX_MEMBERS = 1000
const MAX_SEARCH = 200

/** `/users` and `/groups` of the admin API, read only; who may call what stands in http/access.ts. */
export function adminRoutes(deps: ApiScopePorts): Hono<ApiEnv<Database>> {
  const routes = new Hono<ApiEnv<Database>>()
  const readerOf = (c: ApiContext<Database>) => {
    const { database, organizationId } = openApiScope(c, deps)
    return adminReader(database, organizationId)
  }
  routes.get('/users', async (c) => {
    const query = searchOf(c.req.query())
    if (!query.ok) return problemAnswer(c, query.error)
    const asked = c.req.query('status')
    const status = USER_STATUSES.find((item) => item === asked)
    if (asked && status === undefined)
      return problemAnswer(c, invalidParameter('status', STATUS_RULE))
    const { items, nextAfter } = await readerOf(c).users({ ...query.value, status })
    return apiAnswer(c, ok(listBody(items.map(showAdminUser), nextAfter)))
  })
  routes.get('/users/:id', async (c) => {
    const { id } = c.req.param()
    const found = await readerOf(c).user(id)
    return apiAnswer(c, found === undefined ? err(missing('User', id)) : ok(showAdminUser(found)))
  })
  routes.get('/groups', async (c) => {
    const query = searchOf(c.req.query())
    if (!query.ok) return problemAnswer(c, query.error)
    const { items, nextAfter } = await readerOf(c).groups(query.value)
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

const STATUS_RULE = `must be one of: ${USER_STATUSES.join(', ')}`

function searchOf(
  query: Readonly<Record<string, string>>,
): Result<
  { readonly text: string | undefined; readonly after: string | undefined; readonly limit: number },
  Problem
> {
  const page = pageQuery(query)
  if (!page.ok) return page
  const text = query['q']?.trim() || undefined
  if (text !== undefined && text.length > MAX_SEARCH)
    return err(invalidParameter('q', `must have ${MAX_SEARCH} characters at most`))
  return ok({ text, ...page.value })
}

const listBody = (items: readonly JsonObject[], nextAfter: string | undefined): ListBody => ({
  items,
  nextCursor: nextAfter === undefined ? null : toCursor(nextAfter),
})

const missing = (what: string, id: string): Problem => ({
  kind: 'notFound',
  what: `${what} ${id.slice(0, 100)}`,
})
