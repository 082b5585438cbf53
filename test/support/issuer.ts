/** An issuer of tokens as a federated credential trusts one: it publishes its keys, and signs. */
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose'

export interface TestIssuer {
  readonly issuer: string
  /** Answers for the issuer's addresses, and for nothing else. */
  readonly fetch: typeof fetch
  /** How often it was asked for anything. */
  asked: number
  /** Whether it answers at all. */
  isDown: boolean
  /** A token for five minutes after `now`; claims and header may be anything. */
  sign(now: number, claims: JWTPayload, header?: { alg?: string; kid?: string }): Promise<string>
  /** From now on it signs with another key, and publishes that one. */
  rotate(kid: string): Promise<void>
  /** The public key that it publishes, as JWK. */
  publicKey(): object
}

export async function testIssuer(issuer: string): Promise<TestIssuer> {
  let keys: { kid: string; privateKey: CryptoKey; jwk: object }
  const made: TestIssuer = {
    issuer,
    asked: 0,
    isDown: false,
    fetch: async (input) => {
      made.asked += 1
      if (made.isDown) throw new TypeError('network connection lost')
      const base = issuer.replace(/\/$/, '')
      const url = input instanceof Request ? input.url : String(input)
      if (url === `${base}/.well-known/openid-configuration`)
        return Response.json({ issuer, jwks_uri: `${base}/keys` })
      if (url === `${base}/keys`) return Response.json({ keys: [keys.jwk] })
      return new Response('not found', { status: 404 })
    },
    async sign(now, claims, { alg = 'RS256', kid = keys.kid } = {}) {
      const seconds = Math.floor(now / 1000)
      return new SignJWT({ iss: issuer, iat: seconds, exp: seconds + 300, ...claims })
        .setProtectedHeader({ alg, kid })
        .sign(keys.privateKey)
    },
    async rotate(kid) {
      const { privateKey, publicKey } = await generateKeyPair('RS256')
      keys = { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256' } }
    },
    publicKey: () => keys.jwk,
  }
  await made.rotate('key-1')
  return made
}
