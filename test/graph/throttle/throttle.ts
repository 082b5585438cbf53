import type { Caller } from '../access.ts'
import { type GraphError, serviceFailure } from '../errors.ts'
import type { Random } from '../random.ts'
import { readSettings } from '../read-settings.ts'
import { Bucket, type Quota, burstOf } from './bucket.ts'
import { type Scope, laneOf } from './lanes.ts'
import { retryAfterHeaders } from './retry-after.ts'
import {
  type Quotas,
  type ThrottleOptions,
  type ThrottleSettings,
  officialQuotas,
  throttleSettings,
} from './settings.ts'

/** What a request takes from the quotas. */
export interface Charge {
  readonly writes: number
  readonly units: number
}

/** What one request takes from one bucket. */
interface Claim {
  readonly scope: Scope
  readonly limit: 'Write' | 'ReadWrite'
  readonly bucket: string
  readonly quota: Quota
  readonly amount: number
}

/** How full one bucket is, for the control interface. */
export interface BucketLevel {
  readonly bucket: string
  readonly spent: number
  readonly burst: number
}

/** The service's quotas. Off until it is configured. */
export class Throttle {
  readonly #now: () => number
  readonly #random: Random
  readonly #buckets = new Map<string, { bucket: Bucket; quota: Quota }>()
  #settings: ThrottleSettings | undefined
  #quotas: Quotas = officialQuotas

  constructor(now: () => number, random: Random) {
    this.#now = now
    this.#random = random
  }

  get settings(): ThrottleSettings | undefined {
    return this.#settings
  }

  /** Switches the quotas on, all buckets full; without options as Microsoft publishes them. */
  configure(options: ThrottleOptions = {}): void {
    const settings = readSettings(throttleSettings, options)
    this.#buckets.clear()
    this.#settings = settings
    this.#quotas = { ...officialQuotas, ...settings.quotas }
  }

  /** Refuses nothing any more, as in the beginning. */
  switchOff(): void {
    this.#settings = undefined
  }

  /** Takes a request's share of every quota; throws the 429 when one of them is exhausted. */
  take(caller: Caller, charge: Charge): void {
    if (!this.#settings) return
    const now = this.#quotaTime()
    const claims = this.#claims(caller, charge)
    const waits = claims.map((claim) => this.#bucket(claim).wait(claim.quota, claim.amount, now))
    const longest = Math.max(...waits)
    const isRefused = longest > 0
    for (const [i, claim] of claims.entries())
      if (!isRefused || (this.#settings.chargesRefused && waits[i] !== 0))
        this.#bucket(claim).take(claim.quota, claim.amount, now)
    const worst = claims[waits.indexOf(longest)]
    // The charge came first: a retry too early prolongs the wait, as the service's own accounting does.
    if (isRefused && worst) throw this.#refusal(caller, worst, longest)
  }

  /** Refusals cost no resource units: gives back what was taken too much. */
  giveBackUnits(caller: Caller, units: number): void {
    if (!this.#settings || units <= 0) return
    for (const claim of this.#claims(caller, { writes: 0, units }))
      this.#bucket(claim).giveBack(units)
  }

  /** `x-ms-throttle-limit-percentage`, which appears when four fifths of a quota are used. */
  hints(caller: Caller): Record<string, string> {
    if (!this.#settings) return {}
    const now = this.#quotaTime()
    const shares = this.#claims(caller, { writes: 1, units: 1 }).map(
      (claim) => this.#bucket(claim).spent(claim.quota, now) / burstOf(claim.quota),
    )
    const share = Math.min(1.8, Math.floor(Math.max(...shares) * 10) / 10)
    return share < 0.8 ? {} : { 'x-ms-throttle-limit-percentage': share.toFixed(1) }
  }

  /** The buckets that have been taken from. */
  levels(): BucketLevel[] {
    const now = this.#quotaTime()
    return [...this.#buckets].map(([name, { bucket, quota }]) => ({
      bucket: name,
      spent: bucket.spent(quota, now),
      burst: burstOf(quota),
    }))
  }

  #refusal(caller: Caller, { scope, limit }: Claim, quotaMilliseconds: number): GraphError {
    const { app, tenant } = caller
    const now = this.#now()
    const { retryAfter: style = 'whole', timeScale = 1 } = this.#settings ?? {}
    const milliseconds = quotaMilliseconds / timeScale
    return serviceFailure(429, {
      headers: {
        ...retryAfterHeaders(style, milliseconds, { now, random: this.#random }),
        'x-ms-throttle-scope': `${scope}/${limit}/${app.clientId}/${tenant.settings.id}`,
        'x-ms-throttle-information':
          limit === 'Write' ? 'WriteLimitExceeded' : 'ResourceUnitLimitExceeded',
      },
    })
  }

  /** The clock by which the buckets refill. */
  #quotaTime(): number {
    return this.#now() * (this.#settings?.timeScale ?? 1)
  }

  #claims(caller: Caller, { writes, units }: Charge): Claim[] {
    const quotas = this.#quotas
    const claim = (scope: Scope, limit: Claim['limit'], quota: Quota): Claim => ({
      scope,
      limit,
      bucket: `${laneOf(scope, caller)}/${limit}`,
      quota,
      amount: limit === 'Write' ? writes : units,
    })
    const all = [
      claim('Tenant_Application', 'Write', quotas.appTenantWrites),
      claim('Tenant', 'Write', quotas.tenantWrites),
      claim('Application', 'Write', quotas.appWrites),
      claim('Tenant_Application', 'ReadWrite', this.#unitsOfTenant(caller)),
      claim('Application', 'ReadWrite', quotas.appUnits),
    ]
    return all.filter(({ amount }) => amount > 0)
  }

  #unitsOfTenant({ tenant }: Caller): Quota {
    const { smallTenantUnits, mediumTenantUnits, largeTenantUnits } = this.#quotas
    const users = tenant.countLive('user')
    if (users < 50) return smallTenantUnits
    return users <= 500 ? mediumTenantUnits : largeTenantUnits
  }

  #bucket({ bucket: name, quota }: Claim): Bucket {
    const known = this.#buckets.get(name)
    const bucket = known?.bucket ?? new Bucket(this.#quotaTime())
    if (known?.quota !== quota) this.#buckets.set(name, { bucket, quota })
    return bucket
  }
}
