import { expect } from 'vitest'

import type { Json } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { expectShown, expectStatus, expectStored } from '../expectations.ts'
import { ENTERPRISE_SAMPLES, USER_SAMPLES } from '../data/user-attributes.ts'
import { ENTERPRISE, USER } from '../urns.ts'

for (const [name, { section, first, second }] of Object.entries(USER_SAMPLES)) {
  check(
    `RFC 7643 §${section}: ${name} is kept by POST and shown by GET as it was sent`,
    async (scim) => {
      const user = await scim.user('ann', { [name]: first })
      expectShown(user, { [name]: first })
      await expectStored(scim, `/Users/${user.id}`, { [name]: first })
    },
  )

  check(`RFC 7644 §3.5.2.3: PATCH replaces ${name}, then removes it`, async (scim) => {
    const { id } = await scim.user('ann', { [name]: first })
    const replaced = await scim.patch(`/Users/${id}`, [
      { op: 'replace', path: name, value: second },
    ])
    expectStatus(replaced, 200, 204)
    await expectStored(scim, `/Users/${id}`, { [name]: merged(name, first, second) })
    if (name === 'active') return
    expectStatus(await scim.patch(`/Users/${id}`, [{ op: 'remove', path: name }]), 200, 204)
    await expectStored(scim, `/Users/${id}`, { [name]: undefined })
  })
}

/** A replace of a complex attribute sets the sub-attributes that it names (RFC 7644 section 3.5.2.3). */
const merged = (name: string, first: Json, second: Json): Json =>
  name === 'name' ? { ...(first as object), ...(second as object) } : second

for (const [name, { section, first, second }] of Object.entries(ENTERPRISE_SAMPLES)) {
  check(
    `RFC 7643 §${section}: enterprise ${name} is kept by POST, changed and removed by PATCH`,
    async (scim) => {
      const user = await scim.user('ann', { [ENTERPRISE]: { [name]: first } })
      expectShown(user, { [ENTERPRISE]: { [name]: first } })
      const path = `${ENTERPRISE}:${name}`
      await scim.patch(`/Users/${user.id}`, [{ op: 'replace', path, value: second }])
      await expectStored(scim, `/Users/${user.id}`, { [ENTERPRISE]: { [name]: second } })
      await scim.patch(`/Users/${user.id}`, [{ op: 'remove', path }])
      await expectStored(scim, `/Users/${user.id}`, { [ENTERPRISE]: undefined })
    },
  )
}

check('RFC 7643 §4.3: manager is kept with its value', async (scim) => {
  const boss = await scim.user('boss')
  const ann = await scim.user('ann', { [ENTERPRISE]: { manager: { value: boss.id } } })
  const { body } = await scim.get(`/Users/${ann.id}`)
  expect(body[ENTERPRISE]).toMatchObject({ manager: { value: boss.id } })
})

check('RFC 7643 §3: schemas names the extension exactly while it has data', async (scim) => {
  const user = await scim.user('ann', { [ENTERPRISE]: { department: 'Sales' } })
  expect([...(user['schemas'] as string[])].toSorted()).toEqual([USER, ENTERPRISE].toSorted())
  await scim.patch(`/Users/${user.id}`, [{ op: 'remove', path: `${ENTERPRISE}:department` }])
  await expectStored(scim, `/Users/${user.id}`, { schemas: [USER] })
})

check('RFC 7643 §2.1: attribute names of a body ignore case', async (scim) => {
  const user = await scim.user('ann', { TITLE: 'Guide', NickName: 'A' })
  expectShown(user, { title: 'Guide', nickName: 'A', TITLE: undefined })
})

check('RFC 7643 §2.5: null and an empty array mean that there is no value', async (scim) => {
  const user = await scim.user('ann', { title: null, phoneNumbers: [], addresses: null })
  await expectStored(scim, `/Users/${user.id}`, {
    title: undefined,
    phoneNumbers: undefined,
    addresses: undefined,
  })
})

check('RFC 7643 §3.1: id is made by the server, whatever the client sends', async (scim) => {
  const first = await scim.user('ann', { id: 'mine' })
  const second = await scim.user('bob', { id: 'mine' })
  expect(new Set([first.id, second.id, 'mine']).size).toBe(3)
  expect(first.id).not.toBe('bulkId')
})

check('RFC 7643 §3.1: externalId is kept exactly, whatever its case', async (scim) => {
  const externalId = scim.name('AbC')
  const user = await scim.user('ann', { externalId })
  await expectStored(scim, `/Users/${user.id}`, { externalId })
})

check('RFC 7643 §3.1: meta of the client is ignored', async (scim) => {
  const meta = { resourceType: 'Cat', created: '2001-01-01T00:00:00Z', version: 'W/"x"' }
  const user = await scim.user('ann', { meta })
  expect(user['meta']).toMatchObject({ resourceType: 'User' })
  expect(user['meta']).not.toMatchObject({ created: meta.created })
})

check('RFC 7643 §3.1: created and lastModified are times of RFC 3339', async (scim) => {
  const { meta } = await scim.user('ann')
  const time = expect.stringMatching(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/,
  )
  expect(meta).toMatchObject({ created: time, lastModified: time })
})

check(
  'RFC 7643 §3.1: lastModified moves with a change, created and location do not',
  async (scim) => {
    const user = await scim.user('ann')
    await new Promise((resolve) => setTimeout(resolve, 5))
    await scim.patch(`/Users/${user.id}`, [{ op: 'replace', path: 'title', value: 'x' }])
    const { body } = await scim.get(`/Users/${user.id}`)
    const [before, after] = [user, body].map(({ meta }) => meta as Record<string, string>)
    expect(after).toMatchObject({ created: before?.['created'], location: before?.['location'] })
    expect(Date.parse(after?.['lastModified'] ?? '')).toBeGreaterThan(
      Date.parse(before?.['lastModified'] ?? ''),
    )
  },
)

check('RFC 7643 §2.4: a second primary takes the place of the first', async (scim) => {
  const phoneNumbers = [
    { type: 'work', value: '1', primary: true },
    { type: 'home', value: '2' },
  ]
  const { id } = await scim.user('ann', { phoneNumbers })
  const path = 'phoneNumbers[type eq "home"].primary'
  await scim.patch(`/Users/${id}`, [{ op: 'replace', path, value: true }])
  const { body } = await scim.get(`/Users/${id}`)
  const primary = (body['phoneNumbers'] as { type: string; primary?: boolean }[]).filter(
    (phone) => phone.primary === true,
  )
  expect(primary.map(({ type }) => type)).toEqual(['home'])
})

check(
  'RFC 7643 §4.1.1: a password is never returned, not even when it is asked for',
  async (scim) => {
    const password = 'Tr0ub4dor&3-long'
    const user = await scim.user('ann', { password })
    const answers = [
      await scim.get(`/Users/${user.id}`),
      await scim.get(`/Users/${user.id}?attributes=password,userName`),
      await scim.query('/Users', `id eq "${user.id}"`, '&attributes=password'),
      await scim.patch(`/Users/${user.id}`, [
        { op: 'replace', path: 'password', value: `${password}!` },
      ]),
      await scim.post('/Users/.search', { filter: `id eq "${user.id}"`, attributes: ['password'] }),
    ]
    for (const { text } of [{ text: JSON.stringify(user) }, ...answers]) {
      expect(text).not.toContain(password)
      expect(text).not.toContain('"password"')
    }
  },
)

check('RFC 7643 §7: a password cannot be guessed by a filter', async (scim) => {
  const password = 'Tr0ub4dor&3-long'
  await scim.user('ann', { password })
  const { status, text } = await scim.query(
    '/Users',
    `password sw "Tr0" and userName sw "${scim.prefix}"`,
  )
  expect([status, text.includes(scim.prefix)]).toEqual([400, text.includes(scim.prefix)])
})

const TEXTS = {
  'letters of many scripts': 'Ærøskøbing 東京 Иван عمر 🎉',
  'quotes and backslashes': `"O'Malley" \\ back`,
  'line breaks and tabs': 'one\ntwo\tthree',
  'SQL and HTML': `'; DROP TABLE user; --<script>alert(1)</script>`,
  'blanks around': '  two  blanks  ',
  'percent and underscore': '100%_\\%',
}
for (const [what, value] of Object.entries(TEXTS))
  check(`RFC 7643 §2.3.1: a text keeps ${what}, and is found by it`, async (scim) => {
    const { id } = await scim.user('ann', { displayName: value })
    await expectStored(scim, `/Users/${id}`, { displayName: value })
    const filter = `displayName eq ${JSON.stringify(value)} and id eq "${id}"`
    expect((await scim.query('/Users', filter)).body).toMatchObject({ totalResults: 1 })
  })
