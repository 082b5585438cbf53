import type { Context } from 'hono'

import type { Database } from '../db/client.ts'
import type { FindTenant } from '../db/tenant-guard.ts'
import { type ApiEnv, type ApiScope, openApiScope } from '../http/api-context.ts'
import type { Clock } from '../kernel/clock.ts'
import type { IdPrefix } from '../kernel/id.ts'

/** What the routes of organizations and sources ask of the rest. */
export interface OrganizationDeps {
  readonly clock: Clock
  readonly newId: (prefix: IdPrefix) => string
  readonly randomBytes: (length: number) => Uint8Array
  readonly findTenantId: FindTenant
  readonly announce: (organizationId: string) => Promise<void>
}

export type OrganizationEnv = ApiEnv<Database>
export type OrganizationScope = ApiScope<Database>

export const scopeOf = (c: Context<OrganizationEnv>, deps: OrganizationDeps): OrganizationScope =>
  openApiScope(c, deps)
