import { describe, expect, test } from 'vitest'

import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'
import { untoldWrites, unwrittenTold } from '../support/told-writes.ts'

/** The writes of groups since the journal was cleared. */
const groupWrites = ({ graph }: ReconcileWorld): unknown[] =>
  graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && url.startsWith('/groups/'))
    .map(({ body }) => body)

/**
 * Ann, who is in Sales, and whose account somebody deletes: she is unbound, and bound again before every replica knows what became of
 * the account, so that Sales has let go of her and waits for the account, which somebody restores.
 */
async function annBack({ isMember }: { isMember: boolean }) {
  const world = await reconcileWorld()
  const [ann = ''] = await world.exported('ann')
  const account = world.accountOf('ann')
  const members = [{ value: ann }]
  const { body: sales } = await world.scim.post('/Groups', { displayName: 'Sales', members })
  await world.settle()
  const salesId = String(sales['id'])
  const group = String((await world.binding(salesId))['graph_id'])
  world.clock.now += 3_600_000
  await world.tick()
  await world.removeAccount(account)
  world.graph.faults.add({
    match: { path: '/directory/deletedItems/' },
    times: 1,
    status: 404,
    code: 'Request_ResourceNotFound',
  })
  const bindings = `/directories/${world.directoryId}/bindings`
  await world.api.send('DELETE', bindings, { userIds: [ann] })
  await world.drain()
  await world.api.post(bindings, { userIds: [ann] })
  await world.settle()
  expect(await world.binding(ann)).toMatchObject({
    state: 'failed',
    error: { code: 'object_missing' },
  })
  await world.tick()
  await world.restoreAccount(account)
  // Graph gives a restored account its memberships back.
  if (!isMember) world.graph.changeGroup(group, { removeMembers: [account] })
  /** What a run leads to, with all that follows it for hours. */
  const run = async (mode: 'report' | 'enforce', start = () => world.run(mode)) => {
    world.graph.journal.clear()
    const started = await start()
    const rows = (await world.drift(started)).filter(({ attribute }) => attribute === 'members')
    for (let hour = 0; hour < 3; hour += 1) await world.tick()
    const id = String(started['id'])
    const requests = world.graph.journal.records()
    return {
      rows: rows.map(({ userId, groupId, ours, theirs }) => ({ userId, groupId, ours, theirs })),
      untold: await untoldWrites(world, id, requests),
      unwritten: mode === 'enforce' ? await unwrittenTold(world, id, requests) : [],
      groups: groupWrites(world),
    }
  }
  const membership = { userId: ann, groupId: salesId, ours: true, theirs: false }
  const added = { 'members@odata.bind': [expect.stringContaining(account)] }
  return { world, ann, account, salesId, group, run, membership, added }
}

const EXACT = { untold: [], unwritten: [] }
const NOTHING = { ...EXACT, rows: [], groups: [] }

describe('a group that waits for a member whose account is back', () => {
  test.each(['the hour', 'an administrator'])(
    'is told of, and written by a run of %s that enforces, and by none that reports',
    async (whose) => {
      const { world, run, membership, added } = await annBack({ isMember: false })
      const hour = async (): Promise<Loose> => (await world.tick()) ?? {}
      const start = whose === 'the hour' ? hour : undefined
      expect(await run('report', start)).toEqual({ ...NOTHING, rows: [membership] })
      const reconcile = { mode: 'enforce', intervalMinutes: 60 }
      await world.api.patch(`/directories/${world.directoryId}`, { settings: { reconcile } })
      expect(await run('enforce', start)).toEqual({
        ...EXACT,
        rows: [membership],
        groups: [added],
      })
      expect(await run('enforce', start)).toEqual(NOTHING)
    },
  )

  test.each(['the hour', 'an administrator'])(
    'is told of by the first run of %s, which enforces',
    async (whose) => {
      const { world, run, membership, added } = await annBack({ isMember: false })
      const reconcile = { mode: 'enforce', intervalMinutes: 60 }
      await world.api.patch(`/directories/${world.directoryId}`, { settings: { reconcile } })
      const hour = async (): Promise<Loose> => (await world.tick()) ?? {}
      const start = whose === 'the hour' ? hour : undefined
      const written = { ...EXACT, rows: [membership], groups: [added] }
      expect(await run('enforce', start)).toEqual(written)
    },
  )

  test('and has it already, is neither told of nor written', async () => {
    const { run } = await annBack({ isMember: true })
    expect(await run('report')).toEqual(NOTHING)
    expect(await run('enforce')).toEqual(NOTHING)
  })

  test('and whose name was refused, is sent the membership alone', async () => {
    const { world, salesId, run, membership, added } = await annBack({ isMember: false })
    world.graph.faults.add({
      match: { method: 'PATCH', path: '^/groups/' },
      times: 1,
      status: 403,
      code: 'Authorization_RequestDenied',
    })
    await world.scim.patch(`/Groups/${salesId}`, [
      { op: 'replace', path: 'displayName', value: 'Sales East' },
    ])
    await world.drain()
    const before = await world.binding(salesId)
    expect(before).toMatchObject({ state: 'failed', due_at: null })
    world.clock.now += 3_600_000
    const written = { ...EXACT, rows: [membership], groups: [added] }
    expect(await run('enforce')).toEqual(written)
    const { state, error } = before
    expect(await world.binding(salesId)).toMatchObject({ state, error, due_at: null })
  })

  test('is written when somebody replays what is owed to the account', async () => {
    const { world, run, added } = await annBack({ isMember: false })
    await run('report')
    world.graph.journal.clear()
    await world.api.post(`/directories/${world.directoryId}/failures/replay`, { all: true })
    await world.settle()
    expect(groupWrites(world)).toEqual([added])
  })
})
