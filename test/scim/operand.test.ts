import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import { attribute, type AttributeType } from '../../src/scim/attributes.ts'
import { coerceOperand, comparable, comparisonRules } from '../../src/scim/operand.ts'

/** The core schemas have no numbers; a type of RFC 7643 section 2.3 means the same wherever it stands. */
const of = (type: AttributeType, caseExact = false) => attribute('x', '', { type, caseExact })

describe('the types of RFC 7643 section 2.3', () => {
  it.each<[AttributeType, string]>([
    ['string', 'eq ne gt ge lt le co sw ew'],
    ['reference', 'eq ne gt ge lt le co sw ew'],
    ['dateTime', 'eq ne gt ge lt le'],
    ['integer', 'eq ne gt ge lt le'],
    ['decimal', 'eq ne gt ge lt le'],
    ['boolean', 'eq ne'],
    ['binary', 'eq ne'],
    ['complex', ''],
  ])('%s has the operators %s (RFC 7644 table 3)', (type, operators) => {
    expect(comparisonRules(of(type)).operators.join(' ')).toBe(operators)
  })

  it.each<[AttributeType, string | number | boolean, string | number | boolean | undefined]>([
    ['integer', 7, 7],
    ['integer', '7', 7],
    ['integer', '-7', -7],
    ['integer', 7.5, undefined],
    ['integer', '7.5', undefined],
    ['integer', true, undefined],
    ['decimal', 7.5, 7.5],
    ['decimal', '7.5', 7.5],
    ['decimal', '1.5e3', 1500],
    ['decimal', '1e999', undefined],
    ['decimal', '', undefined],
    ['decimal', ' 7 ', undefined],
    ['decimal', '0x10', undefined],
    ['decimal', 'seven', undefined],
    ['decimal', false, undefined],
    ['boolean', 'True', true],
    ['boolean', 'FALSE', false],
    ['boolean', 0, undefined],
    ['string', 12, '12'],
    ['binary', true, 'true'],
    ['dateTime', '2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
    ['dateTime', 2026, undefined],
    ['dateTime', 'yesterday', undefined],
    ['complex', 'x', undefined],
  ])('a comparison value of %s: %j means %j', (type, sent, meant) => {
    expect(coerceOperand(sent, of(type))).toBe(meant)
  })

  it('null stays null, whatever the type', () => {
    expect(coerceOperand(null, of('integer'))).toBeNull()
    expect(coerceOperand(null, of('complex'))).toBeNull()
  })

  it('numbers are compared as numbers, however they were written', () => {
    expect(comparable('10', of('integer'))).toBe(10)
    expect(comparable(1e1, of('integer'))).toBe(10)
    expect(comparable('2.50', of('decimal'))).toBe(2.5)
  })

  it('instants are compared, not their spelling', () => {
    const [noon, alsoNoon] = ['2026-01-31T12:00:00Z', '2026-01-31T13:00:00+01:00']
    expect(comparable(noon, of('dateTime'))).toBe(comparable(alsoNoon, of('dateTime')))
  })

  it('text is folded unless the attribute is case exact', () => {
    expect(comparable('Ann', of('string'))).toBe('ann')
    expect(comparable('Ann', of('string', true))).toBe('Ann')
  })

  it.each<Json>([{ a: 1 }, ['a'], null])('%j is not compared', (value) => {
    expect(comparable(value, of('string'))).toBeUndefined()
  })
})
