/**
 * The SCIM server with 100,000 users in one organization, and 100,000 members in one group. A credential is read again from
 * time to time: a request that does so takes one round trip more than the others.
 */
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { generateUsers } from '../support/generated-users.ts'
import { scimClient, seedSource, type Loose, type ScimClient } from '../support/seed.ts'
import { report, SCALE } from './report.ts'
import { measure, percentile } from './timing.ts'

const MANY = Math.round(100_000 * SCALE)
const FEW = 100
const PAGE = 200

const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString()
const idsIn = (body: Loose): string[] => body['Resources'].map(({ id }: Loose) => id)
const idOf = (n: number) => `usr_${String(n).padStart(26, '0')}`

/** An organization of generated users, each with a second address. */
async function organizationOf(count: number): Promise<ScimClient> {
  const source = await seedSource()
  const step = 20_000
  for (let from = 1; from <= count; from += step)
    await generateUsers(source.organizationId, from, Math.min(step, count - from + 1))
  await connect(env.DB).run(
    sql`INSERT INTO email (organization_id, address_key, user_id)
      SELECT organization_id, 'other-' || email_key, id FROM user
      WHERE organization_id = ${source.organizationId}`,
  )
  const scim = await scimClient({ as: source })
  await scim.get('/Users?count=1')
  return scim
}

let many: ScimClient
let few: ScimClient
beforeAll(async () => {
  many = await organizationOf(MANY)
  few = await organizationOf(FEW)
})

describe(`filters: ${MANY} users against ${FEW}`, () => {
  const SAMPLES = 120
  const WARM = 20
  /** The clock counts milliseconds, so one sample is the mean of this many requests. */
  const REQUESTS = 10

  test.for([
    ['userName', (n: number) => `userName eq "user${n}@contoso.com"`],
    ['externalId', (n: number) => `externalId eq "ext-${n}"`],
    ['emails.value', (n: number) => `emails.value eq "mail${n}@contoso.com"`],
    ['emails[type eq "work"].value', (n: number) => `emails[type eq "work"].value eq "mail${n}@contoso.com"`], // prettier-ignore
  ] as const)('%s eq', async ([, filterFor], { task }) => {
    let rowsRead = 0
    const sampleOf = async (scim: ScimClient, count: number): Promise<number> => {
      const { ms } = await measure(async () => {
        for (let i = 0; i < REQUESTS; i++) {
          const n = 1 + Math.floor(Math.random() * count)
          const { body, cost } = await scim.get(`/Users?${query({ filter: filterFor(n) })}`)
          expect(idsIn(body)).toEqual([idOf(n)])
          rowsRead = Math.max(rowsRead, cost.rowsRead)
        }
      })
      return ms / REQUESTS
    }
    const samples: { few: number; many: number }[] = []
    // In turn, so that what else the machine does meets both alike.
    for (let i = 0; i < SAMPLES; i++)
      samples.push({ few: await sampleOf(few, FEW), many: await sampleOf(many, MANY) })
    const measured = samples.slice(WARM)
    const p50 = (of: 'few' | 'many') => percentile(measured.map((sample) => sample[of]), 0.5) // prettier-ignore
    const ratio = p50('many') / p50('few')
    report(task, {
      [`p50 ms of ${FEW}`]: p50('few'),
      [`p50 ms of ${MANY}`]: p50('many'),
      ratio,
      'most rows read': rowsRead,
    })
    expect(ratio).toBeLessThanOrEqual(1.5)
  })
})

describe(`what no index serves: ${MANY} users`, () => {
  const TIMES = 10
  const deep = String(Math.floor(MANY * 0.9) + 1)

  test.for([
    ['a page by index at 90 %', { startIndex: deep, count: '200' }],
    ['title eq', { filter: 'title eq "TITLE 7"' }],
    ['displayName co', { filter: 'displayName co "99"' }],
    ['name.givenName sw and active', { filter: 'name.givenName sw "Given9" and active eq false' }],
    ['meta.lastModified gt', { filter: 'meta.lastModified gt "2026-01-01T00:01:30Z"' }],
    ['sorted by displayName', { sortBy: 'displayName' }],
  ] as const)('%s', async ([, parameters], { task }) => {
    const times: number[] = []
    let rowsRead = 0
    let roundTrips = Number.POSITIVE_INFINITY
    for (let i = 0; i < TIMES; i++) {
      const { result, ms } = await measure(() => many.get(`/Users?${query(parameters)}`))
      expect(result.status).toBe(200)
      times.push(ms)
      rowsRead = result.cost.rowsRead
      roundTrips = Math.min(roundTrips, result.cost.roundTrips)
    }
    report(task, {
      'p50 ms': percentile(times, 0.5),
      'rows read': rowsRead,
      'round trips': roundTrips,
    })
    expect(roundTrips).toBe(1)
  })
})

interface WalkedPage {
  readonly ids: readonly string[]
  readonly ms: number
  readonly rowsRead: number
  readonly roundTrips: number
}

/** The pages of a whole list, by cursor; `beside` happens while a page is read. */
async function walk(
  order: Readonly<Record<string, string>>,
  beside: (page: number) => Promise<void> = async () => {},
): Promise<readonly WalkedPage[]> {
  const pages: WalkedPage[] = []
  const readPage = async (cursor: string): Promise<string | undefined> => {
    const path = `/Users?${query({ ...order, count: String(PAGE), cursor })}`
    const { result, ms } = await measure(() => many.get(path))
    const { body, cost } = result
    pages.push({ ids: idsIn(body), ms, rowsRead: cost.rowsRead, roundTrips: cost.roundTrips })
    return body['nextCursor']
  }
  let cursor: string | undefined = ''
  while (cursor !== undefined) {
    // At once: changes come before, while and after a page is read.
    const [next]: [string | undefined, unknown] = await Promise.all([
      readPage(cursor),
      beside(pages.length),
    ])
    cursor = next
  }
  return pages
}

describe('pages by cursor', () => {
  test.for([
    ['by id', {}],
    ['by userName', { sortBy: 'userName' }],
    ['by userName, descending', { sortBy: 'userName', sortOrder: 'descending' }],
  ] as const)('%s: a page deep in the list', async ([, order], { task }) => {
    const pages = await walk(order)
    const deep = Math.floor((pages.length * 9) / 10)
    const msAround = (at: number) => percentile(pages.slice(at, at + 20).map(({ ms }) => ms), 0.5) // prettier-ignore
    report(task, {
      pages: pages.length,
      'rows read, page 2': pages[1]?.rowsRead ?? 0,
      [`rows read, offset ${deep * PAGE}`]: pages[deep]?.rowsRead ?? 0,
      'p50 ms, pages 2-21': msAround(1),
      [`p50 ms, offset ${deep * PAGE}`]: msAround(deep),
    })
    expect(percentile(pages.map(({ roundTrips }) => roundTrips), 0.5)).toBe(1) // prettier-ignore
    expect(Math.max(...pages.map(({ rowsRead }) => rowsRead))).toBeLessThan(PAGE * 4 + 20)
  })

  test.for([
    ['by id', {}],
    ['by userName', { sortBy: 'userName' }],
  ] as const)(
    '%s: a walk while another client inserts and deletes',
    async ([name, order], { task }) => {
      const removed = new Set<string>()
      const added = new Set<string>()
      const other = await scimClient({ as: many })
      const disturb = async (page: number) => {
        for (let i = 0; i < 3; i++) {
          const id = idOf(1 + Math.floor(Math.random() * MANY))
          if (removed.has(id)) continue
          removed.add(id)
          const { status } = await other.delete(`/Users/${id}`)
          expect([204, 404]).toContain(status)
        }
        const userName = `user${Math.floor(Math.random() * MANY)}-${page} ${name}`
        const { body } = await other.post('/Users', { userName })
        added.add(body['id'])
      }
      const [before] = await connect(env.DB).run(
        sql`SELECT id FROM user WHERE organization_id = ${many.organizationId}`,
      )
      const pages = await walk(order, disturb)
      const seen = pages.flatMap(({ ids }) => ids)
      const distinct = new Set(seen)
      const kept = (before?.rows ?? []).map(({ id }) => String(id)).filter((id) => !removed.has(id))
      const lost = kept.filter((id) => !distinct.has(id)).length
      report(task, {
        pages: pages.length,
        'users that stayed': kept.length,
        seen: seen.length,
        lost,
        repeated: seen.length - distinct.size,
        'deleted meanwhile': removed.size,
        'inserted meanwhile': added.size,
      })
      expect([lost, seen.length - distinct.size]).toEqual([0, 0])
    },
  )
})

describe(`a group of ${MANY} members`, () => {
  let path = ''
  const members = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => ({ value: idOf(from + at) }))
  const patch = (op: 'Add' | 'Remove', value: object[]) =>
    many.patch(path, [{ op, path: 'members', value }])

  beforeAll(async () => {
    const { body } = await many.post('/Groups', { displayName: 'Everybody' })
    path = `/Groups/${body['id']}`
    const step = 10_000
    for (let from = 1; from <= MANY; from += step) {
      const { status, text } = await patch('Add', members(from, Math.min(step, MANY - from + 1)))
      if (status !== 204) throw new Error(text)
    }
  })

  test.for([1, 10, 100, 1000])('a PATCH of %i members', async (count, { task }) => {
    const first = 1_000_000
    const costs: Record<string, number> = {}
    for (const op of ['Add', 'Remove'] as const) {
      const { result, ms } = await measure(() => patch(op, members(first, count)))
      const { rowsRead, rowsWritten } = result.cost
      expect(result.status).toBe(204)
      expect(rowsWritten).toBeLessThanOrEqual(2 * count + 3)
      expect(rowsRead).toBeLessThanOrEqual(14 * count + 20)
      Object.assign(costs, {
        [`${op}: rows written`]: rowsWritten,
        [`${op}: rows read`]: rowsRead,
        [`${op}: ms`]: ms,
      })
    }
    report(task, costs)
  })

  test('whether one user is a member, and the groups of a user', async ({ task }) => {
    const id = path.split('/').at(-1) ?? ''
    const filter = `id eq "${id}" and members eq "${idOf(MANY)}"`
    const asked = await measure(() => many.get(`/Groups?${query({ filter, attributes: 'id' })}`))
    expect(idsIn(asked.result.body)).toEqual([id])
    const user = `groups.value eq "${id}"`
    const listed = await measure(() => many.get(`/Users?${query({ filter: user, count: '10' })}`))
    expect(idsIn(listed.result.body)).toHaveLength(10)
    report(task, {
      'members eq: ms': asked.ms,
      'members eq: rows read': asked.result.cost.rowsRead,
      'groups.value eq: ms': listed.ms,
      'groups.value eq: rows read': listed.result.cost.rowsRead,
    })
    expect(asked.result.cost.rowsRead).toBeLessThan(20)
  })
})
