import { expect } from 'vitest'

import { check } from '../check.ts'
import { newUser } from '../client.ts'
import { expectError, expectShown, expectStatus, expectStored, memberIds } from '../expectations.ts'
import { ENTERPRISE } from '../urns.ts'

check('RFC 7644 §3.5.1: PUT answers 200 with what is stored then', async (scim) => {
  const user = await scim.user('ann')
  const put = await scim.put(`/Users/${user.id}`, { ...user, title: 'new' })
  expectStatus(put, 200)
  expect(put.body).toMatchObject({ id: user.id, title: 'new' })
  expect((await scim.get(`/Users/${user.id}`)).body).toEqual(put.body)
})

check('RFC 7644 §3.5.1: PUT removes what it does not name', async (scim) => {
  const user = await scim.user('ann', {
    title: 'x',
    phoneNumbers: [{ value: '1' }],
    [ENTERPRISE]: { department: 'Sales' },
  })
  expectStatus(await scim.put(`/Users/${user.id}`, newUser(scim.name('ann'))), 200)
  await expectStored(scim, `/Users/${user.id}`, {
    title: undefined,
    phoneNumbers: undefined,
    [ENTERPRISE]: undefined,
  })
})

check('RFC 7644 §3.5.1: PUT replaces a complex value as a whole', async (scim) => {
  const user = await scim.user('ann')
  await scim.put(`/Users/${user.id}`, { ...user, name: { familyName: 'Other' } })
  await expectStored(scim, `/Users/${user.id}`, { name: { familyName: 'Other' } })
})

for (const [name, value] of Object.entries({
  id: 'other',
  meta: { created: 'x' },
  groups: [{ value: 'x' }],
}))
  check(`RFC 7644 §3.5.1: PUT ignores ${name}, which is readOnly`, async (scim) => {
    const user = await scim.user('ann')
    const put = await scim.put(`/Users/${user.id}`, { ...user, [name]: value, title: 'new' })
    expectStatus(put, 200)
    expectShown(put.body, { id: user.id, groups: undefined, title: 'new' })
    expect(put.body['meta']).toMatchObject({ location: `${scim.target.url}/Users/${user.id}` })
  })

check('RFC 7644 §3.5.1: PUT of what was read changes nothing', async (scim) => {
  const user = await scim.user('ann', { title: 'x' })
  const put = await scim.put(`/Users/${user.id}`, user)
  expect([put.status, put.body]).toEqual([200, user])
})

check('RFC 7644 §3.5.1: PUT without a required attribute is refused', async (scim) => {
  const user = await scim.user('ann')
  const { userName: _, ...nameless } = newUser(scim.name('ann'))
  expectError(await scim.put(`/Users/${user.id}`, nameless), 400, 'invalidValue')
  await expectStored(scim, `/Users/${user.id}`, { userName: scim.name('ann') })
})

check('RFC 7644 §3.5.1: PUT may change userName', async (scim) => {
  const user = await scim.user('ann')
  const put = await scim.put(`/Users/${user.id}`, { ...user, userName: scim.name('anne') })
  expect(put.body).toMatchObject({ id: user.id, userName: scim.name('anne') })
})

check('RFC 7644 §3.5.1: PUT does not create', async (scim) => {
  expectError(await scim.put('/Users/cf-new-id', newUser(scim.name('ann'))), 404)
})

check('RFC 7644 §3.5.1: a password that PUT does not name is kept and not shown', async (scim) => {
  const user = await scim.user('ann', { password: 'Tr0ub4dor&3-long' })
  const put = await scim.put(`/Users/${user.id}`, { ...user, title: 'x' })
  expectStatus(put, 200)
  expect(put.body).not.toHaveProperty('password')
})

check('RFC 7644 §3.5.1: PUT of a group replaces its members', async (scim) => {
  const [ann, bob, cid] = [await scim.user('ann'), await scim.user('bob'), await scim.user('cid')]
  const group = await scim.group('staff', { members: [{ value: ann.id }, { value: bob.id }] })
  const members = [{ value: bob.id }, { value: cid.id }]
  expectStatus(
    await scim.put(`/Groups/${group.id}`, { displayName: scim.name('staff'), members }),
    200,
  )
  const { body } = await scim.get(`/Groups/${group.id}`)
  expect(memberIds(body)).toEqual([bob.id, cid.id].toSorted())
})

check('RFC 7644 §3.5.1: PUT of a group with no members empties it', async (scim) => {
  const ann = await scim.user('ann')
  const group = await scim.group('staff', { members: [{ value: ann.id }] })
  await scim.put(`/Groups/${group.id}`, { displayName: scim.name('staff'), members: [] })
  expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual([])
})

check(
  'RFC 7644 §3.5.1: PUT of a group without displayName is refused',
  async (scim) => {
    const group = await scim.group('staff')
    expectError(await scim.put(`/Groups/${group.id}`, { members: [] }), 400, 'invalidValue')
  },
  'contract',
)
