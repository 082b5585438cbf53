/**
 * A userPrincipalName is taken only in a domain that the tenant has verified. Whoever wants another one is told so before
 * anything is sent: it can be neither created nor renamed, and keeps the name it has.
 */
import { foldCase } from '../kernel/fold.ts'
import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'
import type { DesiredUser } from './desired-user.ts'
import type { UserPlanInput } from './planned.ts'
import type { Problem } from './problem.ts'
import { knownValue } from './snapshot.ts'

/** The domain of a userPrincipalName, folded. */
export const domainOf = (name: string): string => foldCase(name.slice(name.lastIndexOf('@') + 1))

/** The verified domains that Graph's list of a tenant's domains names, folded. */
export function verifiedDomainsIn(body: Json | undefined): string[] {
  const value = isJsonObject(body) ? body['value'] : undefined
  const domains = (isJsonArray(value) ? value : []).filter((domain) => isJsonObject(domain))
  return domains.flatMap(({ id, isVerified }) =>
    typeof id === 'string' && isVerified === true ? [foldCase(id)] : [],
  )
}

/** Withholds a name whose domain is not verified, with the reason. Where the domains are not known, Graph judges. */
export function withVerifiedName(
  { binding, directions, verifiedDomains }: UserPlanInput,
  desired: DesiredUser,
): DesiredUser {
  const { email, ...others } = desired.values
  if (verifiedDomains === undefined || typeof email !== 'string') return desired
  const domain = domainOf(email)
  if (verifiedDomains.has(domain)) return desired
  const known = knownValue('email', binding, directions)
  if (known.state === 'known' && known.value === email) return desired
  return { ...desired, values: others, failure: notVerified(domain) }
}

const notVerified = (domain: string): Problem => ({
  code: 'domain_not_verified',
  attribute: 'email',
  domain,
  message: `The domain ${domain} is not verified in this Microsoft 365 tenant, so no sign-in name in it is accepted.`,
  whatToDo: `Verify ${domain} in the Microsoft 365 admin center: the users who wait for it follow within some minutes, or at once when the failures are replayed. Or give them an address in a verified domain.`,
})
