import type { Context } from 'hono'

import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Role } from './access.ts'
import { originOf } from './authenticate.ts'
import { runAfter, type AppEnv } from './context.ts'

/** Who calls the admin API: an administrator, by one of their keys. */
export interface AdminCaller {
  readonly organizationId: string
  readonly adminId: string
  readonly name: string
  readonly role: Role
  readonly keyId: string
}

/** `Db` is the database as the features know it; this room does not. */
export type ApiEnv<Db> = AppEnv & {
  Variables: { admin: AdminCaller | undefined; database: Db }
}

export type ApiContext<Db> = Context<ApiEnv<Db>>

export interface ApiScopePorts {
  readonly clock: Clock
  readonly announce: (organizationId: string) => Promise<void>
}

/** One request of an administrator as the use cases see it: everything in it is of the caller's organization. */
export interface ApiScope<Db> {
  readonly organizationId: string
  readonly database: Db
  readonly now: number
  /** What every event of the request says of who did it, when and from where. */
  readonly by: {
    readonly time: number
    readonly actor: {
      readonly type: 'admin'
      readonly id: string
      readonly name: string
      readonly keyId: string
    }
    readonly origin: { readonly ip?: string; readonly requestId: string }
  }
  /** Something was asked of the directories: they have to look. */
  changed(): void
}

/** The scope of a request behind `apiAccess`. */
export function openApiScope<Db>(c: ApiContext<Db>, ports: ApiScopePorts): ApiScope<Db> {
  const admin = c.get('admin')
  if (admin === undefined) throw new Error('an admin route has no authentication')
  const { organizationId, adminId: id, name, keyId } = admin
  const now = ports.clock.now()
  return {
    organizationId,
    database: c.get('database'),
    now,
    by: { time: now, actor: { type: 'admin', id, name, keyId }, origin: originOf(c) },
    changed: () => {
      runAfter(c, ports.announce(organizationId))
    },
  }
}

/** A list as every list is answered. */
export interface ListBody {
  readonly items: readonly JsonObject[]
  readonly nextCursor: string | null
}
