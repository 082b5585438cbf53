/** The OpenAPI 3.1 document of the admin API, made of the table of roles and the descriptions of the routes. Pure. */
import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema'
import * as v from 'valibot'

import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { type Access, API_ROUTES } from './access.ts'
import type { ApiRoom, RouteDescription } from './describe-api.ts'

/** The document that `GET /openapi.json` answers; `server` is the URL that its paths are below. */
export function openApiDocument(rooms: readonly ApiRoom[], server: string): JsonObject {
  const shapes: ApiRoom['shapes'] = Object.fromEntries(
    rooms.flatMap((room) => Object.entries(room.shapes)),
  )
  const paths: Record<string, Record<string, JsonObject>> = {}
  for (const room of rooms)
    for (const [route, description] of Object.entries(room.routes)) {
      const [method = '', path = ''] = route.split(' ')
      const url = path.replaceAll(/:(\w+)/g, '{$1}')
      paths[url] = { ...paths[url], [method.toLowerCase()]: operation(route, description, shapes) }
    }
  return {
    openapi: '3.1.0',
    info: { title: 'Isthmus admin API', version: '1', description: INTRODUCTION },
    servers: [{ url: server }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      schemas: { Problem: toJson(problemShape, CONFIG), ...definitions(shapes) },
      responses: {
        Problem: {
          description: 'The request is refused; `detail` says why and what to do.',
          content: { 'application/problem+json': { schema: reference('Problem') } },
        },
      },
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key of an administrator.' },
        operatorToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'The deployment secret OPERATOR_TOKEN.',
        },
      },
    },
  }
}

const INTRODUCTION =
  'Errors are problem documents (RFC 9457). Lists answer `items` and `nextCursor`; times are RFC 3339. A POST may carry an Idempotency-Key: a repeat within 24 hours gives the first answer.'

/** RFC 9457, with what we add to it. */
const problemShape = v.looseObject({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  requestId: v.pipe(v.string(), v.description('The X-Request-Id of the answer.')),
  errors: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          pointer: v.optional(v.string()),
          parameter: v.optional(v.string()),
          header: v.optional(v.string()),
          detail: v.string(),
        }),
      ),
      v.description(
        'What is wrong, by JSON Pointer into the body, by parameter of the query or by header.',
      ),
    ),
  ),
})

function operation(
  route: string,
  description: RouteDescription,
  shapes: ApiRoom['shapes'],
): JsonObject {
  const [method = '', path = ''] = route.split(' ')
  const { summary, details, body, isBodyOptional = false } = description
  const least = leastOf(route)
  return {
    tags: [path.split('/')[1] ?? ''],
    operationId: operationId(method, path),
    summary,
    description: [details, `${WHO[least]}.`].filter((text) => text !== undefined).join(' '),
    parameters: parametersOf(method, path, description),
    ...(body === undefined
      ? {}
      : { requestBody: { required: !isBodyOptional, content: json(toJson(body, BODY)) } }),
    responses: { ...success(description, shapes), ...problems(method, path, least, description) },
    ...(least === 'operator' ? { security: [{ operatorToken: [] }] } : {}),
    ...(least === 'public' ? { security: [] } : {}),
  }
}

const leastOf = (route: string): Access =>
  new Map<string, Access>(Object.entries(API_ROUTES)).get(route) ?? 'operator'

const WHO: Readonly<Record<Access, string>> = {
  public: 'Anybody may call it',
  read_only: 'Takes the role read_only',
  manager: 'Takes the role manager',
  administrator: 'Takes the role administrator',
  billing_admin: 'Takes the role billing_admin',
  operator: 'For the operator of the deployment alone',
}

/** `POST /sources/:id/credentials` -> `postSourcesIdCredentials`. */
const operationId = (method: string, path: string): string =>
  method.toLowerCase() +
  path.replaceAll(/[^A-Za-z]+([A-Za-z])/g, (_, letter: string) => letter.toUpperCase())

const json = (schema: JsonObject): JsonObject => ({ 'application/json': { schema } })
const reference = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` })

function success(
  { answer, media, status }: RouteDescription,
  shapes: ApiRoom['shapes'],
): JsonObject {
  if (answer !== undefined) {
    const schema = toJson(answer, { ...ANSWER, definitions: { ...shapes } })
    return { [status ?? 200]: { description: 'Done.', content: json(schema) } }
  }
  if (media === undefined) return { 204: { description: 'Done; there is nothing to tell.' } }
  const content = media.map((type) => [
    type,
    { schema: { type: type === 'application/json' ? 'object' : 'string' } },
  ])
  return { 200: { description: 'Done.', content: Object.fromEntries(content) } }
}

function problems(
  method: string,
  path: string,
  least: Access,
  { body, conflict, missing }: RouteDescription,
): JsonObject {
  const isPublic = least === 'public'
  // Any POST may carry an Idempotency-Key.
  const isPost = method === 'POST'
  const possible: readonly (readonly [status: number, isPossible: boolean])[] = [
    // Also to a parameter that it does not take.
    [400, !isPublic],
    [401, !isPublic],
    [403, !isPublic && least !== 'read_only'],
    [404, path.includes(':') || missing !== undefined],
    [409, conflict !== undefined || isPost],
    [413, body !== undefined],
    [415, body !== undefined],
    [422, isPost],
    [429, !isPublic],
    [503, true],
  ]
  const answers = possible.filter(([, isPossible]) => isPossible)
  return Object.fromEntries(
    answers.map(([status]) => [status, { $ref: '#/components/responses/Problem' }]),
  )
}

function parametersOf(method: string, path: string, { query }: RouteDescription): JsonObject[] {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const inPath = names.map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = Object.entries(query?.entries ?? {}).map(([name, entry]) => ({
    name,
    in: 'query',
    required: entry.type !== 'optional',
    schema: toJson(entry as v.GenericSchema, BODY),
  }))
  return [...inPath, ...inQuery, ...(method === 'POST' ? [IDEMPOTENCY] : [])]
}

const IDEMPOTENCY: JsonObject = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Up to 200 visible ASCII characters. A repeat of the request with the same key is not carried out again: it gives the first answer.',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,200}$' },
}

/** What TypeScript alone checks (`custom`) is any JSON, but for what its metadata says. */
const anyJson: NonNullable<ConversionConfig['overrideSchema']> = ({ valibotSchema, jsonSchema }) =>
  valibotSchema.type === 'custom' ? jsonSchema : undefined

const CONFIG: ConversionConfig = {
  target: 'draft-2020-12',
  typeMode: 'input',
  // What mends a value before it is validated narrows nothing.
  ignoreActions: ['trim', 'to_lower_case', 'to_upper_case', 'check', 'raw_check', 'partial_check'],
  overrideSchema: anyJson,
}

/** A body is described where it stands: what it may not hold belongs to it. */
const BODY: ConversionConfig = { ...CONFIG, definitions: {} }

/** Clients have to live with members that are added later, so an answer is never closed. */
const ANSWER: ConversionConfig = {
  ...CONFIG,
  overrideSchema: (context) => {
    const { additionalProperties: _, ...open } = context.jsonSchema
    return context.valibotSchema.type === 'strict_object' ? open : anyJson(context)
  },
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
}

function definitions(shapes: ApiRoom['shapes']): JsonObject {
  return plain(toJsonSchemaDefs({ ...shapes }, ANSWER))
}

function toJson(schema: v.GenericSchema, config: ConversionConfig): JsonObject {
  const { $schema: _, $defs: __, ...rest } = toJsonSchema(schema, config)
  return plain(rest)
}

/** As JSON has it: without what is undefined. */
function plain(value: object): JsonObject {
  const parsed: unknown = JSON.parse(JSON.stringify(value))
  return isJsonObject(parsed) ? parsed : {}
}
