import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { batchOf, type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import type { Loose } from '../support/seed.ts'

/** The rules of the log, of urgency, of the lease and of quota, each by the interleaving that it is there for. */
async function createUsers(world: ExportWorld, prefix: string, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++)
    ids.push((await world.scim.post('/Users', newUser(`${prefix}${i}`))).body['id'])
  return ids
}

const accounts = (world: ExportWorld): Loose[] => [...world.graph.summary().users]
const accountOf = (world: ExportWorld, name: string) =>
  accounts(world).find((user) => user['userPrincipalName'] === `${name}@contoso.com`)
const title = (world: ExportWorld, id: string | undefined, value: string) =>
  world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value }])

/** Does something once, right before or after an envelope is answered. */
function interfering(when: 'before' | 'after') {
  const plan: { act: (() => Promise<unknown>) | undefined } = { act: undefined }
  const fetch =
    (next: (request: Request) => Promise<Response>): typeof globalThis.fetch =>
    async (input, init) => {
      const request = new Request(input, init)
      const act = request.url.endsWith('$batch') ? plan.act : undefined
      if (act !== undefined) plan.act = undefined
      if (when === 'before') await act?.()
      const response = await next(request)
      if (when === 'after') await act?.()
      return response
    }
  return { plan, fetch }
}

describe('the log', () => {
  test('two directories of one organization do not keep each other awake by what they record', async () => {
    const world = await exportWorld({ directories: 2 })
    await createUsers(world, 'u', 3)
    const bells = world.directories.map(({ id: directoryId }) => ({
      organizationId: world.organizationId,
      directoryId,
    }))
    for (const bell of bells) await world.jobs.queue(batchOf([bell]))
    for (const { tenantId } of world.directories)
      expect(world.graph.summary(tenantId).users).toHaveLength(3)
    world.bells.length = 0
    const head = async () =>
      Number(
        (
          await world.query(
            sql`SELECT max(sequence) AS head FROM event WHERE organization_id = ${world.organizationId}`,
          )
        )[0]?.['head'],
      )
    const before = await head()
    for (const bell of [...bells, ...bells]) await world.jobs.queue(batchOf([bell]))
    await world.jobs.scheduled({ cron: '* * * * *' })
    expect(world.bells).toEqual([])
    expect(await head()).toBe(before)
  })

  test('a bell of an organization becomes one of each directory that lags', async () => {
    const world = await exportWorld({ directories: 3 })
    await createUsers(world, 'u', 1)
    await world.jobs.queue(batchOf([{ organizationId: world.organizationId }]))
    const rung = world.bells.map(({ directoryId }) => directoryId)
    const done = world.directories.filter(
      ({ tenantId }) => world.graph.summary(tenantId).users.length > 0,
    )
    expect(done).toHaveLength(1)
    expect(new Set([...rung, done[0]?.id])).toEqual(new Set(world.directories.map(({ id }) => id)))
  })
})

describe('urgency', () => {
  test('a disable, a deletion and a password overtake creates that are owed', async () => {
    const world = await exportWorld({ env: { GRAPH_WRITE_QUOTA: '800/40' } })
    const [a, b, c] = await createUsers(world, 'old', 3)
    await world.settle()
    world.clock.now += 3_600_000
    await createUsers(world, 'new', 150)
    await world.scim.patch(`/Users/${a}`, [{ op: 'replace', path: 'active', value: false }])
    await world.scim.delete(`/Users/${b}`)
    await world.scim.patch(`/Users/${c}`, [
      { op: 'replace', path: 'password', value: 'S3cret-of-c!' },
    ])
    const before = world.graph.journal.records().length
    await world.drain()
    const writes = world.graph.journal
      .records()
      .slice(before)
      .filter(({ method, url }) => method !== 'GET' && !url.includes('$batch'))
    // In the first envelope, whose requests Graph carries out in any order.
    const first = writes.slice(0, 20).map(({ method, url }) => `${method} ${url}`)
    expect(first.filter((line) => line.startsWith('PATCH /users/'))).toHaveLength(3)
    expect(accountOf(world, 'old0')).toMatchObject({ accountEnabled: false })
    expect(accountOf(world, 'old1')).toMatchObject({ accountEnabled: false })
    expect(accountOf(world, 'old2')).toMatchObject({ password: 'S3cret-of-c!' })
  })

  test('an urgent event of a user without binding is left to its create, which carries the state of then', async () => {
    const world = await exportWorld()
    const [id] = await createUsers(world, 'u', 1)
    await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    expect(accountOf(world, 'u0')).toMatchObject({ accountEnabled: false })
    expect(world.graph.counters.snapshot().writes).toBe(1)
  })
})

describe('the lease', () => {
  test('that went to somebody else while Graph answered stores nothing; the next drain finds out what happened', async () => {
    const { plan, fetch } = interfering('after')
    const world = await exportWorld({ fetch })
    const [id] = await createUsers(world, 'u', 1)
    await world.settle()
    await title(world, id, 'Director')
    plan.act = () =>
      world.query(
        sql`UPDATE directory SET lease_token = 'somebody else' WHERE id = ${world.directoryId}`,
      )
    await world.drain()
    expect(accountOf(world, 'u0')).toMatchObject({ jobTitle: 'Director' })
    expect((await world.binding(id!))['snapshot']).toMatchObject({ jobTitle: 'Engineer' })
    await title(world, id, 'Engineer')
    await world.query(sql`UPDATE directory SET lease_until = 1 WHERE id = ${world.directoryId}`)
    await world.settle()
    expect(accountOf(world, 'u0')).toMatchObject({ jobTitle: 'Engineer' })
  })

  test('that would not outlast a request is renewed before the request, and none is sent without it', async () => {
    const { plan, fetch } = interfering('after')
    const world = await exportWorld({ fetch })
    const [boss, report] = await createUsers(world, 'u', 2)
    await world.scim.patch(`/Users/${report}`, [
      {
        op: 'Add',
        path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager',
        value: boss,
      },
    ])
    await world.drain()
    await createUsers(world, 'v', 1)
    // Graph took 55 of the 60 seconds for the creates; meanwhile the lease is taken away.
    const { body } = await world.scim.post('/Users', newUser('w'))
    await world.scim.patch(`/Users/${body['id']}`, [
      {
        op: 'Add',
        path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager',
        value: boss,
      },
    ])
    plan.act = async () => {
      world.clock.now += 55_000
      await world.query(
        sql`UPDATE directory SET lease_token = 'somebody else' WHERE id = ${world.directoryId}`,
      )
    }
    const before = world.graph.journal.records().length
    await world.drain()
    const sent = world.graph.journal
      .records()
      .slice(before)
      .map(({ method }) => method)
    expect(sent).toContain('POST')
    // The manager would have been the next wave.
    expect(sent).not.toContain('PUT')
    await world.query(sql`UPDATE directory SET lease_until = 1 WHERE id = ${world.directoryId}`)
    await world.settle()
    expect(accountOf(world, 'w')).toMatchObject({ managerName: 'u0@contoso.com' })
    expect(world.graph.counters.snapshot()).toMatchObject({ duplicateCreates: 0 })
  })
})

describe('a 429', () => {
  test('ends the round: no read and no write of it follows', async () => {
    const world = await exportWorld()
    const ids = await createUsers(world, 'u', 30)
    const { body: group } = await world.scim.post('/Groups', {
      displayName: 'G',
      members: ids.map((value) => ({ value })),
    })
    await world.settle()
    // What follows a write in a round: looks for creates, an id of a group, memberships.
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      commit: true,
      status: 504,
    })
    await createUsers(world, 'late', 1)
    await world.drain()
    world.bells.length = 0
    world.clock.now += 60_000
    world.graph.faults.add({
      match: { method: 'GET', path: '^/users/' },
      status: 429,
      retryAfter: 30,
    })
    await title(world, ids[0], 'Director')
    await world.scim.patch(`/Groups/${group['id']}`, [
      { op: 'Remove', path: 'members', value: [{ value: ids[1] }] },
    ])
    const before = world.graph.journal.records().length
    await world.drain()
    const after = world.graph.journal.records().slice(before)
    expect(after.filter(({ status }) => status === 429)).toHaveLength(1)
    expect(after.filter(({ url }) => !url.includes('$batch'))).toHaveLength(1)
    expect(world.bells).toMatchObject([{ delaySeconds: 30 }])
    await world.settle()
    expect(accountOf(world, 'u0')).toMatchObject({ jobTitle: 'Director' })
    expect(accounts(world)).toHaveLength(31)
    expect(world.graph.summary().groups[0]?.['members']).toHaveLength(29)
  })

  test('before an account is disabled leaves quota enough for its sessions to be ended', async () => {
    const world = await exportWorld()
    const [id = ''] = await createUsers(world, 'u', 1)
    await world.settle()
    const account = accountOf(world, 'u0')?.['id']
    world.graph.faults.add({ match: { method: 'PATCH', path: `^/users/${account}` }, status: 429 })
    world.graph.journal.clear()
    await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    const writes = world.graph.journal.records().filter(({ url }) => url.startsWith('/users/'))
    // The lane is empty: the first write that follows shows that two are needed.
    expect(writes.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'PATCH 429',
      'PATCH 204',
      'PATCH 204',
      'POST 200',
    ])
  })

  test.each([
    ['of the application stops every directory that it serves', 'Application', 0],
    ['of one tenant stops that directory alone', 'Tenant_Application', 1],
  ])('whose scope is that %s', async (_, scope, others) => {
    const world = await exportWorld({ directories: 2 })
    await createUsers(world, 'u', 1)
    const [first, second] = world.directories
    const bell = (directoryId: string | undefined) =>
      world.jobs.queue(
        batchOf([{ organizationId: world.organizationId, directoryId: directoryId ?? '' }]),
      )
    world.graph.faults.add({
      match: { method: 'POST', path: '^/users$' },
      status: 429,
      retryAfter: 30,
      headers: { 'x-ms-throttle-scope': `${scope}/Write/app/tenant` },
    })
    await bell(first?.id)
    await bell(second?.id)
    expect(world.graph.summary(second?.tenantId).users).toHaveLength(others)
    world.clock.now += 31_000
    await bell(first?.id)
    await bell(second?.id)
    for (const { tenantId } of world.directories)
      expect(world.graph.summary(tenantId).users).toHaveLength(1)
  })

  test.each(['missing', 'decimal', 'absurd', 'date', 'mixed'] as const)(
    'with a Retry-After that is %s is waited out, and nothing is written before its end',
    async (retryAfter) => {
      // The gateway believes in ten times the quota that Graph grants.
      const world = await exportWorld({
        env: { GRAPH_WRITE_QUOTA: '3000/15' },
        emulator: {
          // As in the world: envelopes that are under way together arrive before any is answered.
          latency: 2,
          throttle: {
            retryAfter,
            quotas: { appTenantWrites: { limit: 300, seconds: 15, burst: 20 } },
          },
        },
      })
      await createUsers(world, 'u', 60)
      await world.settle()
      expect(accounts(world)).toHaveLength(60)
      const counted: Loose = { ...world.graph.counters.snapshot() }
      expect(counted).toMatchObject({ writesDuringRetryAfter: 0, duplicateCreates: 0 })
      expect(counted['throttled']).toBeGreaterThan(0)
    },
  )
})

describe('the quota', () => {
  test('that a round took and did not use is given back', async () => {
    const world = await exportWorld()
    await createUsers(world, 'u', 1)
    // A round asks for more than one user may take.
    await world.settle()
    await world.settle()
    const lanes = await world.query(sql`SELECT l.tokens, l.key FROM lane l JOIN directory d
      ON l.key LIKE '%' || d.tenant_id || '%' WHERE d.id = ${world.directoryId}`)
    const { writes } = world.graph.counters.snapshot()
    expect(writes).toBe(1)
    expect(lanes).toHaveLength(2)
    // Every lane was full, and full it is again but for the one write (no time has passed).
    for (const { tokens } of lanes) expect(Number(tokens) % 10).toBe(9)
  })
})

describe('a group that is compared as a whole', () => {
  test('shares a round with three others: more make no larger round', async () => {
    const world = await exportWorld()
    const ids = await createUsers(world, 'u', 2)
    const groups: string[] = []
    for (let i = 0; i < 7; i++)
      groups.push((await world.scim.post('/Groups', { displayName: `G${i}` })).body['id'])
    await world.settle()
    const members = JSON.stringify(groups.flatMap((group) => ids.map((id) => [group, id])))
    await world.query(sql`INSERT INTO group_member (organization_id, group_id, member_id)
      SELECT ${world.organizationId}, value ->> 0, value ->> 1 FROM json_each(${members})`)
    await world.query(sql`UPDATE binding SET member_cursor = '', due_at = ${world.clock.now}
      WHERE directory_id = ${world.directoryId} AND kind = 'group'`)
    const envelopes = world.graph.counters.snapshot().envelopes.length
    await world.settle()
    // Two rounds: four groups, then three.
    expect(world.graph.counters.snapshot().envelopes.slice(envelopes)).toEqual([4, 3])
    for (const group of world.graph.summary().groups as Loose[])
      expect(group['members']).toHaveLength(2)
  })
})
