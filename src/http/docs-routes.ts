import { Hono } from 'hono'

import type { AppEnv } from './context.ts'
import type { ApiRoom } from './describe-api.ts'
import { openApiDocument } from './openapi.ts'
import { referencePage } from './reference-page.tsx'

/** `/openapi.json` and `/docs` of the admin API, made at the first request: both say the same of the same table. */
export function docsRoutes<E extends AppEnv>(rooms: readonly ApiRoom[], server: string): Hono<E> {
  const routes = new Hono<E>()
  let made: { readonly json: string; readonly page: string } | undefined
  const pages = () => (made ??= render(rooms, server))
  routes.get('/openapi.json', (c) =>
    c.body(pages().json, 200, { 'Content-Type': 'application/json', ...CACHED }),
  )
  routes.get('/docs', (c) => c.html(pages().page, 200, { ...CACHED, ...LOCKED }))
  return routes
}

const CACHED = { 'Cache-Control': 'public, max-age=300' }

/** The page loads nothing and runs nothing; its style stands in it. */
const LOCKED = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

function render(rooms: readonly ApiRoom[], server: string) {
  const document = openApiDocument(rooms, server)
  return { json: JSON.stringify(document), page: referencePage(document) }
}

/** The two routes themselves. */
export const docsApi: ApiRoom = {
  shapes: {},
  routes: {
    'GET /openapi.json': {
      summary: 'This document (OpenAPI 3.1)',
      media: ['application/json'],
    },
    'GET /docs': { summary: 'The reference as a page', media: ['text/html'] },
  },
}
