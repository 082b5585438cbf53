/** The tests of Microsoft's Logic App validation that are about SCIM alone, by their numbers and names. */
import { expect } from 'vitest'

import type { Json, JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { at, newUser, resourcesOf, type Scim, textAt } from '../client.ts'
import { expectStatus, expectStored, idsIn } from '../expectations.ts'
import { ENTERPRISE, GROUP, USER } from '../urns.ts'

/** Optional attributes of the default mapping, as paths. */
const OPTIONAL = [
  'displayName',
  'title',
  'preferredLanguage',
  'name.givenName',
  'name.familyName',
  'name.formatted',
  'addresses[type eq "work"].formatted',
  'addresses[type eq "work"].streetAddress',
  'addresses[type eq "work"].locality',
  'addresses[type eq "work"].postalCode',
  'phoneNumbers[type eq "work"].value',
  'phoneNumbers[type eq "mobile"].value',
  'phoneNumbers[type eq "fax"].value',
  `${ENTERPRISE}:employeeNumber`,
  `${ENTERPRISE}:department`,
]

/** What a user shows under such a path; undefined for nothing. */
function valueAt(body: JsonObject, path: string): Json | undefined {
  const [, attribute, type, sub] = /^(\w+)\[type eq "(\w+)"\]\.(\w+)$/.exec(path) ?? []
  if (attribute !== undefined) {
    const elements = (body[attribute] ?? []) as readonly JsonObject[]
    return elements.find((element) => element['type'] === type)?.[sub ?? '']
  }
  return path.startsWith('urn:')
    ? at(body[ENTERPRISE], path.slice(ENTERPRISE.length + 1))
    : at(body, path)
}

const VERBOSE = (op: string, values: Readonly<Record<string, Json>>): readonly object[] =>
  Object.entries(values).map(([path, value]) => ({ op, path, value }))

const COMPACT = (op: string, values: Readonly<Record<string, Json>>): readonly object[] => {
  const filtered = Object.entries(values).filter(([path]) => path.includes('['))
  const flat = Object.entries(values).filter(([path]) => !path.includes('['))
  return [
    { op, value: Object.fromEntries(flat) },
    ...filtered.map(([path, value]) => ({ op, path, value })),
  ]
}

const SHAPES = { verbose: VERBOSE, compact: COMPACT }

const filledUser = async (scim: Scim): Promise<string> => {
  const { id } = await scim.user('ann')
  const values = Object.fromEntries(OPTIONAL.map((path) => [path, 'filled']))
  expectStatus(await scim.patch(`/Users/${id}`, VERBOSE('add', values)), 200)
  return id
}

check('Logic App 15: Schema_Discoverability_Test finds every mapped attribute', async (scim) => {
  const schemas = resourcesOf(await scim.get('/Schemas'))
  const names = (urn: string): string[] => {
    const found = schemas.find(({ id }) => id === urn)
    const attributes = (found?.['attributes'] ?? []) as readonly JsonObject[]
    return attributes.flatMap((attribute) => {
      const inner = (attribute['subAttributes'] ?? []) as readonly JsonObject[]
      return [
        attribute['name'],
        ...inner.map((each) => `${textAt(attribute, 'name')}.${textAt(each, 'name')}`),
      ].map(String)
    })
  }
  expect(names(USER)).toEqual(
    expect.arrayContaining([
      'userName',
      'active',
      'displayName',
      'title',
      'emails.value',
      'emails.type',
      'name.givenName',
      'addresses.locality',
      'roles.primary',
    ]),
  )
  expect(names(ENTERPRISE)).toEqual(
    expect.arrayContaining(['employeeNumber', 'department', 'manager']),
  )
  expect(names(GROUP)).toEqual(expect.arrayContaining(['displayName', 'members']))
})

for (const [shape, operations] of Object.entries(SHAPES))
  for (const value of ['', null])
    check(
      `Logic App 16: SCIM_Null_Update_Test, ${shape}, clears by ${JSON.stringify(value)}`,
      async (scim) => {
        const id = await filledUser(scim)
        const values = Object.fromEntries(OPTIONAL.map((path) => [path, value]))
        expectStatus(await scim.patch(`/Users/${id}`, operations('replace', values)), 200, 204)
        const { body } = await scim.get(`/Users/${id}`)
        const left = OPTIONAL.filter(
          (path) => ![undefined, null, ''].includes(valueAt(body, path) as string),
        )
        expect(left).toEqual([])
      },
    )

check(
  'Logic App 16: SCIM_Null_Update_Test may be repeated on what is cleared already',
  async (scim) => {
    const { id } = await scim.user('ann')
    const values = Object.fromEntries(OPTIONAL.map((path) => [path, '']))
    for (const operations of Object.values(SHAPES))
      expectStatus(await scim.patch(`/Users/${id}`, operations('replace', values)), 200, 204)
  },
)

check('Logic App 17: SCIM_User_Create_Test', async (scim) => {
  const created = await scim.post('/Users', newUser(scim.name('ann')), {
    Accept: 'application/scim+json',
  })
  expectStatus(created, 200, 201)
  expect(created.body).toMatchObject({ id: expect.any(String), userName: scim.name('ann') })
})

for (const [shape, operations] of Object.entries(SHAPES))
  check(
    `Logic App 18: SCIM_User_Update_Test, ${shape}, shows every value as it was sent`,
    async (scim) => {
      const { id } = await scim.user('ann')
      const values: Record<string, Json> = { userName: scim.name('upd'), active: true }
      for (const [i, path] of OPTIONAL.entries()) values[path] = `upd-${i}`
      for (const path of ['userType', 'nickName', 'locale', 'timezone', 'profileUrl'])
        values[path] = 'upd-12345678'
      expectStatus(await scim.patch(`/Users/${id}`, operations('replace', values)), 200, 204)
      const { body } = await scim.get(`/Users/${id}`)
      const shown = Object.keys(values).map((path) => [path, valueAt(body, path)])
      expect(Object.fromEntries(shown)).toEqual(values)
    },
  )

check('Logic App 19: SCIM_Group_Create_Test', async (scim) => {
  expect(await scim.group('staff')).toMatchObject({ displayName: scim.name('staff') })
})

for (const [shape, operations] of Object.entries(SHAPES))
  check(`Logic App 20: SCIM_Group_Update_Test, ${shape}`, async (scim) => {
    const { id } = await scim.group('staff')
    const values = { displayName: scim.name('upd'), externalId: scim.name('upd-x') }
    expectStatus(await scim.patch(`/Groups/${id}`, operations('replace', values)), 200, 204)
    await expectStored(scim, `/Groups/${id}`, values)
  })

for (const [number, test, endpoint, attribute] of [
  [23, 'SCIM_User_Pagination_Test', '/Users', 'userName'],
  [24, 'SCIM_Group_Pagination_Test', '/Groups', 'displayName'],
] as const)
  check(`Logic App ${number}: ${test}, pages of 5 begin where they were asked to`, async (scim) => {
    const names = Array.from({ length: 11 }, (_, i) => `p${i}`)
    const made = await Promise.all(
      names.map((name) => (endpoint === '/Users' ? scim.user(name) : scim.group(name))),
    )
    const seen: string[] = []
    for (const page of [0, 1, 2]) {
      const more = `&startIndex=${page * 5 + 1}&count=5`
      const answer = await scim.query(endpoint, `${attribute} sw "${scim.prefix}-"`, more)
      expect([answer.status, answer.body['startIndex']]).toEqual([200, page * 5 + 1])
      seen.push(...idsIn(answer))
    }
    expect(seen.toSorted()).toEqual(made.map(({ id }) => id).toSorted())
  })

check('Logic App 23: SCIM_User_Pagination_Test without a filter', async (scim) => {
  await Promise.all(Array.from({ length: 11 }, (_, i) => scim.user(`p${i}`)))
  for (const startIndex of [1, 6]) {
    const { status, body } = await scim.get(`/Users?startIndex=${startIndex}&count=5`)
    expect([status, body['startIndex'], body['itemsPerPage']]).toEqual([200, startIndex, 5])
  }
})

check('Logic App 25: SCIM_Update_Manager_Test', async (scim) => {
  const [id, one, two] = (await Promise.all(['a', 'b', 'c'].map((name) => scim.user(name)))).map(
    (user) => user.id,
  )
  const path = `${ENTERPRISE}:manager`
  const steps = [
    ['Add', one, one],
    ['replace', two, two],
    ['replace', '', undefined],
  ] as const
  for (const [op, value, shown] of steps) {
    expectStatus(await scim.patch(`/Users/${id}`, [{ op, path, value }]), 200, 204)
    const { body } = await scim.get(`/Users/${id}`)
    expect(at(body[ENTERPRISE], 'manager.value')).toBe(shown)
  }
})

check('Logic App 6: Restore_User_Test, a user is disabled and comes back', async (scim) => {
  const { id } = await scim.user('ann')
  for (const active of [false, true]) {
    await scim.patch(`/Users/${id}`, [{ op: 'replace', value: { active } }])
    const found = await scim.query('/Users', `userName eq "${scim.name('ann')}"`)
    expect(at(found.body, 'Resources.0.active')).toBe(active)
  }
})

check('Logic App 14: Restore_Group_Test, a group that was deleted is made again', async (scim) => {
  const { id } = await scim.group('staff')
  await scim.delete(`/Groups/${id}`)
  expect((await scim.group('staff'))['displayName']).toBe(scim.name('staff'))
})
