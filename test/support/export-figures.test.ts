import { expect, it } from 'vitest'

import { figuresOf } from './export-figures.ts'
import type { Envelope } from './traffic.ts'

const sent = (at: number, changes: Partial<Envelope> = {}): Envelope => ({
  tenantId: 'a',
  sentAt: at * 1000,
  answeredAt: at * 1000 + 1000,
  requests: Array.from({ length: 20 }, () => 'POST /users'),
  writes: 20,
  isSerial: false,
  throttled: 0,
  retryAfter: 0,
  ...changes,
})

const figures = (envelopes: readonly Envelope[]) =>
  figuresOf({ envelopes, startedAt: 0, meters: [], bells: 0, users: 20, quotaPercent: 80 })

it('the least time is what the burst leaves, at the rate of the slowest lane', () => {
  // 3000 in 150 seconds at 80 %: 600 at once, then 16 a second.
  const envelopes = Array.from({ length: 70 }, () => sent(49))
  expect(figures(envelopes)).toMatchObject({ writes: 1400, seconds: 50, leastSeconds: 50, rate: 1 })
})

it('an envelope counts as queued unless it is of the last moment, and reads do not count', () => {
  const half = { requests: ['POST /users'], writes: 1 }
  expect(figures([sent(0), sent(1), sent(2, half)])).toMatchObject({ fullness: 20 })
  expect(figures([sent(0, half), sent(1), sent(2)])).toMatchObject({
    fullness: 10.5,
    envelopesBelow18: 0.5,
  })
  expect(figures([sent(0, { writes: 0 }), sent(1)])).toMatchObject({ writes: 20 })
})

it('envelopes overlap while the one is unanswered, within a directory', () => {
  expect(figures([sent(0), sent(0.5), sent(1)])).toMatchObject({ mostInFlight: 2 })
  expect(figures([sent(0), sent(0, { tenantId: 'b' })])).toMatchObject({ mostInFlight: 1 })
})

it('a write between the answer of a 429 and the end of its Retry-After is told', () => {
  const refused = sent(0, { throttled: 20, retryAfter: 30 })
  expect(figures([refused, sent(0.5), sent(31)])).toMatchObject({ writesInRetryAfter: 0 })
  expect(figures([refused, sent(30)])).toMatchObject({ throttled: 20, writesInRetryAfter: 20 })
})
