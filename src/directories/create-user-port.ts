/** What importing asks of the feature that provisions users. */
import type { Database } from '../db/client.ts'
import type { Actor, Origin } from '../db/event-log.ts'
import type { JsonObject } from '../kernel/json.ts'

/** A user that is to be, under an id that is chosen already. */
export interface NewUser {
  readonly id: string
  readonly resource: JsonObject
  /** The account that it is made of: bound in that directory it adopts that one, and is bound there only when it is asked for. */
  readonly importedFrom: { readonly directoryId: string; readonly graphId: string }
  readonly suspended: boolean
  readonly now: number
  readonly actor: Actor
  readonly origin: Origin
  readonly details: JsonObject
}

export type CreatedUser =
  /** By now, or by whoever asked for the same user before. */
  | { readonly kind: 'created' }
  /** Another user has its name or its address; `userId` where it is still there. */
  | {
      readonly kind: 'taken'
      readonly what: 'username' | 'email'
      readonly userId: string | undefined
    }
  | { readonly kind: 'busy' }

export type CreateUser = (
  database: Database,
  organizationId: string,
  user: NewUser,
) => Promise<CreatedUser>
