import { Hono } from 'hono'

import type { Database } from '../db/client.ts'
import { type ApiEnv, openApiScope, type ApiScopePorts } from '../http/api-context.ts'
import { parseQuery } from '../http/parse-request.ts'
import { apiAnswer, problemAnswer } from '../http/problem-response.ts'
import { exportEvents, MEDIA } from './export.ts'
import { exportQuery, filterOf, queryEvents, resourceEvents } from './query.ts'

/** `/events` of the admin API; who may call what stands in http/access.ts. */
export function eventRoutes(deps: ApiScopePorts): Hono<ApiEnv<Database>> {
  const routes = new Hono<ApiEnv<Database>>()
  routes.get('/events', async (c) => {
    const { database, organizationId } = openApiScope(c, deps)
    return apiAnswer(c, await queryEvents(database, organizationId, c.req.query()))
  })
  routes.get('/events/export', (c) => {
    const query = parseQuery(c.req.query(), exportQuery)
    if (!query.ok) return problemAnswer(c, query.error)
    const { database, organizationId } = openApiScope(c, deps)
    const { format, ...filters } = query.value
    return c.body(exportEvents(database, organizationId, filterOf(filters), format), 200, {
      'Content-Type': MEDIA[format],
      'Content-Disposition': `attachment; filename="events.${format}"`,
      'Cache-Control': 'no-store',
    })
  })
  for (const what of ['User', 'Group'] as const)
    routes.get(`/${what.toLowerCase()}s/:id/events`, async (c) => {
      const { database, organizationId } = openApiScope(c, deps)
      const resource = { what, id: c.req.param('id') ?? '' }
      return apiAnswer(c, await resourceEvents(database, organizationId, resource, c.req.query()))
    })
  return routes
}
