import { expect, test } from 'vitest'

import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

const newest = async ({ api }: ReconcileWorld): Promise<Loose> =>
  (await api.get('/events?type=export_success&limit=1')).body['items'][0]

/** The changes of an event, by attribute. */
const changesOf = (event: Loose) =>
  Object.fromEntries(
    (event['changes'] as Loose[]).map(({ attribute, from, to }) => [attribute, [from, to]]),
  )

test('an export tells what it sent, from what it had sent before, and no password', async () => {
  const world = await reconcileWorld()
  const { body: ann } = await world.scim.post(
    '/Users',
    newUser('ann', { password: 'Ha7!mmer-sickle' }),
  )
  await world.settle()
  const created = await newest(world)
  expect(created).toMatchObject({
    outcome: 'success',
    details: { graphId: world.accountOf('ann') },
  })
  expect(changesOf(created)).toMatchObject({
    email: [null, 'ann@contoso.com'],
    jobTitle: [null, 'Engineer'],
    accountEnabled: [null, true],
  })
  expect(JSON.stringify(created)).not.toContain('sickle')
  await world.scim.patch(`/Users/${ann['id']}`, [
    { op: 'replace', path: 'title', value: 'Boss' },
    { op: 'replace', path: 'active', value: false },
  ])
  await world.settle()
  expect(changesOf(await newest(world))).toEqual({
    jobTitle: ['Engineer', 'Boss'],
    accountEnabled: [true, false],
  })
})

test('an export into an account that was there before tells what it overwrote, and its undo what it put back', async () => {
  const world = await reconcileWorld({
    settings: { bindNewUsers: { mode: 'manual', groupIds: [] } },
  })
  const { users } = world.graph.seed({ users: 1 })
  const [graphId = ''] = users
  const properties = { userPrincipalName: 'ann@contoso.com', jobTitle: 'Theirs' }
  world.graph.changeUser(graphId, { properties })
  const { body: ann } = await world.scim.post('/Users', newUser('ann'))
  const directory = `/directories/${world.directoryId}`
  await world.api.post(`${directory}/bindings`, { userIds: [ann['id']] })
  await world.settle()
  const adopted = await newest(world)
  expect(changesOf(adopted)).toMatchObject({ jobTitle: ['Theirs', 'Engineer'] })
  const { body: bound } = await world.api.get('/events?type=binding_create&limit=1')
  world.clock.now += 3_600_000
  await world.api.post(`${directory}/undo`, { eventId: bound['items'][0]['id'] })
  await world.settle()
  const undone = await newest(world)
  expect(undone).toMatchObject({ details: { graphId } })
  expect(changesOf(undone)).toMatchObject({ jobTitle: ['Engineer', 'Theirs'] })
})
