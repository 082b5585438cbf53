import { sql } from 'drizzle-orm'

import type { Query } from './client.ts'
import { refuseUnless } from './failure.ts'

/**
 * Who is removed leaves groups, and the event names those that were read: a membership that came since makes what was read
 * stale.
 */
export function namesAllHolders(
  organizationId: string,
  memberId: string,
  known: readonly string[],
): Query {
  return refuseUnless(
    sql`NOT EXISTS (SELECT 1 FROM group_member
      WHERE organization_id = ${organizationId} AND member_id = ${memberId}
      AND group_id NOT IN (SELECT value FROM json_each(${JSON.stringify(known)})))`,
    'stale',
  )
}
