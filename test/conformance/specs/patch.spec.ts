import { expect } from 'vitest'

import { textAt } from '../client.ts'
import { check } from '../check.ts'
import { PATCH_ROWS } from '../data/patches.ts'
import { REFUSED_PATCHES } from '../data/refused-patches.ts'
import { expectError, expectShown, expectStatus, expectStored } from '../expectations.ts'
import { PATCH_OP } from '../urns.ts'

for (const [requirement, rows] of Object.entries(PATCH_ROWS))
  for (const { does, before, operation, after } of rows)
    check(`${requirement} ${does}, ${JSON.stringify(operation)}`, async (scim) => {
      const { id } = await scim.user('ann', before)
      const patched = await scim.patch(`/Users/${id}`, [operation])
      expectStatus(patched, 200, 204)
      if (patched.status === 200) expectShown(patched.body, after)
      await expectStored(scim, `/Users/${id}`, after)
    })

for (const [what, scimType, operation] of REFUSED_PATCHES)
  check(
    `RFC 7644 §3.5.2: changing ${what} is refused, ${JSON.stringify(operation)}`,
    async (scim) => {
      const user = await scim.user('ann', { title: 'kept' })
      const refused = await scim.patch(`/Users/${user.id}`, [operation])
      expectError(refused, 400, textAt(refused.body, 'scimType'))
      expect(refused.body['scimType']).toMatch(scimType)
      await expectStored(scim, `/Users/${user.id}`, {
        title: 'kept',
        userName: user['userName'] ?? '',
      })
    },
  )

check('RFC 7644 §3.5.2: operations are applied in order', async (scim) => {
  const { id } = await scim.user('ann')
  await scim.patch(`/Users/${id}`, [
    { op: 'add', path: 'title', value: 'first' },
    { op: 'replace', path: 'title', value: 'second' },
    { op: 'add', path: 'nickName', value: 'n' },
    { op: 'remove', path: 'nickName' },
  ])
  await expectStored(scim, `/Users/${id}`, { title: 'second', nickName: undefined })
})

check('RFC 7644 §3.5.2: all operations are applied, or none', async (scim) => {
  const user = await scim.user('ann')
  const refused = await scim.patch(`/Users/${user.id}`, [
    { op: 'replace', path: 'title', value: 'new' },
    { op: 'replace', path: 'id', value: 'other' },
  ])
  expectError(refused, 400, 'mutability')
  expect((await scim.get(`/Users/${user.id}`)).body).toEqual(user)
})

check(
  'RFC 7644 §3.5.2: a PATCH that changes nothing leaves lastModified and version',
  async (scim) => {
    const user = await scim.user('ann', { title: 'same' })
    const patched = await scim.patch(`/Users/${user.id}`, [
      { op: 'replace', path: 'title', value: 'same' },
    ])
    expectStatus(patched, 200, 204)
    expect((await scim.get(`/Users/${user.id}`)).body).toEqual(user)
  },
)

check(
  'RFC 7644 §3.5.2: PATCH answers 200 with the resource, or 204 without a body',
  async (scim) => {
    const { id } = await scim.user('ann')
    const patched = await scim.patch(`/Users/${id}`, [{ op: 'add', path: 'title', value: 'x' }])
    expectStatus(patched, 200, 204)
    if (patched.status === 204) expect(patched.text).toBe('')
    else expect(patched.body).toEqual((await scim.get(`/Users/${id}`)).body)
  },
)

check('RFC 7644 §3.5.2: names of the members of a PatchOp ignore case', async (scim) => {
  const { id } = await scim.user('ann')
  const body = { Schemas: [PATCH_OP], operations: [{ OP: 'add', Path: 'title', VALUE: 'x' }] }
  expectStatus(await scim.send('PATCH', `/Users/${id}`, body), 200, 204)
  await expectStored(scim, `/Users/${id}`, { title: 'x' })
})

check(
  'RFC 7644 §3.5.2: an attribute that nobody knows in a path is refused or ignored',
  async (scim) => {
    const user = await scim.user('ann')
    const answer = await scim.patch(`/Users/${user.id}`, [
      { op: 'add', path: 'shoeSize', value: 42 },
    ])
    expectStatus(answer, 200, 204, 400)
    if (answer.status === 400) expectError(answer, 400, 'invalidPath')
    expect((await scim.get(`/Users/${user.id}`)).body).toEqual(user)
  },
)

check('RFC 7644 §3.5.2: 100 operations in one request are applied', async (scim) => {
  const { id } = await scim.user('ann')
  const operations = Array.from({ length: 100 }, (_, i) => ({
    op: 'replace',
    path: 'title',
    value: `t${i}`,
  }))
  expectStatus(await scim.patch(`/Users/${id}`, operations), 200, 204)
  await expectStored(scim, `/Users/${id}`, { title: 't99' })
})

check('RFC 7644 §3.5.2: changes of several clients at once are all kept', async (scim) => {
  const { id } = await scim.user('ann')
  const names = ['title', 'nickName', 'userType', 'locale', 'timezone']
  const answers = await Promise.all(
    names.map((path) => scim.patch(`/Users/${id}`, [{ op: 'replace', path, value: 'x' }])),
  )
  for (const answer of answers) expectStatus(answer, 200, 204)
  await expectStored(scim, `/Users/${id}`, Object.fromEntries(names.map((name) => [name, 'x'])))
})

check('RFC 7643 §2.4: adding a primary value takes primary from the others', async (scim) => {
  const phoneNumbers = [{ type: 'work', value: '1', primary: true }]
  const { id } = await scim.user('ann', { phoneNumbers })
  const value = [{ type: 'home', value: '2', primary: true }]
  await scim.patch(`/Users/${id}`, [{ op: 'add', path: 'phoneNumbers', value }])
  const { body } = await scim.get(`/Users/${id}`)
  const primary = (body['phoneNumbers'] as { primary?: boolean }[]).filter((phone) => phone.primary)
  expect(primary).toEqual(value)
})

check(
  'RFC 7644 §3.5.2.3: a sub-attribute of several elements is replaced in all, or refused',
  async (scim) => {
    const phoneNumbers = [
      { type: 'work', value: '1' },
      { type: 'home', value: '2' },
    ]
    const user = await scim.user('ann', { phoneNumbers })
    const operation = { op: 'replace', path: 'phoneNumbers.display', value: 'd' }
    const answer = await scim.patch(`/Users/${user.id}`, [operation])
    expectStatus(answer, 200, 204, 400)
    const after =
      answer.status === 400
        ? phoneNumbers
        : phoneNumbers.map((phone) => ({ ...phone, display: 'd' }))
    await expectStored(scim, `/Users/${user.id}`, { phoneNumbers: after })
  },
)
