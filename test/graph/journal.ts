import type { Json } from '../../src/kernel/json.ts'

/** One request as the emulator saw it: whole HTTP requests and those inside a `$batch`, not the envelopes. */
export interface JournalRecord {
  readonly number: number
  readonly at: number
  /** Which `$batch` it came in, counted from 1. */
  readonly envelope?: number
  readonly method: string
  /** Path and query after the version. */
  readonly url: string
  readonly body: Json | undefined
  /** What the client was told; 0 when it was told nothing. */
  readonly status: number
  /** Whether the tenant changed, whatever the client was told. */
  readonly isCommitted: boolean
}

/** The last requests, oldest first. */
export class Journal {
  readonly #limit: number
  #records: JournalRecord[] = []
  #written = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(record: Omit<JournalRecord, 'number'>): void {
    this.#written += 1
    this.#records.push({ number: this.#written, ...record })
    // Cut in halves, so that a full journal does not move its whole array at every request.
    if (this.#records.length > this.#limit * 2) this.#records = this.#records.slice(-this.#limit)
  }

  records(): readonly JournalRecord[] {
    return this.#records.slice(-this.#limit)
  }

  clear(): void {
    this.#records = []
  }
}
