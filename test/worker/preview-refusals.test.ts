/** What Microsoft 365 will refuse: told apart from what is sent, request by request. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import {
  MANUAL,
  PASSWORD,
  PASSWORD_PROPERTY,
  type PreviewedBind,
  previewedBind,
} from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const HOUR = 3_600_000
const MANAGER = `${ENTERPRISE_USER_URN}:manager`
const under = (manager: string) => ({ [ENTERPRISE_USER_URN]: { manager: { value: manager } } })

const graphIdOf = async ({ world }: PreviewedBind, id: string) =>
  String((await world.binding(id))['graph_id'])
const patch = ({ world }: PreviewedBind, id: string, path: string, value: unknown) =>
  world.scim.patch(`/Users/${id}`, [{ op: 'replace', path, value }])
const itemOf = (items: readonly Loose[], id: string) => items.find(({ userId }) => userId === id)

/** The writes of a manager since the journal was cleared, and how they were answered. */
const links = ({ world }: PreviewedBind): string[] =>
  world.graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && url.endsWith('/manager/$ref'))
    .map(({ method, status }) => `${method} ${status}`)

/** Boss, whose account somebody deleted there since the last run, and somebody who is bound. */
async function bossDeleted(each: PreviewedBind, isPurged = false) {
  const [boss, ann] = [await each.create('boss'), await each.create('ann')]
  await each.bind([boss, ann])
  each.world.clock.now += HOUR
  const gone = await graphIdOf(each, boss)
  await each.world.removeAccount(gone)
  if (isPurged) await each.world.purgeAccount(gone)
  return { boss, ann, gone }
}

describe('a manager whose account somebody deleted since the last run', () => {
  test.each([false, true])(
    'is told as one whom Graph refuses, and as nobody’s, also where the account is purged: %s',
    async (isPurged) => {
      const each = await previewedBind()
      const { boss, ann, gone } = await bossDeleted(each, isPurged)
      await patch(each, ann, MANAGER, { value: boss })
      await patch(each, ann, 'title', 'Chief')
      const { items, told, sent, refused, tried } = await each.compare([ann])
      expect(items).toMatchObject([
        {
          action: 'update',
          changes: [{ attribute: 'jobTitle' }],
          refused: [{ attribute: 'manager', graph: 'manager', current: null, next: gone }],
          problems: [{ code: 'manager_missing', attribute: 'manager' }],
        },
      ])
      expect(sent).toEqual(told)
      expect(tried).toEqual(refused)
      expect(new Set(links(each))).toEqual(new Set(['PUT 404']))
      expect(await each.world.binding(ann)).toMatchObject({ error: { code: 'manager_missing' } })
    },
  )

  test('takes the former one away all the same, which is told', async () => {
    const each = await previewedBind()
    const { boss, ann, gone } = await bossDeleted(each)
    const lead = await each.create('lead')
    await patch(each, ann, MANAGER, { value: lead })
    await each.bind([lead, ann])
    each.world.clock.now += HOUR
    const former = await graphIdOf(each, lead)
    await patch(each, ann, MANAGER, { value: boss })
    const { items, told, sent, refused, tried } = await each.compare([ann])
    expect(items).toMatchObject([
      {
        action: 'update',
        changes: [{ attribute: 'manager', current: former, next: null }],
        refused: [{ attribute: 'manager', current: former, next: gone }],
      },
    ])
    expect(sent).toEqual(told)
    expect(tried).toEqual(refused)
    expect(links(each).slice(0, 2)).toEqual(['PUT 404', 'DELETE 204'])
  })

  test('leaves one who was never ours, as one who is waited for does', async () => {
    const each = await previewedBind()
    const other = each.account('other')
    each.world.graph.changeUser(each.account('cid'), { manager: other })
    const { boss } = await bossDeleted(each)
    const cid = await each.create('cid', under(boss))
    const { items, told, sent, refused, tried } = await each.compare([cid])
    expect(itemOf(items, cid)?.['problems']).toMatchObject([{ code: 'manager_missing' }])
    expect(sent).toEqual(told)
    expect(sent[cid]).not.toHaveProperty('manager')
    expect(tried).toEqual(refused)
  })

  test('is told of somebody who is created, too', async () => {
    const each = await previewedBind()
    const { boss, gone } = await bossDeleted(each)
    const cid = await each.create('cid', under(boss))
    const { items, told, sent, refused, tried } = await each.compare([cid])
    expect(items).toMatchObject([{ action: 'create', refused: [{ next: gone }] }])
    expect(sent).toEqual(told)
    expect(tried).toEqual(refused)
  })

  test('is all that a user would be sent: nothing of that comes through', async () => {
    const each = await previewedBind()
    const { boss, ann } = await bossDeleted(each)
    await patch(each, ann, MANAGER, { value: boss })
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([{ action: 'conflict', changes: [] }])
    expect(sent).toEqual(told)
  })

  test('is told of every report by another direction, who had her before', async () => {
    const each = await previewedBind()
    const boss = await each.create('boss')
    const lead = each.account('lead')
    const reports = [await each.create('ann', under(boss)), await each.create('bob', under(boss))]
    await each.bind([boss, ...reports])
    const [ann = '', bob = ''] = reports
    await each.world.api.patch(`/directories/${each.world.directoryId}/attributes`, {
      manager: 'exclude',
    })
    await each.world.settle()
    each.world.clock.now += HOUR
    await each.world.removeAccount(await graphIdOf(each, boss))
    each.world.graph.changeUser(await graphIdOf(each, bob), { manager: lead })
    const { items, told, sent, refused, tried } = await each.compareDirections({
      manager: 'export',
    })
    for (const id of [ann, bob])
      expect(itemOf(items, id)?.['problems']).toMatchObject([{ code: 'manager_missing' }])
    expect(sent).toEqual(told)
    expect(tried).toEqual(Object.fromEntries(Object.entries(refused).filter(([id]) => id !== boss)))
  })

  test('is looked for once, with nineteen others in a request, and nobody else is', async () => {
    const each = await previewedBind()
    const bosses: string[] = []
    for (let i = 0; i < 21; i += 1) bosses.push(await each.create(`boss${i}`))
    await each.bind(bosses)
    each.world.clock.now += HOUR
    const ids: string[] = []
    for (let i = 0; i < 42; i += 1)
      ids.push(await each.create(`ann${i}`, under(bosses[i % 21] ?? '')))
    // Who is read anyway, and whose account is linked already.
    const [first = '', second = ''] = bosses
    const linked = await each.create('linked', under(second))
    each.world.graph.changeUser(each.account('linked'), { manager: await graphIdOf(each, second) })
    const asked = async (userIds: readonly string[]) => {
      each.world.graph.journal.clear()
      await each.preview(userIds)
      const records = each.world.graph.journal.records()
      expect(
        records.filter(({ method, url }) => method !== 'GET' && !url.includes('$batch')),
      ).toEqual([])
      const alone = records.filter(({ url }) => /^\/users\/[\w-]{36}\?\$select=id$/.test(url))
      const batches = records.filter(({ url }) => url.includes('$batch')).length
      return { alone: alone.length, batches }
    }
    const without = await asked([linked])
    expect(without.alone).toBe(0)
    expect(await asked(ids)).toMatchObject({ alone: 21 })
    expect((await asked([...ids, first])).alone).toBe(20)
  })
})

describe('a bound account that is privileged', () => {
  const PHONE = [{ type: 'mobile', value: '+1 555 0100' }]

  async function privileged(each: PreviewedBind, name = 'ann', more = {}) {
    const id = await each.create(name, more)
    await each.bind([id])
    each.world.clock.now += HOUR
    each.world.graph.changeUser(await graphIdOf(each, id), { isPrivileged: true })
    return id
  }

  test('is sent what an application may write of it: the rest is told as refused', async () => {
    const each = await previewedBind()
    const ann = await privileged(each)
    await patch(each, ann, 'title', 'Chief')
    await patch(each, ann, 'phoneNumbers', PHONE)
    const { items, told, sent, refused, tried } = await each.compare([ann])
    expect(items).toMatchObject([
      {
        action: 'update',
        changes: [{ attribute: 'jobTitle', next: 'Chief' }],
        refused: [{ attribute: 'mobilePhone', current: null, next: '+1 555 0100' }],
        problems: [
          {
            code: 'privileged_target',
            attributes: ['mobilePhone'],
            message: expect.stringContaining('Mobile phone'),
          },
        ],
      },
    ])
    expect(sent).toEqual(told)
    expect(tried).toEqual(refused)
    expect(await each.world.binding(ann)).toMatchObject({ error: { code: 'privileged_target' } })
  })

  test('and member of a group that may have a role, is told so too', async () => {
    const each = await previewedBind()
    const ann = await each.create('ann')
    await each.bind([ann])
    each.world.clock.now += HOUR
    const [group = ''] = each.world.graph.seed({ groups: 1 }).groups
    each.world.graph.changeGroup(group, {
      properties: { isAssignableToRole: true },
      addMembers: [await graphIdOf(each, ann)],
    })
    await patch(each, ann, 'phoneNumbers', PHONE)
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([{ action: 'conflict', problems: [{ code: 'privileged_target' }] }])
    expect(sent).toEqual(told)
  })

  test('is neither disabled nor given a password', async () => {
    const each = await previewedBind()
    const ann = await privileged(each)
    await patch(each, ann, 'active', false)
    await patch(each, ann, 'password', PASSWORD)
    await patch(each, ann, 'title', 'Chief')
    const { told, sent, refused, tried } = await each.compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ jobTitle: 'Chief' })
    expect(tried).toEqual(refused)
    expect(refused[ann]).toEqual({ accountEnabled: false, [PASSWORD_PROPERTY]: PASSWORD })
  })

  test('keeps its name, which nobody else gets', async () => {
    const each = await previewedBind()
    const ann = await privileged(each)
    await patch(each, ann, 'emails[type eq "work"].value', 'anna@contoso.com')
    const bob = await each.create('bob', {
      emails: [{ type: 'work', primary: true, value: 'ann@contoso.com' }],
    })
    const { items, told, sent } = await each.compare([ann, bob])
    expect(itemOf(items, bob)).toMatchObject({ action: 'conflict' })
    expect(sent).toEqual(told)
  })

  test('is told as sent where the application has a role that reaches it', async () => {
    const each = await previewedBind(MANUAL, {
      directoryRoles: ['Privileged Authentication Administrator'],
    })
    const ann = await privileged(each)
    await patch(each, ann, 'phoneNumbers', PHONE)
    const { told, sent, refused } = await each.compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ mobilePhone: '+1 555 0100' })
    expect(refused).toEqual({ [ann]: {} })
  })

  test('is looked for only among those of whom something sensitive is sent', async () => {
    const each = await previewedBind()
    const [ann, bob] = [await privileged(each), await privileged(each, 'bob')]
    await patch(each, ann, 'title', 'Chief')
    await patch(each, bob, 'phoneNumbers', PHONE)
    each.world.graph.journal.clear()
    await each.preview([ann, bob])
    const read = each.world.graph.journal
      .records()
      .filter(({ url }) => url.includes('transitiveMemberOf'))
    expect(read.map(({ url }) => url)).toEqual([
      expect.stringContaining(await graphIdOf(each, bob)),
    ])
  })
})

describe('what comes behind a refusal', () => {
  test.each<[string, string, (each: PreviewedBind, id: string) => unknown]>([
    [
      'whose account is mastered on premises',
      'mastered_on_premises',
      async (each, id) =>
        each.world.graph.changeUser(await graphIdOf(each, id), {
          properties: { onPremisesSyncEnabled: true },
        }),
    ],
    [
      'whose new name is a stranger’s',
      'value_taken',
      async (each, id) => {
        each.account('taken')
        await patch(each, id, 'emails[type eq "work"].value', 'taken@contoso.com')
      },
    ],
  ])('of a user %s, is not sent, and told as refused', async (_, code, prepare) => {
    const each = await previewedBind()
    const [boss, ann] = [await each.create('boss'), await each.create('ann')]
    await each.bind([boss, ann])
    each.world.clock.now += HOUR
    await prepare(each, ann)
    await patch(each, ann, 'title', 'Chief')
    await patch(each, ann, MANAGER, { value: boss })
    const { items, told, sent, refused } = await each.compare([ann])
    expect(items).toMatchObject([{ action: 'conflict', changes: [], problems: [{ code }] }])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({})
    expect(Object.keys(refused[ann] ?? {})).toEqual(expect.arrayContaining(['jobTitle', 'manager']))
    expect(await each.world.binding(ann)).toMatchObject({ error: { code } })
  })

  test.each([1, 100])(
    'is that names become free: whoever wants one does not get it, and so on, by pages of %i',
    async (limit) => {
      const each = await previewedBind()
      const [ann, bob] = [await each.create('ann'), await each.create('bob')]
      await each.bind([ann, bob])
      each.world.clock.now += HOUR
      each.account('taken')
      await patch(each, ann, 'emails[type eq "work"].value', 'taken@contoso.com')
      await patch(each, bob, 'emails[type eq "work"].value', 'ann@contoso.com')
      const cid = await each.create('cid', {
        emails: [{ type: 'work', primary: true, value: 'bob@contoso.com' }],
      })
      const { items, told, sent } = await each.compare([ann, bob, cid], limit)
      expect(items.map(({ action }) => action)).toEqual(['conflict', 'conflict', 'conflict'])
      expect(itemOf(items, cid)).toMatchObject({ problems: [{ code: 'account_bound' }] })
      expect(sent).toEqual(told)
    },
  )

  test.each([1, 100])(
    'is none where names are exchanged in a circle, by pages of %i',
    async (limit) => {
      const each = await previewedBind()
      const [ann, bob] = [await each.create('ann'), await each.create('bob')]
      await each.bind([ann, bob])
      each.world.clock.now += HOUR
      await patch(each, ann, 'emails[type eq "work"].value', 'between@contoso.com')
      await patch(each, bob, 'emails[type eq "work"].value', 'ann@contoso.com')
      await patch(each, ann, 'emails[type eq "work"].value', 'bob@contoso.com')
      const { items, told, sent } = await each.compare([ann, bob], limit)
      expect(items.map(({ action }) => action)).toEqual(['update', 'update'])
      expect(sent).toEqual(told)
    },
  )

  test('is not the disabling, which goes first', async () => {
    const each = await previewedBind()
    const ann = await each.create('ann')
    await each.bind([ann])
    each.world.clock.now += HOUR
    each.account('taken')
    await patch(each, ann, 'emails[type eq "work"].value', 'taken@contoso.com')
    await patch(each, ann, 'active', false)
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([{ action: 'update', problems: [{ code: 'value_taken' }] }])
    expect(sent).toEqual(told)
    expect(sent[ann]).toEqual({ accountEnabled: false })
  })
})
