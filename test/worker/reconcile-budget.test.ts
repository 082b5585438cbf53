import { describe, expect, test } from 'vitest'

import { bindSeeded, reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

const USERS = 20_000
const DRIFTED = USERS / 100

interface Cost {
  readonly reads: number
  readonly writes: number
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly roundTrips: number
}

/** What `action` costs: requests to Graph (those inside an envelope one by one), and D1. */
async function costOf(world: ReconcileWorld, action: () => Promise<unknown>): Promise<Cost> {
  const opened = world.opened.length
  world.graph.counters.reset()
  world.graph.journal.clear()
  await action()
  const sum = (name: 'rowsRead' | 'rowsWritten' | 'roundTrips') =>
    world.opened.slice(opened).reduce((total, { meter }) => total + meter[name], 0)
  const records = world.graph.journal.records()
  return {
    reads: records.filter(({ method }) => method === 'GET').length,
    writes: world.graph.counters.snapshot().writes,
    rowsRead: sum('rowsRead'),
    rowsWritten: sum('rowsWritten'),
    roundTrips: sum('roundTrips'),
  }
}

describe('20,000 bound users, of whom one in a hundred has drifted', () => {
  test('cost a read per 200 users and one per drifted one, less than three rows of D1 a user, and only the drifted writes', async () => {
    const world = await reconcileWorld({ settings: { usageLocation: null } })
    const graphIds = await bindSeeded(world, USERS)
    const first = await costOf(world, () => world.tick())
    // A row to compare everybody with, and one to see who is on no page.
    expect(first.rowsRead / USERS).toBeLessThanOrEqual(2.2)
    expect(first.reads).toBeLessThanOrEqual(USERS / 200 + 1)
    for (let i = 0; i < DRIFTED; i++)
      world.graph.changeUser(graphIds[i * 100] ?? '', { properties: { displayName: 'Somebody' } })

    const report = await costOf(world, async () => {
      expect(await world.run('report')).toMatchObject({
        state: 'done',
        counts: { read: USERS, drift: DRIFTED, corrected: 0 },
      })
    })
    expect(report.reads).toBeLessThanOrEqual(USERS / 200 + DRIFTED)
    expect(report.rowsRead / USERS).toBeLessThanOrEqual(2.3)
    expect(report.writes).toBe(0)

    const enforce = await costOf(world, async () => {
      expect(await world.run('enforce')).toMatchObject({ counts: { corrected: DRIFTED } })
    })
    expect(enforce.writes).toBe(DRIFTED)
    const scheduled = await costOf(world, () => world.tick())
    expect(scheduled.reads).toBeLessThanOrEqual(5)
    expect(scheduled.writes).toBe(0)
  })
})
