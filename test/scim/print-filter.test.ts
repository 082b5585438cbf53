import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseFilter } from '../../src/scim/filter.ts'
import { printFilter } from '../../src/scim/print-filter.ts'
import { filters } from './arbitrary-filter.ts'

describe('printFilter', () => {
  it('prints text that is read back as the same tree', () => {
    const isReadBack = fc.property(filters, (filter) =>
      isDeepStrictEqual(parseFilter(printFilter(filter)), { ok: true, value: filter }),
    )
    expect(() => fc.assert(isReadBack, { numRuns: 1000 })).not.toThrow()
  })

  it.each([
    ['((a pr) and (b pr)) and c pr', 'a pr and b pr and c pr'],
    ['a pr and (b pr and c pr)', 'a pr and (b pr and c pr)'],
    ['(a pr and b pr) or c pr', 'a pr and b pr or c pr'],
    ['a pr and (b pr or c pr)', 'a pr and (b pr or c pr)'],
    ['not ((a pr or b pr))', 'not (a pr or b pr)'],
    ['e[(a pr or b pr)]', 'e[a pr or b pr]'],
    ['e[a pr or b pr].value EQ x', 'e[(a pr or b pr) and value eq "x"]'],
    [String.raw`a eq "\u00e9\"\\\n"`, String.raw`a eq "é\"\\\n"`],
    ['urn:x:2.0:User.tag pr', 'urn:x:2.0:User:tag pr'],
  ])('prints %s with the fewest parentheses: %s', (text, expected) => {
    const read = parseFilter(text)
    expect(read.ok && printFilter(read.value)).toBe(expected)
  })
})
