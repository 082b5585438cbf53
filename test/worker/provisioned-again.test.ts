import { describe, expect, test } from 'vitest'

import { apiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'

const ANN = newUser('ann', { externalId: 'x-ann' })

/**
 * Ann, an account of whom somebody deletes here by mistake with everybody else's: the threshold holds that, and an administrator says
 * `answer` to it; `undefined`: nothing. Then the identity provider, put right, provisions her again, under another id.
 */
async function deletedByMistake(answer?: 'reject', again = ANN) {
  const world = await exportWorld({ settings: { threshold: { count: 0, percent: 0 } } })
  const { organizationId, clock, directoryId } = world
  const api = await apiClient({ organizationId, clock })
  const { body: before } = await world.scim.post('/Users', ANN)
  const inGroup = (displayName: string) => {
    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group']
    return world.scim.post('/Groups', { schemas, displayName, members: [{ value: before['id'] }] })
  }
  const { body: sales } = await inGroup('Sales')
  await inGroup('Travel')
  await world.settle()
  const graphId = (await world.binding(before['id']))['graph_id']
  await world.scim.delete(`/Users/${before['id']}`)
  await world.settle()
  expect(await world.binding(before['id'])).toMatchObject({ state: 'held' })
  const command = async (what: string) => {
    await api.post(`/directories/${directoryId}/held/${what}`, { all: true })
    await world.settle()
  }
  if (answer !== undefined) await command(answer)
  world.graph.journal.clear()
  const { body: after } = await world.scim.post('/Users', again)
  const value = [{ value: after['id'] }]
  await world.scim.patch(`/Groups/${sales['id']}`, [{ op: 'add', path: 'members', value }])
  await world.settle()
  const groups = () =>
    world.graph
      .summary()
      .groups.flatMap(({ displayName, members }) =>
        Array.isArray(members) && members.includes(graphId) ? [displayName] : [],
      )
  return { world, api, before: before['id'], after: after['id'], graphId, command, groups }
}

const SYNCED = { state: 'synced', error: null, approval: null }
const FORMER = { state: 'former', graph_id: null, error: null, approval: null }

describe('whoever is provisioned again after the deletion was held', () => {
  test.each([undefined, 'reject'] as const)(
    'has the account that was theirs, enabled as it is, in the groups of whom has it now (%s)',
    async (answer) => {
      const { world, api, before, after, graphId, groups } = await deletedByMistake(answer)
      expect(groups()).toEqual(['Sales'])
      expect(await world.binding(after)).toMatchObject({ ...SYNCED, graph_id: graphId })
      expect(await world.binding(before)).toMatchObject(FORMER)
      expect(world.graph.summary().users).toMatchObject([{ id: graphId, accountEnabled: true }])
      const { body: status } = await api.get(`/directories/${world.directoryId}/status`)
      expect(status).toMatchObject({ held: 0, failed: 0, owed: 0 })
    },
  )

  test('is not disabled by an approval that comes after that', async () => {
    const { world, after, command } = await deletedByMistake()
    await command('approve')
    expect(await world.binding(after)).toMatchObject(SYNCED)
    expect(world.graph.summary().users).toMatchObject([{ accountEnabled: true }])
  })

  test('with another externalId, is held until an administrator says that it is the same person', async () => {
    const again = newUser('ann', { externalId: 'x-other' })
    const { world, before, after, graphId, command } = await deletedByMistake('reject', again)
    expect(await world.binding(after)).toMatchObject({
      state: 'held',
      error: { code: 'account_of_former_user' },
    })
    await command('approve')
    expect(await world.binding(after)).toMatchObject({ ...SYNCED, graph_id: graphId })
    expect(await world.binding(before)).toMatchObject(FORMER)
  })
})
