import { expect, test } from 'vitest'

import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

/** A user whom we created without a job title, and to whom somebody gave one in Microsoft 365 since. */
async function titled(): Promise<{ readonly world: ReconcileWorld; readonly id: string }> {
  const world = await reconcileWorld()
  const { title: _, ...user } = newUser('ann')
  const { body } = await world.scim.post('/Users', user)
  await world.settle()
  world.clock.now += 3_600_000
  world.graph.changeUser(world.accountOf('ann'), { properties: { jobTitle: 'Theirs' } })
  return { world, id: body['id'] }
}

/** What the newest export of the user says that the job title was before. */
async function told(world: ReconcileWorld, id: string): Promise<unknown> {
  const { body } = await world.api.get(`/users/${id}/events?type=export_success&limit=1`)
  return body['items'][0]['changes']
}

test('a first value of ours is not said to have replaced none: somebody may have given one', async () => {
  const { world, id } = await titled()
  await world.scim.patch(`/Users/${id}`, [{ op: 'add', path: 'title', value: 'Ours' }])
  await world.settle()
  expect(world.graph.summary().users[0]).toMatchObject({ jobTitle: 'Ours' })
  expect(await told(world, id)).toEqual([{ attribute: 'jobTitle', to: 'Ours' }])
})

test('the blank policy "clear" takes a value away, and the event tells that', async () => {
  const { world, id } = await titled()
  const path = `/directories/${world.directoryId}`
  await world.api.patch(path, { settings: { blankPolicy: 'clear' } })
  await world.settle()
  expect(world.graph.summary().users[0]?.['jobTitle'] ?? null).toBeNull()
  expect(await told(world, id)).toContainEqual(expect.objectContaining({ attribute: 'jobTitle' }))
})
