/** Undoing a direction where something else was refused, and what an undoing that was refused has still to give back. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { MANUAL, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000

interface Overwritten extends PreviewedBind {
  readonly ann: string
  readonly graphId: string
  /** Has the next write of Ann's account refused. */
  refuseOnce(): void
  /** Chooses directions, and gives what was sent because of it. */
  direct(directions: Loose): Promise<readonly string[]>
  title(value: string): Promise<void>
  suspend(): Promise<void>
  /** Undoes the last choice of export; gives the job when it is through, and what was sent. */
  undo(): Promise<{ readonly job: Loose; readonly sent: readonly string[] }>
  /** What Ann's account holds. */
  department(): unknown
}

/** Ann, whose department was Theirs until a direction overwrote it, an hour ago. */
async function overwritten(settings: Loose = {}): Promise<Overwritten> {
  const each = await previewedBind({ ...MANUAL, ...settings })
  const { world } = each
  const path = `/directories/${world.directoryId}`
  const { journal } = world.graph
  const later = async () => {
    await world.settle()
    world.clock.now += HOUR
  }
  const sent = () =>
    journal
      .records()
      .filter(({ method, url }) => method !== 'GET' && !url.startsWith('/$batch'))
      .map(({ method, body }) => `${method} ${JSON.stringify(body)}`)
  const direct = async (directions: Loose) => {
    journal.clear()
    await world.api.patch(`${path}/attributes`, directions)
    await later()
    return sent()
  }
  await direct({ department: 'exclude' })
  const ann = await each.create('ann', { [ENTERPRISE_USER_URN]: { department: 'Ours' } })
  await each.bind([ann])
  world.clock.now += HOUR
  const graphId = String((await world.binding(ann))['graph_id'])
  world.graph.changeUser(graphId, { properties: { department: 'Theirs' } })
  await direct({ department: 'export' })
  const patch = async (operation: Loose) => {
    await world.scim.patch(`/Users/${ann}`, [operation])
    await later()
  }
  return {
    ...each,
    ann,
    graphId,
    direct,
    refuseOnce: () =>
      world.graph.faults.add({
        match: { method: 'PATCH', path: `^/users/${graphId}` },
        status: 403,
        code: 'Authorization_RequestDenied',
        message: 'Insufficient privileges to complete the operation.',
      }),
    title: (value) => patch({ op: 'replace', path: 'title', value }),
    suspend: () => patch({ op: 'replace', path: 'active', value: false }),
    async undo() {
      const { body } = await world.api.get('/events?type=integrationattribute_include&limit=1')
      const [{ id: eventId }] = body['items']
      journal.clear()
      const { body: job } = await world.api.post(`${path}/undo`, { eventId })
      await later()
      return { job: (await world.api.get(`/jobs/${job['id']}`)).body, sent: sent() }
    },
    department: () => world.graph.summary().users.find(({ id }) => id === graphId)?.['department'],
  }
}

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
