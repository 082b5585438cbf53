import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const SYNCED = { state: 'synced', error: null }
const RETURNED = { state: 'failed', error: { code: 'account_returned' } }

/** The links to a manager that were written since the journal was cleared, by the account that got one. */
const linked = ({ graph }: ReconcileWorld): string[] =>
  graph.journal
    .records()
    .filter(({ method, url }) => method === 'PUT' && url.endsWith('/manager/$ref'))
    .map(({ url }) => url.replace(/^.*\/users\/([^/]*)\/.*$/, '$1'))

/** Every write since the journal was cleared. */
const written = ({ graph }: ReconcileWorld): string[] =>
  graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && !/\$batch|\/token$/.test(url))
    .map(({ method, url, status }) => `${method} ${url} ${status}`)

const reportOf = (boss: string, name: string) =>
  newUser(name, { [ENTERPRISE]: { manager: { value: boss } } })

const refuseWrites = ({ graph }: ReconcileWorld) =>
  graph.faults.add({
    match: { method: 'PATCH', path: '^/users/' },
    times: 1,
    status: 403,
    code: 'Authorization_RequestDenied',
    message: 'Insufficient privileges to complete the operation.',
  })

/** Who waits for somebody. */
async function waiting({ query, organizationId }: ReconcileWorld): Promise<unknown[]> {
  const rows = await query(
    sql`SELECT waiter_id FROM awaited WHERE organization_id = ${organizationId}`,
  )
  return rows.map((row) => row['waiter_id'])
}

/** Boss, whose account somebody deletes there, and whoever is created here as her report from then on, in `names`. */
async function awaited(...names: string[]) {
  const world = await reconcileWorld()
  const [boss = ''] = await world.exported('boss')
  const graphId = world.accountOf('boss')
  await world.tick()
  await world.removeAccount(graphId)
  await world.tick()
  expect(await world.binding(boss)).toMatchObject({ error: { code: 'object_missing' } })
  const create = async (name: string) => {
    const { body } = await world.scim.post('/Users', reportOf(boss, name))
    await world.settle()
    return String(body['id'])
  }
  const waiters: string[] = []
  for (const name of names) waiters.push(await create(name))
  world.clock.now += 3_600_000
  const patch = async (id: string, path: string, value: unknown) => {
    await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path, value }])
    await world.settle()
  }
  const command = async (path: string, body: object) => {
    const directory = `/directories/${world.directoryId}`
    const { body: failures } = await world.api.get(`${directory}/failures`)
    const named = { bindingIds: [failures['items'][0]?.['id']] }
    const isNamed = Object.keys(body).length > 0
    const { status } = await world.api.post(`${directory}${path}`, isNamed ? body : named)
    expect(status).toBe(202)
    await world.settle()
  }
  /** Somebody restores her account, and nothing that was written before counts. */
  const restore = async () => {
    await world.restoreAccount(graphId)
    world.graph.journal.clear()
  }
  /** Cron rings for hours, and whatever is due is carried out. */
  const letHoursPass = async () => {
    for (let hour = 0; hour < 12; hour += 1) await world.tick()
  }
  /** Somebody restores her account, and a run that only reports finds it. */
  const found = async () => {
    await restore()
    await world.run('report')
    expect(written(world)).toEqual([])
    expect(await world.binding(boss)).toMatchObject(RETURNED)
  }
  const reports = { world, boss, graphId, waiters, create, patch, command }
  return { ...reports, restore, found, letHoursPass }
}

const RUNS = [
  ['of the hour', ({ tick }: ReconcileWorld) => tick()],
  ['that is asked for', ({ run }: ReconcileWorld) => run('report')],
] as const

describe('a manager whose account came back, and for whom new users wait', () => {
  test.each(RUNS)(
    'is linked to nobody by a run %s that only reports: she says who waits, and what to do',
    async (_, report) => {
      const { world, boss, waiters, restore, letHoursPass } = await awaited('ann', 'bob')
      await restore()
      await report(world)
      expect(await world.binding(boss)).toMatchObject({
        ...RETURNED,
        error: {
          message: expect.stringContaining('2 users'),
          whatToDo: expect.stringMatching(/^Replay this/),
        },
      })
      await letHoursPass()
      await report(world)
      expect(written(world)).toEqual([])
      expect(await world.binding(boss)).toMatchObject(RETURNED)
      for (const id of waiters) expect(await world.binding(id)).toMatchObject(SYNCED)
      const { body } = await world.api.get('/events?type=export_failure')
      expect(body['items']).toHaveLength(2)
      const { body: status } = await world.api.get(`/directories/${world.directoryId}/status`)
      expect(status).toMatchObject({ failed: 1, owed: 0 })
    },
  )

  test.each([
    ['she is replayed', '/failures/replay', () => ({})],
    ['every failure is replayed', '/failures/replay', () => ({ all: true })],
    ['she is exported again', '/exports', (boss: string) => ({ userIds: [boss] })],
    ['everybody is exported again', '/exports', () => ({ all: true })],
    ['she is bound again', '/bindings', (boss: string) => ({ userIds: [boss] })],
  ])('is linked once to each of them when %s', async (_, path, body) => {
    const { world, boss, waiters, command, found, letHoursPass } = await awaited('ann', 'bob')
    await found()
    await command(path, body(boss))
    await letHoursPass()
    expect(linked(world).toSorted()).toEqual(['ann', 'bob'].map(world.accountOf).toSorted())
    for (const id of [boss, ...waiters]) expect(await world.binding(id)).toMatchObject(SYNCED)
  })

  test('is linked once to each of them by a run that enforces, whether or not one that reports came before', async () => {
    for (const comesBefore of [true, false]) {
      const { world, boss, restore, found, letHoursPass } = await awaited('ann', 'bob')
      await (comesBefore ? found() : restore())
      await world.run('enforce')
      await letHoursPass()
      expect(linked(world).toSorted()).toEqual(['ann', 'bob'].map(world.accountOf).toSorted())
      expect(await world.binding(boss)).toMatchObject(SYNCED)
    }
  })

  test('is linked once to each of them by a run that dies once it has told of her, and whose directory is paused then', async () => {
    const { world, waiters, restore, letHoursPass } = await awaited('ann', 'bob')
    await restore()
    await world.query(sql`CREATE TRIGGER dies BEFORE UPDATE OF progress ON reconciliation
      WHEN OLD.progress ->> '$.cursor' LIKE 'back:%' BEGIN SELECT RAISE(ABORT, 'Network connection lost'); END`)
    const run = await world.begin('enforce')
    const state = (value: string) =>
      world.api.patch(`/directories/${world.directoryId}`, { state: value })
    await state('paused')
    await world.query(sql`DROP TRIGGER dies`)
    await letHoursPass()
    expect(await world.read(run)).toMatchObject({ state: 'done' })
    await state('active')
    await letHoursPass()
    expect(linked(world).toSorted()).toEqual(['ann', 'bob'].map(world.accountOf).toSorted())
    for (const id of waiters) expect(await world.binding(id)).toMatchObject(SYNCED)
  })

  test('and goes again while the link that a run told has no answer, is waited for: no link is removed that is not there', async () => {
    const { world, graphId, waiters, restore } = await awaited('ann')
    await restore()
    const match = { method: 'PUT', path: '/manager/' }
    world.graph.faults.add({
      match,
      times: 1,
      status: 503,
      code: 'serviceUnavailable',
      message: '',
    })
    await world.begin('enforce')
    await world.drain()
    expect(linked(world)).toEqual([world.accountOf('ann')])
    await world.removeAccount(graphId)
    world.graph.journal.clear()
    await world.settle()
    const path = `/users/${world.accountOf('ann')}/manager/$ref`
    expect(written(world)).toEqual([`PUT ${path} 404`])
    expect(await world.binding(waiters[0] ?? '')).toMatchObject({ ...SYNCED, unknown: '[]' })
  })

  test('is linked once to each of them when she herself changes here, also where her change is put off', async () => {
    const { world, boss, patch, found, letHoursPass } = await awaited('ann', 'bob')
    await found()
    world.graph.faults.add({
      match: { method: 'PATCH', path: '^/users/' },
      times: 2,
      status: 503,
      code: 'serviceUnavailable',
      message: 'Service unavailable.',
    })
    await patch(boss, 'title', 'CEO')
    await letHoursPass()
    expect(linked(world).toSorted()).toEqual(['ann', 'bob'].map(world.accountOf).toSorted())
    expect(await world.binding(boss)).toMatchObject(SYNCED)
  })

  test('and who is owed something herself says both, and a replay carries out both', async () => {
    const { world, boss, patch, command, found } = await awaited('ann')
    await patch(boss, 'title', 'CEO')
    world.clock.now += 3_600_000
    await found()
    const { error } = await world.binding(boss)
    expect(error['message']).toMatch(/was not exported.*1 user whose manager this is waits/)
    await command('/failures/replay', {})
    expect(written(world)).toHaveLength(2)
    expect(linked(world)).toEqual([world.accountOf('ann')])
  })

  test('is linked to who changes himself meanwhile, by that alone, who waits no longer then', async () => {
    const { world, boss, waiters, patch, found, letHoursPass, command } = await awaited('ann')
    const [ann = ''] = waiters
    await found()
    expect(await waiting(world)).toEqual([ann])
    await patch(ann, 'title', 'CFO')
    expect(linked(world)).toEqual([world.accountOf('ann')])
    expect(await waiting(world)).toEqual([])
    world.clock.now += 3_600_000
    world.graph.journal.clear()
    await world.run('report')
    expect(await world.binding(boss)).toMatchObject(SYNCED)
    await command('/exports', { userIds: [boss] })
    await letHoursPass()
    expect(linked(world)).toEqual([])
  })

  test('is linked at once to who is created after the run that found her', async () => {
    const { world, boss, create, found } = await awaited('ann')
    await found()
    await create('cyn')
    expect(linked(world)).toEqual([world.accountOf('cyn')])
    expect(await world.binding(boss)).toMatchObject(RETURNED)
  })

  test('is linked at once to who is created in the round that hears of it', async () => {
    const { world, boss, restore } = await awaited('ann')
    await restore()
    await world.begin('report')
    await world.scim.post('/Users', reportOf(boss, 'cyn'))
    await world.settle()
    expect(linked(world)).toEqual([world.accountOf('cyn')])
    expect(await world.binding(boss)).toMatchObject({
      ...RETURNED,
      error: { message: expect.stringContaining('1 user') },
    })
  })

  test('is well at once where whoever waits has lost the link with her account: that is drift, and nothing is tried again', async () => {
    const { world, boss, patch, restore, letHoursPass } = await awaited()
    await world.restoreAccount(world.accountOf('boss'))
    await world.run('enforce')
    const { body: ann } = await world.scim.post('/Users', reportOf(boss, 'ann'))
    await world.settle()
    world.clock.now += 3_600_000
    await world.removeAccount(world.accountOf('boss'))
    await world.run('report')
    refuseWrites(world)
    await patch(ann['id'], 'title', 'CFO')
    expect(await world.binding(ann['id'])).toMatchObject({ state: 'failed' })
    expect(await waiting(world)).toEqual([ann['id']])
    world.clock.now += 3_600_000
    await restore()
    world.graph.changeUser(world.accountOf('ann'), { manager: null })
    const told = await world.drift(await world.run('report'))
    expect(told.map(({ attribute }) => attribute).toSorted()).toEqual(['deleted', 'manager'])
    expect(await world.binding(boss)).toMatchObject(SYNCED)
    await letHoursPass()
    expect(written(world)).toEqual([])
  })

  test('is well at once where nobody waits for her any more', async () => {
    const { world, boss, waiters, restore, letHoursPass } = await awaited('ann', 'bob')
    const [ann = '', bob = ''] = waiters
    await world.scim.patch(`/Users/${ann}`, [{ op: 'remove', path: `${ENTERPRISE}:manager` }])
    await world.scim.delete(`/Users/${bob}`)
    await world.settle()
    expect(await waiting(world)).toContain(ann)
    world.clock.now += 3_600_000
    await restore()
    await world.run('report')
    expect(await world.binding(boss)).toMatchObject(SYNCED)
    await letHoursPass()
    expect(written(world)).toEqual([])
  })

  test('is well at once where whoever waits has no account to be linked', async () => {
    const { world, boss, restore, create } = await awaited()
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      status: 403,
      code: 'Authorization_RequestDenied',
    })
    const ann = await create('ann')
    expect(await world.binding(ann)).toMatchObject({ state: 'failed', graph_id: null })
    expect(await waiting(world)).toEqual([ann])
    await restore()
    await world.run('report')
    expect(await world.binding(boss)).toMatchObject(SYNCED)
  })

  test('and who is well because nobody waits, writes nothing', async () => {
    const { world, boss, restore, letHoursPass } = await awaited()
    await restore()
    await world.run('report')
    expect(await world.binding(boss)).toMatchObject(SYNCED)
    await letHoursPass()
    expect(written(world)).toEqual([])
  })
})

test('a manager whom her group binds again is linked to a report whose disabling is held', async () => {
  const world = await reconcileWorld()
  const { id: staff } = (await world.scim.post('/Groups', { displayName: 'Staff' })).body
  const bindNewUsers = { mode: 'groups', groupIds: [staff] }
  await world.api.patch(`/directories/${world.directoryId}`, { settings: { bindNewUsers } })
  const { id: boss } = (await world.scim.post('/Users', newUser('boss'))).body
  const { id: ann } = (await world.scim.post('/Users', reportOf(boss, 'ann'))).body
  const members = async (op: string, ...ids: string[]) => {
    const value = ids.map((id) => ({ value: id }))
    await world.scim.patch(`/Groups/${staff}`, [{ op, path: 'members', value }])
    await world.settle()
    world.clock.now += 3_600_000
  }
  await members('add', boss, ann)
  const graphId = world.accountOf('ann')
  await members('remove', boss)
  expect(await world.binding(boss)).toMatchObject({ state: 'former' })
  await world.lower({ count: 0, percent: 0 })
  await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'active', value: false }])
  await world.settle()
  const { state, error } = await world.binding(ann)
  expect(state).toBe('held')
  world.graph.journal.clear()
  await members('add', boss)
  expect(linked(world)).toEqual([graphId])
  expect(await world.binding(ann)).toMatchObject({ state, error, approval: 'asked', due_at: null })
})
