/**
 * Values that Microsoft 365 owns, beside what the client sent: `{ department: { value, directoryId, at } }`. A directory
 * changes its own values only; a value that Microsoft 365 no longer holds is taken away.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import {
  type AttributeName,
  ATTRIBUTES,
  directionOf,
  type Directions,
  isAttributeName,
} from './attributes.ts'
import type { DirectoryUser, UserState } from './directory-user.ts'
import type { SeenUser } from './graph-user.ts'
import type { SnapshotKey } from './snapshot.ts'

export type ImportedName = Exclude<SnapshotKey, 'accountEnabled'>

/** One imported value that comes, changes or goes. */
export interface ImportChange {
  readonly attribute: ImportedName
  /** The value that counted here: what was imported before, else the user's own. */
  readonly before: string | null
  /** What Microsoft 365 holds. */
  readonly after: string | null
  /** The value that counts from now on: what Microsoft 365 holds, else the user's own. */
  readonly counts: string | null
  /** Graph told the value; otherwise it left the property out, and that it is blank is a guess. */
  readonly isTold: boolean
}

/** The attributes that a directory imports. */
export const importedNames = (directions: Directions): readonly ImportedName[] =>
  ATTRIBUTES.flatMap(({ name }) =>
    name !== 'password' && directionOf(directions, name).direction === 'import' ? [name] : [],
  )

export interface ImportInput {
  /** The user's imported values as they are stored. */
  readonly stored: JsonObject | null
  /** The user's own values. */
  readonly user: DirectoryUser
  readonly directoryId: string
  readonly names: readonly ImportedName[]
  readonly seen: SeenUser
  /** Our id of the user with that Graph id; undefined when it is nobody's here. */
  readonly userOf: (graphId: string) => string | undefined
}

/** What Microsoft 365 says otherwise than what was imported. A manager whom nobody here is bound to is no value. */
export function importChanges(input: ImportInput): readonly ImportChange[] {
  const { stored, user, directoryId, names, seen, userOf } = input
  return names.flatMap((attribute) => {
    const held = stored?.[attribute]
    const isOurs = isJsonObject(held) && held['directoryId'] === directoryId
    const imported = isOurs ? textOf(held['value']) : null
    const told = textOf(seen[attribute])
    const after = attribute === 'manager' && told !== null ? (userOf(told) ?? null) : told
    if (imported === after) return []
    const own = attribute === 'manager' ? user.managerId : user[attribute]
    const before = isJsonObject(held) ? textOf(held['value']) : own
    return [
      { attribute, before, after, counts: after ?? own, isTold: seen[attribute] !== undefined },
    ]
  })
}

/** A list of several is owned by its first: ours hold one. */
function textOf(value: Json | undefined): string | null {
  const one = isJsonArray(value) ? value[0] : value
  if (typeof one !== 'string') return null
  return one.trim() === '' ? null : one
}

/** Otherwise the value is the user's own already: it becomes Microsoft 365's, and nothing is another for it. */
export const isDifference = ({ before, counts }: ImportChange): boolean => before !== counts

/** The stored values with the changes made, as a merge patch (RFC 7396): null takes a value away. */
export function importPatch(
  changes: readonly ImportChange[],
  directoryId: string,
  at: string,
): JsonObject {
  return Object.fromEntries(
    changes.map(({ attribute, after }): [string, Json] => [
      attribute,
      after === null ? null : { value: after, directoryId, at },
    ]),
  )
}

export type Imported = Partial<Record<AttributeName, { readonly value: string | null }>>

/** The stored values as the planner takes them. */
export function importedValues(stored: JsonObject | null): Imported {
  const entries = Object.entries(stored ?? {}).flatMap(([name, held]) => {
    if (!isAttributeName(name) || !isJsonObject(held)) return []
    const { value } = held
    return [[name, { value: typeof value === 'string' ? value : null }]]
  })
  return Object.fromEntries(entries)
}

/** What the planner takes of a user's row beside its document; of imported values those that count now. */
export const stateOf = ({
  imported,
  ...state
}: Omit<UserState, 'imported'> & { readonly imported: JsonObject | null }): UserState => ({
  id: state.id,
  usernameKey: state.usernameKey ?? null,
  suspended: state.suspended,
  passwordExpired: state.passwordExpired,
  imported: importedValues(imported),
})
