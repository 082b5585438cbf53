/** What an export took, against the least that its quotas allow. Pure. */
import type { Meter } from '../../src/db/client.ts'
import { type BucketShape, bucketShape, type Quota } from '../../src/kernel/bucket.ts'
import type { Envelope } from '../support/traffic.ts'

/** Microsoft's published write quotas (wrangler.toml has the same). */
export const OFFICIAL = {
  app_tenant: { writes: 3000, seconds: 150 },
  tenant: { writes: 18_000, seconds: 300 },
  app: { writes: 35_000, seconds: 300 },
} as const satisfies Record<string, Quota>

export interface Run {
  readonly envelopes: readonly Envelope[]
  readonly startedAt: number
  readonly meters: readonly Meter[]
  readonly bells: number
  /** Users exported, once for each directory. */
  readonly users: number
  readonly quotaPercent: number
  /** Default: Microsoft's. */
  readonly quotas?: Partial<Record<keyof typeof OFFICIAL, Quota>>
}

export interface Figures {
  readonly writes: number
  readonly requestsPerUser: number
  /** From the first bell to Graph's last answer. */
  readonly seconds: number
  readonly leastSeconds: number
  /** 1 is the least that the quotas allow. */
  readonly overLeast: number
  /** When the first directory was through. */
  readonly firstSeconds: number
  /** The flow through the lane that decided, of the one that its quota allows. */
  readonly rate: number
  readonly throttled: number
  readonly writesInRetryAfter: number
  /** Requests per envelope while more was queued. */
  readonly fullness: number
  readonly envelopesBelow18: number
  readonly mostInFlight: number
  readonly roundTripsPerUser: number
  readonly statementsPerUser: number
  readonly rowsReadPerUser: number
  readonly rowsWrittenPerUser: number
  readonly mostStatements: number
  readonly bells: number
}

/** Reads a run. */
export function figuresOf(run: Run): Figures {
  const envelopes = run.envelopes.filter(({ writes }) => writes > 0)
  const byTenant = [...Map.groupBy(envelopes, ({ tenantId }) => tenantId).values()]
  const writes = sum(envelopes, (envelope) => envelope.writes)
  const ends = byTenant.map((list) => Math.max(...list.map(({ answeredAt }) => answeredAt)))
  const since = (at: number) => (at - run.startedAt) / 1000
  const leastSeconds = leastOf(byTenant, run)
  const seconds = since(Math.max(...ends))
  const queued = byTenant.flatMap(whileQueued)
  const perUser = (pick: (meter: Meter) => number) => sum(run.meters, pick) / run.users
  return {
    writes,
    requestsPerUser: writes / run.users,
    seconds,
    leastSeconds,
    overLeast: seconds / leastSeconds,
    firstSeconds: since(Math.min(...ends)),
    rate: leastSeconds / seconds,
    throttled: sum(envelopes, (envelope) => envelope.throttled),
    writesInRetryAfter: sum(byTenant, writesInRetryAfter),
    fullness: sum(queued, ({ requests }) => requests.length) / queued.length,
    envelopesBelow18: queued.filter(({ requests }) => requests.length < 18).length / queued.length,
    mostInFlight: Math.max(...byTenant.map(mostInFlight)),
    roundTripsPerUser: perUser(({ roundTrips }) => roundTrips),
    statementsPerUser: perUser(({ statements }) => statements),
    rowsReadPerUser: perUser(({ rowsRead }) => rowsRead),
    rowsWrittenPerUser: perUser(({ rowsWritten }) => rowsWritten),
    mostStatements: Math.max(...run.meters.map(({ statements }) => statements)),
    bells: run.bells,
  }
}

/**
 * The least time: every lane gives its burst at once and then flows, so `writes` take (writes - burst) / rate seconds;
 * of the lanes that the writes went through, the slowest counts.
 */
function leastOf(byTenant: readonly (readonly Envelope[])[], run: Run): number {
  const quotas = { ...OFFICIAL, ...run.quotas }
  const shape = (lane: keyof typeof OFFICIAL) => bucketShape(quotas[lane], run.quotaPercent)
  const time = (list: readonly Envelope[], { capacity, perSecond }: BucketShape) =>
    Math.max(0, sum(list, ({ writes }) => writes) - capacity) / perSecond
  return Math.max(
    ...byTenant.map((list) => time(list, shape('app_tenant'))),
    ...byTenant.map((list) => time(list, shape('tenant'))),
    time(byTenant.flat(), shape('app')),
  )
}

/** All but the directory's last wave: what was sent at the last moment had nothing behind it. */
function whileQueued(envelopes: readonly Envelope[]): readonly Envelope[] {
  const last = Math.max(...envelopes.map(({ sentAt }) => sentAt))
  return envelopes.filter(({ sentAt }) => sentAt < last)
}

function mostInFlight(envelopes: readonly Envelope[]): number {
  const inFlight = envelopes.map(
    ({ sentAt: at }) =>
      envelopes.filter(({ sentAt, answeredAt }) => sentAt <= at && at < answeredAt).length,
  )
  return Math.max(...inFlight)
}

/** Writes that were sent when a 429 had come back and its Retry-After was not over. */
function writesInRetryAfter(envelopes: readonly Envelope[]): number {
  const windows = envelopes
    .filter(({ throttled }) => throttled > 0)
    .map(({ answeredAt, retryAfter }) => [answeredAt, answeredAt + retryAfter * 1000] as const)
  const isInside = (at: number) => windows.some(([from, until]) => from <= at && at < until)
  return sum(
    envelopes.filter(({ sentAt }) => isInside(sentAt)),
    ({ writes }) => writes,
  )
}

const sum = <T>(list: readonly T[], pick: (item: T) => number): number =>
  list.reduce((total, item) => total + pick(item), 0)
