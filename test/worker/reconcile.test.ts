import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { batchOf } from '../support/export.ts'
import { bindSeeded, reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** Another administrator's hand in Microsoft 365. */
const change = (
  world: ReconcileWorld,
  name: string,
  properties: Record<string, string | boolean>,
) => world.graph.changeUser(world.accountOf(name), { properties })

const writesOf = (world: ReconcileWorld) => world.graph.counters.snapshot().writes

/** What was sent since: method, path below /users, body. */
const sentSince = (world: ReconcileWorld, count: number) =>
  world.graph.journal
    .records()
    .filter(({ method }) => method !== 'GET')
    .filter(({ url }) => url.startsWith('/users'))
    .slice(count)
    .map(({ method, body }) => ({ method, body }))

const eventsOf = (world: ReconcileWorld, type: string) =>
  world.query(sql`SELECT class, target_id, directory_id, touched, body FROM event
    WHERE organization_id = ${world.organizationId} AND type = ${type} ORDER BY sequence`)

const setActive = (world: ReconcileWorld, id: string | undefined, value: boolean) =>
  world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value }])

const disabledIn = (world: ReconcileWorld) =>
  world.graph.summary().users.filter((user) => user['accountEnabled'] === false).length

/** Ann is disabled here and was enabled there by hand; no account may be disabled without somebody's approval. */
async function annEnabledThere() {
  const world = await reconcileWorld({ settings: { threshold: null } })
  const ids = await world.exported('ann', 'bob', 'cyn')
  await setActive(world, ids[0], false)
  await world.settle()
  world.clock.now += 7_200_000
  await world.lower({ count: 0, percent: 0 })
  change(world, 'ann', { accountEnabled: true })
  return { world, ids }
}

const deltaReads = (world: ReconcileWorld) =>
  world.graph.journal.records().filter(({ url }) => url.startsWith('/users/delta')).length

describe('a reconciliation that reports', () => {
  test('tells every exported value that Microsoft 365 holds otherwise, and writes nothing there', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann', 'bob')
    change(world, 'ann', { jobTitle: 'Boss', city: 'Bern' })
    const writes = writesOf(world)
    const run = await world.run('report')
    expect(run).toMatchObject({
      state: 'done',
      mode: 'report',
      counts: { read: 2, drift: 1, corrected: 0 },
    })
    expect(await world.drift(run)).toEqual([
      {
        userId: ann,
        userName: 'ann@contoso.com',
        graphId: world.accountOf('ann'),
        attribute: 'jobTitle',
        direction: 'export',
        ours: 'Engineer',
        theirs: 'Boss',
        action: 'reported',
      },
    ])
    expect(writesOf(world)).toBe(writes)
    const [event] = await eventsOf(world, 'drift_found')
    expect(event).toMatchObject({ class: 'record', target_id: ann, touched: null })
    expect(JSON.parse(String(event?.['body']))).toMatchObject({
      changes: [{ attribute: 'jobTitle', from: 'Engineer', to: 'Boss' }],
    })
  })

  test('finds no drift where Microsoft 365 only spells a value otherwise', async () => {
    const world = await reconcileWorld()
    await world.exported('ann')
    change(world, 'ann', { userPrincipalName: 'ANN@Contoso.com', jobTitle: ' Engineer ' })
    const run = await world.run('report')
    expect(run).toMatchObject({ state: 'done', counts: { read: 1, drift: 0 } })
  })

  test('counts accounts that nobody here is bound to, and does nothing with them', async () => {
    const world = await reconcileWorld()
    await world.exported('ann')
    world.graph.seed({ users: 3 })
    const run = await world.run('enforce')
    expect(run).toMatchObject({ counts: { read: 4, unbound: 3, drift: 0 } })
    expect(await world.drift(run)).toEqual([])
  })

  test('tells a manager that was changed there, by Graph id', async () => {
    const world = await reconcileWorld()
    const [boss, ann] = await world.exported('boss', 'ann', 'eve')
    await world.scim.patch(`/Users/${ann}`, [
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: boss },
    ])
    await world.settle()
    world.clock.now += 3_600_000
    world.graph.changeUser(world.accountOf('ann'), { manager: world.accountOf('eve') })
    const run = await world.run('enforce')
    expect(await world.drift(run)).toMatchObject([
      { attribute: 'manager', ours: world.accountOf('boss'), theirs: world.accountOf('eve') },
    ])
    const account = world.graph.summary().users.find(({ id }) => id === world.accountOf('ann'))
    expect(account).toMatchObject({ managerName: 'boss@contoso.com' })
  })
})

describe('a reconciliation that enforces', () => {
  test('sends exactly the drifted attributes again, and finds nothing the next time', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann', 'bob')
    change(world, 'ann', { jobTitle: 'Boss', city: 'Bern' })
    const sent = sentSince(world, 0).length
    const run = await world.run('enforce')
    expect(run).toMatchObject({ state: 'done', counts: { drift: 1, corrected: 1 } })
    expect(await world.drift(run)).toMatchObject([{ attribute: 'jobTitle', action: 'corrected' }])
    expect(sentSince(world, sent)).toEqual([{ method: 'PATCH', body: { jobTitle: 'Engineer' } }])
    expect(await eventsOf(world, 'drift_found')).toMatchObject([
      {
        class: 'command',
        target_id: ann,
        directory_id: world.directoryId,
        touched: '["jobTitle"]',
      },
    ])
    world.clock.now += 3_600_000
    expect(await world.run('enforce')).toMatchObject({ counts: { drift: 0, corrected: 0 } })
    expect(sentSince(world, sent)).toHaveLength(1)
  })

  test('clears a value that was removed here, had been cleared there, and came back', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann')
    await world.scim.patch(`/Users/${ann}`, [{ op: 'remove', path: 'title' }])
    await world.settle()
    world.clock.now += 3_600_000
    change(world, 'ann', { jobTitle: 'Boss' })
    const sent = sentSince(world, 0).length
    await world.run('enforce')
    expect(sentSince(world, sent)).toEqual([{ method: 'PATCH', body: { jobTitle: null } }])
  })

  test('enables an account again that somebody disabled there', async () => {
    const world = await reconcileWorld()
    await world.exported('ann')
    change(world, 'ann', { accountEnabled: false })
    const run = await world.run('enforce')
    expect(await world.drift(run)).toMatchObject([
      { attribute: 'accountEnabled', ours: true, theirs: false, action: 'corrected' },
    ])
    const account = world.graph.summary().users.find(({ id }) => id === world.accountOf('ann'))
    expect(account).toMatchObject({ accountEnabled: true })
  })

  test('what it saw is never taken for what was exported', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann')
    change(world, 'ann', { jobTitle: 'Boss' })
    world.graph.faults.add({ match: { method: 'PATCH', path: '^/users/' }, status: 400, times: 1 })
    await world.run('enforce')
    expect((await world.binding(ann ?? ''))['snapshot']).toMatchObject({ jobTitle: 'Engineer' })
  })
})

describe('whoever is deleted here, and was refused its end', () => {
  const refuse = (world: ReconcileWorld, method: string, path: string) =>
    world.graph.faults.add({
      match: { method, path },
      status: 403,
      code: 'Authorization_RequestDenied',
      message: 'Insufficient privileges to complete the operation.',
    })

  test('holds nothing of ours any more: no run compares its account', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann', 'bob')
    refuse(world, 'PATCH', '^/users/')
    await world.scim.delete(`/Users/${ann}`)
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
    world.clock.now += 3_600_000
    change(world, 'ann', { accountEnabled: false, jobTitle: 'Boss' })
    const writes = writesOf(world)
    expect(await world.run('report')).toMatchObject({ counts: { drift: 0 } })
    expect(await world.run('enforce')).toMatchObject({ counts: { drift: 0, corrected: 0 } })
    expect(writesOf(world)).toBe(writes)
  })

  test('and is a group, is not compared either, though somebody deletes it there', async () => {
    const world = await reconcileWorld({ settings: { onGroupDelete: 'delete' } })
    const { body: sales } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
    })
    await world.settle()
    const { graph_id: graphId } = await world.binding(sales['id'])
    refuse(world, 'DELETE', '^/groups/')
    await world.scim.delete(`/Groups/${sales['id']}`)
    await world.settle()
    expect(await world.binding(sales['id'])).toMatchObject({ state: 'failed' })
    world.clock.now += 3_600_000
    world.graph.changeGroup(String(graphId), { properties: { displayName: 'Selling' } })
    world.graph.counters.reset()
    expect(await world.run('report')).toMatchObject({ counts: { drift: 0 } })
    expect(writesOf(world)).toBe(0)
    await world.removeGroup(String(graphId))
    world.graph.counters.reset()
    expect(await world.run('report')).toMatchObject({ counts: { drift: 0 } })
    expect(writesOf(world)).toBe(0)
  })
})

const DELETED = expect.objectContaining({ attribute: 'deleted', theirs: 'recycle_bin' })

describe('an account that was deleted in Microsoft 365', () => {
  test('is told with what to do, fails its binding, and is not made again', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann', 'bob')
    const graphId = world.accountOf('ann')
    await world.removeAccount(graphId)
    const writes = writesOf(world)
    const run = await world.run('report')
    expect(run).toMatchObject({ state: 'done', counts: { deleted: 1, drift: 1 } })
    expect(await world.drift(run)).toMatchObject([
      { userId: ann, graphId, attribute: 'deleted', theirs: 'recycle_bin', action: 'reported' },
    ])
    expect(await world.binding(ann ?? '')).toMatchObject({
      state: 'failed',
      error: { code: 'object_missing', whatToDo: expect.stringContaining('Restore it') },
    })
    expect(writesOf(world)).toBe(writes)
  })

  test('is told by every run that compares everybody, until it is restored; its binding fails once', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann', 'bob')
    const graphId = world.accountOf('ann')
    await world.removeAccount(graphId)
    const counts = { deleted: 1, drift: 1 }
    expect(await world.run('report')).toMatchObject({ counts })
    const again = await world.run('report')
    expect(again).toMatchObject({ counts })
    expect(await world.drift(again)).toMatchObject([
      { userId: ann, graphId, attribute: 'deleted', theirs: 'recycle_bin' },
    ])
    expect(await eventsOf(world, 'export_failure')).toHaveLength(1)
    // A scheduled run reads only who changed.
    expect(await world.tick()).toMatchObject({ counts: { deleted: 0 } })
    await world.purgeAccount(graphId)
    const enforced = await world.run('enforce')
    expect(await world.drift(enforced)).toMatchObject([{ attribute: 'deleted', theirs: 'gone' }])
    expect(await world.binding(ann ?? '')).toMatchObject({
      state: 'failed',
      error: { whatToDo: expect.stringContaining('Unbind the user') },
    })
  })

  test('that is gone for good is told as such', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann')
    const graphId = world.accountOf('ann')
    await world.removeAccount(graphId)
    await world.purgeAccount(graphId)
    const run = await world.run('enforce')
    expect(await world.drift(run)).toMatchObject([{ attribute: 'deleted', theirs: 'gone' }])
    expect(await world.binding(ann ?? '')).toMatchObject({
      state: 'failed',
      error: { whatToDo: expect.stringContaining('Unbind the user') },
    })
  })

  test('is looked for again when the failure is replayed or its user bound again, and fails until it is restored', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann')
    const graphId = world.accountOf('ann')
    await world.removeAccount(graphId)
    await world.run('report')
    const replay = async () => {
      await world.api.post(`/directories/${world.directoryId}/failures/replay`, { all: true })
      await world.settle()
      const { state, error } = await world.binding(ann ?? '')
      return { state, code: error?.code }
    }
    expect(await replay()).toEqual({ state: 'failed', code: 'object_missing' })
    await world.api.post(`/directories/${world.directoryId}/bindings`, { userIds: [ann] })
    await world.settle()
    expect(await world.binding(ann ?? '')).toMatchObject({ state: 'failed' })
    await world.restoreAccount(graphId)
    expect(await replay()).toEqual({ state: 'synced' })
  })

  test('and restored there is carried on', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann')
    const graphId = world.accountOf('ann')
    await world.removeAccount(graphId)
    await world.run('report')
    await world.restoreAccount(graphId)
    const run = await world.run('report')
    expect(await world.drift(run)).toMatchObject([
      { attribute: 'deleted', ours: 'deleted', theirs: null },
    ])
    expect(await world.binding(ann ?? '')).toMatchObject({ state: 'synced', error: null })
  })

  test('and restored before the run was approved is exported to when its user is suspended', async () => {
    const { world, ids } = await annEnabledThere()
    const bob = world.accountOf('bob')
    await world.removeAccount(bob)
    const held = await world.run('enforce')
    await world.restoreAccount(bob)
    world.clock.now += 3_600_000
    await world.lower(null)
    await setActive(world, ids[1], false)
    await world.decide(held, 'approve')
    expect(disabledIn(world)).toBe(2)
  })

  test('and restored before the run was approved is told to be back by the next one', async () => {
    const { world, ids } = await annEnabledThere()
    const [bob, cyn] = [world.accountOf('bob'), world.accountOf('cyn')]
    await world.removeAccount(bob)
    await world.removeAccount(cyn)
    const held = await world.run('enforce')
    expect(held).toMatchObject({ state: 'held', counts: { deleted: 2 } })
    await world.restoreAccount(bob)
    world.clock.now += 3_600_000
    expect(await world.decide(held, 'approve')).toMatchObject({ state: 'done' })
    expect(disabledIn(world)).toBe(1)
    // What needed no approval was told before, and is told once.
    expect(await eventsOf(world, 'drift_found')).toHaveLength(3)
    await world.tick()
    expect(await world.binding(ids[1] ?? '')).toMatchObject({ state: 'synced', error: null })
    expect(await world.binding(ids[2] ?? '')).toMatchObject({ state: 'failed' })
  })

  test('and restored before the run was approved is not disabled by it: nobody was asked about that', async () => {
    const { world, ids } = await annEnabledThere()
    await world.lift()
    await setActive(world, ids[1], false)
    await world.settle()
    world.clock.now += 3_600_000
    await world.lower({ count: 0, percent: 0 })
    const bob = world.accountOf('bob')
    await world.removeAccount(bob)
    const held = await world.run('enforce')
    await world.restoreAccount(bob)
    change(world, 'bob', { accountEnabled: true })
    world.clock.now += 3_600_000
    await world.decide(held, 'approve')
    expect(disabledIn(world)).toBe(1)
    // The next run finds it, and asks.
    expect(await world.run('enforce')).toMatchObject({ state: 'held' })
  })

  test('is told by a run that the threshold holds, whatever is decided about it, and by the next that compares everybody', async () => {
    const { world, ids } = await annEnabledThere()
    await world.tick()
    await world.removeAccount(world.accountOf('bob'))
    const writes = writesOf(world)
    const held = await world.run('enforce')
    expect(held).toMatchObject({ state: 'held', counts: { deleted: 1, corrected: 0 } })
    const failed = { state: 'failed', error: { code: 'object_missing' } }
    expect(await world.binding(ids[1] ?? '')).toMatchObject(failed)
    expect(await world.decide(held, 'reject')).toMatchObject({ state: 'rejected' })
    expect(writesOf(world)).toBe(writes)
    world.clock.now += 3_600_000
    expect(await world.drift(await world.run('report'))).toContainEqual(DELETED)
    expect(await world.binding(ids[1] ?? '')).toMatchObject(failed)
  })

  test('is told by it though hundreds of others wait for the approval', async () => {
    const world = await reconcileWorld({ settings: { usageLocation: null } })
    const graphIds = await bindSeeded(world, 300)
    const last = 'usr_000299'
    await world.removeAccount(graphIds[299] ?? '')
    await world.query(sql`UPDATE binding SET snapshot = json_set(snapshot, '$.accountEnabled', json('false'))
      WHERE directory_id = ${world.directoryId} AND resource_id <> ${last}`)
    await world.query(sql`UPDATE user SET suspended = 1
      WHERE organization_id = ${world.organizationId} AND id <> ${last}`)
    const writes = writesOf(world)
    const held = await world.run('enforce')
    expect(held).toMatchObject({ state: 'held', counts: { drift: 300, corrected: 0 } })
    expect(writesOf(world)).toBe(writes)
    expect(await eventsOf(world, 'drift_found')).toMatchObject([{ target_id: last }])
    expect(await world.binding(last)).toMatchObject({ state: 'failed' })
  })

  test('while pages of everybody are read, which then are begun again, is missed by none', async () => {
    const world = await reconcileWorld({ emulator: { delta: { pageSize: 1 } } })
    const [ann = '', bob = ''] = await world.exported('ann', 'bob', 'cyn')
    const { organizationId, directoryId } = world
    const { body } = await world.api.post(`/directories/${directoryId}/reconciliations`, {})
    world.graph.faults.add({ match: { path: 'skiptoken' }, skip: 1, transport: 'hang-up' })
    const bell = { organizationId, directoryId, reconciliationId: body['id'] }
    await world.jobs.queue(batchOf([bell]))
    // Two pages have shown them; the pages that are begun again are fewer.
    await world.removeAccount(world.accountOf('ann'))
    await world.removeAccount(world.accountOf('bob'))
    world.graph.faults.add({
      match: { path: 'skiptoken' },
      status: 400,
      code: 'Directory_ExpiredPageToken',
    })
    await world.settle()
    expect(await world.drift(body)).toEqual([DELETED, DELETED])
    for (const id of [ann, bob]) expect(await world.binding(id)).toMatchObject({ state: 'failed' })
  })

  test('is found by the scheduled run too, which reads only who changed', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann', 'bob')
    await world.tick()
    await world.removeAccount(world.accountOf('ann'))
    const run = await world.tick()
    expect(run).toMatchObject({ state: 'done', onDemand: false, counts: { read: 1, deleted: 1 } })
    expect(await world.binding(ann ?? '')).toMatchObject({ state: 'failed' })
  })
})

describe('an echo of our own export', () => {
  test('is no drift, and drift on a user that was just exported is not lost', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann', 'bob')
    await world.scim.patch(`/Users/${ann}`, [{ op: 'Replace', path: 'title', value: 'Director' }])
    await world.settle()
    change(world, 'ann', { jobTitle: 'Boss' })
    const before = world.clock.now
    const run = await world.run('report')
    expect(await world.drift(run)).toMatchObject([{ ours: 'Director', theirs: 'Boss' }])
    // It was read again by id, once the replicas had time to follow.
    expect(world.clock.now - before).toBeGreaterThanOrEqual(15_000)
    const byId = world.graph.journal
      .records()
      .filter(
        ({ method, url }) => method === 'GET' && url.startsWith(`/users/${world.accountOf('ann')}`),
      )
    expect(byId).toHaveLength(1)
  })

  test('that a replica has not seen yet is no drift', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann', 'bob')
    await world.tick()
    world.clock.now += 58 * 60_000
    await world.scim.patch(`/Users/${ann}`, [{ op: 'Replace', path: 'title', value: 'Director' }])
    await world.settle()
    // The page of changes shows the account as it was before our write.
    const graphId = world.accountOf('ann')
    world.graph.faults.add({
      match: { path: '^/users/delta' },
      status: 200,
      body: {
        value: [{ id: graphId, jobTitle: 'Engineer' }],
        '@odata.deltaLink': world.anyDeltaLink(),
      },
    })
    const run = await world.tick(2)
    expect(run).toMatchObject({ state: 'done', counts: { read: 1, drift: 0 } })
  })
})

describe('a run', () => {
  test('that is held by the threshold puts nothing right until it is approved', async () => {
    const world = await reconcileWorld({ settings: { threshold: { count: 1, percent: 0 } } })
    const ids = await world.exported('ann', 'bob', 'cyn')
    await world.lift()
    for (const id of ids.slice(0, 2))
      await world.scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: false }])
    await world.settle()
    world.clock.now += 3_600_000
    await world.lower({ count: 1, percent: 0 })
    for (const name of ['ann', 'bob']) change(world, name, { accountEnabled: true })
    change(world, 'cyn', { jobTitle: 'Boss' })
    const writes = writesOf(world)
    const held = await world.run('enforce')
    expect(held).toMatchObject({
      state: 'held',
      counts: { drift: 3, corrected: 0 },
      error: { code: 'threshold' },
    })
    expect((await world.drift(held)).map(({ action }) => action)).toEqual(['held', 'held', 'held'])
    expect(writesOf(world)).toBe(writes)
    expect(await eventsOf(world, 'reconciliation_held')).toHaveLength(1)
    const approved = await world.decide(held, 'approve')
    expect(approved).toMatchObject({ state: 'done', counts: { corrected: 3 } })
    const states = world.graph.summary().users.map((user) => user['accountEnabled'])
    expect(states).toEqual([false, false, true])
    expect((await world.api.post(`/reconciliations/${held['id']}/reject`, {})).status).toBe(409)
  })

  test('that would disable more accounts than the hour has left is held, and corrects nothing', async () => {
    const world = await reconcileWorld({ settings: { threshold: { count: 1, percent: 0 } } })
    const [ann = '', bob = ''] = await world.exported('ann', 'bob')
    const suspend = async (id: string) => {
      await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: false }])
      await world.settle()
    }
    await suspend(ann)
    world.clock.now += 3_660_000
    await suspend(bob)
    world.clock.now += 600_000
    change(world, 'ann', { accountEnabled: true })
    const held = await world.run('enforce')
    expect(held).toMatchObject({ state: 'held', counts: { drift: 1, corrected: 0 } })
    expect(held['error']['message']).toContain(
      'would disable or delete 1 account, beside 1 that was disabled or deleted',
    )
    expect(await world.binding(ann)).toMatchObject({ state: 'synced' })
    expect(await world.decide(held, 'approve')).toMatchObject({ counts: { corrected: 1 } })
    const states = world.graph.summary().users.map((user) => user['accountEnabled'])
    expect(states).toEqual([false, false])
    // Of an account that was taken away within the hour it counts no more.
    world.clock.now += 600_000
    change(world, 'bob', { accountEnabled: true })
    expect(await world.run('enforce')).toMatchObject({ state: 'done', counts: { corrected: 1 } })
    expect(world.graph.summary().users.map((user) => user['accountEnabled'])).toEqual(states)
  })

  test('that is held and rejected leaves Microsoft 365 as it is', async () => {
    const world = await reconcileWorld({ settings: { threshold: null } })
    const [ann] = await world.exported('ann')
    await world.scim.patch(`/Users/${ann}`, [{ op: 'Replace', path: 'active', value: false }])
    await world.settle()
    world.clock.now += 3_600_000
    await world.lower({ count: 0, percent: 0 })
    change(world, 'ann', { accountEnabled: true })
    const held = await world.run('enforce')
    expect(held).toMatchObject({ state: 'held' })
    const writes = writesOf(world)
    expect(await world.decide(held, 'reject')).toMatchObject({ state: 'rejected' })
    expect(writesOf(world)).toBe(writes)
    expect(await world.drift(held)).toMatchObject([{ action: 'reported' }])
  })

  test('that is approved approves no removal that the export holds', async () => {
    const { world, ids } = await annEnabledThere()
    const cyn = ids[2] ?? ''
    change(world, 'cyn', { jobTitle: 'Boss' })
    const held = await world.run('enforce')
    await setActive(world, cyn, false)
    await world.settle()
    expect(await world.binding(cyn)).toMatchObject({ state: 'held' })
    await world.decide(held, 'approve')
    expect(await world.binding(cyn)).toMatchObject({ state: 'held' })
    expect(disabledIn(world)).toBe(1)
  })

  test('that is held is not approved while the directory is paused, and loses nothing', async () => {
    const { world } = await annEnabledThere()
    const held = await world.run('enforce')
    const directory = `/directories/${world.directoryId}`
    await world.api.patch(directory, { state: 'paused' })
    const refused = await world.api.post(`/reconciliations/${held['id']}/approve`, {})
    expect(refused).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('Set its state to "active"') },
    })
    expect(await world.read(held)).toMatchObject({ state: 'held' })
    await world.api.patch(directory, { state: 'active' })
    expect(await world.decide(held, 'approve')).toMatchObject({ state: 'done' })
    expect(disabledIn(world)).toBe(1)
  })

  test('that was approved and fails leaves what it found to the next, which compares everybody', async () => {
    const { world } = await annEnabledThere()
    const held = await world.run('enforce')
    const directory = `/directories/${world.directoryId}`
    await world.api.post(`/reconciliations/${held['id']}/approve`, {})
    await world.api.patch(directory, { state: 'paused' })
    const { organizationId, directoryId } = world
    const bell = { organizationId, directoryId, reconciliationId: held['id'] }
    await world.jobs.queue(batchOf([bell]))
    expect(await world.read(held)).toMatchObject({ state: 'failed' })
    await world.lower(null)
    await world.api.patch(directory, {
      state: 'active',
      settings: { reconcile: { mode: 'enforce' } },
    })
    for (let run = 0; run < 4; run++) await world.tick(61)
    expect(disabledIn(world)).toBe(1)
  })

  test('that was approved and meets a bug leaves what it found to the next, which compares everybody', async () => {
    const { world } = await annEnabledThere()
    const held = await world.run('enforce')
    await world.api.post(`/reconciliations/${held['id']}/approve`, {})
    // What is stored of it cannot be read any more.
    await world.query(sql`UPDATE reconciliation SET progress = json_remove(progress, '$.phase')
      WHERE id = ${held['id']}`)
    const { organizationId, directoryId } = world
    await world.jobs.queue(batchOf([{ organizationId, directoryId, reconciliationId: held['id'] }]))
    expect(await world.read(held)).toMatchObject({ state: 'failed', error: { code: 'internal' } })
    await world.lower(null)
    await world.api.patch(`/directories/${directoryId}`, {
      settings: { reconcile: { mode: 'enforce' } },
    })
    expect(await world.tick(61)).toMatchObject({ counts: { read: 3, corrected: 1 } })
    expect(disabledIn(world)).toBe(1)
  })

  test('goes on page by page where another consumer stopped', async () => {
    const world = await reconcileWorld({ emulator: { delta: { pageSize: 1 } } })
    await world.exported('ann', 'bob', 'cyn')
    change(world, 'cyn', { jobTitle: 'Boss' })
    // The consumer dies between two pages: its answer never comes, and the next bell finds the run where it was.
    world.graph.faults.add({ match: { path: 'skiptoken' }, transport: 'hang-up' })
    const run = await world.run('report')
    expect(run).toMatchObject({ state: 'done', counts: { read: 3, drift: 1 } })
    // The first page was read once, the second twice.
    expect(deltaReads(world)).toBe(4)
  })

  test('that two consumers carry on at once is stored once', async () => {
    const world = await reconcileWorld({ emulator: { delta: { pageSize: 1 } } })
    await world.exported('ann', 'bob', 'cyn')
    change(world, 'cyn', { jobTitle: 'Boss' })
    const { body } = await world.api.post(`/directories/${world.directoryId}/reconciliations`, {
      mode: 'report',
    })
    const bell = {
      organizationId: world.organizationId,
      directoryId: world.directoryId,
      reconciliationId: body['id'],
    }
    await Promise.all([world.jobs.queue(batchOf([bell])), world.jobs.queue(batchOf([bell]))])
    await world.settle()
    const run = await world.read(body)
    expect(run).toMatchObject({ state: 'done', counts: { read: 3, drift: 1 } })
    expect(await eventsOf(world, 'drift_found')).toHaveLength(1)
  })

  test('that is throttled waits, and so does whoever writes', async () => {
    const world = await reconcileWorld()
    await world.exported('ann')
    world.graph.faults.add({ match: { path: '^/users/delta' }, status: 429, retryAfter: 40 })
    const before = world.clock.now
    const run = await world.run('report')
    expect(run).toMatchObject({ state: 'done' })
    expect(world.clock.now - before).toBeGreaterThanOrEqual(40_000)
    const [lane] = await world.query(sql`SELECT max(blocked_until) AS until FROM lane`)
    expect(Number(lane?.['until'])).toBeGreaterThanOrEqual(before + 40_000)
  })

  test('whose credential is refused stops the directory, which says why and starts no more', async () => {
    const world = await reconcileWorld()
    world.graph.faults.add({
      match: { path: '/oauth2/' },
      status: 401,
      body: { error: 'invalid_client', error_codes: [7000215] },
      times: 9,
    })
    const run = await world.run('report')
    expect(run).toMatchObject({ state: 'failed', error: { code: 'AADSTS7000215' } })
    const { body } = await world.api.get(`/directories/${world.directoryId}`)
    expect(body).toMatchObject({
      state: 'auth_error',
      stateReason: expect.stringContaining('does not accept the client secret'),
    })
    const again = await world.api.post(`/directories/${world.directoryId}/reconciliations`, {})
    expect(again.status).toBe(409)
    expect(again.body['detail']).toContain('does not accept the client secret')
  })

  test('that Microsoft 365 refuses to show users fails and says what to do', async () => {
    const world = await reconcileWorld()
    await world.exported('ann')
    world.graph.faults.add({ match: { path: '^/users/delta' }, status: 403, times: 9 })
    const run = await world.run('report')
    expect(run).toMatchObject({ state: 'failed', error: { whatToDo: expect.any(String) } })
  })

  test('starts the listing again when a page has expired, and with everybody when the link has', async () => {
    const world = await reconcileWorld({ emulator: { delta: { pageSize: 1 } } })
    await world.exported('ann', 'bob')
    world.graph.faults.add({
      match: { path: 'skiptoken' },
      status: 400,
      code: 'Directory_ExpiredPageToken',
    })
    expect(await world.tick()).toMatchObject({ state: 'done', counts: { drift: 0 } })
    change(world, 'bob', { jobTitle: 'Boss' })
    world.graph.delta.resync()
    const run = await world.tick()
    expect(run).toMatchObject({ state: 'done', counts: { drift: 1 } })
    world.clock.now += 8 * 24 * 3_600_000
    expect(await world.tick()).toMatchObject({ state: 'done', counts: { read: 2 } })
  })
})

describe('cron', () => {
  test('starts a run when the interval is over, which reads only who changed since the last', async () => {
    const world = await reconcileWorld({
      settings: { reconcile: { mode: 'enforce', intervalMinutes: 15 } },
    })
    await world.exported('ann', 'bob', 'cyn')
    expect(await world.tick()).toMatchObject({ mode: 'enforce', counts: { read: 3 } })
    expect(await world.tick(1)).toBeUndefined()
    change(world, 'cyn', { jobTitle: 'Boss' })
    const run = await world.tick(14)
    expect(run).toMatchObject({ state: 'done', counts: { read: 1, drift: 1, corrected: 1 } })
    expect(await world.tick(15)).toMatchObject({ counts: { drift: 0 } })
  })

  test('compares everybody again weekly, and when other attributes are exported', async () => {
    const world = await reconcileWorld()
    await world.exported('ann', 'bob')
    await world.tick()
    for (let day = 1; day <= 5; day++)
      expect(await world.tick(24 * 60)).toMatchObject({ counts: { read: 0 } })
    expect(await world.tick(24 * 60)).toMatchObject({ counts: { read: 2 } })
    await world.api.patch(`/directories/${world.directoryId}/attributes`, { fax: 'exclude' })
    expect(await world.tick(60)).toMatchObject({ counts: { read: 2 } })
    expect(await world.tick(60)).toMatchObject({ counts: { read: 0 } })
  })

  test('rings for a run whose message was lost', async () => {
    const world = await reconcileWorld()
    await world.exported('ann')
    const { body } = await world.api.post(`/directories/${world.directoryId}/reconciliations`, {
      mode: 'report',
    })
    await world.jobs.scheduled({ cron: '* * * * *' })
    expect(world.bells.filter(({ reconciliationId }) => reconciliationId)).toEqual([])
    world.clock.now += 60_000
    await world.jobs.scheduled({ cron: '* * * * *' })
    await world.settle()
    expect(await world.read(body)).toMatchObject({ state: 'done' })
  })
})
