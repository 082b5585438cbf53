import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import {
  DEMO_CLIENT_ID,
  DEMO_CLIENT_SECRET,
  type GraphEmulator,
  createGraphEmulator,
} from './emulator.ts'
import { type Send, idOf, newGroup, newUser, reference, signIn } from './test-client.ts'

const ROLE = '#microsoft.graph.directoryRole'
const GROUP = '#microsoft.graph.group'

let emulator: GraphEmulator
let send: Send
let user: string
let inner: string
let outer: string

beforeEach(async () => {
  emulator = createGraphEmulator()
  send = await signIn(emulator)
  user = idOf(await send('POST', '/users', newUser('adele')))
  const group = async (name: string, member: string, more: JsonObject = {}) =>
    idOf(
      await send(
        'POST',
        '/groups',
        newGroup(name, { 'members@odata.bind': [reference(member)], ...more }),
      ),
    )
  inner = await group('inner', user)
  outer = await group('outer', inner, { isAssignableToRole: true, visibility: 'Private' })
})

const values = async (path: string, as: Send = send): Promise<JsonObject[]> => {
  const { status, body } = await as('GET', path)
  expect(status).toBe(200)
  return body['value'] as JsonObject[]
}

describe('memberOf', () => {
  it('tells the groups that a user is a member of itself', async () => {
    expect(await values(`/users/${user}/memberOf?$select=id,displayName`)).toEqual([
      { '@odata.type': GROUP, id: inner, displayName: 'Group inner' },
    ])
  })

  it('tells with transitiveMemberOf the groups of these groups', async () => {
    const path = `/users/${user}/transitiveMemberOf?$select=id,isAssignableToRole`
    expect(await values(path)).toEqual([
      { '@odata.type': GROUP, id: inner, isAssignableToRole: null },
      { '@odata.type': GROUP, id: outer, isAssignableToRole: true },
    ])
    const { headers } = await send('GET', path)
    expect(headers.get('x-ms-resource-unit')).toBe('1')
  })

  it('comes to an end where groups are members of each other', async () => {
    emulator.changeGroup(inner, { addMembers: [outer] })
    expect(await values(`/users/${user}/transitiveMemberOf`)).toHaveLength(2)
    expect(await values(`/groups/${inner}/transitiveMembers`)).toHaveLength(3)
  })

  it('tells the role of a privileged user, by type and id where no more may be read', async () => {
    emulator.changeUser(user, { isPrivileged: true })
    const [role] = await values(`/users/${user}/memberOf`)
    expect(role).toEqual({ '@odata.type': ROLE, id: expect.any(String), displayName: null })
    const roles = ['User.Read.All', 'RoleManagement.Read.Directory']
    emulator.changeApp(DEMO_CLIENT_ID, { roles, secrets: [{ value: DEMO_CLIENT_SECRET }] })
    const reader = await signIn(emulator)
    expect((await values(`/users/${user}/memberOf`, reader))[0]?.['displayName']).toBe(
      'Helpdesk Administrator',
    )
  })

  it('hides what an application may not read of groups', async () => {
    emulator.changeApp(DEMO_CLIENT_ID, { roles: ['User.Read.All'] })
    const reader = await signIn(emulator)
    const path = `/users/${user}/transitiveMemberOf?$select=id,isAssignableToRole`
    expect(await values(path, reader)).toEqual([
      { '@odata.type': GROUP, id: inner, isAssignableToRole: null },
      { '@odata.type': GROUP, id: outer, isAssignableToRole: null },
    ])
  })

  it('of nobody is 404', async () => {
    expect((await send('GET', '/users/nobody/memberOf')).status).toBe(404)
  })
})

describe('transitiveMembers', () => {
  it('tells members and their members, for five units', async () => {
    expect(await values(`/groups/${outer}/transitiveMembers?$select=id`)).toEqual([
      { '@odata.type': '#microsoft.graph.user', id: user },
      { '@odata.type': GROUP, id: inner },
    ])
    const { headers } = await send('GET', `/groups/${outer}/transitiveMembers`)
    expect(headers.get('x-ms-resource-unit')).toBe('5')
  })
})

describe('subscribedSkus', () => {
  it('tells licences, for three units', async () => {
    const { body, headers } = await send('GET', '/subscribedSkus')
    expect(headers.get('x-ms-resource-unit')).toBe('3')
    expect(body['value']).toMatchObject([
      { skuPartNumber: 'SPE_E3', consumedUnits: 0, prepaidUnits: { enabled: 1000 } },
    ])
  })
})
