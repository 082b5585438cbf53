/** Undoing the bind of a manager: the reports who were linked by it have the managers again that their accounts had before. */
import { describe, expect, test } from 'vitest'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { batchOf } from '../support/export.ts'
import { MANUAL, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const under = (manager: string) => ({ [ENTERPRISE_USER_URN]: { manager: { value: manager } } })

interface Linked extends PreviewedBind {
  readonly boss: string
  readonly ann: string
  /** Of Ann. */
  readonly graphId: string
  /** Whom somebody else made her manager before Boss was bound. */
  readonly other: string
  /** The Graph id of her manager. */
  manager(): unknown
  managerIs(id: string | null): void
  /** Binds Boss an hour ago, and gives the event. */
  bindBoss(): Promise<string>
  /** The event of the last bind. */
  newest(): Promise<string>
  /** Undoes an event, and gives the job when it is through. */
  undo(eventId: string): Promise<Loose>
}

interface Wanted {
  readonly settings?: Partial<DirectorySettings>
  /** Whether Ann had an account before she was bound. */
  readonly adopted?: boolean
  readonly bossAdopted?: boolean
  readonly bindAnn?: (each: PreviewedBind, ann: string) => Promise<void>
}

/** Ann, who was bound and waits for Boss, and whose account somebody gave another manager. */
async function linked(wanted: Wanted = {}): Promise<Linked> {
  const each = await previewedBind({ ...MANUAL, ...wanted.settings })
  const { world, create, account, bind } = each
  const other = account('other')
  if (wanted.adopted !== false) account('ann')
  if (wanted.bossAdopted === true)
    world.graph.changeUser(account('boss'), { properties: { usageLocation: 'US' } })
  const boss = await create('boss')
  const ann = await create('ann', under(boss))
  await (wanted.bindAnn ?? (() => bind([ann])))(each, ann)
  const graphId = String((await world.binding(ann))['graph_id'])
  world.graph.changeUser(graphId, { manager: other })
  world.clock.now += HOUR
  const manager = () => world.graph.summary().users.find(({ id }) => id === graphId)?.['managerId']
  const newest = async (): Promise<string> =>
    (await world.api.get('/events?type=binding_create&limit=1')).body['items'][0]['id']
  return {
    ...each,
    boss,
    ann,
    graphId,
    other,
    manager,
    managerIs: (id) => world.graph.changeUser(graphId, { manager: id }),
    newest,
    async bindBoss() {
      await bind([boss])
      expect(manager()).toBe((await world.binding(boss))['graph_id'])
      world.clock.now += HOUR
      return newest()
    },
    async undo(eventId) {
      const { body } = await world.api.post(`/directories/${world.directoryId}/undo`, { eventId })
      await world.settle()
      return (await world.api.get(`/jobs/${body['id']}`)).body
    },
  }
}

/** Binds one user an hour ago, and gives the event. */
const bindAlone = async (each: Linked, id: string): Promise<string> => {
  await each.bind([id])
  each.world.clock.now += HOUR
  return each.newest()
}

/** What Ann's account was sent since that was last asked. */
const sentToAnn = ({ world, graphId }: Linked): string[] => {
  const sent = world.graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && url.startsWith(`/users/${graphId}`))
    .map(({ method, body }) => `${method} ${JSON.stringify(body ?? null)}`)
  world.graph.journal.clear()
  return sent
}

/** The link to the manager of that Graph id. */
const linkTo = (id: string) =>
  `PUT ${JSON.stringify({ '@odata.id': `https://graph.microsoft.com/v1.0/users/${id}` })}`

/** Has Microsoft 365 refuse the next change of Ann's account. */
const refuse = ({ world, graphId }: Linked, more: Loose = {}) =>
  world.graph.faults.add({
    match: { method: 'PATCH', path: `^/users/${graphId}` },
    status: 403,
    code: 'Authorization_RequestDenied',
    message: 'Insufficient privileges to complete the operation.',
    ...more,
  })

const retitle = async ({ world }: PreviewedBind, id: string) => {
  await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value: 'Chief' }])
  await world.settle()
}

describe('undoing the bind of a manager', () => {
  test.for([
    ['adopted', 'created'],
    ['adopted', 'adopted'],
    ['created', 'created'],
    ['created', 'adopted'],
  ])(
    'gives an account that was %s the manager that it had before, where hers was %s',
    async ([ann, boss]) => {
      const each = await linked({ adopted: ann === 'adopted', bossAdopted: boss === 'adopted' })
      const event = await each.bindBoss()
      expect(await each.undo(event)).toMatchObject({ state: 'done', done: 2, total: 2, errors: [] })
      expect(each.manager()).toBe(each.other)
      expect(await each.world.binding(each.ann)).toMatchObject({
        state: 'synced',
        restoring: null,
        manager_graph_id: null,
      })
      expect(await each.world.binding(each.boss)).toMatchObject({ state: 'former' })
      await retitle(each, each.ann)
      expect(each.manager()).toBe(each.other)
    },
  )

  test('does so for whom a group bound', async () => {
    const each = await linked({
      bindAnn: async ({ world }, ann) => {
        const { body } = await world.scim.post('/Groups', {
          displayName: 'Staff',
          members: [{ value: ann }],
        })
        const bindNewUsers = { mode: 'groups', groupIds: [body['id']] }
        await world.api.patch(`/directories/${world.directoryId}`, { settings: { bindNewUsers } })
        await world.settle()
      },
    })
    expect(await each.world.binding(each.ann)).toMatchObject({ reason: 'groups' })
    await each.bindBoss()
    expect(await each.undo(await each.newest())).toMatchObject({ state: 'done', errors: [] })
    expect(each.manager()).toBe(each.other)
  })

  test('does so long after the report was bound', async () => {
    const each = await linked()
    each.world.clock.now += 40 * DAY
    await each.bindBoss()
    await each.undo(await each.newest())
    expect(each.manager()).toBe(each.other)
  })

  test('does so where she and everybody else was bound by one command', async () => {
    const each = await linked()
    await each.world.api.post(`/directories/${each.world.directoryId}/bindings`, { all: true })
    await each.world.settle()
    each.world.clock.now += HOUR
    expect(await each.undo(await each.newest())).toMatchObject({ state: 'done', errors: [] })
    expect(each.manager()).toBe(each.other)
    expect(await each.world.binding(each.ann)).toMatchObject({ state: 'synced' })
  })

  test('takes the link away where there was none', async () => {
    const each = await linked()
    each.managerIs(null)
    await each.bindBoss()
    expect(await each.undo(await each.newest())).toMatchObject({ state: 'done', errors: [] })
    expect(each.manager()).toBeNull()
  })

  test.for([null, 'other'])(
    'leaves the manager whom somebody gave the report since, where it was %s before, and the job tells it',
    async (before) => {
      const each = await linked()
      if (before === null) each.managerIs(null)
      await each.bindBoss()
      const another = each.account('another')
      each.managerIs(another)
      const job = await each.undo(await each.newest())
      expect(job).toMatchObject({
        state: 'done',
        errors: [
          {
            code: 'changed_since',
            resourceId: each.ann,
            attribute: 'manager',
            held: another,
            before: before === null ? null : each.other,
          },
        ],
      })
      expect(each.manager()).toBe(another)
      await retitle(each, each.ann)
      expect(each.manager()).toBe(another)
    },
  )

  test('leaves the manager to whom somebody gave the report back already', async () => {
    const each = await linked()
    await each.bindBoss()
    each.managerIs(each.other)
    expect(await each.undo(await each.newest())).toMatchObject({ state: 'done', errors: [] })
    await retitle(each, each.ann)
    expect(each.manager()).toBe(each.other)
  })

  test('takes the link away where the account of whom it had is gone by now, and the job tells it', async () => {
    const each = await linked()
    const event = await each.bindBoss()
    await each.world.removeAccount(each.other)
    const job = await each.undo(event)
    expect(job).toMatchObject({
      state: 'done',
      errors: [
        { code: 'manager_gone', resourceId: each.ann, attribute: 'manager', before: each.other },
      ],
    })
    expect(job['errors']).toHaveLength(1)
    expect(each.manager()).toBeNull()
    expect(await each.world.binding(each.ann)).toMatchObject({
      state: 'synced',
      due_at: null,
      restoring: null,
    })
  })

  test('and that of the report take it away likewise, where both were bound together', async () => {
    const each = await linked()
    await each.undo(await each.newest())
    await each.bind([each.boss, each.ann])
    each.world.clock.now += HOUR
    expect(each.manager()).toBe((await each.world.binding(each.boss))['graph_id'])
    await each.world.removeAccount(each.other)
    expect((await each.undo(await each.newest()))['errors']).toMatchObject([
      { code: 'manager_gone', resourceId: each.ann, before: each.other },
    ])
    expect(each.manager()).toBeNull()
    expect(await each.world.binding(each.ann)).toMatchObject({ state: 'former', restoring: null })
  })

  test('leaves a report who has another manager here by now', async () => {
    const each = await linked()
    const event = await each.bindBoss()
    const cid = await each.create('cid')
    await each.bind([cid])
    await each.world.scim.patch(`/Users/${each.ann}`, [{ op: 'add', value: under(cid) }])
    await each.world.settle()
    const theirs = (await each.world.binding(cid))['graph_id']
    expect(each.manager()).toBe(theirs)
    await each.undo(event)
    expect(each.manager()).toBe(theirs)
    await retitle(each, each.ann)
    expect(each.manager()).toBe(theirs)
  })

  test('takes the link from a report whose own bind wrote it: undoing that one gives the account back whom it had', async () => {
    const each = await linked()
    await each.undo(await each.newest())
    const bossEvent = await bindAlone(each, each.boss)
    const annEvent = await bindAlone(each, each.ann)
    expect(each.manager()).toBe((await each.world.binding(each.boss))['graph_id'])
    expect(await each.undo(bossEvent)).toMatchObject({ state: 'done', total: 1, errors: [] })
    expect(each.manager()).toBeNull()
    await each.undo(annEvent)
    expect(each.manager()).toBe(each.other)
  })

  test('tells of a report who was unbound since whom the account had', async () => {
    const each = await linked()
    const event = await each.bindBoss()
    await each.unbind([each.ann])
    const job = await each.undo(event)
    expect(job['errors']).toMatchObject([
      { code: 'unbound_since', resourceId: each.ann, before: { manager: each.other } },
    ])
  })

  test('leaves her free to be bound again, which can be undone in turn', async () => {
    const each = await linked()
    await each.undo(await each.bindBoss())
    const another = each.account('another')
    each.managerIs(another)
    each.world.clock.now += HOUR
    await each.undo(await each.bindBoss())
    expect(each.manager()).toBe(another)
  })

  test('is none when she is unbound: that takes the link away', async () => {
    const each = await linked()
    await each.bindBoss()
    await each.unbind([each.boss])
    expect(each.manager()).toBeNull()
  })

  test.for(['the report’s', 'the manager’s'])(
    'and that of the report leaves the account as it was, whether %s comes first',
    async (first) => {
      const each = await linked()
      const annsEvent = await each.newest()
      const events = [await each.bindBoss(), annsEvent]
      for (const event of first === 'the manager’s' ? events : events.toReversed()) {
        await each.undo(event)
        each.world.clock.now += HOUR
      }
      expect(each.manager()).toBe(each.other)
      expect(await each.world.binding(each.ann)).toMatchObject({ state: 'former' })
    },
  )

  test('puts the report’s manager back though her own account is held until somebody approves', async () => {
    const each = await linked({ settings: { threshold: { count: 0, percent: 0 } } })
    const event = await each.bindBoss()
    await each.undo(event)
    expect(await each.world.binding(each.boss)).toMatchObject({ state: 'held' })
    expect(each.manager()).toBe(each.other)
    await each.world.api.post(`/directories/${each.world.directoryId}/held/approve`, { all: true })
    await each.world.settle()
    expect(await each.world.binding(each.boss)).toMatchObject({ state: 'former' })
    expect(each.manager()).toBe(each.other)
  })
})

describe('undoing the bind of a manager whose report was refused something else', () => {
  async function refused(wanted: Wanted = {}) {
    const each = await linked(wanted)
    const event = await each.bindBoss()
    refuse(each)
    await retitle(each, each.ann)
    const before = await each.world.binding(each.ann)
    expect(before).toMatchObject({ state: 'failed' })
    each.world.clock.now += HOUR
    sentToAnn(each)
    return { each, event, before }
  }
  const rests = async ({ world, ann, graphId }: Linked, { state, error }: Loose) => {
    expect(await world.binding(ann)).toMatchObject({
      state,
      error,
      graph_id: graphId,
      due_at: null,
      found: null,
      restoring: null,
      asked_sequence: null,
    })
  }

  test('sends the link to whom it had, and nothing else', async () => {
    const { each, event, before } = await refused()
    expect(await each.undo(event)).toMatchObject({ state: 'done', errors: [] })
    expect(sentToAnn(each)).toEqual([linkTo(each.other)])
    expect(each.manager()).toBe(each.other)
    await rests(each, before)
  })

  test('does so also when the manager has ended before the link could be sent', async () => {
    const { each, event, before } = await refused()
    refuse(each, {
      match: { method: 'PUT', path: `^/users/${each.graphId}/manager` },
      status: 503,
    })
    expect(await each.undo(event)).toMatchObject({ state: 'done', errors: [] })
    expect(sentToAnn(each)).toEqual([linkTo(each.other), linkTo(each.other)])
    await rests(each, before)
  })

  test('takes the link away alone where the account of whom it had is gone', async () => {
    const { each, event, before } = await refused()
    await each.world.removeAccount(each.other)
    expect((await each.undo(event))['errors']).toMatchObject([{ code: 'manager_gone' }])
    expect(sentToAnn(each)).toEqual([linkTo(each.other), 'DELETE null'])
    await rests(each, before)
  })

  test.each(['another', 'other'])(
    'leaves the manager whom somebody gave the report since, be it %s',
    async (which) => {
      const { each, event, before } = await refused()
      const since = which === 'other' ? each.other : each.account('another')
      each.managerIs(since)
      const told = which === 'other' ? [] : [{ code: 'changed_since', attribute: 'manager' }]
      expect((await each.undo(event))['errors']).toMatchObject(told)
      expect(sentToAnn(each)).toEqual([])
      expect(each.manager()).toBe(since)
      await rests(each, before)
      await each.world.api.post(`/directories/${each.world.directoryId}/failures/replay`, {
        all: true,
      })
      await each.world.settle()
      expect(sentToAnn(each)).toEqual(['PATCH {"jobTitle":"Chief"}'])
      expect(each.manager()).toBe(since)
    },
  )

  test('sends a report who is held the link to whom it had, and nothing else', async () => {
    const each = await linked()
    const event = await each.bindBoss()
    await each.world.lower({ count: 0, percent: 0 })
    await each.world.scim.patch(`/Users/${each.ann}`, [
      { op: 'replace', path: 'active', value: false },
    ])
    await each.world.settle()
    const { state, approval, error } = await each.world.binding(each.ann)
    expect({ state, approval }).toEqual({ state: 'held', approval: 'asked' })
    each.world.clock.now += HOUR
    sentToAnn(each)
    await each.undo(event)
    expect(sentToAnn(each)).toEqual([linkTo(each.other)])
    expect(await each.world.binding(each.ann)).toMatchObject({ state, approval, error })
  })

  test('gives a report back whom it had though the link has no answer yet', async () => {
    const each = await linked()
    each.world.graph.faults.add({
      match: { method: 'PUT', path: `^/users/${each.graphId}/manager` },
      status: 504,
      commit: true,
      retryAfter: 600,
    })
    const { body } = await each.world.api.post(`/directories/${each.world.directoryId}/bindings`, {
      userIds: [each.boss],
    })
    expect(body['id']).toBeDefined()
    await each.world.drain()
    await each.world.drain()
    expect(each.manager()).toBe((await each.world.binding(each.boss))['graph_id'])
    expect(await each.world.binding(each.ann)).toMatchObject({ state: 'owed' })
    sentToAnn(each)
    await each.undo(await each.newest())
    each.world.clock.now += HOUR
    await each.world.settle()
    expect(sentToAnn(each)).toEqual([linkTo(each.other)])
    expect(each.manager()).toBe(each.other)
    expect(await each.world.binding(each.ann)).toMatchObject({ state: 'synced', restoring: null })
  })

  test('leaves nothing that has failed where it was the link that was refused', async () => {
    const each = await linked()
    const match = { method: 'PUT', path: `^/users/${each.graphId}/manager` }
    refuse(each, { match })
    await each.bind([each.boss])
    expect(await each.world.binding(each.ann)).toMatchObject({ state: 'failed' })
    each.world.clock.now += HOUR
    sentToAnn(each)
    expect(await each.undo(await each.newest())).toMatchObject({ state: 'done', errors: [] })
    expect(sentToAnn(each)).toEqual([])
    expect(each.manager()).toBe(each.other)
    expect(await each.world.binding(each.ann)).toMatchObject({ state: 'synced', error: null })
  })
})

test('undoing the direction of the manager sends a report who was refused something else the link alone', async () => {
  const each = await linked()
  const path = `/directories/${each.world.directoryId}/attributes`
  const direct = async (manager: string) => {
    await each.world.api.patch(path, { manager })
    await each.world.settle()
    each.world.clock.now += HOUR
  }
  await direct('exclude')
  await each.bindBoss().catch(() => {})
  await direct('export')
  expect(each.manager()).toBe((await each.world.binding(each.boss))['graph_id'])
  const { body } = await each.world.api.get('/events?type=integrationattribute_include&limit=1')
  refuse(each)
  await retitle(each, each.ann)
  const { state, error } = await each.world.binding(each.ann)
  expect(state).toBe('failed')
  sentToAnn(each)
  expect(await each.undo(body['items'][0]['id'])).toMatchObject({ state: 'done', errors: [] })
  expect(sentToAnn(each)).toEqual([linkTo(each.other)])
  expect(await each.world.binding(each.ann)).toMatchObject({ state, error, due_at: null })
})

describe('while the ending of a manager whose bind is undone is held', () => {
  async function held(wanted: Wanted = {}) {
    const each = await linked({ settings: { threshold: { count: 0, percent: 0 } }, ...wanted })
    await each.undo(await each.bindBoss())
    expect(await each.world.binding(each.boss)).toMatchObject({ state: 'held' })
    each.world.clock.now += HOUR
    sentToAnn(each)
    const answer = async (decision: 'approve' | 'reject') => {
      const path = `/directories/${each.world.directoryId}/held/${decision}`
      await each.world.api.post(path, { all: true })
      await each.world.settle()
    }
    return { each, answer }
  }

  test.each(['approved', 'rejected'])(
    'a report that changes keeps whom it has, also when that is %s',
    async (decision) => {
      const { each, answer } = await held()
      await retitle(each, each.ann)
      expect(sentToAnn(each)).toEqual(['PATCH {"jobTitle":"Chief"}'])
      await answer(decision === 'approved' ? 'approve' : 'reject')
      expect(sentToAnn(each)).toEqual([])
      each.world.clock.now += HOUR
      await each.world.scim.patch(`/Users/${each.ann}`, [
        { op: 'replace', path: 'title', value: 'Boss' },
      ])
      await each.world.settle()
      expect(sentToAnn(each)).toEqual(['PATCH {"jobTitle":"Boss"}'])
      expect(each.manager()).toBe(each.other)
    },
  )

  test('a report is linked to her when she is bound again', async () => {
    const { each } = await held()
    await retitle(each, each.ann)
    const { told, sent } = await each.compare([each.boss])
    expect(sent).toEqual(told)
    expect(each.manager()).toBe((await each.world.binding(each.boss))['graph_id'])
    each.world.clock.now += HOUR
    await each.undo(await each.newest())
    expect(each.manager()).toBe(each.other)
  })

  test('a preview tells no link to her', async () => {
    const { each } = await held()
    await each.world.scim.patch(`/Users/${each.ann}`, [
      { op: 'replace', path: 'title', value: 'Chief' },
    ])
    const { body } = await each.preview([each.ann])
    expect(body['items'][0]['changes'].map(({ attribute }: Loose) => attribute)).toEqual([
      'jobTitle',
    ])
  })

  test('a report whose own bind linked it to her keeps the link until she ends', async () => {
    const each = await linked({ settings: { threshold: { count: 0, percent: 0 } } })
    const bossEvent = await each.bindBoss()
    const cid = await each.create('cid', under(each.boss))
    await each.bind([cid])
    const theirs = String((await each.world.binding(each.boss))['graph_id'])
    const cids = String((await each.world.binding(cid))['graph_id'])
    const managerOf = (id: string) =>
      each.world.graph.summary().users.find((user) => user['id'] === id)?.['managerId']
    each.world.clock.now += HOUR
    await each.undo(bossEvent)
    await retitle(each, cid)
    expect(managerOf(cids)).toBe(theirs)
    await each.world.api.post(`/directories/${each.world.directoryId}/held/approve`, { all: true })
    await each.world.settle()
    expect(managerOf(cids)).toBeNull()
    expect(each.manager()).toBe(each.other)
  })
})

test('the manager whom a report had is read once, twenty a request, before the link is written', async () => {
  const each = await previewedBind()
  const boss = await each.create('boss')
  const reports: string[] = []
  for (let i = 0; i < 25; i++) reports.push(await each.create(`user${i}`, under(boss)))
  await each.bind(reports)
  each.world.clock.now += HOUR
  each.world.graph.journal.clear()
  await each.bind([boss])
  const reads = each.world.graph.journal
    .records()
    .filter(({ method, url }) => method === 'GET' && url.includes('/users/'))
  expect(reads).toHaveLength(25)
  expect(new Set(reads.map(({ envelope }) => envelope)).size).toBe(2)
})

describe('while the undoing of the bind of a manager waits for what the account of a report holds', () => {
  /** Whom somebody gave Ann moments after Boss was bound, and what is asked of the directory since, without waiting. */
  async function waiting() {
    const each = await linked()
    const { world, boss, bind, newest, managerIs, account } = each
    await bind([boss])
    const twin = account('twin')
    managerIs(twin)
    world.clock.now += 60_000
    const { organizationId, directoryId } = world
    const drain = () => world.jobs.queue(batchOf([{ organizationId, directoryId }]))
    const path = `/directories/${directoryId}`
    const job = (await world.api.post(`${path}/undo`, { eventId: await newest() })).body
    await drain()
    return {
      ...each,
      twin,
      drain,
      path,
      jobOf: async () => (await world.api.get(`/jobs/${job['id']}`)).body,
    }
  }

  test.each(['alone', 'with the report'])(
    'whoever is bound again %s takes the place of whom it has, as is told and can be undone',
    async (how) => {
      const each = await waiting()
      const { world, boss, ann, twin, drain, path, manager } = each
      const userIds = how === 'alone' ? [boss] : [ann, boss]
      const { items } = (await each.preview(userIds)).body
      const bossId = String((await world.binding(boss))['graph_id'])
      expect(items.find(({ userId }: Loose) => userId === ann)?.['changes']).toEqual([
        { attribute: 'manager', graph: 'manager', current: twin, next: bossId },
      ])
      await world.api.post(`${path}/bindings`, { userIds })
      await drain()
      await world.settle()
      expect(manager()).toBe(bossId)
      expect((await each.jobOf())['errors']).toMatchObject([
        {
          resourceId: ann,
          code: 'bound_again',
          attribute: 'manager',
          eventId: await each.newest(),
        },
      ])
      world.clock.now += HOUR
      expect((await each.undo(await each.newest()))['errors']).toEqual([])
      expect(manager()).toBe(twin)
    },
  )

  test('a run tells nothing of the link, and leaves it', async () => {
    const { world, path, manager, twin } = await waiting()
    const run = await world.api.post(`${path}/reconciliations`, { mode: 'enforce' })
    const { organizationId, directoryId } = world
    await world.jobs.queue(
      batchOf([{ organizationId, directoryId, reconciliationId: run.body['id'] }]),
    )
    expect(await world.drift(run.body)).toEqual([])
    await world.settle()
    expect(manager()).toBe(twin)
  })
})
