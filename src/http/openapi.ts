/** The OpenAPI 3.1 document of the admin API, made of the table of roles and the descriptions of the routes. Pure. */
import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema'
import * as v from 'valibot'

import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { type Access, API_ROUTES, ROLES, ROLES_EXPLAINED } from './access.ts'
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
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key of an administrator (isth_api_…).',
        },
        operatorToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'The deployment secret OPERATOR_TOKEN.',
        },
      },
    },
  }
}

const INTRODUCTION = `Every request carries the key of an administrator: \`Authorization: Bearer isth_api_…\`. The first key of an organization is shown when the operator makes it (\`POST /organizations\`, with the deployment secret OPERATOR_TOKEN in place of a key), others are made by \`POST /api-keys\`. A token of a source (\`isth_scim_…\`) is for \`/scim/v2\` alone.

For example: \`curl -H "Authorization: Bearer $API_KEY" https://your.gateway/api/v1/directories\`

What a key may do is said by its role, which is at most that of its administrator; each role may do what those before it may:
${ROLES_EXPLAINED}

Bodies and answers are JSON, times RFC 3339 in UTC. Lists answer \`items\` and \`nextCursor\`: send that as \`cursor\` for the next page, until it is null. A parameter or a field that a route does not know is refused.

Errors are problem documents (RFC 9457): \`detail\` says why and what to do, \`errors\` where. 400: the request is invalid; 401: no key, or one that does not count; 403: a role that may not; 404: not of this organization; 409: what is there already forbids it; 429 and 503: later, after \`Retry-After\`.

A POST may carry an \`Idempotency-Key\`: a repeat within 24 hours gives the first answer; where that held a secret, 409 with the \`id\` of what was made. Work that takes long answers 202 with a job, and \`GET /jobs/{id}\` tells how far it has come.`

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
  const { summary, details, body, isBodyOptional = false, conflict } = description
  const least = leastOf(route)
  return {
    tags: [path.split('/')[1] ?? ''],
    operationId: operationId(method, path),
    summary,
    description: [details, conflict && `409: ${conflict}`, whoMay(least)]
      .filter((text) => text !== undefined)
      .join('\n\n'),
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

function whoMay(least: Access): string {
  if (least === 'public') return 'Anybody may call it.'
  if (least === 'operator') return 'For the operator of the deployment alone (OPERATOR_TOKEN).'
  if (least === ROLES[0]) return 'Takes a key of any role.'
  const higher = ROLES.slice(ROLES.indexOf(least) + 1)
  const others =
    higher.length === 0 ? '' : ` or higher (${higher.map((role) => `\`${role}\``).join(', ')})`
  return `Takes the role \`${least}\`${others}.`
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
