/**
 * A drain: takes the directory's lease, runs rounds until nothing is left that can be done now, gives the lease back,
 * and looks once more. Whoever holds the lease is the only writer of the directory's bindings, its positions and Graph.
 */
import type { Database } from '../db/client.ts'
import { writeFailure } from '../db/failure.ts'
import {
  type DirectoryRow,
  extendLease,
  holdsLease,
  type LeaseKey,
  releaseLease,
  takeLease,
} from '../db/lease.ts'
import { type Lane, readGrant, takeTokens } from '../db/lane-store.ts'
import { readAbandoned, storeAbandoned, storeAuthError } from '../db/abandoned.ts'
import { readUrgent } from '../db/round-store.ts'
import { laggingDirectories } from '../db/sweep-store.ts'
import { REQUEST_TIMEOUT_MS } from '../graph/transport.ts'
import { readRemovals, withRemoved } from '../plan/removed-lately.ts'
import type { DirectoryBell, Ring } from './bell.ts'
import { connectDirectory, type Connection, type GraphPorts, UNREADABLE } from './connection.ts'
import type { ExportPorts, ToldMembers } from './context.ts'
import { markUnknown, readIntent } from './intent.ts'
import type { RoundResult } from './round-result.ts'
import { runRound } from './round.ts'

/** Workers give a consumer fifteen minutes; a drain stops well before and rings again. */
const MAX_MS = 10 * 60_000
/** D1 takes a thousand statements of one invocation, whichever directory they are about; some are left to reconciliation. */
const MAX_STATEMENTS = 850
/** What one more round may ask of D1 before it stops. */
const ROUND_STATEMENTS = 60
/** So long a drain waits with the lease in hand, rather than for a bell, which takes seconds of its own. */
const MAX_WAIT_SECONDS = { quota: 60, graph: 10 }
/** How often it looks for quota, and for something urgent, while it waits. */
const LOOK_MS = 5_000
/** Where many wait for one lane, each finds it empty again and again: the looks are spread. */
const LEAST_WAIT_MS = 600

export interface DrainPorts extends ExportPorts, GraphPorts {
  readonly ring: Ring
  readonly newToken: () => string
  /** Tells the operator of an error that nobody expected. */
  readonly reportBug: (thrown: unknown, bell: DirectoryBell) => void
}

export type DrainResult =
  | { readonly kind: 'drained'; readonly rounds: number; readonly writes: number }
  | { readonly kind: 'held' }
  | { readonly kind: 'none' }
  /** Another drain took over, or D1 gave way: nothing of the round is stored, and whoever comes next does it again. */
  | { readonly kind: 'aborted'; readonly why: string }

/** What the drains that run side by side in one invocation share. */
export interface Invocation {
  /** How many they are. */
  readonly drains: number
  /** How many statements they have asked of D1, all of them together. */
  readonly statements: () => number
}

/** Drains one directory. Never throws for what may happen in operation. */
export async function drain(
  ports: DrainPorts,
  bell: DirectoryBell,
  invocation: Invocation = { drains: 1, statements: () => ports.database.meter.statements },
): Promise<DrainResult> {
  const key: LeaseKey = { ...bell, token: ports.newToken() }
  const startedAt = ports.clock.now()
  const taken = await takeLease(ports.database, key)
  if (taken.kind === 'none') return taken
  if (taken.kind === 'held') {
    await ports.ring(bell, Math.ceil(taken.forMs / 1000) + 1)
    return taken
  }
  try {
    const connection = await connectDirectory(ports, taken.directory)
    if (!connection.ok) {
      const refusal = { code: UNREADABLE, reason: connection.error }
      await storeAuthError(ports.database, key, taken.directory, refusal, ports.clock.now())
      return { kind: 'drained', rounds: 0, writes: 0 }
    }
    if (taken.directory.intent !== null) await takeOverIntent(ports, key, taken.directory)
    const isSpent = () =>
      ports.clock.now() - startedAt > MAX_MS ||
      invocation.statements() > MAX_STATEMENTS - ROUND_STATEMENTS * invocation.drains
    const done = await runRounds(ports, key, connection.value, isSpent)
    const { rounds, writes, changesUsers } = done
    await leave(ports, key, done)
    if (changesUsers) await ports.ring({ organizationId: bell.organizationId })
    return { kind: 'drained', rounds, writes }
  } catch (thrown) {
    const failure = writeFailure(thrown)
    if (failure === undefined) throw thrown
    // The lease is left to expire: whatever was in flight is unknown, and an expired lease says so.
    await ports.ring(bell, 60)
    return { kind: 'aborted', why: failure.kind === 'refused' ? failure.name : failure.kind }
  }
}

/** Requests of the holder before us may still be on their way; after one request timeout none is. */
async function takeOverIntent(
  { sleep, database, clock }: DrainPorts,
  key: LeaseKey,
  directory: DirectoryRow,
): Promise<void> {
  await sleep(REQUEST_TIMEOUT_MS)
  const intent = readIntent(directory.intent)
  if (intent === null) return
  const bindings = await readAbandoned(database, key, intent.writes)
  const { removed, ...unknown } = markUnknown(key, intent, bindings, clock.now())
  const removals = withRemoved(readRemovals(directory.removals), removed, intent.at)
  await storeAbandoned(database, key, {
    ...unknown,
    removals: removed > 0 ? { ...removals } : null,
  })
}

interface Rounds {
  readonly rounds: number
  readonly writes: number
  readonly waitSeconds: number | null
  readonly throttledBy: RoundResult['throttledBy']
  readonly foundSpent: boolean
  readonly changesUsers: boolean
}

async function runRounds(
  ports: DrainPorts,
  key: LeaseKey,
  connection: Connection,
  isSpent: () => boolean,
): Promise<Rounds> {
  let writes = 0
  let reserved = 0
  let changesUsers = false
  const told: ToldMembers = new Map()
  for (let rounds = 1; ; rounds++) {
    const result = await runRound(ports, key, connection, { reserved, told })
    reserved = 0
    writes += result.writes
    changesUsers ||= result.changesUsers
    const { more, waitSeconds, throttledBy, foundSpent, nextWrites } = result
    if (!isSpent() && isWorthWaiting(result))
      reserved = await reserveQuota(ports, key, connection.lanes, nextWrites, isSpent)
    else if (isSpent() || !more) {
      const wait = more ? 0 : waitSeconds
      return { rounds, writes, waitSeconds: wait, throttledBy, foundSpent, changesUsers }
    }
  }
}

const isWorthWaiting = ({ throttledBy, waitSeconds }: RoundResult): boolean =>
  throttledBy !== null && waitSeconds !== null && waitSeconds <= MAX_WAIT_SECONDS[throttledBy]

/**
 * Waits until `writes` tokens are there, or some and something urgent to do with them; gives how many it took. They are
 * taken as they come, so that neighbours who wait for the same lane get theirs in turn, and a look is all that is spent on
 * an empty lane. Should the drain die, they are lost: quota that nobody uses.
 */
async function reserveQuota(
  { database, clock, sleep }: DrainPorts,
  key: LeaseKey,
  lanes: readonly Lane[],
  writes: number,
  isSpent: () => boolean,
): Promise<number> {
  const latest = clock.now() + MAX_WAIT_SECONDS.quota * 1000
  // Whoever found nothing looks again sooner than whoever got some.
  let misses = 0
  for (let reserved = 0; ;) {
    const now = clock.now()
    const missing = writes - reserved
    const [, , urgent, told] = await database.run(
      holdsLease(key),
      extendLease(key),
      readUrgent(key),
      ...takeTokens(lanes, missing, now),
    )
    const grant = readGrant(told ?? { rows: [], changes: 0 }, lanes, missing, now)
    reserved += grant.taken
    const isUrgent = urgent?.rows[0]?.['is_urgent'] === 1
    if (reserved >= writes || (isUrgent && reserved > 0) || isSpent()) return reserved
    // One more, lest the last token lack a fraction.
    const waitMs = Math.ceil(grant.waitSeconds * 1000) + 1
    if (now + waitMs > latest) return reserved
    misses = grant.taken > 0 ? 0 : misses + 1
    await sleep(Math.min(Math.max(waitMs / (1 + misses), LEAST_WAIT_MS), waitMs, LOOK_MS))
  }
}

/**
 * Gives the lease back, then looks once more: what came in the meantime found the lease held. While the quota is spent
 * there is nothing to look for: whoever spent it rings for its end, and cron for those who found it spent. Did they ring as
 * well, every bell that finds it spent would make another.
 */
async function leave(
  ports: DrainPorts,
  key: LeaseKey,
  { waitSeconds, throttledBy, foundSpent, writes }: Omit<Rounds, 'rounds'>,
): Promise<void> {
  await releaseLease(ports.database, key)
  const { organizationId, directoryId } = key
  const bell = { organizationId, directoryId }
  if (foundSpent && writes === 0) return
  if (waitSeconds !== null) await ports.ring(bell, Math.max(1, Math.ceil(waitSeconds)))
  if (throttledBy !== null || waitSeconds === 0) return
  if (await lagsNow(ports.database, key, ports.clock.now())) await ports.ring(bell)
}

async function lagsNow(database: Database, key: LeaseKey, now: number): Promise<boolean> {
  const lagging = await laggingDirectories(database, now, key.organizationId)
  return lagging.some(({ directoryId }) => directoryId === key.directoryId)
}
