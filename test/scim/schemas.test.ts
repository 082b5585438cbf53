import { describe, expect, it } from 'vitest'
import type { AttributeDefinition } from '../../src/scim/attributes.ts'
import { COMMON_ATTRIBUTES } from '../../src/scim/common-schema.ts'
import { GROUP, RESOURCE_TYPES, USER } from '../../src/scim/resource-types.ts'
import { ENTERPRISE_USER_URN, GROUP_URN, USER_URN } from '../../src/scim/urns.ts'

const schemas = RESOURCE_TYPES.flatMap((type) => [type.schema, ...type.extensions])
const everything = [COMMON_ATTRIBUTES, ...schemas.map((schema) => schema.attributes)]
  .flat()
  .flatMap((definition) => [definition, ...(definition.subAttributes ?? [])])

const names = (attributes: readonly AttributeDefinition[] = []) =>
  attributes.map((definition) => definition.name).join(' ')

function find(name: string, attributes: readonly AttributeDefinition[]): AttributeDefinition {
  const [first, second] = name.split('.')
  const definition = attributes.find((candidate) => candidate.name === first)
  if (definition === undefined) throw new Error(`missing: ${name}`)
  return second === undefined ? definition : find(second, definition.subAttributes ?? [])
}

const user = (name: string) => find(name, [...USER.schema.attributes, ...COMMON_ATTRIBUTES])

describe('the schemas', () => {
  it('have the attributes of RFC 7643 sections 3.1 and 4', () => {
    expect(schemas.map((schema) => schema.id)).toEqual([USER_URN, ENTERPRISE_USER_URN, GROUP_URN])
    expect(names(COMMON_ATTRIBUTES)).toBe('schemas id externalId meta')
    expect(names(USER.schema.attributes)).toBe(
      'userName name displayName nickName profileUrl title userType preferredLanguage locale timezone active ' +
        'password emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates',
    )
    expect(names(USER.extensions[0]?.attributes)).toBe(
      'employeeNumber costCenter organization division department manager',
    )
    expect(names(GROUP.schema.attributes)).toBe('displayName members')
  })

  it.each([
    ['name', 'formatted familyName givenName middleName honorificPrefix honorificSuffix'],
    ['emails', 'value display type primary'],
    ['photos', 'value display type primary'],
    ['roles', 'value display type primary'],
    ['addresses', 'formatted streetAddress locality region postalCode country type primary'],
    ['groups', 'value $ref display type'],
    ['meta', 'resourceType created lastModified location version'],
  ])('have the sub-attributes of %s', (name, expected) => {
    expect(names(user(name).subAttributes)).toBe(expected)
  })

  it('have sub-attributes exactly where they are complex, and never complex inside complex', () => {
    for (const definition of everything)
      expect(definition.subAttributes !== undefined).toBe(definition.type === 'complex')
    const inner = everything.flatMap((definition) => definition.subAttributes ?? [])
    expect(inner.filter((definition) => definition.type === 'complex')).toEqual([])
  })

  it('name every attribute once, whatever the case', () => {
    for (const type of RESOURCE_TYPES) {
      const all = [type.schema, ...type.extensions].flatMap((schema) => schema.attributes)
      const folded = [...COMMON_ATTRIBUTES, ...all].map((item) => item.name.toLowerCase())
      expect(new Set(folded).size).toBe(folded.length)
    }
  })

  it('say which types references point to, and describe every attribute in a sentence', () => {
    for (const definition of everything) {
      expect(definition.referenceTypes !== undefined).toBe(definition.type === 'reference')
      expect(definition.description).toMatch(/^[A-Z].*\.$/)
    }
  })

  it('never return and never show the password, and nothing else is secret', () => {
    expect(user('password')).toMatchObject({ mutability: 'writeOnly', returned: 'never' })
    expect(everything.filter((definition) => definition.returned === 'never')).toHaveLength(1)
  })

  it('match names in any case and identifiers exactly', () => {
    expect(user('userName')).toMatchObject({
      required: true,
      caseExact: false,
      uniqueness: 'server',
    })
    expect(find('displayName', GROUP.schema.attributes)).toMatchObject({
      required: true,
      caseExact: false,
      uniqueness: 'server',
    })
    expect(user('id')).toMatchObject({
      returned: 'always',
      mutability: 'readOnly',
      caseExact: true,
    })
    expect(user('externalId')).toMatchObject({ caseExact: true, mutability: 'readWrite' })
    expect(user('groups').mutability).toBe('readOnly')
  })

  it('publish the kinds of address that clients discover mappings from', () => {
    expect(user('emails.type').canonicalValues).toEqual(['work', 'home', 'other'])
    expect(user('addresses.type').canonicalValues).toEqual(['work', 'home', 'other'])
    expect(user('phoneNumbers.type').canonicalValues).toEqual([
      'work',
      'home',
      'mobile',
      'fax',
      'pager',
      'other',
    ])
    expect(user('roles.type').canonicalValues).toBeUndefined()
  })
})
