import { Hono } from 'hono'
import * as v from 'valibot'

import type { ImportKey } from '../db/import-store.ts'
import { runAfter } from '../http/context.ts'
import {
  pageAsked,
  pageQuery,
  parseBody,
  parseOptionalBody,
  parseQuery,
} from '../http/parse-request.ts'
import { apiAnswer, emptyAnswer, problemAnswer } from '../http/problem-response.ts'
import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { ok } from '../kernel/result.ts'
import { listAttributes, patchAttributes } from './attributes.ts'
import { listBindings, listFailures } from './bindings.ts'
import { bindingsQuery } from './binding-query.ts'
import { candidatesQuery, listCandidates } from './candidates.ts'
import {
  bindingsBody,
  chosenBindings,
  chosenResources,
  exportsBody,
  resourcesBody,
} from './command-body.ts'
import { command, type CommandType } from './commands.ts'
import { type DirectoryDeps, type DirectoryEnv, scopeOf } from './context.ts'
import {
  addDirectory,
  listDirectories,
  patchDirectory,
  readDirectory,
  removeDirectory,
} from './directories.ts'
import { importBody, startImportJob } from './import.ts'
import { preview, previewBody } from './preview.ts'
import { directoryPatchSchema, newDirectorySchema } from './shape.ts'
import { listJobs, readJobProgress } from './jobs.ts'
import { directoryStatus } from './status.ts'
import { testConnection } from './test-connection.ts'
import { undo, undoBody } from './undo.ts'

/** `/directories` of the admin API; who may call what stands in http/access.ts. */
export function directoryRoutes(deps: DirectoryDeps): Hono<DirectoryEnv> {
  const routes = new Hono<DirectoryEnv>()
  addConnectionRoutes(routes, deps)
  addAttributeRoutes(routes, deps)
  addBindingRoutes(routes, deps)
  addAnswerRoutes(routes, deps)
  routes.get('/directories/:id/status', async (c) =>
    apiAnswer(c, await directoryStatus(scopeOf(c, deps), deps.quotas, c.req.param('id'))),
  )
  routes.post('/directories/:id/preview', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    const body = await parseBody(c.req.raw, previewBody)
    if (!body.ok) return problemAnswer(c, body.error)
    const { id } = c.req.param()
    return apiAnswer(c, await preview(scopeOf(c, deps), deps, id, body.value, page.value))
  })
  addImportRoutes(routes, deps)
  routes.post('/directories/:id/undo', async (c) => {
    const body = await parseBody(c.req.raw, undoBody)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, await undo(scopeOf(c, deps), deps, c.req.param('id'), body.value), 202)
  })
  addJobRoutes(routes, deps)
  return routes
}

function addJobRoutes(routes: Hono<DirectoryEnv>, deps: DirectoryDeps): void {
  routes.get('/jobs', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, ok(await listJobs(scopeOf(c, deps), page.value)))
  })
  routes.get('/jobs/:id', async (c) =>
    apiAnswer(c, await readJobProgress(scopeOf(c, deps), c.req.param('id'))),
  )
}

function addImportRoutes(routes: Hono<DirectoryEnv>, deps: DirectoryDeps): void {
  routes.get('/directories/:id/import-candidates', async (c) => {
    const query = parseQuery(c.req.query(), candidatesQuery)
    if (!query.ok) return problemAnswer(c, query.error)
    const { id } = c.req.param()
    return apiAnswer(c, await listCandidates(scopeOf(c, deps), deps, id, query.value))
  })
  routes.post('/directories/:id/import', async (c) => {
    const body = await parseBody(c.req.raw, importBody)
    if (!body.ok) return problemAnswer(c, body.error)
    const ringImport = (key: ImportKey) => runAfter(c, deps.announceImport(key))
    const scope = { ...scopeOf(c, deps), ringImport }
    return apiAnswer(c, await startImportJob(scope, deps, c.req.param('id'), body.value), 202)
  })
}

function addBindingRoutes(routes: Hono<DirectoryEnv>, deps: DirectoryDeps): void {
  routes.get('/directories/:id/bindings', async (c) => {
    const query = parseQuery(c.req.query(), bindingsQuery)
    if (!query.ok) return problemAnswer(c, query.error)
    const { id } = c.req.param()
    return apiAnswer(
      c,
      await listBindings(scopeOf(c, deps), id, query.value, pageAsked(query.value)),
    )
  })
  for (const [method, type] of BINDING_COMMANDS)
    routes.on(method, '/directories/:id/bindings', async (c) => {
      const body = await parseBody(c.req.raw, resourcesBody)
      if (!body.ok) return problemAnswer(c, body.error)
      const ids = chosenResources(body.value)
      if (!ids.ok) return problemAnswer(c, ids.error)
      const { atSequence } = body.value
      const asked = { type, ids: ids.value, atSequence }
      return apiAnswer(c, await command(scopeOf(c, deps), deps, c.req.param('id'), asked), 202)
    })
  routes.post('/directories/:id/exports', async (c) => {
    const body = await parseOptionalBody(c.req.raw, exportsBody)
    if (!body.ok) return problemAnswer(c, body.error)
    const ids = chosenResources(body.value)
    if (!ids.ok) return problemAnswer(c, ids.error)
    const asked = { type: 'export_requested', ids: ids.value } as const
    return apiAnswer(c, await command(scopeOf(c, deps), deps, c.req.param('id'), asked), 202)
  })
}

const BINDING_COMMANDS = [
  ['POST', 'binding_create'],
  ['DELETE', 'binding_delete'],
] as const

/** What is said to bindings that cannot go on by themselves. */
function addAnswerRoutes(routes: Hono<DirectoryEnv>, deps: DirectoryDeps): void {
  routes.get('/directories/:id/failures', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, await listFailures(scopeOf(c, deps), c.req.param('id'), page.value))
  })
  for (const [path, type] of ANSWERS)
    routes.post(`/directories/:id/${path}`, async (c) => {
      const body = await parseBody(c.req.raw, bindingsBody)
      if (!body.ok) return problemAnswer(c, body.error)
      const id = c.req.param('id') ?? ''
      const ids = chosenBindings(id, body.value)
      if (!ids.ok) return problemAnswer(c, ids.error)
      return apiAnswer(c, await command(scopeOf(c, deps), deps, id, { type, ids: ids.value }), 202)
    })
}

const ANSWERS: readonly (readonly [path: string, type: CommandType])[] = [
  ['failures/replay', 'replay_requested'],
  ['held/approve', 'held_approve'],
  ['held/reject', 'held_reject'],
]

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
  routes.get('/directories/:id/attributes', async (c) => {
    const page = pageQuery(c.req.query())
    if (!page.ok) return problemAnswer(c, page.error)
    return apiAnswer(c, await listAttributes(scopeOf(c, deps), c.req.param('id')))
  })
  routes.patch('/directories/:id/attributes', async (c) => {
    const body = await parseBody(c.req.raw, directionsSchema)
    if (!body.ok) return problemAnswer(c, body.error)
    return apiAnswer(c, await patchAttributes(scopeOf(c, deps), c.req.param('id'), body.value))
  })
}
