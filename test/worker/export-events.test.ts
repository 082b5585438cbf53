import { describe, expect, test } from 'vitest'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000

const newest = async ({ api }: ReconcileWorld): Promise<Loose> =>
  (await api.get('/events?type=export_success&limit=1')).body['items'][0]

/** The changes of an event, by attribute. */
const changesOf = (event: Loose) =>
  Object.fromEntries(
    (event['changes'] as Loose[]).map(({ attribute, from, to }) => [attribute, [from, to]]),
  )

test('an export tells what it sent, from what it had sent before, and no password', async () => {
  const world = await reconcileWorld()
  const { body: ann } = await world.scim.post(
    '/Users',
    newUser('ann', { password: 'Ha7!mmer-sickle' }),
  )
  await world.settle()
  const created = await newest(world)
  expect(created).toMatchObject({
    outcome: 'success',
    details: { graphId: world.accountOf('ann') },
  })
  expect(changesOf(created)).toMatchObject({
    email: [null, 'ann@contoso.com'],
    jobTitle: [null, 'Engineer'],
    accountEnabled: [null, true],
  })
  expect(JSON.stringify(created)).not.toContain('sickle')
  await world.scim.patch(`/Users/${ann['id']}`, [
    { op: 'replace', path: 'title', value: 'Boss' },
    { op: 'replace', path: 'active', value: false },
  ])
  await world.settle()
  expect(changesOf(await newest(world))).toEqual({
    jobTitle: ['Engineer', 'Boss'],
    accountEnabled: [true, false],
  })
})

test('an export into an account that was there before tells what it overwrote, and its undo what it put back', async () => {
  const world = await reconcileWorld({
    settings: { bindNewUsers: { mode: 'manual', groupIds: [] } },
  })
  const { users } = world.graph.seed({ users: 1 })
  const [graphId = ''] = users
  const properties = { userPrincipalName: 'ann@contoso.com', jobTitle: 'Theirs' }
  world.graph.changeUser(graphId, { properties })
  const { body: ann } = await world.scim.post('/Users', newUser('ann'))
  const directory = `/directories/${world.directoryId}`
  await world.api.post(`${directory}/bindings`, { userIds: [ann['id']] })
  await world.settle()
  const adopted = await newest(world)
  expect(changesOf(adopted)).toMatchObject({ jobTitle: ['Theirs', 'Engineer'] })
  const { body: bound } = await world.api.get('/events?type=binding_create&limit=1')
  world.clock.now += 3_600_000
  await world.api.post(`${directory}/undo`, { eventId: bound['items'][0]['id'] })
  await world.settle()
  const undone = await newest(world)
  expect(undone).toMatchObject({ details: { graphId } })
  expect(changesOf(undone)).toMatchObject({ jobTitle: ['Engineer', 'Theirs'] })
})

/** Ann, exported long since, and what a change of hers, or a command, is told as. */
async function ann(settings: Partial<DirectorySettings> = {}, more: Loose = {}) {
  const world = await reconcileWorld({ settings })
  const { body } = await world.scim.post('/Users', newUser('ann', more))
  const id = String(body['id'])
  await world.settle()
  world.clock.now += HOUR
  return {
    world,
    id,
    graphId: world.accountOf('ann'),
    async patch(...operations: Loose[]) {
      await world.scim.patch(`/Users/${id}`, operations)
      await world.settle()
      return newest(world)
    },
    async command(path: string, body: Loose) {
      await world.api.post(`/directories/${world.directoryId}${path}`, body)
      await world.settle()
      return newest(world)
    },
  }
}

describe('an export tells', () => {
  test('a value that was cleared, and a manager who was taken away', async () => {
    const { world, patch } = await ann()
    const [boss] = await world.exported('boss')
    const manager = `${ENTERPRISE_USER_URN}:manager`
    expect(changesOf(await patch({ op: 'add', path: manager, value: { value: boss } }))).toEqual({
      manager: [null, world.accountOf('boss')],
    })
    const both = [
      { op: 'remove', path: 'title' },
      { op: 'remove', path: manager },
    ]
    expect(changesOf(await patch(...both))).toEqual({
      jobTitle: ['Engineer', null],
      manager: [world.accountOf('boss'), null],
    })
  })

  test('what was written of a user whose name waits for a domain', async () => {
    const { world, id, patch } = await ann()
    const event = await patch(
      { op: 'replace', path: 'title', value: 'Boss' },
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'ann@elsewhere.example' },
    )
    expect(event).toMatchObject({ target: { id }, details: { attributes: ['jobTitle'] } })
    expect(changesOf(event)).toEqual({ jobTitle: ['Engineer', 'Boss'] })
    const failures = await world.api.get(`/events?type=export_failure&target=${id}`)
    expect(failures.body['items']).toEqual([])
    expect(await world.binding(id)).toMatchObject({
      state: 'failed',
      error: { code: 'domain_not_verified' },
    })
  })

  test('what a run that enforces found there', async () => {
    const { world, graphId } = await ann()
    world.graph.changeUser(graphId, { properties: { jobTitle: 'Theirs', mobilePhone: '+1 5' } })
    await world.run('enforce')
    expect(changesOf(await newest(world))).toEqual({ jobTitle: ['Theirs', 'Engineer'] })
  })

  test('nothing of what was there where nobody knows it', async () => {
    const { world, graphId, command } = await ann()
    world.graph.changeUser(graphId, { properties: { jobTitle: 'Theirs' } })
    const again = await command('/exports', { all: true })
    expect(again['details']['attributes']).toContain('jobTitle')
    expect(again['changes']).toContainEqual({ attribute: 'jobTitle', to: 'Engineer' })
  })

  test('no change where an account that was there before held the same', async () => {
    const world = await reconcileWorld()
    const [graphId = ''] = world.graph.seed({ users: 1 }).users
    const properties = {
      userPrincipalName: 'ann@contoso.com',
      displayName: 'Somebody',
      jobTitle: 'Engineer',
    }
    world.graph.changeUser(graphId, { properties })
    await world.scim.post('/Users', newUser('ann'))
    await world.settle()
    const event = await newest(world)
    expect(event['details']['attributes']).toContain('jobTitle')
    const changes = changesOf(event)
    expect(changes).toMatchObject({ displayname: ['Somebody', expect.any(String)] })
    expect(Object.keys(changes)).not.toContain('jobTitle')
  })

  test('that a password was delivered, and never which', async () => {
    const { world, patch } = await ann({}, { password: 'F1rst-of-hers!' })
    expect((await newest(world))['details']['attributes']).toContain('password')
    const changed = await patch({ op: 'replace', path: 'password', value: 'Ha7!mmer-sickle' })
    expect(changed).toMatchObject({ changes: [], details: { attributes: ['password'] } })
  })

  test('that an account was deleted, as a reconciliation tells it', async () => {
    const { world, id, graphId } = await ann({ onDelete: 'delete' })
    await world.scim.delete(`/Users/${id}`)
    await world.settle()
    expect(await newest(world)).toMatchObject({
      changes: [{ attribute: 'deleted', from: null, to: 'recycle_bin' }],
      details: { graphId, attributes: ['deleted'] },
    })
  })
})
