import { expect } from 'vitest'

import { check, shared } from '../check.ts'
import { resourcesOf, textAt, type Resource, type Scim } from '../client.ts'
import { GRAMMAR_ROWS, TOLERANT_ROWS } from '../data/filter-grammar.ts'
import { OPERATOR_ROWS, people, REFUSED_OPERATORS, SENSELESS } from '../data/filters.ts'
import { expectError, expectList, namesIn } from '../expectations.ts'

interface World {
  readonly scim: Scim
  readonly users: readonly Resource[]
}

const world = shared(async (scim): Promise<World> => {
  const users: Resource[] = []
  for (const [name, person] of Object.entries(people(scim.prefix)))
    users.push(await scim.user(name, person))
  return { scim, users }
})

async function find(filter: string): Promise<string> {
  const { scim } = await world()
  const own = `externalId sw "${scim.prefix}" and (${filter.replaceAll('{P}', scim.prefix)})`
  const answer = await scim.query('/Users', own)
  expect(expectList(answer)).toBe(resourcesOf(answer).length)
  return namesIn(answer, scim.prefix).join(' ')
}

for (const [kind, rows] of Object.entries(OPERATOR_ROWS))
  for (const [filter, finds] of rows)
    check(`RFC 7644 §3.4.2.2: ${kind}, ${filter} finds ${finds || 'nobody'}`, async () => {
      expect(await find(filter)).toBe(finds)
    })

for (const [requirement, rows] of Object.entries({ ...GRAMMAR_ROWS, ...TOLERANT_ROWS }))
  for (const [filter, finds] of rows)
    check(`${requirement}, ${filter} finds ${finds || 'nobody'}`, async () => {
      expect(await find(filter)).toBe(finds)
    })

for (const filter of REFUSED_OPERATORS)
  check(`RFC 7644 §3.4.2.2: ${filter} is refused, its type has no order`, async (scim) => {
    expectError(await scim.query('/Users', filter), 400, 'invalidFilter')
  })

for (const filter of SENSELESS)
  check(
    `RFC 7644 §3.4.2.2: ${filter} makes no sense and is refused`,
    async (scim) => {
      expectError(await scim.query('/Users', filter), 400, 'invalidFilter')
    },
    'contract',
  )

check('RFC 7644 §3.4.2.2: times are compared as instants, whatever their zone', async () => {
  const { users } = await world()
  const created = textAt(users[1], 'meta.created')
  const [before, after] = [-1, 1].map((sign) =>
    new Date(Date.parse(created) + sign * 3_600_000).toISOString(),
  )
  const rows = [
    [`meta.created eq "${created}" and displayName sw "bob"`, 'bob'],
    [`meta.created gt "${before}"`, 'ann bob cid'],
    [`meta.created gt "${after}"`, ''],
    [`meta.created lt "${after}"`, 'ann bob cid'],
    [
      `meta.created ge "${created}" and meta.created le "${created}" and displayName co "bob"`,
      'bob',
    ],
    [`meta.created gt "${before?.replace('Z', '+00:00')}"`, 'ann bob cid'],
    [`meta.lastModified pr`, 'ann bob cid'],
  ] as const
  for (const [filter, finds] of rows) expect([filter, await find(filter)]).toEqual([filter, finds])
})

for (const [endpoint, filter] of [
  ['/Users', 'userName eq "cf-nobody"'],
  ['/Users', 'externalId eq "cf-nobody"'],
  ['/Users', 'id eq "cf-nobody"'],
  ['/Users', 'emails[type eq "work"].value eq "cf-nobody@example.com"'],
  ['/Groups', 'displayName eq "cf-nobody"'],
  ['/Groups', 'externalId eq "cf-nobody"'],
] as const)
  check(
    `RFC 7644 §3.4.2, Rule 1: GET ${endpoint} where ${filter} is 200 with nothing in it`,
    async (scim) => {
      const answer = await scim.query(endpoint, filter)
      expect(expectList(answer)).toBe(0)
      expect(answer.body['Resources'] ?? []).toEqual([])
    },
  )

const ENCODINGS = {
  'blanks as plus': (filter: string) => encodeURIComponent(filter).replaceAll('%20', '+'),
  'blanks as %20': encodeURIComponent,
  'nothing encoded but blanks': (filter: string) => filter.replaceAll(' ', '%20'),
  'everything encoded': (filter: string) =>
    filter.replaceAll(/./g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
}
for (const [what, encode] of Object.entries(ENCODINGS))
  check(`RFC 7644 §3.4.2: a filter is read with ${what}`, async (scim) => {
    const { id } = await scim.user('ann')
    const filter = `userName eq "${scim.name('ann')}"`
    const answer = await scim.get(`/Users?filter=${encode(filter)}`)
    expect(resourcesOf(answer).map((user) => user.id)).toEqual([id])
  })
