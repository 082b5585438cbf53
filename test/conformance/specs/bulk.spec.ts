import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { at, newUser, type Answer, type Scim, textAt } from '../client.ts'
import { expectError, expectStatus } from '../expectations.ts'
import { BULK_REQUEST, BULK_RESPONSE, ERROR, GROUP } from '../urns.ts'

type Operation = Readonly<Record<string, unknown>>

const bulk = (scim: Scim, Operations: readonly Operation[], more: object = {}): Promise<Answer> =>
  scim.post('/Bulk', { schemas: [BULK_REQUEST], Operations, ...more })

const createUser = (scim: Scim, name: string): Operation => ({
  method: 'POST',
  path: '/Users',
  bulkId: name,
  data: newUser(scim.name(name)),
})

function results(answer: Answer): readonly JsonObject[] {
  expectStatus(answer, 200)
  return answer.body['Operations'] as readonly JsonObject[]
}
const statuses = (answer: Answer): string[] =>
  results(answer).map((result) => textAt(result, 'status'))
const idOf = (operation: JsonObject | undefined): string =>
  textAt(operation, 'location').split('/').at(-1) ?? ''

check(
  'RFC 7644 §3.7: a bulk is answered 200 with a BulkResponse',
  async (scim) => {
    const answer = await bulk(scim, [createUser(scim, 'ann')])
    expectStatus(answer, 200)
    expect(answer.body['schemas']).toEqual([BULK_RESPONSE])
    expect(answer.headers.get('Content-Type')).toMatch(/^application\/scim\+json/)
  },
  'bulk',
)

check(
  'RFC 7644 §3.7: a POST in a bulk creates, and tells location, bulkId, method and status',
  async (scim) => {
    const answer = await bulk(scim, [createUser(scim, 'ann')])
    const [result] = results(answer)
    expect(result).toMatchObject({
      method: 'POST',
      bulkId: 'ann',
      status: '201',
      location: expect.stringContaining(`${scim.target.url}/Users/`),
    })
    const { body } = await scim.get(`/Users/${idOf(result)}`)
    expect(body['userName']).toBe(scim.name('ann'))
  },
  'bulk',
)

check(
  'RFC 7644 §3.7: an operation of a bulk tells the version of its resource',
  async (scim) => {
    const [result] = results(await bulk(scim, [createUser(scim, 'ann')]))
    const { headers } = await scim.get(`/Users/${idOf(result)}`)
    expect(result?.['version']).toBe(headers.get('ETag'))
  },
  'bulk',
  'etag',
)

check(
  'RFC 7644 §3.7: PUT, PATCH and DELETE work in a bulk',
  async (scim) => {
    const [ann, bob, cid] = [await scim.user('ann'), await scim.user('bob'), await scim.user('cid')]
    const answer = await bulk(scim, [
      { method: 'PUT', path: `/Users/${ann.id}`, data: { ...ann, title: 'put' } },
      {
        method: 'PATCH',
        path: `/Users/${bob.id}`,
        data: { Operations: [{ op: 'replace', path: 'title', value: 'patched' }] },
      },
      { method: 'DELETE', path: `/Users/${cid.id}` },
    ])
    expect(statuses(answer)).toEqual(['200', expect.stringMatching(/^20[04]$/), '204'])
    expect((await scim.get(`/Users/${ann.id}`)).body).toMatchObject({ title: 'put' })
    expect((await scim.get(`/Users/${bob.id}`)).body).toMatchObject({ title: 'patched' })
    expectError(await scim.get(`/Users/${cid.id}`), 404)
  },
  'bulk',
)

check(
  'RFC 7644 §3.7: operations are answered in the order in which they were sent',
  async (scim) => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const answer = await bulk(
      scim,
      names.map((name) => createUser(scim, name)),
    )
    expect(results(answer).map(({ bulkId }) => bulkId)).toEqual(names)
  },
  'bulk',
)

check(
  'RFC 7644 §3.7: groups and users may be in one bulk',
  async (scim) => {
    const group = { schemas: [GROUP], displayName: scim.name('staff') }
    const answer = await bulk(scim, [
      createUser(scim, 'ann'),
      { method: 'POST', path: '/Groups', bulkId: 'g', data: group },
    ])
    expect(statuses(answer)).toEqual(['201', '201'])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7: an empty bulk is answered or refused',
  async (scim) => {
    expectStatus(await bulk(scim, []), 200, 400)
  },
  'bulk',
)

check(
  'RFC 7644 §3.7: a failed operation tells its error, the others go on',
  async (scim) => {
    const taken = await scim.user('taken')
    const twin = { ...createUser(scim, 'twin'), data: newUser(textAt(taken, 'userName')) }
    const answer = await bulk(scim, [createUser(scim, 'ann'), twin, createUser(scim, 'bob')])
    expect(statuses(answer)).toEqual(['201', '409', '201'])
    expect(results(answer)[1]).toMatchObject({
      bulkId: 'twin',
      response: { schemas: [ERROR], status: '409', scimType: 'uniqueness' },
    })
    expect(results(answer)[1]).not.toHaveProperty('location')
  },
  'bulk',
)

const FAILING = { method: 'DELETE', path: '/Users/cf-nobody' }
for (const [failOnErrors, done] of [
  [1, 2],
  [2, 4],
  [3, 5],
] as const)
  check(
    `RFC 7644 §3.7: failOnErrors ${failOnErrors} ends the bulk after that many errors`,
    async (scim) => {
      const operations = [
        createUser(scim, 'a'),
        FAILING,
        createUser(scim, 'b'),
        FAILING,
        createUser(scim, 'c'),
      ]
      const answer = await bulk(scim, operations, { failOnErrors })
      expectStatus(answer, 200)
      expect(statuses(answer)).toEqual(['201', '404', '201', '404', '201'].slice(0, done))
      const made = await scim.query('/Users', `userName sw "${scim.prefix}-"`)
      expect(made.body['totalResults']).toBe(Math.ceil(done / 2))
    },
    'bulk',
  )

check(
  'RFC 7644 §3.7: without failOnErrors every operation is tried',
  async (scim) => {
    const answer = await bulk(scim, [FAILING, FAILING, FAILING, createUser(scim, 'a')])
    expect(statuses(answer)).toEqual(['404', '404', '404', '201'])
  },
  'bulk',
)

const BAD_OPERATIONS: Readonly<Record<string, (scim: Scim) => Operation>> = {
  'a method that nobody knows': (scim) => ({ ...createUser(scim, 'a'), method: 'MOVE' }),
  'no method': (scim) => ({ ...createUser(scim, 'a'), method: undefined }),
  'no path': (scim) => ({ ...createUser(scim, 'a'), path: undefined }),
  'a path that nobody knows': (scim) => ({ ...createUser(scim, 'a'), path: '/Printers' }),
  'a POST without bulkId': (scim) => ({ ...createUser(scim, 'a'), bulkId: undefined }),
  'a POST without data': (scim) => ({ ...createUser(scim, 'a'), data: undefined }),
  'a POST to a resource': (scim) => ({ ...createUser(scim, 'a'), path: '/Users/x' }),
  'a DELETE of a collection': () => ({ method: 'DELETE', path: '/Users' }),
  'a bulk in the bulk': () => ({ method: 'POST', path: '/Bulk', bulkId: 'b', data: {} }),
}
for (const [what, operation] of Object.entries(BAD_OPERATIONS))
  check(
    `RFC 7644 §3.7: an operation with ${what} is refused, as a whole or alone`,
    async (scim) => {
      const answer = await bulk(scim, [operation(scim)])
      const refused = answer.status === 200 ? statuses(answer)[0] : String(answer.status)
      expect(refused).toMatch(/^(?:400|404|405|501)$/)
    },
    'bulk',
  )

const BAD_BULKS = {
  'operations that are no array': { Operations: 'x' },
  'no operations': {},
  'failOnErrors that is no number': { Operations: [], failOnErrors: 'many' },
}
for (const [what, body] of Object.entries(BAD_BULKS))
  check(
    `RFC 7644 §3.7: a bulk with ${what} is invalidSyntax`,
    async (scim) => {
      const refused = await scim.post('/Bulk', { schemas: [BULK_REQUEST], ...body })
      expectError(refused, 400, 'invalidSyntax')
    },
    'bulk',
    'contract',
  )

check(
  'RFC 7644 §3.7.4: more operations than maxOperations are 413',
  async (scim) => {
    const { body } = await scim.get('/ServiceProviderConfig')
    const limit = Number(at(body, 'bulk.maxOperations'))
    expect(limit).toBeGreaterThan(0)
    const operations = Array.from({ length: limit + 1 }, () => FAILING)
    expectError(await bulk(scim, operations), 413)
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.4: a larger body than maxPayloadSize is 413',
  async (scim) => {
    const { body } = await scim.get('/ServiceProviderConfig')
    const limit = Number(at(body, 'bulk.maxPayloadSize'))
    expect(limit).toBeGreaterThan(0)
    const data = { ...newUser(scim.name('a')), title: 'x'.repeat(limit) }
    expectError(await bulk(scim, [{ method: 'POST', path: '/Users', bulkId: 'a', data }]), 413)
  },
  'bulk',
)

check(
  'RFC 7644 §3.7: an operation under an old version is 412',
  async (scim) => {
    const ann = await scim.user('ann')
    const data = { Operations: [{ op: 'replace', path: 'title', value: 'x' }] }
    const answer = await bulk(scim, [
      { method: 'PATCH', path: `/Users/${ann.id}`, version: 'W/"cf-old"', data },
    ])
    expect(statuses(answer)).toEqual(['412'])
  },
  'bulk',
  'etag',
)
