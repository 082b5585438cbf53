import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'

import { apiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'

const USERS = 5000

test('undoing a bind of 5,000 users costs three rows each and a round trip per two thousand, before anything is sent', async () => {
  const world = await exportWorld({ settings: { bindNewUsers: { mode: 'manual', groupIds: [] } } })
  const { organizationId, directoryId } = world
  const api = await apiClient({ organizationId, clock: world.clock })
  const { body: ann } = await world.scim.post('/Users', newUser('ann'))
  await api.post(`/directories/${directoryId}/bindings`, { userIds: [ann['id']] })
  await world.settle()
  const { body: log } = await api.get('/events?type=binding_create&limit=1')
  const { id: eventId, sequence } = log['items'][0]
  await world.query(sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${USERS})
    INSERT INTO binding (organization_id, directory_id, kind, resource_id, graph_id, state, reason, snapshot, unknown,
      exported_sequence, bound_sequence, adopted_at)
    SELECT organization_id, directory_id, 'user', 'usr_' || i, 'graph-' || i, 'synced', 'manual', snapshot, '[]',
      exported_sequence, ${sequence}, 1 FROM binding, n WHERE organization_id = ${organizationId}`)
  await world.query(sql`INSERT INTO overwritten (organization_id, directory_id, user_id, sequence, graph_id, held, created_at)
    SELECT organization_id, directory_id, resource_id, ${sequence}, graph_id, '{"jobTitle":["Chief"],"department":[null]}', 1
    FROM binding WHERE organization_id = ${organizationId} AND resource_id <> ${ann['id']}`)
  await world.query(sql`UPDATE lane SET blocked_until = ${world.clock.now + 3_600_000}`)
  const { status, body: job } = await api.post(`/directories/${directoryId}/undo`, { eventId })
  expect(status).toBe(202)
  world.opened.length = 0
  await world.drain()
  const sum = (pick: (meter: (typeof world.opened)[number]['meter']) => number) =>
    world.opened.reduce((total, { meter }) => total + pick(meter), 0)
  // The row, and its entries among the due and the asked.
  expect(sum(({ rowsWritten }) => rowsWritten)).toBeLessThan(USERS * 3 + 100)
  expect(sum(({ rowsRead }) => rowsRead)).toBeLessThan(USERS * 22)
  // Three pages of users and one of groups, each after a look at the log, and then a round that finds the quota blocked.
  expect(sum(({ roundTrips }) => roundTrips)).toBeLessThanOrEqual(12)
  const { body } = await api.get(`/jobs/${job['id']}`)
  expect(body).toMatchObject({ state: 'running', done: 0, total: USERS + 1 })
  const [row] = await world.query(
    sql`SELECT restoring FROM binding WHERE organization_id = ${organizationId} AND resource_id = 'usr_7'`,
  )
  expect(JSON.parse(String(row?.['restoring']))).toEqual({ jobTitle: 'Chief', department: null })
})
