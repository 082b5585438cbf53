import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import type { ScimFault } from '../../src/scim/fault.ts'
import {
  foldMembers,
  matchesMember,
  splitMembers,
  touchedIds,
  type MemberOperation,
  type SplitPatch,
} from '../../src/scim/member-patch.ts'
import type { PatchOperation } from '../../src/scim/messages.ts'
import { GROUP, USER } from '../../src/scim/resource-types.ts'
import { GROUP_URN } from '../../src/scim/urns.ts'
import { patchOperations } from './arbitrary-patch.ts'

function split(...operations: PatchOperation[]): SplitPatch {
  const result = splitMembers(operations, GROUP)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

function faultOf(operation: PatchOperation): ScimFault | undefined {
  const result = splitMembers([operation], GROUP)
  return result.ok ? undefined : result.error
}

const add = (path: string, value: Json): PatchOperation => ({ op: 'add', path, value })
const u1 = { value: 'u1' }
const u2 = { value: 'u2' }

describe('splitMembers', () => {
  it.each(['members', 'MEMBERS', 'members.value', `${GROUP_URN}:members`, `${GROUP_URN}.Members`])(
    'knows members by the path %s',
    (path) => {
      expect(split(add(path, ['u1']))).toMatchObject({
        rest: [],
        members: [{ op: 'add', members: [u1] }],
      })
    },
  )

  it('takes members out of a path-less value and leaves the rest', () => {
    const value = { displayName: 'Staff', Members: [u1], [`${GROUP_URN}:members`]: u2 }
    expect(split({ op: 'replace', value })).toEqual({
      rest: [{ op: 'replace', value: { displayName: 'Staff' } }],
      members: [
        { op: 'replace', members: [u1] },
        { op: 'replace', members: [u2] },
      ],
      quirks: [9],
    })
  })

  it('leaves no operation when there were only members', () => {
    expect(split({ op: 'add', value: { members: [u1] } }).rest).toEqual([])
  })

  it('leaves everything else alone, also what is wrong', () => {
    const others: PatchOperation[] = [
      { op: 'replace', path: 'displayName', value: 'x' },
      { op: 'remove' },
      { op: 'add', path: 'nonsense[', value: 1 },
      { op: 'add', value: 'x' },
      { op: 'add', path: 'urn:example:custom:2.0:Group:members', value: ['x'] },
    ]
    expect(split(...others)).toEqual({ rest: others, members: [], quirks: [] })
  })

  it('finds no members in a user', () => {
    const operations = [add('members', ['u1'])]
    expect(splitMembers(operations, USER)).toMatchObject({ value: { rest: operations } })
  })

  const shapes: readonly (readonly [string, PatchOperation, readonly MemberOperation[]])[] = [
    ['remove all', { op: 'remove', path: 'members' }, [{ op: 'clear' }]],
    ['remove all by null', { op: 'remove', path: 'members', value: null }, [{ op: 'clear' }]],
    [
      'remove some',
      { op: 'remove', path: 'members', value: [u1] },
      [{ op: 'remove', ids: ['u1'] }],
    ],
    ['remove nobody', { op: 'remove', path: 'members', value: '' }, []],
    ['add nobody', add('members', []), []],
    ['add null', add('members', null), []],
    ['replace by nobody', { op: 'replace', path: 'members', value: [] }, [{ op: 'clear' }]],
    ['replace by null', { op: 'replace', path: 'members', value: null }, [{ op: 'clear' }]],
    [
      'add with a type',
      add('members', [{ value: 'g1', type: 'group', display: 'G' }]),
      [{ op: 'add', members: [{ value: 'g1', type: 'Group' }] }],
    ],
    [
      'remove by id',
      { op: 'remove', path: 'members[value eq "u1"]' },
      [{ op: 'remove', ids: ['u1'] }],
    ],
    [
      'remove by ids',
      { op: 'remove', path: 'members[value eq "u1" or value eq "u2"]' },
      [{ op: 'remove', ids: ['u1', 'u2'] }],
    ],
    ['add by id', add('members[value eq "u1"]', {}), [{ op: 'add', members: [u1] }]],
    [
      'replace by id',
      { op: 'replace', path: 'members[value eq "u1"]', value: u2 },
      [
        { op: 'remove', ids: ['u1'] },
        { op: 'add', members: [u2] },
      ],
    ],
    [
      'clear by id',
      { op: 'replace', path: 'members[value eq "u1"]', value: '' },
      [{ op: 'remove', ids: ['u1'] }],
    ],
  ]
  it.each(shapes)('%s', (_title, operation, members) => {
    expect(split(operation).members).toEqual(members)
  })

  it('hands on a filter that is not about ids', () => {
    const { members } = split({ op: 'remove', path: 'members[type eq "Group"]' })
    expect(members).toMatchObject([{ op: 'removeMatching', filter: { value: 'Group' } }])
    const [operation] = members
    if (operation?.op !== 'removeMatching') throw new Error('no filter')
    expect(matchesMember({ value: 'g', type: 'Group' }, operation.filter, GROUP)).toBe(true)
    expect(matchesMember({ value: 'u', type: 'User' }, operation.filter, GROUP)).toBe(false)
  })

  it('refuses what is no member', () => {
    const values: Json[] = [7, [7], [{}], [{ $ref: 'x' }], [{ value: '' }], [{ value: 7 }], [[u1]]]
    for (const value of values)
      expect(faultOf(add('members', value))).toMatchObject({
        kind: 'invalidValue',
        attribute: 'members',
      })
    expect(faultOf({ op: 'add', path: 'members' })).toMatchObject({ kind: 'invalidValue' })
    for (const operation of [
      { op: 'add', value: { members: [7] } } as const,
      { op: 'remove', path: 'members', value: [7] } as const,
    ])
      expect(faultOf(operation)).toMatchObject({ kind: 'invalidValue', attribute: 'members' })
  })

  it('refuses to change a member, and to add to what a filter selects', () => {
    expect(faultOf(add('members[value eq "u1"].display', 'x'))).toMatchObject({
      kind: 'mutability',
    })
    expect(faultOf(add('members.type', 'x'))).toMatchObject({ kind: 'mutability' })
    expect(faultOf(add('members[type eq "User"]', {}))).toMatchObject({ kind: 'noTarget' })
    expect(faultOf(add('members[colour eq "x"]', {}))).toMatchObject({ kind: 'invalidFilter' })
    expect(faultOf(add('members[value eq', {}))).toMatchObject({ kind: 'invalidPath' })
  })

  it('refuses a broken path also where it is a name in a path-less value', () => {
    const value = { displayName: 'Staff', 'members[value eq': [u1] }
    expect(faultOf({ op: 'add', value })).toMatchObject({ kind: 'invalidPath' })
  })

  it('refuses what is no member in place of one that a filter selects', () => {
    const operation = { op: 'replace', path: 'members[value eq "u1"]', value: [7] } as const
    expect(faultOf(operation)).toMatchObject({ kind: 'invalidValue', attribute: 'members' })
  })

  it('takes only `value eq` for an id', () => {
    const { members } = split({ op: 'remove', path: 'members[value sw "u"]' })
    expect(members).toMatchObject([{ op: 'removeMatching', filter: { operator: 'sw' } }])
    expect(touchedIds(members)).toBe('all')
  })

  it('accepts twenty operations that look at every member, and refuses more', () => {
    const removals = (length: number) =>
      Array.from({ length }, () => ({ op: 'remove', path: 'members[type eq "User"]' }) as const)
    expect(split(...removals(20)).members).toHaveLength(20)
    expect(splitMembers(removals(21), GROUP)).toMatchObject({
      ok: false,
      error: { kind: 'invalidValue', reason: expect.stringContaining('20 operations') },
    })
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.array(patchOperations), (operations) => {
        expect(() => splitMembers(operations, GROUP)).not.toThrow()
      }),
    )
  })
})

describe('foldMembers', () => {
  const ids = fc.array(fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'e'), { maxLength: 3 })
  const operations: fc.Arbitrary<MemberOperation> = fc.oneof(
    ids.map((values) => ({ op: 'add' as const, members: values.map((value) => ({ value })) })),
    ids.map((values) => ({ op: 'remove' as const, ids: values })),
    ids.map((values) => ({ op: 'replace' as const, members: values.map((value) => ({ value })) })),
    fc.constant({ op: 'clear' as const }),
    fc.constantFrom('a', 'b').map((value) => ({
      op: 'removeMatching' as const,
      filter: {
        kind: 'compare' as const,
        path: { attribute: 'value' },
        operator: 'gt' as const,
        value,
      },
    })),
  )

  /** The members afterwards, had the group kept them all in one set. */
  function naive(before: readonly string[], all: readonly MemberOperation[]): Set<string> {
    let members = new Set(before)
    for (const operation of all) {
      if (operation.op === 'add') for (const { value } of operation.members) members.add(value)
      if (operation.op === 'remove') for (const id of operation.ids) members.delete(id)
      if (operation.op === 'replace') members = new Set(operation.members.map(({ value }) => value))
      if (operation.op === 'clear') members = new Set()
      if (operation.op === 'removeMatching')
        members = new Set(
          [...members].filter((value) => !matchesMember({ value }, operation.filter, GROUP)),
        )
    }
    return members
  }

  it('agrees with a set of all members, from the touched ones alone', () => {
    fc.assert(
      fc.property(ids, fc.array(operations, { maxLength: 5 }), (before, all) => {
        const touched = touchedIds(all)
        const current = touched === 'all' ? before : before.filter((id) => touched.includes(id))
        const { add, remove } = foldMembers(all, current, (value, filter) =>
          matchesMember({ value }, filter, GROUP),
        )
        const after = new Set([...before.filter((id) => !remove.includes(id)), ...add])
        expect(after).toEqual(naive(before, all))
        expect(add.filter((id) => before.includes(id))).toEqual([])
        expect(remove.filter((id) => !before.includes(id))).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it('touches only what is named, unless all members matter', () => {
    const named: MemberOperation[] = [
      { op: 'add', members: [u1] },
      { op: 'remove', ids: ['u2', 'u1'] },
    ]
    expect(touchedIds(named)).toEqual(['u1', 'u2'])
    expect(touchedIds([...named, { op: 'clear' }])).toBe('all')
    expect(touchedIds([])).toEqual([])
  })
})
