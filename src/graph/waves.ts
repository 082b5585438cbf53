/** Many envelopes, few at a time: Workers wait for six connections at most, and D1 needs some of them. */
import {
  sameAnswer,
  sendBatch,
  type Envelope,
  type InnerAnswer,
  type InnerAnswers,
} from './batch.ts'
import type { Transport } from './transport.ts'

const MOST_IN_FLIGHT = 4

export interface WaveOptions {
  /** Envelopes in flight at a time; 4 unless told. */
  readonly inFlight?: number
  /** Asked before each envelope starts (does the lease outlast its timeout?); after one `false` no further one is sent. */
  readonly mayStart?: (envelope: Envelope) => boolean | Promise<boolean>
}

/**
 * Sends the envelopes, at most `inFlight` at a time and one serial one among them, begun in order, and gives an answer for
 * each of their items by id (ids must differ across the envelopes). Once an envelope is throttled, fails as a
 * whole or may not start, no further one is: the items of the rest are `not_executed`.
 */
export async function sendWaves(
  transport: Transport,
  envelopes: readonly Envelope[],
  options: WaveOptions = {},
): Promise<InnerAnswers> {
  const answers = new Map<string, InnerAnswer>()
  const waiting = [...envelopes]
  let stopped = false
  let serialInFlight = false

  const next = (): Envelope | undefined => {
    if (stopped) return undefined
    const place = waiting.findIndex(({ serial }) => !(serial && serialInFlight))
    return place < 0 ? undefined : waiting.splice(place, 1)[0]
  }
  const keep = (part: InnerAnswers) => part.forEach((answer, id) => answers.set(id, answer))

  const sendNext = async (envelope: Envelope): Promise<void> => {
    const allowed = (await options.mayStart?.(envelope)) ?? true
    // Another envelope may have been throttled while this one asked.
    if (!allowed || stopped) {
      stopped = true
      keep(notSent(envelope))
      return
    }
    const part = await sendBatch(transport, envelope.items, { serial: envelope.serial ?? false })
    keep(part)
    stopped ||= endsWave(part)
  }
  const runLane = async (): Promise<void> => {
    for (let envelope = next(); envelope; envelope = next()) {
      if (envelope.serial) serialInFlight = true
      await sendNext(envelope)
      if (envelope.serial) serialInFlight = false
    }
  }

  await Promise.all(Array.from({ length: options.inFlight ?? MOST_IN_FLIGHT }, runLane))
  for (const envelope of waiting) keep(notSent(envelope))
  return answers
}

const notSent = ({ items }: Envelope): InnerAnswers =>
  sameAnswer(items, { kind: 'not_executed', why: 'not_sent' })

/** Retries inside a throttled window extend it, and an outage makes every further write an unknown one. */
function endsWave(answers: InnerAnswers): boolean {
  const all = [...answers.values()]
  if (all.some((answer) => answer.kind === 'answered' && answer.status === 429)) return true
  return all.length > 0 && all.every((answer) => answer.kind !== 'answered')
}
