import { beforeEach, describe, expect, it } from 'vitest'
import { type Json, type JsonObject, isJsonArray, isJsonObject } from '../../src/kernel/json.ts'
import { type EmulatorOptions, type GraphEmulator, createGraphEmulator } from './emulator.ts'
import { type Send, errorOf, idOf, newGroup, newUser, reference, signIn } from './test-client.ts'
import { textFrom } from './text.ts'

const DAY = 86_400_000
const GRAPH = 'https://graph.microsoft.com/v1.0'

const clock = { now: Date.UTC(2026, 5, 1) }
let emulator: GraphEmulator
let send: Send

const begin = async (options: EmulatorOptions = {}): Promise<void> => {
  emulator = createGraphEmulator({
    now: () => clock.now,
    tokenLifetimeSeconds: 10_000_000,
    ...options,
  })
  send = await signIn(emulator)
}

beforeEach(() => begin())

interface Round {
  readonly rows: JsonObject[]
  readonly pages: number[]
  /** As a path, to go on from. */
  readonly deltaLink: string
}

/** Follows a round to its end. */
async function follow(path: string, headers: Record<string, string> = {}): Promise<Round> {
  const rows: JsonObject[] = []
  const pages: number[] = []
  for (let next = path; ;) {
    const { status, body } = await send('GET', next, undefined, headers)
    expect(status).toBe(200)
    const { value } = body
    const page = isJsonArray(value) ? value.filter(isJsonObject) : []
    rows.push(...page)
    pages.push(page.length)
    const links = ['@odata.nextLink', '@odata.deltaLink'].filter((name) => name in body)
    expect(links).toHaveLength(1)
    next = textFrom(body[links[0] ?? '']).replace(GRAPH, '')
    if (links[0] === '@odata.deltaLink') return { rows, pages, deltaLink: next }
  }
}

const create = async (name: string, more: JsonObject = {}): Promise<string> =>
  idOf(await send('POST', '/users', newUser(name, more)))

const patch = (id: string, body: JsonObject) => send('PATCH', `/users/${id}`, body)

const rowOf = (rows: JsonObject[], id: string): JsonObject | undefined =>
  rows.findLast((row) => row['id'] === id)

const selected = '/users/delta?$select=displayName,jobTitle,department'

describe('a first round', () => {
  it('tells every user, with the selected properties that were ever set', async () => {
    const adele = await create('adele', { jobTitle: 'Manager' })
    const bob = await create('bob')
    await send('DELETE', `/users/${await create('gone')}`)
    const { body } = await send('GET', selected)
    expect(body['@odata.context']).toBe(`${GRAPH}/$metadata#users(displayName,jobTitle,department)`)
    expect(body['value']).toEqual([
      { displayName: 'User adele', jobTitle: 'Manager', id: adele },
      { displayName: 'User bob', id: bob },
    ])
  })

  it('has pages of 200, and tells the delta link on the last alone', async () => {
    emulator.seed({ users: 450 })
    const { rows, pages } = await follow(selected)
    expect(pages).toEqual([200, 200, 50])
    expect(new Set(rows.map((row) => row['id'])).size).toBe(450)
  })

  it('is not disturbed by what happens meanwhile; the next round tells it', async () => {
    const { users } = emulator.seed({ users: 4 })
    emulator.delta.configure({ pageSize: 2 })
    const { body } = await send('GET', selected)
    await patch(users[3] ?? '', { jobTitle: 'New' })
    await send('DELETE', `/users/${users[2]}`)
    const late = await create('late')
    const rest = await follow(textFrom(body['@odata.nextLink']).replace(GRAPH, ''))
    expect(rest.rows.map((row) => row['id'])).toEqual(users.slice(2))
    const { rows } = await follow(rest.deltaLink)
    expect(rows.map((row) => row['id']).toSorted()).toEqual([users[2], users[3], late].toSorted())
  })

  it('answers under its qualified name as well', async () => {
    const id = await create('adele')
    for (const name of ['microsoft.graph.delta()', 'microsoft.graph.delta', 'delta()'])
      expect((await follow(`/users/${name}?$select=displayName`)).rows).toMatchObject([{ id }])
  })

  it('can be skipped with $deltatoken=latest', async () => {
    emulator.seed({ users: 3 })
    const { rows, deltaLink } = await follow(`${selected}&$deltatoken=latest`)
    expect(rows).toEqual([])
    const id = await create('adele')
    expect((await follow(deltaLink)).rows).toEqual([{ displayName: 'User adele', id }])
  })

  it('costs one resource unit a page', async () => {
    expect((await send('GET', selected)).headers.get('x-ms-resource-unit')).toBe('1')
  })
})

describe('a later round', () => {
  it('tells nothing when nothing of the selected changed', async () => {
    const id = await create('adele')
    const { deltaLink } = await follow(selected)
    await patch(id, { city: 'Bergen' })
    await patch(id, { displayName: 'User adele' })
    const { rows, deltaLink: next } = await follow(deltaLink)
    expect(rows).toEqual([])
    expect((await follow(next)).rows).toEqual([])
  })

  it('tells a changed user whole, or with return=minimal the changes alone', async () => {
    const id = await create('adele', { jobTitle: 'Manager', department: 'Sales' })
    const { deltaLink } = await follow(selected)
    await patch(id, { jobTitle: 'Director' })
    await patch(id, { department: null })
    expect((await follow(deltaLink)).rows).toEqual([
      { displayName: 'User adele', jobTitle: 'Director', department: null, id },
    ])
    expect((await follow(deltaLink, { Prefer: 'return=minimal' })).rows).toEqual([
      { jobTitle: 'Director', department: null, id },
    ])
    const { headers } = await send('GET', deltaLink, undefined, { Prefer: 'return=minimal' })
    expect(headers.get('preference-applied')).toBe('return=minimal')
  })

  it('tells a new user whole even with return=minimal', async () => {
    const { deltaLink } = await follow(selected)
    const id = await create('adele', { jobTitle: 'Manager' })
    expect((await follow(deltaLink, { Prefer: 'return=minimal' })).rows).toEqual([
      { displayName: 'User adele', jobTitle: 'Manager', id },
    ])
  })

  it('tells who went into the recycle bin, who is gone for good, and who came back', async () => {
    const id = await create('adele')
    const start = await follow(selected)
    await send('DELETE', `/users/${id}`)
    const binned = await follow(start.deltaLink)
    expect(binned.rows).toEqual([{ id, '@removed': { reason: 'changed' } }])
    await send('POST', `/directory/deletedItems/${id}/restore`)
    const restored = await follow(binned.deltaLink, { Prefer: 'return=minimal' })
    expect(restored.rows).toEqual([{ displayName: 'User adele', id }])
    await send('DELETE', `/users/${id}`)
    const again = await follow(restored.deltaLink)
    await send('DELETE', `/directory/deletedItems/${id}`)
    const purged = await follow(again.deltaLink)
    expect(purged.rows).toEqual([{ id, '@removed': { reason: 'deleted' } }])
  })

  it('tells a deletion and a restore in one round as a change of nothing', async () => {
    const id = await create('adele')
    const { deltaLink } = await follow(selected)
    await send('DELETE', `/users/${id}`)
    await send('POST', `/directory/deletedItems/${id}/restore`)
    expect((await follow(deltaLink)).rows).toEqual([])
  })

  it('tells who left the recycle bin after 30 days', async () => {
    const id = await create('adele')
    await send('DELETE', `/users/${id}`)
    clock.now += 29 * DAY
    const { deltaLink } = await follow(selected)
    clock.now += 2 * DAY
    expect((await follow(deltaLink)).rows).toEqual([{ id, '@removed': { reason: 'deleted' } }])
  })

  it('tells what another administrator did', async () => {
    const id = await create('adele', { jobTitle: 'Manager' })
    const { deltaLink } = await follow(selected)
    emulator.changeUser(id, { properties: { jobTitle: 'Drifted' } })
    expect((await follow(deltaLink)).rows).toMatchObject([{ id, jobTitle: 'Drifted' }])
  })
})

describe('managers', () => {
  const link = (id: string, more: JsonObject = {}): JsonObject => ({
    '@odata.type': '#microsoft.graph.user',
    id,
    ...more,
  })
  const gone = { '@removed': { reason: 'deleted' } }
  const path = '/users/delta?$select=displayName,manager'
  const setManager = (id: string, manager: string) =>
    send('PUT', `/users/${id}/manager/$ref`, { '@odata.id': reference(manager) })

  it('are told as manager@delta, when selected', async () => {
    const [adele, bob, eve] = [await create('adele'), await create('bob'), await create('eve')]
    await setManager(adele, bob)
    const first = await follow(path)
    expect(rowOf(first.rows, adele)?.['manager@delta']).toEqual([link(bob)])
    expect(rowOf(first.rows, bob)).toEqual({ displayName: 'User bob', id: bob })
    await setManager(adele, eve)
    const changed = await follow(first.deltaLink)
    expect(changed.rows).toEqual([
      { displayName: 'User adele', id: adele, 'manager@delta': [link(bob, gone), link(eve)] },
    ])
    await send('DELETE', `/users/${adele}/manager/$ref`)
    const cleared = await follow(changed.deltaLink, { Prefer: 'return=minimal' })
    expect(cleared.rows).toEqual([{ id: adele, 'manager@delta': [link(eve, gone)] }])
    expect((await follow(selected)).rows.some((row) => 'manager@delta' in row)).toBe(false)
  })

  it('come back with a restored user', async () => {
    const [adele, bob] = [await create('adele'), await create('bob')]
    await setManager(adele, bob)
    await send('DELETE', `/users/${adele}`)
    const { deltaLink } = await follow(path)
    await send('POST', `/directory/deletedItems/${adele}/restore`)
    expect((await follow(deltaLink)).rows).toEqual([
      { displayName: 'User adele', id: adele, 'manager@delta': [link(bob)] },
    ])
  })
})

describe('groups', () => {
  const path = '/groups/delta?$select=displayName,members'
  const memberIds = (rows: JsonObject[]): Json[] =>
    rows.flatMap((row) => (row['members@delta'] ?? []) as JsonObject[]).map(({ id }) => id ?? null)

  it('tell members who came and who went', async () => {
    const { users } = emulator.seed({ users: 3 })
    const [a = '', b = '', c = ''] = users
    const bind = { 'members@odata.bind': [a, b].map(reference) }
    const group = idOf(await send('POST', '/groups', newGroup('ops', bind)))
    const first = await follow(path)
    expect(memberIds(first.rows)).toEqual([a, b])
    await send('POST', `/groups/${group}/members/$ref`, { '@odata.id': reference(c) })
    await send('DELETE', `/groups/${group}/members/${a}/$ref`)
    expect((await follow(first.deltaLink)).rows).toEqual([
      {
        displayName: 'Group ops',
        id: group,
        'members@delta': [
          { '@odata.type': '#microsoft.graph.user', id: c },
          { '@odata.type': '#microsoft.graph.user', id: a, '@removed': { reason: 'deleted' } },
        ],
      },
    ])
  })

  it('that are large come in several rows, on several pages', async () => {
    const { users, groups } = emulator.seed({ users: 450, groups: 1, membersPerGroup: 450 })
    emulator.delta.configure({ pageSize: 2 })
    const { rows, pages } = await follow(path)
    expect(pages).toEqual([2, 1])
    expect(rows.map((row) => row['id'])).toEqual([groups[0], groups[0], groups[0]])
    expect(memberIds(rows)).toEqual(users)
  })

  it('that are security groups are gone for good at once', async () => {
    const group = idOf(await send('POST', '/groups', newGroup('ops')))
    const { deltaLink } = await follow(path)
    await send('DELETE', `/groups/${group}`)
    expect((await follow(deltaLink)).rows).toEqual([
      { id: group, '@removed': { reason: 'deleted' } },
    ])
  })

  it('tell members without a $select, too', async () => {
    emulator.seed({ users: 1, groups: 1, membersPerGroup: 1 })
    expect(memberIds((await follow('/groups/delta')).rows)).toHaveLength(1)
  })
})

describe('a filter', () => {
  it('tracks some objects by id, and goes with the token', async () => {
    const [adele, bob] = [await create('adele'), await create('bob')]
    const filter = encodeURIComponent(`id eq '${adele}'`)
    const { rows, deltaLink } = await follow(`${selected}&$filter=${filter}`)
    expect(rows.map((row) => row['id'])).toEqual([adele])
    await patch(adele, { jobTitle: 'A' })
    await patch(bob, { jobTitle: 'B' })
    expect((await follow(deltaLink)).rows.map((row) => row['id'])).toEqual([adele])
  })

  it('is for up to 50 ids and for nothing else', async () => {
    const ids = (count: number) =>
      Array.from({ length: count }, (_, i) => `id eq '${String(i).padStart(8, '0')}'`).join(' or ')
    const ask = async (filter: string) =>
      errorOf(await send('GET', `${selected}&$filter=${encodeURIComponent(filter)}`))
    expect((await follow(`${selected}&$filter=${encodeURIComponent(ids(50))}`)).rows).toEqual([])
    expect(await ask(ids(51))).toMatchObject({ status: 400, code: 'Request_UnsupportedQuery' })
    expect(await ask("displayName eq 'x'")).toMatchObject({
      status: 400,
      code: 'Request_UnsupportedQuery',
    })
  })
})

describe('a token', () => {
  it('of a delta link lives seven days', async () => {
    const { deltaLink } = await follow(selected)
    clock.now += 7 * DAY
    expect((await send('GET', deltaLink)).status).toBe(200)
    clock.now += 1
    expect(errorOf(await send('GET', deltaLink))).toEqual({
      status: 400,
      code: 'syncStateNotFound',
      message:
        'The sync state generation is not found. The delta token is expired and data must be synchronized again.',
    })
  })

  it('of a page lives minutes', async () => {
    emulator.seed({ users: 3 })
    emulator.delta.configure({ pageSize: 2 })
    const { body } = await send('GET', selected)
    clock.now += 10 * 60_000 + 1
    const next = textFrom(body['@odata.nextLink']).replace(GRAPH, '')
    expect(errorOf(await send('GET', next))).toMatchObject({
      status: 400,
      code: 'Directory_ExpiredPageToken',
    })
  })

  it('asks for a new beginning after a resync', async () => {
    const id = await create('adele')
    const { deltaLink } = await follow(selected)
    emulator.delta.resync()
    const refused = await send('GET', deltaLink)
    expect(errorOf(refused)).toMatchObject({ status: 410, code: 'resyncRequired' })
    const location = refused.headers.get('location') ?? ''
    expect(location).toBe(
      `${GRAPH}/users/delta?$deltatoken=&$select=displayName,jobTitle,department`,
    )
    const { rows, deltaLink: next } = await follow(location.replace(GRAPH, ''))
    expect(rows).toEqual([{ displayName: 'User adele', id }])
    expect((await follow(next)).rows).toEqual([])
  })

  it('carries its query, which is not to be given again', async () => {
    const { deltaLink } = await follow(selected)
    expect((await send('GET', `${deltaLink}&$select=city`)).status).toBe(400)
  })

  it('is good for its own collection alone, and only whole', async () => {
    const { deltaLink } = await follow(selected)
    for (const bad of [
      deltaLink.replace('/users/', '/groups/'),
      deltaLink.slice(0, -9),
      `${selected.split('?')[0]}?$deltatoken=x`,
    ])
      expect(errorOf(await send('GET', bad))).toMatchObject({
        status: 400,
        message: 'Badly formed token.',
      })
  })

  it('can be used again: the same changes are told', async () => {
    const { deltaLink } = await follow(selected)
    await create('adele')
    expect((await follow(deltaLink)).rows).toEqual((await follow(deltaLink)).rows)
  })
})

it.each(['$top=10', '$expand=manager', '$orderby=displayName', '$count=true', '$search="x"'])(
  'refuses %s',
  async (option) => {
    expect((await send('GET', `/users/delta?${option}`)).status).toBe(400)
  },
)

it('refuses what it cannot track', async () => {
  expect((await send('GET', '/users/delta?$select=shoeSize')).status).toBe(400)
  expect((await send('GET', '/users/delta?$select=members')).status).toBe(400)
  expect((await send('GET', '/users/delta?$select=skills')).status).toBe(501)
})

describe('by chance', () => {
  it('a first round tells some of what is in the recycle bin', async () => {
    await begin({ delta: { replays: 1 } })
    const id = await create('adele')
    await send('DELETE', `/users/${id}`)
    expect((await follow(selected)).rows).toEqual([{ id, '@removed': { reason: 'changed' } }])
  })

  it('unchanged objects are told again', async () => {
    await begin({ delta: { replays: 0.5 } })
    const { users } = emulator.seed({ users: 40 })
    const { deltaLink } = await follow(selected)
    const { rows } = await follow(deltaLink)
    expect(rows.length).toBeGreaterThan(5)
    expect(rows.length).toBeLessThan(35)
    expect(rows[0]).toEqual({ displayName: expect.any(String), id: expect.any(String) })
    expect(users).toContain(rows[0]?.['id'])
  })

  it('changed objects come twice, the last time as they are', async () => {
    await begin({ delta: { duplicates: 1, pageSize: 2 } })
    const [adele, bob] = [await create('adele'), await create('bob')]
    const { deltaLink } = await follow(selected)
    for (const jobTitle of ['First', 'Second', 'Last']) await patch(adele, { jobTitle })
    await patch(bob, { jobTitle: 'Once' })
    const { rows } = await follow(deltaLink)
    expect(rows.map((row) => [row['id'], row['jobTitle']])).toEqual([
      [adele, 'First'],
      [bob, 'Once'],
      [adele, 'Last'],
      [bob, 'Once'],
    ])
  })

  it('pages are empty, and go on', async () => {
    await begin({ delta: { emptyPages: 1, pageSize: 2 } })
    emulator.seed({ users: 3 })
    expect((await follow(selected)).pages).toEqual([0, 2, 0, 1])
  })

  it('the same happens with the same seed', async () => {
    const tell = async (seed: number) => {
      await begin({ seed, delta: { duplicates: 0.5, replays: 0.5, emptyPages: 0.5, pageSize: 5 } })
      emulator.seed({ users: 20 })
      const { deltaLink } = await follow(selected)
      await create('adele')
      return follow(deltaLink)
    }
    expect((await tell(3)).rows).toEqual((await tell(3)).rows)
    expect((await tell(3)).rows).not.toEqual((await tell(4)).rows)
  })
})

it('goes on after a restart with the log that was kept', async () => {
  const history: Parameters<NonNullable<EmulatorOptions['persist']>>[0][] = []
  await begin({ persist: (entry) => history.push(entry) })
  await create('adele')
  const { deltaLink } = await follow(selected)
  const id = await create('bob')
  await begin({ history: [...history] })
  expect((await follow(deltaLink)).rows).toEqual([{ displayName: 'User bob', id }])
})

describe('/_control', () => {
  const control = (path: string, body?: JsonObject) =>
    emulator.fetch(
      new Request(`https://graph.microsoft.com/_control/${path}`, {
        method: 'POST',
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )

  it('sets the page size and asks for a resync', async () => {
    emulator.seed({ users: 3 })
    expect((await control('delta', { pageSize: 2 })).status).toBe(201)
    const { pages, deltaLink } = await follow(selected)
    expect(pages).toEqual([2, 1])
    expect((await control('resync')).status).toBe(204)
    expect((await send('GET', deltaLink)).status).toBe(410)
  })

  it('refuses settings that make no sense', async () => {
    expect((await control('delta', { replays: 2 })).status).toBe(400)
  })
})
