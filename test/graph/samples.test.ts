import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import { DEMO_TENANT_ID, type GraphEmulator, createGraphEmulator } from './emulator.ts'
import { textFrom } from './text.ts'
import {
  type Send,
  askToken,
  errorOf,
  idOf,
  newGroup,
  newUser,
  reference,
  signIn,
} from './test-client.ts'

const adele: JsonObject = {
  accountEnabled: true,
  displayName: 'Adele Vance',
  givenName: 'Adele',
  surname: 'Vance',
  mailNickname: 'AdeleV',
  userPrincipalName: 'AdeleV@contoso.com',
  usageLocation: 'US',
  jobTitle: 'Retail Manager',
  department: 'Sales',
  businessPhones: ['+1 425 555 0109'],
  otherMails: ['adele@example.net'],
  passwordProfile: { forceChangePasswordNextSignIn: true, password: 'xWwvJ]6NMw+bWH-d' },
}

let emulator: GraphEmulator
let send: Send

beforeEach(async () => {
  emulator = createGraphEmulator()
  send = await signIn(emulator)
})

describe('the wire samples', () => {
  it('issues a token with the application permissions in its roles claim', async () => {
    const { status, body } = await askToken(emulator)
    const { access_token: token, ...rest } = body
    expect(status).toBe(200)
    expect(rest).toEqual({ token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 })
    const claims: JsonObject = JSON.parse(atob(textFrom(token).split('.')[1] ?? ''))
    expect(claims['tid']).toBe(DEMO_TENANT_ID)
    expect(claims['roles']).toContain('User.ReadWrite.All')
  })

  it('creates a user and answers the default properties', async () => {
    const created = await send('POST', '/users', adele, { 'client-request-id': 'op-1' })
    const id = idOf(created)
    expect(created.status).toBe(201)
    expect(created.body).toEqual({
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#users/$entity',
      id,
      businessPhones: ['+1 425 555 0109'],
      displayName: 'Adele Vance',
      givenName: 'Adele',
      jobTitle: 'Retail Manager',
      mail: null,
      mobilePhone: null,
      officeLocation: null,
      preferredLanguage: null,
      surname: 'Vance',
      userPrincipalName: 'AdeleV@contoso.com',
    })
    expect(created.headers.get('location')).toBe(
      `https://graph.microsoft.com/v2/${DEMO_TENANT_ID}/directoryObjects/${id}/Microsoft.DirectoryServices.User`,
    )
    expect(created.headers.get('x-ms-resource-unit')).toBe('1')
    expect(created.headers.get('odata-version')).toBe('4.0')
    expect(created.headers.get('client-request-id')).toBe('op-1')
    expect(created.headers.get('request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('updates only what is sent, clears with null and with an empty list', async () => {
    const id = idOf(await send('POST', '/users', adele))
    const patch = { jobTitle: 'Director', department: null, businessPhones: [] }
    const updated = await send('PATCH', `/users/${id}`, patch)
    expect([updated.status, updated.body]).toEqual([204, {}])
    const select = '$select=jobTitle,department,businessPhones,surname'
    const { body } = await send('GET', `/users/AdeleV@contoso.com?${select}`)
    expect(body).toEqual({
      '@odata.context':
        'https://graph.microsoft.com/v1.0/$metadata#users(jobTitle,department,businessPhones,surname)/$entity',
      id,
      jobTitle: 'Director',
      department: null,
      businessPhones: [],
      surname: 'Vance',
    })
  })

  it('disables, revokes, deletes and restores', async () => {
    const id = idOf(await send('POST', '/users', adele))
    expect((await send('PATCH', `/users/${id}`, { accountEnabled: false })).status).toBe(204)
    const revoked = await send('POST', `/users/${id}/revokeSignInSessions`)
    expect(revoked.body).toEqual({
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean',
      value: true,
    })
    expect((await send('DELETE', `/users/${id}`)).status).toBe(204)
    const bin = '/directory/deletedItems'
    const listed = await send(
      'GET',
      `${bin}/microsoft.graph.user?$select=id,userPrincipalName,deletedDateTime`,
    )
    expect(listed.body['value']).toEqual([
      {
        id,
        userPrincipalName: `${id.replaceAll('-', '')}AdeleV@contoso.com`,
        deletedDateTime: '2026-01-01T00:00:00Z',
      },
    ])
    const restored = await send('POST', `${bin}/${id}/restore`, {
      newUserPrincipalName: 'AdeleV@contoso.com',
      autoReconcileProxyConflict: true,
    })
    expect(restored.status).toBe(200)
    expect(restored.body).toMatchObject({ '@odata.type': '#microsoft.graph.user', id })
    expect((await send('GET', `/users/adelev@CONTOSO.com`)).status).toBe(200)
  })

  it('sets, shows and clears a manager', async () => {
    const id = idOf(await send('POST', '/users', adele))
    const boss = idOf(await send('POST', '/users', newUser('boss')))
    expect(errorOf(await send('GET', `/users/${id}/manager?$select=id`))).toEqual({
      status: 404,
      code: 'Request_ResourceNotFound',
      message:
        "Resource 'manager' does not exist or one of its queried reference-property objects are not present.",
    })
    const body = { '@odata.id': `https://graph.microsoft.com/v1.0/users/${boss}` }
    expect((await send('PUT', `/users/${id}/manager/$ref`, body)).status).toBe(204)
    const shown = await send('GET', `/users/${id}/manager?$select=id`)
    expect(shown.body).toMatchObject({ '@odata.type': '#microsoft.graph.user', id: boss })
    const expanded = await send('GET', `/users?$select=id&$expand=manager($select=id)&$top=1`)
    expect(expanded.body['value']).toEqual([
      { id, manager: { '@odata.type': '#microsoft.graph.user', id: boss } },
    ])
    expect((await send('DELETE', `/users/${id}/manager/$ref`)).status).toBe(204)
    expect((await send('DELETE', `/users/${id}/manager/$ref`)).status).toBe(404)
  })

  it('creates a group with members bound', async () => {
    const ids = [
      idOf(await send('POST', '/users', adele)),
      idOf(await send('POST', '/users', newUser('lee'))),
    ]
    const created = await send('POST', '/groups', {
      displayName: 'Operations group',
      description: 'Operations',
      groupTypes: [],
      mailEnabled: false,
      mailNickname: 'scim-9c1f',
      securityEnabled: true,
      'members@odata.bind': ids.map((id) => `https://graph.microsoft.com/v1.0/users/${id}`),
    })
    expect(created.status).toBe(201)
    const members = await send('GET', `/groups/${idOf(created)}/members?$select=id&$top=999`)
    expect(members.headers.get('x-ms-resource-unit')).toBe('2')
    expect(members.body['value']).toEqual(
      ids.map((id) => ({ '@odata.type': '#microsoft.graph.user', id })),
    )
  })

  it('upserts a group by its unique name', async () => {
    const path = "/groups(uniqueName='scim-acme-42')"
    const prefer = { Prefer: 'create-if-missing' }
    expect((await send('PATCH', path, newGroup('ops'))).status).toBe(404)
    const created = await send('PATCH', path, newGroup('ops'), prefer)
    expect(created.status).toBe(201)
    const updated = await send('PATCH', path, newGroup('ops', { displayName: 'Ops 2' }), prefer)
    expect([updated.status, updated.body]).toEqual([204, {}])
    const shown = await send('GET', `${path}?$select=id,displayName,uniqueName`)
    expect(shown.body).toMatchObject({
      id: idOf(created),
      displayName: 'Ops 2',
      uniqueName: 'scim-acme-42',
    })
  })

  it('adds a member once, removes it once', async () => {
    const user = idOf(await send('POST', '/users', adele))
    const group = idOf(await send('POST', '/groups', newGroup('ops')))
    const path = `/groups/${group}/members`
    const body = { '@odata.id': reference(user) }
    expect((await send('POST', `${path}/$ref`, body)).status).toBe(204)
    expect(errorOf(await send('POST', `${path}/$ref`, body))).toEqual({
      status: 400,
      code: 'Request_BadRequest',
      message:
        "One or more added object references already exist for the following modified properties: 'members'.",
    })
    expect((await send('DELETE', `${path}/${user}/$ref`)).status).toBe(204)
    expect((await send('DELETE', `${path}/${user}/$ref`)).status).toBe(404)
    expect((await send('GET', `/users/${user}`)).status).toBe(200)
  })

  it('finds by name, by employee number, by several names, by ending, and counts', async () => {
    const upn = "o'neil@contoso.com"
    await send('POST', '/users', { ...adele, userPrincipalName: upn, employeeId: '12345' })
    const found = async (query: string, headers = {}): Promise<unknown> =>
      (await send('GET', `/users?${query}`, undefined, headers)).body['value']
    const one = [{ id: expect.any(String), userPrincipalName: upn }]
    const select = '$select=id,userPrincipalName'
    expect(await found(`$filter=userPrincipalName eq 'o''neil@contoso.com'&${select}`)).toEqual(one)
    expect(await found(`$filter=employeeId eq '12345'&${select}`)).toEqual(one)
    expect(
      await found(`$filter=userPrincipalName in ('a@x','${upn.replace("'", "''")}')&${select}`),
    ).toEqual(one)
    const eventual = { ConsistencyLevel: 'eventual' }
    const ending = `$filter=endsWith(userPrincipalName,'@contoso.com')&$count=true&${select}`
    expect(await found(ending, eventual)).toEqual(one)
    const { status, headers, body } = await send('GET', '/users/$count', undefined, eventual)
    expect([status, headers.get('content-type'), body]).toEqual([200, 'text/plain', { text: '1' }])
  })

  it('tells changes since a delta link', async () => {
    const graph = 'https://graph.microsoft.com/v1.0'
    const id = idOf(await send('POST', '/users', adele))
    const gone = idOf(await send('POST', '/users', { ...newUser('gone') }))
    const first = await send('GET', '/users/delta?$select=displayName,givenName,surname')
    expect(first.body).toEqual({
      '@odata.context': `${graph}/$metadata#users(displayName,givenName,surname)`,
      '@odata.deltaLink': expect.stringMatching(/^https:.*\/users\/delta\?\$deltatoken=[\w-]+$/),
      value: [
        { displayName: 'Adele Vance', givenName: 'Adele', surname: 'Vance', id },
        { displayName: 'User gone', id: gone },
      ],
    })
    await send('PATCH', `/users/${id}`, { surname: 'Doe' })
    await send('DELETE', `/users/${gone}`)
    const link = textFrom(first.body['@odata.deltaLink']).replace(graph, '')
    const second = await send('GET', link, undefined, { Prefer: 'return=minimal' })
    expect(second.body['value']).toEqual([
      { surname: 'Doe', id },
      { id: gone, '@removed': { reason: 'changed' } },
    ])
    const latest = await send('GET', '/users/delta?$deltatoken=latest&$select=displayName')
    expect(latest.body).toMatchObject({ value: [], '@odata.deltaLink': expect.any(String) })
    emulator.delta.resync()
    const dead = await send('GET', link)
    expect([dead.status, dead.headers.get('location')]).toEqual([
      410,
      `${graph}/users/delta?$deltatoken=&$select=displayName,givenName,surname`,
    ])
  })

  it('tells domains and the organization', async () => {
    const domains = await send('GET', '/domains?$select=id,isVerified,isDefault,authenticationType')
    expect(domains.body['value']).toEqual([
      {
        id: 'contoso.onmicrosoft.com',
        isVerified: true,
        isDefault: false,
        authenticationType: 'Managed',
      },
      { id: 'contoso.com', isVerified: true, isDefault: true, authenticationType: 'Managed' },
    ])
    const { body } = await send('GET', '/organization')
    expect(body['value']).toMatchObject([{ id: DEMO_TENANT_ID, displayName: 'Contoso' }])
  })
})
