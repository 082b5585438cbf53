import type { Context } from 'hono'

import type { Database } from '../db/client.ts'
import { type ApiEnv, type ApiScope, openApiScope } from '../http/api-context.ts'
import type { Problem } from '../http/problem.ts'
import type { Quota } from '../kernel/bucket.ts'
import type { Clock } from '../kernel/clock.ts'
import type { IdPrefix } from '../kernel/id.ts'

/** What the routes of directories ask of the rest. */
export interface DirectoryDeps {
  readonly clock: Clock
  readonly newId: (prefix: IdPrefix) => string
  /** Seals a client secret so that it opens for this directory alone. */
  readonly sealCredential: (
    organizationId: string,
    directoryId: string,
    secret: string,
  ) => Promise<string>
  readonly announce: (organizationId: string) => Promise<void>
  /** The published write quotas: one app in one tenant, the tenant, the app. */
  readonly quotas: readonly Quota[]
}

export type DirectoryEnv = ApiEnv<Database>
export type DirectoryScope = ApiScope<Database>

export const scopeOf = (c: Context<DirectoryEnv>, deps: DirectoryDeps): DirectoryScope =>
  openApiScope(c, deps)

/** The problem of a directory that this organization does not have. */
export const noDirectory = (id: string): Problem => ({
  kind: 'notFound',
  what: `Directory ${id.slice(0, 100)}`,
})
