import { type SQL, sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { isDelivered } from './round-commit.ts'

/** A password that is younger is left to the drains. */
const SETTLED_MS = 60_000

/** How many passwords one sweep ends; the next one goes on. */
const MOST = 100

/**
 * Deletes the pending passwords that are older than `lifeMs`, each with its event in the same batch. A scan without an
 * organization, over a table that is empty but for what is on its way. Gives how many there were.
 */
export async function expirePasswords(
  database: Database,
  now: number,
  lifeMs: number,
): Promise<number> {
  const [, found] = await database.run(
    // A directory may have passed the event of a password that was never for it: nobody waits for that one any more.
    sql`DELETE FROM pending_password WHERE created_at < ${now - SETTLED_MS} AND ${isDelivered}`,
    sql`SELECT organization_id, user_id, sequence FROM pending_password
      WHERE created_at < ${now - lifeMs} LIMIT ${MOST}`,
  )
  const byOrganization = Map.groupBy(found?.rows ?? [], (row) => String(row['organization_id']))
  let expired = 0
  for (const [organizationId, rows] of byOrganization) {
    const answers = await database.run(
      ...rows.flatMap((row) => endPassword(organizationId, row, now)),
    )
    expired += answers.filter(({ rows: appended }) => appended.length > 0).length
  }
  return expired
}

/** A drain may have delivered the password since it was read, or a new one have taken its place: then there is no event. */
function endPassword(organizationId: string, row: Record<string, unknown>, now: number): SQL[] {
  const userId = String(row['user_id'])
  return [
    sql`DELETE FROM pending_password WHERE organization_id = ${organizationId}
      AND user_id = ${userId} AND sequence = ${Number(row['sequence'])}`,
    appendEvents(organizationId, [expiredEvent(userId, now)], { onlyIfChanged: true }),
  ]
}

const expiredEvent = (userId: string, now: number): NewEvent => ({
  class: 'record',
  type: 'password_expired',
  time: now,
  outcome: 'failure',
  target: { type: 'user', id: userId },
  actor: { type: 'system', id: null },
})
