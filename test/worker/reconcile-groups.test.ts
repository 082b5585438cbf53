import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { batchOf } from '../support/export.ts'
import { bindSeeded, reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

/** Creates a group over SCIM and exports it just now; gives our id. */
async function youngGroupOf(world: ReconcileWorld, displayName: string, ...members: string[]) {
  const { body } = await world.scim.post('/Groups', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName,
    members: members.map((value) => ({ value })),
  })
  await world.settle()
  return String(body['id'])
}

/** And lets so much time pass that a difference is no echo. */
async function groupOf(...named: Parameters<typeof youngGroupOf>) {
  const id = await youngGroupOf(...named)
  const [world] = named
  world.clock.now += 3_600_000
  return id
}

const graphIdOf = async (world: ReconcileWorld, id: string) =>
  String((await world.binding(id))['graph_id'])

/** Whom Microsoft 365 holds as members. */
async function membersIn(world: ReconcileWorld, id: string): Promise<readonly string[]> {
  const graphId = await graphIdOf(world, id)
  const found = world.graph.summary().groups.find((group) => group['id'] === graphId)
  const members: unknown = found?.['members']
  return Array.isArray(members) ? members.map(String).toSorted() : []
}

/** Another administrator's hand. */
async function changeGroup(
  world: ReconcileWorld,
  id: string,
  change: Parameters<ReconcileWorld['graph']['changeGroup']>[1],
) {
  world.graph.changeGroup(await graphIdOf(world, id), change)
}

/** Ann and bob are in Sales; somebody took bob out there, and put cyn and a stranger in. */
async function changedByHand() {
  const world = await reconcileWorld()
  const [ann = '', bob = '', cyn = ''] = await world.exported('ann', 'bob', 'cyn')
  const sales = await groupOf(world, 'Sales', ann, bob)
  const [stranger = ''] = world.graph.seed({ users: 1, domain: 'contoso.com' }).users
  await changeGroup(world, sales, {
    removeMembers: [world.accountOf('bob')],
    addMembers: [world.accountOf('cyn'), stranger],
  })
  return { world, ann, bob, cyn, sales, stranger }
}

const writesOf = (world: ReconcileWorld) => world.graph.counters.snapshot().writes

const sentTo = (world: ReconcileWorld) =>
  world.graph.journal
    .records()
    .filter(({ method }) => method !== 'GET')
    .map(({ method, url }) => `${method} ${url}`)

describe('memberships that somebody changed in Microsoft 365', () => {
  test('are told, member by member, and nothing is written there', async () => {
    const { world, bob, cyn, sales } = await changedByHand()
    const writes = writesOf(world)
    const run = await world.run('report')
    expect(run).toMatchObject({ state: 'done', counts: { groups: 1, drift: 2, corrected: 0 } })
    const row = {
      groupId: sales,
      groupName: 'Sales',
      attribute: 'members',
      direction: 'export',
      action: 'reported',
    }
    const named = (name: string) => ({
      userName: `${name}@contoso.com`,
      graphId: world.accountOf(name),
    })
    const drift = await world.drift(run)
    expect(drift).toHaveLength(2)
    expect(drift).toEqual(
      expect.arrayContaining([
        { ...row, ...named('bob'), userId: bob, ours: true, theirs: false },
        { ...row, ...named('cyn'), userId: cyn, ours: false, theirs: true },
      ]),
    )
    expect(writesOf(world)).toBe(writes)
    const pages = `/reconciliations/${run['id']}/drift?limit=1`
    const { body: first } = await world.api.get(pages)
    const { body: second } = await world.api.get(`${pages}&cursor=${first['nextCursor']}`)
    expect([first, second].flatMap(({ items }) => items)).toEqual(drift)
    const events = await world.query(sql`SELECT class, target_id, body ->> '$.changes' AS changes
      FROM event WHERE organization_id = ${world.organizationId} AND type = 'drift_found'
      ORDER BY changes`)
    expect(events).toEqual([
      { class: 'record', target_id: bob, changes: changed(sales, null) },
      { class: 'record', target_id: cyn, changes: changed(null, sales) },
    ])
  })

  const changed = (from: string | null, to: string | null) =>
    JSON.stringify([{ attribute: 'members', from, to }])

  test('are put right by exactly what was told; who is not bound here stays', async () => {
    const { world, sales, stranger } = await changedByHand()
    const graphId = await graphIdOf(world, sales)
    world.graph.journal.clear()
    const run = await world.run('enforce')
    expect(run).toMatchObject({ state: 'done', counts: { drift: 2, corrected: 2 } })
    expect((await world.drift(run)).map(({ action }) => action)).toEqual(['corrected', 'corrected'])
    expect(sentTo(world).filter((sent) => !sent.startsWith('POST /$batch'))).toEqual([
      `DELETE /groups/${graphId}/members/${world.accountOf('cyn')}/$ref`,
      `PATCH /groups/${graphId}`,
    ])
    expect(await membersIn(world, sales)).toEqual(
      [world.accountOf('ann'), world.accountOf('bob'), stranger].toSorted(),
    )
    world.clock.now += 3_600_000
    expect(await world.run('enforce')).toMatchObject({ counts: { drift: 0 } })
  })

  test('are put right though Microsoft 365 takes no write at first', async () => {
    const { world, sales, stranger } = await changedByHand()
    world.graph.faults.add({
      match: { method: 'DELETE', path: '/members/' },
      status: 429,
      times: 1,
    })
    world.graph.faults.add({ match: { method: 'PATCH', path: '^/groups/' }, status: 429, times: 1 })
    expect(await world.run('enforce')).toMatchObject({ counts: { corrected: 2 } })
    expect(await membersIn(world, sales)).toEqual(
      [world.accountOf('ann'), world.accountOf('bob'), stranger].toSorted(),
    )
  })

  test('of nested groups are told and put right too', async () => {
    const world = await reconcileWorld()
    const inner = await groupOf(world, 'Inner')
    const outer = await groupOf(world, 'Outer', inner)
    const graphId = await graphIdOf(world, inner)
    await changeGroup(world, outer, { removeMembers: [graphId] })
    const run = await world.run('enforce')
    expect(await world.drift(run)).toMatchObject([
      {
        userId: inner,
        userName: null,
        groupId: outer,
        groupName: 'Outer',
        ours: true,
        theirs: false,
      },
    ])
    expect(await membersIn(world, outer)).toEqual([graphId])
  })

  test('are told once by the runs of every hour, and again by one that compares everybody', async () => {
    const { world } = await changedByHand()
    expect(await world.tick()).toMatchObject({ counts: { groups: 1, drift: 2 } })
    expect(await world.tick()).toMatchObject({ counts: { groups: 0, drift: 0 } })
    expect(await world.run('report')).toMatchObject({ counts: { groups: 1, drift: 2 } })
  })
})

/** What was read of groups since the journal was cleared. */
const readsOfGroups = (world: ReconcileWorld) =>
  world.graph.journal
    .records()
    .filter(({ method, url }) => method === 'GET' && url.startsWith('/groups'))
    .map(({ url }) => url.replace(/\?.*/, ''))

/** Ann and bob are in Sales, and cyn is in Other; the run of the last hour has seen it. */
async function comparedByTheHour() {
  const world = await reconcileWorld()
  const [ann = '', bob = '', cyn = ''] = await world.exported('ann', 'bob', 'cyn')
  const sales = await groupOf(world, 'Sales', ann, bob)
  const other = await groupOf(world, 'Other', cyn)
  expect(await world.tick()).toMatchObject({ counts: { groups: 2, drift: 0 } })
  world.graph.journal.clear()
  return { world, ann, bob, cyn, sales, other }
}

describe('the run of every hour', () => {
  test('finds memberships that somebody changed, and reads the groups alone that have drifted', async () => {
    const { world, bob, cyn, sales } = await comparedByTheHour()
    const [stranger = ''] = world.graph.seed({ users: 1, domain: 'contoso.com' }).users
    await changeGroup(world, sales, {
      removeMembers: [world.accountOf('bob')],
      addMembers: [world.accountOf('cyn'), stranger],
    })
    const run = await world.tick()
    expect(run).toMatchObject({ counts: { groups: 1, drift: 2 } })
    const found = (await world.drift(run ?? {})).map(({ userId, theirs }) => [userId, theirs])
    expect(found.toSorted()).toEqual(
      [
        [bob, false],
        [cyn, true],
      ].toSorted(),
    )
    const graphId = await graphIdOf(world, sales)
    expect(readsOfGroups(world).toSorted()).toEqual(
      ['/groups/delta', `/groups/${graphId}`, `/groups/${graphId}/members`].toSorted(),
    )
  })

  test('finds one that is called otherwise, and one that is gone', async () => {
    const { world, sales, other } = await comparedByTheHour()
    await changeGroup(world, sales, { properties: { displayName: 'Marketing' } })
    await world.removeGroup(await graphIdOf(world, other))
    const run = await world.tick()
    const drift = await world.drift(run ?? {})
    expect(new Map(drift.map(({ groupId, attribute }) => [groupId, attribute]))).toEqual(
      new Map([
        [sales, 'displayName'],
        [other, 'deleted'],
      ]),
    )
  })

  test('reads no group that we changed ourselves, nor one that is nobody’s here', async () => {
    const { world, bob, cyn, sales } = await comparedByTheHour()
    world.graph.seed({ groups: 1, users: 3, membersPerGroup: 3 })
    await world.scim.patch(`/Groups/${sales}`, [
      { op: 'Remove', path: `members[value eq "${bob}"]` },
      { op: 'Add', path: 'members', value: [{ value: cyn }] },
      { op: 'Replace', path: 'displayName', value: 'Selling' },
    ])
    await world.settle()
    world.graph.journal.clear()
    expect(await world.tick()).toMatchObject({ counts: { groups: 0, drift: 0 } })
    expect(readsOfGroups(world)).toEqual(['/groups/delta'])
  })

  test('puts right what it finds where the directory enforces', async () => {
    const { world, sales } = await comparedByTheHour()
    await world.api.patch(`/directories/${world.directoryId}`, {
      settings: { reconcile: { mode: 'enforce' } },
    })
    await world.tick()
    const before = await membersIn(world, sales)
    await changeGroup(world, sales, { removeMembers: [world.accountOf('bob')] })
    expect(await world.tick()).toMatchObject({ counts: { groups: 1, corrected: 1 } })
    expect(await membersIn(world, sales)).toEqual(before)
    expect(await world.tick()).toMatchObject({ counts: { groups: 0, drift: 0 } })
  })

  test('finds what an earlier one could not, since the group was written whenever it was read', async () => {
    const { world, sales, cyn } = await comparedByTheHour()
    await changeGroup(world, sales, { addMembers: [world.accountOf('cyn')] })
    world.clock.now += 3_600_000
    await world.jobs.scheduled({ cron: '*/15 * * * *' })
    const { organizationId, directoryId } = world
    const { body } = await world.api.get(`/directories/${directoryId}/reconciliations?limit=1`)
    const [run] = body['items']
    const bell = batchOf([{ organizationId, directoryId, reconciliationId: run['id'] }])
    for (let state = 'running'; state === 'running'; world.clock.now += 15_000) {
      const now = world.clock.now
      await world.query(sql`UPDATE binding SET exported_at = ${now} WHERE resource_id = ${sales}`)
      await world.jobs.queue(bell)
      state = (await world.read(run))['state']
    }
    expect(await world.read(run)).toMatchObject({ state: 'done', counts: { groups: 1, drift: 0 } })
    const later = await world.tick()
    expect(later).toMatchObject({ counts: { groups: 1, drift: 1 } })
    expect(await world.drift(later ?? {})).toMatchObject([{ userId: cyn, theirs: true }])
    expect(await world.tick()).toMatchObject({ counts: { groups: 0 } })
  })

  test('compares every group once when Microsoft 365 has forgotten where it was', async () => {
    const { world, sales } = await comparedByTheHour()
    await changeGroup(world, sales, { removeMembers: [world.accountOf('bob')] })
    world.graph.faults.add({
      match: { path: '^/groups/delta' },
      status: 410,
      times: 1,
      body: { error: { code: 'resyncRequired', message: 'Resync required.' } },
    })
    expect(await world.tick()).toMatchObject({ counts: { groups: 2, drift: 1 } })
    expect(await world.tick()).toMatchObject({ counts: { groups: 0, drift: 0 } })
  })

  test('compares every group once when groups were bound since the last one', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    expect(await world.tick()).toMatchObject({ counts: { groups: 0 } })
    await groupOf(world, 'Sales', ann)
    expect(await world.tick()).toMatchObject({ counts: { groups: 1, drift: 0 } })
    expect(await world.tick()).toMatchObject({ counts: { groups: 0, drift: 0 } })
  })
})

/** A run that was asked for, which nobody carries on yet. */
async function started(world: ReconcileWorld) {
  const { organizationId, directoryId } = world
  const { body } = await world.api.post(`/directories/${directoryId}/reconciliations`, {})
  return { body, bell: { organizationId, directoryId, reconciliationId: body['id'] } }
}

describe('no drift of memberships', () => {
  test('is what the export still owes', async () => {
    const world = await reconcileWorld()
    const [ann = '', bob = '', cyn = '', dan = ''] = await world.exported(
      'ann',
      'bob',
      'cyn',
      'dan',
    )
    const sales = await groupOf(world, 'Sales', ann, bob, dan)
    // Nobody follows the log yet: bob has left here, cyn has come, and a write about dan has no answer.
    await world.scim.patch(`/Groups/${sales}`, [
      { op: 'Remove', path: `members[value eq "${bob}"]` },
      { op: 'Add', path: 'members', value: [{ value: cyn }] },
    ])
    await world.query(sql`UPDATE exported_member SET unknown = 1 WHERE member_id = ${dan}`)
    // By hand, everything is as it is here already; but dan is out.
    await changeGroup(world, sales, {
      removeMembers: [world.accountOf('bob'), world.accountOf('dan')],
      addMembers: [world.accountOf('cyn')],
    })
    const { bell, body } = await started(world)
    await world.jobs.queue(batchOf([bell]))
    expect(await world.read(body)).toMatchObject({ state: 'done', counts: { groups: 1, drift: 0 } })
  })

  test('and none of names is of a group that is being written: it is left to the next comparison', async () => {
    const world = await reconcileWorld()
    const sales = await groupOf(world, 'Sales')
    await changeGroup(world, sales, { properties: { displayName: 'Marketing' } })
    const intent = JSON.stringify({ writes: [{ id: sales }] })
    await world.query(sql`UPDATE directory SET intent = ${intent} WHERE id = ${world.directoryId}`)
    const { bell, body } = await started(world)
    for (let look = 0; look < 10; look++) {
      await world.jobs.queue(batchOf([bell]))
      world.clock.now += 15_000
    }
    expect(await world.read(body)).toMatchObject({ state: 'done', counts: { groups: 1, drift: 0 } })
  })

  test('is an echo of our own export, and what was changed just after it is not lost', async () => {
    const world = await reconcileWorld()
    const [ann = '', bob = ''] = await world.exported('ann', 'bob')
    const sales = await groupOf(world, 'Sales', ann)
    await world.scim.patch(`/Groups/${sales}`, [
      { op: 'Add', path: 'members', value: [{ value: bob }] },
    ])
    await world.settle()
    await changeGroup(world, sales, { removeMembers: [world.accountOf('bob')] })
    const before = world.clock.now
    const run = await world.run('report')
    expect(await world.drift(run)).toMatchObject([{ userId: bob, ours: true, theirs: false }])
    expect(world.clock.now - before).toBeGreaterThanOrEqual(15_000)
  })

  test('is a member whose account was deleted there: that is told of the account', async () => {
    const world = await reconcileWorld()
    const [ann = '', bob = ''] = await world.exported('ann', 'bob')
    await groupOf(world, 'Sales', ann, bob)
    await world.removeAccount(world.accountOf('bob'))
    const run = await world.run('enforce')
    expect(await world.drift(run)).toMatchObject([{ userId: bob, attribute: 'deleted' }])
    world.clock.now += 3_600_000
    // By now its binding has failed: it is the account that is told again, and no membership.
    const again = await world.run('enforce')
    expect(again).toMatchObject({ counts: { groups: 1, drift: 1 } })
    expect(await world.drift(again)).toMatchObject([{ userId: bob, attribute: 'deleted' }])
  })

  test('is a member who is not bound in this directory', async () => {
    const world = await reconcileWorld()
    const [ann = '', bob = ''] = await world.exported('ann', 'bob')
    const sales = await groupOf(world, 'Sales', ann)
    const account = world.accountOf('bob')
    await world.api.send('DELETE', `/directories/${world.directoryId}/bindings`, { userIds: [bob] })
    await world.settle()
    world.clock.now += 3_600_000
    await changeGroup(world, sales, { addMembers: [account] })
    expect(await world.run('enforce')).toMatchObject({ counts: { groups: 1, drift: 0 } })
    expect(await membersIn(world, sales)).toContain(account)
  })
})

describe('a group', () => {
  test('that is called otherwise there is told, and called as here again', async () => {
    const world = await reconcileWorld()
    const sales = await groupOf(world, 'Sales')
    const graphId = await graphIdOf(world, sales)
    await changeGroup(world, sales, { properties: { displayName: 'Marketing' } })
    const told = await world.run('report')
    expect(await world.drift(told)).toEqual([
      {
        ...{
          userId: null,
          userName: null,
          groupName: 'Sales',
          groupId: sales,
          graphId,
          attribute: 'displayName',
        },
        ...{ direction: 'export', ours: 'Sales', theirs: 'Marketing', action: 'reported' },
      },
    ])
    world.graph.journal.clear()
    expect(await world.run('enforce')).toMatchObject({ counts: { corrected: 1 } })
    expect(world.graph.summary().groups).toMatchObject([{ displayName: 'Sales' }])
    world.clock.now += 3_600_000
    expect(await world.run('enforce')).toMatchObject({ counts: { drift: 0 } })
  })

  /** Sales with ann in it, and All with Sales in it; somebody has deleted Sales there. */
  async function goneByHand(made = groupOf) {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    const sales = await made(world, 'Sales', ann)
    const all = await made(world, 'All', sales)
    await world.removeGroup(await graphIdOf(world, sales))
    const directory = `/directories/${world.directoryId}`
    /** Sales is there again, called so, with ann, and in All. */
    const isBack = async () => {
      const graphId = await graphIdOf(world, sales)
      expect(await world.binding(sales)).toMatchObject({ state: 'synced', error: null })
      expect(world.graph.summary().groups.find((group) => group['id'] === graphId)).toMatchObject({
        displayName: 'Sales',
        members: [world.accountOf('ann')],
      })
      expect(await membersIn(world, all)).toEqual([graphId])
    }
    return { world, sales, all, directory, isBack }
  }

  test.each(['report', 'enforce'] as const)(
    'that is gone there is told by a run that is to %s, and has failed until somebody asks for it',
    async (mode) => {
      const { world, sales, directory, isBack } = await goneByHand()
      const run = await world.run(mode)
      expect(await world.drift(run)).toMatchObject([
        { userId: null, groupId: sales, attribute: 'deleted', theirs: 'gone', action: 'reported' },
      ])
      const { body: failures } = await world.api.get(`${directory}/failures`)
      expect(failures['items']).toMatchObject([
        {
          groupId: sales,
          error: { code: 'object_missing', whatToDo: expect.stringContaining('Replay') },
        },
      ])
      // A change here is no reason to make it anew.
      await world.scim.patch(`/Groups/${sales}`, [
        { op: 'Replace', path: 'externalId', value: 'sales' },
      ])
      await world.settle()
      expect(world.graph.summary().groups).toHaveLength(1)
      await world.api.post(`${directory}/failures/replay`, { all: true })
      await world.settle()
      await isBack()
      world.clock.now += 3_600_000
      expect(await world.run('enforce')).toMatchObject({ counts: { drift: 0 } })
    },
  )

  test('that is gone there is put back into no group, whichever of them is compared first', async () => {
    const world = await reconcileWorld()
    const all = await groupOf(world, 'All')
    // More than one step compares.
    for (let i = 0; i < 10; i++) await groupOf(world, `Other ${i}`)
    const sales = await groupOf(world, 'Sales')
    await world.scim.patch(`/Groups/${all}`, [
      { op: 'Add', path: 'members', value: [{ value: sales }] },
    ])
    await world.settle()
    world.clock.now += 3_600_000
    await world.removeGroup(await graphIdOf(world, sales))
    world.graph.journal.clear()
    await world.run('enforce')
    expect(sentTo(world)).toEqual([])
    expect(await world.binding(all)).toMatchObject({ state: 'synced' })
    expect(await world.binding(sales)).toMatchObject({ state: 'failed' })
  })

  test('that is gone there is made anew when it is bound again, or exported again', async () => {
    for (const ask of ['bindings', 'exports']) {
      const { world, sales, directory, isBack } = await goneByHand()
      await world.run('report')
      const body = ask === 'bindings' ? { groupIds: [sales] } : {}
      await world.api.post(`${directory}/${ask}`, body)
      await world.settle()
      await isBack()
    }
  })

  // What a replica may not know yet is tried again before it is believed.
  test.each([
    ['before', 4],
    ['after', 1],
  ] as const)(
    'that is gone there says so though members come %s a run found it, and has them when it is made anew',
    async (when, writes) => {
      const { world, sales, directory } = await goneByHand()
      const ids = await world.exported('bob', 'cyn')
      if (when === 'after') await world.run('report')
      world.graph.journal.clear()
      const value = ids.map((id) => ({ value: id }))
      await world.scim.patch(`/Groups/${sales}`, [{ op: 'Add', path: 'members', value }])
      await world.settle()
      expect(sentTo(world)).toHaveLength(writes)
      expect(await world.binding(sales)).toMatchObject({
        state: 'failed',
        error: { code: 'object_missing', whatToDo: expect.stringMatching(/^Replay this/) },
      })
      await world.api.post(`${directory}/failures/replay`, { all: true })
      await world.settle()
      expect(await world.binding(sales)).toMatchObject({ state: 'synced', error: null })
      expect(await membersIn(world, sales)).toEqual(
        ['ann', 'bob', 'cyn'].map(world.accountOf).toSorted(),
      )
    },
  )

  /** Everything about it was exported less than five minutes ago: a replica might not know it yet. */
  async function youngAndGone() {
    const each = await goneByHand(youngGroupOf)
    const { world } = each
    world.clock.now += 60_000
    const before = world.clock.now
    return { ...each, waited: () => world.clock.now - before }
  }

  test.each(['failures/replay', 'bindings', 'exports'])(
    'that was exported moments ago, and is told to be gone there, is made anew at once by %s',
    async (ask) => {
      const { world, sales, all, directory, isBack, waited } = await youngAndGone()
      await world.run('report')
      expect(await world.binding(sales)).toMatchObject({ error: { code: 'object_missing' } })
      const oldId = await graphIdOf(world, sales)
      world.graph.journal.clear()
      const body = { bindings: { groupIds: [sales, all] }, exports: {} }[ask] ?? { all: true }
      await world.api.post(`${directory}/${ask}`, body)
      await world.settle()
      await isBack()
      expect(waited()).toBeLessThan(60_000)
      expect(sentTo(world).filter((line) => line.startsWith(`PATCH /groups/${oldId}`))).toEqual([])
      expect(await world.binding(all)).toMatchObject({ state: 'synced', error: null })
    },
  )

  test('that was exported moments ago, and is gone there, blames no account before it is made anew', async () => {
    const { world, sales, all, directory, isBack } = await youngAndGone()
    const oldId = await graphIdOf(world, sales)
    world.graph.journal.clear()
    await world.api.post(`${directory}/exports`, {})
    await world.drain()
    // To a group that a replica does not know no member is sent either.
    expect(sentTo(world).filter((line) => line.includes(oldId))).toEqual([`PATCH /groups/${oldId}`])
    // Whose try nobody has rung for, since something else was due before, cron finds.
    for (let minute = 0; minute < 10; minute++) {
      world.clock.now += 60_000
      await world.jobs.scheduled({ cron: '* * * * *' })
      await world.settle()
    }
    const { body: failures } = await world.api.get('/events?type=export_failure')
    expect(failures['items']).toMatchObject([
      {
        target: { id: all },
        details: {
          error: {
            message: `A member of the group does not exist in Microsoft 365 any more: ${sales}.`,
            whatToDo: expect.stringMatching(/^Replay the failure of the member itself/),
          },
        },
      },
    ])
    await isBack()
    expect(await world.binding(all)).toMatchObject({ state: 'synced', error: null })
  })

  test('that is gone there and unbound here is made anew when it is bound again', async () => {
    const { world, sales, directory, isBack } = await goneByHand()
    await world.run('report')
    await world.api.send('DELETE', `${directory}/bindings`, { groupIds: [sales] })
    await world.settle()
    expect(await world.binding(sales)).toMatchObject({ state: 'former' })
    await world.api.post(`${directory}/bindings`, { groupIds: [sales] })
    await world.settle()
    await isBack()
  })
})

/** Seeded users as members of a group, here and there, exported long ago: rows made by a statement, not by requests. */
async function joinSeeded(world: ReconcileWorld, id: string, graphIds: readonly string[]) {
  const { organizationId, directoryId } = world
  const list = JSON.stringify(graphIds)
  await world.query(sql`INSERT INTO group_member (organization_id, group_id, member_id)
    SELECT ${organizationId}, ${id}, printf('usr_%06d', key) FROM json_each(${list})`)
  await world.query(sql`INSERT INTO exported_member (organization_id, directory_id, group_id, member_id, graph_id, exported_at)
    SELECT ${organizationId}, ${directoryId}, ${id}, printf('usr_%06d', key), value, 0 FROM json_each(${list})`)
  await changeGroup(world, id, { addMembers: graphIds })
}

describe('a group that a run took for gone, since a replica did not know it', () => {
  test('is sent what the next run tells of it, and no more, and is as it was', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    const sales = await groupOf(world, 'Sales', ann)
    const graphId = await graphIdOf(world, sales)
    world.graph.faults.add({
      match: { method: 'GET', path: `^/groups/${graphId}` },
      times: 2,
      status: 404,
      code: 'Request_ResourceNotFound',
      message: `Resource '${graphId}' does not exist.`,
    })
    await world.run('report')
    expect(await world.binding(sales)).toMatchObject({ error: { code: 'object_missing' } })
    world.clock.now += 3_600_000
    await changeGroup(world, sales, { removeMembers: [world.accountOf('ann')] })
    world.graph.counters.reset()
    const run = await world.run('enforce')
    expect(await world.drift(run)).toMatchObject([{ attribute: 'members', userId: ann }])
    expect(writesOf(world)).toBe(1)
    expect(await membersIn(world, sales)).toEqual([world.accountOf('ann')])
    expect(await world.binding(sales)).toMatchObject({ state: 'synced', error: null })
  })
})

describe('a group that was unbound, and whose deletion an administrator', () => {
  test.each(['is asked about', 'has rejected'])(
    '%s is told of with nothing that is not put right',
    async (what) => {
      const threshold = { count: 0, percent: 0 }
      const world = await reconcileWorld({ settings: { threshold, onGroupDelete: 'delete' } })
      const [ann = ''] = await world.exported('ann')
      const sales = await groupOf(world, 'Sales', ann)
      await world.tick()
      const directory = `/directories/${world.directoryId}`
      await world.api.send('DELETE', `${directory}/bindings`, { groupIds: [sales] })
      await world.settle()
      if (what === 'has rejected') await world.api.post(`${directory}/held/reject`, { all: true })
      await world.settle()
      const { state } = await world.binding(sales)
      expect(state).toBe(what === 'has rejected' ? 'failed' : 'held')
      const removeMembers = [world.accountOf('ann')]
      await changeGroup(world, sales, { properties: { displayName: 'Theirs' }, removeMembers })
      world.graph.counters.reset()
      for (const run of [await world.tick(), await world.run('enforce')])
        expect(await world.drift(run ?? {})).toEqual([])
      expect(writesOf(world)).toBe(0)
    },
  )
})

describe('what comparing groups costs', () => {
  test('is two reads of Graph a group, one for every 999 members beyond the first, and a row of D1 a member', async () => {
    const world = await reconcileWorld({ settings: { usageLocation: null } })
    await groupOf(world, 'Empty')
    const everybody = await groupOf(world, 'Everybody')
    const people = await bindSeeded(world, 5100)
    await world.tick()
    const rowsOf = async () => {
      const opened = world.opened.length
      world.graph.journal.clear()
      expect(await world.run('report')).toMatchObject({ counts: { groups: 2, drift: 0 } })
      return world.opened.slice(opened).reduce((sum, { meter }) => sum + meter.rowsRead, 0)
    }
    const alone = await rowsOf()
    await joinSeeded(world, everybody, people)
    const rows = (await rowsOf()) - alone
    const reads = world.graph.journal
      .records()
      .filter(({ method, url }) => method === 'GET' && /^\/groups\/|members/.test(url))
    // And one that asks from where changes are told.
    expect(reads).toHaveLength(2 * 2 + 5 + 1)
    expect(rows / people.length).toBeLessThanOrEqual(1.1)
    // By the hour it is one read, whatever the number of groups, when none of them has changed.
    world.graph.journal.clear()
    const opened = world.opened.length
    await world.tick()
    expect(readsOfGroups(world)).toEqual(['/groups/delta'])
    const hourly = world.opened.slice(opened).reduce((sum, { meter }) => sum + meter.rowsRead, 0)
    expect(hourly).toBeLessThan(200)
  })
})
