import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { createDeps } from '../../src/deps.ts'
import { createJobs } from '../../src/jobs.ts'
import { apiClient } from '../support/api.ts'
import { batchOf, type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import type { Loose } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const HOUR = 3_600_000

async function create(
  world: ExportWorld,
  name: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const { body, status } = await world.scim.post('/Users', newUser(name, more))
  expect({ status, body }).toMatchObject({ status: 201 })
  return body['id']
}

const replace = (world: ExportWorld, id: string, path: string, value: unknown) =>
  world.scim.patch(`/Users/${id}`, [{ op: 'replace', path, value }])

const accounts = (world: ExportWorld): Loose[] => [...world.graph.summary().users]
const accountOf = (world: ExportWorld, name: string) =>
  accounts(world).find((user) => user['userPrincipalName'] === `${name}@contoso.com`)
const events = (world: ExportWorld, type: string) =>
  world.query(sql`SELECT target_type, target_id, body FROM event
    WHERE organization_id = ${world.organizationId} AND type = ${type} ORDER BY sequence`)

describe('a privileged account', () => {
  test('gets what an application may write of it; the rest is reported by its name', async () => {
    const world = await exportWorld()
    const id = await create(world, 'boss')
    await world.settle()
    const graphId = String((await world.binding(id))['graph_id'])
    world.graph.changeUser(graphId, { isPrivileged: true })
    await world.scim.patch(`/Users/${id}`, [
      { op: 'replace', path: 'title', value: 'Chief' },
      { op: 'add', path: 'phoneNumbers', value: [{ type: 'mobile', value: '+1 555 0100' }] },
    ])
    await world.settle()
    expect(accountOf(world, 'boss')).toMatchObject({ jobTitle: 'Chief' })
    expect(accountOf(world, 'boss')?.['mobilePhone'] ?? null).toBeNull()
    const { state, error } = await world.binding(id)
    expect(state).toBe('failed')
    expect(error).toMatchObject({
      code: 'privileged_target',
      attributes: ['mobilePhone'],
      message: expect.stringMatching(/Not exported: Mobile phone; everything else was/),
      whatToDo: expect.stringMatching(/./),
      requestId: expect.any(String),
    })
  })

  test('that is not ours yet is not adopted', async () => {
    const world = await exportWorld()
    world.graph.seed({ users: 1, prefix: 'a' })
    world.graph.faults.add({
      match: { method: 'GET', path: '/transitiveMemberOf' },
      status: 200,
      body: { value: [{ '@odata.type': '#microsoft.graph.directoryRole', id: 'role' }] },
    })
    const id = await create(world, 'x', {
      emails: [{ type: 'work', primary: true, value: 'a1@contoso.com' }],
    })
    await world.settle()
    expect(await world.binding(id)).toMatchObject({
      state: 'held',
      error: { code: 'account_is_privileged' },
    })
    expect(accounts(world)).toMatchObject([{ displayName: 'Seeded User 1' }])
  })

  test('is what an account may be that is in more groups than are read: it is not adopted either, until it is in fewer', async () => {
    const world = await exportWorld()
    const { organizationId, directoryId, clock, graph } = world
    const seeded = graph.seed({ users: 1, groups: 1000, membersPerGroup: 1, prefix: 'a' })
    const id = await create(world, 'x', {
      emails: [{ type: 'work', primary: true, value: 'a1@contoso.com' }],
    })
    await world.settle()
    expect(await world.binding(id)).toMatchObject({
      state: 'held',
      error: {
        code: 'account_privileges_unknown',
        message: expect.stringContaining('is in more than 999 groups'),
        whatToDo: expect.stringMatching(/at most 999, then approve this.*or change the address/),
      },
    })
    expect(accounts(world)).toMatchObject([{ displayName: 'Seeded User 1' }])
    const [graphId = ''] = seeded.users
    for (const group of seeded.groups.slice(0, 2))
      graph.changeGroup(group, { removeMembers: [graphId] })
    const api = await apiClient({ organizationId, clock })
    await api.post(`/directories/${directoryId}/held/approve`, { all: true })
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: graphId })
  })
})

describe('an account that is mastered on premises', () => {
  test('is left alone and says so; a change is no reason to try again', async () => {
    const world = await exportWorld()
    const id = await create(world, 'a')
    await world.settle()
    const graphId = String((await world.binding(id))['graph_id'])
    world.graph.changeUser(graphId, { properties: { onPremisesSyncEnabled: true } })
    await replace(world, id, 'title', 'Director')
    await world.settle()
    expect(await world.binding(id)).toMatchObject({
      state: 'failed',
      error: { code: 'mastered_on_premises', whatToDo: expect.stringMatching(/./) },
    })
    const { writes } = world.graph.counters.snapshot()
    await replace(world, id, 'title', 'Chief')
    await world.settle()
    expect(world.graph.counters.snapshot().writes).toBe(writes)
  })
})

describe('a value that Microsoft 365 would refuse', () => {
  test('is made fit, and each attribute says what became of it', async () => {
    const world = await exportWorld()
    const id = await create(world, 'a', {
      title: 'x'.repeat(200),
      preferredLanguage: 'not a language',
      [ENTERPRISE]: { department: 'Sal\u0007es', employeeNumber: '1234567890123456789' },
    })
    await world.settle()
    expect(accountOf(world, 'a')).toMatchObject({
      jobTitle: 'x'.repeat(128),
      department: 'Sales',
      employeeId: '1234567890123456',
    })
    const { state, error } = await world.binding(id)
    expect({ state, code: error.code }).toEqual({ state: 'synced', code: 'values_adjusted' })
    const told = error.problems.map(({ attribute, code, whatToDo }: Loose) => {
      expect(whatToDo).toMatch(/./)
      return `${attribute} ${code}`
    })
    expect(new Set(told)).toEqual(
      new Set([
        'jobTitle value_shortened',
        'department characters_removed',
        'employeeIdentifier value_shortened',
        'preferredLanguage value_unusable',
      ]),
    )
  })
})

describe('a domain that is not verified', () => {
  const elsewhere = (name: string) => ({
    emails: [{ type: 'work', primary: true, value: `${name}@elsewhere.example` }],
  })

  test('is asked for once and told once, however many users are in it', async () => {
    const world = await exportWorld()
    for (const name of ['a', 'b', 'c']) await create(world, name, elsewhere(name))
    await world.settle()
    await create(world, 'd', elsewhere('d'))
    await world.settle()
    expect(world.graph.counters.snapshot().writes).toBe(0)
    const failures = await events(world, 'export_failure')
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatchObject({ target_type: 'directory' })
    expect(String(failures[0]?.['body'])).toContain('elsewhere.example')
    const looks = world.graph.journal.records().filter(({ url }) => url.startsWith('/domains'))
    expect(looks).toHaveLength(1)
  })

  test('lets its users in by itself once it is verified', async () => {
    const world = await exportWorld()
    const id = await create(world, 'a', elsewhere('a'))
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'failed' })
    world.graph.faults.add({
      match: { path: '^/domains' },
      status: 200,
      body: { value: [{ id: 'Elsewhere.example', isVerified: true }] },
      times: 100,
    })
    world.clock.now += 6 * 60_000
    await world.settle()
    // Only the emulator still thinks otherwise: what counts is that the create was sent.
    const posts = world.graph.journal.records().filter(({ url }) => url === '/users')
    expect(posts.length).toBeGreaterThan(0)
  })
})

describe('the account of a user that was deleted', () => {
  async function deletedUser(): Promise<{ world: ExportWorld; old: string; graphId: string }> {
    const world = await exportWorld({ settings: { onDelete: 'delete', threshold: null } })
    const old = await create(world, 'a')
    await world.settle()
    world.clock.now += HOUR
    const graphId = String((await world.binding(old))['graph_id'])
    await world.scim.delete(`/Users/${old}`)
    await world.settle()
    expect(accounts(world)).toMatchObject([{ isDeleted: true }])
    return { world, old, graphId }
  }

  test('is restored, not created again, when the same person comes back', async () => {
    const { world, old, graphId } = await deletedUser()
    const id = await create(world, 'a', { title: 'Director' })
    await world.settle()
    expect(accounts(world)).toHaveLength(1)
    expect(accountOf(world, 'a')).toMatchObject({ jobTitle: 'Director', accountEnabled: true })
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: graphId })
    expect(await world.binding(old)).toMatchObject({ state: 'former', graph_id: null })
  })

  test('is restored under another name when the person has one by now, and once over a lost answer', async () => {
    const { world, graphId } = await deletedUser()
    world.graph.faults.add({ match: { path: '/restore$' }, commit: true, status: 504 })
    const { body } = await world.scim.post('/Users', { ...newUser('married'), externalId: 'a' })
    await world.settle()
    expect(accounts(world)).toHaveLength(1)
    expect(accountOf(world, 'married')).toBeDefined()
    expect(await world.binding(body['id'])).toMatchObject({ state: 'synced', graph_id: graphId })
  })

  test('holds its name against somebody else, until an administrator says that it is the same person', async () => {
    const { world, graphId } = await deletedUser()
    const id = await create(world, 'a', { externalId: 'somebody else' })
    await world.settle()
    expect(await world.binding(id)).toMatchObject({
      state: 'held',
      error: { code: 'account_of_former_user', whatToDo: expect.stringMatching(/same person/) },
    })
    await world.query(sql`UPDATE binding SET approval = 'approved', due_at = ${world.clock.now}
      WHERE resource_id = ${id}`)
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: graphId })
  })

  test('is forgotten when it has been gone for 30 days, and with it the binding', async () => {
    const { world, old } = await deletedUser()
    world.clock.now += 31 * 24 * HOUR
    await world.jobs.scheduled({ cron: '17 3 * * *' })
    expect((await world.binding(old))['state']).toBeUndefined()
    const id = await create(world, 'a')
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'synced' })
    expect(accounts(world).filter((user) => user['isDeleted'] !== true)).toHaveLength(1)
  })
})

describe('a password', () => {
  const pending = (world: ExportWorld) =>
    world.query(
      sql`SELECT user_id FROM pending_password WHERE organization_id = ${world.organizationId}`,
    )

  test('that was sealed under the previous key is delivered after the key was rotated', async () => {
    const world = await exportWorld()
    const id = await create(world, 'a')
    await world.settle()
    await replace(world, id, 'password', 'S3cret-of-a!')
    const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    const rotated = createDeps(
      {
        ...env,
        ENCRYPTION_KEY: key,
        ENCRYPTION_KEY_PREVIOUS: env.ENCRYPTION_KEY,
        EXPORT_QUEUE: { send: async () => {} },
      },
      {
        clock: { now: () => world.clock.now },
        log: () => {},
        fetch: (input, init) => world.graph.fetch(new Request(input, init)),
      },
    )
    const { organizationId, directoryId } = world
    await createJobs(rotated).queue(batchOf([{ organizationId, directoryId }]))
    expect(accountOf(world, 'a')).toMatchObject({ password: 'S3cret-of-a!' })
    expect(await pending(world)).toEqual([])
  })

  test('that is refused is reported without the password, is gone, and keeps nothing else out', async () => {
    const world = await exportWorld()
    const id = await create(world, 'a')
    await world.settle()
    await world.scim.patch(`/Users/${id}`, [
      { op: 'replace', path: 'password', value: 'weak-S3CRET' },
      { op: 'replace', path: 'title', value: 'Director' },
    ])
    world.graph.faults.add({
      match: { method: 'PATCH' },
      when: ({ body }) => JSON.stringify(body).includes('passwordProfile'),
      status: 400,
      code: 'Request_BadRequest',
      message:
        'The specified password does not comply with password complexity requirements. Please provide a different password.',
    })
    await world.settle()
    expect(accountOf(world, 'a')).toMatchObject({ jobTitle: 'Director' })
    const { state, error } = await world.binding(id)
    expect({ state, attributes: error.attributes }).toEqual({
      state: 'failed',
      attributes: ['password'],
    })
    expect(await pending(world)).toEqual([])
    const told = await events(world, 'export_failure')
    expect(JSON.stringify([error, told])).not.toContain('S3CRET')
  })

  test('that comes while the one before is on its way replaces it', async () => {
    let during: (() => Promise<unknown>) | undefined
    const world: ExportWorld = await exportWorld({
      fetch: (next) => async (input, init) => {
        const request = new Request(input, init)
        const act = request.url.endsWith('$batch') ? during : undefined
        if (act !== undefined) during = undefined
        await act?.()
        return next(request)
      },
    })
    const id = await create(world, 'a')
    await world.settle()
    await replace(world, id, 'password', 'F1rst-secret!')
    during = () => replace(world, id, 'password', 'S3cond-secret!')
    await world.drain()
    expect(accountOf(world, 'a')).toMatchObject({ password: 'F1rst-secret!' })
    expect(await pending(world)).toHaveLength(1)
    await world.settle()
    expect(accountOf(world, 'a')).toMatchObject({ password: 'S3cond-secret!' })
    expect(await pending(world)).toEqual([])
  })

  test('is kept until each of two directories has delivered it', async () => {
    const world = await exportWorld({ directories: 2 })
    const id = await create(world, 'a')
    await world.settle()
    const [first, second] = world.directories
    await world.jobs.queue(
      batchOf([{ organizationId: world.organizationId, directoryId: second!.id }]),
    )
    await replace(world, id, 'password', 'S3cret-of-a!')
    await world.jobs.queue(
      batchOf([{ organizationId: world.organizationId, directoryId: first!.id }]),
    )
    expect(await pending(world)).toHaveLength(1)
    await world.jobs.queue(
      batchOf([{ organizationId: world.organizationId, directoryId: second!.id }]),
    )
    expect(await pending(world)).toEqual([])
    for (const { tenantId } of world.directories)
      expect(world.graph.summary(tenantId).users).toMatchObject([{ password: 'S3cret-of-a!' }])
  })
})

describe('a group', () => {
  const createGroup = async (world: ExportWorld, name: string, members: readonly string[] = []) =>
    (
      await world.scim.post('/Groups', {
        displayName: name,
        members: members.map((value) => ({ value })),
      })
    ).body['id'] as string
  const liveGroups = (world: ExportWorld): Loose[] =>
    [...world.graph.summary().groups].filter((group: Loose) => group['isDeleted'] !== true)

  test('stays in Microsoft 365 when it is deleted here, unless the directory says delete', async () => {
    for (const onGroupDelete of ['leave', 'delete'] as const) {
      const world = await exportWorld({ settings: { onGroupDelete } })
      const group = await createGroup(world, 'G')
      await world.settle()
      world.clock.now += HOUR
      await world.scim.delete(`/Groups/${group}`)
      await world.settle()
      expect(liveGroups(world)).toHaveLength(onGroupDelete === 'leave' ? 1 : 0)
      expect(await world.binding(group)).toMatchObject({ state: 'former', due_at: null })
    }
  })

  test('that is deleted leaves the group that it was a member of', async () => {
    const world = await exportWorld()
    const user = await create(world, 'a')
    const child = await createGroup(world, 'Child')
    await createGroup(world, 'Parent', [child, user])
    await world.settle()
    const parent = () => liveGroups(world).find(({ displayName }) => displayName === 'Parent')
    expect(parent()?.['members']).toHaveLength(2)
    await world.scim.delete(`/Groups/${child}`)
    await world.settle()
    expect(parent()?.['members']).toEqual([accountOf(world, 'a')?.['id']])
  })

  test('whose create had no answer and that is deleted leaves nothing behind where the directory says delete', async () => {
    for (const commit of [true, false]) {
      const world = await exportWorld({ settings: { onGroupDelete: 'delete' } })
      const group = await createGroup(world, 'G')
      world.graph.faults.add({ match: { method: 'PATCH', path: '^/groups' }, commit, status: 504 })
      await world.drain()
      world.bells.length = 0
      await world.scim.delete(`/Groups/${group}`)
      await world.settle()
      expect(liveGroups(world)).toEqual([])
      expect(await world.binding(group)).toMatchObject({ state: 'former', due_at: null })
    }
  })

  test('lets go of a member that was unbound, and takes it back once it is bound again', async () => {
    const world = await exportWorld()
    const ids = [await create(world, 'a'), await create(world, 'b')]
    const group = await createGroup(world, 'G', ids)
    await world.settle()
    world.clock.now += HOUR
    const bind = (set: ReturnType<typeof sql>) =>
      world.query(sql`UPDATE binding SET ${set}, due_at = ${world.clock.now}
        WHERE directory_id = ${world.directoryId} AND resource_id = ${ids[0]}`)
    await bind(sql`state = 'unbinding', unbound_by = 'admin'`)
    await world.settle()
    expect(liveGroups(world)[0]?.['members']).toEqual([accountOf(world, 'b')?.['id']])
    expect(await world.binding(group)).toMatchObject({ state: 'synced', due_at: null })
    world.clock.now += HOUR
    await bind(sql`state = 'owed', unbound_by = NULL, asked_sequence = 1`)
    await world.settle()
    expect(accountOf(world, 'a')).toMatchObject({ accountEnabled: true })
    expect(liveGroups(world)[0]?.['members']).toHaveLength(2)
  })

  test('a name that is too long is shortened and says so', async () => {
    const world = await exportWorld()
    const group = await createGroup(world, 'N'.repeat(300))
    await world.settle()
    expect(liveGroups(world)).toMatchObject([{ displayName: 'N'.repeat(256) }])
    expect(await world.binding(group)).toMatchObject({
      state: 'synced',
      error: { problems: [{ code: 'value_shortened' }] },
    })
  })
})
