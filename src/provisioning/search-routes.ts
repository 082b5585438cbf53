import type { Hono } from 'hono'

import { noteQuirks } from '../http/context.ts'
import { scimAnswer, scimFault } from '../http/scim-response.ts'
import type { Result } from '../kernel/result.ts'
import type { ScimFault } from '../scim/fault.ts'
import { parseSearchRequest, type SearchRequest } from '../scim/messages.ts'
import { searchOfQuery } from './list.ts'
import { bodyOf } from './request-body.ts'
import {
  openScope,
  type ProvisioningDeps,
  type ProvisioningEnv,
  type ScimContext,
} from './scope.ts'
import { searchQuirks } from './search-quirks.ts'
import { searchAll } from './search.ts'

/**
 * Across all resource types, at the root (RFC 7644 sections 3.4.2.1 and 3.4.3): `GET /` with a query, `POST /.search` with a
 * body.
 */
export function addSearch(routes: Hono<ProvisioningEnv>, deps: ProvisioningDeps): void {
  const answer = async (c: ScimContext, request: Result<SearchRequest, ScimFault>) => {
    const found = request.ok ? await searchAll(openScope(c, deps), request.value) : request
    return found.ok ? scimAnswer(c, 200, found.value) : scimFault(c, found.error)
  }

  routes.get('/', (c) => answer(c, searchOfQuery(c.req.query())))

  routes.post('/.search', async (c) => {
    const body = await bodyOf(c)
    const request = body.ok ? parseSearchRequest(body.value) : body
    if (request.ok) noteQuirks(c, searchQuirks(request.value))
    return answer(c, request)
  })
}
