import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { resourcesOf, textAt, type Scim } from '../client.ts'
import { CHARACTERISTICS, EXPECTED_ATTRIBUTES } from '../data/schema.ts'
import { GROUP, USER } from '../urns.ts'

const attributesOf = (holder: JsonObject | undefined, name = 'attributes') =>
  (holder?.[name] ?? []) as readonly JsonObject[]

async function attributeOf(scim: Scim, urn: string, name: string): Promise<JsonObject> {
  const { body } = await scim.get(`/Schemas/${urn}`)
  const found = attributesOf(body).find((attribute) => attribute['name'] === name)
  expect(found, `${urn}:${name}`).toBeDefined()
  return found ?? {}
}

for (const { schema, section, name, sub, ...characteristics } of EXPECTED_ATTRIBUTES) {
  const short = schema.split(':').at(-1)
  const extension = schema.includes('enterprise') ? 'enterprise ' : ''
  check(
    `RFC 7643 §${section}: ${extension}${short} publishes ${name} as ${characteristics.type}`,
    async (scim) => {
      const found = await attributeOf(scim, schema, name)
      expect(found).toMatchObject(characteristics)
      const names = attributesOf(found, 'subAttributes').map((inner) => inner['name'])
      expect(names).toEqual(expect.arrayContaining([...sub]))
    },
  )
}

async function everyAttribute(scim: Scim): Promise<readonly JsonObject[]> {
  const top = resourcesOf(await scim.get('/Schemas')).flatMap((schema) => attributesOf(schema))
  return [...top, ...top.flatMap((attribute) => attributesOf(attribute, 'subAttributes'))]
}

for (const [characteristic, allowed] of Object.entries(CHARACTERISTICS))
  check(
    `RFC 7643 §7: ${characteristic} of every attribute is one of the values that exist`,
    async (scim) => {
      const attributes = await everyAttribute(scim)
      expect(attributes.length).toBeGreaterThan(50)
      for (const attribute of attributes) {
        const isExempt = characteristic === 'uniqueness' && attribute['uniqueness'] === undefined
        if (!isExempt)
          expect(allowed, textAt(attribute, 'name')).toContain(attribute[characteristic])
      }
    },
  )

check('RFC 7643 §7: every attribute has a name that section 2.1 allows', async (scim) => {
  for (const { name } of await everyAttribute(scim))
    expect(name).toMatch(/^(?:\$ref|[A-Za-z][A-Za-z0-9_-]*)$/)
})

check('RFC 7643 §7: required, multiValued and caseExact are booleans', async (scim) => {
  for (const { name, type, required, multiValued, caseExact } of await everyAttribute(scim)) {
    const flags = [required, multiValued, type === 'complex' ? false : caseExact]
    expect([name, flags.map((flag) => typeof flag)]).toEqual([name, Array(3).fill('boolean')])
  }
})

check('RFC 7643 §7: complex attributes have sub-attributes, others none', async (scim) => {
  for (const attribute of await everyAttribute(scim)) {
    const count = attributesOf(attribute, 'subAttributes').length
    expect([attribute['name'], count > 0]).toEqual([
      attribute['name'],
      attribute['type'] === 'complex',
    ])
  }
})

check('RFC 7643 §7: references say what they refer to', async (scim) => {
  for (const { name, type, referenceTypes } of await everyAttribute(scim))
    if (type === 'reference') expect([name, referenceTypes]).toEqual([name, expect.any(Array)])
})

check(
  'RFC 7643 §4.1.1: userName is required, unique on the server and ignores case',
  async (scim) => {
    expect(await attributeOf(scim, USER, 'userName')).toMatchObject({
      required: true,
      uniqueness: 'server',
      caseExact: false,
    })
  },
)

check(
  'RFC 7643 §4.2: displayName of a group is required where groups are matched by it',
  async (scim) => {
    expect(await attributeOf(scim, GROUP, 'displayName')).toMatchObject({
      required: true,
      uniqueness: 'server',
    })
  },
  'contract',
)

check(
  'RFC 7643 §2.3.7: references are case exact',
  async (scim) => {
    for (const { name, type, caseExact } of await everyAttribute(scim))
      if (type === 'reference') expect([name, caseExact]).toEqual([name, true])
  },
  'contract',
)

check('RFC 7643 §2.3.6: binary values are case exact', async (scim) => {
  for (const { name, type, caseExact } of await everyAttribute(scim))
    if (type === 'binary') expect([name, caseExact]).toEqual([name, true])
})

check('RFC 7643 §4.2: value and type of a member are immutable', async (scim) => {
  const members = await attributeOf(scim, GROUP, 'members')
  for (const name of ['value', 'type'])
    expect(
      attributesOf(members, 'subAttributes').find((inner) => inner['name'] === name),
    ).toMatchObject({ mutability: 'immutable' })
})

check(
  'Logic App 15: emails, phone numbers and addresses publish the types that mappings use',
  async (scim) => {
    const wanted = {
      emails: ['work', 'other'],
      phoneNumbers: ['work', 'mobile', 'fax'],
      addresses: ['work'],
    }
    for (const [name, types] of Object.entries(wanted)) {
      const subAttributes = attributesOf(await attributeOf(scim, USER, name), 'subAttributes')
      const type = subAttributes.find((inner) => inner['name'] === 'type')
      expect(type?.['canonicalValues']).toEqual(expect.arrayContaining(types))
    }
  },
)

check('Logic App 15: no property of a published schema is null', async (scim) => {
  const { text } = await scim.get('/Schemas')
  expect(text).not.toMatch(/:\s*null/)
})
