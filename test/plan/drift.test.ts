import { describe, expect, test } from 'vitest'

import { comparedProperties, differences } from '../../src/plan/drift.ts'
import { desiredUser } from '../../src/plan/desired-user.ts'
import { seenUser } from '../../src/plan/graph-user.ts'
import { defaultSettings } from '../../src/plan/settings.ts'
import type { Exported, Snapshot } from '../../src/plan/snapshot.ts'
import { userProperties } from '../../src/plan/user-body.ts'
import { directions, EVERYTHING, user } from './builders.ts'

const exported = (snapshot: Snapshot, more: Partial<Exported> = {}): Exported => ({
  snapshot,
  unknown: [],
  exportedSequence: 5,
  ...more,
})

describe('differences', () => {
  test('of a user whom Graph holds as it was exported are none', () => {
    const { values } = desiredUser({
      user: user(),
      directions: EVERYTHING,
      settings: { ...defaultSettings, usageLocation: 'US' },
      managerGraphId: 'boss',
    })
    const { costCenter = null, division = null } = values
    const body = userProperties(values, { costCenter, division })
    const seen = seenUser({ ...body, accountEnabled: true }, 'boss')
    expect(differences(exported(values), EVERYTHING, seen)).toEqual([])
  })

  test('name the attribute, what was exported and what is there instead', () => {
    const seen = seenUser({ jobTitle: 'Boss', businessPhones: ['1', '2'], accountEnabled: false })
    const found = differences(
      exported({ jobTitle: 'Engineer', workPhone: '1', accountEnabled: true }),
      EVERYTHING,
      seen,
    )
    expect(found).toEqual([
      { attribute: 'accountEnabled', ours: true, theirs: false, isTold: true },
      { attribute: 'jobTitle', ours: 'Engineer', theirs: 'Boss', isTold: true },
      { attribute: 'workPhone', ours: '1', theirs: ['1', '2'], isTold: true },
    ])
  })

  test('are guesses where Graph says nothing of a property', () => {
    expect(differences(exported({ fax: '1', manager: null }), EVERYTHING, {})).toEqual([
      { attribute: 'fax', ours: '1', theirs: null, isTold: false },
    ])
  })

  test.each([
    ['email', 'ann@contoso.com', { userPrincipalName: 'Ann@Contoso.COM' }],
    ['usageLocation', 'CH', { usageLocation: 'ch' }],
    ['preferredLanguage', 'de-ch', { preferredLanguage: 'de-CH' }],
    ['alternateEmail', 'A@b.ch', { otherMails: ['a@b.ch'] }],
    ['workStreetAddress', 'a\r\nb', { streetAddress: 'a\nb' }],
    ['lastname', 'Mu\u0308ller', { surname: 'Müller' }],
    ['jobTitle', 'Boss', { jobTitle: 'Boss ' }],
    ['jobTitle', null, { jobTitle: '' }],
    ['fax', null, { faxNumber: null }],
    ['workPhone', null, { businessPhones: [] }],
    ['costCenter', null, { employeeOrgData: null }],
  ] as const)('are none where %s is only spelled otherwise', (key, ours, properties) => {
    expect(differences(exported({ [key]: ours }), EVERYTHING, seenUser(properties))).toEqual([])
  })

  test.each([
    ['jobTitle', 'Boss', { jobTitle: 'boss' }],
    ['jobTitle', null, { jobTitle: 'Boss' }],
    ['costCenter', 'A', { employeeOrgData: { costCenter: 'B', division: 'A' } }],
    ['manager', 'boss', {}],
  ] as const)('are told where %s is another', (key, ours, properties) => {
    const seen = seenUser(properties, null)
    expect(differences(exported({ [key]: ours }), EVERYTHING, seen)).toHaveLength(1)
  })

  test('are not told of what is owed anyway, was never exported, or is not exported now', () => {
    const seen = seenUser({ jobTitle: 'Boss', city: 'Bern', faxNumber: '1', mobilePhone: '2' })
    const chosen = directions({
      jobTitle: 'export',
      workCity: 'export',
      fax: 'exclude',
      mobilePhone: { direction: 'export', sequence: 9 },
    })
    const held = exported({ jobTitle: 'A', fax: '9', mobilePhone: '9' }, { unknown: ['jobTitle'] })
    expect(differences(held, chosen, seen)).toEqual([])
  })

  test('are not told of an account between its disable and the end of its sessions', () => {
    const seen = seenUser({ accountEnabled: true })
    expect(differences(exported({ accountEnabled: null }), EVERYTHING, seen)).toEqual([])
  })
})

test('a value that was left as somebody else had set it is no difference', () => {
  const seen = seenUser({ usageLocation: 'CH' })
  expect(differences(exported({ usageLocation: null }), EVERYTHING, seen)).toEqual([])
})

test('each property is selected once, and the id always', () => {
  expect(comparedProperties(['accountEnabled', 'costCenter', 'division', 'manager'])).toEqual([
    'id',
    'accountEnabled',
    'employeeOrgData',
    'manager',
  ])
})
