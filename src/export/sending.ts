/** Sends one wave of a round: stores the intent while the lease is renewed, then at most four envelopes in flight. */
import { blockLane, laneKey, readBlock } from '../db/lane-store.ts'
import { holdsLease, LEASE_MS, renewLease } from '../db/lease.ts'
import { keepOverwritten } from '../db/overwritten-store.ts'
import { type Envelope, MOST_PER_ENVELOPE } from '../graph/batch.ts'
import { classifyAnswer, type Outcome, type WriteContext } from '../graph/outcome.ts'
import { REQUEST_TIMEOUT_MS } from '../graph/transport.ts'
import { sendWaves } from '../graph/waves.ts'
import { noteHalt, noteThrottle, type Round } from './context.ts'
import { intentToJson } from './intent.ts'

/** One request of a wave; `chain` names the object whose writes must not overtake one another. */
export interface WaveItem {
  readonly id: string
  readonly context: WriteContext
  readonly chain?: string
}

/** A request starts only when the lease outlasts its timeout by this much. */
const MARGIN_MS = 10_000

/** Renews the lease, stores what the round is about to write and what it overwrites, and looks whether the quota was blocked meanwhile. One round trip. */
export async function storeIntent(round: Round): Promise<void> {
  const before = round.ports.clock.now()
  const [, , block] = await round.ports.database.run(
    holdsLease(round.key),
    renewLease(round.key, intentToJson(round.intent)),
    readBlock(round.lanes),
    ...keepOverwritten(round.key, round.overwritten.splice(0), before),
  )
  round.renewedAt = before
  const blockedUntil = Number(block?.rows[0]?.['until'] ?? 0)
  if (blockedUntil > before) noteThrottle(round, blockedUntil)
}

/**
 * Sends the items and says what became of each. The intent that names their writes has been stored before. Behind a 429 of
 * the same round, or a refused credential, nothing goes out any more, reads included: asking again extends the throttling.
 */
export async function sendWave(
  round: Round,
  items: readonly WaveItem[],
): Promise<ReadonlyMap<string, Outcome>> {
  await mayStart(round)
  const envelopes = toEnvelopes(items)
  const answers = await sendWaves(round.transport, envelopes, {
    mayStart: () => round.halt === null && outlastsTimeout(round),
  })
  const outcomes = new Map<string, Outcome>()
  for (const item of items) {
    const answer = answers.get(item.id) ?? ({ kind: 'not_executed', why: 'not_sent' } as const)
    const outcome = classifyAnswer(answer, item.context)
    outcomes.set(item.id, outcome)
    noteHalt(round, outcome)
    if (item.context.purpose !== 'read') {
      // Behind one that failed, or behind the end of the round, a write costs no quota.
      const isFree =
        answer.kind === 'not_executed' ||
        (outcome.kind === 'retry' && outcome.reason === 'earlier_failed')
      if (isFree) round.tokens += 1
      else round.writes += 1
    }
  }
  if ([...outcomes.values()].some(({ kind }) => kind === 'throttled')) await blockLanes(round)
  return outcomes
}

/** Whether a request may start. Renews the lease where it would not outlast it. */
export async function mayStart(round: Round): Promise<boolean> {
  if (round.halt === null && !outlastsTimeout(round)) await storeIntent(round)
  return round.halt === null
}

/** At once, and whoever holds the lease: Graph counts the writes of every directory that shares the lane. */
async function blockLanes({ ports, blocks, directory }: Round): Promise<void> {
  await ports.database.run(
    ...[...blocks].map(([scope, until]) =>
      blockLane(laneKey(scope, directory.tenantId, directory.clientId), until),
    ),
  )
}

function outlastsTimeout({ ports, renewedAt }: Round): boolean {
  return ports.clock.now() - renewedAt <= LEASE_MS - REQUEST_TIMEOUT_MS - MARGIN_MS
}

/** Writes of one object go as a serial chain in an envelope of their own; the rest is packed full. */
function toEnvelopes(items: readonly WaveItem[]): Envelope[] {
  const chains = Map.groupBy(items, (item) => item.chain ?? item.id)
  const alone: WaveItem[] = []
  const envelopes: Envelope[] = []
  for (const chain of chains.values()) {
    const [first] = chain
    if (chain.length === 1 && first !== undefined) alone.push(first)
    else envelopes.push(...chunks(chain).map((part) => ({ items: part.map(toItem), serial: true })))
  }
  return [...chunks(alone).map((part) => ({ items: part.map(toItem) })), ...envelopes]
}

const toItem = ({ id, context }: WaveItem) => ({ id, request: context.request })

function chunks<T>(list: readonly T[]): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < list.length; at += MOST_PER_ENVELOPE)
    parts.push(list.slice(at, at + MOST_PER_ENVELOPE))
  return parts
}
