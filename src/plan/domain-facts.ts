/** What is known of the domains that a tenant has verified, as a directory's row holds it. Pure. */
import * as v from 'valibot'

import type { JsonObject } from '../kernel/json.ts'

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
