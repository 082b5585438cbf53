import type { Hono } from 'hono'

import { noteQuirks } from '../http/context.ts'
import { scimAnswer, scimFault } from '../http/scim-response.ts'
import { parseSearchRequest } from '../scim/messages.ts'
import { bodyOf } from './request-body.ts'
import { openScope, type ProvisioningDeps, type ProvisioningEnv } from './scope.ts'
import { searchQuirks } from './search-quirks.ts'
import { searchAll } from './search.ts'

/** `POST /.search` at the root: across all resource types (RFC 7644 section 3.4.3). */
export function addSearch(routes: Hono<ProvisioningEnv>, deps: ProvisioningDeps): void {
  routes.post('/.search', async (c) => {
    const body = await bodyOf(c)
    const request = body.ok ? parseSearchRequest(body.value) : body
    if (!request.ok) return scimFault(c, request.error)
    noteQuirks(c, searchQuirks(request.value))
    const found = await searchAll(openScope(c, deps), request.value)
    return found.ok ? scimAnswer(c, 200, found.value) : scimFault(c, found.error)
  })
}
