/** A preview of a bind, then the bind: what is sent is what was told, request by request. */
import { describe, expect, test } from 'vitest'

import type { DirectorySettings } from '../../src/plan/settings.ts'
import { newUser } from '../support/export.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

const MANUAL: Partial<DirectorySettings> = { bindNewUsers: { mode: 'manual', groupIds: [] } }
const PASSWORD = 'F1rst-of-hers!'
const PASSWORD_PROPERTY = 'passwordProfile.password'

/** What each Graph property of each user is to hold. */
type Changes = Record<string, Loose>

async function binding(settings: Partial<DirectorySettings> = MANUAL) {
  const world = await reconcileWorld({ settings })
  const directory = `/directories/${world.directoryId}`
  const bind = async (userIds: readonly string[]) => {
    await world.api.post(`${directory}/bindings`, { userIds })
    await world.settle()
  }
  return {
    world,
    bind,
    async create(name: string, more = {}): Promise<string> {
      return (await world.scim.post('/Users', newUser(name, more))).body['id']
    },
    /** An account of that name that somebody else made. */
    account(name: string): string {
      const [id = ''] = world.graph.seed({ users: 1, prefix: `old${name}` }).users
      world.graph.changeUser(id, { properties: { userPrincipalName: `${name}@contoso.com` } })
      return id
    },
    async unbind(userIds: readonly string[]) {
      await world.api.send('DELETE', `${directory}/bindings`, { userIds })
      await world.settle()
    },
    /** What a preview tells of a bind, and what the bind then sends. */
    async compare(userIds: readonly string[]) {
      const { body } = await world.api.post(`${directory}/preview`, { userIds })
      const items: Loose[] = body['items']
      const before = world.graph.summary().users
      world.graph.journal.clear()
      await bind(userIds)
      return { items, told: told(items), sent: await sentTo(world, userIds, before) }
    },
  }
}

const told = (items: readonly Loose[]): Changes =>
  Object.fromEntries(
    items.map(({ userId, changes }) => [
      userId,
      Object.fromEntries(
        changes.map(({ graph, next }: Loose) => [
          graph,
          graph === PASSWORD_PROPERTY ? PASSWORD : next,
        ]),
      ),
    ]),
  )

/** What the writes that worked made of the users' accounts that these did not hold before. */
async function sentTo(
  world: ReconcileWorld,
  userIds: readonly string[],
  before: readonly Loose[],
): Promise<Changes> {
  const writes = world.graph.journal
    .records()
    .filter(({ method, status }) => method !== 'GET' && status < 300)
  const sent: Changes = {}
  for (const userId of userIds) {
    const { graph_id: graphId } = await world.binding(userId)
    const named = world.graph.summary().users.find(({ id }) => id === graphId)
    const was = before.find(({ id }) => id === graphId)
    const own = writes.filter(
      ({ url, body }) =>
        url.startsWith(`/users/${graphId}`) ||
        (url === '/users' && (body as Loose)['userPrincipalName'] === named?.['userPrincipalName']),
    )
    const values = Object.assign({}, ...own.map(({ body }) => valuesOf((body ?? {}) as Loose)))
    sent[userId] = Object.fromEntries(
      Object.entries(values).filter(([name, value]) => value !== (was?.[name] ?? null)),
    )
  }
  return sent
}

/** Of a create what the user's own values are: nobody is told of the random password, nor of the nickname that Graph demands. */
function valuesOf(body: Loose): Loose {
  const { mailNickname: _, passwordProfile = {}, ...properties } = body
  const { password } = passwordProfile
  return password === PASSWORD ? { ...properties, [PASSWORD_PROPERTY]: password } : properties
}

describe('the password of somebody whose bind is previewed', () => {
  const HERS = { password: PASSWORD }

  test.for(['created', 'adopted'])(
    'is told and sent by no later bind of an account that is %s',
    async (how) => {
      const { world, create, account, compare } = await binding()
      if (how === 'adopted') account('ann')
      const ann = await create('ann', HERS)
      await world.settle()
      const { told, sent } = await compare([ann])
      expect(sent).toEqual(told)
      expect(Object.keys(sent[ann] ?? {})).toContain('givenName')
      expect(sent[ann]).not.toHaveProperty(PASSWORD_PROPERTY)
    },
  )

  test.for(['created', 'adopted'])(
    'is told and sent to an account that is %s where her creation, which binds her, is still to be followed',
    async (how) => {
      const { create, account, compare } = await binding({})
      if (how === 'adopted') account('ann')
      const ann = await create('ann', HERS)
      const { told, sent } = await compare([ann])
      expect(sent).toEqual(told)
      expect(sent[ann]).toMatchObject({ [PASSWORD_PROPERTY]: PASSWORD })
    },
  )

  test('is neither where new users began to be bound after her creation was followed', async () => {
    const { world, create, compare } = await binding()
    const ann = await create('ann')
    await world.settle()
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'password', value: PASSWORD }])
    const all = { bindNewUsers: { mode: 'all', groupIds: [] } }
    await world.api.patch(`/directories/${world.directoryId}`, { settings: all })
    const { told, sent } = await compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).not.toHaveProperty(PASSWORD_PROPERTY)
  })

  test('is neither where it came while she was unbound', async () => {
    const { world, create, bind, unbind, compare } = await binding()
    const ann = await create('ann')
    await bind([ann])
    await unbind([ann])
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'password', value: PASSWORD }])
    const { told, sent } = await compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ accountEnabled: true })
  })

  test('is told and sent where she is bound, and it waits', async () => {
    const { world, create, bind, compare } = await binding()
    const ann = await create('ann')
    await bind([ann])
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'password', value: PASSWORD }])
    const { told, sent } = await compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ [PASSWORD_PROPERTY]: PASSWORD })
  })
})
