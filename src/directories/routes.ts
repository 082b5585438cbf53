import { Hono } from 'hono'

import { apiAnswer } from '../http/problem-response.ts'
import { type DirectoryDeps, type DirectoryEnv, scopeOf } from './context.ts'
import { directoryStatus } from './status.ts'

/** `/directories` of the admin API; who may call what stands in http/access.ts. */
export function directoryRoutes(deps: DirectoryDeps): Hono<DirectoryEnv> {
  const routes = new Hono<DirectoryEnv>()
  routes.get('/:id/status', async (c) =>
    apiAnswer(c, await directoryStatus(scopeOf(c, deps), deps.quotas, c.req.param('id'))),
  )
  return routes
}
