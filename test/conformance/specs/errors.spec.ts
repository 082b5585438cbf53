import { expect } from 'vitest'

import { check } from '../check.ts'
import { newUser, type Answer, type Scim } from '../client.ts'
import { expectError, expectStatus } from '../expectations.ts'

const BAD_TOKENS = {
  'no Authorization header': 'none',
  'a token that nobody issued': 'Bearer nobody-issued-this',
  'another scheme': 'Basic YTpi',
  'an empty token': 'Bearer ',
}
for (const [what, Authorization] of Object.entries(BAD_TOKENS))
  check(`RFC 7644 §2: a request with ${what} is 401 and told how to authenticate`, async (scim) => {
    const refused = await scim.get('/Users?count=1', { Authorization })
    expectError(refused, 401)
    expect(refused.headers.get('WWW-Authenticate')).toMatch(/^Bearer/)
  })

check('RFC 6750 §2.1: the scheme Bearer ignores case', async (scim) => {
  const Authorization = `bearer ${scim.target.token}`
  expectStatus(await scim.get('/Users?count=1', { Authorization }), 200)
})

check('RFC 7644 §2: a write without a credential changes nothing', async (scim) => {
  const { id } = await scim.user('ann')
  expectError(await scim.delete(`/Users/${id}`, { Authorization: 'none' }), 401)
  expectStatus(await scim.get(`/Users/${id}`), 200)
})

check('RFC 7644 §3.12: a path that nobody knows is 404', async (scim) => {
  expectError(await scim.get('/Printers'), 404)
})

const WRONG_METHODS = [
  ['DELETE', '/Users'],
  ['PUT', '/Users'],
  ['PATCH', '/Groups'],
  ['GET', '/Users/.search'],
] as const
for (const [method, path] of WRONG_METHODS)
  check(`RFC 7644 §3.2: ${method} ${path} is not offered`, async (scim) => {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {}
    const { status } = await scim.send(method, path, body)
    expect([404, 405, 501]).toContain(status)
  })

check(
  'RFC 9110 §15.5.6: 405 names the methods that are allowed',
  async (scim) => {
    const refused = await scim.delete('/Users')
    expectError(refused, 405)
    expect(refused.headers.get('Allow')).toContain('POST')
  },
  'contract',
)

for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
  check(
    `RFC 7644 §3.11: ${method} /Me is 501 where it is not supported`,
    async (scim) => {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {}
      expectError(await scim.send(method, '/Me', body), 501)
    },
    'contract',
  )

const BAD_BODIES = {
  'no JSON': '{"userName": ',
  junk: 'asdf',
  'an array': '[]',
  'a text': '"x"',
  'a number': '7',
  null: 'null',
  nothing: '',
  'two documents': '{}{}',
}
for (const [what, body] of Object.entries(BAD_BODIES))
  check(`RFC 7644 §3.12: a body that is ${what} is invalidSyntax`, async (scim) => {
    expectError(await scim.post('/Users', body), 400, 'invalidSyntax')
  })

const BAD_PATCHES = {
  'is no PatchOp': { userName: 'x' },
  'has operations that are no array': { Operations: { op: 'add' } },
  'has an operation without op': { Operations: [{ path: 'title', value: 'x' }] },
  'has an op that nobody knows': { Operations: [{ op: 'move', path: 'title', value: 'x' }] },
  'has an operation that is a text': { Operations: ['add'] },
  'has a path that is a number': { Operations: [{ op: 'add', path: 7, value: 'x' }] },
}
for (const [what, body] of Object.entries(BAD_PATCHES))
  check(`RFC 7644 §3.5.2: a PATCH that ${what} is invalidSyntax`, async (scim) => {
    const { id } = await scim.user('ann')
    expectError(await scim.send('PATCH', `/Users/${id}`, body), 400, 'invalidSyntax')
  })

const FILTERS = {
  'no operator': 'userName',
  'no value': 'userName eq',
  'an operator that nobody knows': 'userName is "x"',
  'an open text': 'userName eq "x',
  'an open parenthesis': '(userName eq "x"',
  'a parenthesis too many': 'userName eq "x")',
  'an open bracket': 'emails[type eq "work"',
  'nothing after and': 'userName eq "x" and',
  'two values': 'userName eq "x" "y"',
  'no filter in it': '""',
  'an attribute that nobody knows': 'shoeSize eq "42"',
  'an unknown attribute of a known schema':
    'urn:ietf:params:scim:schemas:core:2.0:User:shoeSize eq "42"',
  'a sub-attribute that nobody knows': 'name.nobody eq "x"',
  'a sub-attribute of a text': 'title.value eq "x"',
  'a sub-attribute that nobody knows in brackets': 'emails[nobody eq "x"]',
}
for (const [what, filter] of Object.entries(FILTERS))
  check(`RFC 7644 §3.4.2.2: a filter with ${what} is invalidFilter`, async (scim) => {
    expectError(await scim.query('/Users', filter), 400, 'invalidFilter')
  })

check(
  'RFC 7644 §3.4.2.2: the detail of invalidFilter says where the filter stops making sense',
  async (scim) => {
    const { body } = await scim.query('/Users', 'userName eq "x" nand title pr')
    expect(body['detail']).toMatch(/nand|character 1[67]/)
  },
  'contract',
)

const SCIM_TYPES: Readonly<Record<string, (scim: Scim, path: string) => Promise<Answer>>> = {
  invalidPath: (scim, path) => scim.patch(path, [{ op: 'replace', path: 'a b', value: 1 }]),
  noTarget: (scim, path) =>
    scim.patch(path, [{ op: 'replace', path: 'emails[value co "nobody"].value', value: 'a@b.c' }]),
  mutability: (scim, path) => scim.patch(path, [{ op: 'replace', path: 'id', value: 'x' }]),
  invalidValue: (scim, path) => scim.patch(path, [{ op: 'replace', path: 'active', value: 'no' }]),
  invalidSyntax: (scim, path) => scim.send('PATCH', path, { Operations: 7 }),
  invalidFilter: (scim) => scim.query('/Users', 'userName ~ "x"'),
}
for (const [scimType, provoke] of Object.entries(SCIM_TYPES))
  check(`RFC 7644 §3.12: the scimType ${scimType} is answered with 400`, async (scim) => {
    const { id } = await scim.user('ann')
    expectError(await provoke(scim, `/Users/${id}`), 400, scimType)
  })

check('RFC 7644 §3.12: the scimType uniqueness is answered with 409', async (scim) => {
  await scim.user('ann')
  expectError(await scim.post('/Users', newUser(scim.name('ann'))), 409, 'uniqueness')
})

check(
  'RFC 7644 §3.12: an error is answered in the format of SCIM, whatever Accept says',
  async (scim) => {
    expectError(await scim.get('/Users/cf-nobody', { Accept: 'text/html' }), 404)
  },
)

check(
  'Contract §2: every answer carries X-Request-Id, errors too',
  async (scim) => {
    const paths = ['/Users?count=1', '/Users/cf-nobody', '/Printers', '/ServiceProviderConfig']
    const answers = await Promise.all(paths.map((path) => scim.get(path)))
    const ids = answers.map(({ headers }) => headers.get('X-Request-Id'))
    expect(new Set(ids).size).toBe(paths.length)
    expect(ids).not.toContain(null)
  },
  'contract',
)
