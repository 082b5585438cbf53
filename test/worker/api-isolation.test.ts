import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { API_ROUTES } from '../../src/http/access.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { apiClient } from '../support/api.ts'
import {
  type ApiWorld,
  apiWorld,
  COLLECTIONS,
  filledPaths,
  withEveryId,
} from '../support/api-world.ts'
import { valueOf } from '../support/arbitrary-json.ts'
import { newUser } from '../support/export.ts'
import type { Loose } from '../support/seed.ts'

// Two organizations in which everything is called the same: what is one's is never there for the other.
let mine: ApiWorld
let theirs: ApiWorld
let theirIds: Readonly<Record<string, string>>
let document: Loose

beforeAll(async () => {
  mine = await apiWorld()
  theirs = await apiWorld()
  theirIds = await withEveryId(theirs)
  document = (await mine.api.get('/openapi.json')).body
})

/** Every row of every table. */
async function dump(): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const database = connect(env.DB)
  const [tables] = await database.run(
    sql`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf*' AND name NOT GLOB 'sqlite*'`,
  )
  const names = (tables?.rows ?? []).map(({ name }) => String(name))
  const answers = await database.run(
    ...names.map((name) => sql`SELECT * FROM ${sql.identifier(name)}`),
  )
  return Object.fromEntries(names.map((name, i) => [name, answers[i]?.rows ?? []]))
}

const ROUTES = Object.entries(API_ROUTES).map(([route, least]) => {
  const [method = '', path = ''] = route.split(' ')
  return { route, method, path, least }
})
const WITH_IDS = ROUTES.filter(({ path }) => path.includes('/:'))
const LISTS = ROUTES.filter(
  ({ method, path, least }) => method === 'GET' && !path.includes('/:') && least !== 'public',
)

/** Bodies that a handler takes, as the OpenAPI document describes them. */
function bodiesOf({ method, path }: (typeof ROUTES)[number]): readonly unknown[] {
  const url = path.replaceAll(/:(\w+)/g, '{$1}')
  const schema: JsonObject | undefined =
    document['paths'][url][method.toLowerCase()].requestBody?.content['application/json'].schema
  if (schema === undefined) return [undefined]
  return fc.sample(valueOf(schema), { numRuns: 15, seed: 403 })
}

/** Every mixture of the two organizations' ids but the one that is all the caller's own. */
const foreignPaths = (path: string) => {
  const own = new Set(filledPaths(path, [mine.ids]))
  return filledPaths(path, [mine.ids, theirIds]).filter((filled) => !own.has(filled))
}

describe('by the ids of another organization', () => {
  test.each(WITH_IDS)('$route answers 404, and nothing is changed', async (route) => {
    const before = await dump()
    for (const path of foreignPaths(route.path)) {
      const statuses = new Set<number>()
      for (const body of bodiesOf(route)) {
        const { status, text } = await mine.api.send(route.method, path, body)
        statuses.add(status)
        expect(text).not.toContain(theirs.api.organizationId)
      }
      // A body that the handler refuses before it looks says nothing, so one at least has to get that far.
      statuses.delete(400)
      expect([path, ...statuses]).toEqual([path, 404])
    }
    expect(await dump()).toEqual(before)
  })

  test('the walk can fail: with their own key, their ids are found', async () => {
    for (const collection of ['sources', 'directories', 'users', 'groups'])
      expect((await theirs.api.get(`/${collection}/${theirIds[collection]}`)).status).toBe(200)
    const seeded = COLLECTIONS.filter((name) => name !== 'events')
    expect(Object.keys(theirIds)).toEqual(expect.arrayContaining([...seeded]))
  })

  test.each(LISTS)('$route holds nothing of it', async ({ path, least }) => {
    if (least === 'operator') return
    const { status, text } = await mine.api.get(path)
    expect(status).toBe(200)
    for (const id of [theirs.api.organizationId, ...Object.values(theirIds)])
      expect(text).not.toContain(id)
  })

  test('what a body names is not taken from there', async () => {
    const before = await dump()
    const { users = '', groups = '', admins = '' } = theirIds
    const group = `/groups/${mine.ids['groups']}`
    expect((await mine.api.patch(group, { addMembers: [users] })).status).toBe(400)
    expect((await mine.api.patch(group, { addMembers: [groups] })).status).toBe(400)
    expect((await mine.api.post('/api-keys', { name: 'x', adminId: admins })).status).toBe(404)
    const settings = { bindNewUsers: { mode: 'groups', groupIds: [groups] } }
    const directory = `/directories/${mine.ids['directories']}`
    const { status } = await mine.api.patch(directory, { settings })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(await dump()).toEqual(before)
  })
})

describe('over SCIM', () => {
  const RESOURCES = ['Users', 'Groups'] as const
  const idIn = (ids: Readonly<Record<string, string>>, type: string) =>
    ids[type.toLowerCase()] ?? ''
  const bodyOf = (type: string) =>
    type === 'Users'
      ? newUser('zed')
      : { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Other' }

  test.each(RESOURCES)(
    '/%s/{id} answers 404 to every method, and nothing is changed',
    async (type) => {
      const before = await dump()
      const path = `/${type}/${idIn(theirIds, type)}`
      const { scim } = mine
      const answers = [
        await scim.get(path),
        await scim.put(path, bodyOf(type)),
        await scim.patch(path, [{ op: 'replace', path: 'externalId', value: 'x' }]),
        await scim.delete(path),
      ]
      for (const { status, text } of answers) {
        expect(status).toBe(404)
        expect(text).not.toContain(theirs.api.organizationId)
      }
      expect(await dump()).toEqual(before)
    },
  )

  test('Bulk answers 404 for each, and nothing is changed', async () => {
    const before = await dump()
    const Operations = RESOURCES.flatMap((type) => {
      const path = `/${type}/${idIn(theirIds, type)}`
      const patch = {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'replace', path: 'externalId', value: 'x' }],
      }
      return [
        { method: 'PUT', path, data: bodyOf(type) },
        { method: 'PATCH', path, data: patch },
        { method: 'DELETE', path },
      ]
    })
    const { body } = await mine.scim.post('/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations,
    })
    const statuses = body['Operations'].map(({ status }: Loose) => status)
    expect(statuses).toEqual(Array.from({ length: 6 }, () => '404'))
    expect(await dump()).toEqual(before)
  })

  test('lists and searches find what is the caller’s alone', async () => {
    for (const type of RESOURCES) {
      const { body, text } = await mine.scim.get(`/${type}`)
      expect(body['totalResults']).toBe(1)
      expect(text).not.toContain(idIn(theirIds, type))
      const own = idIn(mine.ids, type)
      for (const [id, count] of [
        [idIn(theirIds, type), 0],
        [own, 1],
      ] as const) {
        const filter = encodeURIComponent(`id eq "${id}"`)
        expect((await mine.scim.get(`/${type}?filter=${filter}`)).body['totalResults']).toBe(count)
        const found = await mine.scim.post('/.search', {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
          filter: `id eq "${id}"`,
        })
        expect(found.body['totalResults']).toBe(count)
      }
    }
    const byMember = encodeURIComponent(`members.value eq "${theirIds['users']}"`)
    expect((await mine.scim.get(`/Groups?filter=${byMember}`)).body['totalResults']).toBe(0)
  })

  test('a member or manager by such an id shows nothing of it', async () => {
    const { scim, ids, api } = mine
    const { users = '' } = theirIds
    await scim.patch(`/Groups/${ids['groups']}`, [
      { op: 'add', path: 'members', value: [{ value: users }] },
    ])
    await scim.patch(`/Users/${ids['users']}`, [
      {
        op: 'add',
        path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager',
        value: { value: users },
      },
    ])
    const { body: theirUser } = await theirs.scim.get(`/Users/${users}`)
    expect(theirUser['groups']).toHaveLength(1)
    expect(theirUser['groups'][0].value).toBe(theirIds['groups'])
    const { body: shown } = await theirs.api.get(`/users/${users}`)
    expect(shown['groups']).toMatchObject([{ id: theirIds['groups'] }])
    expect(shown['version']).toBe(1)
    expect((await api.get(`/users/${users}`)).status).toBe(404)
  })
})

test('a key and a token of one organization open nothing of the other', async () => {
  const stranger = await apiClient()
  expect((await stranger.get('/users')).body['items']).toEqual([])
  const { organizationId } = theirs.api
  expect((await mine.api.get('/organization')).body['id']).not.toBe(organizationId)
  expect((await mine.api.get('/events')).text).not.toContain(organizationId)
})
