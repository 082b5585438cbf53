import { describe, expect, it } from 'vitest'
import { plannedChanges, seenUser, USER_SELECT } from '../../src/plan/graph-user.ts'
import { planUser } from '../../src/plan/user-plan.ts'
import { ADELE, ADOPTED, directions, input, user } from './builders.ts'

const GRAPH_USER = {
  id: 'g',
  accountEnabled: true,
  displayName: 'Adele Vance',
  givenName: null,
  department: 'Ops',
  businessPhones: ['1'],
  otherMails: ['a@x', 'b@x'],
  employeeOrgData: { division: 'D' },
}

describe('a user read from Graph', () => {
  it('is selected whole, each property once', () => {
    expect(USER_SELECT).toContain('employeeOrgData')
    expect(USER_SELECT).not.toContain('manager')
    expect(USER_SELECT.join()).not.toContain('password')
    expect(new Set(USER_SELECT).size).toBe(USER_SELECT.length)
  })

  it('has our names, a list of one as text and a longer one as it is', () => {
    expect(seenUser(GRAPH_USER, null)).toEqual({
      accountEnabled: true,
      manager: null,
      displayname: 'Adele Vance',
      firstname: null,
      department: 'Ops',
      workPhone: '1',
      alternateEmail: ['a@x', 'b@x'],
      costCenter: null,
      division: 'D',
    })
  })

  it('has employeeOrgData even when Graph holds none', () => {
    expect(seenUser(GRAPH_USER)).toMatchObject({ costCenter: null, division: 'D' })
    expect(seenUser({ employeeOrgData: null })).toEqual({ costCenter: null, division: null })
  })
})

describe('a preview', () => {
  it('shows each value that would be overwritten, and no other', () => {
    const given = { binding: ADOPTED, directions: directions({ department: 'export' }) }
    const changes = plannedChanges(planUser(input(given)), seenUser(GRAPH_USER))
    expect(changes).toEqual([
      { attribute: 'firstname', graph: 'givenName', current: null, next: 'Adele' },
      { attribute: 'lastname', graph: 'surname', current: null, next: 'Vance' },
      { attribute: 'email', graph: 'userPrincipalName', current: null, next: 'adele@contoso.com' },
      { attribute: 'department', graph: 'department', current: 'Ops', next: 'Sales' },
    ])
  })

  it('shows a disable as one change', () => {
    const suspended = user(ADELE, { suspended: true })
    const plan = planUser(input({ binding: ADOPTED, user: suspended, directions: directions() }))
    expect(plannedChanges(plan, seenUser(GRAPH_USER))[0]).toEqual({
      attribute: 'accountEnabled',
      graph: 'accountEnabled',
      current: true,
      next: false,
    })
  })
})
