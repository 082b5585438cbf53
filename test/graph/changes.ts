import type { JsonObject } from '../../src/kernel/json.ts'
import type { Kind } from './schema.ts'

/**
 * The mutation log. A tenant is nothing but the fold of its log: persistence writes the entries, a restart
 * replays them, and a delta query reads the entries after a sequence.
 */
export interface LogEntry {
  readonly sequence: number
  readonly at: number
  /** All of one entry or nothing of it. */
  readonly changes: readonly Change[]
}

export type Change =
  | { readonly type: 'put'; readonly object: DirectoryObject }
  | { readonly type: 'purge'; readonly id: string }
  | {
      readonly type: 'link'
      readonly relation: Relation
      readonly from: string
      readonly added: readonly string[]
      readonly removed: readonly string[]
    }

export type Relation = 'manager' | 'members' | 'owners'

/** A user or group. `deletedDateTime` among its properties means: in the recycle bin. */
export interface DirectoryObject {
  readonly kind: Kind
  readonly id: string
  /** Graph's properties; an absent one is null (or an empty collection). */
  readonly properties: JsonObject
  /** Holds an admin role, so that sensitive properties are out of an ordinary application's reach. */
  readonly isPrivileged?: boolean
  /** The password that was set last. Graph never tells it; the control API does. */
  readonly password?: string
}

/** True while the object is in the recycle bin. */
export const isDeleted = (object: DirectoryObject): boolean =>
  typeof object.properties['deletedDateTime'] === 'string'

/** A text property; undefined when it is absent or null. */
export function textOf(object: DirectoryObject, name: string): string | undefined {
  const value = object.properties[name]
  return typeof value === 'string' ? value : undefined
}

/** The object with some properties replaced. */
export const withProperties = (object: DirectoryObject, values: JsonObject): DirectoryObject => ({
  ...object,
  properties: { ...object.properties, ...values },
})
