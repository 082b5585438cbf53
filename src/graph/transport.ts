/** The only file that talks to Microsoft Graph (`token.ts` talks to Entra ID's login). */
import type { Clock } from '../kernel/clock.ts'
import type { Json } from '../kernel/json.ts'
import { refusedToken, type AuthFailure } from './auth-failure.ts'
import { withDeadline } from './deadline.ts'
import { parseGraphError } from './graph-error.ts'
import type { GraphRequest } from '../plan/requests.ts'
import type { GraphAccount, TokenSource } from './token.ts'

/** Header names in lower case. */
export type GraphHeaders = Readonly<Record<string, string>>

/**
 * `answered`: Graph answered and its body was read (undefined: none, or no JSON). `unanswered`: whether the request was
 * carried out is not known. `auth_failed`: it was not.
 */
export type TransportAnswer =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: GraphHeaders
      readonly body: Json | undefined
      readonly requestId?: string
    }
  | {
      readonly kind: 'unanswered'
      readonly why: 'timeout' | 'network' | 'truncated'
      readonly requestId?: string
    }
  | { readonly kind: 'auth_failed'; readonly failure: AuthFailure }

/** Sends requests to one Microsoft 365 tenant, as one application. */
export interface Transport {
  /**
   * Sends a request, getting a token first, and once more with a new token after a 401. All of it ends within the
   * timeout: a write that is still under way when its sender's lease has expired could overtake a later one.
   */
  send(request: GraphRequest): Promise<TransportAnswer>
  /** Drops the token in use: an inner answer of a batch said that it is no longer valid. */
  renewToken(): void
}

export interface TransportOptions {
  readonly fetch: typeof fetch
  readonly clock: Clock
  readonly tokenSource: TokenSource
  readonly account: GraphAccount
  /** With the version segment: `https://graph.microsoft.com/v1.0`. */
  readonly graphBaseUrl: string
  readonly timeoutMs?: number
  readonly newRequestId?: () => string
}

interface Call {
  readonly request: GraphRequest
  readonly signal: AbortSignal
}

type Sent = Exclude<TransportAnswer, { kind: 'auth_failed' }>

/** How long a request to Graph may take: what a lease must outlast. */
export const REQUEST_TIMEOUT_MS = 20_000

/** Makes the transport of one directory. Its requests share one token, and nothing else. */
export function createTransport(options: TransportOptions): Transport {
  const { tokenSource, account } = options
  let lastToken = ''
  return {
    send: (request) =>
      withDeadline(options.timeoutMs ?? REQUEST_TIMEOUT_MS, async (signal) => {
        const call = { request, signal }
        const token = await tokenSource.token(account, signal)
        if (!token.ok) return { kind: 'auth_failed', failure: token.error }
        lastToken = token.value
        const answer = await sendOnce(options, call, token.value)
        if (answer.kind !== 'answered' || answer.status !== 401) return answer
        // A 401 carried nothing out, so sending once more is safe whatever the method.
        tokenSource.forget(account, token.value)
        const fresh = await tokenSource.token(account, signal)
        if (!fresh.ok) return { kind: 'auth_failed', failure: fresh.error }
        lastToken = fresh.value
        return asAuthFailure(options, await sendOnce(options, call, fresh.value), fresh.value)
      }),
    renewToken() {
      tokenSource.forget(account, lastToken)
    },
  }
}

/** A fresh token that Graph refuses too is a matter for an administrator. */
function asAuthFailure(options: TransportOptions, answer: Sent, token: string): TransportAnswer {
  if (answer.kind !== 'answered' || answer.status !== 401) return answer
  options.tokenSource.forget(options.account, token)
  const { code, requestId } = parseGraphError(answer.body, answer.headers)
  const sinceConnected = options.clock.now() - (options.account.connectedAt ?? 0)
  return {
    kind: 'auth_failed',
    failure: refusedToken(code || 'http_401', requestId, sinceConnected),
  }
}

async function sendOnce(options: TransportOptions, call: Call, token: string): Promise<Sent> {
  const { request, signal } = call
  // Not called as a method: on Workers `fetch` refuses to have a `this`.
  const { fetch } = options
  const clientRequestId = (options.newRequestId ?? (() => crypto.randomUUID()))()
  const url = resolveUrl(options.graphBaseUrl, request.url)
  let response: Response | undefined
  try {
    response = await fetch(url, {
      method: request.method,
      headers: {
        Accept: 'application/json',
        ...(request.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...request.headers,
        Authorization: `Bearer ${token}`,
        'client-request-id': clientRequestId,
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      // The token goes to the configured host and to no other.
      redirect: 'manual',
      signal,
    })
    // The signal covers the body too: an answer that stalls half-way is a timeout.
    return readAnswer(response, await response.text())
  } catch {
    const why = signal.aborted ? 'timeout' : response ? 'truncated' : 'network'
    const requestId = response?.headers.get('request-id') ?? clientRequestId
    return { kind: 'unanswered', why, requestId }
  }
}

function readAnswer(response: Response, text: string): Sent {
  const headers = Object.fromEntries([...response.headers].map(([n, v]) => [n.toLowerCase(), v]))
  const requestId = headers['request-id'] ?? headers['client-request-id']
  const id = requestId === undefined ? {} : { requestId }
  const body = parseJson(text)
  // A success whose body ends early may be any success. Of a failure the status says enough.
  if (response.ok && text !== '' && body === undefined && isJson(headers['content-type']))
    return { kind: 'unanswered', why: 'truncated', ...id }
  return { kind: 'answered', status: response.status, headers, body, ...id }
}

const isJson = (contentType: string | undefined): boolean =>
  contentType === undefined || /\bjson\b/i.test(contentType)

function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

/** Relative URLs are below the base; a link that Graph gave is followed on the base's own host only. */
function resolveUrl(base: string, url: string): string {
  if (url.startsWith('/')) return base.replace(/\/$/, '') + url
  if (new URL(url).origin === new URL(base).origin) return url
  throw new Error(`a link leads away from ${new URL(base).origin}; it is not followed`)
}
