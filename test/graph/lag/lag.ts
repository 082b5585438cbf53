import * as v from 'valibot'
import type { Directory } from '../directory.ts'
import type { GraphRequest } from '../exchange.ts'
import type { Random } from '../random.ts'
import { readSettings } from '../read-settings.ts'
import type { Tenant } from '../tenant.ts'
import type { World } from '../world.ts'
import { Follower } from './follower.ts'

const seconds = v.pipe(v.number(), v.minValue(0))

const lagSettings = v.strictObject({
  /** How many copies answer reads, each by itself. */
  replicas: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 3),
  /** The longest that a write takes to reach a replica. */
  seconds: v.optional(seconds, 10),
  /** The same for the index that answers with `ConsistencyLevel: eventual`. */
  indexSeconds: v.optional(seconds, 60),
  /** The same for delta queries. */
  deltaSeconds: v.optional(seconds, 10),
})

export type LagOptions = v.InferInput<typeof lagSettings>
type LagSettings = v.InferOutput<typeof lagSettings>

/** The followers of one tenant. */
interface Followers {
  readonly replicas: readonly Follower[]
  readonly index: Follower
  readonly delta: Follower
}

/** How far reads are behind writes. Off until it is configured. */
export class Lag {
  readonly #tenants: readonly Tenant[]
  readonly #now: () => number
  readonly #random: Random
  readonly #seed: number
  readonly #followers = new Map<Tenant, Followers>()
  #settings: LagSettings | undefined

  constructor(
    tenants: Iterable<Tenant>,
    { now, random }: Pick<World, 'now' | 'random'>,
    seed: number,
  ) {
    this.#tenants = [...tenants]
    this.#now = now
    this.#random = random
    this.#seed = seed
  }

  get settings(): LagSettings | undefined {
    return this.#settings
  }

  /** Switches the lag on; what was written before has come through everywhere. */
  configure(options: LagOptions = {}): void {
    const settings = readSettings(lagSettings, options)
    this.#settings = settings
    for (const tenant of this.#tenants)
      this.#followers.set(tenant, this.#followersOf(tenant, settings))
  }

  /** From now on every read sees every write, as in the beginning. */
  switchOff(): void {
    this.#settings = undefined
    this.#followers.clear()
  }

  /** What a request reads from: one replica by chance, or the index when it asks for eventual consistency. */
  replicaFor(tenant: Tenant, request: GraphRequest): Directory {
    const followers = this.#followers.get(tenant)
    if (!followers) return tenant
    const isEventual = request.headers.get('consistencylevel')?.toLowerCase() === 'eventual'
    const replica = followers.replicas[this.#random.below(followers.replicas.length)]
    const follower = isEventual || !replica ? followers.index : replica
    follower.catchUp(this.#now())
    return follower.directory
  }

  /** Up to which entry of the log a delta query tells. */
  deltaPosition(tenant: Tenant): number {
    return this.#followers.get(tenant)?.delta.catchUp(this.#now()) ?? tenant.log.length
  }

  #followersOf(tenant: Tenant, settings: LagSettings): Followers {
    const name = (what: string) => `${this.#seed}/${tenant.settings.id}/${what}`
    return {
      replicas: Array.from(
        { length: settings.replicas },
        (_, i) => new Follower(tenant, settings.seconds * 1000, name(`replica${i}`)),
      ),
      index: new Follower(tenant, settings.indexSeconds * 1000, name('index')),
      delta: new Follower(tenant, settings.deltaSeconds * 1000, name('delta')),
    }
  }
}
