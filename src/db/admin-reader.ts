/** Users and groups as the admin API reads them: the row with its groups, members and bindings, in one round trip. */
import { type SQL, sql } from 'drizzle-orm'

import { foldCase } from '../kernel/fold.ts'
import { isJsonArray, isJsonObject, type JsonObject } from '../kernel/json.ts'
import { walked, walkedPage } from './bounded-walk.ts'
import { type Database, decode } from './client.ts'
import { group, user } from './tables/provisioning.ts'

export interface AdminUser {
  readonly row: typeof user.$inferSelect
  /** `{ id, displayName }` of the groups that it is a direct member of. */
  readonly groups: readonly JsonObject[]
  readonly bindings: readonly JsonObject[]
}

export interface AdminGroup {
  readonly row: typeof group.$inferSelect
  readonly memberCount: number
  readonly bindings: readonly JsonObject[]
}

export const USER_STATUSES = [
  'active',
  'suspended',
  'password_expired',
  'password_pending',
] as const
export type UserStatus = (typeof USER_STATUSES)[number]

export interface AdminSearch {
  /** A part of a name or address, in any case. */
  readonly text: string | undefined
  readonly after: string | undefined
  readonly limit: number
}

interface Page<T> {
  readonly items: readonly T[]
  readonly nextAfter: string | undefined
}

export interface AdminReader {
  users(search: AdminSearch & { readonly status: UserStatus | undefined }): Promise<Page<AdminUser>>
  user(id: string): Promise<AdminUser | undefined>
  groups(search: AdminSearch): Promise<Page<AdminGroup>>
  /** A group with the ids of its first members. */
  group(
    id: string,
    maxMembers: number,
  ): Promise<(AdminGroup & { readonly memberIds: readonly string[] }) | undefined>
  /** Those of some ids that no user and no group has. */
  unknownOf(ids: readonly string[]): Promise<readonly string[]>
}

/** Reads within one organization. */
export function adminReader(database: Database, organizationId: string): AdminReader {
  const here = sql`organization_id = ${organizationId}`
  const page = (table: SQL, matches: SQL, { after = '', limit }: AdminSearch): SQL =>
    walked({
      from: sql`${table} WHERE ${here} AND id > ${after}`,
      place: sql`id`,
      order: sql`id`,
      matches,
      limit,
    })

  return {
    async users(search) {
      const matches = sql`${userText(search.text)} AND ${userStatus(search.status)}`
      const [found] = await database.run(
        sql`SELECT u.*, w.is_match, w.walked, ${userExtras(organizationId)}
          FROM ${page(sql`user`, matches, search)} w JOIN user u ON u.organization_id = ${organizationId}
            AND u.id = w.place ORDER BY u.id`,
      )
      return pageOf(found?.rows ?? [], search.limit, toUser)
    },
    async user(id) {
      const [found] = await database.run(
        sql`SELECT u.*, ${userExtras(organizationId)} FROM user u
          WHERE u.organization_id = ${organizationId} AND u.id = ${id}`,
      )
      return found?.rows.map(toUser)[0]
    },
    async groups(search) {
      const matches = contains([sql`display_name_key`], search.text)
      const [found] = await database.run(
        sql`SELECT g.*, w.is_match, w.walked, ${groupExtras(organizationId)}
          FROM ${page(sql`"group"`, matches, search)} w JOIN "group" g
            ON g.organization_id = ${organizationId} AND g.id = w.place ORDER BY g.id`,
      )
      return pageOf(found?.rows ?? [], search.limit, toGroup)
    },
    async group(id, maxMembers) {
      const [found, members] = await database.run(
        sql`SELECT g.*, ${groupExtras(organizationId)} FROM "group" g
          WHERE g.organization_id = ${organizationId} AND g.id = ${id}`,
        sql`SELECT member_id FROM group_member WHERE ${here} AND group_id = ${id}
          ORDER BY member_id LIMIT ${maxMembers}`,
      )
      const [row] = found?.rows ?? []
      if (row === undefined) return undefined
      const memberIds = (members?.rows ?? []).map((member) => String(member['member_id']))
      return { ...toGroup(row), memberIds }
    },
    async unknownOf(ids) {
      if (ids.length === 0) return []
      const [found] = await database.run(
        sql`SELECT value FROM json_each(${JSON.stringify(ids)})
          WHERE value NOT IN (SELECT id FROM user WHERE ${here} AND id = value)
            AND value NOT IN (SELECT id FROM "group" WHERE ${here} AND id = value)`,
      )
      return (found?.rows ?? []).map((row) => String(row['value']))
    },
  }
}

function pageOf<T>(
  rows: readonly Record<string, unknown>[],
  limit: number,
  read: (row: Record<string, unknown>) => T,
): Page<T> {
  const page = walkedPage(rows, limit)
  const nextAfter = page.last === undefined ? undefined : String(page.last['id'])
  return { items: page.rows.map(read), nextAfter }
}

function userText(text: string | undefined): SQL {
  return contains(
    [
      sql`user_name_key`,
      sql`coalesce(email_key, '')`,
      sql`lower(coalesce(resource ->> '$.displayName', ''))`,
      sql`lower(coalesce(resource ->> '$.name.givenName', '') || ' ' || coalesce(resource ->> '$.name.familyName', ''))`,
    ],
    text,
  )
}

function contains(columns: readonly SQL[], text: string | undefined): SQL {
  if (text === undefined) return sql`1`
  const key = foldCase(text)
  const tests = columns.map((column) => sql`instr(${column}, ${key}) > 0`)
  return sql`(${sql.join(tests, sql` OR `)})`
}

/** The same order of precedence as `statusOf` in provisioning. */
function userStatus(status: UserStatus | undefined): SQL {
  const conditions = {
    suspended: sql`suspended`,
    password_expired: sql`(NOT suspended AND password_expired)`,
    password_pending: sql`(NOT suspended AND NOT password_expired AND NOT has_password)`,
    active: sql`(NOT suspended AND NOT password_expired AND has_password)`,
  }
  return status === undefined ? sql`1` : conditions[status]
}

const userExtras = (organizationId: string): SQL => sql`(
    SELECT json_group_array(json_object('id', g.id, 'displayName', g.resource ->> '$.displayName'))
    FROM group_member m JOIN "group" g ON g.organization_id = m.organization_id AND g.id = m.group_id
    WHERE m.organization_id = u.organization_id AND m.member_id = u.id) AS groups,
  ${bindingsOf(organizationId, 'user', sql`u.id`)}`

const groupExtras = (organizationId: string): SQL => sql`(
    SELECT count(*) FROM group_member m
    WHERE m.organization_id = g.organization_id AND m.group_id = g.id) AS member_count,
  ${bindingsOf(organizationId, 'group', sql`g.id`)}`

/** One look into the bindings of each directory, of which there are few. */
const bindingsOf = (organizationId: string, kind: 'user' | 'group', id: SQL): SQL => sql`(
    SELECT json_group_array(json_object('directoryId', b.directory_id, 'graphId', b.graph_id,
      'state', b.state, 'exportedAt', b.exported_at))
    FROM directory d JOIN binding b ON b.organization_id = d.organization_id
      AND b.directory_id = d.id AND b.kind = ${kind} AND b.resource_id = ${id}
    WHERE d.organization_id = ${organizationId} AND b.state <> 'former') AS bindings`

const toUser = (row: Record<string, unknown>): AdminUser => ({
  row: decode(user, row),
  groups: objects(row['groups']),
  bindings: objects(row['bindings']),
})

const toGroup = (row: Record<string, unknown>): AdminGroup => ({
  row: decode(group, row),
  memberCount: Number(row['member_count']),
  bindings: objects(row['bindings']),
})

function objects(text: unknown): readonly JsonObject[] {
  const parsed: unknown = typeof text === 'string' ? JSON.parse(text) : []
  return isJsonArray(parsed) ? parsed.filter(isJsonObject) : []
}
