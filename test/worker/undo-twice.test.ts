/** Something is undone while the undoing of something else still waits for what replicas show. */
import { expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { previewedBind } from '../support/previewed-bind.ts'

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
