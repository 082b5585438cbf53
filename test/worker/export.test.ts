import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { appendEvents } from '../../src/db/event-log.ts'
import { LEASE_MS } from '../../src/db/lease.ts'
import { createDeps } from '../../src/deps.ts'
import { credentialContext } from '../../src/export/connection.ts'
import { DEMO_CLIENT_SECRET } from '../graph/emulator.ts'
import { type ExportWorld, exportWorld, newUser } from '../support/export.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** Creates users over SCIM and gives their ids. */
async function createUsers(world: ExportWorld, ...names: string[]): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) {
    const { body, status } = await world.scim.post('/Users', newUser(name))
    expect(status).toBe(201)
    ids.push(body['id'])
  }
  return ids
}

const accountOf = (world: ExportWorld, name: string) =>
  world.graph.summary().users.find((user) => user['userPrincipalName'] === `${name}@contoso.com`)

describe('a drain', () => {
  test('creates a user in Microsoft 365 with what its SCIM client sent', async () => {
    const world = await exportWorld()
    const { body } = await world.scim.post(
      '/Users',
      newUser('adele', { [ENTERPRISE]: { department: 'Sales' } }),
    )
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
    expect(accountOf(world, 'adele')).toMatchObject({
      displayName: 'adele Test',
      jobTitle: 'Engineer',
      department: 'Sales',
      usageLocation: 'US',
      accountEnabled: true,
    })
    expect(await world.binding(body['id'])).toMatchObject({ state: 'synced', due_at: null })
    expect(world.bells).toEqual([])
  })

  test('sends only what changed, and nothing when nothing did', async () => {
    const world = await exportWorld()
    const [id] = await createUsers(world, 'adele')
    await world.settle()
    const before = world.graph.counters.snapshot().writes
    await world.scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'title', value: 'Director' }])
    await world.scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'nickName', value: 'Ada' }])
    await world.settle()
    await world.settle()
    expect(world.graph.counters.snapshot().writes - before).toBe(1)
    const last = world.graph.journal.records().at(-1)
    expect(last).toMatchObject({ method: 'PATCH', body: { jobTitle: 'Director' } })
  })

  test('disables a suspended user and ends its sessions, and enables it again', async () => {
    const world = await exportWorld()
    const [id] = await createUsers(world, 'adele')
    await world.settle()
    await world.scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }])
    await world.settle()
    expect(accountOf(world, 'adele')).toMatchObject({ accountEnabled: false })
    const urls = world.graph.journal.records().map((entry) => entry.url)
    expect(urls.filter((url) => url.endsWith('/revokeSignInSessions'))).toHaveLength(1)
    await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: true }])
    await world.settle()
    expect(accountOf(world, 'adele')).toMatchObject({ accountEnabled: true })
  })

  test('disables the account of a deleted user and keeps the binding as a former one', async () => {
    const world = await exportWorld()
    const [id] = await createUsers(world, 'adele')
    await world.settle()
    await world.scim.delete(`/Users/${id}`)
    await world.settle()
    expect(accountOf(world, 'adele')).toMatchObject({ accountEnabled: false })
    expect(await world.binding(id!)).toMatchObject({ state: 'former', due_at: null })
  })

  test('deletes the account of a deleted user where the directory says so', async () => {
    const world = await exportWorld({ settings: { onDelete: 'delete' } })
    const [id] = await createUsers(world, 'adele')
    await world.settle()
    // Right after its creation a 404 could be replica lag; this user is older.
    world.clock.now += 3_600_000
    await world.scim.delete(`/Users/${id}`)
    await world.settle()
    expect(world.graph.summary().users.filter((user) => !user['isDeleted'])).toHaveLength(0)
  })

  test('links a manager who was created in the same round', async () => {
    const world = await exportWorld()
    const [boss, report] = await createUsers(world, 'boss', 'report')
    await world.scim.patch(`/Users/${report}`, [
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: boss },
    ])
    await world.settle()
    expect(accountOf(world, 'report')).toMatchObject({ managerName: 'boss@contoso.com' })
    expect(world.graph.counters.snapshot().writes).toBe(3)
  })

  test('links a manager once that manager arrives, however much later', async () => {
    const world = await exportWorld()
    const [boss] = await createUsers(world, 'boss')
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      status: 429,
      retryAfter: 60,
    })
    await world.drain()
    const [report] = await createUsers(world, 'report')
    await world.scim.patch(`/Users/${report}`, [
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: boss },
    ])
    await world.settle()
    expect(accountOf(world, 'report')).toMatchObject({ managerName: 'boss@contoso.com' })
  })

  test('carries groups with their members, also those created in the same round', async () => {
    const world = await exportWorld()
    const ids = await createUsers(world, ...Array.from({ length: 25 }, (_, i) => `user${i}`))
    const { body: group } = await world.scim.post('/Groups', {
      displayName: 'Everybody',
      externalId: 'g1',
    })
    await world.scim.patch(`/Groups/${group['id']}`, [
      { op: 'Add', path: 'members', value: ids.map((value) => ({ value })) },
    ])
    await world.settle()
    const [exported] = world.graph.summary().groups
    expect(exported).toMatchObject({ displayName: 'Everybody' })
    expect(exported?.['members']).toHaveLength(25)
    const removed = ids.slice(0, 2)
    await world.scim.patch(`/Groups/${group['id']}`, [
      { op: 'Remove', path: 'members', value: removed.map((value) => ({ value })) },
      { op: 'Replace', path: 'displayName', value: 'Almost everybody' },
    ])
    await world.settle()
    const [changed] = world.graph.summary().groups
    expect(changed).toMatchObject({ displayName: 'Almost everybody' })
    expect(changed?.['members']).toHaveLength(23)
    expect(world.graph.summary().users.filter((user) => user['isDeleted'])).toEqual([])
  })

  test('takes a deleted user out of its groups, though its account stays', async () => {
    const world = await exportWorld()
    const ids = await createUsers(world, 'a', 'b')
    await world.scim.post('/Groups', {
      displayName: 'Both',
      members: ids.map((value) => ({ value })),
    })
    await world.settle()
    expect(world.graph.summary().groups[0]?.['members']).toHaveLength(2)
    await world.scim.delete(`/Users/${ids[0]}`)
    await world.settle()
    expect(world.graph.summary().groups[0]?.['members']).toEqual([accountOf(world, 'b')?.['id']])
  })

  test('delivers a password and forgets it, and gives every other user one of its own', async () => {
    const world = await exportWorld()
    const { body } = await world.scim.post('/Users', newUser('a', { password: 'S3cret-of-a!' }))
    const [other] = await createUsers(world, 'b')
    await world.settle()
    expect(accountOf(world, 'a')).toMatchObject({ password: 'S3cret-of-a!' })
    expect(accountOf(world, 'b')?.['password']).toHaveLength(24)
    await world.scim.patch(`/Users/${other}`, [
      { op: 'replace', path: 'password', value: 'An0ther-secret!' },
    ])
    await world.settle()
    expect(accountOf(world, 'b')).toMatchObject({ password: 'An0ther-secret!' })
    const left = await world.query(sql`SELECT * FROM pending_password
      WHERE organization_id = ${world.organizationId}`)
    expect(left).toEqual([])
    const events = await world.query(sql`SELECT body FROM event
      WHERE organization_id = ${world.organizationId}`)
    expect(JSON.stringify([body, events])).not.toMatch(/S3cret|An0ther/)
  })

  test('a password that no directory takes within a day ends with an event', async () => {
    const world = await exportWorld()
    await world.query(sql`UPDATE directory SET state = 'paused' WHERE id = ${world.directoryId}`)
    const { body } = await world.scim.post('/Users', newUser('a', { password: 'S3cret-of-a!' }))
    world.clock.now += 25 * 3_600_000
    await world.jobs.scheduled({ cron: '* * * * *' })
    const left = await world.query(sql`SELECT * FROM pending_password
      WHERE organization_id = ${world.organizationId}`)
    expect(left).toEqual([])
    const [event] = await world.query(sql`SELECT type, outcome FROM event
      WHERE organization_id = ${world.organizationId} AND target_id = ${body['id']}
      ORDER BY sequence DESC LIMIT 1`)
    expect(event).toEqual({ type: 'password_expired', outcome: 'failure' })
  })

  test('a client secret that Microsoft refuses leaves the directory alone, says why, and loses nothing', async () => {
    const world = await exportWorld()
    await createUsers(world, 'adele')
    world.graph.faults.add({
      match: { path: '/oauth2/' },
      status: 401,
      body: {
        error: 'invalid_client',
        error_description: 'AADSTS7000222: The provided client secret keys are expired.',
        error_codes: [7000222],
      },
    })
    await world.settle()
    const [row] = await world.query(sql`SELECT * FROM directory WHERE id = ${world.directoryId}`)
    expect(row).toMatchObject({
      state: 'auth_error',
      state_reason: expect.stringMatching(/secret has expired/),
    })
    await world.query(sql`UPDATE directory SET state = 'active' WHERE id = ${world.directoryId}`)
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
  })

  test('a client secret that is replaced while a drain goes on with the old one, which is refused, carries it on', async () => {
    const { sealer } = createDeps(env)
    let meanwhile = async (): Promise<unknown> => undefined
    const open: typeof sealer.open = async (...asked) => {
      const opened = await sealer.open(...asked)
      await meanwhile()
      return opened
    }
    const world = await exportWorld({ instead: { sealer: { ...sealer, open } } })
    const { organizationId, directoryId } = world
    const renewed = await sealer.seal(
      DEMO_CLIENT_SECRET,
      credentialContext(organizationId, directoryId),
    )
    meanwhile = () =>
      world.query(sql`UPDATE directory SET credential = ${renewed} WHERE id = ${directoryId}`)
    await createUsers(world, 'adele')
    world.graph.faults.add({
      match: { path: '/oauth2/' },
      status: 401,
      body: { error: 'invalid_client', error_codes: [7000222] },
    })
    await world.settle()
    const [row] = await world.query(sql`SELECT state FROM directory WHERE id = ${directoryId}`)
    expect(row).toEqual({ state: 'active' })
    expect(accountOf(world, 'adele')).toBeDefined()
  })

  test('one user that Microsoft 365 refuses blocks no other, and its failure says why', async () => {
    const world = await exportWorld()
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      when: ({ body }) => JSON.stringify(body).includes('bad@contoso.com'),
      status: 400,
      code: 'Request_BadRequest',
      message: "Invalid value specified for property 'jobTitle' of resource 'User'.",
    })
    const [bad] = await createUsers(world, 'bad', 'good')
    await world.settle()
    expect(accountOf(world, 'good')).toBeDefined()
    const binding = await world.binding(bad!)
    expect(binding).toMatchObject({ state: 'failed', due_at: null })
    expect(binding['error']).toMatchObject({
      message: expect.stringMatching(/jobTitle/),
      requestId: expect.any(String),
    })
  })

  test('a user in a domain that is not verified is not even sent, and blocks no other', async () => {
    const world = await exportWorld()
    const { body: bad } = await world.scim.post('/Users', {
      ...newUser('bad'),
      userName: 'bad@elsewhere.example',
      emails: [{ type: 'work', primary: true, value: 'bad@elsewhere.example' }],
    })
    await createUsers(world, 'good')
    await world.settle()
    expect(accountOf(world, 'good')).toBeDefined()
    const binding = await world.binding(bad['id'])
    expect(binding).toMatchObject({ state: 'failed', due_at: null })
    expect(binding['error']).toMatchObject({
      code: 'domain_not_verified',
      domain: 'elsewhere.example',
    })
    expect(world.graph.counters.snapshot().writes).toBe(1)
  })

  test('waits out a 429 for the whole lane and then goes on', async () => {
    const world = await exportWorld()
    await createUsers(world, 'a', 'b', 'c')
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      status: 429,
      retryAfter: 30,
    })
    const began = world.clock.now
    await world.drain()
    expect(world.bells).toMatchObject([{ delaySeconds: 30 }])
    const { writes } = world.graph.counters.snapshot()
    await world.drain()
    expect(world.graph.counters.snapshot().writes).toBe(writes)
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(3)
    expect(world.clock.now - began).toBeGreaterThanOrEqual(30_000)
  })
})

describe('a tight quota', () => {
  test('is used to the full by one drain, which waits for tokens with the lease in hand', async () => {
    const world = await exportWorld({ env: { GRAPH_WRITE_QUOTA: '20/1' } })
    await createUsers(world, ...Array.from({ length: 40 }, (_, i) => `user${i}`))
    const began = world.clock.now
    await world.drain()
    expect(world.graph.summary().users).toHaveLength(40)
    // 16 writes a second of the 20, and the first four at once.
    expect((world.clock.now - began) / 1000).toBeCloseTo((40 - 4) / 16, 0)
    expect(world.bells).toEqual([])
  })
})

describe('a write that has no answer', () => {
  test('a create that Graph carried out without answering makes no second user', async () => {
    const world = await exportWorld()
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      commit: true,
      status: 504,
    })
    const [id] = await createUsers(world, 'adele')
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
    expect(world.graph.counters.snapshot()).toMatchObject({
      duplicateCreates: 0,
      createConflicts: 0,
    })
    expect(await world.binding(id!)).toMatchObject({ state: 'synced', creating_as: null })
  })

  test('a create that was lost on its way is repeated under the same name, after three looks', async () => {
    const world = await exportWorld()
    world.graph.faults.add({ match: { method: 'POST', path: '^/users$' }, status: 504 })
    await createUsers(world, 'adele')
    const began = world.clock.now
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
    const looks = world.graph.journal
      .records()
      .filter(({ method, url }) => method === 'GET' && url.startsWith('/users/'))
    expect(looks).toHaveLength(3)
    expect(world.clock.now - began).toBeGreaterThanOrEqual(30_000)
  })

  test('a user renamed while its create had no answer keeps one account, renamed afterwards', async () => {
    const world = await exportWorld()
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      commit: true,
      status: 504,
    })
    const [id] = await createUsers(world, 'adele')
    await world.drain()
    await world.scim.patch(`/Users/${id}`, [
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'adele.new@contoso.com' },
    ])
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
    expect(accountOf(world, 'adele.new')).toBeDefined()
  })

  test('X to Y without an answer and back to X sends X again', async () => {
    const world = await exportWorld()
    const [id] = await createUsers(world, 'adele')
    await world.settle()
    world.graph.faults.add({ match: { method: 'PATCH' }, commit: true, status: 504 })
    await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value: 'Director' }])
    await world.drain()
    expect(accountOf(world, 'adele')).toMatchObject({ jobTitle: 'Director' })
    await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value: 'Engineer' }])
    await world.settle()
    expect(accountOf(world, 'adele')).toMatchObject({ jobTitle: 'Engineer' })
  })

  test('a whole envelope without an answer loses nothing and doubles nothing', async () => {
    const world = await exportWorld()
    world.graph.faults.add({ match: { path: '/\\$batch$' }, commit: true, transport: 'hang-up' })
    await createUsers(world, 'a', 'b', 'c')
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(3)
    expect(world.graph.counters.snapshot().duplicateCreates).toBe(0)
  })
})

describe('a crash after Graph has committed', () => {
  /** A round that dies between Graph's answer and its commit: D1 refuses the commit as if the isolate were gone. */
  async function crashedRound(world: ExportWorld): Promise<void> {
    await world.query(sql`CREATE TRIGGER crash BEFORE INSERT ON binding
      BEGIN SELECT RAISE(ABORT, 'Network connection lost'); END`)
    await world.drain()
    await world.query(sql`DROP TRIGGER crash`)
    world.bells.length = 0
    await world.query(sql`UPDATE directory SET lease_until = 1 WHERE id = ${world.directoryId}`)
  }

  test('leaves an intent; whoever comes next waits one timeout, looks for the users and creates none twice', async () => {
    const world = await exportWorld()
    const ids = await createUsers(world, 'a', 'b', 'c')
    await crashedRound(world)
    expect(world.graph.summary().users).toHaveLength(3)
    expect(await world.binding(ids[0]!)).toEqual({ snapshot: null, error: null })
    await world.settle()
    expect(world.slept).toEqual([20_000])
    expect(world.graph.summary().users).toHaveLength(3)
    expect(world.graph.counters.snapshot()).toMatchObject({
      duplicateCreates: 0,
      createConflicts: 0,
    })
    for (const id of ids) expect(await world.binding(id)).toMatchObject({ state: 'synced' })
  })

  test('a message that is delivered twice, or to two consumers at once, changes nothing', async () => {
    const world = await exportWorld()
    await createUsers(world, 'a', 'b')
    await Promise.all([world.drain(), world.drain()])
    expect(world.bells.some(({ delaySeconds }) => delaySeconds > LEASE_MS / 2000)).toBe(true)
    await world.settle()
    await world.drain()
    expect(world.graph.summary().users).toHaveLength(2)
    expect(world.graph.counters.snapshot()).toMatchObject({ writes: 2, duplicateCreates: 0 })
  })
})

describe('an attribute’s direction', () => {
  async function direct(world: ExportWorld, attribute: string, direction: string): Promise<void> {
    const type =
      direction === 'exclude' ? 'integrationattribute_exclude' : 'integrationattribute_include'
    await connect(env.DB).run(
      appendEvents(world.organizationId, [
        {
          class: 'command',
          type,
          time: world.clock.now,
          target: { type: 'directory', id: world.directoryId },
          directoryId: world.directoryId,
          actor: { type: 'admin', id: 'adm_test' },
        },
      ]),
      sql`UPDATE attribute_direction SET direction = ${direction},
          sequence = (SELECT max(sequence) FROM event WHERE organization_id = ${world.organizationId})
        WHERE directory_id = ${world.directoryId} AND attribute = ${attribute}`,
    )
  }

  test('that becomes export again sends the value of every bound user, though it was sent before', async () => {
    const world = await exportWorld()
    const ids = await createUsers(world, 'a', 'b', 'c')
    await world.settle()
    await direct(world, 'jobTitle', 'exclude')
    await world.scim.patch(`/Users/${ids[0]}`, [{ op: 'replace', path: 'title', value: 'Other' }])
    await world.settle()
    expect(accountOf(world, 'a')).toMatchObject({ jobTitle: 'Engineer' })
    for (const user of world.graph.tenant().all('user'))
      world.graph.changeUser(user.id, { properties: { jobTitle: 'by hand' } })
    const before = world.graph.counters.snapshot().writes
    await direct(world, 'jobTitle', 'export')
    await world.settle()
    expect(accountOf(world, 'a')).toMatchObject({ jobTitle: 'Other' })
    expect(accountOf(world, 'c')).toMatchObject({ jobTitle: 'Engineer' })
    expect(world.graph.counters.snapshot().writes - before).toBe(3)
    await world.settle()
    expect(world.graph.counters.snapshot().writes - before).toBe(3)
  })

  test('that is exclude is in no request, whatever changes', async () => {
    const world = await exportWorld()
    await direct(world, 'jobTitle', 'exclude')
    await createUsers(world, 'a')
    await world.settle()
    expect(accountOf(world, 'a')?.['jobTitle']).toBeUndefined()
  })
})

describe('the sweep', () => {
  test('rings for a directory that lags when every message was lost, and for none that does not', async () => {
    const world = await exportWorld()
    await createUsers(world, 'adele')
    await world.jobs.scheduled({ cron: '* * * * *' })
    const mine = () => world.bells.filter(({ directoryId }) => directoryId === world.directoryId)
    expect(mine()).toHaveLength(1)
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
    await world.jobs.scheduled({ cron: '* * * * *' })
    expect(mine()).toEqual([])
  })
})

describe('the budget of an export', () => {
  const costOf = async (world: ExportWorld): Promise<{ rows: number; trips: number }> => {
    world.opened.length = 0
    await world.drain()
    const meters = world.opened.map(({ meter }) => meter)
    return {
      rows: meters.reduce((sum, meter) => sum + meter.rowsWritten, 0),
      trips: meters.reduce((sum, meter) => sum + meter.roundTrips, 0),
    }
  }

  test('a first export writes at most 5 rows, an exported update 3, one that stays owed 2 more', async () => {
    const world = await exportWorld()
    const names = (from: number) => Array.from({ length: 10 }, (_, i) => `user${from + i}`)
    const one = await exportWorld()
    await createUsers(one, 'single')
    const first = await costOf(one)
    const ids = await createUsers(world, ...names(0), 'last')
    const eleven = await costOf(world)
    expect((eleven.rows - first.rows) / 10).toBeLessThanOrEqual(5)

    const change = async (some: readonly string[], title: string) => {
      for (const id of some)
        await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value: title }])
    }
    await change(ids.slice(0, 1), 'One')
    const oneUpdate = await costOf(world)
    await change(ids, 'All')
    const allUpdates = await costOf(world)
    expect((allUpdates.rows - oneUpdate.rows) / 10).toBeLessThanOrEqual(3)

    await change(ids, 'Owed')
    world.graph.faults.add({
      match: { method: 'PATCH' },
      status: 409,
      code: 'Directory_ConcurrencyViolation',
      times: 11,
    })
    const owed = await costOf(world)
    expect(owed.rows - oneUpdate.rows).toBeLessThanOrEqual(2 * 11)
  })

  test('a round of 80 users takes at most 5 round trips', async () => {
    const world = await exportWorld()
    await createUsers(world, ...Array.from({ length: 80 }, (_, i) => `user${i}`))
    const eighty = await costOf(world)
    expect(world.graph.summary().users).toHaveLength(80)
    const idle = await costOf(world)
    // Taking the lease, looking once more and giving it back belong to the drain; the rest is its one round.
    expect(eighty.trips - idle.trips + 1).toBeLessThanOrEqual(5)
    // The first one asks, once for this directory, which domains the tenant has verified.
    expect(world.graph.counters.snapshot().envelopes).toEqual([1, 20, 20, 20, 20])
  })
})
