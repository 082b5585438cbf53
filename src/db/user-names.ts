/** Uniqueness of users: by indexes, and across the two columns that hold names by an assertion in the same batch. */
import { sql, type SQL } from 'drizzle-orm'

import { primaryEmail } from '../scim/username.ts'
import { refuseUnless, type WriteFailure } from './failure.ts'
import { userColumns, type StoredUser } from './row.ts'

/**
 * Aborts the batch when another user is called by one of this one's keys in either column: under `local-part` both the
 * `userName` and the directory's username must be free. Within a column the unique index would refuse too.
 */
export function namesAreFree(organizationId: string, wanted: StoredUser): SQL {
  return refuseUnless(sql`NOT EXISTS (${holdersOf(organizationId, wanted)})`, 'username')
}

interface Holder {
  /** Gives the id of the user who has what was wanted, and whether it was imported. */
  readonly query: SQL
  /** The attribute that must be unique, and the value that was wanted. */
  readonly attribute: string
  readonly value: string
}

/** Who holds what a refused write wanted. */
export function nameHolder(
  organizationId: string,
  wanted: StoredUser,
  failure: WriteFailure,
): Holder {
  const { resource } = wanted
  const { emailKey } = userColumns(resource)
  if (failure.kind === 'unique' && failure.columns.includes('email_key'))
    return {
      query: sql`SELECT ${HOLDER} FROM user WHERE organization_id = ${organizationId} AND email_key = ${emailKey}`,
      attribute: 'emails',
      value: primaryEmail(resource) ?? '',
    }
  const userName = resource['userName']
  return {
    query: holdersOf(organizationId, wanted),
    attribute: 'userName',
    value: typeof userName === 'string' ? userName : '',
  }
}

const HOLDER = sql`id, imported_from IS NOT NULL AS is_imported`

function holdersOf(organizationId: string, { id, resource, usernameKey }: StoredUser): SQL {
  const { userNameKey } = userColumns(resource)
  const keys = JSON.stringify([userNameKey, ...(usernameKey === null ? [] : [usernameKey])])
  const isOther = sql`organization_id = ${organizationId} AND id <> ${id}`
  return sql`SELECT ${HOLDER} FROM user WHERE ${isOther} AND user_name_key IN (SELECT value FROM json_each(${keys}))
    UNION ALL SELECT ${HOLDER} FROM user WHERE ${isOther} AND username_key IN (SELECT value FROM json_each(${keys}))`
}
