/** What is known of the domains that a tenant has verified. Pure. */
import * as v from 'valibot'

import type { Outcome } from '../graph/outcome.ts'
import type { JsonObject } from '../kernel/json.ts'
import { verifiedDomainsIn } from '../plan/verified-domain.ts'

const factsSchema = v.object({
  /** When they were read. */
  at: v.number(),
  /** Folded; null when they cannot be read: then Graph judges every name. */
  verified: v.nullable(v.array(v.string())),
  /** Domains that users wait for, each told in an event of its own. */
  missing: v.array(v.string()),
})

export type DomainFacts = v.InferOutput<typeof factsSchema>

/** What is stored of the domains; null when they were never read. */
export const readDomainFacts = (stored: JsonObject | null): DomainFacts | null =>
  stored === null ? null : v.parse(factsSchema, stored)

/** The domains as the planner takes them; undefined when they are not known. */
export const verifiedDomains = (facts: DomainFacts | null): ReadonlySet<string> | undefined =>
  facts?.verified ? new Set(facts.verified) : undefined

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
