/** Many objects, each read by a request of its own: twenty in an envelope. */
import type { GraphRequest } from '../plan/requests.ts'
import { type Envelope, MOST_PER_ENVELOPE } from './batch.ts'
import { classifyAnswer, type Outcome } from './outcome.ts'
import type { Transport } from './transport.ts'
import { sendWaves } from './waves.ts'

/** Sends each read under its id, `inFlight` envelopes at a time, and gives what became of it under the same id. */
export async function readEach(
  transport: Transport,
  requests: ReadonlyMap<string, GraphRequest>,
  inFlight: number,
): Promise<Map<string, Outcome>> {
  const items = [...requests].map(([id, request]) => ({ id, request }))
  const envelopes: Envelope[] = []
  for (let at = 0; at < items.length; at += MOST_PER_ENVELOPE)
    envelopes.push({ items: items.slice(at, at + MOST_PER_ENVELOPE) })
  const answers = await sendWaves(transport, envelopes, { inFlight })
  return new Map(
    items.flatMap(({ id, request }) => {
      const answer = answers.get(id)
      return answer === undefined
        ? []
        : [[id, classifyAnswer(answer, { purpose: 'read', request })] as const]
    }),
  )
}
