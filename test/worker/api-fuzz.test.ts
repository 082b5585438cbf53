import { Validator } from '@cfworker/json-schema'
import { env } from 'cloudflare:workers'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { API_ROUTES } from '../../src/http/access.ts'
import { isJsonObject, type Json, type JsonObject } from '../../src/kernel/json.ts'
import { defaultSettings } from '../../src/plan/settings.ts'
import { apiClient, OPERATOR } from '../support/api.ts'
import { type ApiWorld, apiWorld, filledPaths } from '../support/api-world.ts'
import { nearly, valueOf } from '../support/arbitrary-json.ts'
import type { Loose } from '../support/seed.ts'

/** Requests an operation. The same ones in every `npm test`, others whenever the number is given. */
const RUNS = env.FUZZ_RUNS === '' ? 12 : Math.ceil(Number(env.FUZZ_RUNS) / 50)
const SEED = env.FUZZ_RUNS === '' ? { seed: 9457 } : {}

const { body: document } = await (await apiClient()).get('/openapi.json')

interface Operation {
  readonly method: string
  readonly path: string
  readonly description: Loose
}

const OPERATIONS: readonly Operation[] = Object.entries(document['paths']).flatMap(([path, item]) =>
  Object.entries(item as Loose).map(([method, description]) => ({
    method: method.toUpperCase(),
    path,
    description,
  })),
)

/** A schema of the document as one that stands alone. */
const whole = (schema: JsonObject): JsonObject => ({
  ...schema,
  components: document['components'],
})

/** What is wrong with an answer by the document; empty when nothing is. */
function faultsOf({ description }: Operation, status: number, type: string, text: string) {
  if (status >= 500) return [`${status}: ${text}`]
  const described = description['responses'][status]
  if (described === undefined) return [`${status} is not described: ${text.slice(0, 300)}`]
  const { content } =
    described.$ref === undefined ? described : document['components'].responses.Problem
  if (content === undefined) return text === '' ? [] : ['a body is not described']
  const media = Object.entries<Loose>(content).find(([name]) => type.startsWith(name))
  if (media === undefined) return [`${type} is not described`]
  if (!type.includes('json') || type.includes('ndjson')) return []
  const validator = new Validator(whole(media[1]['schema']), '2020-12', false)
  const { valid, errors } = validator.validate(JSON.parse(text))
  return valid ? [] : errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`)
}

interface Wanted {
  readonly query: readonly (readonly [string, string])[]
  readonly body: Json | undefined
  /** Whether ids are those of things that exist. */
  readonly isKnown: boolean
  readonly key: string | undefined
}

function wantedOf({ method, description }: Operation): fc.Arbitrary<Wanted> {
  const parameters: readonly Loose[] = description['parameters'] ?? []
  const query = parameters.filter((parameter) => parameter['in'] === 'query')
  const body: JsonObject | undefined =
    description['requestBody']?.content['application/json'].schema
  return fc.record({
    query:
      query.length === 0
        ? fc.constant([])
        : fc.array(fc.oneof(...query.map(parameterOf)), { maxLength: query.length }),
    body: body === undefined ? fc.constant(undefined) : nearly(valueOf(body)),
    isKnown: fc.constantFrom(true, true, true, false),
    key: method === 'POST' ? fc.option(anyKey, { nil: undefined }) : fc.constant(undefined),
  })
}

const parameterOf = ({ name, schema }: Loose): fc.Arbitrary<readonly [string, string]> =>
  nearly(valueOf(schema)).map((value) => [name, asText(value)])

const anyKey = fc.oneof(fc.uuid(), fc.constantFrom('', 'a b', 'x'.repeat(300)))
const asText = (value: Json): string =>
  (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed()

async function send({ api, ids, eventId }: ApiWorld, { method, path }: Operation, wanted: Wanted) {
  const template = path.replaceAll(/\{(\w+)\}/g, ':$1')
  const [filled = ''] = filledPaths(template, [wanted.isKnown ? ids : {}])
  const query = new URLSearchParams(wanted.query.map(([name, value]) => [name, value])).toString()
  const isOperators = path === '/organizations'
  const isOfEvent = wanted.isKnown && isJsonObject(wanted.body) && 'eventId' in wanted.body
  const body = isOfEvent ? { ...wanted.body, eventId } : wanted.body
  return api.send(method, `${filled}?${query}`, body, {
    ...(isOperators ? { Authorization: `Bearer ${OPERATOR}` } : {}),
    ...(wanted.key === undefined ? {} : { 'Idempotency-Key': wanted.key }),
  })
}

/** Operations that were carried out at least once, among those that were tried. */
const succeeded = new Map<string, boolean>()

describe('whatever is sent, the answer is one that the OpenAPI document describes', () => {
  test.each(OPERATIONS)('$method $path', async (operation) => {
    const world = await apiWorld()
    const statuses = new Set<number>()
    await fc.assert(
      fc.asyncProperty(wantedOf(operation), async (wanted) => {
        const { status, headers, text } = await send(world, operation, wanted)
        statuses.add(status)
        const type = headers.get('Content-Type') ?? ''
        expect(faultsOf(operation, status, type, text)).toEqual([])
        expect(headers.get('X-Request-Id')).toMatch(/^req_/)
      }),
      { numRuns: RUNS, ...SEED },
    )
    expect(world.api.lines.filter((line) => line['level'] === 'error')).toEqual([])
    succeeded.set(
      `${operation.method} ${operation.path}`,
      [...statuses].some((status) => status < 300),
    )
  })
})

test('most operations are carried out, and not refused each time', () => {
  const refused = [...succeeded].filter(([, isDone]) => !isDone).map(([name]) => name)
  const isFew = refused.length < succeeded.size / 5
  expect({ refused, isFew }).toEqual({ refused, isFew: true })
})

test('every route is described', () => {
  const described = OPERATIONS.map(
    ({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
  )
  expect(described.toSorted()).toEqual(Object.keys(API_ROUTES).toSorted())
})

test.each([
  ['/directories/{id}/bindings', { userIds: ['usr_1'] }, [{}, { userIds: ['usr_1'], all: true }]],
  ['/directories/{id}/bindings', { userIds: ['usr_1'], groupIds: ['grp_1'] }, [{ userIds: [] }]],
  ['/directories/{id}/exports', {}, [{ userIds: ['usr_1'], all: true }, { groupIds: ['grp_1'] }]],
  ['/directories/{id}/failures/replay', { bindingIds: ['bnd_1'] }, [{}, { all: false }]],
  ['/directories/{id}/held/approve', { all: true }, [{}, { bindingIds: ['bnd_1'], all: true }]],
  ['/directories/{id}/held/reject', { all: true }, [{}, { userIds: ['usr_1'] }]],
  ['/directories/{id}/preview', { attributes: { department: 'export' } }, [{}]],
])('the document says of POST %s what is taken, %j, and what is not', (path, taken, refused) => {
  const { schema } = document['paths'][path].post.requestBody.content['application/json']
  const validator = new Validator(schema, '2020-12', false)
  expect(validator.validate(taken).valid).toBe(true)
  for (const body of refused) expect(validator.validate(body).valid).toBe(false)
})

test('the reference page shows every form of a body that has several', async () => {
  const { text } = await (await apiClient()).get('/docs')
  const of = (operation: string) => text.split(`${operation}"`)[1]?.split('</article>')[0] ?? ''
  for (const word of ['bindingIds', '<p>or</p>', 'all'])
    expect(of('postDirectoriesIdHeldApprove')).toContain(word)
  for (const word of ['oauth_client', 'audience', '<p>or</p>'])
    expect(of('postSourcesIdCredentials')).toContain(word)
})

test('the reference page says how to begin, and what words and settings mean; code is shown as code', async () => {
  const { text } = await (await apiClient()).get('/docs')
  const [, page = ''] = text.split('</style>')
  expect(page).not.toContain('`')
  for (const said of [
    '<code>Authorization: Bearer isth_api_…</code>',
    'Base URL: <code>/api/v1</code>',
    '<code>read_only</code>: sees everything',
    'How many accounts may be disabled or deleted in one hour',
    '<li><code>drift_found</code>: ',
    '<li><code>password_pending</code>: ',
    'Takes the role <code>administrator</code> or higher (<code>billing_admin</code>).',
  ])
    expect(page).toContain(said)
})

test('every setting of a directory is explained', () => {
  const { properties } = document['components']['schemas']['DirectorySettings']
  const explained = (schema: Loose): boolean =>
    schema['description'] !== undefined ||
    Object.values(schema['properties'] ?? {}).every((inner) => explained(inner as Loose))
  const silent = Object.keys(properties).filter((name) => !explained(properties[name]))
  expect(silent).toEqual([])
  const defaults = (schema: Loose, value: unknown): readonly unknown[] =>
    isJsonObject(value)
      ? Object.entries(value).flatMap(([name, inner]) => {
          const [object] = [...(schema['anyOf'] ?? []), schema].filter(({ properties: p }) => p)
          return defaults(object['properties'][name], inner)
        })
      : Array.isArray(value) || schema['description'].includes(`Default: \`${String(value)}\``)
        ? []
        : [schema]
  const { DirectorySettings } = document['components']['schemas']
  expect(defaults(DirectorySettings, defaultSettings)).toEqual([])
})

describe('the generator', () => {
  test('makes bodies that the schema accepts, and some that it does not', () => {
    for (const { description } of OPERATIONS) {
      const schema = description['requestBody']?.content['application/json'].schema
      if (!isJsonObject(schema)) continue
      const validator = new Validator(schema, '2020-12', false)
      fc.assert(
        fc.property(valueOf(schema), (body) => validator.validate(body).valid),
        { numRuns: 50, ...SEED },
      )
      const refused = fc
        .sample(nearly(valueOf(schema)), { numRuns: 50, seed: 1 })
        .filter((body) => !validator.validate(body).valid)
      expect(refused.length).toBeGreaterThan(0)
    }
  })

  test('an answer that is not as described would be found', () => {
    const operation = OPERATIONS.find(({ path, method }) => path === '/sources' && method === 'GET')
    const faults = (status: number, text: string, type = 'application/json') =>
      faultsOf(operation!, status, type, text)
    expect(faults(200, '{"items":[],"nextCursor":null}')).toEqual([])
    expect(faults(200, '{"items":[{}],"nextCursor":null}')).not.toEqual([])
    expect(faults(200, '{"items":[]}')).not.toEqual([])
    expect(faults(204, '')).not.toEqual([])
    expect(faults(500, '{}')).not.toEqual([])
    expect(faults(200, '', 'text/html')).not.toEqual([])
  })
})
