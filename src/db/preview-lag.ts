/** What a directory has still to follow of the log, as far as a preview goes by it. */
import { type SQL, sql } from 'drizzle-orm'

import type { Answer } from './client.ts'
import type { LeaseKey } from './lease.ts'
import { managersImported, managersOwn } from './waiting.ts'

type DirectoryKey = Pick<LeaseKey, 'organizationId' | 'directoryId'>

/** What the log says of a user behind the place up to which the directory has followed it. */
export interface Unfollowed {
  /** The user was created. */
  readonly isNew: boolean
  readonly isChanged: boolean
  /** A command, or a membership, binds the user, and none that unbinds it comes after. */
  readonly isBound: boolean
  /** The user's password came while it was to be bound: it goes with that bind. */
  readonly hasPassword: boolean
}

const FOLLOWED: Unfollowed = { isNew: false, isChanged: false, isBound: false, hasPassword: false }

const positionOf = ({ organizationId, directoryId }: DirectoryKey): SQL =>
  sql`(SELECT position FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId})`

/** The statement that reads it of the users of `ids`, a subquery; nothing of whom the log says nothing. */
export function unfollowedOf(key: DirectoryKey, ids: SQL): SQL {
  const unread = sql`e.organization_id = ${key.organizationId} AND e.sequence > ${positionOf(key)}`
  return sql`WITH page AS (${ids}),
    command AS (SELECT e.sequence, e.type, e.touched FROM event e INDEXED BY event_by_target
      WHERE ${unread} AND e.target_id = ${key.directoryId} AND e.type IN ('binding_create', 'binding_delete')),
    named AS (SELECT t.value AS id, c.sequence, c.type FROM command c, json_each(c.touched) t
        WHERE t.value IN (SELECT value FROM page)
      UNION ALL SELECT p.value, c.sequence, c.type FROM command c, page p WHERE c.touched IS NULL
      UNION ALL ${joiningOf(key, unread)}),
    bound AS (SELECT id, max(sequence) FILTER (WHERE type = 'binding_create')
        > coalesce(max(sequence) FILTER (WHERE type = 'binding_delete'), 0) AS is_bound FROM named GROUP BY id),
    changed AS (SELECT e.target_id AS id, max(e.type = 'user_create') AS is_new
      FROM event e INDEXED BY event_by_target
      WHERE ${unread} AND e.target_id IN (SELECT value FROM page) AND e.class = 'change' GROUP BY e.target_id)
    SELECT p.value AS id, c.id IS NOT NULL AS is_changed, coalesce(c.is_new, 0) AS is_new, coalesce(b.is_bound, 0) AS is_bound,
      coalesce('binding_create' = (SELECT n.type FROM named n JOIN pending_password w
        ON w.organization_id = ${key.organizationId} AND w.user_id = n.id AND w.sequence > n.sequence
        WHERE n.id = p.value ORDER BY n.sequence DESC LIMIT 1), 0) AS has_password
      FROM page p LEFT JOIN changed c ON c.id = p.value LEFT JOIN bound b ON b.id = p.value
      WHERE c.id IS NOT NULL OR b.id IS NOT NULL`
}

/** Whom a membership binds that is still to be followed: nobody who is bound, or whom somebody unbound. */
function joiningOf({ organizationId, directoryId }: DirectoryKey, unread: SQL): SQL {
  return sql`SELECT m.member_id, e.sequence, 'binding_create' FROM directory d
    CROSS JOIN json_each(d.settings, '$.bindNewUsers.groupIds') g
    CROSS JOIN event e INDEXED BY event_by_target ON ${unread} AND e.target_id IN (g.value, d.id)
      AND (e.target_id = g.value OR e.type = 'directory_update')
    CROSS JOIN group_member m ON m.organization_id = e.organization_id AND m.group_id = g.value
    WHERE d.organization_id = ${organizationId} AND d.id = ${directoryId}
      AND d.settings ->> '$.bindNewUsers.mode' = 'groups' AND m.member_id IN (SELECT value FROM page)
      AND NOT EXISTS (SELECT 1 FROM binding b WHERE b.organization_id = d.organization_id AND b.directory_id = d.id
        AND b.kind = 'user' AND b.resource_id = m.member_id AND b.unbound_by IS NOT 'groups')`
}

/** Reads the answer: by user id, of everybody. */
export function toUnfollowed(answer: Answer | undefined): (userId: string) => Unfollowed {
  const rows = (answer?.rows ?? []).map((row): [string, Unfollowed] => [
    String(row['id']),
    {
      isNew: row['is_new'] === 1,
      isChanged: row['is_changed'] === 1,
      isBound: row['is_bound'] === 1,
      hasPassword: row['has_password'] === 1,
    },
  ])
  const unfollowed = new Map(rows)
  return (userId) => unfollowed.get(userId) ?? FOLLOWED
}

/** Whether everybody who is bound is to be looked at: of settings that changed, or a direction that sends something. */
export const willLook = (key: DirectoryKey): SQL =>
  sql`SELECT EXISTS (SELECT 1 FROM event e INDEXED BY event_by_target WHERE e.organization_id = ${key.organizationId}
    AND e.sequence > ${positionOf(key)} AND e.target_id = ${key.directoryId}
    AND e.type IN ('directory_update', 'integrationattribute_include')) AS will_look`

/** So many events of a directory that lags are looked at for reports: a page costs no walk of the whole log. */
const LOOKED_AT = 20_000

/** Behind `after`, whoever has one of `asked`, a subquery, as a manager since a change that is still to be followed. */
export const newReportsOf = (key: DirectoryKey, asked: SQL, after: string): SQL =>
  sql`SELECT u.id FROM event e CROSS JOIN user u ON u.organization_id = e.organization_id AND u.id = e.target_id
    WHERE e.organization_id = ${key.organizationId} AND e.sequence > ${positionOf(key)}
      AND e.sequence <= ${positionOf(key)} + ${LOOKED_AT}
      AND e.class = 'change' AND e.target_type = 'user' AND +e.target_id > ${after}
      AND (${managersOwn} IN ${asked} OR ${managersImported} IN ${asked})`
