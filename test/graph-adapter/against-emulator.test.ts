import { describe, expect, it } from 'vitest'
import { sendBatch, type BatchItem } from '../../src/graph/batch.ts'
import {
  classifyAnswer,
  type Outcome,
  type Purpose,
  type WriteContext,
} from '../../src/graph/outcome.ts'
import { createTokenSource } from '../../src/graph/token.ts'
import { createTransport } from '../../src/graph/transport.ts'
import { sendWaves } from '../../src/graph/waves.ts'
import {
  addMember,
  addMembers,
  createUser,
  deleteUser,
  getManager,
  getUser,
  removeManager,
  removeMember,
  revokeSessions,
  setManager,
  setPassword,
  updateUser,
  upsertGroup,
  type GraphRequest,
} from '../../src/plan/requests.ts'
import {
  createGraphEmulator,
  demoTenant,
  DEMO_CLIENT_ID,
  DEMO_CLIENT_SECRET,
  DEMO_TENANT_ID,
  type EmulatorOptions,
} from '../graph/emulator.ts'

const BASE = 'https://graph.microsoft.com/v1.0'
const ABSENT = '00000000-0000-4000-8000-000000000000'
const ada = (more: Record<string, unknown> = {}) =>
  createUser({
    accountEnabled: true,
    displayName: 'Ada Lovelace',
    mailNickname: 'ada',
    userPrincipalName: 'ada@contoso.com',
    passwordProfile: { password: 'wX7-moon-Lamp-42', forceChangePasswordNextSignIn: true },
    ...more,
  })

function connect(options: EmulatorOptions = {}, secret = DEMO_CLIENT_SECRET) {
  const emulator = createGraphEmulator(options)
  const fetch = async (input: string, init?: RequestInit) =>
    emulator.fetch(new Request(input, init))
  const clock = { now: options.now ?? (() => Date.UTC(2026, 0, 1)) }
  const shared = { fetch: fetch as typeof globalThis.fetch, clock, graphBaseUrl: BASE }
  const transport = createTransport({
    ...shared,
    tokenSource: createTokenSource({
      ...shared,
      loginBaseUrl: 'https://login.microsoftonline.com',
    }),
    account: {
      tenantId: DEMO_TENANT_ID,
      clientId: DEMO_CLIENT_ID,
      credential: { type: 'client_secret', secret },
    },
    timeoutMs: 2000,
  })
  /** Sends requests in one envelope and says what became of each. */
  async function perform(
    writes: readonly (readonly [Purpose, GraphRequest, Partial<WriteContext>?])[],
    serial = false,
  ): Promise<Outcome[]> {
    const items = writes.map(([, request], i): BatchItem => ({ id: `w${i}`, request }))
    const answers = await sendBatch(transport, items, { serial })
    return writes.map(([purpose, request, more], i) =>
      classifyAnswer(answers.get(`w${i}`)!, { purpose, request, ...more }),
    )
  }
  return { emulator, transport, perform }
}

const userNames = (emulator: ReturnType<typeof connect>['emulator']) =>
  emulator.summary().users.map((user) => user['userPrincipalName'])

describe('the adapter against a Graph emulator', () => {
  it('carries out a whole life: create, update, password, manager, sessions, group, delete', async () => {
    const { emulator, perform } = connect()
    const [boss = ''] = emulator.seed({ users: 1 }).users
    const [created] = await perform([['create_user', ada()]])
    expect(created).toMatchObject({ kind: 'done', body: { userPrincipalName: 'ada@contoso.com' } })
    const id = emulator.summary().users.find((user) => user['mailNickname'] === 'ada')?.[
      'id'
    ] as string
    const steps = await perform(
      [
        ['update_user', updateUser(id, { jobTitle: 'Countess', businessPhones: [] })],
        ['update_user', setPassword(id, 'another-Long-Word-77')],
        ['set_manager', setManager(BASE, id, boss)],
        ['revoke_sessions', revokeSessions(id)],
        [
          'create_group',
          upsertGroup('isthmus-1', {
            displayName: 'Engines',
            mailEnabled: false,
            mailNickname: 'engines',
            securityEnabled: true,
          }),
        ],
        ['read', getUser(id, ['id', 'jobTitle'])],
      ],
      true,
    )
    expect(steps.map(({ kind }) => kind)).toEqual(Array.from({ length: 6 }, () => 'done'))
    expect(steps[5]).toMatchObject({ body: { id, jobTitle: 'Countess' } })
    const [group] = emulator.summary().groups
    const links = await perform(
      [
        ['add_members', addMembers(BASE, group?.['id'] as string, [id, boss])],
        ['remove_member', removeMember(group?.['id'] as string, boss)],
        ['remove_manager', removeManager(id)],
        ['delete_user', deleteUser(id)],
      ],
      true,
    )
    expect(links.map(({ kind }) => kind)).toEqual(Array.from({ length: 4 }, () => 'done'))
    const [left] = emulator.summary().users.filter(({ isDeleted }) => isDeleted !== true)
    expect(left?.['id']).toBe(boss)
  })

  it('sees that Graph already holds what it writes', async () => {
    const { emulator, perform } = connect()
    const seeded = emulator.seed({ users: 2, groups: 1, membersPerGroup: 1 })
    const [member = '', other = ''] = seeded.users
    const [group = ''] = seeded.groups
    const outcomes = await perform([
      ['add_members', addMember(BASE, group, member)],
      ['add_members', addMembers(BASE, group, [member, other])],
      ['remove_member', removeMember(group, other)],
      ['remove_manager', removeManager(member)],
      ['delete_user', deleteUser(ABSENT)],
    ])
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      'alreadyDone',
      'splitNeeded',
      'alreadyDone',
      'alreadyDone',
      'alreadyDone',
    ])
  })

  it('names who holds a name', async () => {
    const { emulator, perform } = connect()
    const [holder = ''] = emulator.seed({ users: 1 }).users
    const [outcome] = await perform([
      ['create_user', ada({ userPrincipalName: 'SEED1@contoso.com' })],
    ])
    expect(outcome).toMatchObject({
      kind: 'conflict',
      target: 'userPrincipalName',
      holderId: holder,
      requestId: expect.any(String),
    })
  })

  it('explains what an administrator has to correct', async () => {
    const { emulator, perform } = connect()
    const [id = '', synced = ''] = emulator.seed({ users: 2 }).users
    emulator.changeUser(synced, { properties: { onPremisesSyncEnabled: true } })
    const outcomes = await perform([
      ['create_user', ada({ userPrincipalName: 'ada@unverified.example' })],
      ['update_user', updateUser(id, { jobTitle: 'x'.repeat(300) })],
      ['update_user', updateUser(id, { displayName: null })],
      ['update_user', setPassword(id, 'abc')],
      ['update_user', updateUser(synced, { jobTitle: 'x' })],
      ['update_user', updateUser(ABSENT, { jobTitle: 'x' })],
      ['update_user', updateUser(ABSENT, { jobTitle: 'x' }), { ageSeconds: 3 }],
      ['read', getManager(id)],
    ])
    expect(outcomes).toMatchObject([
      { kind: 'permanent', code: 'domain_not_verified' },
      { kind: 'permanent', attribute: 'jobTitle' },
      { kind: 'permanent', attribute: 'displayName' },
      { kind: 'permanent', code: 'password_rejected' },
      { kind: 'masteredOnPremises' },
      { kind: 'missing', objectId: ABSENT },
      { kind: 'notReplicated' },
      { kind: 'missing' },
    ])
  })

  it('tells a privileged account from a missing permission', async () => {
    const apps = demoTenant.apps.map((app) => ({ ...app, directoryRoles: [] }))
    const { emulator, perform } = connect({ tenants: [{ ...demoTenant, apps }] })
    const [admin = ''] = emulator.seed({ users: 1 }).users
    emulator.changeUser(admin, { isPrivileged: true })
    expect(
      await perform([
        ['update_user', updateUser(admin, { mobilePhone: '+49 1', city: 'Bonn' })],
        ['update_user', updateUser(admin, { city: 'Bonn' })],
      ]),
    ).toMatchObject([{ kind: 'privilegedTarget', attributes: ['mobilePhone'] }, { kind: 'done' }])

    const reader = demoTenant.apps.map((app) => ({ ...app, roles: ['User.Read.All'] }))
    const poor = connect({ tenants: [{ ...demoTenant, apps: reader }] })
    expect(await poor.perform([['create_user', ada()]])).toMatchObject([
      { kind: 'authError', scope: 'operation' },
    ])
  })

  it('leaves a create unknown whose answer was lost, and finds it when it looks', async () => {
    for (const transport of ['hang-up', 'truncate'] as const) {
      const { emulator, perform } = connect()
      emulator.faults.add({
        match: { method: 'POST', path: '^/\\$batch' },
        commit: true,
        transport,
      })
      const [lost] = await perform([['create_user', ada()]])
      expect(lost?.kind).toBe('unknown')
      const [found] = await perform([['read', getUser('ada@contoso.com', ['id'])]])
      expect(found).toMatchObject({ kind: 'done' })
      expect(userNames(emulator)).toEqual(['ada@contoso.com'])
    }
  })

  it('leaves a create unknown that was committed behind a 500', async () => {
    const { emulator, perform } = connect()
    emulator.faults.add({ match: { method: 'POST', path: '^/users$' }, commit: true, status: 500 })
    expect(await perform([['create_user', ada()]])).toMatchObject([{ kind: 'unknown' }])
    expect(userNames(emulator)).toEqual(['ada@contoso.com'])
  })

  it('takes a throttled item and a throttled envelope for the same', async () => {
    for (const path of ['^/users$', '^/\\$batch']) {
      const { emulator, perform } = connect()
      emulator.faults.add({ match: { path }, status: 429, retryAfter: 2.128 })
      expect(await perform([['create_user', ada()]])).toMatchObject([
        { kind: 'throttled', retryAfterSeconds: 3, stated: true },
      ])
      expect(userNames(emulator)).toEqual([])
    }
  })

  it('gets a new token when the old one is revoked between two envelopes', async () => {
    const { emulator, perform } = connect()
    await perform([['create_user', ada()]])
    emulator.revokeTokens()
    expect(await perform([['read', getUser('ada@contoso.com', ['id'])]])).toMatchObject([
      { kind: 'done' },
    ])
  })

  it('gets a new token for the next envelope when one item was refused for it', async () => {
    const { emulator, perform } = connect()
    emulator.faults.add({ match: { method: 'POST', path: '^/users$' }, status: 401 })
    const [refused] = await perform([['create_user', ada()]])
    expect(refused).toMatchObject({ kind: 'retry', reason: 'token_expired' })
    emulator.revokeTokens()
    expect(await perform([['create_user', ada()]])).toMatchObject([{ kind: 'done' }])
  })

  it('says what is wrong with the connection, and writes nothing', async () => {
    const { emulator, perform } = connect({}, 'wrong~secret')
    const [outcome] = await perform([['create_user', ada()]])
    expect(outcome).toMatchObject({ kind: 'authError', scope: 'connection', code: 'AADSTS7000215' })
    expect(JSON.stringify(outcome)).not.toContain('wrong~secret')
    expect(userNames(emulator)).toEqual([])
  })

  it('fails what follows in a serial envelope without an attempt', async () => {
    const { emulator, perform } = connect()
    const [id = ''] = emulator.seed({ users: 1 }).users
    const outcomes = await perform(
      [
        ['update_user', updateUser(ABSENT, { city: 'Bonn' })],
        ['update_user', updateUser(id, { city: 'Bonn' })],
      ],
      true,
    )
    expect(outcomes).toMatchObject([
      { kind: 'missing' },
      { kind: 'retry', reason: 'earlier_failed', countsAsAttempt: false },
    ])
  })

  it('writes 200 users in ten envelopes, four in flight', async () => {
    const { emulator, transport } = connect({ latency: 1 })
    const ids = emulator.seed({ users: 200 }).users
    const items = ids.map((id) => ({ id, request: updateUser(id, { city: 'Bonn' }) }))
    const envelopes = Array.from({ length: 10 }, (_, i) => ({
      items: items.slice(i * 20, i * 20 + 20),
    }))
    const answers = await sendWaves(transport, envelopes)
    expect(answers.size).toBe(200)
    expect(emulator.summary().users.every(({ city }) => city === 'Bonn')).toBe(true)
  })
})
