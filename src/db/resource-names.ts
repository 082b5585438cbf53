/** What people call the users and groups that rows name by id: read in the same statement. */
import { type SQL, sql } from 'drizzle-orm'

export interface ResourceNames {
  /** Null where the row is about none, or about one that is gone and of which the row holds no name. */
  readonly userName: string | null
  readonly groupName: string | null
}

/**
 * The columns of the names; `userId` and `groupId` are ids of the row, which need not be of that kind. `last`: what the row itself holds of
 * the names of who is gone.
 */
export const nameColumns = (
  organizationId: string,
  userId: SQL,
  groupId: SQL,
  last: { readonly user: SQL; readonly group: SQL } = { user: sql`NULL`, group: sql`NULL` },
): SQL =>
  sql`coalesce((SELECT u.resource ->> '$.userName' FROM user u
      WHERE u.organization_id = ${organizationId} AND u.id = ${userId}), ${last.user}) AS user_name,
    coalesce((SELECT g.resource ->> '$.displayName' FROM "group" g
      WHERE g.organization_id = ${organizationId} AND g.id = ${groupId}), ${last.group}) AS group_name`

/** The names of a row with those columns. */
export const namesIn = (row: Readonly<Record<string, unknown>>): ResourceNames => ({
  userName: textOf(row['user_name']),
  groupName: textOf(row['group_name']),
})

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
