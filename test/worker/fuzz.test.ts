import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { requests, type FuzzRequest } from '../support/arbitrary-request.ts'
import { scimClient, type Loose, type ScimClient } from '../support/seed.ts'

const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'
const RUNS = env.FUZZ_RUNS === '' ? 2000 : Number(env.FUZZ_RUNS)
/** The same requests in every `npm test`, others whenever the number of runs is given. */
const SEED = env.FUZZ_RUNS === '' ? { seed: 7644 } : {}
/** Far above what any request takes here. */
const SLOW_MS = 5000
/** A machine that does much else takes 15 ms a request; what hangs is told by `SLOW_MS`. */
const PATIENCE_MS = 60_000 + RUNS * 60
/** Lists walk over users: with many of them each case takes longer and finds no more. */
const MANY = 60

interface World {
  readonly scim: ScimClient
  readonly ids: Readonly<Record<string, string>>
  fingerprint: Fingerprint
}

/** What a write would change: the log's end, and the rows with their versions. */
interface Fingerprint {
  readonly log: unknown
  readonly rows: Readonly<Record<string, unknown>>
}

async function fingerprintOf(organizationId: string, ids: object): Promise<Fingerprint> {
  const isNamed = sql`id IN (SELECT value FROM json_each(${JSON.stringify(Object.values(ids))}))`
  const [answer] = await connect(env.DB).run(
    sql`SELECT (SELECT max(sequence) FROM event WHERE organization_id = o.id) AS log,
      o.user_count, o.group_count,
      (SELECT count(*) || '/' || coalesce(sum(version), 0) FROM user WHERE organization_id = o.id) AS users,
      (SELECT count(*) || '/' || coalesce(sum(version), 0) FROM "group" WHERE organization_id = o.id) AS groups,
      (SELECT count(*) FROM group_member WHERE organization_id = o.id) AS members,
      (SELECT count(*) FROM email WHERE organization_id = o.id) AS emails,
      (SELECT count(*) FROM pending_password WHERE organization_id = o.id) AS passwords,
      (SELECT count(*) FROM user WHERE organization_id = o.id AND ${isNamed}) +
        (SELECT count(*) FROM "group" WHERE organization_id = o.id AND ${isNamed}) AS named
      FROM organization o WHERE o.id = ${organizationId}`,
  )
  const { log, ...rows } = answer?.rows[0] ?? {}
  return { log, rows }
}

async function createWorld(): Promise<World> {
  const scim = await scimClient()
  const idOf = async (path: string, body: object) =>
    String((await scim.post(path, body)).body['id'])
  const U = await idOf('/Users', {
    userName: 'ann',
    emails: [{ type: 'work', value: 'ann@x.com' }],
  })
  const V = await idOf('/Users', { userName: 'bob', title: 'Chief', active: true })
  const H = await idOf('/Groups', { displayName: 'crew' })
  const G = await idOf('/Groups', { displayName: 'team', members: [{ value: U }, { value: H }] })
  const ids = { U, V, G, H }
  return { scim, ids, fingerprint: await fingerprintOf(scim.organizationId, ids) }
}

let world: World
beforeAll(async () => {
  world = await createWorld()
})

async function send({ scim, ids }: World, request: FuzzRequest) {
  const withIds = (text: string) =>
    text.replaceAll(/\$([UVGH])/g, (_, name: string) => ids[name] ?? '')
  const { method, path, query, headers, body } = request
  const url = `${withIds(path)}${query === '' ? '' : `?${query}`}`
  const sent = scim.send(method, url, body === undefined ? undefined : withIds(body), headers)
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${SLOW_MS} ms`)), SLOW_MS)
  })
  try {
    return await Promise.race([sent, late])
  } finally {
    clearTimeout(timer)
  }
}

type Answer = Awaited<ReturnType<typeof send>>

const isReading = ({ method, path }: FuzzRequest) =>
  ['GET', 'HEAD', 'OPTIONS'].includes(method) || path.endsWith('/.search')

/** What the log says of the request that failed. */
function unexpected({ scim }: World): Error {
  const line = scim.lines.findLast(({ message }) => message === 'request failed')
  return new Error(`answered 5xx: ${JSON.stringify(line)}`)
}

/** An error is what RFC 7644 section 3.12 says, and never ours. */
function expectError(status: number, body: Loose): void {
  expect(body).toMatchObject({ schemas: [ERROR], status: String(status) })
  expect(body['detail']).toEqual(expect.stringMatching(/\S/))
  expect(status === 501 || status < 500, `status ${status}`).toBe(true)
}

function expectSound(answer: Answer): void {
  const { status, headers, text, body } = answer
  if (text !== '') expect(headers.get('Content-Type')).toBe('application/scim+json')
  if (status >= 400 && text !== '') expectError(status, body)
  else expect(status === 501 || status < 500, `status ${status}`).toBe(true)
  expect(headers.get('X-Request-Id')).not.toBeNull()
}

/** Operations that failed left nothing; a circle that was undone has left its events. */
function expectSoundBulk({ body }: Answer, before: Fingerprint, after: Fingerprint): void {
  const results: Loose[] = body['Operations']
  for (const { status, response } of results)
    if (Number(status) >= 400) expectError(Number(status), response)
  if (results.every(({ status }) => Number(status) >= 400)) expect(after.rows).toEqual(before.rows)
}

/** What a write answered is what is read afterwards. */
async function expectReadable({ scim }: World, { text, body, headers }: Answer): Promise<void> {
  const { location, version } = body['meta'] ?? {}
  if (text === '' || location === undefined) return
  expect(headers.get('ETag')).toBe(version)
  const read = await scim.get(String(location).replace(/^.*\/scim\/v2/, ''))
  expect([read.status, ordered(read.body)]).toEqual([200, ordered(body)])
}

/** Members have no order (RFC 7643 section 2.4). */
function ordered(resource: Loose): Loose {
  const { members, ...others } = resource
  const byValue = (a: Loose, b: Loose) => (a['value'] < b['value'] ? -1 : 1)
  return Array.isArray(members) ? { ...others, members: members.toSorted(byValue) } : resource
}

async function check(request: FuzzRequest): Promise<void> {
  const before = world.fingerprint
  const answer = await send(world, request)
  const after = await fingerprintOf(world.scim.organizationId, world.ids)
  world.fingerprint = after
  if (answer.status >= 500 && answer.status !== 501) throw unexpected(world)
  expectSound(answer)
  const { status } = answer
  if (status >= 300 || isReading(request)) expect(after).toEqual(before)
  if (Array.isArray(answer.body['Operations'])) expectSoundBulk(answer, before, after)
  const isWhole = request.query === '' && !isReading(request)
  if (status < 300 && isWhole) await expectReadable(world, answer)
  const { named, user_count: users } = after.rows
  // A world without the resources that requests name answers 404 only.
  if (named !== 4 || Number(users) > MANY) world = await createWorld()
}

test(
  `${RUNS} requests of any kind: an answer, never a 5xx, and nothing written that is not told`,
  async () => {
    await fc.assert(fc.asyncProperty(requests, check), { numRuns: RUNS, ...SEED })
  },
  PATIENCE_MS,
)

const MEGABYTE = 2 ** 20
/** A body just within the limit, in which `part` is repeated. */
const filled = (start: string, part: string, end: string) => {
  const room = MEGABYTE - Buffer.byteLength(start + end)
  return start + part.repeat(Math.floor(room / Buffer.byteLength(part))) + end
}
const user = (member: string) => `{"userName":"mallory",${member}}`
const patch = (...operations: object[]) => JSON.stringify({ Operations: operations })
const many = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => make(index))

type Sent = readonly [method: string, path: string, body?: string]

const HOSTILE: Readonly<Record<string, Sent>> = {
  '10,000 parentheses': ['GET', `/Users?filter=${'('.repeat(10_000)}`],
  '1,000 nots in parentheses': [
    'GET',
    `/Users?filter=${'not('.repeat(1000)}a%20pr${')'.repeat(1000)}`,
  ],
  '10,000 parentheses that are closed': [
    'POST',
    '/.search',
    JSON.stringify({ filter: `${'('.repeat(10_000)}userName pr${')'.repeat(10_000)}` }),
  ],
  'a filter of a megabyte in the URL': [
    'GET',
    `/Users?filter=userName%20eq%20"${'a'.repeat(MEGABYTE)}"`,
  ],
  'a filter of a megabyte': [
    'POST',
    '/Users/.search',
    filled('{"filter":"userName eq \\"', 'a', '\\""}'),
  ],
  'a filter of 10,000 terms': [
    'POST',
    '/.search',
    JSON.stringify({ filter: many(10_000, () => 'title pr').join(' or ') }),
  ],
  'a path of 10,000 brackets': [
    'PATCH',
    '/Users/$U',
    patch({ op: 'remove', path: `emails${'['.repeat(10_000)}` }),
  ],
  'a path of a megabyte': [
    'PATCH',
    '/Users/$U',
    filled('{"Operations":[{"op":"remove","path":"', 'a', '"}]}'),
  ],
  'a bulk request of 10,000 operations': [
    'POST',
    '/Bulk',
    JSON.stringify({ Operations: many(10_000, () => ({ method: 'DELETE', path: '/Users/x' })) }),
  ],
  'a bulk request of more than a megabyte': ['POST', '/Bulk', ' '.repeat(MEGABYTE + 1)],
  'bulk requests within each other': [
    'POST',
    '/Bulk',
    `${'{"Operations":[{"method":"POST","path":"/Bulk","bulkId":"a","data":'.repeat(20)}1${'}]}'.repeat(20)}`,
  ],
  '1,001 operations of a PATCH': [
    'PATCH',
    '/Users/$U',
    patch(...many(1001, () => ({ op: 'remove', path: 'title' }))),
  ],
  '1,000 operations that look through all members': [
    'PATCH',
    '/Groups/$G',
    patch(
      { op: 'add', path: 'members', value: many(30_000, (index) => `usr_${index}`) },
      ...many(999, (index) => ({ op: 'remove', path: `members[display eq "${index}"]` })),
    ),
  ],
  '100,000 arrays within each other': [
    'POST',
    '/Users',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  ],
  '40 objects within each other': [
    'POST',
    '/Users',
    user(`"urn:x:y":${'{"a":'.repeat(40)}1${'}'.repeat(40)}`),
  ],
  'a member __proto__': ['POST', '/Users', user('"__proto__":{"active":false}')],
  'a member __proto__ in an extension': [
    'POST',
    '/Users',
    user('"urn:x:y":{"a":[{"__proto__":1}]}'),
  ],
  'a member constructor in an extension': ['POST', '/Users', user('"urn:x:y":{"constructor":1}')],
  'a path to __proto__': [
    'PATCH',
    '/Users/$U',
    patch({ op: 'add', path: '__proto__', value: 'x' }),
  ],
  'a path to __proto__ in an extension': [
    'PATCH',
    '/Users/$U',
    patch({ op: 'add', path: 'urn:x:y:2.0:User:__proto__.x', value: 'x' }),
  ],
  'a filter about __proto__': ['GET', '/Users?filter=__proto__%20pr'],
  'a name twice': ['POST', '/Users', user('"userName":"eve"')],
  'a name twice, spelled with an escape': ['POST', '/Users', user('"user\\u004eame":"eve"')],
  'a name twice in another case': ['POST', '/Users', user('"USERNAME":"eve"')],
  'a name twice, deep inside': ['POST', '/Users', user('"name":{"givenName":"a","givenName":"b"}')],
  'half a character in a value': ['POST', '/Users', user('"title":"\\ud83d"')],
  'half a character in a name': ['POST', '/Users', user('"urn:x:y":{"\\udc00":1}')],
  'half a character in a filter': ['POST', '/.search', '{"filter":"title eq \\"\\ud83d\\""}'],
  'half a character in a path': [
    'PATCH',
    '/Users/$U',
    patch({ op: 'remove', path: 'title\ud83d' }),
  ],
  'NUL in a value': ['POST', '/Users', user('"title":"a\\u0000b"')],
  'NUL in a user name': ['POST', '/Users', '{"userName":"ann\\u0000"}'],
  'NUL in a member': ['PATCH', '/Groups/$G', patch({ op: 'add', path: 'members', value: 'a\0' })],
  'NUL in a filter': ['GET', '/Users?filter=title%20eq%20"a%00b"'],
  'bytes that are no UTF-8': ['GET', '/Users?filter=title%20eq%20"%ff%fe"'],
  'a number beyond all bounds': ['POST', '/Users', user('"urn:x:y":{"a":1e999}')],
  'a number of 10,000 digits': ['POST', '/Users', user(`"urn:x:y":{"a":${'9'.repeat(10_000)}}`)],
  'an id that JavaScript rounds': ['POST', '/Users', user('"urn:x:y":{"a":12345678901234567890}')],
  'a count beyond all bounds': ['GET', `/Users?count=${'9'.repeat(400)}`],
  'an index beyond all bounds': ['POST', '/.search', '{"startIndex":1e400}'],
  'a megabyte of members': ['POST', '/Users', filled('{"userName":"mallory"', ',"a":1', '}')],
  'a name of a megabyte': [
    'POST',
    '/Users',
    filled('{"userName":"mallory","urn:x:', '1.', '":1,"active":"maybe"}'),
  ],
  'a name of many colons': ['POST', '/Users', filled('{"active":"maybe","urn', ':1', '":1}')],
  '40,000 addresses': [
    'POST',
    '/Users',
    filled('{"userName":"mallory","emails":["x"', ',"a@x.com"', ']}'),
  ],
  '40,000 addresses to add': [
    'PATCH',
    '/Users/$U',
    filled('{"Operations":[{"op":"add","path":"emails","value":["x"', ',{"value":"a"}', ']}]}'),
  ],
  'a megabyte of spaces': ['POST', '/Users', ' '.repeat(MEGABYTE)],
  'a text of a megabyte that is no address': [
    'POST',
    '/Users',
    filled('{"userName":"mallory","emails":[{"value":"', 'a@', '"}]}'),
  ],
  'an id of 10,000 characters': ['DELETE', `/Users/${'a'.repeat(10_000)}`],
  'an id that is SQL': ['GET', `/Users/${encodeURIComponent(`' OR '1'='1`)}`],
}

test.for(Object.entries(HOSTILE))(
  '%s: refused at once, and nothing is written',
  async ([, sent]) => {
    const [method, path, body] = sent
    const before = await fingerprintOf(world.scim.organizationId, world.ids)
    const start = Date.now()
    const answer = await send(world, { method, path, query: '', headers: {}, body })
    const { status } = answer
    expect(Date.now() - start).toBeLessThan(2000)
    if (path === '/Bulk' && status === 200) expect(answer.body['Operations'][0].status).toBe('400')
    else {
      expectSound(answer)
      expect([400, 404, 413]).toContain(status)
      expect(answer.text.length).toBeLessThan(2000)
    }
    expect(await fingerprintOf(world.scim.organizationId, world.ids)).toEqual(before)
  },
)

const LARGE: Readonly<Record<string, Sent>> = {
  'a megabyte of commas': ['POST', '/.search', filled('{"attributes":"', ',', '"}')],
  'a megabyte of brackets': [
    'POST',
    '/Users/.search',
    filled('{"excludedAttributes":["', '[', '"]}'),
  ],
  'a megabyte of names': ['POST', '/.search', filled('{"attributes":["id"', ',"a.b"', ']}')],
  'a megabyte of brackets and commas': [
    'POST',
    '/.search',
    filled('{"attributes":"', '[,],', '"}'),
  ],
  '16,000 commas in the URL': ['GET', `/Users?attributes=${','.repeat(16_000)}`],
  '4,000 parameters': ['GET', `/Users?${many(4000, (index) => `p${index}=1`).join('&')}`],
  'a megabyte of an unknown attribute': [
    'POST',
    '/Users',
    filled('{"userName":"mallory","nobody":"', 'a', '"}'),
  ],
  '80 operations that refer to each other': [
    'POST',
    '/Bulk',
    JSON.stringify({
      Operations: many(80, (index) => ({
        method: 'POST',
        path: '/Groups',
        bulkId: `b${index}`,
        data: { displayName: '', members: many(79, (other) => `bulkId:b${other}`) },
      })),
    }),
  ],
  'a megabyte of references': [
    'POST',
    '/Bulk',
    filled(
      '{"Operations":[{"method":"PUT","path":"/Groups/x","data":{"displayName":"x","members":["y"',
      ',"bulkId:a"',
      ']}}]}',
    ),
  ],
  '1,000 operations on 500 addresses': [
    'PATCH',
    '/Users/$U',
    patch(
      {
        op: 'add',
        path: 'emails',
        value: many(500, (index) => ({ value: `a${index}@x.com`, type: `t${index}` })),
      },
      ...many(999, (index) => ({
        op: 'replace',
        path: `emails[type eq "t${index % 500}"].display`,
        value: 'x',
      })),
    ),
  ],
}

test.for(Object.entries(LARGE))(
  '%s: answered in a short time',
  async ([, [method, path, body]]) => {
    const start = Date.now()
    const answer = await send(world, { method, path, query: '', headers: {}, body })
    expectSound(answer)
    expect(Date.now() - start).toBeLessThan(2000)
  },
)

test('headers that are too much are understood or refused', async () => {
  const { U = '' } = world.ids
  for (const tag of ['"'.repeat(60_001), 'W/'.repeat(30_000), `"0",${' '.repeat(60_000)}x`]) {
    const answer = await world.scim.get(`/Users/${U}`, { 'If-None-Match': tag, 'If-Match': tag })
    expect(answer.status).toBe(200)
    const refused = await world.scim.delete(`/Users/${U}`, { 'If-Match': `${tag}"no"` })
    expect(refused.status).toBe(412)
  }
  for (const token of [
    '',
    'Bearer',
    `Bearer ${'a'.repeat(100_000)}`,
    `Bearer ${' '.repeat(60_000)}"`,
  ])
    expect((await world.scim.get('/Users', { Authorization: token })).status).toBe(401)
})
