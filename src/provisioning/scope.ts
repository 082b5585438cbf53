import type { Context } from 'hono'

import type { Database } from '../db/client.ts'
import type { Actor, NewEvent, Origin } from '../db/event-log.ts'
import { groupStore, type GroupStore } from '../db/group-store.ts'
import type { DueQuirks } from '../db/quirk-store.ts'
import { resourceReader, type ResourceReader } from '../db/resource-reader.ts'
import { passwordContext, userStore, type UserStore } from '../db/user-store.ts'
import { originOf } from '../http/authenticate.ts'
import { callerOf, noteQuirks, runAfter, type AppEnv } from '../http/context.ts'
import type { Clock } from '../kernel/clock.ts'
import type { IdPrefix } from '../kernel/id.ts'
import type { Sealer } from '../kernel/seal.ts'
import { etag, ifMatch, ifNoneMatch } from '../scim/etag.ts'
import type { UsernamePolicy } from '../scim/username.ts'

/** What the SCIM service asks of the rest. */
export interface ProvisioningDeps {
  readonly clock: Clock
  readonly newId: (prefix: IdPrefix) => string
  readonly sealer: Pick<Sealer, 'seal' | 'open'>
  /** Lets another writer of the same resource finish, who was faster that many times. */
  readonly pause: (rounds: number) => Promise<void>
  /** Tells whoever exports that the organization's log has grown; never fails. */
  readonly announce: (organizationId: string) => Promise<void>
  /** Stores counts of tolerated peculiarities beside the requests that they are about; never fails. */
  readonly saveQuirks: (due: DueQuirks) => Promise<void>
  /** The URL that clients know this deployment by, without a slash at its end; undefined: that of the request. */
  readonly publicUrl: string | undefined
}

export type ProvisioningEnv = AppEnv & { Variables: { database: Database } }

export type ScimContext = Context<ProvisioningEnv>

/** One request as the use cases see it. */
export interface Scope {
  readonly users: UserStore
  readonly groups: GroupStore
  /** Users and groups as one list. */
  readonly resources: ResourceReader
  /** The URL of the SCIM root. */
  readonly baseUrl: string
  readonly sourceId: string
  readonly usernamePolicy: UsernamePolicy
  readonly now: number
  readonly actor: Actor
  readonly origin: Origin
  readonly pause: ProvisioningDeps['pause']
  newId(prefix: IdPrefix): string
  seal(userId: string, password: string): Promise<string>
  /** What a client hands back unread: sealed for this organization and the context. */
  readonly cursors: Pick<Sealer, 'seal' | 'open'>
  /** Whether the request's If-Match and If-None-Match let a change of this version go on. */
  permits(version: number): boolean
  /** Whether it has any of them: then a change is about the version that was read, and about no later one. */
  readonly isConditional: boolean
  noteQuirks(numbers: Iterable<number>): void
  /** Something was written: the directories have to look. */
  changed(): void
}

/** The scope of a request: everything in it is of the caller's organization. */
export function openScope(c: ScimContext, deps: ProvisioningDeps): Scope {
  const { organizationId, source } = callerOf(c)
  const database = c.get('database')
  return {
    users: userStore(database, organizationId),
    groups: groupStore(database, organizationId),
    resources: resourceReader(database, organizationId),
    baseUrl: scimUrl(c, deps),
    sourceId: source.id,
    usernamePolicy: source.usernamePolicy,
    now: deps.clock.now(),
    actor: { type: 'source', id: source.id, name: source.name },
    origin: originOf(c),
    pause: deps.pause,
    newId: deps.newId,
    seal: (userId, password) => deps.sealer.seal(password, passwordContext(organizationId, userId)),
    cursors: {
      seal: (text, context) => deps.sealer.seal(text, `org/${organizationId}/${context}`),
      open: (sealed, context) => deps.sealer.open(sealed, `org/${organizationId}/${context}`),
    },
    permits: (version) =>
      ifMatch(c.req.header('If-Match'), version) &&
      ifNoneMatch(c.req.header('If-None-Match'), etag(version)),
    isConditional: [c.req.header('If-Match'), c.req.header('If-None-Match')].some(
      (header) => header !== undefined,
    ),
    noteQuirks: (numbers) => {
      noteQuirks(c, numbers)
    },
    changed: () => {
      runAfter(c, deps.announce(organizationId))
    },
  }
}

/** The URL of the SCIM root as this client sees it. */
export function scimUrl(c: ScimContext, { publicUrl }: ProvisioningDeps): string {
  return `${publicUrl ?? new URL(c.req.url).origin}/scim/v2`
}

/** An event of class change by the caller, about what follows from `event`. */
export function changeEvent(
  scope: Scope,
  event: Pick<NewEvent, 'type' | 'target' | 'urgent' | 'touched' | 'changes' | 'details'>,
): NewEvent {
  return { ...event, class: 'change', time: scope.now, actor: scope.actor, origin: scope.origin }
}
