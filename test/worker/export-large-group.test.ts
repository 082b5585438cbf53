import { expect, test } from 'vitest'

import { seedBoundGroup } from '../support/crowd.ts'
import { figuresOf } from '../support/export-figures.ts'
import { makeFleet } from '../support/fleet.ts'

test('a large group is bound by twenty members a request, one envelope after another, at 5 rows read a member', async () => {
  const MEMBERS = 2000
  const fleet = await makeFleet({ directories: 1, settings: { bindNewGroups: 'manual' } })
  await seedBoundGroup(fleet, MEMBERS)
  const startedAt = fleet.time.now()
  await fleet.run()
  const [create, ...links] = fleet.traffic.envelopes.filter(({ writes }) => writes > 0)
  expect(create?.requests).toHaveLength(1)
  expect(links.every(({ isSerial, writes }) => isSerial && writes === 20)).toBe(true)
  const figures = figuresOf({ ...fleet.seen(), startedAt, users: MEMBERS, quotaPercent: 80 })
  expect(figures).toMatchObject({ writes: 1 + MEMBERS / 20, mostInFlight: 1 })
  expect(figures.rowsReadPerUser).toBeLessThanOrEqual(5)
})
