import { sql } from 'drizzle-orm'

import journal from '../../drizzle/meta/_journal.json' with { type: 'json' }
import type { Database } from './client.ts'

/** Whether the database answers and has the newest migration that this code was built with. */
export async function isMigrated(database: Database): Promise<boolean> {
  const newest = journal.entries.at(-1)?.tag ?? ''
  try {
    const [answer] = await database.run(
      sql`SELECT 1 AS applied FROM d1_migrations WHERE name = ${`${newest}.sql`}`,
    )
    return answer?.rows.length === 1
  } catch {
    return false
  }
}
