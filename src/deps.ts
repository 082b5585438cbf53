import * as v from 'valibot'

import { connect, type Database } from './db/client.ts'
import type { DirectoryRow } from './db/lease.ts'
import { stopDirectory } from './db/refused-connection.ts'
import { admitTenant, type FindTenant, learnSourceTenants } from './db/tenant-guard.ts'
import { clashFailure } from './directories/faults.ts'
import { connectNoting, type GraphPorts } from './export/connection.ts'
import {
  createGatewayIssuer,
  type GatewayIssuer,
  isSigningKey,
  SIGNING_KEY_RULE,
  type SigningKey,
} from './graph/gateway-issuer.ts'
import { findTenantId } from './graph/tenant.ts'
import type { TokenCache } from './graph/token.ts'
import type { Log } from './http/context.ts'
import { pauseMilliseconds } from './kernel/backoff.ts'
import { parseQuota, type Quota } from './kernel/bucket.ts'
import { systemClock, type Clock } from './kernel/clock.ts'
import { makeId, type IdPrefix } from './kernel/id.ts'
import type { JsonObject } from './kernel/json.ts'
import { redact } from './kernel/redact.ts'
import { err, ok, type Result } from './kernel/result.ts'
import { createSealer, type Sealer } from './kernel/seal.ts'
import { safeErrorText } from './db/failure.ts'

/** A doorbell: somebody should look at this organization's log. Losing one loses nothing. */
export interface ExportMessage {
  readonly organizationId: string
  /** Set when one directory is meant. */
  readonly directoryId?: string | undefined
  /** Set when it is a run of reconciliation that is to be carried on. */
  readonly reconciliationId?: string | undefined
  /** Set when it is an import that is to be carried on. */
  readonly jobId?: string | undefined
}

const quota = (fallback: string) =>
  v.pipe(
    v.optional(v.string('must be writes/seconds, for example 3000/150'), fallback),
    v.rawTransform<string, Quota>(({ dataset, addIssue, NEVER }) => {
      const parsed = parseQuota(dataset.value)
      if (parsed.ok) return parsed.value
      addIssue({ message: `must be writes/seconds, for example ${fallback}` })
      return NEVER
    }),
  )

const URL_RULE = 'must be a URL that begins with https:// or http://'
const url = v.pipe(
  v.string(URL_RULE),
  v.url(URL_RULE),
  v.regex(/^https?:\/\//, URL_RULE),
  v.transform((text) => text.replace(/\/+$/, '')),
)

const signingKey = v.pipe(
  v.string(SIGNING_KEY_RULE),
  v.parseJson(undefined, SIGNING_KEY_RULE),
  v.custom<SigningKey>(isSigningKey, SIGNING_KEY_RULE),
)

const binding = <T>(what: string) =>
  v.custom<T>((value) => typeof value === 'object' && value !== null, `must be bound to ${what}`)

const BASE64 = 'must be the base64 of 32 random bytes'

const configSchema = v.object({
  DB: binding<D1Database>('a D1 database in wrangler.toml'),
  EXPORT_QUEUE: binding<Queue<ExportMessage>>('a queue in wrangler.toml'),
  SCIM_LIMITER: binding<RateLimit>('a rate limit in wrangler.toml'),
  GRAPH_BASE_URL: v.optional(url, 'https://graph.microsoft.com/v1.0'),
  LOGIN_BASE_URL: v.optional(url, 'https://login.microsoftonline.com'),
  PUBLIC_URL: v.optional(url),
  GRAPH_WRITE_QUOTA: quota('3000/150'),
  GRAPH_TENANT_WRITE_QUOTA: quota('18000/300'),
  GRAPH_APP_WRITE_QUOTA: quota('35000/300'),
  RATE_LIMIT: v.optional(v.picklist(['on', 'off'], 'must be on or off'), 'on'),
  ENCRYPTION_KEY: v.string(BASE64),
  ENCRYPTION_KEY_PREVIOUS: v.optional(v.string(BASE64)),
  OPERATOR_TOKEN: v.pipe(
    v.string('must be a text of at least 32 characters'),
    v.minLength(32, 'must be a text of at least 32 characters'),
  ),
  SIGNING_KEY: v.optional(signingKey),
})

/** The deployment's settings and bindings, read once. */
export type Config = v.InferOutput<typeof configSchema>

/** Everything that reaches outside of the program, for the features to be given. */
export interface Deps {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly randomBytes: (length: number) => Uint8Array
  readonly newId: (prefix: IdPrefix) => string
  readonly sealer: Sealer
  /** The gateway as an issuer of tokens; undefined without SIGNING_KEY and PUBLIC_URL. */
  readonly issuer: GatewayIssuer | undefined
  readonly fetch: typeof fetch
  readonly sleep: (milliseconds: number) => Promise<void>
  /** Lets another writer of the same row finish, who was faster so many times. */
  readonly pause: (rounds: number) => Promise<void>
  /** Opens the database for one request, message or tick: its meter counts what that one costs. */
  readonly connect: () => Database
  /** Rings for an organization whose log has grown. Never fails: the sweep finds what was not rung for. */
  readonly announce: (organizationId: string) => Promise<void>
  /** Rings for a run of reconciliation, or for an import; never fails either. */
  readonly announceRun: (run: ExportMessage) => Promise<void>
  /** Whether the queue answers; never fails. */
  readonly isQueueThere: () => Promise<boolean>
  /** Whether a credential may go on, by the rate limit binding. */
  readonly isWithinLimit: (key: string) => Promise<boolean>
}

/**
 * Reads the environment; an empty text is a setting that is absent. The error names every setting that is missing or
 * malformed and what it has to be, and no value.
 */
export function readConfig(env: object): Result<Config, string> {
  const values = Object.keys(configSchema.entries).map((name) => {
    const value: unknown = Reflect.get(env, name)
    return [name, value === '' ? undefined : value]
  })
  const parsed = v.safeParse(configSchema, Object.fromEntries(values))
  if (parsed.success) return ok(parsed.output)
  const problems = parsed.issues.map((issue) => {
    const name = v.getDotPath(issue)?.split('.')[0] ?? 'the environment'
    return `${name} ${issue.input === undefined ? 'is missing: it ' : ''}${issue.message}`
  })
  return err([...new Set(problems)].join('; '))
}

/** The composition root: what the program runs on. `instead` replaces parts of it, in tests. */
export function createDeps(env: object, instead: Partial<Deps> = {}): Deps {
  const config = readConfig(env)
  if (!config.ok) throw new Error(`The configuration is wrong: ${config.error}`)
  const { DB, EXPORT_QUEUE, SCIM_LIMITER, RATE_LIMIT } = config.value
  const { clock = systemClock, log = logLine, randomBytes = cryptoBytes } = instead
  const { PUBLIC_URL, SIGNING_KEY } = config.value
  const { ENCRYPTION_KEY: current, ENCRYPTION_KEY_PREVIOUS: previous } = config.value
  const sealer = createSealer({ subtle: crypto.subtle, randomBytes, keys: { current, previous } })
  if (!sealer.ok) throw new Error(`The configuration is wrong: ${sealer.error}`)
  const ring = async (message: ExportMessage) => {
    try {
      await EXPORT_QUEUE.send(message)
    } catch (thrown) {
      const error = redact(safeErrorText(thrown))
      log({ level: 'warn', message: 'bell not rung', organization: message.organizationId, error })
    }
  }
  return {
    config: config.value,
    clock,
    log,
    randomBytes,
    newId: (prefix) => makeId(prefix, clock.now(), randomBytes(10)),
    sealer: sealer.value,
    issuer: PUBLIC_URL && SIGNING_KEY ? createGatewayIssuer(PUBLIC_URL, SIGNING_KEY) : undefined,
    fetch: (input, init) => fetch(input, init),
    sleep: (milliseconds) => scheduler.wait(milliseconds),
    pause: (rounds) => scheduler.wait(pauseMilliseconds(rounds, (randomBytes(1)[0] ?? 0) / 256)),
    connect: () => connect(DB),
    announce: (organizationId) => ring({ organizationId }),
    announceRun: ring,
    isQueueThere: async () => {
      try {
        await EXPORT_QUEUE.metrics()
        return true
      } catch (thrown) {
        log({ level: 'warn', message: 'queue away', error: redact(safeErrorText(thrown)) })
        return false
      }
    },
    isWithinLimit: async (key) => {
      if (RATE_LIMIT === 'off') return true
      const { success } = await SCIM_LIMITER.limit({ key })
      return success
    },
    ...instead,
  }
}

/** Asks Entra ID which tenant a name stands for. */
export const tenantFinder =
  ({ fetch, config }: Deps): FindTenant =>
  (name) =>
    findTenantId(fetch, config.LOGIN_BASE_URL, name)

/** How directories are reached from here. */
export function graphPorts(deps: Deps, tokenCache: TokenCache): GraphPorts {
  const { fetch, clock, sealer, issuer, config } = deps
  return {
    fetch,
    clock,
    sealer,
    issuer,
    tokenCache,
    async admitTenant(directory, tenantGuid) {
      const database = deps.connect()
      await learnSourceTenants(database, directory.organizationId, tenantFinder(deps))
      const clash = await admitTenant(database, { ...directory, tenantGuid })
      return clash && clashFailure(clash)
    },
    graphBaseUrl: config.GRAPH_BASE_URL,
    loginBaseUrl: config.LOGIN_BASE_URL,
    quotas: {
      app_tenant: config.GRAPH_WRITE_QUOTA,
      tenant: config.GRAPH_TENANT_WRITE_QUOTA,
      app: config.GRAPH_APP_WRITE_QUOTA,
    },
  }
}

/** Reaches directories for whoever is no drain; a credential that is refused for good stops its directory. */
export const directoryConnector =
  (deps: Deps, tokenCache: TokenCache) =>
  (directory: DirectoryRow): ReturnType<typeof connectNoting> =>
    connectNoting(graphPorts(deps, tokenCache), directory, (refusal) =>
      stopDirectory(deps.connect(), directory, refusal, deps.clock.now()),
    )

/** One line of JSON on the Worker's log. */
export function logLine(entry: JsonObject): void {
  // oxlint-disable-next-line no-console -- the one place that writes to the log
  console.log(JSON.stringify(entry))
}

function cryptoBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length))
}
