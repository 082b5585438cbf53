import { describe, expect, test } from 'vitest'

import { MAX_TOUCHED } from '../../src/db/event-log.ts'
import type { LogEntry, RoundLog } from '../../src/db/round-store.ts'
import { NOBODY_WATCHED } from '../../src/export/expansion.ts'
import { collectTargets, positionsBefore } from '../../src/export/targets.ts'

const LIMITS = { entries: 400, due: 100 }

const entry = (sequence: number, type: string, id: string, touched?: string[]): LogEntry => ({
  sequence,
  type,
  targetType: type.startsWith('user') ? 'user' : 'group',
  targetId: id,
  touched: touched ?? null,
})

const log = (parts: Partial<RoundLog>): RoundLog =>
  ({ directions: [], urgent: [], ordinary: [], due: [], head: 0, ...parts }) as unknown as RoundLog

describe('the targets of a round', () => {
  test('many events of one user are one target, which knows that the user is new', () => {
    const targets = collectTargets(
      log({
        ordinary: [entry(1, 'user_create', 'usr_a'), entry(2, 'user_update', 'usr_a')],
        head: 2,
      }),
      LIMITS,
    )
    expect(targets.users).toMatchObject([{ id: 'usr_a', created: true, ordinaryAt: 1 }])
    expect(targets).toMatchObject({ position: 2, urgentPosition: 2, more: false })
  })

  test('urgent events come first, then what is due, then the rest of the log', () => {
    const targets = collectTargets(
      log({
        ordinary: [entry(1, 'user_update', 'usr_c'), entry(9, 'user_suspend', 'usr_a')],
        urgent: [entry(9, 'user_suspend', 'usr_a')],
        due: [{ kind: 'user', resourceId: 'usr_b', found: null }],
        head: 9,
      }),
      LIMITS,
    )
    expect(targets.users.map(({ id }) => id)).toEqual(['usr_a', 'usr_b', 'usr_c'])
  })

  test('the position moves over records to the log’s end when everything was read', () => {
    const targets = collectTargets(
      log({ ordinary: [entry(3, 'user_update', 'usr_a')], head: 50 }),
      LIMITS,
    )
    expect(targets.position).toBe(50)
  })

  test('the position stops at the last entry that was read when there may be more', () => {
    const ordinary = [1, 2, 3].map((sequence) => entry(sequence, 'user_update', `usr_${sequence}`))
    const targets = collectTargets(log({ ordinary, head: 50 }), { entries: 3, due: 100 })
    expect(targets).toMatchObject({ position: 3, more: true })
  })

  test('a cap cuts the log before the first entry that was left, and says that there is more', () => {
    const ordinary = [1, 2, 3].map((sequence) => entry(sequence, 'user_update', `usr_${sequence}`))
    const targets = collectTargets(log({ ordinary, head: 3 }), LIMITS, NOBODY_WATCHED, {
      users: 2,
      groups: 40,
      members: 100,
    })
    expect(targets.users).toHaveLength(2)
    expect(targets).toMatchObject({ position: 2, more: true })
  })

  test('a group is looked at for the members that its events name, or for all when they are too many to name', () => {
    const many = Array.from({ length: MAX_TOUCHED + 1 }, (_, i) => `usr_${i}`)
    const targets = collectTargets(
      log({
        ordinary: [
          entry(1, 'group_update', 'grp_a', ['usr_1', 'usr_2']),
          entry(2, 'group_update', 'grp_a', ['usr_2', 'usr_3']),
          entry(3, 'group_update', 'grp_b', many),
        ],
        head: 3,
      }),
      LIMITS,
    )
    const [a, b] = targets.groups
    expect([...(a?.members ?? [])]).toEqual(['usr_1', 'usr_2', 'usr_3'])
    expect(a?.whole).toBe(false)
    expect(b?.whole).toBe(true)
  })

  test('a deleted user makes the groups that it was in look at it', () => {
    const targets = collectTargets(
      log({ urgent: [entry(4, 'user_delete', 'usr_a', ['grp_x', 'grp_y'])], head: 4 }),
      LIMITS,
    )
    expect(targets.groups.map(({ id, members }) => [id, [...members]])).toEqual([
      ['grp_x', ['usr_a']],
      ['grp_y', ['usr_a']],
    ])
  })

  test('a target that was not reached holds the positions before the places where it was met', () => {
    const targets = collectTargets(
      log({
        urgent: [entry(7, 'user_suspend', 'usr_b')],
        ordinary: [entry(5, 'user_update', 'usr_a'), entry(7, 'user_suspend', 'usr_b')],
        head: 9,
      }),
      LIMITS,
    )
    const [b, a] = targets.users
    expect(positionsBefore(targets, [a!])).toEqual({ position: 4, urgentPosition: 9 })
    expect(positionsBefore(targets, [b!])).toEqual({ position: 6, urgentPosition: 6 })
  })
})
