import { Hono } from 'hono'
import * as v from 'valibot'

import { pageQuery, parseBody } from '../http/parse-request.ts'
import { apiAnswer, emptyAnswer, problemAnswer } from '../http/problem-response.ts'
import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { ok } from '../kernel/result.ts'
import { listAttributes, patchAttributes } from './attributes.ts'
import { listBindings } from './bindings.ts'
import { type DirectoryDeps, type DirectoryEnv, scopeOf } from './context.ts'
import {
  addDirectory,
  listDirectories,
  patchDirectory,
  readDirectory,
  removeDirectory,
} from './directories.ts'
import { directoryPatchSchema, newDirectorySchema } from './shape.ts'
import { directoryStatus } from './status.ts'
import { testConnection } from './test-connection.ts'

/** `/directories` of the admin API; who may call what stands in http/access.ts. */
export function directoryRoutes(deps: DirectoryDeps): Hono<DirectoryEnv> {
  const routes = new Hono<DirectoryEnv>()
  addConnectionRoutes(routes, deps)
  addAttributeRoutes(routes, deps)
  routes.get('/directories/:id/status', async (c) =>
    apiAnswer(c, await directoryStatus(scopeOf(c, deps), deps.quotas, c.req.param('id'))),
  )
  routes.get('/directories/:id/bindings', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    const { id } = c.req.param()
    const state = c.req.query('state')
    return apiAnswer(c, await listBindings(scopeOf(c, deps), id, state, page.value))
  })
  return routes
}

function addConnectionRoutes(routes: Hono<DirectoryEnv>, deps: DirectoryDeps): void {
  routes.get('/directories', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, ok(await listDirectories(scopeOf(c, deps), deps, page.value)))
  })
  routes.post('/directories', async (c) => {
    const body = await parseBody(c.req.raw, newDirectorySchema)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, await addDirectory(scopeOf(c, deps), deps, body.value), 201)
  })
  routes.get('/directories/:id', async (c) =>
    apiAnswer(c, await readDirectory(scopeOf(c, deps), deps, c.req.param('id'))),
  )
  routes.patch('/directories/:id', async (c) => {
    const body = await parseBody(c.req.raw, directoryPatchSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    const scope = scopeOf(c, deps)
    return apiAnswer(c, await patchDirectory(scope, deps, c.req.param('id'), body.value))
  })
  routes.delete('/directories/:id', async (c) =>
    emptyAnswer(c, await removeDirectory(scopeOf(c, deps), c.req.param('id'))),
  )
  routes.post('/directories/:id/test', async (c) =>
    apiAnswer(c, await testConnection(scopeOf(c, deps), deps, c.req.param('id'))),
  )
}

/** Names and directions are checked against the table of attributes, not here. */
const directionsSchema = v.custom<JsonObject>(isJsonObject)

function addAttributeRoutes(routes: Hono<DirectoryEnv>, deps: DirectoryDeps): void {
  routes.get('/directories/:id/attributes', async (c) =>
    apiAnswer(c, await listAttributes(scopeOf(c, deps), c.req.param('id'))),
  )
  routes.patch('/directories/:id/attributes', async (c) => {
    const body = await parseBody(c.req.raw, directionsSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, await patchAttributes(scopeOf(c, deps), c.req.param('id'), body.value))
  })
}
