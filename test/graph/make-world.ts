import type { LogEntry } from './changes.ts'
import { Counters } from './counters.ts'
import { Delta } from './delta/settings.ts'
import { demoTenant } from './demo.ts'
import { Faults } from './faults.ts'
import { Journal } from './journal.ts'
import { Lag } from './lag/lag.ts'
import { fetchIssuerKeys } from './login/issuer-keys.ts'
import type { EmulatorOptions, Latency, TenantEntry } from './options.ts'
import { type Random, seededRandom } from './random.ts'
import { Tenant } from './tenant.ts'
import { Throttle } from './throttle/throttle.ts'
import type { World } from './world.ts'

const STANDING_STILL = Date.UTC(2026, 0, 1)

/** Everything that an emulator is made of, as its options want it. */
export function makeWorld(options: EmulatorOptions): World {
  const clock = options.now ?? (() => STANDING_STILL)
  let passed = 0
  const now = (): number => clock() + passed
  const history = options.history ?? []
  const { latency = 0, sleep = realTime } = options
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
    pause: pauses(latency, random, sleep),
    sleep,
    rejectOverlaps: options.rejectOverlaps ?? false,
    tokenLifetimeSeconds: options.tokenLifetimeSeconds ?? 3599,
    issuerKeys: options.issuerKeys ?? fetchIssuerKeys,
    rejectReplayedAssertions: options.rejectReplayedAssertions ?? false,
    tokenGeneration: 1,
  }
}

const realTime = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Waits for as long as a request takes: always the same, or spread as latencies are (log-normal). */
function pauses(
  latency: number | Latency,
  random: Random,
  sleep: World['sleep'],
): () => Promise<void> {
  const { p50, p95 } = typeof latency === 'number' ? { p50: latency, p95: latency } : latency
  if (p50 <= 0) return () => Promise.resolve()
  const spread = Math.log(p95 / p50) / 1.645
  return () => sleep(spread === 0 ? p50 : p50 * Math.exp(spread * random.normal()))
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
