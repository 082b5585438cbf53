/** What is tried alone, because a run found it or an undoing gives it back: nothing of it is left behind, and nothing waits for it for ever. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { newUser } from '../support/export.ts'
import { HOUR, overwritten } from '../support/overwritten.ts'
import { previewedBind } from '../support/previewed-bind.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

const TWENTY_MINUTES = 1_200

const outOfOrder = ({ graph }: ReconcileWorld, method: string, path: string, more = {}) =>
  graph.faults.add({ match: { method, path }, status: 503, times: 1, ...more })

const titleOf = ({ graph }: ReconcileWorld, graphId: string) =>
  graph.summary().users.find(({ id }) => id === graphId)?.['jobTitle']

/** Ann, of whom a new title waits for twenty minutes. */
async function titleWaits(world: ReconcileWorld, ann: string): Promise<string> {
  const graphId = world.accountOf('ann')
  outOfOrder(world, 'PATCH', `^/users/${graphId}`, { retryAfter: TWENTY_MINUTES })
  await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
  await world.drain()
  expect(await world.binding(ann)).toMatchObject({ state: 'owed', found: null })
  return graphId
}

/** What is due by then is tried as time goes on. */
async function goOn({ clock, drain }: ReconcileWorld, hours: number): Promise<void> {
  for (let i = 0; i < hours * 10; i += 1) {
    clock.now += HOUR / 10
    await drain()
  }
}

test('what an undoing gave back is not tried again once everything is through', async () => {
  const each = await overwritten()
  const { world, ann, graphId } = each
  each.refuseOnce()
  await each.change(`${ENTERPRISE_USER_URN}:department`, 'New')
  await world.settle()
  expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
  world.graph.faults.clear()
  world.clock.now += HOUR
  expect(await each.undo()).toMatchObject({ job: { state: 'done' } })
  expect(await world.binding(ann)).toMatchObject({ state: 'synced', found: null })
  world.graph.changeUser(graphId, { properties: { givenName: 'Anna' } })
  outOfOrder(world, 'PATCH', `^/users/${graphId}`)
  world.graph.journal.clear()
  await world.run('enforce')
  expect(each.sent()).toEqual(['PATCH {"givenName":"ann"}', 'PATCH {"givenName":"ann"}'])
  expect(await world.binding(ann)).toMatchObject({ state: 'synced', due_at: null })
})

describe('of somebody of whom something waits', () => {
  test('a link that is found, and goes with the manager’s account, keeps nothing else waiting', async () => {
    const world = await reconcileWorld()
    const [boss = ''] = await world.exported('boss')
    const manager = { [ENTERPRISE_USER_URN]: { manager: { value: boss } } }
    const { body } = await world.scim.post('/Users', newUser('ann', manager))
    await world.settle()
    world.clock.now += HOUR
    const ann = String(body['id'])
    const graphId = await titleWaits(world, ann)
    world.graph.changeUser(graphId, { manager: null })
    outOfOrder(world, 'PUT', `^/users/${graphId}/manager`)
    await world.begin('enforce')
    await world.drain()
    expect(await world.binding(ann)).toMatchObject({ state: 'owed', found: '["manager"]' })
    await world.removeAccount(world.accountOf('boss'))
    await goOn(world, 1)
    expect(titleOf(world, graphId)).toBe('Boss')
    expect(await world.binding(ann)).toMatchObject({
      state: 'synced',
      found: null,
      rest_due_at: null,
      error: null,
    })
  })

  test('a disabling that is found, and held, keeps nothing else waiting', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    world.clock.now += 2 * HOUR
    const graphId = await titleWaits(world, ann)
    world.graph.changeUser(graphId, { properties: { accountEnabled: true } })
    await world.begin('enforce')
    await world.lower({ count: 0, percent: 0 })
    await world.drain()
    expect(await world.binding(ann)).toMatchObject({ state: 'held', approval: 'asked' })
    expect(titleOf(world, graphId)).toBe('Engineer')
    await goOn(world, 1)
    expect(titleOf(world, graphId)).toBe('Boss')
    expect(await world.binding(ann)).toMatchObject({ state: 'held', due_at: null })
  })

  test('what is found leaves the job of a replay waiting for all that it asked for', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    const graphId = world.accountOf('ann')
    const refused = { status: 403, code: 'Authorization_RequestDenied' } as const
    outOfOrder(world, 'PATCH', `^/users/${graphId}`, refused)
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    await world.settle()
    world.clock.now += HOUR
    const replay = `/directories/${world.directoryId}/failures/replay`
    const { body: job } = await world.api.post(replay, { all: true })
    const read = async () => (await world.api.get(`/jobs/${job['id']}`)).body
    outOfOrder(world, 'PATCH', `^/users/${graphId}`, { retryAfter: TWENTY_MINUTES })
    await world.drain()
    await world.drain()
    world.graph.changeUser(graphId, { properties: { givenName: 'Anna' } })
    await world.begin('enforce')
    await world.drain()
    expect(await read()).toMatchObject({ state: 'running', done: 0, errors: [] })
    outOfOrder(world, 'PATCH', `^/users/${graphId}`, refused)
    await goOn(world, 1)
    expect(await read()).toMatchObject({ state: 'failed', errors: [{ code: refused.code }] })
  })
})

test('a link that is tried alone, since something else was refused, is tried at longer and longer pauses', async () => {
  const each = await previewedBind()
  const { world } = each
  const boss = await each.create('boss')
  const ann = await each.create('ann', { [ENTERPRISE_USER_URN]: { manager: { value: boss } } })
  await each.bind([ann])
  world.clock.now += HOUR
  world.graph.changeUser(world.accountOf('ann'), { isPrivileged: true })
  await world.scim.patch(`/Users/${ann}`, [
    { op: 'replace', path: 'phoneNumbers', value: [{ type: 'mobile', value: '+49 1' }] },
  ])
  await world.settle()
  const before = await world.binding(ann)
  expect(before).toMatchObject({ state: 'failed', error: { code: 'privileged_target' } })
  // The account of the manager is deleted before the link to it could be sent.
  outOfOrder(world, 'PUT', '/manager/', { status: 429, retryAfter: TWENTY_MINUTES })
  await world.api.post(`/directories/${world.directoryId}/bindings`, { userIds: [boss] })
  for (let i = 0; i < 3; i += 1) await world.drain()
  expect(await world.binding(ann)).toMatchObject({ state: 'failed', found: '["manager"]' })
  await world.removeAccount(world.accountOf('boss'))
  world.bells.length = 0
  const pauses: number[] = []
  for (let i = 0; i < 7; i += 1) {
    const { due_at: dueAt } = await world.binding(ann)
    pauses.push((dueAt - world.clock.now) / 1000)
    world.clock.now = dueAt
    world.graph.journal.clear()
    await world.drain()
    expect(world.graph.journal.records().map(({ url }) => url)).toContain(
      `/users/${before['graph_id']}/manager/$ref`,
    )
  }
  // What it was put off for, and then as of everybody who waits for such a link.
  expect(pauses).toEqual([1200, 300, 1200, 4800, 19_200, 86_400, 86_400])
  const { state, error } = before
  expect(await world.binding(ann)).toMatchObject({ state, error, found: '["manager"]' })
})
