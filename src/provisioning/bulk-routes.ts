import type { Hono } from 'hono'

import { scimAnswer, scimFault } from '../http/scim-response.ts'
import { parseBulkRequest } from '../scim/bulk-request.ts'
import { BULK_LIMITS, runBulk } from './bulk.ts'
import { bodyOf } from './request-body.ts'
import { openScope, type ProvisioningDeps, type ProvisioningEnv } from './scope.ts'

/** `POST /Bulk` (RFC 7644 section 3.7): 200 with what each operation has come to. */
export function addBulk(routes: Hono<ProvisioningEnv>, deps: ProvisioningDeps): void {
  routes.post('/Bulk', async (c) => {
    const body = await bodyOf(c)
    const request = body.ok ? parseBulkRequest(body.value, BULK_LIMITS) : body
    if (!request.ok) return scimFault(c, request.error)
    const { meter } = c.get('database')
    const answer = await runBulk(openScope(c, deps), request.value, () => meter.statements)
    return scimAnswer(c, 200, answer)
  })
}
