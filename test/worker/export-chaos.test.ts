import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'

import { type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import { randomOf } from '../support/random.ts'
import type { Loose } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

interface Story {
  readonly world: ExportWorld
  readonly pick: (below: number) => number
  readonly users: string[]
  readonly groups: string[]
  made: number
  /** Addresses are used again: not where former accounts keep theirs. */
  readonly isPooling: boolean
}

const one = (story: Story, list: readonly string[]): string => list[story.pick(list.length)] ?? ''

/** One random change over SCIM, as a client would make it. */
async function change(story: Story): Promise<void> {
  const { world, pick, users, groups } = story
  const { scim } = world
  const name = `user${story.made++}`
  const kind = users.length < 4 ? 0 : pick(10)
  if (kind <= 2) {
    const { body } = await scim.post('/Users', newUser(name))
    users.push(body['id'])
  } else if (kind === 3) {
    await scim.patch(`/Users/${one(story, users)}`, [
      { op: 'Replace', path: 'title', value: `Title ${pick(3)}` },
    ])
  } else if (kind === 4) {
    await scim.patch(`/Users/${one(story, users)}`, [
      { op: 'Replace', path: 'active', value: pick(2) === 0 ? 'False' : 'True' },
    ])
  } else if (kind === 5) {
    await scim.patch(`/Users/${one(story, users)}`, [
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: one(story, users) },
    ])
  } else if (kind === 6) {
    // From a small pool names pass from one user to another; taken ones are refused over SCIM.
    const next = story.isPooling && pick(3) > 0 ? `pool${pick(3)}` : name
    await scim.patch(`/Users/${one(story, users)}`, [
      { op: 'Replace', path: 'emails[type eq "work"].value', value: `${next}@contoso.com` },
    ])
  } else if (kind === 7) {
    const { body } = await scim.post('/Groups', { displayName: name })
    groups.push(body['id'])
  } else if (kind === 8 && groups.length > 0) {
    const members = [one(story, users), one(story, users), one(story, users)]
    const op = pick(3) === 0 ? 'Remove' : 'Add'
    await scim.patch(`/Groups/${one(story, groups)}`, [
      { op, path: 'members', value: members.map((value) => ({ value })) },
    ])
  } else if (kind === 9 && users.length > 6) {
    const id = users.splice(pick(users.length), 1)[0]
    await scim.delete(`/Users/${id}`)
  }
}

/** One random misfortune: of Graph, of the network, of D1, of the runtime, of the queue. */
async function misfortune({ world, pick }: Story): Promise<void> {
  const { faults } = world.graph
  const isCommitted = pick(2) === 0
  const anyWrite = { when: ({ method }: { method: string }) => method !== 'GET' }
  switch (pick(7)) {
    case 0:
      faults.add({ match: { path: '/\\$batch$' }, commit: isCommitted, transport: 'hang-up' })
      break
    case 1:
      faults.add({ match: { path: '/\\$batch$' }, commit: isCommitted, transport: 'truncate' })
      break
    case 2:
      faults.add({ ...anyWrite, commit: isCommitted, status: 504, times: 1 + pick(3) })
      break
    case 3:
      faults.add({ ...anyWrite, status: 429, retryAfter: 1 + pick(20) })
      break
    case 4:
      faults.add({
        ...anyWrite,
        status: 409,
        code: 'Directory_ConcurrencyViolation',
        times: 1 + pick(3),
      })
      break
    case 5:
      faults.add({ match: { path: '/\\$batch$' }, status: 503 })
      break
    default:
      await crashOnce(world)
  }
}

/** The next round dies before it can store what Graph has done, and its lease expires. */
async function crashOnce(world: ExportWorld): Promise<void> {
  await world.query(sql`CREATE TRIGGER crash BEFORE UPDATE OF position ON directory
    WHEN NEW.id = ${sql.raw(`'${world.directoryId}'`)} BEGIN SELECT RAISE(ABORT, 'Network connection lost'); END`)
  await world.drain()
  await world.query(sql`DROP TRIGGER crash`)
  await world.query(
    sql`UPDATE directory SET lease_until = 1 WHERE id = ${world.directoryId} AND lease_until > 1`,
  )
}

async function currentNames({ world, users }: Story): Promise<ReadonlySet<string>> {
  const found = await Promise.all(users.map((id) => world.scim.get(`/Users/${id}`)))
  return new Set(found.map(({ body }) => body['emails'][0].value))
}

/** What Microsoft 365 must hold: every user with its name, title, state and manager, every group with its members. */
async function expected(story: Story): Promise<unknown> {
  const { world, users, groups } = story
  const found = new Map<string, Loose>()
  for (const id of users) found.set(id, (await world.scim.get(`/Users/${id}`)).body)
  const upn = (id: string | undefined) => found.get(id ?? '')?.['emails']?.[0]?.value
  const people = [...found.values()].map((user) => ({
    userPrincipalName: user['emails'][0].value,
    jobTitle: user['title'],
    accountEnabled: user['active'],
    managerName: upn(user[ENTERPRISE]?.manager?.value) ?? null,
  }))
  const teams = await Promise.all(
    groups.map(async (id) => {
      const { body } = await world.scim.get(`/Groups/${id}`)
      const members = (body['members'] ?? []).map(({ value }: { value: string }) => upn(value))
      return { displayName: body['displayName'], members: members.toSorted(byCodeUnits) }
    }),
  )
  return inOrder(people, teams)
}

/** Both sides are compared as texts in one order: nothing says in which order Graph lists them. */
const inOrder = (...lists: readonly object[][]): string[][] =>
  lists.map((list) => list.map((item) => JSON.stringify(item)).toSorted(byCodeUnits))

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** An account is current when SCIM has its user; every other one must have been deleted or disabled. */
function isCurrent(account: Loose, current: ReadonlySet<string>): boolean {
  if (current.has(account['userPrincipalName'])) return true
  expect(account['isDeleted'] === true || account['accountEnabled'] === false).toBe(true)
  return false
}

function held({ world }: Story, current: ReadonlySet<string>): unknown {
  const summary: Loose = world.graph.summary()
  const live: Loose[] = summary['users'].filter((user: Loose) => isCurrent(user, current))
  const names = new Map<string, string>(live.map((user) => [user['id'], user['userPrincipalName']]))
  const people = live.map((user) => ({
    userPrincipalName: user['userPrincipalName'],
    jobTitle: user['jobTitle'],
    accountEnabled: user['accountEnabled'],
    managerName: names.get(user['managerId']) ?? null,
  }))
  const teams: Loose[] = summary['groups'].map(({ displayName, members }: Loose) => ({
    displayName,
    members: members.flatMap((id: string) => names.get(id) ?? []).toSorted(byCodeUnits),
  }))
  return inOrder(people, teams)
}

/** Nothing was lost, nothing came twice, and no two writes of one object were ever under way at once. */
async function expectConverged(story: Story): Promise<void> {
  const { world } = story
  const states = await world.query(sql`SELECT resource_id, state, error FROM binding
    WHERE directory_id = ${world.directoryId}
      AND state NOT IN ('synced', 'former')`)
  expect(states).toEqual([])
  const current = await currentNames(story)
  expect(held(story, current)).toEqual(await expected(story))
  expect(world.graph.counters.snapshot()).toMatchObject({
    duplicateCreates: 0,
    maxWritesInFlightPerObject: 1,
  })
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'whatever happens on the way, Microsoft 365 ends up with what SCIM was told, once (seed %i)',
  async (seed) => {
    const pick = randomOf(seed)
    const world = await exportWorld({
      settings: { onDelete: seed % 2 === 0 ? 'delete' : 'disable', threshold: null },
      emulator: { seed },
    })
    const story: Story = { world, pick, users: [], groups: [], made: 0, isPooling: seed % 2 === 0 }
    for (let step = 0; step < 60; step++) {
      await change(story)
      if (pick(4) === 0) await misfortune(story)
      if (pick(3) === 0) await world.drain()
      if (pick(5) === 0) world.clock.now += pick(30) * 1000
      // Every message may get lost.
      if (pick(2) === 0) world.bells.length = 0
    }
    world.graph.faults.clear()
    for (let tick = 0; tick < 12; tick++) {
      world.clock.now += 60_000
      await world.jobs.scheduled({ cron: '* * * * *' })
      await world.settle()
    }
    await expectConverged(story)
  },
  30_000,
)

/** Every kind of misbehaviour, each with its share of a hundred requests: a fifth of them in all. */
function misbehave({ world, pick }: Story): void {
  const chance = (ofHundred: number) => () => pick(100) < ofHundred
  const isWrite = (ofHundred: number) => ({
    when: ({ method }: { method: string }) => method !== 'GET' && pick(100) < ofHundred,
    times: Number.MAX_SAFE_INTEGER,
  })
  const isAny = { times: Number.MAX_SAFE_INTEGER }
  const batch = { match: { path: '/\\$batch$' }, ...isAny }
  const { faults } = world.graph
  for (const commit of [true, false]) {
    faults.add({ ...batch, when: chance(2), commit, transport: 'hang-up' })
    faults.add({ ...batch, when: chance(2), commit, transport: 'truncate' })
    faults.add({ ...isWrite(3), commit, status: 504 })
    faults.add({ ...isWrite(2), commit, status: 500 })
  }
  faults.add({ ...batch, when: chance(2), status: 503 })
  faults.add({ ...isAny, match: { path: '/oauth2/' }, when: chance(20), status: 503 })
  faults.add({ ...isAny, when: chance(1), status: 429, retryAfter: 2.5 })
  faults.add({ ...isAny, when: chance(1), status: 429 })
  faults.add({ ...isAny, when: chance(2), status: 503, retryAfter: 3 })
  faults.add({ ...isWrite(2), status: 409, code: 'Directory_ConcurrencyViolation' })
  faults.add({ ...isWrite(1), status: 423, retryAfter: 5 })
  faults.add({ ...isAny, when: chance(1), status: 401, code: 'InvalidAuthenticationToken' })
}

/** Where a drain is when the runtime kills it: before Graph has its request, or after it has answered. */
interface Kill {
  readonly when: 'before' | 'after'
  /** How many envelopes pass first. */
  skip: number
}

/** Nothing of the drain reaches D1 any more: what its lease holds is left as it is. */
const TRIGGER = (directoryId: string) =>
  sql`CREATE TRIGGER IF NOT EXISTS crash BEFORE UPDATE ON directory WHEN NEW.id = ${sql.raw(`'${directoryId}'`)}
    BEGIN SELECT RAISE(ABORT, 'Network connection lost'); END`

/** What the gateway draws too: ids, and how long it waits. */
const bytesOf =
  (pick: (below: number) => number) =>
  (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => pick(256))

async function lastStand(seed: number): Promise<void> {
  const pick = randomOf(seed)
  const fate: { kill: Kill | undefined; killed: number } = { kill: undefined, killed: 0 }
  const die = () => world.query(TRIGGER(world.directoryId))
  const world: ExportWorld = await exportWorld({
    settings: { onDelete: seed % 2 === 0 ? 'delete' : 'disable', threshold: null },
    emulator: { seed, ...(seed % 3 === 0 ? { lag: { seconds: 5 } } : {}) },
    instead: { randomBytes: bytesOf(randomOf(seed + 1_000_000)) },
    fetch: (next) => async (input, init) => {
      const request = new Request(input, init)
      const { kill } = fate
      const isHit = request.url.endsWith('$batch') && kill !== undefined && kill.skip-- <= 0
      if (!isHit) return next(request)
      const isAfter = kill.when === 'after'
      fate.kill = undefined
      fate.killed += 1
      if (isAfter) await next(request).catch(() => {})
      await die()
      throw new TypeError('the runtime is gone')
    },
  })
  const story: Story = { world, pick, users: [], groups: [], made: 0, isPooling: seed % 2 === 0 }
  const tick = async () => {
    world.clock.now += 60_000
    // Whatever mutations and drains have rung for is lost: cron alone finds the work.
    world.bells.length = 0
    await world.jobs.scheduled({ cron: '* * * * *' })
    const mine = world.bells.some(({ directoryId }) => directoryId === world.directoryId)
    if (mine) await world.drain()
    world.bells.length = 0
  }
  misbehave(story)
  for (let step = 0; step < 200; step++) {
    await change(story)
    if (step % 10 === 9) fate.kill = { when: pick(2) === 0 ? 'before' : 'after', skip: pick(3) }
    for (let tries = 0; fate.kill !== undefined && tries < 20; tries++) {
      await change(story)
      await tick()
    }
    if (pick(3) === 0) await tick()
    if (step % 10 !== 9) continue
    await world.query(sql`DROP TRIGGER IF EXISTS crash`)
    await world.query(
      sql`UPDATE directory SET lease_until = 1 WHERE id = ${world.directoryId} AND lease_until > 1`,
    )
  }
  expect(fate.killed).toBe(20)
  world.graph.faults.clear()
  for (let minute = 0; minute < 60; minute++) await tick()
  await expectConverged(story)
}

const [firstSeed, runs] = env.CHAOS === '' ? [1, 2] : env.CHAOS.split(',').map(Number)

test.each(Array.from({ length: runs ?? 1 }, (_, i) => (firstSeed ?? 1) + i))(
  'a fifth of the requests go wrong, twenty drains are killed, every message is lost, and cron alone brings everything there, once (seed %i)',
  lastStand,
  120_000,
)
