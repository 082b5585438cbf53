import { describe, expect, test } from 'vitest'

import type { ComparedBinding } from '../../src/db/compared-accounts.ts'
import type { BindingRow } from '../../src/db/round-store.ts'
import {
  compareMissing,
  compareUser,
  type Comparison,
  type ToldUser,
} from '../../src/reconcile/compare.ts'
import { defaultSettings } from '../../src/plan/settings.ts'
import { directions, ENTERPRISE } from '../plan/builders.ts'

const NOW = 10_000_000
const MINUTE = 60_000

const binding = (more: Partial<BindingRow> = {}): BindingRow & ComparedBinding => ({
  organizationId: 'org_1',
  directoryId: 'dir_1',
  kind: 'user',
  resourceId: 'usr_1',
  graphId: 'g1',
  state: 'synced',
  reason: 'all',
  snapshot: { jobTitle: 'Engineer', accountEnabled: true },
  unknown: [],
  exportedSequence: 9,
  exportedAt: NOW - 60 * MINUTE,
  creatingAs: null,
  creatingSince: null,
  adopting: null,
  dueAt: null,
  urgency: 0,
  attempts: 0,
  error: null,
  managerGraphId: null,
  passwordSequence: 0,
  deliveredSequence: null,
  memberCursor: null,
  externalId: null,
  unboundBy: null,
  boundSequence: null,
  found: null,
  restDueAt: null,
  adoptedAt: null,
  restoring: null,
  approval: null,
  takenAt: null,
  askedSequence: null,
  askedBefore: null,
  undoSequence: null,
  heldSequence: null,
  deletedAt: null,
  isLeft: false,
  away: null,
  user: undefined,
  ...more,
})

/** What is read of whoever is away, and of whom nothing else has changed. */
const AWAY: ComparedBinding['away'] = {
  binding: { restoring: null, unboundBy: null, approval: null, deletedAt: null },
  user: {
    id: 'usr_1',
    usernameKey: null,
    resource: { title: 'Engineer' },
    suspended: false,
    passwordExpired: false,
    imported: null,
  },
  managers: new Map(),
  hasPassword: false,
}

interface Given {
  readonly row?: ComparedBinding
  readonly manner?: Comparison['manner']
  readonly inFlight?: readonly string[]
}

const comparison = ({ row = binding(), manner = 'delta', inFlight = [] }: Given): Comparison => ({
  directoryId: 'dir_1',
  directions: directions({ jobTitle: 'export', department: 'import' }),
  settings: defaultSettings,
  verifiedDomains: undefined,
  imports: ['department'],
  accounts: {
    bindings: new Map([['g1', row]]),
    users: new Map([
      ['usr_1', { imported: null, resource: { [ENTERPRISE]: { department: 'Sales' } } }],
    ]),
    managers: new Map(),
    inFlight: new Set(inFlight),
  },
  manner,
  now: NOW,
})

const told = (properties: ToldUser['properties']): ToldUser => ({
  id: 'g1',
  properties: { id: 'g1', ...properties },
  manager: undefined,
})

const BOSS = told({ jobTitle: 'Boss', accountEnabled: true, department: 'Ops' })

describe('a user on a page', () => {
  test('is compared and imported', () => {
    expect(compareUser(comparison({}), BOSS)).toEqual({
      drift: [
        {
          userId: 'usr_1',
          graphId: 'g1',
          direction: 'export',
          attribute: 'jobTitle',
          ours: 'Engineer',
          theirs: 'Boss',
        },
      ],
      imports: [
        { attribute: 'department', before: 'Sales', after: 'Ops', counts: 'Ops', isTold: true },
      ],
      recheckAt: null,
    })
  })

  test('whom nobody is bound to is nothing of ours', () => {
    expect(compareUser(comparison({}), { ...BOSS, id: 'g2' })).toBeUndefined()
  })

  test.each(['unbinding', 'former'] as const)('of a binding that is %s is let be', (state) => {
    const row = binding({ state })
    expect(compareUser(comparison({ row }), BOSS)).toMatchObject({ drift: [], imports: [] })
  })

  test('is read by id when it was exported within five minutes, once the replicas follow', () => {
    const at = (exportedAt: number) =>
      compareUser(comparison({ row: binding({ exportedAt }) }), BOSS)?.recheckAt
    expect(at(NOW - 5 * MINUTE)).toBeNull()
    expect(at(NOW - 5 * MINUTE + 1)).toBe(NOW)
    expect(at(NOW - 1000)).toBe(NOW + 14_000)
  })

  test('is read by id while a drain is writing it', () => {
    expect(compareUser(comparison({ inFlight: ['usr_1'] }), BOSS)).toMatchObject({
      drift: [],
      recheckAt: NOW + 5000,
    })
  })

  test('is not asked about what a page of changes leaves out, and by id about what one of everybody does', () => {
    const some = told({ department: null })
    expect(compareUser(comparison({}), some)).toMatchObject({ drift: [], recheckAt: null })
    const whole = comparison({ manner: 'whole' })
    expect(compareUser(whole, some)).toMatchObject({ drift: [], recheckAt: NOW })
  })

  test('who is mastered on premises has no drift, which nobody here could put right', () => {
    const row = binding({ state: 'failed', error: { code: 'mastered_on_premises' } })
    expect(compareUser(comparison({ row }), BOSS)).toMatchObject({
      drift: [],
      imports: [{ after: 'Ops' }],
    })
  })

  test('who had been deleted is back', () => {
    const row = {
      ...binding({ state: 'failed', error: { code: 'object_missing' } }),
      away: AWAY,
    }
    const same = told({ jobTitle: 'Engineer', accountEnabled: true })
    expect(compareUser(comparison({ row }), same)?.drift).toMatchObject([
      { attribute: 'deleted', ours: 'deleted', theirs: null },
    ])
  })
})

describe('a user asked by id', () => {
  test('is believed fifteen seconds after the last export', () => {
    const at = (exportedAt: number) =>
      compareUser(comparison({ row: binding({ exportedAt }), manner: 'byId' }), BOSS)
    expect(at(NOW - 15_000)?.drift).toHaveLength(1)
    expect(at(NOW - 14_999)).toMatchObject({ drift: [], recheckAt: NOW + 1 })
  })

  test('holds nothing of what is left out', () => {
    const found = compareUser(comparison({ manner: 'byId' }), told({ accountEnabled: true }))
    expect(found?.drift).toMatchObject([{ attribute: 'jobTitle', theirs: null }])
  })

  test('who is unknown is deleted, unless a replica may not know the account yet', () => {
    const missing = (row: ComparedBinding, where: 'gone' | 'recycle_bin') =>
      compareMissing(comparison({ row }), 'g1', where)
    expect(missing(binding(), 'gone')?.drift).toMatchObject([
      { attribute: 'deleted', ours: null, theirs: 'gone' },
    ])
    const fresh = binding({ exportedAt: NOW - 1000 })
    expect(missing(fresh, 'gone')).toMatchObject({ drift: [], recheckAt: NOW - 1000 + 5 * MINUTE })
    expect(missing(fresh, 'recycle_bin')?.drift).toHaveLength(1)
    expect(missing(binding({ state: 'former' }), 'gone')?.drift).toEqual([])
  })
})
