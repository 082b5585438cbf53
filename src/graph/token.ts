/**
 * Access tokens by client credentials (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
 */
import type { Clock } from '../kernel/clock.ts'
import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { assertNever, err, ok, type Result } from '../kernel/result.ts'
import { certificateAssertion } from './assertion.ts'
import {
  classifyTokenFailure,
  NO_ISSUER,
  type AuthFailure,
  type LoginAnswer,
} from './auth-failure.ts'
import { federatedAudience, graphScope } from './clouds.ts'
import type { GatewayIssuer } from './gateway-issuer.ts'

/** What an app registration proves itself with. */
export type Credential =
  | { readonly type: 'client_secret'; readonly secret: string }
  /** PEM texts; the key in PKCS #8. */
  | { readonly type: 'certificate'; readonly certificate: string; readonly privateKey: string }
  /** An assertion of this gateway about `subject`, which the app registration trusts. */
  | { readonly type: 'federated'; readonly subject: string }

/** The app registration through which one directory is reached. */
export interface GraphAccount {
  readonly tenantId: string
  readonly clientId: string
  readonly credential: Credential
  /** When the directory was connected (ms): a consent takes minutes to reach all of Entra ID. */
  readonly connectedAt?: number
}

export interface TokenSource {
  /** A token from the cache or, until `signal` ends the wait, from Entra ID. */
  token(account: GraphAccount, signal?: AbortSignal): Promise<Result<string, AuthFailure>>
  /** Drops a token that Graph refused; another token of the account, fetched meanwhile, stays. */
  forget(account: GraphAccount, token: string): void
}

interface CachedToken {
  readonly token: string
  readonly freshUntil: number
}

/** Tokens by account. Make one per isolate: it may outlive a request, since it holds values and never promises. */
export type TokenCache = Map<string, CachedToken>

/** An empty cache. */
export const createTokenCache = (): TokenCache => new Map()

export interface TokenSourceOptions {
  readonly fetch: typeof fetch
  readonly clock: Clock
  /** `https://login.microsoftonline.com`, a national cloud's host, or an emulator. */
  readonly loginBaseUrl: string
  /** The Graph that the token is for: decides the scope that is asked for. */
  readonly graphBaseUrl: string
  /** Signs the assertions of federated credentials; undefined where the deployment is no issuer. */
  readonly issuer?: GatewayIssuer | undefined
  readonly cache?: TokenCache
  readonly timeoutMs?: number
}

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const TIMEOUT_MS = 20_000
const RENEW_BEFORE_SECONDS = 300
const MOST_CACHED = 200

/**
 * Makes the source of tokens. Two requests that miss the cache together both ask Entra ID: waiting for another request's
 * promise is forbidden on Workers.
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const cache: TokenCache = options.cache ?? createTokenCache()
  const keyOf = (account: GraphAccount) => cacheKey(options.loginBaseUrl, account)
  return {
    async token(account, signal) {
      const key = keyOf(account)
      const cached = cache.get(key)
      if (cached && cached.freshUntil > options.clock.now()) return ok(cached.token)
      const fetched = await fetchToken(options, account, signal)
      if (!fetched.ok) return fetched
      cache.delete(key)
      if (fetched.value.freshUntil > options.clock.now()) remember(cache, key, fetched.value)
      return ok(fetched.value.token)
    },
    forget(account, token) {
      const key = keyOf(account)
      if (cache.get(key)?.token === token) cache.delete(key)
    },
  }
}

/**
 * The credential is part of the key: a token must not be had by naming somebody else's tenant and client, and a secret
 * that was just replaced must be tried, not assumed.
 */
function cacheKey(loginBaseUrl: string, account: GraphAccount): string {
  return JSON.stringify([loginBaseUrl, account.tenantId, account.clientId, account.credential])
}

function remember(cache: TokenCache, key: string, token: CachedToken): void {
  const [oldest] = cache.keys()
  if (cache.size >= MOST_CACHED && oldest !== undefined) cache.delete(oldest)
  cache.set(key, token)
}

async function fetchToken(
  options: TokenSourceOptions,
  account: GraphAccount,
  signal = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
): Promise<Result<CachedToken, AuthFailure>> {
  const url = `${options.loginBaseUrl}/${encodeURIComponent(account.tenantId)}/oauth2/v2.0/token`
  const askedAt = options.clock.now()
  const proof = await proofOf(options, account, url)
  if (!proof.ok) return proof
  const form = {
    client_id: account.clientId,
    scope: graphScope(options.graphBaseUrl),
    grant_type: 'client_credentials',
    ...proof.value,
  }
  const answer = await post(options.fetch, url, new URLSearchParams(form).toString(), signal)
  const accessToken = answer?.status === 200 ? answer.body['access_token'] : undefined
  if (typeof accessToken === 'string')
    return ok({ token: accessToken, freshUntil: freshUntil(askedAt, answer?.body['expires_in']) })
  const sinceConnected = options.clock.now() - (account.connectedAt ?? 0)
  return err(classifyTokenFailure(answer, sinceConnected))
}

type Proof =
  | { readonly client_secret: string }
  | { readonly client_assertion_type: string; readonly client_assertion: string }

/** The part of the form by which the account proves itself. */
async function proofOf(
  { clock, issuer, loginBaseUrl }: TokenSourceOptions,
  { credential, clientId }: GraphAccount,
  tokenUrl: string,
): Promise<Result<Proof, AuthFailure>> {
  const now = clock.now()
  switch (credential.type) {
    case 'client_secret':
      return ok({ client_secret: credential.secret })
    case 'certificate':
      return ok(byAssertion(await certificateAssertion({ ...credential, clientId, tokenUrl, now })))
    case 'federated': {
      const audience = federatedAudience(loginBaseUrl)
      const assertion = await issuer?.assertion(credential.subject, audience, now)
      return assertion === undefined ? err(NO_ISSUER) : ok(byAssertion(assertion))
    }
    default:
      return assertNever(credential)
  }
}

const byAssertion = (assertion: string): Proof => ({
  client_assertion_type: JWT_BEARER,
  client_assertion: assertion,
})

/** Milliseconds until which a token is used: five minutes before its end, or half its life when that is shorter. */
function freshUntil(askedAt: number, expiresIn: unknown): number {
  const seconds = Number(expiresIn)
  if (!(seconds > 0)) return askedAt
  return askedAt + (seconds - Math.min(RENEW_BEFORE_SECONDS, seconds / 2)) * 1000
}

/** The answer of the token endpoint; undefined when there was none. */
async function post(
  fetch: TokenSourceOptions['fetch'],
  url: string,
  body: string,
  signal: AbortSignal,
): Promise<LoginAnswer | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Accept: 'application/json',
      },
      body,
      redirect: 'manual',
      signal,
    })
    const text = await response.text()
    const retryAfter = response.headers.get('Retry-After')
    return { status: response.status, retryAfter, body: parseObject(text) }
  } catch {
    return undefined
  }
}

function parseObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}
