/**
 * The gateway as an issuer of its own (OpenID Connect Discovery): an app registration that trusts it by a federated credential
 * needs no secret, and nothing is stored here that could be stolen or expire.
 */
import { calculateJwkThumbprint, importJWK, type JWK, SignJWT } from 'jose'

import { isJsonObject } from '../kernel/json.ts'
import { ASSERTION_SECONDS } from './assertion.ts'

/** A private key as JSON. Entra ID takes what an RSA key signed; P-256 is for other relying parties. */
export type SigningKey = JWK & { readonly kty: 'RSA' | 'EC' }

const PRIVATE_MEMBERS = {
  RSA: ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'],
  EC: ['x', 'y', 'd'],
} as const
const ALGORITHMS = { RSA: 'RS256', EC: 'ES256' } as const

/** What a SIGNING_KEY has to be, for whoever reads that theirs is not. */
export const SIGNING_KEY_RULE =
  'must be a private key as JSON (JWK): an RSA key of 2048 bits or more with all its members, or an EC key on P-256'

/** Whether a value is such a key; its numbers are checked when it is first used. */
export function isSigningKey(value: unknown): value is SigningKey {
  if (!isJsonObject(value)) return false
  const { kty, crv, n } = value
  if (kty !== 'RSA' && !(kty === 'EC' && crv === 'P-256')) return false
  if (!PRIVATE_MEMBERS[kty].every((name) => typeof value[name] === 'string')) return false
  // 2048 bits are 342 characters of base64url.
  return kty === 'EC' || (typeof n === 'string' && n.length >= 342)
}

export interface GatewayIssuer {
  readonly issuer: string
  readonly algorithm: string
  /** The public half of the key, and nothing of the private one. */
  publicKey(): Promise<JWK>
  /** A token that says: the bearer is `subject`, known to this gateway. Undefined when the key turns out to be broken. */
  assertion(subject: string, audience: string, now: number): Promise<string | undefined>
}

/** The subject of a directory in its assertions: never given to another. */
export const federatedSubject = (directoryId: string): string => `directory:${directoryId}`

/** Makes the issuer of this deployment; `issuer` is its PUBLIC_URL. */
export function createGatewayIssuer(issuer: string, key: SigningKey): GatewayIssuer {
  const algorithm = ALGORITHMS[key.kty]
  const keyId = async () => key.kid ?? calculateJwkThumbprint(key)
  return {
    issuer,
    algorithm,
    async publicKey() {
      const { kty } = key
      const shared = { kty, kid: await keyId(), alg: algorithm, use: 'sig' }
      // Named one by one: whatever else the key holds stays here.
      return kty === 'RSA'
        ? { ...shared, ...defined({ n: key.n, e: key.e }) }
        : { ...shared, ...defined({ crv: key.crv, x: key.x, y: key.y }) }
    },
    async assertion(subject, audience, now) {
      const issued = Math.floor(now / 1000)
      const token = new SignJWT()
        .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: await keyId() })
        .setIssuer(issuer)
        .setSubject(subject)
        .setAudience(audience)
        .setJti(crypto.randomUUID())
        .setIssuedAt(issued)
        .setNotBefore(issued)
        .setExpirationTime(issued + ASSERTION_SECONDS)
      return signed(token, key)
    },
  }
}

/** Undefined for a key whose numbers are no key. */
async function signed(token: SignJWT, key: SigningKey): Promise<string | undefined> {
  try {
    return await token.sign(await importJWK(key, ALGORITHMS[key.kty]))
  } catch {
    return undefined
  }
}

const defined = (members: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  )
