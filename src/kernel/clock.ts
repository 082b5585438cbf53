/** The only source of the time of day: milliseconds since 1970, UTC. */
export interface Clock {
  now(): number
}

/** The machine's clock; on Workers it advances only with I/O. */
export const systemClock: Clock = { now: () => Date.now() }
