/** Peculiarities of Entra ID that are no PATCH or POST body of `test/fixtures/entra`, or need more than one request. */
import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { newUser, resourcesOf, textAt } from '../client.ts'
import { expectError, expectStatus, expectStored, idsIn, memberIds } from '../expectations.ts'
import { ENTERPRISE, USER } from '../urns.ts'

for (const [op, value] of [
  ['Add', 'False'],
  ['Replace', 'False'],
  ['Replace', 'false'],
  ['replace', false],
] as const)
  check(
    `Q03: ${op} of active with ${JSON.stringify(value)} disables a user that is enabled`,
    async (scim) => {
      const { id } = await scim.user('ann')
      const patched = await scim.patch(`/Users/${id}`, [{ op, path: 'active', value }])
      expect([patched.status, patched.body['active']]).toEqual([200, false])
    },
  )

check('Q05: an address that a PATCH creates is not made primary', async (scim) => {
  const { id } = await scim.user('ann')
  const path = 'emails[type eq "other"].value'
  await scim.patch(`/Users/${id}`, [{ op: 'Add', path, value: `${scim.name('o')}@x.example` }])
  const { body } = await scim.get(`/Users/${id}`)
  const other = (body['emails'] as JsonObject[]).find(({ type }) => type === 'other')
  expect(other).not.toMatchObject({ primary: true })
})

check('Q12: a manager who does not exist is stored', async (scim) => {
  const { id } = await scim.user('ann')
  const operation = { op: 'Add', path: `${ENTERPRISE}:manager`, value: 'GZFDHGRKQLCG' }
  expectStatus(await scim.patch(`/Users/${id}`, [operation]), 200)
  await expectStored(scim, `/Users/${id}`, { [ENTERPRISE]: { manager: { value: 'GZFDHGRKQLCG' } } })
})

for (const [endpoint, filter] of [
  ['/Users', 'shoeSize eq "42"'],
  ['/Groups', 'userName eq "x"'],
  ['/Users', `${ENTERPRISE}:shoeSize eq "42"`],
] as const)
  check(`Q19: ${endpoint} where ${filter} is refused, it never finds everybody`, async (scim) => {
    expectError(await scim.query(endpoint, filter), 400, 'invalidFilter')
  })

for (const attribute of ['userName', 'externalId', 'id', 'displayName', 'emails.value'])
  check(`Q19: a user is found by ${attribute}`, async (scim) => {
    const displayName = scim.name('display')
    const user = await scim.user('ann', { displayName })
    const value = textAt(user, attribute === 'emails.value' ? 'emails.0.value' : attribute)
    const found = await scim.query('/Users', `${attribute} eq "${value}"`)
    expect(idsIn(found)).toEqual([user.id])
  })

check('Q20: userName and displayName of a group are found in another case', async (scim) => {
  const [user, group] = [await scim.user('ann'), await scim.group('staff')]
  const name = scim.name('ann').toUpperCase()
  expect(idsIn(await scim.query('/Users', `userName eq "${name}"`))).toEqual([user.id])
  const title = scim.name('staff').toUpperCase()
  expect(idsIn(await scim.query('/Groups', `displayName eq "${title}"`))).toEqual([group.id])
})

check(
  'Q21: excludedAttributes=members leaves the key out, of a group and of a list',
  async (scim) => {
    const ann = await scim.user('ann')
    const group = await scim.group('staff', { members: [{ value: ann.id }] })
    const read = await scim.get(`/Groups/${group.id}?excludedAttributes=members`)
    expect([read.status, 'members' in read.body]).toEqual([200, false])
    const filter = `displayName eq "${scim.name('staff')}"`
    const [listed] = resourcesOf(await scim.query('/Groups', filter, '&excludedAttributes=members'))
    expect(listed).toMatchObject({ id: group.id })
    expect(listed).not.toHaveProperty('members')
  },
)

check('Q23: extension data is taken though schemas does not name the extension', async (scim) => {
  const user = await scim.user('ann', { schemas: [USER], [ENTERPRISE]: { department: 'Sales' } })
  expect(user).toMatchObject({ [ENTERPRISE]: { department: 'Sales' } })
})

check('Q23: URNs in schemas that nobody knows are neither refused nor shown', async (scim) => {
  const schemas = [USER, 'urn:example:nobody:2.0:User', 'http://schemas.microsoft.com/2006/11/x']
  const user = await scim.user('ann', { schemas })
  expect(user['schemas']).toEqual([USER])
})

check('Q26: what a PATCH does not name keeps its value', async (scim) => {
  const { id } = await scim.user('ann', { title: 'kept', [ENTERPRISE]: { department: 'kept' } })
  await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'displayName', value: 'x' }])
  await expectStored(scim, `/Users/${id}`, { title: 'kept', [ENTERPRISE]: { department: 'kept' } })
})

check('Q29: entitlements are taken and given back', async (scim) => {
  const user = await scim.user('ann', { entitlements: [{ value: 'e1' }] })
  await expectStored(scim, `/Users/${user.id}`, { entitlements: [{ value: 'e1' }] })
})

for (const special of [
  "o'neil",
  'a+b',
  'a&b',
  'a=b',
  'ä%41',
  'a b',
  'a#b',
  'a;b',
  'a/b',
  '"q"',
  'a\\b',
  '日本',
])
  check(`Q30: a user whose name holds ${special} is created and found`, async (scim) => {
    const userName = scim.name(special)
    const email = [{ type: 'work', value: `${scim.name('x')}@example.com` }]
    const user = await scim.user('x', { userName, externalId: userName, emails: email })
    for (const attribute of ['userName', 'externalId']) {
      const filter = encodeURIComponent(`${attribute} eq ${JSON.stringify(userName)}`)
      const found = await scim.get(`/Users?filter=${filter.replaceAll('%20', '+')}`)
      expect(idsIn(found)).toEqual([user.id])
    }
  })

check('Q31: the name of a guest is opaque, and found with # encoded', async (scim) => {
  const userName = `${scim.name('alias')}_dom.example#EXT#@tenant.onmicrosoft.com`
  const { id } = await scim.user('x', { userName })
  const found = await scim.get(`/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`)
  expect(idsIn(found)).toEqual([id])
})

check('Q32: a PATCH of a group without operations changes nothing', async (scim) => {
  const group = await scim.group('staff')
  expectStatus(await scim.patch(`/Groups/${group.id}`, []), 200, 204)
  expect((await scim.get(`/Groups/${group.id}`)).body).toEqual(group)
})

check('Q34: an address that is sent in parts is one element of an array', async (scim) => {
  const { id } = await scim.user('ann')
  const parts = ['streetAddress', 'locality', 'region', 'postalCode', 'country', 'formatted']
  for (const part of parts)
    await scim.patch(`/Users/${id}`, [
      { op: 'Add', path: `addresses[type eq "work"].${part}`, value: part },
    ])
  const address = Object.fromEntries(parts.map((part) => [part, part]))
  await expectStored(scim, `/Users/${id}`, { addresses: [{ type: 'work', ...address }] })
})

check(
  'Q35: a create that is repeated is 409, and the detail names the resource that is there',
  async (scim) => {
    const body = newUser(scim.name('ann'))
    const first = await scim.post('/Users', body)
    const again = await scim.post('/Users', body)
    expectError(again, 409, 'uniqueness')
    expect(again.body['detail']).toContain(textAt(first.body, 'id'))
  },
)

check(
  'Q36: a member that is sent again is a member once, one that was lost is one again',
  async (scim) => {
    const ann = await scim.user('ann')
    const group = await scim.group('staff', { members: [{ value: ann.id }] })
    const add = [{ op: 'Add', path: 'members', value: [{ $ref: null, value: ann.id }] }]
    const shown = async () => memberIds((await scim.get(`/Groups/${group.id}`)).body)
    await scim.patch(`/Groups/${group.id}`, add)
    expect(await shown()).toEqual([ann.id])
    await scim.patch(`/Groups/${group.id}`, [{ op: 'remove', path: 'members' }])
    await scim.patch(`/Groups/${group.id}`, add)
    expect(await shown()).toEqual([ann.id])
  },
)

const SPELLINGS = {
  'a double slash': (url: string) => `${url}//Users?count=1`,
  'a slash at the end': (url: string) => `${url}/Users/?count=1`,
  'a resource name in lower case': (url: string) => `${url}/users?count=1`,
  'a resource name in capitals': (url: string) => `${url}/USERS?count=1`,
}
for (const [what, spell] of Object.entries(SPELLINGS))
  check(`Q38: a URL with ${what} is understood`, async (scim) => {
    const answer = await scim.get(spell(scim.target.url))
    expectStatus(answer, 200)
    expect(answer.body['totalResults']).toBeTypeOf('number')
  })

check('Q38: a resource is changed under a URL in another case', async (scim) => {
  const { id } = await scim.user('ann')
  const operations = [{ op: 'Replace', path: 'title', value: 'x' }]
  expectStatus(await scim.patch(`//users/${id}`, operations), 200)
  await expectStored(scim, `/Users/${id}`, { title: 'x' })
})

const FLAGS = ['aadOptscim062020', 'aadOptscim062020=', 'AzureAdScimPatch2017', 'x=1']
for (const flag of FLAGS)
  check(`Q42: the parameter ${flag} changes nothing`, async (scim) => {
    const { id } = await scim.user('ann')
    const found = await scim.query('/Users', `userName eq "${scim.name('ann')}"`, `&${flag}`)
    expect(idsIn(found)).toEqual([id])
    const path = `/Users/${id}?${flag}`
    expectStatus(await scim.patch(path, [{ op: 'Replace', path: 'active', value: 'False' }]), 200)
    await expectStored(scim, `/Users/${id}`, { active: false })
  })

check('Q41: both dialects change one user on the same day', async (scim) => {
  const { id } = await scim.user('ann')
  await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }])
  await scim.patch(`/Users/${id}`, [
    { op: 'replace', value: { active: true, 'name.givenName': 'B' } },
  ])
  await scim.patch(`/Users/${id}`, [{ op: 'Add', path: 'name.givenName', value: 'C' }])
  await expectStored(scim, `/Users/${id}`, {
    active: true,
    name: { givenName: 'C', familyName: 'User' },
  })
})
