/**
 * What Graph is known to hold of a user, and the decision what to send.
 *
 * A key that is absent was never exported. `null` says that we cleared it, so that the blank policy `clear` sends nothing
 * twice. An unknown value differs from every value. A value exported before its attribute's direction was last chosen
 * counts as never exported: another hand may have been at it since. Of what cannot be cleared null says that it is not ours to
 * compare: accountEnabled between disabling an account and revoking its sessions, so that a run that dies in between does both
 * again; a value that somebody else gave the account, where ours would only have stood in for one.
 */
import type { Json } from '../kernel/json.ts'
import {
  ATTRIBUTES,
  attributeNamed,
  type AttributeName,
  directionOf,
  type Directions,
} from './attributes.ts'
import type { DirectorySettings } from './settings.ts'

/** Attributes by their API name, and `accountEnabled`; `email` holds the userPrincipalName, `manager` a Graph id. */
export type SnapshotKey = Exclude<AttributeName, 'password'> | 'accountEnabled'
export type SnapshotValue = string | boolean | null
export type Snapshot = Readonly<Partial<Record<SnapshotKey, SnapshotValue>>>
export type MutableSnapshot = Partial<Record<SnapshotKey, SnapshotValue>>

/** What Graph holds, by key; a collection that is not one text is the list it is. */
export type Held = Readonly<Partial<Record<SnapshotKey, Json>>>

const isKey = (name: AttributeName): name is Exclude<AttributeName, 'password'> =>
  name !== 'password'

/** Every key of a snapshot. */
export const SNAPSHOT_KEYS: readonly SnapshotKey[] = [
  'accountEnabled',
  ...ATTRIBUTES.map((item) => item.name).filter(isKey),
]

/** Whether Graph can be told that there is no value. */
export function isClearable(key: SnapshotKey): boolean {
  return key !== 'accountEnabled' && attributeNamed(key).clearable
}

/** Whether a value of a snapshot is one that we exported. */
export function isOurs(key: SnapshotKey, value: SnapshotValue | undefined): boolean {
  return value !== undefined && (value !== null || isClearable(key))
}

/** What was exported so far, as the binding's row holds it. */
export interface Exported {
  readonly snapshot: Snapshot
  /** Keys whose last write has no answer, or which reconciliation saw to differ. */
  readonly unknown: readonly string[]
  /** The log's sequence at which the binding was last exported; 0 when never. */
  readonly exportedSequence: number
}

/** The keys that may be written to this directory. */
export function exportedKeys(directions: Directions): readonly SnapshotKey[] {
  return SNAPSHOT_KEYS.filter(
    (key) => key === 'accountEnabled' || directionOf(directions, key).direction === 'export',
  )
}

/**
 * What of a snapshot is remembered when the binding is exported. What went stale before its attribute became `export` again is
 * forgotten: it would count as exported since. What is not exported any more counts for nothing, and tells undo which value was ours;
 * but for what was stale even then, which would count again once the last change is undone.
 */
export function rememberedSnapshot(exported: Exported, directions: Directions): Snapshot {
  const remembered: MutableSnapshot = {}
  for (const key of SNAPSHOT_KEYS) {
    const value = exported.snapshot[key]
    if (value !== undefined && isRemembered(key, exported, directions)) remembered[key] = value
  }
  return remembered
}

/** The unknown keys that are remembered. Those that are not must be forgotten with their values. */
export function rememberedUnknown(exported: Exported, directions: Directions): readonly string[] {
  return SNAPSHOT_KEYS.filter(
    (key) => exported.unknown.includes(key) && isRemembered(key, exported, directions),
  )
}

function isRemembered(key: SnapshotKey, exported: Exported, directions: Directions): boolean {
  if (key === 'accountEnabled') return true
  const { direction, countsSince } = directionOf(directions, key)
  if (direction === 'export') return counts(key, exported, directions)
  return exported.exportedSequence >= (countsSince ?? 0)
}

/** Whether what was exported of a key may still be ours: accountEnabled has no direction and always counts. */
function counts(key: SnapshotKey, exported: Exported, directions: Directions): boolean {
  if (key === 'accountEnabled') return true
  const { direction, sequence, countsSince } = directionOf(directions, key)
  return direction === 'export' && exported.exportedSequence >= (countsSince ?? sequence)
}

export type Known =
  | { readonly state: 'never' }
  | { readonly state: 'unknown' }
  | { readonly state: 'known'; readonly value: SnapshotValue }

/** What is known of one key in Graph. */
export function knownValue(key: SnapshotKey, exported: Exported, directions: Directions): Known {
  if (!counts(key, exported, directions)) return { state: 'never' }
  if (exported.unknown.includes(key)) return { state: 'unknown' }
  const value = exported.snapshot[key]
  return value === undefined ? { state: 'never' } : { state: 'known', value }
}

/** Whether `desired` (null: no value) has to be sent. */
export function mustSend(
  desired: SnapshotValue,
  known: Known,
  policy: DirectorySettings['blankPolicy'],
): boolean {
  if (known.state === 'known') return known.value !== desired
  if (desired !== null) return true
  // Of an unknown value we may be the author, so it is cleared; of one that we never exported the policy decides.
  return known.state === 'unknown' || policy === 'clear'
}
