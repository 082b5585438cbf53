/** A preview of a manager's bind, then the bind: the reports who were bound before and get their link by it are told as well. */
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { MANUAL, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import { bindSeeded } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000
const under = (manager: string, more = {}) => ({
  ...more,
  [ENTERPRISE_USER_URN]: { manager: { value: manager } },
})

/** Boss, who is not bound, and reports of hers who are, long since. */
async function waiting(each: PreviewedBind, names: readonly string[] = ['ann'], more = {}) {
  const boss = await each.create('boss')
  const reports: string[] = []
  for (const name of names) reports.push(await each.create(name, under(boss, more)))
  await each.bind(reports)
  each.world.clock.now += HOUR
  const [ann = ''] = reports
  return { boss, ann, reports }
}

const itemOf = (items: readonly Loose[], id: string) => items.find(({ userId }) => userId === id)
const patch = (each: PreviewedBind, id: string, path: string, value: unknown) =>
  each.world.scim.patch(`/Users/${id}`, [{ op: 'replace', path, value }])
const graphIdOf = async ({ world }: PreviewedBind, id: string) =>
  String((await world.binding(id))['graph_id'])

describe('a preview of the bind of a manager', () => {
  test('tells of the report who was bound before that the bind links her', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    const graphId = await graphIdOf(each, ann)
    const { items, told, sent } = await each.compare([boss])
    expect(itemOf(items, ann)).toEqual({
      userId: ann,
      userName: 'ann@contoso.com',
      graphId,
      action: 'update',
      changes: [{ attribute: 'manager', graph: 'manager', current: null, next: boss }],
      refused: [],
      imports: [],
      ifApproved: [],
      problems: [],
    })
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ manager: await graphIdOf(each, boss) })
  })

  test('tells whom an adopted account of a report has, and loses', async () => {
    const each = await previewedBind()
    const other = each.account('other')
    each.world.graph.changeUser(each.account('ann'), { manager: other })
    const theirs = each.account('boss')
    const { boss, ann } = await waiting(each)
    const { items, told, sent } = await each.compare([boss])
    expect(itemOf(items, ann)?.['changes']).toEqual([
      { attribute: 'manager', graph: 'manager', current: other, next: theirs },
    ])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ manager: theirs })
  })

  test('tells of nobody who has another manager, or is not bound', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    const cid = await each.create('cid')
    const bob = await each.create('bob', under(cid))
    await each.create('zoe', under(boss))
    await each.bind([cid, bob])
    const { items, told, sent } = await each.compare([boss])
    expect(items.map(({ userId }) => userId).toSorted()).toEqual([boss, ann].toSorted())
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('manager')
  })

  test('tells of a report only once who is previewed with her', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    const { items, told, sent } = await each.compare([boss, ann])
    expect(items).toHaveLength(2)
    expect(sent).toEqual(told)
  })

  test('tells of every report, page by page', async () => {
    const each = await previewedBind()
    const { boss, reports } = await waiting(each, ['ann', 'bob', 'cid', 'dan', 'eve'])
    const { items, told, sent } = await each.compare([boss], 2)
    expect(items).toHaveLength(6)
    expect(sent).toEqual(told)
    for (const id of reports) expect(sent[id]).toHaveProperty('manager')
  })

  test('tells of a report whom a group bound', async () => {
    const each = await previewedBind()
    const boss = await each.create('boss')
    const ann = await each.create('ann', under(boss))
    await boundByGroup(each, [ann])
    expect(await each.world.binding(ann)).toMatchObject({ reason: 'groups', state: 'synced' })
    const { told, sent } = await each.compare([boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('manager')
  })

  test('tells of the reports also where it is a group that binds her', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    const { told, sent } = await each.compare([boss], 100, () => boundByGroup(each, [boss]))
    expect(await each.world.binding(boss)).toMatchObject({ reason: 'groups', state: 'synced' })
    expect(sent).toEqual(told)
    expect(sent[ann]).toHaveProperty('manager')
  })

  test('tells of the reports of somebody who is bound again', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    await each.bind([boss])
    await each.unbind([boss])
    each.world.clock.now += HOUR
    const { told, sent } = await each.compare([boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ manager: await graphIdOf(each, boss) })
  })

  test('tells of the links that went with an account that somebody deleted and restored', async () => {
    const each = await previewedBind()
    const { boss, ann, reports } = await waiting(each, ['ann', 'bob'])
    await each.bind([boss])
    each.world.clock.now += HOUR
    const graphId = await graphIdOf(each, boss)
    await each.world.removeAccount(graphId)
    await each.world.run('report')
    each.world.clock.now += HOUR
    await each.world.restoreAccount(graphId)
    for (const id of reports)
      each.world.graph.changeUser(await graphIdOf(each, id), { manager: null })
    const { told, sent } = await each.compare([boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ manager: graphId })
  })

  test('tells of who waits for one whose account a run that only reports found back', async () => {
    const each = await previewedBind()
    const boss = await each.create('boss')
    await each.bind([boss])
    each.world.clock.now += HOUR
    const graphId = await graphIdOf(each, boss)
    await each.world.removeAccount(graphId)
    await each.world.run('report')
    const ann = await each.create('ann', under(boss))
    await each.bind([ann])
    each.world.clock.now += HOUR
    await each.world.restoreAccount(graphId)
    await each.world.run('report')
    expect(await each.world.binding(boss)).toMatchObject({ error: { code: 'account_returned' } })
    const { told, sent } = await each.compare([boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ manager: graphId })
  })

  test('is no longer than a page, and asks Microsoft 365 once for twenty, however many report to her', async () => {
    const each = await previewedBind()
    const { organizationId, directoryId } = each.world
    const boss = await each.create('boss')
    await bindSeeded(each.world, 250)
    await each.world
      .query(sql`UPDATE user SET resource = json_patch(resource, ${JSON.stringify(under(boss))})
      WHERE organization_id = ${organizationId} AND id <> ${boss}`)
    await each.world
      .query(sql`INSERT INTO awaited (organization_id, directory_id, awaited_id, waiter_id)
      SELECT organization_id, directory_id, ${boss}, resource_id FROM binding WHERE directory_id = ${directoryId}`)
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      each.world.graph.counters.reset()
      const path = `/directories/${directoryId}/preview?limit=100&cursor=${cursor}`
      const { body }: Loose = await each.world.api.post(path, { userIds: [boss] })
      expect(body['items'].length).toBeLessThanOrEqual(100)
      expect(each.world.graph.counters.snapshot().envelopes.length).toBeLessThanOrEqual(6)
      seen.push(...body['items'].map(({ userId }: Loose) => userId))
      cursor = body['nextCursor']
    }
    expect(new Set(seen).size).toBe(251)
    expect(seen).toHaveLength(251)
  })

  test('names a user who is not there, on whichever page that would be', async () => {
    const each = await previewedBind()
    const { boss } = await waiting(each, ['ann', 'bob', 'cid'])
    const preview = async (userIds: string[]) => {
      const pages: Loose[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const path = `/directories/${each.world.directoryId}/preview?limit=1&cursor=${cursor}`
        const page: Loose = await each.world.api.post(path, { userIds })
        pages.push({ status: page['status'], detail: page['body']['detail'] })
        cursor = page['body']['nextCursor'] ?? null
      }
      return pages
    }
    const found = { status: 200, detail: undefined }
    expect(await preview([boss])).toEqual([found, found, found, found])
    const pages = await preview([boss, 'usr_zzzz'])
    expect(pages.at(-1)).toMatchObject({
      status: 404,
      detail: expect.stringContaining('usr_zzzz'),
    })
  })
})

describe('a preview of the bind of a manager tells of none of her reports', () => {
  test('where managers are not exported', async () => {
    const each = await previewedBind()
    const { boss } = await waiting(each)
    await each.world.api.patch(`/directories/${each.world.directoryId}/attributes`, {
      manager: 'exclude',
    })
    await each.world.settle()
    const { items, told, sent } = await each.compare([boss])
    expect(items).toHaveLength(1)
    expect(sent).toEqual(told)
  })

  test('where she would be held', async () => {
    const each = await previewedBind()
    each.world.graph.changeUser(each.account('boss'), { properties: { userType: 'Guest' } })
    const { boss } = await waiting(each)
    const { items, told, sent } = await each.compare([boss])
    expect(items).toMatchObject([{ userId: boss, action: 'conflict' }])
    expect(sent).toEqual(told)
  })

  test('where she is bound, and they have the link', async () => {
    const each = await previewedBind()
    const { boss } = await waiting(each)
    await each.bind([boss])
    const { items, told, sent } = await each.compare([boss])
    expect(items).toMatchObject([{ userId: boss, action: 'none' }])
    expect(sent).toEqual(told)
  })

  test('whose account has that manager already', async () => {
    const each = await previewedBind()
    const theirs = each.account('boss')
    const { boss, ann } = await waiting(each)
    each.world.graph.changeUser(await graphIdOf(each, ann), { manager: theirs })
    const { items, told, sent } = await each.compare([boss])
    expect(items).toMatchObject([{ userId: boss }])
    expect(sent).toEqual(told)
  })

  test('who was unbound, or has another manager by now', async () => {
    const each = await previewedBind()
    const { boss, reports } = await waiting(each, ['ann', 'bob'])
    const [ann = '', bob = ''] = reports
    await each.unbind([ann])
    const cid = await each.create('cid')
    await patch(each, bob, `${ENTERPRISE_USER_URN}:manager`, { value: cid })
    await each.world.settle()
    const { items, told, sent } = await each.compare([boss])
    expect(items).toMatchObject([{ userId: boss }])
    expect(sent).toEqual(told)
  })

  test('who waits for another one by now, who is about to have an account', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    const cid = await each.create('cid')
    const { faults } = each.world.graph
    faults.add({ match: { method: 'POST', path: '^/users$' }, status: 503 })
    const directory = `/directories/${each.world.directoryId}`
    await patch(each, ann, `${ENTERPRISE_USER_URN}:manager`, { value: cid })
    await each.world.api.post(`${directory}/bindings`, { userIds: [cid] })
    await each.world.drain()
    expect(await each.world.binding(cid)).toMatchObject({ state: 'pending' })
    const { body } = await each.preview([boss])
    expect(body['items']).toMatchObject([{ userId: boss }])
  })

  test('whose account was deleted in Microsoft 365', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    await each.world.removeAccount(await graphIdOf(each, ann))
    const { items, told, sent } = await each.compare([boss])
    expect(items).toMatchObject([{ userId: boss }])
    expect(sent).toEqual(told)
  })

  test('whose account is held, or mastered on premises', async () => {
    const each = await previewedBind()
    each.world.graph.changeUser(each.account('ann'), { properties: { userType: 'Guest' } })
    const { boss, reports } = await waiting(each, ['ann', 'bob'])
    const [ann = '', bob = ''] = reports
    each.world.graph.changeUser(await graphIdOf(each, bob), {
      properties: { onPremisesSyncEnabled: true },
    })
    await patch(each, bob, 'title', 'Chief')
    await each.world.settle()
    expect(await each.world.binding(ann)).toMatchObject({ state: 'held' })
    expect(await each.world.binding(bob)).toMatchObject({ error: { code: 'mastered_on_premises' } })
    const { items, told, sent } = await each.compare([boss])
    expect(items).toMatchObject([{ userId: boss }])
    expect(sent).toEqual(told)
  })
})

describe('a report of the manager whose bind is previewed', () => {
  test('whose disabling is held, or was rejected, gets the link alone', async () => {
    const each = await previewedBind({ ...MANUAL, threshold: { count: 0, percent: 0 } })
    const { boss, reports } = await waiting(each, ['ann', 'bob'])
    const [ann = '', bob = ''] = reports
    await patch(each, bob, 'active', false)
    await each.world.settle()
    await each.world.api.post(`/directories/${each.world.directoryId}/held/reject`, { all: true })
    await each.world.settle()
    await patch(each, ann, 'active', false)
    await each.world.settle()
    expect(await each.world.binding(ann)).toMatchObject({ state: 'held' })
    expect(await each.world.binding(bob)).toMatchObject({ state: 'failed' })
    const { told, sent } = await each.compare([boss])
    expect(sent).toEqual(told)
    const link = { manager: await graphIdOf(each, boss) }
    expect([sent[ann], sent[bob]]).toEqual([link, link])
  })

  test('and privileged gets the link, and nothing of what was refused', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    each.world.graph.changeUser(await graphIdOf(each, ann), { isPrivileged: true })
    await patch(each, ann, 'phoneNumbers', [{ type: 'mobile', value: '+49 1' }])
    await each.world.settle()
    expect(await each.world.binding(ann)).toMatchObject({ error: { code: 'privileged_target' } })
    const { told, sent } = await each.compare([boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ manager: await graphIdOf(each, boss) })
  })

  test('and about to be exported is told of nothing but the link, and of nothing where the account is still to be made', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    const bob = await each.create('bob', under(boss))
    const { faults } = each.world.graph
    faults.add({ match: { method: 'PATCH', path: '^/users/' }, status: 503 })
    faults.add({ match: { method: 'POST', path: '^/users$' }, status: 503 })
    await patch(each, ann, 'title', 'Chief')
    await each.world.api.post(`/directories/${each.world.directoryId}/bindings`, { userIds: [bob] })
    await each.world.drain()
    faults.clear()
    expect(await each.world.binding(ann)).toMatchObject({ state: 'owed' })
    expect(await each.world.binding(bob)).toMatchObject({ state: 'pending' })
    const { told, sent } = await each.compare([boss])
    const link = { manager: await graphIdOf(each, boss) }
    expect(told).toEqual({ [boss]: sent[boss], [ann]: link })
    expect(sent[ann]).toEqual({ jobTitle: 'Chief', ...link })
  })

  test('and refused when she was to be created stays so', async () => {
    const each = await previewedBind()
    const boss = await each.create('boss')
    const ann = await each.create('ann', under(boss))
    each.world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      status: 400,
      times: 99,
    })
    await each.bind([ann])
    each.world.graph.faults.clear()
    const { items, told, sent } = await each.compare([boss])
    expect(itemOf(items, ann)).toBeUndefined()
    expect(sent).toEqual(told)
    expect(await each.world.binding(ann)).toMatchObject({ state: 'failed', graph_id: null })
  })

  test('and failed is sent the link alone, and has failed still', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    each.world.graph.faults.add({ match: { method: 'PATCH', path: '^/users/' }, status: 400 })
    await patch(each, ann, 'title', 'Chief')
    await each.world.settle()
    each.world.graph.faults.clear()
    const { error } = await each.world.binding(ann)
    const { told, sent } = await each.compare([boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ manager: await graphIdOf(each, boss) })
    expect(await each.world.binding(ann)).toMatchObject({ state: 'failed', error })
  })

  test('and failed is sent nothing where managers are not exported any more', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    each.world.graph.faults.add({ match: { method: 'PATCH', path: '^/users/' }, status: 400 })
    await patch(each, ann, 'title', 'Chief')
    await each.world.settle()
    each.world.graph.faults.clear()
    const attributes = `/directories/${each.world.directoryId}/attributes`
    await each.world.api.patch(attributes, { manager: 'exclude' })
    await each.world.settle()
    const { told, sent } = await each.compare([boss])
    expect(sent).toEqual(told)
    expect(sent[ann]).toBeUndefined()
  })
})

describe('what was previewed of the bind of a manager', () => {
  test('is refused as atSequence where a report who was told has changed since', async () => {
    const each = await previewedBind()
    const { boss, ann } = await waiting(each)
    const zoe = await each.create('zoe')
    const { sequence } = (await each.preview([boss])).body
    const asked = { userIds: [boss], atSequence: sequence }
    const bindings = `/directories/${each.world.directoryId}/bindings`
    await patch(each, ann, 'title', 'Chief')
    await patch(each, zoe, 'title', 'Chief')
    const refused = await each.world.api.post(bindings, asked)
    expect(refused).toMatchObject({ status: 409, body: { userIds: [ann] } })
    const again = { ...asked, atSequence: (await each.preview([boss])).body['sequence'] }
    await patch(each, zoe, 'title', 'Other')
    expect((await each.world.api.post(bindings, again)).status).toBe(202)
  })
})

/** Binds the members of a group, who are these, and whoever joins it. */
async function boundByGroup({ world }: PreviewedBind, ids: readonly string[]): Promise<void> {
  const members = ids.map((value) => ({ value }))
  const { body } = await world.scim.post('/Groups', { displayName: 'Staff', members })
  const bindNewUsers = { mode: 'groups', groupIds: [body['id']] }
  await world.api.patch(`/directories/${world.directoryId}`, { settings: { bindNewUsers } })
  await world.settle()
}
