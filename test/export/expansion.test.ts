import { describe, expect, test } from 'vitest'

import type { LogEntry } from '../../src/db/round-store.ts'
import {
  expansionOf,
  isExpanding,
  NOBODY_WATCHED,
  type Watch,
  watchOf,
} from '../../src/export/expansion.ts'
import { defaultSettings } from '../../src/plan/settings.ts'

const entry = (
  sequence: number,
  type: string,
  targetId: string,
  touched: string[] | null = null,
): LogEntry => ({
  sequence,
  type,
  targetType: type.startsWith('group_') ? 'group' : type.startsWith('user_') ? 'user' : 'directory',
  targetId,
  touched,
})
const SALES: Watch = { groupIds: ['grp_sales'], through: 0, running: null }

describe('what stands at the beginning of the log', () => {
  test('is expanded when it is a command, over what it names', () => {
    const found = expansionOf([entry(7, 'binding_create', 'dir_1', ['usr_1'])], NOBODY_WATCHED)
    expect(found).toMatchObject({
      sequence: 7,
      action: 'bind',
      phases: [{ from: 'list', ids: ['usr_1'] }],
      isCommand: true,
    })
  })
  test('is expanded over everything when it names nothing: users before groups', () => {
    expect(expansionOf([entry(7, 'binding_create', 'dir_1')], NOBODY_WATCHED)?.phases).toEqual([
      { from: 'users' },
      { from: 'groups' },
    ])
    expect(expansionOf([entry(7, 'binding_delete', 'dir_1')], NOBODY_WATCHED)?.phases).toEqual([
      { from: 'bindings', kind: 'user' },
      { from: 'bindings', kind: 'group' },
    ])
  })
  test('is expanded over the users that are bound when it changes what they owe', () => {
    for (const [type, action] of [
      ['directory_update', 'look'],
      ['integrationattribute_include', 'direct'],
    ] as const)
      expect(expansionOf([entry(7, type, 'dir_1', ['department'])], NOBODY_WATCHED)).toMatchObject({
        action,
        phases: [{ from: 'bindings', kind: 'user' }],
      })
  })
  test('is told from a choice where an undoing that set a direction comes right behind it', () => {
    const direction = entry(7, 'integrationattribute_include', 'dir_1')
    const action = (undoneAt: number) =>
      expansionOf([direction, entry(undoneAt, 'undo', 'dir_1', ['evt_3'])], NOBODY_WATCHED)?.action
    expect([action(8), action(9)]).toEqual(['directAgain', 'direct'])
  })
  test('is followed as it is when it is a change, or a direction that ends', () => {
    for (const type of ['user_update', 'group_update', 'integrationattribute_exclude'])
      expect(expansionOf([entry(7, type, 'x')], NOBODY_WATCHED)).toBeUndefined()
  })
})

describe('changes of a group that binds its members', () => {
  test('are expanded together, up to the next command', () => {
    const log = [
      entry(1, 'group_update', 'grp_sales', ['usr_1']),
      entry(2, 'user_update', 'usr_9'),
      entry(3, 'group_update', 'grp_sales', ['usr_2', 'usr_1']),
      entry(4, 'export_requested', 'dir_1'),
      entry(5, 'group_update', 'grp_sales', ['usr_3']),
    ]
    expect(expansionOf(log, SALES)).toMatchObject({
      sequence: 3,
      action: 'follow',
      phases: [{ from: 'list', ids: ['usr_1', 'usr_2'] }],
      isCommand: false,
    })
  })
  test('are expanded over all members when an event names not all of them, or the group is gone', () => {
    const many = Array.from({ length: 1001 }, (_, i) => `usr_${i}`)
    for (const change of [
      entry(1, 'group_update', 'grp_sales', many),
      entry(1, 'group_delete', 'grp_sales', []),
    ])
      expect(expansionOf([change], SALES)?.phases).toEqual([
        { from: 'bindings', kind: 'user' },
        { from: 'members', groupId: 'grp_sales' },
      ])
  })
  test('are followed as they are once they have been expanded, and those of other groups anyway', () => {
    const change = entry(5, 'group_update', 'grp_sales', ['usr_1'])
    expect(isExpanding(change, { ...SALES, through: 4 })).toBe(true)
    expect(isExpanding(change, { ...SALES, through: 5 })).toBe(false)
    expect(isExpanding(entry(5, 'group_update', 'grp_other', []), SALES)).toBe(false)
  })
  test('that come while it runs are left to the next expansion', () => {
    const log = [
      entry(1, 'group_update', 'grp_sales', ['usr_1']),
      entry(2, 'group_update', 'grp_sales', ['usr_2']),
    ]
    const { running } = watchOf(defaultSettings, { sequence: 1, phase: 0, last: 'usr_0' })
    expect(expansionOf(log, { ...SALES, running })).toMatchObject({
      sequence: 1,
      phases: [{ from: 'list', ids: ['usr_1'] }],
    })
  })
  test('are watched only where the directory binds by groups', () => {
    const bindNewUsers = { mode: 'all', groupIds: ['grp_sales'] } as const
    const settings = {
      ...defaultSettings,
      bindNewUsers: { ...bindNewUsers, groupIds: ['grp_sales'] },
    }
    expect(watchOf(settings, { through: 9 })).toEqual({ groupIds: null, through: 9, running: null })
    const none = { mode: 'groups', groupIds: [] } as const
    expect(watchOf({ ...settings, bindNewUsers: { ...none, groupIds: [] } }, null)).toEqual({
      groupIds: [],
      through: 0,
      running: null,
    })
  })
})
