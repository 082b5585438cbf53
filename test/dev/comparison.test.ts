import { describe, expect, it } from 'vitest'

import { type Account, compare, type TenantState } from './comparison.ts'
import { loadExpected } from './cycle.ts'
import { describeComparison, describeTenant } from './report.ts'

const expected = loadExpected()
const idOf = (name: string) => `id of ${name}`

/** A tenant that holds exactly what it should. */
function rightTenant(): TenantState {
  return {
    users: expected.users.map(({ manager, ...user }): Account => ({
      ...user,
      id: idOf(user.userPrincipalName),
      isDeleted: false,
      managerName: manager,
    })),
    groups: expected.groups.map(({ displayName, members }) => ({
      id: displayName,
      displayName,
      isDeleted: false,
      members: members.map(idOf),
    })),
  }
}

const changed = (name: string, change: Readonly<Record<string, unknown>>): TenantState => {
  const tenant = rightTenant()
  const change_ = (user: Account): Account =>
    user.userPrincipalName === name ? { ...user, ...change } : user
  return { ...tenant, users: tenant.users.map(change_) }
}

const differences = (held: TenantState) => compare(expected, held).differences

describe('the comparison with the expected end', () => {
  it('has nothing to say about a right tenant', () => {
    expect(compare(expected, rightTenant())).toEqual({ differences: [], others: [] })
  })

  it('takes absent and null for the same, and finds an account whatever the case of its name', () => {
    expect(differences(changed('megan.bowen@contoso.com', { faxNumber: undefined }))).toEqual([])
    const name = { userPrincipalName: 'Megan.Bowen@contoso.com' }
    expect(differences(changed('megan.bowen@contoso.com', name))).toEqual([
      expect.stringContaining('userPrincipalName is "Megan.Bowen@contoso.com"'),
    ])
  })

  it.each([
    [{ department: 'X' }, 'department is "X", not "Sales"'],
    [{ accountEnabled: false }, 'accountEnabled is false, not true'],
    [{ businessPhones: [] }, 'businessPhones is [], not ["+1 425 555 0101"]'],
    [{ managerName: null }, 'manager is null, not "adele.vance@contoso.com"'],
    [{ isDeleted: true }, ' is missing'],
  ])('tells %j', (change, problem) => {
    expect(differences(changed('megan.bowen@contoso.com', change)).join('\n')).toContain(problem)
  })

  it('lets a leaver have no account, and nobody else', () => {
    const leaver = expected.users.find(({ isLeaver }) => isLeaver)?.userPrincipalName ?? ''
    expect(differences(changed(leaver, { isDeleted: true }))).toEqual([])
    expect(differences(changed(leaver, { accountEnabled: true }))).toHaveLength(1)
  })

  it('sees a second account of a person, under the same or another name', () => {
    const tenant = rightTenant()
    const [first] = tenant.users
    if (first === undefined) throw new Error('no user')
    const again = { ...tenant, users: [...tenant.users, { ...first, id: 'again' }] }
    expect(differences(again)[0]).toContain('is there 2 times')
    const other = { ...first, id: 'other', userPrincipalName: 'adele2@contoso.com' }
    expect(differences({ ...tenant, users: [...tenant.users, other] })[0]).toContain(
      'second account of the person E1000',
    )
  })

  it("names accounts that are none of the cycle's, which is no difference", () => {
    const tenant = rightTenant()
    const guest: Account = {
      id: 'g',
      userPrincipalName: 'guest@contoso.com',
      isDeleted: false,
      managerName: null,
    }
    const result = compare(expected, { ...tenant, users: [...tenant.users, guest] })
    expect(result).toEqual({ differences: [], others: ['guest@contoso.com'] })
  })

  it('compares members both ways', () => {
    const tenant = rightTenant()
    const groups = tenant.groups.map((group) =>
      group.displayName === 'Directors'
        ? { ...group, members: [idOf('megan.bowen@contoso.com'), ...group.members.slice(1)] }
        : group,
    )
    const found = differences({ ...tenant, groups })
    expect(found).toHaveLength(2)
    expect(found[0]).toContain('group "Directors" lacks ')
    expect(found[1]).toBe('group "Directors" holds megan.bowen@contoso.com too')
  })
})

describe('the report', () => {
  it('shows users, groups and who is disabled, in columns', () => {
    const text = describeTenant(rightTenant())
    expect(text).toContain('100 users (3 disabled, 96 with a manager) and 8 groups')
    expect(text).toMatch(/^ {2}All Employees {2,}99$/m)
    expect(text).toContain("d'arcy.stjohn@contoso.com")
  })

  it('gives the verdict', () => {
    expect(describeComparison({ differences: [], others: [] })).toBe(
      'Everything is as it should be.',
    )
    const many = Array.from({ length: 45 }, (_, i) => `difference ${i}`)
    const text = describeComparison({ differences: many, others: [] })
    expect(text).toContain('(45 differences)')
    expect(text).toContain('… and 5 more')
  })
})
