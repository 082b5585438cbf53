/**
 * Whatever was decided here, done there and refused before: a bind, or another direction, sends what its preview told. The stories are
 * random, each told by its seed.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { forgotten } from '../support/forgotten.ts'
import { MANUAL, PASSWORD, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import { randomOf } from '../support/random.ts'
import { byHand } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

interface Story {
  readonly each: PreviewedBind
  readonly pick: (below: number) => number
  readonly users: readonly string[]
}

type Compared = Awaited<ReturnType<PreviewedBind['compare']>>
type Step = (story: Story) => Promise<unknown>

const ATTRIBUTES = ['jobTitle', 'department', 'costCenter', 'mobilePhone', 'manager']

const one = <T>({ pick }: Pick<Story, 'pick'>, list: readonly T[]): T =>
  list[pick(list.length)] as T
const some = (story: Story): string[] => [
  ...new Set([one(story, story.users), one(story, story.users)]),
]

const ask = ({ each }: Story, method: string, path: string, body: Loose) =>
  each.world.api.send(method, `/directories/${each.world.directoryId}${path}`, body)

const patch = ({ each }: Story, id: string, op: Loose) =>
  each.world.scim.patch(`/Users/${id}`, [op])

const enterprise = (name: string) => `${ENTERPRISE_USER_URN}:${name}`

/** What a client does over SCIM. */
const CLIENT: readonly Step[] = [
  (story) => {
    const path = one(story, ['title', enterprise('department'), enterprise('costCenter')])
    const op =
      story.pick(4) === 0
        ? { op: 'remove', path }
        : { op: 'replace', path, value: `Ours ${story.pick(3)}` }
    return patch(story, one(story, story.users), op)
  },
  (story) => {
    const [id = '', value = ''] = some(story)
    const path = enterprise('manager')
    const op =
      value === '' || story.pick(4) === 0
        ? { op: 'remove', path }
        : { op: 'replace', path, value: { value } }
    return patch(story, id, op)
  },
  (story) =>
    patch(story, one(story, story.users), {
      op: 'replace',
      path: 'active',
      value: story.pick(3) > 0,
    }),
  (story) =>
    patch(story, one(story, story.users), { op: 'replace', path: 'password', value: PASSWORD }),
  (story) =>
    patch(story, one(story, story.users), {
      op: 'replace',
      path: 'phoneNumbers[type eq "mobile"].value',
      value: `+1 555 010${story.pick(3)}`,
    }),
  // Names that one user has and another wants, or two of them.
  (story) => {
    const id = one(story, story.users)
    const path = 'emails[type eq "work"].value'
    return patch(story, id, {
      op: 'replace',
      path,
      value: `user${story.pick(8)}@contoso.com`,
    })
  },
  (story) =>
    patch(story, one(story, story.users), {
      op: 'replace',
      path: 'name.familyName',
      value: `Name ${story.pick(3)}`,
    }),
]

/** Members of the group that may bind them. */
const join = async (story: Story) => {
  const { body } = await story.each.world.scim.get('/Groups')
  const value = [{ value: one(story, story.users) }]
  const op = { op: one(story, ['add', 'add', 'remove']), path: 'members', value }
  return story.each.world.scim.patch(`/Groups/${body['Resources'][0].id}`, [op])
}

/** What an administrator decides. */
const ADMINISTRATOR: readonly Step[] = [
  (story) => story.each.bind(some(story)),
  (story) => story.each.unbind(some(story)),
  (story) => ask(story, 'POST', '/failures/replay', { all: true }),
  (story) => ask(story, 'POST', `/held/${one(story, ['approve', 'reject'])}`, { all: true }),
  (story) =>
    ask(story, 'PATCH', '/attributes', {
      [one(story, ATTRIBUTES)]: one(story, ['export', 'exclude', 'import']),
    }),
  async (story) => {
    const { api, directoryId } = story.each.world
    const { body } = await api.get('/events')
    const undoable = (body['items'] as Loose[]).filter(
      ({ type, target }) =>
        ['integrationattribute_include', 'binding_create'].includes(type) &&
        target.id === directoryId,
    )
    if (undoable.length > 0)
      await ask(story, 'POST', '/undo', { eventId: one(story, undoable)['id'] })
  },
  (story) => ask(story, 'POST', '/reconciliations', { mode: one(story, ['report', 'enforce']) }),
  (story) =>
    ask(story, 'PATCH', '', {
      settings: one(story, [
        { conflict: one(story, ['adopt', 'hold']) },
        { blankPolicy: one(story, ['ignore', 'clear']) },
        { onSuspend: one(story, ['disable', 'leave']) },
        { onUnbind: one(story, ['disable', 'delete', 'leave']) },
        { threshold: one(story, [null, { count: 1, percent: 10 }]) },
      ]),
    }),
]

const accountsIn = ({ each }: Story, isDeleted: boolean): Loose[] =>
  each.world.graph.summary().users.filter((user) => (user['isDeleted'] === true) === isDeleted)

/** Whose hand it is may not delete a privileged account. */
async function deleteAccount(story: Story, graphId: string): Promise<void> {
  story.each.world.graph.changeUser(graphId, { isPrivileged: false })
  await byHand(story.each.world, 'DELETE', `/users/${graphId}`)
}

/** What somebody else does in Microsoft 365. */
const SOMEBODY: readonly Step[] = [
  async (story) => {
    const live = accountsIn(story, false)
    if (live.length < 2) return
    const value = `Theirs ${story.pick(3)}`
    const change = one(story, [
      { properties: { jobTitle: value, department: value } },
      { properties: { employeeOrgData: { costCenter: value, division: value } } },
      { properties: { accountEnabled: story.pick(2) === 0 } },
      { properties: { mobilePhone: value } },
      { properties: { onPremisesSyncEnabled: story.pick(2) === 0 } },
      { isPrivileged: story.pick(3) > 0 },
      { manager: one(story, [null, String(one(story, live)['id'])]) },
    ])
    story.each.world.graph.changeUser(String(one(story, live)['id']), change)
  },
  async (story) => {
    const live = accountsIn(story, false)
    if (live.length > 2) await deleteAccount(story, String(one(story, live)['id']))
  },
  async (story) => {
    const gone = accountsIn(story, true)
    const path = `/directory/deletedItems/${one(story, gone)?.['id']}/restore`
    if (gone.length > 0) await byHand(story.each.world, 'POST', path).catch(() => undefined)
  },
]

/** A stranger who takes a name that nobody has. */
const stranger: Step = async (story) => {
  const name = `user${6 + story.pick(2)}`
  const live = accountsIn(story, false).map((user) => user['userPrincipalName'])
  if (!live.includes(`${name}@contoso.com`)) story.each.account(name)
}

/** What goes wrong on the way. */
const MISFORTUNE: Step = async ({ each: { world }, pick }) => {
  const match = { method: one({ pick }, ['PATCH', 'POST', 'PUT']), path: '^/users' }
  world.graph.faults.add({
    match,
    status: 403,
    code: 'Authorization_RequestDenied',
    times: 1 + pick(2),
  })
}

async function rest({ each: { world } }: Story, hours: number): Promise<void> {
  for (let i = 0; i < hours * 4; i += 1) {
    world.clock.now += 15 * 60_000
    await world.jobs.scheduled({ cron: '* * * * *' })
    await world.settle()
  }
}

/** A directory, and what became of its users in a random story. */
async function storyOf(seed: number): Promise<Story> {
  const pick = randomOf(seed)
  const each = await previewedBind({
    ...MANUAL,
    threshold: null,
    conflict: one({ pick }, ['adopt', 'hold']),
  })
  const users: string[] = []
  const story: Story = { each, pick, users }
  for (let i = 0; i < 6; i += 1) {
    if (pick(2) === 0) each.account(`user${i}`)
    users.push(await each.create(`user${i}`))
  }
  const { id } = (await each.world.scim.post('/Groups', { displayName: 'Staff' })).body
  if (pick(2) === 0) {
    const settings = { bindNewUsers: { mode: 'groups', groupIds: [id] } }
    await ask(story, 'PATCH', '', { settings })
  }
  await each.bind(users.slice(pick(6)))
  for (let i = 0; i < 20; i += 1) {
    await one(
      story,
      one(story, [CLIENT, CLIENT, ADMINISTRATOR, ADMINISTRATOR, SOMEBODY, [join, stranger]]),
    )(story)
    if (pick(5) === 0) await MISFORTUNE(story)
    if (pick(3) > 0) await each.world.settle()
    each.world.clock.now += pick(20) * 60_000
  }
  each.world.graph.faults.clear()
  await rest(story, 2)
  return story
}

/** The Graph ids of accounts that are there and bound, by our ids. */
async function boundIn(story: Story): Promise<ReadonlyMap<string, string>> {
  const live = new Set(accountsIn(story, false).map(({ id }) => id))
  const users = (await bindingsIn(story, 'synced')).filter(({ graphId }) => live.has(graphId))
  return new Map(users.map(({ userId, graphId }) => [userId, graphId]))
}

async function bindingsIn({ each: { world } }: Story, state: string): Promise<Loose[]> {
  const { body } = await world.api.get(`/directories/${world.directoryId}/bindings?state=${state}`)
  return body['items']
}

/** What Microsoft 365 will refuse of one of these users, since the last run. */
async function hinder(story: Story, userIds: readonly string[]): Promise<void> {
  const bound = await boundIn(story)
  const id = one(story, userIds)
  const leadId = one(story, [...bound.keys()])
  const graphId = bound.get(id)
  if (graphId === undefined) return
  const { graph } = story.each.world
  const onPremisesSyncEnabled = true
  if (story.pick(4) === 0) graph.changeUser(graphId, { properties: { onPremisesSyncEnabled } })
  else if (story.pick(3) === 0) graph.changeUser(graphId, { isPrivileged: true })
  else {
    const value = { value: leadId }
    await patch(story, id, { op: 'replace', path: enterprise('manager'), value })
    if (story.pick(3) > 0) await deleteAccount(story, String(bound.get(leadId)))
  }
}

/** What is done at the last moment, in Microsoft 365 and to whoever is previewed, and is still to be followed. */
async function lately(story: Story, userIds: readonly string[]): Promise<void> {
  for (let i = userIds.length === 0 ? 0 : 2 + story.pick(6); i > 0; i -= 1) {
    const kind = story.pick(3)
    if (kind === 0) await one(story, CLIENT)({ ...story, users: userIds })
    else if (kind === 1) await hinder(story, userIds)
    else await one(story, [...SOMEBODY, stranger])(story)
  }
}

async function tellBind(seed: number): Promise<void> {
  const story = await storyOf(seed)
  const bound = [...(await boundIn(story)).keys()]
  const userIds = some(bound.length > 0 && story.pick(2) === 0 ? { ...story, users: bound } : story)
  await lately(story, userIds)
  await expectTold(story, await story.each.compare(userIds, 1 + story.pick(3)))
}

async function tellDirections(seed: number): Promise<void> {
  const story = await storyOf(seed)
  const attribute = one(story, ATTRIBUTES)
  const direction = one(story, ['export', 'export', 'exclude'])
  const limit = 1 + story.pick(3)
  await lately(story, [...(await boundIn(story)).keys()])
  await expectTold(story, await story.each.compareDirections({ [attribute]: direction }, limit))
}

/** The link to somebody whose own write in the same round found the account deleted is not tried any more. */
function withoutFoundOut({ world }: PreviewedBind, { manager, ...others }: Loose): Loose {
  const isFoundOut = world.graph.journal
    .records()
    .some(
      ({ method, url, status }) =>
        method !== 'GET' && status === 404 && url.startsWith(`/users/${manager}`),
    )
  return isFoundOut || manager === undefined ? others : { manager, ...others }
}

/**
 * Everything that is told is sent, and nothing else; everything that is refused was told to be, and nobody is told of a refusal in vain. Of
 * whoever has no account there any more that is told, and whatever is tried of it finds none.
 */
async function expectTold(
  { each }: Story,
  { items, told, sent, refused, tried }: Compared,
): Promise<void> {
  expect(sent).toEqual(told)
  for (const { userId, problems } of items)
    if (problems.some(({ code }: Loose) => code === 'object_missing')) delete tried[userId]
  for (const [id, values] of Object.entries(tried)) expect(refused[id]).toMatchObject(values)
  const isRefused = Object.keys(refused).filter(
    (id) => Object.keys(withoutFoundOut(each, refused[id] ?? {})).length > 0,
  )
  expect(Object.keys(tried)).toEqual(expect.arrayContaining(isRefused))
  expect(await forgotten(each.world)).toEqual([])
}

const [firstSeed = 1, runs = 1] = env.CHAOS === '' ? [1, 3] : env.CHAOS.split(',').map(Number)

const SEEDS = Array.from({ length: runs }, (_, i) => firstSeed + i)

describe('whatever was decided, done and refused before, what a preview told is sent', () => {
  test.each(SEEDS)('by a bind (seed %i)', tellBind, 120_000)
  test.each(SEEDS)('by other directions (seed %i)', tellDirections, 120_000)
})
