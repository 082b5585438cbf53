/**
 * What Graph holds against what was exported to it. Only known values are compared: one that was never exported, or whose
 * last write has no answer, is no drift, since the drain sends it anyway. What Microsoft 365 normalises is the same value.
 */
import { isJsonArray, type Json } from '../kernel/json.ts'
import { attributeNamed, type Directions } from './attributes.ts'
import type { SeenUser } from './graph-user.ts'
import {
  exportedKeys,
  type Exported,
  isOurs,
  knownValue,
  type SnapshotKey,
  type SnapshotValue,
} from './snapshot.ts'

/** An exported value that Graph does not hold. */
export interface Difference {
  readonly attribute: SnapshotKey
  readonly ours: SnapshotValue
  readonly theirs: Json
  /** Graph told the value; otherwise it left the property out, and that it is blank is a guess. */
  readonly isTold: boolean
}

/** Every exported value that Graph does not hold. What Graph left out counts as blank. */
export function differences(
  exported: Exported,
  directions: Directions,
  seen: SeenUser,
): readonly Difference[] {
  return exportedKeys(directions).flatMap((attribute) => {
    const known = knownValue(attribute, exported, directions)
    if (known.state !== 'known' || !isOurs(attribute, known.value)) return []
    const theirs = seen[attribute] ?? null
    if (isSameInGraph(attribute, known.value, theirs)) return []
    return [{ attribute, ours: known.value, theirs, isTold: seen[attribute] !== undefined }]
  })
}

/** Names, addresses, codes and ids: Microsoft 365 may spell them in another case. */
const CASELESS: ReadonlySet<SnapshotKey> = new Set([
  'email',
  'alternateEmail',
  'manager',
  'preferredLanguage',
  'usageLocation',
])

/** Whether Graph holds this value, as Graph writes it. */
export function isSameInGraph(key: SnapshotKey, ours: SnapshotValue, theirs: Json): boolean {
  if (typeof ours === 'boolean' || typeof theirs === 'boolean') return ours === theirs
  if (isJsonArray(theirs)) return false
  return normal(key, ours) === normal(key, theirs)
}

/** Blanks around a text go, line ends become one kind, and an empty text is none. */
function normal(key: SnapshotKey, value: Json): Json {
  if (typeof value !== 'string') return value
  const text = value.normalize('NFC').replaceAll(/\r\n?/g, '\n').trim()
  if (text === '') return null
  return CASELESS.has(key) ? text.toLowerCase() : text
}

/** The Graph properties that have to be selected to compare and to import; the manager is a relationship. */
export function comparedProperties(keys: readonly SnapshotKey[]): readonly string[] {
  const graph = keys.map((key) => (key === 'accountEnabled' ? key : attributeNamed(key).graph))
  return [...new Set(['id', ...graph])]
}

/** What a command of reconciliation names beside its findings when its run only reports: nothing may be written for it. */
export const REPORTED = 'reported'

/** With what a binding has failed whose account somebody deleted in Microsoft 365, or restored there while something was owed to it. */
export const AWAY_CODES = ['object_missing', 'account_returned'] as const
export const AWAY: ReadonlySet<unknown> = new Set(AWAY_CODES)

const MEMBERS = 'members'

/** What drift calls the membership of a user, or of a group, in this group. */
export const membershipOf = (groupId: string): string => `${MEMBERS}:${groupId}`

/** The group that a membership is one of; undefined for whatever else drifts. */
export function groupOf(attribute: string): string | undefined {
  const [what, groupId] = attribute.split(':')
  return what === MEMBERS ? groupId : undefined
}
