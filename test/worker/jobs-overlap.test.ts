/** A job is about what it asked for to the end, whoever asks for the same in the meantime. */
import { describe, expect, test } from 'vitest'

import { MANUAL, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000

/** A directory of which commands are asked, each with a look at its job. */
async function asked(settings = {}) {
  const each = await previewedBind({ ...MANUAL, bindNewGroups: 'manual', ...settings })
  const { world } = each
  const path = `/directories/${world.directoryId}`
  return {
    ...each,
    /** Asks, and has it met and tried once; gives what reads the job. */
    async ask(method: 'POST' | 'DELETE', what: string, body: unknown) {
      const { body: job } = await world.api.send(method, `${path}${what}`, body)
      await world.drain()
      await world.drain()
      return async (): Promise<Loose> => (await world.api.get(`/jobs/${job['id']}`)).body
    },
    bindingId: async (id: string) =>
      (await world.api.get(`/users/${id}`)).body['bindings'][0]['id'],
  }
}

/** What is written of users waits for ten minutes; what is read does not. */
const outOfOrder = ({ world }: PreviewedBind, times = 1) =>
  world.graph.faults.add({
    match: { path: '^/users' },
    when: ({ method }) => method !== 'GET',
    status: 503,
    retryAfter: 600,
    times,
  })

const refuse = ({ world }: PreviewedBind, name: string) =>
  world.graph.faults.add({
    match: { method: 'POST', path: '^/users$' },
    when: ({ body }) => (body as Loose)['userPrincipalName'] === `${name}@contoso.com`,
    status: 403,
    code: 'Authorization_RequestDenied',
    message: 'Insufficient privileges to complete the operation.',
  })

const SALES = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
  displayName: 'Sales',
}

const RUNNING = { state: 'running', done: 0, total: 1, errors: [] }
const DONE = { state: 'done', done: 1, total: 1, errors: [] }

describe('a job of whom somebody asks again', () => {
  test('waits on while its user does, and both are through with it', async () => {
    const each = await asked()
    const { world, ask } = each
    const ann = await each.create('ann')
    outOfOrder(each)
    const bind = await ask('POST', '/bindings', { userIds: [ann] })
    expect(await bind()).toMatchObject({ ...RUNNING, waiting: { state: 'put_off' } })
    outOfOrder(each)
    const again = await ask('POST', '/exports', { userIds: [ann] })
    outOfOrder(each)
    const third = await ask('POST', '/bindings', { userIds: [ann] })
    for (const job of [bind, again, third]) expect(await job()).toMatchObject(RUNNING)
    await world.settle()
    for (const job of [bind, again, third]) expect(await job()).toMatchObject(DONE)
    expect(await world.binding(ann)).toMatchObject({
      state: 'synced',
      asked_sequence: null,
      asked_before: null,
    })
  })

  test('tells what became of it by then, as does the one that asked again', async () => {
    const each = await asked()
    const { world, ask } = each
    const [ann, bob] = [await each.create('ann'), await each.create('bob')]
    outOfOrder(each, 2)
    const bind = await ask('POST', '/bindings', { userIds: [ann, bob] })
    refuse(each, 'ann')
    outOfOrder(each)
    const again = await ask('POST', '/exports', { userIds: [ann] })
    await world.settle()
    const refused = { resourceId: ann, code: 'Authorization_RequestDenied' }
    expect(await bind()).toMatchObject({ state: 'done', done: 2, total: 2, errors: [refused] })
    expect(await again()).toMatchObject({ state: 'failed', done: 1, errors: [refused] })
  })
})

describe('a job that somebody replays', () => {
  test('tells still what was refused then, while that is tried again and after', async () => {
    const each = await asked()
    const { world, ask } = each
    const [ann, bob] = [await each.create('ann'), await each.create('bob')]
    refuse(each, 'ann')
    const bind = await ask('POST', '/bindings', { userIds: [ann, bob] })
    await world.settle()
    const refused = { resourceId: ann, code: 'Authorization_RequestDenied' }
    const ended = { state: 'done', done: 2, total: 2, errors: [refused] }
    expect(await bind()).toMatchObject(ended)
    outOfOrder(each)
    const replay = await ask('POST', '/failures/replay', { all: true })
    expect(await replay()).toMatchObject(RUNNING)
    expect(await bind()).toMatchObject(ended)
    await world.settle()
    expect(await replay()).toMatchObject(DONE)
    expect(await bind()).toMatchObject(ended)
  })

  test('counts whoever was refused, however many', async () => {
    const each = await asked()
    const { world, ask } = each
    const ids: string[] = []
    for (let i = 0; i < 101; i++) ids.push(await each.create(`user${i}`))
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      status: 403,
      code: 'Authorization_RequestDenied',
      times: 101,
    })
    const bind = await ask('POST', '/bindings', { userIds: ids })
    await world.settle()
    const failed = { state: 'failed', done: 101, total: 101 }
    const counted = async () => {
      const { errors, ...job } = await bind()
      return { ...job, errors: errors.length }
    }
    expect(await counted()).toMatchObject({ ...failed, errors: 100 })
    const replay = await ask('POST', '/failures/replay', { all: true })
    await world.settle()
    expect(await replay()).toMatchObject({ state: 'done', done: 101, errors: [] })
    expect(await counted()).toMatchObject({ ...failed, errors: 100 })
  })

  test('tells of a hundred, also where some of more than a hundred are replayed', async () => {
    const each = await asked()
    const { world, ask } = each
    const ids: string[] = []
    for (let i = 0; i < 120; i++) ids.push(await each.create(`user${i}`))
    const fault = {
      match: { method: 'POST', path: '^/users$' },
      status: 403,
      code: 'Authorization_RequestDenied',
    }
    world.graph.faults.add({ ...fault, times: 120 })
    const bind = await ask('POST', '/bindings', { userIds: ids })
    await world.settle()
    const path = `/directories/${world.directoryId}/bindings?state=failed&limit=60`
    const { body } = await world.api.get(path)
    const bindingIds = body['items'].map(({ id }: Loose) => id)
    expect(bindingIds).toHaveLength(60)
    const replay = await ask('POST', '/failures/replay', { bindingIds })
    await world.settle()
    expect(await replay()).toMatchObject({ ...DONE, done: 60, total: 60 })
    // Sixty are stored with the job by now, and sixty of its bindings are refused still.
    const { errors, ...job } = await bind()
    expect(job).toMatchObject({ state: 'failed', done: 120, total: 120 })
    expect(new Set(errors.map(({ resourceId }: Loose) => resourceId)).size).toBe(100)
    expect(errors).toHaveLength(100)
  })

  test('of an import tells it too', async () => {
    const each = await asked()
    const { world, ask } = each
    const account = each.account('ann')
    world.graph.changeUser(account, { properties: { mailNickname: 'ann', displayName: 'Other' } })
    world.graph.faults.add({
      match: { method: 'PATCH', path: `^/users/${account}` },
      status: 403,
      code: 'Authorization_RequestDenied',
    })
    const imported = await ask('POST', '/import', { graphIds: [account], bind: true })
    const { organizationId } = world
    await world.answer({ organizationId, jobId: (await imported())['id'] })
    await world.settle()
    const { errors } = await imported()
    expect(errors).toMatchObject([{ code: 'privileged_target' }])
    const replay = await ask('POST', '/failures/replay', { all: true })
    await world.settle()
    expect(await replay()).toMatchObject(DONE)
    expect((await imported())['errors']).toEqual(errors)
  })

  test('of whom an approval asks, tells what held it', async () => {
    const each = await asked({ conflict: 'hold' })
    const { world, ask } = each
    const ann = await each.create('ann')
    each.account('ann')
    const bind = await ask('POST', '/bindings', { userIds: [ann] })
    const held = { state: 'failed', done: 1, errors: [{ resourceId: ann, code: 'account_exists' }] }
    expect(await bind()).toMatchObject(held)
    const approve = await ask('POST', '/held/approve', { bindingIds: [await each.bindingId(ann)] })
    await world.settle()
    expect(await approve()).toMatchObject(DONE)
    expect(await bind()).toMatchObject(held)
  })
})

describe('a job that is overtaken by the opposite', () => {
  test('of a bind tells that the user was unbound before it was through', async () => {
    const each = await asked()
    const { world, ask } = each
    const ann = await each.create('ann')
    outOfOrder(each)
    const bind = await ask('POST', '/bindings', { userIds: [ann] })
    const unbind = await ask('DELETE', '/bindings', { userIds: [ann] })
    await world.settle()
    expect(await unbind()).toMatchObject(DONE)
    expect(await bind()).toMatchObject({
      state: 'failed',
      done: 1,
      errors: [{ resourceId: ann, code: 'unbound_since', eventId: expect.stringMatching(/^evt_/) }],
    })
  })

  test('of an unbind tells that the user was bound again before it was through', async () => {
    const each = await asked()
    const { world, ask } = each
    const ann = await each.create('ann')
    await each.bind([ann])
    world.clock.now += HOUR
    outOfOrder(each)
    const unbind = await ask('DELETE', '/bindings', { userIds: [ann] })
    expect(await unbind()).toMatchObject(RUNNING)
    const bind = await ask('POST', '/bindings', { userIds: [ann] })
    await world.settle()
    expect(await bind()).toMatchObject(DONE)
    expect(await unbind()).toMatchObject({
      state: 'failed',
      done: 1,
      errors: [{ resourceId: ann, code: 'bound_again', eventId: expect.stringMatching(/^evt_/) }],
    })
  })

  test('of a bind tells that the user was deleted before it was through', async () => {
    const each = await asked()
    const { world, ask } = each
    const ann = await each.create('ann')
    outOfOrder(each)
    const bind = await ask('POST', '/bindings', { userIds: [ann] })
    await world.scim.delete(`/Users/${ann}`)
    await world.settle()
    expect(await bind()).toMatchObject({
      state: 'failed',
      done: 1,
      errors: [{ resourceId: ann, code: 'unbound_since' }],
    })
  })

  test('of a bind tells that the group was deleted before it was through', async () => {
    const each = await asked()
    const { world, ask } = each
    const { body: sales } = await world.scim.post('/Groups', { ...SALES, members: [] })
    world.graph.faults.add({
      match: { path: '^/groups' },
      when: ({ method }) => method !== 'GET',
      status: 503,
      retryAfter: 600,
    })
    const bind = await ask('POST', '/bindings', { groupIds: [sales['id']] })
    expect(await bind()).toMatchObject(RUNNING)
    await world.scim.delete(`/Groups/${sales['id']}`)
    await world.settle()
    expect(await bind()).toMatchObject({
      state: 'failed',
      done: 1,
      errors: [{ resourceId: sales['id'], code: 'unbound_since' }],
    })
  })

  test('of users that groups bind tells that they left, and that they came back', async () => {
    const each = await asked()
    const { world, ask } = each
    const ann = await each.create('ann')
    const value = [{ value: ann }]
    const { body: sales } = await world.scim.post('/Groups', { ...SALES, members: value })
    const bindNewUsers = { mode: 'groups', groupIds: [sales['id']] }
    await world.api.patch(`/directories/${world.directoryId}`, { settings: { bindNewUsers } })
    await world.settle()
    const membership = async (op: 'add' | 'remove') => {
      await world.scim.patch(`/Groups/${sales['id']}`, [{ op, path: 'members', value }])
      await world.drain()
    }
    world.clock.now += HOUR
    const title = [{ op: 'replace', path: 'title', value: 'Boss' }]
    await world.scim.patch(`/Users/${ann}`, title)
    outOfOrder(each, 2)
    const exported = await ask('POST', '/exports', { userIds: [ann] })
    expect(await exported()).toMatchObject(RUNNING)
    world.graph.faults.add({
      match: { method: 'PATCH', path: '^/users' },
      status: 403,
      code: 'Authorization_RequestDenied',
    })
    await membership('remove')
    await world.drain()
    expect(await exported()).toMatchObject({
      state: 'failed',
      errors: [{ resourceId: ann, code: 'unbound_since' }],
    })
    expect(await world.binding(ann)).toMatchObject({ state: 'unbinding', due_at: null })
    outOfOrder(each)
    const replay = await ask('POST', '/failures/replay', { all: true })
    expect(await replay()).toMatchObject(RUNNING)
    await membership('add')
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'synced' })
    expect(await replay()).toMatchObject({
      state: 'failed',
      errors: [{ resourceId: ann, code: 'bound_again' }],
    })
  })
})
