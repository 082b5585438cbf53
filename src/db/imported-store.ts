/**
 * Imported values end with the direction `import`, with the binding of their user, and with their directory: they are taken away
 * user by user, and whoever showed or exported them is told.
 */
import { type SQL, sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { appendEventsOf } from './event-log.ts'
import { holdsLease, type LeaseKey } from './lease.ts'
import { ownValue } from './own-values.ts'

interface Taking {
  /** A query of the ids of users. */
  readonly users: SQL
  /** Undefined: every attribute. */
  readonly attribute?: string
  readonly now: number
}

/**
 * The statements that take what a directory imported away from these users, with an event of each whose own value is another: the
 * other directories follow it. Where it is the same, the user stays as it is. The last one changes the users.
 */
export function takeImported(
  { organizationId, directoryId }: Pick<LeaseKey, 'organizationId' | 'directoryId'>,
  { users, attribute, now }: Taking,
): SQL[] {
  const only = attribute === undefined ? sql`TRUE` : sql`i.key = ${attribute}`
  const isTaken = sql`i.value ->> 'directoryId' = ${directoryId} AND ${only}`
  const holders = sql`u.organization_id = ${organizationId} AND u.id IN (${users})
    AND EXISTS (SELECT 1 FROM json_each(u.imported) i WHERE ${isTaken})`
  const own = ownValue(sql`i.key`)
  const changes = sql`(SELECT json_group_array(json_object('attribute', i.key, 'from', i.value ->> 'value', 'to', ${own}))
    FROM json_each(u.imported) i WHERE ${isTaken} AND i.value ->> 'value' IS NOT ${own})`
  const event = {
    class: 'change',
    type: 'user_update',
    time: now,
    target: { type: 'user', id: '' },
    actor: { type: 'system', id: null },
    details: { importedFrom: directoryId },
  } as const
  return [
    appendEventsOf(
      organizationId,
      event,
      sql`SELECT * FROM (SELECT u.id AS target_id, ${changes} AS changes FROM user u WHERE ${holders})
        WHERE changes <> '[]'`,
    ),
    sql`UPDATE user AS u SET version = version + (${changes} <> '[]'),
        modified_at = iif(${changes} <> '[]', max(modified_at, ${now}), modified_at),
        imported = nullif((SELECT json_group_object(i.key, json(i.value))
          FROM json_each(u.imported) i WHERE NOT (${isTaken})), '{}')
      WHERE ${holders}`,
  ]
}

/** How many users one batch takes a value from. */
const PER_BATCH = 1000

/**
 * Takes the values of an attribute that this directory imported, and imports no longer, from the next users. Gives how many there
 * were; 0 when none is left.
 */
export async function dropImported(
  database: Database,
  key: LeaseKey,
  { attribute, now }: { readonly attribute: string; readonly now: number },
): Promise<number> {
  const { organizationId, directoryId } = key
  const users = sql`SELECT id FROM user WHERE organization_id = ${organizationId} AND imported IS NOT NULL
      AND json_extract(imported, ${`$."${attribute}".directoryId`}) = ${directoryId}
      AND NOT EXISTS (SELECT 1 FROM attribute_direction WHERE organization_id = ${organizationId}
        AND directory_id = ${directoryId} AND attribute = ${attribute} AND direction = 'import')
    ORDER BY id LIMIT ${PER_BATCH}`
  const answers = await database.run(
    holdsLease(key),
    ...takeImported(key, { users, attribute, now }),
  )
  return answers.at(-1)?.changes ?? 0
}
