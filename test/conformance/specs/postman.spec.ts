/** Requests of the Postman collections of Microsoft's SCIM reference code that no other file makes. */
import { expect } from 'vitest'

import { check, shared } from '../check.ts'
import { newUser } from '../client.ts'
import {
  expectError,
  expectShown,
  expectStatus,
  expectStored,
  idsIn,
  memberIds,
  namesIn,
} from '../expectations.ts'

const world = shared(async (scim) => {
  const people = [
    ['ann', 'Employee', 'example.com'],
    ['bob', 'Employee', 'example.org'],
    ['cid', 'Employee', 'example.net'],
    ['dee', 'Intern', 'example.com'],
    ['eve', 'Intern', 'example.org'],
  ] as const
  const ids: string[] = []
  for (const [name, familyName, domain] of people) {
    const emails = [{ type: 'work', primary: true, value: `${scim.name(name)}@${domain}` }]
    const user = await scim.user(name, { name: { familyName, givenName: name }, emails })
    ids.push(user.id)
  }
  return { scim, ids, own: `externalId sw "${scim.prefix}"` }
})

const FILTERS = [
  [
    'name.FamilyName eq Employee and (emails.Value co example.com or emails.Value co example.org)',
    'ann bob',
  ],
  ['userName sw "{P}-b"', 'bob'],
  ['meta.Created gt "2001-01-01T00:00:00Z"', 'ann bob cid dee eve'],
  ['DisplayName eq "Test User"', 'ann bob cid dee eve'],
  [
    'active eq true and (meta.lastModified ge "2001-01-01T00:00:00Z" and meta.lastModified le "2099-01-01T00:00:00Z")',
    'ann bob cid dee eve',
  ],
] as const
for (const [filter, finds] of FILTERS)
  check(`Postman: ${filter} finds ${finds}`, async () => {
    const { scim, own } = await world()
    const answer = await scim.query('/Users', `${own} and (${filter.replace('{P}', scim.prefix)})`)
    expect(namesIn(answer, scim.prefix).join(' ')).toBe(finds)
  })

check('Postman: startIndex=1&count=2 of five tells totalResults 5 and itemsPerPage 2', async () => {
  const { scim, own } = await world()
  const { body } = await scim.query('/Users', own, '&startIndex=1&count=2')
  expect(body).toMatchObject({ totalResults: 5, itemsPerPage: 2, startIndex: 1 })
})

check('Postman: SCIM Inbound asks by id', async () => {
  const { scim, ids } = await world()
  expect(idsIn(await scim.query('/Users', `id eq "${ids[0]}"`))).toEqual([ids[0]])
})

check('Postman: SCIM Inbound reads changed users in pages', async () => {
  const { scim, own } = await world()
  const time = 'meta.lastModified ge "2001-01-01T00:00:00Z"'
  const answer = await scim.query('/Users', `${own} and ${time}`, '&count=2&startIndex=5')
  expect(answer.body).toMatchObject({ totalResults: 5, itemsPerPage: 1, startIndex: 5 })
})

check('Postman: attributes=userName,emails of a list', async () => {
  const { scim, own } = await world()
  const { body } = await scim.query('/Users', own, '&attributes=userName,emails')
  for (const user of body['Resources'] as object[])
    expect(Object.keys(user).toSorted()).toEqual(['emails', 'id', 'schemas', 'userName'])
})

check('Postman: a POST with active "True" shows the boolean', async (scim) => {
  expect((await scim.user('ann', { active: 'True' }))['active']).toBe(true)
})

check('Postman: a POST of junk is 400', async (scim) => {
  expectStatus(await scim.post('/Users', 'asdf'), 400)
})

check('Postman: a second POST is 409 with a detail', async (scim) => {
  await scim.user('ann')
  expectError(await scim.post('/Users', newUser(scim.name('ann'))), 409, 'uniqueness')
})

check('Postman: a PUT with a misspelt attribute is 200', async (scim) => {
  const user = await scim.user('ann')
  const put = await scim.put(`/Users/${user.id}`, { ...user, userType2: 'x', displayname2: 'y' })
  expectStatus(put, 200)
  expectShown(put.body, { displayName: 'Test User' })
})

check('Postman: a group PATCH adds a member by a text', async (scim) => {
  const [ann, group] = [await scim.user('ann'), await scim.group('staff')]
  const operation = { op: 'add', path: 'members', value: ann.id }
  expectStatus(await scim.patch(`/Groups/${group.id}`, [operation]), 204)
  expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual([ann.id])
})

check('Postman: a group PATCH removes all members', async (scim) => {
  const ann = await scim.user('ann')
  const group = await scim.group('staff', { members: [{ value: ann.id }] })
  expectStatus(await scim.patch(`/Groups/${group.id}`, [{ op: 'remove', path: 'members' }]), 204)
  expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual([])
})

check('Postman: a PATCH of several kinds at once', async (scim) => {
  const { id } = await scim.user('ann', { nickName: 'n' })
  const operations = [
    { op: 'replace', path: 'title', value: 'T' },
    { op: 'remove', path: 'nickName' },
    { op: 'add', path: 'userType', value: 'U' },
  ]
  expectStatus(await scim.patch(`/Users/${id}`, operations), 200, 204)
  await expectStored(scim, `/Users/${id}`, { title: 'T', nickName: undefined, userType: 'U' })
})
