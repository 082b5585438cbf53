import * as v from 'valibot'
import { readSettings } from '../read-settings.ts'

const chance = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
const count = v.pipe(v.number(), v.integer(), v.minValue(1))

/** What may be set of the delta queries; each part has a default. */
const deltaSettings = v.strictObject({
  /** Rows on a page. */
  pageSize: v.optional(count, 200),
  /** Links in one row; a larger group comes in several rows. */
  linksPerRow: v.optional(count, 200),
  /** Chance of an unchanged object to be told again; in a first round, of a deleted one to be told as removed. */
  replays: v.optional(chance, 0),
  /** Chance of a changed object to come twice, the first time as it was in between. */
  duplicates: v.optional(chance, 0),
  /** Chance of an empty page before a page. */
  emptyPages: v.optional(chance, 0),
})

export type DeltaOptions = v.InferInput<typeof deltaSettings>
export type DeltaSettings = v.InferOutput<typeof deltaSettings>

/** How the emulator's delta queries behave, and which generation of tokens is good. */
export class Delta {
  /** What happens by chance depends on it alone. */
  readonly seed: number
  #settings: DeltaSettings
  #generation = 1

  constructor(seed: number, options: DeltaOptions = {}) {
    this.seed = seed
    this.#settings = readSettings(deltaSettings, options)
  }

  get settings(): DeltaSettings {
    return this.#settings
  }

  /** Tokens of another generation are answered with 410. */
  get generation(): number {
    return this.#generation
  }

  configure(options: DeltaOptions = {}): void {
    this.#settings = readSettings(deltaSettings, options)
  }

  /** Every token issued so far asks for a new beginning from now on. */
  resync(): void {
    this.#generation += 1
  }
}
