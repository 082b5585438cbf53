/** Something is undone while the undoing of something else still waits for what replicas show. */
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000

/** Ann and Bob, whose department was overwritten moments ago, of Ann the title too, and whose department somebody changed since. */
async function overwrittenTwice() {
  const each = await previewedBind()
  const { world } = each
  const path = `/directories/${world.directoryId}`
  const direct = (name: string, direction: string) =>
    world.api.patch(`${path}/attributes`, { [name]: direction })
  await direct('department', 'exclude')
  await direct('jobTitle', 'exclude')
  const users: string[] = []
  for (const [name, jobTitle] of [
    ['ann', 'Theirs'],
    ['bob', 'Engineer'],
  ] as const) {
    const properties = { department: 'Theirs', jobTitle }
    world.graph.changeUser(each.account(name), { properties })
    users.push(await each.create(name, { [ENTERPRISE_USER_URN]: { department: 'Ours' } }))
  }
  await each.bind(users)
  world.clock.now += HOUR
  const chosen: string[] = []
  for (const name of ['department', 'jobTitle']) {
    await direct(name, 'export')
    await world.settle()
    const { body } = await world.api.get('/events?type=integrationattribute_include&limit=1')
    chosen.push(body['items'][0]['id'])
  }
  for (const { id } of world.graph.summary().users)
    world.graph.changeUser(String(id), { properties: { department: 'Hand' } })
  const undo = async (eventId: string | undefined) => {
    const { body } = await world.api.post(`${path}/undo`, { eventId })
    await world.drain()
    await world.drain()
    return async () => (await world.api.get(`/jobs/${body['id']}`)).body
  }
  return { world, users, chosen, undo }
}

test('the later undoing takes over whom it is about as well, which the first one tells, and nobody else', async () => {
  const { world, users, chosen, undo } = await overwrittenTwice()
  const [ann, bob] = users
  const first = await undo(chosen[0])
  expect(await first()).toMatchObject({ state: 'running', total: 2 })
  const second = await undo(chosen[1])
  expect(await second()).toMatchObject({ state: 'running', total: 1 })
  await world.settle()
  const changed = { code: 'changed_since', attribute: 'department', held: 'Hand', before: 'Theirs' }
  const { errors, ...done } = await first()
  expect(done).toMatchObject({ state: 'done', done: 2, total: 2 })
  expect(errors).toHaveLength(2)
  expect(errors).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        resourceId: ann,
        code: 'undone_meanwhile',
        before: { department: 'Theirs' },
      }),
      expect.objectContaining({ resourceId: bob, ...changed }),
    ]),
  )
  expect(await second()).toMatchObject({
    state: 'done',
    done: 1,
    total: 1,
    errors: [{ resourceId: ann, ...changed }],
  })
  const properties = { department: 'Hand' }
  expect(world.graph.summary().users).toMatchObject([
    { ...properties, jobTitle: 'Theirs' },
    { ...properties, jobTitle: 'Engineer' },
  ])
})

/**
 * Ann, whose account a bind has overwritten, and whose department a direction has overwritten again just now, after somebody had changed it:
 * until every replica shows that, nobody can say what is to be put back.
 */
async function overwrittenAgain() {
  const each = await previewedBind()
  const { world } = each
  const path = `/directories/${world.directoryId}`
  const account = each.account('ann')
  const properties = { department: 'First', jobTitle: 'Chief', usageLocation: 'US' }
  world.graph.changeUser(account, { properties })
  const department = { [ENTERPRISE_USER_URN]: { department: 'Ours' } }
  const ann = await each.create('ann', department)
  await each.bind([ann])
  world.clock.now += HOUR
  const direct = (direction: string) =>
    world.api.patch(`${path}/attributes`, { department: direction })
  await direct('exclude')
  await world.settle()
  world.graph.changeUser(account, { properties: { department: 'Second' } })
  await direct('export')
  await world.settle()
  const newest = async (type: string) =>
    (await world.api.get(`/events?type=${type}&limit=1`)).body['items'][0]['id']
  const bound = await newest('binding_create')
  const chosen = await newest('integrationattribute_include')
  const held = (value: string) =>
    world.graph.changeUser(account, { properties: { department: value } })
  /** Asks, and has it met and tried once. */
  const ask = async (what: string, body: Loose) => {
    const { body: job } = await world.api.post(`${path}/${what}`, body)
    await world.drain()
    await world.drain()
    return async (): Promise<Loose> => (await world.api.get(`/jobs/${job['id']}`)).body
  }
  return {
    ...each,
    ann,
    bound,
    chosen,
    held,
    ask,
    direct,
    newest,
    undo: (eventId: string) => ask('undo', { eventId }),
    through: async () => {
      world.clock.now += HOUR
      await world.settle()
    },
    there: () => world.graph.summary().users.find(({ id }) => id === account) as Loose,
  }
}

describe('what becomes of a value that is to be put back, while something else', () => {
  test('is asked of the same user: the undoing tells it, and nobody else', async () => {
    const each = await overwrittenAgain()
    each.held('Hand')
    const undo = await each.undo(each.chosen)
    const others = [
      await each.ask('exports', { userIds: [each.ann] }),
      await each.ask('bindings', { userIds: [each.ann] }),
    ]
    for (const job of [undo, ...others])
      expect(await job()).toMatchObject({ state: 'running', done: 0, errors: [] })
    await each.through()
    const changed = { code: 'changed_since', attribute: 'department', held: 'Hand' }
    expect(await undo()).toMatchObject({
      state: 'done',
      done: 1,
      errors: [{ resourceId: each.ann, ...changed, before: 'Second' }],
    })
    for (const job of others) expect(await job()).toMatchObject({ state: 'done', errors: [] })
    expect(each.there()).toMatchObject({ department: 'Hand' })
  })

  test('is refused, and replayed: the undoing is not through before that', async () => {
    const each = await overwrittenAgain()
    each.world.clock.now += HOUR
    each.world.graph.faults.add({
      match: { method: 'PATCH', path: '^/users/' },
      status: 403,
      code: 'Authorization_RequestDenied',
    })
    const undo = await each.undo(each.chosen)
    expect(await undo()).toMatchObject({
      state: 'failed',
      errors: [{ resourceId: each.ann, code: 'Authorization_RequestDenied' }],
    })
    each.world.graph.faults.add({
      match: { method: 'PATCH', path: '^/users/' },
      status: 503,
      retryAfter: 600,
    })
    const replay = await each.ask('failures/replay', { all: true })
    for (const job of [undo, replay]) expect(await job()).toMatchObject({ state: 'running' })
    await each.through()
    for (const job of [undo, replay])
      expect(await job()).toMatchObject({ state: 'done', done: 1, errors: [] })
    expect(each.there()).toMatchObject({ department: 'Second' })
  })

  test('chooses its attribute again: the undoing names that choice', async () => {
    const each = await overwrittenAgain()
    each.held('Hand')
    const undo = await each.undo(each.chosen)
    await each.direct('export')
    await each.through()
    expect(each.there()).toMatchObject({ department: 'Ours' })
    expect(await undo()).toMatchObject({
      state: 'done',
      done: 1,
      errors: [
        {
          resourceId: each.ann,
          code: 'exported_again',
          attribute: 'department',
          before: 'Second',
          eventId: await each.newest('integrationattribute_include'),
        },
      ],
    })
  })

  test('undoes the bind of the user: that puts back what was there before the bind, as is told', async () => {
    const each = await overwrittenAgain()
    each.held('Unclear')
    const first = await each.undo(each.chosen)
    const second = await each.undo(each.bound)
    each.held('Ours')
    await each.through()
    expect(each.there()).toMatchObject({ department: 'First', jobTitle: 'Chief' })
    expect(await second()).toMatchObject({ state: 'done', done: 1, errors: [] })
    expect(await first()).toMatchObject({
      state: 'done',
      done: 1,
      errors: [
        {
          resourceId: each.ann,
          code: 'undone_meanwhile',
          before: { department: 'Second' },
          eventId: await each.newest('undo'),
        },
      ],
    })
  })

  test('has undone the bind of the user already, and is not through: the later undoing names that one', async () => {
    const each = await overwrittenAgain()
    each.held('Unclear')
    const first = await each.undo(each.bound)
    const earlier = await each.newest('undo')
    const second = await each.undo(each.chosen)
    each.held('Ours')
    await each.through()
    expect(each.there()).toMatchObject({ department: 'First', jobTitle: 'Chief' })
    expect(await first()).toMatchObject({ state: 'done', done: 1, errors: [] })
    expect(await second()).toMatchObject({
      state: 'done',
      errors: [
        {
          resourceId: each.ann,
          code: 'undone_meanwhile',
          before: { department: 'Second' },
          eventId: earlier,
        },
      ],
    })
  })
})

test('an undoing that was under way before undoings had their own number gets it by the migration, and what a command asks for does not', async () => {
  const each = await previewedBind()
  const { world } = each
  const path = `/directories/${world.directoryId}`
  world.graph.changeUser(each.account('ann'), { properties: { department: 'Theirs' } })
  const ann = await each.create('ann', { [ENTERPRISE_USER_URN]: { department: 'Ours' } })
  await each.bind([ann])
  world.clock.now += HOUR
  const outOfOrder = () =>
    world.graph.faults.add({
      match: { path: '^/users' },
      when: ({ method }) => method !== 'GET',
      status: 503,
      retryAfter: 600,
      times: 1,
    })
  outOfOrder()
  const { body: log } = await world.api.get('/events?type=binding_create&limit=1')
  await world.api.post(`${path}/undo`, { eventId: log['items'][0]['id'] })
  await world.drain()
  await world.drain()
  const numbers = async () => {
    const { asked_sequence, undo_sequence, restoring } = await world.binding(ann)
    return { asked_sequence, undo_sequence, restoring }
  }
  const now = await numbers()
  expect(now).toMatchObject({ asked_sequence: null, undo_sequence: expect.any(Number) })
  await world.query(sql`UPDATE binding SET asked_sequence = undo_sequence, undo_sequence = NULL
    WHERE directory_id = ${world.directoryId}`)
  const carryOver = env.TEST_MIGRATIONS.find(({ name }) => name.startsWith('0019_'))?.queries.at(-1)
  await world.query(sql.raw(carryOver ?? ''))
  expect(await numbers()).toEqual(now)
  // A command's own number stays where it is.
  const { body: job } = await world.api.post(`${path}/bindings`, { userIds: [ann] })
  outOfOrder()
  await world.drain()
  const bound = await numbers()
  expect(bound['asked_sequence']).toEqual(expect.any(Number))
  await world.query(sql.raw(carryOver ?? ''))
  expect(await numbers()).toEqual(bound)
  await world.settle()
  expect((await world.api.get(`/jobs/${job['id']}`)).body).toMatchObject({ state: 'done', done: 1 })
})
