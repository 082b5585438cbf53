import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { GROUP, USER } from '../../src/scim/resource-types.ts'
import { readResource, type ReadResource } from '../../src/scim/resource.ts'
import { ENTERPRISE_USER_URN, GROUP_URN, USER_URN } from '../../src/scim/urns.ts'

function read(body: unknown, type = USER): ReadResource {
  const result = readResource(body, type)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

const faultOf = (body: unknown, type = USER): unknown => {
  const result = readResource(body, type)
  return result.ok ? undefined : result.error
}

describe('readResource', () => {
  it('spells names as the schemas do and keeps values as sent', () => {
    const { resource, quirks } = read({
      USERNAME: ' Ann@Contoso.com ',
      Name: { GIVENNAME: 'Ann', familyname: "O'Hara" },
      Emails: [{ VALUE: 'Ann@X.com', Type: 'WORK' }],
      [ENTERPRISE_USER_URN.toLowerCase()]: { DEPARTMENT: 'Q&A' },
    })
    expect(resource).toEqual({
      schemas: [USER_URN, ENTERPRISE_USER_URN],
      userName: ' Ann@Contoso.com ',
      name: { givenName: 'Ann', familyName: "O'Hara" },
      emails: [{ value: 'Ann@X.com', type: 'WORK' }],
      [ENTERPRISE_USER_URN]: { department: 'Q&A' },
    })
    expect(quirks).toEqual([])
  })

  it('ignores what the client may not set', () => {
    const body = {
      schemas: ['urn:example:nothing'],
      id: 'mine',
      meta: { created: 'x' },
      groups: [{ value: 'g' }],
      userName: 'ann',
      [ENTERPRISE_USER_URN]: { manager: { displayName: 'Boss' } },
    }
    expect(read(body).resource).toEqual({ schemas: [USER_URN], userName: 'ann' })
  })

  it('reads its own answer back to the same document', () => {
    const once = read({
      userName: 'ann',
      externalId: 'X',
      roles: [{ value: 'r', primary: 'TRUE' }],
    })
    expect(read(once.resource).resource).toEqual(once.resource)
  })

  it('hands the password back beside the document', () => {
    const { resource, password } = read({ userName: 'ann', password: 'hunter2' })
    expect(password).toBe('hunter2')
    expect(JSON.stringify(resource)).not.toContain('hunter2')
  })

  it('hands the members of a group back beside the document', () => {
    const body = { displayName: 'Staff', members: [{ value: 'u1', type: 'user' }, 'u2', 'u2'] }
    const { resource, members, quirks } = read(body, GROUP)
    expect(resource).toEqual({ schemas: [GROUP_URN], displayName: 'Staff' })
    expect(members).toEqual([{ value: 'u1', type: 'User' }, { value: 'u2' }])
    expect(quirks).toEqual([9])
  })

  it('refuses a group with a member that is none', () => {
    const body = { displayName: 'Staff', members: [{ value: 'u1' }, { display: 'Ann' }] }
    expect(faultOf(body, GROUP)).toMatchObject({ kind: 'invalidValue', attribute: 'members' })
  })

  it('tells no member list from an empty one', () => {
    expect(read({ displayName: 'Staff' }, GROUP).members).toBeUndefined()
    expect(read({ displayName: 'Staff', members: [] }, GROUP).members).toEqual([])
    expect(read({ displayName: 'Staff', members: null }, GROUP).members).toEqual([])
  })

  it('keeps data under an unknown extension URN as sent', () => {
    const data = { colour: 'red', nested: { list: [1, null, { a: '' }] } }
    const { resource } = read({
      userName: 'ann',
      'urn:example:custom': data,
      'urn:example:empty': {},
    })
    expect(resource).toMatchObject({
      schemas: [USER_URN, 'urn:example:custom'],
      'urn:example:custom': data,
    })
    expect(resource).not.toHaveProperty('urn:example:empty')
  })

  it('reads an attribute with its URN before it as that attribute', () => {
    const { resource } = read({ userName: 'ann', [`${ENTERPRISE_USER_URN}:department`]: 'Sales' })
    expect(resource[ENTERPRISE_USER_URN]).toEqual({ department: 'Sales' })
  })

  it('takes a text for the value of an element that has one', () => {
    expect(read({ userName: 'ann', phoneNumbers: ['1', '2'] }).resource['phoneNumbers']).toEqual([
      { value: '1' },
      { value: '2' },
    ])
    expect(faultOf({ userName: 'ann', addresses: ['Bern'] })).toMatchObject({
      kind: 'invalidValue',
      attribute: 'addresses',
    })
  })

  it('ignores names that are no attributes of the resource (Q23)', () => {
    const [withPath, withStranger] = [
      { userName: 'ann', 'name.givenName': 'Ann' },
      { userName: 'ann', [ENTERPRISE_USER_URN]: { nonsense: 1 } },
    ]
    for (const body of [withPath, withStranger])
      expect(read(body)).toEqual({ resource: read({ userName: 'ann' }).resource, quirks: [23] })
  })

  it('takes null for an extension without data (RFC 7643 section 2.5)', () => {
    expect(read({ userName: 'ann', [ENTERPRISE_USER_URN]: null }).resource).toEqual({
      schemas: [USER_URN],
      userName: 'ann',
    })
  })

  it('makes nothing of the schema of another resource type', () => {
    expect(
      read({ displayName: 'Staff', [ENTERPRISE_USER_URN]: { department: 'x' } }, GROUP),
    ).toEqual({ resource: { schemas: [GROUP_URN], displayName: 'Staff' }, quirks: [23] })
  })

  it.each([[[]], ['x'], [null], [7], [undefined]])('refuses the body %o', (body) => {
    expect(faultOf(body)).toMatchObject({ kind: 'invalidSyntax' })
  })

  const refused: readonly (readonly [string, JsonObject, string])[] = [
    ['no userName', {}, 'userName'],
    ['an empty userName', { userName: '' }, 'userName'],
    ['a number for a text', { userName: 7 }, 'userName'],
    ['an object for a text', { userName: 'ann', title: { value: 'x' } }, 'title'],
    ['an array of two for one value', { userName: 'ann', title: ['a', 'b'] }, 'title'],
    ['a text for an object', { userName: 'ann', name: 'Ann' }, 'name'],
    ['a number for a boolean', { userName: 'ann', active: 1 }, 'active'],
    ['a number inside', { userName: 'ann', emails: [{ value: 7 }] }, 'emails.value'],
    ['a number as an element', { userName: 'ann', emails: [7] }, 'emails'],
    [
      'a text as an extension',
      { userName: 'ann', [ENTERPRISE_USER_URN]: 'x' },
      ENTERPRISE_USER_URN,
    ],
    ['a name twice', { userName: 'ann', USERNAME: 'bob' }, 'userName'],
    [
      'a sub-attribute twice',
      { userName: 'ann', name: { givenName: 'a', GivenName: 'b' } },
      'name.givenName',
    ],
    ['a long userName', { userName: 'x'.repeat(1025) }, 'userName'],
    ['a long name', { userName: 'ann', name: { familyName: 'x'.repeat(1025) } }, 'name.familyName'],
    ['a long address', { userName: 'ann', emails: [{ value: 'x'.repeat(1025) }] }, 'emails.value'],
    [
      'two primary values',
      {
        userName: 'ann',
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: true },
        ],
      },
      'emails',
    ],
    [
      'too many values',
      { userName: 'ann', emails: Array.from({ length: 501 }, () => ({ value: 'a' })) },
      'emails',
    ],
    [
      'a deep extension',
      { userName: 'ann', 'urn:a:b': { c: JSON.parse('['.repeat(9) + ']'.repeat(9)) as Json } },
      'c',
    ],
    ['a reserved name', { userName: 'ann', 'urn:a:b': { constructor: 'x' } }, 'constructor'],
    [
      'a reserved name inside',
      { userName: 'ann', 'urn:a:b': { c: [JSON.parse('{"__proto__":1}') as Json] } },
      'c',
    ],
  ]
  it.each(refused)('refuses %s and names the attribute', (_title, body, attribute) => {
    expect(faultOf(body)).toMatchObject({ kind: 'invalidValue', attribute })
  })

  it('says what is accepted in place of what was sent', () => {
    expect(faultOf({ userName: 7 })).toMatchObject({ reason: 'a text is expected, not number 7' })
  })

  it('counts characters, not code units', () => {
    expect(faultOf({ userName: '😀'.repeat(1024) })).toBeUndefined()
  })

  it('bounds names and extensions', () => {
    const many = (n: number, prefix: string, value: Json): JsonObject =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`${prefix}${i}`, value]))
    expect(faultOf({ userName: 'ann', ...many(500, 'x', 1) })).toMatchObject({
      kind: 'invalidValue',
    })
    expect(faultOf({ userName: 'ann', ...many(21, 'urn:a:', { b: 1 }) })).toMatchObject({
      attribute: 'schemas',
    })
    expect(faultOf({ userName: 'ann', 'urn:a:b': many(201, 'x', 1) })).toMatchObject({
      attribute: 'urn:a:b',
    })
  })

  it('is not led astray by names of the object prototype', () => {
    const body: unknown = JSON.parse(
      '{"userName":"ann","__proto__":{"admin":true},"constructor":{"x":1},"name":{"__proto__":{"y":1},"givenName":"A"}}',
    )
    const { resource } = read(body)
    expect(resource).toEqual({ schemas: [USER_URN], userName: 'ann', name: { givenName: 'A' } })
    expect(({} as JsonObject)['admin']).toBeUndefined()
  })
})
