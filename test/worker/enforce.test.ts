import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { batchOf } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

const REFUSED = {
  status: 403,
  code: 'Authorization_RequestDenied',
  message: 'Insufficient privileges to complete the operation.',
} as const

const refuseOnce = ({ graph }: ReconcileWorld, path: string) =>
  graph.faults.add({ match: { method: 'PATCH', path }, times: 1, ...REFUSED })

/** What a run that enforces told, and every write that followed it. */
async function enforce(world: ReconcileWorld) {
  world.graph.journal.clear()
  const drift = await world.drift(await world.run('enforce'))
  return { told: drift.map(({ attribute }) => attribute), sent: sentIn(world) }
}

/** The bodies of the writes of users and groups; of a write without body its URL. */
const sentIn = ({ graph }: ReconcileWorld) =>
  graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && !url.startsWith('/$batch'))
    .map(({ body, url }) => body ?? url)

const failOnce = ({ graph }: ReconcileWorld, path: string) =>
  graph.faults.add({
    match: { method: 'PATCH', path },
    times: 1,
    status: 503,
    code: 'serviceUnavailable',
    message: 'Service unavailable.',
  })

/** Starts a run that enforces, and has what it found tried once. */
async function begin(world: ReconcileWorld) {
  const { organizationId, directoryId, jobs } = world
  const path = `/directories/${directoryId}/reconciliations`
  const { body } = await world.api.post(path, { mode: 'enforce' })
  await jobs.queue(batchOf([{ organizationId, directoryId, reconciliationId: body['id'] }]))
  await jobs.queue(batchOf([{ organizationId, directoryId }]))
  return body
}

/** The next round dies before it can store what Graph has done. */
const dieAtTheEnd = ({ query, directoryId }: ReconcileWorld) =>
  query(sql`CREATE TRIGGER crash BEFORE UPDATE OF position ON directory
    WHEN NEW.id = ${sql.raw(`'${directoryId}'`)} BEGIN SELECT RAISE(ABORT, 'Network connection lost'); END`)

/** It has failed with what was refused before, and nothing is tried. */
const RESTING = { state: 'failed', due_at: null, found: null }

const exportsOf = (world: ReconcileWorld, id: string) =>
  world.query(sql`SELECT type, body ->> '$.details.attributes' AS attributes FROM event
    WHERE organization_id = ${world.organizationId} AND target_id = ${id}
      AND type IN ('export_success', 'export_failure', 'binding_held') ORDER BY sequence`)

/** Ann, of whom Microsoft 365 has refused a title, and whose first name somebody changed there. */
async function refusedTitle(settings = {}) {
  const world = await reconcileWorld({ settings })
  const [ann = ''] = await world.exported('ann')
  const graphId = world.accountOf('ann')
  const patch = (path: string, value: unknown) =>
    world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path, value }])
  refuseOnce(world, `^/users/${graphId}`)
  await patch('title', 'Boss')
  await world.settle()
  world.clock.now += 3_600_000
  world.graph.changeUser(graphId, { properties: { givenName: 'Anna' } })
  const replay = async () => {
    world.graph.journal.clear()
    await world.api.post(`/directories/${world.directoryId}/failures/replay`, { all: true })
    await world.settle()
    return sentIn(world)
  }
  return { world, ann, graphId, patch, replay }
}

describe('a user of whom something was refused before', () => {
  test('is sent what was told, and no more; what was refused stays refused until it is replayed', async () => {
    const { world, ann, replay } = await refusedTitle()
    const before = await world.binding(ann)
    expect(before).toMatchObject({ state: 'failed', due_at: null })
    expect(await enforce(world)).toEqual({ told: ['firstname'], sent: [{ givenName: 'ann' }] })
    const { state, error, due_at } = before
    expect(await world.binding(ann)).toMatchObject({ state, error, due_at })
    expect((await exportsOf(world, ann)).at(-1)).toEqual({
      type: 'export_success',
      attributes: '["firstname"]',
    })
    expect(await enforce(world)).toEqual({ told: [], sent: [] })
    expect(await replay()).toEqual([{ jobTitle: 'Boss' }])
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', error: null })
  })

  test('is sent it again, and still no more, when that was not answered', async () => {
    const { world, ann, graphId, replay } = await refusedTitle()
    const { error } = await world.binding(ann)
    failOnce(world, `^/users/${graphId}`)
    const sent = [{ givenName: 'ann' }, { givenName: 'ann' }]
    expect(await enforce(world)).toEqual({ told: ['firstname'], sent })
    expect(await world.binding(ann)).toMatchObject({ ...RESTING, error })
    expect(await replay()).toEqual([{ jobTitle: 'Boss' }])
  })

  test.each(['a change of the user', 'a replay'])(
    'is sent everything by %s that comes before that was tried again',
    async (what) => {
      const { world, ann, graphId, patch, replay } = await refusedTitle()
      failOnce(world, `^/users/${graphId}`)
      await begin(world)
      expect(await world.binding(ann)).toMatchObject({ state: 'failed', found: '["firstname"]' })
      if (what === 'a replay') await replay()
      else await patch('nickName', 'Annie')
      await world.settle()
      expect(sentIn(world).at(-1)).toEqual({ givenName: 'ann', jobTitle: 'Boss' })
      expect(await world.binding(ann)).toMatchObject({ state: 'synced', found: null })
    },
  )

  test('is sent it again, and still no more, by whoever finds the drain dead that sent it', async () => {
    const { world, ann, replay } = await refusedTitle()
    const { error } = await world.binding(ann)
    await dieAtTheEnd(world)
    await begin(world)
    expect(sentIn(world).at(-1)).toEqual({ givenName: 'ann' })
    await world.query(sql`DROP TRIGGER crash`)
    world.graph.journal.clear()
    await world.query(sql`UPDATE directory SET lease_until = 1 WHERE id = ${world.directoryId}`)
    await world.settle()
    expect(sentIn(world)).toEqual([{ givenName: 'ann' }])
    expect(await world.binding(ann)).toMatchObject({ ...RESTING, error })
    expect(await replay()).toEqual([{ jobTitle: 'Boss' }])
  })

  test('and whose finding is refused too, fails with that', async () => {
    const { world, ann, graphId } = await refusedTitle()
    refuseOnce(world, `^/users/${graphId}`)
    expect(await enforce(world)).toEqual({ told: ['firstname'], sent: [{ givenName: 'ann' }] })
    expect(await world.binding(ann)).toMatchObject({ state: 'failed', due_at: null, found: null })
  })

  test('is sent the value that was told, and not the one that was refused', async () => {
    const { world, graphId, replay } = await refusedTitle()
    world.graph.changeUser(graphId, { properties: { givenName: 'ann', jobTitle: 'Theirs' } })
    expect(await enforce(world)).toEqual({ told: ['jobTitle'], sent: [{ jobTitle: 'Engineer' }] })
    expect(await replay()).toEqual([{ jobTitle: 'Boss' }])
  })

  test('and somebody set as it is to be, is neither told nor written back to what it was', async () => {
    const { world, graphId } = await refusedTitle()
    world.graph.changeUser(graphId, { properties: { givenName: 'ann', jobTitle: 'Boss' } })
    expect(await enforce(world)).toEqual({ told: [], sent: [] })
    expect(world.graph.summary().users).toMatchObject([{ jobTitle: 'Boss' }])
  })

  test.each<[string, Partial<DirectorySettings>]>([
    ['is left enabled', { onSuspend: 'leave' }],
    ['is to be disabled, which is held', { threshold: { count: 0, percent: 0 } }],
  ])('and who is suspended and %s, is no drift once somebody disables her', async (_, settings) => {
    const world = await reconcileWorld({ settings })
    const [ann = ''] = await world.exported('ann')
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    world.clock.now += 3_600_000
    world.graph.changeUser(world.accountOf('ann'), { properties: { accountEnabled: false } })
    expect(await enforce(world)).toEqual({ told: [], sent: [] })
  })

  test('since the domain of a new address is not verified, is given the former one back', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    const path = 'emails[type eq "work"].value'
    await world.scim.patch(`/Users/${ann}`, [
      { op: 'replace', path, value: 'ann@elsewhere.example' },
    ])
    await world.settle()
    world.clock.now += 3_600_000
    const userPrincipalName = 'theirs@contoso.com'
    world.graph.changeUser(world.accountOf('ann'), { properties: { userPrincipalName } })
    expect(await enforce(world)).toEqual({
      told: ['email'],
      sent: [{ userPrincipalName: 'ann@contoso.com' }],
    })
  })

  test('is sent the rest of the same property as it was', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    const graphId = world.accountOf('ann')
    const patch = async (attribute: string, value: string) => {
      const path = `${ENTERPRISE_USER_URN}:${attribute}`
      await world.scim.patch(`/Users/${ann}`, [{ op: 'add', path, value }])
      await world.settle()
    }
    await patch('division', 'East')
    await patch('costCenter', 'C1')
    refuseOnce(world, `^/users/${graphId}`)
    await patch('division', 'West')
    world.clock.now += 3_600_000
    world.graph.changeUser(graphId, {
      properties: { employeeOrgData: { costCenter: 'C9', division: 'East' } },
    })
    expect(await enforce(world)).toEqual({
      told: ['costCenter'],
      sent: [{ employeeOrgData: { costCenter: 'C1', division: 'East' } }],
    })
  })

  test('and whose disabling is held, is sent neither', async () => {
    const { world, ann, graphId, patch } = await refusedTitle({
      threshold: { count: 0, percent: 0 },
    })
    refuseOnce(world, `^/users/${graphId}`)
    await patch('active', false)
    await world.settle()
    world.clock.now += 3_600_000
    await world.lower({ count: 20, percent: 10 })
    const { state, approval, error } = await world.binding(ann)
    expect({ state, approval }).toEqual({ state: 'held', approval: 'asked' })
    expect(await enforce(world)).toEqual({ told: ['firstname'], sent: [{ givenName: 'ann' }] })
    expect(await world.binding(ann)).toMatchObject({ state, approval, error })
  })
})

describe('a user whose unbinding an administrator', () => {
  test.each(['is asked about', 'has rejected'])(
    '%s is told of with nothing that is not put right',
    async (what) => {
      const world = await reconcileWorld({ settings: { threshold: { count: 0, percent: 0 } } })
      const [ann = ''] = await world.exported('ann')
      const members = [{ value: ann }]
      const { body: sales } = await world.scim.post('/Groups', { displayName: 'Sales', members })
      await world.settle()
      const directory = `/directories/${world.directoryId}`
      await world.api.send('DELETE', `${directory}/bindings`, { userIds: [ann] })
      await world.settle()
      if (what === 'has rejected') await world.api.post(`${directory}/held/reject`, { all: true })
      await world.settle()
      const before = await world.binding(ann)
      expect(before['state']).toBe(what === 'has rejected' ? 'failed' : 'held')
      world.clock.now += 3_600_000
      const properties = { jobTitle: 'Theirs', accountEnabled: false }
      world.graph.changeUser(world.accountOf('ann'), { properties })
      expect(await enforce(world)).toEqual({ told: [], sent: [] })
      expect(await world.binding(ann)).toEqual(before)
      // She stays in her groups until she is let go of.
      const graphId = String((await world.binding(String(sales['id'])))['graph_id'])
      world.graph.changeGroup(graphId, { removeMembers: [world.accountOf('ann')] })
      const added = { 'members@odata.bind': [expect.stringContaining(world.accountOf('ann'))] }
      expect(await enforce(world)).toEqual({ told: ['members'], sent: [added] })
    },
  )
})

describe('a user who owes nothing', () => {
  test.each([403, 503])(
    'fails, or is tried again, when what was found is answered %i',
    async (status) => {
      const world = await reconcileWorld()
      const [ann = ''] = await world.exported('ann')
      const graphId = world.accountOf('ann')
      world.graph.changeUser(graphId, { properties: { givenName: 'Anna' } })
      ;(status === 403 ? refuseOnce : failOnce)(world, `^/users/${graphId}`)
      const { told, sent } = await enforce(world)
      expect(told).toEqual(['firstname'])
      const found = { givenName: 'ann' }
      expect(sent).toEqual(status === 403 ? [found] : [found, found])
      expect(await world.binding(ann)).toMatchObject(
        status === 403
          ? { ...RESTING, error: { code: expect.any(String) } }
          : { ...RESTING, state: 'synced', error: null },
      )
    },
  )
})

describe('a user whose link to the manager waits', () => {
  /** Ann, who is to be linked to Boss, whose account Microsoft 365 does not know; before, she was linked to Eve. */
  async function linkWaits() {
    const world = await reconcileWorld()
    const [ann = '', boss = '', eve = ''] = await world.exported('ann', 'boss', 'eve')
    const manage = async (value: string) => {
      const path = `${ENTERPRISE_USER_URN}:manager`
      await world.scim.patch(`/Users/${ann}`, [{ op: 'add', path, value: { value } }])
      await world.drain()
    }
    await manage(eve)
    world.clock.now += 3_600_000
    world.graph.faults.add({
      match: { method: 'PUT', path: '/manager/' },
      status: 404,
      code: 'Request_ResourceNotFound',
      message: `Resource '${world.accountOf('boss')}' does not exist.`,
    })
    await manage(boss)
    await world.drain()
    world.bells.length = 0
    const before = await world.binding(ann)
    expect(before).toMatchObject({ state: 'owed', error: { code: 'manager_missing' } })
    world.clock.now = before['due_at'] - 60_000
    world.graph.journal.clear()
    const account = world.accountOf('ann')
    const { due_at, error, state } = before
    const expectWaiting = async () =>
      expect(await world.binding(ann)).toMatchObject({ due_at, error, state })
    return { world, account, expectWaiting }
  }

  test('is sent what was told, and waits on', async () => {
    const { world, account, expectWaiting } = await linkWaits()
    world.graph.changeUser(account, { properties: { givenName: 'Anna' } })
    await begin(world)
    expect(sentIn(world)).toEqual([{ givenName: 'ann' }])
    await expectWaiting()
  })

  test('and who is linked to somebody else meanwhile, loses that link, as was told, and waits on', async () => {
    const { world, account, expectWaiting } = await linkWaits()
    world.graph.changeUser(account, { manager: world.accountOf('eve') })
    const run = await begin(world)
    const row = { attribute: 'manager', ours: null, theirs: world.accountOf('eve') }
    expect(await world.drift(run)).toMatchObject([row])
    expect(sentIn(world)).toEqual([`/users/${account}/manager/$ref`])
    await expectWaiting()
  })

  test('and who has it by now, is neither told of nor written, and waits on', async () => {
    const { world, account, expectWaiting } = await linkWaits()
    world.graph.changeUser(account, { manager: world.accountOf('boss') })
    expect(await world.drift(await begin(world))).toEqual([])
    expect(sentIn(world)).toEqual([])
    await expectWaiting()
  })
})

test('a user of whom something waits is sent what was told again alone when that was not answered, and the rest in its own time', async () => {
  const world = await reconcileWorld()
  const [ann = ''] = await world.exported('ann')
  const graphId = world.accountOf('ann')
  const match = { method: 'PATCH', path: `^/users/${graphId}` }
  world.graph.faults.add({ match, status: 503, retryAfter: 600 })
  await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
  await world.drain()
  world.graph.changeUser(graphId, { properties: { givenName: 'Anna' } })
  const { due_at } = await world.binding(ann)
  world.clock.now = due_at - 200_000
  world.graph.journal.clear()
  failOnce(world, match.path)
  await begin(world)
  const found = { state: 'owed', found: '["firstname"]', rest_due_at: due_at }
  expect(await world.binding(ann)).toMatchObject(found)
  world.clock.now += 100_000
  await world.drain()
  expect(sentIn(world)).toEqual([{ givenName: 'ann' }, { givenName: 'ann' }])
  expect(await world.binding(ann)).toMatchObject({ state: 'owed', due_at, found: null })
  world.clock.now = due_at
  await world.drain()
  expect(sentIn(world).at(-1)).toEqual({ jobTitle: 'Boss' })
})

describe('a group of which something was refused before', () => {
  async function salesOf(...names: string[]) {
    const world = await reconcileWorld()
    const members = await world.exported(...names)
    const { body } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
      members: members.map((value) => ({ value })),
    })
    await world.settle()
    world.clock.now += 3_600_000
    const id = String(body['id'])
    const graphId = String((await world.binding(id))['graph_id'])
    return { world, id, graphId, members }
  }

  test('its name, is sent the memberships that were told, and no more', async () => {
    const { world, id, graphId } = await salesOf('ann', 'bob')
    refuseOnce(world, `^/groups/${graphId}`)
    await world.scim.patch(`/Groups/${id}`, [
      { op: 'replace', path: 'displayName', value: 'Sales East' },
    ])
    await world.settle()
    world.clock.now += 3_600_000
    const { state, error } = await world.binding(id)
    expect(state).toBe('failed')
    world.graph.changeGroup(graphId, { removeMembers: [world.accountOf('bob')] })
    const { told, sent } = await enforce(world)
    expect(told).toEqual(['members'])
    expect(sent).toEqual([
      { 'members@odata.bind': [expect.stringContaining(world.accountOf('bob'))] },
    ])
    expect(await world.binding(id)).toMatchObject({ state, error, due_at: null })
    expect((await exportsOf(world, id)).at(-1)).toEqual({
      type: 'export_success',
      attributes: '["members"]',
    })
  })

  test('its name, is given back the one that was told', async () => {
    const { world, id, graphId } = await salesOf('ann')
    refuseOnce(world, `^/groups/${graphId}`)
    const path = 'displayName'
    await world.scim.patch(`/Groups/${id}`, [{ op: 'replace', path, value: 'Sales East' }])
    await world.settle()
    world.clock.now += 3_600_000
    world.graph.changeGroup(graphId, { properties: { displayName: 'Theirs' } })
    expect(await enforce(world)).toEqual({
      told: ['displayName'],
      sent: [{ displayName: 'Sales' }],
    })
  })

  test('a membership, is sent the others that were told, and no more', async () => {
    const { world, id, graphId } = await salesOf('ann', 'bob')
    const [cyn = ''] = await world.exported('cyn')
    refuseOnce(world, `^/groups/${graphId}`)
    await world.scim.patch(`/Groups/${id}`, [
      { op: 'add', path: 'members', value: [{ value: cyn }] },
    ])
    await world.settle()
    world.clock.now += 3_600_000
    const { state, error } = await world.binding(id)
    expect(state).toBe('failed')
    world.graph.changeGroup(graphId, { removeMembers: [world.accountOf('bob')] })
    const { told, sent } = await enforce(world)
    expect(told).toEqual(['members'])
    expect(sent).toEqual([
      { 'members@odata.bind': [expect.stringContaining(world.accountOf('bob'))] },
    ])
    expect(await world.binding(id)).toMatchObject({ state, error, due_at: null })
  })

  test('is sent them again, and still no more, when that was not answered', async () => {
    const { world, id, graphId } = await salesOf('ann', 'bob')
    refuseOnce(world, `^/groups/${graphId}`)
    await world.scim.patch(`/Groups/${id}`, [
      { op: 'replace', path: 'displayName', value: 'Sales East' },
    ])
    await world.settle()
    world.clock.now += 3_600_000
    const { state, error } = await world.binding(id)
    world.graph.changeGroup(graphId, { removeMembers: [world.accountOf('bob')] })
    failOnce(world, `^/groups/${graphId}`)
    const { sent } = await enforce(world)
    const added = { 'members@odata.bind': [expect.stringContaining(world.accountOf('bob'))] }
    expect(sent).toEqual([added, added])
    expect(await world.binding(id)).toMatchObject({ ...RESTING, state, error })
  })
})
