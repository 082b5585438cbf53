/** A credential that is shown and refused: told to the administrators of its organization, once an hour. */
import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { type Actor, appendEvents, type NewEvent, type Origin } from './event-log.ts'

const TOLD_EVERY_MS = 3_600_000

/** What was refused, and whose it is. */
export interface RefusedCredential {
  readonly organizationId: string
  readonly target: NewEvent['target']
  readonly actor: Actor
}

export interface Refusal {
  readonly reason: string
  readonly now: number
  readonly origin: Origin
}

/** Writes the event that a credential was refused, unless one was written within the hour. */
export async function noteRefusal(
  database: Database,
  { organizationId, target, actor }: RefusedCredential,
  { reason, now, origin }: Refusal,
): Promise<void> {
  await database.run(
    sql`INSERT INTO credential_notice (organization_id, id, refused_at)
      VALUES (${organizationId}, ${target.id}, ${now})
      ON CONFLICT (organization_id, id) DO UPDATE SET refused_at = excluded.refused_at
      WHERE refused_at IS NULL OR refused_at <= ${now - TOLD_EVERY_MS}`,
    appendEvents(
      organizationId,
      [
        {
          class: 'record',
          type: 'auth_failure',
          time: now,
          outcome: 'failure',
          target,
          actor,
          origin,
          details: { reason },
        },
      ],
      { onlyIfChanged: true },
    ),
  )
}
