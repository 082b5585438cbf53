import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import { parseAttributePath } from '../../src/scim/attribute-path.ts'
import {
  comparedAttribute,
  findKey,
  readMember,
  readValues,
  resolveAttribute,
  resolveSchema,
  storedKeys,
} from '../../src/scim/resolve.ts'
import { GROUP, USER } from '../../src/scim/resource-types.ts'
import { ENTERPRISE_USER_URN, GROUP_URN, USER_URN } from '../../src/scim/urns.ts'

const CUSTOM = 'urn:ietf:params:scim:schemas:extension:Custom:2.0:User'

function resolved(name: string, type = USER) {
  const path = parseAttributePath(name)
  return path.ok ? resolveAttribute(path.value, type) : undefined
}

function values(resource: JsonObject, name: string) {
  const found = resolved(name)
  if (found === undefined) throw new Error(`unknown: ${name}`)
  return readValues(resource, found)
}

describe('resolveAttribute', () => {
  it.each([
    ['userName', ['userName']],
    ['USERNAME', ['userName']],
    ['name.GIVENNAME', ['name', 'givenName']],
    ['members', undefined],
    ['id', ['id']],
    ['meta.lastmodified', ['meta', 'lastModified']],
    ['schemas', ['schemas']],
    [`${USER_URN}:userName`, ['userName']],
    [`${USER_URN.toLowerCase()}:externalID`, ['externalId']],
    [`${ENTERPRISE_USER_URN}:Department`, [ENTERPRISE_USER_URN, 'department']],
    [`${ENTERPRISE_USER_URN.toUpperCase()}:manager.$REF`, [ENTERPRISE_USER_URN, 'manager', '$ref']],
    [`${ENTERPRISE_USER_URN}.department`, [ENTERPRISE_USER_URN, 'department']],
    [`${ENTERPRISE_USER_URN}:userName`, undefined],
    ['manager', [ENTERPRISE_USER_URN, 'manager']],
    ['manager.value', [ENTERPRISE_USER_URN, 'manager', 'value']],
    ['department', [ENTERPRISE_USER_URN, 'department']],
    [`${USER_URN}:department`, undefined],
    [`${GROUP_URN}:displayName`, undefined],
    ['displayName.value', undefined],
    ['name.nothing', undefined],
    ['toString', undefined],
    ['constructor', undefined],
    [`${CUSTOM}:tag`, [CUSTOM, 'tag']],
    [`${CUSTOM}:box.inner`, [CUSTOM, 'box', 'inner']],
    ['nourn:tag', undefined],
    [CUSTOM, undefined],
    [ENTERPRISE_USER_URN, undefined],
  ])('finds %s stored at %j', (name, keys) => {
    const found = resolved(name)
    expect(found && storedKeys(found)).toEqual(keys)
  })

  it('gives the definitions of attribute, sub-attribute and extension', () => {
    expect(resolved('manager.displayName')).toMatchObject({
      definition: { name: 'manager', type: 'complex' },
      sub: { name: 'displayName', mutability: 'readOnly' },
      extension: { id: ENTERPRISE_USER_URN },
      opaque: false,
    })
  })

  it('takes attributes under an unknown URN as text of unknown shape (Q24)', () => {
    expect(resolved(`${CUSTOM}:Tag`)).toMatchObject({
      definition: { name: 'Tag', type: 'string' },
      extension: { id: CUSTOM },
      opaque: true,
    })
  })

  it('has no extension attributes for groups', () => {
    expect(resolved('department', GROUP)).toBeUndefined()
    expect(resolved('members.value', GROUP)?.sub?.name).toBe('value')
  })
})

describe('resolveSchema', () => {
  it('finds the schemas of the resource type in any case', () => {
    expect(resolveSchema(USER_URN.toUpperCase(), USER)).toBe(USER.schema)
    expect(resolveSchema(ENTERPRISE_USER_URN.toLowerCase(), USER)).toBe(USER.extensions[0])
  })

  it('makes up an extension for an unknown URN and refuses what is not its own', () => {
    expect(resolveSchema(CUSTOM, USER)).toMatchObject({ id: CUSTOM, attributes: [] })
    expect(resolveSchema(GROUP_URN, USER)).toBeUndefined()
    expect(resolveSchema(ENTERPRISE_USER_URN, GROUP)).toBeUndefined()
    expect(resolveSchema('http://schemas.example/Group', GROUP)).toBeUndefined()
  })
})

describe('comparedAttribute', () => {
  it('lets a complex attribute stand for its value', () => {
    const compared = (name: string) => {
      const found = resolved(name)
      const target = found && comparedAttribute(found)
      return target && storedKeys(target).join(' ')
    }
    expect(compared('emails')).toBe('emails value')
    expect(compared('emails.type')).toBe('emails type')
    expect(compared('manager')).toBe(`${ENTERPRISE_USER_URN} manager value`)
    expect(compared('title')).toBe('title')
    expect(compared('schemas')).toBe('schemas')
    expect(compared('name')).toBeUndefined()
    expect(compared('addresses')).toBeUndefined()
  })
})

describe('readValues', () => {
  const user: JsonObject = {
    userName: 'bo',
    title: null,
    name: { givenName: 'Bo' },
    emails: [{ value: 'a', type: 'work' }, { value: 'b' }, null],
    roles: ['admin'],
    [ENTERPRISE_USER_URN]: { manager: { value: 'usr_9' } },
    [CUSTOM.toUpperCase()]: { TAG: 'red', list: [1, [2]] },
  }

  it.each([
    ['userName', ['bo']],
    ['title', []],
    ['nickName', []],
    ['name', [{ givenName: 'Bo' }]],
    ['name.givenName', ['Bo']],
    ['emails', [{ value: 'a', type: 'work' }, { value: 'b' }]],
    ['emails.value', ['a', 'b']],
    ['emails.type', ['work']],
    ['roles.value', ['admin']],
    ['roles.type', []],
    ['manager.value', ['usr_9']],
    ['department', []],
    [`${CUSTOM}:tag`, ['red']],
    [`${CUSTOM}:list`, [1, [2]]],
    [`${CUSTOM}:constructor`, []],
    [`${CUSTOM}:tag.length`, []],
  ])('reads %s', (name, expected) => {
    expect(values(user, name)).toEqual(expected)
  })

  it('reads nothing from an extension that is no object', () => {
    expect(values({ [ENTERPRISE_USER_URN]: 'x' }, 'department')).toEqual([])
  })
})

describe('findKey and readMember', () => {
  it('prefer the exact spelling and never see inherited members', () => {
    const object = JSON.parse('{"TAG": 1, "tag": 2, "__proto__": 3}')
    expect(readMember(object, 'tag')).toBe(2)
    expect(findKey(object, 'Tag')).toBe('TAG')
    expect(readMember(object, '__proto__')).toBe(3)
    expect(findKey({}, '__proto__')).toBeUndefined()
    expect(readMember({}, 'toString')).toBeUndefined()
  })
})
