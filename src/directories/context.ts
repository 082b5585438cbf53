import type { Context } from 'hono'

import type { Database } from '../db/client.ts'
import type { ImportKey } from '../db/import-store.ts'
import type { FindTenant } from '../db/tenant-guard.ts'
import { type ApiEnv, type ApiScope, openApiScope } from '../http/api-context.ts'
import { notFound, type Problem } from '../http/problem.ts'
import type { Quota } from '../kernel/bucket.ts'
import type { AuthFailure } from '../graph/auth-failure.ts'
import type { Transport } from '../graph/transport.ts'
import type { DirectoryRow } from '../db/lease.ts'
import type { Clock } from '../kernel/clock.ts'
import type { IdPrefix } from '../kernel/id.ts'
import type { Result } from '../kernel/result.ts'
import type { CredentialPorts } from './credential.ts'
import type { PreviewUsers } from './preview-port.ts'

/** What the routes of directories ask of the rest. */
export interface DirectoryDeps extends CredentialPorts {
  readonly clock: Clock
  readonly newId: (prefix: IdPrefix) => string
  /** Opens the directory's credential; nothing is asked of Microsoft yet. The error is a sentence for its administrator. */
  readonly connectDirectory: (directory: DirectoryRow) => Promise<Result<GraphConnection, string>>
  /** The same with the token that was last in use. */
  readonly connectForReading: DirectoryDeps['connectDirectory']
  readonly findTenantId: FindTenant
  readonly announce: (organizationId: string) => Promise<void>
  /** Rings for an import. Never fails: the sweep finds what was not rung for. */
  readonly announceImport: (key: ImportKey) => Promise<void>
  /** What an export would change of users. */
  readonly previewUsers: PreviewUsers
  /** The published write quotas: one app in one tenant, the tenant, the app. */
  readonly quotas: readonly Quota[]
}

/** A directory's tenant as Microsoft shows it to the gateway. */
export interface GraphConnection {
  readonly transport: Transport
  /** The token that the transport sends. */
  readonly token: () => Promise<Result<string, AuthFailure>>
}

export type DirectoryEnv = ApiEnv<Database>
export type DirectoryScope = ApiScope<Database>

export const scopeOf = (c: Context<DirectoryEnv>, deps: DirectoryDeps): DirectoryScope =>
  openApiScope(c, deps)

/** The problem of a directory that this organization does not have. */
export const noDirectory = (id: string): Problem => notFound('Directory', id)
