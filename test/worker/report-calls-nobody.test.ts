import { describe, expect, test } from 'vitest'

import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

/** Ann, who was exported. */
async function oneUser() {
  const world = await reconcileWorld()
  const [ann = ''] = await world.exported('ann')
  const graphId = world.accountOf('ann')
  const settled = async () => {
    await world.settle()
    world.clock.now += 3_600_000
  }
  const remove = async () => {
    await world.scim.delete(`/Users/${ann}`)
    await settled()
  }
  const replay = async () => {
    await world.api.post(`/directories/${world.directoryId}/failures/replay`, { all: true })
    await settled()
  }
  const account = () => world.graph.summary().users.find(({ id }) => id === graphId)
  return { world, ann, graphId, remove, replay, account }
}

const refuseWrites = ({ graph }: ReconcileWorld) =>
  graph.faults.add({
    match: { method: 'PATCH', path: '^/users/' },
    status: 403,
    code: 'Authorization_RequestDenied',
    message: 'Insufficient privileges to complete the operation.',
  })

const RETURNED = { state: 'failed', error: { code: 'account_returned' } }

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const reportOf = (boss: string, name: string) =>
  newUser(name, { [ENTERPRISE]: { manager: { value: boss } } })

/** What a run that reports leads to, with all that follows it while cron rings for hours. */
async function reportAndHours(world: ReconcileWorld): Promise<number> {
  world.graph.counters.reset()
  await world.run('report')
  for (let hour = 0; hour < 12; hour += 1) await world.tick()
  return world.graph.counters.snapshot().writes
}

describe('what a run that reports has found', () => {
  test('calls no report who has failed, of a manager whose account is deleted', async () => {
    const { world, ann: boss, graphId } = await oneUser()
    await world.removeAccount(graphId)
    const { body: bob } = await world.scim.post('/Users', reportOf(boss, 'bob'))
    await world.drain()
    expect(await world.binding(bob['id'])).toMatchObject({ error: { code: 'manager_missing' } })
    refuseWrites(world)
    await world.scim.patch(`/Users/${bob['id']}`, [
      { op: 'replace', path: 'title', value: 'CFO' },
      { op: 'replace', path: 'displayName', value: 'Bobby' },
    ])
    await world.drain()
    world.bells.length = 0
    expect(await world.binding(bob['id'])).toMatchObject({ state: 'failed' })
    world.clock.now += 3_600_000
    expect(await reportAndHours(world)).toBe(0)
    expect(await world.binding(boss)).toMatchObject({ error: { code: 'object_missing' } })
    expect(await world.binding(bob['id'])).toMatchObject({ state: 'failed' })
  })

  test('takes no link away to whoever was deleted here, and whose account is gone for good', async () => {
    const { world, ann: boss, graphId, remove } = await oneUser()
    const { body: bob } = await world.scim.post('/Users', reportOf(boss, 'bob'))
    await world.settle()
    world.clock.now += 3_600_000
    await world.removeAccount(graphId)
    await remove()
    expect(await world.binding(boss)).toMatchObject({ state: 'failed' })
    await world.purgeAccount(graphId)
    expect(await reportAndHours(world)).toBe(0)
    expect(await world.binding(boss)).toMatchObject({ state: 'former', graph_id: null })
    expect(await world.binding(bob['id'])).toMatchObject({ state: 'synced' })
  })

  test.each(['was in the group before', 'came to the group meanwhile'])(
    'writes no group of somebody whose account is back, and who %s',
    async (when) => {
      const { world, ann, graphId } = await oneUser()
      const create = async () => {
        const { body } = await world.scim.post('/Groups', {
          schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
          displayName: 'Sales',
          members: [{ value: ann }],
        })
        await world.settle()
        return String(body['id'])
      }
      const isBefore = when === 'was in the group before'
      const before = isBefore ? await create() : undefined
      world.clock.now += 3_600_000
      await world.removeAccount(graphId)
      await world.run('report')
      const sales = before ?? (await create())
      expect(await world.binding(sales)).toMatchObject(
        isBefore ? { state: 'synced' } : { state: 'failed', error: { code: 'member_missing' } },
      )
      world.clock.now += 3_600_000
      await world.restoreAccount(graphId)
      expect(await reportAndHours(world)).toBe(0)
      expect(await world.binding(ann)).toMatchObject({ state: 'synced' })
      expect(await world.binding(sales)).toMatchObject({ state: isBefore ? 'synced' : 'failed' })
    },
  )
})

describe('whoever is deleted here, and whose account is found gone by a run that reports', () => {
  test('is written nothing though the account is back when it is looked for once more', async () => {
    const { world, ann, graphId, remove, replay, account } = await oneUser()
    await world.removeAccount(graphId)
    await remove()
    // A replica that lags does not know what was deleted: the run asks it, and so does the drain.
    world.graph.faults.add({
      match: { path: '/directory/deletedItems/' },
      times: 2,
      status: 404,
      code: 'Request_ResourceNotFound',
    })
    await world.begin('report')
    await world.drain()
    expect(await world.binding(ann)).toMatchObject({
      due_at: world.clock.now + 300_000,
      error: { message: expect.stringContaining('looked for once more') },
    })
    await world.restoreAccount(graphId)
    await world.settle()
    expect(await reportAndHours(world)).toBe(0)
    expect(account()).toMatchObject({ accountEnabled: true })
    expect(await world.binding(ann)).toMatchObject(RETURNED)
    await replay()
    expect(account()).toMatchObject({ accountEnabled: false })
  })
})
