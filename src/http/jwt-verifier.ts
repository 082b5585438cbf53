/** Verifies JWTs of other issuers with the keys that these publish (OpenID Connect Discovery 1.0, RFC 7517). */
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import * as v from 'valibot'

import { err, ok, type Result } from '../kernel/result.ts'
import { isKeyAddress, isTrusted, readClaims, type Trust } from './jwt-trust.ts'
import { readBytes } from './read-body.ts'

/** `unreachable`: the issuer's keys cannot be had now; the same token may be good later. */
export type JwtFault = 'refused' | 'unreachable'

export interface JwtVerifier {
  /** Until when (ms) a token counts that its issuer signed, that is valid now and that says what is trusted. */
  verify(token: string, trust: Trust, now: number): Promise<Result<number, JwtFault>>
}

/** Asymmetric ones only: a key that everybody may read must not be taken for a shared secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
const SKEW_SECONDS = 60

const FRESH_MS = 3_600_000
/** A key that is not known may be a new one; but whoever sends nonsense makes us ask no more often than this. */
const ASK_AGAIN_MS = 30_000
/** So long known keys are used of an issuer that does not answer. */
const STALE_MS = 24 * 3_600_000
const MAX_ISSUERS = 100
const TIMEOUT_MS = 5_000
const MAX_BYTES = 256 * 1024

interface KnownKeys {
  readonly keys: JSONWebKeySet
  readonly readAt: number
}

/** Makes a verifier. It holds keys, and no promises, so it may live as long as the isolate. */
export function createJwtVerifier(fetch: typeof globalThis.fetch): JwtVerifier {
  const known = new Map<string, KnownKeys>()
  const askedAt = new Map<string, number>()

  async function keysOf(issuer: string, now: number, maxAgeMs: number) {
    const held = known.get(issuer)
    if (held !== undefined && now - held.readAt < maxAgeMs) return held.keys
    const stale = held !== undefined && now - held.readAt < STALE_MS ? held.keys : undefined
    if (now - (askedAt.get(issuer) ?? -Infinity) < ASK_AGAIN_MS) return stale
    // Where nothing is held yet, whoever comes meanwhile has to ask as well: a promise of another request is not to be had.
    if (stale !== undefined) remember(askedAt, issuer, now)
    const keys = await fetchKeys(fetch, issuer)
    remember(askedAt, issuer, now)
    if (keys === undefined) return stale
    remember(known, issuer, { keys, readAt: now })
    return keys
  }

  return {
    async verify(token, trust, now) {
      const claims = readClaims(token)
      // Nobody makes us ask an issuer by a token that would be refused anyway.
      if (claims === undefined || !isTrusted(claims, trust)) return err('refused')
      for (const maxAgeMs of [FRESH_MS, 0]) {
        const keys = await keysOf(trust.issuer, now, maxAgeMs)
        if (keys === undefined) return err('unreachable')
        const verified = await verifyWith(keys, token, trust.issuer, now)
        if (verified === 'refused') return err('refused')
        if (verified === 'verified') return ok((claims.expiresAt + SKEW_SECONDS) * 1000)
      }
      return err('refused')
    },
  }
}

async function verifyWith(
  keys: JSONWebKeySet,
  token: string,
  issuer: string,
  now: number,
): Promise<'verified' | 'refused' | 'unknown_key'> {
  try {
    await jwtVerify(token, createLocalJWKSet(keys), {
      algorithms: ALGORITHMS,
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(now),
      issuer,
      requiredClaims: ['exp'],
    })
    return 'verified'
  } catch (thrown) {
    return thrown instanceof errors.JWKSNoMatchingKey ? 'unknown_key' : 'refused'
  }
}

const configurationSchema = v.object({ issuer: v.string(), jwks_uri: v.string() })
const keySetSchema = v.object({
  keys: v.pipe(v.array(v.looseObject({ kty: v.string() })), v.maxLength(100)),
})

async function fetchKeys(
  fetch: typeof globalThis.fetch,
  issuer: string,
): Promise<JSONWebKeySet | undefined> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const configuration = v.safeParse(configurationSchema, await fetchJson(fetch, address))
  // Whoever publishes the keys has to be the one that is trusted (section 4.3).
  if (!configuration.success || configuration.output.issuer !== issuer) return undefined
  const keys = v.safeParse(keySetSchema, await fetchJson(fetch, configuration.output.jwks_uri))
  return keys.success ? keys.output : undefined
}

/** Undefined for whatever is no JSON of an acceptable size from an acceptable place. */
async function fetchJson(fetch: typeof globalThis.fetch, address: string): Promise<unknown> {
  if (!isKeyAddress(address)) return undefined
  try {
    const response = await fetch(address, {
      headers: { Accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const bytes = await readBytes(response, MAX_BYTES)
    return response.ok && bytes !== undefined
      ? JSON.parse(new TextDecoder().decode(bytes))
      : undefined
  } catch {
    return undefined
  }
}

function remember<T>(values: Map<string, T>, key: string, value: T): void {
  values.delete(key)
  const [oldest] = values.keys()
  if (values.size >= MAX_ISSUERS && oldest !== undefined) values.delete(oldest)
  values.set(key, value)
}
