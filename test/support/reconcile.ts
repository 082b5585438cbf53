/** A world of the export with its administrator, for tests of reconciliation. */
import { sql } from 'drizzle-orm'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import { askToken } from '../graph/test-client.ts'
import { apiClient, type ApiClient } from './api.ts'
import { batchOf, type ExportWorld, exportWorld, newUser, type WorldOptions } from './export.ts'
import type { Loose } from './seed.ts'

export interface ReconcileWorld extends ExportWorld {
  readonly api: ApiClient
  /** Creates users over SCIM and exports them, long enough ago that a difference is no echo. */
  exported(...names: string[]): Promise<string[]>
  /** The Graph id of an account, also of one in the recycle bin. */
  accountOf(name: string): string
  /** Starts a run as an administrator and answers its first bell; gives it as the API shows it. */
  begin(mode: 'report' | 'enforce'): Promise<Loose>
  /** Starts a run as an administrator and carries it on to its end; gives it as the API shows it. */
  run(mode: 'report' | 'enforce'): Promise<Loose>
  /** Lets minutes pass, rings cron, and carries on what it started; undefined when it started nothing. */
  tick(minutes?: number): Promise<Loose | undefined>
  read(run: Loose): Promise<Loose>
  drift(run: Loose): Promise<Loose[]>
  decide(run: Loose, decision: 'approve' | 'reject'): Promise<Loose>
  lift(): Promise<void>
  lower(threshold: DirectorySettings['threshold']): Promise<void>
  removeAccount(graphId: string): Promise<void>
  removeGroup(graphId: string): Promise<void>
  purgeAccount(graphId: string): Promise<void>
  restoreAccount(graphId: string): Promise<void>
  anyDeltaLink(): string
}

/** Makes the world. */
export async function reconcileWorld(options: WorldOptions = {}): Promise<ReconcileWorld> {
  const world = await exportWorld(options)
  const { organizationId, directoryId, clock } = world
  const fetch: typeof globalThis.fetch = (input, init) =>
    world.graph.fetch(new Request(input, init))
  const api = await apiClient({ organizationId, clock, instead: { fetch } })
  const read = async (run: Loose) => (await api.get(`/reconciliations/${run['id']}`)).body
  const answerRun = (reconciliationId: unknown) =>
    world.jobs.queue(batchOf([{ organizationId, directoryId, reconciliationId }]))
  const carryOn = async (reconciliationId: unknown) => {
    await answerRun(reconciliationId)
    await world.settle()
  }
  const begin = async (mode: 'report' | 'enforce') => {
    const { body } = await api.post(`/directories/${directoryId}/reconciliations`, { mode })
    await answerRun(body['id'])
    return body
  }
  const newest = async (): Promise<Loose | undefined> =>
    (await api.get(`/directories/${directoryId}/reconciliations?limit=1`)).body['items'][0]
  const lower: ReconcileWorld['lower'] = async (threshold) => {
    await world.query(sql`UPDATE directory
      SET settings = json_set(settings, '$.threshold', json(${JSON.stringify(threshold)}))
      WHERE id = ${directoryId}`)
  }
  return {
    ...world,
    api,
    read,
    async exported(...names) {
      const ids: string[] = []
      for (const name of names)
        ids.push((await world.scim.post('/Users', newUser(name))).body['id'])
      await world.settle()
      clock.now += 3_600_000
      return ids
    },
    accountOf(name) {
      const found = world.graph.summary().users.find((user) => user['mailNickname'] === name)
      return String(found?.['id'])
    },
    begin,
    async run(mode) {
      const run = await begin(mode)
      await world.settle()
      return read(run)
    },
    async tick(minutes = 60) {
      const before = await newest()
      clock.now += minutes * 60_000
      await world.jobs.scheduled({ cron: '*/15 * * * *' })
      await world.settle()
      const after = await newest()
      return after?.['id'] === before?.['id'] ? undefined : after
    },
    drift: async (run) => (await api.get(`/reconciliations/${run['id']}/drift`)).body['items'],
    async decide(run, decision) {
      await api.post(`/reconciliations/${run['id']}/${decision}`, {})
      await carryOn(run['id'])
      return read(run)
    },
    lift: () => lower(null),
    lower,
    removeAccount: (graphId) => byHand(world, 'DELETE', `/users/${graphId}`),
    removeGroup: (graphId) => byHand(world, 'DELETE', `/groups/${graphId}`),
    purgeAccount: (graphId) => byHand(world, 'DELETE', `/directory/deletedItems/${graphId}`),
    restoreAccount: (graphId) =>
      byHand(world, 'POST', `/directory/deletedItems/${graphId}/restore`),
    anyDeltaLink: () => 'https://graph.microsoft.com/v1.0/users/delta?$deltatoken=any',
  }
}

/** Users here and in Microsoft 365, bound to each other and exported long ago: rows made by statements, not by requests. */
export async function bindSeeded(world: ReconcileWorld, users: number): Promise<readonly string[]> {
  const { organizationId, directoryId } = world
  const { users: graphIds } = world.graph.seed({ users, domain: 'contoso.com' })
  const list = JSON.stringify(graphIds)
  await world.query(sql`INSERT INTO user (organization_id, id, user_name_key, resource, version, created_at, modified_at)
    SELECT ${organizationId}, printf('usr_%06d', key), printf('seed%d@contoso.com', key + 1), json_object(
      'userName', printf('seed%d@contoso.com', key + 1), 'displayName', printf('Seeded User %d', key + 1)), 1, 0, 0
    FROM json_each(${list})`)
  await world.query(sql`INSERT INTO binding (organization_id, directory_id, kind, resource_id, graph_id, state, reason,
      snapshot, unknown, exported_at)
    SELECT ${organizationId}, ${directoryId}, 'user', printf('usr_%06d', key), value, 'synced', 'all', json_object(
      'accountEnabled', json('true'), 'displayname', printf('Seeded User %d', key + 1),
      'email', printf('seed%d@contoso.com', key + 1), 'usageLocation', NULL), '[]', 0
    FROM json_each(${list})`)
  return graphIds
}

/** What another administrator does in Microsoft 365. */
export async function byHand(world: ExportWorld, method: string, path: string): Promise<void> {
  const [row] = await world.query(sql`SELECT tenant_id, client_id FROM directory
    WHERE id = ${world.directoryId}`)
  const form = { client_id: String(row?.['client_id']) }
  const { body } = await askToken(world.graph, form, String(row?.['tenant_id']))
  const response = await world.graph.fetch(
    new Request(`https://graph.microsoft.com/v1.0${path}`, {
      method,
      headers: { Authorization: `Bearer ${String(body['access_token'])}` },
    }),
  )
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`)
}
