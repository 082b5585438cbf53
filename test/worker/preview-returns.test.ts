/** A preview of a bind of whoever had an account that we deleted, then the bind: what is sent is what was told. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { MANUAL, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const DELETING = { ...MANUAL, onDelete: 'delete', onUnbind: 'delete', threshold: null } as const
const BACK = 'restored_from_recycle_bin'

/** Somebody who was bound, and whose account went into the recycle bin with her, an hour ago. */
async function deleted(
  { world, create, bind }: PreviewedBind,
  name: string,
): Promise<{ readonly old: string; readonly graphId: string }> {
  const old = await create(name)
  await bind([old])
  const graphId = String((await world.binding(old))['graph_id'])
  await world.scim.delete(`/Users/${old}`)
  await world.settle()
  world.clock.now += 3_600_000
  return { old, graphId }
}

/** The requests that changed something since the bind began, by method and address. */
const writes = ({ world }: PreviewedBind): string[] =>
  world.graph.journal
    .records()
    .filter(({ method, isCommitted }) => method !== 'GET' && isCommitted)
    .map(({ method, url }) => `${method} ${url}`)

const restoring = (graphId: string) => `POST /directory/deletedItems/${graphId}/restore`

describe('an account that we deleted', () => {
  test('comes back to the same externalId: that is told, with what it holds and what is sent', async () => {
    const each = await previewedBind(DELETING)
    const { graphId } = await deleted(each, 'ann')
    each.world.graph.changeUser(graphId, { properties: { jobTitle: 'Chief', city: 'Bergen' } })
    const ann = await each.create('ann', { title: 'Director' })
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([
      { userId: ann, graphId, action: 'update', problems: [{ code: BACK }], ifApproved: [] },
    ])
    expect(items[0]?.['changes']).toContainEqual({
      attribute: 'jobTitle',
      graph: 'jobTitle',
      current: 'Chief',
      next: 'Director',
    })
    expect(sent).toEqual(told)
    expect(Object.keys(sent[ann] ?? {})).toEqual(
      expect.arrayContaining(['userPrincipalName', 'jobTitle']),
    )
    expect(writes(each)).toEqual([restoring(graphId), `PATCH /users/${graphId}`])
    expect(await each.world.binding(ann)).toMatchObject({ state: 'synced', graph_id: graphId })
  })

  test('comes back under the name that the person has by now', async () => {
    const each = await previewedBind(DELETING)
    const { graphId } = await deleted(each, 'ann')
    const ann = await each.create('married', { externalId: 'ann' })
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([{ graphId, action: 'update', problems: [{ code: BACK }] }])
    expect(sent).toEqual(told)
    expect(sent[ann]).toMatchObject({ userPrincipalName: 'married@contoso.com' })
  })

  test('comes back to the same user who is bound again', async () => {
    const each = await previewedBind(DELETING)
    const ann = await each.create('ann')
    await each.bind([ann])
    const graphId = String((await each.world.binding(ann))['graph_id'])
    await each.unbind([ann])
    each.world.clock.now += 3_600_000
    each.world.graph.changeUser(graphId, { properties: { jobTitle: 'Chief' } })
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([{ graphId, action: 'update', problems: [{ code: BACK }] }])
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('jobTitle')
    expect(writes(each)).toEqual([restoring(graphId), `PATCH /users/${graphId}`])
  })

  test.for([
    ['taken over the account that has its name by now', 'taken'],
    ['taken back as it is where somebody else restored it', 'restored'],
  ])('of a user who is bound again is %s', async ([, how]) => {
    const each = await previewedBind(DELETING)
    const ann = await each.create('ann', { externalId: undefined })
    await each.bind([ann])
    const graphId = String((await each.world.binding(ann))['graph_id'])
    await each.unbind([ann])
    each.world.clock.now += 3_600_000
    if (how === 'restored') await each.world.restoreAccount(graphId)
    const account = how === 'taken' ? each.account('ann') : graphId
    each.world.graph.changeUser(account, { properties: { jobTitle: 'Chief' } })
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([{ graphId: account, action: 'update', problems: [] }])
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('jobTitle')
    expect(await each.world.binding(ann)).toMatchObject({ state: 'synced', graph_id: account })
  })

  test('is held from another externalId, and what an approval would change is told', async () => {
    const each = await previewedBind(DELETING)
    const { graphId } = await deleted(each, 'ann')
    each.world.graph.changeUser(graphId, { properties: { jobTitle: 'Chief' } })
    const ann = await each.create('ann', { externalId: 'somebody else' })
    const { items, sent } = await each.compare([ann])
    const held = await each.world.binding(ann)
    expect(held).toMatchObject({ state: 'held', graph_id: null })
    expect(items).toMatchObject([{ graphId, action: 'conflict', changes: [] }])
    expect(items[0]?.['problems']).toEqual([held['error']])
    expect(sent[ann]).toEqual({})
    const approved = await each.approve(ann)
    expect(items[0]?.['ifApproved'].map(({ graph }: Loose) => graph)).toEqual(
      expect.arrayContaining(Object.keys(approved)),
    )
    expect(await each.world.binding(ann)).toMatchObject({ state: 'synced', graph_id: graphId })
  })

  test('and removed from the recycle bin by now is made anew', async () => {
    const each = await previewedBind(DELETING)
    const { graphId } = await deleted(each, 'ann')
    await each.world.purgeAccount(graphId)
    const ann = await each.create('ann')
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([{ graphId: null, action: 'create', problems: [] }])
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('userPrincipalName')
  })

  test('and whose name somebody else has taken gives way to that account', async () => {
    const each = await previewedBind(DELETING)
    await deleted(each, 'ann')
    const theirs = each.account('ann')
    const ann = await each.create('ann')
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([{ graphId: theirs, action: 'update', problems: [] }])
    expect(sent).toEqual(told)
    expect(await each.world.binding(ann)).toMatchObject({ state: 'synced', graph_id: theirs })
  })

  test('is held from another externalId also where somebody else has its name by now', async () => {
    const each = await previewedBind(DELETING)
    const { graphId } = await deleted(each, 'ann')
    each.account('ann')
    const ann = await each.create('ann', { externalId: 'somebody else' })
    const { items } = await each.compare([ann])
    expect(items).toMatchObject([{ graphId, action: 'conflict' }])
    expect(items[0]?.['problems']).toEqual([(await each.world.binding(ann))['error']])
  })

  test('stays where it is for whoever cannot have the name', async () => {
    const each = await previewedBind(DELETING)
    await deleted(each, 'ann')
    const ann = await each.create('ann', { emails: [{ value: 'ann@elsewhere.example' }] })
    const { items, sent } = await each.compare([ann])
    expect(items).toMatchObject([
      { graphId: null, action: 'conflict', problems: [{ code: 'domain_not_verified' }] },
    ])
    expect(sent[ann]).toEqual({})
  })

  test.for(['first', 'last'])(
    'is the same person’s, who comes %s, before whoever wants the name that it had',
    async (place) => {
      const each = await previewedBind(DELETING)
      const { graphId } = await deleted(each, 'ann')
      const people = [
        { name: 'married', externalId: 'ann' },
        { name: 'ann', externalId: 'somebody else' },
      ]
      const ids = new Map<string, string>()
      for (const { name, externalId } of place === 'first' ? people : people.toReversed()) {
        ids.set(name, await each.create(name, { externalId }))
        each.world.clock.now += 1000
      }
      const { items, told, sent } = await each.compare([...ids.values()])
      const of = (name: string) => items.find(({ userId }) => userId === ids.get(name))
      expect(of('married')).toMatchObject({ graphId, action: 'update' })
      expect(of('ann')).toMatchObject({ graphId: null, action: 'create', problems: [] })
      expect(sent).toEqual(told)
    },
  )

  test('is the manager’s: whoever she manages is linked to the account that comes back', async () => {
    const each = await previewedBind(DELETING)
    const { graphId } = await deleted(each, 'boss')
    const boss = await each.create('boss')
    const ann = await each.create('ann', { [ENTERPRISE_USER_URN]: { manager: { value: boss } } })
    const { items, told, sent } = await each.compare([ann, boss])
    expect(items.find(({ userId }) => userId === ann)?.['changes']).toContainEqual({
      attribute: 'manager',
      graph: 'manager',
      current: null,
      next: graphId,
    })
    expect(sent).toEqual(told)
    expect(sent[ann]).toMatchObject({ manager: graphId })
  })
})

describe('what a preview of ten users costs', () => {
  const TEN = Array.from({ length: 10 }, (_, i) => `user${i}`)

  /** What the preview reads of Microsoft 365, and of the database. */
  async function cost(each: PreviewedBind, userIds: readonly string[]) {
    each.world.graph.journal.clear()
    const { status, cost } = await each.preview(userIds)
    expect(status).toBe(200)
    const urls = each.world.graph.journal.records().map(({ url }) => url)
    return {
      accounts: urls.filter((url) => url.startsWith('/users/')).length,
      deleted: urls.filter((url) => url.startsWith('/directory/deletedItems/')).length,
      trips: cost.roundTrips,
      rows: cost.rowsRead,
    }
  }

  test('is no more where nothing was deleted, though deleting is what the directory does', async () => {
    const costs = []
    for (const settings of [MANUAL, DELETING]) {
      const each = await previewedBind(settings)
      const ids: string[] = []
      for (const name of TEN) ids.push(await each.create(name))
      await each.preview(ids.slice(0, 1))
      costs.push(await cost(each, ids))
    }
    expect(costs[1]).toEqual(costs[0])
    expect(costs[0]).toMatchObject({ accounts: 10, deleted: 0 })
  })

  test('is a request more for each account that may come back, and no round trip', async () => {
    const each = await previewedBind(DELETING)
    await deleted(each, 'user0')
    const ids: string[] = []
    for (const name of TEN) ids.push(await each.create(name))
    await each.preview(ids)
    const without = await cost(each, ids.slice(1))
    const all = await cost(each, ids)
    expect(all).toMatchObject({ accounts: 10, deleted: 1, trips: without.trips })
  })
})
