import * as fc from 'fast-check'
import type { AttributePath, Filter } from '../../src/scim/tree.ts'
import { ENTERPRISE_USER_URN, USER_URN } from '../../src/scim/urns.ts'

const NAMES = ['userName', 'emails', 'type', 'value', '$ref', 'x-1', 'and', 'pr', 'true', 'eq']
const SCHEMAS = [USER_URN, ENTERPRISE_USER_URN, 'urn:x:extension:Custom:2.0:User', 'urn:x:y']

const names = fc.constantFrom(...NAMES)

const subs: fc.Arbitrary<AttributePath> = names.map((attribute) => ({ attribute }))

const paths: fc.Arbitrary<AttributePath> = fc.record(
  { attribute: names, schema: fc.constantFrom(...SCHEMAS), sub: names },
  { requiredKeys: ['attribute'], noNullPrototype: true },
)

const texts = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'))

const values = fc.oneof(
  texts,
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
)

const operators = fc.constantFrom(
  ...(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const),
)

/** Plain objects, as the parser makes them. */
const PLAIN = { noNullPrototype: true } as const

function terms(path: fc.Arbitrary<AttributePath>): fc.Arbitrary<Filter> {
  return fc.oneof(
    fc.record(
      { kind: fc.constant('compare' as const), path, operator: operators, value: values },
      PLAIN,
    ),
    fc.record({ kind: fc.constant('present' as const), path }, PLAIN),
  )
}

function combined(term: fc.Arbitrary<Filter>, depth: number): fc.Arbitrary<Filter> {
  return fc.letrec<{ filter: Filter }>((tie) => {
    const filter = tie('filter')
    return {
      filter: fc.oneof(
        { maxDepth: depth },
        term,
        fc.record(
          {
            kind: fc.constantFrom('and' as const, 'or' as const),
            left: filter,
            right: filter,
          },
          PLAIN,
        ),
        fc.record({ kind: fc.constant('not' as const), filter }, PLAIN),
      ),
    }
  }).filter
}

/** Any filter that stays inside the limits of the parser. */
export const filters: fc.Arbitrary<Filter> = combined(
  fc.oneof(
    terms(paths),
    fc.record(
      {
        kind: fc.constant('valuePath' as const),
        path: paths,
        filter: combined(terms(subs), 2),
      },
      PLAIN,
    ),
  ),
  3,
)
