/** A request of an administrator as the use cases of users and groups see it: like one of a source, by somebody else. */
import type { Database } from '../db/client.ts'
import { groupStore } from '../db/group-store.ts'
import { resourceReader } from '../db/resource-reader.ts'
import { passwordContext, userStore } from '../db/user-store.ts'
import type { ApiScope, ApiScopePorts } from '../http/api-context.ts'
import type { IdPrefix } from '../kernel/id.ts'
import type { Sealer } from '../kernel/seal.ts'
import type { UsernamePolicy } from '../scim/username.ts'
import type { Scope } from './scope.ts'

export type AdminScope = ApiScope<Database>

export interface AdminWriteDeps extends ApiScopePorts {
  readonly newId: (prefix: IdPrefix) => string
  readonly sealer: Pick<Sealer, 'seal' | 'open'>
  readonly pause: (rounds: number) => Promise<void>
}

/** The scope in which an administrator changes users and groups. */
export function adminWriter(
  scope: AdminScope,
  { newId, sealer, pause }: AdminWriteDeps,
  usernamePolicy: UsernamePolicy,
): Scope {
  const { database, organizationId, now, by } = scope
  return {
    pause,
    users: userStore(database, organizationId),
    groups: groupStore(database, organizationId),
    resources: resourceReader(database, organizationId),
    // Nothing of what is shown over SCIM is answered to an administrator.
    baseUrl: '',
    sourceId: '',
    usernamePolicy,
    now,
    actor: by.actor,
    origin: by.origin,
    newId,
    seal: (userId, password) => sealer.seal(password, passwordContext(organizationId, userId)),
    cursors: sealer,
    permits: () => true,
    isConditional: false,
    noteQuirks: () => undefined,
    changed: () => {
      scope.changed()
    },
  }
}
