import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import { apiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'

const BY_HAND: Partial<DirectorySettings> = { bindNewUsers: { mode: 'manual', groupIds: [] } }
const FIRST = 'F1rst-of-hers!'
const SECOND = 'S3cond-of-hers!'
/** Of a password that nobody chose. */
const RANDOM_LENGTH = 24

/** A user that is created with a password, in a directory that has followed nothing yet. */
async function withPassword(settings: Partial<DirectorySettings>) {
  const world = await exportWorld({ settings })
  const { organizationId, clock } = world
  const api = await apiClient({ organizationId, clock })
  const { body } = await world.scim.post('/Users', newUser('ann', { password: FIRST }))
  const id = String(body['id'])
  return {
    world,
    api,
    id,
    directory: `/directories/${world.directoryId}`,
    bindings: `/directories/${world.directoryId}/bindings`,
    setPassword: (value: string) =>
      world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'password', value }]),
    password: () => world.graph.summary().users[0]?.['password'],
  }
}

describe('a later bind', () => {
  test.for(['followed', 'unread'])(
    'sends no password that is older, with the log %s by then',
    async (log) => {
      const { world, api, bindings, id, password } = await withPassword(BY_HAND)
      if (log === 'followed') await world.settle()
      await api.post(bindings, { userIds: [id] })
      await world.settle()
      expect(password()).toHaveLength(RANDOM_LENGTH)
    },
  )

  test('sends a password that came after it, though nothing was carried out by then', async () => {
    const { world, api, bindings, id, setPassword, password } = await withPassword(BY_HAND)
    await api.post(bindings, { userIds: [id] })
    await setPassword(SECOND)
    await world.settle()
    expect(password()).toBe(SECOND)
  })

  test('of a user that had been unbound sends nothing that came meanwhile', async () => {
    const { world, api, bindings, id, setPassword, password } = await withPassword({})
    await world.settle()
    expect(password()).toBe(FIRST)
    await api.send('DELETE', bindings, { userIds: [id] })
    await world.settle()
    await setPassword(SECOND)
    await world.settle()
    await api.post(bindings, { userIds: [id] })
    await world.settle()
    expect(password()).toBe(FIRST)
    await setPassword('Th1rd-of-hers!')
    await world.settle()
    expect(password()).toBe('Th1rd-of-hers!')
  })

  test('of a user that was bound by its creation, and waits, leaves it the password it was created with', async () => {
    const { world, api, bindings, id, password } = await withPassword({})
    world.graph.faults.add({ match: { method: 'POST', path: '^/users$' }, status: 503 })
    await world.drain()
    expect(await world.binding(id)).toMatchObject({ state: 'pending', password_sequence: 0 })
    await api.post(bindings, { userIds: [id] })
    world.graph.faults.clear()
    world.clock.now += 600_000
    await world.settle()
    expect(password()).toBe(FIRST)
  })

  test('by a group sends no password that is older, and every one that is not', async () => {
    const { world, api, directory, id, setPassword, password } = await withPassword(BY_HAND)
    const { body: sales } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
    })
    const byGroup = { bindNewUsers: { mode: 'groups', groupIds: [sales['id']] } }
    await api.patch(directory, { settings: byGroup })
    await world.scim.patch(`/Groups/${sales['id']}`, [
      { op: 'add', path: 'members', value: [{ value: id }] },
    ])
    await world.settle()
    expect(password()).toHaveLength(RANDOM_LENGTH)
    await setPassword(SECOND)
    await world.settle()
    expect(password()).toBe(SECOND)
  })

  test('by a group sends a password that came right after it', async () => {
    const { world, api, directory, id, setPassword, password } = await withPassword(BY_HAND)
    const { body: sales } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
    })
    const byGroup = { bindNewUsers: { mode: 'groups', groupIds: [sales['id']] } }
    await api.patch(directory, { settings: byGroup })
    await world.settle()
    const add = { op: 'add', path: 'members', value: [{ value: id }] }
    await world.scim.patch(`/Groups/${sales['id']}`, [add])
    await setPassword(SECOND)
    // A later change of the group is expanded together with the one that binds her.
    await world.scim.patch(`/Groups/${sales['id']}`, [
      { op: 'replace', path: 'displayName', value: 'S' },
    ])
    await world.settle()
    expect(password()).toBe(SECOND)
  })
})

test('a leftover of nobody is not needed by anybody: what no directory waits for goes with the sweep', async () => {
  const { world, id } = await withPassword(BY_HAND)
  await world.settle()
  world.clock.now += 120_000
  await world.jobs.scheduled({ cron: '* * * * *' })
  const left = await world.query(sql`SELECT sequence FROM pending_password WHERE user_id = ${id}`)
  expect(left).toEqual([])
})
