import { expect } from 'vitest'

import { check } from '../check.ts'
import { at, newUser, textAt } from '../client.ts'
import { expectError, expectShown, expectStatus, idsIn } from '../expectations.ts'
import { USER } from '../urns.ts'

check('RFC 7644 §3.3: POST answers 201 with the resource', async (scim) => {
  const body = newUser(scim.name('ann'))
  const created = await scim.post('/Users', body)
  expectStatus(created, 201)
  expect(created.body).toMatchObject(body)
  expect(created.body['id']).toEqual(expect.stringMatching(/\S/))
})

check(
  'RFC 7644 §3.3: Location and meta.location of a created resource are its URL',
  async (scim) => {
    const created = await scim.post('/Users', newUser(scim.name('ann')))
    const url = `${scim.target.url}/Users/${textAt(created.body, 'id')}`
    expect(created.headers.get('Location')).toBe(url)
    expect(at(created.body, 'meta.location')).toBe(url)
    expectStatus(await scim.get(url), 200)
  },
)

check('RFC 7644 §3.3: meta.resourceType of a created user is User', async (scim) => {
  expect(await scim.user('ann')).toMatchObject({ schemas: [USER], meta: { resourceType: 'User' } })
})

check('RFC 7644 §3.3: a user without userName is refused', async (scim) => {
  const { userName: _, ...nameless } = newUser(scim.name('ann'))
  expectError(await scim.post('/Users', nameless), 400, 'invalidValue')
})

for (const [what, userName] of Object.entries({ 'an empty': '', 'a null': null }))
  check(`RFC 7643 §4.1.1: ${what} userName is refused`, async (scim) => {
    const refused = await scim.post('/Users', { ...newUser(scim.name('ann')), userName })
    expectError(refused, 400, 'invalidValue')
  })

const DUPLICATES = {
  'the same': (name: string) => name,
  'the same in capitals': (name: string) => name.toUpperCase(),
}
for (const [what, respell] of Object.entries(DUPLICATES))
  check(`RFC 7644 §3.3: a second user of ${what} name is a conflict`, async (scim) => {
    const user = await scim.user('ann')
    const twin = { ...newUser(scim.name('twin')), userName: respell(scim.name('ann')) }
    const refused = await scim.post('/Users', twin)
    expectError(refused, 409, 'uniqueness')
    const found = await scim.query('/Users', `userName eq "${scim.name('ann')}"`)
    expect(idsIn(found)).toEqual([user.id])
  })

check(
  'RFC 7644 §3.5.2: PATCH to a name that is taken is a conflict and changes nothing',
  async (scim) => {
    await scim.user('ann')
    const bob = await scim.user('bob')
    const refused = await scim.patch(`/Users/${bob.id}`, [
      { op: 'replace', path: 'title', value: 'Changed' },
      { op: 'replace', path: 'userName', value: scim.name('ann') },
    ])
    expectError(refused, 409, 'uniqueness')
    expect((await scim.get(`/Users/${bob.id}`)).body).toEqual(bob)
  },
)

check('RFC 7644 §3.5.1: PUT to a name that is taken is a conflict', async (scim) => {
  await scim.user('ann')
  const bob = await scim.user('bob')
  const refused = await scim.put(`/Users/${bob.id}`, { ...bob, userName: scim.name('ann') })
  expectError(refused, 409, 'uniqueness')
})

check('RFC 7643 §4.1.1: a user may change the case of its own name', async (scim) => {
  const ann = await scim.user('ann')
  const userName = scim.name('ANN')
  const changed = await scim.patch(`/Users/${ann.id}`, [
    { op: 'replace', path: 'userName', value: userName },
  ])
  expectStatus(changed, 200, 204)
  expect((await scim.get(`/Users/${ann.id}`)).body).toMatchObject({ userName })
})

check('RFC 7644 §3.4.1: GET reads what POST answered', async (scim) => {
  const user = await scim.user('ann')
  const read = await scim.get(`/Users/${user.id}`)
  expect([read.status, read.body]).toEqual([200, user])
})

for (const [method, body] of [
  ['GET', undefined],
  ['PUT', newUser('cf-nobody')],
  ['PATCH', { Operations: [{ op: 'replace', path: 'title', value: 'x' }] }],
  ['DELETE', undefined],
] as const)
  for (const endpoint of ['/Users', '/Groups'])
    check(`RFC 7644 §3.12: ${method} ${endpoint} of an id that nobody has is 404`, async (scim) => {
      const sent = body && method === 'PUT' && endpoint === '/Groups' ? { displayName: 'x' } : body
      expectError(await scim.send(method, `${endpoint}/cf-no-such-id`, sent), 404)
    })

check('RFC 7644 §3.6: DELETE answers 204 without a body', async (scim) => {
  const { id } = await scim.user('ann')
  const deleted = await scim.delete(`/Users/${id}`)
  expect([deleted.status, deleted.text]).toEqual([204, ''])
})

check('RFC 7644 §3.6: what is deleted is 404 for every method', async (scim) => {
  const user = await scim.user('ann')
  await scim.delete(`/Users/${user.id}`)
  const path = `/Users/${user.id}`
  expectError(await scim.get(path), 404)
  expectError(await scim.put(path, user), 404)
  expectError(await scim.patch(path, [{ op: 'replace', path: 'title', value: 'x' }]), 404)
  expectError(await scim.delete(path), 404)
})

check('RFC 7644 §3.6: what is deleted is in no list', async (scim) => {
  const { id } = await scim.user('ann')
  await scim.delete(`/Users/${id}`)
  const found = await scim.query('/Users', `userName eq "${scim.name('ann')}"`)
  expect(found.body).toMatchObject({ totalResults: 0 })
  expect((await scim.query('/Users', `id eq "${id}"`)).body).toMatchObject({ totalResults: 0 })
})

check(
  'RFC 7644 §3.6: names of what is deleted are free, and the new resource has a new id',
  async (scim) => {
    const first = await scim.user('ann')
    await scim.delete(`/Users/${first.id}`)
    const second = await scim.user('ann')
    expect(second.id).not.toBe(first.id)
  },
)

check(
  'RFC 7643 §2.2: an attribute that nobody knows is neither refused nor shown as data of another',
  async (scim) => {
    const user = await scim.user('ann', { favouriteColour: 'red' })
    expectShown(user, { displayName: 'Test User' })
  },
)

for (const [what, more] of Object.entries({
  'a text for a complex attribute': { name: 7 },
  'a number for a boolean': { active: 7 },
  'a text that is no boolean': { active: 'maybe' },
  'an object for a text': { title: { a: 1 } },
  'a number for an array': { emails: 7 },
}))
  check(`RFC 7644 §3.12: ${what} is invalidValue`, async (scim) => {
    const refused = await scim.post('/Users', { ...newUser(scim.name('ann')), ...more })
    expect([400, refused.body['scimType']]).toEqual([
      refused.status,
      expect.stringMatching(/^(?:invalidValue|invalidSyntax)$/),
    ])
  })

check(
  'Contract §3: userName may have 1024 characters, not more',
  async (scim) => {
    const longest = scim.name('ann').padEnd(1024, 'x')
    const email = [{ type: 'work', value: `${scim.name('ann')}@example.com` }]
    expectStatus(await scim.post('/Users', { ...newUser(longest), emails: email }), 201)
    const over = { ...newUser(`${longest}y`), emails: [{ value: `${scim.name('b')}@example.com` }] }
    expectError(await scim.post('/Users', over), 400, 'invalidValue')
  },
  'contract',
)

for (const name of ['givenName', 'familyName'])
  check(
    `Contract §3: name.${name} may have 1024 characters, not more`,
    async (scim) => {
      await scim.user('ann', { name: { [name]: 'x'.repeat(1024) } })
      const over = { ...newUser(scim.name('bob')), name: { [name]: 'x'.repeat(1025) } }
      expectError(await scim.post('/Users', over), 400, 'invalidValue')
    },
    'contract',
  )

check(
  'Contract §3: the primary email is unique, whatever its case',
  async (scim) => {
    await scim.user('ann')
    const value = `${scim.name('ANN')}@EXAMPLE.com`
    const twin = { ...newUser(scim.name('bob')), emails: [{ type: 'work', primary: true, value }] }
    expectError(await scim.post('/Users', twin), 409, 'uniqueness')
  },
  'contract',
)

check(
  'Contract §3: the primary email is an address',
  async (scim) => {
    const emails = [{ type: 'work', value: 'no address' }]
    const refused = await scim.post('/Users', { ...newUser(scim.name('bob')), emails })
    expectError(refused, 400, 'invalidValue')
  },
  'contract',
)

check(
  'Contract §3: users may share an externalId',
  async (scim) => {
    const externalId = scim.name('shared')
    await scim.user('ann', { externalId })
    await scim.user('bob', { externalId })
    const found = await scim.query('/Users', `externalId eq "${externalId}"`)
    expect(found.body).toMatchObject({ totalResults: 2 })
  },
  'contract',
)

check(
  'Contract §3: a user that was sent without active is active',
  async (scim) => {
    const { active: _, ...silent } = newUser(scim.name('ann'))
    const created = await scim.post('/Users', silent)
    expect(created.body).toMatchObject({ active: true })
  },
  'contract',
)
