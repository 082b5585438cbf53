/** An organization that has one of everything that the admin API knows by an id. */
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'

import { connect } from '../../src/db/client.ts'
import type { Deps } from '../../src/deps.ts'
import { API_ROUTES } from '../../src/http/access.ts'
import { DEMO_CLIENT_SECRET, demoTenant } from '../graph/demo.ts'
import { createGraphEmulator } from '../graph/emulator.ts'
import { apiClient, type ApiClient } from './api.ts'
import { newUser } from './export.ts'
import { newId, type ScimClient, scimClient } from './seed.ts'

/** Ids by the collection that they are in: `/sources/{id}` is `ids.sources`. */
type Ids = Readonly<Record<string, string>>

export interface ApiWorld {
  readonly api: ApiClient
  readonly scim: ScimClient
  readonly ids: Ids
  /** An event of it; the same id is one of every other organization's too. */
  readonly eventId: string
}

/** A gateway to which Microsoft answers, from an emulator with one tenant, and nobody else. */
function microsoftAlone(tenantId: string, clientId: string): typeof fetch {
  const apps = demoTenant.apps.map((app) => ({ ...app, clientId }))
  const graph = createGraphEmulator({ tenants: [{ ...demoTenant, id: tenantId, apps }] })
  graph.seed({ users: 3, prefix: 'theirs' })
  return (input, init) => {
    const request = new Request(input, init)
    const isMicrosoft = /\.(?:microsoft|microsoftonline)\.com$/.test(new URL(request.url).hostname)
    return isMicrosoft ? graph.fetch(request) : Promise.reject(new TypeError('no network'))
  }
}

/** Two of these have the same names in them, and other ids. */
export async function apiWorld(instead: Partial<Deps> = {}): Promise<ApiWorld> {
  const scim = await scimClient({ policy: 'any' })
  const { organizationId } = scim
  const [tenantId, clientId] = [crypto.randomUUID(), crypto.randomUUID()]
  const fetch = microsoftAlone(tenantId, clientId)
  const api = await apiClient({ organizationId, instead: { fetch, ...instead } })
  const make = async (path: string, body: object) => {
    const { status, body: made } = await api.post(path, body)
    if (status !== 201) throw new Error(`POST ${path} was answered ${status}`)
    return String(made['id'])
  }
  const sources = await make('/sources', { name: 'Entra', type: 'entra', usernamePolicy: 'any' })
  const directories = await make('/directories', {
    name: 'Contoso',
    tenantId,
    clientId,
    credential: { type: 'client_secret', secret: DEMO_CLIENT_SECRET },
  })
  const { body: user } = await scim.post('/Users', newUser('ann'))
  const { body: group } = await scim.post('/Groups', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName: 'Sales',
    members: [{ value: user['id'] }],
  })
  const ids: Ids = {
    sources,
    directories,
    credentials: await make(`/sources/${sources}/credentials`, { type: 'bearer', name: 'one' }),
    admins: await make('/admins', { name: 'Bob', role: 'manager' }),
    'api-keys': await make('/api-keys', { name: 'two' }),
    users: String(user['id']),
    groups: String(group['id']),
  }
  const { body: log } = await api.get('/events?type=user_create')
  return { api, scim, ids, eventId: String(log['items'][0]['id']) }
}

/** The collections that routes take ids of: what stands before each parameter. */
export const COLLECTIONS: readonly string[] = [
  ...new Set(
    Object.keys(API_ROUTES).flatMap((route) =>
      [...route.matchAll(/\/([^/]+)\/:\w+/g)].map(([, collection = '']) => collection),
    ),
  ),
]

/** Every way to fill the parameters of a path with the ids of some worlds. */
export function filledPaths(path: string, choices: readonly Ids[]): string[] {
  const parameter = /\/([^/]+)\/:\w+/.exec(path)
  if (parameter === null) return [path]
  const [whole, collection = ''] = parameter
  return choices.flatMap((ids) =>
    filledPaths(path.replace(whole, `/${collection}/${ids[collection] ?? 'unknown'}`), choices),
  )
}

/**
 * The ids of a world, and of every further collection a row with made-up values: strangers must not see that either. A
 * collection without a table of its name gets an id that nobody has.
 */
export async function withEveryId({ api, ids }: ApiWorld): Promise<Ids> {
  const more = { ...ids }
  for (const collection of COLLECTIONS)
    more[collection] ??= await seedRow(collection.replace(/s$/, ''), api.organizationId)
  return more
}

async function seedRow(table: string, organizationId: string): Promise<string> {
  const id = newId('job')
  const database = connect(env.DB)
  const [found] = await database.run(sql`SELECT * FROM pragma_table_info(${table})`)
  const columns = (found?.rows ?? []).filter(
    ({ name, notnull, dflt_value }) =>
      name === 'id' || name === 'organization_id' || (notnull === 1 && dflt_value === null),
  )
  if (columns.length === 0) return id
  const values = columns.map(({ name, type }) => {
    if (name === 'id') return sql`${id}`
    if (name === 'organization_id') return sql`${organizationId}`
    return String(type).toUpperCase() === 'TEXT' ? sql`'{}'` : sql`0`
  })
  const names = columns.map(({ name }) => sql.identifier(String(name)))
  await database.run(
    sql`INSERT INTO ${sql.identifier(table)} (${sql.join(names, sql`, `)}) VALUES (${sql.join(values, sql`, `)})`,
  )
  return id
}
