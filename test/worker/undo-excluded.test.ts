/** Undoing the end of an export: what was changed here meanwhile is sent, and nothing else. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { HOUR, overwritten } from '../support/overwritten.ts'

const DEPARTMENT = `${ENTERPRISE_USER_URN}:department`
const NEW = 'PATCH {"department":"New"}'

/** Ann, whose department has changed here since its export ended. */
async function ended(settings = {}) {
  const each = await overwritten(settings)
  const { world } = each
  await each.direct({ department: 'exclude' })
  const changeDepartment = async () => {
    await each.change(DEPARTMENT, 'New')
    await world.settle()
    world.clock.now += HOUR
  }
  const undoEnd = async () => {
    const { body } = await world.api.get('/events?type=integrationattribute_exclude&limit=1')
    world.graph.journal.clear()
    const path = `/directories/${world.directoryId}/undo`
    const { body: job } = await world.api.post(path, { eventId: body['items'][0]['id'] })
    await world.settle()
    expect((await world.api.get(`/jobs/${job['id']}`)).body).toMatchObject({
      state: 'done',
      errors: [],
    })
    return each.sent()
  }
  return { ...each, changeDepartment, undoEnd }
}

describe('undoing the end of an export', () => {
  test('sends what was changed here, and leaves what was refused before', async () => {
    const { world, ann, changeDepartment, refuseOnce, title, undoEnd } = await ended()
    await changeDepartment()
    refuseOnce()
    await title('Boss')
    const { state, error } = await world.binding(ann)
    expect(state).toBe('failed')
    expect(await undoEnd()).toEqual([NEW])
    expect(await world.binding(ann)).toMatchObject({ state, error, due_at: null, found: null })
  })

  test('sends nothing where nothing was changed here, also where somebody changed it there', async () => {
    const { world, ann, graphId, refuseOnce, title, undoEnd, department } = await ended()
    refuseOnce()
    await title('Boss')
    world.graph.changeUser(graphId, { properties: { department: 'Somebody' } })
    expect(await undoEnd()).toEqual([])
    expect(department()).toBe('Somebody')
    expect(await world.binding(ann)).toMatchObject({ state: 'failed', due_at: null })
  })

  test('leaves what is held', async () => {
    const { world, ann, changeDepartment, suspend, undoEnd } = await ended({
      threshold: { count: 0, percent: 0 },
    })
    await changeDepartment()
    await suspend()
    expect(await undoEnd()).toEqual([NEW])
    expect(await world.binding(ann)).toMatchObject({ state: 'held', approval: 'asked' })
  })

  test('creates nobody whose creation was refused before', async () => {
    const { world, create, bind, undoEnd } = await ended()
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      status: 400,
      code: 'Request_BadRequest',
      message: 'A property is not valid.',
    })
    const bob = await create('bob')
    await bind([bob])
    world.clock.now += HOUR
    const before = await world.binding(bob)
    expect(before).toMatchObject({ state: 'failed', graph_id: null })
    expect(await undoEnd()).toEqual([])
    expect(await world.binding(bob)).toEqual(before)
  })

  test('leaves nothing that has failed where it was this that was refused', async () => {
    const { world, ann, refuseOnce, change, direct, undoEnd } = await ended()
    await direct({ department: 'export' })
    refuseOnce()
    await change(DEPARTMENT, 'New')
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
    await direct({ department: 'exclude' })
    expect(await undoEnd()).toEqual([NEW])
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', error: null })
  })
})
