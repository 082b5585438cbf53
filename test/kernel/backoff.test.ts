import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffBase, backoffSeconds, pauseMilliseconds } from '../../src/kernel/backoff.ts'

describe('backoff', () => {
  it('doubles from 2 seconds to 180 and stays there', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9].map(backoffBase)).toEqual([
      2, 4, 8, 16, 32, 64, 128, 180, 180,
    ])
  })

  it.each([0, -5, 1e9, Number.MAX_SAFE_INTEGER, Number.NaN, Number.POSITIVE_INFINITY])(
    'has an answer for %d tries',
    (attempt) => {
      expect(backoffBase(attempt)).toBeGreaterThanOrEqual(2)
      expect(backoffBase(attempt)).toBeLessThanOrEqual(180)
    },
  )

  it('spreads from one second to the base', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const seconds = backoffSeconds(attempt, random)
          expect(seconds).toBeGreaterThanOrEqual(1)
          expect(seconds).toBeLessThanOrEqual(backoffBase(attempt))
        },
      ),
    )
    expect(backoffSeconds(8, 0)).toBe(1)
    expect(backoffSeconds(8, 0.5)).toBe(90.5)
  })
})

describe('a pause for other writers', () => {
  it('may be 20 milliseconds at first, and twice as long each time, up to half a second', () => {
    const longest = [1, 2, 3, 4, 5, 6, 7, 16].map((rounds) => pauseMilliseconds(rounds, 0.9999))
    expect(longest).toEqual([19, 39, 79, 159, 319, 499, 499, 499])
  })

  it('is spread from nothing on', () => {
    expect([0, 0.25, 0.5].map((random) => pauseMilliseconds(3, random))).toEqual([0, 20, 40])
  })
})
