import type { Caller } from '../access.ts'
import type { Answer } from '../exchange.ts'
import { SCOPES, laneOf, scopeIn } from './lanes.ts'
import { waitUntil } from './retry-after.ts'

/** What went over one lane: an app in a tenant, a tenant, or an app. */
export interface LaneCounts {
  /** Inner requests of a `$batch` one by one, refused ones included. */
  readonly requests: number
  readonly writes: number
  /** Writes that changed the tenant. */
  readonly committedWrites: number
  readonly resourceUnits: number
  /** Answers of status 429 that spoke for this lane. */
  readonly throttled: number
  /** Writes that came although a Retry-After for this lane had been told and was not over. */
  readonly writesDuringRetryAfter: number
  /** Milliseconds of the clock; null while there was no write. */
  readonly firstWriteAt: number | null
  readonly lastWriteAt: number | null
}

/** One HTTP request, maybe with twenty inside, from its arrival to its answer. */
export interface Arrival {
  /** The lanes that were to be left alone when it came. */
  readonly blocked: ReadonlySet<string>
  /** What its answer says about waiting. */
  readonly told: { readonly lane: string; readonly until: number }[]
}

interface Counted {
  readonly answer: Answer
  readonly isWrite: boolean
  readonly isCommitted: boolean
  readonly units: number
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

const ZERO: LaneCounts = {
  requests: 0,
  writes: 0,
  committedWrites: 0,
  resourceUnits: 0,
  throttled: 0,
  writesDuringRetryAfter: 0,
  firstWriteAt: null,
  lastWriteAt: null,
}

/** Counts by lane, and watches over every Retry-After. */
export class LaneCounters {
  readonly #now: () => number
  readonly #lanes = new Map<string, Mutable<LaneCounts>>()
  readonly #blockedUntil = new Map<string, number>()
  /** A write belongs to three lanes; here each is counted once. */
  readonly #total: Mutable<LaneCounts> = { ...ZERO }

  constructor(now: () => number) {
    this.#now = now
  }

  /** A request has come, before anything is known of its outcome. */
  arrive(caller: Caller): Arrival {
    const now = this.#now()
    const lanes = SCOPES.map((scope) => laneOf(scope, caller))
    const blocked = lanes.filter((lane) => now < (this.#blockedUntil.get(lane) ?? 0))
    return { blocked: new Set(blocked), told: [] }
  }

  /** Its answer has left, so that from now on the client knows. */
  answered({ told }: Arrival): void {
    for (const { lane, until } of told)
      this.#blockedUntil.set(lane, Math.max(until, this.#blockedUntil.get(lane) ?? 0))
  }

  /** A request, or one inside a `$batch`, was carried out or refused. */
  count(caller: Caller, arrival: Arrival, counted: Counted): void {
    for (const scope of SCOPES) {
      const lane = laneOf(scope, caller)
      this.#add(this.#lane(lane), counted, arrival.blocked.has(lane))
    }
    this.#add(this.#total, counted, arrival.blocked.size > 0)
    if (counted.answer.status === 429) this.#throttled(caller, arrival, counted.answer)
  }

  lanes(): Record<string, LaneCounts> {
    return Object.fromEntries([...this.#lanes].map(([name, counts]) => [name, { ...counts }]))
  }

  total(): LaneCounts {
    return { ...this.#total }
  }

  /** Back to zero; what is to be left alone stays known. */
  reset(): void {
    this.#lanes.clear()
    Object.assign(this.#total, ZERO)
  }

  #add(counts: Mutable<LaneCounts>, counted: Counted, isBlocked: boolean): void {
    counts.requests += 1
    counts.resourceUnits += counted.units
    if (!counted.isWrite) return
    const now = this.#now()
    counts.writes += 1
    if (counted.isCommitted) counts.committedWrites += 1
    if (isBlocked) counts.writesDuringRetryAfter += 1
    counts.firstWriteAt ??= now
    counts.lastWriteAt = now
  }

  #throttled(caller: Caller, { told }: Arrival, { headers }: Answer): void {
    const lane = laneOf(scopeIn(headers), caller)
    const until = waitUntil(headers, this.#now())
    this.#lane(lane).throttled += 1
    this.#total.throttled += 1
    if (until !== undefined) told.push({ lane, until })
  }

  #lane(name: string): Mutable<LaneCounts> {
    const known = this.#lanes.get(name)
    if (known) return known
    const counts = { ...ZERO }
    this.#lanes.set(name, counts)
    return counts
  }
}
