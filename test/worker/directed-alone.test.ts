/** What a change of a direction writes beside what it is about: nothing. */
import { expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000

const direct = ({ world }: PreviewedBind, directions: Loose) =>
  world.api.patch(`/directories/${world.directoryId}/attributes`, directions)

const writesOf = ({ world }: PreviewedBind) =>
  world.graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && !url.startsWith('/$batch'))
    .map(({ body }) => body)

/** Ann, bound long since, with one attribute that is not exported. */
async function ann(excluded: string, more: Loose = {}) {
  const each = await previewedBind()
  await direct(each, { [excluded]: 'exclude' })
  const id = await each.create('ann', more)
  await each.bind([id])
  each.world.clock.now += HOUR
  const graphId = String((await each.world.binding(id))['graph_id'])
  return { each, id, graphId }
}

test.each(['unbound', 'deleted here'])(
  'nobody who was %s and could not be ended is disabled by it',
  async (what) => {
    const { each, id, graphId } = await ann('department')
    each.world.graph.faults.add({
      match: { method: 'PATCH', path: `^/users/${graphId}` },
      times: 1,
      status: 403,
      code: 'Authorization_RequestDenied',
    })
    await (what === 'unbound' ? each.unbind([id]) : each.world.scim.delete(`/Users/${id}`))
    await each.world.settle()
    each.world.clock.now += HOUR
    each.world.graph.journal.clear()
    await direct(each, { department: 'export' })
    await each.world.settle()
    expect(writesOf(each)).toEqual([])
  },
)

test('the other member of a property stays as somebody made it, and is put back with it', async () => {
  const org = { [ENTERPRISE_USER_URN]: { costCenter: 'C1', division: 'East' } }
  const { each, graphId } = await ann('costCenter', org)
  const theirs = { costCenter: 'Theirs', division: 'West' }
  each.world.graph.changeUser(graphId, { properties: { employeeOrgData: theirs } })
  each.world.graph.journal.clear()
  await direct(each, { costCenter: 'export' })
  await each.world.settle()
  expect(writesOf(each)).toEqual([{ employeeOrgData: { costCenter: 'C1', division: 'West' } }])
  each.world.clock.now += HOUR
  const { body } = await each.world.api.get('/events?type=integrationattribute_include&limit=1')
  const undo = `/directories/${each.world.directoryId}/undo`
  await each.world.api.post(undo, { eventId: body['items'][0]['id'] })
  await each.world.settle()
  const account = each.world.graph.summary().users.find((user) => user['id'] === graphId)
  expect(account).toMatchObject({ employeeOrgData: theirs })
})
