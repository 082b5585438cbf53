/** A preview of a bind, then the bind: what was told and what was sent, user by user. */
import { sql } from 'drizzle-orm'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import type { JournalRecord } from '../graph/journal.ts'
import { newUser, type WorldOptions } from './export.ts'
import { reconcileWorld, type ReconcileWorld } from './reconcile.ts'
import type { Loose } from './seed.ts'

/** Nobody is bound but by a command. */
export const MANUAL: Partial<DirectorySettings> = { bindNewUsers: { mode: 'manual', groupIds: [] } }
/** The one password that a bind is looked through for. */
export const PASSWORD = 'F1rst-of-hers!'
export const PASSWORD_PROPERTY = 'passwordProfile.password'

/** What each Graph property of each user is to hold. */
type Changes = Record<string, Loose>

/** A directory in which binds are previewed, and compared with what they send. */
export async function previewedBind(
  settings: Partial<DirectorySettings> = MANUAL,
  options: Omit<WorldOptions, 'settings'> = {},
) {
  const world = await reconcileWorld({ settings, ...options })
  const directory = `/directories/${world.directoryId}`
  const bind = async (userIds: readonly string[]) => {
    await world.api.post(`${directory}/bindings`, { userIds })
    await world.settle()
  }
  return {
    world,
    bind,
    async create(name: string, more = {}): Promise<string> {
      return (await world.scim.post('/Users', newUser(name, more))).body['id']
    },
    /** An account of that name that somebody else made. */
    account(name: string): string {
      const [id = ''] = world.graph.seed({ users: 1, prefix: `old${name}` }).users
      world.graph.changeUser(id, { properties: { userPrincipalName: `${name}@contoso.com` } })
      return id
    },
    preview: (userIds: readonly string[]) => world.api.post(`${directory}/preview`, { userIds }),
    /** Approves what is held of the user, and gives what its account then was sent. */
    async approve(userId: string) {
      const before = world.graph.summary().users
      world.graph.journal.clear()
      await world.api.post(`${directory}/held/approve`, { all: true })
      await world.settle()
      const graphIds = new Map([[userId, String((await world.binding(userId))['graph_id'])]])
      return sentTo(world, [userId], graphIds, before)[userId] ?? {}
    },
    async unbind(userIds: readonly string[]) {
      await world.api.send('DELETE', `${directory}/bindings`, { userIds })
      await world.settle()
    },
    /** What a preview tells of a bind, and what the bind then makes of all accounts; the preview is read page by page. */
    compare: (userIds: readonly string[], limit = 100, binding = () => bind(userIds)) =>
      compared(world, { userIds }, limit, binding),
    /** What a preview of directions tells, and what choosing them makes of all accounts. */
    compareDirections: (attributes: Loose, limit = 100) =>
      compared(world, { attributes }, limit, async () => {
        await world.api.patch(`${directory}/attributes`, attributes)
        await world.settle()
        await nextTry(world)
      }),
  }
}

export type PreviewedBind = Awaited<ReturnType<typeof previewedBind>>

async function compared(
  world: ReconcileWorld,
  asked: { readonly userIds: readonly string[] } | { readonly attributes: Loose },
  limit: number,
  doing: () => Promise<void>,
) {
  const directory = `/directories/${world.directoryId}`
  const userIds = 'userIds' in asked ? asked.userIds : []
  const items: Loose[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const path = `${directory}/preview?limit=${limit}&cursor=${cursor}`
    const { body } = await world.api.post(path, asked)
    items.push(...body['items'])
    cursor = body['nextCursor']
  }
  const before = world.graph.summary().users
  world.graph.journal.clear()
  await doing()
  const rows = await world.query(sql`SELECT resource_id, graph_id FROM binding
        WHERE directory_id = ${world.directoryId} AND kind = 'user'`)
  const graphIds = new Map(rows.map((row) => [String(row['resource_id']), String(row['graph_id'])]))
  const sent = sentTo(world, [...graphIds.keys()], graphIds, before)
  // Whoever is not told of is there where something was sent.
  const isTold = new Set([...userIds, ...items.map(({ userId }) => userId)])
  const others = Object.keys(sent).filter((id) => !isTold.has(id))
  for (const id of others) if (Object.keys(sent[id] ?? {}).length === 0) delete sent[id]
  return {
    items,
    told: told(items, graphIds, 'changes'),
    sent,
    refused: told(items, graphIds, 'refused'),
    tried: triedOf(world, graphIds, before, sent),
  }
}

/** Lets the time come at which the last of those is tried again who wait for somebody's account. */
async function nextTry(world: ReconcileWorld): Promise<void> {
  const [row] = await world.query(sql`SELECT max(due_at) AS due FROM binding
    WHERE directory_id = ${world.directoryId} AND due_at > ${world.clock.now}`)
  if (typeof row?.['due'] !== 'number') return
  world.clock.now = row['due']
  await world.jobs.scheduled({ cron: '* * * * *' })
  await world.settle()
}

type GraphIds = ReadonlyMap<string, string>

/** Two attributes are of one property. */
const keyOf = ({ graph, attribute }: Loose): string =>
  graph === 'employeeOrgData' ? attribute : graph

/** Of a manager who is created there is no Graph id in the preview: our id stands for it. */
function told(items: readonly Loose[], graphIds: GraphIds, list: 'changes' | 'refused'): Changes {
  const value = ({ graph, next }: Loose): unknown => {
    if (graph === PASSWORD_PROPERTY) return PASSWORD
    return graph === 'manager' ? (graphIds.get(next) ?? next) : next
  }
  return Object.fromEntries(
    items.map((item) => [
      item['userId'],
      Object.fromEntries(item[list].map((change: Loose) => [keyOf(change), value(change)])),
    ]),
  )
}

/** What the writes that worked put into the users' accounts that these did not hold before. */
function sentTo(
  world: ReconcileWorld,
  userIds: readonly string[],
  graphIds: GraphIds,
  before: readonly Loose[],
): Changes {
  const writes = world.graph.journal
    .records()
    .filter(({ method, status }) => method !== 'GET' && status < 300)
  const after = new Map(world.graph.summary().users.map((user) => [user['id'], user]))
  const sent: Changes = {}
  for (const userId of userIds) {
    const graphId = graphIds.get(userId) ?? ''
    const name = after.get(graphId)?.['userPrincipalName']
    const own = writes.filter(({ url, body }) =>
      url === '/users'
        ? (body as Loose)['userPrincipalName'] === name
        : url.startsWith(`/users/${graphId}`) || url === restoreOf(graphId),
    )
    const was = heldBefore(before, graphId)
    const values = Object.entries(flat(Object.assign({}, ...own.map(valuesOf))))
    sent[userId] = Object.fromEntries(
      values.filter(([key, value]) => shown(value) !== shown(was[key] ?? null)),
    )
  }
  return sent
}

/** What the writes that Graph refused would have changed of accounts that were there before, and nothing that came through later. */
function triedOf(
  world: ReconcileWorld,
  graphIds: GraphIds,
  before: readonly Loose[],
  sent: Changes,
): Changes {
  const refused = world.graph.journal
    .records()
    .filter(({ method, status }) => method !== 'GET' && status >= 400)
  const tried: Changes = {}
  for (const [userId, graphId] of graphIds) {
    // Nobody is linked where there is no link to remove.
    const own = refused.filter(
      ({ method, url, status }) =>
        url.startsWith(`/users/${graphId}`) && !(method === 'DELETE' && status === 404),
    )
    if (own.length === 0) continue
    const was = heldBefore(before, graphId)
    const values = Object.entries(flat(Object.assign({}, ...own.map(valuesOf))))
    tried[userId] = Object.fromEntries(
      values.filter(
        ([key, value]) =>
          shown(value) !== shown(was[key] ?? null) &&
          shown(value) !== shown(sent[userId]?.[key] ?? null),
      ),
    )
  }
  return tried
}

/** What an account held; the link to a manager who is deleted is not shown. */
function heldBefore(before: readonly Loose[], graphId: string): Loose {
  const { managerId, ...properties } = before.find(({ id }) => id === graphId) ?? {}
  const isThere = before.some(({ id, isDeleted }) => id === managerId && isDeleted !== true)
  return { ...flat(properties), manager: isThere ? managerId : null }
}

/** Without the property that is not written but as a whole. */
const flat = ({ employeeOrgData, ...properties }: Loose): Loose => ({
  ...properties,
  ...(employeeOrgData as Loose | null),
})

/** An empty collection is none. */
const shown = (value: unknown): string =>
  Array.isArray(value) && value.length === 0 ? 'null' : JSON.stringify(value)

const restoreOf = (graphId: string) => `/directory/deletedItems/${graphId}/restore`

/** Of a create what the user's own values are: nobody is told of the random password, nor of the nickname that Graph demands. */
function valuesOf({ method, url, body }: JournalRecord): Loose {
  const { mailNickname: _, passwordProfile = {}, ...properties } = (body ?? {}) as Loose
  if (url.endsWith('/manager/$ref'))
    return { manager: method === 'DELETE' ? null : properties['@odata.id'].split('/').at(-1) }
  if (url.endsWith('/restore')) return { userPrincipalName: properties['newUserPrincipalName'] }
  const { password } = passwordProfile
  return password === PASSWORD ? { ...properties, [PASSWORD_PROPERTY]: password } : properties
}
