import { expect } from 'vitest'

import { check } from '../check.ts'
import { at, resourcesOf } from '../client.ts'
import { expectError, expectStatus, idsIn, memberIds, namesIn } from '../expectations.ts'
import { GROUP } from '../urns.ts'

check('RFC 7643 §4.2: a group is created, read and listed', async (scim) => {
  const group = await scim.group('staff', { externalId: scim.name('ext') })
  expect(group).toMatchObject({
    schemas: [GROUP],
    displayName: scim.name('staff'),
    externalId: scim.name('ext'),
    meta: { resourceType: 'Group', location: `${scim.target.url}/Groups/${group.id}` },
  })
  expect((await scim.get(`/Groups/${group.id}`)).body).toEqual(group)
  const found = await scim.query('/Groups', `displayName eq "${scim.name('staff')}"`)
  expect(resourcesOf(found)).toEqual([group])
})

check('RFC 7643 §4.2: a group without displayName is refused', async (scim) => {
  expectError(await scim.post('/Groups', { schemas: [GROUP] }), 400, 'invalidValue')
})

check('RFC 7643 §4.2: a group keeps the members that it is created with', async (scim) => {
  const [ann, bob] = [await scim.user('ann'), await scim.user('bob')]
  const group = await scim.group('staff', { members: [{ value: ann.id }, { value: bob.id }] })
  expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual(
    [ann.id, bob.id].toSorted(),
  )
})

check('RFC 7643 §4.2: a member tells its URL and its type', async (scim) => {
  const ann = await scim.user('ann')
  const group = await scim.group('staff', { members: [{ value: ann.id }] })
  const { body } = await scim.get(`/Groups/${group.id}`)
  expect(at(body, 'members.0')).toMatchObject({
    value: ann.id,
    $ref: `${scim.target.url}/Users/${ann.id}`,
    type: 'User',
  })
})

check('RFC 7643 §4.2: a group may be a member of a group', async (scim) => {
  const inner = await scim.group('inner')
  const outer = await scim.group('outer', { members: [{ value: inner.id, type: 'Group' }] })
  const { body } = await scim.get(`/Groups/${outer.id}`)
  expect(at(body, 'members.0')).toMatchObject({
    value: inner.id,
    $ref: `${scim.target.url}/Groups/${inner.id}`,
    type: 'Group',
  })
})

check('RFC 7643 §4.2: a member that is named twice is one member', async (scim) => {
  const ann = await scim.user('ann')
  const group = await scim.group('staff', { members: [{ value: ann.id }, { value: ann.id }] })
  expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual([ann.id])
})

check('RFC 7643 §4.1.2: User.groups names the groups of a user', async (scim) => {
  const ann = await scim.user('ann')
  const group = await scim.group('staff', { members: [{ value: ann.id }] })
  const { body } = await scim.get(`/Users/${ann.id}`)
  expect(body['groups']).toEqual([
    expect.objectContaining({
      value: group.id,
      $ref: `${scim.target.url}/Groups/${group.id}`,
      display: scim.name('staff'),
    }),
  ])
})

check('RFC 7643 §4.1.2: User.groups follows the group: renamed, left, deleted', async (scim) => {
  const ann = await scim.user('ann')
  const shown = async () => at((await scim.get(`/Users/${ann.id}`)).body, 'groups')
  const one = await scim.group('one', { members: [{ value: ann.id }] })
  const two = await scim.group('two', { members: [{ value: ann.id }] })
  await scim.patch(`/Groups/${one.id}`, [
    { op: 'replace', path: 'displayName', value: scim.name('renamed') },
  ])
  expect(await shown()).toContainEqual(expect.objectContaining({ display: scim.name('renamed') }))
  await scim.patch(`/Groups/${one.id}`, [{ op: 'remove', path: `members[value eq "${ann.id}"]` }])
  expect(await shown()).toEqual([expect.objectContaining({ value: two.id })])
  await scim.delete(`/Groups/${two.id}`)
  expect((await shown()) ?? []).toEqual([])
})

check('RFC 7643 §4.1.2: User.groups is shown in lists too', async (scim) => {
  const ann = await scim.user('ann')
  const group = await scim.group('staff', { members: [{ value: ann.id }] })
  const [listed] = resourcesOf(await scim.query('/Users', `id eq "${ann.id}"`))
  expect(at(listed, 'groups.0.value')).toBe(group.id)
})

check('RFC 7644 §3.4.2.2: users are found by their groups', async (scim) => {
  const [ann] = [await scim.user('ann'), await scim.user('bob')]
  const group = await scim.group('staff', { members: [{ value: ann.id }] })
  const found = await scim.query('/Users', `groups.value eq "${group.id}"`)
  expect(idsIn(found)).toEqual([ann.id])
})

const BY_MEMBER = ['members.value eq "{ID}"', 'members eq "{ID}"', 'members[value eq "{ID}"]']
for (const filter of BY_MEMBER)
  check(`RFC 7644 §3.4.2.2: groups are found by a member, ${filter}`, async (scim) => {
    const ann = await scim.user('ann')
    const group = await scim.group('staff', { members: [{ value: ann.id }] })
    await scim.group('other')
    const found = await scim.query('/Groups', filter.replace('{ID}', ann.id))
    expect(idsIn(found)).toEqual([group.id])
  })

const GROUP_FILTERS = [
  ['displayName eq "{P}-STAFF"', 'staff'],
  ['displayName sw "{P}-st"', 'staff'],
  ['displayName ew "ff"', 'staff'],
  ['displayName co "-sta"', 'staff'],
  ['displayName ne "{P}-staff"', 'team'],
  ['displayName gt "{P}-staff"', 'team'],
  ['displayName le "{P}-staff"', 'staff'],
  ['externalId eq "{P}-X"', 'staff'],
  ['externalId eq "{P}-x"', ''],
  ['members pr', 'staff'],
  ['not (members pr)', 'team'],
  ['meta.resourceType eq "Group"', 'staff team'],
  ['meta.created gt "2001-01-01T00:00:00Z"', 'staff team'],
  [`schemas eq "${GROUP}"`, 'staff team'],
  [`${GROUP}:displayName eq "{P}-team"`, 'team'],
  ['externalId pr or displayName ew "team"', 'staff team'],
] as const
for (const [filter, finds] of GROUP_FILTERS)
  check(`RFC 7644 §3.4.2.2: among groups, ${filter} finds ${finds || 'none'}`, async (scim) => {
    const ann = await scim.user('ann')
    await scim.group('staff', { externalId: scim.name('X'), members: [{ value: ann.id }] })
    await scim.group('team')
    const own = `displayName sw "${scim.prefix}-" and (${filter.replaceAll('{P}', scim.prefix)})`
    expect(namesIn(await scim.query('/Groups', own), scim.prefix).join(' ')).toBe(finds)
  })

check('RFC 7644 §3.6: a deleted user is in no group', async (scim) => {
  const [ann, bob] = [await scim.user('ann'), await scim.user('bob')]
  const group = await scim.group('staff', { members: [{ value: ann.id }, { value: bob.id }] })
  await scim.delete(`/Users/${ann.id}`)
  expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual([bob.id])
})

check('RFC 7644 §3.6: a deleted group leaves its members', async (scim) => {
  const ann = await scim.user('ann')
  const group = await scim.group('staff', { members: [{ value: ann.id }] })
  expectStatus(await scim.delete(`/Groups/${group.id}`), 204)
  expectError(await scim.get(`/Groups/${group.id}`), 404)
  expectStatus(await scim.get(`/Users/${ann.id}`), 200)
})

check('RFC 7644 §3.12: a user is not read as a group', async (scim) => {
  const ann = await scim.user('ann')
  expectError(await scim.get(`/Groups/${ann.id}`), 404)
})

check(
  'Contract §3: a second group of the same name in another case is a conflict',
  async (scim) => {
    await scim.group('staff')
    const twin = { schemas: [GROUP], displayName: scim.name('STAFF') }
    expectError(await scim.post('/Groups', twin), 409, 'uniqueness')
  },
  'contract',
)

check(
  'Contract §3: a second group of the same externalId is a conflict',
  async (scim) => {
    await scim.group('staff', { externalId: scim.name('x') })
    const twin = { schemas: [GROUP], displayName: scim.name('team'), externalId: scim.name('x') }
    expectError(await scim.post('/Groups', twin), 409, 'uniqueness')
  },
  'contract',
)

check(
  'Contract §3: PATCH of a group answers 204, or 200 where attributes are asked for',
  async (scim) => {
    const { id } = await scim.group('staff')
    const operations = [{ op: 'replace', path: 'externalId', value: scim.name('x') }]
    const silent = await scim.patch(`/Groups/${id}`, operations)
    expect([silent.status, silent.text]).toEqual([204, ''])
    const shown = await scim.patch(`/Groups/${id}?attributes=externalId`, operations)
    expect([shown.status, shown.body['externalId']]).toEqual([200, scim.name('x')])
  },
  'contract',
)

check(
  'Contract §3: the name of a deleted group is free',
  async (scim) => {
    const first = await scim.group('staff')
    await scim.delete(`/Groups/${first.id}`)
    expect((await scim.group('staff')).id).not.toBe(first.id)
  },
  'contract',
)
