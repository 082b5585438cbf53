import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { ACCOUNT_KEPT_MS } from './deleted-accounts.ts'

/**
 * Forgets the former bindings of users that are gone here and whose accounts have been gone from Microsoft 365 for as long as it
 * keeps them, and what such accounts were members of: nobody can come back to those any more. Of every organization; gives the number
 * of the bindings.
 */
export async function forgetGoneAccounts(database: Database, now: number): Promise<number> {
  const [forgotten] = await database.run(
    sql`DELETE FROM binding WHERE state = 'former' AND deleted_at IS NOT NULL
      AND deleted_at <= ${now - ACCOUNT_KEPT_MS}
      AND NOT EXISTS (SELECT 1 FROM user u WHERE u.organization_id = binding.organization_id
        AND u.id = binding.resource_id)`,
    sql`DELETE FROM former_membership WHERE left_at <= ${now - ACCOUNT_KEPT_MS}`,
  )
  return forgotten?.changes ?? 0
}
