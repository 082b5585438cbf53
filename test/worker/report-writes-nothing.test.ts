import { describe, expect, test } from 'vitest'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

/** What a run that reports leads to: what it told, and every write that followed it. */
async function report(world: ReconcileWorld) {
  world.graph.counters.reset()
  const drift = await world.drift(await world.run('report'))
  const told = drift.map(({ attribute }) => attribute)
  return { told, writes: world.graph.counters.snapshot().writes }
}

/** Ann, who was exported; `later`: so long after that a difference is no echo. */
async function oneUser(settings: Partial<DirectorySettings> = {}) {
  const world = await reconcileWorld({ settings })
  const [ann = ''] = await world.exported('ann')
  const graphId = world.accountOf('ann')
  const settled = async () => {
    await world.settle()
    world.clock.now += 3_600_000
  }
  const patch = async (path: string, value: unknown) => {
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path, value }])
    await settled()
  }
  const remove = async () => {
    await world.scim.delete(`/Users/${ann}`)
    await settled()
  }
  const replay = async () => {
    await world.api.post(`/directories/${world.directoryId}/failures/replay`, { all: true })
    await settled()
  }
  const account = () => world.graph.summary().users.find(({ id }) => id === graphId)
  return { world, ann, graphId, patch, remove, replay, account }
}

const refuseWrites = ({ graph }: ReconcileWorld) =>
  graph.faults.add({
    match: { method: 'PATCH', path: '^/users/' },
    status: 403,
    code: 'Authorization_RequestDenied',
    message: 'Insufficient privileges to complete the operation.',
  })

const RETURNED = { state: 'failed', error: { code: 'account_returned' } }

describe('an account that came back', () => {
  test('and that two runs had found deleted, is not overwritten: what it holds otherwise is told', async () => {
    const { world, ann, graphId, account } = await oneUser()
    await world.removeAccount(graphId)
    await world.run('report')
    await world.run('report')
    await world.restoreAccount(graphId)
    world.graph.changeUser(graphId, { properties: { accountEnabled: false, jobTitle: 'Theirs' } })
    expect(await report(world)).toEqual({
      told: ['accountEnabled', 'deleted', 'jobTitle'],
      writes: 0,
    })
    expect(account()).toMatchObject({ accountEnabled: false, jobTitle: 'Theirs' })
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', error: null })
  })

  test.each([
    ['title', 'Boss', { jobTitle: 'Boss' }, ['deleted', 'jobTitle']],
    ['active', false, { accountEnabled: false }, ['accountEnabled', 'deleted']],
  ])(
    'is sent nothing though %s of its user changed meanwhile, until that is replayed',
    async (path, value, expected, told) => {
      const { world, ann, graphId, patch, replay, account } = await oneUser()
      await world.removeAccount(graphId)
      await world.run('report')
      await patch(path, value)
      await world.restoreAccount(graphId)
      expect(await report(world)).toEqual({ told, writes: 0 })
      expect(await world.binding(ann)).toMatchObject(RETURNED)
      // It is told until somebody answers.
      expect(await report(world)).toEqual({ told, writes: 0 })
      await replay()
      expect(account()).toMatchObject(expected)
      expect(await world.binding(ann)).toMatchObject({ state: 'synced', error: null })
    },
  )

  test('is sent what changed meanwhile by a run that enforces', async () => {
    const { world, ann, graphId, patch, account } = await oneUser()
    await world.removeAccount(graphId)
    await world.run('report')
    await patch('title', 'Boss')
    await world.restoreAccount(graphId)
    await report(world)
    await world.run('enforce')
    expect(account()).toMatchObject({ jobTitle: 'Boss' })
    expect(await world.binding(ann)).toMatchObject({ state: 'synced', error: null })
  })

  test.each(['a replay', 'a run that enforces'])(
    'is left as it is though its user was deleted meanwhile, until %s',
    async (what) => {
      const { world, ann, graphId, remove, replay, account } = await oneUser()
      await world.removeAccount(graphId)
      await remove()
      await world.restoreAccount(graphId)
      expect(await report(world)).toEqual({ told: ['accountEnabled', 'deleted'], writes: 0 })
      expect(await world.binding(ann)).toMatchObject({
        ...RETURNED,
        error: { message: expect.stringContaining('deleted here') },
      })
      await (what === 'a replay' ? replay() : world.run('enforce'))
      expect(account()).toMatchObject({ accountEnabled: false })
      expect(await world.binding(ann)).toMatchObject({ state: 'former' })
    },
  )

  test('is not sent what had been refused before', async () => {
    const { world, graphId, patch } = await oneUser()
    refuseWrites(world)
    await patch('title', 'Boss')
    await world.removeAccount(graphId)
    await world.run('report')
    await world.restoreAccount(graphId)
    expect(await report(world)).toMatchObject({ writes: 0 })
  })

  test('and holds a value otherwise is told of it by a run that enforces, which puts it right', async () => {
    const { world, graphId, account } = await oneUser()
    await world.removeAccount(graphId)
    await world.run('report')
    await world.run('report')
    await world.restoreAccount(graphId)
    world.graph.changeUser(graphId, { properties: { givenName: 'Anna' } })
    const drift = await world.drift(await world.run('enforce'))
    expect(drift.map(({ attribute }) => attribute)).toEqual(['deleted', 'firstname'])
    expect(account()).toMatchObject({ givenName: 'ann' })
  })
})

describe('a removal that the threshold holds, of an account that somebody deletes there', () => {
  test.each(['suspension', 'deletion'])('stays held, a %s too', async (what) => {
    const { world, ann, graphId, patch, remove, account } = await oneUser({
      threshold: { count: 0, percent: 0 },
    })
    await (what === 'suspension' ? patch('active', false) : remove())
    expect(await world.binding(ann)).toMatchObject({ state: 'held', approval: 'asked' })
    await world.removeAccount(graphId)
    await world.run('report')
    expect(await world.binding(ann)).toMatchObject({ state: 'failed', approval: 'asked' })
    await world.restoreAccount(graphId)
    world.clock.now += 3_600_000
    await world.lower({ count: 20, percent: 10 })
    await world.run('enforce')
    expect(account()).toMatchObject({ accountEnabled: true })
    expect(await world.binding(ann)).toMatchObject({ state: 'held', approval: 'asked' })
    await world.api.post(`/directories/${world.directoryId}/held/approve`, { all: true })
    await world.settle()
    expect(account()).toMatchObject({ accountEnabled: false })
  })
})

describe('whoever is deleted here, and whose account is found deleted', () => {
  test('is written nothing though the look at it is not answered', async () => {
    const { world, ann, graphId, remove } = await oneUser()
    await world.removeAccount(graphId)
    await remove()
    const before = await world.binding(ann)
    world.graph.faults.add({
      match: { method: 'GET', path: `^/users/${graphId}\\?\\$select=id$` },
      times: 1,
      status: 503,
      code: 'serviceUnavailable',
      message: 'Service unavailable.',
    })
    expect(await report(world)).toEqual({ told: ['deleted'], writes: 0 })
    expect(await world.binding(ann)).toEqual(before)
  })

  test('is written nothing though a replica may lag behind its export', async () => {
    const world = await reconcileWorld()
    const { body: ann } = await world.scim.post('/Users', newUser('ann'))
    await world.settle()
    world.clock.now += 20_000
    const graphId = world.accountOf('ann')
    refuseWrites(world)
    await world.scim.delete(`/Users/${ann['id']}`)
    await world.settle()
    expect(await world.binding(ann['id'])).toMatchObject({ state: 'failed' })
    await world.removeAccount(graphId)
    expect(await report(world)).toMatchObject({ writes: 0 })
  })
})

describe('an imported value', () => {
  /** Ann, whose title is the directory's to be told; `tell`: Microsoft 365 says that she is a chief. */
  async function importing(options: Partial<DirectorySettings> = {}) {
    const found = await oneUser(options)
    const { world, graphId, ann } = found
    const path = `/directories/${world.directoryId}/attributes`
    await world.api.patch(path, { jobTitle: 'import' })
    const tell = () => world.graph.changeUser(graphId, { properties: { jobTitle: 'Chief' } })
    const title = async () => (await world.api.get(`/users/${ann}`)).body['jobTitle']
    return { ...found, tell, title }
  }

  test('does not have what Microsoft 365 refused of the user before tried again', async () => {
    const { world, ann, patch, tell, title } = await importing()
    refuseWrites(world)
    await patch('name.givenName', 'Anna')
    expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
    tell()
    expect(await report(world)).toEqual({ told: ['jobTitle'], writes: 0 })
    expect(await title()).toBe('Chief')
    expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
  })

  test('comes with an account that came back, which is sent nothing all the same', async () => {
    const { world, ann, graphId, patch, tell, title } = await importing()
    await world.removeAccount(graphId)
    await world.run('report')
    await patch('name.givenName', 'Anna')
    await world.restoreAccount(graphId)
    tell()
    expect(await report(world)).toMatchObject({ writes: 0 })
    expect(await title()).toBe('Chief')
    expect(await world.binding(ann)).toMatchObject(RETURNED)
  })

  const THEIRS = {
    department: 'Theirs',
    jobTitle: 'Theirs',
    officeLocation: 'Theirs',
    otherMails: ['theirs@contoso.com'],
    employeeId: 'Theirs',
    employeeType: 'Theirs',
    companyName: 'Theirs',
    employeeOrgData: { costCenter: 'Theirs', division: 'Theirs' },
    preferredLanguage: 'fr-FR',
    streetAddress: 'Theirs',
    city: 'Theirs',
    state: 'Theirs',
    postalCode: 'Theirs',
    country: 'Theirs',
    businessPhones: ['1'],
    mobilePhone: '2',
    faxNumber: '3',
  }

  test.each([
    ['everything that can be, and everything is exported again', () => true, THEIRS],
    [
      'the cost center alone, and everything is exported again',
      (name: string) => name === 'costCenter',
      { employeeOrgData: { costCenter: 'Theirs', division: 'Ours' } },
    ],
  ] as const)(
    'changes nothing in Microsoft 365 where the directory imports %s',
    async (_, isImported, theirs) => {
      const { world, ann, graphId, account } = await oneUser()
      await world.api.patch(`/users/${ann}`, { costCenter: 'Ours', division: 'Ours' })
      await world.settle()
      world.clock.now += 3_600_000
      const path = `/directories/${world.directoryId}`
      const { body: list } = await world.api.get(`${path}/attributes`)
      const names: string[] = list['items']
        .filter(({ directions }: Loose) => directions.includes('import'))
        .map(({ attribute }: Loose) => attribute)
        .filter(isImported)
      const directions = Object.fromEntries(names.map((name) => [name, 'import']))
      expect((await world.api.patch(`${path}/attributes`, directions)).status).toBe(200)
      await world.settle()
      world.graph.changeUser(graphId, { properties: theirs })
      const before = account()
      const { told, writes } = await report(world)
      expect({ told: told.toSorted(), writes }).toEqual({
        told: names.filter((name) => name !== 'manager').toSorted(),
        writes: 0,
      })
      await world.api.post(`${path}/exports`, {})
      await world.settle()
      expect(world.graph.counters.snapshot().writes).toBeGreaterThan(0)
      expect(account()).toEqual(before)
      expect(account()).toMatchObject(theirs)
    },
  )

  test('is never the name of its account: a directory cannot import what it takes the userPrincipalName from', async () => {
    const { world, graphId, account } = await importing()
    const path = `/directories/${world.directoryId}`
    await world.api.patch(path, { settings: { upnSource: 'alternateEmail' } })
    await world.api.patch(`${path}/attributes`, { alternateEmail: 'import' })
    await world.settle()
    world.graph.changeUser(graphId, { properties: { otherMails: ['chief@contoso.com'] } })
    expect(await report(world)).toEqual({ told: [], writes: 0 })
    expect(account()).toMatchObject({ userPrincipalName: 'ann@contoso.com' })
  })

  test('leaves nothing owed in the directory that imported it', async () => {
    const { world, tell } = await importing()
    tell()
    await report(world)
    const { body } = await world.api.get(`/directories/${world.directoryId}/status`)
    expect(body).toMatchObject({ owed: 0 })
  })
})
