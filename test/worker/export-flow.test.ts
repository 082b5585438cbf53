/** How an export flows when there is more to do than the quota lets through: full, fair, cheap, and urgent things first. */
import { describe, expect, test } from 'vitest'

import { seedUsers } from '../support/crowd.ts'
import { newUser } from '../support/export.ts'
import { figuresOf } from '../support/export-figures.ts'
import { type FleetOptions, makeFleet } from '../support/fleet.ts'
import { reachedAfter, urgently } from '../support/urgency.ts'

async function runUsers(users: number, options: Partial<FleetOptions> & { managed?: boolean }) {
  const fleet = await makeFleet({ directories: 1, ...options })
  await seedUsers(fleet.scim, users, options)
  const startedAt = fleet.time.now()
  await fleet.run()
  const quotaPercent = options.settings?.writeQuotaPercent ?? 80
  return figuresOf({
    ...fleet.seen(),
    startedAt,
    users: users * fleet.directoryIds.length,
    quotaPercent,
  })
}

describe('an export that the quota holds back', () => {
  test('sends full envelopes, four at a time, as fast as the quota lets it', async () => {
    const figures = await runUsers(1200, {})
    expect(figures).toMatchObject({ requestsPerUser: 1, throttled: 0, mostInFlight: 4 })
    expect(figures.fullness).toBe(20)
    // The first token, the look at the tenant's domains, the last answer and the last bell.
    expect(figures.seconds - figures.leastSeconds).toBeLessThan(10)
  })

  test('loses nothing of a bucket that is hardly deeper than a round', async () => {
    const figures = await runUsers(800, { settings: { writeQuotaPercent: 100 } })
    expect(figures.seconds - figures.leastSeconds).toBeLessThan(10)
    expect(figures).toMatchObject({ throttled: 0, fullness: 20 })
  })

  test('asks as much of D1 for each of many users as for each of few', async () => {
    const few = await runUsers(200, {})
    const many = await runUsers(800, {})
    expect(many.rowsReadPerUser).toBeLessThan(few.rowsReadPerUser * 1.1)
    expect(many.rowsReadPerUser).toBeLessThan(30)
    expect(many.rowsWrittenPerUser).toBeLessThan(4.5)
  })

  test('waits with the lease in hand: nobody rings for it meanwhile, and its looks are counted', async () => {
    // Two writes a second: minutes of waiting, in which cron ticks.
    const figures = await runUsers(500, { settings: { writeQuotaPercent: 10 } })
    expect(figures.seconds).toBeGreaterThan(180)
    expect(figures.bells).toBeLessThanOrEqual(3)
    expect(figures.mostStatements).toBeLessThan(1000)
    expect(figures.fullness).toBe(20)
  })
})

test('directories that share an app are through at the same time, and none asks too much of D1', async () => {
  // At 100 % hardly a burst is left: 120 writes, then 13 a second.
  const options = { directories: 4, settings: { writeQuotaPercent: 100 } }
  const env = { GRAPH_APP_WRITE_QUOTA: '4000/300' }
  const figures = await runUsers(400, { ...options, env })
  expect(figures.writes).toBe(1600)
  expect(figures.throttled).toBe(0)
  expect(figures.firstSeconds / figures.seconds).toBeGreaterThan(0.7)
  expect(figures.mostStatements).toBeLessThan(1000)
  expect(figures.fullness).toBeGreaterThanOrEqual(18)
})

describe('what is urgent, with hundreds of creates owed,', () => {
  const TIGHT = { GRAPH_WRITE_QUOTA: '600/150' }

  test.for(['disable', 'delete', 'password'] as const)(
    '%s, reaches Graph within two rounds',
    async (act) => {
      const fleet = await makeFleet({
        directories: 1,
        env: TIGHT,
        settings: { onDelete: 'delete' },
      })
      const { scim, time, graph } = fleet
      const { body } = await scim.post('/Users', newUser('exported'))
      await fleet.run()
      const [account] = [...graph.tenant(fleet.tenantIds[0]).all('user')]
      await seedUsers(scim, 400)
      const acted = time.sleep(30_000).then(async () => {
        await time.during(urgently(scim, act, body['id']))
        return time.now()
      })
      await fleet.run(acted)
      const { envelopes } = fleet.seen()
      const moment = await acted
      expect(reachedAfter(envelopes, moment, account!.id).rounds).toBeLessThanOrEqual(2)
      // Far more was owed.
      expect(
        new Set(envelopes.map(({ sentAt }) => sentAt).filter((at) => at > moment)).size,
      ).toBeGreaterThan(3)
    },
  )
})
