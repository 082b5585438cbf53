import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { reconcileWorld } from '../support/reconcile.ts'

/** Ann, whose account somebody deletes in Microsoft 365. */
async function withoutAccount() {
  const world = await reconcileWorld()
  const [ann = ''] = await world.exported('ann')
  const graphId = world.accountOf('ann')
  const directory = `/directories/${world.directoryId}`
  const command = async (method: 'POST' | 'DELETE', path: string, body: unknown) => {
    await world.api.send(method, `${directory}${path}`, body)
    await world.settle()
  }
  const unbind = () => command('DELETE', '/bindings', { userIds: [ann] })
  const bind = () => command('POST', '/bindings', { userIds: [ann] })
  const replay = () => command('POST', '/failures/replay', { all: true })
  await world.removeAccount(graphId)
  return { world, ann, graphId, unbind, bind, replay }
}

const SAYS_TO_BIND_AGAIN = expect.stringMatching(
  /^Unbind the user, then bind it again.*five minutes/,
)

describe('a user whose account is gone for good', () => {
  async function gone() {
    const each = await withoutAccount()
    const { world, ann, graphId } = each
    await world.purgeAccount(graphId)
    await world.run('report')
    expect((await world.binding(ann))['error']).toMatchObject({
      whatToDo: SAYS_TO_BIND_AGAIN,
    })
    return each
  }

  test('gets a new one when it is unbound and bound again, as the failure says', async () => {
    const { world, ann, graphId, unbind, bind } = await gone()
    await unbind()
    expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: null, error: null })
    await bind()
    const { state, graph_id: now } = await world.binding(ann)
    expect({ state, isNew: now !== graphId }).toEqual({ state: 'synced', isNew: true })
  })

  test('gets a new one, and its groups do, when it is bound again while its unbind is under way', async () => {
    const { world, ann, graphId } = await gone()
    const directory = `/directories/${world.directoryId}`
    const { body: sales } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
    })
    await world.settle()
    await world.query(sql`INSERT INTO group_member (organization_id, group_id, member_id)
      VALUES (${world.organizationId}, ${sales['id']}, ${ann})`)
    await world.query(sql`INSERT INTO exported_member
      (organization_id, directory_id, group_id, member_id, graph_id, exported_at)
      VALUES (${world.organizationId}, ${world.directoryId}, ${sales['id']}, ${ann}, ${graphId}, 0)`)
    await world.api.send('DELETE', `${directory}/bindings`, { userIds: [ann] })
    await world.drain()
    const { due_at: dueAt, error } = await world.binding(ann)
    expect(error).toMatchObject({ message: expect.stringContaining('looked for once more') })
    world.clock.now += 10_000
    await world.api.post(`${directory}/bindings`, { userIds: [ann] })
    await world.drain()
    expect(await world.binding(ann)).toMatchObject({ graph_id: graphId, due_at: dueAt })
    world.clock.now = dueAt
    await world.settle()
    const { state, graph_id: now, error: left } = await world.binding(ann)
    expect({ state, left, isNew: now !== graphId }).toEqual({
      ...{ state: 'synced', left: null },
      isNew: true,
    })
    expect(world.graph.summary().groups).toMatchObject([{ members: [now] }])
    const { body } = await world.api.get('/events?type=export_failure')
    expect(body['items']).toMatchObject([{ target: { id: ann } }])
  })

  test('is told to be so by a replay, whether or not a reconciliation has told of it', async () => {
    const { world, ann, graphId, bind, replay } = await withoutAccount()
    await bind()
    await world.api.patch(`/users/${ann}`, { lastname: 'After' })
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({
      state: 'failed',
      error: { whatToDo: expect.stringMatching(/^Restore it/) },
    })
    await world.purgeAccount(graphId)
    await replay()
    expect(await world.binding(ann)).toMatchObject({
      state: 'failed',
      graph_id: graphId,
      error: { code: 'object_missing', whatToDo: SAYS_TO_BIND_AGAIN },
    })
  })

  test('is through when it is deleted here: there is nothing to disable', async () => {
    const { world, ann } = await gone()
    await world.scim.delete(`/Users/${ann}`)
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: null })
  })

  test('is through once its ending was approved, which is asked about once', async () => {
    const { world, ann, unbind } = await gone()
    await world.lower({ count: 0, percent: 0 })
    await unbind()
    expect(await world.binding(ann)).toMatchObject({ state: 'held', approval: 'asked' })
    await world.api.post(`/directories/${world.directoryId}/held/approve`, { all: true })
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: null, error: null })
  })

  test('is through when its bind is undone', async () => {
    const world = await reconcileWorld({
      settings: { bindNewUsers: { mode: 'manual', groupIds: [] } },
    })
    const { users } = world.graph.seed({ users: 1 })
    const [graphId = ''] = users
    world.graph.changeUser(graphId, { properties: { userPrincipalName: 'ann@contoso.com' } })
    const [ann = ''] = await world.exported('ann')
    const directory = `/directories/${world.directoryId}`
    await world.api.post(`${directory}/bindings`, { userIds: [ann] })
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', graph_id: graphId })
    world.clock.now += 3_600_000
    await world.removeAccount(graphId)
    await world.purgeAccount(graphId)
    const { body } = await world.api.get('/events?type=binding_create&limit=1')
    await world.api.post(`${directory}/undo`, { eventId: body['items'][0]['id'] })
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: null, error: null })
  })
})

describe('a group with a member whose account is gone', () => {
  /** Seven users in a group, whose accounts somebody deleted before it came. */
  async function grouped(names: readonly string[]) {
    const world = await reconcileWorld()
    const ids = await world.exported(...names)
    const graphIds = names.map(world.accountOf)
    for (const graphId of graphIds) await world.removeAccount(graphId)
    const { body } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
      members: ids.map((value) => ({ value })),
    })
    await world.settle()
    const group: string = body['id']
    const command = async (method: 'POST' | 'DELETE', path: string, asked: unknown) => {
      await world.api.send(method, `/directories/${world.directoryId}${path}`, asked)
      await world.settle()
    }
    return { world, ids: ids.toSorted(), graphIds, group, command }
  }

  test('names the members, five at most, and points to what their own failures say', async () => {
    const names = ['ann', 'bob', 'cyn', 'dan', 'eve', 'fay', 'gil']
    const { world, ids, group } = await grouped(names)
    const told = ids.slice(0, 5).join(', ')
    expect(await world.binding(group)).toMatchObject({
      state: 'failed',
      error: {
        code: 'member_missing',
        message: `Members of the group do not exist in Microsoft 365 any more: ${told} and 2 more.`,
        whatToDo: expect.stringContaining('the failure of the user itself'),
      },
    })
  })

  test('has the member again once what the failures say is done: also when the account is gone for good', async () => {
    for (const isForGood of [false, true]) {
      const { world, ids, graphIds, group, command } = await grouped(['ann'])
      const [ann = ''] = ids
      const [graphId = ''] = graphIds
      expect((await world.binding(group))['error']).toMatchObject({
        message: `A member of the group does not exist in Microsoft 365 any more: ${ann}.`,
      })
      if (isForGood) await world.purgeAccount(graphId)
      world.clock.now += 3_600_000
      await world.run('report')
      const { error } = await world.binding(ann)
      if (isForGood) {
        expect(error['whatToDo']).toEqual(SAYS_TO_BIND_AGAIN)
        await command('DELETE', '/bindings', { userIds: [ann] })
        await command('POST', '/bindings', { userIds: [ann] })
      } else {
        expect(error['whatToDo']).toMatch(/^Restore it/)
        await world.restoreAccount(graphId)
        await command('POST', '/failures/replay', { all: true })
      }
      expect(await world.binding(group)).toMatchObject({ state: 'synced', error: null })
      const { graph_id: now } = await world.binding(ann)
      expect(world.graph.summary().groups).toMatchObject([{ members: [now] }])
    }
  })
})

describe('ending a user whose account is missing', () => {
  test('asks the recycle bin again before it believes that the account is gone', async () => {
    const { world, ann, graphId } = await withoutAccount()
    world.graph.faults.add({
      match: { method: 'GET', path: '/directory/deletedItems/' },
      status: 404,
      code: 'Request_ResourceNotFound',
      message: `Resource '${graphId}' does not exist.`,
    })
    const bindings = `/directories/${world.directoryId}/bindings`
    const { body: job } = await world.api.send('DELETE', bindings, { userIds: [ann] })
    await world.drain()
    expect(await world.binding(ann)).toMatchObject({
      state: 'unbinding',
      graph_id: graphId,
      due_at: world.clock.now + 300_000,
    })
    expect((await world.api.get(`/jobs/${job['id']}`)).body).toMatchObject({
      state: 'running',
      waiting: {
        state: 'put_off',
        reason: expect.stringContaining('looked for once more'),
        whatToDo: expect.stringContaining('Wait five minutes'),
        until: new Date(world.clock.now + 300_000).toISOString(),
      },
    })
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({
      state: 'unbinding',
      due_at: null,
      error: { code: 'object_missing', whatToDo: expect.stringMatching(/Restore.* for good/) },
    })
  })

  test('fails while the account may come back, and is through once it cannot', async () => {
    const { world, ann, graphId, unbind, replay } = await withoutAccount()
    await unbind()
    expect(await world.binding(ann)).toMatchObject({ state: 'unbinding', due_at: null })
    await world.purgeAccount(graphId)
    await replay()
    expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: null })
  })

  test('that was refused is no more to be told, until the user is bound again', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    await world.tick()
    world.graph.faults.add({
      match: { method: 'PATCH', path: '^/users/' },
      status: 403,
      code: 'Authorization_RequestDenied',
    })
    const bindings = `/directories/${world.directoryId}/bindings`
    await world.api.send('DELETE', bindings, { userIds: [ann] })
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'unbinding' })
    await world.removeAccount(world.accountOf('ann'))
    expect(await world.tick()).toMatchObject({ counts: { deleted: 0 } })
    await world.api.post(bindings, { userIds: [ann] })
    await world.settle()
    world.clock.now += 3_600_000
    const run = await world.run('report')
    expect(await world.drift(run)).toMatchObject([
      { userId: ann, attribute: 'deleted', theirs: 'recycle_bin' },
    ])
    expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
  })

  test('looks twice again when it is replayed, since the account may have been restored just now', async () => {
    const { world, ann, graphId, unbind } = await withoutAccount()
    await unbind()
    await world.restoreAccount(graphId)
    // A replica that lags knows neither the account nor what was deleted.
    for (const path of [`/users/${graphId}`, '/directory/deletedItems/'])
      world.graph.faults.add({ match: { path }, status: 404, code: 'Request_ResourceNotFound' })
    const replay = `/directories/${world.directoryId}/failures/replay`
    await world.api.post(replay, { all: true })
    await world.drain()
    expect(await world.binding(ann)).toMatchObject({ state: 'unbinding', graph_id: graphId })
    await world.settle()
    expect(world.graph.summary().users).toMatchObject([{ id: graphId, accountEnabled: false }])
    expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: graphId })
  })

  test('keeps the account that a replica did not know, when its user is bound again', async () => {
    const { world, ann, graphId, bind } = await withoutAccount()
    await world.restoreAccount(graphId)
    for (const path of [`/users/${graphId}`, '/directory/deletedItems/'])
      world.graph.faults.add({ match: { path }, status: 404, code: 'Request_ResourceNotFound' })
    const bindings = `/directories/${world.directoryId}/bindings`
    await world.api.send('DELETE', bindings, { userIds: [ann] })
    await world.drain()
    expect(await world.binding(ann)).toMatchObject({ error: { code: 'object_missing' } })
    await bind()
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', graph_id: graphId })
    expect(world.graph.summary().users).toMatchObject([{ id: graphId, accountEnabled: true }])
  })

  test('tries nothing when a run that reports finds it deleted again, and is through once it is gone', async () => {
    const { world, ann, graphId } = await withoutAccount()
    await world.scim.delete(`/Users/${ann}`)
    await world.settle()
    const failed = await world.binding(ann)
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'object_missing' } })
    world.graph.counters.reset()
    const told = await world.run('report')
    expect(await world.drift(told)).toMatchObject([{ userId: ann, theirs: 'recycle_bin' }])
    expect((await world.binding(ann))['error']).toEqual(failed['error'])
    expect(world.graph.counters.snapshot().writes).toBe(0)
    await world.purgeAccount(graphId)
    world.graph.counters.reset()
    await world.run('report')
    expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: null, error: null })
    expect(world.graph.counters.snapshot().writes).toBe(0)
  })

  test('disables the account that was restored meanwhile, when it is replayed', async () => {
    const { world, ann, graphId, unbind, replay } = await withoutAccount()
    await unbind()
    await world.restoreAccount(graphId)
    await replay()
    expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: graphId })
    expect(world.graph.summary().users).toMatchObject([{ id: graphId, accountEnabled: false }])
  })
})
