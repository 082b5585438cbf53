import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { jsonErrorPlace } from '../../src/kernel/json-place.ts'

test.each([
  ['', 1, 1],
  ['{', 1, 2],
  ['{"a":}', 1, 6],
  ['{"a":1,}', 1, 8],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
  ['[1,\n2,\n]', 3, 1],
  ['{a:1}', 1, 2],
  ["{'a':1}", 1, 2],
  ['{"a" 1}', 1, 6],
  ['[1 2]', 1, 4],
  ['{"a":01}', 1, 7],
  ['{"a":"b', 1, 6],
  ['{"a":"b\\x"}', 1, 6],
  ['1 2', 1, 3],
  ['[}', 1, 2],
  ['tru', 1, 1],
  ['{"a":"\n"}', 1, 6],
  ['{"a":[{}]}}', 1, 11],
  ['{},', 1, 3],
])('%j is no JSON from line %i, column %i on', (text, line, column) => {
  expect(() => JSON.parse(text)).toThrow(SyntaxError)
  expect(jsonErrorPlace(text)).toEqual({ line, column })
})

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('what is JSON ends where its place is; what one character broke is wrong there or after it', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b') })
  const texts = fc
    .anything({ key: word, values: [word], maxDepth: 3 })
    .map((value) => JSON.stringify(value))
  fc.assert(
    fc.property(
      texts,
      fc.nat(),
      fc.constantFrom('{', '}', '[', ']', ',', ':', 'x', '"'),
      (text, at, extra) => {
        expect(jsonErrorPlace(text)).toEqual({ line: 1, column: text.length + 1 })
        const place = at % (text.length + 1)
        const broken = text.slice(0, place) + extra + text.slice(place)
        if (isJson(broken)) return
        const { column } = jsonErrorPlace(broken)
        expect(column).toBeGreaterThan(place)
        expect(column).toBeLessThanOrEqual(broken.length + 1)
      },
    ),
  )
})
