/**
 * Whatever was decided here, done there and refused before: a bind sends what its preview told. The stories are random, each told by its
 * seed.
 */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { MANUAL, PASSWORD, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import { randomOf } from '../support/random.ts'
import { byHand } from '../support/reconcile.ts'
import type { Loose } from '../support/seed.ts'

interface Story {
  readonly each: PreviewedBind
  readonly pick: (below: number) => number
  readonly users: readonly string[]
}

type Step = (story: Story) => Promise<unknown>

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

/** What an administrator decides. */
const ADMINISTRATOR: readonly Step[] = [
  (story) => story.each.bind(some(story)),
  (story) => story.each.unbind(some(story)),
  (story) => ask(story, 'POST', '/failures/replay', { all: true }),
  (story) => ask(story, 'POST', `/held/${one(story, ['approve', 'reject'])}`, { all: true }),
  (story) =>
    ask(story, 'PATCH', '/attributes', {
      [one(story, ['jobTitle', 'department', 'costCenter', 'manager'])]: one(story, [
        'export',
        'exclude',
      ]),
    }),
  (story) =>
    ask(story, 'PATCH', '', {
      settings: one(story, [
        { conflict: one(story, ['adopt', 'hold']) },
        { blankPolicy: one(story, ['ignore', 'clear']) },
        { onSuspend: one(story, ['disable', 'leave']) },
        { onUnbind: one(story, ['disable', 'delete', 'leave']) },
      ]),
    }),
]

const accountsIn = ({ each }: Story, isDeleted: boolean): Loose[] =>
  each.world.graph.summary().users.filter((user) => (user['isDeleted'] === true) === isDeleted)

/** What somebody else does in Microsoft 365. */
const SOMEBODY: readonly Step[] = [
  async (story) => {
    const live = accountsIn(story, false)
    if (live.length < 2) return
    const value = `Theirs ${story.pick(3)}`
    const change = one(story, [
      { properties: { jobTitle: value } },
      { properties: { department: value } },
      { properties: { employeeOrgData: { costCenter: value, division: value } } },
      { properties: { accountEnabled: story.pick(2) === 0 } },
      { properties: { mobilePhone: value } },
      { manager: one(story, [null, String(one(story, live)['id'])]) },
    ])
    story.each.world.graph.changeUser(String(one(story, live)['id']), change)
  },
  async (story) => {
    const live = accountsIn(story, false)
    if (live.length > 2)
      await byHand(story.each.world, 'DELETE', `/users/${one(story, live)['id']}`)
  },
  async (story) => {
    const gone = accountsIn(story, true)
    const path = `/directory/deletedItems/${one(story, gone)?.['id']}/restore`
    if (gone.length > 0) await byHand(story.each.world, 'POST', path).catch(() => undefined)
  },
]

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

async function tell(seed: number): Promise<void> {
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
  for (let i = 0; i < 25; i += 1) {
    await one(story, one(story, [CLIENT, CLIENT, ADMINISTRATOR, ADMINISTRATOR, SOMEBODY]))(story)
    if (pick(5) === 0) await MISFORTUNE(story)
    if (pick(3) > 0) await each.world.settle()
    each.world.clock.now += pick(20) * 60_000
  }
  each.world.graph.faults.clear()
  await rest(story, 2)
  const { told, sent, items } = await each.compare(some(story), 1 + pick(3))
  if (JSON.stringify(told) !== JSON.stringify(sent))
    console.log(seed, JSON.stringify(items, null, 1))
  expect(sent).toEqual(told)
}

const [firstSeed = 1, runs = 1] = env.CHAOS === '' ? [1, 3] : env.CHAOS.split(',').map(Number)

test.each(Array.from({ length: runs }, (_, i) => firstSeed + i))(
  'whatever was decided, done and refused before, a bind sends what its preview told (seed %i)',
  tell,
  120_000,
)
