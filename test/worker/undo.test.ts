import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import { type ApiClient, apiClient } from '../support/api.ts'
import { type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import { byHand, reconcileWorld } from '../support/reconcile.ts'
import { type Loose, readLog } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const MANUAL: Partial<DirectorySettings> = { bindNewUsers: { mode: 'manual', groupIds: [] } }
const DAY = 86_400_000
const SALES = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
  displayName: 'Sales',
}
const DAILY = '17 3 * * *'

interface Undoing {
  readonly world: ExportWorld
  readonly api: ApiClient
  readonly directory: string
  /** Sends a command and has it carried out; gives its job afterwards. */
  command(method: 'POST' | 'DELETE', path: string, body: unknown): Promise<Loose>
  /** Sets directions and has them carried out. */
  direct(directions: Record<string, string>): Promise<void>
  /** The id of the newest event of a type. */
  newest(type: string): Promise<string>
  undo(eventId: string): Promise<Loose>
}

async function undoing(settings: Partial<DirectorySettings> = MANUAL): Promise<Undoing> {
  const world = await exportWorld({ settings })
  const { organizationId, clock } = world
  // What the API rings for waits in the world's queue.
  const announceRun: ApiClient['deps']['announceRun'] = async (bell) => {
    world.bells.push({ ...bell, delaySeconds: 0 })
  }
  const api = await apiClient({ organizationId, clock, instead: { announceRun } })
  const directory = `/directories/${world.directoryId}`
  const command: Undoing['command'] = async (method, path, body) => {
    const { status, body: job } = await api.send(method, `${directory}${path}`, body)
    expect({ status, detail: job['detail'] }).toEqual({ status: 202 })
    await world.settle()
    return (await api.get(`/jobs/${job['id']}`)).body
  }
  return {
    world,
    api,
    directory,
    command,
    async direct(directions) {
      const { status } = await api.patch(`${directory}/attributes`, directions)
      expect(status).toBe(200)
      await world.settle()
    },
    async newest(type) {
      const { body } = await api.get(`/events?type=${type}&limit=1`)
      return body['items'][0]['id']
    },
    undo: (eventId) => command('POST', '/undo', { eventId }),
  }
}

const created = async (world: ExportWorld, name: string, more = {}): Promise<string> =>
  (await world.scim.post('/Users', newUser(name, more))).body['id']

const accounts = (world: Pick<ExportWorld, 'graph'>): Loose[] =>
  world.graph.summary().users.filter((user: Loose) => user['isDeleted'] !== true)
/** What an account holds; when its sessions ended is no value of it. */
function account(world: Pick<ExportWorld, 'graph'>, id: string): Loose {
  const found = accounts(world).find((user) => user['id'] === id)
  if (found === undefined) throw new Error(`no account ${id}`)
  const held = Object.entries(found).filter(
    ([name, value]) => value !== null && name !== 'signInSessionsValidFromDateTime',
  )
  return Object.fromEntries(held)
}

/** An account as somebody else made it in Microsoft 365. */
function stranger(world: ExportWorld, properties: Loose, manager?: string): string {
  const [id = ''] = world.graph.seed({ users: 1, prefix: crypto.randomUUID() }).users
  world.graph.changeUser(id, { properties, ...(manager === undefined ? {} : { manager }) })
  return id
}

const BEFORE = {
  userPrincipalName: 'ann@contoso.com',
  givenName: 'Anna',
  surname: 'Before',
  displayName: 'Anna Before',
  jobTitle: 'Chief',
  otherMails: ['a@example.com', 'b@example.com'],
  businessPhones: ['+1 425 555 0100'],
  employeeOrgData: { costCenter: 'C1', division: 'D1' },
  usageLocation: 'DE',
  accountEnabled: false,
}

const written = (world: ExportWorld): Loose[] =>
  world.graph.journal.records().filter(({ method }) => method !== 'GET')

describe('undoing a bind', () => {
  test('puts an account that was there before back as it was, and lets go of it', async () => {
    const { world, command, newest, undo } = await undoing()
    const boss = stranger(world, { userPrincipalName: 'boss@contoso.com' })
    const id = stranger(world, BEFORE, boss)
    const before = account(world, id)
    const ann = await created(world, 'ann', {
      emails: [
        { type: 'work', primary: true, value: 'ann@contoso.com' },
        { type: 'home', value: 'ann@example.com' },
      ],
      [ENTERPRISE]: { costCenter: 'C2', department: 'Sales', manager: { value: 'usr_nobody' } },
    })
    await command('POST', '/bindings', { userIds: [ann] })
    expect(account(world, id)).toMatchObject({
      givenName: 'ann',
      jobTitle: 'Engineer',
      department: 'Sales',
      otherMails: ['ann@example.com'],
      employeeOrgData: { costCenter: 'C2', division: 'D1' },
      accountEnabled: true,
    })
    const job = await undo(await newest('binding_create'))
    expect(job).toMatchObject({ type: 'undo', state: 'done', done: 1, total: 1, errors: [] })
    expect(account(world, id)).toEqual(before)
    expect(await world.binding(ann)).toMatchObject({
      state: 'former',
      graph_id: null,
      unbound_by: 'undo',
      restoring: null,
    })
    world.graph.journal.clear()
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    await world.settle()
    expect(written(world)).toEqual([])
  })

  test('ends the sessions of an account that was disabled, although Graph is out of order at first', async () => {
    const { world, command, newest, undo } = await undoing()
    const id = stranger(world, BEFORE)
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    world.graph.journal.clear()
    world.graph.faults.add({ match: { path: '/revokeSignInSessions' }, status: 503 })
    await undo(await newest('binding_create'))
    const revoked = written(world).filter(({ url }) => /revokeSignInSessions/.test(url))
    expect(revoked.map(({ status }) => status)).toEqual([503, 200])
    expect(account(world, id)['accountEnabled']).toBe(false)
    expect(await world.binding(ann)).toMatchObject({ state: 'former' })
  })

  test('puts back what a direction that was chosen since has overwritten as well', async () => {
    const { world, api, directory, command, direct, newest, undo } = await undoing()
    await api.patch(`${directory}/attributes`, { jobTitle: 'exclude' })
    const id = stranger(world, BEFORE)
    const before = account(world, id)
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    const bound = await newest('binding_create')
    expect(account(world, id)['jobTitle']).toBe('Chief')
    await direct({ jobTitle: 'export' })
    expect(account(world, id)['jobTitle']).toBe('Engineer')
    await undo(bound)
    expect(account(world, id)).toEqual(before)
  })

  test('ends an account that we created like that of anybody who is unbound', async () => {
    const { world, command, newest, undo } = await undoing()
    const [ann, bob] = [await created(world, 'ann'), await created(world, 'bob')]
    await command('POST', '/bindings', { userIds: [bob] })
    await command('POST', '/bindings', { userIds: [ann, bob] })
    const job = await undo(await newest('binding_create'))
    // Bob was bound before, and stays so.
    expect(job).toMatchObject({ state: 'done', done: 1 })
    const enabled = Object.fromEntries(
      accounts(world).map((user) => [user['givenName'], user['accountEnabled']]),
    )
    expect(enabled).toEqual({ ann: false, bob: true })
    expect(await world.binding(ann)).toMatchObject({ state: 'former', unbound_by: 'admin' })
    expect(await world.binding(bob)).toMatchObject({ state: 'synced' })
  })

  test('of a user that was bound by itself is undone by its creation', async () => {
    const { world, newest, undo } = await undoing({})
    const id = stranger(world, BEFORE)
    const before = account(world, id)
    const ann = await created(world, 'ann')
    await world.settle()
    expect(account(world, id)['givenName']).toBe('ann')
    await undo(await newest('user_create'))
    expect(account(world, id)).toEqual(before)
    expect(await world.binding(ann)).toMatchObject({ state: 'former' })
  })

  test('of a user that had been unbound puts back what the account held by then', async () => {
    const { world, command, newest, undo } = await undoing()
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    await command('DELETE', '/bindings', { userIds: [ann] })
    const { graph_id: id } = await world.binding(ann)
    world.graph.changeUser(id, { properties: { jobTitle: 'Gardener', accountEnabled: true } })
    const before = account(world, id)
    await command('POST', '/bindings', { userIds: [ann] })
    expect(account(world, id)['jobTitle']).toBe('Engineer')
    await undo(await newest('binding_create'))
    expect(account(world, id)).toEqual(before)
  })

  test('of everybody puts everybody back, and nobody who was bound before', async () => {
    const { world, command, newest, undo } = await undoing()
    const id = stranger(world, BEFORE)
    const before = account(world, id)
    await created(world, 'ann')
    const bob = await created(world, 'bob')
    await command('POST', '/bindings', { userIds: [bob] })
    await command('POST', '/bindings', { all: true })
    expect(account(world, id)['givenName']).toBe('ann')
    expect(await undo(await newest('binding_create'))).toMatchObject({ state: 'done', done: 1 })
    expect(account(world, id)).toEqual(before)
    expect(await world.binding(bob)).toMatchObject({ state: 'synced' })
  })

  test('takes the account out of the groups that its user brought it into', async () => {
    const { world, command, newest, undo } = await undoing()
    const id = stranger(world, BEFORE)
    const ann = await created(world, 'ann')
    const { body: group } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
      members: [{ value: ann }],
    })
    await command('POST', '/bindings', { groupIds: [group['id']] })
    await command('POST', '/bindings', { userIds: [ann] })
    const members = () => (world.graph.summary().groups as Loose[])[0]?.['members'].length
    expect(members()).toBe(1)
    await undo(await newest('binding_create'))
    expect(members()).toBe(0)
    expect(account(world, id)['givenName']).toBe('Anna')
  })

  test('leaves a later bind free to adopt the account again', async () => {
    const { world, command, newest, undo } = await undoing()
    const id = stranger(world, BEFORE)
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    await undo(await newest('binding_create'))
    await command('POST', '/bindings', { userIds: [ann] })
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', graph_id: id })
    expect(account(world, id)['jobTitle']).toBe('Engineer')
  })
})

describe('undoing a direction', () => {
  test('sends what it overwrote once, and the direction is as it was', async () => {
    const { world, api, directory, command, direct, newest, undo } = await undoing()
    await direct({ jobTitle: 'exclude', department: 'exclude' })
    const ids = [
      await created(world, 'ann'),
      await created(world, 'bob'),
      await created(world, 'cid'),
    ]
    await command('POST', '/bindings', { userIds: ids })
    const [ann, bob, cid] = await Promise.all(
      ids.map(async (id) => String((await world.binding(id))['graph_id'])),
    )
    world.graph.changeUser(ann ?? '', { properties: { jobTitle: 'Chief' } })
    world.graph.changeUser(cid ?? '', { properties: { jobTitle: 'Engineer' } })
    await direct({ jobTitle: 'export' })
    const titles = () => [ann, bob, cid].map((id) => account(world, id ?? '')['jobTitle'])
    expect(titles()).toEqual(['Engineer', 'Engineer', 'Engineer'])
    world.graph.journal.clear()
    const job = await undo(await newest('integrationattribute_include'))
    // Of Cid nothing was lost.
    expect(job).toMatchObject({ type: 'undo', state: 'done', done: 2, total: 2 })
    expect(titles()).toEqual(['Chief', undefined, 'Engineer'])
    expect(written(world).map(({ body }) => body)).toEqual(
      expect.arrayContaining([{ jobTitle: 'Chief' }, { jobTitle: null }]),
    )
    expect(written(world)).toHaveLength(2)
    const { body } = await api.get(`${directory}/attributes`)
    const title = body['items'].find((item: Loose) => item['attribute'] === 'jobTitle')
    expect(title['direction']).toBe('exclude')
    await world.scim.patch(`/Users/${ids[0]}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    await command('POST', '/exports', { all: true })
    expect(titles()).toEqual(['Chief', undefined, 'Engineer'])
  })

  describe('to import', () => {
    async function imported() {
      const world = await reconcileWorld()
      const path = `/directories/${world.directoryId}`
      const newest = async () =>
        (await world.api.get('/events?type=integrationattribute_include&limit=1')).body['items'][0]
          .id
      const undo = async () => {
        const { body } = await world.api.post(`${path}/undo`, { eventId: await newest() })
        await world.settle()
        return (await world.api.get(`/jobs/${body['id']}`)).body
      }
      const [ann] = await world.exported('ann')
      await world.api.patch(`${path}/attributes`, { jobTitle: 'import' })
      world.graph.changeUser(world.accountOf('ann'), { properties: { jobTitle: 'Chief' } })
      await world.run('report')
      const here = async () => (await world.api.get(`/users/${ann}`)).body['jobTitle']
      const there = () => account(world, world.accountOf('ann'))['jobTitle']
      const say = async (title: string) => {
        await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: title }])
        await world.settle()
      }
      expect([await here(), there()]).toEqual(['Chief', 'Chief'])
      return { world, path, undo, here, there, say, ann }
    }

    test('says here what the client said again, and leaves what Microsoft 365 holds: that is drift', async () => {
      const { world, undo, here, there } = await imported()
      world.graph.journal.clear()
      expect(await undo()).toMatchObject({ state: 'done', errors: [] })
      expect([await here(), there()]).toEqual(['Engineer', 'Chief'])
      expect(written(world)).toEqual([])
      expect(await world.drift(await world.run('report'))).toMatchObject([
        { attribute: 'jobTitle', ours: 'Engineer', theirs: 'Chief' },
      ])
    })

    test('exports again what changes from then on, and that can be undone in turn', async () => {
      const { undo, there, say } = await imported()
      await undo()
      await say('Boss')
      expect(there()).toBe('Boss')
      await undo()
      expect(there()).toBe('Chief')
    })

    test('sends what the client changed meanwhile, and keeps what it overwrites', async () => {
      const { undo, there, say } = await imported()
      await say('Boss')
      await undo()
      expect(there()).toBe('Boss')
      await undo()
      expect(there()).toBe('Chief')
    })

    test('leaves it also when everything was exported again meanwhile: that was no part of it', async () => {
      const { world, path, undo, there } = await imported()
      await world.api.post(`${path}/exports`, { all: true })
      await world.settle()
      await undo()
      expect(there()).toBe('Chief')
    })

    test('is no choice of export, which sends ours to everybody', async () => {
      const { world, path, undo, there } = await imported()
      await undo()
      await world.api.patch(`${path}/attributes`, { jobTitle: 'exclude' })
      await world.api.patch(`${path}/attributes`, { jobTitle: 'export' })
      await world.settle()
      expect(there()).toBe('Engineer')
    })
  })

  test('to exclude goes on from what was exported, and leaves what Microsoft 365 holds', async () => {
    const { world, direct, command, newest, undo } = await undoing()
    const [ann, bob] = [await created(world, 'ann'), await created(world, 'bob')]
    await command('POST', '/bindings', { userIds: [ann, bob] })
    const id = String((await world.binding(ann))['graph_id'])
    await direct({ jobTitle: 'exclude' })
    world.graph.changeUser(id, { properties: { jobTitle: 'Chief' } })
    await world.scim.patch(`/Users/${bob}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    await world.settle()
    world.graph.journal.clear()
    await undo(await newest('integrationattribute_exclude'))
    expect(account(world, id)['jobTitle']).toBe('Chief')
    expect(written(world).map(({ body }) => body)).toEqual([{ jobTitle: 'Boss' }])
  })

  test('that is undone itself sends ours again, since theirs had been put back', async () => {
    const { world, direct, command, newest, undo } = await undoing()
    await direct({ jobTitle: 'exclude' })
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    const id = String((await world.binding(ann))['graph_id'])
    world.graph.changeUser(id, { properties: { jobTitle: 'Chief' } })
    await direct({ jobTitle: 'export' })
    await undo(await newest('integrationattribute_include'))
    expect(account(world, id)['jobTitle']).toBe('Chief')
    await undo(await newest('integrationattribute_exclude'))
    expect(account(world, id)['jobTitle']).toBe('Engineer')
  })

  test('is an event, beside the one of the direction', async () => {
    const { world, direct, newest, undo } = await undoing()
    await direct({ jobTitle: 'exclude' })
    const eventId = await newest('integrationattribute_exclude')
    const job = await undo(eventId)
    const log = await readLog(world.organizationId)
    expect(log.slice(-2)).toMatchObject([
      {
        type: 'integrationattribute_include',
        body: { changes: [{ attribute: 'jobTitle', from: 'exclude', to: 'export' }] },
      },
      {
        type: 'undo',
        target_id: world.directoryId,
        body: {
          changes: [{ attribute: 'jobTitle', from: 'exclude', to: 'export' }],
          details: { jobId: job['id'], eventId },
        },
      },
    ])
  })

  test('of the cost center leaves the division as it is', async () => {
    const { world, command, direct, newest, undo } = await undoing()
    await direct({ costCenter: 'exclude', division: 'exclude' })
    const ann = await created(world, 'ann', { [ENTERPRISE]: { costCenter: 'C2' } })
    await command('POST', '/bindings', { userIds: [ann] })
    const id = String((await world.binding(ann))['graph_id'])
    const orgData = (costCenter: string, division: string) => ({
      employeeOrgData: { costCenter, division },
    })
    world.graph.changeUser(id, { properties: orgData('C1', 'D1') })
    await direct({ costCenter: 'export' })
    expect(account(world, id)).toMatchObject(orgData('C2', 'D1'))
    world.graph.changeUser(id, { properties: orgData('C2', 'D2') })
    await undo(await newest('integrationattribute_include'))
    expect(account(world, id)).toMatchObject(orgData('C1', 'D2'))
  })

  test('of the manager puts the former manager back', async () => {
    const { world, command, direct, newest, undo } = await undoing()
    await direct({ manager: 'exclude' })
    const boss = await created(world, 'boss')
    const ann = await created(world, 'ann', { [ENTERPRISE]: { manager: { value: boss } } })
    await command('POST', '/bindings', { userIds: [boss, ann] })
    const id = String((await world.binding(ann))['graph_id'])
    const other = stranger(world, { userPrincipalName: 'other@contoso.com' })
    world.graph.changeUser(id, { manager: other })
    await direct({ manager: 'export' })
    expect(account(world, id)['managerName']).toBe('boss@contoso.com')
    await undo(await newest('integrationattribute_include'))
    expect(account(world, id)['managerName']).toBe('other@contoso.com')
  })

  test('that was chosen again by then gives nothing back', async () => {
    const { world, api, directory, command, direct, newest } = await undoing()
    await direct({ jobTitle: 'exclude' })
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    const id = String((await world.binding(ann))['graph_id'])
    world.graph.changeUser(id, { properties: { jobTitle: 'Chief' } })
    await direct({ jobTitle: 'export' })
    const eventId = await newest('integrationattribute_include')
    await api.post(`${directory}/undo`, { eventId })
    await direct({ jobTitle: 'export' })
    expect(account(world, id)['jobTitle']).toBe('Engineer')
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', restoring: null })
  })
})

/** Older than any replica: what is read by then is what the account holds. */
const OLD = 301_000

describe('what somebody wrote into Microsoft 365 after us', () => {
  /** Users whose title a direction has overwritten: all were `Chief`. */
  async function overwritten(...names: readonly string[]) {
    const undoer = await undoing()
    const { world, command, direct } = undoer
    await direct({ jobTitle: 'exclude' })
    const ids: string[] = []
    for (const name of names) ids.push(await created(world, name))
    await command('POST', '/bindings', { userIds: ids })
    const accountIds: string[] = []
    for (const id of ids) accountIds.push(String((await world.binding(id))['graph_id']))
    for (const id of accountIds) world.graph.changeUser(id, { properties: { jobTitle: 'Chief' } })
    world.clock.now += OLD
    await direct({ jobTitle: 'export' })
    const included = await undoer.newest('integrationattribute_include')
    const titles = () => accountIds.map((id) => account(world, id)['jobTitle'])
    expect(new Set(titles())).toEqual(new Set(['Engineer']))
    return { ...undoer, ids, accountIds, included, titles }
  }

  test('is left by the undoing of a direction, whose job tells it, and stays kept', async () => {
    const { world, accountIds, ids, included, titles, undo } = await overwritten('ann', 'bob')
    world.clock.now += OLD
    world.graph.changeUser(accountIds[0] ?? '', { properties: { jobTitle: 'Gardener' } })
    world.graph.journal.clear()
    const job = await undo(included)
    expect(titles()).toEqual(['Gardener', 'Chief'])
    expect(written(world)).toHaveLength(1)
    expect(job).toMatchObject({ state: 'done', done: 2, total: 2 })
    expect(job['errors']).toEqual([
      {
        resourceId: ids[0],
        graphId: accountIds[0],
        code: 'changed_since',
        attribute: 'jobTitle',
        held: 'Gardener',
        before: 'Chief',
        message: expect.stringContaining('Job Title is "Gardener" in Microsoft 365'),
        whatToDo: expect.stringContaining('set Job Title in Microsoft 365'),
      },
    ])
    expect(await world.binding(ids[0] ?? '')).toMatchObject({ state: 'synced', restoring: null })
    const kept = await world.query(
      sql`SELECT user_id FROM overwritten WHERE organization_id = ${world.organizationId}`,
    )
    expect(kept).toHaveLength(2)
  })

  test.for<[string, string, unknown]>([
    ['disabling is held', 'active', false],
    ['name waits for a domain', 'emails[type eq "work"].value', 'ann@elsewhere.example'],
    ['first name is refused', 'name.givenName', 'Anna'],
  ])('is told once of whoever’s %s', async ([, path, value]) => {
    const { world, command, ids, accountIds, included, undo } = await overwritten('ann')
    const [ann = ''] = ids
    await world.query(sql`UPDATE directory SET settings =
      json_set(settings, '$.threshold', json('{"count":0,"percent":0}')) WHERE id = ${world.directoryId}`)
    world.graph.faults.add({
      match: { method: 'PATCH', path: `^/users/${accountIds[0]}` },
      times: Infinity,
      status: 403,
      code: 'Authorization_RequestDenied',
      message: 'Insufficient privileges to complete the operation.',
    })
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path, value }])
    await world.settle()
    const { state } = await world.binding(ann)
    expect(['held', 'failed']).toContain(state)
    world.clock.now += OLD
    world.graph.changeUser(accountIds[0] ?? '', { properties: { jobTitle: 'Gardener' } })
    const leftIn = (job: Loose) =>
      job['errors'].filter(({ code }: Loose) => code === 'changed_since')
    const left = { resourceId: ann, attribute: 'jobTitle', held: 'Gardener', before: 'Chief' }
    expect(leftIn(await undo(included))).toMatchObject([left])
    expect(await world.binding(ann)).toMatchObject({ state, restoring: null })
    expect(leftIn(await command('POST', '/exports', { userIds: ids }))).toEqual([])
  })

  test('is left by the undoing of a bind, which puts the rest back and lets go of the account', async () => {
    const { world, command, newest, undo } = await undoing()
    const id = stranger(world, BEFORE)
    const before = account(world, id)
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    world.clock.now += OLD
    world.graph.changeUser(id, { properties: { jobTitle: 'Gardener', givenName: 'Annette' } })
    const job = await undo(await newest('binding_create'))
    expect(account(world, id)).toEqual({ ...before, jobTitle: 'Gardener', givenName: 'Annette' })
    expect(job['errors'].map((error: Loose) => error['attribute'])).toEqual([
      'firstname',
      'jobTitle',
    ])
    expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: null })
  })

  test('is read again where a replica may be late, and put back when it was none', async () => {
    const { world, api, directory, ids, included, titles } = await overwritten('ann')
    world.clock.now += OLD
    world.graph.lag.configure({ replicas: 1, seconds: 200 })
    await world.scim.patch(`/Users/${ids[0]}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    await world.settle()
    // The replica shows Engineer, which is neither what we sent last nor what was there before.
    const { body: job } = await api.post(`${directory}/undo`, { eventId: included })
    // One drain follows the direction, the next one the undoing.
    await world.drain()
    await world.drain()
    expect(titles()).toEqual(['Boss'])
    const progress = async () => (await api.get(`/jobs/${job['id']}`)).body
    const until = world.clock.now + OLD - 1000
    expect(await progress()).toMatchObject({
      state: 'running',
      errors: [],
      waiting: {
        state: 'put_off',
        reason: expect.stringContaining('looked at again'),
        until: new Date(until).toISOString(),
      },
    })
    const { body: status } = await api.get(`${directory}/status`)
    expect(status).toMatchObject({ owed: 1, estimatedFinish: new Date(until + 1000).toISOString() })
    world.clock.now += OLD
    await world.drain()
    expect(titles()).toEqual(['Chief'])
    expect(await progress()).toMatchObject({ state: 'done', errors: [] })
  })

  test('is seen although the account was read before: every round reads what it puts back anew', async () => {
    const { world, api, directory, accountIds, included, titles } = await overwritten('ann')
    world.clock.now += OLD
    const match = { method: 'PATCH', path: '/users/' }
    world.graph.faults.add({ match, status: 429, retryAfter: 60 })
    const { body: job } = await api.post(`${directory}/undo`, { eventId: included })
    await world.drain()
    expect(titles()).toEqual(['Engineer'])
    world.graph.changeUser(accountIds[0] ?? '', { properties: { jobTitle: 'Gardener' } })
    world.clock.now += 61_000
    await world.settle()
    expect(titles()).toEqual(['Gardener'])
    expect((await api.get(`/jobs/${job['id']}`)).body).toMatchObject({
      state: 'done',
      errors: [{ code: 'changed_since', held: 'Gardener', before: 'Chief' }],
    })
  })

  test('is nobody’s when a replica shows the account as it was before us: it is put back', async () => {
    const { world, direct, included, titles, undo, newest } = await overwritten('ann')
    await undo(included)
    world.clock.now += OLD
    world.graph.lag.configure({ replicas: 1, seconds: 200 })
    await direct({ jobTitle: 'export' })
    expect(titles()).toEqual(['Engineer'])
    await undo(await newest('integrationattribute_include'))
    expect(titles()).toEqual(['Chief'])
  })

  test('is told from ours although the user changes in the same breath', async () => {
    const { world, ids, included, titles, undo } = await overwritten('ann')
    world.clock.now += OLD
    const department = `${ENTERPRISE}:department`
    await world.scim.patch(`/Users/${ids[0]}`, [{ op: 'add', path: department, value: 'Sales' }])
    expect(await undo(included)).toMatchObject({ state: 'done', errors: [] })
    expect(titles()).toEqual(['Chief'])
  })

  test('cannot be read of an account that is gone: that is told', async () => {
    const { world, accountIds, included, undo } = await overwritten('ann')
    world.clock.now += OLD
    await byHand(world, 'DELETE', `/users/${accountIds[0]}`)
    expect(await undo(included)).toMatchObject({
      state: 'failed',
      errors: [{ code: 'object_missing' }],
    })
  })

  test('is read twenty accounts a request, before a round stores what it will write', async () => {
    const names = Array.from({ length: 25 }, (_, i) => `user${i}`)
    const { world, included, titles, undo } = await overwritten(...names)
    world.graph.journal.clear()
    await undo(included)
    expect(new Set(titles())).toEqual(new Set(['Chief']))
    const records = world.graph.journal.records().filter(({ url }) => /users/.test(url))
    const reads = records.filter(({ method }) => method === 'GET')
    expect(reads).toHaveLength(25)
    expect(new Set(reads.map(({ envelope }) => envelope)).size).toBe(2)
    expect(written(world)).toHaveLength(25)
  })
})

describe('a write that Graph carried out without an answer', () => {
  const LOST = { match: { method: 'PATCH', path: '/users/' }, status: 504, commit: true }

  test('is ours, and is put back by the undoing of a bind', async () => {
    const { world, api, directory, newest } = await undoing()
    const id = stranger(world, BEFORE)
    const before = account(world, id)
    const ann = await created(world, 'ann')
    world.graph.faults.add(LOST)
    await api.post(`${directory}/bindings`, { userIds: [ann] })
    await world.drain()
    expect(account(world, id)).toMatchObject({ jobTitle: 'Engineer' })
    const eventId = await newest('binding_create')
    const { body } = await api.post(`${directory}/undo`, { eventId })
    await world.settle()
    world.clock.now += OLD
    await world.settle()
    const job = (await api.get(`/jobs/${body['id']}`)).body
    expect(job).toMatchObject({ state: 'done', errors: [] })
    expect(account(world, id)).toEqual(before)
  })

  test('is ours, and is put back by the undoing of a direction', async () => {
    const { world, api, directory, direct, command, newest } = await undoing()
    await direct({ jobTitle: 'exclude' })
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    const id = String((await world.binding(ann))['graph_id'])
    world.graph.changeUser(id, { properties: { jobTitle: 'Chief' } })
    world.clock.now += OLD
    world.graph.faults.add(LOST)
    await api.patch(`${directory}/attributes`, { jobTitle: 'export' })
    await world.drain()
    expect(account(world, id)['jobTitle']).toBe('Engineer')
    const eventId = await newest('integrationattribute_include')
    await api.post(`${directory}/undo`, { eventId })
    await world.settle()
    world.clock.now += OLD
    await world.settle()
    expect(account(world, id)['jobTitle']).toBe('Chief')
  })
})

describe('a usage location that was empty before', () => {
  test('stays, since Graph does not take it away again, and the job tells it', async () => {
    const { world, command, newest, undo } = await undoing()
    const id = stranger(world, { userPrincipalName: 'ann@contoso.com', usageLocation: null })
    const before = account(world, id)
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    expect(account(world, id)['usageLocation']).toBe('US')
    const job = await undo(await newest('binding_create'))
    expect(account(world, id)).toEqual({ ...before, usageLocation: 'US' })
    expect(job).toMatchObject({ state: 'done', done: 1, total: 1 })
    expect(job['errors']).toEqual([
      {
        resourceId: ann,
        graphId: id,
        code: 'cannot_be_emptied',
        attribute: 'usageLocation',
        held: 'US',
        before: null,
        message: expect.stringContaining('does not let it be emptied once it is set'),
        whatToDo: expect.stringContaining('choose another Usage Location in Microsoft 365'),
      },
    ])
  })
})

describe('a user that is bound otherwise by now', () => {
  const bindAgain = async (undoer: Undoing) => {
    const { world, command, newest } = undoer
    const id = stranger(world, BEFORE)
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    const first = await newest('binding_create')
    await command('DELETE', '/bindings', { userIds: [ann] })
    return { id, ann, first }
  }

  test('bound again since is left, and the job tells what it held before', async () => {
    const undoer = await undoing()
    const { world, command, newest, undo } = undoer
    const { id, ann, first } = await bindAgain(undoer)
    await command('POST', '/bindings', { userIds: [ann] })
    const held = account(world, id)
    world.graph.journal.clear()
    const job = await undo(first)
    expect(written(world)).toEqual([])
    expect(account(world, id)).toEqual(held)
    expect(job).toMatchObject({ state: 'done', done: 0, total: 0 })
    expect(job['errors']).toEqual([
      {
        resourceId: ann,
        graphId: id,
        code: 'bound_again',
        eventId: await newest('binding_create'),
        before: expect.objectContaining({
          jobTitle: 'Chief',
          accountEnabled: false,
        }),
        message: expect.stringContaining('bound again after this event'),
        whatToDo: expect.stringContaining('Undo the later bind'),
      },
    ])
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', restoring: null })
  })

  test('bound again while its bind is being undone holds what is here, and the undoing tells it', async () => {
    const { world, api, directory, command, newest, undo } = await undoing()
    const id = stranger(world, BEFORE)
    const ann = await created(world, 'ann', { [ENTERPRISE]: { department: 'Sales' } })
    await command('POST', '/bindings', { userIds: [ann] })
    world.graph.changeUser(id, { properties: { department: 'Garden' } })
    const { body: begun } = await api.post(`${directory}/undo`, {
      eventId: await newest('binding_create'),
    })
    await world.drain()
    // A replica may be late: whose value the department is, is not known yet.
    expect(await world.binding(ann)).toMatchObject({ state: 'unbinding', unbound_by: 'undo' })
    expect(account(world, id)).toMatchObject({ jobTitle: 'Chief', department: 'Garden' })
    const bind = await command('POST', '/bindings', { userIds: [ann] })
    expect(bind).toMatchObject({ state: 'done', done: 1, errors: [] })
    expect(account(world, id)).toMatchObject({ jobTitle: 'Engineer', department: 'Sales' })
    const again = await newest('binding_create')
    expect((await api.get(`/jobs/${begun['id']}`)).body['errors']).toEqual([
      {
        resourceId: ann,
        graphId: id,
        code: 'bound_again',
        eventId: again,
        before: expect.objectContaining({ jobTitle: 'Chief', department: null }),
        message: expect.stringContaining('bound again before this was through'),
        whatToDo: expect.stringContaining('Undo the later bind'),
      },
    ])
    // What the later bind found is what its own undoing gives back.
    world.clock.now += OLD
    expect(await undo(again)).toMatchObject({ state: 'done', errors: [] })
    expect(account(world, id)).toMatchObject({ jobTitle: 'Chief', department: 'Garden' })
  })

  /** Binds a user by a group; gives what takes it out of the group and back. */
  async function boundByGroup({ world, api, directory }: Undoing, userId: string) {
    const value = [{ value: userId }]
    const { body: sales } = await world.scim.post('/Groups', { ...SALES, members: value })
    const bindNewUsers = { mode: 'groups', groupIds: [sales['id']] }
    expect((await api.patch(directory, { settings: { bindNewUsers } })).status).toBe(200)
    await world.settle()
    return async (op: 'add' | 'remove') => {
      const operation = { op, path: 'members', value }
      const { status } = await world.scim.patch(`/Groups/${sales['id']}`, [operation])
      expect(status).toBe(204)
    }
  }

  /** Ann, who is bound, and the undoing of a direction that Microsoft 365 does not take yet: her title was `Chief`. */
  async function pendingUndo(boundBy: 'command' | 'group' = 'command', settings = MANUAL) {
    const undoer = await undoing(settings)
    const { world, api, directory, command, direct, newest } = undoer
    await direct({ jobTitle: 'exclude' })
    const ann = await created(world, 'ann')
    const join = boundBy === 'group' ? await boundByGroup(undoer, ann) : undefined
    if (join === undefined) await command('POST', '/bindings', { userIds: [ann] })
    const id = String((await world.binding(ann))['graph_id'])
    world.graph.changeUser(id, { properties: { jobTitle: 'Chief' } })
    world.clock.now += OLD
    await direct({ jobTitle: 'export' })
    world.clock.now += OLD
    const match = { method: 'PATCH', path: '/users/' }
    world.graph.faults.add({ match, times: 1, status: 429, retryAfter: 60 })
    const eventId = await newest('integrationattribute_include')
    const { body: begun } = await api.post(`${directory}/undo`, { eventId })
    // One drain follows the direction, the next one the undoing.
    await world.drain()
    await world.drain()
    expect(account(world, id)['jobTitle']).toBe('Engineer')
    expect(await world.binding(ann)).toMatchObject({ restoring: '{"jobTitle":"Chief"}' })
    const job = async () => (await api.get(`/jobs/${begun['id']}`)).body
    const membership = async (op: 'add' | 'remove') => join?.(op)
    return { ...undoer, ann, id, job, membership }
  }

  test('that leaves its group while a direction is being undone is not put back, and the undoing tells it', async () => {
    const { world, ann, id, job, membership } = await pendingUndo('group')
    await membership('remove')
    world.clock.now += 61_000
    await world.settle()
    expect(account(world, id)).toMatchObject({ jobTitle: 'Engineer', accountEnabled: false })
    expect(await job()).toMatchObject({
      state: 'done',
      errors: [
        { resourceId: ann, graphId: id, code: 'unbound_since', before: { jobTitle: 'Chief' } },
      ],
    })
  })

  test('that leaves its group and comes back while a direction is being undone is put back', async () => {
    const held = { ...MANUAL, threshold: { count: 0, percent: 0 } }
    const { world, ann, id, job, membership } = await pendingUndo('group', held)
    await membership('remove')
    world.clock.now += 61_000
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'held', unbound_by: 'groups' })
    await membership('add')
    await world.settle()
    expect(account(world, id)).toMatchObject({ jobTitle: 'Chief', accountEnabled: true })
    expect(await job()).toMatchObject({ state: 'done', errors: [] })
  })

  test.each(['her', 'everybody'])(
    'bound again by a bind of %s while a direction is being undone was bound all the time: it is put back, and the undoing tells of it',
    async (whom) => {
      const { world, api, directory, ann, id, job } = await pendingUndo()
      const asked = whom === 'her' ? { userIds: [ann] } : { all: true }
      const { body: bind } = await api.post(`${directory}/bindings`, asked)
      await world.drain()
      expect(await job()).toMatchObject({ state: 'running', done: 0, errors: [] })
      const bound = async () => (await api.get(`/jobs/${bind['id']}`)).body
      expect(await bound()).toMatchObject({ state: 'running', done: 0 })
      world.clock.now += 61_000
      await world.settle()
      expect(await bound()).toMatchObject({ state: 'done', done: 1, errors: [] })
      expect(account(world, id)['jobTitle']).toBe('Chief')
      expect(await job()).toMatchObject({ state: 'done', done: 1, errors: [] })
      expect(await world.binding(ann)).toMatchObject({ state: 'synced', restoring: null })
    },
  )

  test('bound again while a direction is being undone, and changed by somebody else meanwhile, is left, and the undoing tells it', async () => {
    const { world, api, directory, ann, id, job } = await pendingUndo()
    await api.post(`${directory}/bindings`, { userIds: [ann] })
    world.graph.changeUser(id, { properties: { jobTitle: 'Gardener' } })
    world.clock.now += 61_000
    await world.settle()
    expect(account(world, id)['jobTitle']).toBe('Gardener')
    expect(await job()).toMatchObject({
      state: 'done',
      errors: [{ resourceId: ann, code: 'changed_since', held: 'Gardener', before: 'Chief' }],
    })
  })

  test('unbound while a direction is being undone is not put back, also when it is bound again, and the undoing tells it', async () => {
    const { world, api, directory, ann, id, job } = await pendingUndo()
    await api.send('DELETE', `${directory}/bindings`, { userIds: [ann] })
    await api.post(`${directory}/bindings`, { userIds: [ann] })
    world.clock.now += 61_000
    await world.settle()
    expect(account(world, id)).toMatchObject({ jobTitle: 'Engineer', accountEnabled: true })
    expect(await job()).toMatchObject({
      state: 'done',
      errors: [
        {
          resourceId: ann,
          graphId: id,
          code: 'unbound_since',
          before: { jobTitle: 'Chief' },
          message: expect.stringContaining('unbound or deleted before this was through'),
        },
      ],
    })
  })

  test('deleted while a direction is being undone is not put back, and the undoing tells it', async () => {
    const { world, ann, id, job } = await pendingUndo()
    await world.scim.delete(`/Users/${ann}`)
    world.clock.now += 61_000
    await world.settle()
    expect(account(world, id)).toMatchObject({ jobTitle: 'Engineer', accountEnabled: false })
    expect(await job()).toMatchObject({
      state: 'done',
      errors: [
        { resourceId: ann, graphId: id, code: 'unbound_since', before: { jobTitle: 'Chief' } },
      ],
    })
  })

  test('unbound since is left, and the job tells it', async () => {
    const undoer = await undoing()
    const { world, undo } = undoer
    const { id, ann, first } = await bindAgain(undoer)
    const held = account(world, id)
    const job = await undo(first)
    expect(account(world, id)).toEqual(held)
    expect(job['errors']).toMatchObject([
      { resourceId: ann, graphId: id, code: 'unbound_since', before: { jobTitle: 'Chief' } },
    ])
    expect(await world.binding(ann)).toMatchObject({ state: 'former', unbound_by: 'admin' })
  })

  test('with an account that we created is told as well, and whoever was not bound again is no part of it', async () => {
    const { world, command, newest, undo } = await undoing()
    const ids = [await created(world, 'ann'), await created(world, 'bob')]
    await command('POST', '/bindings', { userIds: ids })
    const first = await newest('binding_create')
    await command('DELETE', '/bindings', { userIds: [ids[0]] })
    await command('POST', '/bindings', { userIds: [ids[0]] })
    const job = await undo(first)
    expect(job).toMatchObject({ state: 'done', done: 1 })
    expect(job['errors']).toMatchObject([{ resourceId: ids[0], code: 'bound_again', before: null }])
    expect(await world.binding(ids[0] ?? '')).toMatchObject({ state: 'synced' })
    expect(await world.binding(ids[1] ?? '')).toMatchObject({ state: 'former' })
  })

  test('bound again since a direction keeps what the later bind sent', async () => {
    const { world, command, direct, newest, undo } = await undoing()
    await direct({ jobTitle: 'exclude' })
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    const id = String((await world.binding(ann))['graph_id'])
    world.graph.changeUser(id, { properties: { jobTitle: 'Chief' } })
    await direct({ jobTitle: 'export' })
    const included = await newest('integrationattribute_include')
    await command('DELETE', '/bindings', { userIds: [ann] })
    world.graph.changeUser(id, { properties: { jobTitle: 'Gardener' } })
    await command('POST', '/bindings', { userIds: [ann] })
    const job = await undo(included)
    expect(account(world, id)['jobTitle']).toBe('Engineer')
    expect(job['errors']).toMatchObject([
      { resourceId: ann, code: 'bound_again', before: { jobTitle: 'Chief' } },
    ])
    // What the later bind found is what its own undoing gives back.
    await undo(await newest('binding_create'))
    expect(account(world, id)['jobTitle']).toBe('Gardener')
  })
})

test('undoing a direction goes on from what was owed before it: an export that was chosen, and not carried out yet, is', async () => {
  const { world, api, directory, direct, newest, undo } = await undoing({})
  const ann = (await world.scim.post('/Users', newUser('ann'))).body['id']
  await world.settle()
  const graphId = String((await world.binding(ann))['graph_id'])
  await direct({ jobTitle: 'exclude' })
  world.graph.changeUser(graphId, { properties: { jobTitle: 'Boss' } })
  await api.patch(`${directory}/attributes`, { jobTitle: 'export' })
  await api.patch(`${directory}/attributes`, { jobTitle: 'exclude' })
  await world.scim.patch(`/Users/${ann}`, [
    { op: 'replace', path: 'name.givenName', value: 'Anna' },
  ])
  await world.settle()
  expect(world.graph.summary().users).toMatchObject([{ givenName: 'Anna', jobTitle: 'Boss' }])
  await undo(await newest('integrationattribute_exclude'))
  expect(world.graph.summary().users).toMatchObject([{ jobTitle: 'Engineer' }])
})

describe('what cannot be undone', () => {
  test('is the creation of a user that it did not bind: the event that did is named', async () => {
    const { world, api, directory, command, newest } = await undoing()
    const refusal = async (eventId: string) => {
      const { status, body } = await api.post(`${directory}/undo`, { eventId })
      expect(status).toBe(409)
      return body
    }
    const [graphId] = world.graph.seed({ users: 1, prefix: 'ann', domain: 'contoso.com' }).users
    await created(world, 'bob')
    const bob = await newest('user_create')
    expect((await refusal(bob))['detail']).toMatch(/not bound: there is nothing to undo/)
    await command('POST', '/import', { graphIds: [graphId], bind: true })
    const ann = await newest('user_create')
    const bound = await newest('binding_create')
    const body = await refusal(ann)
    expect(body).toMatchObject({ eventId: bound })
    expect(body['detail']).toMatch(new RegExp(`overwrote nothing there.*undo ${bound}`))
  })

  test('is refused with the reason', async () => {
    const { world, api, directory, command, direct, newest, undo } = await undoing()
    const refused = async (eventId: string, detail: RegExp) => {
      const { status, body } = await api.post(`${directory}/undo`, { eventId })
      expect({ status, detail: body['detail'] }).toEqual({
        status: 409,
        detail: expect.stringMatching(detail),
      })
    }
    await direct({ jobTitle: 'exclude' })
    const excluded = await newest('integrationattribute_exclude')
    await direct({ jobTitle: 'export' })
    await refused(excluded, /changed again/)
    const included = await newest('integrationattribute_include')
    await undo(included)
    await refused(included, /undone already/)
    const ann = await created(world, 'ann')
    await command('POST', '/bindings', { userIds: [ann] })
    await refused(await newest('export_success'), /cannot be undone/)
    const bound = await newest('binding_create')
    world.clock.now += 30 * DAY
    await refused(bound, /30 days/)
  })

  test('is an event of another organization, or none', async () => {
    const { api, directory } = await undoing()
    for (const eventId of ['evt_000000000099', 'evt_0'])
      expect((await api.post(`${directory}/undo`, { eventId })).status).toBe(404)
    expect((await api.post(`${directory}/undo`, { eventId: 'usr_1' })).status).toBe(400)
    expect((await api.post('/directories/dir_x/undo', { eventId: 'evt_1' })).status).toBe(404)
  })
})

const loseLease = ({ organizationId, directoryId }: ExportWorld) =>
  sql`UPDATE directory SET lease_until = 0 WHERE organization_id = ${organizationId} AND id = ${directoryId}`

describe('what is overwritten', () => {
  test('is kept before it is, so that a drain that dies in between loses nothing', async () => {
    let isDying = false
    const world = await exportWorld({
      settings: MANUAL,
      fetch: (next) => async (input, init) => {
        const request = new Request(input, init)
        const text = await request.clone().text()
        const answer = await next(request)
        // The lease is lost behind the write: nothing of the round is stored any more.
        if (isDying && text.includes('"PATCH"')) await world.query(loseLease(world))
        return answer
      },
    })
    const api = await apiClient({ organizationId: world.organizationId, clock: world.clock })
    const id = stranger(world, BEFORE)
    const ann = await created(world, 'ann')
    isDying = true
    await api.post(`/directories/${world.directoryId}/bindings`, { userIds: [ann] })
    await world.drain()
    expect(account(world, id)['jobTitle']).toBe('Engineer')
    expect(await world.binding(ann)).toMatchObject({ exported_at: null, snapshot: {} })
    isDying = false
    await world.settle()
    expect(account(world, id)['jobTitle']).toBe('Engineer')
    const [kept] = await world.query(
      sql`SELECT held FROM overwritten WHERE organization_id = ${world.organizationId}`,
    )
    expect(JSON.parse(String(kept?.['held']))).toMatchObject({
      jobTitle: ['Chief'],
      accountEnabled: [false],
    })
  })

  test('is not overwritten before it could be read', async () => {
    const { world, api, directory, direct } = await undoing({})
    await direct({ jobTitle: 'exclude' })
    const ann = await created(world, 'ann')
    await world.settle()
    const id = String((await world.binding(ann))['graph_id'])
    world.graph.changeUser(id, { properties: { jobTitle: 'Chief' } })
    world.graph.faults.add({ match: { method: 'GET', path: '^/users/' }, status: 503 })
    await api.patch(`${directory}/attributes`, { jobTitle: 'export' })
    await world.drain()
    expect(account(world, id)['jobTitle']).toBe('Chief')
    expect(await world.binding(ann)).toMatchObject({ state: 'owed', attempts: 1 })
    world.graph.faults.clear()
    await world.settle()
    expect(account(world, id)['jobTitle']).toBe('Engineer')
    const [kept] = await world.query(
      sql`SELECT held FROM overwritten WHERE organization_id = ${world.organizationId}`,
    )
    expect(JSON.parse(String(kept?.['held']))).toEqual({ jobTitle: ['Chief'] })
  })

  test('is kept for 30 days, and no longer than its directory', async () => {
    const { world, api, directory, command } = await undoing()
    stranger(world, BEFORE)
    stranger(world, { ...BEFORE, userPrincipalName: 'bob@contoso.com' })
    const kept = async () =>
      (
        await world.query(
          sql`SELECT user_id FROM overwritten WHERE organization_id = ${world.organizationId}`,
        )
      ).map((row) => row['user_id'])
    const [ann, bob] = [await created(world, 'ann'), await created(world, 'bob')]
    await command('POST', '/bindings', { userIds: [ann] })
    world.clock.now += DAY
    await command('POST', '/bindings', { userIds: [bob] })
    expect((await kept()).toSorted()).toEqual([ann, bob].toSorted())
    world.clock.now += 29 * DAY
    await world.jobs.scheduled({ cron: DAILY })
    expect(await kept()).toEqual([bob])
    expect((await api.delete(directory)).status).toBe(204)
    expect(await kept()).toEqual([])
  })

  test.each(['a bind', 'a direction after the bind'])(
    'is put back also where the organization keeps its events for a week: that of %s stays',
    async (which) => {
      const { world, api, direct, command, newest, undo } = await undoing()
      await api.patch('/organization', { eventRetentionDays: 7 })
      const id = stranger(world, BEFORE)
      await direct({ jobTitle: 'exclude', workCity: 'exclude' })
      const before = account(world, id)
      const ann = await created(world, 'ann')
      await command('POST', '/bindings', { userIds: [ann] })
      if (which !== 'a bind') await direct({ jobTitle: 'export' })
      world.clock.now += 29 * DAY
      await world.jobs.scheduled({ cron: DAILY })
      const types = (await readLog(world.organizationId)).map((event) => event['type'])
      expect(types).not.toContain('user_create')
      await undo(await newest('binding_create'))
      expect(account(world, id)).toEqual(before)
      for (let day = 0; day < 2; day += 1) {
        world.clock.now += DAY
        await world.jobs.scheduled({ cron: DAILY })
      }
      expect((await api.get('/events?type=binding_create')).body['items']).toEqual([])
    },
  )

  test('costs a read twenty a request, and nothing where an account is ours', async () => {
    const { world, api, directory, direct } = await undoing({})
    await direct({ jobTitle: 'exclude' })
    for (let i = 0; i < 25; i++) await created(world, `user${i}`)
    await world.settle()
    const reads = () =>
      world.graph.journal
        .records()
        .filter(({ method, url }) => method === 'GET' && /users/.test(url))
    world.graph.journal.clear()
    await world.scim.patch(`/Users/${await created(world, 'one')}`, [
      { op: 'replace', path: 'name.givenName', value: 'Two' },
    ])
    await world.settle()
    expect(reads()).toEqual([])
    await api.patch(`${directory}/attributes`, { jobTitle: 'export' })
    await world.settle()
    expect(reads()).toHaveLength(26)
    expect(new Set(reads().map(({ envelope }) => envelope)).size).toBe(2)
  })
})

test('an account that is to be read again is read when replicas have caught up, not round after round', async () => {
  const { world, api, directory, command, newest } = await undoing({ ...MANUAL, onUnbind: 'leave' })
  const id = stranger(world, { userPrincipalName: 'ann@contoso.com' })
  const ann = await created(world, 'ann')
  await command('POST', '/bindings', { userIds: [ann] })
  world.clock.now += OLD
  await command('DELETE', '/bindings', { userIds: [ann] })
  world.graph.changeUser(id, { properties: { jobTitle: 'Chief' } })
  world.clock.now += OLD
  world.graph.faults.add({
    match: { method: 'PATCH', path: '/users/' },
    status: 429,
    retryAfter: 60,
  })
  await api.post(`${directory}/bindings`, { userIds: [ann] })
  await world.drain()
  world.graph.changeUser(id, { properties: { jobTitle: 'Gardener' } })
  await api.post(`${directory}/undo`, { eventId: await newest('binding_create') })
  world.clock.now += 61_000
  world.graph.journal.clear()
  await world.drain()
  const reads = world.graph.journal
    .records()
    .filter(({ method, url }) => method === 'GET' && /users/.test(url))
  expect(reads).toHaveLength(1)
  expect((await world.binding(ann))['due_at']).toBeGreaterThan(world.clock.now)
})

describe('a suspended user whose account somebody deleted', () => {
  test('is unbound: the account was disabled already', async () => {
    const world = await reconcileWorld()
    const [ann = ''] = await world.exported('ann')
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'active', value: false }])
    await world.settle()
    world.clock.now += OLD
    await world.removeAccount(world.accountOf('ann'))
    await world.run('report')
    expect((await world.binding(ann))['error']).toMatchObject({ code: 'object_missing' })
    await world.api.send('DELETE', `/directories/${world.directoryId}/bindings`, { userIds: [ann] })
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'former', error: null })
  })
})
