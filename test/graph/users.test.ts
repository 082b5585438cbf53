import { beforeEach, describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { type GraphEmulator, createGraphEmulator, demoTenant } from './emulator.ts'
import type { AppSettings } from './settings.ts'
import { type Send, errorOf, idOf, newUser, signIn } from './test-client.ts'

const UNKNOWN = 'One or more property values specified are invalid.'
const BAD_VALUES = 'One or more properties contains invalid values.'
const DENIED = { status: 403, code: 'Authorization_RequestDenied' }
const invalid = (name: string) =>
  `Invalid value specified for property '${name}' of resource 'User'.`
const required = (name: string) => `A value is required for property '${name}' of resource 'User'.`

let emulator: GraphEmulator
let send: Send

beforeEach(async () => {
  emulator = createGraphEmulator()
  send = await signIn(emulator)
})

/** Another emulator whose application differs from the demo's. */
async function as(app: Partial<AppSettings>): Promise<Send> {
  const apps = demoTenant.apps.map((one) => ({ ...one, ...app }))
  emulator = createGraphEmulator({ tenants: [{ ...demoTenant, apps }] })
  return signIn(emulator)
}

const createError = async (more: JsonObject) =>
  errorOf(await send('POST', '/users', newUser('adele', more)))

async function patchError(body: JsonObject) {
  const id = idOf(await send('POST', '/users', newUser('adele')))
  return errorOf(await send('PATCH', `/users/${id}`, body))
}

describe('creating a user', () => {
  it.each([
    'accountEnabled',
    'displayName',
    'mailNickname',
    'passwordProfile',
    'userPrincipalName',
  ])('demands %s', async (name) => {
    const { [name]: _, ...rest } = newUser('adele')
    expect(errorOf(await send('POST', '/users', rest)).message).toBe(required(name))
    expect((await createError({ [name]: null })).message).toBe(required(name))
  })

  it.each<[string, Json, string]>([
    ['givenName', '', invalid('givenName')],
    ['surname', 'x'.repeat(65), invalid('surname')],
    ['displayName', 'x'.repeat(257), invalid('displayName')],
    ['jobTitle', 'x'.repeat(129), invalid('jobTitle')],
    ['department', 'x'.repeat(65), invalid('department')],
    ['employeeId', '12345678901234567', invalid('employeeId')],
    ['postalCode', 'x'.repeat(41), invalid('postalCode')],
    ['streetAddress', 'x'.repeat(1025), invalid('streetAddress')],
    ['mobilePhone', '', 'The mobilePhone should be between 1 and 64 characters.'],
    ['mobilePhone', '1'.repeat(65), 'The mobilePhone should be between 1 and 64 characters.'],
    ['businessPhones', ['1', '2'], invalid('businessPhones')],
    ['businessPhones', null, invalid('businessPhones')],
    ['businessPhones', [''], invalid('businessPhones')],
    ['businessPhones', '+1 425', BAD_VALUES],
    ['otherMails', null, invalid('otherMails')],
    ['otherMails', [''], 'The otherMails should be between 1 and 256 characters.'],
    ['otherMails', ['é@contoso.com'], invalid('otherMails')],
    ['accountEnabled', 'true', BAD_VALUES],
    ['jobTitle', 7, BAD_VALUES],
    ['usageLocation', 'USA', invalid('usageLocation')],
    ['usageLocation', '12', invalid('usageLocation')],
    ['mailNickname', 'naveen.mills,.jr.', invalid('mailNickname')],
    ['mailNickname', 'two words', invalid('mailNickname')],
    ['mailNickname', 'ends.', invalid('mailNickname')],
    ['mailNickname', 'é', invalid('mailNickname')],
    ['userPrincipalName', 'renée@contoso.com', invalid('userPrincipalName')],
    ['userPrincipalName', '.dot@contoso.com', invalid('userPrincipalName')],
    ['userPrincipalName', 'dot.@contoso.com', invalid('userPrincipalName')],
    ['userPrincipalName', 'two..dots@contoso.com', invalid('userPrincipalName')],
    ['userPrincipalName', 'plus+tag@contoso.com', invalid('userPrincipalName')],
    ['userPrincipalName', `${'x'.repeat(65)}@contoso.com`, invalid('userPrincipalName')],
    ['userPrincipalName', 'nowhere', invalid('userPrincipalName')],
    ['onPremisesImmutableId', 'a_b', invalid('onPremisesImmutableId')],
    ['userType', 'Robot', invalid('userType')],
    ['favouriteColour', 'red', UNKNOWN],
    ['manager', 'x', UNKNOWN],
    ['manager@odata.bind', 'https://graph.microsoft.com/v1.0/users/x', UNKNOWN],
    ['proxyAddresses', ['SMTP:a@b.c'], "Property 'proxyAddresses' is read-only and cannot be set."],
    ['id', 'x', "Property 'id' is read-only and cannot be set."],
    ['employeeOrgData', { costCenter: '1', cost: '2' }, UNKNOWN],
    ['onPremisesExtensionAttributes', { extensionAttribute16: 'x' }, UNKNOWN],
    ['extension_00000000000000000000000000000000_scimId', 'x', UNKNOWN],
  ])('refuses %s = %j', async (name, value, message) => {
    expect(await createError({ [name]: value })).toMatchObject({
      status: 400,
      code: 'Request_BadRequest',
      message,
    })
    expect(emulator.summary().users).toEqual([])
  })

  it.each(['Sh0rt!a', 'alllowercase1', 'Adele-12345x'])(
    'refuses the password %s',
    async (password) => {
      expect((await createError({ passwordProfile: { password } })).message).toBe(
        'The specified password does not comply with password complexity requirements. Please provide a different password.',
      )
    },
  )

  it('takes only verified domains, in any case', async () => {
    expect(await createError({ userPrincipalName: 'adele@fabrikam.com' })).toMatchObject({
      message:
        'The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.',
      details: [{ code: 'InvalidValue', target: 'userPrincipalName' }],
    })
    const created = await send(
      'POST',
      '/users',
      newUser('a', { userPrincipalName: 'a@CONTOSO.com' }),
    )
    expect(created.status).toBe(201)
  })

  it('keeps userPrincipalName unique in any case and frees the name of a deleted user', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    const again = await createError({ userPrincipalName: 'ADELE@contoso.com' })
    expect(again.details).toMatchObject([
      { code: 'ObjectConflict', target: 'userPrincipalName' },
      { code: 'ConflictingObjects', target: `User_${id}` },
    ])
    await send('DELETE', `/users/${id}`)
    expect((await send('POST', '/users', newUser('adele'))).status).toBe(201)
    const { createConflicts, duplicateCreates } = emulator.counters.snapshot()
    expect([createConflicts, duplicateCreates]).toEqual([1, 1])
  })

  it('keeps onPremisesImmutableId unique, deleted users included', async () => {
    const more = { onPremisesImmutableId: 'q83v' }
    const id = idOf(await send('POST', '/users', newUser('adele', more)))
    await send('DELETE', `/users/${id}`)
    const { details } = errorOf(await send('POST', '/users', newUser('lee', more)))
    expect(details).toMatchObject([{ target: 'onPremisesImmutableId' }, { target: `User_${id}` }])
  })

  it('derives proxyAddresses from mail and keeps them unique', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele', { mail: 'a@contoso.com' })))
    const { body } = await send('GET', `/users/${id}?$select=proxyAddresses`)
    expect(body['proxyAddresses']).toEqual(['SMTP:a@contoso.com'])
    const { details } = errorOf(
      await send('POST', '/users', newUser('lee', { mail: 'A@contoso.com' })),
    )
    expect(details).toMatchObject([{ code: 'ObjectConflict', target: 'proxyAddresses' }, {}])
  })

  it('demands an immutable id in a federated domain', async () => {
    const domains = [{ name: 'contoso.com', authenticationType: 'Federated' as const }]
    send = await signIn(createGraphEmulator({ tenants: [{ ...demoTenant, domains }] }))
    expect((await createError({})).message).toBe(BAD_VALUES)
    const created = await send(
      'POST',
      '/users',
      newUser('adele', { onPremisesImmutableId: 'q83v' }),
    )
    expect(created.status).toBe(201)
  })

  it('refuses what is no JSON, no object, or nothing', async () => {
    expect(errorOf(await send('POST', '/users')).message).toBe(
      'Empty Payload. JSON content expected.',
    )
    expect(errorOf(await send('POST', '/users', [])).status).toBe(400)
    const plain = await send('POST', '/users', {}, { 'Content-Type': 'text/plain' })
    expect(errorOf(plain).status).toBe(415)
  })
})

describe('updating a user', () => {
  it.each<[string, string]>([
    ['displayName', required('displayName')],
    ['userPrincipalName', required('userPrincipalName')],
    ['mailNickname', required('mailNickname')],
    ['mail', required('mail')],
    ['usageLocation', required('usageLocation')],
    ['accountEnabled', required('accountEnabled')],
    ['businessPhones', invalid('businessPhones')],
    ['otherMails', invalid('otherMails')],
  ])('does not clear %s', async (name, message) => {
    expect((await patchError({ [name]: null })).message).toBe(message)
  })

  it('changes nothing when one property is bad', async () => {
    await patchError({ jobTitle: 'Director', givenName: '' })
    expect(emulator.summary().users[0]).not.toHaveProperty('jobTitle')
  })

  it('clears the member of employeeOrgData that is left out', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    await send('PATCH', `/users/${id}`, { employeeOrgData: { costCenter: '7', division: 'North' } })
    await send('PATCH', `/users/${id}`, { employeeOrgData: { division: 'South' } })
    const { body } = await send('GET', `/users/${id}?$select=employeeOrgData`)
    expect(body['employeeOrgData']).toEqual({ costCenter: null, division: 'South' })
  })

  it('merges onPremisesExtensionAttributes', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    const put = (values: JsonObject) =>
      send('PATCH', `/users/${id}`, { onPremisesExtensionAttributes: values })
    await put({ extensionAttribute1: 'one' })
    await put({ extensionAttribute2: 'two' })
    expect(emulator.summary().users[0]?.['onPremisesExtensionAttributes']).toEqual({
      extensionAttribute1: 'one',
      extensionAttribute2: 'two',
    })
  })

  it('lets a user keep its own name, and not take another', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    await send('POST', '/users', newUser('lee'))
    const rename = (name: string) => send('PATCH', `/users/${id}`, { userPrincipalName: name })
    expect((await rename('Adele@contoso.com')).status).toBe(204)
    expect(errorOf(await rename('LEE@contoso.com')).status).toBe(400)
    expect((await rename('vance@contoso.com')).status).toBe(204)
    expect((await send('GET', '/users/adele@contoso.com')).status).toBe(404)
  })

  it('is finished for properties that SharePoint keeps, or that need a signed-in user', async () => {
    expect(await patchError({ aboutMe: 'me' })).toMatchObject(DENIED)
    expect(
      errorOf(
        await send('PATCH', '/users/adele@contoso.com', {
          employeeHireDate: '2026-01-01T00:00:00Z',
        }),
      ),
    ).toMatchObject(DENIED)
  })

  it('refuses users mastered on premises and, for extension attributes, formerly synced ones', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    emulator.changeUser(id, { properties: { onPremisesSyncEnabled: true } })
    expect(errorOf(await send('PATCH', `/users/${id}`, { jobTitle: 'x' })).message).toBe(
      'Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.',
    )
    emulator.changeUser(id, { properties: { onPremisesSyncEnabled: false } })
    expect((await send('PATCH', `/users/${id}`, { jobTitle: 'x' })).status).toBe(204)
    const body = { onPremisesExtensionAttributes: { extensionAttribute1: 'x' } }
    expect(errorOf(await send('PATCH', `/users/${id}`, body)).message).toBe(
      'Unable to update the specified properties for objects that have originated within an external service.',
    )
  })
})

describe('passwords', () => {
  const profile = { passwordProfile: { password: 'Correct-Horse-7' } }

  it('are set by an update of their own', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    expect((await send('PATCH', `/users/${id}`, profile)).status).toBe(204)
    expect(emulator.summary().users[0]).toMatchObject({ password: 'Correct-Horse-7' })
    const { body } = await send('GET', `/users/${id}?$select=passwordProfile`)
    expect(body['passwordProfile']).toBeNull()
  })

  it('spoil the whole update beside another property', async () => {
    expect(await patchError({ ...profile, jobTitle: 'x' })).toMatchObject(DENIED)
    expect(emulator.summary().users[0]).not.toHaveProperty('jobTitle')
  })

  it('need both the permission and the role', async () => {
    send = await as({ directoryRoles: [] })
    expect(await patchError(profile)).toMatchObject(DENIED)
    send = await as({ roles: ['User.ReadWrite.All'] })
    expect(await patchError(profile)).toMatchObject(DENIED)
  })
})

describe('privileged users', () => {
  it.each<JsonObject>([
    { accountEnabled: false },
    { businessPhones: [] },
    { mobilePhone: '1' },
    { otherMails: [] },
    { userPrincipalName: 'root@contoso.com' },
    { jobTitle: 'x', mobilePhone: '1' },
    { passwordProfile: { password: 'Correct-Horse-7' } },
  ])('keep %j from a User Administrator', async (body) => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    emulator.changeUser(id, { isPrivileged: true })
    expect(errorOf(await send('PATCH', `/users/${id}`, body))).toMatchObject(DENIED)
    expect(errorOf(await send('DELETE', `/users/${id}`))).toMatchObject(DENIED)
    expect((await send('PATCH', `/users/${id}`, { jobTitle: 'x' })).status).toBe(204)
  })

  it('are in reach of a Privileged Authentication Administrator', async () => {
    send = await as({ directoryRoles: ['Privileged Authentication Administrator'] })
    const id = idOf(await send('POST', '/users', newUser('adele')))
    emulator.changeUser(id, { isPrivileged: true })
    expect((await send('PATCH', `/users/${id}`, { accountEnabled: false })).status).toBe(204)
  })

  it('are also the members of role-assignable groups', async () => {
    const { users, groups } = emulator.seed({ users: 1, groups: 1, membersPerGroup: 1 })
    emulator.changeGroup(groups[0] ?? '', { properties: { isAssignableToRole: true } })
    expect(errorOf(await send('DELETE', `/users/${users[0]}`))).toMatchObject(DENIED)
  })
})

describe('deleting and restoring a user', () => {
  const bin = '/directory/deletedItems'

  it('keeps id and memberships', async () => {
    const { users, groups } = emulator.seed({ users: 2, groups: 1, membersPerGroup: 2 })
    const members = async () =>
      (await send('GET', `/groups/${groups[0]}/members?$select=id`)).body['value']
    await send('DELETE', `/users/${users[0]}`)
    expect(await members()).toMatchObject([{ id: users[1] }])
    expect((await send('GET', `/users/${users[0]}`)).status).toBe(404)
    expect((await send('POST', `${bin}/${users[0]}/restore`)).status).toBe(200)
    expect(await members()).toMatchObject([{ id: users[0] }, { id: users[1] }])
    expect((await send('GET', '/users/seed1@contoso.com')).status).toBe(200)
  })

  it('does not restore onto a name that was taken meanwhile', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    await send('DELETE', `/users/${id}`)
    await send('POST', '/users', newUser('adele'))
    expect(errorOf(await send('POST', `${bin}/${id}/restore`)).details).toMatchObject([
      { code: 'ObjectConflict', target: 'userPrincipalName' },
      {},
    ])
    const unverified = { newUserPrincipalName: 'adele@fabrikam.com' }
    expect((await send('POST', `${bin}/${id}/restore`, unverified)).status).toBe(400)
    const body = { newUserPrincipalName: 'adele2@contoso.com' }
    expect((await send('POST', `${bin}/${id}/restore`, body)).body).toMatchObject({
      userPrincipalName: 'adele2@contoso.com',
    })
  })

  it('purges on request, and by itself after 30 days', async () => {
    let now = Date.UTC(2026, 0, 1)
    emulator = createGraphEmulator({ now: () => now, tokenLifetimeSeconds: 90 * 86_400 })
    send = await signIn(emulator)
    const [first, second] = emulator.seed({ users: 2 }).users
    for (const id of [first, second]) await send('DELETE', `/users/${id}`)
    expect((await send('DELETE', `${bin}/${first}`)).status).toBe(204)
    expect((await send('GET', `${bin}/${first}`)).status).toBe(404)
    now += 30 * 86_400_000
    expect((await send('GET', `${bin}/${second}`)).status).toBe(200)
    now += 1
    expect((await send('GET', `${bin}/${second}`)).status).toBe(404)
    expect(emulator.summary().users).toEqual([])
  })
})
