import { describe, expect, test } from 'vitest'

import { ok } from '../../src/kernel/result.ts'
import {
  type Candidate,
  candidateDocument,
  type Here,
  readCandidate,
  whyNotImported,
} from '../../src/plan/candidate.ts'
import { readResource } from '../../src/scim/resource.ts'
import { USER } from '../../src/scim/resource-types.ts'

const NOBODY: Here = {
  usernames: new Map(),
  emails: new Map(),
  bound: new Map(),
  accounts: new Map(),
  former: new Map(),
}
const VERIFIED = new Set(['contoso.com'])

const ANN = {
  id: 'g-1',
  userPrincipalName: 'Ann.Bell@contoso.com',
  displayName: 'Ann Bell',
  givenName: 'Ann',
  surname: 'Bell',
  mailNickname: 'annb',
  userType: 'Member',
  onPremisesSyncEnabled: null,
  accountEnabled: true,
}

/** Neither of its names can be a username. */
const NO_NAME = { mailNickname: 'ann+bell', userPrincipalName: 'ann+b@contoso.com' }

function candidate(more: Record<string, string | boolean | null> = {}): Candidate {
  const read = readCandidate({ ...ANN, ...more })
  if (read === undefined) throw new Error('that is no account')
  return read
}

const codeOf = (more: Parameters<typeof candidate>[0], here: Partial<Here> = {}) =>
  whyNotImported(candidate(more), VERIFIED, { ...NOBODY, ...here })?.code

describe('an account that may be imported', () => {
  test('has mailNickname for a username, else what stands before the @', () => {
    expect(candidate().username).toBe('annb')
    expect(candidate({ mailNickname: null }).username).toBe('Ann.Bell')
    expect(candidate({ mailNickname: ' ' }).username).toBe('Ann.Bell')
  })

  test('has what stands before the @ too where its mailNickname cannot be a username and that can', () => {
    expect(candidate({ mailNickname: 'ann+bell' }).username).toBe('Ann.Bell')
    expect(candidate(NO_NAME).username).toBe('ann+bell')
  })

  test('becomes email, first name, last name and username, and nothing else', () => {
    const document = candidateDocument(candidate())
    expect(document).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'annb',
      name: { givenName: 'Ann', familyName: 'Bell' },
      emails: [{ value: 'Ann.Bell@contoso.com', type: 'work', primary: true }],
    })
    // It is a document as a client could have sent it.
    expect(readResource(document, USER)).toMatchObject(ok({ resource: document }))
  })

  test('brings only what Microsoft 365 has', () => {
    expect(candidateDocument(candidate({ givenName: null }))['name']).toEqual({
      familyName: 'Bell',
    })
    expect(candidateDocument(candidate({ givenName: '', surname: null }))).not.toHaveProperty(
      'name',
    )
  })

  test('is one that can be read: whatever has no id or no name is none', () => {
    expect(readCandidate({ ...ANN, id: null })).toBeUndefined()
    expect(readCandidate({ ...ANN, userPrincipalName: '' })).toBeUndefined()
    expect(readCandidate('ann')).toBeUndefined()
  })
})

describe('why an account cannot be imported', () => {
  test.each([
    ['nothing is in the way', {}, {}, undefined],
    ['a guest', { userType: 'Guest' }, {}, 'account_is_guest'],
    [
      'a guest by its name',
      { userPrincipalName: 'x_y.example#EXT#@contoso.com' },
      {},
      'account_is_guest',
    ],
    ['synced from on premises', { onPremisesSyncEnabled: true }, {}, 'account_is_synced'],
    ['synced no more', { onPremisesSyncEnabled: false }, {}, undefined],
    [
      'a domain that is not verified',
      { userPrincipalName: 'ann@elsewhere.example' },
      {},
      'domain_not_verified',
    ],
    ['a domain in capitals', { userPrincipalName: 'ann@CONTOSO.com' }, {}, undefined],
    ['bound already', {}, { accounts: new Map([['g-1', 'usr_1']]) }, 'already_bound'],
    ['no usable username', NO_NAME, {}, 'no_usable_username'],
    [
      'its name is taken',
      { mailNickname: 'AnnB' },
      { usernames: new Map([['annb', 'usr_1']]) },
      'username_taken',
    ],
    [
      'its address is taken',
      {},
      { emails: new Map([['ann.bell@contoso.com', 'usr_1']]) },
      'email_taken',
    ],
  ] as const)('%s', (_, more, here, code) => {
    expect(codeOf(more, here)).toBe(code)
  })

  test('where the verified domains are not known, the domain is no reason', () => {
    const stranger = candidate({ userPrincipalName: 'ann@elsewhere.example' })
    expect(whyNotImported(stranger, undefined, NOBODY)).toBeUndefined()
  })

  test.each([
    ['username', { usernames: new Map([['annb', 'usr_1']]) }, 'mailNickname'],
    ['email', { emails: new Map([['ann.bell@contoso.com', 'usr_1']]) }, 'userPrincipalName'],
  ])('whose %s a user has who is bound to another account cannot be adopted', (_, here, rename) => {
    const free = whyNotImported(candidate(), VERIFIED, { ...NOBODY, ...here })
    expect(free?.whatToDo).toContain('bind the user usr_1')
    const bound = new Map([['usr_1', 'g-2']])
    const refusal = whyNotImported(candidate(), VERIFIED, { ...NOBODY, ...here, bound })
    expect(refusal?.message).toContain('the user usr_1 here, who is bound to another account')
    expect(refusal?.message).toContain('g-2')
    expect(refusal?.whatToDo).toContain(rename)
    expect(refusal?.whatToDo).not.toContain('bind the user')
  })

  test.each([
    [
      'username',
      { usernames: new Map([['annb', 'usr_1']]) },
      'make Ann.Bell@contoso.com the e-mail address of that user here, then bind the user usr_1 to the directory: only the username is the same, and an account is adopted by its userPrincipalName',
    ],
    [
      'username and address',
      {
        usernames: new Map([['annb', 'usr_1']]),
        emails: new Map([['ann.bell@contoso.com', 'usr_1']]),
      },
      'person, bind the user usr_1 to the directory: the account is adopted by its userPrincipalName',
    ],
    [
      'address',
      { emails: new Map([['ann.bell@contoso.com', 'usr_1']]) },
      'person, bind the user usr_1 to the directory: the account is adopted by its userPrincipalName',
    ],
    [
      'username and had the account',
      { usernames: new Map([['annb', 'usr_1']]), former: new Map([['g-1', 'usr_1']]) },
      "person, bind the user usr_1 to the directory: the account, which was that user's, is taken up again",
    ],
  ])('whose %s a user has is told how that user gets the account', (_, here, how) => {
    const refusal = whyNotImported(candidate(), VERIFIED, { ...NOBODY, ...here })
    expect(refusal?.whatToDo).toContain(how)
  })

  test('names the value, and what to do', () => {
    const refusal = whyNotImported(candidate(NO_NAME), VERIFIED, NOBODY)
    expect(refusal?.message).toContain('"ann+bell"')
    expect(refusal?.whatToDo).toContain('mailNickname')
  })
})
