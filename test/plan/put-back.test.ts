import { describe, expect, test } from 'vitest'

import { putBackWrites } from '../../src/plan/put-back.ts'
import type { Held } from '../../src/plan/snapshot.ts'
import { planUser } from '../../src/plan/user-plan.ts'
import { ADOPTED, directions, input } from './builders.ts'
import { GRAPH_BASE, GRAPH_ID } from './model-graph.ts'

const requests = (held: Held, current?: Parameters<typeof putBackWrites>[0]['current']) =>
  putBackWrites({ graphBase: GRAPH_BASE, current }, held).writes.map(({ request }) => {
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

  test('is not cleared where Graph cannot be told that there is no value', () => {
    expect(requests({ usageLocation: null, displayname: null })).toEqual([])
  })

  test('of one member of employeeOrgData is put back beside the other, which is read first', () => {
    const { writes, needs } = putBackWrites(
      { graphBase: GRAPH_BASE, current: undefined },
      { costCenter: 'C1' },
    )
    expect({ writes, needs }).toEqual({ writes: [], needs: ['employeeOrgData'] })
    const current = { employeeOrgData: { costCenter: 'C2', division: 'D2' } }
    const body = { employeeOrgData: { costCenter: 'C1', division: 'D2' } }
    expect(requests({ costCenter: 'C1' }, current)).toEqual([
      { method: 'PATCH', url: '/users/ann', body },
    ])
  })

  test('is nothing that we know of the account afterwards, but the name', () => {
    const held = { jobTitle: 'Chief', email: 'ann@contoso.com', manager: 'boss' }
    const { writes } = putBackWrites({ graphBase: GRAPH_BASE, current: undefined }, held)
    expect(writes.map(({ sets, attributes }) => ({ sets, attributes }))).toEqual([
      { sets: { email: 'ann@contoso.com' }, attributes: ['email', 'jobTitle'] },
      { sets: {}, attributes: ['manager'] },
    ])
  })
})

describe('a plan', () => {
  const restoring = { jobTitle: 'Chief' }

  test('puts back what is not exported any more, and nothing that is again', () => {
    const binding = { ...ADOPTED, restoring }
    const plan = (direction: 'export' | 'exclude') =>
      planUser(input({ binding, directions: directions({ jobTitle: direction }) }))
    expect(plan('exclude').writes.filter(({ putsBack }) => putsBack)).toHaveLength(1)
    expect(plan('export').writes.filter(({ putsBack }) => putsBack)).toEqual([])
  })

  test('of an undone bind puts everything back and takes nothing, whatever becomes of others who are unbound', () => {
    const binding = { ...ADOPTED, restoring }
    for (const onUnbind of ['disable', 'delete'] as const) {
      const plan = planUser(input({ binding, ending: 'undone', settings: { onUnbind } }))
      expect(plan).toMatchObject({ action: 'end', takesAway: null })
      expect(plan.writes.map(({ request }) => request(GRAPH_ID).body)).toEqual([
        { jobTitle: 'Chief' },
      ])
    }
  })

  test('of an undone bind of an account that was disabled takes it away, which the threshold counts', () => {
    const binding = { ...ADOPTED, restoring: { accountEnabled: false } }
    expect(planUser(input({ binding, ending: 'undone' })).takesAway).toBe('disable')
  })
})
