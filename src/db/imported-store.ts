/** Imported values end with the direction `import`: they are taken away user by user, and whoever showed them is told. */
import { sql } from 'drizzle-orm'

import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { type Database, decode } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import { holdsLease, type LeaseKey } from './lease.ts'
import { user } from './tables/provisioning.ts'

/** How many users one batch takes a value from. */
const PER_BATCH = 1000

/**
 * Takes the values of an attribute that this directory imported, and imports no longer, from the next users, with the event of each:
 * the other directories follow it. Gives how many there were; 0 when none is left.
 */
export async function dropImported(
  database: Database,
  key: LeaseKey,
  { attribute, now }: { readonly attribute: string; readonly now: number },
): Promise<number> {
  const { organizationId, directoryId } = key
  const isImported = sql`EXISTS (SELECT 1 FROM attribute_direction WHERE organization_id = ${organizationId}
    AND directory_id = ${directoryId} AND attribute = ${attribute} AND direction = 'import')`
  const path = `$."${attribute}"`
  const [, found] = await database.run(
    holdsLease(key),
    sql`SELECT id, imported FROM user WHERE organization_id = ${organizationId} AND imported IS NOT NULL
        AND json_extract(imported, ${`${path}.directoryId`}) = ${directoryId} AND NOT ${isImported}
      ORDER BY id LIMIT ${PER_BATCH}`,
  )
  const users = (found?.rows ?? []).map((row) => decode(user, row))
  if (users.length === 0) return 0
  const rows = JSON.stringify(users.map(({ id }) => ({ organizationId, id })))
  await database.run(
    holdsLease(key),
    refuseUnless(sql`NOT ${isImported}`, 'imports'),
    sql`UPDATE user SET version = version + 1, modified_at = max(modified_at, ${now}),
        imported = nullif(json_remove(imported, ${path}), '{}')
      FROM json_each(${rows}) e WHERE user.organization_id = e.value ->> 'organizationId'
        AND user.id = e.value ->> 'id'
        AND json_extract(user.imported, ${`${path}.directoryId`}) = ${directoryId}`,
    appendEvents(
      organizationId,
      users.map(({ id, imported }) => dropEvent(key, id, attribute, imported, now)),
    ),
  )
  return users.length
}

function dropEvent(
  { directoryId }: LeaseKey,
  id: string,
  attribute: string,
  imported: JsonObject | null,
  time: number,
): NewEvent {
  const held = imported?.[attribute]
  const from = isJsonObject(held) ? (held['value'] ?? null) : null
  return {
    class: 'change',
    type: 'user_update',
    time,
    target: { type: 'user', id },
    actor: { type: 'system', id: null },
    changes: [{ attribute, from, to: null }],
    details: { importedFrom: directoryId },
  }
}
