import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { at, resourcesOf, textAt } from '../client.ts'
import { expectError, expectList } from '../expectations.ts'
import { ENTERPRISE, GROUP, RESOURCE_TYPE, SCHEMA, SERVICE_PROVIDER_CONFIG, USER } from '../urns.ts'

check('RFC 7644 §4: ServiceProviderConfig is one resource that names its schema', async (scim) => {
  const { status, body } = await scim.get('/ServiceProviderConfig')
  expect(status).toBe(200)
  expect(body).toMatchObject({ schemas: [SERVICE_PROVIDER_CONFIG] })
})

for (const feature of ['patch', 'changePassword', 'sort', 'etag', 'filter', 'bulk'])
  check(`RFC 7643 §5: ServiceProviderConfig says whether ${feature} is supported`, async (scim) => {
    const { body } = await scim.get('/ServiceProviderConfig')
    expect(at(body, `${feature}.supported`)).toBeTypeOf('boolean')
  })

check(
  'RFC 7643 §5: ServiceProviderConfig tells the limits of bulk and of filters',
  async (scim) => {
    const { body } = await scim.get('/ServiceProviderConfig')
    for (const path of ['bulk.maxOperations', 'bulk.maxPayloadSize', 'filter.maxResults'])
      expect([path, at(body, path)]).toEqual([path, expect.any(Number)])
  },
)

check('RFC 7643 §5: authenticationSchemes have type, name and description', async (scim) => {
  const { body } = await scim.get('/ServiceProviderConfig')
  const schemes = body['authenticationSchemes'] as readonly JsonObject[]
  expect(schemes.length).toBeGreaterThan(0)
  for (const scheme of schemes)
    expect(scheme).toMatchObject({
      type: expect.stringMatching(/^(?:oauth|oauth2|oauthbearertoken|httpbasic|httpdigest)$/),
      name: expect.any(String),
      description: expect.any(String),
    })
})

check('RFC 7643 §5: meta says what ServiceProviderConfig is and where', async (scim) => {
  const { body } = await scim.get('/ServiceProviderConfig')
  expect(body['meta']).toMatchObject({
    resourceType: 'ServiceProviderConfig',
    location: `${scim.target.url}/ServiceProviderConfig`,
  })
})

const FEATURES = ['patch', 'bulk', 'filter', 'changePassword', 'sort', 'etag']
check(
  `Contract §3: ${FEATURES.join(', ')} and both ways of paging are advertised`,
  async (scim) => {
    const { body } = await scim.get('/ServiceProviderConfig')
    const advertised = FEATURES.filter((feature) => at(body, `${feature}.supported`) === true)
    expect(advertised).toEqual(FEATURES)
    expect(body['pagination']).toMatchObject({ cursor: true, index: true })
  },
  'contract',
)

check(
  'RFC 9865 §4: pagination says whether cursors and indexes are supported',
  async (scim) => {
    const { body } = await scim.get('/ServiceProviderConfig')
    expect(body['pagination']).toMatchObject({
      cursor: expect.any(Boolean),
      index: expect.any(Boolean),
    })
  },
  'cursor',
)

check(
  'RFC 9865 §4: page sizes, timeout and default method are of their types where told',
  async (scim) => {
    const { body } = await scim.get('/ServiceProviderConfig')
    for (const name of ['defaultPageSize', 'maxPageSize', 'cursorTimeout']) {
      const value = at(body, `pagination.${name}`) ?? 1
      expect([name, Number.isInteger(value) && Number(value) > 0]).toEqual([name, true])
    }
    expect(['cursor', 'index']).toContain(at(body, 'pagination.defaultPaginationMethod') ?? 'index')
  },
  'cursor',
)

check('RFC 7644 §4: ResourceTypes is a list', async (scim) => {
  const answer = await scim.get('/ResourceTypes')
  expect(expectList(answer)).toBe(resourcesOf(answer).length)
})

for (const [name, schema, endpoint] of [
  ['User', USER, '/Users'],
  ['Group', GROUP, '/Groups'],
] as const) {
  check(`RFC 7643 §6: the resource type ${name} tells its endpoint and schema`, async (scim) => {
    const found = resourcesOf(await scim.get('/ResourceTypes')).find(
      (type) => type['name'] === name,
    )
    expect(found).toMatchObject({
      schemas: [RESOURCE_TYPE],
      name,
      schema,
      endpoint: expect.stringMatching(new RegExp(`${endpoint}$`)),
      meta: { resourceType: 'ResourceType' },
    })
  })

  check(`RFC 7644 §4: the resource type ${name} can be read at its location`, async (scim) => {
    const [found] = resourcesOf(await scim.get('/ResourceTypes')).filter(
      (type) => type['name'] === name,
    )
    const read = await scim.get(textAt(found, 'meta.location'))
    expect([read.status, read.body]).toEqual([200, found])
  })

  check(`RFC 7644 §4: the endpoint of ${name} that is advertised answers`, async (scim) => {
    const types = resourcesOf(await scim.get('/ResourceTypes'))
    const found = types.find((type) => type['name'] === name)
    const path = textAt(found, 'endpoint').replace(/^.*(?=\/[^/]+$)/, '')
    expectList(await scim.get(`${path}?count=1`))
  })
}

check('RFC 7643 §6: the enterprise extension of User is listed and not required', async (scim) => {
  const types = resourcesOf(await scim.get('/ResourceTypes'))
  const user = types.find((type) => type['name'] === 'User')
  expect(user?.['schemaExtensions']).toContainEqual({ schema: ENTERPRISE, required: false })
})

check('RFC 7644 §4: every schema that a resource type names is in Schemas', async (scim) => {
  const types = resourcesOf(await scim.get('/ResourceTypes'))
  const ids = resourcesOf(await scim.get('/Schemas')).map(({ id }) => id)
  for (const type of types) {
    const extensions = (type['schemaExtensions'] ?? []) as readonly JsonObject[]
    for (const urn of [type['schema'], ...extensions.map(({ schema }) => schema)])
      expect(ids).toContain(urn)
  }
})

for (const urn of [USER, GROUP, ENTERPRISE])
  check(`RFC 7643 §7: the schema ${urn} can be read by its URN`, async (scim) => {
    const read = await scim.get(`/Schemas/${urn}`)
    expect(read.status).toBe(200)
    expect(read.body).toMatchObject({ id: urn, name: expect.any(String) })
    const listed = resourcesOf(await scim.get('/Schemas')).find(({ id }) => id === urn)
    expect(listed).toEqual(read.body)
  })

for (const path of ['/Schemas', '/ResourceTypes']) {
  check(`RFC 7644 §4: a filter on ${path} is refused with 403`, async (scim) => {
    expectError(await scim.query(path, 'id pr'), 403)
  })

  check(`RFC 7644 §4: ${path} ignores sorting, paging and projection`, async (scim) => {
    const plain = await scim.get(path)
    const more = '?sortBy=id&sortOrder=descending&startIndex=2&count=1&attributes=id'
    const asked = await scim.get(`${path}${more}`)
    expect([asked.status, asked.body]).toEqual([200, plain.body])
  })

  check(`RFC 7644 §4: an unknown id under ${path} is 404`, async (scim) => {
    expectError(await scim.get(`${path}/urn:nobody:knows`), 404)
  })
}

for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas'])
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    check(`RFC 7644 §4: ${method} ${path} is refused`, async (scim) => {
      const { status } = await scim.send(method, path, method === 'DELETE' ? undefined : {})
      expect([404, 405, 501]).toContain(status)
    })

check('RFC 7643 §7: schemas in the list name the Schema schema', async (scim) => {
  for (const schema of resourcesOf(await scim.get('/Schemas'))) {
    // RFC 7643 section 8.7 leaves "schemas" out of its own examples.
    expect(schema['schemas'] ?? [SCHEMA]).toEqual([SCHEMA])
    expect(schema['meta']).toMatchObject({ resourceType: 'Schema' })
  }
})
