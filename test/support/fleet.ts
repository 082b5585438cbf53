import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'

import { connect, type Meter } from '../../src/db/client.ts'
import { createDeps, type Deps } from '../../src/deps.ts'
import type { Log } from '../../src/http/context.ts'
import { createJobs, type Jobs } from '../../src/jobs.ts'
import type { DirectorySettings } from '../../src/plan/settings.ts'
import { createGraphEmulator, demoTenant, type GraphEmulator } from '../graph/emulator.ts'
import type { ThrottleOptions } from '../graph/throttle/settings.ts'
import { batchOf, seedDirectory } from './export.ts'
import type { Run } from './export-figures.ts'
import { type FleetQueue, fleetQueue } from './fleet-queue.ts'
import { type ScimClient, scimClient } from './seed.ts'
import { type Traffic, watchTraffic } from './traffic.ts'
import { type VirtualTime, virtualTime } from './virtual-time.ts'

/** What the outside world takes, in milliseconds of virtual time. */
export interface Latencies {
  /** A round trip to D1. */
  readonly database: number
  /** A request to Graph; an envelope is one. */
  readonly graph: number
  /** What the queue adds to the delay of a message (`max_batch_timeout`). */
  readonly queue: number
}

const TYPICAL: Latencies = { database: 15, graph: 1000, queue: 1000 }

export interface FleetOptions {
  /** How many directories, each of a tenant of its own, all with one app. */
  readonly directories: number
  readonly settings?: Partial<DirectorySettings>
  readonly latencies?: Partial<Latencies>
  readonly env?: Record<string, unknown>
  /** Default: Microsoft's quotas. */
  readonly throttle?: ThrottleOptions
}

/** An organization whose directories share consumers and an app, on a time of their own. */
export interface Fleet {
  readonly scim: ScimClient
  readonly graph: GraphEmulator
  readonly time: VirtualTime
  readonly traffic: Traffic
  readonly directoryIds: readonly string[]
  readonly tenantIds: readonly string[]
  /** What has been seen so far: what went to Graph, what each invocation asked of D1, how many messages were sent. */
  seen(): Pick<Run, 'envelopes' | 'meters' | 'bells'>
  /** Rings and ticks as the platform does, until nothing is owed and `meanwhile` is over. */
  run(meanwhile?: Promise<unknown>): Promise<void>
}

/** Makes a fleet. */
export async function makeFleet(options: FleetOptions): Promise<Fleet> {
  const time = virtualTime(Date.UTC(2026, 5, 1))
  const latencies = { ...TYPICAL, ...options.latencies }
  const clientId = crypto.randomUUID()
  const tenantIds = Array.from({ length: options.directories }, () => crypto.randomUUID())
  const apps = demoTenant.apps.map((app) => ({ ...app, clientId }))
  const graph = createGraphEmulator({
    now: time.now,
    tenants: tenantIds.map((id) => ({ ...demoTenant, id, apps })),
    throttle: options.throttle ?? {},
  })
  const traffic = watchTraffic(graph.fetch, time, latencies.graph)
  const queue = fleetQueue(time, latencies.queue)
  const meters: Meter[] = []
  const bugs: string[] = []
  const log: Log = (line) => {
    if (line['level'] === 'error') bugs.push(JSON.stringify(line))
  }
  const deps = depsOf(
    { time, latency: latencies.database, traffic, meters, log },
    { ...options.env, EXPORT_QUEUE: queue },
  )
  const jobs = createJobs(deps)
  queue.deliverTo((bell) => jobs.queue(batchOf([bell])))
  const scim = await scimClient({ instead: { clock: { now: time.now } } })
  const { organizationId } = scim
  const directoryIds: string[] = []
  for (const tenantId of tenantIds)
    directoryIds.push(await seedDirectory(deps, organizationId, { ...options, tenantId, clientId }))
  return {
    scim,
    graph,
    time,
    traffic,
    directoryIds,
    tenantIds,
    seen: () => ({ envelopes: traffic.envelopes, meters, bells: queue.sent() }),
    run: (meanwhile = Promise.resolve()) =>
      time.until(serve({ time, jobs, queue, organizationId, bugs }, meanwhile)),
  }
}

interface Service {
  readonly time: VirtualTime
  readonly jobs: Jobs
  readonly queue: FleetQueue
  readonly organizationId: string
  /** Errors that nobody expected, as they were logged. */
  readonly bugs: readonly string[]
}

async function serve(
  { time, jobs, queue, organizationId, bugs }: Service,
  meanwhile: Promise<unknown>,
): Promise<void> {
  let isOver = false
  const end = () => {
    isOver = true
  }
  void meanwhile.then(end, end)
  for (;;) {
    if (bugs.length > 0) throw new Error(bugs.join('; '))
    const isLast = isOver
    if (await time.during(isOwed(organizationId))) {
      await jobs.scheduled({ cron: '* * * * *' })
      await queue.idle(60_000)
    } else if (isLast) return
    else await time.sleep(1000)
  }
}

interface Outside {
  readonly time: VirtualTime
  readonly latency: number
  readonly traffic: Traffic
  readonly meters: Meter[]
  readonly log: Log
}

function depsOf(
  { time, latency, traffic, meters, log }: Outside,
  bindings: Record<string, unknown>,
): Deps {
  const base = createDeps(
    { ...env, ...bindings },
    { clock: { now: time.now }, log, sleep: time.sleep, fetch: traffic.carry },
  )
  const connectSlowly: Deps['connect'] = () => {
    const database = base.connect()
    meters.push(database.meter)
    return {
      ...database,
      run: async (...queries) => {
        const answers = await time.during(database.run(...queries))
        await time.sleep(latency)
        return answers
      },
    }
  }
  return { ...base, connect: connectSlowly }
}

async function isOwed(organizationId: string): Promise<boolean> {
  const [found] = await connect(env.DB).run(
    sql`SELECT 1 FROM directory d WHERE d.organization_id = ${organizationId} AND (
      EXISTS (SELECT 1 FROM binding b WHERE b.organization_id = d.organization_id
        AND b.directory_id = d.id AND b.due_at IS NOT NULL)
      OR EXISTS (SELECT 1 FROM event e WHERE e.organization_id = d.organization_id
        AND e.sequence > d.position AND e.class <> 'record'))`,
  )
  return (found?.rows.length ?? 0) > 0
}
