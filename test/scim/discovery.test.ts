import { describe, expect, it } from 'vitest'
import {
  findDocument,
  resourceTypeDocuments,
  schemaDocuments,
  serviceProviderConfig,
  type Features,
} from '../../src/scim/discovery.ts'
import { RESOURCE_TYPES } from '../../src/scim/resource-types.ts'
import { ENTERPRISE_USER_URN, GROUP_URN, USER_URN } from '../../src/scim/urns.ts'

const BASE = 'https://scim.example.com/scim/v2'
const LEAST: Features = {
  maxResults: 100,
  sort: false,
  etag: false,
  changePassword: false,
  authenticationSchemes: [
    { type: 'oauthbearertoken', name: 'Bearer', description: 'A token', primary: true },
  ],
}

describe('serviceProviderConfig', () => {
  it('says what is not supported', () => {
    expect(serviceProviderConfig(LEAST, BASE)).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
      sort: { supported: false },
      etag: { supported: false },
      changePassword: { supported: false },
      pagination: { cursor: false, index: true, maxPageSize: 100 },
      meta: { location: `${BASE}/ServiceProviderConfig` },
    })
  })

  it('says what is supported', () => {
    const features: Features = {
      ...LEAST,
      sort: true,
      bulk: { maxOperations: 100, maxPayloadSize: 1048576 },
      cursorPaging: { defaultPageSize: 50, timeoutSeconds: 3600 },
    }
    expect(serviceProviderConfig(features, BASE)).toMatchObject({
      bulk: { supported: true, maxOperations: 100, maxPayloadSize: 1048576 },
      sort: { supported: true },
      pagination: { cursor: true, defaultPageSize: 50, cursorTimeout: 3600 },
    })
  })
})

describe('schemas and resource types', () => {
  const schemas = schemaDocuments(RESOURCE_TYPES, BASE)
  const types = resourceTypeDocuments(RESOURCE_TYPES, BASE)

  it('lists each schema and resource type once', () => {
    expect(schemas.map(({ id }) => id)).toEqual([USER_URN, ENTERPRISE_USER_URN, GROUP_URN])
    expect(types.map(({ id }) => id)).toEqual(['User', 'Group'])
  })

  it('finds one by id or name in any case', () => {
    expect(findDocument(schemas, USER_URN.toUpperCase())).toBe(schemas[0])
    expect(findDocument(types, 'group')).toBe(types[1])
    expect(findDocument(types, 'Device')).toBeUndefined()
  })

  it('gives extensions of a type and canonical values of an attribute', () => {
    expect(findDocument(types, 'User')).toMatchObject({
      schema: USER_URN,
      endpoint: '/Users',
      schemaExtensions: [{ schema: ENTERPRISE_USER_URN, required: false }],
    })
    expect(JSON.stringify(findDocument(schemas, USER_URN))).toContain('"canonicalValues":["work"')
  })

  it('holds no null and no undefined, which Entra rejects', () => {
    const documents = { schemas, types, config: serviceProviderConfig(LEAST, BASE) }
    expect(JSON.stringify(documents)).not.toContain('null')
    expect(JSON.parse(JSON.stringify(documents))).toStrictEqual(documents)
  })
})
