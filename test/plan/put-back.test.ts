import { describe, expect, test } from 'vitest'

import { putBackWrites } from '../../src/plan/put-back.ts'
import type { Held, Snapshot } from '../../src/plan/snapshot.ts'
import { planUser } from '../../src/plan/user-plan.ts'
import { ADOPTED, directions, input } from './builders.ts'
import { GRAPH_BASE, GRAPH_ID } from './model-graph.ts'

/** The account holds what we sent, when nobody changed it since. */
const OURS: Held = {
  jobTitle: 'Engineer',
  department: 'Sales',
  accountEnabled: true,
  email: 'a@b.example',
}

interface Since {
  readonly sent?: Held
  /** What it holds by now; default: what we sent. */
  readonly current?: Held | undefined
  readonly unknown?: readonly string[]
  /** What we would send. */
  readonly desired?: Snapshot
  readonly isYoung?: boolean
}

const putBack = (held: Held, { sent = sentFor(held), current = sent, ...since }: Since = {}) =>
  putBackWrites(
    {
      graphBase: GRAPH_BASE,
      binding: { ...ADOPTED, snapshot: sent as Snapshot, unknown: since.unknown ?? [] },
      current,
      isYoung: since.isYoung ?? false,
      desired: since.desired ?? {},
    },
    held,
  )

const sentFor = (held: Held): Held => ({
  ...Object.fromEntries(Object.keys(held).map((key) => [key, 'ours'])),
  ...OURS,
  ...(held.accountEnabled === true ? { accountEnabled: false } : {}),
})

const requests = (held: Held, since?: Since) =>
  putBack(held, since).writes.map(({ request }) => {
    const { method, url, body } = request(GRAPH_ID)
    return { method, url: url.replace(GRAPH_ID, 'ann'), ...(body === undefined ? {} : { body }) }
  })

describe('what an account held before', () => {
  test('is put back in one PATCH, lists whole and blanks too', () => {
    const held = {
      jobTitle: 'Chief',
      department: null,
      alternateEmail: ['a@x.example', 'b@x.example'],
    }
    expect(requests({ ...held, workPhone: '+1', fax: null })).toEqual([
      {
        method: 'PATCH',
        url: '/users/ann',
        body: {
          jobTitle: 'Chief',
          department: null,
          otherMails: ['a@x.example', 'b@x.example'],
          businessPhones: ['+1'],
          faxNumber: null,
        },
      },
    ])
  })

  test('of an account that was disabled disables it first and ends its sessions', () => {
    expect(requests({ accountEnabled: false, jobTitle: 'Chief' })).toEqual([
      { method: 'PATCH', url: '/users/ann', body: { accountEnabled: false } },
      { method: 'POST', url: '/users/ann/revokeSignInSessions', body: {} },
      { method: 'PATCH', url: '/users/ann', body: { jobTitle: 'Chief' } },
    ])
    expect(requests({ accountEnabled: true })).toEqual([
      { method: 'PATCH', url: '/users/ann', body: { accountEnabled: true } },
    ])
  })

  test('is not cleared where Graph cannot be told that there is no value: that is told', () => {
    const held = { usageLocation: null }
    const sent = { usageLocation: 'US' }
    const told = (since: Since) => {
      const { writes, problems, readsAgain } = putBack(held, { sent, ...since })
      expect(writes).toEqual([])
      return { codes: problems.map(({ code }) => code), readsAgain }
    }
    expect(told({})).toEqual({ codes: ['cannot_be_emptied'], readsAgain: false })
    expect(told({ isYoung: true })).toEqual({ codes: ['cannot_be_emptied'], readsAgain: false })
    const another = { current: { usageLocation: 'DE' } }
    expect(told(another)).toEqual({ codes: ['changed_since'], readsAgain: false })
    // A late replica may show the account as it was before us.
    const blank = { current: { usageLocation: null } }
    expect(told({ ...blank, isYoung: true })).toEqual({ codes: [], readsAgain: true })
    expect(told(blank)).toEqual({ codes: [], readsAgain: false })
  })

  test('is read before anything of it is written', () => {
    const { writes, needs } = putBack({ jobTitle: 'Chief', manager: 'boss' }, { current: {} })
    expect({ writes, needs }).toEqual({ writes: [], needs: ['jobTitle', 'manager'] })
  })

  test('of one member of employeeOrgData is put back beside the other, which is read too', () => {
    expect(putBack({ costCenter: 'C1' }, { current: { costCenter: 'C2' } }).needs).toEqual([
      'division',
    ])
    const sent = { costCenter: 'C2' }
    const current = { costCenter: 'C2', division: 'D2' }
    const body = { employeeOrgData: { costCenter: 'C1', division: 'D2' } }
    expect(requests({ costCenter: 'C1' }, { sent, current })).toEqual([
      { method: 'PATCH', url: '/users/ann', body },
    ])
  })

  test('is nothing that we know of the account afterwards, but the name', () => {
    const { writes } = putBack({ jobTitle: 'Chief', email: 'ann@contoso.com', manager: 'boss' })
    expect(writes.map(({ sets, attributes }) => ({ sets, attributes }))).toEqual([
      { sets: { email: 'ann@contoso.com' }, attributes: ['email', 'jobTitle'] },
      { sets: {}, attributes: ['manager'] },
    ])
  })
})

describe('what somebody wrote after us', () => {
  const held = { jobTitle: 'Chief', department: 'Board' }
  const current = { jobTitle: 'Gardener', department: 'Sales' }

  test('is left and told, and the rest is put back', () => {
    expect(requests(held, { current })).toEqual([
      { method: 'PATCH', url: '/users/ann', body: { department: 'Board' } },
    ])
    expect(putBack(held, { current }).problems).toMatchObject([
      { code: 'changed_since', attribute: 'jobTitle', held: 'Gardener', before: 'Chief' },
    ])
  })

  test('is a value that we never sent, and a blank', () => {
    const told = (sent: Held, now: Held) =>
      putBack({ jobTitle: 'Chief' }, { sent, current: now }).problems.map(({ held: is }) => is)
    expect(told({}, { jobTitle: 'Engineer' })).toEqual(['Engineer'])
    expect(told({ jobTitle: 'Engineer' }, { jobTitle: null })).toEqual([null])
  })

  test('is none of what we would send where a write of ours has no answer, nor what that write found', () => {
    const told = (jobTitle: string, unknown: readonly string[]) =>
      putBack(
        { jobTitle: 'Chief' },
        {
          sent: { jobTitle: 'Clerk' },
          desired: { jobTitle: 'Engineer' },
          current: { jobTitle },
          unknown,
        },
      ).problems.map(({ held: is }) => is)
    expect(told('Engineer', ['jobTitle'])).toEqual([])
    expect(told('Clerk', ['jobTitle'])).toEqual([])
    expect(told('Gardener', ['jobTitle'])).toEqual(['Gardener'])
    expect(told('Engineer', [])).toEqual(['Engineer'])
  })

  test('is nothing when it is what the account held before, or what we sent as Graph writes it', () => {
    const now = (jobTitle: string) => ({ current: { jobTitle } })
    expect(putBack({ jobTitle: 'Chief' }, now('Chief'))).toMatchObject({ writes: [], problems: [] })
    expect(requests({ jobTitle: 'Chief' }, now(' Engineer '))).toHaveLength(1)
  })

  test('is no disabling of ours whose sessions are still to be ended', () => {
    const since = { sent: { accountEnabled: null }, current: { accountEnabled: false } }
    expect(requests({ accountEnabled: true }, since)).toHaveLength(1)
  })

  test('cannot be told from what a replica shows late, short after an export: it is read again', () => {
    const young = putBack(held, { current, isYoung: true })
    expect(young).toMatchObject({ readsAgain: true, problems: [] })
    expect(young.writes.map(({ attributes }) => attributes)).toEqual([['department']])
  })

  test('and what looks put back is put back all the same, while our last write may be on its way', () => {
    const there = { current: { jobTitle: 'Chief' } }
    expect(requests({ jobTitle: 'Chief' }, { ...there, isYoung: true })).toHaveLength(1)
    expect(requests({ jobTitle: 'Chief' }, { ...there, unknown: ['jobTitle'] })).toHaveLength(1)
  })
})

describe('a plan', () => {
  const restoring = { jobTitle: 'Chief' }
  const snapshot = { jobTitle: 'Engineer', accountEnabled: true }
  const current = snapshot

  test('puts back what is not exported any more, and nothing that is again', () => {
    const binding = { ...ADOPTED, snapshot, restoring }
    const plan = (direction: 'export' | 'exclude') =>
      planUser(input({ binding, current, directions: directions({ jobTitle: direction }) }))
    expect(plan('exclude').writes.filter(({ putsBack }) => putsBack)).toHaveLength(1)
    expect(plan('export').writes.filter(({ putsBack }) => putsBack)).toEqual([])
  })

  test('of an undone bind puts everything back and takes nothing, whatever becomes of others who are unbound', () => {
    const binding = { ...ADOPTED, snapshot, restoring }
    for (const onUnbind of ['disable', 'delete'] as const) {
      const plan = planUser(input({ binding, current, ending: 'undone', settings: { onUnbind } }))
      expect(plan).toMatchObject({ action: 'end', takesAway: null })
      expect(plan.writes.map(({ request }) => request(GRAPH_ID).body)).toEqual([
        { jobTitle: 'Chief' },
      ])
    }
  })

  test('of an undone bind of an account that was disabled takes it away, which the threshold counts', () => {
    const binding = { ...ADOPTED, snapshot, restoring: { accountEnabled: false } }
    expect(planUser(input({ binding, current, ending: 'undone' })).takesAway).toBe('disable')
    const disabled = { accountEnabled: false }
    expect(planUser(input({ binding, current: disabled, ending: 'undone' })).takesAway).toBe(null)
  })
})
