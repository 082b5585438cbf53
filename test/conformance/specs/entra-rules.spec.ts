/** The ten rules that decide whether provisioning by Entra ID succeeds. */
import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { at, textAt } from '../client.ts'
import { expectError, expectShown, expectStatus, expectStored, idsIn } from '../expectations.ts'
import { ENTERPRISE, PATCH_OP, USER } from '../urns.ts'

check(
  'Rule 1: a filter that matches nothing is 200 with totalResults 0 and an empty list',
  async (scim) => {
    for (const path of [
      '/Users?filter=userName+eq+%22cf-7d420df3%22',
      '/Groups?filter=displayName+eq+%22cf-7d42%22',
    ]) {
      const { status, body } = await scim.get(path)
      expect([status, body['totalResults'], body['Resources']]).toEqual([200, 0, []])
    }
  },
)

for (const op of ['Add', 'Replace', 'ADD', 'rEpLaCe'])
  check(`Rule 2, Q01: the op ${op} is understood`, async (scim) => {
    const { id } = await scim.user('ann')
    expectStatus(await scim.patch(`/Users/${id}`, [{ op, path: 'title', value: 'x' }]), 200)
    await expectStored(scim, `/Users/${id}`, { title: 'x' })
  })

check('Rule 2: attribute names and URNs ignore case in paths and bodies', async (scim) => {
  const urn = ENTERPRISE.toUpperCase()
  const user = await scim.user('ann', { [urn]: { DEPARTMENT: 'Sales' } })
  expectShown(user, { [ENTERPRISE]: { department: 'Sales' } })
  await scim.patch(`/Users/${user.id}`, [
    { op: 'Replace', path: `${ENTERPRISE.toLowerCase()}:Department`, value: 'Ops' },
    { op: 'Replace', path: 'Name.GIVENNAME', value: 'G' },
  ])
  await expectStored(scim, `/Users/${user.id}`, {
    [ENTERPRISE]: { department: 'Ops' },
    name: { givenName: 'G', familyName: 'User' },
  })
})

for (const [sent, stored] of [
  ['True', true],
  ['False', false],
  ['true', true],
  ['FALSE', false],
] as const)
  check(
    `Rule 3, Q02: active "${sent}" is the boolean ${stored}, in POST and in PATCH`,
    async (scim) => {
      const user = await scim.user('ann', { active: sent })
      expect(user['active']).toBe(stored)
      const other = await scim.user('bob', { active: !stored })
      for (const op of ['Replace', 'Add'])
        await scim.patch(`/Users/${other.id}`, [{ op, path: 'active', value: sent }])
      await expectStored(scim, `/Users/${other.id}`, { active: stored })
    },
  )

check('Rule 3: roles[primary eq "True"] is the primary role', async (scim) => {
  const roles = [
    { value: 'a', primary: false },
    { value: 'b', primary: true },
  ]
  const { id } = await scim.user('ann', { roles })
  const path = 'roles[primary eq "True"].value'
  await scim.patch(`/Users/${id}`, [{ op: 'Replace', path, value: 'c' }])
  await expectStored(scim, `/Users/${id}`, {
    roles: [roles[0] ?? {}, { value: 'c', primary: true }],
  })
})

for (const op of ['Add', 'Replace', 'add', 'replace'])
  check(`Rule 4, Q04: ${op} of emails[type eq "work"].value creates the address`, async (scim) => {
    const { id } = await scim.user('ann', {
      emails: [{ type: 'home', value: `${scim.name('h')}@x.example` }],
    })
    const value = `${scim.name('w')}@x.example`
    const operation = { op, path: 'emails[type eq "work"].value', value }
    expectStatus(await scim.patch(`/Users/${id}`, [operation]), 200)
    const { body } = await scim.get(`/Users/${id}`)
    expect(body['emails']).toContainEqual({ type: 'work', value })
    expect(body['emails']).toHaveLength(2)
  })

const MERGED = {
  displayName: 'Bjfe',
  'name.givenName': 'Kkom',
  'name.familyName': 'Unua',
  [`${ENTERPRISE}:employeeNumber`]: 'Aklq',
  [`${ENTERPRISE}:department`]: 'Ops',
}
for (const op of ['replace', 'add', 'Replace'])
  check(`Rule 6, Q06: names of a path-less ${op} are paths`, async (scim) => {
    const { id } = await scim.user('ann')
    expectStatus(await scim.patch(`/Users/${id}`, [{ op, value: MERGED }]), 200)
    await expectStored(scim, `/Users/${id}`, {
      displayName: 'Bjfe',
      name: { givenName: 'Kkom', familyName: 'Unua' },
      [ENTERPRISE]: { employeeNumber: 'Aklq', department: 'Ops' },
      'name.givenName': undefined,
      [`${ENTERPRISE}:department`]: undefined,
    })
  })

const MANAGERS: Readonly<Record<string, (id: string) => JsonObject>> = {
  'a text': (id) => ({ op: 'Add', path: `${ENTERPRISE}:manager`, value: id }),
  'an object': (id) => ({ op: 'Add', path: `${ENTERPRISE}:manager`, value: { value: id } }),
  'an array': (id) => ({
    op: 'Add',
    path: 'manager',
    value: [{ $ref: `/Users/${id}`, value: id }],
  }),
  'a text without a path': (id) => ({ op: 'replace', value: { [`${ENTERPRISE}:manager`]: id } }),
  'its value': (id) => ({ op: 'replace', path: `${ENTERPRISE}:manager.value`, value: id }),
}
for (const [what, operation] of Object.entries(MANAGERS))
  check(
    `Rule 7, Q11: a manager sent as ${what} is shown as an object with its value`,
    async (scim) => {
      const [boss, ann] = [await scim.user('boss'), await scim.user('ann')]
      expectStatus(await scim.patch(`/Users/${ann.id}`, [operation(boss.id)]), 200)
      const { body } = await scim.get(`/Users/${ann.id}`)
      expect(body[ENTERPRISE]).toMatchObject({ manager: { value: boss.id } })
    },
  )

for (const value of ['', { value: '' }, null])
  check(`Rule 7, Q11: a manager is cleared by ${JSON.stringify(value)}`, async (scim) => {
    const { id } = await scim.user('ann', {
      [ENTERPRISE]: { manager: { value: 'm' }, department: 'D' },
    })
    const operation = { op: 'replace', path: `${ENTERPRISE}:manager`, value }
    expectStatus(await scim.patch(`/Users/${id}`, [operation]), 200)
    await expectStored(scim, `/Users/${id}`, { [ENTERPRISE]: { department: 'D' } })
  })

check('Rule 8: an inactive user is read and found, and keeps its groups', async (scim) => {
  const { id } = await scim.user('ann')
  const group = await scim.group('staff', { members: [{ value: id }] })
  await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }])
  await expectStored(scim, `/Users/${id}`, { active: false })
  expect(idsIn(await scim.query('/Users', `userName eq "${scim.name('ann')}"`))).toEqual([id])
  expect(at((await scim.get(`/Groups/${group.id}`)).body, 'members.0.value')).toBe(id)
})

check('Rule 8: a deleted user is neither read nor found', async (scim) => {
  const { id } = await scim.user('ann')
  await scim.delete(`/Users/${id}`)
  expectError(await scim.get(`/Users/${id}`), 404)
  expect(idsIn(await scim.query('/Users', `userName eq "${scim.name('ann')}"`))).toEqual([])
})

check('Rule 9: a GET without Accept and Content-Type is answered as SCIM', async (scim) => {
  const answer = await scim.get('/Users?count=1', { Accept: 'none', 'Content-Type': 'none' })
  expectStatus(answer, 200)
  expect(answer.headers.get('Content-Type')).toMatch(/^application\/scim\+json/)
})

check('Rule 10: every value is shown as it was sent', async (scim) => {
  const sent = {
    schemas: [USER, ENTERPRISE],
    externalId: scim.name('MiXeD'),
    userName: scim.name('Ann.O’Neil'),
    displayName: '  Ann  O’Neil ',
    name: { givenName: 'ANN', familyName: "o'neil", formatted: 'ANN o’neil' },
    emails: [{ primary: true, type: 'work', value: `${scim.name('Ann')}@Contoso.COM` }],
    phoneNumbers: [{ type: 'mobile', value: '+41 (0) 79-000 00 00' }],
    addresses: [{ type: 'work', postalCode: '03012', country: 'Schweiz', streetAddress: 'A\nB' }],
    preferredLanguage: 'DE-ch',
    timezone: 'Somewhere/Else',
    active: true,
    [ENTERPRISE]: { employeeNumber: '0007', department: 'R&D <x>' },
  }
  const created = await scim.post('/Users', sent)
  expectStatus(created, 201)
  const { schemas: _, ...attributes } = sent
  expectShown(created.body, attributes)
  await expectStored(scim, `/Users/${textAt(created.body, 'id')}`, attributes)
})

check('Rule 10: the order of elements is kept', async (scim) => {
  const phoneNumbers = ['3', '1', '2'].map((value, i) => ({ type: `t${i}`, value }))
  const { id } = await scim.user('ann', { phoneNumbers })
  await expectStored(scim, `/Users/${id}`, { phoneNumbers })
})

check('Rule 10: a PATCH that Entra repeats in every cycle changes nothing', async (scim) => {
  const { id } = await scim.user('ann')
  const body = {
    schemas: [PATCH_OP],
    Operations: [
      { op: 'Add', path: 'emails[type eq "work"].value', value: `${scim.name('w')}@x.example` },
      { op: 'Add', path: 'addresses[type eq "work"].locality', value: 'Bern' },
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: 'nobody-yet' },
      { op: 'Replace', path: 'active', value: 'True' },
    ],
  }
  await scim.send('PATCH', `/Users/${id}`, body)
  const first = await scim.get(`/Users/${id}`)
  await scim.send('PATCH', `/Users/${id}`, body)
  expect((await scim.get(`/Users/${id}`)).body).toEqual(first.body)
})
