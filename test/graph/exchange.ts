import type { Json } from '../../src/kernel/json.ts'
import type { GraphError } from './errors.ts'

/** One Graph request: a whole HTTP request, or one inside a `$batch`. */
export interface GraphRequest {
  readonly method: string
  /** Absolute; an inner request has the origin of its envelope. */
  readonly url: URL
  readonly headers: Headers
  readonly body: Json | undefined
  /** What was wrong with reading the body; told only to a caller that may ask at all. */
  readonly unreadable?: GraphError
  /** Number of the `$batch` that this request came in. */
  readonly envelope?: number
}

/** What is answered: JSON, text, or nothing. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Json | undefined
  /** The connection's fate, when a fault decided about it. */
  readonly transport?: 'hang-up' | 'truncate'
}

/** The address as clients and fault rules write it: path and query after the version, such as `/users/1?$select=id`. */
export function addressOf(request: GraphRequest): string {
  const path = request.url.pathname.replace(/^\/v1\.0(?=\/|$)/, '')
  return `${path}${request.url.search}`
}

export const answer = (
  status: number,
  body?: Json,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({ status, headers, body })

export const noContent = (): Answer => answer(204)

/** True when a `Prefer` header asks for this. */
export function prefers(request: GraphRequest, preference: string): boolean {
  const values = request.headers.get('prefer')?.split(/[,;]/) ?? []
  return values.some((value) => value.trim().toLowerCase() === preference)
}
