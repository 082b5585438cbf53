/** A preview while the directory has still to follow the log: it goes by what the log says, as what is sent afterwards does. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import {
  MANUAL,
  PASSWORD,
  PASSWORD_PROPERTY,
  type PreviewedBind,
  previewedBind,
} from '../support/previewed-bind.ts'

const under = (manager: string) => ({ [ENTERPRISE_USER_URN]: { manager: { value: manager } } })
const patch = ({ world }: PreviewedBind, id: string, value: object) =>
  world.scim.patch(`/Users/${id}`, [{ op: 'add', value }])
const graphIdOf = async ({ world }: PreviewedBind, id: string) =>
  String((await world.binding(id))['graph_id'])
/** A command that is not carried out before something else is. */
const command = (
  { world }: PreviewedBind,
  method: 'POST' | 'DELETE',
  body: { userIds: string[] } | { all: true },
) => world.api.send(method, `/directories/${world.directoryId}/bindings`, body)

describe('a preview of a bind, where the log has still to be followed', () => {
  test('tells of the report who has that manager since a moment ago: the link, and nothing that is sent anyway', async () => {
    const each = await previewedBind()
    const boss = await each.create('boss')
    const ann = await each.create('ann')
    await each.bind([ann])
    await patch(each, ann, { title: 'Chief', ...under(boss) })
    const { told, sent } = await each.compare([boss])
    const link = { manager: await graphIdOf(each, boss) }
    expect(told).toEqual({ [boss]: sent[boss], [ann]: link })
    expect(sent[ann]).toEqual({ jobTitle: 'Chief', ...link })
  })

  test('tells nothing of the report who has that manager no more', async () => {
    const each = await previewedBind()
    const boss = await each.create('boss')
    const ann = await each.create('ann', under(boss))
    await each.bind([ann])
    await each.world.scim.patch(`/Users/${ann}`, [
      { op: 'remove', path: `${ENTERPRISE_USER_URN}:manager` },
    ])
    const { told, sent } = await each.compare([boss])
    expect(sent).toEqual(told)
    expect(Object.keys(told)).toEqual([boss])
  })

  test('tells of the manager whom her own creation binds', async () => {
    const each = await previewedBind({})
    const boss = await each.create('boss')
    const ann = await each.create('ann', under(boss))
    const { told, sent } = await each.compare([ann])
    expect({ [ann]: sent[ann] }).toEqual(told)
    expect(sent[ann]).toHaveProperty('manager')
  })

  test.for(['by her id', 'with everybody'])(
    'tells of the manager whom an earlier command binds %s',
    async (how) => {
      const each = await previewedBind()
      const boss = await each.create('boss')
      const ann = await each.create('ann', under(boss))
      await command(each, 'POST', how === 'by her id' ? { userIds: [boss] } : { all: true })
      const { told, sent } = await each.compare([ann])
      expect({ [ann]: sent[ann] }).toEqual(told)
      expect(sent[ann]).toHaveProperty('manager')
    },
  )

  test('tells nothing of a manager whom a later command unbinds', async () => {
    const each = await previewedBind()
    const boss = await each.create('boss')
    const ann = await each.create('ann', under(boss))
    await command(each, 'POST', { userIds: [boss] })
    await command(each, 'DELETE', { userIds: [boss] })
    const { told, sent } = await each.compare([ann])
    expect({ [ann]: sent[ann] }).toEqual(told)
    expect(sent[ann]).not.toHaveProperty('manager')
  })

  test('tells of the manager who was refused, and is tried again because of a change', async () => {
    const each = await previewedBind()
    const boss = await each.create('boss')
    const ann = await each.create('ann', under(boss))
    const { faults } = each.world.graph
    faults.add({ match: { method: 'POST', path: '^/users$' }, status: 400, times: 99 })
    await each.bind([boss])
    faults.clear()
    expect(await each.world.binding(boss)).toMatchObject({ state: 'failed', graph_id: null })
    await patch(each, boss, { title: 'Chief' })
    const { told, sent } = await each.compare([ann])
    expect({ [ann]: sent[ann] }).toEqual(told)
    expect(sent[ann]).toHaveProperty('manager')
  })

  test.for(['nobody yet', 'former'])(
    'tells of the password that came after an earlier bind of somebody who is %s',
    async (is) => {
      const each = await previewedBind()
      const ann = await each.create('ann')
      if (is === 'former') {
        await each.bind([ann])
        await each.unbind([ann])
      }
      await command(each, 'POST', { userIds: [ann] })
      await patch(each, ann, { password: PASSWORD })
      const { told, sent } = await each.compare([ann])
      expect(sent).toEqual(told)
      expect(sent[ann]).toMatchObject({ [PASSWORD_PROPERTY]: PASSWORD })
    },
  )

  test('tells of the password that came with a bind that was taken back', async () => {
    const each = await previewedBind()
    const ann = await each.create('ann')
    await command(each, 'POST', { userIds: [ann] })
    await patch(each, ann, { password: PASSWORD })
    await command(each, 'DELETE', { userIds: [ann] })
    const { told, sent } = await each.compare([ann])
    expect(sent).toEqual(told)
    expect(sent[ann]).toMatchObject({ [PASSWORD_PROPERTY]: PASSWORD })
  })

  test.for(['joins the group', 'is in a group that binds from now on'])(
    'tells of the manager who %s that binds its members',
    async (how) => {
      const joins = how === 'joins the group'
      const each = await previewedBind()
      const { world } = each
      const boss = await each.create('boss')
      const ann = await each.create('ann', under(boss))
      const members = joins ? [] : [{ value: boss }]
      const { id } = (await world.scim.post('/Groups', { displayName: 'Staff', members })).body
      const bindNewUsers = { mode: 'groups', groupIds: [id] }
      if (joins) {
        await world.api.patch(`/directories/${world.directoryId}`, { settings: { bindNewUsers } })
        await world.settle()
        const value = [{ value: boss }]
        await world.scim.patch(`/Groups/${id}`, [{ op: 'add', path: 'members', value }])
      } else {
        await world.settle()
        await world.api.patch(`/directories/${world.directoryId}`, { settings: { bindNewUsers } })
      }
      const { told, sent } = await each.compare([ann])
      expect({ [ann]: sent[ann] }).toEqual(told)
      expect(sent[ann]).toHaveProperty('manager')
    },
  )

  test.for(['before', 'after'])(
    'tells of the password that came %s a membership that binds only where it is sent',
    async (when) => {
      const each = await previewedBind()
      const { world } = each
      const ann = await each.create('ann')
      const { id } = (await world.scim.post('/Groups', { displayName: 'Staff' })).body
      const bindNewUsers = { mode: 'groups', groupIds: [id] }
      await world.api.patch(`/directories/${world.directoryId}`, { settings: { bindNewUsers } })
      await world.settle()
      const join = () =>
        world.scim.patch(`/Groups/${id}`, [{ op: 'add', path: 'members', value: [{ value: ann }] }])
      if (when === 'after') await join()
      await patch(each, ann, { password: PASSWORD })
      if (when === 'before') await join()
      const { told, sent } = await each.compare([ann])
      expect(sent).toEqual(told)
      expect(PASSWORD_PROPERTY in (sent[ann] ?? {})).toBe(when === 'after')
    },
  )

  test('tells of no password that came before an earlier bind, or after that was taken back', async () => {
    const each = await previewedBind()
    const ann = await each.create('ann', { password: PASSWORD })
    const bob = await each.create('bob')
    await command(each, 'POST', { userIds: [ann, bob] })
    await command(each, 'DELETE', { userIds: [bob] })
    await patch(each, bob, { password: PASSWORD })
    const { told, sent } = await each.compare([ann, bob])
    expect(sent).toEqual(told)
    expect(sent[ann]).not.toHaveProperty(PASSWORD_PROPERTY)
    expect(sent[bob]).not.toHaveProperty(PASSWORD_PROPERTY)
  })
})

describe('a preview of other directions, where the log has still to be followed', () => {
  test('tells of what was refused before where settings changed, for which everybody is looked at', async () => {
    const each = await previewedBind()
    const { world } = each
    const path = `/directories/${world.directoryId}`
    const ann = await each.create('ann')
    await each.bind([ann])
    world.graph.faults.add({ match: { method: 'PATCH', path: '^/users/' }, status: 403 })
    await patch(each, ann, { title: 'Chief' })
    await world.settle()
    world.graph.faults.clear()
    expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
    const attributes = { department: 'exclude' }
    const preview = async () => (await world.api.post(`${path}/preview`, { attributes })).body
    expect((await preview())['items']).toMatchObject([{ userId: ann, changes: [] }])
    await world.api.patch(path, { settings: { blankPolicy: 'clear' } })
    const told = [{ attribute: 'jobTitle', next: 'Chief' }]
    expect((await preview())['items']).toMatchObject([{ userId: ann, changes: told }])
    await world.settle()
    expect(world.graph.summary().users).toMatchObject([{ jobTitle: 'Chief' }])
  })

  test.for(['her creation binds', 'an earlier command binds'])(
    'tells of the manager whom %s',
    async (how) => {
      const each = await previewedBind(how === 'her creation binds' ? {} : MANUAL)
      const { world } = each
      const path = `/directories/${world.directoryId}`
      const other = each.account('other')
      await world.api.patch(`${path}/attributes`, { manager: 'exclude' })
      const ann = await each.create('ann')
      await each.bind([ann])
      world.graph.changeUser(await graphIdOf(each, ann), { manager: other })
      const boss = await each.create('boss')
      if (how !== 'her creation binds') await command(each, 'POST', { userIds: [boss] })
      await patch(each, ann, under(boss))
      const { body } = await world.api.post(`${path}/preview`, {
        attributes: { manager: 'export' },
      })
      expect(body['items']).toMatchObject([
        { userId: ann, changes: [{ attribute: 'manager', current: other, next: boss }] },
      ])
      await world.api.patch(`${path}/attributes`, { manager: 'export' })
      await world.settle()
      const account = world.graph.summary().users.find(({ mailNickname }) => mailNickname === 'ann')
      expect(account?.['managerId']).toBe(await graphIdOf(each, boss))
    },
  )
})
