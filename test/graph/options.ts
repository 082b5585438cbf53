import type { JSONWebKeySet } from 'jose'
import type { LogEntry } from './changes.ts'
import type { DeltaOptions } from './delta/settings.ts'
import type { LagOptions } from './lag/lag.ts'
import type { TenantSettings } from './settings.ts'
import type { ThrottleOptions } from './throttle/settings.ts'

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
  /** How latencies and delays are waited for; default real time. A test with a time of its own passes its own. */
  readonly sleep?: (milliseconds: number) => Promise<void>
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
