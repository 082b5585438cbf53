/** A SCIM client for checks: unique names, loose requests, and an end that deletes what was created. */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/kernel/json.ts'
import type { Target } from './target.ts'
import { PATCH_OP, USER, GROUP } from './urns.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body; empty when there is none, or none that is a JSON object. */
  readonly body: JsonObject
}

export type HeaderFields = Readonly<Record<string, string>>

/** A header with the value `none` is not sent. */
type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: HeaderFields,
) => Promise<Answer>

export interface Scim {
  readonly target: Target
  /** Begins every name of this check. */
  readonly prefix: string
  /** `ann` as a name that nobody else uses. */
  readonly name: (base: string) => string
  readonly send: Send
  readonly get: (path: string, headers?: HeaderFields) => Promise<Answer>
  readonly post: (path: string, body: unknown, headers?: HeaderFields) => Promise<Answer>
  readonly put: (path: string, body: unknown, headers?: HeaderFields) => Promise<Answer>
  readonly patch: (path: string, operations: unknown, headers?: HeaderFields) => Promise<Answer>
  readonly delete: (path: string, headers?: HeaderFields) => Promise<Answer>
  /** `GET /Users?filter=…`, encoded; further parameters as they are. */
  readonly query: (endpoint: string, filter: string, more?: string) => Promise<Answer>
  /** Creates a user called `base` and gives it back as it was answered. */
  readonly user: (base: string, more?: JsonObject) => Promise<Resource>
  readonly group: (base: string, more?: JsonObject) => Promise<Resource>
  readonly cleanUp: () => Promise<void>
}

export interface Resource extends JsonObject {
  readonly id: string
}

let opened = 0

export function openScim(target: Target): Scim {
  // Digits only, so that no filter of a fixture finds a letter of it; of one length, so that none begins another.
  const prefix = `cf-${target.run}-${process.pid}-${String(opened++).padStart(4, '0')}`
  const created: string[] = []
  const send: Send = async (method, path, body, headers) => {
    const answer = await request(target, method, path, body, headers)
    created.push(...createdBy(method, path, answer))
    return answer
  }
  const name = (base: string): string => `${prefix}-${base}`
  const create = async (path: string, body: JsonObject): Promise<Resource> => {
    const answer = await send('POST', path, body)
    if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`)
    return answer.body as Resource
  }
  return {
    target,
    prefix,
    name,
    send,
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body, headers) => send('POST', path, body, headers),
    put: (path, body, headers) => send('PUT', path, body, headers),
    patch: (path, operations, headers) =>
      send('PATCH', path, { schemas: [PATCH_OP], Operations: operations }, headers),
    delete: (path, headers) => send('DELETE', path, undefined, headers),
    query: (endpoint, filter, more = '') =>
      send('GET', `${endpoint}?filter=${encodeURIComponent(filter)}${more}`),
    user: (base, more) => create('/Users', { ...newUser(name(base)), ...more }),
    group: (base, more) =>
      create('/Groups', { schemas: [GROUP], displayName: name(base), ...more }),
    cleanUp: async () => {
      await Promise.all(created.map((path) => request(target, 'DELETE', path)))
      created.length = 0
    },
  }
}

/** The least that every server takes, whatever it demands of users. */
export function newUser(userName: string): JsonObject {
  return {
    schemas: [USER],
    userName,
    externalId: `${userName}-ext`,
    displayName: 'Test User',
    name: { givenName: 'Test', familyName: 'User' },
    emails: [{ type: 'work', primary: true, value: `${userName}@example.com` }],
    active: true,
  }
}

async function request(
  target: Target,
  method: string,
  path: string,
  body?: unknown,
  headers: HeaderFields = {},
): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const all: Record<string, string> = {
    Authorization: `Bearer ${target.token}`,
    ...(body === undefined ? {} : { 'Content-Type': 'application/scim+json' }),
    ...headers,
  }
  const sent = Object.entries(all).filter(([, value]) => value !== 'none')
  const response = await fetch(path.startsWith('http') ? path : `${target.url}${path}`, {
    method,
    headers: sent.map(([name, value]): [string, string] => [name, value]),
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: parse(text) }
}

function parse(text: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text)
    return isJsonObject(parsed) ? parsed : {}
  } catch {
    return {}
  }
}

/** The paths of what a request created, alone or in a bulk. */
function createdBy(method: string, path: string, { status, body }: Answer): string[] {
  if (method !== 'POST') return []
  if (status === 201 && typeof body['id'] === 'string')
    return [`${/^\/+groups/i.test(path) ? '/Groups' : '/Users'}/${body['id']}`]
  const operations = /^\/bulk/i.test(path) ? body['Operations'] : undefined
  if (!isJsonArray(operations)) return []
  return operations
    .map((operation) => textAt(operation, 'location'))
    .filter((location) => location !== '')
    .map((location) => location.replace(/^.*(?=\/(?:Users|Groups)\/[^/]+$)/, ''))
}

/** What stands at a path such as `Resources.0.name.givenName`; undefined when nothing does. */
export function at(value: Json | undefined, path: string): Json | undefined {
  let found = value
  for (const name of path.split('.')) {
    if (isJsonArray(found)) found = found[Number(name)]
    else found = isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined
  }
  return found
}

/** The text that stands there; empty when there is none. */
export function textAt(value: Json | undefined, path: string): string {
  const found = at(value, path)
  return typeof found === 'string' ? found : ''
}

/** The resources of a list. */
export function resourcesOf({ body }: Answer): readonly Resource[] {
  const resources = body['Resources']
  return isJsonArray(resources) ? (resources as readonly Resource[]) : []
}

/** Deletes what a run left behind on a server that others use too. */
export async function sweep(target: Target): Promise<void> {
  for (const [endpoint, attribute] of [
    ['/Users', 'userName'],
    ['/Groups', 'displayName'],
  ] as const) {
    const filter = encodeURIComponent(`${attribute} sw "cf-${target.run}-"`)
    const left = await request(target, 'GET', `${endpoint}?filter=${filter}&attributes=id`)
    for (const { id } of resourcesOf(left)) await request(target, 'DELETE', `${endpoint}/${id}`)
  }
}
