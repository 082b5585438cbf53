import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { apiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'

describe('GET /directories/{id}/status', () => {
  test('counts what the log holds until it is carried out, and is 0 then', async () => {
    const world = await exportWorld()
    const { organizationId, directoryId, clock } = world
    const api = await apiClient({ organizationId, clock })
    await world.scim.post('/Users', newUser('ann'))
    await world.scim.post('/Users', newUser('bob'))
    const before = await api.get(`/directories/${directoryId}/status`)
    expect(before.status).toBe(200)
    expect(before.body).toEqual({
      state: 'active',
      stateReason: null,
      owed: 2,
      inFlight: 0,
      failed: 0,
      rejected: 0,
      held: 0,
      bound: 0,
      writesPerSecond: 16,
      blockedUntil: null,
      estimatedFinish: expect.stringMatching(/Z$/),
      lastDrain: null,
      lastError: null,
    })
    await world.settle()
    const after = await api.get(`/directories/${directoryId}/status`)
    expect(after.body).toMatchObject({ owed: 0, bound: 2, estimatedFinish: null })
    expect(after.body['lastDrain']).toMatchObject({ at: expect.stringMatching(/Z$/) })
    expect(after.cost.roundTrips).toBe(1)
  })

  test('a resource that is in the log and due counts once; failed and held ones do not', async () => {
    const world = await exportWorld()
    const { organizationId, directoryId, clock } = world
    const api = await apiClient({ organizationId, clock })
    const { body: ann } = await world.scim.post('/Users', newUser('ann'))
    await world.scim.post('/Users', newUser('bob'))
    await world.scim.post('/Users', newUser('cid'))
    await world.settle()
    const set = (what: ReturnType<typeof sql>, id: unknown) =>
      world.query(sql`UPDATE binding SET ${what} WHERE organization_id = ${organizationId}
        AND resource_id = ${id}`)
    await set(sql`state = 'owed', due_at = ${clock.now + 60_000}`, ann['id'])
    await world.scim.patch(`/Users/${ann['id']}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    expect((await api.get(`/directories/${directoryId}/status`)).body).toMatchObject({ owed: 1 })
    await world.settle()
    await set(sql`state = 'failed', due_at = NULL`, ann['id'])
    const { body } = await api.get(`/directories/${directoryId}/status`)
    expect(body).toMatchObject({ owed: 0, failed: 1, held: 0, bound: 3 })
    await set(sql`state = 'held'`, ann['id'])
    const status = async () => (await api.get(`/directories/${directoryId}/status`)).body
    expect(await status()).toMatchObject({ owed: 0, failed: 0, held: 1 })
    // Approved, it is about to be sent.
    await set(sql`approval = 'approved', due_at = ${clock.now}`, ann['id'])
    expect(await status()).toMatchObject({ owed: 1, failed: 0, held: 0 })
    await set(sql`state = 'unbinding', due_at = NULL, error = '{}'`, ann['id'])
    expect(await status()).toMatchObject({ owed: 0, failed: 1, held: 0 })
  })
})
