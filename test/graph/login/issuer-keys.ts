import type { JSONWebKeySet } from 'jose'

/** The public keys of an issuer, found as OpenID Connect Discovery says; rejects when it has none. */
export async function fetchIssuerKeys(issuer: string): Promise<JSONWebKeySet> {
  const configuration = await getJson(
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
  )
  return (await getJson(String(configuration['jwks_uri']))) as unknown as JSONWebKeySet
}

async function getJson(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as Record<string, unknown>
}
