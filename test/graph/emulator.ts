import type { Hono } from 'hono'
import type { JSONWebKeySet } from 'jose'
import type { LogEntry } from './changes.ts'
import {
  type MembersChange,
  type SeedPlan,
  type TenantSummary,
  type UserChange,
  changeGroup,
  changeUser,
  seed,
  summary,
} from './control.ts'
import { Counters } from './counters.ts'
import { Delta, type DeltaOptions } from './delta/settings.ts'
import { demoTenant } from './demo.ts'
import { Faults } from './faults.ts'
import { graphApp } from './http.ts'
import { Journal } from './journal.ts'
import { type Random, seededRandom } from './random.ts'
import { Lag, type LagOptions } from './lag/lag.ts'
import { fetchIssuerKeys } from './login/issuer-keys.ts'
import type { AppSettings, TenantSettings } from './settings.ts'
import { Tenant } from './tenant.ts'
import type { ThrottleOptions } from './throttle/settings.ts'
import { Throttle } from './throttle/throttle.ts'
import { type World, findTenant } from './world.ts'

export { DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_TENANT_ID, demoTenant } from './demo.ts'
export { HangUp } from './http.ts'

/** A log entry together with the tenant it belongs to: the unit of persistence. */
export interface TenantEntry {
  readonly tenant: string
  readonly entry: LogEntry
}

export interface EmulatorOptions {
  /** Default: the demo tenant alone. */
  readonly tenants?: readonly TenantSettings[]
  /** Milliseconds; default a clock that stands still at 2026-01-01. */
  readonly now?: () => number
  readonly seed?: number
  /** Keeps an entry before it is answered; when it throws, nothing has happened. */
  readonly persist?: (entry: TenantEntry) => void
  /** What `persist` kept earlier, in the same order. */
  readonly history?: readonly TenantEntry[]
  /** Milliseconds of real time that each request takes, so that careless writers overlap; default 0. */
  readonly latency?: number | Latency
  /** Throttles from the start, `{}` as Microsoft does; default: not before it is configured. */
  readonly throttle?: ThrottleOptions
  /** How delta queries behave; default: pages of 200 rows, nothing by chance. */
  readonly delta?: DeltaOptions
  /** Reads lag behind writes from the start, `{}` by up to 10 seconds; default: not before it is configured. */
  readonly lag?: LagOptions
  /** Answer 409 to the second of two overlapping writes on one object; default: only count it. */
  readonly rejectOverlaps?: boolean
  /** Default 3599. */
  readonly tokenLifetimeSeconds?: number
  /** Where the keys of an issuer come from that an app trusts by a federated credential; default: from its discovery document. */
  readonly issuerKeys?: (issuer: string) => Promise<JSONWebKeySet>
  /** Refuse a client assertion that is presented again; default: only count it, since Entra ID accepts it until it expires. */
  readonly rejectReplayedAssertions?: boolean
  /** How many requests the journal keeps; default 10,000. */
  readonly journalLimit?: number
}

/** Half of the requests take `p50` milliseconds or less, all but one of twenty `p95` or less. */
export interface Latency {
  readonly p50: number
  readonly p95: number
}

/** A Microsoft Graph of one's own. */
export interface GraphEmulator {
  readonly app: Hono
  /** Answers a request in this process; rejects with `HangUp` where a connection would drop. */
  readonly fetch: (request: Request) => Promise<Response>
  readonly faults: Faults
  readonly throttle: Throttle
  readonly delta: Delta
  readonly lag: Lag
  readonly counters: Counters
  readonly journal: Journal
  /** A tenant by id or domain; without a name the first. */
  readonly tenant: (name?: string) => Tenant
  readonly summary: (tenant?: string) => TenantSummary
  readonly seed: (plan: SeedPlan, tenant?: string) => { users: string[]; groups: string[] }
  readonly changeUser: (id: string, change: UserChange, tenant?: string) => void
  readonly changeGroup: (id: string, change: MembersChange, tenant?: string) => void
  /** Changes an application's secrets, certificates, permissions; null takes the tenant's consent back. */
  readonly changeApp: (
    clientId: string,
    change: Partial<AppSettings> | null,
    tenant?: string,
  ) => void
  /** The consent is as it was in the beginning. */
  readonly restoreConsent: (tenant?: string) => void
  /** Lets so many seconds pass, beside the clock that was passed in. */
  readonly advance: (seconds: number) => void
  /** Every token issued so far is refused from now on. */
  readonly revokeTokens: () => void
}

const STANDING_STILL = Date.UTC(2026, 0, 1)

/** Makes an emulator. Nothing in it depends on Node: it runs in workerd as well. */
export function createGraphEmulator(options: EmulatorOptions = {}): GraphEmulator {
  const world = makeWorld(options)
  const app = graphApp(world)
  const tenant = (name?: string): Tenant => {
    const found = name === undefined ? [...world.tenants.values()][0] : findTenant(world, name)
    if (!found) throw new RangeError(`there is no tenant ${name ?? ''}`)
    return found
  }
  return {
    app,
    fetch: async (request) => app.fetch(request),
    faults: world.faults,
    throttle: world.throttle,
    delta: world.delta,
    lag: world.lag,
    counters: world.counters,
    journal: world.journal,
    tenant,
    summary: (name) => summary(tenant(name)),
    seed: (plan, name) => seed(world, tenant(name), plan),
    changeUser: (id, change, name) => must(changeUser(tenant(name), id, change), id),
    changeGroup: (id, change, name) => must(changeGroup(tenant(name), id, change), id),
    changeApp: (clientId, change, name) => tenant(name).changeApp(clientId, change),
    restoreConsent: (name) => tenant(name).restoreConsent(),
    advance: (seconds) => world.advance(seconds * 1000),
    revokeTokens: () => {
      world.tokenGeneration += 1
    },
  }
}

function must(found: unknown, id: string): void {
  if (!found) throw new RangeError(`there is no object ${id}`)
}

function makeWorld(options: EmulatorOptions): World {
  const clock = options.now ?? (() => STANDING_STILL)
  let passed = 0
  const now = (): number => clock() + passed
  const history = options.history ?? []
  const { latency = 0 } = options
  // A restarted emulator must not deal the ids again that it dealt before.
  const random = seededRandom((options.seed ?? 1) + history.length * 7919)
  const throttle = new Throttle(now, random)
  const tenants = makeTenants(options, now, history)
  const lag = new Lag(tenants.values(), { now, random }, options.seed ?? 1)
  if (options.lag) lag.configure(options.lag)
  if (options.throttle) throttle.configure(options.throttle)
  return {
    now,
    advance: (milliseconds) => {
      passed += milliseconds
    },
    random,
    tenants,
    faults: new Faults(),
    throttle,
    lag,
    delta: new Delta(options.seed ?? 1, options.delta),
    counters: new Counters(now),
    journal: new Journal(options.journalLimit ?? 10_000),
    pause: pauses(latency, random),
    rejectOverlaps: options.rejectOverlaps ?? false,
    tokenLifetimeSeconds: options.tokenLifetimeSeconds ?? 3599,
    issuerKeys: options.issuerKeys ?? fetchIssuerKeys,
    rejectReplayedAssertions: options.rejectReplayedAssertions ?? false,
    tokenGeneration: 1,
  }
}

/** Waits for as long as a request takes: always the same, or spread as latencies are (log-normal). */
function pauses(latency: number | Latency, random: Random): () => Promise<void> {
  const { p50, p95 } = typeof latency === 'number' ? { p50: latency, p95: latency } : latency
  if (p50 <= 0) return () => Promise.resolve()
  const spread = Math.log(p95 / p50) / 1.645
  return () => {
    const took = spread === 0 ? p50 : p50 * Math.exp(spread * random.normal())
    return new Promise((resolve) => setTimeout(resolve, took))
  }
}

function makeTenants(
  options: EmulatorOptions,
  now: () => number,
  history: readonly TenantEntry[],
): Map<string, Tenant> {
  const persist = options.persist ?? (() => {})
  const settings = options.tenants ?? [demoTenant]
  return new Map(
    settings.map((one) => {
      const past = history.filter((kept) => kept.tenant === one.id).map((kept) => kept.entry)
      const keep = (entry: LogEntry): void => persist({ tenant: one.id, entry })
      return [one.id, new Tenant(one, now, keep, past)]
    }),
  )
}
