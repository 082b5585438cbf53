import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import {
  coerceBoolean,
  elementOf,
  managerReference,
  QUIRKS,
  repairUrn,
  roleElement,
  unwrapSingle,
  type AppliedQuirks,
} from '../../src/scim/quirks.ts'
import type { Filter } from '../../src/scim/tree.ts'
import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'

const MISSPELT = ENTERPRISE_USER_URN.replace(':User', 'User')
const eq = (attribute: string, value: string | null): Filter => ({
  kind: 'compare',
  path: { attribute },
  operator: 'eq',
  value,
})

describe('quirks', () => {
  it('says of each what was seen and what to do, as sentences', () => {
    for (const { description, remedy } of Object.values(QUIRKS)) {
      expect(description).toMatch(/^[A-Z].*\.$/)
      expect(remedy).toMatch(/^[A-Z].*\.$/)
    }
  })

  type Rewrite = (value: Json, applied: AppliedQuirks) => Json
  const repair: Rewrite = (value, applied) =>
    repairUrn(typeof value === 'string' ? value : '', applied)
  const unwrap: Rewrite = (value, applied) => unwrapSingle(value, false, applied)

  const rewrites: readonly (readonly [Rewrite, Json, Json, number[]])[] = [
    [coerceBoolean, 'TRUE', true, [2]],
    [coerceBoolean, 'yes', 'yes', []],
    [coerceBoolean, false, false, []],
    [managerReference, 'u', { value: 'u' }, [11]],
    [managerReference, { value: 'u', displayName: 'x' }, { value: 'u' }, []],
    [managerReference, [{ $ref: 'r', value: 'u' }], { value: 'u' }, [11]],
    [managerReference, ['u'], { value: 'u' }, [11]],
    [managerReference, '', { value: '' }, [11]],
    [managerReference, null, null, []],
    [managerReference, [], [], []],
    [managerReference, { $ref: 'r' }, { $ref: 'r' }, []],
    [roleElement, { value: 'x' }, { value: 'x' }, []],
    [roleElement, '{"value":"x"}', { value: 'x' }, [13]],
    [roleElement, { value: '{not json' }, { value: '{not json' }, []],
    [roleElement, { value: '{"id":"1"}' }, { value: '{"id":"1"}' }, []],
    [roleElement, 7, 7, []],
    [repair, `${MISSPELT.toUpperCase()}:department`, `${ENTERPRISE_USER_URN}:department`, [23]],
    [repair, `${MISSPELT}X`, `${MISSPELT}X`, []],
    [unwrap, [{ $ref: null, value: 'x' }], 'x', [40]],
    [unwrap, [{ $ref: 'r' }], { $ref: 'r' }, [40]],
    [unwrap, ['x', 'y'], ['x', 'y'], []],
    [unwrap, [], [], []],
  ]
  it.each(rewrites)('%o rewrites %j to %j', (rewrite, value, expected, quirks) => {
    const applied: AppliedQuirks = new Set()
    expect(rewrite(value, applied)).toEqual(expected)
    expect([...applied]).toEqual(quirks)
  })

  it('describes an element only by eq and and', () => {
    const both: Filter = { kind: 'and', left: eq('type', 'work'), right: eq('value', 'x') }
    expect(elementOf(both)).toEqual({ type: 'work', value: 'x' })
    expect(elementOf({ ...both, kind: 'or' })).toBeUndefined()
    expect(elementOf(eq('type', null))).toBeUndefined()
  })
})
