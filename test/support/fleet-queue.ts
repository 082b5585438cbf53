/** A queue as the platform's, on virtual time: each message finds a consumer of its own, after its delay. */
import type { ExportMessage } from '../../src/deps.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface FleetQueue {
  /** How many messages were sent. */
  readonly sent: () => number
  send(bell: ExportMessage, options?: { delaySeconds?: number }): Promise<void>
  deliverTo(consumer: (bell: ExportMessage) => Promise<void>): void
  /** When no message is left, or so many milliseconds later. */
  idle(most: number): Promise<void>
}

/** `latency`: what the queue adds to the delay of a message. */
export function fleetQueue(time: VirtualTime, latency: number): FleetQueue {
  let deliver: (bell: ExportMessage) => Promise<void> = () => Promise.resolve()
  let sent = 0
  const consumers = new Set<Promise<void>>()
  return {
    sent: () => sent,
    deliverTo(consumer) {
      deliver = consumer
    },
    async send(bell, { delaySeconds = 0 } = {}) {
      sent += 1
      const consumed: Promise<void> = time
        .sleep(delaySeconds * 1000 + latency)
        .then(() => deliver(bell))
        .finally(() => consumers.delete(consumed))
      consumers.add(consumed)
    },
    async idle(most) {
      const latest = time.now() + most
      while (consumers.size > 0 && time.now() < latest)
        await Promise.race([...consumers, time.sleep(1000)])
    },
  }
}
