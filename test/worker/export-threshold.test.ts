import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { countBound } from '../../src/db/bound-count.ts'
import { connect } from '../../src/db/client.ts'
import { appendEvents } from '../../src/db/event-log.ts'
import type { DirectorySettings } from '../../src/plan/settings.ts'
import { apiClient } from '../support/api.ts'
import { type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import type { Loose } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** A directory with `count` users whose threshold is `threshold`, and the ids of the users. */
async function worldOf(
  count: number,
  threshold: DirectorySettings['threshold'],
  settings: Partial<DirectorySettings> = {},
): Promise<{ readonly world: ExportWorld; readonly ids: string[] }> {
  const world = await exportWorld({ settings: { threshold, ...settings } })
  const ids: string[] = []
  for (let i = 0; i < count; i++)
    ids.push((await world.scim.post('/Users', newUser(`u${i}`))).body['id'])
  await world.settle()
  // So old that a 404 is no replica lag.
  world.clock.now += 2 * 3_600_000
  return { world, ids }
}

const suspend = async (world: ExportWorld, ids: readonly string[], active = false) => {
  for (const id of ids)
    await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: active }])
}

const apiOf = ({ organizationId, clock }: ExportWorld) => apiClient({ organizationId, clock })

/** What a command does to the bindings that are asked about. */
const answer = (world: ExportWorld, approval: 'approved' | 'rejected') =>
  world.query(sql`UPDATE binding SET approval = ${approval}, due_at = ${world.clock.now}
    WHERE directory_id = ${world.directoryId} AND approval = 'asked'`)

const accounts = (world: ExportWorld): Loose[] => [...world.graph.summary().users]
const disabled = (world: ExportWorld): number =>
  accounts(world).filter((user) => user['accountEnabled'] === false).length
const deleted = (world: ExportWorld): number =>
  accounts(world).filter((user) => user['isDeleted'] === true).length

async function states(world: ExportWorld): Promise<Record<string, number>> {
  const rows = await world.query(sql`SELECT state, count(*) AS n FROM binding
    WHERE directory_id = ${world.directoryId} GROUP BY state`)
  return Object.fromEntries(rows.map(({ state, n }) => [String(state), Number(n)]))
}

const heldEvents = (world: ExportWorld) =>
  world.query(sql`SELECT target_id, body FROM event WHERE organization_id = ${world.organizationId}
    AND type = 'binding_held'`)

describe('the threshold of a directory', () => {
  test('lets as many accounts be disabled in an hour as it says, and holds the others, with an event each', async () => {
    const { world, ids } = await worldOf(8, { count: 3, percent: 0 })
    await suspend(world, ids.slice(0, 5))
    await world.settle()
    expect(disabled(world)).toBe(3)
    expect(await states(world)).toEqual({ synced: 6, held: 2 })
    const [event, ...others] = await heldEvents(world)
    expect(others).toHaveLength(1)
    expect(JSON.parse(String(event?.['body'])).details.error).toMatchObject({
      code: 'threshold',
      message: expect.stringMatching(/Disabling .* its threshold is 3/),
      whatToDo: expect.stringMatching(/[Aa]pprove/),
    })
    // Nothing is owed any more, and nothing asks again by itself.
    expect(world.bells).toEqual([])
    world.clock.now += 2 * 3_600_000
    await world.jobs.scheduled({ cron: '* * * * *' })
    await world.settle()
    expect(disabled(world)).toBe(3)
  })

  test('tells of what it holds how many were disabled, those of the same round among them', async () => {
    const { world, ids } = await worldOf(6, { count: 4, percent: 0 })
    await suspend(world, ids.slice(0, 2))
    await world.settle()
    await suspend(world, ids.slice(2))
    await world.settle()
    expect(disabled(world)).toBe(4)
    const messages = (await heldEvents(world)).map(
      ({ body }) => JSON.parse(String(body)).details.error.message,
    )
    const told = expect.stringContaining('4 were disabled or deleted in this directory within one')
    expect(messages).toEqual([told, told])
  })

  test('is a percentage of the bound users where that is more', async () => {
    const { world, ids } = await worldOf(20, { count: 1, percent: 25 })
    await suspend(world, ids.slice(0, 8))
    await world.settle()
    expect(disabled(world)).toBe(5)
    expect(await states(world)).toEqual({ synced: 17, held: 3 })
    const [event] = await heldEvents(world)
    expect(JSON.parse(String(event?.['body'])).details.error.message).toContain(
      'its threshold is 5 (1, or 25 % of 20 bound users where that is more).',
    )
  })

  test('in percent is of whoever has an account of ours, until their binding has ended', async () => {
    const { world, ids } = await worldOf(3, { count: 20, percent: 10 })
    const [ann = '', bob = ''] = ids
    await world.query(sql`UPDATE binding SET state = 'unbinding' WHERE resource_id = ${ann}`)
    await world.query(sql`UPDATE binding SET state = 'former' WHERE resource_id = ${bob}`)
    expect(await countBound(connect(env.DB), world)).toBe(2)
  })

  test('tells whose account or group it holds that was deleted here, in the list and in the event', async () => {
    const { world, ids } = await worldOf(2, { count: 0, percent: 0 }, { onGroupDelete: 'delete' })
    const { body: sales } = await world.scim.post('/Groups', { displayName: 'Sales' })
    await world.settle()
    const [gone = '', here = ''] = ids
    await world.scim.delete(`/Users/${gone}`)
    await world.scim.delete(`/Groups/${sales['id']}`)
    await suspend(world, [here])
    await world.settle()
    const api = await apiOf(world)
    const { body } = await api.get(`/directories/${world.directoryId}/bindings?state=held`)
    const name = (id: string) => body['items'].find((each: Loose) => each['id'].endsWith(id))
    expect(name(gone)).toMatchObject({ userName: 'u0@contoso.com', groupName: null })
    expect(name(sales['id'])).toMatchObject({ userName: null, groupName: 'Sales' })
    const events = await heldEvents(world)
    const messageOf = (id: string) => {
      const event = events.find((each) => each['target_id'] === id)
      return JSON.parse(String(event?.['body'])).details.error.message
    }
    const why =
      'in Microsoft 365 was held back: 0 were disabled or deleted in this directory within one hour, and its threshold is 0.'
    expect(messageOf(gone)).toBe(`Disabling the account u0@contoso.com ${why}`)
    expect(messageOf(sales['id'])).toBe(`Deleting the group Sales ${why}`)
    expect(messageOf(here)).toBe(`Disabling the account ${why}`)
  })

  test('counts over an hour, whatever the drain, and lets more go afterwards', async () => {
    const { world, ids } = await worldOf(6, { count: 2, percent: 0 })
    for (const id of ids.slice(0, 3)) {
      await suspend(world, [id])
      await world.settle()
      world.clock.now += 10 * 60_000
    }
    expect(disabled(world)).toBe(2)
    world.clock.now += 3_600_000
    await suspend(world, ids.slice(3, 4))
    await world.settle()
    expect(disabled(world)).toBe(3)
    expect(await states(world)).toEqual({ synced: 5, held: 1 })
  })

  test('counts deletions, unbindings and the deletions of groups with the rest', async () => {
    const { world, ids } = await worldOf(
      4,
      { count: 1, percent: 0 },
      {
        onDelete: 'delete',
        onUnbind: 'delete',
        onGroupDelete: 'delete',
      },
    )
    const { body: group } = await world.scim.post('/Groups', { displayName: 'G' })
    await world.settle()
    world.clock.now += 3_600_000
    await suspend(world, ids.slice(0, 1))
    await world.settle()
    await world.scim.delete(`/Users/${ids[1]}`)
    await world.scim.delete(`/Groups/${group['id']}`)
    await world.query(sql`UPDATE binding SET state = 'unbinding', unbound_by = 'admin',
        due_at = ${world.clock.now} WHERE resource_id = ${ids[2]}`)
    await world.settle()
    expect(deleted(world)).toBe(0)
    expect(world.graph.summary().groups).toHaveLength(1)
    expect(await states(world)).toEqual({ synced: 2, held: 3 })
    await answer(world, 'approved')
    await world.settle()
    expect(deleted(world)).toBe(2)
    expect(world.graph.summary().groups.filter((found) => found['isDeleted'] !== true)).toEqual([])
    expect(await states(world)).toEqual({ synced: 2, former: 3 })
  })

  test('is not used up by exporting again whoever is disabled already', async () => {
    const { world, ids } = await worldOf(8, { count: 2, percent: 0 })
    for (const id of ids.slice(0, 5)) {
      world.clock.now += 2 * 3_600_000
      await suspend(world, [id])
      await world.settle()
    }
    expect(disabled(world)).toBe(5)
    world.clock.now += 2 * 3_600_000
    for (const account of accounts(world))
      world.graph.changeUser(account['id'], { properties: { jobTitle: 'by hand' } })
    const api = await apiOf(world)
    await api.post(`/directories/${world.directoryId}/exports`, { all: true })
    await world.settle()
    expect(new Set(accounts(world).map((account) => account['jobTitle']))).toEqual(
      new Set(['Engineer']),
    )
    expect(await states(world)).toEqual({ synced: 8 })
    await suspend(world, ids.slice(6, 7))
    await world.settle()
    expect(await world.binding(ids[6]!)).toMatchObject({ state: 'synced' })
    expect(disabled(world)).toBe(6)
    // Who is let in again is enabled like anybody.
    await suspend(world, ids.slice(0, 1), true)
    await world.settle()
    expect(disabled(world)).toBe(5)
  })

  test('is off when it is null', async () => {
    const { world, ids } = await worldOf(5, null)
    await suspend(world, ids)
    await world.settle()
    expect(disabled(world)).toBe(5)
  })

  test('counts a disable once that Graph carried out without answering, and one that was refused not at all', async () => {
    const { world, ids } = await worldOf(5, { count: 2, percent: 0 })
    world.graph.faults.add({ match: { method: 'PATCH' }, commit: true, status: 504, times: 3 })
    await suspend(world, ids.slice(0, 1))
    await world.settle()
    world.graph.changeUser(String((await world.binding(ids[1]!))['graph_id']), {
      isPrivileged: true,
    })
    await suspend(world, ids.slice(1, 2))
    await world.settle()
    expect(await world.binding(ids[1]!)).toMatchObject({
      state: 'failed',
      error: { code: 'privileged_target' },
    })
    await suspend(world, ids.slice(2, 3))
    await world.settle()
    expect(disabled(world)).toBe(2)
    await suspend(world, ids.slice(3, 4))
    await world.settle()
    expect(disabled(world)).toBe(2)
  })

  test('counts what a drain sent that died before it could store it', async () => {
    const { world, ids } = await worldOf(5, { count: 2, percent: 0 })
    await world.query(sql`CREATE TRIGGER crash BEFORE UPDATE OF position ON directory
      WHEN NEW.id = ${sql.raw(`'${world.directoryId}'`)} BEGIN SELECT RAISE(ABORT, 'Network connection lost'); END`)
    await suspend(world, ids.slice(0, 2))
    await world.drain()
    await world.query(sql`DROP TRIGGER crash`)
    await world.query(sql`UPDATE directory SET lease_until = 1 WHERE id = ${world.directoryId}`)
    world.bells.length = 0
    // They are let in again before anybody comes back, and others are suspended.
    await suspend(world, ids.slice(0, 2), true)
    await suspend(world, ids.slice(2, 4))
    await world.settle()
    expect(disabled(world)).toBe(0)
    expect(await states(world)).toEqual({ synced: 3, held: 2 })
  })

  test('counts again whoever was enabled in between', async () => {
    const { world, ids } = await worldOf(3, { count: 2, percent: 0 })
    for (const active of [false, true, false, true, false]) {
      await suspend(world, ids.slice(0, 1), active)
      await world.settle()
    }
    expect(disabled(world)).toBe(0)
    expect(await world.binding(ids[0]!)).toMatchObject({ state: 'held' })
  })
})

describe('a binding that the threshold holds', () => {
  const held = async () => {
    const { world, ids } = await worldOf(3, { count: 0, percent: 0 })
    await suspend(world, ids.slice(0, 1))
    await world.settle()
    expect(await world.binding(ids[0]!)).toMatchObject({ state: 'held', approval: 'asked' })
    return { world, id: ids[0]! }
  }
  const title = (world: ExportWorld, id: string, value: string) =>
    world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value }])
  const accountOf = (world: ExportWorld) =>
    accounts(world).find((user) => user['userPrincipalName'] === 'u0@contoso.com')

  test('stays held when the manager of its user arrives in the same round', async () => {
    const { world, id } = await held()
    const api = await apiOf(world)
    await api.patch(`/directories/${world.directoryId}/attributes`, { manager: 'export' })
    const { body: manager } = await world.scim.post('/Users', newUser('m'))
    await world.scim.patch(`/Users/${id}`, [
      { op: 'replace', path: `${ENTERPRISE}:manager`, value: { value: manager['id'] } },
    ])
    await world.settle()
    expect(disabled(world)).toBe(0)
    expect(await world.binding(id)).toMatchObject({
      state: 'held',
      approval: 'asked',
      manager_graph_id: (await world.binding(manager['id']))['graph_id'],
    })
  })

  test('goes on with everything else, stays held whatever changes, and is told once', async () => {
    const { world, id } = await held()
    world.clock.now += 2 * 3_600_000
    await title(world, id, 'Director')
    await world.settle()
    expect(accountOf(world)).toMatchObject({ jobTitle: 'Director', accountEnabled: true })
    expect(await world.binding(id)).toMatchObject({ state: 'held', error: { code: 'threshold' } })
    expect(await heldEvents(world)).toHaveLength(1)
  })

  test('takes part in what an administrator asks of every user, as far as it is not held', async () => {
    const { world, id } = await held()
    await connect(env.DB).run(
      sql`UPDATE attribute_direction SET sequence = 1 + (SELECT max(sequence) FROM event
          WHERE organization_id = ${world.organizationId})
        WHERE directory_id = ${world.directoryId} AND attribute = 'jobTitle'`,
      appendEvents(world.organizationId, [
        {
          class: 'command',
          type: 'integrationattribute_include',
          time: world.clock.now,
          target: { type: 'directory', id: world.directoryId },
          directoryId: world.directoryId,
          actor: { type: 'admin', id: 'adm_test' },
        },
      ]),
    )
    for (const user of world.graph.tenant().all('user'))
      world.graph.changeUser(user.id, { properties: { jobTitle: 'by hand' } })
    await world.settle()
    expect(accountOf(world)).toMatchObject({ jobTitle: 'Engineer', accountEnabled: true })
    expect(await world.binding(id)).toMatchObject({ state: 'held', approval: 'asked' })
  })

  test('stays held though something else of it has to be tried again, or is refused', async () => {
    const { world, id } = await held()
    world.graph.faults.add({ match: { method: 'PATCH' }, status: 504 })
    await title(world, id, 'Director')
    await world.settle()
    expect(accountOf(world)).toMatchObject({ jobTitle: 'Director', accountEnabled: true })
    expect(await world.binding(id)).toMatchObject({ state: 'held', approval: 'asked' })
    world.graph.faults.add({
      match: { method: 'PATCH' },
      status: 400,
      code: 'Request_BadRequest',
      message: "Invalid value specified for property 'jobTitle' of resource 'User'.",
    })
    await title(world, id, 'Wrong')
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'held', approval: 'asked' })
    expect(accountOf(world)).toMatchObject({ accountEnabled: true })
  })

  test('is released with what is desired by then when it is approved: nothing, if the user is active again', async () => {
    const { world, id } = await held()
    await suspend(world, [id], true)
    await answer(world, 'approved')
    await world.settle()
    expect(accountOf(world)).toMatchObject({ accountEnabled: true })
    expect(await world.binding(id)).toMatchObject({ state: 'synced', approval: null, error: null })
    // The approval is used up.
    await suspend(world, [id])
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'held' })
  })

  test('is carried out when it is approved, also over a 429, and does not count for others', async () => {
    const { world, id } = await held()
    await answer(world, 'approved')
    world.graph.faults.add({ match: { method: 'PATCH' }, status: 429, retryAfter: 5 })
    await world.settle()
    expect(accountOf(world)).toMatchObject({ accountEnabled: false })
    const urls = world.graph.journal.records().map(({ url }) => url)
    expect(urls.filter((url) => url.endsWith('/revokeSignInSessions'))).toHaveLength(1)
    expect(await world.binding(id)).toMatchObject({ state: 'synced', approval: null })
    const [row] = await world.query(
      sql`SELECT removals FROM directory WHERE id = ${world.directoryId}`,
    )
    expect(JSON.parse(String(row?.['removals'] ?? '{"minutes":{}}')).minutes).toEqual({})
  })

  test.each(['approve', 'reject'])(
    'is not answered by a command to %s all that was given before it was held',
    async (decision) => {
      const { world, ids } = await worldOf(8, { count: 1, percent: 0 })
      await suspend(world, ids.slice(0, 2))
      await world.settle()
      await title(world, ids[7]!, 'Director')
      const api = await apiOf(world)
      await api.post(`/directories/${world.directoryId}/held/${decision}`, { all: true })
      await suspend(world, ids.slice(2, 7))
      await world.settle()
      const isApproved = decision === 'approve'
      expect(disabled(world)).toBe(isApproved ? 2 : 1)
      expect(await world.binding(ids[1]!)).toMatchObject({
        state: isApproved ? 'synced' : 'failed',
      })
      for (const id of ids.slice(2, 7))
        expect(await world.binding(id)).toMatchObject({ state: 'held', approval: 'asked' })
      await api.post(`/directories/${world.directoryId}/held/approve`, { all: true })
      await world.settle()
      expect(disabled(world)).toBe(isApproved ? 7 : 6)
    },
  )

  test('is not answered by a command that comes while a drain is about to hold it', async () => {
    const beside: (() => Promise<unknown>)[] = []
    const world = await exportWorld({
      settings: { threshold: { count: 0, percent: 0 } },
      fetch: (next) => async (input, init) => {
        await beside.pop()?.()
        return next(new Request(input, init))
      },
    })
    const { body: user } = await world.scim.post('/Users', newUser('u0'))
    await world.settle()
    const api = await apiOf(world)
    await suspend(world, [user['id']])
    await title(world, user['id'], 'Director')
    beside.push(() => api.post(`/directories/${world.directoryId}/held/approve`, { all: true }))
    await world.settle()
    expect(beside).toEqual([])
    expect(disabled(world)).toBe(0)
    expect(await world.binding(user['id'])).toMatchObject({ state: 'held', approval: 'asked' })
  })

  const REJECTED = {
    state: 'failed',
    approval: 'rejected',
    due_at: null,
    error: { code: 'removal_rejected' },
  }
  /** Held, rejected, and from then on the threshold would let it through. */
  const rejected = async (
    threshold: DirectorySettings['threshold'] = { count: 50, percent: 0 },
  ) => {
    const { world, id } = await held()
    await answer(world, 'rejected')
    await world.settle()
    expect(accountOf(world)).toMatchObject({ accountEnabled: true })
    expect(await world.binding(id)).toMatchObject(REJECTED)
    const api = await apiOf(world)
    await api.patch(`/directories/${world.directoryId}`, { settings: { threshold } })
    await world.settle()
    expect(await world.binding(id)).toMatchObject(REJECTED)
    return { world, id, api, directory: `/directories/${world.directoryId}` }
  }

  test('is left as it is when it is rejected, while everything else of the user goes on', async () => {
    const { world, id } = await rejected()
    await title(world, id, 'Director')
    await world.settle()
    expect(accountOf(world)).toMatchObject({ jobTitle: 'Director', accountEnabled: true })
    expect(await world.binding(id)).toMatchObject(REJECTED)
  })

  test('stays rejected when everybody is bound or exported again, and when there is no threshold any more', async () => {
    const { world, id, api, directory } = await rejected(null)
    await api.post(`${directory}/bindings`, { all: true })
    await world.settle()
    expect(await world.binding(id)).toMatchObject(REJECTED)
    await api.post(`${directory}/exports`, { all: true })
    await world.settle()
    expect(await world.binding(id)).toMatchObject(REJECTED)
    expect(disabled(world)).toBe(0)
  })

  test('stays rejected though something else of it is refused, which is told until it is mended', async () => {
    const { world, id, api, directory } = await rejected()
    world.graph.faults.add({
      match: { method: 'PATCH' },
      status: 400,
      code: 'Request_BadRequest',
      message: "Invalid value specified for property 'jobTitle' of resource 'User'.",
    })
    await title(world, id, 'Director')
    await world.settle()
    const refused = await world.binding(id)
    expect(refused).toMatchObject({ state: 'failed', approval: 'rejected' })
    expect(refused['error']).not.toMatchObject({ code: 'removal_rejected' })
    await api.post(`${directory}/failures/replay`, { all: true })
    await world.settle()
    expect(accountOf(world)).toMatchObject({ jobTitle: 'Director', accountEnabled: true })
    expect(await world.binding(id)).toMatchObject(REJECTED)
  })

  test('that was rejected is over when the user is active again; another suspension is another question', async () => {
    const { world, id } = await rejected()
    await suspend(world, [id], true)
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'synced', approval: null, error: null })
    await suspend(world, [id])
    await world.settle()
    expect(accountOf(world)).toMatchObject({ accountEnabled: false })
  })

  test.each([
    ['deleted', (world: ExportWorld, id: string) => world.scim.delete(`/Users/${id}`)],
    [
      'active in between and suspended anew',
      async (world: ExportWorld, id: string) => {
        await suspend(world, [id], true)
        await suspend(world, [id])
      },
    ],
  ])('that was rejected is asked about again when the user is %s', async (_, change) => {
    const { world, id } = await rejected()
    await change(world, id)
    await world.settle()
    expect(accountOf(world)).toMatchObject({ accountEnabled: true })
    expect(await world.binding(id)).toMatchObject({
      state: 'held',
      approval: 'asked',
      error: { code: 'threshold', message: expect.stringMatching(/rejected it before/) },
    })
    await answer(world, 'approved')
    await world.settle()
    expect(accountOf(world)).toMatchObject({ accountEnabled: false })
  })

  test('that was rejected is asked about again when the user leaves the groups that it was bound for', async () => {
    const { world, ids } = await worldOf(1, { count: 0, percent: 0 })
    const [id = ''] = ids
    const api = await apiOf(world)
    const { body } = await world.scim.post('/Groups', {
      displayName: 'G',
      members: [{ value: id }],
    })
    await world.query(sql`UPDATE binding SET reason = 'groups' WHERE resource_id = ${id}`)
    const groups = { mode: 'groups', groupIds: [body['id']] }
    const directory = `/directories/${world.directoryId}`
    await api.patch(directory, { settings: { bindNewUsers: groups } })
    await suspend(world, [id])
    await world.settle()
    await api.post(`${directory}/held/reject`, { all: true })
    await world.settle()
    expect(await world.binding(id)).toMatchObject(REJECTED)
    await api.patch(directory, { settings: { threshold: { count: 50, percent: 0 } } })
    await world.scim.patch(`/Groups/${body['id']}`, [{ op: 'remove', path: 'members' }])
    await world.settle()
    expect(disabled(world)).toBe(0)
    expect(await world.binding(id)).toMatchObject({ state: 'held', unbound_by: 'groups' })
    await api.post(`${directory}/held/approve`, { all: true })
    await world.settle()
    expect(disabled(world)).toBe(1)
    expect(await world.binding(id)).toMatchObject({ state: 'former' })
  })

  test('goes on without a question when the user is active again', async () => {
    const { world, id } = await held()
    await suspend(world, [id], true)
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'synced', approval: null })
  })

  test('that was unbound and is held stays bound and in its groups, and ends when it is approved', async () => {
    const { world, ids } = await worldOf(2, { count: 0, percent: 0 })
    await world.scim.post('/Groups', {
      displayName: 'G',
      members: ids.map((value) => ({ value })),
    })
    await world.settle()
    const members = () => world.graph.summary().groups[0]?.['members'] as unknown[]
    await world.query(sql`UPDATE binding SET state = 'unbinding', unbound_by = 'admin',
        due_at = ${world.clock.now} WHERE resource_id = ${ids[0]}`)
    await world.settle()
    expect(await world.binding(ids[0]!)).toMatchObject({ state: 'held' })
    await title(world, ids[0]!, 'Director')
    await world.settle()
    expect(disabled(world)).toBe(0)
    expect(members()).toHaveLength(2)
    await answer(world, 'approved')
    await world.settle()
    expect(await world.binding(ids[0]!)).toMatchObject({ state: 'former' })
    expect(disabled(world)).toBe(1)
    expect(members()).toHaveLength(1)
  })
})

describe('a binding that is held because its name is taken', () => {
  const seeded = async () => {
    const world = await exportWorld({ settings: { conflict: 'hold' } })
    world.graph.seed({ users: 1, prefix: 'a' })
    const { body } = await world.scim.post('/Users', {
      ...newUser('a'),
      emails: [{ type: 'work', value: 'a1@contoso.com' }],
    })
    await world.settle()
    expect(await world.binding(body['id'])).toMatchObject({
      state: 'held',
      approval: 'asked',
      error: { code: 'account_exists' },
    })
    return { world, id: body['id'] as string }
  }

  test('adopts the account when it is approved', async () => {
    const { world, id } = await seeded()
    await answer(world, 'approved')
    await world.settle()
    expect(accounts(world)).toHaveLength(1)
    expect(accounts(world)[0]).toMatchObject({ displayName: 'a Test' })
    expect(await world.binding(id)).toMatchObject({ state: 'synced', approval: null })
  })

  test('leaves the account alone when it is rejected, until the user has another address', async () => {
    const { world, id } = await seeded()
    await answer(world, 'rejected')
    await world.settle()
    expect(await world.binding(id)).toMatchObject({
      state: 'failed',
      error: { code: 'adoption_rejected' },
    })
    await world.scim.patch(`/Users/${id}`, [
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'a2@contoso.com' },
    ])
    await world.settle()
    expect(accounts(world)).toHaveLength(2)
    expect(accounts(world)[0]).toMatchObject({ displayName: 'Seeded User 1' })
    expect(await world.binding(id)).toMatchObject({ state: 'synced' })
  })

  test('stays rejected whatever else changes of its user, also where accounts are adopted by now, until it is approved by its id', async () => {
    const { world, id } = await seeded()
    const api = await apiOf(world)
    const directory = `/directories/${world.directoryId}`
    await api.post(`${directory}/held/reject`, { all: true })
    await world.settle()
    await api.patch(directory, { settings: { conflict: 'adopt' } })
    await world.scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value: 'Director' }])
    await world.settle()
    await api.post(`${directory}/failures/replay`, { all: true })
    await api.post(`${directory}/bindings`, { all: true })
    await world.settle()
    expect(accounts(world)).toMatchObject([{ displayName: 'Seeded User 1' }])
    expect(await world.binding(id)).toMatchObject({
      state: 'failed',
      error: { code: 'adoption_rejected' },
    })
    const { body } = await api.get(`${directory}/failures`)
    await api.post(`${directory}/held/approve`, { bindingIds: [body['items'][0]['id']] })
    await world.settle()
    expect(accounts(world)).toMatchObject([{ displayName: 'a Test', jobTitle: 'Director' }])
    expect(await world.binding(id)).toMatchObject({ state: 'synced' })
  })

  test('is held again with its reason when it is approved though the account is not one to adopt', async () => {
    const { world, id } = await seeded()
    const [account] = world.graph.tenant().all('user')
    world.graph.changeUser(account!.id, { properties: { onPremisesSyncEnabled: true } })
    await answer(world, 'approved')
    await world.settle()
    expect(await world.binding(id)).toMatchObject({
      state: 'held',
      approval: 'asked',
      error: { code: 'account_is_synced' },
    })
    expect(accounts(world)[0]).toMatchObject({ displayName: 'Seeded User 1' })
  })

  test('of a former user with another externalId is adopted when it is approved', async () => {
    const world = await exportWorld()
    const { body: old } = await world.scim.post('/Users', newUser('a'))
    await world.settle()
    await world.scim.delete(`/Users/${old['id']}`)
    await world.settle()
    const { body } = await world.scim.post('/Users', newUser('a', { externalId: 'renumbered' }))
    await world.settle()
    expect(await world.binding(body['id'])).toMatchObject({ state: 'held' })
    await answer(world, 'approved')
    await world.settle()
    expect(accounts(world)).toHaveLength(1)
    expect(accounts(world)[0]).toMatchObject({ accountEnabled: true })
    expect(await world.binding(body['id'])).toMatchObject({ state: 'synced' })
  })
})
