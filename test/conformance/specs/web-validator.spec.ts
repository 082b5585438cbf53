/** The tests of scimvalidator.microsoft.com, by the names that it shows. */
import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { at, newUser, type Scim, textAt } from '../client.ts'
import {
  expectError,
  expectShown,
  expectStatus,
  expectStored,
  idsIn,
  memberIds,
} from '../expectations.ts'
import { ENTERPRISE, GROUP, USER } from '../urns.ts'

/** Every attribute at once, with random values that no rule of a country would allow. */
const validatorUser = (scim: Scim, name = 'v'): JsonObject => ({
  schemas: [USER, ENTERPRISE],
  userName: scim.name(name),
  externalId: scim.name(`${name}-e`),
  active: true,
  displayName: 'ANVHLTWPHIUT',
  nickName: 'WQPXMWEBIVMR',
  profileUrl: 'GSDFVIVOXHUK',
  title: 'QZYFWDNNNYAS',
  userType: 'VNGWMBKKFQKN',
  preferredLanguage: 'gl',
  locale: 'UHBGNGGXCUIN',
  timezone: 'Asia/Kamchatka',
  name: { formatted: 'Mr X', familyName: 'Fam', givenName: 'Giv', middleName: 'Mid' },
  emails: [{ type: 'work', primary: true, value: `${scim.name(name)}@schuppe.example` }],
  phoneNumbers: [
    { type: 'work', value: '56-357-7743', primary: true },
    { type: 'mobile', value: '56-357-7744' },
    { type: 'fax', value: '56-357-7745' },
  ],
  addresses: [{ type: 'work', primary: true, country: 'Belize', postalCode: 'cx47 4mz' }],
  roles: [{ primary: 'True', display: 'D', value: 'V', type: 'T' }],
  [ENTERPRISE]: { employeeNumber: 'NNB', department: 'VIA', manager: { value: 'GZFDHGRKQLCG' } },
})

/** What is shown of it: booleans are booleans. */
const shown = (sent: JsonObject): JsonObject => ({
  ...sent,
  roles: [{ primary: true, display: 'D', value: 'V', type: 'T' }],
})

async function create(scim: Scim, name?: string): Promise<string> {
  const created = await scim.post('/Users', validatorUser(scim, name))
  expectStatus(created, 201)
  return textAt(created.body, 'id')
}

check('Web validator: Create a new User', async (scim) => {
  const id = await create(scim)
  const { schemas: _, ...expected } = shown(validatorUser(scim))
  const found = await scim.query('/Users', `userName eq "${scim.name('v')}"`)
  expect(idsIn(found)).toEqual([id])
  const { body } = await scim.get(`/Users/${id}`)
  expect(body).toMatchObject(expected)
})

check('Web validator: Create a duplicate User', async (scim) => {
  await create(scim)
  expectError(await scim.post('/Users', validatorUser(scim)), 409, 'uniqueness')
})

const FILTER_TESTS = [
  ['Filter for an existing user', (name: string) => name, 1],
  ['Filter for a non-existing user', (name: string) => `${name}-not`, 0],
  ['Filter for an existing user with a different case', (name: string) => name.toUpperCase(), 1],
] as const
for (const [title, spell, total] of FILTER_TESTS)
  check(`Web validator: ${title}`, async (scim) => {
    await create(scim)
    const { status, body } = await scim.query('/Users', `userName eq "${spell(scim.name('v'))}"`)
    expect([status, body['totalResults']]).toEqual([200, total])
  })

const VALUE_PATHS = (scim: Scim): Readonly<Record<string, string>> => ({
  'emails[type eq "work"].value': `${scim.name('new')}@x.example`,
  'phoneNumbers[type eq "work"].value': '38-1',
  'phoneNumbers[type eq "mobile"].value': '38-2',
  'addresses[type eq "work"].streetAddress': '8 Way',
  'addresses[type eq "work"].country': 'Malta',
  'roles[primary eq "True"].display': 'RD',
  'roles[primary eq "True"].value': 'RV',
  'roles[primary eq "True"].type': 'RT',
})
const FLAT = {
  displayName: 'ND',
  nickName: 'NN',
  title: 'NT',
  'name.givenName': 'NG',
  'name.familyName': 'NF',
  'name.honorificPrefix': 'NP',
  [`${ENTERPRISE}:employeeNumber`]: 'NE',
  [`${ENTERPRISE}:department`]: 'NDep',
  [`${ENTERPRISE}:manager`]: 'NMan',
}

async function expectUpdated(scim: Scim, id: string): Promise<void> {
  const { body, text } = await scim.get(`/Users/${id}`)
  expect(body).toMatchObject({
    displayName: 'ND',
    nickName: 'NN',
    title: 'NT',
    name: { givenName: 'NG', familyName: 'NF', honorificPrefix: 'NP' },
    emails: [{ type: 'work', value: `${scim.name('new')}@x.example` }],
    addresses: [{ type: 'work', streetAddress: '8 Way', country: 'Malta' }],
    roles: [{ primary: true, display: 'RD', value: 'RV', type: 'RT' }],
    [ENTERPRISE]: { employeeNumber: 'NE', department: 'NDep', manager: { value: 'NMan' } },
  })
  expect(text).not.toMatch(/\[type eq|\[primary eq|"name\.|User:department"/)
}

const compact = (scim: Scim, op: string): readonly object[] => [
  ...Object.entries(VALUE_PATHS(scim)).map(([path, value]) => ({ op, path, value })),
  { op, value: FLAT },
]
const verbose = (scim: Scim, op: string): readonly object[] =>
  Object.entries({ ...VALUE_PATHS(scim), ...FLAT }).map(([path, value]) => ({ op, path, value }))

for (const [op, title] of [
  ['replace', 'Replace'],
  ['add', 'Add'],
] as const)
  for (const [suffix, operations] of [
    ['', compact],
    [' Verbose Request', verbose],
  ] as const)
    check(`Web validator: Patch User - ${title} Attributes${suffix}`, async (scim) => {
      const id =
        op === 'replace'
          ? await create(scim)
          : textAt((await scim.post('/Users', newUser(scim.name('min')))).body, 'id')
      const patched = await scim.patch(`/Users/${id}`, operations(scim, op))
      expectStatus(patched, 200)
      await expectUpdated(scim, id)
    })

check('Web validator: Update User userName', async (scim) => {
  const id = await create(scim)
  const userName = scim.name('renamed')
  const patched = await scim.patch(`/Users/${id}`, [{ op: 'replace', value: { userName } }])
  expectStatus(patched, 200)
  expectShown(patched.body, { userName })
  expect(idsIn(await scim.query('/Users', `userName eq "${userName}"`))).toEqual([id])
})

check('Web validator: Patch User - Disable User', async (scim) => {
  const id = await create(scim)
  expectStatus(
    await scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: false }]),
    200,
  )
  await expectStored(scim, `/Users/${id}`, { active: false })
  const found = await scim.query('/Users', `userName eq "${scim.name('v')}"`)
  expect(at(found.body, 'Resources.0.active')).toBe(false)
})

for (const endpoint of ['User', 'Group'] as const) {
  const make = async (scim: Scim): Promise<string> =>
    endpoint === 'User' ? create(scim) : (await scim.group('v')).id

  check(`Web validator: Delete a ${endpoint}`, async (scim) => {
    const path = `/${endpoint}s/${await make(scim)}`
    expectStatus(await scim.delete(path), 204)
    expectError(await scim.get(path), 404)
  })

  check(
    `Web validator: Delete the same ${endpoint} twice, and one that does not exist`,
    async (scim) => {
      const path = `/${endpoint}s/${await make(scim)}`
      await scim.delete(path)
      expectError(await scim.delete(path), 404)
      expectError(await scim.delete(`/${endpoint}s/cf-nobody`), 404)
    },
  )
}

check('Web validator: Patch User - Multiple Operations on same attribute', async (scim) => {
  const id = await create(scim)
  const path = 'displayName'
  const operations = [
    { op: 'add', path, value: '1' },
    { op: 'remove', path },
    { op: 'add', path, value: '2' },
  ]
  expectStatus(await scim.patch(`/Users/${id}`, operations), 200)
  await expectStored(scim, `/Users/${id}`, { displayName: '2' })
})

check('Web validator: Create a new Group, and a duplicate', async (scim) => {
  const body = { schemas: [GROUP], displayName: scim.name('g'), externalId: scim.name('e') }
  expectStatus(await scim.post('/Groups', body), 201)
  expectError(await scim.post('/Groups', body), 409, 'uniqueness')
})

check('Web validator: Get group by id excluding members', async (scim) => {
  const { id } = await scim.group('g')
  expectStatus(await scim.get(`/Groups/${id}?excludedAttributes=members`), 200)
})

for (const [title, spell, total] of FILTER_TESTS)
  check(`Web validator: ${title.replace('user', 'group')}`, async (scim) => {
    await scim.group('g')
    const filter = `displayName eq "${spell(scim.name('g'))}"`
    const { status, body } = await scim.query('/Groups', filter, '&excludedAttributes=members')
    expect([status, body['totalResults']]).toEqual([200, total])
  })

for (const attribute of ['externalId', 'displayName'])
  check(`Web validator: Patch Group - Replace Attributes, ${attribute}`, async (scim) => {
    const { id } = await scim.group('g')
    const value = { [attribute]: scim.name('new') }
    expectStatus(await scim.patch(`/Groups/${id}`, [{ op: 'replace', value }]), 200, 204)
    await expectStored(scim, `/Groups/${id}`, value)
  })

check('Web validator: Patch Group - Add Member, by a replace', async (scim) => {
  const [one, { id }] = [await create(scim), await scim.group('g')]
  const operation = { op: 'replace', path: 'members', value: [{ value: one }] }
  expectStatus(await scim.patch(`/Groups/${id}`, [operation]), 200, 204)
  expect(memberIds((await scim.get(`/Groups/${id}`)).body)).toEqual([one])
})

check('Web validator: Patch Group - Remove Member', async (scim) => {
  const [one, two] = [await create(scim, 'one'), await create(scim, 'two')]
  const { id } = await scim.group('g', { members: [{ value: one }, { value: two }] })
  const operation = { op: 'remove', path: `members[value eq "${one}"]` }
  expectStatus(await scim.patch(`/Groups/${id}`, [operation]), 200, 204)
  expect(memberIds((await scim.get(`/Groups/${id}`)).body)).toEqual([two])
})

check('Web validator: Patch Group - Multiple Operations on same attribute', async (scim) => {
  const [one, { id }] = [await create(scim), await scim.group('g')]
  const operations = [
    { op: 'add', path: 'members', value: [{ value: one }] },
    { op: 'remove', path: `members[value eq "${one}"]` },
  ]
  expectStatus(await scim.patch(`/Groups/${id}`, operations), 200, 204)
  expect(memberIds((await scim.get(`/Groups/${id}`)).body)).toEqual([])
})
