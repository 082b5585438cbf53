import { describe, expect, it } from 'vitest'
import { isShown, project } from '../../src/scim/project.ts'
import { GROUP, USER } from '../../src/scim/resource-types.ts'
import { ENTERPRISE_USER_URN, GROUP_URN, USER_URN } from '../../src/scim/urns.ts'

const CUSTOM = 'urn:example:custom:2.0:User'
const USER_DOCUMENT = {
  schemas: [USER_URN, ENTERPRISE_USER_URN, CUSTOM],
  id: 'usr_1',
  externalId: 'X',
  userName: 'ann',
  password: 'hunter2',
  name: { givenName: 'Ann', familyName: 'Hara' },
  emails: [{ type: 'work', value: 'w@x.com' }, { type: 'home' }],
  [ENTERPRISE_USER_URN]: { department: 'Sales', manager: { value: 'usr_2', $ref: 'r' } },
  [CUSTOM]: { colour: 'red', size: 3 },
  meta: { resourceType: 'User', version: 'W/"1"' },
}
const { schemas, id } = USER_DOCUMENT
const show = (attributes?: string[], excludedAttributes?: string[]) =>
  project(USER_DOCUMENT, USER, { attributes, excludedAttributes })

describe('project', () => {
  it('shows everything but what is never returned', () => {
    const { password: _password, ...rest } = USER_DOCUMENT
    expect(show()).toEqual(rest)
    expect(show([], [])).toEqual(rest)
    expect(show(['password'])).toEqual({ schemas, id })
  })

  it.each([
    [['userName'], { userName: 'ann' }],
    [['USERNAME', 'nonsense'], { userName: 'ann' }],
    [['nonsense'], {}],
    [['name.givenName'], { name: { givenName: 'Ann' } }],
    [['name.givenName', 'name'], { name: USER_DOCUMENT.name }],
    [[`${USER_URN}:name.familyName`], { name: { familyName: 'Hara' } }],
    [['emails.value'], { emails: [{ value: 'w@x.com' }] }],
    [['emails[type eq "work"]'], { emails: USER_DOCUMENT.emails }],
    [['emails[type eq "work"].value'], { emails: [{ value: 'w@x.com' }] }],
    [['photos.value'], {}],
    [[`${ENTERPRISE_USER_URN}:department`], { [ENTERPRISE_USER_URN]: { department: 'Sales' } }],
    [['department'], { [ENTERPRISE_USER_URN]: { department: 'Sales' } }],
    [['manager.value'], { [ENTERPRISE_USER_URN]: { manager: { value: 'usr_2' } } }],
    [
      [ENTERPRISE_USER_URN.toUpperCase()],
      { [ENTERPRISE_USER_URN]: USER_DOCUMENT[ENTERPRISE_USER_URN] },
    ],
    [[`${CUSTOM}:colour`], { [CUSTOM]: { colour: 'red' } }],
    [['meta.version'], { meta: { version: 'W/"1"' } }],
  ])('shows only %j beside id and schemas', (attributes, shown) => {
    expect(show(attributes)).toEqual({ schemas, id, ...shown })
  })

  it.each([
    ['a.b.c'],
    ['1a'],
    [''],
    ['userName eq'],
    [`userName[${'x'.repeat(600)}]`],
    [GROUP_URN],
  ])('takes %j, which names nothing, as no wish at all (Q39)', (name) => {
    expect(show([name])).toEqual({ schemas, id })
    expect(show(undefined, [name])).toEqual(show())
  })

  it('looks into the values of an extension that no schema describes (Q24)', () => {
    const boxed = { ...USER_DOCUMENT, [CUSTOM]: { box: { inner: 'x', outer: 'y' }, size: 3 } }
    expect(project(boxed, USER, { attributes: [`${CUSTOM}:box.inner`] })).toEqual({
      schemas,
      id,
      [CUSTOM]: { box: { inner: 'x' } },
    })
    const hidden = project(boxed, USER, { excludedAttributes: [`${CUSTOM}:BOX.inner`] })
    expect(hidden[CUSTOM]).toEqual({ box: { outer: 'y' }, size: 3 })
  })

  it('shows the core attributes for the URN of the core schema', () => {
    expect(Object.keys(show([USER_URN]))).toEqual(['schemas', 'id', 'userName', 'name', 'emails'])
  })

  it('hides what is excluded, but never id and schemas', () => {
    const hidden = show(undefined, ['ID', 'schemas', 'emails', 'name.givenName', CUSTOM, 'meta'])
    expect(hidden).toEqual({
      schemas,
      id,
      externalId: 'X',
      userName: 'ann',
      name: { familyName: 'Hara' },
      [ENTERPRISE_USER_URN]: USER_DOCUMENT[ENTERPRISE_USER_URN],
    })
  })

  it('drops what an exclusion leaves empty', () => {
    expect(show(['emails'], ['emails.value', 'emails.type'])).toEqual({ schemas, id })
  })

  it('drops the key members of a group (Q21)', () => {
    const group = { schemas: [GROUP_URN], id: 'grp_1', displayName: 'Staff', members: [] }
    expect(project(group, GROUP, {})).toEqual(group)
    expect(project(group, GROUP, { excludedAttributes: ['members'] })).not.toHaveProperty('members')
    expect(isShown('members', GROUP, { excludedAttributes: ['Members'] })).toBe(false)
    expect(isShown('members', GROUP, { attributes: ['displayName'] })).toBe(false)
    expect(isShown('members', GROUP, { attributes: ['members.value'] })).toBe(true)
    expect(isShown('members', GROUP, {})).toBe(true)
  })

  it('shows what is returned on request only when it is asked for', () => {
    const [first, ...others] = USER.schema.attributes.filter(({ name }) => name === 'title')
    if (first === undefined) throw new Error('no title')
    const onRequest = { ...first, returned: 'request' as const }
    const type = { ...USER, schema: { ...USER.schema, attributes: [onRequest, ...others] } }
    expect(project({ title: 'T' }, type, {})).toEqual({})
    expect(project({ title: 'T' }, type, { attributes: ['title'] })).toEqual({ title: 'T' })
  })
})
