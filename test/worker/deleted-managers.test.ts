import { describe, expect, test } from 'vitest'

import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** What was written there since the journal was cleared, and how it was answered. */
const written = ({ graph }: ReconcileWorld): string[] =>
  graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && !url.includes('$batch'))
    .map(({ method, url, status }) => `${method} ${url.replace(/^.*\/users/, '')} ${status}`)

const links = (world: ReconcileWorld): string[] =>
  written(world).filter((write) => write.includes('/manager/$ref'))

const reportOf = (boss: string, name: string) =>
  newUser(name, { [ENTERPRISE]: { manager: { value: boss } } })

/** Boss, and Ann and Bob who report to her, exported long ago; then her account is deleted there. */
async function bossDeleted() {
  const world = await reconcileWorld()
  const [boss = ''] = await world.exported('boss')
  const create = async (name: string, manager = boss) => {
    const { body } = await world.scim.post('/Users', reportOf(manager, name))
    await world.settle()
    return String(body['id'])
  }
  const reports = [await create('ann'), await create('bob')]
  world.clock.now += 3_600_000
  const graphId = world.accountOf('boss')
  await world.removeAccount(graphId)
  world.graph.journal.clear()
  const states = async () => {
    const rows = await Promise.all(reports.map((id) => world.binding(id)))
    return rows.map((row) => ({ state: row['state'], error: row['error'] }))
  }
  const managersOf = (...names: string[]) =>
    names.map((name) => {
      const user = world.graph.summary().users.find(({ mailNickname }) => mailNickname === name)
      return user?.['managerName']
    })
  /** What Graph drops together with her account is not there once she is back. */
  const loseLinks = () => {
    for (const name of ['ann', 'bob'])
      world.graph.changeUser(world.accountOf(name), { manager: null })
  }
  return { world, boss, graphId, reports, create, states, loseLinks, managersOf }
}

const SYNCED = { state: 'synced', error: null }

describe('a manager whose account somebody deleted in Microsoft 365', () => {
  test.each(['found by an earlier run', 'found by the run itself'])(
    'and %s, is told of once: a run that enforces links nobody to her, fails nobody, calls nothing corrected',
    async (when) => {
      const { world, boss, states } = await bossDeleted()
      if (when === 'found by an earlier run') await world.run('report')
      const run = await world.run('enforce')
      expect(run).toMatchObject({ counts: { drift: 1, deleted: 1, corrected: 0 } })
      expect(await world.drift(run)).toMatchObject([{ userId: boss, attribute: 'deleted' }])
      expect(written(world)).toEqual([])
      expect(await states()).toEqual([SYNCED, SYNCED])
      expect(await world.binding(boss)).toMatchObject({ state: 'failed' })
    },
  )

  test('keeps nothing else of her reports from being exported', async () => {
    const { world, reports, states } = await bossDeleted()
    await world.run('report')
    await world.scim.patch(`/Users/${reports[0]}`, [{ op: 'replace', path: 'title', value: 'CFO' }])
    await world.settle()
    expect(written(world)).toEqual([`PATCH /${world.accountOf('ann')} 204`])
    expect(await states()).toEqual([SYNCED, SYNCED])
  })

  test('and restored is linked once to each of her reports, who are synced', async () => {
    const { world, boss, reports, states, loseLinks, managersOf } = await bossDeleted()
    await world.run('enforce')
    await world.scim.patch(`/Users/${reports[0]}`, [{ op: 'replace', path: 'title', value: 'CFO' }])
    await world.settle()
    world.clock.now += 3_600_000
    await world.restoreAccount(world.accountOf('boss'))
    loseLinks()
    world.graph.journal.clear()
    await world.run('enforce')
    expect(links(world)).toHaveLength(2)
    expect(written(world)).toEqual(links(world))
    expect(managersOf('ann', 'bob')).toEqual(['boss@contoso.com', 'boss@contoso.com'])
    expect(await states()).toEqual([SYNCED, SYNCED])
    expect(await world.binding(boss)).toMatchObject(SYNCED)
    expect(await world.run('enforce')).toMatchObject({ counts: { drift: 0 } })
  })

  test('and restored is linked once her failure is replayed, without any run', async () => {
    const { world, graphId, states } = await bossDeleted()
    await world.run('report')
    await world.restoreAccount(graphId)
    world.graph.journal.clear()
    await world.api.post(`/directories/${world.directoryId}/failures/replay`, { all: true })
    await world.settle()
    expect(links(world)).toHaveLength(2)
    expect(await states()).toEqual([SYNCED, SYNCED])
  })

  test('and found again by a run that reports, is linked to nobody: that the links are not there is told', async () => {
    const { world, boss, graphId, reports, loseLinks, managersOf } = await bossDeleted()
    await world.run('report')
    await world.restoreAccount(graphId)
    loseLinks()
    world.graph.journal.clear()
    const run = await world.run('report')
    const told = (await world.drift(run)).map(({ userId, attribute }) => [userId, attribute])
    expect(told.toSorted()).toEqual(
      [[boss, 'deleted'], ...reports.map((id) => [id, 'manager'])].toSorted(),
    )
    expect(written(world)).toEqual([])
    await world.run('enforce')
    expect(links(world)).toHaveLength(2)
    expect(managersOf('ann', 'bob')).toEqual(['boss@contoso.com', 'boss@contoso.com'])
  })

  test('is waited for by a new user, who is created and synced without the link, and gets it later', async () => {
    const { world, graphId, create, managersOf } = await bossDeleted()
    await world.run('report')
    world.graph.journal.clear()
    const cyn = await create('cyn')
    expect(written(world)).toEqual(['POST  201'])
    expect(await world.binding(cyn)).toMatchObject(SYNCED)
    const preview = await world.api.post(`/directories/${world.directoryId}/preview`, {
      userIds: [cyn],
    })
    expect(preview.body).toMatchObject({ items: [{ action: 'none', changes: [] }] })
    world.clock.now += 3_600_000
    await world.restoreAccount(graphId)
    await world.run('enforce')
    expect(managersOf('cyn')).toEqual(['boss@contoso.com'])
    expect(await world.binding(cyn)).toMatchObject(SYNCED)
    expect(links(world).filter((link) => link.includes(world.accountOf('cyn')))).toHaveLength(1)
  })

  test('and gone for good is linked under her new account, once she is unbound and bound again', async () => {
    const { world, boss, graphId, create, managersOf, states } = await bossDeleted()
    await world.purgeAccount(graphId)
    await world.run('report')
    const cyn = await create('cyn')
    const bindings = `/directories/${world.directoryId}/bindings`
    for (const method of ['DELETE', 'POST'] as const) {
      await world.api.send(method, bindings, { userIds: [boss] })
      await world.settle()
    }
    expect(managersOf('ann', 'bob', 'cyn')).toEqual(Array(3).fill('boss@contoso.com'))
    expect(await states()).toEqual([SYNCED, SYNCED])
    expect(await world.binding(cyn)).toMatchObject(SYNCED)
  })

  test('does not keep the link to whom somebody gave her reports meanwhile: that is drift', async () => {
    const { world, reports, states, managersOf } = await bossDeleted()
    await world.run('report')
    world.graph.changeUser(world.accountOf('ann'), { manager: world.accountOf('bob') })
    const run = await world.run('enforce')
    expect(run).toMatchObject({ counts: { corrected: 1 } })
    const theirs = world.accountOf('bob')
    expect(await world.drift(run)).toContainEqual(
      expect.objectContaining({ userId: reports[0], attribute: 'manager', ours: null, theirs }),
    )
    expect(links(world)).toEqual([`DELETE /${world.accountOf('ann')}/manager/$ref 204`])
    expect(managersOf('ann')).toEqual([null])
    expect(await states()).toEqual([SYNCED, SYNCED])
  })
})

describe('a manager who is to be linked again, and whose account is deleted before that', () => {
  interface Late {
    readonly env?: Loose
    /** Whether the told link is sent only once the account is deleted, or before, and has no answer. */
    readonly isAnswered?: boolean
    /** Whom somebody made her manager. */
    readonly theirs?: string | undefined
  }

  const unanswered = async ({ graph, drain }: ReconcileWorld) => {
    const match = { method: 'PUT', path: '/manager/' }
    graph.faults.add({ match, times: 1, status: 503, code: 'serviceUnavailable', message: '' })
    await drain()
  }

  /** Ann has lost the link to Boss, which a run tells that enforces; then somebody deletes the account. */
  async function toldTooLate({ env = {}, isAnswered = true, theirs }: Late = {}) {
    const world = await reconcileWorld({ env })
    const [boss = ''] = await world.exported('boss', 'eve')
    const { body } = await world.scim.post('/Users', reportOf(boss, 'ann'))
    await world.settle()
    world.clock.now += 3_600_000
    const other = theirs === undefined ? null : world.accountOf(theirs)
    world.graph.changeUser(world.accountOf('ann'), { manager: other })
    const run = await world.begin('enforce')
    const link = { attribute: 'manager', ours: world.accountOf('boss'), theirs: null }
    expect(await world.drift(run)).toMatchObject([{ ...link, theirs: other }])
    if (!isAnswered) await unanswered(world)
    await world.removeAccount(world.accountOf('boss'))
    world.graph.journal.clear()
    /** She comes back without the links: whoever lost them is told of once more. */
    const restored = async () => {
      await world.run('report')
      world.clock.now += 3_600_000
      await world.restoreAccount(world.accountOf('boss'))
      world.graph.changeUser(world.accountOf('ann'), { manager: null })
      world.graph.journal.clear()
      const next = await world.run('enforce')
      expect(await world.drift(next)).toEqual(
        expect.arrayContaining([expect.objectContaining(link)]),
      )
      return links(world)
    }
    const path = `/${world.accountOf('ann')}/manager/$ref`
    return { world, boss, ann: String(body['id']), path, restored }
  }

  test('is tried once, and no link is removed that is not there', async () => {
    const { world, ann, path, restored } = await toldTooLate()
    await world.settle()
    expect(links(world)).toEqual([`PUT ${path} 404`])
    expect(await world.binding(ann)).toMatchObject(SYNCED)
    expect(await restored()).toEqual([`PUT ${path} 204`])
  })

  test('and found out first, is not tried, and no link is removed that is not there', async () => {
    const { world, boss, ann, restored, path } = await toldTooLate({
      env: { GRAPH_WRITE_QUOTA: '1/1' },
    })
    // What is urgent is sent first, and takes the one write that a round may send.
    await world.scim.patch(`/Users/${boss}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    expect(await world.binding(boss)).toMatchObject({ error: { code: 'object_missing' } })
    expect(links(world)).toEqual([])
    expect(await world.binding(ann)).toMatchObject(SYNCED)
    expect(await restored()).toEqual([`PUT ${path} 204`])
  })

  test.each([
    ['is waited for', undefined],
    ['is waited for; whom the report has instead is for the next run to tell', 'eve'],
  ])('and found out before a link without answer is tried again, %s', async (_, theirs) => {
    const { world, boss, ann, path } = await toldTooLate({ isAnswered: false, theirs })
    await world.scim.patch(`/Users/${boss}`, [{ op: 'replace', path: 'active', value: false }])
    await world.drain()
    expect(await world.binding(boss)).toMatchObject({ error: { code: 'object_missing' } })
    await world.settle()
    expect(links(world)).toEqual([])
    expect(await world.binding(ann)).toMatchObject({ ...SYNCED, unknown: '[]' })
    world.clock.now += 3_600_000
    const row = { userId: ann, attribute: 'manager', ours: null }
    const told = theirs === undefined ? [] : [{ ...row, theirs: world.accountOf(theirs) }]
    const drift = await world.drift(await world.run('enforce'))
    expect(drift.filter(({ userId }) => userId !== boss)).toMatchObject(told)
    expect(links(world)).toEqual(told.map(() => `DELETE ${path} 204`))
  })
})

test.each([
  ['by another write', 'found out', []],
  ['by the link', 'tried', ['404']],
])(
  'a manager whose account is deleted while the first link to it has no answer, and found gone %s: no link is removed that is not there',
  async (_, how, tries) => {
    const world = await reconcileWorld()
    const [boss = ''] = await world.exported('boss')
    const match = { method: 'PUT', path: '/manager/' }
    world.graph.faults.add({
      match,
      times: 1,
      status: 503,
      code: 'serviceUnavailable',
      message: '',
    })
    const { body } = await world.scim.post('/Users', reportOf(boss, 'ann'))
    await world.drain()
    expect(await world.binding(body['id'])).toMatchObject({ unknown: '["manager"]' })
    await world.removeAccount(world.accountOf('boss'))
    world.graph.journal.clear()
    if (how === 'found out') {
      await world.scim.patch(`/Users/${boss}`, [{ op: 'replace', path: 'active', value: false }])
      await world.drain()
    }
    await world.settle()
    const path = `/${world.accountOf('ann')}/manager/$ref`
    expect(links(world)).toEqual(tries.map((status) => `PUT ${path} ${status}`))
    expect(await world.binding(body['id'])).toMatchObject({ ...SYNCED, unknown: '[]' })
    await world.run('report')
    world.clock.now += 3_600_000
    await world.restoreAccount(world.accountOf('boss'))
    world.graph.journal.clear()
    await world.run('enforce')
    expect(links(world)).toEqual([`PUT ${path} 204`])
  },
)

describe('a manager whose account was found deleted by a run that the threshold holds', () => {
  /** Beside them Sam, who is suspended here, and whom somebody has enabled there. */
  async function held() {
    const each = await bossDeleted()
    const { world } = each
    const [sam] = await world.exported('sam')
    await world.scim.patch(`/Users/${sam}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    world.clock.now += 3_600_000
    world.graph.changeUser(world.accountOf('sam'), { properties: { accountEnabled: true } })
    for (const name of ['ann', 'bob'])
      world.graph.changeUser(world.accountOf(name), { manager: null })
    await world.lower({ count: 0, percent: 0 })
    const run = await world.run('enforce')
    expect(run).toMatchObject({ state: 'held' })
    world.clock.now += 3_600_000
    world.graph.journal.clear()
    return { ...each, run }
  }

  test('is told of alone once that is approved, and linked to nobody', async () => {
    const { world, run, states } = await held()
    expect(await world.decide(run, 'approve')).toMatchObject({
      counts: { drift: 2, deleted: 1, corrected: 1 },
    })
    expect(links(world)).toEqual([])
    expect(await states()).toEqual([SYNCED, SYNCED])
  })

  test('and is back by then, is linked again once a run finds her', async () => {
    const { world, graphId, run, states, managersOf } = await held()
    await world.restoreAccount(graphId)
    await world.decide(run, 'approve')
    await world.run('enforce')
    expect(links(world)).toHaveLength(2)
    expect(managersOf('ann', 'bob')).toEqual(['boss@contoso.com', 'boss@contoso.com'])
    expect(await states()).toEqual([SYNCED, SYNCED])
  })
})

describe('a manager whose account nobody has found deleted yet', () => {
  test('fails no new user: the link is tried at long pauses, and not at all once a run has found it', async () => {
    const { world, graphId, create, managersOf } = await bossDeleted()
    const asked = world.clock.now
    const cyn = await create('cyn')
    expect(await world.binding(cyn)).toMatchObject({
      state: 'owed',
      error: { code: 'manager_missing', whatToDo: expect.stringContaining('restore it') },
    })
    // At once, then after 5 minutes, 20, 80 and 320 more.
    expect(world.clock.now - asked).toBeGreaterThan(12 * 3_600_000)
    expect(links(world)).toHaveLength(5)
    await world.run('report')
    expect(await world.binding(cyn)).toMatchObject(SYNCED)
    const before = links(world).length
    world.clock.now += 86_400_000
    await world.tick()
    expect(links(world)).toHaveLength(before)
    await world.restoreAccount(graphId)
    await world.run('enforce')
    expect(managersOf('cyn')).toEqual(['boss@contoso.com'])
    expect(await world.binding(cyn)).toMatchObject(SYNCED)
  })

  test('takes the place of the former one at once, whose link goes, so that a run that reports leads to no write', async () => {
    const { world, boss, create, managersOf } = await bossDeleted()
    const [lead = ''] = await world.exported('lead')
    const dan = await create('dan', lead)
    world.clock.now += 3_600_000
    world.graph.journal.clear()
    await world.scim.patch(`/Users/${dan}`, [
      { op: 'replace', path: `${ENTERPRISE}:manager`, value: { value: boss } },
    ])
    await world.drain()
    expect(links(world).map((link) => link.split(' ')[0])).toEqual(['PUT', 'DELETE'])
    expect(managersOf('dan')).toEqual([null])
    expect(await world.binding(dan)).toMatchObject({ error: { code: 'manager_missing' } })
    world.bells.length = 0
    await world.run('report')
    expect(links(world)).toHaveLength(2)
    expect(await world.binding(dan)).toMatchObject(SYNCED)
  })

  test('and that was created moments ago is tried again at once: a replica may lag behind', async () => {
    const world = await reconcileWorld()
    const { body: boss } = await world.scim.post('/Users', newUser('boss'))
    await world.settle()
    world.graph.faults.add({
      match: { method: 'PUT', path: '/manager/' },
      times: 3,
      status: 404,
      code: 'Request_ResourceNotFound',
      message: `Resource '${world.accountOf('boss')}' does not exist or one of its queried reference-property objects are not present.`,
    })
    const asked = world.clock.now
    const { body: ann } = await world.scim.post('/Users', reportOf(boss['id'], 'ann'))
    await world.settle()
    expect(await world.binding(ann['id'])).toMatchObject(SYNCED)
    expect(links(world)).toHaveLength(4)
    expect(world.clock.now - asked).toBeLessThan(60_000)
  })

  test('and that was created moments ago and is deleted, is looked for again in five minutes, then at longer pauses', async () => {
    const world = await reconcileWorld()
    const { body: boss } = await world.scim.post('/Users', newUser('boss'))
    await world.settle()
    await world.removeAccount(world.accountOf('boss'))
    const { body: ann } = await world.scim.post('/Users', reportOf(boss['id'], 'ann'))
    const waits: number[] = []
    await world.drain()
    for (let bell = world.bells.shift(); bell && waits.length < 20; bell = world.bells.shift()) {
      world.clock.now += bell.delaySeconds * 1000
      if ((await world.binding(ann['id']))['error']?.code === 'manager_missing')
        waits.push(bell.delaySeconds)
      await world.answer(bell)
    }
    expect(waits.slice(0, 2)).toEqual([300, 1200])
  })

  test('and is back before any run is linked by the next try', async () => {
    const { world, graphId, create, managersOf } = await bossDeleted()
    const cyn = await create('cyn')
    await world.restoreAccount(graphId)
    world.clock.now += 86_400_000
    await world.tick()
    expect(managersOf('cyn')).toEqual(['boss@contoso.com'])
    expect(await world.binding(cyn)).toMatchObject(SYNCED)
  })
})
