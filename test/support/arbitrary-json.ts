/** Values that a JSON Schema describes, and values that are nearly so. */
import * as fc from 'fast-check'

import { isJsonObject, type Json, type JsonObject } from '../../src/kernel/json.ts'

/** A value of the schema, as far as the keywords go that our documents use. */
export function valueOf(schema: JsonObject): fc.Arbitrary<Json> {
  if ('const' in schema) return fc.constant(schema['const'] ?? null)
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as Json[]))
  const options = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonObject[] | undefined
  if (options !== undefined) return fc.oneof(...options.map(valueOf))
  const made = BY_TYPE.get(String(schema['type']))
  return made === undefined ? anyJson : made(schema)
}

/** Any JSON, shallow; with the texts that trouble databases and parsers. */
const anyJson: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json> },
  fc.constantFrom<Json>('', ' ', '\u0000', '__proto__', "'; DROP TABLE user; --", 'x'.repeat(5000)),
  fc.constantFrom<Json>(-1, 1e300, 0.5, 9_007_199_254_740_991),
)

/** A value in which something may be changed, taken away or added. */
export function nearly(value: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc.oneof(
    { weight: 3, arbitrary: value },
    {
      weight: 3,
      arbitrary: fc.tuple(value, fc.nat(), anyJson, change).map(([...all]) => mutated(...all)),
    },
    { weight: 1, arbitrary: anyJson },
  )
}

const change = fc.constantFrom('replace', 'remove', 'add', 'inside')

function mutated(value: Json, at: number, other: Json, kind: string): Json {
  if (!isJsonObject(value)) return other
  const names = Object.keys(value)
  const name = names[at % Math.max(1, names.length)] ?? 'more'
  const inside = value[name]
  if (kind === 'inside' && isJsonObject(inside))
    return { ...value, [name]: mutated(inside, at + 1, other, 'replace') }
  if (kind === 'remove')
    return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))
  return { ...value, [kind === 'add' ? `more${at}` : name]: other }
}

/** Few of the members that may be left out, and often one alone: what is refused for its meaning would hide what the others do. */
const fewOf = (optional: readonly string[]): fc.Arbitrary<string[]> =>
  fc.oneof(
    ...[1, 3].map((most) =>
      fc.subarray([...optional], { maxLength: Math.min(most, optional.length) }),
    ),
  )

function objectOf(schema: JsonObject): fc.Arbitrary<Json> {
  const properties = Object.entries(schemaIn(schema, 'properties')).map(
    ([name, inner]) => [name, valueOf(isJsonObject(inner) ? inner : {})] as const,
  )
  const required = (schema['required'] ?? []) as string[]
  const optional = properties.map(([name]) => name).filter((name) => !required.includes(name))
  return fewOf(optional).chain((chosen) => {
    const wanted = properties.filter(([name]) => required.includes(name) || chosen.includes(name))
    return fc.record(Object.fromEntries(wanted)).map((made) => ({ ...made }))
  })
}

const BY_TYPE = new Map<string, (schema: JsonObject) => fc.Arbitrary<Json>>([
  ['object', objectOf],
  ['array', listOf],
  ['string', textOf],
  ['integer', numberOf],
  ['number', numberOf],
  ['boolean', () => fc.boolean()],
  ['null', () => fc.constant(null)],
])

function listOf(schema: JsonObject): fc.Arbitrary<Json> {
  const minLength = Number(schema['minItems'] ?? 0)
  const maxLength = Math.max(minLength, Math.min(3, Number(schema['maxItems'] ?? 3)))
  return fc.array(valueOf(schemaIn(schema, 'items')), { minLength, maxLength })
}

function numberOf({ minimum = -1000, maximum = 1000 }: JsonObject): fc.Arbitrary<number> {
  return fc.integer({ min: Number(minimum), max: Number(maximum) })
}

function textOf({ pattern, format, minLength, maxLength }: JsonObject): fc.Arbitrary<string> {
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern, 'u'))
  if (format === 'date-time') {
    const range = { min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }
    return fc.date(range).map((date) => date.toISOString())
  }
  return fc.string({
    unit: 'grapheme',
    minLength: Number(minLength ?? 0),
    maxLength: Math.max(Number(minLength ?? 0), Math.min(Number(maxLength ?? 40), 40)),
  })
}

function schemaIn(schema: JsonObject, name: string): JsonObject {
  const inner = schema[name]
  return isJsonObject(inner) ? inner : {}
}
