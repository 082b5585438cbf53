import { describe, expect, test } from 'vitest'

import { type ApiClient, apiClient } from '../support/api.ts'
import { type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import { type Loose } from '../support/seed.ts'

/** More than the additions of one request, and more writes, one by one, than a round takes quota for. */
const MEMBERS = 99

interface Again {
  readonly world: ExportWorld
  readonly api: ApiClient
  readonly graphId: string
  /** The member's account, by its place. */
  readonly account: (place: number) => Promise<string>
  /** Exports everything again, answering at most `bells` bells; gives the job afterwards. */
  readonly again: (bells?: number) => Promise<Loose>
  readonly members: () => Loose[]
  /** How many writes of groups were sent since, and not for nothing: what stands behind a refusal in its envelope is none. */
  readonly writes: () => number
}

/** A group of many members that was exported, every quota that it took being there again. */
async function exported(): Promise<Again> {
  const world = await exportWorld()
  const api = await apiClient({ organizationId: world.organizationId, clock: world.clock })
  const ids: string[] = []
  for (let i = 0; i < MEMBERS; i++)
    ids.push((await world.scim.post('/Users', newUser(`m${i}`))).body['id'])
  const { body } = await world.scim.post('/Groups', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName: 'Sales',
    members: ids.map((value) => ({ value })),
  })
  await world.settle()
  world.clock.now += 3_600_000
  const graphId: string = (await world.binding(body['id']))['graph_id']
  const members = (): Loose[] =>
    (world.graph.summary()['groups'] as Loose[]).find(({ id }) => id === graphId)?.['members']
  expect(members()).toHaveLength(MEMBERS)
  return {
    world,
    api,
    graphId,
    members,
    writes: () =>
      world.graph.journal
        .records()
        .filter(
          ({ method, url, status }) => method !== 'GET' && /groups/.test(url) && status !== 424,
        ).length,
    account: async (place) => (await world.binding(ids[place] ?? ''))['graph_id'],
    async again(bells = 50) {
      world.graph.journal.clear()
      const { body: job } = await api.post(`/directories/${world.directoryId}/exports`, {
        all: true,
      })
      await world.drain()
      for (let i = 0; i < bells && world.bells.length > 0; i++) {
        const bell = world.bells.shift()
        if (bell === undefined) break
        world.clock.now += bell.delaySeconds * 1000
        await world.answer(bell)
      }
      return (await api.get(`/jobs/${job['id']}`)).body
    },
  }
}

describe('exporting a group again', () => {
  test('asks who its members are, and sends nothing of those that Microsoft 365 has', async () => {
    const { again, writes } = await exported()
    expect(await again()).toMatchObject({ state: 'done', done: MEMBERS + 1, errors: [] })
    // Its name alone.
    expect(writes()).toBe(1)
  })

  test('adds those that somebody removed, and removes nobody', async () => {
    const { world, graphId, account, again, members, writes } = await exported()
    const gone = [await account(3), await account(50), await account(98)]
    world.graph.changeGroup(graphId, { removeMembers: gone })
    expect(await again()).toMatchObject({ state: 'done' })
    expect(writes()).toBe(2)
    expect(members()).toHaveLength(MEMBERS)
  })

  test('comes to its end where members cannot be read: each is sent once more', async () => {
    const { world, again, members, writes } = await exported()
    world.graph.faults.add({
      match: { method: 'GET', path: '/members' },
      status: 500,
      times: 1000,
    })
    expect(await again()).toMatchObject({ state: 'done' })
    // The name, and for every twenty members one write that is refused, and one each.
    expect(writes()).toBeLessThanOrEqual(1 + MEMBERS * 1.2)
    expect(members()).toHaveLength(MEMBERS)
    expect(world.bells).toEqual([])
  })
})
