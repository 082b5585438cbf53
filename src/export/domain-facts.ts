/** What becomes known of the domains that a tenant has verified by a look at them. Pure. */
import type { Outcome } from '../graph/outcome.ts'
import type { DomainFacts } from '../plan/domain-facts.ts'
import { verifiedDomainsIn } from '../plan/verified-domain.ts'

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
