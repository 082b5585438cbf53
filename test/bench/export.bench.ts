/**
 * The export at Microsoft's published quotas, against an emulator that throttles by them.
 *
 * Time is virtual: it passes only while everybody waits, as if D1, Graph and the queue took what `TYPICAL` in
 * test/support/fleet.ts says. That is the time scale: a quarter of an hour of quota takes half a minute, and the figures are
 * exact and the same on a busy machine.
 */
import { describe, expect, test } from 'vitest'

import type { ThrottleOptions } from '../graph/throttle/settings.ts'
import { seedBoundGroup, seedUsers } from '../support/crowd.ts'
import { newUser } from '../support/export.ts'
import { figuresOf } from '../support/export-figures.ts'
import { makeFleet } from '../support/fleet.ts'
import { reachedAfter, urgently } from '../support/urgency.ts'
import { report, SCALE } from './report.ts'

const USERS = Math.round(10_000 * SCALE)
const MEMBERS = Math.round(100_000 * SCALE)
/** What no quota accounts for: the first bell, token and look at the domains, the burst's rounds, and the last answer. */
const START_SECONDS = 12

interface Case {
  readonly name: string
  readonly directories: number
  readonly managed?: boolean
  readonly quotaPercent?: number
  readonly throttle?: ThrottleOptions
}

async function exportUsers({ directories, managed, quotaPercent = 80, throttle }: Case) {
  const fleet = await makeFleet({
    directories,
    settings: { writeQuotaPercent: quotaPercent },
    ...(throttle === undefined ? {} : { throttle }),
  })
  await seedUsers(fleet.scim, USERS, { managed: managed === true })
  const startedAt = fleet.time.now()
  await fleet.run()
  const users = USERS * directories
  const figures = figuresOf({ ...fleet.seen(), startedAt, users, quotaPercent })
  const { maxWritesInFlightPerObject } = fleet.graph.counters.snapshot()
  return { ...figures, maxWritesInFlightPerObject }
}

describe(`${USERS} users at Microsoft's quotas`, () => {
  test.for<Case>([
    { name: '1 directory', directories: 1 },
    { name: '1 directory, managers', directories: 1, managed: true },
    { name: '1 directory at 100 %', directories: 1, quotaPercent: 100 },
    { name: '8 directories, one app', directories: 8 },
  ])('$name', async (given, { task }) => {
    const figures = await exportUsers(given)
    report(task, { ...figures })
    expect(figures).toMatchObject({ throttled: 0, writesInRetryAfter: 0 })
    expect(figures.maxWritesInFlightPerObject).toBe(1)
    expect(figures.seconds).toBeLessThanOrEqual(
      Math.max(figures.leastSeconds * 1.05, figures.leastSeconds + START_SECONDS),
    )
    expect(figures.fullness).toBeGreaterThanOrEqual(18)
    expect(figures.mostInFlight).toBeLessThanOrEqual(4)
    expect(figures.requestsPerUser).toBeLessThanOrEqual(given.managed === true ? 2 : 1)
    expect(figures.mostStatements).toBeLessThan(1000)
  })
})

/** When somebody acts: the burst is over, and nearly everything is still owed. */
const SOON_MS = 30_000

test('half of the quota is taken by others', async ({ task }) => {
  const quotas = { appTenantWrites: { limit: 1500, seconds: 150, burst: 300 } }
  const figures = await exportUsers({ name: '', directories: 1, throttle: { quotas } })
  const { writes, seconds, throttled, writesInRetryAfter, fullness, bells } = figures
  report(task, { writes, seconds, throttled, writesInRetryAfter, fullness, bells })
  expect(throttled).toBeGreaterThan(0)
  expect(figures).toMatchObject({ writesInRetryAfter: 0, maxWritesInFlightPerObject: 1 })
})

test.for(['disable', 'delete', 'password'] as const)(
  `%s, ${USERS} creates owed`,
  async (act, { task }) => {
    const fleet = await makeFleet({ directories: 1, settings: { onDelete: 'delete' } })
    const { scim, time, graph } = fleet
    const { body } = await scim.post('/Users', newUser('exported'))
    await fleet.run()
    const [account] = [...graph.tenant(fleet.tenantIds[0]).all('user')]
    await seedUsers(scim, USERS)
    const acted = time.sleep(SOON_MS).then(async () => {
      await time.during(urgently(scim, act, body['id']))
      return time.now()
    })
    await fleet.run(acted)
    const reached = reachedAfter(fleet.seen().envelopes, await acted, account?.id ?? '')
    report(task, { rounds: reached.rounds, seconds: reached.seconds })
    expect(reached.rounds).toBeLessThanOrEqual(2)
  },
)

test(`a group of ${MEMBERS} members`, async ({ task }) => {
  const fleet = await makeFleet({ directories: 1, settings: { bindNewGroups: 'manual' } })
  await seedBoundGroup(fleet, MEMBERS)
  const startedAt = fleet.time.now()
  await fleet.run()
  const figures = figuresOf({ ...fleet.seen(), startedAt, users: MEMBERS, quotaPercent: 80 })
  report(task, { ...figures })
  expect(figures.writes).toBe(1 + Math.ceil(MEMBERS / 20))
  expect(figures.mostInFlight).toBe(1)
  expect(figures.rowsReadPerUser).toBeLessThanOrEqual(5)
})
