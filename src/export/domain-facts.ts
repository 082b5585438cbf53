/** What becomes known of the domains that a tenant has verified by a look at them. Pure. */
import type { Outcome } from '../graph/outcome.ts'
import type { DomainFacts } from '../plan/domain-facts.ts'
import type { UserPlan } from '../plan/planned.ts'
import { verifiedDomainsIn } from '../plan/verified-domain.ts'

/** So long a domain that is missing stays missing. */
export const RECHECK_MS = 5 * 60_000
/** A replay looks again at once, but not for each of the rounds that it takes. */
const JUST_READ_MS = 10_000

/** Whether what a user is sent depends on the domains, or on their being known. */
export function dependsOnDomains(
  facts: DomainFacts | null,
  { failure, writes }: Pick<UserPlan, 'failure' | 'writes'>,
): boolean {
  if (failure?.code === 'domain_not_verified') return true
  return !facts?.verified && writes.some(({ sets }) => typeof sets.email === 'string')
}

/** Whether they are read again for users that depend on them. `isAnyDue`: one of those is due, and did not just change. */
export function isLookDue(facts: DomainFacts | null, isAnyDue: boolean, now: number): boolean {
  if (facts === null) return true
  const age = now - facts.at
  return age >= RECHECK_MS || (age >= JUST_READ_MS && isAnyDue)
}

/** What is known after a look; a look without an answer leaves what was known, and is not repeated at once. */
export function factsFrom(
  outcome: Outcome,
  before: DomainFacts | null,
  now: number,
): DomainFacts | null {
  if (outcome.kind === 'done') {
    const verified = verifiedDomainsIn(outcome.body)
    const missing = (before?.missing ?? []).filter((domain) => !verified.includes(domain))
    return { at: now, verified, missing }
  }
  const isRefused = outcome.kind === 'permanent' || outcome.kind === 'authError'
  if (isRefused) return { at: now, verified: null, missing: before?.missing ?? [] }
  return before === null ? null : { ...before, at: now }
}
