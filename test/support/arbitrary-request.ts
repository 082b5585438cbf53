/** Requests to the SCIM surface that are often almost right, and sometimes not meant to be. */
import * as fc from 'fast-check'

import { printFilter } from '../../src/scim/print-filter.ts'
import { filters } from '../scim/arbitrary-filter.ts'
import { patchOperations, userBodies } from '../scim/arbitrary-patch.ts'

export interface FuzzRequest {
  readonly method: string
  /** `$U`, `$V`, `$G` and `$H` stand for the ids of users and groups that exist. */
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

const PLAIN = { noNullPrototype: true } as const
const ids = fc.constantFrom('$U', '$V', '$G', '$H', 'usr_nobody', 'bulkId:a', '')

/** Leaves that are easy to get wrong. */
const odd = fc.constantFrom<unknown[]>(
  null,
  '',
  ' ',
  'True',
  'bulkId:a',
  'bulkId:',
  '\0',
  'a\ud800',
  '💥',
  "' OR 1=1 --",
  -1,
  1e300,
  2 ** 60,
  0.1,
  [],
  {},
  [[[[]]]],
  [null],
)
const plain = fc.constantFrom<unknown[]>('', 'a', 'True', 'bulkId:a', 'b@x.com', true, 0, [], {}, [
  null,
])
/** Most doubles are refused at once, and the rest of the request is not looked at. */
function withSmallNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
    typeof inner === 'number' ? Math.trunc(inner) % 1000 : inner,
  )
}

const json: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: plain },
  { weight: 1, arbitrary: odd },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }).map(withSmallNumbers) },
)

/** What belongs there, and now and then anything else: one wrong value refuses the whole request. */
const mostly = (valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: valid }, { weight: 1, arbitrary: json })

const members = mostly(
  fc.oneof(
    fc.array(fc.record({ value: ids, type: fc.constantFrom('User', 'group', 1) }, PLAIN), {
      maxLength: 3,
    }),
    ids,
  ),
)

const groupBodies = fc.record(
  {
    displayName: mostly(
      fc.oneof(
        fc.constantFrom('team', 'TEAM', 'crew'),
        fc.nat(99).map((number) => `group ${number}`),
      ),
    ),
    externalId: mostly(fc.nat(99).map((number) => `x${number}`)),
    members,
    id: plain,
  },
  { requiredKeys: ['displayName'], ...PLAIN },
)

const names = fc.oneof(
  fc.constantFrom('ann', 'bob', 'ANN', 'cyn@contoso.com', 'dan'),
  fc.string({ maxLength: 12 }),
)
const more = fc.constantFrom('active', 'emails', 'manager', 'urn:x:y', 'name', 'title', 'password')
const person = fc.record(
  {
    userName: mostly(names),
    title: mostly(ids),
    active: fc.constantFrom(true, false, 'False', null),
    emails: mostly(
      fc.array(
        fc.record(
          { value: fc.constantFrom('a@x.com', 'b@x.com'), type: fc.constantFrom('work', 'home') },
          PLAIN,
        ),
        {
          maxLength: 2,
        },
      ),
    ),
    manager: mostly(fc.record({ value: ids }, PLAIN)),
    password: fc.constant('secret'),
    'urn:x:Custom:2.0:User': fc.dictionary(fc.constantFrom('a', 'b'), json, PLAIN),
  },
  { requiredKeys: ['userName'], ...PLAIN },
)
const people = fc.oneof(
  { weight: 3, arbitrary: person },
  {
    weight: 1,
    arbitrary: fc
      .tuple(userBodies, mostly(names), more, json)
      .map(([body, userName, name, value]) => ({ ...body, userName, [name]: value })),
  },
)

const memberOperations = fc.record(
  {
    op: fc.constantFrom('add', 'Replace', 'remove', 'Add'),
    path: fc.oneof(
      ids.map((id) => `members[value eq "${id}"]`),
      fc.constantFrom('members', 'Members.value', 'members[type eq "User"]', 'members['),
    ),
    value: members,
  },
  { requiredKeys: ['op', 'path'], ...PLAIN },
)
const renaming = fc.record(
  {
    op: fc.constantFrom('replace', 'Add'),
    path: fc.constantFrom('displayName', 'externalId', 'title', 'active', 'userName', 'password'),
    value: mostly(fc.constantFrom('team', 'crew', 'True', 'z1', 'z2')),
  },
  PLAIN,
)

const patches = mostly(
  fc.array(fc.oneof(patchOperations, memberOperations, renaming), { minLength: 1, maxLength: 3 }),
).map((operations) => ({ Operations: operations }))

const filterTexts = fc.oneof(
  filters.map(printFilter),
  fc
    .array(
      fc.constantFrom(
        ...['userName', 'eq', '"ann"', 'and', 'or', 'not', '(', ')', '[', ']', 'emails', 'type'],
        ...['.value', 'pr', 'members', 'co', 'true', '5', 'meta.created', 'gt', 'null', 'id', '"'],
      ),
      { maxLength: 10 },
    )
    .map((words) => words.join(' ')),
  fc
    .tuple(
      fc.constantFrom(
        'userName',
        'id',
        'displayName',
        'emails',
        'members',
        'active',
        'meta.created',
      ),
      fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'le'),
      fc.oneof(
        fc.string({ maxLength: 8 }).map((text) => JSON.stringify(text)),
        fc.constantFrom('true', '1', 'x'),
      ),
    )
    .map((words) => words.join(' ')),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

const nameLists = fc.oneof(
  fc
    .array(
      fc.constantFrom('userName', 'id', 'members', 'emails[type eq "work"]', 'name.x', 'urn:x:y:z'),
      {
        maxLength: 3,
      },
    )
    .map((list) => list.join(',')),
  fc.string({ maxLength: 12 }),
)
const numbers = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -5, max: 300 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('', 'x', '1e9', '9'.repeat(30)) },
)
const sorts = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('userName', 'displayName', 'emails', 'meta.created', 'id'),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
)
const cursors = fc.oneof({ weight: 3, arbitrary: fc.constant('') }, fc.string({ maxLength: 40 }))

const textSearch = {
  filter: filterTexts,
  attributes: nameLists,
  excludedAttributes: nameLists,
  startIndex: numbers,
  count: numbers,
  sortBy: sorts,
  sortOrder: fc.constantFrom('ascending', 'descending', 'x'),
  cursor: cursors,
}

/** Some of the members, one at least. */
function someOf<T>(entries: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc
    .record(entries, { requiredKeys: [], ...PLAIN })
    .filter((picked) => Object.keys(picked).length > 0 && Object.keys(picked).length < 5)
}

const queries = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  {
    weight: 6,
    arbitrary: someOf(textSearch).map((query) =>
      Object.entries(query)
        .map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`)
        .join('&'),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['aadOptscim062020', '&&=', '%', '%ED%A0%80=%00', 'filter=%ff', 'filter=a&filter=b'],
      ...['__proto__=x', 'count=%20', 'attributes=,,,[', 'cursor=%00'],
    ),
  },
)

const searches = mostly(
  someOf({
    filter: mostly(filterTexts),
    attributes: mostly(fc.array(fc.constantFrom('userName', 'members', 'x'), { maxLength: 3 })),
    excludedAttributes: mostly(nameLists),
    startIndex: mostly(fc.integer({ min: -5, max: 10 })),
    count: mostly(fc.integer({ min: -5, max: 300 })),
    sortBy: mostly(sorts),
    sortOrder: fc.constantFrom('ascending', 'descending'),
    cursor: cursors,
  }),
)

const bulkIds = fc.constantFrom('a', 'b', 'c', 'd')
const created = fc.oneof(
  fc.tuple(fc.constant('/Users'), people),
  fc.tuple(fc.constant('/Groups'), groupBodies),
)
const changed = fc.tuple(
  fc.constantFrom('/Users/$U', '/Groups/$G', '/Users/bulkId:a', '/Groups/bulkId:b', '/Bulk', '/x'),
  fc.oneof(patches, people, groupBodies),
)
const bulkOperations = fc.oneof(
  fc
    .tuple(created, bulkIds)
    .map(([[path, data], bulkId]) => ({ method: 'POST', path, bulkId, data })),
  fc
    .tuple(changed, fc.constantFrom('PUT', 'PATCH', 'patch', 'DELETE'), tagsOf())
    .map(([[path, data], method, version]) => ({ method, path, data, version })),
)
/** Users and groups that refer to each other, often in circles. */
const connected = fc
  .array(
    fc.record({ who: created, to: fc.constantFrom('r0', 'r1', 'r2', 'zz'), title: ids }, PLAIN),
    { maxLength: 4 },
  )
  .map((sent) =>
    sent.map(({ who: [path, data], to, title }, index) => ({
      method: 'POST',
      path,
      bulkId: `r${index}`,
      data: {
        ...data,
        ...(path === '/Users'
          ? { title, manager: { value: `bulkId:${to}` } }
          : { members: [{ value: `bulkId:${to}` }] }),
      },
    })),
  )
const bulks = mostly(
  fc.record(
    {
      Operations: mostly(
        fc.oneof(
          fc.uniqueArray(bulkOperations, {
            maxLength: 5,
            selector: (sent) => ('bulkId' in sent ? sent.bulkId : {}),
          }),
          connected,
        ),
      ),
      failOnErrors: mostly(fc.integer({ min: 1, max: 3 })),
    },
    { requiredKeys: ['Operations'], ...PLAIN },
  ),
)

function tagsOf(): fc.Arbitrary<string | undefined> {
  const some = fc.constantFrom('*', 'W/"1"', '"2"', 'W/"1', 'x')
  return fc.option(some, { freq: 4, nil: undefined })
}

type Endpoint = readonly [methods: string[], paths: string[], bodies: fc.Arbitrary<unknown>]

/** Where requests go, with the bodies that belong there. */
const ENDPOINTS: readonly Endpoint[] = [
  [['POST', 'POST', 'GET'], ['/Users', '/Users', '/users/', '//Users'], people],
  [['POST', 'GET'], ['/Groups'], groupBodies],
  [['PUT', 'PUT', 'GET'], ['/Users/$U', '/Users/$V', '/Users/usr_nobody', '/Users/$G'], people],
  [['PUT', 'PUT', 'GET'], ['/Groups/$G', '/Groups/$H', '/Groups/$U'], groupBodies],
  [['PATCH'], ['/Users/$U', '/Users/$V', '/Groups/$G', '/Groups/$H', '/Users/x'], patches],
  [['PATCH'], ['/Users/$U', '/Groups/$G'], patches],
  [['POST'], ['/.search', '/Users/.search', '/Groups/.search'], searches],
  [['POST'], ['/Bulk'], bulks],
  [
    ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND'],
    [
      ...['/', '', '/Me', '/Me/x', '/Schemas', '/Schemas/x', '/ResourceTypes/User', '/Bulk'],
      ...['/ServiceProviderConfig', '/Users', '/%', '/Users/%ff', '/Users/%2e%2e', '/Users/a/b'],
      ...['/Users/$U', '/Groups/$G', '/Users/$V', '/Users/%00', '/Users/%F0%9F%92%A5', '/.search'],
    ],
    json,
  ],
]

/** A body as text: as it should be, cut short, with a member twice, or nothing like it. */
const texts = (bodies: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc.tuple(bodies, fc.nat(99), fc.nat(80)).map(([body, kind, at]) => {
    const text = JSON.stringify(body) ?? ''
    if (kind === 0) return text.slice(0, at)
    if (kind === 1) return text.replace('{', '{"userName":"ann",')
    return kind === 2 ? `${text}${text}` : text
  })

const ascii = fc.stringMatching(/^[ -~]{0,20}$/)
const oddHeaders = someOf({
  'If-Match': fc.oneof(
    tagsOf().map((tag) => tag ?? ''),
    ascii,
  ),
  'If-None-Match': fc.oneof(
    tagsOf().map((tag) => tag ?? ''),
    ascii,
  ),
  'Content-Type': fc.oneof(
    fc.constantFrom(
      'application/json',
      'application/scim+json; charset=utf-8',
      'application/json;',
    ),
    ascii,
  ),
  Accept: fc.constantFrom('text/html', '*/*'),
  'Content-Encoding': fc.constant('gzip'),
})
const headers: fc.Arbitrary<Readonly<Record<string, string>>> = fc.oneof(
  { weight: 16, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: oddHeaders },
  {
    weight: 1,
    arbitrary: fc
      .oneof(fc.constantFrom('Basic x', 'Bearer', 'Bearer x', ''), ascii)
      .map((Authorization) => ({ Authorization })),
  },
)

/** Any request. */
export const requests: fc.Arbitrary<FuzzRequest> = fc
  .oneof(
    ...ENDPOINTS.map(([methods, paths, bodies]) => ({
      weight: 5,
      arbitrary: fc.tuple(
        fc.constantFrom(...methods),
        fc.constantFrom(...paths),
        fc.option(texts(bodies), { freq: 30, nil: undefined }),
      ),
    })),
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom('GET', 'POST', 'PATCH'), fc.webPath(), texts(json)),
    },
  )
  .chain(([method, path, body]) =>
    fc.record({ query: queries, headers }, PLAIN).map((rest) => ({
      method,
      path,
      body: method === 'GET' || method === 'HEAD' ? undefined : body,
      ...rest,
    })),
  )
