import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { addQuirkCounts, quirkCounts, quirkTally } from '../../src/db/quirk-store.ts'
import { QUIRKS } from '../../src/scim/quirks.ts'
import { newId, scimClient, seedSource, type ScimClient } from '../support/seed.ts'

const countsOf = async ({ organizationId, sourceId }: ScimClient) =>
  Object.fromEntries(
    (await quirkCounts(connect(env.DB), organizationId, sourceId)).map((found) => [
      found.number,
      found.count,
    ]),
  )
const filterBy = (filter: string) => `filter=${encodeURIComponent(filter)}`

/** A client whose clock stands still until it is told to go on. */
async function clientAt(start: number) {
  const time = { now: start }
  const scim = await scimClient({ instead: { clock: { now: () => time.now } } })
  return { scim, time }
}

describe('tolerated peculiarities are counted', () => {
  test.for([
    ['17 by filters', ['GET', `/Users?${filterBy('emails[type eq "work"].value eq "x"')}`], [17]],
    ['18 by filters', ['GET', `/Groups?${filterBy('externalId eq x')}`], [18]],
    ['18 by searches', ['POST', '/Users/.search', { filter: 'externalId eq x' }], [18]],
    ['18 by searches at the root', ['POST', '/.search', { filter: 'externalId eq x' }], [18]],
    ['22 by bodies', ['POST', '/Users', { userName: 'a' }, { 'Content-Type': 'text/json' }], []],
    [
      '22 by bodies',
      ['POST', '/Users', { userName: 'a' }, { 'Content-Type': 'application/json' }],
      [22],
    ],
    ['38 by slashes', ['GET', '//Users/'], [38]],
    ['38 by spelling', ['GET', '/users'], [38]],
    ['39 by names', ['GET', '/Users?attributes=emails[type%20eq%20"work"],userName'], [39]],
    ['39 by names that are left out', ['POST', '/.search', { excludedAttributes: ['a[b]'] }], [39]],
    ['2 and 23 by values', ['POST', '/Users', { userName: 'a', active: 'True', x: 1 }], [2, 23]],
    ['none by what the RFC has', ['GET', `/Users?${filterBy('active eq true')}`], []],
    ['none by what is refused', ['GET', `/Users?${filterBy('shoeSize eq x')}`], []],
  ] as const)('%s', async ([, [method, path, body, headers], numbers]) => {
    const scim = await scimClient()
    await scim.send(method, path, body, headers)
    expect(await countsOf(scim)).toEqual(Object.fromEntries(numbers.map((number) => [number, 1])))
    for (const number of numbers) expect(QUIRKS).toHaveProperty(String(number))
  })

  test('stored with the first request, then at most once a minute, and beside the requests', async () => {
    const { scim, time } = await clientAt(Date.now())
    const cost = (await scim.get('/users')).cost.rowsWritten
    expect(cost).toBe(0)
    await scim.get('/users')
    time.now += 59_000
    await scim.get(`/users?${filterBy('externalId eq x')}`)
    expect(await countsOf(scim)).toEqual({ 38: 1 })
    time.now += 1_000
    await scim.get('/Users')
    expect(await countsOf(scim)).toEqual({ 18: 1, 38: 3 })
    const counts = await quirkCounts(connect(env.DB), scim.organizationId, scim.sourceId)
    expect(counts.map(({ lastSeen }) => time.now - lastSeen)).toEqual([1_000, 1_000])
  })

  test('for each source on its own, and never of another organization', async () => {
    const one = await scimClient()
    const other = await scimClient({ organizationId: one.organizationId })
    const stranger = await scimClient()
    await one.get('/users')
    await other.get('/Users/')
    await other.get(`/Users?${filterBy('externalId eq x')}`)
    expect(await countsOf(one)).toEqual({ 38: 1 })
    expect(await countsOf(other)).toEqual({ 38: 1 })
    expect(await countsOf({ ...stranger, sourceId: one.sourceId })).toEqual({})
  })

  test('a bulk request counts once, whatever its operations need', async () => {
    const scim = await scimClient()
    const data = { userName: 'a', active: 'True' }
    await scim.post('/Bulk', {
      Operations: [
        { method: 'POST', path: '/Users', bulkId: 'a', data },
        { method: 'POST', path: '/Users', bulkId: 'b', data: { ...data, userName: 'b' } },
      ],
    })
    expect(await countsOf(scim)).toEqual({ 2: 1 })
  })
})

describe('the store', () => {
  test('adds up, keeps the last time and writes a row for each number', async () => {
    const { organizationId, sourceId } = await seedSource()
    const database = connect(env.DB)
    const add = (counts: readonly (readonly [number, number, number])[]) =>
      addQuirkCounts(database, {
        organizationId,
        sourceId,
        counts: counts.map(([number, count, lastSeen]) => ({ number, count, lastSeen })),
      })
    await add([
      [1, 2, 500],
      [18, 1, 400],
    ])
    const { rowsWritten } = database.meter
    await add([
      [1, 3, 450],
      [2, 1, 600],
    ])
    expect([rowsWritten, database.meter.rowsWritten]).toEqual([2, 4])
    expect(await quirkCounts(database, organizationId, sourceId)).toEqual([
      { number: 1, count: 5, lastSeen: 500 },
      { number: 2, count: 1, lastSeen: 600 },
      { number: 18, count: 1, lastSeen: 400 },
    ])
  })

  test('keeps nothing of a source that is gone', async () => {
    const { organizationId, sourceId } = await seedSource()
    const database = connect(env.DB)
    await database.run(sql`DELETE FROM source WHERE organization_id = ${organizationId}`)
    const counts = [{ number: 1, count: 1, lastSeen: 1 }]
    await addQuirkCounts(database, { organizationId, sourceId, counts })
    expect(await quirkCounts(database, organizationId, sourceId)).toEqual([])
  })
})

describe('the tally', () => {
  test('forgets the source that it met first when it holds too many', () => {
    const tally = quirkTally()
    const sources = Array.from({ length: 1001 }, () => newId('src'))
    for (const source of sources) tally.note('org', source, [1], 0)
    expect(tally.note('org', sources[1000] ?? '', [1], 1)).toBeUndefined()
    expect(tally.note('org', sources[0] ?? '', [1], 1)).toMatchObject({ sourceId: sources[0] })
  })

  test('has nothing to say of requests without quirks', () => {
    const tally = quirkTally()
    expect(tally.note('org', 'src', [], 0)).toBeUndefined()
    expect(tally.note('org', 'src', [1], 0)).toMatchObject({ counts: [{ number: 1, count: 1 }] })
    expect(tally.note('org', 'src', [], 90_000)).toBeUndefined()
  })
})

test('a request does not fail when its quirks cannot be counted', async () => {
  const broken = {
    prepare: () => ({ bind: () => ({}) }),
    batch: () => Promise.reject(new Error('no')),
  }
  const working = await scimClient()
  const scim = await scimClient({
    as: working,
    env: { DB: broken },
    instead: { connect: () => connect(env.DB) },
  })
  expect((await scim.get('/users')).status).toBe(200)
  expect(scim.lines).toContainEqual(expect.objectContaining({ message: 'quirks not counted' }))
})
