/** What Entra ID does to a server in one cycle, request by request, with and without the flag aadOptscim062020. */
import { expect } from 'vitest'

import type { Json, JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { at, type Answer, type Scim, textAt } from '../client.ts'
import {
  expectError,
  expectShown,
  expectStatus,
  expectStored,
  idsIn,
  memberIds,
} from '../expectations.ts'
import { ENTERPRISE, GROUP, USER } from '../urns.ts'

const MAPPED = { 'Content-Type': 'application/scim+json; charset=utf-8' }

/** As the default mapping of a custom app sends it. */
const mappedUser = (scim: Scim, name: string): JsonObject => ({
  schemas: [USER, ENTERPRISE],
  externalId: scim.name(`${name}-nick`),
  userName: `${scim.name(name)}@contoso.com`,
  active: true,
  displayName: `${name} Vance`,
  title: 'Manager',
  emails: [{ primary: true, type: 'work', value: `${scim.name(name)}@contoso.com` }],
  preferredLanguage: 'en-US',
  meta: { resourceType: 'User' },
  name: { formatted: `${name} Vance`, familyName: 'Vance', givenName: name },
  addresses: [{ type: 'work', streetAddress: '1 Way', locality: 'Bern', country: 'CH' }],
  phoneNumbers: [
    { type: 'work', value: '+1 1' },
    { type: 'mobile', value: '+1 2' },
  ],
  roles: [],
  [ENTERPRISE]: { employeeNumber: '42', department: 'Retail' },
})

const create = async (scim: Scim, name = 'adele'): Promise<string> =>
  textAt((await scim.post('/Users', mappedUser(scim, name), MAPPED)).body, 'id')

check('Entra U0: the connection test finds nobody and is 200', async (scim) => {
  const answer = await scim.get('/Users?filter=userName+eq+%22cf-7d420df3-9995-4831-a406%22')
  expect([answer.status, answer.body['totalResults']]).toEqual([200, 0])
})

for (const attribute of ['userName', 'externalId', 'emails[type eq "work"].value'])
  check(`Entra U1: a user is matched by ${attribute}`, async (scim) => {
    const id = await create(scim)
    const value =
      attribute === 'externalId' ? scim.name('adele-nick') : `${scim.name('adele')}@contoso.com`
    const filter = encodeURIComponent(`${attribute} eq "${value}"`).replaceAll('%20', '+')
    const answer = await scim.get(`/Users?filter=${filter}`)
    expect(answer.body).toMatchObject({ totalResults: 1, startIndex: 1 })
    expect(idsIn(answer)).toEqual([id])
  })

check('Entra U2: a user is read by the id that was remembered', async (scim) => {
  const id = await create(scim)
  await expectStored(scim, `/Users/${id}`, { userName: `${scim.name('adele')}@contoso.com` })
})

check('Entra U2: a user that is gone is 404 with a SCIM error', async (scim) => {
  const id = await create(scim)
  await scim.delete(`/Users/${id}`)
  expectError(await scim.get(`/Users/${id}`), 404)
})

check('Entra U3: a user of the default mapping is created with every value', async (scim) => {
  const sent = mappedUser(scim, 'adele')
  const created = await scim.post('/Users', sent, MAPPED)
  expectStatus(created, 201)
  const { meta: _, roles: __, schemas: ___, ...values } = sent
  expectShown(created.body, values)
  expect(created.headers.get('Location')).toContain(textAt(created.body, 'id'))
})

check('Entra U3: nulls of attributes that are not set are no values', async (scim) => {
  const unset = { addresses: null, phoneNumbers: null, title: null, preferredLanguage: null }
  const created = await scim.post('/Users', { ...mappedUser(scim, 'adele'), ...unset })
  expectStatus(created, 201)
  const absent = Object.keys(unset).map((name) => [name, undefined])
  expectShown(created.body, Object.fromEntries(absent))
})

type Update = readonly JsonObject[]
const email = (scim: Scim) => `${scim.name('new')}@x.example`
const DIALECTS: Readonly<Record<string, (scim: Scim) => Update>> = {
  'without the flag': (scim) => [
    { op: 'Replace', path: 'displayName', value: 'Pvlo' },
    { op: 'Replace', path: 'emails[type eq "work"].value', value: email(scim) },
    { op: 'Replace', path: 'name.givenName', value: 'Gtfd' },
    { op: 'Replace', path: 'externalId', value: scim.name('Eqpj') },
    { op: 'Add', path: `${ENTERPRISE}:department`, value: 'Ops' },
  ],
  'with the flag': (scim) => [
    { op: 'replace', path: 'emails[type eq "work"].value', value: email(scim) },
    {
      op: 'replace',
      value: {
        displayName: 'Pvlo',
        'name.givenName': 'Gtfd',
        externalId: scim.name('Eqpj'),
        [`${ENTERPRISE}:department`]: 'Ops',
      },
    },
  ],
}
for (const [dialect, operations] of Object.entries(DIALECTS))
  check(`Entra U4: a user is updated, ${dialect}`, async (scim) => {
    const id = await create(scim)
    const patched = await scim.patch(`/Users/${id}`, operations(scim), MAPPED)
    expectStatus(patched, 200)
    await expectStored(scim, `/Users/${id}`, {
      displayName: 'Pvlo',
      externalId: scim.name('Eqpj'),
      name: { formatted: 'adele Vance', familyName: 'Vance', givenName: 'Gtfd' },
      emails: [{ primary: true, type: 'work', value: email(scim) }],
      [ENTERPRISE]: { employeeNumber: '42', department: 'Ops' },
    })
  })

const DISABLING: readonly JsonObject[] = [
  { op: 'Replace', path: 'active', value: 'False' },
  { op: 'Replace', path: 'active', value: false },
  { op: 'Add', path: 'active', value: 'False' },
  { op: 'replace', path: 'active', value: false },
  { op: 'replace', value: { active: false } },
]
for (const disabling of DISABLING)
  check(
    `Entra U5: ${JSON.stringify(disabling)} disables, the same with true enables`,
    async (scim) => {
      const id = await create(scim)
      const disabled = await scim.patch(`/Users/${id}`, [disabling])
      expect([disabled.status, disabled.body['active']]).toEqual([200, false])
      const enabling: unknown = JSON.parse(
        JSON.stringify(disabling).replace('False', 'True').replace('false', 'true'),
      )
      const enabled = await scim.patch(`/Users/${id}`, [enabling])
      expect([enabled.status, enabled.body['active']]).toEqual([200, true])
    },
  )

check('Entra U6: a manager is set, changed and cleared', async (scim) => {
  const [id, one, two] = [await create(scim), await create(scim, 'one'), await create(scim, 'two')]
  const path = `${ENTERPRISE}:manager`
  const steps: readonly (readonly [string, Json, Json | undefined])[] = [
    ['Add', one, one],
    ['Replace', two, two],
    ['Replace', '', undefined],
  ]
  for (const [op, value, shown] of steps) {
    expectStatus(await scim.patch(`/Users/${id}`, [{ op, path, value }]), 200, 204)
    const { body } = await scim.get(`/Users/${id}`)
    expect(at(body[ENTERPRISE], 'manager.value')).toBe(shown)
  }
})

check(
  'Entra U6: before a manager is changed, id and manager are asked for, in either order',
  async (scim) => {
    const [id, boss] = [await create(scim), await create(scim, 'boss')]
    await scim.patch(`/Users/${id}`, [{ op: 'Add', path: `${ENTERPRISE}:manager`, value: boss }])
    const filters = [
      [`id eq "${id}" and manager eq "${boss}"`, [id]],
      [`manager eq "${boss}" and id eq "${id}"`, [id]],
      [`id eq "${id}" and manager eq "${id}"`, []],
      [`id eq "${id}" and ${ENTERPRISE}:manager eq "${boss}"`, [id]],
    ] as const
    for (const [filter, ids] of filters)
      expect([filter, idsIn(await scim.query('/Users', filter, '&attributes=id'))]).toEqual([
        filter,
        ids,
      ])
  },
)

check('Entra U7: a hard delete is 204, and 404 when it is repeated', async (scim) => {
  const id = await create(scim)
  expectStatus(await scim.delete(`/Users/${id}`), 204)
  expectError(await scim.delete(`/Users/${id}`), 404)
})

check('Entra U8: account discovery pages through all users', async (scim) => {
  const ids = [await create(scim, 'a'), await create(scim, 'b'), await create(scim, 'c')]
  const seen: string[] = []
  const filter = `userName sw "${scim.prefix}-"`
  for (let start = 1; start <= 3; start += 2)
    seen.push(...idsIn(await scim.query('/Users', filter, `&startIndex=${start}&count=2`)))
  expect(seen.toSorted()).toEqual(ids.toSorted())
})

const mappedGroup = (scim: Scim): JsonObject => ({
  schemas: [GROUP, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
  externalId: scim.name('8aa1a0c0'),
  displayName: scim.name('sales'),
  meta: { resourceType: 'Group' },
})

const matchGroup = (scim: Scim): Promise<Answer> =>
  scim.get(`/Groups?excludedAttributes=members&filter=displayName+eq+%22${scim.name('sales')}%22`)

check('Entra G0: a group is matched by its name, without its members', async (scim) => {
  expect((await matchGroup(scim)).body).toMatchObject({ totalResults: 0 })
  const group = await scim.post('/Groups', mappedGroup(scim), MAPPED)
  const found = await matchGroup(scim)
  expect(idsIn(found)).toEqual([group.body['id']])
  expect(found.text).not.toContain('"members"')
})

check('Entra G1: a group is read without its members', async (scim) => {
  const { id } = await scim.group('sales')
  const { status, text } = await scim.get(`/Groups/${id}?excludedAttributes=members`)
  expect([status, text.includes('members')]).toEqual([200, false])
})

check('Entra G2: a group is created, its second URN is not given back', async (scim) => {
  const created = await scim.post('/Groups', mappedGroup(scim), MAPPED)
  expectStatus(created, 201)
  expectShown(created.body, { schemas: [GROUP], displayName: scim.name('sales') })
  expect(created.body['members'] ?? []).toEqual([])
})

for (const [dialect, operation] of [
  ['without the flag', (value: string) => ({ op: 'Replace', path: 'displayName', value })],
  ['with the flag', (value: string) => ({ op: 'replace', value: { displayName: value } })],
] as const)
  check(`Entra G3: a group is renamed, ${dialect}`, async (scim) => {
    const { id } = await scim.group('sales')
    expectStatus(await scim.patch(`/Groups/${id}`, [operation(scim.name('new'))]), 200, 204)
    await expectStored(scim, `/Groups/${id}`, { displayName: scim.name('new') })
  })

const REMOVALS = {
  'without the flag': (id: string) => ({
    op: 'Remove',
    path: 'members',
    value: [{ $ref: null, value: id }],
  }),
  'with the flag': (id: string) => ({ op: 'remove', path: `members[value eq "${id}"]` }),
}
for (const [dialect, removal] of Object.entries(REMOVALS))
  check(`Entra G4, Entra G5: members are added and removed, ${dialect}`, async (scim) => {
    const [one, two] = [await create(scim, 'one'), await create(scim, 'two')]
    const { id } = await scim.group('sales')
    for (const value of [one, two])
      await scim.patch(`/Groups/${id}`, [
        { op: 'Add', path: 'members', value: [{ $ref: null, value }] },
      ])
    expect(memberIds((await scim.get(`/Groups/${id}`)).body)).toEqual([one, two].toSorted())
    expectStatus(await scim.patch(`/Groups/${id}`, [removal(one)]), 200, 204)
    expect(memberIds((await scim.get(`/Groups/${id}`)).body)).toEqual([two])
  })

check('Entra G4: before a member is changed, id and members are asked for', async (scim) => {
  const one = await create(scim, 'one')
  const { id } = await scim.group('sales', { members: [{ value: one }] })
  for (const [member, ids] of [
    [one, [id]],
    ['cf-nobody', []],
  ] as const) {
    const filter = `id eq "${id}" and members eq "${member}"`
    expect(idsIn(await scim.query('/Groups', filter, '&attributes=id'))).toEqual(ids)
  }
})

check('Entra G6: a group is deleted', async (scim) => {
  const { id } = await scim.group('sales')
  expectStatus(await scim.delete(`/Groups/${id}`), 204)
  expect((await matchGroup(scim)).body).toMatchObject({ totalResults: 0 })
})

for (const path of ['/Schemas', '/ServiceProviderConfig', '/ResourceTypes'])
  check(
    `Entra ${path === '/Schemas' ? 'S1' : 'S2'}: ${path} is read without Content-Type and Accept`,
    async (scim) => {
      expectStatus(await scim.get(path, { Accept: 'none' }), 200)
    },
  )

check('Entra §4.1: a user that is restored keeps its groups', async (scim) => {
  const id = await create(scim)
  const group = await scim.group('sales', { members: [{ value: id }] })
  await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }])
  await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'True' }])
  expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual([id])
})

check('Entra §4: members are added in the hundreds by one request', async (scim) => {
  const { id } = await scim.group('sales')
  const users = await Promise.all(Array.from({ length: 40 }, (_, i) => scim.user(`u${i}`)))
  const value = users.map((user) => ({ $ref: null, value: user.id }))
  expectStatus(await scim.patch(`/Groups/${id}`, [{ op: 'Add', path: 'members', value }]), 200, 204)
  expect(memberIds((await scim.get(`/Groups/${id}`)).body)).toHaveLength(40)
})
