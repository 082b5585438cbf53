/**
 * What the types of RFC 7643 section 2.3 mean for comparing: which operators they have, what a comparison value has
 * to be, and what is compared. One table, read by `checkFilter` and by `matchesFilter`. Pure.
 */
import { foldCase } from '../kernel/fold.ts'
import type { Json } from '../kernel/json.ts'
import { fromRfc3339 } from '../kernel/time.ts'
import type { AttributeDefinition, AttributeType } from './attributes.ts'
import type { CompareOperator, CompareValue } from './tree.ts'

type Scalar = string | number | boolean

interface TypeRules {
  readonly operators: readonly CompareOperator[]
  /** What a comparison value has to be, for people. */
  readonly expected: string
  /** A value in the form of the type; undefined when it is none. */
  readonly coerce: (value: Scalar) => Scalar | undefined
}

const EQUALITY = ['eq', 'ne'] as const
const ORDER = [...EQUALITY, 'gt', 'ge', 'lt', 'le'] as const
const TEXT = [...ORDER, 'co', 'sw', 'ew'] as const

const text = { operators: TEXT, expected: 'text', coerce: String } as const

const RULES: { readonly [K in AttributeType]: TypeRules } = {
  string: text,
  reference: text,
  binary: { operators: EQUALITY, expected: 'base64 text', coerce: String },
  boolean: { operators: EQUALITY, expected: 'true or false', coerce: toBoolean },
  integer: { operators: ORDER, expected: 'a whole number', coerce: toInteger },
  decimal: { operators: ORDER, expected: 'a number', coerce: toNumber },
  dateTime: {
    operators: ORDER,
    expected: 'a time such as "2026-01-31T12:00:00Z"',
    coerce: (value) =>
      typeof value === 'string' && fromRfc3339(value) !== undefined ? value : undefined,
  },
  complex: { operators: [], expected: 'a sub-attribute', coerce: () => undefined },
}

/** Operators that the type of an attribute has, and what its comparison values are. */
export function comparisonRules(definition: AttributeDefinition): TypeRules {
  return RULES[definition.type]
}

/**
 * A comparison value as the attribute's type has it: "True" is true for a boolean (Q2), 12 is "12" for a string.
 * Null stays null. Undefined when the type has no such value.
 */
export function coerceOperand(
  value: CompareValue,
  definition: AttributeDefinition,
): CompareValue | undefined {
  return value === null ? null : RULES[definition.type].coerce(value)
}

/**
 * What is compared in place of a value: instants for times, folded text unless the attribute is case exact.
 * Undefined for what cannot be compared, such as an object.
 */
export function comparable(value: Json, definition: AttributeDefinition): Scalar | undefined {
  if (typeof value === 'object') return undefined
  const coerced = RULES[definition.type].coerce(value)
  if (typeof coerced !== 'string') return coerced
  if (definition.type === 'dateTime') return fromRfc3339(coerced)
  return definition.caseExact ? coerced : foldCase(coerced)
}

function toBoolean(value: Scalar): boolean | undefined {
  if (typeof value === 'boolean') return value
  const folded = String(value).toLowerCase()
  return folded === 'true' || folded === 'false' ? folded === 'true' : undefined
}

function toNumber(value: Scalar): number | undefined {
  if (typeof value === 'boolean') return undefined
  if (typeof value === 'string' && !/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value))
    return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

function toInteger(value: Scalar): number | undefined {
  const number = toNumber(value)
  return Number.isInteger(number) ? number : undefined
}
