import { describe, expect, test } from 'vitest'

import { permissionOf } from '../../src/export/threshold.ts'
import { limitOf, readRemovals, removedLately, withRemoved } from '../../src/plan/removed-lately.ts'
import { isPartOfRemoval, isRemoval } from '../../src/plan/removal.ts'

const NOW = Date.UTC(2026, 5, 1, 12, 0, 30)
const MINUTE = 60_000

describe('the removals of the last hour', () => {
  test('are none where nothing is stored', () => {
    expect(removedLately(readRemovals(null), NOW)).toBe(0)
  })
  test('count for an hour, and are forgotten afterwards', () => {
    const early = withRemoved(readRemovals(null), 3, NOW)
    const both = withRemoved(early, 4, NOW + 30 * MINUTE)
    expect(removedLately(both, NOW + 59 * MINUTE)).toBe(7)
    expect(removedLately(both, NOW + 62 * MINUTE)).toBe(4)
    const later = withRemoved(both, 1, NOW + 62 * MINUTE)
    expect(Object.keys(later.minutes)).toHaveLength(2)
    expect(removedLately(later, NOW + 62 * MINUTE)).toBe(5)
  })
  test('of one minute are added up', () => {
    const twice = withRemoved(withRemoved(readRemovals(null), 3, NOW), 4, NOW + 1000)
    expect(Object.values(twice.minutes)).toEqual([7])
  })
})

test('the limit is the larger of count and percent of the bound users', () => {
  const threshold = { count: 20, percent: 10 }
  expect([0, 199, 209, 210, 1000].map((bound) => limitOf(threshold, bound))).toEqual([
    20, 20, 20, 21, 100,
  ])
  expect(limitOf({ count: 0, percent: 0 }, 1000)).toBe(0)
})

describe('a removal', () => {
  const threshold = { count: 20, percent: 10 }
  const row = { approval: null, takenAt: null } as const
  test('counts, unless its account was counted within the hour', () => {
    expect(permissionOf(row, threshold, NOW)).toBe('counts')
    expect(permissionOf({ ...row, takenAt: NOW - 59 * MINUTE }, threshold, NOW)).toBe('free')
    expect(permissionOf({ ...row, takenAt: NOW - 62 * MINUTE }, threshold, NOW)).toBe('counts')
  })
  test('about which an administrator is asked waits for the answer, however long it takes', () => {
    const asked = { approval: 'asked', takenAt: NOW - MINUTE } as const
    expect(permissionOf(asked, threshold, NOW)).toBe('asked')
    expect(permissionOf({ ...asked, approval: 'approved' }, threshold, NOW)).toBe('free')
    expect(permissionOf({ ...asked, approval: 'rejected' }, threshold, NOW)).toBe('rejected')
  })
  test('is free without a threshold, unless it was rejected', () => {
    expect(permissionOf({ ...row, approval: 'asked' }, null, NOW)).toBe('free')
    expect(permissionOf({ ...row, approval: 'rejected' }, null, NOW)).toBe('rejected')
  })
})

test('a disable and a deletion are removals; the end of the sessions belongs to one; nothing else does', () => {
  const disable = { purpose: 'update', sets: { accountEnabled: null } } as const
  const remove = { purpose: 'delete', sets: {} } as const
  const revoke = { purpose: 'revoke', sets: { accountEnabled: false } } as const
  const others = [
    { purpose: 'update', sets: { accountEnabled: true, jobTitle: null } },
    { purpose: 'create', sets: { accountEnabled: false } },
    { purpose: 'manager', sets: { manager: null } },
    { purpose: 'update', sets: { displayName: 'G' } },
  ] as const
  expect([disable, remove, revoke].map(isPartOfRemoval)).toEqual([true, true, true])
  expect([disable, remove, revoke].map(isRemoval)).toEqual([true, true, false])
  expect(others.map(isPartOfRemoval)).toEqual([false, false, false, false])
})
