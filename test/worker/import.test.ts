import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import type { Deps } from '../../src/deps.ts'
import type { DirectorySettings } from '../../src/plan/settings.ts'
import { type ApiClient, apiClient } from '../support/api.ts'
import { batchOf, type ExportWorld, exportWorld, newUser, seedTwin } from '../support/export.ts'
import { byHand } from '../support/reconcile.ts'
import { type Loose, readLog } from '../support/seed.ts'
import { staged } from '../support/staged.ts'

interface Importing {
  readonly world: ExportWorld
  readonly api: ApiClient
  readonly directory: string
  /** Accounts as somebody else made them in Microsoft 365: ann, bob, cid and so on. */
  readonly accounts: readonly string[]
  /** Changes an account in Microsoft 365. */
  change(graphId: string | undefined, properties: Loose): void
  candidates(query?: string): Promise<readonly Loose[]>
  /** Starts an import and gives its job. */
  start(body: unknown): Promise<Loose>
  /** Starts an import, has it carried out, and gives the job afterwards. */
  imported(body: unknown): Promise<Loose>
  job(id: string): Promise<Loose>
  user(username: string): Promise<Loose>
}

const MANUAL: Partial<DirectorySettings> = { bindNewUsers: { mode: 'manual', groupIds: [] } }
const NAMES = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay']

/** A directory that nobody is bound to by itself, in a tenant with so many accounts of its own. */
async function importing(
  count: number,
  settings: Partial<DirectorySettings> = {},
  instead: Partial<Deps> = {},
): Promise<Importing> {
  const world = await exportWorld({ settings: { ...MANUAL, ...settings }, instead })
  const { organizationId, clock, graph } = world
  const fetch: typeof globalThis.fetch = (input, init) => graph.fetch(new Request(input, init))
  // What the API rings for waits in the world's queue.
  const announceRun: ApiClient['deps']['announceRun'] = async (bell) => {
    world.bells.push({ ...bell, delaySeconds: 0 })
  }
  const api = await apiClient({ organizationId, clock, instead: { fetch, announceRun } })
  const directory = `/directories/${world.directoryId}`
  const { users: accounts } = graph.seed({ users: count, prefix: 'old' })
  for (const [i, graphId] of accounts.entries()) {
    const name = NAMES[i] ?? `user${i}`
    graph.changeUser(graphId, {
      properties: {
        userPrincipalName: `${name}@contoso.com`,
        mailNickname: name,
        displayName: `${name} Test`,
        givenName: name,
        surname: 'Before',
        jobTitle: 'Chief',
      },
    })
  }
  graph.counters.reset()
  const job: Importing['job'] = async (id) => (await api.get(`/jobs/${id}`)).body
  const start: Importing['start'] = async (body) => {
    const answer = await api.post(`${directory}/import`, body)
    expect({ status: answer.status, detail: answer.body['detail'] }).toEqual({ status: 202 })
    return answer.body
  }
  return {
    world,
    api,
    directory,
    accounts,
    job,
    start,
    change: (graphId = '', properties) => graph.changeUser(graphId, { properties }),
    async candidates(query = '') {
      const answer = await api.get(`${directory}/import-candidates${query}`)
      expect({ status: answer.status, detail: answer.body['detail'] }).toEqual({ status: 200 })
      return answer.body['items']
    },
    async imported(body) {
      const { id } = await start(body)
      await world.settle()
      return job(id)
    },
    async user(username) {
      const { body } = await api.get(`/users?q=${username}`)
      return body['items'].find((user: Loose) => user['username'] === username)
    },
  }
}

const writes = ({ graph }: ExportWorld): number => graph.counters.snapshot().writes

const eventsOf = async ({ api }: Importing, type: string): Promise<Loose[]> =>
  (await api.get(`/events?type=${type}`)).body['items']

const userCount = async ({ organizationId, query }: ExportWorld): Promise<number> => {
  const [row] = await query(
    sql`SELECT count(*) AS n FROM user WHERE organization_id = ${organizationId}`,
  )
  return Number(row?.['n'])
}

describe('the candidates of an import', () => {
  test('are the accounts of the tenant, each with what would come in', async () => {
    const { candidates, accounts, world } = await importing(1)
    const log = await readLog(world.organizationId)
    expect(await candidates()).toEqual([
      {
        graphId: accounts[0],
        userPrincipalName: 'ann@contoso.com',
        displayName: 'ann Test',
        firstname: 'ann',
        lastname: 'Before',
        username: 'ann',
        accountEnabled: true,
        importable: true,
        reason: null,
        notice: null,
      },
    ])
    expect(writes(world)).toBe(0)
    expect(await readLog(world.organizationId)).toEqual(log)
  })

  test('tell why one cannot be imported: guest, synced, no verified domain, already bound, name or e-mail taken', async () => {
    const { candidates, change, accounts, world, api, directory } = await importing(6)
    change(accounts[0], { userType: 'Guest' })
    change(accounts[1], { onPremisesSyncEnabled: true })
    change(accounts[2], { userPrincipalName: 'cid@elsewhere.example' })
    const { body: dan } = await world.scim.post('/Users', newUser('dan'))
    await api.post(`${directory}/bindings`, { userIds: [dan['id']] })
    await world.settle()
    await world.scim.post('/Users', newUser('eve', { userName: 'eve', emails: [] }))
    await world.scim.post('/Users', newUser('fay', { userName: 'other' }))
    const found = await candidates()
    expect(found.map(({ username, reason }) => [username, reason?.code])).toEqual([
      ['ann', 'account_is_guest'],
      ['bob', 'account_is_synced'],
      ['cid', 'domain_not_verified'],
      ['dan', 'already_bound'],
      ['eve', 'username_taken'],
      ['fay', 'email_taken'],
    ])
    for (const { importable, reason } of found) {
      expect(importable).toBe(false)
      expect(reason.message).not.toBe('')
      expect(reason.whatToDo).not.toBe('')
    }
  })

  test('whose name a user has who is bound to another account say so: that user cannot be bound to them', async () => {
    const { candidates, change, accounts, world, api, directory } = await importing(2)
    const { body: ann } = await world.scim.post('/Users', newUser('ann', { userName: 'ann' }))
    await api.post(`${directory}/bindings`, { userIds: [ann['id']] })
    await world.settle()
    change(accounts[1], { mailNickname: 'ann', userPrincipalName: 'ann2@contoso.com' })
    const [, second] = await candidates()
    expect(second?.['reason']).toMatchObject({
      code: 'username_taken',
      message: expect.stringContaining(
        `is bound to another account of the directory (${accounts[0]})`,
      ),
      whatToDo: expect.stringContaining('another alias'),
    })
    await api.send('DELETE', `${directory}/bindings`, { userIds: [ann['id']] })
    await world.settle()
    const { reason } = (await candidates())[1] ?? {}
    expect(reason.whatToDo).toContain(`bind the user ${ann['id']}`)
  })

  test('are searched by what a name of theirs begins with', async () => {
    const { candidates, change, accounts } = await importing(3)
    change(accounts[2], { displayName: "O'Bob & Sons" })
    const named = async (q: string) =>
      (await candidates(`?q=${encodeURIComponent(q)}`)).map(({ username }) => username)
    expect(await named('bo')).toEqual(['bob'])
    expect(await named("o'bob &")).toEqual(['cid'])
    expect(await named('nobody')).toEqual([])
  })

  test('come in pages, whose cursor is our own: no address of a client is ever fetched', async () => {
    const { api, directory, accounts, world } = await importing(5)
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await api.get(`${directory}/import-candidates?limit=2&cursor=${cursor}`)
      seen.push(...body['items'].map(({ graphId }: Loose) => graphId))
      cursor = body['nextCursor']
    }
    expect(seen).toEqual(accounts)
    world.graph.counters.reset()
    const elsewhere = btoa('https://evil.example/v1.0/users?a=1&b').replaceAll('=', '')
    for (const cursor of [elsewhere, btoa('nonsense'), '%00']) {
      const answer = await api.get(`${directory}/import-candidates?cursor=${cursor}`)
      expect([cursor, answer.status]).toEqual([cursor, 400])
    }
  })

  test('that the application may not read are a conflict that says what to grant, and to try again', async () => {
    const { api, directory, world } = await importing(1)
    const forbidden = { code: 'Authorization_RequestDenied', message: 'Insufficient privileges.' }
    const body = { error: forbidden }
    world.graph.faults.add({ match: { path: '^/users' }, status: 403, body })
    const answer = await api.get(`${directory}/import-candidates`)
    expect(answer.status).toBe(409)
    expect(answer.body['detail']).toMatch(/Grant .*User\.Read\.All.*, then try again\./)
  })

  test('that Microsoft 365 throttles are to be asked for again', async () => {
    const { api, directory, world } = await importing(1)
    world.graph.faults.add({ match: { path: '^/users' }, status: 429, retryAfter: 7 })
    const answer = await api.get(`${directory}/import-candidates`)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('Retry-After')).toBe('7')
    expect(answer.body['detail']).toContain('Microsoft 365')
  })

  test('are judged without their domains where the application may not read those', async () => {
    const { candidates, accounts, change, world } = await importing(1)
    change(accounts[0], { userPrincipalName: 'ann@elsewhere.example' })
    const forbidden = { code: 'Authorization_RequestDenied', message: 'Insufficient privileges.' }
    world.graph.faults.add({
      match: { path: '^/domains' },
      status: 403,
      body: { error: forbidden },
    })
    expect(await candidates()).toMatchObject([{ importable: true }])
  })

  test('of a directory whose credential is refused are a conflict that says so', async () => {
    const { api, directory, world } = await importing(1)
    await world.query(
      sql`UPDATE directory SET client_id = ${crypto.randomUUID()} WHERE id = ${world.directoryId}`,
    )
    const answer = await api.get(`${directory}/import-candidates`)
    expect(answer.status).toBe(409)
    expect(answer.body['detail']).toContain('Microsoft 365 cannot be asked')
  })

  test('of another organization’s directory are 404, and so is an import of them', async () => {
    const { api } = await importing(0)
    const other = await importing(1)
    expect((await api.get(`${other.directory}/import-candidates`)).status).toBe(404)
    expect((await api.post(`${other.directory}/import`, { all: true })).status).toBe(404)
    expect(other.world.bells).toEqual([])
  })
})

describe('an import', () => {
  test('brings only email, first name, last name and username; the user is password pending', async () => {
    const { imported, user, accounts, world } = await importing(2)
    const job = await imported({ graphIds: [accounts[0]] })
    expect(job).toMatchObject({ type: 'import', state: 'done', done: 1, total: 1, errors: [] })
    expect(await user('ann')).toMatchObject({
      username: 'ann',
      email: 'ann@contoso.com',
      firstname: 'ann',
      lastname: 'Before',
      jobTitle: null,
      externalId: null,
      sourceId: null,
      status: 'password_pending',
      bindings: [],
    })
    expect(await userCount(world)).toBe(1)
    expect(writes(world)).toBe(0)
  })

  test('takes the username from mailNickname, else from the part before the @, always checked as strict', async () => {
    const { imported, accounts, change, user } = await importing(3)
    change(accounts[0], { mailNickname: 'annie' })
    change(accounts[1], { mailNickname: null })
    change(accounts[2], { mailNickname: 'cid+1', userPrincipalName: 'cid+1@contoso.com' })
    const job = await imported({ graphIds: accounts })
    expect(await user('annie')).toBeDefined()
    expect(await user('bob')).toBeDefined()
    expect(job).toMatchObject({ state: 'done', done: 3, total: 3 })
    expect(job['errors']).toMatchObject([{ graphId: accounts[2], code: 'no_usable_username' }])
  })

  test('takes the part before the @ also where the mailNickname cannot be a username', async () => {
    const { imported, accounts, change, user, candidates } = await importing(1)
    change(accounts[0], { mailNickname: 'ann#1' })
    expect(await candidates()).toMatchObject([{ username: 'ann', importable: true }])
    expect(await imported({ graphIds: accounts })).toMatchObject({ state: 'done', errors: [] })
    expect(await user('ann')).toMatchObject({ email: 'ann@contoso.com' })
  })

  test('is told of in two events each, by the administrator who asked', async () => {
    const importingAnn = await importing(1)
    const { imported, user, accounts, api } = importingAnn
    const { id: jobId } = await imported({ graphIds: accounts })
    const ann = await user('ann')
    const by = { actor: { type: 'admin', id: api.adminId, keyId: api.keyId } }
    expect(await eventsOf(importingAnn, 'user_import')).toMatchObject([
      {
        ...by,
        target: { type: 'user', id: ann['id'] },
        details: { jobId, graphId: accounts[0], userPrincipalName: 'ann@contoso.com' },
        origin: { ip: '192.0.2.7' },
      },
    ])
    expect(await eventsOf(importingAnn, 'user_create')).toMatchObject([
      { ...by, target: { type: 'user', id: ann['id'] } },
    ])
  })

  test('reports duplicates and never overwrites anybody', async () => {
    const { imported, accounts, change, world } = await importing(4)
    await world.scim.post('/Users', newUser('ann', { userName: 'ann', emails: [] }))
    await world.scim.post('/Users', newUser('bob', { userName: 'robert' }))
    // Two accounts of one name: the second is told as a duplicate of the first.
    change(accounts[3], { mailNickname: 'CID' })
    const before = await world.query(
      sql`SELECT id, version, resource FROM user WHERE organization_id = ${world.organizationId} ORDER BY id`,
    )
    const job = await imported({ graphIds: accounts })
    expect(job).toMatchObject({ state: 'done', done: 4, total: 4 })
    expect(job['errors']).toMatchObject([
      { graphId: accounts[0], userPrincipalName: 'ann@contoso.com', code: 'username_taken' },
      { graphId: accounts[1], code: 'email_taken' },
      { graphId: accounts[3], code: 'username_taken' },
    ])
    expect(
      await world.query(
        sql`SELECT id, version, resource FROM user WHERE organization_id = ${world.organizationId}
          AND source_id IS NOT NULL ORDER BY id`,
      ),
    ).toEqual(before)
    expect(await userCount(world)).toBe(3)
  })

  test('of accounts that are not there, or can all not be imported, has failed', async () => {
    const { imported, accounts, change } = await importing(1)
    change(accounts[0], { userType: 'Guest' })
    const absent = crypto.randomUUID()
    const job = await imported({ graphIds: [absent, accounts[0]] })
    expect(job).toMatchObject({ state: 'failed', done: 2, total: 2 })
    expect(job['errors']).toMatchObject([
      { graphId: absent, code: 'account_not_found' },
      { graphId: accounts[0], code: 'account_is_guest' },
    ])
  })

  test('of a disabled account makes a suspended user, so that no export enables it', async () => {
    const { imported, accounts, change, user, world } = await importing(1)
    change(accounts[0], { accountEnabled: false })
    await imported({ graphIds: accounts, bind: true })
    expect(await user('ann')).toMatchObject({ status: 'suspended' })
    const [account] = world.graph.summary().users
    expect(account).toMatchObject({ userPrincipalName: 'ann@contoso.com', accountEnabled: false })
  })

  test('of all goes on page by page and message by message, and tells its progress', async () => {
    const { start, job, world, accounts } = await importing(260)
    const { id, total } = await start({ all: true })
    expect(total).toBe(0)
    const [bell] = world.bells.splice(0)
    await world.jobs.queue(batchOf([bell]))
    const half = await job(id)
    expect(half).toMatchObject({ state: 'running', errors: [] })
    expect(half['done']).toBeGreaterThan(0)
    expect(half['done']).toBeLessThan(accounts.length)
    expect(world.opened.at(-1)?.meter.statements).toBeLessThan(1000)
    await world.settle()
    expect(await job(id)).toMatchObject({ state: 'done', done: 260, total: 260, errors: [] })
    expect(await userCount(world)).toBe(260)
    // One request for 25 accounts, in one envelope with the domains.
    const { envelopes, writes: written } = world.graph.counters.snapshot()
    expect({ envelopes, written }).toEqual({ envelopes: Array(11).fill(2), written: 0 })
  })

  test('of all again imports nobody twice: whoever is bound is no error', async () => {
    const { imported, world } = await importing(3)
    await imported({ all: true, bind: true })
    const again = await imported({ all: true, bind: true })
    expect(again).toMatchObject({ state: 'done', done: 3, errors: [] })
    expect(await userCount(world)).toBe(3)
  })
})

describe('an import whose messages are lost or come twice', () => {
  test('is found by the cron of every minute', async () => {
    const { start, job, world, accounts } = await importing(2)
    const { id } = await start({ graphIds: accounts })
    world.bells.length = 0
    await world.jobs.scheduled({ cron: '* * * * *' })
    expect(world.bells.filter(({ jobId }) => jobId === id)).toEqual([])
    world.clock.now += 60_000
    await world.jobs.scheduled({ cron: '* * * * *' })
    expect(world.bells.filter(({ jobId }) => jobId === id)).toHaveLength(1)
    await world.settle()
    expect(await job(id)).toMatchObject({ state: 'done', done: 2 })
    world.clock.now += 3_600_000
    await world.jobs.scheduled({ cron: '* * * * *' })
    expect(world.bells.filter(({ jobId }) => jobId === id)).toEqual([])
  })

  // The batches of each: the job, who is here, who was made, six users, the step.
  test.each(
    [2, 3, 4, 7, 10].flatMap((nth) => [
      { nth, end: 'stores its step' },
      { nth, end: 'dies before it can' },
    ]),
  )(
    'creates nobody twice: before batch $nth another consumer makes the users, and $end',
    async ({ nth, end }) => {
      let other: (() => Promise<void>) | undefined
      let isOther = false
      const connect = staged(async (batch) => {
        if (isOther && batch === 10 && end !== 'stores its step')
          throw new Error('D1_ERROR: Network connection lost.')
        if (batch !== nth || other === undefined) return
        const carryOut = other
        other = undefined
        isOther = true
        await carryOut()
        isOther = false
      })
      const twice = await importing(6, {}, { connect })
      const { start, job, world, accounts } = twice
      const { id } = await start({ graphIds: accounts, bind: true })
      const bell = batchOf([{ organizationId: world.organizationId, jobId: id }])
      other = () => world.jobs.queue(bell)
      await world.jobs.queue(bell)
      expect(other).toBeUndefined()
      await world.settle()
      expect(await job(id)).toMatchObject({ state: 'done', done: 6, total: 6, errors: [] })
      expect(await userCount(world)).toBe(6)
      expect(await eventsOf(twice, 'user_import')).toHaveLength(6)
      expect(await eventsOf(twice, 'user_create')).toHaveLength(6)
      expect(await eventsOf(twice, 'binding_create')).toHaveLength(1)
    },
  )

  test('creates nobody twice: a consumer died when its users were made and its step was not stored', async () => {
    const died = await importing(3)
    const { start, job, user, world, accounts } = died
    const { id } = await start({ graphIds: accounts })
    await world.jobs.queue(batchOf([{ organizationId: world.organizationId, jobId: id }]))
    // As the tables stood before the step was stored, but for the users; of whom one was deleted meanwhile.
    await world.query(
      sql`UPDATE job SET ended = 0, version = 0, reached = 0, progress = NULL, due_at = 0 WHERE id = ${id}`,
    )
    await world.query(
      sql`DELETE FROM event WHERE organization_id = ${world.organizationId} AND type = 'user_import'`,
    )
    const { id: bob } = await user('bob')
    expect((await world.scim.delete(`/Users/${bob}`)).status).toBe(204)
    await world.settle()
    expect(await job(id)).toMatchObject({ state: 'done', done: 3, total: 3, errors: [] })
    expect(await userCount(world)).toBe(2)
    expect(await eventsOf(died, 'user_create')).toHaveLength(3)
    expect(await eventsOf(died, 'user_import')).toHaveLength(3)
  })
})

describe('an import that Microsoft 365 does not answer', () => {
  test('waits as long as a 429 says, and goes on', async () => {
    const { start, job, world, accounts } = await importing(2)
    const { id } = await start({ graphIds: accounts })
    world.graph.faults.add({ match: { path: '^/users/' }, status: 429, retryAfter: 40, times: 1 })
    const [bell] = world.bells.splice(0)
    await world.jobs.queue(batchOf([bell]))
    expect(world.bells).toMatchObject([{ jobId: id, delaySeconds: 40 }])
    expect(await job(id)).toMatchObject({ state: 'running', done: 0 })
    await world.settle()
    expect(await job(id)).toMatchObject({ state: 'done', done: 2, errors: [] })
  })

  test('begins its list again when the page is too old, and counts nobody twice', async () => {
    const { start, job, world } = await importing(200)
    const { id } = await start({ all: true })
    const [bell] = world.bells.splice(0)
    await world.jobs.queue(batchOf([bell]))
    world.clock.now += 11 * 60_000
    await world.settle()
    expect(await job(id)).toMatchObject({ state: 'done', done: 200, total: 200, errors: [] })
    expect(await userCount(world)).toBe(200)
  })

  test('has failed when the credential is refused, and says so; a deleted directory takes it along', async () => {
    const { start, job, world, api, directory, accounts } = await importing(1)
    const { id: refused } = await start({ graphIds: accounts })
    const rightful = sql`(SELECT client_id FROM directory WHERE id = ${world.directoryId})`
    const [before] = await world.query(sql`SELECT ${rightful} AS client`)
    const setClient = (client: unknown) =>
      world.query(sql`UPDATE directory SET client_id = ${client} WHERE id = ${world.directoryId}`)
    await setClient(crypto.randomUUID())
    const [bell] = world.bells.splice(0)
    await world.jobs.queue(batchOf([bell]))
    const { state, errors } = await job(refused)
    expect({ state, count: errors.length }).toEqual({ state: 'failed', count: 1 })
    expect(errors[0].whatToDo).not.toBe('')
    expect((await api.get(directory)).body).toMatchObject({ state: 'auth_error' })
    await setClient(before?.['client'])
    expect((await api.post(`${directory}/test`, {})).body).toMatchObject({ state: 'active' })
    const { id: orphan } = await start({ graphIds: accounts })
    expect((await api.delete(directory)).status).toBe(204)
    await world.jobs.queue(batchOf(world.bells.splice(0)))
    expect((await api.get(`/jobs/${orphan}`)).status).toBe(404)
    expect(await userCount(world)).toBe(0)
  })
})

describe('an import of a directory that is not active', () => {
  test('is refused when the credential is known to be refused, with the reason and what to do', async () => {
    const { world, api, directory, accounts } = await importing(1)
    await world.query(sql`UPDATE directory SET state = 'auth_error', state_reason = 'The secret has expired.'
      WHERE id = ${world.directoryId}`)
    const refused = await api.post(`${directory}/import`, { graphIds: accounts })
    expect(refused.status).toBe(409)
    expect(refused.body['detail']).toMatch(/The secret has expired\..*state is set to "active"/)
    expect(world.bells).toEqual([])
  })

  test('only reads, which a pause does not forbid', async () => {
    const { world, api, directory, accounts, start } = await importing(1)
    await api.patch(directory, { state: 'paused' })
    expect(await start({ graphIds: accounts })).toMatchObject({ state: 'running', waiting: null })
    await world.jobs.queue(batchOf(world.bells.splice(0)))
    expect(await userCount(world)).toBe(1)
  })
})

describe('an import with bind', () => {
  test('adopts the existing account of each user, and creates none', async () => {
    const { imported, user, accounts, world } = await importing(3)
    const job = await imported({ graphIds: accounts, bind: true })
    expect(job).toMatchObject({ state: 'done', done: 3, errors: [] })
    for (const [i, graphId] of accounts.entries()) {
      const { id } = await user(NAMES[i] ?? '')
      expect(await world.binding(id)).toMatchObject({ graph_id: graphId, state: 'synced' })
    }
    const { users } = world.graph.summary()
    expect(users).toHaveLength(3)
    // The accounts are known by their ids: no create is tried.
    const { writesByKind } = world.graph.counters.snapshot()
    expect(writesByKind).toEqual({ 'user.update': 3 })
    // What nobody here has is left to Microsoft 365.
    expect(users.map(({ jobTitle }) => jobTitle)).toEqual(['Chief', 'Chief', 'Chief'])
  })

  test('adopts the very account, whatever it is called by then', async () => {
    const { begun, change, accounts, world, user } = await bound()
    change(accounts[0], { userPrincipalName: 'renamed@contoso.com' })
    await world.settle()
    expect(await begun()).toMatchObject({ state: 'done', done: 1, errors: [] })
    expect(await world.binding((await user('ann'))['id'])).toMatchObject({ graph_id: accounts[0] })
    expect(world.graph.summary().users).toMatchObject([
      { id: accounts[0], userPrincipalName: 'ann@contoso.com' },
    ])
  })

  test('leaves what nobody here has a value of: the name of a shared mailbox, the country of a licence', async () => {
    const { imported, user, accounts, change, world, api, directory } = await importing(2)
    const shared = { givenName: null, surname: null, displayName: 'Reception Desk' }
    change(accounts[0], { ...shared, usageLocation: 'CH' })
    await imported({ graphIds: accounts })
    const ids = [(await user('ann'))['id'], (await user('bob'))['id']]
    const preview = async () => {
      const { body } = await api.post(`${directory}/preview`, { userIds: ids })
      const changesOf = (id: string) =>
        body['items'].find(({ userId }: Loose) => userId === id)['changes']
      return ids.map((id) => changesOf(id).map(({ attribute, next }: Loose) => [attribute, next]))
    }
    const overwritten = [
      ['displayname', 'bob Before'],
      ['usageLocation', 'US'],
    ]
    expect(await preview()).toEqual([[], overwritten])
    await api.post(`${directory}/bindings`, { userIds: ids })
    await world.settle()
    const held = () =>
      world.graph.summary().users.map((each) => [each['displayName'], each['usageLocation']])
    const expected = [
      ['Reception Desk', 'CH'],
      ['bob Before', 'US'],
    ]
    expect(held()).toEqual(expected)
    expect(await preview()).toEqual([[], []])
    // It is nobody's drift either, and enforcing leaves it as well; so does exporting everything again.
    world.clock.now += 3_600_000
    const { body: run } = await api.post(`${directory}/reconciliations`, { mode: 'enforce' })
    await world.settle()
    expect((await api.get(`/reconciliations/${run['id']}`)).body).toMatchObject({
      state: 'done',
      counts: { drift: 0 },
    })
    await api.post(`${directory}/exports`, {})
    await world.settle()
    expect(held()).toEqual(expected)
    // The name that the user is given here is exported.
    await api.patch(`/users/${ids[0]}`, { lastname: 'Reception' })
    await world.settle()
    expect(held()[0]).toEqual(['Reception', 'CH'])
  })

  /** An import of ann with bind as it stands before any drain. */
  async function bound(settings: Partial<DirectorySettings> = {}) {
    const each = await importing(1, settings)
    const { start, job, world, accounts } = each
    const { id } = await start({ graphIds: accounts, bind: true })
    const [bell] = world.bells.splice(0)
    await world.jobs.queue(batchOf([bell]))
    const remove = (path = '/users/') => byHand(world, 'DELETE', `${path}${accounts[0]}`)
    return { ...each, begun: () => job(id), remove }
  }

  test('is a job that runs until its users are bound', async () => {
    const { begun, world, api, directory } = await bound()
    expect(await begun()).toMatchObject({ state: 'running', done: 0, total: 1, waiting: null })
    await api.patch(directory, { state: 'paused' })
    await world.settle()
    expect(await begun()).toMatchObject({ state: 'running', waiting: { state: 'paused' } })
    await api.patch(directory, { state: 'active' })
    await world.settle()
    expect(await begun()).toMatchObject({ state: 'done', done: 1, total: 1, errors: [] })
  })

  test('of an account that was deleted meanwhile creates none, and tells in the job and in the failures what to do', async () => {
    const { begun, world, user, remove, api, directory } = await bound()
    await remove()
    await world.settle()
    const told = {
      code: 'imported_account_missing',
      whatToDo: expect.stringContaining('Restore it'),
    }
    const { id: ann } = await user('ann')
    expect(await begun()).toMatchObject({
      state: 'failed',
      done: 1,
      errors: [{ resourceId: ann, ...told }],
    })
    const failures = await api.get(`${directory}/failures`)
    expect(failures.body['items']).toMatchObject([{ userId: ann, state: 'failed', error: told }])
    // Neither a change of the user nor a replay makes another one.
    await api.patch(`/users/${ann}`, { lastname: 'After' })
    await world.settle()
    await api.post(`${directory}/failures/replay`, { all: true })
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'failed', graph_id: null })
    expect(world.graph.counters.snapshot().writesByKind).toEqual({ 'user.delete': 1 })
  })

  test('of an account that was deleted and restored adopts it when the failure is replayed', async () => {
    const { world, user, remove, api, directory, accounts } = await bound()
    await remove()
    await world.settle()
    await byHand(world, 'POST', `/directory/deletedItems/${accounts[0]}/restore`)
    await api.post(`${directory}/failures/replay`, { all: true })
    await world.settle()
    const { id } = await user('ann')
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: accounts[0] })
  })

  test('of an account that is gone creates a new one only when its user is unbound and bound again', async () => {
    const { world, user, remove, api, directory, accounts } = await bound()
    await remove()
    await remove('/directory/deletedItems/')
    await world.settle()
    const { id } = await user('ann')
    await api.send('DELETE', `${directory}/bindings`, { userIds: [id] })
    await world.settle()
    expect(world.graph.counters.snapshot().writesByKind).not.toHaveProperty('user.create')
    await api.post(`${directory}/bindings`, { userIds: [id] })
    await world.settle()
    const { graph_id: graphId, state } = await world.binding(id)
    expect(state).toBe('synced')
    expect(graphId).not.toBe(accounts[0])
  })

  test('that was held is another one with the same account when its user is unbound and bound again', async () => {
    const { imported, user, accounts, world, api, directory } = await importing(1, {
      conflict: 'hold',
    })
    await imported({ graphIds: accounts, bind: true })
    const { id } = await user('ann')
    await api.send('DELETE', `${directory}/bindings`, { userIds: [id] })
    await world.settle()
    await api.patch(`/users/${id}`, { email: 'ann.new@contoso.com' })
    await api.patch(directory, { settings: { conflict: 'adopt' } })
    const { body } = await api.post(`${directory}/preview`, { userIds: [id] })
    expect(body['items']).toMatchObject([{ action: 'update', graphId: accounts[0] }])
    await api.post(`${directory}/bindings`, { userIds: [id] })
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: accounts[0] })
  })

  test('that is undone and begun again while groups still let go of the account has that account', async () => {
    const { imported, user, accounts, world, api, directory } = await importing(1)
    await imported({ graphIds: accounts })
    const { id } = await user('ann')
    const { body: group } = await world.scim.post('/Groups', {
      displayName: 'Sales',
      members: [{ value: id }],
    })
    await api.post(`${directory}/bindings`, { userIds: [id], groupIds: [group['id']] })
    await world.settle()
    world.clock.now += 3_600_000
    const { body } = await api.get('/events?type=binding_create&limit=1')
    // The group refuses to let go, and is tried again later.
    world.graph.faults.add({ match: { path: '/members/' }, status: 503, retryAfter: 60 })
    await api.post(`${directory}/undo`, { eventId: body['items'][0]['id'] })
    await world.drain()
    expect(await world.binding(id)).toMatchObject({ state: 'unbinding', graph_id: null })
    await api.patch(`/users/${id}`, { email: 'ann.new@contoso.com' })
    await api.post(`${directory}/bindings`, { userIds: [id] })
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: accounts[0] })
  })

  test('that is taken back before any drain touches nothing in Microsoft 365', async () => {
    const { world, user, api, directory } = await bound()
    const { id } = await user('ann')
    await api.send('DELETE', `${directory}/bindings`, { userIds: [id] })
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'former', graph_id: null })
    expect(writes(world)).toBe(0)
  })

  test('of an account that has become privileged holds the binding', async () => {
    const { world, user, accounts } = await bound()
    world.graph.changeUser(accounts[0] ?? '', { isPrivileged: true })
    await world.settle()
    const { id } = await user('ann')
    expect(await world.binding(id)).toMatchObject({
      state: 'held',
      graph_id: null,
      error: { code: 'account_is_privileged', whatToDo: expect.stringContaining('unbind') },
    })
    expect(writes(world)).toBe(0)
  })

  test('of an account in too many groups adopts it once it is in fewer, by what its text says', async () => {
    const { start, world, user, api, directory, accounts } = await importing(1)
    const [graphId = ''] = accounts
    const { groups } = world.graph.seed({ groups: 1005, prefix: 'g' })
    for (const group of groups) world.graph.changeGroup(group, { addMembers: [graphId] })
    await start({ graphIds: accounts, bind: true })
    await world.settle()
    const { id } = await user('ann')
    expect((await world.binding(id))['error']).toMatchObject({
      code: 'account_privileges_unknown',
      whatToDo: expect.stringMatching(/then approve this.*or do not bind the user/),
    })
    for (const group of groups) world.graph.changeGroup(group, { removeMembers: [graphId] })
    await api.post(`${directory}/held/approve`, { all: true })
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: graphId })
  })

  test('of a directory that holds conflicts holds each binding, with its reason', async () => {
    const { imported, user, accounts, world, api, directory } = await importing(1, {
      conflict: 'hold',
    })
    await imported({ graphIds: accounts, bind: true })
    const { id } = await user('ann')
    expect(await world.binding(id)).toMatchObject({ state: 'held', graph_id: null })
    expect((await world.binding(id))['error']).toMatchObject({ code: 'account_exists' })
    expect(world.graph.counters.snapshot().committedWrites).toBe(0)
    await api.post(`${directory}/held/approve`, { all: true })
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: accounts[0] })
    expect(world.graph.counters.snapshot().writesByKind).toEqual({ 'user.update': 1 })
  })
})

describe('an import without bind', () => {
  const ALL: Partial<DirectorySettings> = { bindNewUsers: { mode: 'all', groupIds: [] } }

  test('binds nobody in a directory that binds every new user, and writes nothing', async () => {
    const { imported, user, world } = await importing(2, ALL)
    await imported({ all: true })
    await world.settle()
    expect(await user('ann')).toMatchObject({ bindings: [] })
    expect(writes(world)).toBe(0)
    // Whoever is new otherwise is bound.
    const { body: cid } = await world.scim.post('/Users', newUser('cid'))
    await world.settle()
    expect(await world.binding(cid['id'])).toMatchObject({ state: 'synced' })
  })

  test('binds its users in the other directories that bind every new user', async () => {
    const { imported, user, world, api, directory } = await importing(1)
    const otherId = await seedTwin(world, api.deps, ALL)
    await imported({ all: true })
    await world.settle()
    const { bindings } = await user('ann')
    expect(bindings).toMatchObject([{ directoryId: otherId }])
    expect((await api.get(`${directory}/bindings`)).body['items']).toEqual([])
  })

  test('leaves its users to a command, or to a group that binds its members, which adopt the account without a create', async () => {
    const { imported, user, world, api, directory, accounts } = await importing(2)
    await imported({ all: true })
    const ann = await user('ann')
    const bob = await user('bob')
    const { body: group } = await world.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Staff',
      members: [{ value: bob['id'] }],
    })
    await api.post(`${directory}/bindings`, { userIds: [ann['id']] })
    await api.patch(directory, {
      settings: { bindNewUsers: { mode: 'groups', groupIds: [group['id']] } },
    })
    await world.settle()
    expect(await world.binding(ann['id'])).toMatchObject({
      graph_id: accounts[0],
      reason: 'manual',
    })
    expect(await world.binding(bob['id'])).toMatchObject({
      graph_id: accounts[1],
      reason: 'groups',
    })
    expect(world.graph.counters.snapshot().writesByKind).not.toHaveProperty('user.create')
  })

  test('is previewed as the bind of the account that the user was imported from', async () => {
    const { imported, user, world, api, directory, accounts, change } = await importing(1)
    await imported({ all: true })
    change(accounts[0], { userPrincipalName: 'renamed@contoso.com' })
    const { id } = await user('ann')
    const preview = async () =>
      (await api.post(`${directory}/preview`, { userIds: [id] })).body['items'][0]
    const renamed = {
      attribute: 'email',
      graph: 'userPrincipalName',
      current: 'renamed@contoso.com',
      next: 'ann@contoso.com',
    }
    const { changes, ...item } = await preview()
    expect(item).toMatchObject({ graphId: accounts[0], action: 'update' })
    expect(changes).toContainEqual(renamed)
    await byHand(world, 'DELETE', `/users/${accounts[0]}`)
    expect(await preview()).toMatchObject({
      action: 'conflict',
      problems: [{ code: 'imported_account_missing' }],
    })
  })
})

describe('the account of a former user', () => {
  /** Ann was bound to an account of ours, and was deleted: her account is disabled. Bob is nobody here. */
  async function formerAnn() {
    const each = await importing(2)
    const { imported, user, world, accounts, api } = each
    await imported({ graphIds: [accounts[0]], bind: true })
    const { id: former } = await user('ann')
    expect((await api.delete(`/users/${former}`)).status).toBe(204)
    await world.settle()
    world.graph.counters.reset()
    return { ...each, former }
  }

  test('is a candidate that tells whose it was', async () => {
    const { candidates, former } = await formerAnn()
    const [ann, bob] = await candidates()
    expect(ann).toMatchObject({
      accountEnabled: false,
      importable: true,
      reason: null,
      notice: { code: 'account_of_former_user', message: expect.stringContaining(former) },
    })
    expect(bob).toMatchObject({ importable: true, notice: null })
  })

  test('is left out by an import of everybody, which tells it', async () => {
    const { imported, user, accounts } = await formerAnn()
    const job = await imported({ all: true, bind: true })
    expect(job).toMatchObject({
      state: 'done',
      done: 2,
      errors: [{ graphId: accounts[0], code: 'account_of_former_user' }],
    })
    expect(await user('ann')).toBeUndefined()
    expect(await user('bob')).toBeDefined()
  })

  test('becomes a suspended user when it is named, and is bound when somebody approves', async () => {
    const { imported, user, accounts, world, api, directory } = await formerAnn()
    await imported({ graphIds: [accounts[0]], bind: true })
    const { id, status } = await user('ann')
    expect(status).toBe('suspended')
    expect(await world.binding(id)).toMatchObject({
      state: 'held',
      error: { code: 'account_of_former_user' },
    })
    expect(writes(world)).toBe(0)
    await api.post(`${directory}/held/approve`, { all: true })
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: accounts[0] })
    expect(world.graph.summary().users[0]).toMatchObject({ accountEnabled: false })
    // It is hers by now.
    await api.post(`/directories/${world.directoryId}/exports`, {})
    await world.settle()
    expect((await api.get(`${directory}/status`)).body).toMatchObject({ owed: 0, failed: 0 })
  })

  test('whose user is still here is told as taken: that user is bound again', async () => {
    const { imported, user, world, accounts, api, directory, candidates } = await importing(1)
    await imported({ graphIds: accounts, bind: true })
    const { id } = await user('ann')
    await api.send('DELETE', `${directory}/bindings`, { userIds: [id] })
    await world.settle()
    const [ann] = await candidates()
    expect(ann).toMatchObject({ importable: false, reason: { code: 'username_taken' } })
    expect(ann?.['reason'].whatToDo).toContain(id)
  })
})

describe('an import that is previewed before its users are bound', () => {
  test('tells by its events whom to preview, and the bind changes what the preview told and nothing else', async () => {
    const { imported, world, api, directory, accounts, change } = await importing(2)
    change(accounts[0], { displayName: 'Ann from Bern', businessPhones: ['1'] })
    const { id: jobId } = await imported({ graphIds: accounts })
    const { body: told } = await api.get('/events?type=user_import')
    const userIds: string[] = told['items']
      .filter(({ details }: Loose) => details['jobId'] === jobId)
      .map(({ target }: Loose) => target['id'])
    expect(userIds).toHaveLength(2)
    const { body: preview } = await api.post(`${directory}/preview`, { userIds })
    const before = world.graph.summary().users
    const previewed = before.map((account) => {
      const item = preview['items'].find(({ graphId }: Loose) => graphId === account['id'])
      const changes = item['changes'].map(({ graph, next }: Loose) => [graph, next])
      return { ...account, ...Object.fromEntries(changes) }
    })
    expect(previewed.map((account) => account['displayName'])).toEqual(['ann Before', 'bob Before'])
    const bind = { userIds, atSequence: preview['sequence'] }
    expect((await api.post(`${directory}/bindings`, bind)).status).toBe(202)
    await world.settle()
    expect(world.graph.summary().users).toEqual(previewed)
  })

  test('whose users have changed since the preview is refused', async () => {
    const { imported, user, api, directory } = await importing(1)
    await imported({ all: true })
    const { id } = await user('ann')
    const { body } = await api.post(`${directory}/preview`, { userIds: [id] })
    await api.patch(`/users/${id}`, { lastname: 'After' })
    const bind = { userIds: [id], atSequence: body['sequence'] }
    expect((await api.post(`${directory}/bindings`, bind)).status).toBe(409)
  })
})

describe('a client that meets an imported user under another userName', () => {
  test('is told by the 409 how to find it, and finds it by the e-mail address', async () => {
    const { imported, world, user } = await importing(1)
    await imported({ all: true })
    const { status, body } = await world.scim.post('/Users', newUser('ann'))
    const ann = await user('ann')
    expect(status).toBe(409)
    expect(body['scimType']).toBe('uniqueness')
    expect(body['detail']).toContain(ann['id'])
    expect(body['detail']).toContain('emails[type eq "work"].value')
    expect(body['detail']).toContain('mailNickname')
    const filter = encodeURIComponent('emails[type eq "work"].value eq "ann@contoso.com"')
    const { body: found } = await world.scim.get(`/Users?filter=${filter}`)
    expect(found['Resources']).toMatchObject([{ id: ann['id'] }])
    const rename = [{ op: 'replace', path: 'userName', value: 'ann@contoso.com' }]
    expect((await world.scim.patch(`/Users/${ann['id']}`, rename)).status).toBe(200)
  })

  test('finds it under its own userName once an administrator has renamed it as a source would call it', async () => {
    const { imported, world, user, api } = await importing(1)
    await imported({ all: true })
    const { id } = await user('ann')
    const renamed = await api.patch(`/users/${id}`, { username: 'ann@contoso.com' })
    expect(renamed).toMatchObject({ status: 200, body: { username: 'ann@contoso.com' } })
    const filter = encodeURIComponent('userName eq "ann@contoso.com"')
    const { body: found } = await world.scim.get(`/Users?filter=${filter}`)
    expect(found['Resources']).toMatchObject([{ id }])
  })
})

describe('a request for an import', () => {
  test.each([
    [{}, ''],
    [{ graphIds: [] }, '/graphIds'],
    [{ graphIds: ['ann@contoso.com'] }, '/graphIds/0'],
    [{ graphIds: Array.from({ length: 1001 }, () => crypto.randomUUID()) }, '/graphIds'],
    [{ all: false }, '/all'],
    [{ all: true, graphIds: [crypto.randomUUID()] }, ''],
    [{ all: true, bind: 'yes' }, '/bind'],
  ])('for what cannot be is refused with the place', async (body, pointer) => {
    const { api, directory, world } = await importing(0)
    const answer = await api.post(`${directory}/import`, body)
    expect(answer.status).toBe(400)
    expect(answer.body['errors'][0]['pointer']).toBe(pointer)
    expect(world.bells).toEqual([])
  })
})

describe('a user that was imported and is bound again', () => {
  test('after an undo has the account that it was imported from, and no second one', async () => {
    const { imported, user, accounts, world, api, directory } = await importing(1)
    await imported({ graphIds: accounts })
    const { id } = await user('ann')
    await api.patch(`/users/${id}`, { email: 'ann.new@contoso.com' })
    await api.post(`${directory}/bindings`, { userIds: [id] })
    await world.settle()
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: accounts[0] })
    world.clock.now += 3_600_000
    const { body } = await api.get('/events?type=binding_create&limit=1')
    await api.post(`${directory}/undo`, { eventId: body['items'][0]['id'] })
    await world.settle()
    await api.post(`${directory}/bindings`, { userIds: [id] })
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
    expect(await world.binding(id)).toMatchObject({ state: 'synced', graph_id: accounts[0] })
  })
})
