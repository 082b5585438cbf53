import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { check, shared } from '../check.ts'
import { newUser, resourcesOf, type Resource, type Scim } from '../client.ts'
import { expectStatus } from '../expectations.ts'
import { ENTERPRISE, SEARCH_REQUEST, USER } from '../urns.ts'

interface World {
  readonly scim: Scim
  readonly user: Resource
}

const world = shared(async (scim): Promise<World> => {
  const user = await scim.user('ann', {
    title: 'Guide',
    name: { givenName: 'Ann', familyName: 'Lee', middleName: 'M' },
    phoneNumbers: [{ type: 'work', value: '1' }],
    [ENTERPRISE]: { department: 'Sales', costCenter: 'C' },
  })
  return { scim, user }
})

/** Names of what is shown: `name.givenName` for a part of something, `emails` for a whole. */
const ROWS: readonly (readonly [parameter: string, shows: string])[] = [
  ['attributes=userName', 'userName'],
  ['attributes=userName,title', 'title userName'],
  ['attributes=userName,%20title', 'title userName'],
  ['attributes=USERNAME', 'userName'],
  ['attributes=name', 'name'],
  ['attributes=name.givenName', 'name.givenName'],
  ['attributes=name.givenName,name.familyName', 'name.familyName name.givenName'],
  ['attributes=emails', 'emails'],
  ['attributes=emails.value', 'emails.value'],
  ['attributes=meta.version', 'meta.version'],
  ['attributes=id', ''],
  ['attributes=schemas', ''],
  ['attributes=nobody', ''],
  ['attributes=password', ''],
  [`attributes=${USER}:userName`, 'userName'],
  [`attributes=${USER}:name.givenName`, 'name.givenName'],
  [`attributes=${ENTERPRISE}:department`, `${ENTERPRISE}.department`],
  [`attributes=${ENTERPRISE}`, ENTERPRISE],
]

function shownNames(resource: JsonObject | undefined, whole: JsonObject): string {
  const names = Object.entries(resource ?? {}).flatMap(([name, value]) => {
    if (name === 'id' || name === 'schemas') return []
    if (JSON.stringify(value) === JSON.stringify(whole[name])) return [name]
    const [part] = Array.isArray(value) ? value : [value]
    return Object.keys(part as object).map((inner) => `${name}.${inner}`)
  })
  return names.toSorted().join(' ')
}

for (const [parameter, shows] of ROWS) {
  const what = shows === '' ? 'nothing but id and schemas' : shows
  check(`RFC 7644 §3.9: GET with ${parameter} shows ${what}`, async () => {
    const { scim, user } = await world()
    const { status, body } = await scim.get(`/Users/${user.id}?${parameter}`)
    expect([status, body['id'], body['schemas']]).toEqual([200, user.id, user['schemas']])
    expect(shownNames(body, user)).toBe(shows)
  })
}

for (const [parameter, shows] of ROWS.slice(0, 9))
  check(`RFC 7644 §3.4.2.5: a list with ${parameter} shows ${shows}`, async () => {
    const { scim, user } = await world()
    const answer = await scim.query('/Users', `id eq "${user.id}"`, `&${parameter}`)
    expect(resourcesOf(answer).map((each) => shownNames(each, user))).toEqual([shows])
  })

const EXCLUDED = [
  ['name', 'name'],
  ['NAME,title', 'name title'],
  ['emails,phoneNumbers', 'emails phoneNumbers'],
  ['meta', 'meta'],
  [ENTERPRISE, ENTERPRISE],
  [`${USER}:title`, 'title'],
  ['nobody', ''],
] as const
for (const [parameter, hides] of EXCLUDED)
  check(
    `RFC 7644 §3.9: excludedAttributes=${parameter} hides ${hides || 'nothing'} only`,
    async () => {
      const { scim, user } = await world()
      const { body } = await scim.get(`/Users/${user.id}?excludedAttributes=${parameter}`)
      const hidden = Object.keys(user).filter((name) => body[name] === undefined)
      expect(hidden.toSorted().join(' ')).toBe(hides)
    },
  )

check(
  'RFC 7644 §3.9: excludedAttributes takes a sub-attribute away and leaves the others',
  async () => {
    const { scim, user } = await world()
    const { body } = await scim.get(
      `/Users/${user.id}?excludedAttributes=name.givenName,emails.value`,
    )
    expect(body['name']).toEqual({ familyName: 'Lee', middleName: 'M' })
    expect(body['emails']).toEqual([{ type: 'work', primary: true }])
  },
)

for (const name of ['id', 'schemas'])
  check(`RFC 7643 §7: ${name} is always returned and cannot be excluded`, async () => {
    const { scim, user } = await world()
    const { body } = await scim.get(`/Users/${user.id}?excludedAttributes=${name}`)
    expect(body[name]).toEqual(user[name])
  })

check('RFC 7644 §3.9: POST answers with the attributes that were asked for', async (scim) => {
  const created = await scim.post('/Users?attributes=userName', newUser(scim.name('ann')))
  expectStatus(created, 201)
  expect(Object.keys(created.body).toSorted()).toEqual(['id', 'schemas', 'userName'])
})

check(
  'RFC 7644 §3.9: PUT and PATCH answer with the attributes that were asked for',
  async (scim) => {
    const user = await scim.user('ann')
    const path = `/Users/${user.id}?attributes=title`
    const answers = [
      await scim.put(path, { ...user, title: 'x' }),
      await scim.patch(path, [{ op: 'replace', path: 'title', value: 'y' }]),
    ]
    for (const { status, body } of answers)
      expect([status, Object.keys(body).toSorted()]).toEqual([200, ['id', 'schemas', 'title']])
  },
)

check('RFC 7644 §3.9: POST answers without the attributes that were excluded', async (scim) => {
  const created = await scim.post('/Users?excludedAttributes=name,meta', newUser(scim.name('ann')))
  expectStatus(created, 201)
  expect([created.body['name'], created.body['meta']]).toEqual([undefined, undefined])
})

check('RFC 7644 §3.4.3: a search projects by attributes and excludedAttributes', async () => {
  const { scim, user } = await world()
  const request = { schemas: [SEARCH_REQUEST], filter: `id eq "${user.id}"` }
  const some = await scim.post('/Users/.search', { ...request, attributes: ['title'] })
  expect(resourcesOf(some).map((each) => shownNames(each, user))).toEqual(['title'])
  const most = await scim.post('/Users/.search', { ...request, excludedAttributes: ['title'] })
  expect(resourcesOf(most)[0]).toMatchObject({ userName: user['userName'] })
  expect(resourcesOf(most)[0]).not.toHaveProperty('title')
})

const LENIENT = [
  ['attributes=emails[type eq "work"]', 'emails'],
  ['attributes=emails[type eq "work"].value', 'emails.value'],
  ['attributes=', undefined],
  ['attributes=,userName,', 'userName'],
] as const
for (const [parameter, shows] of LENIENT)
  check(`Q39: ${parameter} is read leniently`, async () => {
    const { scim, user } = await world()
    const { status, body } = await scim.get(`/Users/${user.id}?${encodeURI(parameter)}`)
    expect([status, body['id'], body['schemas']]).toEqual([200, user.id, user['schemas']])
    if (shows !== undefined) expect(shownNames(body, user)).toBe(shows)
  })
