import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { expandPage } from '../../src/db/expansion-store.ts'
import { LEASE_MS, takeLease } from '../../src/db/lease.ts'
import type { DirectorySettings } from '../../src/plan/settings.ts'
import { type ApiClient, apiClient } from '../support/api.ts'
import { type ExportWorld, exportWorld, newUser, type WorldOptions } from '../support/export.ts'
import { type Loose, readLog } from '../support/seed.ts'

const BY_HAND = {
  bindNewUsers: { mode: 'manual', groupIds: [] },
  bindNewGroups: 'manual',
} as const satisfies Partial<DirectorySettings>

interface Commanded {
  readonly world: ExportWorld
  readonly api: ApiClient
  /** The path of the directory. */
  readonly directory: string
  /** Sends a command and has it carried out; gives its job afterwards. */
  command(method: 'POST' | 'DELETE', path: string, body: unknown): Promise<Loose>
}

/** A directory that nobody is bound to by itself, and its administrator. */
async function commanded(options: WorldOptions = {}): Promise<Commanded> {
  const settings = { ...BY_HAND, ...options.settings }
  const world = await exportWorld({ ...options, settings })
  const api = await apiClient({ organizationId: world.organizationId, clock: world.clock })
  const directory = `/directories/${world.directoryId}`
  return {
    world,
    api,
    directory,
    async command(method, path, body) {
      const { status, body: job } = await api.send(method, `${directory}${path}`, body)
      expect({ status, state: job['state'] }).toEqual({ status: 202, state: 'running' })
      await world.settle()
      return (await api.get(`/jobs/${job['id']}`)).body
    },
  }
}

async function users(world: ExportWorld, ...names: string[]): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) ids.push((await world.scim.post('/Users', newUser(name))).body['id'])
  return ids
}

async function group(world: ExportWorld, name: string, members: string[]): Promise<string> {
  const resource = {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName: name,
    members: members.map((value) => ({ value })),
  }
  return (await world.scim.post('/Groups', resource)).body['id']
}

const accounts = (world: ExportWorld): Loose[] =>
  world.graph.summary().users.filter((user: Loose) => user['isDeleted'] !== true)
const enabled = (world: ExportWorld): Record<string, unknown> =>
  Object.fromEntries(accounts(world).map((user) => [user['givenName'], user['accountEnabled']]))
const membersOf = (world: ExportWorld, name: string): number | undefined => {
  const groups: Loose[] = [...world.graph.summary().groups]
  return groups.find((found) => found['displayName'] === name)?.['members'].length
}
const stateOf = async (world: ExportWorld, id: string | undefined): Promise<unknown> =>
  (await world.binding(id ?? ''))['state']

/** As the threshold leaves it: held, while an administrator is asked. */
const holdEnding = (
  world: ExportWorld,
  id: string | undefined,
  unboundBy: 'admin' | 'groups',
): Promise<unknown> =>
  world.query(sql`UPDATE binding SET state = 'held', approval = 'asked', unbound_by = ${unboundBy}
    WHERE organization_id = ${world.organizationId} AND resource_id = ${id}`)
const BOUND = { state: 'synced', unbound_by: null, approval: null }

describe('binding', () => {
  test('exports the users at once, and the job tells when it is through', async () => {
    const { world, command } = await commanded()
    const [ann, bob] = await users(world, 'ann', 'bob', 'cid')
    await world.settle()
    expect(accounts(world)).toEqual([])
    const job = await command('POST', '/bindings', { userIds: [ann, bob] })
    expect(job).toMatchObject({ type: 'bind', state: 'done', done: 2, total: 2, errors: [] })
    expect(enabled(world)).toEqual({ ann: true, bob: true })
    expect(await world.binding(ann ?? '')).toMatchObject({ state: 'synced', reason: 'manual' })
  })

  test('of all binds every user and every group, whose members are there by then', async () => {
    const { world, command } = await commanded()
    const ids = await users(world, 'ann', 'bob', 'cid')
    await group(world, 'Sales', ids)
    const job = await command('POST', '/bindings', { all: true })
    expect(job).toMatchObject({ state: 'done', done: 4, total: 4 })
    expect(accounts(world)).toHaveLength(3)
    expect(membersOf(world, 'Sales')).toBe(3)
  })

  test('of a group takes its members with it as far as they are bound, and adds the others when they are', async () => {
    const { world, command } = await commanded()
    const [ann, bob] = await users(world, 'ann', 'bob')
    const sales = await group(world, 'Sales', [ann ?? '', bob ?? ''])
    await command('POST', '/bindings', { userIds: [ann] })
    await command('POST', '/bindings', { groupIds: [sales] })
    expect(membersOf(world, 'Sales')).toBe(1)
    await command('POST', '/bindings', { userIds: [bob] })
    expect(membersOf(world, 'Sales')).toBe(2)
  })

  test('tells in the job and in the failures what Microsoft 365 refused', async () => {
    const { world, api, directory, command } = await commanded()
    const elsewhere = [{ type: 'work', value: 'ann@elsewhere.example' }]
    const { body } = await world.scim.post('/Users', newUser('ann', { emails: elsewhere }))
    const job = await command('POST', '/bindings', { userIds: [body['id']] })
    expect(job).toMatchObject({
      state: 'failed',
      done: 1,
      errors: [{ resourceId: body['id'], code: 'domain_not_verified' }],
    })
    const failures = await api.get(`${directory}/failures`)
    expect(failures.body['items']).toMatchObject([{ userId: body['id'], state: 'failed' }])
  })

  test('of 5,000 users costs four rows each and a round trip per two thousand, before anything is sent', async () => {
    const { world, api, directory, command } = await commanded()
    const { organizationId } = world
    const [ann] = await users(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    await world.query(sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO user (organization_id, id, user_name_key, suspended, password_expired, has_password, resource,
        source_id, version, created_at, modified_at)
      SELECT organization_id, 'usr_' || i, 'user' || i, 0, 0, 0, resource, source_id, 1, 0, 0
      FROM user, n WHERE organization_id = ${organizationId}`)
    await world.query(sql`UPDATE lane SET blocked_until = ${world.clock.now + 3_600_000}`)
    const { body: job } = await api.post(`${directory}/bindings`, { all: true })
    world.opened.length = 0
    await world.drain()
    const cost = world.opened.map(({ meter }) => meter)
    const sum = (pick: (meter: (typeof cost)[number]) => number) =>
      cost.reduce((total, meter) => total + pick(meter), 0)
    // The user itself counts none: the insert, its key, and its entries among the due and the asked.
    expect(sum((meter) => meter.rowsWritten)).toBeLessThan(5000 * 4 + 100)
    // Four pages, each after a look at the log, and then a round that finds the quota blocked.
    expect(sum((meter) => meter.roundTrips)).toBeLessThanOrEqual(16)
    const { body } = await api.get(`/jobs/${job['id']}`)
    expect(body).toMatchObject({ state: 'running', done: 0, total: 5001 })
  }, 120_000)
})

test('binding somebody who is held changes nothing, and the job says so', async () => {
  const { world, command } = await commanded({ settings: { conflict: 'hold' } })
  const [ann = '', bob = ''] = await users(world, 'ann', 'bob')
  const [graphId = ''] = world.graph.seed({ users: 1, prefix: 'stranger' }).users
  world.graph.changeUser(graphId, { properties: { userPrincipalName: 'ann@contoso.com' } })
  await command('POST', '/bindings', { userIds: [ann] })
  const before = await world.binding(ann)
  expect(before).toMatchObject({ state: 'held' })
  expect(await command('POST', '/bindings', { userIds: [ann, bob] })).toMatchObject({
    state: 'done',
    total: 2,
    done: 2,
    errors: [{ resourceId: ann, code: 'held', whatToDo: expect.stringContaining('approve') }],
  })
  expect(await world.binding(ann)).toEqual(before)
  expect(await world.binding(bob)).toMatchObject({ state: 'synced' })
})

describe('unbinding', () => {
  test('does with the accounts what the directory says, and lets go of their memberships first', async () => {
    const { world, command } = await commanded()
    const [ann, bob] = await users(world, 'ann', 'bob')
    await group(world, 'Sales', [ann ?? '', bob ?? ''])
    await command('POST', '/bindings', { all: true })
    const job = await command('DELETE', '/bindings', { userIds: [ann] })
    expect(job).toMatchObject({ type: 'unbind', state: 'done', done: 1 })
    expect(enabled(world)).toEqual({ ann: false, bob: true })
    expect(membersOf(world, 'Sales')).toBe(1)
    expect(await world.binding(ann ?? '')).toMatchObject({ state: 'former', unbound_by: 'admin' })
  })

  test('is undone by binding again: the account is enabled, and a member of its groups', async () => {
    const { world, command } = await commanded()
    const [ann] = await users(world, 'ann')
    await group(world, 'Sales', [ann ?? ''])
    await command('POST', '/bindings', { all: true })
    await command('DELETE', '/bindings', { userIds: [ann] })
    await command('POST', '/bindings', { userIds: [ann] })
    expect(enabled(world)).toEqual({ ann: true })
    expect(membersOf(world, 'Sales')).toBe(1)
    expect(accounts(world)).toHaveLength(1)
  })

  test('under onUnbind delete is undone by binding again: the account comes back from the recycle bin', async () => {
    const { world, command } = await commanded({ settings: { onUnbind: 'delete' } })
    const [ann] = await users(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    const [before] = accounts(world)
    await command('DELETE', '/bindings', { userIds: [ann] })
    expect(accounts(world)).toEqual([])
    await command('POST', '/bindings', { userIds: [ann] })
    expect(accounts(world).map((user) => user['id'])).toEqual([before?.['id']])
    expect(await world.binding(ann ?? '')).toMatchObject({ state: 'synced', deleted_at: null })
  })

  test('of a group leaves it, or deletes it where the directory says so', async () => {
    for (const [onGroupDelete, left] of [
      ['leave', 1],
      ['delete', 0],
    ] as const) {
      const { world, command } = await commanded({ settings: { onGroupDelete } })
      const sales = await group(world, 'Sales', [])
      await command('POST', '/bindings', { groupIds: [sales] })
      await command('DELETE', '/bindings', { groupIds: [sales] })
      expect(world.graph.summary().groups).toHaveLength(left)
      await command('POST', '/bindings', { groupIds: [sales] })
      expect(world.graph.summary().groups).toHaveLength(1)
    }
  })

  test('that is held is taken back by binding again', async () => {
    const { world, command } = await commanded()
    const [ann] = await users(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    await holdEnding(world, ann, 'admin')
    const job = await command('POST', '/bindings', { userIds: [ann] })
    expect(job).toMatchObject({ state: 'done', done: 1 })
    expect(await world.binding(ann ?? '')).toMatchObject(BOUND)
    expect(enabled(world)).toEqual({ ann: true })
  })

  test('of a user that is bound with everybody lasts until an administrator binds it again', async () => {
    const settings: Partial<DirectorySettings> = { bindNewUsers: { mode: 'all', groupIds: [] } }
    const { world, command } = await commanded({ settings })
    const [ann] = await users(world, 'ann')
    await world.settle()
    await command('DELETE', '/bindings', { userIds: [ann] })
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'Other' }])
    await world.settle()
    expect(await stateOf(world, ann)).toBe('former')
  })
})

describe('a directory that binds the members of groups', () => {
  async function watching(): Promise<Commanded & { sales: string; ids: string[] }> {
    const setup = await commanded()
    const { world, api, directory } = setup
    const ids = await users(world, 'ann', 'bob', 'cid')
    const sales = await group(world, 'Sales', [ids[0] ?? ''])
    const bindNewUsers = { mode: 'groups', groupIds: [sales] }
    expect((await api.patch(directory, { settings: { bindNewUsers } })).status).toBe(200)
    await world.settle()
    return { ...setup, sales, ids }
  }
  const change = (
    world: ExportWorld,
    sales: string,
    op: 'add' | 'remove',
    id: string | undefined,
  ) =>
    op === 'add'
      ? world.scim.patch(`/Groups/${sales}`, [{ op, path: 'members', value: [{ value: id }] }])
      : world.scim.patch(`/Groups/${sales}`, [{ op, path: `members[value eq "${id}"]` }])

  test('binds those who are members when it is said', async () => {
    const { world, ids } = await watching()
    expect(enabled(world)).toEqual({ ann: true })
    expect(await world.binding(ids[0] ?? '')).toMatchObject({ state: 'synced', reason: 'groups' })
  })

  test('binds who joins, and unbinds who leaves, until they join again', async () => {
    const { world, sales, ids } = await watching()
    await change(world, sales, 'add', ids[1])
    await world.settle()
    expect(enabled(world)).toEqual({ ann: true, bob: true })
    await change(world, sales, 'remove', ids[1])
    await world.settle()
    expect(enabled(world)).toEqual({ ann: true, bob: false })
    expect(await world.binding(ids[1] ?? '')).toMatchObject({
      state: 'former',
      unbound_by: 'groups',
    })
    await change(world, sales, 'add', ids[1])
    await world.settle()
    expect(enabled(world)).toEqual({ ann: true, bob: true })
  })

  test('does not bind again whom an administrator unbound, and leaves alone whom one bound', async () => {
    const { world, sales, ids, command } = await watching()
    await command('DELETE', '/bindings', { userIds: [ids[0]] })
    await change(world, sales, 'remove', ids[0])
    await change(world, sales, 'add', ids[0])
    await command('POST', '/bindings', { userIds: [ids[2]] })
    await change(world, sales, 'add', ids[2])
    await change(world, sales, 'remove', ids[2])
    await world.settle()
    expect(enabled(world)).toEqual({ ann: false, cid: true })
  })

  test('takes back the held ending of whoever joins again', async () => {
    const { world, sales, ids } = await watching()
    await holdEnding(world, ids[0], 'groups')
    await change(world, sales, 'remove', ids[0])
    await change(world, sales, 'add', ids[0])
    await world.settle()
    expect(await world.binding(ids[0] ?? '')).toMatchObject(BOUND)
  })

  test('unbinds them when it names no group any more, and keeps them when it binds by hand again', async () => {
    for (const [mode, isEnabled] of [
      ['groups', false],
      ['manual', true],
    ] as const) {
      const { world, api, directory } = await watching()
      await api.patch(directory, { settings: { bindNewUsers: { mode, groupIds: [] } } })
      await world.settle()
      expect(enabled(world)).toEqual({ ann: isEnabled })
    }
  })

  test('does with the account of a deleted user what onDelete says, whatever is expanded before', async () => {
    const { world, api, directory, ids } = await watching()
    await api.patch(directory, {
      settings: { onUnbind: 'leave', onDelete: 'delete', upnSource: 'alternateEmail' },
    })
    await world.scim.delete(`/Users/${ids[0]}`)
    await world.settle()
    expect(accounts(world)).toEqual([])
  })

  test('unbinds all of them when the group is deleted', async () => {
    const { world, sales } = await watching()
    await world.scim.delete(`/Groups/${sales}`)
    await world.settle()
    expect(enabled(world)).toEqual({ ann: false })
  })
})

describe('exporting again', () => {
  test('sends every attribute, whatever was sent before', async () => {
    const { world, command } = await commanded()
    const [ann, bob] = await users(world, 'ann', 'bob')
    await command('POST', '/bindings', { all: true })
    for (const account of accounts(world))
      world.graph.changeUser(account['id'], { properties: { jobTitle: 'Meddled with' } })
    world.graph.counters.reset()
    const job = await command('POST', '/exports', { userIds: [ann] })
    expect(job).toMatchObject({ type: 'export', state: 'done', done: 1 })
    expect(world.graph.counters.snapshot().writes).toBe(1)
    const titles = () =>
      Object.fromEntries(accounts(world).map((user) => [user['givenName'], user['jobTitle']]))
    expect(titles()).toEqual({ ann: 'Engineer', bob: 'Meddled with' })
    await command('POST', '/exports', undefined)
    expect(titles()).toEqual({ ann: 'Engineer', bob: 'Engineer' })
    expect(await stateOf(world, bob)).toBe('synced')
  })

  test('of everything sends names and members of groups too', async () => {
    const { world, command } = await commanded()
    const ids = await users(world, 'ann', 'bob')
    const sales = await group(world, 'Sales', ids)
    await command('POST', '/bindings', { all: true })
    const { graph_id: graphId } = await world.binding(sales)
    const [ann] = accounts(world)
    world.graph.changeGroup(graphId, { removeMembers: [ann?.['id']] })
    expect(membersOf(world, 'Sales')).toBe(1)
    const job = await command('POST', '/exports', { all: true })
    expect(job).toMatchObject({ state: 'done', done: 3 })
    expect(membersOf(world, 'Sales')).toBe(2)
    expect(await world.binding(sales)).toMatchObject({ unknown: '[]', member_cursor: null })
  })
})

describe('replaying failures', () => {
  test('tries one, or all, again, and nothing else', async () => {
    const { world, api, directory, command } = await commanded()
    const [ann] = await users(world, 'ann', 'bob')
    world.graph.faults.add({ match: { path: '^/users$' }, status: 400, times: 99 })
    await command('POST', '/bindings', { all: true })
    const { body } = await api.get(`${directory}/failures`)
    expect(body['items']).toHaveLength(2)
    world.graph.faults.clear()
    const [first] = body['items'].filter((item: Loose) => item['userId'] === ann)
    const one = await command('POST', '/failures/replay', { bindingIds: [first['id']] })
    expect(one).toMatchObject({ type: 'replay', state: 'done', done: 1, total: 1 })
    expect(Object.keys(enabled(world))).toEqual(['ann'])
    const all = await command('POST', '/failures/replay', { all: true })
    expect(all).toMatchObject({ state: 'done', done: 1, total: 1 })
    expect(Object.keys(enabled(world)).toSorted()).toEqual(['ann', 'bob'])
    expect((await api.get(`${directory}/failures`)).body['items']).toEqual([])
  })
})

describe('answering what is held', () => {
  test('is a job that waits for what was approved, and is through with what was rejected', async () => {
    const { world, api, directory, command } = await commanded()
    const [ann, bob] = await users(world, 'ann', 'bob')
    await command('POST', '/bindings', { all: true })
    for (const id of [ann, bob]) await holdEnding(world, id, 'admin')
    await world.query(sql`UPDATE lane SET blocked_until = ${world.clock.now + 3_600_000}`)
    const { body } = await api.get(`${directory}/bindings?state=held`)
    const idOf = (user: string | undefined) =>
      body['items'].find((item: Loose) => item['userId'] === user)['id']
    const approve = await api.post(`${directory}/held/approve`, { bindingIds: [idOf(ann)] })
    const reject = await api.post(`${directory}/held/reject`, { all: true })
    await world.drain()
    const jobOf = async ({ body: job }: typeof reject) => (await api.get(`/jobs/${job['id']}`)).body
    expect(await jobOf(approve)).toMatchObject({ state: 'running', done: 0, total: 1 })
    expect(await jobOf(reject)).toMatchObject({ state: 'done', done: 1, total: 1, errors: [] })
    expect(await world.binding(ann ?? '')).toMatchObject({ state: 'held', approval: 'approved' })
    expect(await world.binding(bob ?? '')).toMatchObject({ state: 'held', approval: 'rejected' })
  })
})

describe('a command that names a binding which it is not about', () => {
  async function named() {
    const each = await commanded()
    const [ann] = await users(each.world, 'ann')
    await each.command('POST', '/bindings', { userIds: [ann] })
    const { body } = await each.api.get(`${each.directory}/bindings`)
    const bindingIds: string[] = [body['items'][0]['id']]
    const told = { bindingId: bindingIds[0], resourceId: ann }
    return { ...each, ann, bindingIds, told }
  }

  test.each([
    ['/held/approve', 'not_held', 'It is not held: its state is synced.'],
    ['/held/reject', 'not_held', 'It is not held: its state is synced.'],
    ['/failures/replay', 'not_failed', 'It has not failed: its state is synced.'],
  ])('says in its job which one, and what state that has: %s', async (path, code, message) => {
    const { bindingIds, told, command, world, ann } = await named()
    const before = await world.binding(ann ?? '')
    const job = await command('POST', path, { bindingIds })
    expect(job).toMatchObject({ state: 'failed', done: 1, total: 1 })
    expect(job['errors']).toEqual([
      { ...told, code, message, whatToDo: expect.stringMatching(/^There is nothing to/) },
    ])
    expect(await world.binding(ann ?? '')).toEqual(before)
  })

  test('carries the others out', async () => {
    const { bindingIds, told, world, api, directory, command } = await named()
    const [bob] = await users(world, 'bob')
    world.graph.faults.add({ match: { path: '^/users$' }, status: 400, times: 99 })
    await command('POST', '/bindings', { userIds: [bob] })
    world.graph.faults.clear()
    const { body } = await api.get(`${directory}/failures`)
    const both = [...bindingIds, body['items'][0]['id']]
    const job = await command('POST', '/failures/replay', { bindingIds: both })
    expect(job).toMatchObject({ state: 'done', done: 2, total: 2, errors: [told] })
    expect(Object.keys(enabled(world)).toSorted()).toEqual(['ann', 'bob'])
  })

  test('says of what is held that a replay is no answer', async () => {
    const { world, bindingIds, ann, command } = await named()
    await holdEnding(world, ann, 'admin')
    const job = await command('POST', '/failures/replay', { bindingIds })
    expect(job['errors']).toMatchObject([
      {
        message: 'It has not failed: its state is held.',
        whatToDo: expect.stringMatching(/approve it/),
      },
    ])
    expect(await stateOf(world, ann)).toBe('held')
  })
})

describe('a command that names users for whom there is nothing to do', () => {
  /** Ann was unbound, bob is being unbound, the ending of cid is held, dan was never bound. */
  async function various() {
    const each = await commanded()
    const ids = await users(each.world, 'ann', 'bob', 'cid', 'dan')
    const [ann, bob, cid] = ids
    await each.command('POST', '/bindings', { userIds: [ann, bob, cid] })
    await each.command('DELETE', '/bindings', { userIds: [ann] })
    await holdEnding(each.world, cid, 'admin')
    await each.world
      .query(sql`UPDATE binding SET state = 'unbinding', unbound_by = 'admin', error = '{"code":"forbidden"}'
      WHERE organization_id = ${each.world.organizationId} AND resource_id = ${bob}`)
    return { ...each, ids }
  }

  test.each([
    [
      'POST',
      '/exports',
      [
        ['not_bound', /former/, /^Bind it/],
        ['unbinding', /unbinding/, /^Bind it again/],
        ['held', /is held/, /approve it/],
        ['not_bound', /not bound here/, /^Bind it/],
      ],
    ],
    [
      'DELETE',
      '/bindings',
      [
        ['unbound_already', /former/, /until an administrator binds it/],
        ['unbinding', /unbinding/, /^Its error says/],
        ['unbinding', /held/, /approve it/],
        ['not_bound', /not bound here/, /nothing to do/],
      ],
    ],
  ] as const)('says of each why, and what to do: %s %s', async (method, path, reasons) => {
    const { command, ids, world } = await various()
    const before = await Promise.all(ids.slice(0, 3).map((id) => world.binding(id)))
    const job = await command(method, path, { userIds: ids })
    expect(job).toMatchObject({ state: 'failed', done: 4, total: 4 })
    const told = new Map<unknown, Loose>(job['errors'].map((e: Loose) => [e['resourceId'], e]))
    expect(ids.map((id) => told.get(id))).toMatchObject(
      reasons.map(([code, message, whatToDo]) => ({
        code,
        message: expect.stringMatching(message),
        whatToDo: expect.stringMatching(whatToDo),
      })),
    )
    expect(await Promise.all(ids.slice(0, 3).map((id) => world.binding(id)))).toEqual(before)
  })

  test('says nothing of them where it names nobody', async () => {
    const { command } = await various()
    expect(await command('POST', '/exports', { all: true })).toMatchObject({ errors: [] })
    expect(await command('DELETE', '/bindings', { all: true })).toMatchObject({ errors: [] })
  })
})

describe('endings beyond the threshold', () => {
  async function beyond(): Promise<Commanded & { ids: string[]; unbind: Loose }> {
    const setup = await commanded({ settings: { threshold: { count: 1, percent: 0 } } })
    const ids = await users(setup.world, 'ann', 'bob', 'cid')
    await setup.command('POST', '/bindings', { all: true })
    const unbind = await setup.command('DELETE', '/bindings', { all: true })
    return { ...setup, ids, unbind }
  }
  const isEnabled = (world: ExportWorld) => Object.values(enabled(world)).filter(Boolean).length

  test('are told by the job and the status, and wait for an answer', async () => {
    const { world, api, directory, unbind } = await beyond()
    expect(isEnabled(world)).toBe(2)
    expect(unbind).toMatchObject({ state: 'done', done: 3, total: 3 })
    expect(unbind['errors']).toMatchObject([{ code: 'threshold' }, { code: 'threshold' }])
    expect((await api.get(`${directory}/status`)).body).toMatchObject({
      owed: 0,
      held: 2,
      failed: 0,
    })
  })

  test('happen once they are approved', async () => {
    const { world, api, directory, ids, command } = await beyond()
    const job = await command('POST', '/held/approve', { all: true })
    expect(job).toMatchObject({ type: 'approve', state: 'done', done: 2, total: 2, errors: [] })
    expect(isEnabled(world)).toBe(0)
    for (const id of ids) expect(await stateOf(world, id)).toBe('former')
    expect((await api.get(`${directory}/status`)).body).toMatchObject({
      owed: 0,
      held: 0,
      bound: 0,
    })
  })

  const idsOf = ({ body }: { body: Loose }): string[] =>
    body['items'].map((item: Loose) => item['id'])

  test('do not happen when they are rejected, until each is replayed by its id and approved', async () => {
    const { world, api, directory, command } = await beyond()
    const job = await command('POST', '/held/reject', { all: true })
    expect(job).toMatchObject({ type: 'reject', state: 'done', done: 2, total: 2, errors: [] })
    expect(isEnabled(world)).toBe(2)
    const failures = (await api.get(`${directory}/failures`)).body['items']
    expect(failures.map((item: Loose) => item['error']['code'])).toEqual([
      'removal_rejected',
      'removal_rejected',
    ])
    expect(failures[0]['error']['whatToDo']).toMatch(/approve this binding .*; a replay asks again/)
    const bindingIds = idsOf(await api.get(`${directory}/failures`))
    const replay = await command('POST', '/failures/replay', { bindingIds })
    expect(replay).toMatchObject({
      done: 2,
      errors: [{ code: 'threshold' }, { code: 'threshold' }],
    })
    expect(isEnabled(world)).toBe(2)
    await command('POST', '/held/approve', { all: true })
    expect(isEnabled(world)).toBe(0)
  })

  test('that are rejected happen to whoever is approved, or unbound, by its id afterwards', async () => {
    const { world, api, directory, ids, command } = await beyond()
    await command('POST', '/held/reject', { all: true })
    const [first = ''] = idsOf(await api.get(`${directory}/failures`))
    const job = await command('POST', '/held/approve', { bindingIds: [first] })
    expect(job).toMatchObject({ state: 'done', done: 1, errors: [] })
    expect(isEnabled(world)).toBe(1)
    world.clock.now += 2 * 3_600_000
    await command('DELETE', '/bindings', { userIds: ids })
    expect(isEnabled(world)).toBe(0)
  })

  test.each([
    ['all failures are replayed', 'POST', '/failures/replay'],
    ['all that is held is approved', 'POST', '/held/approve'],
    ['everything is exported again', 'POST', '/exports'],
    ['everybody is unbound again', 'DELETE', '/bindings'],
  ] as const)(
    'that are rejected do not happen when %s, though the threshold has room',
    async (_, method, path) => {
      const { world, api, directory, command } = await beyond()
      await command('POST', '/held/reject', { all: true })
      world.clock.now += 2 * 3_600_000
      await api.patch(directory, { settings: { threshold: { count: 50, percent: 0 } } })
      await command(method, path, { all: true })
      expect(isEnabled(world)).toBe(2)
      expect((await api.get(`${directory}/status`)).body).toMatchObject({ owed: 0, rejected: 2 })
    },
  )

  test('that are rejected leave their users in the groups that are bound here', async () => {
    const { world, ids, command, api, directory } = await beyond()
    await command('POST', '/held/reject', { all: true })
    const { body } = await api.get(`${directory}/bindings?state=failed`)
    const left: string[] = body['items'].map((item: Loose) => item['userId'])
    expect(left).toHaveLength(2)
    const sales = await group(world, 'Sales', ids)
    await command('POST', '/bindings', { groupIds: [sales] })
    expect(membersOf(world, 'Sales')).toBe(2)
    await api.patch(directory, { settings: { onSuspend: 'leave' } })
    await command('POST', '/exports', { all: true })
    expect(membersOf(world, 'Sales')).toBe(2)
  })

  test('that are rejected are failures that the status tells apart; they raise no alarm, and are no last error', async () => {
    const { api, directory, command } = await beyond()
    await command('POST', '/held/reject', { all: true })
    const { body } = await api.get(`${directory}/status`)
    expect(body).toMatchObject({ owed: 0, held: 0, failed: 2, rejected: 2, lastError: null })
    const { text } = await api.get('/metrics')
    expect(text).toMatch(/directory_failed{[^}]*} 0/)
    expect(text).toMatch(/directory_rejected{[^}]*} 2/)
    for (const list of ['/bindings?state=failed', '/failures'])
      expect(idsOf(await api.get(`${directory}${list}`))).toHaveLength(2)
  })

  test('are taken back by binding again', async () => {
    const { world, ids, command } = await beyond()
    const job = await command('POST', '/bindings', { userIds: ids })
    expect(job).toMatchObject({ state: 'done', done: 3, errors: [] })
    expect(isEnabled(world)).toBe(3)
    for (const id of ids) expect(await world.binding(id)).toMatchObject(BOUND)
  })
})

describe('the list of bindings', () => {
  test('can be one of users or of groups', async () => {
    const { world, api, directory, command } = await commanded()
    const [ann] = await users(world, 'ann')
    const sales = await group(world, 'Sales', [])
    await command('POST', '/bindings', { all: true })
    const listed = async (query: string) =>
      (await api.get(`${directory}/bindings${query}`)).body['items'].map(
        (item: Loose) => item['userId'] ?? item['groupId'],
      )
    expect(await listed('?kind=user')).toEqual([ann])
    expect(await listed('?kind=group&state=synced')).toEqual([sales])
    expect(await listed('')).toEqual([sales, ann])
    const { status, body } = await api.get(`${directory}/bindings?kind=users`)
    expect(status).toBe(400)
    expect(body['errors']).toMatchObject([{ parameter: 'kind' }])
  })
})

describe('an expansion', () => {
  test('renews the lease with every page, so that it may take longer than a lease lasts', async () => {
    const { world } = await commanded()
    const { organizationId, directoryId } = world
    const database = connect(env.DB)
    const key = { organizationId, directoryId, token: 'a drain' }
    await takeLease(database, key)
    await world.query(sql`UPDATE directory SET lease_until = lease_until - ${LEASE_MS - 5000}
      WHERE id = ${directoryId}`)
    const until = async () =>
      Number(
        (await world.query(sql`SELECT lease_until FROM directory WHERE id = ${directoryId}`))[0]?.[
          'lease_until'
        ],
      )
    const before = await until()
    const expansion = {
      sequence: 1,
      action: 'bind',
      undone: null,
      phases: [{ from: 'users' }, { from: 'groups' }],
      groupIds: null,
      isCommand: true,
    } as const
    await expandPage(database, key, expansion, null, world.clock.now)
    expect((await until()) - before).toBeGreaterThanOrEqual(LEASE_MS - 5000)
  })
})

describe('a paused directory', () => {
  test('carries out what was asked meanwhile when it goes on', async () => {
    const { world, api, directory } = await commanded()
    const [ann] = await users(world, 'ann')
    await api.patch(directory, { state: 'paused' })
    const { body: job } = await api.post(`${directory}/bindings`, { userIds: [ann] })
    await world.settle()
    expect((await api.get(`/jobs/${job['id']}`)).body).toMatchObject({ state: 'running', done: 0 })
    expect((await api.get(`${directory}/status`)).body).toMatchObject({ state: 'paused' })
    await api.patch(directory, { state: 'active' })
    await world.settle()
    expect((await api.get(`/jobs/${job['id']}`)).body).toMatchObject({ state: 'done', done: 1 })
  })
})

describe('a command', () => {
  test.each([
    ['POST', '/bindings', {}],
    ['POST', '/bindings', { userIds: [] }],
    ['POST', '/bindings', { userIds: ['usr_1'], all: true }],
    ['POST', '/bindings', { userIds: ['grp_1'] }],
    ['POST', '/bindings', { all: false }],
    ['DELETE', '/bindings', { users: ['usr_1'] }],
    ['POST', '/bindings', { userIds: Array.from({ length: 1001 }, (_, i) => `usr_${i}`) }],
    ['POST', '/failures/replay', { userIds: ['usr_1'] }],
    ['POST', '/held/approve', {}],
    ['POST', '/held/reject', { bindingIds: ['bnd_1'], all: true }],
    ['POST', '/exports', { groupIds: ['grp_1'] }],
  ] as const)(
    'that is none is refused, and nothing is asked: %s %s %#',
    async (method, path, body) => {
      const { world, api, directory } = await commanded()
      const answer = await api.send(method, `${directory}${path}`, body)
      expect(answer.status).toBe(400)
      expect(answer.body['errors'][0]['detail']).toMatch(/must|no field/)
      expect(await readLog(world.organizationId)).toEqual([])
    },
  )

  test('about somebody who is not of this organization is refused as a whole', async () => {
    const { world, api, directory } = await commanded()
    const [ann] = await users(world, 'ann')
    const other = await commanded()
    const [stranger] = await users(other.world, 'ann')
    const before = await readLog(world.organizationId)
    const answer = await api.post(`${directory}/bindings`, { userIds: [ann, stranger] })
    expect(answer.status).toBe(404)
    expect(answer.body['detail']).toContain(stranger)
    const unknown = ['grp_none', 'usr_none']
    const both = { userIds: [ann, 'usr_none'], groupIds: ['grp_none'] }
    const named = await api.post(`${directory}/bindings`, both)
    for (const id of unknown) expect(named.body['detail']).toContain(id)
    expect(named.body['detail']).not.toContain(ann)
    expect((await api.post(`${other.directory}/bindings`, { all: true })).status).toBe(404)
    expect(await readLog(world.organizationId)).toEqual(before)
  })

  test('that follows a preview is refused when one of its users has changed since', async () => {
    const { world, api, directory } = await commanded()
    const [ann, bob] = await users(world, 'ann', 'bob')
    const atSequence = (await readLog(world.organizationId)).at(-1)?.['sequence']
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'Other' }])
    const refused = await api.post(`${directory}/bindings`, { userIds: [ann, bob], atSequence })
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({ userIds: [ann] })
    expect((await api.post(`${directory}/bindings`, { all: true, atSequence })).status).toBe(409)
    const taken = await api.post(`${directory}/bindings`, { userIds: [bob], atSequence })
    expect(taken.status).toBe(202)
  })

  test('are jobs that are listed newest first, page by page, each as it is read alone', async () => {
    const { world, api, directory } = await commanded()
    const ids = await users(world, 'ann', 'bob')
    expect((await api.get('/jobs')).body).toEqual({ items: [], nextCursor: null })
    const jobs: unknown[] = []
    const begin = async (method: string, path: string, body: object) => {
      api.clock.now += 1000
      jobs.unshift((await api.send(method, `${directory}${path}`, body)).body['id'])
    }
    await begin('POST', '/bindings', { userIds: ids })
    await world.settle()
    await begin('DELETE', '/bindings', { userIds: [ids[1]] })
    await world.settle()
    world.graph.faults.add({
      match: { method: 'PATCH', path: '^/users/' },
      status: 403,
      code: 'Authorization_RequestDenied',
      message: 'Insufficient privileges to complete the operation.',
    })
    await begin('POST', '/exports', { userIds: ids })
    await world.settle()
    await begin('POST', '/bindings', { all: true })
    const first = await api.get('/jobs?limit=3')
    // Whose key it is, and the page.
    expect(first.cost.roundTrips).toBeLessThanOrEqual(2)
    const second = await api.get(`/jobs?limit=3&cursor=${first.body['nextCursor']}`)
    expect(second.body['nextCursor']).toBeNull()
    const listed = [...first.body['items'], ...second.body['items']]
    expect(listed.map(({ id }) => id)).toEqual(jobs)
    expect(listed.map(({ type, state, errors }) => [type, state, errors.length])).toEqual([
      ['bind', 'running', 0],
      ['export', 'failed', 2],
      ['unbind', 'done', 0],
      ['bind', 'done', 0],
    ])
    for (const job of listed) expect((await api.get(`/jobs/${job.id}`)).body).toEqual(job)
    expect((await (await apiClient()).get('/jobs')).body['items']).toEqual([])
  })

  test('of a directory that carries nothing out is taken, and its job tells what it waits for', async () => {
    const { world, api, directory } = await commanded()
    const [ann] = await users(world, 'ann')
    await api.patch(directory, { state: 'paused' })
    const asked = await api.post(`${directory}/bindings`, { userIds: [ann] })
    expect(asked.status).toBe(202)
    const paused = { state: 'paused', reason: 'The directory is paused.' }
    expect(asked.body['waiting']).toMatchObject(paused)
    const waiting = async () => (await api.get(`/jobs/${asked.body['id']}`)).body['waiting']
    expect(await waiting()).toEqual({ ...paused, whatToDo: expect.stringMatching(/"active"/) })
    await world.query(sql`UPDATE directory SET state = 'auth_error', state_reason = 'The secret has expired.'
      WHERE id = ${world.directoryId}`)
    expect(await waiting()).toMatchObject({
      state: 'auth_error',
      reason: 'The secret has expired.',
      whatToDo: expect.stringMatching(/credential/),
    })
    const undone = await api.post(`${directory}/undo`, {
      eventId: `evt_${String((await readLog(world.organizationId)).at(-1)?.['sequence'])}`,
    })
    expect(undone.body['waiting']).toMatchObject({ state: 'auth_error' })
    await api.patch(directory, { state: 'active' })
    expect(await waiting()).toBeNull()
    await world.settle()
    const { body: job } = await api.get(`/jobs/${asked.body['id']}`)
    // By then its bind is undone.
    expect(job).toMatchObject({
      state: 'failed',
      waiting: null,
      errors: [{ resourceId: ann, code: 'unbound_since' }],
    })
  })

  test('of which all that is left is tried again later tells until when, and waits for nothing then', async () => {
    const { world, api, directory } = await commanded()
    const [ann] = await users(world, 'ann')
    world.graph.faults.add({ match: { method: 'POST', path: '/users' }, status: 500 })
    const asked = await api.post(`${directory}/bindings`, { userIds: [ann] })
    const waiting = async () => (await api.get(`/jobs/${asked.body['id']}`)).body['waiting']
    expect(await waiting()).toBeNull()
    await world.drain()
    const { due_at: dueAt } = await world.binding(String(ann))
    expect(dueAt).toBeGreaterThan(world.clock.now)
    expect(await waiting()).toMatchObject({
      state: 'put_off',
      reason: expect.stringContaining('tried again'),
      until: new Date(dueAt).toISOString(),
    })
    world.clock.now = dueAt
    expect(await waiting()).toBeNull()
  })

  test('costs one round trip, and tells who asked for what', async () => {
    const { world, api, directory } = await commanded()
    const [ann] = await users(world, 'ann')
    await api.get('/organization')
    const { cost, body: job } = await api.post(`${directory}/bindings`, { userIds: [ann] })
    expect(cost.roundTrips).toBe(1)
    const event = (await readLog(world.organizationId)).at(-1)
    expect(event).toMatchObject({
      class: 'command',
      type: 'binding_create',
      actor_id: api.adminId,
      target_id: world.directoryId,
      body: { details: { jobId: job['id'], count: 1, ids: [ann] } },
    })
  })

  test.each([
    ['DELETE', 'bindings', 'binding_delete'],
    ['POST', 'exports', 'export_requested'],
    ['POST', 'failures/replay', 'replay_requested'],
    ['POST', 'held/approve', 'held_approve'],
    ['POST', 'held/reject', 'held_reject'],
  ])('%s …/%s is an event that names the job', async (method, path, type) => {
    const { world, api, directory } = await commanded()
    const { body: job } = await api.send(method, `${directory}/${path}`, { all: true })
    expect((await readLog(world.organizationId)).at(-1)).toMatchObject({
      type,
      body: { details: { jobId: job['id'], all: true } },
    })
  })
})
