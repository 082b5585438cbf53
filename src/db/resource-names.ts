/** What people call the users and groups that rows name by id: read in the same statement. */
import { type SQL, sql } from 'drizzle-orm'

export interface ResourceNames {
  /** Null where the row is about no user, or about one that is gone. */
  readonly userName: string | null
  readonly groupName: string | null
}

/** The columns of the names; `userId` and `groupId` are ids of the row, which need not be of that kind. */
export const nameColumns = (organizationId: string, userId: SQL, groupId: SQL): SQL =>
  sql`(SELECT u.resource ->> '$.userName' FROM user u
      WHERE u.organization_id = ${organizationId} AND u.id = ${userId}) AS user_name,
    (SELECT g.resource ->> '$.displayName' FROM "group" g
      WHERE g.organization_id = ${organizationId} AND g.id = ${groupId}) AS group_name`

/** The names of a row with those columns. */
export const namesIn = (row: Readonly<Record<string, unknown>>): ResourceNames => ({
  userName: textOf(row['user_name']),
  groupName: textOf(row['group_name']),
})

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
