/** What undoing a bind leaves of an account that was there before: its groups, its name, and what cannot be put back. */
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { MANUAL, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000

/** Undoes the newest event of a type an hour later; gives the job when it is through. */
async function undone({ world }: PreviewedBind, type = 'binding_create'): Promise<Loose> {
  world.clock.now += HOUR
  const { body } = await world.api.get(`/events?type=${type}&limit=1`)
  const [{ id: eventId }] = body['items']
  const { body: job } = await world.api.post(`/directories/${world.directoryId}/undo`, { eventId })
  await world.settle()
  return (await world.api.get(`/jobs/${job['id']}`)).body
}

/** Ann's account as somebody else made it, of which nothing but what is told here cannot be put back. */
function stranger({ world, account }: PreviewedBind): string {
  const id = account('ann')
  world.graph.changeUser(id, { properties: { usageLocation: 'US' } })
  return id
}

const held = ({ world }: PreviewedBind, graphId: string): Loose =>
  world.graph.summary().users.find(({ id }) => id === graphId) ?? {}

describe('a membership that the account had before the bind', () => {
  /** Ann, who is in Sales here; there her account is a member before she is bound, if `isMember`. */
  async function inSales(isMember: boolean) {
    const each = await previewedBind({ ...MANUAL, bindNewGroups: 'all' })
    const { world } = each
    const theirs = stranger(each)
    const ann = await each.create('ann')
    const { body: sales } = await world.scim.post('/Groups', {
      displayName: 'Sales',
      members: [{ value: ann }],
    })
    await world.settle()
    const { graph_id: group } = await world.binding(sales['id'])
    if (isMember) world.graph.changeGroup(group, { addMembers: [theirs] })
    world.clock.now += HOUR
    await each.bind([ann])
    return {
      each,
      theirs,
      ann,
      group: String(group),
      members: (): unknown => (world.graph.summary().groups as Loose[])[0]?.['members'],
      exported: () => world.query(sql`SELECT member_id FROM exported_member`),
      removals: () =>
        world.graph.journal
          .records()
          .filter(({ method, url }) => method === 'DELETE' && url.includes('/members/')).length,
    }
  }

  test('stays when the bind is undone, and costs no write', async () => {
    const { each, theirs, ann, members, exported, removals } = await inSales(true)
    expect(await exported()).toEqual([{ member_id: ann }])
    expect(await undone(each)).toMatchObject({ state: 'done', errors: [] })
    expect(members()).toEqual([theirs])
    expect(removals()).toBe(0)
    expect(await exported()).toEqual([])
    expect(await each.world.binding(ann)).toMatchObject({ state: 'former', graph_id: null })
  })

  test('stays when a second bind is undone as well', async () => {
    const { each, theirs, ann, members } = await inSales(true)
    await undone(each)
    each.world.clock.now += HOUR
    await each.bind([ann])
    await undone(each)
    expect(members()).toEqual([theirs])
  })

  test('is ended by an ordinary unbind, as any other', async () => {
    const { each, ann, members } = await inSales(true)
    each.world.clock.now += HOUR
    await each.unbind([ann])
    expect(members()).toEqual([])
  })

  test('is ours once somebody ended it and a run that enforces has added it again', async () => {
    const { each, theirs, group, members } = await inSales(true)
    each.world.clock.now += HOUR
    each.world.graph.changeGroup(group, { removeMembers: [theirs] })
    await each.world.run('enforce')
    expect(members()).toEqual([theirs])
    await undone(each)
    expect(members()).toEqual([])
  })

  test('is told from one that a write without an answer has made', async () => {
    const each = await previewedBind({ ...MANUAL, bindNewGroups: 'all' })
    const { world } = each
    stranger(each)
    const ann = await each.create('ann')
    await world.scim.post('/Groups', { displayName: 'Sales', members: [{ value: ann }] })
    await world.settle()
    world.clock.now += HOUR
    world.graph.faults.add({
      match: { method: 'PATCH', path: '^/groups/' },
      commit: true,
      status: 504,
    })
    await each.bind([ann])
    world.clock.now += HOUR
    await world.settle()
    const members = () => (world.graph.summary().groups as Loose[])[0]?.['members']
    expect(members()).toHaveLength(1)
    await undone(each)
    expect(members()).toEqual([])
  })
})

test('whoever is bound again has the name put back that somebody gave the account after an unbind', async () => {
  const each = await previewedBind({ ...MANUAL, onUnbind: 'leave' })
  const { world } = each
  const ann = await each.create('ann')
  await each.bind([ann])
  const graphId = String((await world.binding(ann))['graph_id'])
  await each.unbind([ann])
  world.clock.now += HOUR
  world.graph.changeUser(graphId, { properties: { userPrincipalName: 'theirs@contoso.com' } })
  await each.bind([ann])
  expect(held(each, graphId)['userPrincipalName']).toBe('ann@contoso.com')
  expect(await undone(each)).toMatchObject({ state: 'done', errors: [] })
  expect(held(each, graphId)['userPrincipalName']).toBe('theirs@contoso.com')
})

describe('whoever is bound again, and cannot be renamed at first,', () => {
  /** Ann, whom somebody renamed after an unbind, bound again while the domain of her new address is not verified. */
  async function unverified() {
    const each = await previewedBind({ ...MANUAL, onUnbind: 'leave' })
    const { world } = each
    const first = 'ann@contoso.onmicrosoft.com'
    world.graph.faults.add({
      match: { method: 'GET', path: '/domains' },
      times: 9,
      status: 200,
      body: { value: [{ id: 'contoso.onmicrosoft.com', isVerified: true }] },
    })
    const emails = (value: string) => ({ emails: [{ type: 'work', primary: true, value }] })
    const ann = await each.create('ann', emails(first))
    await each.bind([ann])
    const graphId = String((await world.binding(ann))['graph_id'])
    expect(held(each, graphId)['userPrincipalName']).toBe(first)
    await each.unbind([ann])
    world.clock.now += HOUR
    world.graph.changeUser(graphId, {
      properties: { userPrincipalName: 'theirs@contoso.com', jobTitle: 'Gardener' },
    })
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', value: emails('ann@contoso.com') }])
    await each.bind([ann])
    expect(await world.binding(ann)).toMatchObject({
      state: 'failed',
      error: { code: 'domain_not_verified' },
    })
    expect(held(each, graphId)).toMatchObject({
      userPrincipalName: 'theirs@contoso.com',
      jobTitle: 'Engineer',
    })
    const verify = async () => {
      world.clock.now += HOUR
      world.graph.faults.clear()
      await world.api.post(`/directories/${world.directoryId}/failures/replay`, { all: true })
      await world.settle()
      expect(held(each, graphId)['userPrincipalName']).toBe('ann@contoso.com')
    }
    return { each, ann, graphId, verify }
  }

  test('has the name put back that somebody gave the account', async () => {
    const { each, ann, graphId, verify } = await unverified()
    await verify()
    expect(await undone(each)).toMatchObject({ state: 'done', errors: [] })
    expect(held(each, graphId)).toMatchObject({
      userPrincipalName: 'theirs@contoso.com',
      jobTitle: 'Gardener',
    })
    expect(await each.world.binding(ann)).toMatchObject({ state: 'former', graph_id: null })
  })

  test('keeps the name where that was never sent', async () => {
    const { each, graphId } = await unverified()
    expect(await undone(each)).toMatchObject({ state: 'done', errors: [] })
    expect(held(each, graphId)).toMatchObject({
      userPrincipalName: 'theirs@contoso.com',
      jobTitle: 'Gardener',
    })
  })
})

test('whoever adopts another account under the same bind has that one put back', async () => {
  const each = await previewedBind(MANUAL)
  const { world } = each
  const first = stranger(each)
  const ann = await each.create('ann')
  await each.bind([ann])
  const { body } = await world.api.get('/events?type=binding_create&limit=1')
  const [{ id: eventId }] = body['items']
  world.clock.now += HOUR
  await world.removeAccount(first)
  await world.purgeAccount(first)
  const path = `/directories/${world.directoryId}`
  await world.api.send('DELETE', `${path}/bindings`, { userIds: [ann] })
  await world.drain()
  await world.drain()
  // The account is looked for once more.
  expect(await world.binding(ann)).toMatchObject({ state: 'unbinding', graph_id: first })
  const second = stranger(each)
  world.graph.changeUser(second, { properties: { jobTitle: 'Gardener' } })
  const before = held(each, second)
  await each.bind([ann])
  world.clock.now += HOUR
  await world.settle()
  expect(await world.binding(ann)).toMatchObject({ state: 'synced', graph_id: second })
  expect(held(each, second)['jobTitle']).toBe('Engineer')
  world.clock.now += HOUR
  const { body: job } = await world.api.post(`${path}/undo`, { eventId })
  await world.settle()
  expect((await world.api.get(`/jobs/${job['id']}`)).body).toMatchObject({
    state: 'done',
    errors: [],
  })
  expect(held(each, second)).toMatchObject(before)
})

describe('a password that a bind has delivered', () => {
  const first = { password: 'F1rst-of-hers!' }

  test('stays, and the undoing tells it', async () => {
    const each = await previewedBind({})
    const theirs = stranger(each)
    const ann = await each.create('ann', first)
    await each.world.settle()
    const { errors } = await undone(each, 'user_create')
    expect(errors).toMatchObject([
      { resourceId: ann, graphId: theirs, code: 'cannot_be_put_back', attribute: 'password' },
    ])
    expect(errors).toHaveLength(1)
  })

  test('is told where it came after the bind, too', async () => {
    const each = await previewedBind()
    stranger(each)
    const ann = await each.create('ann')
    await each.bind([ann])
    await each.world.scim.patch(`/Users/${ann}`, [
      { op: 'replace', path: 'password', value: 'N3xt-of-hers!' },
    ])
    await each.world.settle()
    const { errors } = await undone(each)
    expect(errors.map(({ attribute }: Loose) => attribute)).toEqual(['password'])
  })

  test('is not told of where a later bind is undone, which delivered none', async () => {
    const each = await previewedBind({ bindNewUsers: { mode: 'all', groupIds: [] } })
    stranger(each)
    const ann = await each.create('ann', first)
    await each.world.settle()
    each.world.clock.now += HOUR
    await each.unbind([ann])
    each.world.clock.now += HOUR
    await each.bind([ann])
    expect(await undone(each)).toMatchObject({ errors: [] })
  })

  test('is not told of where Microsoft 365 refused it', async () => {
    const each = await previewedBind({})
    stranger(each)
    each.world.graph.faults.add({
      match: { method: 'PATCH', path: '^/users/' },
      when: ({ body }) => JSON.stringify(body).includes('passwordProfile'),
      status: 400,
      code: 'Request_BadRequest',
      message: 'The specified password does not comply with password complexity requirements.',
    })
    await each.create('ann', first)
    await each.world.settle()
    const { errors } = await undone(each, 'user_create')
    expect(errors).toEqual([])
  })
})
