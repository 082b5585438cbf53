/** Which users want a name: they have it as a username, or as an address. */
import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import type { PreviewKey } from './preview-reader.ts'

interface Wanted {
  /** Folded. */
  readonly names: readonly string[]
  /** Our ids of the users among whom they are sought. */
  readonly among: readonly string[]
  /** Our id of the user who comes behind them. */
  readonly before: string
}

/** Our ids of those who may want one of the names; found by indexes, however many users there are. */
export async function readWanting(
  database: Database,
  { organizationId }: PreviewKey,
  { names, among, before }: Wanted,
): Promise<readonly string[]> {
  if (names.length === 0) return []
  const mine = sql`organization_id = ${organizationId}`
  const wanted = sql`(SELECT value FROM json_each(${JSON.stringify(names)}))`
  const [found] = await database.run(sql`SELECT id FROM (
      SELECT id FROM user WHERE ${mine} AND user_name_key IN ${wanted}
      UNION SELECT id FROM user WHERE ${mine} AND username_key IS NOT NULL AND username_key IN ${wanted}
      UNION SELECT id FROM user WHERE ${mine} AND email_key IS NOT NULL AND email_key IN ${wanted}
      UNION SELECT user_id FROM email WHERE ${mine} AND address_key IN ${wanted})
    WHERE id < ${before} AND id IN (SELECT value FROM json_each(${JSON.stringify(among)}))`)
  return (found?.rows ?? []).map(({ id }) => String(id))
}
