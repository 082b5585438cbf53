import { describe, expect, test } from 'vitest'

import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'
import { untoldWrites, unwrittenTold } from '../support/told-writes.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

const reportOf = (boss: string, name: string) =>
  newUser(name, { [ENTERPRISE]: { manager: { value: boss } } })

/** Every write since the journal was cleared. */
const written = ({ graph }: ReconcileWorld) =>
  graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && !/\$batch|\/token$/.test(url))

/** Which links to a manager were taken away since the journal was cleared, by account. */
const unlinked = (world: ReconcileWorld): string[] =>
  written(world)
    .filter(({ method, url }) => method === 'DELETE' && url.endsWith('/manager/$ref'))
    .map(({ url }) => url.split('/')[2] ?? '')

const told = async (world: ReconcileWorld, run: Loose) =>
  (await world.drift(run)).map(({ userId, attribute, ours, theirs }) => ({
    userId,
    attribute,
    ours,
    theirs,
  }))

/**
 * Boss, whose account somebody deleted in Microsoft 365 and whose user was deleted here since, and Ann, Bob and Cyn, whose manager she
 * was; somebody restores the account. `meanwhile`: who was to report to her while it was deleted.
 */
async function bossBack(settings = {}, meanwhile: readonly string[] = []) {
  const world = await reconcileWorld({ settings })
  const [boss = ''] = await world.exported('boss')
  const graphId = world.accountOf('boss')
  const reports: string[] = []
  for (const name of ['ann', 'bob', 'cyn'])
    reports.push((await world.scim.post('/Users', reportOf(boss, name))).body['id'])
  await world.settle()
  world.clock.now += 3_600_000
  await world.tick()
  await world.removeAccount(graphId)
  await world.tick()
  for (const name of meanwhile) await world.scim.post('/Users', reportOf(boss, name))
  await world.settle()
  await world.scim.delete(`/Users/${boss}`)
  await world.settle()
  expect(await world.binding(boss)).toMatchObject({ state: 'failed' })
  world.clock.now += 3_600_000
  await world.restoreAccount(graphId)
  /** What a run leads to, with all that follows it for hours. */
  const run = async (mode: 'report' | 'enforce', start = () => world.run(mode)) => {
    world.graph.journal.clear()
    const started = await start()
    const rows = await told(world, started)
    for (let hour = 0; hour < 3; hour += 1) await world.tick()
    const requests = written(world)
    const id = String(started['id'])
    return {
      run: started,
      rows,
      requests,
      untold: await untoldWrites(world, id, requests),
      unwritten: await unwrittenTold(world, id, requests),
    }
  }
  const gone = (userId: string | undefined, theirs = graphId) => ({
    userId,
    attribute: 'manager',
    ours: null,
    theirs,
  })
  return { world, boss, graphId, reports, run, gone }
}

const EXACT = { untold: [], unwritten: [] }

describe('a manager whose user was deleted here, and whose account is back', () => {
  test.each(['the hour', 'an administrator'])(
    'is told of with the links to her, which go when a run of %s that enforces ends the account',
    async (whose) => {
      const { world, boss, reports, run, gone } = await bossBack()
      const isOfHour = whose === 'the hour'
      const hour = async () => (await world.tick()) ?? {}
      const first = await run('report', isOfHour ? hour : undefined)
      expect(first.requests).toEqual([])
      const expected = [
        { userId: boss, attribute: 'accountEnabled', ours: false, theirs: true },
        { userId: boss, attribute: 'deleted', ours: 'deleted', theirs: null },
        ...reports.toSorted().map((id) => gone(id)),
      ]
      expect(first.rows).toEqual(expected)
      const path = `/directories/${world.directoryId}`
      const reconcile = { mode: 'enforce', intervalMinutes: 60 }
      if (isOfHour) await world.api.patch(path, { settings: { reconcile } })
      const enforced = await run('enforce', isOfHour ? hour : undefined)
      expect(enforced).toMatchObject({ ...EXACT, rows: expected })
      expect(unlinked(world).toSorted()).toEqual(
        ['ann', 'bob', 'cyn'].map(world.accountOf).toSorted(),
      )
      expect(await run('enforce')).toMatchObject({ ...EXACT, rows: [], requests: [] })
    },
  )

  test.each([
    ['at once', 0],
    ['with the second try', 1],
  ])(
    'and whose links are not there any more, is ended %s, and nobody loses a link that is not there',
    async (_, times) => {
      const { world, boss, graphId, reports, run, gone } = await bossBack()
      const match = { method: 'PATCH', path: `^/users/${graphId}` }
      if (times > 0) world.graph.faults.add({ match, times, status: 503 })
      const [ann, bob, cyn] = reports
      world.graph.changeUser(world.accountOf('bob'), { manager: null })
      world.graph.changeUser(world.accountOf('cyn'), { manager: world.accountOf('ann') })
      const enforced = await run('enforce')
      expect(enforced).toMatchObject(EXACT)
      const rows = enforced.rows.filter(({ userId }) => userId !== boss)
      expect(rows).toHaveLength(2)
      expect(rows).toEqual(expect.arrayContaining([gone(ann), gone(cyn, world.accountOf('ann'))]))
      expect(unlinked(world).toSorted()).toEqual(['ann', 'cyn'].map(world.accountOf).toSorted())
      expect(await run('enforce')).toMatchObject({ ...EXACT, rows: [], requests: [] })
      expect(await world.binding(bob ?? '')).toMatchObject({ state: 'synced' })
    },
  )

  test.each([
    ['at once', 0],
    ['with the second try', 1],
  ])(
    'and who has reports of whom something was refused, is ended %s: that stays refused',
    async (_, times) => {
      const { world, graphId, reports, run } = await bossBack()
      const [ann = ''] = reports
      const path = '^/users/'
      const refusal = { status: 403, code: 'Authorization_RequestDenied' }
      world.graph.faults.add({ match: { method: 'PATCH', path }, times: 1, ...refusal })
      await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'CFO' }])
      await world.settle()
      const { state, error } = await world.binding(ann)
      expect(state).toBe('failed')
      world.clock.now += 3_600_000
      const match = { method: 'PATCH', path: `^/users/${graphId}` }
      if (times > 0) world.graph.faults.add({ match, times, status: 503 })
      expect(await run('enforce')).toMatchObject(EXACT)
      expect(unlinked(world)).toHaveLength(3)
      expect(await world.binding(ann)).toMatchObject({ state, error, due_at: null })
    },
  )

  test.each([
    ['is linked to nobody meanwhile', []],
    ['is linked to nobody while the end of a link is put off too', ['ann']],
    ['is linked to nobody while the ends of all links are put off too', ['ann', 'bob', 'cyn']],
  ])('and whose end is put off by Microsoft 365, %s', async (_, names) => {
    const { world, graphId, reports, run } = await bossBack()
    const putOff = (method: string, path: string) =>
      world.graph.faults.add({ match: { method, path }, times: 1, status: 429 })
    putOff('PATCH', `^/users/${graphId}`)
    for (const name of names) putOff('DELETE', `^/users/${world.accountOf(name)}/manager`)
    const enforced = await run('enforce')
    expect(enforced).toMatchObject(EXACT)
    expect(enforced.requests.filter(({ method }) => method === 'PUT')).toEqual([])
    expect(new Set(unlinked(world)).size).toBe(3)
    for (const id of reports)
      expect(await world.binding(id)).toMatchObject({ state: 'synced', due_at: null, found: null })
  })

  test('is deleted by a run that enforces where the directory deletes: what somebody else had deleted did not count as that', async () => {
    const { world, boss, graphId, run } = await bossBack({ onDelete: 'delete' })
    const { rows, ...enforced } = await run('enforce')
    expect(rows).toContainEqual({ userId: boss, attribute: 'account', ours: null, theirs: graphId })
    expect(enforced).toMatchObject(EXACT)
    expect(await world.binding(boss)).toMatchObject({ state: 'former' })
    const account = world.graph.summary().users.find(({ id }) => id === graphId)
    expect(account).toMatchObject({ isDeleted: true })
  })

  test.each(['disable', 'delete'])(
    'and whom a run that only reports has found, is left to a replay, whatever settings change meanwhile (%s)',
    async (onDelete) => {
      const { world, boss, run } = await bossBack({ onDelete })
      await run('report')
      const before = await world.binding(boss)
      expect(before).toMatchObject({ state: 'failed', error: { code: 'account_returned' } })
      const path = `/directories/${world.directoryId}`
      for (const upnSource of ['alternateEmail', 'email'])
        await world.api.patch(path, { settings: { upnSource } })
      await world.settle()
      expect(await world.binding(boss)).toEqual(before)
      expect(written(world).filter(({ url }) => url.includes(before['graph_id']))).toEqual([])
      await world.api.post(`${path}/failures/replay`, { all: true })
      await world.settle()
      expect(await world.binding(boss)).toMatchObject({ state: 'former' })
    },
  )

  test('and for whom others wait who came meanwhile, is told of without them: nobody is linked to her', async () => {
    const { world, boss, run } = await bossBack({}, ['dan'])
    const { rows, ...enforced } = await run('enforce')
    expect(enforced).toMatchObject(EXACT)
    expect(rows.filter(({ ours }) => ours === world.accountOf('boss'))).toEqual([])
    expect(await world.binding(boss)).toMatchObject({ state: 'former' })
    expect(unlinked(world)).toHaveLength(3)
  })

  test('is left as she is with all links while the run is held, and after it was rejected', async () => {
    const { world, run } = await bossBack()
    await world.lower({ count: 0, percent: 0 })
    const held = await run('enforce')
    expect(held).toMatchObject({ run: { state: 'held' }, requests: [] })
    expect(await run('enforce', () => world.decide(held.run, 'reject'))).toMatchObject({
      requests: [],
    })
  })

  test('loses the links as it was told when the run is approved', async () => {
    const { world, run } = await bossBack()
    await world.lower({ count: 0, percent: 0 })
    const held = await run('enforce')
    expect(held.rows.filter(({ attribute }) => attribute === 'manager')).toHaveLength(3)
    const approved = await run('enforce', () => world.decide(held.run, 'approve'))
    expect(approved).toMatchObject({ ...EXACT, rows: held.rows })
    expect(unlinked(world)).toHaveLength(3)
  })
})
