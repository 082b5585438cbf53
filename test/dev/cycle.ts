/** The recorded Entra ID cycle: reading its files, and filling in what only a run knows (ids, the token). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Exchange } from './recording/exchanges.ts'
import type { ExpectedState } from './recording/expected-state.ts'
import { FIXTURE, type Part } from './recording/generate.ts'
import type { RecordedRequest } from './recording/requests.ts'

export type { Exchange, ExpectedState, Part }

const PARTS = [
  '1-connection.json',
  '2-users.json',
  '3-groups.json',
  '4-references.json',
  '5-changes.json',
  '6-leavers.json',
  '7-group-changes.json',
] as const

const read = (name: string): unknown => JSON.parse(readFileSync(join(FIXTURE, name), 'utf8'))

export const loadCycle = (): readonly Part[] => PARTS.map((name) => read(name) as Part)
export const loadExpected = (): ExpectedState => read('expected.json') as ExpectedState

/** Ids that the server assigned, by the key that the recording gives a resource: `user:adele.vance@contoso.com`. */
export type Ids = ReadonlyMap<string, string>

const PLACEHOLDER = /\{\{(id:)?([^{}]*)\}\}/g

/** The text with its placeholders filled; an id that is not known yet is an error that names it. */
export function fill(text: string, ids: Ids, token: string): string {
  return text.replaceAll(PLACEHOLDER, (whole: string, isId: string | undefined, key: string) => {
    if (isId === undefined && key === 'token') return token
    const id = ids.get(key)
    if (id === undefined) throw new Error(`the recording refers to ${whole}, which has no id yet`)
    return id
  })
}

/** A request as it goes over the wire. */
export function fillRequest(request: RecordedRequest, ids: Ids, token: string): RecordedRequest {
  const headers = Object.entries(request.headers).map(([name, value]) => [
    name,
    fill(value, ids, token),
  ])
  return {
    method: request.method,
    path: fill(request.path, ids, token),
    headers: Object.fromEntries(headers),
    ...(request.body === undefined ? {} : { body: fillDeeply(request.body, ids, token) }),
  }
}

function fillDeeply(value: unknown, ids: Ids, token: string): unknown {
  if (typeof value === 'string') return fill(value, ids, token)
  if (Array.isArray(value)) return value.map((item) => fillDeeply(item, ids, token))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]) => [name, fillDeeply(item, ids, token)])
  return Object.fromEntries(entries)
}

/** Exchanges of one resource, which keep their order; different resources need not wait for each other. */
export function unitsOf(part: Part): readonly (readonly Exchange[])[] {
  const units = new Map<string, Exchange[]>()
  for (const exchange of part.exchanges) {
    const key = exchange.of ?? exchange.name
    const unit = units.get(key)
    if (unit === undefined) units.set(key, [exchange])
    else unit.push(exchange)
  }
  return [...units.values()]
}
