import { type Context, Hono } from 'hono'

import type { Database } from '../db/client.ts'
import { type ApiEnv, type ApiScopePorts, openApiScope } from '../http/api-context.ts'
import { runAfter } from '../http/context.ts'
import { pageQuery, parseOptionalBody } from '../http/parse-request.ts'
import { apiAnswer, problemAnswer } from '../http/problem-response.ts'
import type { IdPrefix } from '../kernel/id.ts'
import { newRunSchema } from './api.ts'
import type { RunBell } from './bell.ts'
import {
  decideReconciliation,
  listReconciliations,
  readDrift,
  readReconciliation,
  type Scope,
  startReconciliation,
} from './reconciliations.ts'

/** What the routes of reconciliation ask of the rest. */
export interface ReconcileDeps extends ApiScopePorts {
  readonly newId: (prefix: IdPrefix) => string
  /** Rings for a run. Never fails: the sweep finds what was not rung for. */
  readonly announceRun: (bell: RunBell) => Promise<void>
}

type Env = ApiEnv<Database>

/** `/reconciliations` of the admin API; who may call what stands in http/access.ts. */
export function reconcileRoutes(deps: ReconcileDeps): Hono<Env> {
  const routes = new Hono<Env>()
  const scopeOf = (c: Context<Env>): Scope => ({
    ...openApiScope(c, deps),
    newId: deps.newId,
    ringRun: (bell) => runAfter(c, deps.announceRun(bell)),
  })
  routes.get('/directories/:id/reconciliations', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, await listReconciliations(scopeOf(c), c.req.param('id'), page.value))
  })
  routes.post('/directories/:id/reconciliations', async (c) => {
    const body = await parseOptionalBody(c.req.raw, newRunSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    const { id } = c.req.param()
    return apiAnswer(c, await startReconciliation(scopeOf(c), id, body.value.mode), 202)
  })
  routes.get('/reconciliations/:id', async (c) =>
    apiAnswer(c, await readReconciliation(scopeOf(c), c.req.param('id'))),
  )
  routes.get('/reconciliations/:id/drift', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, await readDrift(scopeOf(c), c.req.param('id'), page.value))
  })
  routes.post('/reconciliations/:id/approve', async (c) =>
    apiAnswer(c, await decideReconciliation(scopeOf(c), c.req.param('id'), 'approve'), 202),
  )
  routes.post('/reconciliations/:id/reject', async (c) =>
    apiAnswer(c, await decideReconciliation(scopeOf(c), c.req.param('id'), 'reject')),
  )
  return routes
}
