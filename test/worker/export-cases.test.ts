import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { appendEvents } from '../../src/db/event-log.ts'
import { type ExportWorld, exportWorld, newUser, type WorldOptions } from '../support/export.ts'

/** Interleavings and inputs that once lost, doubled or spun something: each states what the rules demand. */
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

async function create(
  world: ExportWorld,
  name: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const { body, status } = await world.scim.post('/Users', newUser(name, more))
  expect({ status, body }).toMatchObject({ status: 201 })
  return body['id']
}

const accountOf = (world: ExportWorld, name: string) =>
  world.graph.summary().users.find((user) => user['userPrincipalName'] === `${name}@contoso.com`)

/** Like world.settle, but gives up after `most` bells; gives how many were answered. */
async function calm(world: ExportWorld, most = 60): Promise<number> {
  await world.drain()
  let answered = 0
  for (let bell = world.bells.shift(); bell && answered < most; bell = world.bells.shift()) {
    answered += 1
    world.clock.now += bell.delaySeconds * 1000
    if (bell.directoryId === undefined || bell.directoryId === world.directoryId)
      await world.drain()
  }
  return answered
}

async function sweepAll(world: ExportWorld, ticks = 10): Promise<void> {
  for (let tick = 0; tick < ticks; tick++) {
    world.clock.now += 60_000
    await world.jobs.scheduled({ cron: '* * * * *' })
    await calm(world)
  }
}

const patch = async (world: ExportWorld, id: string, ...operations: unknown[]): Promise<void> => {
  const { status, body } = await world.scim.patch(`/Users/${id}`, operations)
  expect({ status, body }).toMatchObject({ status: 200 })
}

const direction = (world: ExportWorld, attribute: string, value: string) =>
  world.query(
    sql`UPDATE attribute_direction SET direction = ${value} WHERE directory_id = ${world.directoryId} AND attribute = ${attribute}`,
  )

async function direct(world: ExportWorld, attribute: string, to: string): Promise<void> {
  await connect(env.DB).run(
    appendEvents(world.organizationId, [
      {
        class: 'command',
        type: to === 'exclude' ? 'integrationattribute_exclude' : 'integrationattribute_include',
        time: world.clock.now,
        target: { type: 'directory', id: world.directoryId },
        directoryId: world.directoryId,
        actor: { type: 'admin', id: 'adm_test' },
      },
    ]),
    sql`UPDATE attribute_direction SET direction = ${to},
        sequence = (SELECT max(sequence) FROM event WHERE organization_id = ${world.organizationId})
      WHERE directory_id = ${world.directoryId} AND attribute = ${attribute}`,
  )
}

const EXPIRED = {
  match: { path: '/oauth2/' },
  status: 401,
  body: {
    error: 'invalid_client',
    error_description: 'AADSTS7000222: expired.',
    error_codes: [7000222],
  },
}

const world0 = (options: WorldOptions = {}) => exportWorld(options)

describe('poison', () => {
  test('two users that want the same existing account do not stop the directory', async () => {
    const world = await world0({ settings: { upnSource: 'alternateEmail' } })
    world.graph.seed({ users: 1, prefix: 'shared' })
    const emails = (name: string) => [
      { type: 'work', primary: true, value: `${name}@contoso.com` },
      { type: 'other', value: 'shared1@contoso.com' },
    ]
    await create(world, 'a', { emails: emails('a') })
    await create(world, 'b', { emails: emails('b') })
    await calm(world, 5)
    await create(world, 'c', {
      emails: [
        { type: 'work', primary: true, value: 'c@contoso.com' },
        { type: 'other', value: 'c1@contoso.com' },
      ],
    })
    await sweepAll(world, 5)
    expect(accountOf(world, 'c1')).toBeDefined()
  })

  test('the same by userName fallback under upnSource email', async () => {
    const world = await world0()
    world.graph.seed({ users: 1, prefix: 'shared' })
    const first = await world.scim.post('/Users', {
      ...newUser('a'),
      emails: [{ type: 'work', primary: true, value: 'shared1@contoso.com' }],
    })
    const second = await world.scim.post('/Users', {
      ...newUser('b'),
      userName: 'shared1@contoso.com',
      emails: [],
    })
    expect([first.status, second.status]).toEqual([201, 201])
    await calm(world, 5)
    await create(world, 'c')
    await sweepAll(world, 5)
    expect(accountOf(world, 'c')).toBeDefined()
  })

  test('two users with one wanted name, both creates unanswered', async () => {
    const world = await world0({ settings: { upnSource: 'alternateEmail' } })
    const emails = (name: string) => [
      { type: 'work', primary: true, value: `${name}@contoso.com` },
      { type: 'other', value: 'shared1@contoso.com' },
    ]
    await create(world, 'a', { emails: emails('a') })
    await create(world, 'b', { emails: emails('b') })
    world.graph.faults.add({ match: { path: '/\\$batch$' }, commit: true, transport: 'hang-up' })
    await calm(world, 5)
    await sweepAll(world, 5)
    const rows = await world.query(
      sql`SELECT state FROM binding WHERE directory_id = ${world.directoryId} ORDER BY state`,
    )
    expect(rows).toEqual([{ state: 'held' }, { state: 'synced' }])
    expect(world.graph.counters.snapshot().maxWritesInFlightPerObject).toBe(1)
  })
})

describe('adoption', () => {
  test('a user deleted right after its name was refused touches no account that was there before', async () => {
    const world = await world0({ settings: { onDelete: 'delete' } })
    world.graph.seed({ users: 1, prefix: 'john' })
    const id = await create(world, 'x', {
      emails: [{ type: 'work', primary: true, value: 'john1@contoso.com' }],
    })
    // The look for the account is put off by a failing read.
    world.graph.faults.add({ match: { method: 'GET', path: '^/users/' }, status: 503 })
    await world.drain()
    expect(await world.binding(id)).toMatchObject({
      creating_as: 'john1@contoso.com',
      graph_id: null,
    })
    await world.scim.delete(`/Users/${id}`)
    world.clock.now += 3_600_000
    await calm(world)
    await sweepAll(world, 10)
    expect(world.graph.summary().users).toHaveLength(1)
    expect(world.graph.summary().users[0]).toMatchObject({
      displayName: 'Seeded User 1',
      accountEnabled: true,
    })
    expect(world.graph.summary().users[0]?.['isDeleted'] ?? false).toBe(false)
  })

  test('a user renamed after its name was refused leaves the account of the old name alone', async () => {
    const world = await world0()
    world.graph.seed({ users: 1, prefix: 'john' })
    const id = await create(world, 'x', {
      emails: [{ type: 'work', primary: true, value: 'john1@contoso.com' }],
    })
    world.graph.faults.add({ match: { method: 'GET', path: '^/users/' }, status: 503 })
    await world.drain()
    expect(await world.binding(id)).toMatchObject({
      creating_as: 'john1@contoso.com',
      graph_id: null,
    })
    await patch(world, id, {
      op: 'replace',
      path: 'emails[type eq "work"].value',
      value: 'john2@contoso.com',
    })
    await calm(world)
    const users = world.graph
      .summary()
      .users.map(({ userPrincipalName, displayName }) => [userPrincipalName, displayName])
    expect(new Set(users.map((pair) => JSON.stringify(pair)))).toEqual(
      new Set(['["john1@contoso.com","Seeded User 1"]', '["john2@contoso.com","x Test"]']),
    )
  })

  test('a name that Graph refuses but nobody can be seen under is not asked for without pause', async () => {
    const world = await world0()
    world.graph.seed({ users: 1, prefix: 'john' })
    world.graph.faults.add({
      match: { method: 'GET' },
      status: 404,
      code: 'Request_ResourceNotFound',
      message:
        "Resource 'john1@contoso.com' does not exist or one of its queried reference-property objects are not present.",
      times: 100_000,
    })
    await create(world, 'x', {
      emails: [{ type: 'work', primary: true, value: 'john1@contoso.com' }],
    })
    await world.drain()
    const posts = world.graph.journal
      .records()
      .filter(({ method, url }) => method === 'POST' && url === '/users').length
    expect(posts).toBeLessThan(5)
  })

  test('the externalId that a former account is known by is the last one', async () => {
    const world = await world0()
    const old = await create(world, 'a')
    await calm(world)
    await patch(world, old, { op: 'replace', path: 'externalId', value: 'renumbered' })
    await calm(world)
    await world.scim.delete(`/Users/${old}`)
    await calm(world)
    expect(await world.binding(old)).toMatchObject({ state: 'former', external_id: 'renumbered' })
  })

  test('a create that Graph never answers ends as failed', async () => {
    const world = await world0()
    const id = await create(world, 'a')
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      status: 500,
      times: 100_000,
    })
    await calm(world, 2000)
    expect((await world.binding(id))['state']).toBe('failed')
  })

  test('a look that is refused is not repeated every two seconds for ever', async () => {
    const world = await world0()
    await create(world, 'a')
    world.graph.faults.add({ match: { method: 'POST', path: '^/users$' }, status: 504 })
    world.graph.faults.add({
      match: { method: 'GET' },
      status: 403,
      code: 'Authorization_RequestDenied',
      message: 'Insufficient privileges to complete the operation.',
      times: 100_000,
    })
    await world.drain()
    const delays: number[] = []
    for (let i = 0; i < 60; i++) {
      const bell = world.bells.shift()
      if (!bell) break
      delays.push(bell.delaySeconds)
      world.clock.now += bell.delaySeconds * 1000
      await world.drain()
    }
    expect(delays.length).toBeLessThan(5)
  })
})

describe('lost updates', () => {
  test('a cost center whose organization data could not be read stays owed', async () => {
    const world = await world0()
    await direction(world, 'division', 'exclude')
    const id = await create(world, 'a')
    await calm(world)
    world.graph.faults.add({ match: { method: 'GET' }, status: 503 })
    await patch(world, id, { op: 'add', path: `${ENTERPRISE}:costCenter`, value: 'CC1' })
    await calm(world)
    await sweepAll(world, 5)
    expect(JSON.stringify(accountOf(world, 'a')?.['employeeOrgData'] ?? null)).toContain('CC1')
  })

  test('a password survives a client secret that expired', async () => {
    const world = await world0()
    await create(world, 'a', { password: 'S3cret-of-a!' })
    world.graph.faults.add(EXPIRED)
    await calm(world)
    const left = await world.query(
      sql`SELECT sequence FROM pending_password WHERE organization_id = ${world.organizationId}`,
    )
    await world.query(sql`UPDATE directory SET state = 'active' WHERE id = ${world.directoryId}`)
    await calm(world)
    expect(accountOf(world, 'a')).toMatchObject({ password: 'S3cret-of-a!' })
    expect(left).toHaveLength(1)
  })

  test('the same for the password of a user that exists', async () => {
    const world = await world0()
    const id = await create(world, 'a')
    await calm(world)
    await patch(world, id, { op: 'replace', path: 'password', value: 'S3cret-of-a!' })
    world.clock.now += 2 * 3_600_000
    world.graph.faults.add(EXPIRED)
    await calm(world)
    await world.query(sql`UPDATE directory SET state = 'active' WHERE id = ${world.directoryId}`)
    await calm(world)
    expect(accountOf(world, 'a')).toMatchObject({ password: 'S3cret-of-a!' })
  })

  test('a create that is tried once more for replica lag still carries the password', async () => {
    const world = await world0()
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      status: 400,
      code: 'Request_BadRequest',
      message: 'One or more property values specified are invalid.',
    })
    await create(world, 'a', { password: 'S3cret-of-a!' })
    await calm(world)
    expect(accountOf(world, 'a')).toMatchObject({ password: 'S3cret-of-a!' })
  })

  test('a create refused for its domain keeps the password for the create that works', async () => {
    const world = await world0()
    const { body } = await world.scim.post('/Users', {
      ...newUser('a', { password: 'S3cret-of-a!' }),
      emails: [{ type: 'work', primary: true, value: 'a@elsewhere.example' }],
    })
    await calm(world)
    await patch(world, body['id'], {
      op: 'replace',
      path: 'emails[type eq "work"].value',
      value: 'a@contoso.com',
    })
    await calm(world)
    expect(accountOf(world, 'a')).toMatchObject({ password: 'S3cret-of-a!' })
  })

  test('a value that a create exported is cleared though the writes after it failed', async () => {
    const world = await world0()
    await world.query(
      sql`UPDATE attribute_direction SET sequence = 1 WHERE directory_id = ${world.directoryId}`,
    )
    const boss = await create(world, 'boss')
    await calm(world)
    const id = await create(world, 'a', { [ENTERPRISE]: { manager: { value: boss } } })
    world.graph.faults.add({
      match: { method: 'PUT' },
      status: 403,
      code: 'Authorization_RequestDenied',
      message: 'Insufficient privileges to complete the operation.',
    })
    await calm(world)
    await patch(world, id, { op: 'remove', path: 'title' })
    await calm(world)
    await sweepAll(world, 3)
    expect(accountOf(world, 'a')?.['jobTitle'] ?? null).toBeNull()
  })

  test('a create whose manager waits for quota is not followed by a second write of everything', async () => {
    const world = await world0()
    await world.query(
      sql`UPDATE attribute_direction SET sequence = 1 WHERE directory_id = ${world.directoryId}`,
    )
    const boss = await create(world, 'boss')
    await calm(world)
    const before = world.graph.counters.snapshot().writes
    await create(world, 'a', { [ENTERPRISE]: { manager: { value: boss } } })
    world.graph.faults.add({ match: { method: 'PUT' }, status: 429, retryAfter: 5 })
    await calm(world)
    const log = world.graph.journal
      .records()
      .slice(-5)
      .map(({ method, url, body }) => `${method} ${url} ${JSON.stringify(body)}`)
    expect(log.filter((line) => line.startsWith('PATCH /users'))).toEqual([])
    expect(world.graph.counters.snapshot().writes - before).toBeLessThanOrEqual(3)
  })

  test('an unknown attribute that is excluded and exported again is not cleared when it is blank here', async () => {
    const world = await world0()
    const id = await create(world, 'a')
    await calm(world)
    world.graph.faults.add({ match: { method: 'PATCH' }, status: 504 })
    await patch(world, id, { op: 'replace', path: 'title', value: 'X' })
    await world.drain()
    await direct(world, 'jobTitle', 'exclude')
    await patch(world, id, { op: 'remove', path: 'title' })
    await calm(world)
    for (const user of world.graph.tenant().all('user'))
      world.graph.changeUser(user.id, { properties: { jobTitle: 'by hand' } })
    await direct(world, 'jobTitle', 'export')
    await calm(world)
    expect(accountOf(world, 'a')).toMatchObject({ jobTitle: 'by hand' })
    await patch(world, id, { op: 'replace', path: 'name.givenName', value: 'Another' })
    await calm(world)
    await patch(world, id, { op: 'replace', path: 'name.givenName', value: 'Third' })
    await calm(world)
    expect(accountOf(world, 'a')).toMatchObject({ jobTitle: 'by hand' })
  })

  test('an intent that a dead drain left is treated as unknown though the credential did not open at first', async () => {
    const world = await world0()
    const id = await create(world, 'a')
    await calm(world)
    await patch(world, id, { op: 'replace', path: 'title', value: 'Director' })
    await world.query(sql`CREATE TRIGGER crash BEFORE UPDATE OF position ON directory
      WHEN NEW.id = ${sql.raw(`'${world.directoryId}'`)} BEGIN SELECT RAISE(ABORT, 'Network connection lost'); END`)
    await world.drain()
    await world.query(sql`DROP TRIGGER crash`)
    world.bells.length = 0
    expect(accountOf(world, 'a')).toMatchObject({ jobTitle: 'Director' })
    const [{ credential }] = (await world.query(
      sql`SELECT credential FROM directory WHERE id = ${world.directoryId}`,
    )) as [{ credential: string }]
    await world.query(
      sql`UPDATE directory SET lease_until = 1, credential = 'v1.broken' WHERE id = ${world.directoryId}`,
    )
    await calm(world)
    await patch(world, id, { op: 'replace', path: 'title', value: 'Engineer' })
    await world.query(
      sql`UPDATE directory SET state = 'active', credential = ${credential} WHERE id = ${world.directoryId}`,
    )
    await calm(world)
    await sweepAll(world, 2)
    expect(accountOf(world, 'a')).toMatchObject({ jobTitle: 'Engineer' })
  })

  test('a user that takes a name whose holder is not reached is not forgotten', async () => {
    const world = await world0()
    const a = await create(world, 'a')
    await calm(world)
    await patch(world, a, {
      op: 'replace',
      path: 'emails[type eq "work"].value',
      value: 'elsewhere@contoso.com',
    })
    // z: a create without an answer, whose look is throttled later.
    await create(world, 'z')
    world.graph.faults.add({
      match: { method: 'PATCH' },
      status: 409,
      code: 'Directory_ConcurrencyViolation',
    })
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      commit: true,
      status: 504,
    })
    await world.drain()
    world.bells.length = 0
    world.graph.faults.add({ match: { method: 'GET' }, status: 429, retryAfter: 10 })
    await create(world, 'b', {
      emails: [{ type: 'work', primary: true, value: 'a@contoso.com' }],
    })
    world.clock.now += 5_000
    await world.drain()
    world.clock.now += 20_000
    await calm(world)
    await sweepAll(world, 5)
    const names = world.graph.summary().users.map((user) => user['userPrincipalName'])
    expect(new Set(names)).toEqual(
      new Set(['a@contoso.com', 'elsewhere@contoso.com', 'z@contoso.com']),
    )
  })

  test('an unbinding that is throttled stays an unbinding', async () => {
    const world = await world0()
    const id = await create(world, 'a')
    await calm(world)
    await world.query(
      sql`UPDATE binding SET state = 'unbinding', due_at = ${world.clock.now} WHERE resource_id = ${id}`,
    )
    world.graph.faults.add({ match: { method: 'PATCH' }, status: 429, retryAfter: 5 })
    await calm(world)
    expect(accountOf(world, 'a')).toMatchObject({ accountEnabled: false })
    expect(await world.binding(id)).toMatchObject({ state: 'former' })
  })

  test('an unbinding that was refused is tried again by whoever asks for it, or locks the user out, and by no other change', async () => {
    const world = await world0()
    const id = await create(world, 'a')
    await calm(world)
    const refuse = () =>
      world.graph.faults.add({
        match: { method: 'PATCH' },
        times: 1,
        status: 403,
        code: 'Authorization_RequestDenied',
      })
    refuse()
    await world.query(
      sql`UPDATE binding SET state = 'unbinding', unbound_by = 'admin', due_at = ${world.clock.now} WHERE resource_id = ${id}`,
    )
    await calm(world)
    const before = await world.binding(id)
    expect(before).toMatchObject({ state: 'unbinding', due_at: null })
    world.graph.journal.clear()
    await patch(world, id, { op: 'replace', path: 'title', value: 'CFO' })
    await calm(world)
    expect(world.graph.journal.records()).toEqual([])
    expect(await world.binding(id)).toEqual(before)
    await patch(world, id, { op: 'replace', path: 'active', value: false })
    await calm(world)
    expect(accountOf(world, 'a')).toMatchObject({ accountEnabled: false })
    expect(await world.binding(id)).toMatchObject({ state: 'former' })
  })

  test('a bad value does not keep a user from being disabled', async () => {
    const world = await world0()
    const id = await create(world, 'a')
    await calm(world)
    await patch(world, id, {
      op: 'replace',
      path: 'emails[type eq "work"].value',
      value: 'a@elsewhere.example',
    })
    await calm(world)
    expect((await world.binding(id))['state']).toBe('failed')
    await patch(world, id, { op: 'replace', path: 'active', value: false })
    await calm(world)
    await sweepAll(world, 3)
    expect(accountOf(world, 'a')).toMatchObject({ accountEnabled: false })
  })

  test('a group met by its upsert whose id a replica does not know yet is not failed', async () => {
    const world = await world0()
    const { body } = await world.scim.post('/Groups', { displayName: 'G' })
    world.graph.faults.add({
      match: { method: 'PATCH', path: '^/groups' },
      commit: true,
      status: 504,
    })
    world.graph.faults.add({
      match: { method: 'GET', path: '^/groups' },
      status: 404,
      code: 'Request_ResourceNotFound',
      message:
        "Resource 'x' does not exist or one of its queried reference-property objects are not present.",
    })
    await calm(world)
    await sweepAll(world, 3)
    const row = await world.binding(body['id'])
    expect(row).toMatchObject({ state: 'synced' })
  })

  test('a manager sent as a bare id or in a list is linked though it was exported long ago', async () => {
    const world = await world0()
    const boss = await create(world, 'boss')
    await calm(world)
    await create(world, 'a', { [ENTERPRISE]: { manager: boss } })
    await create(world, 'b', { [ENTERPRISE]: { manager: [{ value: boss }] } })
    const c = await create(world, 'c')
    await calm(world)
    await patch(world, c, { op: 'Add', path: `${ENTERPRISE}:manager`, value: boss })
    await calm(world)
    for (const name of ['a', 'b', 'c'])
      expect(accountOf(world, name)).toMatchObject({ managerName: 'boss@contoso.com' })
  })
})

describe('groups', () => {
  const group = async (world: ExportWorld, name: string, members: string[]) =>
    (
      await world.scim.post('/Groups', {
        displayName: name,
        members: members.map((value) => ({ value })),
      })
    ).body['id'] as string

  test('some members that Graph refuses do not keep out the others, nor spin', async () => {
    const world = await world0()
    const ids: string[] = []
    for (let i = 0; i < 28; i++) ids.push(await create(world, `u${i}`))
    await calm(world)
    world.clock.now += 3_600_000
    const bad = new Set(ids.slice(0, 8))
    for (const id of bad) {
      const graphId = (await world.binding(id))['graph_id']
      world.graph.faults.add({
        match: { method: 'POST', path: '/members/\\$ref' },
        when: ({ body }) => JSON.stringify(body).includes(graphId),
        status: 400,
        code: 'Request_BadRequest',
        message: 'This member is not welcome.',
        times: 100_000,
      })
      world.graph.faults.add({
        match: { method: 'PATCH', path: '^/groups' },
        when: ({ body }) => JSON.stringify(body).includes(graphId),
        status: 400,
        code: 'Request_BadRequest',
        message: 'This member is not welcome.',
        times: 100_000,
      })
    }
    await group(world, 'Everybody', ids)
    await world.drain()
    await calm(world, 10)
    const members = world.graph.summary().groups[0]?.['members'] as unknown[]
    expect(members).toHaveLength(20)
  })

  test('a membership that is refused does not end the comparison of a whole group', async () => {
    const world = await world0()
    const { body } = await world.scim.post('/Groups', { displayName: 'Big' })
    await create(world, 'first')
    await calm(world)
    const seeded = world.graph.seed({ users: 430, prefix: 'm' }).users
    const json = JSON.stringify(
      seeded.map((graphId, i) => ({ id: `usr_zz${String(i).padStart(5, '0')}`, graphId })),
    )
    await world.query(sql`INSERT INTO binding (organization_id, directory_id, kind, resource_id, graph_id, state, reason, snapshot, unknown)
      SELECT ${world.organizationId}, ${world.directoryId}, 'user', value ->> 'id', value ->> 'graphId', 'synced', 'all', '{}', '[]' FROM json_each(${json})`)
    await world.query(
      sql`INSERT INTO group_member (organization_id, group_id, member_id) SELECT ${world.organizationId}, ${body['id']}, value ->> 'id' FROM json_each(${json})`,
    )
    await world.query(
      sql`UPDATE binding SET member_cursor = '', due_at = ${world.clock.now}, state = 'owed' WHERE resource_id = ${body['id']}`,
    )
    const bad = seeded[0]!
    for (const match of [
      { method: 'POST', path: '/members/\\$ref' },
      { method: 'PATCH', path: '^/groups' },
    ])
      world.graph.faults.add({
        match,
        when: ({ body: b }) => JSON.stringify(b).includes(bad),
        status: 400,
        code: 'Request_BadRequest',
        message: 'This member is not welcome.',
        times: 100_000,
      })
    await calm(world, 30)
    await sweepAll(world, 3)
    const members = world.graph.summary().groups[0]?.['members'] as unknown[]
    expect(members).toHaveLength(429)
  })

  test('a deleted user that comes back with its account keeps its memberships', async () => {
    const world = await world0()
    const old = await create(world, 'a')
    const g = await group(world, 'G', [old])
    await calm(world)
    world.clock.now += 3_600_000
    await world.scim.delete(`/Users/${old}`)
    world.graph.faults.add({
      match: { method: 'DELETE' },
      status: 423,
      retryAfter: 120,
    })
    const next = await create(world, 'a')
    await world.scim.patch(`/Groups/${g}`, [
      { op: 'Add', path: 'members', value: [{ value: next }] },
    ])
    await calm(world)
    await world.scim.patch(`/Groups/${g}`, [
      { op: 'Replace', path: 'displayName', value: 'G renamed' },
    ])
    await calm(world)
    await sweepAll(world, 3)
    expect(world.graph.summary().groups[0]?.['members']).toHaveLength(1)
  })

  test('additions that Graph carried out without answering end, and go on', async () => {
    const world = await world0()
    const ids: string[] = []
    for (let i = 0; i < 45; i++) ids.push(await create(world, `u${i}`))
    const g = await group(world, 'G', [])
    await calm(world)
    world.clock.now += 3_600_000
    await world.scim.patch(`/Groups/${g}`, [
      { op: 'Add', path: 'members', value: ids.map((value) => ({ value })) },
    ])
    world.graph.faults.add({ match: { path: '/\\$batch$' }, commit: true, transport: 'hang-up' })
    await calm(world, 30)
    await sweepAll(world, 3)
    const row = await world.binding(g)
    const { writes } = world.graph.counters.snapshot()
    expect(row).toMatchObject({ state: 'synced', due_at: null })
    expect(writes).toBeLessThan(46 + 3 + 60)
  })

  test('a group that waits for many members reads no more than it can use', async () => {
    const world = await world0()
    const g = await group(world, 'Waiting', [])
    await calm(world)
    await world.query(sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
      INSERT INTO group_member (organization_id, group_id, member_id) SELECT ${world.organizationId}, ${g}, 'usr_01jxxxxxxxxxxxxxxxxxxxx' || printf('%05d', i) FROM n`)
    await world.query(sql`INSERT INTO awaited (organization_id, directory_id, awaited_id, waiter_id)
      SELECT ${world.organizationId}, ${world.directoryId}, member_id, group_id FROM group_member WHERE organization_id = ${world.organizationId} AND group_id = ${g}`)
    await world.scim.patch(`/Groups/${g}`, [
      { op: 'Replace', path: 'displayName', value: 'Renamed' },
    ])
    world.opened.length = 0
    let largest = 0
    await world.drain()
    for (const { meter } of world.opened) largest = Math.max(largest, meter.rowsRead)
    expect(largest).toBeLessThan(5_000)
  })

  test('a group with many members that wait stays within what D1 takes', async () => {
    const world = await world0()
    const g = await group(world, 'Waiting', [])
    await calm(world)
    await world.query(sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
      INSERT INTO group_member (organization_id, group_id, member_id) SELECT ${world.organizationId}, ${g}, 'usr_01jxxxxxxxxxxxxxxxxxxxx' || printf('%05d', i) FROM n`)
    await world.query(sql`INSERT INTO awaited (organization_id, directory_id, awaited_id, waiter_id)
      SELECT ${world.organizationId}, ${world.directoryId}, member_id, group_id FROM group_member WHERE organization_id = ${world.organizationId} AND group_id = ${g}`)
    await world.scim.patch(`/Groups/${g}`, [
      { op: 'Replace', path: 'displayName', value: 'Renamed' },
    ])
    await calm(world, 5)
    await sweepAll(world, 3)
    const [dir] = await world.query(
      sql`SELECT position, length(intent) AS intent, lease_until, (SELECT max(sequence) FROM event WHERE organization_id = ${world.organizationId} AND class = 'change') AS head FROM directory WHERE id = ${world.directoryId}`,
    )
    expect(Number(dir?.['position'])).toBeGreaterThanOrEqual(Number(dir?.['head']))
  })

  test('a rename that is refused keeps its reason though members go through in the same round', async () => {
    const world = await world0()
    const a = await create(world, 'a')
    const g = await group(world, 'G', [])
    await calm(world)
    world.graph.faults.add({
      match: { method: 'PATCH', path: '^/groups' },
      when: ({ body }) => JSON.stringify(body).includes('displayName'),
      status: 400,
      code: 'Request_BadRequest',
      message: 'No such name.',
      times: 50,
    })
    await world.scim.patch(`/Groups/${g}`, [
      { op: 'Replace', path: 'displayName', value: 'H' },
      { op: 'Add', path: 'members', value: [{ value: a }] },
    ])
    await calm(world)
    const row = await world.binding(g)
    expect(row['state']).toBe('failed')
    expect(row['error']).not.toBeNull()
  })

  test('a member deleted in Graph by hand does not keep the nineteen others out', async () => {
    const world = await world0()
    const ids: string[] = []
    for (let i = 0; i < 20; i++) ids.push(await create(world, `u${i}`))
    await calm(world)
    world.clock.now += 3_600_000
    const graphId = (await world.binding(ids[3]!))['graph_id']
    const { users } = world.graph.summary()
    void users
    const message = "The source resource object or one of the objects being referenced don't exist."
    for (const match of [
      { method: 'POST', path: '/members/\\$ref' },
      { method: 'PATCH', path: '^/groups' },
    ])
      world.graph.faults.add({
        match,
        when: ({ body }) => JSON.stringify(body).includes(graphId),
        status: 400,
        code: 'Request_BadRequest',
        message,
        times: 100_000,
      })
    await group(world, 'G', ids)
    await calm(world, 200)
    await sweepAll(world, 60)
    expect(world.graph.summary().groups[0]?.['members']).toHaveLength(19)
  })
})

describe('drain', () => {
  test('what came in during the last round is looked for though a retry is due later', async () => {
    let during: (() => Promise<void>) | undefined
    const world = await world0({
      fetch: (next) => async (input, init) => {
        const request = new Request(input, init)
        const answer = await next(request)
        if (request.url.endsWith('$batch') && during) {
          const act = during
          during = undefined
          await act()
        }
        return answer
      },
    })
    const a = await create(world, 'a')
    await calm(world)
    await patch(world, a, { op: 'replace', path: 'title', value: 'X' })
    world.graph.faults.add({ match: { method: 'PATCH' }, status: 423, retryAfter: 170 })
    during = async () => {
      await create(world, 'b')
    }
    await world.drain()
    expect(world.bells.some(({ delaySeconds }) => delaySeconds === 0)).toBe(true)
  })

  test('a directory that is paused stops before the next round', async () => {
    let rounds = 0
    const world: ExportWorld = await world0({
      fetch: (next) => async (input, init) => {
        const request = new Request(input, init)
        if (request.url.endsWith('$batch') && rounds++ === 0)
          await world.query(
            sql`UPDATE directory SET state = 'paused' WHERE id = ${world.directoryId}`,
          )
        return next(request)
      },
    })
    for (let i = 0; i < 130; i++) await create(world, `u${i}`)
    await world.drain()
    expect(world.graph.summary().users.length).toBeLessThanOrEqual(100)
  })

  test('a password that a directory delivered is gone once the directory without the user has passed its event', async () => {
    const world = await world0()
    await world.query(sql`INSERT INTO directory (organization_id, id, name, tenant_id, client_id, credential_type, credential, settings, state, position, urgent_position, created_at, modified_at)
      SELECT organization_id, 'dir_zz' || substr(id, 7), name, 'other-tenant', client_id, credential_type, credential, json_set(settings, '$.bindNewUsers.mode', 'manual'), 'active', position, urgent_position, 0, 0
      FROM directory WHERE id = ${world.directoryId}`)
    await create(world, 'a', { password: 'S3cret-of-a!' })
    await world.drain()
    expect(accountOf(world, 'a')).toMatchObject({ password: 'S3cret-of-a!' })
    // The other directory follows; its credential does not open, so its position is moved by hand, as a step over would.
    await world.query(
      sql`UPDATE directory SET position = (SELECT max(sequence) FROM event WHERE organization_id = ${world.organizationId}) WHERE organization_id = ${world.organizationId}`,
    )
    await sweepAll(world, 3)
    expect(
      await world.query(
        sql`SELECT sequence FROM pending_password WHERE organization_id = ${world.organizationId}`,
      ),
    ).toEqual([])
  })

  test('the reason of an auth_error says what to do', async () => {
    const world = await world0()
    await create(world, 'a')
    world.graph.faults.add(EXPIRED)
    await calm(world)
    const [row] = await world.query(
      sql`SELECT state_reason FROM directory WHERE id = ${world.directoryId}`,
    )
    const events = await world.query(
      sql`SELECT type FROM event WHERE organization_id = ${world.organizationId} AND type = 'auth_failure'`,
    )
    expect(row?.['state_reason']).toMatch(/create a new client secret/)
    expect(events).toHaveLength(1)
  })

  test('a drain that waits for quota again and again keeps its lease', async () => {
    const results: unknown[] = []
    const world: ExportWorld = await exportWorld({
      instead: {
        log: (entry: unknown) => results.push(entry),
        sleep: async (milliseconds: number) => {
          if (milliseconds >= 20_000) return
          world.clock.now += milliseconds
          // D1's clock passes too, and a neighbour in the same tenant takes what came.
          await world.query(
            sql`UPDATE directory SET lease_until = lease_until - ${milliseconds} WHERE id = ${world.directoryId}`,
          )
          if (results.length === 0 && waits++ < 60)
            await world.query(
              sql`UPDATE lane SET tokens = 0, refilled_at = ${world.clock.now} WHERE key IN (SELECT 'tenant:' || tenant_id FROM directory WHERE id = ${world.directoryId})`,
            )
        },
      },
    })
    let waits = 0
    await create(world, 'first')
    await world.drain()
    results.length = 0
    waits = 0
    await create(world, 'a')
    await world.query(
      sql`UPDATE lane SET tokens = 0, refilled_at = ${world.clock.now} WHERE key IN (SELECT 'tenant:' || tenant_id FROM directory WHERE id = ${world.directoryId})`,
    )
    await create(world, 'b')
    for (let i = 0; i < 400; i++) await create(world, `u${i}`)
    await world.drain()
    expect(JSON.stringify(results)).not.toContain('aborted')
  })
})
