/** Undoing a direction where something else was refused, and what an undoing that was refused has still to give back. */
import { describe, expect, test } from 'vitest'

import { overwritten } from '../support/overwritten.ts'
import type { Loose } from '../support/seed.ts'

const BACK = 'PATCH {"department":"Theirs"}'

describe('undoing a direction', () => {
  test('sends nothing that was refused before, which stays refused', async () => {
    const { world, ann, refuseOnce, title, undo } = await overwritten()
    refuseOnce()
    await title('Boss')
    const before = await world.binding(ann)
    expect(before['state']).toBe('failed')
    const { job, sent } = await undo()
    expect(sent).toEqual([BACK])
    expect(job).toMatchObject({ state: 'done', done: 1, errors: [] })
    const { state, error } = before
    expect(await world.binding(ann)).toMatchObject({
      state,
      error,
      due_at: null,
      found: null,
      restoring: null,
      asked_sequence: null,
    })
  })

  test('sends nothing that is held, which is asked about still', async () => {
    const { world, ann, suspend, undo } = await overwritten({
      threshold: { count: 0, percent: 0 },
    })
    await suspend()
    const { job, sent } = await undo()
    expect(sent).toEqual([BACK])
    expect(job).toMatchObject({ state: 'done', errors: [] })
    expect(await world.binding(ann)).toMatchObject({
      state: 'held',
      approval: 'asked',
      asked_sequence: null,
    })
  })

  test('tells what somebody changed since, of whoever was refused something else too', async () => {
    const { world, graphId, refuseOnce, title, undo, department } = await overwritten()
    refuseOnce()
    await title('Boss')
    world.graph.changeUser(graphId, { properties: { department: 'Somebody' } })
    const { job, sent } = await undo()
    expect(sent).toEqual([])
    expect(job['errors']).toMatchObject([{ code: 'changed_since', attribute: 'department' }])
    expect(department()).toBe('Somebody')
  })

  test('of whoever was refused nothing but what it sent leaves nothing that has failed', async () => {
    const { world, ann, refuseOnce, direct, undo, department } = await overwritten()
    await direct({ department: 'exclude' })
    world.graph.changeUser(String((await world.binding(ann))['graph_id']), {
      properties: { department: 'Theirs' },
    })
    refuseOnce()
    await direct({ department: 'export' })
    expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
    const { job } = await undo()
    expect(job).toMatchObject({ state: 'done', errors: [] })
    expect(department()).toBe('Theirs')
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', error: null })
  })

  test('that is refused itself is told, and is tried again alone when Graph was out of order', async () => {
    const { world, ann, graphId, refuseOnce, title, undo, department } = await overwritten()
    refuseOnce()
    await title('Boss')
    world.graph.faults.add({ match: { method: 'PATCH', path: `^/users/${graphId}` }, status: 503 })
    const { sent } = await undo()
    expect(sent).toEqual([BACK, BACK])
    expect(department()).toBe('Theirs')
    expect(await world.binding(ann)).toMatchObject({ state: 'failed', restoring: null })
  })
})

describe('what an undoing that was refused has still to give back', () => {
  async function refused() {
    const each = await overwritten()
    each.refuseOnce()
    expect((await each.undo()).job).toMatchObject({ state: 'failed' })
    await each.direct({ jobTitle: 'exclude' })
    expect(each.department()).toBe('Ours')
    return each
  }

  test('is sent by the next look at the user, and told by the preview of it', async () => {
    const { world, direct } = await refused()
    const { body } = await world.api.post(`/directories/${world.directoryId}/preview`, {
      attributes: { jobTitle: 'export' },
    })
    expect(body['items']).toMatchObject([
      {
        action: 'update',
        changes: [
          { attribute: 'department', graph: 'department', current: 'Ours', next: 'Theirs' },
        ],
      },
    ])
    expect(await direct({ jobTitle: 'export' })).toContain(BACK)
  })

  test('is not told where the account holds it again', async () => {
    const { world, graphId } = await refused()
    world.graph.changeUser(graphId, { properties: { department: 'Theirs' } })
    const { body } = await world.api.post(`/directories/${world.directoryId}/preview`, {
      attributes: { jobTitle: 'export' },
    })
    expect(body['items'].flatMap((item: Loose) => item['changes'])).toEqual([])
  })
})
