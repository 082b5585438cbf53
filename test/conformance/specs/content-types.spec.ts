import { expect } from 'vitest'

import { check } from '../check.ts'
import { newUser } from '../client.ts'
import { expectStatus } from '../expectations.ts'
import { BULK_REQUEST } from '../urns.ts'

const ANSWERS = [
  ['GET', '/Users?count=1'],
  ['GET', '/Groups?count=1'],
  ['GET', '/Schemas'],
  ['GET', '/ResourceTypes'],
  ['GET', '/ServiceProviderConfig'],
  ['GET', '/Users/cf-nobody'],
  ['GET', '/Users?filter=nonsense'],
  ['GET', '/Nothing'],
  ['GET', '/Me'],
  ['POST', '/Users'],
  ['PATCH', '/Users/cf-nobody'],
  ['DELETE', '/Users/cf-nobody'],
  ['POST', '/Users/.search'],
  ['POST', '/.search'],
  ['POST', '/Bulk'],
] as const
for (const [method, path] of ANSWERS)
  check(
    `RFC 7644 §3.1, Rule 9: the answer to ${method} ${path} is application/scim+json`,
    async (scim) => {
      const body = { '/Bulk': { schemas: [BULK_REQUEST], Operations: [] } }[path as string] ?? {}
      const answer = await scim.send(method, path, /GET|DELETE/.test(method) ? undefined : body)
      const expected = scim.target.isIsthmus
        ? /^application\/scim\+json$/
        : /^application\/scim\+json/
      expect(answer.headers.get('Content-Type')).toMatch(expected)
    },
  )

check('Rule 9: the answer to a refused credential is application/scim+json', async (scim) => {
  const { headers } = await scim.get('/Users', { Authorization: 'Bearer x' })
  expect(headers.get('Content-Type')).toMatch(/^application\/scim\+json/)
})

const SENT = [
  'application/scim+json',
  'application/scim+json; charset=utf-8',
  'application/scim+json;charset=UTF-8',
  'application/json',
  'application/json; charset=utf-8',
  'Application/SCIM+JSON',
  'none',
]
for (const type of SENT)
  check(`RFC 7644 §3.1, Q22: a body of type ${type} is read`, async (scim) => {
    const body = new TextEncoder().encode(JSON.stringify(newUser(scim.name('ann'))))
    expectStatus(await scim.send('POST', '/Users', body, { 'Content-Type': type }), 201)
  })

for (const type of ['text/plain', 'application/xml', 'multipart/form-data', 'application/jsonp'])
  check(`RFC 9110 §15.5.16: a body of type ${type} is 415`, async (scim) => {
    const refused = await scim.post('/Users', newUser(scim.name('ann')), { 'Content-Type': type })
    expectStatus(refused, 415)
  })

const ACCEPTED = [
  'none',
  '*/*',
  'application/scim+json',
  'application/json',
  'application/json, text/plain',
]
for (const accept of ACCEPTED)
  check(`RFC 7644 §3.8, Q22: a GET with Accept: ${accept} is answered`, async (scim) => {
    const answer = await scim.get('/Users?count=1', { Accept: accept })
    expectStatus(answer, 200)
    expect(answer.headers.get('Content-Type')).toMatch(/^application\/(?:scim\+)?json/)
  })

check('RFC 7644 §3.8: texts are UTF-8', async (scim) => {
  const user = await scim.user('ann', { displayName: 'Zoë 東京' })
  expect((await scim.get(`/Users/${user.id}`)).text).toContain('Zoë 東京')
})

check('RFC 7644 §3.1, Q22: headers that Entra adds do not matter', async (scim) => {
  const headers = { ADSCIMVersion: '5.0 1234', 'client-request-id': 'x', Accept: 'none' }
  expectStatus(await scim.get('/Users?count=1', headers), 200)
})
