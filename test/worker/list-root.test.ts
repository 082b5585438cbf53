/** `POST /.search` at the root: users and groups as one list. */
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { scimClient, type Loose, type ScimClient } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

const idsIn = (body: Loose): string[] => body['Resources'].map(({ id }: Loose) => id)
const namesIn = (body: Loose): string[] =>
  body['Resources'].map(({ displayName, userName }: Loose) => displayName ?? userName)

async function search(scim: ScimClient, request: object): Promise<Loose> {
  const { status, body } = await scim.post('/.search', request)
  expect([status, body['detail']]).toEqual([200, undefined])
  return body
}

/** Every page from the first on, by `nextCursor`. */
async function walk(
  scim: ScimClient,
  request: object,
  between: (page: number) => Promise<void> = async () => undefined,
): Promise<Loose[]> {
  const pages: Loose[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const body: Loose = await search(scim, { ...request, cursor })
    pages.push(body)
    cursor = body['nextCursor']
    await between(pages.length)
  }
  return pages
}

/** In this order, so that ids follow each other so. */
const PEOPLE = [
  { userName: 'cyn', displayName: 'blue cyn', title: 'B' },
  { userName: 'bob', displayName: 'Bob', title: 'a' },
  { userName: 'ann', displayName: 'blue ann', active: false, [ENTERPRISE]: { department: 'X' } },
  { userName: 'dan', title: 'c' },
]
const TEAMS = [
  { displayName: 'BLUE', externalId: 'x-1' },
  { displayName: 'alpha' },
  { displayName: 'bob', externalId: 'x-0' },
]

async function seeded(): Promise<ScimClient> {
  const scim = await scimClient()
  const ids: string[] = []
  for (const person of PEOPLE) ids.push((await scim.post('/Users', person)).body['id'])
  const [, , ann] = ids
  for (const [at, team] of TEAMS.entries())
    await scim.post('/Groups', { ...team, ...(at === 0 ? { members: [{ value: ann }] } : {}) })
  return scim
}

let scim: ScimClient
beforeAll(async () => {
  scim = await seeded()
})

describe('a filter over both types', () => {
  test.for([
    ['displayName sw "blue"', 'BLUE blue cyn blue ann'],
    ['userName pr', 'blue cyn Bob blue ann dan'],
    ['members pr', 'BLUE'],
    ['meta.resourceType eq "Group"', 'BLUE alpha bob'],
    ['userName eq "bob" or members pr', 'BLUE Bob'],
    ['userName sw "b" or displayName eq "ALPHA"', 'alpha Bob'],
    ['displayName sw "b" and userName ne "bob"', 'BLUE bob blue cyn blue ann'],
    ['displayName eq "bob" and not (userName pr)', 'bob'],
    ['not (title pr)', 'BLUE alpha bob blue ann'],
    ['title eq null and displayName pr', 'BLUE alpha bob blue ann'],
    ['active eq false or externalId eq "x-0"', 'bob blue ann'],
    ['groups.display eq "blue" or members.type eq "User"', 'BLUE blue ann'],
    ['userName pr and members pr', ''],
    ['department eq "x"', 'blue ann'],
    ['urn:ietf:params:scim:schemas:core:2.0:User:displayName eq "bob"', 'Bob'],
    ['urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "bob"', 'bob'],
    ['emails[type eq "work"].value eq "x@y.example" or displayName eq "alpha"', 'alpha'],
  ] as const)('%s finds %s', async ([filter, names]) => {
    const body = await search(scim, { filter })
    expect(namesIn(body).join(' ')).toBe(names)
    expect([body['totalResults'], body['itemsPerPage']]).toEqual([namesIn(body).length, namesIn(body).length]) // prettier-ignore
    const walked = await walk(scim, { filter, count: 1 })
    expect(walked.flatMap(namesIn).join(' ')).toBe(names)
    expect(new Set(walked.map((page) => page['totalResults']))).toEqual(new Set([namesIn(body).length])) // prettier-ignore
  })

  test('the attributes of a type are shown with it, as asked', async () => {
    const body = await search(scim, { attributes: ['userName', 'members'], filter: 'externalId pr or title pr' }) // prettier-ignore
    const shown = body['Resources'].map((found: object) => Object.keys(found).toSorted())
    const ofGroup = ['id', 'members', 'schemas']
    const ofUser = ['id', 'schemas', 'userName']
    expect(shown).toEqual([ofGroup, ofGroup, ofUser, ofUser, ofUser])
    const without = await search(scim, { excludedAttributes: ['members'], filter: 'members pr' })
    expect(without['Resources'][0]).not.toHaveProperty('members')
  })

  test.for([
    [{ filter: 'shoeSize eq 42' }, 'invalidFilter'],
    [{ filter: 'userName pr and members pr and shoeSize eq 42' }, 'invalidFilter'],
    [{ filter: 'password eq "x" or members pr' }, 'invalidFilter'],
    [{ filter: 'userName eq' }, 'invalidFilter'],
    [{ filter: '' }, 'invalidFilter'],
    [{ filter: 1 }, 'invalidSyntax'],
    [{ sortBy: 'shoeSize' }, 'invalidValue'],
    [{ sortBy: 'password' }, 'invalidValue'],
    [{ sortBy: 'name' }, 'invalidValue'],
    [{ sortBy: 'userName', sortOrder: 'up' }, 'invalidValue'],
    [{ cursor: 'x' }, 'invalidCursor'],
    [{ cursor: '', startIndex: 2 }, 'invalidValue'],
  ] as const)('refuses %j', async ([request, scimType]) => {
    const { status, body } = await scim.post('/.search', request)
    expect([status, body['scimType']]).toEqual([400, scimType])
  })
})

describe('the order of both types', () => {
  /** By the attribute, then by id; without a value last. */
  const ORDERS = [
    [undefined, 'BLUE alpha bob blue cyn Bob blue ann dan'],
    ['id', 'BLUE alpha bob blue cyn Bob blue ann dan'],
    ['displayName', 'alpha BLUE blue ann blue cyn bob Bob dan'],
    ['userName', 'blue ann Bob blue cyn dan BLUE alpha bob'],
    ['title', 'Bob blue cyn dan BLUE alpha bob blue ann'],
    ['externalId', 'bob BLUE alpha blue cyn Bob blue ann dan'],
    ['members', 'BLUE alpha bob blue cyn Bob blue ann dan'],
    ['active', 'blue ann blue cyn Bob dan BLUE alpha bob'],
    ['department', 'blue ann BLUE alpha bob blue cyn Bob dan'],
    ['meta.created', 'blue cyn Bob blue ann dan BLUE alpha bob'],
    ['meta.resourceType', 'BLUE alpha bob blue cyn Bob blue ann dan'],
  ] as const

  /** The names with what shows which is which. */
  const ofAll = (names: string): string[] => {
    const known = [...PEOPLE.map((p) => p.displayName ?? p.userName), ...TEAMS.map((t) => t.displayName)] // prettier-ignore
    const listed: string[] = []
    for (let rest = names; rest !== '';) {
      const next = known.find((name) => rest === name || rest.startsWith(`${name} `)) ?? rest
      listed.push(next)
      rest = rest.slice(next.length + 1)
    }
    return listed
  }

  test.for(ORDERS)('by %s', async ([sortBy, names]) => {
    const all = ofAll(names)
    expect(all).toHaveLength(7)
    for (const [sortOrder, expected] of [
      ['ascending', all],
      ['descending', sortBy === undefined ? all : all.toReversed()],
    ] as const) {
      const order = { sortOrder, ...(sortBy === undefined ? {} : { sortBy }) }
      expect(namesIn(await search(scim, order))).toEqual(expected)
      for (const [startIndex, count] of [
        [1, 2],
        [3, 2],
        [4, 1],
        [5, 10],
        [8, 3],
        [2, 0],
        [-3, 2],
      ] as const) {
        // prettier-ignore
        const body = await search(scim, { ...order, startIndex, count })
        const first = Math.max(1, startIndex)
        expect(namesIn(body)).toEqual(expected.slice(first - 1, first - 1 + count))
        expect(body).toMatchObject({ totalResults: 7, startIndex: first, itemsPerPage: namesIn(body).length }) // prettier-ignore
      }
      for (const count of [1, 2, 3, 6, 7])
        expect((await walk(scim, { ...order, count })).flatMap(namesIn)).toEqual(expected)
    }
  })

  test.for(ORDERS)('leads back by previousCursor, too: by %s', async ([sortBy, names]) => {
    const order = sortBy === undefined ? {} : { sortBy, sortOrder: 'descending' }
    const all = sortBy === undefined ? ofAll(names) : ofAll(names).toReversed()
    const pages = await walk(scim, { ...order, count: 3 })
    expect(pages.map((page) => 'previousCursor' in page)).toEqual([false, true, true])
    const second = await search(scim, { ...order, count: 3, cursor: pages[2]?.['previousCursor'] })
    expect(namesIn(second)).toEqual(all.slice(3, 6))
    const first = await search(scim, { ...order, count: 3, cursor: second['previousCursor'] })
    expect(namesIn(first)).toEqual(all.slice(0, 3))
    expect(first).not.toHaveProperty('previousCursor')
  })

  test('of both types is that of one type, for the resources of that type', async () => {
    const mine = await scimClient()
    const names = ['é', 'E', 'z', 'Ä', 'a', 'ß', '𝒳', '￿', '1', 'a b']
    for (const [at, name] of names.entries()) {
      const displayName = `${name}${'x'.repeat(at * 30)}`
      await mine.post('/Users', { userName: `u${at}`, displayName })
      await mine.post('/Groups', { displayName })
    }
    for (const sortOrder of ['ascending', 'descending']) {
      const order = { sortBy: 'displayName', sortOrder, count: 100 }
      const both = (await search(mine, order))['Resources'] as Loose[]
      for (const endpoint of ['Users', 'Groups']) {
        const { body } = await mine.post(`/${endpoint}/.search`, order)
        const ofType = both.filter(({ meta }) => `${meta.resourceType}s` === endpoint)
        expect(ofType).toEqual(body['Resources'])
      }
      const walked = await walk(mine, { ...order, count: 3 })
      expect(walked.flatMap((page) => page['Resources'])).toEqual(both)
    }
  })
})

describe('a walk through both types', () => {
  test('has cursors of its own, good for the same list only', async () => {
    const asked = { filter: 'displayName pr', sortBy: 'displayName', count: 2 }
    const { nextCursor: cursor } = await search(scim, { ...asked, cursor: '' })
    expect(cursor).toMatch(/^[\w.~-]+$/)
    const refusal = async (path: string, request: object) => {
      const { status, body } = await scim.post(path, request)
      return [status, body['scimType']]
    }
    const here = { ...asked, cursor }
    expect((await search(scim, here))['Resources']).toHaveLength(2)
    expect(await refusal('/Users/.search', here)).toEqual([400, 'invalidCursor'])
    expect(await refusal('/.search', { ...here, filter: 'id pr' })).toEqual([400, 'invalidCursor'])
    expect(await refusal('/.search', { ...here, sortBy: 'id' })).toEqual([400, 'invalidCursor'])
    expect(await refusal('/.search', { ...here, count: 3 })).toEqual([400, 'invalidCount'])
  })

  test.for([{}, { sortBy: 'displayName' }, { sortBy: 'displayName', sortOrder: 'descending' }])(
    'loses and repeats nothing while others insert and delete: %j',
    async (order) => {
      const mine = await scimClient()
      const name = (n: number) => `n${String((n * 37) % 100).padStart(2, '0')}`
      const ids: string[] = []
      for (let n = 0; n < 15; n++) {
        ids.push((await mine.post('/Users', { userName: `u${n}`, displayName: name(n) })).body['id']) // prettier-ignore
        ids.push((await mine.post('/Groups', { displayName: name(n) })).body['id'])
      }
      const removed = new Set<string>()
      const pages = await walk(mine, { ...order, count: 4 }, async (page) => {
        for (const id of ids.slice(page * 3, page * 3 + 2)) {
          removed.add(id)
          await mine.delete(`/${id.startsWith('usr_') ? 'Users' : 'Groups'}/${id}`)
        }
        await mine.post('/Users', { userName: `new${page}`, displayName: `m${page}` })
        await mine.post('/Groups', { displayName: `o${page}` })
      })
      const seen = pages.flatMap((page) => page['Resources'].map(({ id }: Loose) => id))
      expect(new Set(seen).size).toBe(seen.length)
      expect(ids.filter((id) => !removed.has(id) && !seen.includes(id))).toEqual([])
    },
  )

  test('leads to the first page when everything before it was deleted', async () => {
    const mine = await seeded()
    const pages = await walk(mine, { count: 3 })
    for (const { id } of pages[0]?.['Resources'] ?? []) await mine.delete(`/Groups/${id}`)
    const first = await search(mine, { count: 3, cursor: pages[1]?.['previousCursor'] })
    // The same resources in the same order; a user who was in a deleted group shows it no more, and so has another tag.
    expect(idsIn(first)).toEqual(idsIn(pages[1] ?? {}))
    expect(first).not.toHaveProperty('previousCursor')
  })

  test('a count of 0 asks for the total alone, and no type left finds nothing', async () => {
    for (const paging of [{ count: 0 }, { count: 0, cursor: '' }, { count: 0, sortBy: 'title' }])
      expect(await search(scim, paging)).toMatchObject({ totalResults: 7, Resources: [] })
    for (const paging of [{}, { cursor: '' }, { sortBy: 'title' }, { sortBy: 'id' }])
      expect(await search(scim, { ...paging, filter: 'userName pr and members pr' })).toMatchObject(
        {
          totalResults: 0,
          itemsPerPage: 0,
          Resources: [],
        },
      )
  })
})

test('what SQL cannot decide is found, counted and ordered all the same', async () => {
  const mine = await seeded()
  await connect(env.DB).run(
    sql`UPDATE user SET resource = json_set(resource, '$.title', 'Zoe' || char(769))
      WHERE organization_id = ${mine.organizationId} AND user_name_key IN ('ann', 'dan')`,
  )
  const filter = 'title eq "zoé" or displayName eq "bob"'
  for (const [sortBy, names] of [
    ['displayName', ['bob', 'Bob', 'blue ann', 'dan']],
    [undefined, ['bob', 'Bob', 'blue ann', 'dan']],
    ['userName', ['blue ann', 'Bob', 'dan', 'bob']],
  ] as const) {
    const order = { filter, ...(sortBy === undefined ? {} : { sortBy }) }
    const expected = sortBy === 'displayName' ? ['blue ann', 'bob', 'Bob', 'dan'] : names
    const body = await search(mine, order)
    expect([body['totalResults'], namesIn(body)]).toEqual([4, expected])
    expect(namesIn(await search(mine, { ...order, startIndex: 2, count: 2 }))).toEqual(expected.slice(1, 3)) // prettier-ignore
    const walked = await walk(mine, { ...order, count: 1 })
    expect(walked.flatMap(namesIn)).toEqual(expected)
    expect(walked[3]?.['totalResults']).toBe(4)
  }
})

describe('GET /, which asks the root by a query', () => {
  test.for(['/', ''])('answers at %j what a search by POST answers', async (path) => {
    const asked = { filter: 'displayName pr', sortBy: 'displayName', count: '3' }
    const { status, headers, body } = await scim.get(
      `${path}?${new URLSearchParams(asked).toString()}`,
    )
    expect([status, headers.get('Content-Type')]).toEqual([200, 'application/scim+json'])
    expect(body).toEqual(await search(scim, { ...asked, count: 3 }))
  })

  test('leads on by cursor, leaves out what is not asked for, and refuses what it does not understand', async () => {
    const { body: first } = await scim.get('/?cursor=&count=5&attributes=id')
    expect(first['Resources'].map((shown: Loose) => Object.keys(shown))).toEqual(
      Array.from({ length: 5 }, () => ['schemas', 'id']),
    )
    const { body: second } = await scim.get(`/?cursor=${first['nextCursor']}&count=5`)
    expect([...idsIn(first), ...idsIn(second)]).toEqual(idsIn(await search(scim, {})))
    for (const query of ['filter=shoeSize%20pr', 'count=x', 'sortBy=nobody', 'sortOrder=up']) {
      const { status, body } = await scim.get(`/?${query}`)
      expect([query, status, body['status']]).toEqual([query, 400, '400'])
    }
    const { status, headers } = await scim.delete('/')
    expect([status, headers.get('Allow')]).toEqual([405, 'GET'])
  })
})
