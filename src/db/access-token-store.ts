import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { accessToken } from './tables/organizations.ts'

/** Stores an access token that was issued for a credential, by its hash. */
export async function insertAccessToken(
  database: Database,
  row: typeof accessToken.$inferInsert,
): Promise<void> {
  await database.run(database.build.insert(accessToken).values(row))
}

/** Drops the access tokens of every organization that nobody can use any more; gives their number. */
export async function dropExpiredTokens(database: Database, now: number): Promise<number> {
  const [dropped] = await database.run(sql`DELETE FROM access_token WHERE expires_at <= ${now}`)
  return dropped?.changes ?? 0
}
