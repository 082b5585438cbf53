import type { LogEntry } from '../changes.ts'
import { Directory } from '../directory.ts'
import { chanceOf } from '../random.ts'
import type { Tenant } from '../tenant.ts'

/**
 * A copy of a tenant that follows its log with a delay. Each write has a delay of its own; the order of the writes is
 * kept, so that a follower shows the tenant as it once was, never a state that it never had.
 */
export class Follower {
  readonly directory: Directory
  readonly #tenant: Tenant
  readonly #most: number
  readonly #name: string
  /** How many entries it has taken over. */
  #position: number
  /** When the last of them came through. */
  #arrived = 0

  /** Begins with everything there is; `most` is the longest delay in milliseconds, the name decides about chance. */
  constructor(tenant: Tenant, most: number, name: string) {
    this.#tenant = tenant
    this.#most = most
    this.#name = name
    this.#position = tenant.log.length
    this.directory = new Directory(tenant.settings)
    for (const entry of tenant.log) this.directory.follow(entry)
  }

  /** Takes over what has come through by now, and tells how many entries that is in all. */
  catchUp(now: number): number {
    for (const entry of this.#tenant.log.slice(this.#position)) {
      const arrives = Math.max(this.#arrived, entry.at + this.#delayOf(entry))
      if (arrives > now) break
      this.directory.follow(entry)
      this.#position += 1
      this.#arrived = arrives
    }
    return this.#position
  }

  #delayOf({ sequence }: LogEntry): number {
    return chanceOf(`${this.#name}/${sequence}`) * this.#most
  }
}
