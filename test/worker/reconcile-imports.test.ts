import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { dropImported } from '../../src/db/imported-store.ts'
import { takeLease } from '../../src/db/lease.ts'
import { isJsonObject, type JsonObject } from '../../src/kernel/json.ts'
import { batchOf, newUser, seedTwin, type WorldOptions } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'
import { staged } from '../support/staged.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** A world whose directory imports the department, and in which Microsoft 365 says `Ops` for ann. */
async function importingWorld(options: WorldOptions = {}): Promise<ReconcileWorld> {
  const world = await reconcileWorld(options)
  await setDirections(world, { department: 'import' })
  return world
}

const setDirections = (world: ReconcileWorld, directions: Record<string, string>) =>
  world.api.patch(`/directories/${world.directoryId}/attributes`, directions)

const setDepartment = (world: ReconcileWorld, name: string, department: string | null) =>
  world.graph.changeUser(world.accountOf(name), { properties: { department } })

const departments = async (world: ReconcileWorld, id: string | undefined) => {
  const { body: shown } = await world.api.get(`/users/${id}`)
  const { body: scim } = await world.scim.get(`/Users/${id}`)
  return {
    shown: shown['department'],
    scim: scim[ENTERPRISE]?.department,
    imported: shown['imported'],
  }
}

const otherDirectory = (world: ReconcileWorld) => seedTwin(world, world.api.deps)

const element = (type: string, value: string, primary = false) => ({ type, value, primary })

/** What clients send of the attributes that can be imported: everything once, several of a kind, and next to nothing. */
const DOCUMENTS: readonly JsonObject[] = [
  {
    title: ' Engineer ',
    userType: 'Employee',
    locale: 'en-US',
    preferredLanguage: 'de',
    emails: [element('work', 'a@contoso.com', true), element('home', 'a@example.net')],
    phoneNumbers: [element('work', '1'), element('mobile', '2'), element('fax', '3')],
    addresses: [
      {
        type: 'work',
        streetAddress: '1 Main St',
        locality: 'Redmond',
        region: 'WA',
        postalCode: '98052',
        country: 'US',
      },
    ],
    [ENTERPRISE]: {
      department: 'Sales',
      costCenter: 'CC1',
      organization: 'Contoso',
      employeeNumber: '701984',
      division: 'Retail',
      manager: { value: 'usr_boss' },
    },
  },
  {
    emails: [
      element('other', 'b@example.net'),
      element('work', 'b1@contoso.com'),
      element('WORK', 'b@contoso.com', true),
    ],
    phoneNumbers: [element('work', '1'), element('Work', '2', true), element('home', '3')],
    addresses: [
      { type: 'home', locality: 'Paris' },
      { type: 'work', country: 'FR' },
    ],
  },
  {
    title: '  ',
    emails: [{ value: 'c@contoso.com' }, element('work', 'c@example.net')],
    [ENTERPRISE]: { manager: 'usr_boss' },
  },
]

/** The department that was sent last. */
const lastDepartment = ({ graph }: ReconcileWorld): unknown => {
  const bodies = graph.journal
    .records()
    .flatMap(({ method, body }) =>
      method === 'PATCH' && isJsonObject(body) && 'department' in body ? [body] : [],
    )
  return bodies.at(-1)?.['department']
}

const changesOf = (world: ReconcileWorld, id: string | undefined) =>
  world.query(sql`SELECT class, actor_type, body ->> '$.changes' AS changes FROM event
    WHERE organization_id = ${world.organizationId} AND target_id = ${id} AND type = 'user_update'
    ORDER BY sequence`)

/** What a preview of these directions tells of one user. */
async function previewOf(world: ReconcileWorld, id: string | undefined, attributes: object) {
  const { body } = await world.api.post(`/directories/${world.directoryId}/preview`, {
    attributes,
  })
  return body['items'].find(({ userId }: { userId: string }) => userId === id)
}

describe('a preview of a direction', () => {
  test('that imports tells whose values here give way to which of Microsoft 365, which is what the import brings', async () => {
    const world = await reconcileWorld()
    const [ann, bob, boss] = await world.exported('ann', 'bob', 'boss')
    world.graph.changeUser(world.accountOf('ann'), {
      properties: { jobTitle: 'Chief', department: null },
      manager: world.accountOf('boss'),
    })
    const directions = { jobTitle: 'import', manager: 'import', department: 'import' }
    world.graph.counters.reset()
    const previewed = await previewOf(world, ann, directions)
    expect(previewed).toMatchObject({ action: 'none', changes: [], problems: [] })
    expect(previewed.imports).toEqual([
      { attribute: 'jobTitle', graph: 'jobTitle', ours: 'Engineer', theirs: 'Chief' },
      { attribute: 'manager', graph: 'manager', ours: null, theirs: boss },
    ])
    expect(await previewOf(world, bob, directions)).toMatchObject({ changes: [], imports: [] })
    expect(world.graph.counters.snapshot().writes).toBe(0)
    await setDirections(world, directions)
    await world.run('report')
    const { body: shown } = await world.api.get(`/users/${ann}`)
    expect(shown).toMatchObject({ jobTitle: 'Chief', manager: boss })
    expect(world.graph.counters.snapshot().writes).toBe(0)
    expect(await previewOf(world, ann, {})).toMatchObject({ changes: [], imports: [] })
  })

  test('that imports takes for a manager only whom somebody here is bound to', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann')
    const { users } = world.graph.seed({ users: 1 })
    world.graph.changeUser(world.accountOf('ann'), { manager: users[0] ?? '' })
    expect(await previewOf(world, ann, { manager: 'import' })).toMatchObject({ imports: [] })
  })

  test('that imports no more sends what the client sent, as the export does', async () => {
    const world = await reconcileWorld()
    const [ann] = await world.exported('ann')
    await setDirections(world, { jobTitle: 'import' })
    world.graph.changeUser(world.accountOf('ann'), { properties: { jobTitle: 'Chief' } })
    await world.run('report')
    const change = { attribute: 'jobTitle', graph: 'jobTitle', current: 'Chief', next: 'Engineer' }
    expect(await previewOf(world, ann, { jobTitle: 'export' })).toMatchObject({
      action: 'update',
      changes: [change],
      imports: [],
    })
    await setDirections(world, { jobTitle: 'export' })
    await world.settle()
    expect(world.graph.summary().users).toMatchObject([{ jobTitle: 'Engineer' }])
  })

  test('that cannot be chosen is refused as the choice itself is: a locked attribute, one that another directory imports', async () => {
    const world = await reconcileWorld()
    const otherId = await otherDirectory(world)
    await world.api.patch(`/directories/${otherId}/attributes`, { department: 'import' })
    for (const [attribute, direction] of [
      ['email', 'import'],
      ['department', 'import'],
    ] as const) {
      const attributes = { [attribute]: direction }
      const previewed = await world.api.post(`/directories/${world.directoryId}/preview`, {
        attributes,
      })
      const chosen = await setDirections(world, attributes)
      expect(previewed).toMatchObject({ status: 409, body: { detail: chosen.body['detail'] } })
      expect(chosen.status).toBe(409)
    }
  })
})

describe('an imported attribute', () => {
  test('flows in beside the SCIM resource, with its origin and an event, and writes nothing to Microsoft 365', async () => {
    const world = await importingWorld()
    const [ann] = await world.exported('ann', 'bob')
    setDepartment(world, 'ann', 'Ops')
    const writes = world.graph.counters.snapshot().writes
    const { headers } = await world.scim.get(`/Users/${ann}`)
    const run = await world.run('report')
    expect(run).toMatchObject({ state: 'done', counts: { imported: 1, drift: 0 } })
    expect(await world.drift(run)).toMatchObject([
      {
        userId: ann,
        attribute: 'department',
        direction: 'import',
        ours: null,
        theirs: 'Ops',
        action: 'imported',
      },
    ])
    expect(await departments(world, ann)).toEqual({
      shown: 'Ops',
      // The client never sent one.
      scim: 'Ops',
      imported: {
        department: { value: 'Ops', directoryId: world.directoryId, at: expect.any(String) },
      },
    })
    expect((await world.scim.get(`/Users/${ann}`)).headers.get('ETag')).not.toBe(
      headers.get('ETag'),
    )
    expect(await changesOf(world, ann)).toEqual([
      {
        class: 'change',
        actor_type: 'system',
        changes: '[{"attribute":"department","from":null,"to":"Ops"}]',
      },
    ])
    expect(world.graph.counters.snapshot().writes).toBe(writes)
    expect(await world.run('report')).toMatchObject({ counts: { imported: 0 } })
  })

  test('tells which value here gives way: what the client sent, in a later run what was imported', async () => {
    const world = await importingWorld()
    const sales = newUser('ann', { [ENTERPRISE]: { department: 'Sales' } })
    const { body: ann } = await world.scim.post('/Users', sales)
    await world.scim.post('/Users', newUser('bob', { [ENTERPRISE]: { department: 'Sales' } }))
    await world.exported()
    // What is the same already becomes Microsoft 365's own, and nothing gives way.
    setDepartment(world, 'bob', 'Sales')
    const told = async (theirs: string) => {
      setDepartment(world, 'ann', theirs)
      return world.drift(await world.run('report'))
    }
    expect(await told('Ops')).toMatchObject([
      { userId: ann['id'], ours: 'Sales', theirs: 'Ops', action: 'imported' },
    ])
    expect((await changesOf(world, ann['id'])).at(-1)).toMatchObject({
      changes: '[{"attribute":"department","from":"Sales","to":"Ops"}]',
    })
    expect(await told('Legal')).toMatchObject([{ ours: 'Ops', theirs: 'Legal' }])
  })

  test('that is the user’s own already is kept with its origin, and is no change: no event, no new version, also when it ends', async () => {
    const world = await importingWorld()
    const own = newUser('ann', { [ENTERPRISE]: { department: 'Sales' } })
    const ann: string = (await world.scim.post('/Users', own)).body['id']
    await world.exported()
    setDepartment(world, 'ann', 'Sales')
    const { body: before } = await world.api.get(`/users/${ann}`)
    const run = await world.run('report')
    expect(await world.drift(run)).toEqual([])
    const { body: imported } = await world.api.get(`/users/${ann}`)
    const department = { value: 'Sales', directoryId: world.directoryId, at: expect.any(String) }
    expect(imported).toEqual({ ...before, imported: { department } })
    await setDirections(world, { department: 'exclude' })
    await world.settle()
    const { body: after } = await world.api.get(`/users/${ann}`)
    expect(after).toEqual(before)
    expect(await changesOf(world, ann)).toEqual([])
  })

  test('that Microsoft 365 holds no longer gives way to the user’s own', async () => {
    const world = await importingWorld()
    const own = newUser('ann', { [ENTERPRISE]: { department: 'Sales' } })
    const ann: string = (await world.scim.post('/Users', own)).body['id']
    await world.exported()
    for (const department of ['Ops', null]) {
      setDepartment(world, 'ann', department)
      await world.run('report')
    }
    expect(await departments(world, ann)).toMatchObject({ shown: 'Sales', imported: {} })
    expect((await changesOf(world, ann)).map(({ changes }) => changes)).toEqual([
      '[{"attribute":"department","from":"Sales","to":"Ops"}]',
      '[{"attribute":"department","from":"Ops","to":"Sales"}]',
    ])
  })

  test('is not shown over SCIM where the client sent a value of its own, which is never written back', async () => {
    const world = await importingWorld()
    const { body } = await world.scim.post(
      '/Users',
      newUser('ann', { [ENTERPRISE]: { department: 'Sales' } }),
    )
    await world.exported()
    setDepartment(world, 'ann', 'Ops')
    await world.run('enforce')
    expect(await departments(world, body['id'])).toMatchObject({ shown: 'Ops', scim: 'Sales' })
    await world.scim.patch(`/Users/${body['id']}`, [
      { op: 'remove', path: `${ENTERPRISE}:department` },
    ])
    expect(await departments(world, body['id'])).toMatchObject({ shown: 'Ops', scim: 'Ops' })
  })

  test('goes when Microsoft 365 has none any more', async () => {
    const world = await importingWorld()
    const [ann] = await world.exported('ann')
    setDepartment(world, 'ann', 'Ops')
    await world.run('report')
    setDepartment(world, 'ann', null)
    expect(await world.run('report')).toMatchObject({ counts: { imported: 1 } })
    expect(await departments(world, ann)).toEqual({ shown: null, scim: undefined, imported: {} })
  })

  test('flows in by the scheduled run that reads only who changed', async () => {
    const world = await importingWorld()
    const [ann] = await world.exported('ann', 'bob')
    await world.tick()
    setDepartment(world, 'ann', 'Ops')
    expect(await world.tick()).toMatchObject({ counts: { read: 1, imported: 1 } })
    expect(await departments(world, ann)).toMatchObject({ shown: 'Ops' })
  })

  test('names a manager by our id', async () => {
    const world = await importingWorld()
    await setDirections(world, { manager: 'import' })
    const [boss, ann] = await world.exported('boss', 'ann')
    world.graph.changeUser(world.accountOf('ann'), { manager: world.accountOf('boss') })
    await world.run('report')
    const { body } = await world.scim.get(`/Users/${ann}`)
    expect(body[ENTERPRISE].manager.value).toBe(boss)
  })

  test('is followed by the other directories', async () => {
    const world = await importingWorld()
    await otherDirectory(world)
    await world.exported('ann')
    setDepartment(world, 'ann', 'Ops')
    await world.run('report')
    expect(lastDepartment(world)).toBe('Ops')
  })

  test('that was exported before comes in with the next scheduled run, also where the difference was reported', async () => {
    const world = await reconcileWorld()
    const sales = newUser('ann', { [ENTERPRISE]: { department: 'Sales' } })
    const { body: ann } = await world.scim.post('/Users', sales)
    await world.exported()
    await world.tick()
    setDepartment(world, 'ann', 'Ops')
    expect(await world.tick()).toMatchObject({ counts: { drift: 1 } })
    await setDirections(world, { department: 'import' })
    expect(await world.tick()).toMatchObject({ counts: { imported: 1 } })
    expect(await departments(world, ann['id'])).toMatchObject({ shown: 'Ops' })
  })
})

describe('a user who is unbound in the directory that imports', () => {
  /** A world in which ann is in two directories, and the first one has imported `Ops` where the client sent `Sales`. */
  async function imported(options: WorldOptions = {}) {
    const world = await importingWorld({ settings: { onUnbind: 'leave' }, ...options })
    await otherDirectory(world)
    const sales = newUser('ann', { [ENTERPRISE]: { department: 'Sales' } })
    const { body } = await world.scim.post('/Users', sales)
    await world.exported()
    setDepartment(world, 'ann', 'Ops')
    await world.run('report')
    const ann: string = body['id']
    return { world, ann }
  }

  const bindings = (world: ReconcileWorld, method: 'POST' | 'DELETE', userId: string) =>
    world.api.send(method, `/directories/${world.directoryId}/bindings`, { userIds: [userId] })

  test('loses the imported values, with an event, and the other directories send what the client sent', async () => {
    const { world, ann } = await imported()
    expect(await departments(world, ann)).toMatchObject({ shown: 'Ops', scim: 'Sales' })
    expect(lastDepartment(world)).toBe('Ops')
    await bindings(world, 'DELETE', ann)
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'former' })
    expect(await departments(world, ann)).toEqual({ shown: 'Sales', scim: 'Sales', imported: {} })
    expect((await changesOf(world, ann)).at(-1)).toEqual({
      class: 'change',
      actor_type: 'system',
      changes: '[{"attribute":"department","from":"Ops","to":"Sales"}]',
    })
    expect(lastDepartment(world)).toBe('Sales')
  })

  test('is an administrator’s to change, as is one who was never bound there', async () => {
    const { world, ann } = await imported()
    const change = { department: 'Legal' }
    expect((await world.api.patch(`/users/${ann}`, change)).status).toBe(409)
    await bindings(world, 'DELETE', ann)
    await world.settle()
    expect(await world.api.patch(`/users/${ann}`, change)).toMatchObject({
      status: 200,
      body: { department: 'Legal' },
    })
    await world.api.patch(`/directories/${world.directoryId}`, {
      settings: { bindNewUsers: { mode: 'manual' } },
    })
    const { body: bob } = await world.scim.post('/Users', newUser('bob'))
    await world.settle()
    expect((await world.api.patch(`/users/${bob['id']}`, change)).status).toBe(200)
  })

  test('while a page is stored gets nothing of it', async () => {
    let meanwhile: (() => Promise<unknown>) | undefined
    // The batches of the run: its row, the accounts of the page, the step.
    const connect = staged(async (batch) => {
      if (batch === 3) await meanwhile?.()
    })
    const { world, ann } = await imported({ instead: { connect } })
    setDepartment(world, 'ann', 'Legal')
    meanwhile = async () => {
      meanwhile = undefined
      await bindings(world, 'DELETE', ann)
      await world.drain()
    }
    expect(await world.run('report')).toMatchObject({ state: 'done', counts: { imported: 0 } })
    expect(meanwhile).toBeUndefined()
    expect(await departments(world, ann)).toMatchObject({ shown: 'Sales', imported: {} })
  })

  test('and bound again gets them by the next scheduled run, though Microsoft 365 changed nothing', async () => {
    const { world, ann } = await imported()
    await bindings(world, 'DELETE', ann)
    await world.settle()
    setDepartment(world, 'ann', 'Ops')
    await world.tick()
    await bindings(world, 'POST', ann)
    await world.settle()
    expect(await departments(world, ann)).toMatchObject({ shown: 'Sales' })
    expect(await world.tick()).toMatchObject({ state: 'done', counts: { imported: 1 } })
    expect(await departments(world, ann)).toMatchObject({ shown: 'Ops' })
    expect(await world.tick()).toMatchObject({ counts: { imported: 0 } })
  })

  test('because the directory is deleted loses them as well, and the other directories follow', async () => {
    const { world, ann } = await imported()
    expect((await world.api.delete(`/directories/${world.directoryId}`)).status).toBe(204)
    expect(await departments(world, ann)).toEqual({ shown: 'Sales', scim: 'Sales', imported: {} })
    const { organizationId } = world
    await world.jobs.queue(batchOf([{ organizationId }]))
    expect(lastDepartment(world)).toBe('Sales')
  })
})

describe('the end of imports', () => {
  /** Of everybody the values of the attributes that can be imported, as they count. */
  const valuesOf = async (world: ReconcileWorld, names: readonly string[]) => {
    const { body } = await world.api.get('/users')
    return body['items'].map((shown: Loose) =>
      Object.fromEntries(names.map((name) => [name, shown[name]])),
    )
  }

  test.each(['the directions', 'the directory'] as const)(
    'with %s is told as the user’s own value of each attribute, which counts again',
    async (ends) => {
      const world = await reconcileWorld()
      for (const [i, document] of DOCUMENTS.entries())
        await world.scim.post('/Users', newUser(`user${i}`, document))
      await world.settle()
      const { body } = await world.api.get(`/directories/${world.directoryId}/attributes`)
      const names: string[] = body['items']
        .filter(({ locked, attribute }: Loose) => locked === false && attribute !== 'usageLocation')
        .map(({ attribute }: Loose) => attribute)
      const own = await valuesOf(world, names)
      const all = (direction: string) => Object.fromEntries(names.map((name) => [name, direction]))
      await setDirections(world, all('import'))
      const imported = names.map((name) => [
        name,
        { value: `their ${name}`, directoryId: world.directoryId, at: 'then' },
      ])
      await world.query(
        sql`UPDATE user SET imported = ${JSON.stringify(Object.fromEntries(imported))}`,
      )
      const theirs = await valuesOf(world, names)
      expect(theirs[0]).toMatchObject({ alternateEmail: 'their alternateEmail', fax: 'their fax' })
      if (ends === 'the directions') await setDirections(world, all('exclude'))
      else await world.api.delete(`/directories/${world.directoryId}`)
      await world.settle()
      expect(await valuesOf(world, names)).toEqual(own)
      const told =
        await world.query(sql`SELECT e.target_id AS id, json_group_object(c.value ->> 'attribute', c.value ->> 'to') AS ends
        FROM event e JOIN user u ON u.id = e.target_id, json_each(e.body, '$.changes') c
        WHERE e.type = 'user_update' AND e.organization_id = ${world.organizationId} GROUP BY e.target_id ORDER BY e.target_id`)
      expect(told.map(({ ends: values }) => JSON.parse(String(values)))).toEqual(own)
    },
  )
})

describe('a direction that leaves import', () => {
  test('takes the imported values away, with an event each', async () => {
    const world = await importingWorld()
    const [ann] = await world.exported('ann')
    setDepartment(world, 'ann', 'Ops')
    await world.run('report')
    await setDirections(world, { department: 'exclude' })
    await world.settle()
    expect(await departments(world, ann)).toEqual({ shown: null, scim: undefined, imported: {} })
    expect(await changesOf(world, ann)).toMatchObject([
      {},
      { class: 'change', changes: '[{"attribute":"department","from":"Ops","to":null}]' },
    ])
    const { body } = await world.api.get(`/directories/${world.directoryId}/status`)
    expect(body).toMatchObject({ owed: 0 })
  })

  test('for export sends what the client sent', async () => {
    const world = await importingWorld()
    const { body } = await world.scim.post(
      '/Users',
      newUser('ann', { [ENTERPRISE]: { department: 'Sales' } }),
    )
    await world.exported()
    setDepartment(world, 'ann', 'Ops')
    await world.run('report')
    await setDirections(world, { department: 'export' })
    await world.settle()
    expect(await departments(world, body['id'])).toEqual({
      shown: 'Sales',
      scim: 'Sales',
      imported: {},
    })
    const [account] = world.graph.summary().users
    expect(account).toMatchObject({ department: 'Sales' })
  })

  test('and is import again before the values are taken away leaves them', async () => {
    const world = await importingWorld()
    const [ann] = await world.exported('ann')
    setDepartment(world, 'ann', 'Ops')
    await world.run('report')
    await setDirections(world, { department: 'exclude' })
    const { organizationId, directoryId } = world
    const key = { organizationId, directoryId, token: 'drain' }
    const back = staged(async (batch) => {
      if (batch === 2) await setDirections(world, { department: 'import' })
    })()
    await takeLease(back, key)
    const taking = dropImported(back, key, { attribute: 'department', now: world.clock.now })
    expect(await taking).toBe(0)
    expect(await departments(world, ann)).toMatchObject({ shown: 'Ops' })
  })

  test('while a page is compared lets nothing of it be imported', async () => {
    let meanwhile: (() => Promise<unknown>) | undefined
    const world = await importingWorld({
      fetch: (next) => async (input, init) => {
        const request = new Request(input, init)
        const response = await next(request)
        if (request.url.includes('/users/delta')) await meanwhile?.()
        return response
      },
    })
    const [ann] = await world.exported('ann')
    setDepartment(world, 'ann', 'Ops')
    meanwhile = async () => {
      meanwhile = undefined
      await setDirections(world, { department: 'exclude' })
    }
    const run = await world.run('report')
    expect(run).toMatchObject({ state: 'done', counts: { imported: 0 } })
    expect(await departments(world, ann)).toMatchObject({ shown: null, imported: {} })
  })
})

test('an imported value that a client sends back as it was shown stays what Microsoft 365 says', async () => {
  const world = await importingWorld()
  const [ann = ''] = await world.exported('ann')
  const says = async (department: string) => {
    setDepartment(world, 'ann', department)
    await world.run('report')
  }
  await says('Ops')
  const { body: shown } = await world.scim.get(`/Users/${ann}`)
  expect(shown[ENTERPRISE]).toEqual({ department: 'Ops' })
  const put = async (body: Loose) => (await world.scim.put(`/Users/${ann}`, body)).body
  expect(await put({ ...shown, title: 'Chief' })).toMatchObject({
    title: 'Chief',
    [ENTERPRISE]: { department: 'Ops' },
  })
  await says('Sales')
  expect(await departments(world, ann)).toMatchObject({ shown: 'Sales', scim: 'Sales' })
  await setDirections(world, { department: 'exclude' })
  await world.settle()
  expect((await departments(world, ann)).scim).toBeUndefined()
})
