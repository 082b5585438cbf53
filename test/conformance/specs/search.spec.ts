import { expect } from 'vitest'

import { check, shared } from '../check.ts'
import type { Answer } from '../client.ts'
import { expectError, expectList, expectStatus, idsIn } from '../expectations.ts'
import { SEARCH_REQUEST } from '../urns.ts'

const world = shared(async (scim) => {
  const ann = await scim.user('ann')
  await scim.user('bob')
  const group = await scim.group('staff')
  return { scim, ann, group }
})

async function search(path: string, request: object): Promise<Answer> {
  const { scim } = await world()
  return scim.post(path, { schemas: [SEARCH_REQUEST], ...request })
}

check('RFC 7644 §3.4.3: POST /Users/.search finds users by a filter', async () => {
  const { scim, ann } = await world()
  const answer = await search('/Users/.search', { filter: `userName eq "${scim.name('ann')}"` })
  expect(expectList(answer)).toBe(1)
  expect(idsIn(answer)).toEqual([ann.id])
})

check('RFC 7644 §3.4.3: POST /Groups/.search finds groups by a filter', async () => {
  const { scim, group } = await world()
  const answer = await search('/Groups/.search', {
    filter: `displayName eq "${scim.name('staff')}"`,
  })
  expect(idsIn(answer)).toEqual([group.id])
})

check('RFC 7644 §3.4.3: a search answers what the GET with the same parameters does', async () => {
  const { scim } = await world()
  const filter = `userName sw "${scim.prefix}-"`
  const got = await scim.query('/Users', filter, '&startIndex=2&count=1&attributes=userName')
  const request = { filter, startIndex: 2, count: 1, attributes: ['userName'] }
  expect((await search('/Users/.search', request)).body).toEqual(got.body)
})

check('RFC 7644 §3.4.3: a search that finds nothing is 200', async () => {
  expect(expectList(await search('/Users/.search', { filter: 'userName eq "cf-nobody"' }))).toBe(0)
})

for (const path of ['/Users/.search', '/Groups/.search']) {
  check(`RFC 7644 §3.4.3: ${path} refuses a filter that it does not understand`, async () => {
    expectError(await search(path, { filter: 'id is "x"' }), 400, 'invalidFilter')
  })

  check(`RFC 7644 §3.4.3: ${path} refuses a body that is no search`, async () => {
    expectError(await search(path, { filter: 7 }), 400, 'invalidSyntax')
  })
}

for (const [what, request] of Object.entries({
  'a count that is a text': { count: 'many' },
  'a start that is a text': { startIndex: 'first' },
  'an order that nobody knows': { sortBy: 'userName', sortOrder: 'sideways' },
}))
  check(`RFC 7644 §3.4.3: a search with ${what} is refused`, async () => {
    expectStatus(await search('/Users/.search', request), 400)
  })

check(
  'Contract §3: a body of a search is read whatever the case of its member names',
  async () => {
    const { scim, ann } = await world()
    const answer = await scim.post('/Users/.search', {
      Filter: `id eq "${ann.id}"`,
      ATTRIBUTES: ['userName'],
    })
    expect(idsIn(answer)).toEqual([ann.id])
  },
  'contract',
)
