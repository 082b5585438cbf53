/** A preview of a bind, then the bind: what is sent is what was told, request by request. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import {
  MANUAL,
  PASSWORD,
  PASSWORD_PROPERTY,
  type PreviewedBind,
  previewedBind,
} from '../support/previewed-bind.ts'
import { byHand } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

describe('a manager who has no account yet', () => {
  const under = (manager: string) => ({ [ENTERPRISE_USER_URN]: { manager: { value: manager } } })

  test('and is bound as well, takes the place of the one whom an adopted account had', async () => {
    const { world, create, account, compare } = await previewedBind()
    const other = account('other')
    world.graph.changeUser(account('ann'), { manager: other })
    const theirs = account('boss')
    const boss = await create('boss')
    const ann = await create('ann', under(boss))
    const { items, told, sent } = await compare([ann, boss])
    expect(items.find(({ userId }) => userId === ann)?.['changes']).toContainEqual({
      attribute: 'manager',
      graph: 'manager',
      current: other,
      next: theirs,
    })
    expect(sent).toEqual(told)
    expect(sent[ann]).toMatchObject({ manager: theirs })
  })

  test('and is created as well, is told by our id', async () => {
    const { create, compare } = await previewedBind()
    const boss = await create('boss')
    const ann = await create('ann', under(boss))
    const { items, told, sent } = await compare([ann, boss])
    expect(items.find(({ userId }) => userId === ann)?.['changes']).toContainEqual({
      attribute: 'manager',
      graph: 'manager',
      current: null,
      next: boss,
    })
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('manager')
  })

  test('is told on whichever page of the preview the two are', async () => {
    const { create, compare } = await previewedBind()
    const boss = await create('boss')
    const ann = await create('ann', under(boss))
    const zoe = await create('zoe', under(ann))
    const { told, sent } = await compare([zoe, ann, boss], 1)
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('manager')
    expect(sent[zoe]).toHaveProperty('manager')
  })

  test('and is managed by whom she manages, is told of both', async () => {
    const { world, create, compare } = await previewedBind()
    const boss = await create('boss')
    const ann = await create('ann', under(boss))
    await world.scim.patch(`/Users/${boss}`, [{ op: 'add', value: under(ann) }])
    const { told, sent } = await compare([ann, boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('manager')
    expect(sent[boss]).toHaveProperty('manager')
  })

  test('comes back as such when both are bound again', async () => {
    const { world, create, bind, unbind, compare } = await previewedBind()
    const boss = await create('boss')
    const ann = await create('ann', under(boss))
    await bind([boss])
    await unbind([boss])
    const graphId = (await world.binding(boss))['graph_id']
    const { told, sent } = await compare([ann, boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toMatchObject({ manager: graphId })
  })

  test('but is bound already, and about to get one, is told', async () => {
    const { world, create, compare } = await previewedBind()
    const boss = await create('boss')
    const ann = await create('ann', under(boss))
    world.graph.faults.add({ match: { method: 'POST', path: '^/users$' }, status: 503 })
    await world.api.post(`/directories/${world.directoryId}/bindings`, { userIds: [boss] })
    await world.drain()
    world.graph.faults.clear()
    expect(await world.binding(boss)).toMatchObject({ state: 'pending', graph_id: null })
    const { told, sent } = await compare([ann])
    expect({ [ann]: sent[ann] }).toEqual(told)
    expect(sent[ann]).toHaveProperty('manager')
  })

  test('and whose adoption was rejected, is nobody’s, though accounts are adopted by now', async () => {
    const { world, create, account, bind, compare } = await previewedBind({
      ...MANUAL,
      conflict: 'hold',
    })
    const directory = `/directories/${world.directoryId}`
    const theirs = account('boss')
    const boss = await create('boss')
    const ann = await create('ann', under(boss))
    await bind([boss])
    await world.api.post(`${directory}/held/reject`, { all: true })
    await world.settle()
    await world.api.patch(directory, { settings: { conflict: 'adopt' } })
    await world.settle()
    const { items, told, sent } = await compare([ann, boss])
    expect(items.find(({ userId }) => userId === boss)).toMatchObject({
      graphId: theirs,
      action: 'conflict',
      problems: [{ code: 'adoption_rejected' }],
    })
    expect(sent).toEqual(told)
    expect(sent[boss]).toEqual({})
    expect(sent[ann]).not.toHaveProperty('manager')
  })

  test.for<[string, Loose, (each: PreviewedBind) => void]>([
    ['is not bound', {}, () => {}],
    [
      'would be held',
      {},
      ({ world, account }) =>
        world.graph.changeUser(account('boss'), { properties: { userType: 'Guest' } }),
    ],
    ['cannot have one', { emails: [{ value: 'boss@elsewhere.example' }] }, () => {}],
  ])('and %s, is nobody’s: that is told, and so it is', async ([why, more, prepare]) => {
    const each = await previewedBind()
    const other = each.account('other')
    each.world.graph.changeUser(each.account('ann'), { manager: other })
    prepare(each)
    const boss = await each.create('boss', more)
    const ann = await each.create('ann', under(boss))
    const { told, sent } = await each.compare(why === 'is not bound' ? [ann] : [ann, boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('surname')
    expect(sent[ann]).not.toHaveProperty('manager')
  })
})

describe('the password of somebody whose bind is previewed', () => {
  const HERS = { password: PASSWORD }

  test.for(['created', 'adopted'])(
    'is told and sent by no later bind of an account that is %s',
    async (how) => {
      const { world, create, account, compare } = await previewedBind()
      if (how === 'adopted') account('ann')
      const ann = await create('ann', HERS)
      await world.settle()
      const { told, sent } = await compare([ann])
      expect(sent).toEqual(told)
      expect(Object.keys(sent[ann] ?? {})).toContain('givenName')
      expect(sent[ann]).not.toHaveProperty(PASSWORD_PROPERTY)
    },
  )

  test.for(['created', 'adopted'])(
    'is told and sent to an account that is %s where her creation, which binds her, is still to be followed',
    async (how) => {
      const { create, account, compare } = await previewedBind({})
      if (how === 'adopted') account('ann')
      const ann = await create('ann', HERS)
      const { told, sent } = await compare([ann])
      expect(sent).toEqual(told)
      expect(sent[ann]).toMatchObject({ [PASSWORD_PROPERTY]: PASSWORD })
    },
  )

  test('is neither where new users began to be bound after her creation was followed', async () => {
    const { world, create, compare } = await previewedBind()
    const ann = await create('ann')
    await world.settle()
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'password', value: PASSWORD }])
    const all = { bindNewUsers: { mode: 'all', groupIds: [] } }
    await world.api.patch(`/directories/${world.directoryId}`, { settings: all })
    const { told, sent } = await compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).not.toHaveProperty(PASSWORD_PROPERTY)
  })

  test('is neither where it came while she was unbound', async () => {
    const { world, create, bind, unbind, compare } = await previewedBind()
    const ann = await create('ann')
    await bind([ann])
    await unbind([ann])
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'password', value: PASSWORD }])
    const { told, sent } = await compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ accountEnabled: true })
  })

  test('is told and sent where she is bound, and it waits', async () => {
    const { world, create, bind, compare } = await previewedBind()
    const ann = await create('ann')
    await bind([ann])
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'password', value: PASSWORD }])
    const { told, sent } = await compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ [PASSWORD_PROPERTY]: PASSWORD })
  })
})

describe('a preview of the bind of somebody who was bound before', () => {
  const graphIdOf = async ({ world }: PreviewedBind, id: string) =>
    String((await world.binding(id))['graph_id'])

  test.for<[string, Loose, (each: PreviewedBind, theirs: string) => unknown]>([
    [
      'though accounts are adopted by now',
      { ...MANUAL, conflict: 'hold' },
      async ({ world }) => {
        const settings = { conflict: 'adopt' }
        await world.api.patch(`/directories/${world.directoryId}`, { settings })
        await world.settle()
      },
    ],
    [
      'though the guest in the way is gone',
      MANUAL,
      ({ world }, theirs) => byHand(world, 'DELETE', `/users/${theirs}`),
    ],
  ])(
    'and is held tells that a bind sends nothing, to nobody whom she manages either, %s',
    async ([, settings, change]) => {
      const each = await previewedBind(settings)
      const { world } = each
      const theirs = each.account('boss')
      if (settings['conflict'] === undefined)
        world.graph.changeUser(theirs, { properties: { userType: 'Guest' } })
      const boss = await each.create('boss')
      const ann = await each.create('ann', {
        [ENTERPRISE_USER_URN]: { manager: { value: boss } },
      })
      await each.bind([boss])
      const error = (await world.binding(boss))['error'] as Loose
      await change(each, theirs)
      const { items, told, sent } = await each.compare([boss, ann])
      const held = items.find(({ userId }) => userId === boss)
      expect(held).toMatchObject({
        action: 'conflict',
        problems: [error],
      })
      expect(sent).toEqual(told)
      expect(sent[boss]).toEqual({})
      expect(sent[ann]).not.toHaveProperty('manager')
      const ifApproved: Loose[] = held?.['ifApproved']
      expect(ifApproved.map(({ graph }) => graph).toSorted()).toEqual(
        Object.keys(await each.approve(boss)).toSorted(),
      )
    },
  )

  test('and whose undoing was refused tells what of her account somebody has changed since', async () => {
    const each = await previewedBind()
    const { world } = each
    const theirs = each.account('ann')
    const ann = await each.create('ann')
    await each.bind([ann])
    world.clock.now += 3_600_000
    world.graph.faults.add({
      match: { method: 'PATCH', path: `^/users/${theirs}` },
      times: 1,
      status: 403,
      code: 'Authorization_RequestDenied',
    })
    const { body } = await world.api.get('/events?type=binding_create&limit=1')
    const eventId = body['items'][0]['id']
    await world.api.post(`/directories/${world.directoryId}/undo`, { eventId })
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'unbinding', unbound_by: 'undo' })
    world.clock.now += 3_600_000
    world.graph.changeUser(theirs, { properties: { jobTitle: 'Since' } })
    const { told, sent } = await each.compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ jobTitle: 'Engineer' })
  })

  test('and is disabled, and held for that, tells that a bind sends nothing before that is answered', async () => {
    const each = await previewedBind({ ...MANUAL, threshold: { count: 0, percent: 0 } })
    const { world } = each
    const ann = await each.create('ann')
    await each.bind([ann])
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([
      {
        graphId: await graphIdOf(each, ann),
        action: 'conflict',
        ifApproved: [{ attribute: 'accountEnabled', current: true, next: false }],
        problems: [{ code: 'threshold' }],
      },
    ])
    expect(sent).toEqual(told)
    expect(await each.approve(ann)).toEqual({ accountEnabled: false })
  })
})

describe('a preview of the bind of somebody whose domain was not verified', () => {
  const elsewhere = (name: string) => ({
    emails: [{ type: 'work', primary: true, value: `${name}@elsewhere.example` }],
  })

  test('asks for the domains again, as the bind does', async () => {
    const each = await previewedBind()
    const { world } = each
    const bob = await each.create('bob', elsewhere('bob'))
    await each.bind([bob])
    world.clock.now += 3_600_000
    const value = ['contoso.com', 'elsewhere.example'].map((id) => ({ id, isVerified: true }))
    world.graph.faults.add({ match: { path: '^/domains' }, times: 9, status: 200, body: { value } })
    const ann = await each.create('ann', elsewhere('ann'))
    const { items } = await each.compare([ann])
    expect(items).toMatchObject([{ action: 'create', problems: [] }])
    const created = world.graph.journal.records().filter(({ url }) => url === '/users')
    expect(created.map(({ body }) => (body as Loose)['userPrincipalName'])).toContain(
      'ann@elsewhere.example',
    )
  })

  test('asks for none where nobody’s name depends on them', async () => {
    const each = await previewedBind()
    await each.bind([await each.create('bob')])
    each.world.clock.now += 3_600_000
    const ann = await each.create('ann')
    each.world.graph.journal.clear()
    await each.preview([ann])
    const asked = each.world.graph.journal.records().map(({ url }) => url)
    expect(asked.filter((url) => url.startsWith('/domains'))).toEqual([])
  })
})

describe('a preview of the bind of two who want one name', () => {
  const NAMED = { emails: [{ type: 'work', primary: true, value: 'ann@contoso.com' }] }
  const NAMED_BY_USERNAME = { emails: [] }

  test.for(['created', 'adopted'])(
    'tells that the first one has it, and the account that is %s',
    async (how) => {
      const each = await previewedBind()
      if (how === 'adopted') each.account('ann')
      const ids = [await each.create('ann', NAMED_BY_USERNAME), await each.create('bob', NAMED)]
      const [first = '', second = ''] = ids.toSorted()
      const { items, told, sent } = await each.compare(ids)
      expect(items).toMatchObject([
        { userId: first, action: how === 'created' ? 'create' : 'update' },
        { userId: second, action: 'conflict', changes: [], ifApproved: [] },
      ])
      expect(items[1]?.['problems']).toMatchObject([
        { code: 'account_bound', message: expect.stringContaining(first) },
      ])
      expect(sent).toEqual(told)
      expect(sent[first]).toHaveProperty('jobTitle')
      expect(sent[second]).toEqual({})
    },
  )
})
