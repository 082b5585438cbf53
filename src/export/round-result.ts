/** What a round says of what is left: whether to go on at once, and else when. Pure. */
import { type Grant, secondsUntil } from '../db/lane-store.ts'
import type { Round } from './context.ts'
import type { Draft } from './draft.ts'
import type { Target } from './targets.ts'

/** What a round sends at most: four envelopes of twenty. */
export const WRITES_PER_ROUND = 80

export interface RoundResult {
  /** Whether another round has something to do right away. */
  readonly more: boolean
  /** Seconds until there is something to do again: quota, the end of a 429, a retry; null when nobody knows of any. */
  readonly waitSeconds: number | null
  readonly writes: number
  /** Set when it is quota that is waited for, or the end of a 429. */
  readonly throttledBy: 'quota' | 'graph' | null
  /** Whether the quota was spent, or blocked, before the round began: whoever did it rings for its end. */
  readonly foundSpent: boolean
  /** How many writes the next round takes quota for, as far as this one can tell. */
  readonly nextWrites: number
  /** Whether users lost imported values, which is a change that every directory follows. */
  readonly changesUsers: boolean
}

/** Nothing is left that this drain knows of. */
export const DONE: RoundResult = {
  more: false,
  waitSeconds: null,
  writes: 0,
  throttledBy: null,
  foundSpent: false,
  nextWrites: 0,
  changesUsers: false,
}

interface Throttled extends Pick<RoundResult, 'waitSeconds' | 'writes' | 'nextWrites'> {
  readonly by: 'quota' | 'graph'
  readonly foundSpent?: boolean
}

/** There is more to do, and no quota for it. */
export const throttled = ({ by, foundSpent = false, ...result }: Throttled): RoundResult => ({
  ...result,
  foundSpent,
  more: false,
  throttledBy: by,
  changesUsers: false,
})

/** No lane gave anything: it is empty, or a 429 blocks it. */
export const withoutTokens = ({ waitSeconds, left }: Grant): Omit<Throttled, 'nextWrites'> => ({
  waitSeconds,
  writes: 0,
  foundSpent: true,
  by: left.some(({ blockedSeconds }) => blockedSeconds > 0) ? 'graph' : 'quota',
})

/**
 * How many writes are left at least of what the round looked at: a group's members make one envelope, or more; and an account is disabled
 * and its sessions are ended by one round, else the next begins with both.
 */
function writesLeft({ drafts, cut, ports }: Round): number {
  const now = ports.clock.now()
  const owed = [...drafts.values()].filter(({ row }) => (row.dueAt ?? Infinity) <= now)
  const halfDisabled = new Set(owed.filter(isHalfDisabled).map(({ target }) => target))
  const targets = new Set([...owed.map(({ target }) => target), ...cut])
  const writesOf = (target: Target) =>
    target.kind === 'group' ? 20 : 1 + Number(halfDisabled.has(target))
  return [...targets].reduce((sum, target) => sum + writesOf(target), 0)
}

const isHalfDisabled = ({ row }: Draft): boolean => row.snapshot['accountEnabled'] === null

/** What is left when the round is stored. `takenAt`: when the round took its quota, from which on new quota flows in. */
export function resultOf(round: Round, takenAt: number): RoundResult {
  const { halt, writes, targets } = round
  const now = round.ports.clock.now()
  const nextWrites = targets.more ? WRITES_PER_ROUND : Math.min(WRITES_PER_ROUND, writesLeft(round))
  // What was refused is due when the block ends.
  if (halt?.kind === 'throttled')
    return throttled({
      waitSeconds: (halt.until - now) / 1000,
      writes,
      nextWrites: Math.max(1, nextWrites),
      by: 'graph',
    })
  if (halt?.kind === 'auth') return { ...DONE, writes }
  if (nextWrites > 0) {
    const wait = secondsUntil(round.loaded.grant.left, nextWrites - round.tokens)
    const waitSeconds = wait - (now - takenAt) / 1000
    if (waitSeconds > 0) return throttled({ waitSeconds, writes, nextWrites, by: 'quota' })
    return { ...DONE, writes, nextWrites, more: true }
  }
  const nextDue = Math.min(...[...round.drafts.values()].map(({ row }) => row.dueAt ?? Infinity))
  return { ...DONE, writes, waitSeconds: nextDue === Infinity ? null : (nextDue - now) / 1000 }
}
