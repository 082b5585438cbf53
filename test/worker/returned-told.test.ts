import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

const REFUSED = {
  times: 1,
  status: 403,
  code: 'Authorization_RequestDenied',
  message: 'Insufficient privileges to complete the operation.',
} as const

interface Row {
  readonly attribute: string
  readonly ours: unknown
  readonly theirs: unknown
}

/** What a run told of what Microsoft 365 holds otherwise, in the order of the attributes. */
async function told(world: ReconcileWorld, run: Record<string, unknown>): Promise<Row[]> {
  const rows = await world.drift(run)
  return rows.map(({ attribute, ours, theirs }) => ({ attribute, ours, theirs }))
}

/** The writes since the journal was cleared: what they change of a user, and how often. */
const sent = ({ graph }: ReconcileWorld): unknown[] =>
  graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && !/\$batch|\/token$/.test(url))
    .map(({ method, url, body }) =>
      method === 'PATCH' ? body : `${method} ${url.replace(/^.*\/users\/[^/]*/, '')}`,
    )

/** Ann, whose account somebody deletes in Microsoft 365, which a run finds. */
async function away() {
  const world = await reconcileWorld()
  const [ann = ''] = await world.exported('ann')
  const graphId = world.accountOf('ann')
  const remove = async () => {
    await world.removeAccount(graphId)
    await world.run('report')
    expect(await world.binding(ann)).toMatchObject({ error: { code: 'object_missing' } })
  }
  const patch = async (path: string, value: unknown) => {
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path, value }])
    await world.settle()
  }
  /** Its user is deleted here, and from then on the directory says what becomes of such accounts. */
  const left = async (onDelete: 'disable' | 'delete' | 'leave') => {
    await world.scim.delete(`/Users/${ann}`)
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
    const path = `/directories/${world.directoryId}`
    expect(await world.api.patch(path, { settings: { onDelete } })).toMatchObject({ status: 200 })
  }
  /** Somebody restores it: a run that reports tells what the one that enforces behind it tells, and sends. */
  const restored = async () => {
    world.clock.now += 3_600_000
    await world.restoreAccount(graphId)
    world.graph.journal.clear()
    const before = await told(world, await world.run('report'))
    expect(sent(world)).toEqual([])
    world.clock.now += 3_600_000
    const run = await world.run('enforce')
    expect(await told(world, run)).toEqual(before)
    const { counts } = run
    const writes = sent(world)
    world.clock.now += 3_600_000
    world.graph.journal.clear()
    expect(await told(world, await world.run('enforce'))).toEqual([])
    expect(sent(world)).toEqual([])
    return { told: before, sent: writes, counts }
  }
  return { world, ann, graphId, remove, patch, left, restored }
}

const BACK: Row = { attribute: 'deleted', ours: 'deleted', theirs: null }

describe('an account that came back', () => {
  test.each(['report', 'enforce'] as const)(
    'and is owed nothing, is told of once, and sent nothing (%s)',
    async (mode) => {
      const { world, ann, graphId, remove } = await away()
      await remove()
      world.clock.now += 3_600_000
      await world.restoreAccount(graphId)
      world.graph.journal.clear()
      expect(await told(world, await world.run(mode))).toEqual([BACK])
      expect(await world.binding(ann)).toMatchObject({ state: 'synced', error: null })
      expect(await told(world, await world.run('enforce'))).toEqual([])
      expect(sent(world)).toEqual([])
    },
  )

  test('is told of with what has changed here meanwhile, and sent that', async () => {
    const { remove, patch, restored } = await away()
    await remove()
    await patch('title', 'Boss')
    expect(await restored()).toMatchObject({
      told: [BACK, { attribute: 'jobTitle', ours: 'Boss', theirs: 'Engineer' }],
      sent: [{ jobTitle: 'Boss' }],
      counts: { drift: 2, corrected: 1 },
    })
  })

  test('is told of by the run of the hour too, which reads it by its id', async () => {
    const { world, graphId, remove, patch } = await away()
    await world.tick()
    await remove()
    await patch('title', 'Boss')
    await world.tick()
    await world.restoreAccount(graphId)
    world.graph.journal.clear()
    expect(await told(world, (await world.tick()) ?? {})).toEqual([
      BACK,
      { attribute: 'jobTitle', ours: 'Boss', theirs: 'Engineer' },
    ])
    expect(sent(world)).toEqual([])
  })

  test('is told of with what was refused before, and sent that', async () => {
    const { world, graphId, remove, patch, restored } = await away()
    world.graph.faults.add({ match: { method: 'PATCH', path: `^/users/${graphId}` }, ...REFUSED })
    await patch('title', 'Boss')
    world.clock.now += 3_600_000
    await remove()
    expect(await restored()).toMatchObject({
      told: [BACK, { attribute: 'jobTitle', ours: 'Boss', theirs: 'Engineer' }],
      sent: [{ jobTitle: 'Boss' }],
    })
  })

  test('is told of with what somebody changed there too, each attribute once, as it is desired by now', async () => {
    const { world, graphId, remove, patch, restored } = await away()
    await patch('title', 'Boss')
    await patch('nickName', 'Annie')
    world.clock.now += 3_600_000
    await remove()
    await patch('title', 'Chief')
    world.graph.changeUser(graphId, { properties: { jobTitle: 'Head', givenName: 'Anna' } })
    expect(await restored()).toMatchObject({
      told: [
        BACK,
        { attribute: 'firstname', ours: 'ann', theirs: 'Anna' },
        { attribute: 'jobTitle', ours: 'Chief', theirs: 'Head' },
      ],
      sent: [{ givenName: 'ann', jobTitle: 'Chief' }],
    })
  })

  test('is told of with its disabling, where its user was suspended meanwhile', async () => {
    const { remove, patch, restored } = await away()
    await remove()
    await patch('active', false)
    expect(await restored()).toMatchObject({
      told: [{ attribute: 'accountEnabled', ours: false, theirs: true }, BACK],
      sent: [{ accountEnabled: false }, 'POST /revokeSignInSessions'],
      counts: { corrected: 1 },
    })
  })

  test('is told of with its disabling, where its user was deleted meanwhile', async () => {
    const { remove, left, restored } = await away()
    await remove()
    await left('disable')
    expect(await restored()).toMatchObject({
      told: [{ attribute: 'accountEnabled', ours: false, theirs: true }, BACK],
      sent: [{ accountEnabled: false }, 'POST /revokeSignInSessions'],
      counts: { corrected: 1 },
    })
  })

  test('is told of with its deletion, where its user was deleted meanwhile and the directory says so', async () => {
    const { graphId, remove, left, restored } = await away()
    await remove()
    await left('delete')
    expect(await restored()).toMatchObject({
      told: [{ attribute: 'account', ours: null, theirs: graphId }, BACK],
      sent: ['DELETE '],
      counts: { corrected: 1 },
    })
  })

  test('is left alone, where its user was deleted meanwhile and the directory says so', async () => {
    const { remove, left, restored } = await away()
    await remove()
    await left('leave')
    expect(await restored()).toMatchObject({ sent: [], counts: { corrected: 0 } })
  })

  test('is told of with its new password, and with nothing of it', async () => {
    const { remove, patch, restored } = await away()
    await remove()
    await patch('password', 'Correct-Horse-9')
    const { told: rows, sent: writes } = await restored()
    expect(rows).toEqual([BACK, { attribute: 'password', ours: null, theirs: null }])
    expect(writes).toHaveLength(1)
  })

  test.each(['disable', 'delete'] as const)(
    'whose ending (%s) the threshold holds, is asked about once, and ended then',
    async (onDelete) => {
      const { world, graphId, remove, left } = await away()
      await remove()
      await left(onDelete)
      await world.lower({ count: 0, percent: 0 })
      world.clock.now += 3_600_000
      await world.restoreAccount(graphId)
      world.graph.journal.clear()
      const run = await world.run('enforce')
      expect(run).toMatchObject({ state: 'held', counts: { corrected: 0 }, error: { disables: 1 } })
      expect(sent(world)).toEqual([])
      expect(await world.decide(run, 'approve')).toMatchObject({ counts: { corrected: 1 } })
      expect(sent(world)).toEqual(
        onDelete === 'delete'
          ? ['DELETE ']
          : [{ accountEnabled: false }, 'POST /revokeSignInSessions'],
      )
    },
  )
})

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** Boss, whose account somebody deletes there, with `reports` from before and `waiters` who are created here afterwards. */
async function bossAway(
  reports: readonly string[],
  waiters: readonly string[],
  reconcile = { mode: 'report' as 'report' | 'enforce' },
) {
  const world = await reconcileWorld({
    settings: { reconcile: { ...reconcile, intervalMinutes: 60 } },
  })
  const [boss = ''] = await world.exported('boss')
  const graphId = world.accountOf('boss')
  const ids: string[] = []
  const create = async (name: string) => {
    const manager = { [ENTERPRISE]: { manager: { value: boss } } }
    const { body } = await world.scim.post('/Users', newUser(name, manager))
    await world.settle()
    ids.push(String(body['id']))
  }
  for (const name of reports) await create(name)
  world.clock.now += 3_600_000
  await world.tick()
  await world.removeAccount(graphId)
  // Graph drops the links together with the account.
  for (const name of reports) world.graph.changeUser(world.accountOf(name), { manager: null })
  await world.tick()
  expect(await world.binding(boss)).toMatchObject({ error: { code: 'object_missing' } })
  for (const name of waiters) await create(name)
  world.clock.now += 3_600_000
  const restore = async () => {
    await world.restoreAccount(graphId)
    world.graph.journal.clear()
  }
  const refuse = async (id: string) => {
    world.graph.faults.add({ match: { method: 'PATCH', path: '^/users/' }, ...REFUSED })
    await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value: 'CFO' }])
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'failed', due_at: null })
    world.clock.now += 3_600_000
  }
  const manager = { attribute: 'manager', ours: graphId, theirs: null }
  return { world, boss, graphId, ids, restore, refuse, manager }
}

/** Who was linked to a manager since the journal was cleared, and every other write. */
function links(world: ReconcileWorld, ...names: string[]) {
  const writes = world.graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && !/\$batch|\/token$/.test(url))
  const linked = writes.flatMap(({ method, url }) =>
    method === 'PUT' ? names.filter((name) => url.includes(world.accountOf(name))) : [],
  )
  const others = writes.flatMap(({ method, body, url }) => (method === 'PUT' ? [] : [body ?? url]))
  return { linked: linked.toSorted(), others }
}

const NOTHING = { linked: [], others: [] }

describe('a manager whose account came back', () => {
  test.each(['the hour', 'an administrator'])(
    'is told of with the links that went with the account, and linked again by a run of %s that enforces',
    async (whose) => {
      const { world, restore, manager } = await bossAway(['ann', 'bob'], [], { mode: 'enforce' })
      await restore()
      const run = whose === 'the hour' ? ((await world.tick()) ?? {}) : await world.run('enforce')
      expect(await told(world, run)).toEqual([BACK, manager, manager])
      expect(run).toMatchObject({ counts: { corrected: 2 } })
      expect(links(world, 'ann', 'bob')).toEqual({ linked: ['ann', 'bob'], others: [] })
      world.graph.journal.clear()
      for (const next of [await world.tick(), await world.run('enforce')])
        expect(await told(world, next ?? {})).toEqual([])
      expect(links(world, 'ann', 'bob')).toEqual(NOTHING)
    },
  )

  test.each(['the hour', 'an administrator'])(
    'is told of with those links by a run of %s that reports, which links nobody',
    async (whose) => {
      const { world, restore, manager } = await bossAway(['ann', 'bob'], [])
      await restore()
      const run = whose === 'the hour' ? ((await world.tick()) ?? {}) : await world.run('report')
      expect(await told(world, run)).toEqual([BACK, manager, manager])
      expect(links(world, 'ann', 'bob')).toEqual(NOTHING)
    },
  )

  test('and whose links are there still, is linked to nobody', async () => {
    const { world, graphId, restore } = await bossAway(['ann', 'bob'], [])
    world.graph.changeUser(world.accountOf('ann'), { manager: graphId })
    world.graph.changeUser(world.accountOf('bob'), { manager: graphId })
    await restore()
    expect(await told(world, await world.run('enforce'))).toEqual([BACK])
    expect(links(world, 'ann', 'bob')).toEqual(NOTHING)
  })

  test.each([
    ['one that reports came before', true],
    ['none came before', false],
  ])('is told of with whoever waits for her, who is linked once (%s)', async (_, comesBefore) => {
    const { world, restore, ids, manager } = await bossAway([], ['ann', 'bob'])
    await restore()
    const expected = [BACK, manager, manager]
    if (comesBefore) expect(await told(world, await world.run('report'))).toEqual(expected)
    expect(links(world, 'ann', 'bob')).toEqual(NOTHING)
    const run = await world.run('enforce')
    expect(await told(world, run)).toEqual(expected)
    expect(run).toMatchObject({ counts: { corrected: 2 } })
    expect(links(world, 'ann', 'bob')).toEqual({ linked: ['ann', 'bob'], others: [] })
    for (const id of ids) expect(await world.binding(id)).toMatchObject({ state: 'synced' })
    world.graph.journal.clear()
    expect(await told(world, await world.run('enforce'))).toEqual([])
    expect(links(world, 'ann', 'bob')).toEqual(NOTHING)
  })

  test('and who is owed something herself, is told of with both, and sent both', async () => {
    const { world, boss, graphId, restore, manager } = await bossAway(['ann'], ['bob'])
    await world.scim.patch(`/Users/${boss}`, [{ op: 'replace', path: 'title', value: 'CEO' }])
    await world.settle()
    await restore()
    const title = { attribute: 'jobTitle', ours: 'CEO', theirs: 'Engineer' }
    // Her own write is put off: whoever is linked to her by then is not linked again.
    world.graph.faults.add({
      match: { method: 'PATCH', path: `^/users/${graphId}` },
      times: 1,
      status: 503,
      code: 'serviceUnavailable',
      message: 'Service unavailable.',
    })
    const rows = await told(world, await world.run('enforce'))
    expect(rows).toHaveLength(4)
    expect(rows).toEqual(expect.arrayContaining([BACK, title, manager]))
    const ceo = { jobTitle: 'CEO' }
    expect(links(world, 'ann', 'bob')).toEqual({ linked: ['ann', 'bob'], others: [ceo, ceo] })
    world.graph.journal.clear()
    expect(await told(world, await world.run('enforce'))).toEqual([])
    expect(links(world, 'ann', 'bob')).toEqual(NOTHING)
  })

  test.each([
    ['has lost the link', ['ann'], []],
    ['waits for it', [], ['ann']],
  ])(
    'is linked to who %s, and of whom something was refused: that stays refused',
    async (_, reports, waiters) => {
      const { world, ids, restore, refuse, manager } = await bossAway(reports, waiters)
      const [ann = ''] = ids
      await refuse(ann)
      const before = await world.binding(ann)
      await restore()
      expect(await told(world, await world.run('enforce'))).toEqual([BACK, manager])
      expect(links(world, 'ann')).toEqual({ linked: ['ann'], others: [] })
      const { state, error } = before
      expect(await world.binding(ann)).toMatchObject({ state, error, due_at: null, found: null })
    },
  )

  test('and is replayed, is linked to whoever has lost the link or waits, of whom what was refused stays refused', async () => {
    const { world, ids, restore, refuse } = await bossAway(['ann'], ['bob'])
    for (const id of ids) await refuse(id)
    await restore()
    const directory = `/directories/${world.directoryId}`
    const { body } = await world.api.get(`${directory}/failures`)
    const failure = body['items'].find(
      ({ error }: { error: { code: string } }) => error.code === 'object_missing',
    )
    await world.api.post(`${directory}/failures/replay`, { bindingIds: [failure['id']] })
    await world.settle()
    expect(links(world, 'ann', 'bob').linked).toEqual(['ann', 'bob'])
    for (const id of ids) expect(await world.binding(id)).toMatchObject({ state: 'failed' })
  })

  test('is told of before her reports, whoever was created first: a drain that meets them knows that she is there', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    const [boss = ''] = await world.exported('boss')
    expect(ann < boss).toBe(true)
    const path = `${ENTERPRISE}:manager`
    await world.scim.patch(`/Users/${ann}`, [{ op: 'add', path, value: { value: boss } }])
    await world.settle()
    world.clock.now += 3_600_000
    await world.removeAccount(world.accountOf('boss'))
    await world.run('report')
    await world.restoreAccount(world.accountOf('boss'))
    world.graph.changeUser(world.accountOf('ann'), { manager: null })
    await world.begin('enforce')
    const events = await world.query(sql`SELECT target_id FROM event
      WHERE organization_id = ${world.organizationId} AND type = 'drift_found' ORDER BY sequence DESC LIMIT 2`)
    expect(events.map((event) => event['target_id'])).toEqual([ann, boss])
  })
})
