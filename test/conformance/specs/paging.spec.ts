import { expect } from 'vitest'

import { check, shared } from '../check.ts'
import { resourcesOf, type Answer, type Scim, textAt } from '../client.ts'
import { expectError, expectList, expectStatus, idsIn } from '../expectations.ts'
import { SEARCH_REQUEST } from '../urns.ts'

const COUNT = 11

const world = shared(async (scim) => {
  const ids: string[] = []
  for (let i = 0; i < COUNT; i++) ids.push((await scim.user(`u${String(i).padStart(2, '0')}`)).id)
  return { scim, ids, filter: `userName sw "${scim.prefix}-"` }
})

async function page(more: string): Promise<Answer> {
  const { scim, filter } = await world()
  return scim.query('/Users', filter, more)
}

check('RFC 7644 §3.4.2: totalResults counts what matches, Resources holds it', async () => {
  const answer = await page('')
  expect(expectList(answer)).toBe(COUNT)
  expect(idsIn(answer).toSorted()).toEqual((await world()).ids.toSorted())
})

const PAGES = [
  ['&startIndex=1&count=5', 5, 1],
  ['&startIndex=6&count=5', 5, 6],
  ['&startIndex=11&count=5', 1, 11],
  ['&startIndex=12&count=5', 0, 12],
  ['&startIndex=500&count=5', 0, 500],
  ['&count=3', 3, 1],
  ['&startIndex=4', 8, 4],
  ['&startIndex=0&count=2', 2, 1],
  ['&startIndex=-7&count=2', 2, 1],
  ['&count=0', 0, 1],
  ['&count=-5', 0, 1],
  ['&count=1000000', 11, 1],
] as const
for (const [parameters, length, startIndex] of PAGES)
  check(
    `RFC 7644 §3.4.2.4: ${parameters} gives ${length} from ${startIndex}, of ${COUNT}`,
    async () => {
      const answer = await page(parameters)
      expect(expectList(answer)).toBe(COUNT)
      expect(answer.body).toMatchObject({ itemsPerPage: length, startIndex })
      expect(resourcesOf(answer)).toHaveLength(length)
    },
  )

check('RFC 7644 §3.4.2.4: pages together hold each resource once', async () => {
  const seen: string[] = []
  for (let start = 1; start <= COUNT; start += 4)
    seen.push(...idsIn(await page(`&startIndex=${start}&count=4`)))
  expect(seen.toSorted()).toEqual((await world()).ids.toSorted())
})

check('RFC 7644 §3.4.2.4: the same page asked twice is the same', async () => {
  const [first, second] = [await page('&startIndex=4&count=4'), await page('&startIndex=4&count=4')]
  expect(idsIn(first)).toEqual(idsIn(second))
})

for (const parameter of ['startIndex', 'count'])
  check(`RFC 7644 §3.12: ${parameter} that is no number is refused`, async () => {
    const refused = await page(`&${parameter}=many`)
    expect(refused.body).toMatchObject({ status: '400' })
  })

check('RFC 7644 §3.4.2.4: no page is larger than filter.maxResults', async (scim) => {
  const { body } = await scim.get('/ServiceProviderConfig')
  const { maxResults } = body['filter'] as { maxResults: number }
  const answer = await scim.get('/Users?count=1000000&attributes=id')
  expect(resourcesOf(answer).length).toBeLessThanOrEqual(maxResults)
})

check('Postman: startIndex=1&count=2 tells itemsPerPage 2 and all that match', async () => {
  expect((await page('&startIndex=1&count=2')).body).toMatchObject({
    totalResults: COUNT,
    itemsPerPage: 2,
  })
})

/** All pages from the first, by cursor. */
async function byCursor(scim: Scim, filter: string, more: string): Promise<Answer[]> {
  const pages: Answer[] = []
  for (let cursor = ''; pages.length < 20;) {
    const answer = await scim.query('/Users', filter, `&cursor=${cursor}${more}`)
    pages.push(answer)
    if (answer.body['nextCursor'] === undefined) return pages
    cursor = textAt(answer.body, 'nextCursor')
  }
  throw new Error('The cursors do not come to an end.')
}

check(
  'RFC 9865 §2: an empty cursor asks for the first page, which tells the next cursor',
  async () => {
    const answer = await page('&cursor=&count=4')
    expectList(answer)
    expect(answer.body).toMatchObject({ nextCursor: expect.stringMatching(/./), itemsPerPage: 4 })
    expect(resourcesOf(answer)).toHaveLength(4)
  },
  'cursor',
)

check(
  'RFC 9865 §2: a cursor without a value asks for the first page too',
  async () => {
    const [bare, empty] = [await page('&cursor&count=4'), await page('&cursor=&count=4')]
    expect(idsIn(bare)).toEqual(idsIn(empty))
    expect(bare.body['nextCursor']).toBeTypeOf('string')
  },
  'cursor',
)

for (const count of [1, 4, 10, 11, 12])
  check(
    `RFC 9865 §2: pages of ${count} by cursor hold each resource once and come to an end`,
    async () => {
      const { scim, ids, filter } = await world()
      const pages = await byCursor(scim, filter, `&count=${count}`)
      expect(pages.flatMap(idsIn).toSorted()).toEqual(ids.toSorted())
      for (const answer of pages) expect(resourcesOf(answer).length).toBeLessThanOrEqual(count)
    },
    'cursor',
  )

check(
  'RFC 9865 §2: a page that holds everything tells no next cursor',
  async () => {
    const answer = await page('&cursor=&count=50')
    expect(expectList(answer)).toBe(COUNT)
    expect(answer.body).not.toHaveProperty('nextCursor')
  },
  'cursor',
)

check(
  'RFC 9865 §2: a cursor has unreserved characters only',
  async () => {
    const { body } = await page('&cursor=&count=4')
    expect(body['nextCursor']).toMatch(/^[A-Za-z0-9._~-]+$/)
  },
  'cursor',
)

check(
  'RFC 9865 §2: totalResults is the same and exact on every page, where it is told',
  async () => {
    const { scim, filter } = await world()
    for (const { body } of await byCursor(scim, filter, '&count=4'))
      expect(body['totalResults'] ?? COUNT).toBe(COUNT)
  },
  'cursor',
)

check(
  'RFC 9865 §2: previousCursor, where it is told, leads back',
  async () => {
    const { scim, filter } = await world()
    const [first, second] = await byCursor(scim, filter, '&count=4')
    const previous = textAt(second?.body, 'previousCursor')
    if (previous === '' || first === undefined) return
    const back = await scim.query('/Users', filter, `&count=4&cursor=${previous}`)
    expect(idsIn(back)).toEqual(idsIn(first))
  },
  'cursor',
)

check(
  'RFC 9865 §2: a resource that was deleted meanwhile does not disturb the rest',
  async (scim) => {
    const users = []
    for (const name of ['a', 'b', 'c', 'd', 'e']) users.push(await scim.user(name))
    const filter = `userName sw "${scim.prefix}-"`
    const first = await scim.query('/Users', filter, '&cursor=&count=2')
    const [gone] = idsIn(first)
    await scim.delete(`/Users/${gone}`)
    const next = textAt(first.body, 'nextCursor')
    const second = await scim.query('/Users', filter, `&cursor=${next}&count=2`)
    const third = await scim.query(
      '/Users',
      filter,
      `&cursor=${textAt(second.body, 'nextCursor')}&count=2`,
    )
    const seen = [first, second, third].flatMap(idsIn)
    expect(seen.toSorted()).toEqual(users.map(({ id }) => id).toSorted())
  },
  'cursor',
)

for (const cursor of ['nonsense', 'AAAA', '%00', 'x'.repeat(2000)])
  check(
    `RFC 9865 §2.1: the cursor ${cursor.slice(0, 10)} that nobody gave is invalidCursor`,
    async () => {
      expectError(await page(`&cursor=${cursor}&count=4`), 400, 'invalidCursor')
    },
    'cursor',
  )

for (const [what, other] of Object.entries({
  'of another query': (next: string) => `/Users?count=4&cursor=${next}`,
  'of another page size': (next: string) => `/Users?count=3&cursor=${next}`,
  'with a changed end': (next: string) => `/Users?count=4&cursor=${next.slice(0, -2)}AA`,
  'of users, for groups,': (next: string) => `/Groups?count=4&cursor=${next}`,
}))
  check(
    `RFC 9865 §2.1: a cursor ${what} is a page or invalidCursor, never a failure`,
    async (scim) => {
      const { body } = await page('&cursor=&count=4')
      const answer = await scim.get(other(textAt(body, 'nextCursor')))
      expectStatus(answer, 200, 400)
      if (answer.status === 400) expectError(answer, 400, textAt(answer.body, 'scimType'))
      expect(textAt(answer.body, 'scimType')).toMatch(/^(?:|invalidCursor|invalidCount)$/)
    },
    'cursor',
  )

check(
  'RFC 9865 §2.1: a count that is no number is refused',
  async () => {
    const { status, body } = await page('&cursor=&count=many')
    expect([status, body['scimType']]).toEqual([
      400,
      expect.stringMatching(/^invalid(?:Count|Value)$/),
    ])
  },
  'cursor',
)

check(
  'RFC 9865 §2.2: pages by cursor are sorted as a whole',
  async () => {
    const { scim, filter } = await world()
    const pages = await byCursor(scim, filter, '&count=4&sortBy=userName&sortOrder=descending')
    expect(pages.flatMap(idsIn)).toEqual((await world()).ids.toReversed())
  },
  'cursor',
  'sort',
)

check(
  'RFC 9865 §2.3: a list without paging parameters is answered by the default method',
  async (scim) => {
    const { body } = await scim.get('/Users?attributes=id')
    const config = (await scim.get('/ServiceProviderConfig')).body
    const { defaultPaginationMethod = 'index' } = config['pagination'] as Record<string, unknown>
    if (defaultPaginationMethod === 'index') expect(body['startIndex']).toBe(1)
  },
  'cursor',
)

check(
  'RFC 9865 §3: a search takes a cursor',
  async () => {
    const { scim, ids, filter } = await world()
    const seen: string[] = []
    for (let cursor: unknown = ''; cursor !== undefined && seen.length <= COUNT;) {
      const request = { schemas: [SEARCH_REQUEST], filter, count: 4, cursor }
      const answer = await scim.post('/Users/.search', request)
      expectList(answer)
      seen.push(...idsIn(answer))
      cursor = answer.body['nextCursor']
    }
    expect(seen.toSorted()).toEqual(ids.toSorted())
  },
  'cursor',
)

check(
  'RFC 9865 §2: groups are paged by cursor too',
  async (scim) => {
    for (const name of ['a', 'b', 'c']) await scim.group(name)
    const filter = `displayName sw "${scim.prefix}-"`
    const first = await scim.query('/Groups', filter, '&cursor=&count=2')
    const next = textAt(first.body, 'nextCursor')
    const second = await scim.query('/Groups', filter, `&cursor=${next}&count=2`)
    expect(new Set([...idsIn(first), ...idsIn(second)]).size).toBe(3)
    expect(second.body).not.toHaveProperty('nextCursor')
  },
  'cursor',
)
