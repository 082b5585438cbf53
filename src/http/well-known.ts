import { Hono } from 'hono'

import type { JsonObject } from '../kernel/json.ts'
import type { AppEnv } from './context.ts'

/** The gateway as an issuer, as far as everybody may know it. */
export interface PublicIssuer {
  readonly issuer: string
  readonly algorithm: string
  readonly publicKey: () => Promise<object>
}

/** Short enough that a new key is known soon, and long enough for whoever asks at every token. */
const CACHED = { 'Cache-Control': 'public, max-age=300' }

/**
 * `/.well-known`: what an app registration reads that trusts this gateway by a federated credential (OpenID Connect Discovery
 * 1.0, section 3; RFC 8414 for the token endpoint). Public; without an issuer there is nothing here.
 */
export function wellKnownRoutes<E extends AppEnv>(issuer: PublicIssuer | undefined): Hono<E> {
  const routes = new Hono<E>()
  routes.get('/openid-configuration', (c) =>
    issuer === undefined ? c.json(NO_ISSUER, 404) : c.json(configurationOf(issuer), 200, CACHED),
  )
  routes.get('/jwks.json', async (c) =>
    issuer === undefined
      ? c.json(NO_ISSUER, 404)
      : c.json({ keys: [await issuer.publicKey()] }, 200, CACHED),
  )
  return routes
}

const configurationOf = ({ issuer, algorithm }: PublicIssuer): JsonObject => ({
  issuer,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  response_types_supported: ['id_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: [algorithm],
  token_endpoint: `${issuer}/oauth/token`,
  token_endpoint_auth_methods_supported: [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
  ],
  grant_types_supported: ['client_credentials'],
})

const NO_ISSUER = {
  title: 'Not found',
  status: 404,
  detail:
    'This gateway issues no tokens. Its operator has to set PUBLIC_URL (the address under which it is reached) and the secret SIGNING_KEY (a private key as JWK).',
}
