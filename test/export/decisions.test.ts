import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Edge } from '../../src/db/round-edges.ts'
import { mergePages } from '../../src/db/whole-group.ts'
import { type AdoptionInput, decideAdoption } from '../../src/export/adoption.ts'
import { isFound, planEdge, withFinding } from '../../src/export/edges.ts'

describe('a membership', () => {
  const edge = (parts: Partial<Edge>): Edge => ({
    groupId: 'grp',
    memberId: 'usr',
    isMember: true,
    exportedAs: null,
    unknown: false,
    exportedAt: null,
    passedOn: false,
    isTheirs: false,
    graphId: null,
    ...parts,
  })

  test.each([
    ['a new member is added', {}, 'g1', { add: 'g1', remove: null, awaits: false }],
    ['one without a Graph id is waited for', {}, null, { add: null, remove: null, awaits: true }],
    [
      'one that was exported asks for nothing',
      { exportedAs: 'g1' },
      'g1',
      { add: null, remove: null, awaits: false },
    ],
    [
      'one that left is removed',
      { isMember: false, exportedAs: 'g1' },
      'g1',
      { add: null, remove: 'g1', awaits: false },
    ],
    [
      'one that left before it was exported asks for nothing',
      { isMember: false },
      'g1',
      { add: null, remove: null, awaits: false },
    ],
    [
      'one whose Graph id changed is exchanged',
      { exportedAs: 'g1' },
      'g2',
      { add: 'g2', remove: 'g1', awaits: false },
    ],
    [
      'one whose account ended is removed and waited for',
      { exportedAs: 'g1' },
      null,
      { add: null, remove: 'g1', awaits: true },
    ],
    [
      'an unknown one that is a member is added again',
      { exportedAs: 'g1', unknown: true },
      'g1',
      { add: 'g1', remove: null, awaits: false },
    ],
    [
      'an unknown one that is none is removed',
      { isMember: false, exportedAs: 'g1', unknown: true },
      null,
      { add: null, remove: 'g1', awaits: false },
    ],
  ])('%s', (_, parts, graphId, expected) => {
    expect(planEdge(edge(parts), graphId)).toMatchObject(expected)
  })
})

describe('a membership that reconciliation found otherwise', () => {
  const edge = (parts: Partial<Edge>): Edge => ({
    groupId: 'grp',
    memberId: 'usr',
    isMember: true,
    exportedAs: 'g1',
    unknown: false,
    exportedAt: null,
    passedOn: false,
    isTheirs: false,
    graphId: 'g1',
    ...parts,
  })
  const planned = (parts: Partial<Edge>, ...found: readonly string[]) => {
    const { graphId } = edge(parts)
    const { add, remove } = planEdge(withFinding({ found: new Set(found) }, edge(parts)), graphId)
    return { add, remove }
  }

  test('is added again when it is one', () => {
    expect(planned({}, 'usr:g1')).toEqual({ add: 'g1', remove: null })
  })

  test('is removed when it is none, though we never added it', () => {
    const stranger = { isMember: false, exportedAs: null }
    expect(planned(stranger, 'usr:g1')).toEqual({ add: null, remove: 'g1' })
    expect(planned(stranger)).toEqual({ add: null, remove: null })
  })

  test('is added, not removed, when it has become one since', () => {
    expect(planned({ exportedAs: null }, 'usr:g1')).toEqual({ add: 'g1', remove: null })
  })

  test('asks for nothing when the member has another account by now, or another member was meant', () => {
    const stranger = { isMember: false, exportedAs: null, graphId: 'g2' }
    expect(planned(stranger, 'usr:g1', 'other:g2')).toEqual({ add: null, remove: null })
    expect(isFound({ found: new Set(['usr:null']) }, edge({ graphId: null }))).toBe(false)
  })
})

describe('an account that has the name of a create', () => {
  const SENT = Date.UTC(2026, 5, 1)
  const input = (parts: Partial<AdoptionInput>): AdoptionInput => ({
    account: {
      id: 'g1',
      createdAt: SENT + 500,
      isGuest: false,
      isSynced: false,
      isDisabled: false,
    },
    name: 'a@contoso.com',
    wantedName: 'A@contoso.com',
    isImported: false,
    userId: 'usr_own',
    creatingSince: SENT,
    boundTo: undefined,
    externalId: 'e1',
    policy: 'adopt',
    isApproved: false,
    attempts: 0,
    ...parts,
  })
  const OLD = {
    id: 'g1',
    createdAt: SENT - 86_400_000,
    isGuest: false,
    isSynced: false,
    isDisabled: false,
  }

  test('is ours when it was created since the create was sent, whatever the policy', () => {
    expect(decideAdoption(input({ policy: 'hold' }))).toEqual({ kind: 'ours', graphId: 'g1' })
  })
  test('that was there before is adopted or held as the directory says', () => {
    expect(decideAdoption(input({ account: OLD }))).toEqual({
      kind: 'adopt',
      graphId: 'g1',
      exported: [],
    })
    expect(decideAdoption(input({ account: OLD, policy: 'hold' }))).toMatchObject({
      kind: 'hold',
      error: { code: 'account_exists' },
    })
  })
  test.each([
    ['a guest', { ...OLD, isGuest: true }, 'account_is_guest'],
    ['mastered on premises', { ...OLD, isSynced: true }, 'account_is_synced'],
  ])('that is %s is never adopted', (_, account, code) => {
    expect(decideAdoption(input({ account }))).toMatchObject({ kind: 'hold', error: { code } })
  })
  const holder = { resourceId: 'usr_other', isFormer: false, externalId: 'e1', exported: [] }
  test('that is another user’s is asked for some minutes and never adopted, even if it is new', () => {
    expect(decideAdoption(input({ boundTo: holder }))).toEqual({ kind: 'waitForHolder' })
    expect(decideAdoption(input({ boundTo: holder, attempts: 8 }))).toMatchObject({
      kind: 'hold',
      error: { code: 'account_bound', message: expect.stringContaining('usr_other') },
    })
  })
  test('that is another user’s is left to it when the name is not even wanted any more', () => {
    expect(decideAdoption(input({ boundTo: holder, wantedName: 'b@contoso.com' }))).toEqual({
      kind: 'startOver',
    })
  })
  test('that was a former user’s goes to who has the same externalId, and to nobody else', () => {
    const former = { ...holder, isFormer: true }
    expect(decideAdoption(input({ boundTo: former }))).toEqual({
      kind: 'adopt',
      graphId: 'g1',
      exported: [],
    })
    for (const externalId of ['e2', null])
      expect(decideAdoption(input({ boundTo: former, externalId }))).toMatchObject({
        kind: 'hold',
        error: { code: 'account_of_former_user' },
      })
    const nameless = { ...former, externalId: null }
    expect(decideAdoption(input({ boundTo: nameless, externalId: null }))).toMatchObject({
      kind: 'hold',
    })
  })
  test('that is the user’s own, and was deleted by us, is taken back whatever the directory says', () => {
    const own = { ...holder, resourceId: 'usr_own', externalId: null, exported: ['jobTitle'] }
    expect(decideAdoption(input({ account: OLD, boundTo: own, policy: 'hold' }))).toEqual({
      kind: 'adopt',
      graphId: 'g1',
      exported: ['jobTitle'],
    })
  })
  test('that is held is adopted once an administrator approves, where a decision of a person can make it right', () => {
    const approved = (parts: Partial<AdoptionInput>) =>
      decideAdoption(input({ isApproved: true, policy: 'hold', account: OLD, ...parts }))
    expect(approved({})).toMatchObject({ kind: 'adopt', graphId: 'g1' })
    const former = { ...holder, isFormer: true, externalId: 'e2', exported: ['jobTitle'] }
    expect(approved({ boundTo: former })).toMatchObject({ kind: 'adopt', exported: ['jobTitle'] })
  })
  test.each([
    ['a guest', { account: { ...OLD, isGuest: true } }, 'account_is_guest'],
    ['mastered on premises', { account: { ...OLD, isSynced: true } }, 'account_is_synced'],
    ['privileged', { account: { ...OLD, isPrivileged: true } }, 'account_is_privileged'],
    [
      'perhaps privileged',
      { account: { ...OLD, isPrivileged: 'unknown' as const } },
      'account_privileges_unknown',
    ],
    ['another user’s', { account: OLD, boundTo: holder, attempts: 8 }, 'account_bound'],
  ])('that is %s is not adopted, approved or not', (_, parts, code) => {
    for (const isApproved of [false, true])
      expect(decideAdoption(input({ ...parts, isApproved }))).toMatchObject({
        kind: 'hold',
        error: { code },
      })
  })
  test('is looked for three times before the create is repeated', () => {
    const answers = [0, 1, 2].map((attempts) =>
      decideAdoption(input({ account: undefined, attempts })),
    )
    expect(answers.map(({ kind }) => kind)).toEqual(['lookAgain', 'lookAgain', 'repeat'])
  })
  test('of an imported user is that very one, whatever it is called, or none: nothing is created instead', () => {
    const imported = (parts: Partial<AdoptionInput>) =>
      decideAdoption(input({ isImported: true, creatingSince: null, account: OLD, ...parts }))
    expect(imported({ wantedName: null })).toMatchObject({ kind: 'adopt', graphId: 'g1' })
    // Told of somebody who is bound, and by a preview of somebody who is not.
    const whatToDo = expect.stringContaining(
      'or do not bind the user (unbind it where it is bound)',
    )
    expect(imported({ policy: 'hold' })).toMatchObject({
      error: { code: 'account_exists', whatToDo },
    })
    // Nobody gives it away, so nobody is called.
    expect(imported({ boundTo: holder })).toMatchObject({
      error: { code: 'account_bound', whatToDo },
    })
    const former = { ...holder, isFormer: true }
    expect(imported({ boundTo: former, externalId: null })).toMatchObject({
      error: { code: 'account_of_former_user' },
    })
    const unseen = [0, 1, 2].map((attempts) => imported({ account: undefined, attempts }).kind)
    expect(unseen).toEqual(['lookAgain', 'lookAgain', 'gone'])
  })
  test('that vanished after the name was refused makes the create be repeated at once', () => {
    expect(decideAdoption(input({ account: undefined, creatingSince: null }))).toEqual({
      kind: 'repeat',
    })
  })
})

describe('a whole group', () => {
  const ids = fc.uniqueArray(
    fc.integer({ min: 0, max: 60 }).map((i) => `usr_${String(i).padStart(2, '0')}`),
  )

  test('is compared page by page without losing or repeating a member', () => {
    fc.assert(
      fc.property(ids, ids, fc.integer({ min: 1, max: 7 }), (members, exported, limit) => {
        const page = (list: string[], cursor: string, more: object) =>
          list
            .toSorted()
            .filter((id) => id > cursor)
            .slice(0, limit)
            .map((member_id) => ({ member_id, ...more }))
        const seen: Edge[] = []
        for (let cursor: string | null = ''; cursor !== null;) {
          const merged = mergePages(
            'grp',
            page(members, cursor, { graph_id: null }),
            page(exported, cursor, { graph_id: 'g', unknown: 0 }),
            limit,
          )
          seen.push(...merged.edges)
          cursor = merged.nextCursor
        }
        expect(seen.map(({ memberId }) => memberId).toSorted()).toEqual(
          [...new Set([...members, ...exported])].toSorted(),
        )
        for (const { memberId, isMember, exportedAs } of seen) {
          expect(isMember).toBe(members.includes(memberId))
          expect(exportedAs !== null).toBe(exported.includes(memberId))
        }
      }),
    )
  })
})
