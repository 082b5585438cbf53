/** Which roles of Microsoft Entra ID an application has, as its own token tells them. */
import { decodeJwt } from 'jose'
import * as v from 'valibot'

/**
 * The built-in roles that reach every account, by the ids of their templates
 * (https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference).
 */
const REACHES_EVERYBODY: ReadonlySet<string> = new Set([
  // Privileged Authentication Administrator
  '7be44c8a-adaf-4e2a-84d6-ab2649e08a13',
  // Global Administrator
  '62e90394-69f5-4237-9190-012177145e10',
])

/**
 * Whether Graph lets the application that a token speaks for change what is sensitive of a privileged account. The claim `wids` names
 * its roles in the whole tenant (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
 */
export function reachesPrivileged(token: string): boolean {
  try {
    const { wids } = decodeJwt(token)
    return v.is(v.array(v.string()), wids) && wids.some((id) => REACHES_EVERYBODY.has(id))
  } catch {
    return false
  }
}
