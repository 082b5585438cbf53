/** A preview of a bind, then the bind, where somebody has the name that a user wants, or wants it as well. */
import { describe, expect, test } from 'vitest'

import { type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000
/** The name is taken from the address, and else from the username. */
const called = (name: string) => ({
  emails: [{ type: 'work', primary: true, value: `${name}@contoso.com` }],
})
const NAMELESS = { emails: [] }

const rename = ({ world }: PreviewedBind, id: string, name: string) =>
  world.scim.patch(`/Users/${id}`, [
    { op: 'replace', path: 'emails[type eq "work"].value', value: `${name}@contoso.com` },
  ])

/** Ann, who has her name in Microsoft 365 still, since her rename was refused. */
async function refused(each: PreviewedBind): Promise<string> {
  const ann = await each.create('ann')
  await each.bind([ann])
  each.world.clock.now += HOUR
  each.world.graph.faults.add({
    match: { method: 'PATCH', path: '^/users/' },
    status: 403,
    code: 'Authorization_RequestDenied',
  })
  await rename(each, ann, 'other')
  await each.world.settle()
  each.world.graph.faults.clear()
  each.world.clock.now += HOUR
  expect(await each.world.binding(ann)).toMatchObject({ state: 'failed' })
  return ann
}

const actionOf = (items: readonly Loose[], id: string) =>
  items.find(({ userId }) => userId === id)?.['action']

describe('a preview of a bind', () => {
  test('tells that a name is taken whose holder was refused another one, and calls nobody', async () => {
    const each = await previewedBind()
    await refused(each)
    const bob = await each.create('bob', called('ann'))
    const { items, told, sent } = await each.compare([bob])
    expect(sent).toEqual(told)
    expect(items).toMatchObject([{ action: 'conflict', problems: [{ code: 'account_bound' }] }])
  })

  test('tells that a name becomes free where its holder is bound again', async () => {
    const each = await previewedBind()
    const ann = await refused(each)
    const bob = await each.create('bob', called('ann'))
    const { items, told, sent } = await each.compare([bob, ann])
    expect(sent).toEqual(told)
    expect(actionOf(items, bob)).toBe('create')
  })

  test('tells that a name becomes free whose holder was renamed, which is still to be followed', async () => {
    const each = await previewedBind()
    const ann = await each.create('ann')
    await each.bind([ann])
    each.world.clock.now += HOUR
    await rename(each, ann, 'other')
    const bob = await each.create('bob', called('ann'))
    const { items, sent } = await each.compare([bob])
    expect(actionOf(items, bob)).toBe('create')
    expect(sent[bob]).toMatchObject({ userPrincipalName: 'ann@contoso.com' })
  })

  test.each([1, 2, 100])(
    'tells which of three who want one name gets it, by pages of %i',
    async (limit) => {
      const each = await previewedBind()
      const ann = await each.create('ann', NAMELESS)
      const others = [await each.create('bob', called('ann')), await each.create('cid')]
      const { items, told, sent } = await each.compare([ann, ...others], limit)
      expect(sent).toEqual(told)
      expect(actionOf(items, others[1] ?? '')).toBe('create')
      expect(items.map(({ action }) => action).toSorted()).toEqual(['conflict', 'create', 'create'])
    },
  )

  test.each(['is called by the change', 'is bound again'])(
    'tells that a new name of a bound user is free where its holder %s',
    async (holder) => {
      const each = await previewedBind()
      const [ann, bob] = [await refused(each), await each.create('bob')]
      await each.bind([bob])
      each.world.clock.now += HOUR
      await rename(each, bob, 'ann')
      const { items } = await each.compare(holder === 'is bound again' ? [ann, bob] : [bob])
      expect(items.find(({ userId }) => userId === bob)).toMatchObject({
        changes: [{ attribute: 'email', next: 'ann@contoso.com' }],
        problems: [],
      })
      expect(await each.world.binding(bob)).toMatchObject({ state: 'synced' })
    },
  )

  test.each([1, 100])(
    'tells which of two who are renamed to one name gets it, by pages of %i',
    async (limit) => {
      const each = await previewedBind()
      const { world } = each
      const path = `/directories/${world.directoryId}`
      const ids: string[] = []
      for (const name of ['ann', 'bob']) {
        const other = { type: 'other', value: 'same@contoso.com' }
        const emails = [{ type: 'work', primary: true, value: `${name}@contoso.com` }, other]
        ids.push(await each.create(name, { emails }))
      }
      await each.bind(ids)
      world.clock.now += HOUR
      await world.api.patch(path, { state: 'paused' })
      await world.api.patch(path, { settings: { upnSource: 'alternateEmail' } })
      const items: Loose[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await world.api.post(`${path}/preview?limit=${limit}&cursor=${cursor}`, {
          userIds: ids,
        })
        items.push(...page.body['items'])
        cursor = page.body['nextCursor']
      }
      await world.api.patch(path, { state: 'active' })
      await world.settle()
      for (const { userId, changes, refused, problems } of items) {
        const { error } = await world.binding(userId)
        const told = error === null ? changes : refused
        expect(told).toMatchObject([{ attribute: 'email', next: 'same@contoso.com' }])
        expect([...changes, ...refused]).toHaveLength(1)
        expect(problems.map(({ code }: Loose) => code)).toEqual(error === null ? [] : [error.code])
      }
      expect(items.flatMap(({ problems }) => problems)).toMatchObject([{ code: 'value_taken' }])
    },
  )

  test('tells what a binding tells while the user waits for a name that is taken', async () => {
    const each = await previewedBind()
    const ann = await each.create('ann')
    await each.bind([ann])
    each.world.clock.now += HOUR
    const stranger = each.account('taken')
    await rename(each, ann, 'taken')
    const { items } = (await each.preview([ann])).body
    await each.world.drain()
    const { state, error } = await each.world.binding(ann)
    expect({ state, error }).toMatchObject({ state: 'owed', error: { code: 'value_taken' } })
    expect(items).toMatchObject([{ problems: [{ code: 'value_taken' }] }])
    const userPrincipalName = 'elsewhere@contoso.com'
    each.world.graph.changeUser(stranger, { properties: { userPrincipalName } })
    await each.world.settle()
    expect(await each.world.binding(ann)).toMatchObject({ state: 'synced', error: null })
  })

  test('tells that a new name is a stranger’s, and that an account is mastered on premises', async () => {
    const each = await previewedBind()
    const [ann, bob] = [await each.create('ann'), await each.create('bob')]
    await each.bind([ann, bob])
    each.world.clock.now += HOUR
    const stranger = each.account('taken')
    await rename(each, ann, 'taken')
    const graphId = String((await each.world.binding(bob))['graph_id'])
    each.world.graph.changeUser(graphId, { properties: { onPremisesSyncEnabled: true } })
    const title = { op: 'replace', path: 'title', value: 'Chief' }
    await each.world.scim.patch(`/Users/${bob}`, [title])
    const { items } = await each.compare([ann, bob])
    const problemsOf = (id: string) => items.find(({ userId }) => userId === id)?.['problems']
    expect(problemsOf(ann)).toMatchObject([
      { code: 'value_taken', whatToDo: expect.stringContaining(stranger) },
    ])
    expect(problemsOf(bob)).toMatchObject([{ code: 'mastered_on_premises' }])
    for (const id of [ann, bob])
      expect(await each.world.binding(id)).toMatchObject({
        state: 'failed',
        error: { code: problemsOf(id)[0].code },
      })
  })

  test('tells of a new name that is a stranger’s what helps: it is changed there, and the failure replayed', async () => {
    const each = await previewedBind()
    const { world } = each
    const ann = await each.create('ann')
    await each.bind([ann])
    world.clock.now += HOUR
    const stranger = each.account('taken')
    await rename(each, ann, 'taken')
    const { items } = await each.compare([ann])
    const whatToDo = expect.stringContaining(`365 (object ${stranger}), then replay the failure`)
    expect(items).toMatchObject([{ problems: [{ code: 'value_taken', whatToDo }] }])
    world.graph.changeUser(stranger, { properties: { userPrincipalName: 'free@contoso.com' } })
    await world.api.post(`/directories/${world.directoryId}/failures/replay`, { all: true })
    await world.settle()
    const binding = await world.binding(ann)
    expect(binding).toMatchObject({ state: 'synced', error: null })
    expect(world.graph.summary().users).toContainEqual(
      expect.objectContaining({
        id: binding['graph_id'],
        userPrincipalName: 'taken@contoso.com',
      }),
    )
  })

  test('tells the second of two who want one name that it gets it where the first does not', async () => {
    const each = await previewedBind({ conflict: 'hold' })
    each.account('ann')
    const ann = await each.create('ann', NAMELESS)
    const bob = await each.create('bob', called('ann'))
    const { items, told, sent } = await each.compare([ann, bob], 1)
    expect(sent).toEqual(told)
    expect(items.map(({ action }) => action)).toEqual(['conflict', 'conflict'])
  })
})

describe('a preview of a directory that is paused', () => {
  test('tells whom another upnSource renames, which is sent once the directory goes on', async () => {
    const each = await previewedBind()
    const { api, directoryId, graph, settle } = each.world
    const directory = `/directories/${directoryId}`
    const other = { type: 'home', value: 'ann.vance@contoso.com' }
    const emails = [{ type: 'work', value: 'ann@contoso.com', primary: true }, other]
    const [ann, bob] = [await each.create('ann', { emails }), await each.create('bob')]
    await each.bind([ann, bob])
    each.world.clock.now += HOUR
    await api.patch(directory, { state: 'paused' })
    await api.patch(directory, { settings: { upnSource: 'alternateEmail' } })
    graph.journal.clear()
    await settle()
    expect(graph.journal.records()).toEqual([])
    const everybody = await api.post(`${directory}/preview`, { attributes: {} })
    const { items, told, sent } = await each.compare([ann, bob], 100, async () => {
      await api.patch(directory, { state: 'active' })
      await settle()
    })
    expect(everybody.body['items']).toEqual(items)
    expect(sent).toEqual(told)
    expect(sent).toEqual({ [ann]: { userPrincipalName: 'ann.vance@contoso.com' }, [bob]: {} })
  })

  test('tells whom another upnSource renames, and nothing is sent where it is set back first', async () => {
    const each = await previewedBind()
    const { api, directoryId, graph, settle } = each.world
    const directory = `/directories/${directoryId}`
    const emails = [{ type: 'home', value: 'ann.vance@contoso.com' }]
    const ann = await each.create('ann', { emails })
    await each.bind([ann])
    each.world.clock.now += HOUR
    await api.patch(directory, { state: 'paused' })
    await api.patch(directory, { settings: { upnSource: 'alternateEmail' } })
    expect((await each.preview([ann])).body['items']).toMatchObject([{ action: 'update' }])
    await api.patch(directory, { settings: { upnSource: 'email' } })
    graph.journal.clear()
    await api.patch(directory, { state: 'active' })
    await settle()
    expect(graph.journal.records().filter(({ method }) => method !== 'GET')).toEqual([])
    expect(await each.world.binding(ann)).toMatchObject({ state: 'synced' })
  })
})
