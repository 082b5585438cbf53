/** Rows that depend on a user's: addresses beyond the primary one, and a password on its way. */
import { sql } from 'drizzle-orm'

import type { Query } from './client.ts'
import { userColumns, type StoredUser } from './row.ts'

/** The rows of the addresses beyond the primary one that came or went. */
export function changeEmails(
  organizationId: string,
  before: StoredUser,
  wanted: StoredUser,
): Query[] {
  const from = userColumns(before.resource).otherEmailKeys
  const to = userColumns(wanted.resource).otherEmailKeys
  const gone = from.filter((key) => !to.includes(key))
  const added = to.filter((key) => !from.includes(key))
  return [
    ...removeEmails(organizationId, before.id, gone),
    ...addEmails(organizationId, before.id, added),
  ]
}

export function removeEmails(
  organizationId: string,
  userId: string,
  keys: readonly string[],
): Query[] {
  if (keys.length === 0) return []
  return [
    sql`DELETE FROM email WHERE organization_id = ${organizationId}
      AND address_key IN (SELECT value FROM json_each(${JSON.stringify(keys)})) AND user_id = ${userId}`,
  ]
}

export function addEmails(
  organizationId: string,
  userId: string,
  keys: readonly string[],
): Query[] {
  if (keys.length === 0) return []
  return [
    sql`INSERT INTO email (organization_id, address_key, user_id)
      SELECT ${organizationId}, value, ${userId} FROM json_each(${JSON.stringify(keys)}) WHERE true
      ON CONFLICT DO NOTHING`,
  ]
}

/** Keeps a sealed password until it is delivered. Stands after the event in the batch, whose sequence is the last then. */
export function storePassword(
  organizationId: string,
  userId: string,
  sealed: string | undefined,
  now: number,
): Query[] {
  if (sealed === undefined) return []
  return [
    sql`INSERT INTO pending_password (organization_id, user_id, sealed, sequence, created_at)
      SELECT ${organizationId}, ${userId}, ${sealed}, max(sequence), ${now}
      FROM event WHERE organization_id = ${organizationId}
      ON CONFLICT (organization_id, user_id) DO UPDATE
      SET sealed = excluded.sealed, sequence = excluded.sequence, created_at = excluded.created_at`,
  ]
}
