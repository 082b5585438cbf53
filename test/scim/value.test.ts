import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import { attribute, type AttributeType } from '../../src/scim/attributes.ts'
import { readValue } from '../../src/scim/value.ts'

function read(value: Json, type: AttributeType, multiValued = false) {
  const definition = attribute('size', '', { type, multiValued })
  const result = readValue(value, definition, { name: 'size', applied: new Set() })
  return result.ok ? result.value : result.error
}

describe('readValue', () => {
  it.each<[AttributeType, Json]>([
    ['integer', 7],
    ['decimal', 7],
    ['decimal', 7.5],
    ['reference', 'https://example.com/a'],
    ['binary', 'MIIB'],
    ['dateTime', '2026-01-31T12:00:00Z'],
  ])('keeps a value of type %s as it was sent: %j', (type, value) => {
    expect(read(value, type)).toBe(value)
  })

  it.each<[AttributeType, Json, string]>([
    ['integer', 7.5, 'a whole number is expected, not number 7.5'],
    ['integer', '7', 'a whole number is expected, not string "7"'],
    ['decimal', '7.5', 'a number is expected, not string "7.5"'],
    ['decimal', { value: {} }, 'a number is expected, not an object'],
    ['boolean', 'yes', 'true or false is expected, not string "yes"'],
    ['reference', ['a', 'b'], 'a text is expected, not an array'],
    ['binary', 7, 'a text in base64 is expected, not number 7'],
    ['complex', 'x', 'an object is expected, not string "x"'],
  ])('refuses for the type %s the value %j: %s', (type, value, reason) => {
    expect(read(value, type)).toEqual({ kind: 'invalidValue', attribute: 'size', reason })
  })

  it('takes null, an empty text and an empty array as absent (RFC 7643 section 2.5)', () => {
    for (const empty of [null, '', []]) {
      expect(read(empty, 'integer')).toBeUndefined()
      expect(read(empty, 'integer', true)).toBeUndefined()
    }
  })

  it('takes a value that is no array as the only one of a multi-valued attribute', () => {
    expect(read(7, 'integer', true)).toEqual([7])
    expect(read([7, null, 8], 'integer', true)).toEqual([7, 8])
    expect(read([7, 'x'], 'integer', true)).toMatchObject({ kind: 'invalidValue' })
  })
})
