import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import { directoryGroup, directoryUser } from '../../src/plan/directory-user.ts'
import { ADELE, ENTERPRISE, user } from './builders.ts'

describe('a directory user', () => {
  it('has every property of its SCIM document', () => {
    expect(user()).toEqual({
      id: 'usr_1',
      suspended: false,
      passwordExpired: false,
      externalId: 'ext-1',
      username: 'adele',
      email: 'adele@contoso.com',
      alternateEmail: 'adele@example.net',
      firstname: 'Adele',
      lastname: 'Vance',
      displayname: 'Adele Vance',
      ownDisplayname: 'Adele V.',
      department: 'Sales',
      jobTitle: 'Retail Manager',
      location: 'en-US',
      employeeIdentifier: '701984',
      employeeType: 'Employee',
      company: 'Contoso',
      costCenter: 'CC1',
      division: 'Retail',
      preferredLanguage: 'en-US',
      workStreetAddress: '1 Main St',
      workCity: 'Redmond',
      workState: 'WA',
      workPostalCode: '98052',
      workCountry: 'US',
      workPhone: '+1 425 555 0109',
      mobilePhone: '+1 425 555 0110',
      fax: '+1 425 555 0111',
      usageLocation: null,
      managerId: 'usr_boss',
    })
  })

  it.each<[string, JsonObject, string]>([
    ['first and last name', { name: { givenName: 'A', familyName: 'B' }, displayName: 'X' }, 'A B'],
    ['the first name alone', { name: { givenName: 'A' }, displayName: 'X' }, 'A'],
    ['the last name alone', { name: { familyName: 'B' }, displayName: 'X' }, 'B'],
    ['the displayName when both are blank', { name: { givenName: ' ' }, displayName: 'X' }, 'X'],
    ['the username when there is nothing else', {}, 'u'],
  ])('is displayed by %s', (_, document, expected) => {
    expect(user({ userName: 'u', ...document }).displayname).toBe(expected)
  })

  it('is called by the part of its userName before the @ where the policy says so', () => {
    const state = { id: 'usr_1', suspended: false, passwordExpired: false }
    const document = { userName: 'Adele.V@contoso.com' }
    const named = (usernameKey: string | null) => directoryUser(document, { ...state, usernameKey })
    expect(named('adele.v')).toMatchObject({ username: 'Adele.V', displayname: 'Adele.V' })
    expect(named(null)).toMatchObject({ username: 'Adele.V@contoso.com' })
  })

  it.each<[string, JsonObject[], string | null, string | null]>([
    [
      'the primary address',
      [
        { type: 'work', value: 'w@x' },
        { type: 'home', value: 'h@x', primary: true },
      ],
      'h@x',
      'w@x',
    ],
    [
      'a primary sent as text',
      [
        { type: 'work', value: 'w@x' },
        { type: 'home', value: 'h@x', primary: 'True' },
      ],
      'h@x',
      'w@x',
    ],
    [
      'the work address without a primary',
      [
        { type: 'other', value: 'o@x' },
        { type: 'Work', value: 'w@x' },
      ],
      'w@x',
      'o@x',
    ],
    [
      'the first address without either',
      [
        { type: 'home', value: 'h@x' },
        { type: 'other', value: 'o@x' },
      ],
      'h@x',
      'o@x',
    ],
    [
      'no blank address',
      [
        { type: 'work', value: '' },
        { type: 'home', value: 'h@x' },
      ],
      'h@x',
      null,
    ],
    [
      'no second address of the same type',
      [
        { type: 'work', value: 'a@x' },
        { type: 'work', value: 'b@x' },
      ],
      'a@x',
      null,
    ],
    ['nothing', [], null, null],
  ])('has %s as e-mail address', (_, emails, email, alternateEmail) => {
    expect(user({ userName: 'u', emails })).toMatchObject({ email, alternateEmail })
  })

  it.each<[string, JsonObject]>([
    ['an object', { manager: { value: 'usr_2' } }],
    ['an array', { manager: [{ value: 'usr_2' }] }],
    ['a bare id', { manager: 'usr_2' }],
  ])('knows a manager sent as %s', (_, enterprise) => {
    expect(user({ userName: 'u', [ENTERPRISE]: enterprise }).managerId).toBe('usr_2')
  })

  it('has no manager when the value is blank, and reads numbers as text', () => {
    const document = { userName: 'u', [ENTERPRISE]: { manager: { value: '' }, employeeNumber: 7 } }
    expect(user(document)).toMatchObject({ managerId: null, employeeIdentifier: '7' })
  })

  it('shows what another directory imported instead of what the client sent', () => {
    const imported = { department: { value: 'Ops' }, jobTitle: { value: null } }
    const adele = user(ADELE, { imported })
    expect(adele).toMatchObject({ department: 'Ops', jobTitle: null, company: 'Contoso' })
  })

  it('can be read from any JSON object', () => {
    const names = ['userName', 'name', 'emails', 'addresses', 'phoneNumbers', 'title', ENTERPRISE]
    const document = fc.dictionary(fc.constantFrom(...names), fc.jsonValue())
    fc.assert(
      fc.property(document, (odd) => {
        const read = user(JSON.parse(JSON.stringify(odd)))
        expect(read.displayname).not.toBe('')
        for (const value of Object.values(read))
          expect(value === null || ['string', 'boolean'].includes(typeof value)).toBe(true)
      }),
    )
  })
})

describe('a directory group', () => {
  it('has the name and external id of its document', () => {
    const group = directoryGroup({ displayName: 'Ops', externalId: 'e' }, { id: 'grp_1' })
    expect(group).toEqual({ id: 'grp_1', displayName: 'Ops', externalId: 'e' })
  })

  it('is named by its id when the document has no name', () => {
    expect(directoryGroup({}, { id: 'grp_1' }).displayName).toBe('grp_1')
  })
})
