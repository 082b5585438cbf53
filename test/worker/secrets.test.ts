/**
 * Invariant 5: no secret, password or token is stored in the clear, logged, put into an event, or returned after its creation.
 * Everything that takes a secret is exercised, failures included; then everything that is kept or said is searched.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { API_ROUTES } from '../../src/http/access.ts'
import { createJobs } from '../../src/jobs.ts'
import { demoTenant } from '../graph/demo.ts'
import { createGraphEmulator } from '../graph/emulator.ts'
import { apiClient, type ApiClient } from '../support/api.ts'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificates.ts'
import { batchOf, newUser } from '../support/export.ts'
import type { Loose } from '../support/seed.ts'

const PASSWORDS = {
  created: 'Pl4nted-created-secret!',
  patched: 'Pl4nted-patched-secret!',
  refused: 'Pl4nted-refused-secret!',
  pending: 'Pl4nted-pending-secret!',
  malformed: 'Pl4nted-malformed-secret!',
  bulk: 'Pl4nted-bulk-secret!',
  crashed: 'Pl4nted-crashed-secret!',
}
const CLIENT_SECRETS = {
  right: 'pl4nted~right~client~secret',
  wrong: 'pl4nted~wrong~client~secret',
}
const FORGED = 'isth_scim_pl4ntedforgedtoken000000000000000000000000000'

/** What was said: the answers but those that make a secret, and the lines of the log. */
class World {
  readonly secrets: string[] = [
    ...Object.values(PASSWORDS),
    ...Object.values(CLIENT_SECRETS),
    FORGED,
    PRIVATE_KEY.split('\n')[5] ?? '',
    env.ENCRYPTION_KEY,
    env.OPERATOR_TOKEN,
  ]
  readonly answers: string[] = []
  readonly clock = { now: Date.UTC(2026, 5, 1) }
  readonly clientId = crypto.randomUUID()
  readonly tenantId = crypto.randomUUID()
  readonly graph = createGraphEmulator({
    now: () => this.clock.now,
    tenants: [
      {
        ...demoTenant,
        id: this.tenantId,
        apps: demoTenant.apps.map((app) => ({
          ...app,
          clientId: this.clientId,
          secrets: [{ value: CLIENT_SECRETS.right }],
        })),
      },
    ],
  })

  /** The emulator; the tokens that it issues are secrets too. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const response = await this.graph.fetch(request)
    if (!request.url.includes('/oauth2/')) return response
    const { access_token: token } = await response.clone().json<Loose>()
    if (typeof token === 'string') this.secrets.push(token)
    return response
  }

  async call(api: ApiClient, method: string, path: string, body?: unknown, bearer = api.key) {
    const ctx = createExecutionContext()
    const isForm = body instanceof URLSearchParams
    const json = path.startsWith('/scim') ? 'application/scim+json' : 'application/json'
    const response = await api.app.request(
      new Request(`https://gateway.test${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${bearer}`,
          ...(body === undefined || isForm ? {} : { 'Content-Type': json }),
          'Idempotency-Key': crypto.randomUUID(),
        },
        ...(body === undefined
          ? {}
          : { body: isForm || typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
      undefined,
      env,
      ctx,
    )
    const text = await response.text()
    await waitOnExecutionContext(ctx)
    const isJson = /^application\/(scim\+)?json/.test(response.headers.get('content-type') ?? '')
    const parsed: Loose = isJson && text !== '' ? JSON.parse(text) : {}
    const made = parsed['secret'] ?? parsed['access_token']
    if (typeof made === 'string') this.secrets.push(made)
    else
      this.answers.push(
        `${method} ${path.split('?')[0]}: ${text} ${JSON.stringify([...response.headers])}`,
      )
    return { status: response.status, body: parsed, made: String(made) }
  }
}

/** Plants every kind of secret, and lets what can go wrong with it go wrong. */
async function live(world: World): Promise<ApiClient> {
  const lines: string[] = world.answers
  const api = await apiClient({
    clock: world.clock,
    instead: {
      fetch: world.fetch,
      log: (line) => lines.push(`log: ${JSON.stringify(line)}`),
      sleep: async () => {},
    },
  })
  world.secrets.push(api.key)
  const queue = { send: async () => {} }
  const jobs = createJobs({
    ...api.deps,
    config: { ...api.deps.config, EXPORT_QUEUE: queue as never },
  })
  const drain = async (directoryId: string) => {
    await jobs.queue(batchOf([{ organizationId: api.organizationId, directoryId }]))
    await jobs.queue(batchOf([{ organizationId: api.organizationId, directoryId }]))
  }
  const { source, token } = await makeCredentials(world, api)
  const directory = await makeDirectories(world, api)
  await drain(directory)
  const scim = (method: string, path: string, body?: unknown) =>
    world.call(api, method, `/scim/v2${path}`, body, token)
  const setPassword = (id: string, value: string) =>
    scim('PATCH', `/Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'password', value }],
    })
  const { body: user, status } = await scim(
    'POST',
    '/Users',
    newUser('a', { password: PASSWORDS.created }),
  )
  expect(status).toBe(201)
  await drain(directory)
  // The same again is a conflict; a body that is cut off, and a path that does not exist, are errors.
  await scim('POST', '/Users', newUser('a', { password: PASSWORDS.malformed }))
  await scim('POST', '/Users', `{"password":"${PASSWORDS.malformed}"`)
  await scim('POST', '/Users', { ...newUser('b'), userName: { password: PASSWORDS.malformed } })
  await scim('GET', `/Users?filter=${encodeURIComponent(`password eq "${PASSWORDS.malformed}"`)}`)
  await scim('POST', '/Bulk', {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
    Operations: [
      {
        method: 'POST',
        path: '/Users',
        bulkId: '1',
        data: newUser('bulk', { password: PASSWORDS.bulk }),
      },
      {
        method: 'POST',
        path: '/Users',
        bulkId: '2',
        data: newUser('bulk', { password: PASSWORDS.bulk }),
      },
    ],
  })
  await setPassword(user['id'], PASSWORDS.patched)
  await drain(directory)
  // Graph refuses it, and says it again in its answer.
  await setPassword(user['id'], PASSWORDS.refused)
  world.graph.faults.add({
    match: { method: 'PATCH' },
    status: 400,
    code: 'Request_BadRequest',
    message: `The specified password does not comply: "${PASSWORDS.refused}" is banned. Please provide a different password.`,
  })
  await drain(directory)
  await crashWith(world, {
    directory,
    drain,
    plant: () => setPassword(user['id'], PASSWORDS.crashed),
  })
  await refuse(world, api, { directory, source, drain })
  // One stays on its way.
  await setPassword(user['id'], PASSWORDS.pending)
  return api
}

/** A source with a token and an OAuth client, and a further key; wrong ones are shown too. */
async function makeCredentials(world: World, api: ApiClient) {
  const { body: source } = await world.call(api, 'POST', '/api/v1/sources', {
    name: 'Entra',
    type: 'entra',
    usernamePolicy: 'any',
  })
  const path = `/api/v1/sources/${source['id']}/credentials`
  const bearer = await world.call(api, 'POST', path, { type: 'bearer', name: 'token' })
  const client = await world.call(api, 'POST', path, { type: 'oauth_client', name: 'client' })
  const form = {
    grant_type: 'client_credentials',
    client_id: client.body['id'],
    client_secret: client.made,
  }
  const { made } = await world.call(api, 'POST', '/oauth/token', new URLSearchParams(form), 'none')
  await world.call(
    api,
    'POST',
    '/oauth/token',
    new URLSearchParams({ ...form, client_secret: FORGED }),
    'none',
  )
  await world.call(api, 'GET', '/scim/v2/Users', undefined, made)
  await world.call(api, 'GET', '/scim/v2/Users', undefined, FORGED)
  await world.call(api, 'GET', '/api/v1/users', undefined, FORGED)
  await world.call(api, 'POST', '/api/v1/api-keys', { adminId: api.adminId, name: 'second' })
  return { source: source['id'] as string, token: bearer.made }
}

/** One directory that works and one whose certificate nobody knows. */
async function makeDirectories(world: World, api: ApiClient): Promise<string> {
  const { tenantId, clientId } = world
  const { body, status } = await world.call(api, 'POST', '/api/v1/directories', {
    name: 'Contoso',
    tenantId,
    clientId,
    credential: { type: 'client_secret', secret: CLIENT_SECRETS.right },
    settings: { bindNewUsers: { mode: 'all' } },
  })
  expect(status).toBe(201)
  const certificate = { type: 'certificate', certificate: CERTIFICATE, privateKey: PRIVATE_KEY }
  const { body: other } = await world.call(api, 'POST', '/api/v1/directories', {
    name: 'Fabrikam',
    tenantId: crypto.randomUUID(),
    clientId: crypto.randomUUID(),
    credential: certificate,
    settings: { bindNewUsers: { mode: 'all' } },
  })
  await world.call(api, 'POST', '/api/v1/directories', { credential: certificate, unknown: 1 })
  for (const { id } of [body, other] as Loose[])
    await world.call(api, 'POST', `/api/v1/directories/${id}/test`)
  return body['id']
}

interface Crash {
  readonly directory: string
  readonly drain: (directory: string) => Promise<void>
  readonly plant: () => Promise<unknown>
}

/** The round that delivers it dies before it can store so. */
async function crashWith(world: World, { directory, drain, plant }: Crash): Promise<void> {
  const database = connect(env.DB)
  await plant()
  await database.run(sql`CREATE TRIGGER crash BEFORE UPDATE OF position ON directory
    WHEN NEW.id = ${sql.raw(`'${directory}'`)} BEGIN SELECT RAISE(ABORT, 'Network connection lost'); END`)
  await drain(directory)
  await search(world)
  await database.run(sql`DROP TRIGGER crash`)
  await database.run(sql`UPDATE directory SET lease_until = 1 WHERE id = ${directory}`)
  await drain(directory)
}

/** A secret that Microsoft refuses, one that does not open, and credentials that are revoked. */
async function refuse(
  world: World,
  api: ApiClient,
  {
    directory,
    source,
    drain,
  }: { directory: string; source: string; drain: (id: string) => Promise<void> },
): Promise<void> {
  const path = `/api/v1/directories/${directory}`
  const wrong = { type: 'client_secret', secret: CLIENT_SECRETS.wrong }
  await world.call(api, 'PATCH', path, { credential: wrong })
  await world.call(api, 'POST', `${path}/test`)
  await connect(env.DB).run(sql`UPDATE binding SET due_at = 1 WHERE directory_id = ${directory}`)
  world.clock.now += 4_000_000
  await drain(directory)
  const { body } = await world.call(api, 'GET', path)
  expect(body).toMatchObject({ state: 'auth_error' })
  await world.call(api, 'PATCH', path, { state: 'paused' })
  await world.call(api, 'PATCH', `/api/v1/sources/${source}`, { name: 'Renamed' })
}

/** Every GET of the admin API, with what there is in place of its parameters, and the SCIM resources. */
async function readEverything(world: World, api: ApiClient): Promise<void> {
  const lists: Record<string, string> = {}
  for (const list of ['sources', 'directories', 'users', 'groups', 'jobs']) {
    const { body } = await world.call(api, 'GET', `/api/v1/${list}`)
    lists[list] = body['items']?.[0]?.id ?? 'none'
  }
  for (const route of Object.keys(API_ROUTES)) {
    const [method, path = ''] = route.split(' ')
    if (method !== 'GET' || path === '/docs') continue
    const [, room = ''] = path.split('/')
    await world.call(api, 'GET', `/api/v1${path.replace(/:\w+/g, lists[room] ?? 'none')}`)
  }
}

/** Everything that D1 holds, as text. */
async function everythingStored(): Promise<string[]> {
  const database = connect(env.DB)
  const [tables] = await database.run(
    sql`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'`,
  )
  const texts: string[] = []
  for (const { name } of tables?.rows ?? []) {
    const [rows] = await database.run(sql`SELECT * FROM ${sql.identifier(String(name))}`)
    for (const row of rows?.rows ?? []) texts.push(`${String(name)}: ${JSON.stringify(row)}`)
  }
  return texts
}

/** A secret as it is, and as it may hide in a URL, in JSON or in base64. */
const disguises = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  btoa(secret).replace(/=+$/, '').slice(0, -1),
]

async function search(world: World): Promise<void> {
  const said = [...world.answers, ...(await everythingStored())]
  const needles = world.secrets.flatMap(disguises)
  expect(needles.every((needle) => needle.length >= 20)).toBe(true)
  const found = said.filter((text) => needles.some((needle) => text.includes(needle)))
  expect(found).toEqual([])
}

test('no secret, password or token is stored in the clear, logged, put into an event, or told after its creation', async () => {
  const world = new World()
  const api = await live(world)
  await readEverything(world, api)
  await search(world)
  // The search finds what is there: one row of each of the many tables, and the lines of the log.
  const stored = await everythingStored()
  for (const table of [
    'user',
    'event',
    'directory',
    'binding',
    'pending_password',
    'api_key',
    'idempotency_key',
  ])
    expect(stored.some((text) => text.startsWith(`${table}: `))).toBe(true)
  expect(world.answers.filter((text) => text.startsWith('log: ')).length).toBeGreaterThan(5)
  expect(world.secrets.length).toBeGreaterThan(18)
})
