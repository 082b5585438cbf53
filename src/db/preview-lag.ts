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
  /** The command that binds the user, unless one that unbinds the user comes after it. */
  readonly boundAt: number | null
}

const FOLLOWED: Unfollowed = { isNew: false, isChanged: false, boundAt: null }

const positionOf = ({ organizationId, directoryId }: DirectoryKey): SQL =>
  sql`(SELECT position FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId})`

/** The statement that reads it of the users of `ids`, a subquery; nothing of whom the log says nothing. */
export function unfollowedOf(key: DirectoryKey, ids: SQL): SQL {
  const unread = sql`e.organization_id = ${key.organizationId} AND e.sequence > ${positionOf(key)}`
  const commands = sql`event e INDEXED BY event_by_target WHERE ${unread} AND e.target_id = ${key.directoryId}
    AND e.type IN ('binding_create', 'binding_delete')`
  return sql`WITH page AS (${ids}),
    command AS (SELECT e.sequence, e.type, e.touched FROM ${commands}),
    named AS (SELECT t.value AS id, c.sequence, c.type FROM command c, json_each(c.touched) t
        WHERE t.value IN (SELECT value FROM page)
      UNION ALL SELECT p.value, c.sequence, c.type FROM command c, page p WHERE c.touched IS NULL),
    bound AS (SELECT n.id, min(n.sequence) AS at FROM named n WHERE n.type = 'binding_create' AND n.sequence >
        coalesce((SELECT max(d.sequence) FROM named d WHERE d.id = n.id AND d.type = 'binding_delete'), 0)
      GROUP BY n.id),
    changed AS (SELECT e.target_id AS id, max(e.type = 'user_create') AS is_new
      FROM event e INDEXED BY event_by_target
      WHERE ${unread} AND e.target_id IN (SELECT value FROM page) AND e.class = 'change' GROUP BY e.target_id)
    SELECT p.value AS id, c.id IS NOT NULL AS is_changed, coalesce(c.is_new, 0) AS is_new, b.at AS bound_at
      FROM page p LEFT JOIN changed c ON c.id = p.value LEFT JOIN bound b ON b.id = p.value
      WHERE c.id IS NOT NULL OR b.id IS NOT NULL`
}

/** Reads the answer: by user id, of everybody. */
export function toUnfollowed(answer: Answer | undefined): (userId: string) => Unfollowed {
  const rows = (answer?.rows ?? []).map((row): [string, Unfollowed] => [
    String(row['id']),
    {
      isNew: row['is_new'] === 1,
      isChanged: row['is_changed'] === 1,
      boundAt: typeof row['bound_at'] === 'number' ? row['bound_at'] : null,
    },
  ])
  const unfollowed = new Map(rows)
  return (userId) => unfollowed.get(userId) ?? FOLLOWED
}

/** So many events of a directory that lags are looked at for reports: a page costs no walk of the whole log. */
const LOOKED_AT = 20_000

/** Behind `after`, whoever has one of `asked`, a subquery, as a manager since a change that is still to be followed. */
export const newReportsOf = (key: DirectoryKey, asked: SQL, after: string): SQL =>
  sql`SELECT u.id FROM event e CROSS JOIN user u ON u.organization_id = e.organization_id AND u.id = e.target_id
    WHERE e.organization_id = ${key.organizationId} AND e.sequence > ${positionOf(key)}
      AND e.sequence <= ${positionOf(key)} + ${LOOKED_AT}
      AND e.class = 'change' AND e.target_type = 'user' AND +e.target_id > ${after}
      AND (${managersOwn} IN ${asked} OR ${managersImported} IN ${asked})`
