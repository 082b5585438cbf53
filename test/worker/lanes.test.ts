import { env } from 'cloudflare:workers'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import {
  blockLane,
  giveBackTokens,
  type Lane,
  openLanes,
  readGrant,
  takeTokens,
} from '../../src/db/lane-store.ts'
import { block, bucketShape, fullBucket, giveBack, take } from '../../src/kernel/bucket.ts'

const shape = bucketShape({ writes: 3000, seconds: 150 }, 80)
const laneOf = (key: string): Lane => ({ key, shape })
const newKey = () => crypto.randomUUID()

async function takeFrom(lanes: readonly Lane[], wanted: number, now: number) {
  const [, answer] = await connect(env.DB).run(
    openLanes(lanes, now),
    ...takeTokens(lanes, wanted, now),
  )
  return readGrant(answer ?? { rows: [], changes: 0 }, lanes, wanted, now)
}

describe('the quota lanes', () => {
  test('count in D1 exactly as the bucket of the kernel does', async () => {
    const steps = fc.array(
      fc.record({
        after: fc.integer({ min: 0, max: 60_000 }),
        wanted: fc.integer({ min: 1, max: 400 }),
        back: fc.integer({ min: 0, max: 20 }),
        blockSeconds: fc.constantFrom(0, 0, 0, 5),
      }),
      { minLength: 1, maxLength: 8 },
    )
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const lanes = [laneOf(newKey())]
        let now = 1_000_000
        let state = fullBucket(shape, now)
        for (const { after, wanted, back, blockSeconds } of list) {
          now += after
          const expected = take(state, wanted, now, shape)
          const grant = await takeFrom(lanes, wanted, now)
          expect(grant.taken).toBe(expected.taken)
          expect(grant.waitSeconds).toBeCloseTo(expected.waitSeconds, 6)
          const given = Math.min(back, grant.taken)
          state = giveBack(expected.state, given, shape)
          await connect(env.DB).run(giveBackTokens(lanes, given))
          if (blockSeconds === 0) continue
          state = block(state, now, blockSeconds)
          await connect(env.DB).run(blockLane(lanes[0]!.key, now + blockSeconds * 1000))
        }
      }),
      { numRuns: 40 },
    )
  })

  test('give as much as the emptiest of them has, and take it from all', async () => {
    const [busy, idle] = [laneOf(newKey()), laneOf(newKey())]
    expect((await takeFrom([busy], 550, 0)).taken).toBe(550)
    expect((await takeFrom([busy, idle], 80, 0)).taken).toBe(40)
    expect((await takeFrom([idle], 560, 0)).taken).toBe(560)
  })

  test('give nothing while one of them is blocked, and say for how long', async () => {
    const [blocked, free] = [laneOf(newKey()), laneOf(newKey())]
    await takeFrom([blocked, free], 1, 0)
    await connect(env.DB).run(blockLane(blocked.key, 30_000))
    const grant = await takeFrom([blocked, free], 5, 10_000)
    expect(grant.taken).toBe(0)
    expect(grant.waitSeconds).toBeGreaterThanOrEqual(20)
  })

  test('two rounds at once never get more than there is', async () => {
    const lanes = [laneOf(newKey())]
    await takeFrom(lanes, 500, 0)
    const grants = await Promise.all([takeFrom(lanes, 80, 0), takeFrom(lanes, 80, 0)])
    expect(grants.reduce((sum, { taken }) => sum + taken, 0)).toBe(100)
  })
})
