/** What a preview tells of accounts that are to be disabled where the directory's threshold holds that, or an administrator is asked. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { MANUAL, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000
const SUSPENDED = { active: false }
const directoryOf = ({ world }: PreviewedBind) => `/directories/${world.directoryId}`
const attributesOf = (changes: readonly Loose[]) => changes.map(({ attribute }) => attribute)

/** Suspended users whose accounts somebody else made, in the order of their ids. */
async function suspended(each: PreviewedBind, names: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) {
    each.account(name)
    ids.push(await each.create(name, SUSPENDED))
  }
  return ids.toSorted()
}

describe('a preview of a bind that would disable more accounts than the threshold lets through', () => {
  test.for([100, 1])(
    'tells of those beyond it what an approval sends, and of everybody the rest: %i on a page',
    async (limit) => {
      const each = await previewedBind({ ...MANUAL, threshold: { count: 1, percent: 0 } })
      const [ann = '', bob = '', cid = ''] = await suspended(each, ['ann', 'bob', 'cid'])
      const { items, told, sent } = await each.compare([ann, bob, cid], limit)
      expect(sent).toEqual(told)
      expect(sent[ann]).toMatchObject({ jobTitle: 'Engineer', accountEnabled: false })
      for (const id of [bob, cid]) {
        expect(sent[id]).toHaveProperty('jobTitle')
        expect(sent[id]).not.toHaveProperty('accountEnabled')
        expect(items.find(({ userId }) => userId === id)).toMatchObject({
          action: 'update',
          ifApproved: [{ attribute: 'accountEnabled', current: true, next: false }],
          problems: [{ code: 'threshold' }],
        })
        expect(await each.world.binding(id)).toMatchObject({ error: { code: 'threshold' } })
      }
      expect(await each.approve(bob)).toEqual({ accountEnabled: false })
    },
  )

  test.each(['adopt', 'hold'] as const)(
    'counts nobody whose account is disabled already, who is sent no disabling: conflict %s',
    async (conflict) => {
      const each = await previewedBind({ ...MANUAL, conflict, threshold: { count: 0, percent: 0 } })
      const { world } = each
      const graphId = each.account('ann')
      world.graph.changeUser(graphId, { properties: { accountEnabled: false } })
      const ann = await each.create('ann', SUSPENDED)
      const { items, told, sent } = await each.compare([ann])
      if (conflict === 'hold')
        expect(await each.approve(ann)).toMatchObject({ jobTitle: 'Engineer' })
      else {
        expect(sent).toEqual(told)
        expect(items).toMatchObject([{ action: 'update', ifApproved: [], problems: [] }])
      }
      expect(await world.binding(ann)).toMatchObject({ state: 'synced', error: null })
      expect(
        world.graph.journal.records().some(({ url }) => url.endsWith('revokeSignInSessions')),
      ).toBe(false)
      await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'active', value: true }])
      await world.settle()
      expect(world.graph.summary().users).toMatchObject([{ accountEnabled: true }])
    },
  )

  test('counts a part of those who are bound by then, and whom it disabled within the hour', async () => {
    const each = await previewedBind({ ...MANUAL, threshold: { count: 0, percent: 50 } })
    const { world } = each
    const bound: string[] = []
    for (const name of ['uma', 'val', 'wes', 'xia']) bound.push(await each.create(name))
    await each.bind(bound)
    await world.scim.patch(`/Users/${bound[0]}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    world.clock.now += HOUR / 4
    const ids = await suspended(each, ['ann', 'bob'])
    const { items, told, sent } = await each.compare(ids)
    expect(sent).toEqual(told)
    expect(items.map(({ ifApproved }) => attributesOf(ifApproved))).toEqual([
      [],
      ['accountEnabled'],
    ])
  })

  test('tells of all of them where there is no threshold', async () => {
    const each = await previewedBind({ ...MANUAL, threshold: null })
    const ids = await suspended(each, ['ann', 'bob'])
    const { items, told, sent } = await each.compare(ids)
    expect(sent).toEqual(told)
    expect(items.flatMap(({ ifApproved }) => ifApproved)).toEqual([])
  })
})

describe('a preview of directions of somebody whose disabling is held', () => {
  async function held() {
    const each = await previewedBind({ ...MANUAL, threshold: { count: 0, percent: 0 } })
    await each.world.api.patch(`${directoryOf(each)}/attributes`, { department: 'exclude' })
    const ann = await each.create('ann', { [ENTERPRISE_USER_URN]: { department: 'Sales' } })
    await each.bind([ann])
    each.world.clock.now += HOUR
    await each.world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'active', value: false }])
    await each.world.settle()
    const { error } = await each.world.binding(ann)
    return { each, ann, error }
  }

  test('tells what is sent, and apart from that what an approval sends', async () => {
    const { each, ann, error } = await held()
    const directions = { attributes: { department: 'export' } }
    const { body } = await each.world.api.post(`${directoryOf(each)}/preview`, directions)
    expect(body['items']).toMatchObject([
      {
        userId: ann,
        action: 'update',
        changes: [{ attribute: 'department', next: 'Sales' }],
        ifApproved: [{ attribute: 'accountEnabled', current: true, next: false }],
        problems: [error],
      },
    ])
    each.world.graph.journal.clear()
    await each.world.api.patch(`${directoryOf(each)}/attributes`, directions.attributes)
    await each.world.settle()
    const writes = each.world.graph.journal.records().filter(({ method }) => method === 'PATCH')
    expect(writes.map(({ body: sent }) => sent)).toEqual([{ department: 'Sales' }])
    expect(await each.approve(ann)).toEqual({ accountEnabled: false })
  })
})
