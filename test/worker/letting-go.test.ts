import { describe, expect, test } from 'vitest'

import { type ApiClient, apiClient } from '../support/api.ts'
import { type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import type { Loose } from '../support/seed.ts'

/** The removal of a membership, and what Graph answers to it once. */
const removal = (answer: {
  status: number
  retryAfter?: number
  times?: number
  code?: string
}) => ({
  match: { method: 'DELETE', path: '/members/' },
  ...answer,
})

interface Parting {
  readonly world: ExportWorld
  readonly api: ApiClient
  readonly directory: string
  /** Of the user and of the group that it is in, which both are bound. */
  readonly ann: string
  readonly sales: string
  members(): number
  isEnabled(): unknown
  /** Begins to unbind the user, as far as one drain comes; gives the path of the job. */
  unbind(): Promise<string>
}

async function parting(): Promise<Parting> {
  const world = await exportWorld()
  const api = await apiClient({ organizationId: world.organizationId, clock: world.clock })
  const directory = `/directories/${world.directoryId}`
  const { body: ann } = await world.scim.post('/Users', newUser('ann'))
  const { body: sales } = await world.scim.post('/Groups', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName: 'Sales',
    members: [{ value: ann['id'] }],
  })
  await world.settle()
  // Older than any replica.
  world.clock.now += 3_600_000
  const members = () => (world.graph.summary().groups as Loose[])[0]?.['members'].length
  expect(members()).toBe(1)
  return {
    world,
    api,
    directory,
    ann: ann['id'],
    sales: sales['id'],
    members,
    isEnabled: () => world.graph.summary().users[0]?.['accountEnabled'],
    async unbind() {
      const { body: job } = await api.send('DELETE', `${directory}/bindings`, {
        userIds: [ann['id']],
      })
      await world.drain()
      return `/jobs/${job['id']}`
    },
  }
}

describe('a membership of whoever is unbound', () => {
  test.for([
    ['is throttled', removal({ status: 429, retryAfter: 120 })],
    ['finds Graph out of order', removal({ status: 503 })],
  ] as const)(
    'whose removal %s keeps the binding from being former until it is removed',
    async ([, fault]) => {
      const { world, api, ann, members, isEnabled, unbind } = await parting()
      world.graph.faults.add(fault)
      const job = await unbind()
      // Nobody waits for the membership to lock the account.
      expect({ members: members(), isEnabled: isEnabled() }).toEqual({
        members: 1,
        isEnabled: false,
      })
      expect(await world.binding(ann)).toMatchObject({ state: 'unbinding', unbound_by: 'admin' })
      expect((await api.get(job)).body).toMatchObject({ state: 'running', done: 0 })
      world.clock.now += 600_000
      await world.settle()
      expect(members()).toBe(0)
      expect(await world.binding(ann)).toMatchObject({ state: 'former', due_at: null })
      expect((await api.get(job)).body).toMatchObject({ state: 'done', done: 1, errors: [] })
    },
  )

  test('whose removal is refused is the failure of its group, and is removed when that is replayed', async () => {
    const { world, api, directory, ann, sales, members, unbind } = await parting()
    world.graph.faults.add(removal({ status: 403, code: 'Authorization_RequestDenied', times: 9 }))
    const job = await unbind()
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'former' })
    expect((await api.get(job)).body).toMatchObject({ state: 'done', done: 1 })
    const failures = async () => (await api.get(`${directory}/failures`)).body['items']
    expect(await failures()).toMatchObject([{ groupId: sales }])
    world.graph.faults.clear()
    await api.post(`${directory}/failures/replay`, { all: true })
    await world.settle()
    expect({ members: members(), failures: await failures() }).toEqual({ members: 0, failures: [] })
  })

  test('is removed once the quota is there again, also when the user is deleted', async () => {
    const { world, ann, members } = await parting()
    world.graph.faults.add(removal({ status: 429, retryAfter: 120 }))
    await world.scim.delete(`/Users/${ann}`)
    await world.drain()
    expect(members()).toBe(1)
    await world.settle()
    expect(members()).toBe(0)
  })
})

describe('a group that is unbound', () => {
  test('leaves the group that it is in before its binding has ended', async () => {
    const { world, api, directory, sales } = await parting()
    const { body: all } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'All',
      members: [{ value: sales }],
    })
    await world.settle()
    world.clock.now += 3_600_000
    const { graph_id: allId } = await world.binding(all['id'])
    const membersOfAll = () =>
      (world.graph.summary().groups as Loose[]).find(({ id }) => id === allId)?.['members'].length
    expect(membersOfAll()).toBe(1)
    await api.send('DELETE', `${directory}/bindings`, { groupIds: [sales] })
    await world.settle()
    expect(await world.binding(sales)).toMatchObject({ state: 'former' })
    expect(await world.binding(all['id'])).toMatchObject({ state: 'synced', error: null })
    expect(membersOfAll()).toBe(0)
    await api.post(`${directory}/bindings`, { groupIds: [sales] })
    await world.settle()
    expect(membersOfAll()).toBe(1)
  })
})
