/**
 * A user as Graph answers it, in the planner's terms, and a plan in the administrator's: what preview shows and
 * reconciliation compares.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { ATTRIBUTES, attributeNamed } from './attributes.ts'
import type { PlannedWrite } from './planned.ts'
import { type Held, SNAPSHOT_KEYS, type SnapshotKey } from './snapshot.ts'

/** Everything that has to be selected to read a user whole; the manager is a relationship and read apart. */
export const USER_SELECT: readonly string[] = [
  'id',
  'accountEnabled',
  ...new Set(
    ATTRIBUTES.filter(({ kind }) => kind !== 'relationship' && kind !== 'password').map(
      ({ graph }) => graph,
    ),
  ),
]

/** A user as it was read. */
export type SeenUser = Held

/** Reads a Graph user; a property that was not selected is absent. `manager` is a Graph id, null for none. */
export function seenUser(user: JsonObject, manager?: string | null): SeenUser {
  const seen: Partial<Record<SnapshotKey, Json>> = {}
  if (user['accountEnabled'] !== undefined) seen.accountEnabled = user['accountEnabled']
  if (manager !== undefined) seen.manager = manager
  for (const { name, graph, kind } of ATTRIBUTES) {
    const value = user[graph]
    if (name === 'password' || kind === 'relationship' || value === undefined) continue
    seen[name] =
      kind === 'orgData' ? (isJsonObject(value) ? (value[name] ?? null) : null) : one(value)
  }
  return seen
}

/** What the account holds of these: what Graph leaves out of a user that was asked for is blank. */
export const heldOf = (seen: SeenUser, keys: readonly SnapshotKey[]): Held =>
  Object.fromEntries(keys.map((key) => [key, seen[key] ?? null]))

function one(value: Json): Json {
  if (!isJsonArray(value)) return value
  return value.length > 1 ? value : (value[0] ?? null)
}

/** One value that a plan would change. */
export interface Change {
  readonly attribute: SnapshotKey
  readonly graph: string
  readonly current: Json
  readonly next: Json
}

/** What is put back may be a list. */
const isSame = (a: Json, b: Json): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** What carrying out a plan would change of what Graph holds; a value that Graph holds already is no change. */
export function plannedChanges(
  plan: { readonly writes: readonly Pick<PlannedWrite, 'sets' | 'back'>[] },
  seen: SeenUser,
): Change[] {
  const sets: Held = Object.assign(
    {},
    ...plan.writes.map(({ sets, back }) => ({ ...sets, ...back })),
  )
  return SNAPSHOT_KEYS.flatMap((attribute) => {
    const next = sets[attribute]
    const current = seen[attribute] ?? null
    if (next === undefined || isSame(next, current)) return []
    const graph = attribute === 'accountEnabled' ? attribute : attributeNamed(attribute).graph
    return [{ attribute, graph, current, next }]
  })
}
