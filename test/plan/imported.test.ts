import { describe, expect, test } from 'vitest'

import { importChanges, importedNames, importPatch } from '../../src/plan/imported.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { directoryUser } from '../../src/plan/directory-user.ts'
import { withImportedValues } from '../../src/plan/imported-document.ts'
import { seenUser } from '../../src/plan/graph-user.ts'
import { ADELE, directions, ENTERPRISE } from './builders.ts'

const userOf = (document: JsonObject) =>
  directoryUser(document, { id: 'usr_1', suspended: false, passwordExpired: false })
const input = {
  user: userOf({}),
  directoryId: 'dir_1',
  names: ['department', 'manager', 'workPhone'] as const,
  userOf: (id: string) => (id === 'g-boss' ? 'usr_boss' : undefined),
}
const ofDirectory = (value: string, directoryId = 'dir_1') => ({ value, directoryId, at: 'then' })

describe('what is imported', () => {
  test('are the attributes whose direction is import', () => {
    expect(importedNames(directions({ department: 'import', fax: 'export' }))).toEqual([
      'department',
    ])
  })

  test('comes, changes and goes as Microsoft 365 says', () => {
    const seen = seenUser({ department: 'Ops', businessPhones: ['1', '2'] }, 'g-boss')
    const come = importChanges({ ...input, stored: null, seen })
    expect(come.map(({ attribute, before, after }) => [attribute, before, after])).toEqual([
      ['department', null, 'Ops'],
      ['manager', null, 'usr_boss'],
      ['workPhone', null, '1'],
    ])
    const stored = importPatch(come, 'dir_1', 'then')
    expect(stored).toEqual({
      department: ofDirectory('Ops'),
      manager: ofDirectory('usr_boss'),
      workPhone: ofDirectory('1'),
    })
    expect(importChanges({ ...input, stored, seen })).toEqual([])
    const gone = importChanges({ ...input, stored, seen: seenUser({ department: ' ' }, null) })
    expect(importPatch(gone, 'dir_1', 'now')).toEqual({
      department: null,
      manager: null,
      workPhone: null,
    })
    expect(gone.map(({ isTold }) => isTold)).toEqual([true, true, false])
  })

  test('takes the place of what was imported before, else of what the client sent', () => {
    const document = { [ENTERPRISE]: { department: 'Sales', manager: { value: 'usr_lead' } } }
    const seen = seenUser({ department: 'Ops' }, 'g-boss')
    const first = importChanges({ ...input, stored: null, user: userOf(document), seen })
    expect(first).toMatchObject([
      { attribute: 'department', before: 'Sales', after: 'Ops' },
      { attribute: 'manager', before: 'usr_lead', after: 'usr_boss' },
    ])
    const stored = importPatch(first, 'dir_1', 'then')
    const later = seenUser({ department: 'Legal' }, 'g-boss')
    expect(importChanges({ ...input, stored, user: userOf(document), seen: later })).toMatchObject([
      { attribute: 'department', before: 'Ops', after: 'Legal', counts: 'Legal' },
    ])
    const without = seenUser({ department: '' }, 'g-boss')
    expect(
      importChanges({ ...input, stored, user: userOf(document), seen: without }),
    ).toMatchObject([{ attribute: 'department', before: 'Ops', after: null, counts: 'Sales' }])
  })

  test('leaves alone what another directory imported, and managers whom nobody here is', () => {
    const stored = { workPhone: ofDirectory('1', 'dir_2') }
    const seen = seenUser({ department: null, businessPhones: [] }, 'g-stranger')
    expect(importChanges({ ...input, stored, seen })).toEqual([])
  })
})

describe('a document with imported values', () => {
  const names = Object.fromEntries(
    [
      ...['jobTitle', 'employeeType', 'location', 'preferredLanguage', 'department', 'costCenter'],
      ...['company', 'employeeIdentifier', 'division', 'manager', 'alternateEmail', 'fax'],
      ...['workStreetAddress', 'workCity', 'workState', 'workPostalCode', 'workCountry'],
      ...['workPhone', 'mobilePhone'],
    ].map((name) => [name, ofDirectory(name)]),
  )

  test('echoes everything that the client sent', () => {
    expect(withImportedValues(ADELE, names)).toBe(ADELE)
  })

  test('shows them where the client sent nothing, and names the extension', () => {
    expect(withImportedValues({ userName: 'adele' }, names)).toEqual({
      userName: 'adele',
      title: 'jobTitle',
      userType: 'employeeType',
      locale: 'location',
      preferredLanguage: 'preferredLanguage',
      emails: [{ type: 'other', value: 'alternateEmail' }],
      addresses: [
        {
          type: 'work',
          streetAddress: 'workStreetAddress',
          locality: 'workCity',
          region: 'workState',
          postalCode: 'workPostalCode',
          country: 'workCountry',
        },
      ],
      phoneNumbers: [
        { type: 'fax', value: 'fax' },
        { type: 'work', value: 'workPhone' },
        { type: 'mobile', value: 'mobilePhone' },
      ],
      [ENTERPRISE]: {
        department: 'department',
        costCenter: 'costCenter',
        organization: 'company',
        employeeNumber: 'employeeIdentifier',
        division: 'division',
        manager: { value: 'manager' },
      },
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE],
    })
  })

  test('keeps the rest of an address of which a part is imported', () => {
    const document = { addresses: [{ type: 'work', locality: 'Redmond' }, { type: 'home' }] }
    const { addresses } = withImportedValues(document, { workCountry: ofDirectory('US') })
    expect(addresses).toEqual([
      { type: 'work', locality: 'Redmond', country: 'US' },
      { type: 'home' },
    ])
  })
})
