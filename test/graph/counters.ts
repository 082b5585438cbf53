import { type LaneCounts, LaneCounters } from './throttle/lane-counters.ts'

/** What a test wants to know of a run: how much was written, how it was packed, what overlapped. */
export interface CountersSnapshot {
  /** Requests, inner ones of a `$batch` included; envelopes are no requests. */
  readonly requests: number
  /** Every POST, PATCH, PUT and DELETE that the service charges as a write, whatever came of it. */
  readonly writes: number
  readonly writesByKind: Readonly<Record<string, number>>
  /** Writes that changed the tenant. */
  readonly committedWrites: number
  readonly resourceUnits: number
  readonly answersByStatus: Readonly<Record<string, number>>
  readonly tokens: number
  /** Client assertions that were presented a second time. */
  readonly replayedAssertions: number
  /** How many requests each `$batch` carried, in order. */
  readonly envelopes: readonly number[]
  /** Creates of a user whose likeness (same employeeId, or same mailNickname and displayName) was created before. */
  readonly duplicateCreates: number
  /** Creates refused because a unique value was taken. */
  readonly createConflicts: number
  /** The most writes that were under way on one object at one time; above 1 is a race. */
  readonly maxWritesInFlightPerObject: number
  /** The objects on which writes overlapped. */
  readonly overlaps: readonly string[]
  /** Answers of status 429, by quota or by fault. */
  readonly throttled: number
  /** Writes that came although a 429 had asked, in an answer before, to leave their lane alone for longer. */
  readonly writesDuringRetryAfter: number
  /** The same by lane: `Tenant_Application/<app>/<tenant>`, `Tenant/<tenant>`, `Application/<app>`. */
  readonly lanes: Readonly<Record<string, LaneCounts>>
}

/** Counts what happens. In memory only: a restart begins at zero. */
export class Counters {
  readonly lanes: LaneCounters
  #requests = 0
  #committed = 0
  #units = 0
  #tokens = 0
  #replays = 0
  #duplicates = 0
  #conflicts = 0
  #most = 0
  readonly #byKind = new Map<string, number>()
  readonly #byStatus = new Map<string, number>()
  readonly #envelopes: number[] = []
  readonly #inFlight = new Map<string, number>()
  readonly #overlaps = new Set<string>()
  readonly #assertions = new Set<string>()
  readonly #seen = new Set<string>()

  constructor(now: () => number) {
    this.lanes = new LaneCounters(now)
  }

  request(status: number, units: number): void {
    this.#requests += 1
    this.#units += units
    bump(this.#byStatus, String(status))
  }

  write(kind: string, isCommitted: boolean): void {
    bump(this.#byKind, kind)
    if (isCommitted) this.#committed += 1
  }

  /** A `$batch` arrived; tells which one it is, from 1. */
  envelope(size: number): number {
    return this.#envelopes.push(size)
  }

  token(): void {
    this.#tokens += 1
  }

  /** A client assertion was presented; tells whether it had been before. */
  assertion(name: string): boolean {
    const isReplay = this.#assertions.has(name)
    this.#assertions.add(name)
    if (isReplay) this.#replays += 1
    return isReplay
  }

  /** A user was created; `likenesses` tell by what a second account of the same person is recognised. */
  userCreated(likenesses: readonly string[]): void {
    if (likenesses.some((likeness) => this.#seen.has(likeness))) this.#duplicates += 1
    for (const likeness of likenesses) this.#seen.add(likeness)
  }

  createConflict(): void {
    this.#conflicts += 1
  }

  /** A write on an object begins; tells how many are under way on it now. */
  enter(object: string): number {
    const count = (this.#inFlight.get(object) ?? 0) + 1
    this.#inFlight.set(object, count)
    this.#most = Math.max(this.#most, count)
    if (count > 1) this.#overlaps.add(object)
    return count
  }

  leave(object: string): void {
    const count = (this.#inFlight.get(object) ?? 1) - 1
    if (count === 0) this.#inFlight.delete(object)
    else this.#inFlight.set(object, count)
  }

  snapshot(): CountersSnapshot {
    const writesByKind = Object.fromEntries(this.#byKind)
    const { throttled, writesDuringRetryAfter } = this.lanes.total()
    return {
      requests: this.#requests,
      writes: Object.values(writesByKind).reduce((sum, count) => sum + count, 0),
      writesByKind,
      committedWrites: this.#committed,
      resourceUnits: this.#units,
      answersByStatus: Object.fromEntries(this.#byStatus),
      tokens: this.#tokens,
      replayedAssertions: this.#replays,
      envelopes: [...this.#envelopes],
      duplicateCreates: this.#duplicates,
      createConflicts: this.#conflicts,
      maxWritesInFlightPerObject: this.#most,
      overlaps: [...this.#overlaps],
      throttled,
      writesDuringRetryAfter,
      lanes: this.lanes.lanes(),
    }
  }

  /** Back to zero; what is in flight stays known. */
  reset(): void {
    this.#requests = this.#committed = this.#units = this.#tokens = 0
    this.#replays = this.#duplicates = this.#conflicts = this.#most = 0
    this.#byKind.clear()
    this.#byStatus.clear()
    this.#envelopes.length = 0
    this.#overlaps.clear()
    this.lanes.reset()
  }
}

function bump(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
