import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  block,
  bucketShape,
  fullBucket,
  giveBack,
  parseQuota,
  refill,
  secondsUntil,
  take,
} from '../../src/kernel/bucket.ts'

const QUOTA = { writes: 3000, seconds: 150 }
const SHAPE = bucketShape(QUOTA, 80)
const NOW = 1_700_000_000_000

describe('a quota', () => {
  it('is written as writes/seconds', () => {
    expect(parseQuota('3000/150')).toEqual({ ok: true, value: QUOTA })
    expect(parseQuota(' 18000 / 300 ')).toEqual({
      ok: true,
      value: { writes: 18000, seconds: 300 },
    })
  })

  it.each(['', '3000', '0/150', '3000/0', '-1/2', '1.5/2', '3000/150/2', 'a/b', '9999999999/1'])(
    'is not "%s", and the error shows how to write one',
    (text) => {
      const result = parseQuota(text)
      expect(result.ok).toBe(false)
      expect(result.ok ? '' : result.error).toContain('3000/150')
    },
  )
})

describe('a bucket', () => {
  it('of 3000/150 at 80 % flows at 16 per second with a burst of 600', () => {
    expect(SHAPE.capacity).toBe(600)
    expect(SHAPE.perSecond).toBeCloseTo(16)
  })

  it('never lets more through in one period than was published, whatever is asked when', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 5000 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(
          fc.record({
            after: fc.integer({ min: 0, max: 40_000 }),
            wanted: fc.integer({ min: 0, max: 3000 }),
          }),
          { minLength: 1, maxLength: 60 },
        ),
        (writes, seconds, percent, asks) => {
          const shape = bucketShape({ writes, seconds }, percent)
          let now = NOW
          let state = fullBucket(shape, now)
          const log: { at: number; taken: number }[] = []
          for (const { after, wanted } of asks) {
            now += after
            const result = take(state, wanted, now, shape)
            state = result.state
            log.push({ at: now, taken: result.taken })
          }
          for (const { at: start } of log) {
            const inWindow = log.filter(({ at }) => at >= start && at <= start + seconds * 1000)
            const sum = inWindow.reduce((total, { taken }) => total + taken, 0)
            expect(sum).toBeLessThanOrEqual(writes)
          }
        },
      ),
    )
  })

  it('lets at most burst + rate × time through over any time, however long', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 100 }),
        (pauses) => {
          let now = NOW
          let state = fullBucket(SHAPE, now)
          let total = 0
          for (const pause of pauses) {
            now += pause
            const result = take(state, 10_000, now, SHAPE)
            state = result.state
            total += result.taken
          }
          const elapsed = (now - NOW) / 1000
          expect(total).toBeLessThanOrEqual(SHAPE.capacity + SHAPE.perSecond * elapsed + 1e-6)
        },
      ),
    )
  })

  it('loses nothing to rounding: it sustains its rate when emptied ten times a second', () => {
    let state = take(fullBucket(SHAPE, NOW), 600, NOW, SHAPE).state
    let total = 0
    for (let i = 1; i <= 1000; i++) {
      const result = take(state, 100, NOW + i * 100, SHAPE)
      state = result.state
      total += result.taken
    }
    expect(total).toBeGreaterThanOrEqual(1599)
    expect(total).toBeLessThanOrEqual(1600)
  })

  it('gives whole envelopes when it has fewer than wanted, and says how long until it has as many', () => {
    const first = take(fullBucket(SHAPE, NOW), 550, NOW, SHAPE)
    expect(first).toMatchObject({ taken: 550, waitSeconds: 0 })
    const second = take(first.state, 80, NOW, SHAPE)
    expect(second.taken).toBe(40)
    expect(second.waitSeconds).toBeCloseTo(70 / 16)
    const third = take(second.state, 26, NOW, SHAPE)
    expect(third.taken).toBe(0)
    expect(third.waitSeconds).toBeCloseTo(1)
  })

  it('that holds less than an envelope gives all that it holds', () => {
    const small = bucketShape({ writes: 40, seconds: 20 }, 80)
    expect(small).toEqual({ capacity: 8, perSecond: 1.6 })
    expect(take(fullBucket(small, NOW), 80, NOW, small).taken).toBe(8)
  })

  it('made of all of a quota still fills a round, at 97 % of the rate', () => {
    expect(bucketShape(QUOTA, 100)).toEqual({ capacity: 90, perSecond: 19.4 })
  })

  it('can be waited for: after the time it names the tokens are there', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 0, max: 600 }),
        (wanted, gone) => {
          const { state } = take(fullBucket(SHAPE, NOW), gone, NOW, SHAPE)
          const later = NOW + Math.ceil(secondsUntil(state, wanted, NOW, SHAPE) * 1000)
          expect(take(state, wanted, later, SHAPE).taken).toBe(wanted)
        },
      ),
    )
  })

  it('does not let anybody wait for more than it can hold', () => {
    const empty = take(fullBucket(SHAPE, NOW), 600, NOW, SHAPE).state
    expect(secondsUntil(empty, 100_000, NOW, SHAPE)).toBeCloseTo(600 / 16)
  })

  it('takes unused tokens back, but never above its capacity', () => {
    const { state } = take(fullBucket(SHAPE, NOW), 100, NOW, SHAPE)
    expect(giveBack(state, 40, SHAPE).tokens).toBe(540)
    expect(giveBack(state, 4000, SHAPE).tokens).toBe(600)
  })

  it('gives nothing to a clock that goes backwards', () => {
    const { state } = take(fullBucket(SHAPE, NOW), 600, NOW, SHAPE)
    expect(refill(state, NOW - 60_000, SHAPE)).toEqual(state)
    expect(take(state, 1, NOW - 60_000, SHAPE).taken).toBe(0)
  })

  it('shrinks with its shape: tokens saved under a higher percentage are not kept', () => {
    expect(refill(fullBucket(SHAPE, NOW), NOW, bucketShape(QUOTA, 10)).tokens).toBe(75)
  })

  it('gives nothing while it is blocked, and starts from nothing afterwards', () => {
    const blocked = block(fullBucket(SHAPE, NOW), NOW, 12)
    expect(take(blocked, 20, NOW + 11_999, SHAPE)).toMatchObject({ taken: 0 })
    expect(take(blocked, 20, NOW, SHAPE).waitSeconds).toBeCloseTo(12 + 20 / 16)
    expect(take(blocked, 20, NOW + 12_000, SHAPE).taken).toBe(0)
    expect(take(blocked, 20, NOW + 13_000, SHAPE).state.tokens).toBe(16)
  })

  it('is not unblocked early by a shorter block', () => {
    const blocked = block(block(fullBucket(SHAPE, NOW), NOW, 60), NOW + 1000, 1)
    expect(blocked.blockedUntil).toBe(NOW + 60_000)
  })
})
