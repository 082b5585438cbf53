/**
 * Whatever administrators decide, whatever somebody else does in Microsoft 365 and whatever goes wrong meanwhile: in the end
 * two directories hold what the directions say. The stories are random, each told by its seed.
 */
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'

import { askToken } from '../graph/test-client.ts'
import { type ApiClient, apiClient } from '../support/api.ts'
import { type ExportWorld, exportWorld, newUser, type Rung } from '../support/export.ts'
import { untoldWrites } from '../support/told-writes.ts'
import { randomOf } from '../support/random.ts'
import { forgotten } from '../support/forgotten.ts'
import type { Loose } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** The attributes of the story: their names here, over SCIM and in Graph. */
const TOLD = [
  { name: 'jobTitle', path: 'title', graph: (user: Loose) => user['jobTitle'] },
  {
    name: 'department',
    path: `${ENTERPRISE}:department`,
    graph: (user: Loose) => user['department'],
  },
  {
    name: 'costCenter',
    path: `${ENTERPRISE}:costCenter`,
    graph: (user: Loose) => user['employeeOrgData']?.['costCenter'],
  },
] as const

interface Story {
  readonly world: ExportWorld
  readonly api: ApiClient
  readonly pick: (below: number) => number
  readonly users: string[]
  readonly groups: string[]
  /** What was answered with something else than success, for a look at a story that fails. */
  readonly refused: Map<string, number>
  made: number
}

type Step = (story: Story) => Promise<unknown>

const one = <T>({ pick }: Story, list: readonly T[]): T => list[pick(list.length)] as T
const some = (story: Story, ids: readonly string[]): string[] => [
  ...new Set(ids.length === 0 ? [] : [one(story, ids), one(story, ids)]),
]
const anyDirectory = (story: Story) => one(story, story.world.directories)
const pathOf = (story: Story): string => `/directories/${anyDirectory(story).id}`

async function ask(story: Story, method: string, path: string, body?: unknown): Promise<Loose> {
  const answer = await story.api.send(method, path, body)
  // Whatever reads Graph may be told to try again.
  const isAnswered = answer.status < 500 || answer.status === 503
  expect(isAnswered ? '' : `${method} ${path}: ${answer.text}`).toBe('')
  const kind = `${method} ${path.replaceAll(/(dir|rec|usr|evt)_[^/]+/g, '…')} ${answer.status}`
  story.refused.set(kind, (story.refused.get(kind) ?? 0) + 1)
  return answer.body
}

const patchUser = (story: Story, op: Loose) =>
  story.users.length === 0
    ? undefined
    : story.world.scim.patch(`/Users/${one(story, story.users)}`, [op])

/** What a client does over SCIM. */
const CLIENT: readonly Step[] = [
  async (story) => {
    const { body } = await story.world.scim.post('/Users', newUser(`user${story.made++}`))
    story.users.push(body['id'])
  },
  async (story) => {
    const { path } = one(story, TOLD)
    await patchUser(story, { op: 'replace', path, value: `Ours ${story.pick(4)}` })
  },
  async (story) => {
    const { path } = one(story, TOLD)
    await patchUser(story, { op: 'remove', path })
  },
  (story) =>
    Promise.resolve(patchUser(story, { op: 'replace', path: 'active', value: story.pick(3) > 0 })),
  async (story) => {
    const [id = '', managerId = ''] = some(story, story.users)
    if (managerId === '') return
    const path = `${ENTERPRISE}:manager`
    const op =
      story.pick(4) === 0
        ? { op: 'remove', path }
        : { op: 'replace', path, value: { value: managerId } }
    await story.world.scim.patch(`/Users/${id}`, [op])
  },
  async (story) => {
    if (story.users.length < 6) return
    const [id] = story.users.splice(story.pick(story.users.length), 1)
    await story.world.scim.delete(`/Users/${id}`)
  },
  async (story) => {
    const members = some(story, story.users).map((value) => ({ value }))
    const displayName = `Team ${story.made++}`
    const { body } = await story.world.scim.post('/Groups', { displayName, members })
    story.groups.push(body['id'])
  },
  async (story) => {
    if (story.groups.length === 0) return
    const value = some(story, story.users).map((id) => ({ value: id }))
    const op = story.pick(2) === 0 ? 'add' : 'remove'
    await story.world.scim.patch(`/Groups/${one(story, story.groups)}`, [
      { op, path: 'members', value },
    ])
  },
]

/** Those that change who is there. */
const CHANGES = CLIENT.slice(1, 5)

/** What an administrator decides. */
const ADMINISTRATOR: readonly Step[] = [
  (story) => {
    const direction = one(story, ['export', 'export', 'import', 'exclude'])
    return ask(story, 'PATCH', `${pathOf(story)}/attributes`, {
      [one(story, TOLD).name]: direction,
    })
  },
  (story) => ask(story, 'POST', `${pathOf(story)}/bindings`, chosen(story)),
  (story) => ask(story, 'DELETE', `${pathOf(story)}/bindings`, chosen(story, 5)),
  (story) => ask(story, 'POST', `${pathOf(story)}/exports`, chosen(story)),
  (story) => ask(story, 'POST', `${pathOf(story)}/failures/replay`, { all: true }),
  (story) =>
    ask(story, 'POST', `${pathOf(story)}/import`, { all: true, bind: story.pick(2) === 0 }),
  async (story) => {
    const { items } = await ask(story, 'GET', '/events?limit=60')
    const { id: directoryId } = anyDirectory(story)
    const undoable = (items as Loose[]).filter(
      ({ type, target }) =>
        ['integrationattribute_include', 'binding_create'].includes(type) &&
        target.id === directoryId,
    )
    if (undoable.length === 0) return
    const { id: eventId } = one(story, undoable)
    await ask(story, 'POST', `/directories/${directoryId}/undo`, { eventId })
  },
  (story) =>
    ask(story, 'POST', `${pathOf(story)}/reconciliations`, {
      mode: one(story, ['report', 'enforce']),
    }),
  async (story) => {
    const { items } = await ask(story, 'GET', `${pathOf(story)}/reconciliations`)
    const held = (items as Loose[]).find(({ state }) => state === 'held')
    if (held === undefined) return
    const decision = one(story, ['approve', 'reject'])
    await ask(story, 'POST', `/reconciliations/${held['id']}/${decision}`, {})
  },
  (story) =>
    ask(story, 'POST', `${pathOf(story)}/held/${one(story, ['approve', 'reject'])}`, { all: true }),
  (story) =>
    story.users.length === 0
      ? Promise.resolve()
      : ask(story, 'PATCH', `/users/${one(story, story.users)}`, {
          [one(story, TOLD).name]: `Admin's ${story.pick(3)}`,
        }),
  (story) => ask(story, 'POST', `${pathOf(story)}/preview`, { userIds: some(story, story.users) }),
  (story) => {
    const groupIds = story.groups.length === 0 ? [] : [one(story, story.groups)]
    const settings = one(story, [
      { bindNewUsers: { mode: one(story, ['all', 'manual', 'groups']), groupIds } },
      { onUnbind: one(story, ['disable', 'delete', 'leave']) },
      { onDelete: one(story, ['disable', 'delete', 'leave']) },
      { conflict: one(story, ['adopt', 'hold']) },
      { blankPolicy: one(story, ['ignore', 'clear']) },
      { reconcile: { mode: one(story, ['report', 'enforce']), intervalMinutes: 15 } },
    ])
    return ask(story, 'PATCH', pathOf(story), { settings })
  },
  (story) => ask(story, 'PATCH', pathOf(story), { state: one(story, ['paused', 'active']) }),
]

/** Users, or, seldom, everything. */
function chosen(story: Story, oneIn = 8): Loose {
  const userIds = some(story, story.users)
  return userIds.length === 0 || story.pick(oneIn) === 0 ? { all: true } : { userIds }
}

const accountsIn = ({ world }: Story, tenantId: string): Loose[] => [
  ...world.graph.summary(tenantId).users,
]

/** What somebody else does in Microsoft 365. */
const SOMEBODY: readonly Step[] = [
  async (story) => {
    const { tenantId } = anyDirectory(story)
    const live = accountsIn(story, tenantId).filter((user) => user['isDeleted'] !== true)
    if (live.length === 0) return
    const { id } = one(story, live)
    const value = `Theirs ${story.pick(4)}`
    const properties = one(story, [
      { jobTitle: value },
      { department: value },
      { employeeOrgData: { costCenter: value } },
      { accountEnabled: story.pick(2) === 0 },
    ])
    story.world.graph.changeUser(id, { properties }, tenantId)
  },
  async (story) => {
    const prefix = `theirs${story.made++}x`
    story.world.graph.seed({ users: 1, prefix }, anyDirectory(story).tenantId)
  },
  async (story) => {
    const { tenantId } = anyDirectory(story)
    const live = accountsIn(story, tenantId).filter((user) => user['isDeleted'] !== true)
    if (live.length > 3) await byHand(story, tenantId, 'DELETE', `/users/${one(story, live)['id']}`)
  },
  async (story) => {
    const { tenantId } = anyDirectory(story)
    const gone = accountsIn(story, tenantId).filter((user) => user['isDeleted'] === true)
    if (gone.length === 0) return
    const { id } = one(story, gone)
    await byHand(story, tenantId, 'POST', `/directory/deletedItems/${id}/restore`)
  },
]

/** Misfortune may strike somebody else too, who leaves it at that. */
async function byHand(
  { world }: Story,
  tenantId: string,
  method: string,
  path: string,
): Promise<void> {
  const [row] = await world.query(
    sql`SELECT client_id FROM directory WHERE tenant_id = ${tenantId}`,
  )
  const form = { client_id: String(row?.['client_id']) }
  const { body } = await askToken(world.graph, form, tenantId)
  await world.graph.fetch(
    new Request(`https://graph.microsoft.com/v1.0${path}`, {
      method,
      headers: { Authorization: `Bearer ${String(body['access_token'])}` },
    }),
  )
}

/** What goes wrong on the way. */
const MISFORTUNE: readonly Step[] = [
  async ({ world: { graph }, pick }) => {
    const commit = pick(2) === 0
    graph.faults.add({ match: { path: '/\\$batch$' }, commit, transport: 'hang-up' })
  },
  async ({ world: { graph }, pick }) => {
    graph.faults.add({ status: one({ pick } as Story, [500, 503, 504]), times: 1 + pick(3) })
  },
  async ({ world: { graph }, pick }) => {
    const match = { method: 'PATCH', path: one({ pick } as Story, ['^/users/', '^/groups/']) }
    const refused = { status: 403, code: 'Authorization_RequestDenied' }
    graph.faults.add({ match, ...refused, times: 1 + pick(3) })
  },
  async ({ world: { graph }, pick }) => {
    graph.faults.add({ status: 429, retryAfter: 1 + pick(20) })
  },
  async ({ world }) => {
    world.bells.length = 0
  },
]

async function tick({ world }: Story, minutes = 1): Promise<void> {
  const startedAt = world.clock.now
  world.clock.now += minutes * 60_000
  await world.jobs.scheduled({ cron: '* * * * *' })
  if (minutes >= 15) await world.jobs.scheduled({ cron: '*/15 * * * *' })
  const long: Rung[] = []
  let answered = 0
  for (let bell = world.bells.shift(); bell; bell = world.bells.shift()) {
    if (bell.delaySeconds > LONG_PAUSE_SECONDS) {
      long.push(bell)
      continue
    }
    // What rings for itself for ever is carried out by nobody.
    answered += 1
    expect(answered).toBeLessThan(500)
    world.clock.now += bell.delaySeconds * 1000
    await world.answer(bell)
  }
  for (const bell of long) await expectLongWaits(world, bell, startedAt)
}

/** Of the pauses between the tries of a link the shorter ones come to an end; the last one comes again and again. */
const LONG_PAUSE_SECONDS = 3_600

/**
 * Who is tried again for ever, at long pauses, and of whom cron knows when it is due: once everything else is through nobody but whoever
 * waits for the account of a manager, and is among those who await it.
 */
async function expectLongWaits({ query }: ExportWorld, bell: Rung, since: number): Promise<void> {
  const waits =
    await query(sql`SELECT b.resource_id, b.state, b.due_at, b.error ->> '$.code' AS code, b.found,
      EXISTS (SELECT 1 FROM awaited a WHERE a.organization_id = b.organization_id AND a.directory_id = b.directory_id
        AND a.waiter_id = b.resource_id) AS awaits
    FROM binding b WHERE b.organization_id = ${bell.organizationId} AND b.directory_id = ${bell.directoryId}
      AND b.due_at IS NOT NULL`)
  const isLink = ({ code, found }: Loose) =>
    code === 'manager_missing' || (JSON.parse(found ?? '[]') as string[]).includes('manager')
  const isLong = ({ due_at: dueAt }: Loose) => dueAt >= since + LONG_PAUSE_SECONDS * 1000
  const others = waits.filter((wait) => wait['awaits'] !== 1 || !isLink(wait) || !isLong(wait))
  expect(others).toEqual([])
}

/** Day after day each of them is tried once, or not at all, and nothing else is sent. */
async function expectDailyTries(story: Story): Promise<void> {
  const { graph, clock } = story.world
  for (let day = 0; day < 3; day += 1) {
    graph.journal.clear()
    clock.now += 86_400_000
    await tick(story)
    const writes = graph.journal
      .records()
      .filter(({ method, url }) => method !== 'GET' && !url.startsWith('/$batch'))
      .map(({ method, url }) => `${method} ${url}`)
    expect(writes.filter((write) => !/^PUT \/users\/[^/]+\/manager\//.test(write))).toEqual([])
    expect(new Set(writes).size).toBe(writes.length)
  }
}

/** Everybody rests, and what is wrong is put right by one run that enforces. */
async function comeToRest(story: Story): Promise<void> {
  const { world } = story
  world.graph.faults.clear()
  for (const { id } of world.directories)
    await ask(story, 'PATCH', `/directories/${id}`, { state: 'active' })
  for (let i = 0; i < 20; i++) await tick(story)
  for (const directory of world.directories) await expectEnforcedAsTold(story, directory)
  expect(await forgotten(world)).toEqual([])
  for (const { id } of world.directories) {
    for (const action of ['replay', 'approve']) {
      const path = action === 'replay' ? 'failures/replay' : 'held/approve'
      await ask(story, 'POST', `/directories/${id}/${path}`, { all: true })
    }
  }
  for (let i = 0; i < 20; i++) await tick(story)
  await expectDailyTries(story)
  for (const { id } of world.directories) await reconciled(story, id, 'enforce')
  expect(await forgotten(world)).toEqual([])
}

/** While some things are refused, held and rejected, somebody changes accounts there: a run that enforces writes what it told of, and no more. */
async function expectEnforcedAsTold(story: Story, { id, tenantId }: Rested): Promise<void> {
  const { world } = story
  world.graph.faults.add({
    match: { method: 'PATCH' },
    status: 403,
    code: 'Authorization_RequestDenied',
  })
  for (let i = 0; i < 4; i++) await one(story, CHANGES)(story)
  for (let i = 0; i < 3; i++) await tick(story)
  world.graph.faults.clear()
  for (let i = 0; i < 3; i++) await tick(story, 15)
  for (let i = 0; i < 6; i++) await SOMEBODY[0]?.(story)
  world.graph.journal.clear()
  const run = await ask(story, 'POST', `/directories/${id}/reconciliations`, { mode: 'enforce' })
  for (let i = 0; i < 10; i++) await tick(story)
  const { users, groups } = world.graph.summary(tenantId)
  const own = new Set([...users, ...groups].map((object) => String(object['id'])))
  // What it imports the other directory exports.
  const requests = world.graph.journal
    .records()
    .filter(({ url }) => own.has(url.split('/')[2] ?? ''))
  expect(await untoldWrites(world, run['id'], requests)).toEqual([])
}

async function reconciled(story: Story, directoryId: string, mode: string): Promise<Loose> {
  for (let i = 0; i < 3; i++) await tick(story, 15)
  const asked = await ask(story, 'POST', `/directories/${directoryId}/reconciliations`, { mode })
  for (let i = 0; i < 10; i++) await tick(story)
  return ask(story, 'GET', `/reconciliations/${asked['id']}`)
}

/** A directory at rest: what the gateway says of it, and what its tenant holds. */
interface Rest {
  readonly directoryId: string
  readonly directions: ReadonlyMap<string, string>
  readonly users: readonly Loose[]
  readonly accounts: ReadonlyMap<string, Loose>
  readonly teams: readonly Loose[]
}

async function restOf(story: Story, { id, tenantId }: Rested): Promise<Rest> {
  const { items } = await ask(story, 'GET', `/directories/${id}/attributes`)
  const { items: users } = await ask(story, 'GET', '/users?limit=200')
  return {
    directoryId: id,
    directions: new Map((items as Loose[]).map((item) => [item['attribute'], item['direction']])),
    users,
    accounts: new Map(accountsIn(story, tenantId).map((user) => [user['id'], user])),
    teams: [...story.world.graph.summary(tenantId).groups],
  }
}

type Rested = ExportWorld['directories'][number]

const bindingOf = ({ directoryId }: Rest, user: Loose): Loose | undefined =>
  (user['bindings'] as Loose[]).find((binding) => binding['directoryId'] === directoryId)

/** What is wrong with the users of a directory by what its directions say, in words. */
const faultsOf = (rest: Rest): string[] =>
  rest.users.flatMap((user) => [
    ...TOLD.flatMap(({ name }) => faultOfImport(rest, user, name)),
    ...(bindingOf(rest, user)?.['state'] === 'synced' ? faultsOfAccount(rest, user) : []),
  ])

function faultOfImport(rest: Rest, user: Loose, name: string): string[] {
  if (user['imported'][name]?.directoryId !== rest.directoryId) return []
  const isBound = (bindingOf(rest, user)?.['state'] ?? 'former') !== 'former'
  if (isBound && rest.directions.get(name) === 'import') return []
  return [`${name} of ${user['username']} is imported still`]
}

function faultsOfAccount(rest: Rest, user: Loose): string[] {
  const who = user['username']
  const account = rest.accounts.get(bindingOf(rest, user)?.['graphId'])
  if (account === undefined || account['isDeleted'] === true) return [`${who} has no account`]
  const faults = TOLD.flatMap(({ name, graph }) => {
    const theirs = graph(account) ?? null
    const direction = rest.directions.get(name)
    // What we never had a value of is whoever's it is.
    if (direction === 'exclude' || (direction === 'export' && user[name] === null)) return []
    const ours = direction === 'import' ? (user['imported'][name]?.value ?? null) : user[name]
    return ours === theirs ? [] : [`${name} (${direction}) of ${who}: ${ours}, there ${theirs}`]
  })
  const manager = rest.users.find(({ id }) => id === user['manager'])
  const link = manager === undefined ? undefined : bindingOf(rest, manager)
  if (link?.['state'] === 'synced' && account['managerId'] !== link['graphId'])
    faults.push(`manager of ${who}: ${link['graphId']}, there ${account['managerId']}`)
  const isEnabled = account['accountEnabled'] === true
  return isEnabled === user['suspended'] ? [...faults, `${who} enabled: ${isEnabled}`] : faults
}

/** Members whose accounts are bound are members there, and nobody else of them is. */
async function faultsOfGroups({ world }: Story, rest: Rest): Promise<string[]> {
  const rows =
    await world.query(sql`SELECT b.resource_id AS id, b.graph_id, (SELECT json_group_array(m.member_id)
      FROM group_member m WHERE m.organization_id = b.organization_id AND m.group_id = b.resource_id) AS members
    FROM binding b WHERE b.organization_id = ${world.organizationId} AND b.directory_id = ${rest.directoryId}
      AND b.kind = 'group' AND b.state = 'synced'`)
  const synced = rest.users.flatMap((user) => {
    const { state, graphId } = bindingOf(rest, user) ?? {}
    return state === 'synced' ? [{ id: user['id'], graphId }] : []
  })
  return rows.flatMap((row) => {
    const members: string[] = JSON.parse(String(row['members']))
    const team = rest.teams.find(({ id }) => id === row['graph_id'])
    const there = synced.filter(({ graphId }) => team?.['members'].includes(graphId))
    const here = synced.filter(({ id }) => members.includes(id))
    return there.length === here.length && here.every((member) => there.includes(member))
      ? []
      : [`members of ${String(row['id'])}`]
  })
}

/** Accounts that nobody here is or was bound to, and that we wrote to all the same. */
async function writtenStrangers({ world }: Story): Promise<string[]> {
  const known = await world.query(sql`SELECT graph_id AS id FROM binding
      WHERE organization_id = ${world.organizationId}
    UNION SELECT body ->> '$.details.graphId' FROM event
      WHERE organization_id = ${world.organizationId} AND type = 'export_success'`)
  const ids = new Set(known.map(({ id }) => id))
  return world.graph.journal.records().flatMap(({ method, url, isCommitted }) => {
    const id = /^\/users\/([0-9a-f-]{36})/.exec(url)?.[1]
    const isStranger = id !== undefined && !ids.has(id)
    return method === 'PATCH' && isCommitted && isStranger ? [`${method} ${url}`] : []
  })
}

async function expectRight(story: Story): Promise<void> {
  const { world } = story
  const { graph, organizationId } = world
  expect(graph.counters.snapshot().maxWritesInFlightPerObject).toBe(1)
  expect(await writtenStrangers(story)).toEqual([])
  const { items: jobs } = await ask(story, 'GET', '/jobs?limit=200')
  const isThrough = ({ state, done, total }: Loose) => state !== 'running' && done === total
  expect((jobs as Loose[]).filter((job) => !isThrough(job))).toEqual([])
  const unheard = sql`SELECT resource_id, asked_sequence, asked_before, undo_sequence FROM binding
    WHERE organization_id = ${organizationId} AND state IN ('synced', 'former')
      AND (asked_sequence IS NOT NULL OR asked_before IS NOT NULL OR undo_sequence IS NOT NULL)`
  expect(await world.query(unheard)).toEqual([])
  const doubled = sql`SELECT graph_id FROM binding WHERE organization_id = ${organizationId}
    AND graph_id IS NOT NULL AND state <> 'former' GROUP BY directory_id, graph_id HAVING count(*) > 1`
  expect(await world.query(doubled)).toEqual([])
  for (const directory of world.directories) await expectDirectoryRight(story, directory)
}

async function expectDirectoryRight(story: Story, directory: Rested): Promise<void> {
  const { graph } = story.world
  const path = `/directories/${directory.id}`
  const status = await ask(story, 'GET', `${path}/status`)
  expect(status).toMatchObject({ owed: 0, inFlight: 0 })
  const rest = await restOf(story, directory)
  expect([...faultsOf(rest), ...(await faultsOfGroups(story, rest))]).toEqual([])
  graph.counters.reset()
  const run = await reconciled(story, directory.id, 'report')
  expect(run).toMatchObject({ state: 'done' })
  expect(graph.counters.snapshot().writes).toBe(0)
  const { items: drift } = await ask(story, 'GET', `/reconciliations/${run['id']}/drift`)
  const isSynced = ({ userId }: Loose) =>
    rest.users.some(
      (user) => user['id'] === userId && bindingOf(rest, user)?.['state'] === 'synced',
    )
  expect((drift as Loose[]).filter(isSynced)).toEqual([])
}

async function tell(seed: number): Promise<void> {
  const pick = randomOf(seed)
  const world = await exportWorld({
    directories: 2,
    settings: { threshold: seed % 2 === 0 ? null : { count: 2, percent: 10 } },
    emulator: { seed },
  })
  const { organizationId, clock, graph } = world
  const fetch: typeof globalThis.fetch = (input, init) => graph.fetch(new Request(input, init))
  const api = await apiClient({ organizationId, clock, instead: { fetch } })
  const story: Story = { world, api, pick, users: [], groups: [], refused: new Map(), made: 0 }
  for (let i = 0; i < 4; i++) await CLIENT[0]?.(story)
  for (let i = 0; i < 70; i++) {
    const steps = one(story, [CLIENT, CLIENT, ADMINISTRATOR, ADMINISTRATOR, SOMEBODY])
    await one(story, steps)(story)
    if (pick(6) === 0) await one(story, MISFORTUNE)(story)
    if (pick(2) === 0) await tick(story, pick(4) === 0 ? 15 : 1)
  }
  await comeToRest(story)
  if (env.CHAOS !== '') console.log(seed, Object.fromEntries(story.refused))
  await expectRight(story)
}

const [firstSeed, runs] = env.CHAOS === '' ? [1, 3] : env.CHAOS.split(',').map(Number)

test.each(Array.from({ length: runs ?? 1 }, (_, i) => (firstSeed ?? 1) + i))(
  'whatever is decided here and done there, two directories end up as their directions say (seed %i)',
  tell,
  120_000,
)
