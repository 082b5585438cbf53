import * as v from 'valibot'
import type { Quota } from './bucket.ts'

/** The limits of identity and access as Microsoft publishes them. */
export const officialQuotas = {
  /** One app in one tenant. */
  appTenantWrites: { limit: 3_000, seconds: 150 },
  /** One tenant, whichever app writes. */
  tenantWrites: { limit: 18_000, seconds: 300 },
  /** One app, whichever tenants it writes to. */
  appWrites: { limit: 35_000, seconds: 300 },
  /** Resource units of one app in one tenant of fewer than 50 users, of up to 500, of more. */
  smallTenantUnits: { limit: 3_500, seconds: 10 },
  mediumTenantUnits: { limit: 5_000, seconds: 10 },
  largeTenantUnits: { limit: 8_000, seconds: 10 },
  appUnits: { limit: 150_000, seconds: 20 },
} as const satisfies Record<string, Quota>

export type Quotas = Readonly<Record<keyof typeof officialQuotas, Quota>>

const positive = v.pipe(v.number(), v.gtValue(0))
const quota = v.strictObject({
  limit: positive,
  seconds: positive,
  burst: v.exactOptional(positive),
})

/** What may be set of the throttling; each part has a default. */
export const throttleSettings = v.strictObject({
  /** Replace single quotas; the others stay the official ones. */
  quotas: v.optional(
    v.strictObject({
      appTenantWrites: v.exactOptional(quota),
      tenantWrites: v.exactOptional(quota),
      appWrites: v.exactOptional(quota),
      smallTenantUnits: v.exactOptional(quota),
      mediumTenantUnits: v.exactOptional(quota),
      largeTenantUnits: v.exactOptional(quota),
      appUnits: v.exactOptional(quota),
    }),
    {},
  ),
  /** How much faster the quotas' time passes than the clock's: with 60 a minute of quota in a second. */
  timeScale: v.optional(positive, 1),
  /** How Retry-After is told; `mixed` takes a form by chance each time. */
  retryAfter: v.optional(
    v.picklist(['whole', 'decimal', 'date', 'missing', 'absurd', 'mixed']),
    'whole',
  ),
  /** Whether refused requests are charged as well, so that a retry too early prolongs the wait. */
  chargesRefused: v.optional(v.boolean(), true),
})

export type ThrottleOptions = v.InferInput<typeof throttleSettings>
export type ThrottleSettings = v.InferOutput<typeof throttleSettings>
