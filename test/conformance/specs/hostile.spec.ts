import { expect } from 'vitest'

import { check } from '../check.ts'
import { newUser, type Scim } from '../client.ts'
import { expectError, expectStatus } from '../expectations.ts'

/** The server goes on, and knows no more of the request than that it was wrong. */
async function expectRefused(scim: Scim, answer: { status: number; text: string }): Promise<void> {
  expect(answer.status, answer.text).toBeGreaterThanOrEqual(400)
  expect(answer.status, answer.text).toBeLessThan(500)
  expect(answer.text).not.toMatch(/node_modules|\bat \w+ \(|SQLITE|D1_ERROR|TypeError|SyntaxError/)
  expectStatus(await scim.get('/Users?count=1'), 200)
}

const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

const BODIES: Readonly<Record<string, string | Uint8Array>> = {
  '10,000 levels of objects': nested(10_000),
  '100,000 levels of arrays': '['.repeat(100_000) + ']'.repeat(100_000),
  'an open string': '{"userName":"',
  'bytes that are no UTF-8': new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  'a number too large for JSON': '{"userName": 1e999}',
  'a userName of objects': '{"userName": {"$ne": null}}',
  'a userName of arrays': '{"userName": ["a", "b"]}',
}
for (const [what, body] of Object.entries(BODIES))
  check(`RFC 7644 §7.8: a body of ${what} is refused`, async (scim) => {
    await expectRefused(scim, await scim.post('/Users', body))
  })

check('RFC 7644 §7.8: a body of 5 MB is refused', async (scim) => {
  const body = { ...newUser(scim.name('a')), title: 'x'.repeat(5 * 1024 * 1024) }
  await expectRefused(scim, await scim.post('/Users', body))
})

check(
  'Contract §3: a body that is too large is 413',
  async (scim) => {
    const body = { ...newUser(scim.name('a')), title: 'x'.repeat(2 * 1024 * 1024) }
    expectError(await scim.post('/Users', body), 413)
  },
  'contract',
)

for (const name of ['__proto__', 'constructor', 'prototype', 'toString'])
  check(`RFC 7644 §7.8: an attribute called ${name} does no harm`, async (scim) => {
    const text = JSON.stringify(newUser(scim.name('a'))).slice(0, -1)
    const { status } = await scim.post('/Users', `${text},"${name}":{"isAdmin":true}}`)
    expect([201, 400]).toContain(status)
    const user = await scim.user('b')
    expect(user).not.toHaveProperty('isAdmin')
  })

for (const path of [
  '__proto__.x',
  'constructor.prototype.x',
  'name.__proto__',
  '__proto__[x eq "y"].z',
])
  check(`RFC 7644 §7.8: a PATCH of the path ${path} does no harm`, async (scim) => {
    const user = await scim.user('a')
    const { status } = await scim.patch(`/Users/${user.id}`, [{ op: 'add', path, value: 'evil' }])
    expect([200, 204, 400]).toContain(status)
    expect((await scim.get(`/Users/${user.id}`)).text).not.toContain('evil')
  })

const FILTERS: Readonly<Record<string, string>> = {
  '5,000 open parentheses': '('.repeat(5000),
  '3,000 negations': `${'not ('.repeat(3000)}active eq true${')'.repeat(3000)}`,
  '2,000 terms': Array.from({ length: 2000 }, (_, i) => `title eq "${i}"`).join(' or '),
  'a text that ends in a backslash': 'userName eq "x\\',
  'a NUL': 'userName eq "\u0000" and',
  SQL: `userName eq "x" UNION SELECT * FROM user`,
  'a bracket in a bracket': 'emails[type eq "work"[value eq "x"]]',
  'the name of a prototype': '__proto__ eq "x"',
}
for (const [what, filter] of Object.entries(FILTERS))
  check(`RFC 7644 §7.8: a filter of ${what} is refused`, async (scim) => {
    // As a search, because some are too long for a URL.
    await expectRefused(scim, await scim.post('/Users/.search', { filter }))
  })

for (const text of [`' OR '1'='1`, `"; DROP TABLE user; --`, '%', '_', '*', '\\', '${7*7}'])
  check(`RFC 7644 §7.8: the text ${text} in a filter finds nobody`, async (scim) => {
    await scim.user('a')
    const answer = await scim.query('/Users', `userName eq ${JSON.stringify(text)}`)
    expect([answer.status, answer.body['totalResults']]).toEqual([200, 0])
  })

for (const id of [
  '..%2f..%2fGroups',
  '%00',
  "'%20OR%201=1",
  '%F0%9F%8E%89',
  'x'.repeat(3000),
  '%E0%A4%A',
])
  check(`RFC 7644 §3.12: the id ${id.slice(0, 20)} is nobody's`, async (scim) => {
    const { status } = await scim.get(`/Users/${id}`)
    expect([400, 404, 414]).toContain(status)
  })

check(
  'RFC 7644 §3.12: parameters that nobody knows, or twice, are no server error',
  async (scim) => {
    for (const query of [
      '?x',
      '?x=1&x=2',
      '?count=1&count=2',
      '?filter=',
      '?attributes=%00',
      '?&&=&',
    ])
      expect([query, (await scim.get(`/Users${query}`)).status < 500]).toEqual([query, true])
  },
)

check(
  'RFC 7644 §7.8: a PATCH of 5,000 operations is done or refused, never half done',
  async (scim) => {
    const user = await scim.user('a')
    const operations = Array.from({ length: 5000 }, (_, i) => ({
      op: 'add',
      path: 'title',
      value: `${i}`,
    }))
    const { status } = await scim.patch(`/Users/${user.id}`, operations)
    expect([200, 204, 400, 413]).toContain(status)
    const { body } = await scim.get(`/Users/${user.id}`)
    expect(body['title']).toBe(status < 300 ? '4999' : undefined)
  },
)

check('RFC 7644 §7.8: an attribute name of 100,000 characters is no server error', async (scim) => {
  const { status } = await scim.get(`/Users?count=1&attributes=${'x'.repeat(10_000)}`)
  expect(status).toBeLessThan(500)
  const body = { ...newUser(scim.name('a')), ['y'.repeat(100_000)]: 1 }
  expect((await scim.post('/Users', body)).status).toBeLessThan(500)
})

check('RFC 7644 §7.8: of two creates of one name at once, one is done', async (scim) => {
  const body = newUser(scim.name('a'))
  const answers = await Promise.all([1, 2, 3, 4].map(() => scim.post('/Users', body)))
  expect(answers.map(({ status }) => `${status}`).toSorted()).toEqual(['201', '409', '409', '409'])
})

check('RFC 7644 §7.8: the answer to a wrong token tells nothing of the token', async (scim) => {
  const { text } = await scim.get('/Users', { Authorization: 'Bearer cf-secret-of-somebody' })
  expect(text).not.toContain('cf-secret-of-somebody')
})
