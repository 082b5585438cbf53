import { describe, expect, test } from 'vitest'

import { firstOverwrites, lostValues, type OverwritingBinding } from '../../src/plan/overwrites.ts'
import { directions } from './builders.ts'

const BINDING = {
  snapshot: {},
  unknown: [],
  exportedSequence: 10,
  adoptedBy: null,
  managerBoundBy: null,
}
const CHOSEN = directions({ jobTitle: { direction: 'export', sequence: 20 } })
const ALL = new Set(['jobTitle', 'firstname', 'accountEnabled'])

describe('a value is overwritten for the first time', () => {
  test('by the direction that was chosen after the last export', () => {
    expect(firstOverwrites(BINDING, CHOSEN, ALL)).toEqual(new Map([[20, ['jobTitle']]]))
    expect(firstOverwrites({ ...BINDING, exportedSequence: 20 }, CHOSEN, ALL)).toEqual(new Map())
  })

  test('by the bind that adopted the account, as long as it was not exported', () => {
    const adopted = { ...BINDING, adoptedBy: 7, exportedSequence: 30 }
    expect(firstOverwrites(adopted, CHOSEN, ALL)).toEqual(
      new Map([[7, ['accountEnabled', 'firstname', 'jobTitle']]]),
    )
    const exported = { ...adopted, snapshot: { firstname: 'Ann', accountEnabled: true } }
    expect(firstOverwrites(exported, CHOSEN, ALL)).toEqual(new Map([[7, ['jobTitle']]]))
  })

  test('by the bind of the manager whose link was never exported, whoever the user was bound by', () => {
    const linked = directions({ manager: { direction: 'export', sequence: 20 } })
    const overwrites = (binding: Partial<OverwritingBinding>) =>
      firstOverwrites(
        { ...BINDING, exportedSequence: 30, ...binding },
        linked,
        new Set(['manager']),
      )
    expect(overwrites({ managerBoundBy: 25 })).toEqual(new Map([[25, ['manager']]]))
    expect(overwrites({ managerBoundBy: 25, adoptedBy: 22 })).toEqual(
      new Map([
        [22, ['manager']],
        [25, ['manager']],
      ]),
    )
    expect(overwrites({ managerBoundBy: 25, snapshot: { manager: 'm' } })).toEqual(new Map())
    expect(overwrites({ managerBoundBy: 25, snapshot: { manager: null } })).toEqual(new Map())
    const others = firstOverwrites({ ...BINDING, managerBoundBy: 25 }, CHOSEN, ALL)
    expect(others).toEqual(new Map([[20, ['jobTitle']]]))
  })

  test('by the bind, also of what was ours before the account was let go of, until it is exported again', () => {
    const back = { ...BINDING, adoptedBy: 15, snapshot: { firstname: 'Ann' } }
    const name = new Set(['firstname'])
    expect(firstOverwrites(back, CHOSEN, name)).toEqual(new Map([[15, ['firstname']]]))
    expect(firstOverwrites({ ...back, exportedSequence: 15 }, CHOSEN, name)).toEqual(new Map())
  })

  test('by the later of the two', () => {
    const since = { ...BINDING, adoptedBy: 7, snapshot: { firstname: 'Ann' } }
    expect(firstOverwrites(since, CHOSEN, new Set(['jobTitle']))).toEqual(
      new Map([[20, ['jobTitle']]]),
    )
    expect(firstOverwrites({ ...since, adoptedBy: 25 }, CHOSEN, new Set(['jobTitle']))).toEqual(
      new Map([[25, ['jobTitle']]]),
    )
  })

  test('by the bind, also where it was left as somebody else had set it until now', () => {
    const left = { ...BINDING, adoptedBy: 7, snapshot: { usageLocation: null, jobTitle: null } }
    const chosen = directions({ usageLocation: 'export', jobTitle: 'export' })
    expect(firstOverwrites(left, chosen, new Set(['usageLocation', 'jobTitle']))).toEqual(
      new Map([[7, ['usageLocation']]]),
    )
  })

  test('and is lost unless it is the same', () => {
    const seen = {
      jobTitle: 'Chief',
      firstname: 'Ann',
      accountEnabled: false,
      alternateEmail: null,
    }
    const keys = ['jobTitle', 'firstname', 'accountEnabled', 'alternateEmail'] as const
    // Null stands for an account that is being disabled.
    const sets = { jobTitle: 'Boss', firstname: 'Ann', accountEnabled: null, alternateEmail: 'a@x' }
    expect(lostValues(keys, seen, sets)).toEqual({ jobTitle: 'Chief', alternateEmail: null })
  })
})
