import { beforeEach, describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { type GraphEmulator, createGraphEmulator, demoTenant } from './emulator.ts'
import { type Send, errorOf, idOf, newGroup, newUser, reference, signIn } from './test-client.ts'

let emulator: GraphEmulator
let send: Send

beforeEach(async () => {
  emulator = createGraphEmulator()
  send = await signIn(emulator)
})

const bind = (ids: readonly string[]): JsonObject => ({ 'members@odata.bind': ids.map(reference) })

const membersOf = (group: string): Json =>
  emulator.summary().groups.find(({ id }) => id === group)?.['members'] ?? null

describe('groups', () => {
  it.each<[string, Json | undefined, string]>([
    [
      'displayName',
      undefined,
      "A value is required for property 'displayName' of resource 'Group'.",
    ],
    [
      'mailNickname',
      'two words',
      "Invalid value specified for property 'mailNickname' of resource 'Group'.",
    ],
    [
      'description',
      'x'.repeat(1025),
      "Invalid value specified for property 'description' of resource 'Group'.",
    ],
    ['description', '', "Invalid value specified for property 'description' of resource 'Group'."],
    ['colour', 'red', 'One or more property values specified are invalid.'],
    ['proxyAddresses', [], "Property 'proxyAddresses' is read-only and cannot be set."],
  ])('refuse %s = %j', async (name, value, message) => {
    const { [name]: _, ...rest } = newGroup('ops')
    const body = value === undefined ? rest : { ...rest, [name]: value }
    expect(errorOf(await send('POST', '/groups', body)).message).toBe(message)
  })

  it('cannot be mail-enabled security groups', async () => {
    const refused = await send('POST', '/groups', newGroup('ops', { mailEnabled: true }))
    expect(errorOf(refused).message).toMatch(
      /^The service does not currently support writes of mail/,
    )
  })

  it('keep their unique name for ever, and to themselves', async () => {
    const id = idOf(await send('POST', '/groups', newGroup('ops', { uniqueName: 'ops-1' })))
    expect(
      errorOf(await send('POST', '/groups', newGroup('b', { uniqueName: 'OPS-1' }))).message,
    ).toBe(
      'A conflicting object with one or more of the specified property values is present in the directory.',
    )
    expect((await send('PATCH', `/groups/${id}`, { uniqueName: 'ops-1' })).status).toBe(204)
    expect(errorOf(await send('PATCH', `/groups/${id}`, { uniqueName: 'ops-2' })).status).toBe(400)
    expect(errorOf(await send('PATCH', `/groups/${id}`, { isAssignableToRole: true })).status).toBe(
      400,
    )
  })

  it('are gone for good when deleted', async () => {
    const id = idOf(await send('POST', '/groups', newGroup('ops')))
    expect((await send('DELETE', `/groups/${id}`)).status).toBe(204)
    expect((await send('GET', `/directory/deletedItems/${id}`)).status).toBe(404)
  })

  it('are not made by an upsert whose body names another group', async () => {
    const prefer = { Prefer: 'create-if-missing' }
    const body = newGroup('ops', { uniqueName: 'b' })
    expect((await send('PATCH', "/groups(uniqueName='a')", body, prefer)).status).toBe(400)
    const missing = await send(
      'PATCH',
      '/groups/0c6d0d0e-0000-4000-a000-000000000000',
      newGroup('x'),
      prefer,
    )
    expect(missing.status).toBe(404)
  })
})

describe('members', () => {
  it('come 20 at a time, all or none, for the price of one write', async () => {
    const { users, groups } = emulator.seed({ users: 21, groups: 1 })
    const group = groups[0] ?? ''
    const patch = (ids: readonly string[]) => send('PATCH', `/groups/${group}`, bind(ids))
    expect(errorOf(await patch(users)).message).toBe(
      'A resource cannot contain more than 20 link changes',
    )
    expect((await patch(users.slice(0, 20))).status).toBe(204)
    expect(emulator.counters.snapshot().writesByKind).toEqual({ 'group.update': 2 })
    const [one = '', , last = ''] = [users[0], users[1], users[20]]
    expect(errorOf(await patch([last, one])).message).toBe(
      "One or more added object references already exist for the following modified properties: 'members'.",
    )
    expect(membersOf(group)).toEqual(users.slice(0, 20))
  })

  it('are refused all when one of them does not exist', async () => {
    const { users, groups } = emulator.seed({ users: 2, groups: 1 })
    await send('DELETE', `/users/${users[1]}`)
    const refused = await send('PATCH', `/groups/${groups[0]}`, bind(users))
    expect(errorOf(refused)).toMatchObject({
      status: 400,
      message: "The source resource object or one of the objects being referenced don't exist.",
    })
    expect(membersOf(groups[0] ?? '')).toEqual([])
    const path = `/groups/${groups[0]}/members/$ref`
    expect((await send('POST', path, { '@odata.id': reference(users[1] ?? '') })).status).toBe(404)
  })

  it('count together with owners in a create', async () => {
    const { users } = emulator.seed({ users: 20 })
    const body = {
      ...newGroup('ops'),
      ...bind(users),
      'owners@odata.bind': [reference(users[0] ?? '')],
    }
    expect(errorOf(await send('POST', '/groups', body)).message).toBe(
      'A resource cannot contain more than 20 link changes',
    )
  })

  it('must be named by an absolute Graph address', async () => {
    const { users, groups } = emulator.seed({ users: 1, groups: 1 })
    for (const url of [
      `/users/${users[0]}`,
      `https://example.com/v1.0/users/${users[0]}`,
      users[0] ?? '',
    ]) {
      const body = { 'members@odata.bind': [url] }
      expect((await send('PATCH', `/groups/${groups[0]}`, body)).status).toBe(400)
    }
  })

  it('of dynamic, synced and mail-enabled groups are out of reach', async () => {
    const { users, groups } = emulator.seed({ users: 1, groups: 1 })
    const patch = () => send('PATCH', `/groups/${groups[0]}`, bind(users))
    const id = groups[0] ?? ''
    emulator.changeGroup(id, { properties: { groupTypes: ['DynamicMembership'] } })
    expect((await patch()).status).toBe(403)
    emulator.changeGroup(id, { properties: { groupTypes: [], onPremisesSyncEnabled: true } })
    expect((await patch()).status).toBe(400)
    emulator.changeGroup(id, { properties: { onPremisesSyncEnabled: null, mailEnabled: true } })
    expect((await patch()).status).toBe(403)
  })
})

describe('the address of a link without /$ref', () => {
  it('deletes the account of a member', async () => {
    const { users, groups } = emulator.seed({ users: 1, groups: 1, membersPerGroup: 1 })
    expect((await send('DELETE', `/groups/${groups[0]}/members/${users[0]}`)).status).toBe(204)
    expect((await send('GET', `/users/${users[0]}`)).status).toBe(404)
    expect((await send('GET', `/directory/deletedItems/${users[0]}`)).status).toBe(200)
    expect(emulator.counters.snapshot().writesByKind).toEqual({ 'member.deleteAccount': 1 })
  })

  it('deletes the account of a manager', async () => {
    const [id = '', boss = ''] = emulator.seed({ users: 2 }).users
    emulator.changeUser(id, { manager: boss })
    expect((await send('DELETE', `/users/${id}/manager`)).status).toBe(204)
    expect((await send('GET', `/users/${boss}`)).status).toBe(404)
    expect((await send('GET', `/users/${id}`)).status).toBe(200)
  })

  it('is refused when the application may not delete users', async () => {
    const roles = ['GroupMember.ReadWrite.All', 'User.Read.All']
    const apps = demoTenant.apps.map((app) => ({ ...app, roles }))
    emulator = createGraphEmulator({ tenants: [{ ...demoTenant, apps }] })
    send = await signIn(emulator)
    const { users, groups } = emulator.seed({ users: 1, groups: 1, membersPerGroup: 1 })
    expect((await send('DELETE', `/groups/${groups[0]}/members/${users[0]}`)).status).toBe(403)
    expect((await send('POST', '/users', newUser('x'))).status).toBe(403)
    expect((await send('PATCH', `/groups/${groups[0]}`, { displayName: 'x' })).status).toBe(403)
    expect((await send('DELETE', `/groups/${groups[0]}/members/${users[0]}/$ref`)).status).toBe(204)
  })
})
