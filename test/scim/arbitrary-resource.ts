/** Random resources and filters about them that often match: from one small pool of texts that are easy to get wrong. */
import * as fc from 'fast-check'

import type { Json, JsonObject } from '../../src/kernel/json.ts'
import type { ResourceType } from '../../src/scim/attributes.ts'
import { checkFilter } from '../../src/scim/check-filter.ts'
import { COMMON_ATTRIBUTES } from '../../src/scim/common-schema.ts'
import { readResource } from '../../src/scim/resource.ts'
import type { AttributePath, Filter } from '../../src/scim/tree.ts'

export const CUSTOM_URN = 'urn:example:params:Custom:2.0:User'

/** Case pairs, composed and decomposed letters, letters whose case changes the length, astral and private characters. */
export const TEXTS = [
  'ann', 'Ann', 'ANN', 'an', 'n', 'k', '\u212a', 'kann', '\u212aann',
  'é', 'É', 'e\u0301', 'E\u0301', 'e', 'Zoé', 'Zoe\u0301',
  'ß', 'ẞ', 'Straße', 'STRAẞE', 'strasse', 'Ä', 'ä', 'Müller', 'MÜLLER',
  'ΣΑΣ', 'σας', 'σασ', 'Σ', 'σ', 'ς', 'Ω', '\u2126', 'ω', 'Άλφα', 'άλφα',
  'İ', 'i\u0307', 'i', 'I', 'ı', 'ǰ', 'J\u030c', 'j\u030c', 'Ǆ', 'ǅ', 'ǆ',
  'Ёж', 'ёж', 'Ё', 'Е\u0308', '\u0490', 'Ա', 'ա', 'Ж', 'ж', 'Ђ', 'ђ',
  'ไทย', 'ที่', 'กุ่', 'กุ่', 'हिन्दी', '한국', '\u1112\u1161\u11ab', '日本', 'が', 'か\u3099',
  '😀', '👩‍💻', '\uff01', '\ue000', 'Ａ', 'ａ', '𐐀', '𐐨', 'ﬀ', 'Ɓ', 'ɓ', 'Ⅷ', 'ⅷ', 'ᲐᲑ', 'აბ',
  `o'brien`, `O'Brien`, '"q"', '\\', '\\u0041', 'a\\ud', 'a%b', 'a_b', '*', '[a]', '?', ';', '\u037e', '`', '\u1fef',
  ' ', 'a b', '\n', '\t', '1', '1.5', '12', 'true', 'True', 'null', 'work', 'WORK', 'home', 'zz', 'a',
] // prettier-ignore

/** What clients can write into a body and no filter can ask for. */
export const UNASKABLE = ['a\0b', '\0', 'x\ud800', 'ann\0']

/** What SQL folds by itself; the others it leaves to the matcher, so they are to be rare enough to see both. */
const EVERYDAY = [
  'ann',
  'Ann',
  'ANN',
  'an',
  'n',
  'é',
  'É',
  'Müller',
  'MÜLLER',
  'ёж',
  'Ёж',
  'work',
  'home',
  `o'brien`,
]

const texts = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...EVERYDAY) },
  { weight: 2, arbitrary: fc.constantFrom(...TEXTS) },
)
const joined = fc.oneof(
  { weight: 5, arbitrary: texts },
  { weight: 2, arbitrary: fc.tuple(texts, texts).map((pair) => pair.join('')) },
)
const sentTexts = fc.oneof(
  { weight: 150, arbitrary: joined },
  { weight: 1, arbitrary: fc.constantFrom(...UNASKABLE) },
)

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })

const record = <T>(entries: Record<string, fc.Arbitrary<T>>) =>
  fc
    .record(
      Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, maybe(value)])),
      { noNullPrototype: true },
    )
    .map(
      (object) =>
        Object.fromEntries(
          Object.entries(object).filter(([, value]) => value !== undefined),
        ) as JsonObject,
    )

const elements = (subs: Record<string, fc.Arbitrary<Json>>) =>
  fc
    .array(record({ ...subs, type: sentTexts, display: sentTexts }), { maxLength: 3 })
    .map((list) => list.map((item, at) => ({ ...item, ...(at === 1 ? { primary: true } : {}) })))

const opaque: fc.Arbitrary<Json> = fc.letrec<{ any: Json; leaf: Json }>((tie) => ({
  leaf: fc.oneof(
    sentTexts,
    fc.constantFrom<Json>(0, 1, 12, -3, 1.5, 1e21, 2 ** 60, true, false, null, ''),
  ),
  any: fc.oneof(
    { weight: 3, arbitrary: tie('leaf') },
    { weight: 1, arbitrary: fc.array(tie('any'), { maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: fc.dictionary(
        fc.constantFrom('value', 'Value', 'kind', 'KIND', 'a.b', 'q"q', '\u212aind'),
        tie('any'),
        {
          maxKeys: 3,
          noNullPrototype: true,
        },
      ),
    },
  ),
})).any

const extension = fc
  .dictionary(fc.constantFrom('plain', 'Odd', 'kind', "it's", 'a"b', 'x.y'), opaque, {
    maxKeys: 4,
    noNullPrototype: true,
  })
  .map((object) => object as JsonObject)

const userBodies = record<Json>({
  externalId: sentTexts,
  displayName: sentTexts,
  nickName: sentTexts,
  title: sentTexts,
  userType: sentTexts,
  profileUrl: sentTexts,
  active: fc.boolean(),
  name: record({ givenName: sentTexts, familyName: sentTexts, formatted: sentTexts }),
  emails: elements({ value: sentTexts }),
  phoneNumbers: elements({ value: sentTexts }),
  roles: elements({ value: sentTexts }),
  x509Certificates: elements({ value: sentTexts }),
  addresses: elements({ locality: sentTexts, country: sentTexts }),
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': record<Json>({
    department: sentTexts,
    employeeNumber: sentTexts,
    manager: record({ value: sentTexts }),
  }),
  [CUSTOM_URN]: extension,
})

const groupBodies = record<Json>({ externalId: sentTexts, [CUSTOM_URN]: extension })

/** A document as a client's body leaves it, without what follows from other rows. `name` makes it unique. */
export function documents(type: ResourceType): fc.Arbitrary<(name: string) => JsonObject> {
  const bodies = type.name === 'User' ? userBodies : groupBodies
  const unique = type.name === 'User' ? 'userName' : 'displayName'
  return fc.tuple(bodies, texts).map(([body, text]) => (name) => {
    const read = readResource({ ...body, [unique]: `${text}${name}` }, type)
    if (!read.ok) throw new Error(JSON.stringify(read.error))
    return read.value.resource
  })
}

function pathsOf(type: ResourceType): AttributePath[] {
  const own = [...type.schema.attributes, ...COMMON_ATTRIBUTES].map((definition) => ({
    definition,
    schema: {},
  }))
  const extended = type.extensions.flatMap(({ id, attributes }) =>
    attributes.map((definition) => ({ definition, schema: { schema: id } })),
  )
  const known = [...own, ...extended].flatMap(({ definition, schema }) => [
    { ...schema, attribute: definition.name },
    ...(definition.subAttributes ?? []).map(({ name }) => ({
      ...schema,
      attribute: definition.name.toUpperCase(),
      sub: name,
    })),
  ])
  const custom = ['plain', 'odd', 'Kind', 'none'].flatMap((attribute) => [
    { schema: CUSTOM_URN, attribute },
    { schema: CUSTOM_URN.toUpperCase(), attribute, sub: 'value' },
    { schema: CUSTOM_URN, attribute, sub: 'kind' },
  ])
  return [...known, ...custom, { schema: 'urn:none:é:2.0:User', attribute: 'x' }]
}

const operators = fc.constantFrom(
  ...(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const),
)

/** Filters that `checkFilter` has passed; `asked` are texts of the resources at hand, such as ids and times. */
export function checkedFilters(type: ResourceType, asked: readonly string[]): fc.Arbitrary<Filter> {
  const values = fc.oneof(
    { weight: 8, arbitrary: joined },
    { weight: 3, arbitrary: fc.constantFrom(...asked, '') },
    { weight: 1, arbitrary: fc.constantFrom(null, true, false, 1, 12, 1.5, -3) },
  )
  const terms = (path: fc.Arbitrary<AttributePath>): fc.Arbitrary<Filter> =>
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('compare' as const),
          path,
          operator: operators,
          value: values,
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('present' as const), path }) },
    )
  const combined = (term: fc.Arbitrary<Filter>, maxDepth: number): fc.Arbitrary<Filter> =>
    fc.letrec<{ filter: Filter }>((tie) => ({
      filter: fc.oneof(
        { maxDepth },
        { weight: 3, arbitrary: term },
        {
          weight: 2,
          arbitrary: fc.record({
            kind: fc.constantFrom('and' as const, 'or' as const),
            left: tie('filter'),
            right: tie('filter'),
          }),
        },
        {
          weight: 1,
          arbitrary: fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }),
        },
      ),
    })).filter
  const paths = fc.constantFrom(...pathsOf(type))
  const elementPaths = paths.chain(({ schema, attribute }) => {
    const holder = { ...(schema === undefined ? {} : { schema }), attribute }
    const subs = pathsOf(type)
      .filter(
        (path) =>
          path.sub !== undefined && path.attribute.toLowerCase() === attribute.toLowerCase(),
      )
      .map(({ sub = '' }) => ({ attribute: sub }))
    const inner = combined(
      terms(fc.constantFrom(...(subs.length === 0 ? [{ attribute: 'value' }] : subs))),
      2,
    )
    return inner.map((filter): Filter => ({ kind: 'valuePath', path: holder, filter }))
  })
  const whole = combined(
    fc.oneof({ weight: 4, arbitrary: terms(paths) }, { weight: 1, arbitrary: elementPaths }),
    3,
  )
  return whole
    .map((filter) => checkFilter(filter, type))
    .filter((checked) => checked.ok)
    .map((checked) => {
      if (!checked.ok) throw new Error('filtered')
      return checked.value
    })
}
