import { describe, expect, it } from 'vitest'

import type { Holder } from '../../src/db/bound-accounts.ts'
import {
  type AlikeAccount,
  likenessOf,
  type MatchInput,
  possibleMatch,
} from '../../src/export/possible-match.ts'

const account: AlikeAccount = {
  id: 'g1',
  isGuest: false,
  isSynced: false,
  name: 'asmith@contoso.com',
  employeeId: 'E17',
  mail: null,
  otherMails: [],
}
const ALONE: MatchInput = {
  person: { id: 'usr_1', employeeIdentifier: 'E17', email: null, externalId: 'ann' },
  name: 'ann@contoso.com',
  accounts: [account],
  hasMore: false,
  holders: new Map(),
  policy: 'adopt',
}
const heldBy = (holder: Partial<Holder>): Pick<MatchInput, 'holders'> => ({
  holders: new Map([
    ['g1', { resourceId: 'usr_2', isFormer: true, externalId: 'bob', exported: [], ...holder }],
  ]),
})

describe('the account that may be a person’s already', () => {
  it.each([
    ['nobody’s', {}, 'the account is adopted.'],
    ['nobody’s, and held', { policy: 'hold' as const }, 'adopted, once that is approved.'],
    ['a former user’s', heldBy({}), 'adopted, once that is approved.'],
    ['a former user’s of no externalId', heldBy({ externalId: null }), 'once that is approved.'],
    ['the same person’s before', heldBy({ externalId: 'ann' }), 'the account is adopted.'],
    ['the user’s own before', heldBy({ resourceId: 'usr_1', isFormer: false }), 'is adopted.'],
  ])('is told with what adopts it, where it is %s', (_, more, way) => {
    const problem = possibleMatch({ ...ALONE, ...more })
    expect(problem?.whatToDo).toContain(`${way} If it is somebody else’s, nothing.`)
  })

  it('is none that another user has', () => {
    expect(possibleMatch({ ...ALONE, ...heldBy({ isFormer: false }) })).toBeUndefined()
  })

  it('is not told as the only one where Graph has more than it listed', () => {
    expect(possibleMatch({ ...ALONE, hasMore: true })?.message).toMatch(/more\. That is ambiguous/)
  })

  it('is told also where Graph finds alike what differs here', () => {
    const accounts = [{ ...account, employeeId: 'É17' }]
    const problem = possibleMatch({ ...ALONE, accounts })
    expect(problem?.message).toContain('it has the same employeeId or e-mail address.')
  })
})

describe('what a person’s account is looked for by', () => {
  it.each([
    ['E17', 'ann@contoso.com', { employeeId: 'E17', mail: 'ann@contoso.com' }],
    [null, null, { employeeId: null, mail: null }],
    ['1'.repeat(17), 'no address', { employeeId: null, mail: null }],
    ['a\u0000b', 'zoë@contoso.com', { employeeId: null, mail: null }],
    ['\ud800', `${'a'.repeat(257)}@contoso.com`, { employeeId: null, mail: null }],
  ])('is what an account can hold of %j and %j', (employeeIdentifier, email, expected) => {
    expect(likenessOf({ employeeIdentifier, email })).toEqual(expected)
  })
})
