/** Undoing a direction of somebody of whom something waits: it is sent what it gives back, and the rest in its own time. */
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { HOUR, type Overwritten, overwritten } from '../support/overwritten.ts'

const BACK = 'PATCH {"department":"Theirs"}'
const TITLE = 'PATCH {"jobTitle":"Boss"}'
const TEN_MINUTES = 600_000

const outOfOrder = ({ world, graphId }: Overwritten, more = {}) =>
  world.graph.faults.add({
    match: { method: 'PATCH', path: `^/users/${graphId}` },
    status: 503,
    ...more,
  })

/** Ann, of whom a value waits for ten minutes. */
async function waiting(path = 'title', value = 'Boss') {
  const each = await overwritten()
  outOfOrder(each, { retryAfter: 600 })
  await each.change(path, value)
  await each.world.drain()
  const before = await each.world.binding(each.ann)
  expect(before).toMatchObject({ state: 'owed' })
  expect(before['due_at']).toBeGreaterThanOrEqual(each.world.clock.now + TEN_MINUTES)
  return { each, before }
}

describe('undoing a direction of somebody of whom something waits', () => {
  test('sends what it gives back at once, and what waits when that is due', async () => {
    const { each, before } = await waiting()
    const { world, ann } = each
    const job = await each.ask()
    await each.tryOnce()
    expect(each.sent()).toEqual([BACK])
    expect(await job()).toMatchObject({ state: 'done', done: 1, errors: [] })
    const { state, due_at, attempts, error } = before
    expect(await world.binding(ann)).toMatchObject({
      state,
      due_at,
      attempts,
      error,
      found: null,
      restoring: null,
      asked_sequence: null,
    })
    world.clock.now += 2 * TEN_MINUTES
    await world.settle()
    expect(each.sent()).toEqual([BACK, TITLE])
    expect(each.department()).toBe('Theirs')
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', due_at: null })
  })

  test('sends what is due by then with it', async () => {
    const { each } = await waiting()
    each.world.clock.now += 2 * TEN_MINUTES
    await each.ask()
    await each.world.settle()
    expect(each.sent().toSorted()).toEqual([BACK, TITLE])
    expect(each.department()).toBe('Theirs')
  })

  test('is tried again alone when Graph is out of order for it too', async () => {
    const { each, before } = await waiting()
    const { world, ann } = each
    outOfOrder(each)
    await each.ask()
    await each.tryOnce()
    expect(await world.binding(ann)).toMatchObject({ state: 'owed', found: '["department"]' })
    world.clock.now += 10_000
    await each.tryOnce()
    expect(each.sent()).toEqual([BACK, BACK])
    expect(await world.binding(ann)).toMatchObject({ due_at: before['due_at'], restoring: null })
  })

  test('that is refused leaves the rest its own time, and is told', async () => {
    const { each, before } = await waiting()
    const { world, ann } = each
    each.refuseOnce()
    const job = await each.ask()
    await each.tryOnce()
    expect(each.sent()).toEqual([BACK])
    expect(await world.binding(ann)).toMatchObject({ state: 'owed', due_at: before['due_at'] })
    world.clock.now += 2 * TEN_MINUTES
    await world.settle()
    expect(each.sent().toSorted()).toEqual([BACK, BACK, TITLE].toSorted())
    expect(each.department()).toBe('Theirs')
    expect(await job()).toMatchObject({ state: 'done' })
  })

  test('whose round dies is done again alone', async () => {
    const { each, before } = await waiting()
    const { world, ann } = each
    await each.ask()
    await world.query(sql`CREATE TRIGGER crash BEFORE UPDATE OF position ON directory
      WHEN NEW.id = ${sql.raw(`'${world.directoryId}'`)} AND OLD.intent IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'Network connection lost'); END`)
    await each.tryOnce()
    await world.query(sql`DROP TRIGGER crash`)
    expect(each.sent()).toEqual([BACK])
    expect(each.department()).toBe('Theirs')
    await world.query(sql`UPDATE directory SET lease_until = 1 WHERE id = ${world.directoryId}`)
    await each.tryOnce()
    expect(each.sent().filter((write) => write !== BACK)).toEqual([])
    expect(await world.binding(ann)).toMatchObject({
      state: 'owed',
      due_at: before['due_at'],
      found: null,
      rest_due_at: null,
      restoring: null,
    })
  })

  test('is overtaken by the choice of that direction again, which waits with the rest', async () => {
    const { each, before } = await waiting(`${ENTERPRISE_USER_URN}:department`, 'New')
    const { world, ann } = each
    outOfOrder(each)
    await each.ask()
    await each.tryOnce()
    expect(await world.binding(ann)).toMatchObject({ state: 'owed', found: '["department"]' })
    world.graph.journal.clear()
    await world.api.patch(`/directories/${world.directoryId}/attributes`, { department: 'export' })
    world.clock.now += 60_000
    await each.tryOnce()
    expect(each.sent()).toEqual([])
    expect(await world.binding(ann)).toMatchObject({ due_at: before['due_at'], found: null })
    world.clock.now += 2 * TEN_MINUTES
    await world.settle()
    expect(each.sent()).toEqual(['PATCH {"department":"New"}'])
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', restoring: null })
  })

  test('is overtaken by a change of the user, which sends everything', async () => {
    const { each } = await waiting()
    const { world, ann } = each
    outOfOrder(each)
    await each.ask()
    await each.tryOnce()
    await each.change('nickName', 'Annie')
    await world.drain()
    expect(each.sent().slice(1).toSorted()).toEqual([BACK, TITLE])
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', due_at: null, found: null })
  })
})

describe('what an undoing gives back, where a replica may be late', () => {
  /** Ann, whose title was written a minute ago, and whose department a replica shows as somebody may have made it. */
  async function young(settings = {}) {
    const each = await overwritten(settings)
    const { world, graphId } = each
    await each.change('title', 'Chief')
    await world.settle()
    world.graph.changeUser(graphId, { properties: { department: 'Unclear' } })
    return {
      each,
      arrives: () => world.graph.changeUser(graphId, { properties: { department: 'Ours' } }),
    }
  }

  test('is read again of somebody who is held', async () => {
    const { each, arrives } = await young({ threshold: { count: 0, percent: 0 } })
    const { world, ann } = each
    await each.change('active', false)
    await world.settle()
    const job = await each.ask()
    await each.tryOnce()
    expect(each.sent()).toEqual([])
    expect(await world.binding(ann)).toMatchObject({ state: 'held', found: '["department"]' })
    expect(await job()).toMatchObject({
      state: 'running',
      errors: [],
      waiting: { reason: expect.stringContaining('looked at again') },
    })
    arrives()
    world.clock.now += HOUR
    await world.settle()
    expect(each.sent()).toEqual([BACK])
    expect(await job()).toMatchObject({ state: 'done', errors: [] })
    expect(await world.binding(ann)).toMatchObject({ state: 'held', approval: 'asked' })
  })

  test('is read again of somebody who is suspended meanwhile, and held', async () => {
    const { each, arrives } = await young({ threshold: { count: 0, percent: 0 } })
    const { world, ann } = each
    const job = await each.ask()
    await world.drain()
    await each.change('active', false)
    await world.drain()
    expect(each.sent()).toEqual([])
    expect(await world.binding(ann)).toMatchObject({ state: 'held', approval: 'asked' })
    expect(await job()).toMatchObject({ state: 'running', errors: [] })
    arrives()
    world.clock.now += HOUR
    await world.settle()
    expect(each.sent()).toEqual([BACK])
    expect(await job()).toMatchObject({ state: 'done', errors: [] })
    expect(await world.binding(ann)).toMatchObject({ state: 'held', approval: 'asked' })
  })

  test.each([
    ['a password that is refused', 'password', 'N3xt-of-hers!'],
    ['a name in a domain that is not verified', 'emails[type eq "work"].value', 'ann@no.example'],
  ])('is read again of somebody who gets %s meanwhile', async (_, path, value) => {
    const { each, arrives } = await young()
    const { world, ann, graphId } = each
    const job = await each.ask()
    await world.drain()
    world.graph.faults.add({
      match: { method: 'PATCH', path: `^/users/${graphId}` },
      when: ({ body }) => JSON.stringify(body).includes('passwordProfile'),
      status: 400,
      code: 'Request_BadRequest',
      message: 'The specified password does not comply with password complexity requirements.',
    })
    await each.change(path, value)
    await world.drain()
    const { state, error } = await world.binding(ann)
    expect(state).toBe('failed')
    expect(await job()).toMatchObject({ state: 'running' })
    arrives()
    world.clock.now += HOUR
    await world.settle()
    expect(each.sent().at(-1)).toBe(BACK)
    expect(await job()).toMatchObject({ state: 'done', errors: [] })
    expect(await world.binding(ann)).toMatchObject({ state, error, restoring: null })
  })

  test('is told as changed by somebody else once that is sure', async () => {
    const { each } = await young({ threshold: { count: 0, percent: 0 } })
    const { world } = each
    const job = await each.ask()
    await world.drain()
    await each.change('active', false)
    await world.drain()
    world.clock.now += HOUR
    await world.settle()
    expect(each.sent()).toEqual([])
    expect((await job())['errors']).toMatchObject([
      { code: 'changed_since', attribute: 'department', held: 'Unclear' },
    ])
  })
})
