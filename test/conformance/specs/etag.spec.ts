import { expect } from 'vitest'

import { check } from '../check.ts'
import { at, resourcesOf, textAt } from '../client.ts'
import { expectError, expectStatus, expectStored } from '../expectations.ts'

const OTHER = 'W/"cf-another-version"'
const title = (value: string) => [{ op: 'replace', path: 'title', value }]

for (const [endpoint, attribute] of [
  ['/Users', 'title'],
  ['/Groups', 'displayName'],
] as const) {
  const make = async (scim: Parameters<Parameters<typeof check>[1]>[0]) =>
    endpoint === '/Users' ? scim.user('ann') : scim.group('staff')

  check(
    `RFC 7644 §3.14: ETag of ${endpoint} equals meta.version`,
    async (scim) => {
      const { id } = await make(scim)
      const { headers, body } = await scim.get(`${endpoint}/${id}`)
      expect(headers.get('ETag')).toMatch(/^(?:W\/)?".+"$/)
      expect(at(body, 'meta.version')).toBe(headers.get('ETag'))
    },
    'etag',
  )

  check(
    `RFC 7644 §3.14: every change of ${endpoint} makes a new version`,
    async (scim) => {
      const made = await make(scim)
      const versions = [at(made, 'meta.version')]
      for (const value of ['a', 'b']) {
        await scim.patch(`${endpoint}/${made.id}`, [
          { op: 'replace', path: attribute, value: scim.name(value) },
        ])
        versions.push(at((await scim.get(`${endpoint}/${made.id}`)).body, 'meta.version'))
      }
      expect(new Set(versions).size).toBe(3)
    },
    'etag',
  )

  check(
    `RFC 7644 §3.14: PATCH of ${endpoint} under an old version is 412 and changes nothing`,
    async (scim) => {
      const made = await make(scim)
      const operations = [{ op: 'replace', path: attribute, value: scim.name('new') }]
      const refused = await scim.patch(`${endpoint}/${made.id}`, operations, { 'If-Match': OTHER })
      expectError(refused, 412)
      expect((await scim.get(`${endpoint}/${made.id}`)).body).toEqual(made)
    },
    'etag',
  )

  check(
    `RFC 7644 §3.14: PUT of ${endpoint} under an old version is 412`,
    async (scim) => {
      const made = await make(scim)
      expectError(await scim.put(`${endpoint}/${made.id}`, made, { 'If-Match': OTHER }), 412)
    },
    'etag',
  )

  check(
    `RFC 7644 §3.14: DELETE of ${endpoint} under an old version is 412 and deletes nothing`,
    async (scim) => {
      const { id } = await make(scim)
      expectError(await scim.delete(`${endpoint}/${id}`, { 'If-Match': OTHER }), 412)
      expectStatus(await scim.get(`${endpoint}/${id}`), 200)
    },
    'etag',
  )

  check(
    `RFC 7644 §3.14: PATCH, PUT and DELETE of ${endpoint} under the current version go on`,
    async (scim) => {
      const made = await make(scim)
      const path = `${endpoint}/${made.id}`
      const current = async () => ({ 'If-Match': (await scim.get(path)).headers.get('ETag') ?? '' })
      const operations = [{ op: 'replace', path: attribute, value: scim.name('new') }]
      expectStatus(await scim.patch(path, operations, await current()), 200, 204)
      expectStatus(await scim.put(path, made, await current()), 200)
      expectStatus(await scim.delete(path, await current()), 204)
    },
    'etag',
  )

  check(
    `RFC 7644 §3.14: GET of ${endpoint} is 304 while the version is the one that is known`,
    async (scim) => {
      const { id } = await make(scim)
      const path = `${endpoint}/${id}`
      const version = (await scim.get(path)).headers.get('ETag') ?? ''
      const same = await scim.get(path, { 'If-None-Match': version })
      expect([same.status, same.text, same.headers.get('ETag')]).toEqual([304, '', version])
      expectStatus(await scim.get(path, { 'If-None-Match': OTHER }), 200)
    },
    'etag',
  )
}

const MATCHING = {
  'any version': () => '*',
  'a list that holds the version': (version: string) => `${OTHER}, ${version}`,
}
for (const [what, header] of Object.entries(MATCHING))
  check(
    `RFC 9110 §13.1.1: If-Match with ${what} lets a change go on`,
    async (scim) => {
      const user = await scim.user('ann')
      const version = textAt(user, 'meta.version')
      const patched = await scim.patch(`/Users/${user.id}`, title('x'), {
        'If-Match': header(version),
      })
      expectStatus(patched, 200, 204)
      await expectStored(scim, `/Users/${user.id}`, { title: 'x' })
    },
    'etag',
  )

check(
  'RFC 9110 §13.1.1: If-Match on what does not exist is no change',
  async (scim) => {
    expectStatus(await scim.patch('/Users/cf-nobody', title('x'), { 'If-Match': '*' }), 404, 412)
  },
  'etag',
)

check(
  'RFC 9110 §13.1.2: If-None-Match: * on a GET is 304',
  async (scim) => {
    const { id } = await scim.user('ann')
    expectStatus(await scim.get(`/Users/${id}`, { 'If-None-Match': '*' }), 304)
  },
  'etag',
)

check(
  'RFC 9110 §13.1.2: If-None-Match with the current version refuses a change',
  async (scim) => {
    const user = await scim.user('ann')
    const header = { 'If-None-Match': textAt(user, 'meta.version') }
    expectError(await scim.patch(`/Users/${user.id}`, title('x'), header), 412)
  },
  'etag',
  'contract',
)

check(
  'RFC 7644 §3.14: POST tells the version of what it created',
  async (scim) => {
    const user = await scim.user('ann')
    const { headers } = await scim.get(`/Users/${user.id}`)
    expect(headers.get('ETag')).toBe(at(user, 'meta.version'))
  },
  'etag',
)

check(
  'RFC 7644 §3.14: a list tells the version of each resource',
  async (scim) => {
    const user = await scim.user('ann')
    const [listed] = resourcesOf(await scim.query('/Users', `id eq "${user.id}"`))
    expect(at(listed, 'meta.version')).toBe(at(user, 'meta.version'))
  },
  'etag',
)

check(
  'RFC 7644 §3.14: of two changes under one version, one goes on',
  async (scim) => {
    const user = await scim.user('ann')
    const header = { 'If-Match': textAt(user, 'meta.version') }
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((value) => scim.patch(`/Users/${user.id}`, title(value), header)),
    )
    const statuses = answers.map(({ status }) => (status === 412 ? '412' : '2xx'))
    expect(statuses.toSorted()).toEqual(['2xx', '412', '412', '412'].toSorted())
  },
  'etag',
)

check('RFC 7644 §3.14: nobody has to send If-Match', async (scim) => {
  const { id } = await scim.user('ann')
  expectStatus(await scim.patch(`/Users/${id}`, title('x')), 200, 204)
  expectStatus(await scim.delete(`/Users/${id}`), 204)
})
