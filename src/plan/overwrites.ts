/**
 * Which values somebody else put into an account are about to be overwritten for the first time, and by which event: the bind that
 * adopted the account, or the change of a direction; of the link to a manager, also the bind of that manager. What an account holds of
 * ours is nobody's loss. Pure.
 */
import { type Directions, directionOf } from './attributes.ts'
import {
  type Exported,
  type Held,
  isOurs,
  type Snapshot,
  SNAPSHOT_KEYS,
  type SnapshotKey,
  type SnapshotValue,
} from './snapshot.ts'

export interface OverwritingBinding extends Exported {
  /** The event that bound it to an account that was there before; null when we created the account. */
  readonly adoptedBy: number | null
  /** The event that bound the manager whom the user waited for; null where nobody was waited for. */
  readonly managerBoundBy: number | null
}

/** The attributes, by the sequence of the event that makes us overwrite them. */
export function firstOverwrites(
  binding: OverwritingBinding,
  directions: Directions,
  attributes: ReadonlySet<string>,
): ReadonlyMap<number, readonly SnapshotKey[]> {
  const first = SNAPSHOT_KEYS.flatMap((key) => {
    if (!attributes.has(key)) return []
    const causes = new Set([causeOf(key, binding, directions), managerCause(key, binding)])
    return [...causes].flatMap((cause) => (cause === 0 ? [] : [{ key, cause }]))
  })
  const causes = Map.groupBy(first, ({ cause }) => cause)
  return new Map([...causes].map(([cause, list]) => [cause, list.map(({ key }) => key)]))
}

/** The later of the two events counts: it is the one without which nothing would be overwritten. 0: neither. */
function causeOf(key: SnapshotKey, binding: OverwritingBinding, directions: Directions): number {
  const chosen = key === 'accountEnabled' ? 0 : directionOf(directions, key).sequence
  const isChosenSince = binding.exportedSequence < chosen
  const bound = binding.adoptedBy ?? 0
  // Before its first export the account is somebody else's, also where it was ours until it was let go of.
  const isAdopted = !isExported(key, binding.snapshot[key]) || binding.exportedSequence < bound
  return Math.max(isChosenSince ? chosen : 0, isAdopted ? bound : 0)
}

/** Without that bind the account would have kept whom it had, whoever bound the user. 0: it is no cause. */
const managerCause = (key: SnapshotKey, { snapshot, managerBoundBy }: OverwritingBinding): number =>
  key === 'manager' && !isExported(key, snapshot[key]) ? (managerBoundBy ?? 0) : 0

/** Null of accountEnabled says that we are disabling the account; of what cannot be cleared, that it was left as it is. */
const isExported = (key: SnapshotKey, value: SnapshotValue | undefined): boolean =>
  value === null && key === 'accountEnabled' ? true : isOurs(key, value)

/** What of it is lost: every value that is not the one that is written. */
export function lostValues(keys: readonly SnapshotKey[], seen: Held, sets: Snapshot): Held {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const held = seen[key] ?? null
      // Between disabling an account and revoking its sessions a snapshot says neither.
      const next = key === 'accountEnabled' ? (sets[key] ?? false) : sets[key]
      return held === next ? [] : [[key, held]]
    }),
  )
}
