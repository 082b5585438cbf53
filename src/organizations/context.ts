import type { Context } from 'hono'

import type { Database } from '../db/client.ts'
import { type ApiEnv, type ApiScope, openApiScope } from '../http/api-context.ts'
import type { Clock } from '../kernel/clock.ts'
import type { IdPrefix } from '../kernel/id.ts'

/** What the routes of organizations and sources ask of the rest. */
export interface OrganizationDeps {
  readonly clock: Clock
  readonly newId: (prefix: IdPrefix) => string
  readonly randomBytes: (length: number) => Uint8Array
  /** The id of the Entra tenant that an id or a domain names; null when Entra ID does not tell. */
  readonly findTenantId: (name: string) => Promise<string | null>
  readonly announce: (organizationId: string) => Promise<void>
}

export type OrganizationEnv = ApiEnv<Database>
export type OrganizationScope = ApiScope<Database>

export const scopeOf = (c: Context<OrganizationEnv>, deps: OrganizationDeps): OrganizationScope =>
  openApiScope(c, deps)
