/** Requests of the operator's command line: JSON in, JSON out. */
import { err, ok, type Result } from '../../../src/kernel/result.ts'
import type { Connection } from './connection.ts'

/** What is printed of a request that failed, as a problem document (RFC 9457) has it. */
export interface Failure {
  readonly title: string
  readonly status?: number
  readonly detail: string
}

export interface Request {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  /** With the operator's token; else with the API key. */
  readonly isOperators?: boolean
}

export type Call = (request: Request) => Promise<Result<unknown, Failure>>

/** Makes the function that sends requests. A POST carries a key of its own, so that nothing repeats it unnoticed. */
export function createCall(
  connection: Connection,
  ports: { readonly fetch: typeof fetch; readonly newKey: () => string },
): Call {
  return async ({ method, path, body, isOperators = false }) => {
    const token = isOperators ? connection.operatorToken : connection.apiKey
    if (token === undefined)
      return err({ title: 'No credential', detail: isOperators ? NO_OPERATOR : NO_KEY })
    try {
      const response = await ports.fetch(`${connection.url}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(method === 'POST' ? { 'Idempotency-Key': ports.newKey() } : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return await read(response)
    } catch {
      return err({ title: 'No answer', detail: `${connection.url} ${NO_ANSWER}` })
    }
  }
}

const NO_KEY =
  'API_KEY in the environment is empty or missing: set it to a key of an administrator (isth_api_…).'
const NO_OPERATOR =
  'OPERATOR_TOKEN in the environment is empty or missing: set it to the deployment secret of that name.'
const NO_ANSWER = 'does not answer. Is it running (npm run dev), and is the address right (--url)?'

async function read(response: Response): Promise<Result<unknown, Failure>> {
  const text = await response.text()
  const isJson = /^application\/(?:problem\+)?json/.test(response.headers.get('Content-Type') ?? '')
  const body: unknown = isJson && text !== '' ? JSON.parse(text) : text
  if (response.ok) return ok(text === '' ? { status: response.status } : body)
  return isJson
    ? err(body as Failure)
    : err({ title: 'Refused', status: response.status, detail: text.slice(0, 300) })
}

/** So many items the gateway gives a page at most. */
const LONGEST_PAGE = 200

/** Every item of a list, page by page; of a long one `enough` at most, and whether there are more. */
export async function callAll(
  call: Call,
  path: string,
  enough = Number.POSITIVE_INFINITY,
): Promise<Result<unknown, Failure>> {
  const items: unknown[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    if (items.length >= enough) return ok({ items, more: true })
    const url = new URL(path, 'http://list')
    const left = enough - items.length
    if (Number.isFinite(left)) url.searchParams.set('limit', String(Math.min(left, LONGEST_PAGE)))
    if (cursor !== '') url.searchParams.set('cursor', cursor)
    const page = await call({ method: 'GET', path: `${url.pathname}${url.search}` })
    if (!page.ok) return page
    const body = page.value as { items: unknown[]; nextCursor: string | null }
    items.push(...body.items)
    cursor = body.nextCursor
  }
  return ok({ items })
}
