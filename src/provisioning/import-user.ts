/** A user that no source sent: it was found in Microsoft 365. */
import type { Database } from '../db/client.ts'
import type { Actor, Origin } from '../db/event-log.ts'
import { userStore } from '../db/user-store.ts'
import type { JsonObject } from '../kernel/json.ts'
import { documentChanges } from './changes.ts'
import { checkNames } from './user-state.ts'

interface ImportedUser {
  readonly id: string
  readonly resource: JsonObject
  readonly importedFrom: { readonly directoryId: string; readonly graphId: string }
  readonly suspended: boolean
  readonly now: number
  readonly actor: Actor
  readonly origin: Origin
  readonly details: JsonObject
}

type Written =
  | { readonly kind: 'created' }
  | {
      readonly kind: 'taken'
      readonly what: 'username' | 'email'
      readonly userId: string | undefined
    }
  | { readonly kind: 'busy' }

/**
 * Creates a user without source and password under the strict username policy, with its event. Creating it again under the same
 * id is no second user. Names that the policy refuses are a bug: the caller has looked.
 */
export async function importUser(
  database: Database,
  organizationId: string,
  { id, resource, importedFrom, suspended, now, actor, origin, details }: ImportedUser,
): Promise<Written> {
  const names = checkNames(resource, 'strict')
  if (!names.ok) throw new Error('a user was imported whose names are not usable')
  const users = userStore(database, organizationId)
  const written = await users.insert(
    id,
    { sourceId: null, importedFrom },
    {
      next: { resource, usernameKey: names.value, suspended },
      now,
      event: {
        class: 'change',
        type: 'user_create',
        time: now,
        target: { type: 'user', id },
        actor,
        origin,
        changes: documentChanges({}, suspended ? { ...resource, active: false } : resource),
        details,
      },
    },
  )
  if (written.ok) return { kind: 'created' }
  if (written.error.kind !== 'uniqueness') return { kind: 'busy' }
  if ((await users.find(id)) !== undefined) return { kind: 'created' }
  const { attribute, existingId: userId } = written.error
  return { kind: 'taken', what: attribute === 'emails' ? 'email' : 'username', userId }
}
