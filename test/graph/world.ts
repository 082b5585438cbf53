import type { JSONWebKeySet } from 'jose'
import type { Counters } from './counters.ts'
import type { Delta } from './delta/settings.ts'
import type { Faults } from './faults.ts'
import type { Lag } from './lag/lag.ts'
import type { Journal } from './journal.ts'
import type { Random } from './random.ts'
import type { Tenant } from './tenant.ts'
import type { Throttle } from './throttle/throttle.ts'

/** Everything that one emulator's parts share. */
export interface World {
  readonly now: () => number
  /** Lets so many milliseconds pass at once. */
  readonly advance: (milliseconds: number) => void
  readonly random: Random
  readonly tenants: ReadonlyMap<string, Tenant>
  readonly faults: Faults
  readonly throttle: Throttle
  readonly delta: Delta
  readonly lag: Lag
  readonly counters: Counters
  readonly journal: Journal
  /** Passes between a request's arrival and its execution, so that requests can overlap. */
  readonly pause: () => Promise<void>
  readonly sleep: (milliseconds: number) => Promise<void>
  /** Whether the second of two overlapping writes on one object gets a 409, or is only counted. */
  readonly rejectOverlaps: boolean
  readonly tokenLifetimeSeconds: number
  /** The public keys of an issuer that a federated credential names. */
  readonly issuerKeys: (issuer: string) => Promise<JSONWebKeySet>
  /** Whether a client assertion that comes again is refused, or only counted. */
  readonly rejectReplayedAssertions: boolean
  /** Tokens of an older generation are refused. */
  tokenGeneration: number
}

/** The tenant of an id or of one of its domains. */
export function findTenant(world: World, name: string): Tenant | undefined {
  const folded = name.toLowerCase()
  const byId = world.tenants.get(folded)
  if (byId) return byId
  return [...world.tenants.values()].find((tenant) => tenant.domain(folded) !== undefined)
}

/** A time as Graph writes it, to the second. */
export const toGraphTime = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
