import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { foldCase } from '../../src/kernel/fold.ts'
import { generateUsers } from '../support/generated-users.ts'
import { scimClient, seedSource, type Loose, type ScimClient } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString()

const idsIn = (body: Loose): string[] => body['Resources'].map(({ id }: { id: string }) => id)
const namesIn = (body: Loose): string[] =>
  body['Resources'].map(({ userName }: { userName: string }) => userName)

async function list(scim: ScimClient, parameters: Record<string, string>, endpoint = 'Users') {
  const { status, body } = await scim.get(`/${endpoint}?${query(parameters)}`)
  expect([status, body['detail']]).toEqual([200, undefined])
  return body
}

/** Every page from the first on, by `nextCursor`; `between` happens after each page. */
async function walk(
  scim: ScimClient,
  parameters: Record<string, string>,
  between: (page: number) => Promise<void> = async () => undefined,
): Promise<Loose[]> {
  const pages: Loose[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const body: Loose = await list(scim, { ...parameters, cursor })
    pages.push(body)
    cursor = body['nextCursor']
    await between(pages.length)
  }
  return pages
}

describe('sort', () => {
  let scim: ScimClient
  const people = [
    { userName: 'b', displayName: 'Émile', title: 'z', active: true, emails: [{ value: 'B@x.example' }] },
    { userName: 'A', displayName: 'zoe', active: false, emails: [{ value: 'z@x.example' }, { value: 'a@x.example', primary: true }] },
    { userName: 'c', displayName: 'ÉMILE', title: 'Ä', name: { familyName: 'b' } },
    { userName: 'é', displayName: 'Zoe', title: 'a', name: { familyName: 'A' }, [ENTERPRISE]: { department: 'x' } },
    { userName: 'D', title: 'ä', 'urn:example:params:Custom:2.0:User': { rank: 'b' } },
    { userName: 'e', displayName: 'anna', 'urn:example:params:Custom:2.0:User': { Rank: 'A' } },
  ] // prettier-ignore
  beforeAll(async () => {
    scim = await scimClient()
    for (const person of people) await scim.post('/Users', person)
  })

  test.for([
    ['userName', 'A b c D e é'],
    ['USERNAME', 'A b c D e é'],
    ['displayName', 'e A é b c D'],
    ['title', 'é b c D A e'],
    ['emails', 'A b c é D e'],
    ['emails.value', 'A b c é D e'],
    ['name.familyName', 'é c b A D e'],
    ['active', 'A b c é D e'],
    ['meta.created', 'b A c é D e'],
    ['id', 'b A c é D e'],
    [`${ENTERPRISE}:department`, 'é b A c D e'],
    ['department', 'é b A c D e'],
    ['urn:example:params:Custom:2.0:User:rank', 'e D b A c é'],
    ['groups', 'b A c é D e'],
  ] as const)('%s', async ([sortBy, expected]) => {
    const names = expected.split(' ')
    expect(namesIn(await list(scim, { sortBy }))).toEqual(names)
    expect(namesIn(await list(scim, { sortBy, sortOrder: 'ascending' }))).toEqual(names)
    const descending = await list(scim, { sortBy, sortOrder: 'Descending' })
    expect(namesIn(descending)).toEqual(names.toReversed())
    const middle = await list(scim, { sortBy, startIndex: '3', count: '2', filter: 'userName pr' })
    expect([middle['totalResults'], namesIn(middle)]).toEqual([6, names.slice(2, 4)])
    const pages = await walk(scim, { sortBy, count: '2' })
    expect(pages.flatMap(namesIn)).toEqual(names)
    const down = await walk(scim, { sortBy, sortOrder: 'descending', count: '1' })
    expect(down.flatMap(namesIn)).toEqual(names.toReversed())
  })

  test.for(['nothing', 'name', 'password', 'emails[type eq "work"].value', 'a.b.c', 'urn:x'])(
    'by %s is refused',
    async (sortBy) => {
      const { status, body } = await scim.get(`/Users?${query({ sortBy })}`)
      expect([status, body['scimType']]).toEqual([400, 'invalidValue'])
      expect(body['detail']).toContain('sortBy')
    },
  )

  test('groups, and a search by POST', async () => {
    for (const displayName of ['beta', 'Alpha', 'álpha'])
      await scim.post('/Groups', { displayName })
    const { body } = await scim.post('/Groups/.search', {
      sortBy: 'displayName',
      sortOrder: 'descending',
    })
    const names = body['Resources'].map((group: Loose) => group['displayName'])
    expect(names).toEqual(['álpha', 'beta', 'Alpha'])
  })
})

describe('cursors', () => {
  test('lead through a list and back, and end where it ends', async () => {
    const scim = await scimClient()
    await generateUsers(scim.organizationId, 1, 7)
    for (const parameters of [{}, { filter: 'userName sw "USER"' }, { sortBy: 'title' }]) {
      const pages = await walk(scim, { ...parameters, count: '3' })
      const all = idsIn(await list(scim, parameters))
      expect(pages.map(idsIn)).toEqual([all.slice(0, 3), all.slice(3, 6), all.slice(6)])
      for (const page of pages) {
        expect([page['totalResults'], page['itemsPerPage']]).toEqual([7, page['Resources'].length])
        expect(page).not.toHaveProperty('startIndex')
      }
      expect(pages.map((page) => 'previousCursor' in page)).toEqual([false, true, true])
      const cursor: string = pages[2]?.['previousCursor']
      expect(cursor).toMatch(/^[\w.~-]+$/)
      const second = await list(scim, { ...parameters, count: '3', cursor })
      expect(idsIn(second)).toEqual(all.slice(3, 6))
      const again = { ...parameters, count: '3', cursor: second['nextCursor'] }
      expect(idsIn(await list(scim, again))).toEqual(all.slice(6))
      const back = { ...parameters, count: '3', cursor: second['previousCursor'] }
      const first = await list(scim, back)
      expect(idsIn(first)).toEqual(all.slice(0, 3))
      expect(first).not.toHaveProperty('previousCursor')
      expect(idsIn(await list(scim, { ...back, cursor: first['nextCursor'] }))).toEqual(
        all.slice(3, 6),
      )
    }
  })

  test('work in a search by POST, and a count of 0 asks for the total alone', async () => {
    const scim = await scimClient()
    await generateUsers(scim.organizationId, 1, 3)
    const { body } = await scim.post('/Users/.search', { cursor: '', count: 2 })
    expect(idsIn(body)).toHaveLength(2)
    const rest = await scim.post('/Users/.search', { cursor: body['nextCursor'], count: 2 })
    expect(idsIn(rest.body)).toHaveLength(1)
    expect(rest.body).not.toHaveProperty('nextCursor')
    const { Resources, ...none } = await list(scim, { cursor: '', count: '-5' })
    expect([none['totalResults'], none['itemsPerPage'], Resources]).toEqual([3, 0, []])
    const valueless = await scim.get('/Users?cursor&count=2')
    expect(valueless.body).toHaveProperty('nextCursor')
  })

  test('are refused where they were not made, and when they are old', async () => {
    const scim = await scimClient()
    await generateUsers(scim.organizationId, 1, 5)
    const asked = { filter: 'title sw "Title"', sortBy: 'userName', count: '2' }
    const { nextCursor } = await list(scim, { ...asked, cursor: '' })
    const refusal = async (
      parameters: Record<string, string>,
      { client = scim, endpoint = 'Users' } = {},
    ) => {
      const { status, body } = await client.get(`/${endpoint}?${query(parameters)}`)
      return [status, body['scimType']]
    }
    const here = { ...asked, cursor: nextCursor }
    const invalid = [400, 'invalidCursor']
    expect(await refusal({ ...here, cursor: 'x' })).toEqual(invalid)
    expect(await refusal({ ...here, cursor: `${nextCursor}x` })).toEqual(invalid)
    const flipped =
      nextCursor.slice(0, -3) + (nextCursor.at(-3) === 'A' ? 'B' : 'A') + nextCursor.slice(-2)
    expect(await refusal({ ...here, cursor: flipped })).toEqual(invalid)
    expect(await refusal({ ...here, filter: 'title pr' })).toEqual(invalid)
    expect(await refusal({ ...here, sortBy: 'title' })).toEqual(invalid)
    expect(await refusal({ ...here, sortOrder: 'descending' })).toEqual(invalid)
    expect(await refusal({ count: '2', cursor: nextCursor })).toEqual(invalid)
    expect(
      await refusal({ ...here, filter: 'id pr', sortBy: 'id' }, { endpoint: 'Groups' }),
    ).toEqual(invalid)
    const stranger = await scimClient()
    await generateUsers(stranger.organizationId, 1, 5)
    expect(await refusal(here, { client: stranger })).toEqual(invalid)
    expect(await refusal({ ...here, count: '3' })).toEqual([400, 'invalidCount'])
    expect(await refusal({ ...here, count: 'many' })).toEqual([400, 'invalidCount'])
    expect(await refusal({ ...here, startIndex: '2' })).toEqual([400, 'invalidValue'])
    const at = (seconds: number) => ({ clock: { now: () => Date.now() + seconds * 1000 } })
    const soon = await scimClient({ as: scim, instead: at(3500) })
    expect((await soon.get(`/Users?${query(here)}`)).status).toBe(200)
    const late = await scimClient({ as: scim, instead: at(3700) })
    expect(await refusal(here, { client: late })).toEqual([400, 'expiredCursor'])
    expect(nextCursor).not.toContain(btoa('user2').slice(0, 6))
  })

  test.for([
    {},
    { sortBy: 'title' },
    { sortBy: 'displayName', sortOrder: 'descending' },
    { filter: 'active eq true' },
  ])('lose and repeat nothing while others insert and delete: %o', async (parameters) => {
    const scim = await scimClient()
    await generateUsers(scim.organizationId, 1, 60)
    const doomed = (page: number) => `usr_${String(page * 9 + 1).padStart(26, '0')}`
    const before = new Set(idsIn(await list(scim, { ...parameters, count: '200' })))
    const removed = new Set<string>()
    const pages = await walk(scim, { ...parameters, count: '7' }, async (page) => {
      removed.add(doomed(page % 6))
      await scim.delete(`/Users/${doomed(page % 6)}`)
      await generateUsers(scim.organizationId, 1000 - page, 1)
      await generateUsers(scim.organizationId, 2000 + page, 1)
    })
    const seen = pages.flatMap(idsIn)
    expect(new Set(seen).size).toBe(seen.length)
    const stayed = [...before].filter((id) => !removed.has(id))
    expect(stayed.filter((id) => !seen.includes(id))).toEqual([])
    expect(pages.length).toBeGreaterThan(5)
  })

  test('lead to the first page when everything before them was deleted', async () => {
    const scim = await scimClient()
    await generateUsers(scim.organizationId, 1, 4)
    const pages = await walk(scim, { count: '2' })
    for (const id of idsIn(pages[0] ?? {})) await scim.delete(`/Users/${id}`)
    const first = await list(scim, { count: '2', cursor: pages[1]?.['previousCursor'] })
    expect(idsIn(first)).toEqual(idsIn(pages[1] ?? {}))
    expect(first).not.toHaveProperty('previousCursor')
  })

  test('are announced, and so is sort', async () => {
    const { body } = await (await scimClient()).get('/ServiceProviderConfig')
    expect(body['sort']).toEqual({ supported: true })
    expect(body['pagination']).toEqual({
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: 100,
      maxPageSize: 200,
      cursorTimeout: 3600,
    })
  })
})

describe('values whose key SQL cannot tell', () => {
  const COUNT = 1200
  let scim: ScimClient
  beforeAll(async () => {
    scim = await scimClient()
    await generateUsers(scim.organizationId, 1, COUNT)
    // Decomposed, as macOS writes it, in two of three users.
    await connect(env.DB).run(
      sql`UPDATE user SET resource = json_set(resource, '$.displayName', 'Zoe' || char(769) || ' ' || substr(id, -4))
        WHERE organization_id = ${scim.organizationId} AND version = 1 AND CAST(substr(id, -4) AS INTEGER) % 3 > 0`,
      sql`UPDATE user SET resource = json_set(resource, '$.displayName', 'ZOÉ ' || substr(id, -4))
        WHERE organization_id = ${scim.organizationId} AND CAST(substr(id, -4) AS INTEGER) % 30 = 0`,
    )
  })
  const isFound = (n: number) => n % 3 > 0 || n % 30 === 0
  const expected = Array.from({ length: COUNT }, (_, at) => at + 1).filter(isFound)
  const numbers = (body: Loose) => idsIn(body).map((id) => Number(id.slice(4)))

  test('are found and counted all the same, by index', async () => {
    const filter = 'displayName sw "zoé"'
    const page = await list(scim, { filter, startIndex: '600', count: '50' })
    expect(page['totalResults']).toBe(expected.length)
    expect(numbers(page)).toEqual(expected.slice(599, 649))
    const none = await list(scim, { filter: 'displayName eq "zoe\u0301 0001" and title eq "x"' })
    expect(none['totalResults']).toBe(0)
    const one = await list(scim, { filter: 'displayName eq "ZOÉ 0001"' })
    expect([one['totalResults'], numbers(one)]).toEqual([1, [1]])
    const total = await list(scim, { filter, count: '0' })
    expect([total['totalResults'], total['Resources']]).toEqual([expected.length, []])
  })

  test('and by cursor', async () => {
    const pages = await walk(scim, { filter: 'displayName sw "zoé"', count: '200' })
    expect(pages.flatMap(numbers)).toEqual(expected)
    expect(pages[0]?.['totalResults']).toBe(expected.length)
    const few = await walk(scim, {
      filter: 'displayName co "é 1200" or displayName co "é 0001"',
      count: '1',
    })
    expect(few.flatMap(numbers)).toEqual([1, 1200])
    expect(few[0]?.['totalResults']).toBe(2)
  })
})

describe('filters at the limits', () => {
  const chain = (term: string, operator = ' or ') =>
    Array.from({ length: 50 }, () => term).join(operator)
  test.for([
    ['50 equalities', chain('userName eq "x"')],
    ['50 contains', chain('title co "x"')],
    ['50 orders of folded text', chain('title gt "x"', ' and ')],
    ['50 letters beyond ASCII', chain('title co "äöüàáâãåæçèéêëìíîïðñòóôõ"')],
    ['50 multi-valued orders', chain('emails.value gt "ä"')],
    ['50 of groups', chain('groups.display co "ä"')],
    ['50 unknown extensions', chain('urn:x:y:2.0:User:a.b co "ä"')],
    ['50 locations', chain('meta.location eq "x"')],
    ['50 instants', chain('meta.created gt "2026-01-01T00:00:00Z"')],
    ['50 in one element', `emails[${chain('value gt "ä"')}]`],
    ['50 in one unknown element', `urn:x:y:2.0:User:a[${chain('value gt "ä"', ' and ')}]`],
    ['nested negations', `${'not (title co "ä" or '.repeat(10)}title gt "b"${')'.repeat(10)}`],
    [
      'nested negations of unknown extensions',
      `${'not (title co "ä" and userName pr or '.repeat(8)}urn:x:y:2.0:User:a[not (value gt "b")]${')'.repeat(8)}`,
    ],
  ] as const)('%s', async ([, filter]) => {
    const scim = await scimClient()
    await generateUsers(scim.organizationId, 1, 3)
    for (const sortBy of ['id', 'emails.value', 'meta.location', 'urn:x:y:2.0:User:a.value']) {
      const { status, body } = await scim.post('/Users/.search', { filter, sortBy, count: 2 })
      expect([status, body['detail']]).toEqual([200, undefined])
      const paged = await scim.post('/Users/.search', { filter, sortBy, count: 1, cursor: '' })
      expect(paged.status).toBe(200)
      const next = paged.body['nextCursor']
      if (next === undefined) continue
      const more = await scim.post('/Users/.search', { filter, sortBy, count: 1, cursor: next })
      expect(more.status).toBe(200)
    }
  })
})

describe('budgets in an organization of 20,000 users', () => {
  const COUNT = 20_000
  let scim: ScimClient
  beforeAll(async () => {
    const source = await seedSource()
    await generateUsers(source.organizationId, 1, COUNT)
    scim = await scimClient({ as: source })
    await scim.get('/Users?count=1')
  })
  const costOf = async (parameters: Record<string, string>) => {
    const { status, body, cost } = await scim.get(`/Users?${query(parameters)}`)
    expect(status).toBe(200)
    return { cost, body }
  }

  test.for([
    ['userName eq "USER15000@contoso.com"', 15000],
    ['externalId eq "ext-15000"', 15000],
    ['emails.value eq "MAIL15000@contoso.com"', 15000],
    ['emails[type eq "work"].value eq "mail15000@contoso.com"', 15000],
    ['id eq "usr_00000000000000000000015000"', 15000],
  ] as const)('%s reads a handful of rows', async ([filter, n]) => {
    for (const parameters of [{ filter }, { filter, cursor: '' }, { filter, sortBy: 'title' }]) {
      const { cost, body } = await costOf(parameters)
      expect(idsIn(body)).toEqual([`usr_${String(n).padStart(26, '0')}`])
      expect(cost.roundTrips).toBe(1)
      expect(cost.rowsRead).toBeLessThan(20)
    }
  })

  test('a list is one round trip and reads its page; its total is not counted', async () => {
    const { cost, body } = await costOf({ count: '50' })
    expect(body['totalResults']).toBe(COUNT)
    expect([cost.roundTrips, cost.rowsWritten]).toEqual([1, 0])
    expect(cost.rowsRead).toBeLessThan(50 * 4)
  })

  test.for([{}, { sortBy: 'userName' }, { sortBy: 'userName', sortOrder: 'descending' }])(
    'a page deep in the list is read by cursor alone: %o',
    async (parameters) => {
      const pages = await walkTo(parameters, 90)
      expect(pages.map(({ roundTrips }) => roundTrips)).toEqual(pages.map(() => 1))
      expect(Math.max(...pages.map(({ rowsRead }) => rowsRead))).toBeLessThan(200 * 4 + 20)
    },
  )

  async function walkTo(parameters: Record<string, string>, count: number) {
    const costs = []
    for (let cursor: string | undefined = ''; cursor !== undefined && costs.length < count;) {
      const { cost, body } = await costOf({ ...parameters, count: '200', cursor })
      costs.push(cost)
      cursor = body['nextCursor']
    }
    expect(costs).toHaveLength(count)
    return costs
  }

  test('what no index serves is one round trip of SQL, and counted once in a walk', async () => {
    const filter = 'title eq "TITLE 7" and name.givenName sw "given1"'
    const { cost, body } = await costOf({ filter, count: '5' })
    const matching = Array.from({ length: COUNT }, (_, at) => at + 1).filter(
      (n) => n % 100 === 7 && String(n).startsWith('1'),
    )
    expect(body['totalResults']).toBe(matching.length)
    expect(idsIn(body).map((id) => Number(id.slice(4)))).toEqual(matching.slice(0, 5))
    expect(cost.roundTrips).toBe(1)
    const first = await costOf({ filter, count: '5', cursor: '' })
    const second = await costOf({ filter, count: '5', cursor: first.body['nextCursor'] })
    expect(second.body['totalResults']).toBe(matching.length)
    expect(second.cost.rowsRead).toBeLessThan(COUNT / 10)
  })

  test('sorting by anything is one round trip', async () => {
    const { cost, body } = await costOf({ sortBy: 'displayName', startIndex: '1000', count: '3' })
    const names = Array.from({ length: COUNT }, (_, at) => `User ${at + 1}`)
    const sorted = names.toSorted((a, b) => (foldCase(a) < foldCase(b) ? -1 : 1))
    const shown = body['Resources'].map((user: Loose) => user['displayName'])
    expect(shown).toEqual(sorted.slice(999, 1002))
    expect(cost.roundTrips).toBe(1)
  })
})
