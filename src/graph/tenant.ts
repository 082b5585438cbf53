/** Which tenant of Microsoft Entra ID a name stands for: a tenant has one id, and any number of domains. */
import { decodeJwt } from 'jose'
import * as v from 'valibot'

const TENANT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIMEOUT_MS = 5_000

/** Whether a name (in lower case) is the id of a tenant, and no domain. */
export const isTenantId = (name: string): boolean => TENANT_ID.test(name)

const configurationSchema = v.object({ issuer: v.pipe(v.string(), v.url()) })

/**
 * The id of the tenant that a name (in lower case) stands for. Entra ID tells it to everybody, in the issuer of a domain's
 * discovery document (https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc). Null when it does not answer, or
 * knows no such domain.
 */
export async function findTenantId(
  fetch: typeof globalThis.fetch,
  loginBaseUrl: string,
  name: string,
): Promise<string | null> {
  if (isTenantId(name)) return name
  const address = `${loginBaseUrl}/${encodeURIComponent(name)}/v2.0/.well-known/openid-configuration`
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(address, { redirect: 'manual', signal })
    const read = v.safeParse(configurationSchema, await response.json())
    if (!read.success) return null
    const segments = new URL(read.output.issuer).pathname.toLowerCase().split('/')
    return segments.find(isTenantId) ?? null
  } catch {
    return null
  }
}

/** The id of the tenant that a token of Entra ID was issued by; undefined when it does not say. */
export function tenantOfToken(token: string): string | undefined {
  try {
    const tenant = String(decodeJwt(token)['tid']).toLowerCase()
    return isTenantId(tenant) ? tenant : undefined
  } catch {
    return undefined
  }
}
