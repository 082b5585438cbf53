/** Undoing a direction where something else was refused, and what an undoing that was refused has still to give back. */
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { HOUR, overwritten } from '../support/overwritten.ts'
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

  test('is refused of an account that is mastered on premises by now, and the job tells it', async () => {
    const { world, ann, graphId, title, undo } = await overwritten()
    world.graph.changeUser(graphId, { properties: { onPremisesSyncEnabled: true } })
    await title('Boss')
    const { job, sent } = await undo()
    expect(sent).toEqual([BACK])
    expect(job).toMatchObject({ state: 'failed', errors: [{ code: 'mastered_on_premises' }] })
    expect(await world.binding(ann)).toMatchObject({ state: 'failed', due_at: null })
    await world.drain()
    expect(world.bells).toEqual([])
  })

  test.each(['that is there again', 'of which only a report has told that it is back'])(
    'sends an account %s what it gives back alone',
    async (which) => {
      const { world, ann, graphId, title, undo } = await overwritten()
      await world.removeAccount(graphId)
      await world.run('report')
      await title('Boss')
      await world.restoreAccount(graphId)
      if (which !== 'that is there again') await world.run('report')
      world.clock.now += HOUR
      const { state, error } = await world.binding(ann)
      const { job, sent } = await undo()
      expect(sent).toEqual([BACK])
      expect(job).toMatchObject({ state: 'done', errors: [] })
      expect(await world.binding(ann)).toMatchObject({ state, error, due_at: null, found: null })
    },
  )

  test('sends nothing to an account that is not there, and the job tells it', async () => {
    const { world, graphId, undo } = await overwritten()
    await world.removeAccount(graphId)
    await world.run('report')
    const { job, sent } = await undo()
    expect(sent).toEqual([])
    expect(job).toMatchObject({ state: 'failed', errors: [{ code: 'object_missing' }] })
  })

  test('that is refused of somebody who is held is told by the job, and is asked about still', async () => {
    const { world, ann, suspend, refuseOnce, undo } = await overwritten({
      threshold: { count: 0, percent: 0 },
    })
    await suspend()
    const { state, approval, error } = await world.binding(ann)
    expect(state).toBe('held')
    refuseOnce()
    const { job, sent } = await undo()
    expect(sent).toEqual([BACK])
    expect(job).toMatchObject({
      state: 'done',
      errors: [{ resourceId: ann, code: expect.not.stringContaining('threshold') }],
    })
    expect(job['errors']).toHaveLength(1)
    expect(await world.binding(ann)).toMatchObject({ state, approval, error, due_at: null })
  })

  test('leaves the account of whoever was deleted here, whose ending is held, and the job tells it', async () => {
    const { world, ann, suspend, undo } = await overwritten({
      threshold: { count: 0, percent: 0 },
    })
    await suspend()
    await world.scim.delete(`/Users/${ann}`)
    await world.settle()
    const before = await world.binding(ann)
    expect(before).toMatchObject({ state: 'held' })
    const { job, sent } = await undo()
    expect(sent).toEqual([])
    expect(job).toMatchObject({
      state: 'done',
      done: 0,
      errors: [{ resourceId: ann, code: 'unbound_since', before: { department: 'Theirs' } }],
    })
    expect(await world.binding(ann)).toEqual(before)
  })

  test('is carried out by a directory that was paused until after the 30 days', async () => {
    const { world, ask, sent } = await overwritten()
    const pause = (state: string) => world.api.patch(`/directories/${world.directoryId}`, { state })
    await pause('paused')
    world.clock.now += 29 * 24 * HOUR
    const job = await ask()
    world.clock.now += 3 * 24 * HOUR
    await world.jobs.scheduled({ cron: '17 3 * * *' })
    await pause('active')
    await world.settle()
    expect(sent()).toEqual([BACK])
    expect(await job()).toMatchObject({ state: 'done', done: 1, errors: [] })
    const kept = sql`SELECT 1 FROM overwritten WHERE organization_id = ${world.organizationId}`
    expect(await world.query(kept)).toHaveLength(1)
    await world.jobs.scheduled({ cron: '17 3 * * *' })
    expect(await world.query(kept)).toEqual([])
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
