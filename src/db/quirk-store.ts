/** Which peculiarities of a source's client were tolerated, how often and when last. */
import { sql } from 'drizzle-orm'

import { decode, type Database } from './client.ts'
import { quirkCount } from './tables/quirks.ts'

export interface QuirkCount {
  /** The number under which `QUIRKS` describes it. */
  readonly number: number
  /** Requests in which it was tolerated. */
  readonly count: number
  /** Milliseconds. */
  readonly lastSeen: number
}

/** What was tolerated of a source, by number. */
export async function quirkCounts(
  database: Database,
  organizationId: string,
  sourceId: string,
): Promise<readonly QuirkCount[]> {
  const [answer] = await database.run(
    sql`SELECT * FROM quirk_count
      WHERE organization_id = ${organizationId} AND source_id = ${sourceId} ORDER BY number`,
  )
  return (answer?.rows ?? []).map((row) => {
    const { number, count, lastSeen } = decode(quirkCount, row)
    return { number, count, lastSeen }
  })
}

/** Adds to the counts of a source: one row written for each number. Nothing is kept of a source that is gone. */
export async function addQuirkCounts(
  database: Database,
  { organizationId, sourceId, counts }: DueQuirks,
): Promise<void> {
  await database.run(
    sql`INSERT INTO quirk_count (organization_id, source_id, number, count, last_seen)
      SELECT ${organizationId}, ${sourceId}, value ->> 'number', value ->> 'count', value ->> 'lastSeen'
      FROM json_each(${JSON.stringify(counts)})
      WHERE EXISTS (SELECT 1 FROM source WHERE organization_id = ${organizationId} AND id = ${sourceId})
      ON CONFLICT (organization_id, source_id, number) DO UPDATE
      SET count = count + excluded.count, last_seen = max(last_seen, excluded.last_seen)`,
  )
}

/** Counts of one source that are to be stored now. */
export interface DueQuirks {
  readonly organizationId: string
  readonly sourceId: string
  readonly counts: readonly QuirkCount[]
}

export interface QuirkTally {
  /** Counts the quirks of one request, and gives what is to be stored now, if anything is. */
  note(
    organizationId: string,
    sourceId: string,
    numbers: Iterable<number>,
    now: number,
  ): DueQuirks | undefined
}

interface Held {
  counts: Map<number, QuirkCount>
  flushedAt: number
}

const FLUSH_EVERY_MS = 60_000
const MAX_HELD = 1000

/**
 * Counts in memory, so that no request pays for being counted: what a source's requests come to is stored with the first
 * of them, and then at most once a minute, along with a later request. An isolate that ends before takes its last counts
 * with it, which is fine: administrators ask whether and when a peculiarity was seen, and nothing is decided by the sum.
 */
export function quirkTally(): QuirkTally {
  const held = new Map<string, Held>()
  return {
    note(organizationId, sourceId, numbers, now) {
      const key = `${organizationId}/${sourceId}`
      const known = held.get(key)
      const mine = known ?? { counts: new Map(), flushedAt: Number.NEGATIVE_INFINITY }
      for (const number of numbers) {
        const count = (mine.counts.get(number)?.count ?? 0) + 1
        mine.counts.set(number, { number, count, lastSeen: now })
      }
      if (mine.counts.size === 0) return undefined
      if (known === undefined) makeRoom(held)
      held.set(key, mine)
      if (now - mine.flushedAt < FLUSH_EVERY_MS) return undefined
      const counts = [...mine.counts.values()]
      held.set(key, { counts: new Map(), flushedAt: now })
      return { organizationId, sourceId, counts }
    },
  }
}

/** Forgets the source that was met first, so that the tally of a long-lived isolate stays small. */
function makeRoom(held: Map<string, Held>): void {
  const [oldest] = held.keys()
  if (held.size >= MAX_HELD && oldest !== undefined) held.delete(oldest)
}
