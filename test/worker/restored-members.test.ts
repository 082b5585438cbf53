/** An account that we deleted comes back from the recycle bin, and Microsoft 365 gives it back the memberships it had. */
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { newUser } from '../support/export.ts'
import { reconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000
const DELETING = { onDelete: 'delete', onUnbind: 'delete', threshold: null } as const

/** Ann, who is in Sales: both are bound, and were exported an hour ago. */
async function annInSales() {
  const world = await reconcileWorld({ settings: DELETING })
  const [ann = ''] = await world.exported('ann')
  const account = world.accountOf('ann')
  const { body } = await world.scim.post('/Groups', {
    displayName: 'Sales',
    members: [{ value: ann }],
  })
  const sales = String(body['id'])
  await world.settle()
  world.clock.now += HOUR
  const group = String((await world.binding(sales))['graph_id'])
  const bindings = `/directories/${world.directoryId}/bindings`
  const membersOf = (id: string): unknown =>
    world.graph.summary().groups.find((each: Loose) => each['id'] === id)?.['members']
  expect(membersOf(group)).toEqual([account])
  const change = (op: 'add' | 'remove', member: string) =>
    world.scim.patch(`/Groups/${sales}`, [
      op === 'add'
        ? { op, path: 'members', value: [{ value: member }] }
        : { op, path: `members[value eq "${member}"]` },
    ])
  return {
    world,
    ann,
    account,
    sales,
    group,
    bindings,
    membersOf,
    change,
    members: () => membersOf(group),
    unbind: () => world.api.send('DELETE', bindings, { userIds: [ann] }),
    /** An hour after whatever happened before; the requests of before are forgotten. */
    async bind() {
      world.clock.now += HOUR
      world.graph.journal.clear()
      await world.api.post(bindings, { userIds: [ann] })
      await world.settle()
    },
    isInRecycleBin: () =>
      world.graph.summary().users.find((user: Loose) => user['id'] === account)?.['isDeleted'],
    /** The writes of groups, and what was answered. */
    groupWrites: () =>
      world.graph.journal
        .records()
        .filter(({ method, url }) => method !== 'GET' && url.startsWith('/groups/'))
        .map(({ method, url, status }) => `${method} ${url} ${status}`),
    async drift() {
      world.clock.now += HOUR
      return world.drift(await world.run('report'))
    },
  }
}

describe('an account that is restored by a bind', () => {
  test('stays in the group that it had left there before, and that somebody gave it since', async () => {
    const { ann, account, group, unbind, bind, change, world, ...each } = await annInSales()
    world.graph.changeGroup(group, { removeMembers: [account] })
    await change('remove', ann)
    await world.settle()
    world.clock.now += 24 * HOUR
    world.graph.changeGroup(group, { addMembers: [account] })
    await unbind()
    await world.settle()
    expect(each.isInRecycleBin()).toBe(true)
    await bind()
    expect(each.members()).toEqual([account])
    expect(each.groupWrites()).toEqual([])
  })

  test('leaves the group that its user has left meanwhile', async () => {
    const { ann, account, group, unbind, bind, change, world, ...each } = await annInSales()
    await unbind()
    await world.settle()
    expect(each.isInRecycleBin()).toBe(true)
    await change('remove', ann)
    await world.settle()
    await bind()
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', graph_id: account })
    expect(each.members()).toEqual([])
    expect(each.groupWrites()).toEqual([`DELETE /groups/${group}/members/${account}/$ref 204`])
    expect(await each.drift()).toEqual([])
  })

  test('stays in the group in which its user still is, and that is not sent more than once', async () => {
    const { ann, account, unbind, bind, world, ...each } = await annInSales()
    await unbind()
    await world.settle()
    await bind()
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', graph_id: account })
    expect(each.members()).toEqual([account])
    expect(each.groupWrites()).toEqual([expect.stringMatching(/^PATCH .* 400$/)])
    expect(await world.binding(each.sales)).toMatchObject({ state: 'synced', due_at: null })
    expect(await each.drift()).toEqual([])
    // That it was a member already is our own doing.
    expect(
      await world.query(sql`SELECT unknown, was_there FROM exported_member
        WHERE directory_id = ${world.directoryId}`),
    ).toEqual([{ unknown: 0, was_there: 0 }])
  })

  test('stays in groups that are not bound here, and where somebody else put it', async () => {
    const { account, unbind, bind, world, ...each } = await annInSales()
    const { body } = await world.scim.post('/Groups', { displayName: 'Support' })
    await world.settle()
    const support = String((await world.binding(String(body['id'])))['graph_id'])
    const [theirs = ''] = world.graph.seed({ groups: 1 }).groups
    for (const id of [support, theirs]) world.graph.changeGroup(id, { addMembers: [account] })
    await unbind()
    await world.settle()
    expect(each.isInRecycleBin()).toBe(true)
    await bind()
    expect([each.membersOf(support), each.membersOf(theirs)]).toEqual([[account], [account]])
    expect(each.groupWrites().filter((write) => write.startsWith('DELETE'))).toEqual([])
  })

  test.each(['is bound', 'is created'])(
    'leaves the group whose removal a 429 had put off, when its user %s again',
    async (how) => {
      const { ann, group, unbind, bind, change, world, ...each } = await annInSales()
      const match = { method: 'DELETE', path: `/groups/${group}/members/` }
      world.graph.faults.add({ match, status: 429, retryAfter: 7_200, times: 1 })
      await (how === 'is bound' ? unbind() : world.scim.delete(`/Users/${ann}`))
      await world.drain()
      expect(each.isInRecycleBin()).toBe(true)
      // The replica that is asked knows of the account again, and not of the membership.
      const code = 'Request_ResourceNotFound'
      world.graph.faults.add({ match, status: 404, code, times: 2 })
      if (how === 'is bound') {
        await change('remove', ann)
        await bind()
      } else await world.scim.post('/Users', newUser('ann'))
      world.clock.now += HOUR
      await world.settle()
      expect(each.isInRecycleBin()).toBe(false)
      expect(each.members()).toEqual([])
      expect(await each.drift()).toEqual([])
    },
  )

  test('leaves the group whose removal had failed, and is tried again after the restore', async () => {
    const { ann, account, group, bindings, unbind, change, world, ...each } = await annInSales()
    const match = { method: 'DELETE', path: `/groups/${group}/members/` }
    world.graph.faults.add({ match, status: 503, retryAfter: 200, times: 1 })
    await unbind()
    await world.drain()
    expect(each.isInRecycleBin()).toBe(true)
    await world.api.post(bindings, { userIds: [ann] })
    await world.drain()
    expect(await world.binding(ann)).toMatchObject({ deleted_at: null, graph_id: account })
    expect(each.members()).toEqual([account])
    await change('remove', ann)
    // The replica that is asked does not know of the membership yet.
    const code = 'Request_ResourceNotFound'
    world.graph.faults.add({ match, status: 404, code, times: 1 })
    await world.settle()
    expect(each.members()).toEqual([])
    expect(await each.drift()).toEqual([])
  })

  test.each([
    ['deletion', { method: 'DELETE', path: '^/users/' }, 'unbind'],
    ['restore', { path: '/restore$' }, 'bind'],
  ] as const)('leaves it also where its %s had no answer', async (_, match, when) => {
    const { ann, account, unbind, bind, change, world, ...each } = await annInSales()
    const lose = () => world.graph.faults.add({ match, times: 1, commit: true, status: 504 })
    if (when === 'unbind') lose()
    await unbind()
    await world.settle()
    await change('remove', ann)
    await world.settle()
    if (when === 'bind') lose()
    await bind()
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', graph_id: account })
    expect(each.members()).toEqual([])
    expect(await each.drift()).toEqual([])
  })

  test('leaves it where a replica does not know of the membership yet', async () => {
    const { ann, group, unbind, bind, change, world, ...each } = await annInSales()
    await unbind()
    await world.settle()
    await change('remove', ann)
    await world.settle()
    world.graph.faults.add({
      match: { method: 'DELETE', path: `/groups/${group}/members/` },
      times: 2,
      status: 404,
      code: 'Request_ResourceNotFound',
    })
    await bind()
    expect(each.members()).toEqual([])
    expect(await each.drift()).toEqual([])
  })

  test('leaves it where somebody else restored the account, and the bind takes it back', async () => {
    const { ann, account, unbind, bind, change, world, ...each } = await annInSales()
    await unbind()
    await world.settle()
    await change('remove', ann)
    await world.settle()
    await world.restoreAccount(account)
    await bind()
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', graph_id: account })
    expect(each.members()).toEqual([])
  })

  test('waits with it for a 429 of that removal', async () => {
    const { ann, account, unbind, bind, change, world, ...each } = await annInSales()
    await unbind()
    await world.settle()
    await change('remove', ann)
    await world.settle()
    const match = { method: 'DELETE', path: '/members/' }
    world.graph.faults.add({ match, status: 429, retryAfter: 120, times: 1 })
    await bind()
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', graph_id: account })
    expect(each.members()).toEqual([])
  })
})

describe('an account that is restored for a person who was deleted and is created anew', () => {
  test.each([
    ['is in no group', []],
    ['is in the group again', ['add']],
  ] as const)('holds what the new user holds, who %s', async (_, adding) => {
    const { ann, account, change, world, ...each } = await annInSales()
    await world.scim.delete(`/Users/${ann}`)
    await world.settle()
    expect(each.isInRecycleBin()).toBe(true)
    world.clock.now += HOUR
    world.graph.journal.clear()
    const { body } = await world.scim.post('/Users', newUser('ann'))
    const anew = String(body['id'])
    for (const op of adding) await change(op, anew)
    await world.settle()
    expect(await world.binding(anew)).toMatchObject({ state: 'synced', graph_id: account })
    const isIn = adding.length > 0
    expect(each.members()).toEqual(isIn ? [account] : [])
    expect(each.groupWrites()).toEqual([
      expect.stringMatching(isIn ? /^PATCH .* 400$/ : /^DELETE .* 204$/),
    ])
    expect(await each.drift()).toEqual([])
  })
})

test('an account that somebody else deleted and restored is in a group that its user has left: a run tells', async () => {
  const { world, ann, account, change, ...each } = await annInSales()
  await world.removeAccount(account)
  await change('remove', ann)
  await world.settle()
  world.clock.now += HOUR
  await world.restoreAccount(account)
  world.graph.journal.clear()
  expect(await each.drift()).toMatchObject([{ userId: ann, groupId: each.sales, ours: false }])
  expect(each.groupWrites()).toEqual([])
  world.clock.now += HOUR
  await world.run('enforce')
  expect(each.members()).toEqual([])
})

test('what an account was a member of is forgotten when it has been gone for 30 days', async () => {
  const { world, unbind } = await annInSales()
  await unbind()
  await world.settle()
  const kept = () =>
    world.query(
      sql`SELECT group_id FROM former_membership WHERE directory_id = ${world.directoryId}`,
    )
  expect(await kept()).toHaveLength(1)
  world.clock.now += 31 * 24 * HOUR
  await world.jobs.scheduled({ cron: '17 3 * * *' })
  expect(await kept()).toEqual([])
})
