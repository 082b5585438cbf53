import { and, eq, sql, type SQL } from 'drizzle-orm'

import { err, ok, type Result } from '../kernel/result.ts'
import { jsonEquals, type JsonObject } from '../kernel/json.ts'
import { matchesFilter } from '../scim/match.ts'
import { USER } from '../scim/resource-types.ts'
import type { Filter } from '../scim/tree.ts'
import type { Database, Query } from './client.ts'
import type { NewEvent } from './event-log.ts'
import { refuseUnless, type WriteFailure } from './failure.ts'
import { searchCondition } from './filter-sql.ts'
import { BUSY, mutation, runGuarded, STALE, type StoreFault } from './mutation.ts'
import { readUser, showUser, userColumns, type StoredUser } from './row.ts'
import { walk, WALK_PAGE, type Page, type Slice } from './search.ts'
import { user } from './tables/provisioning.ts'
import { namesAreFree, nameHolder } from './user-names.ts'

/** What a mutation makes of a user. */
export interface UserState {
  readonly resource: JsonObject
  /** Key of the directory's username where it differs from `userName`. */
  readonly usernameKey: string | null
  readonly suspended: boolean
  /** A new password, sealed for `passwordContext`. */
  readonly sealedPassword?: string
}

export interface UserMutation {
  readonly next: UserState
  readonly now: number
  readonly event: NewEvent
}

export interface UserStore {
  find(id: string): Promise<StoredUser | undefined>
  /** Users in the order of their ids, which is that of their creation. */
  list(slice: Slice): Promise<Page<StoredUser>>
  /** Users that satisfy a filter which `checkFilter` has passed. */
  search(filter: Filter, slice: Slice): Promise<Page<StoredUser>>
  insert(id: string, sourceId: string, creation: UserMutation): Promise<Written<StoredUser>>
  /** Fails as `stale` unless the user is as it was when `before` was read. */
  update(before: StoredUser, change: UserMutation): Promise<Written<StoredUser>>
  /** The user, its memberships, addresses and undelivered password go; its groups get another version. */
  remove(before: StoredUser, now: number, event: NewEvent): Promise<Written<undefined>>
}

type Written<T> = Result<T, StoreFault>

/** What a sealed password is bound to, so that it opens for this user only. */
export const passwordContext = (organizationId: string, userId: string): string =>
  `org/${organizationId}/user/${userId}/password`

/** The users of one organization. */
export function userStore(database: Database, organizationId: string): UserStore {
  const { build } = database
  const mine = (id: string) => and(eq(user.organizationId, organizationId), eq(user.id, id))

  async function read(condition: SQL): Promise<StoredUser[]> {
    const [answer] = await database.run(select(organizationId, condition))
    return (answer?.rows ?? []).map(readUser)
  }

  /** Runs the batch that makes `wanted` of a user. */
  async function write(
    wanted: StoredUser,
    queries: readonly Query[],
  ): Promise<Written<StoredUser>> {
    const { outcome, repeated } = await runGuarded(database, queries)
    if (outcome.ok) return ok(wanted)
    const { error } = outcome
    if (error.kind === 'unavailable' || error.kind === 'overloaded') return err(BUSY)
    // A batch whose first answer was lost may have been carried out: then it runs into what it wrote itself.
    if (repeated) {
      const [found] = await read(sql`u.id = ${wanted.id}`)
      if (found !== undefined && isSameWrite(found, wanted)) return ok(wanted)
    }
    return err(
      error.kind === 'refused' && error.name === 'stale' ? STALE : await taken(wanted, error),
    )
  }

  async function taken(wanted: StoredUser, failure: WriteFailure): Promise<StoreFault> {
    const holder = nameHolder(organizationId, wanted, failure)
    const [answer] = await database.run(holder.query)
    const existingId = answer?.rows[0]?.['id']
    return {
      kind: 'uniqueness',
      attribute: holder.attribute,
      value: holder.value,
      ...(typeof existingId === 'string' ? { existingId } : {}),
    }
  }

  return {
    async find(id) {
      const [found] = await read(sql`u.id = ${id}`)
      return found
    },

    async list({ skip, take }) {
      const [counted, answer] = await database.run(
        sql`SELECT user_count FROM organization WHERE id = ${organizationId}`,
        select(organizationId, sql`1 = 1 ORDER BY u.id LIMIT ${take} OFFSET ${skip}`),
      )
      const total = Number(counted?.rows[0]?.['user_count'] ?? 0)
      return { total, items: (answer?.rows ?? []).map(readUser) }
    },

    async search(filter, slice) {
      const indexed = searchCondition(filter, USER, organizationId) ?? sql`1 = 1`
      return walk(
        (after) => read(sql`${indexed} AND u.id > ${after} ORDER BY u.id LIMIT ${WALK_PAGE}`),
        (candidate) => matchesFilter(showUser(candidate, ''), filter, USER),
        slice,
      )
    },

    async insert(id, sourceId, { next, now, event }) {
      const { otherEmailKeys, ...columns } = userColumns(next.resource)
      const { sealedPassword, ...state } = next
      const hasPassword = sealedPassword !== undefined
      const row = { ...state, id, hasPassword, version: 1, createdAt: now, modifiedAt: now }
      return write({ ...row, passwordExpired: false, groups: [] }, [
        namesAreFree(organizationId, id, columns.userNameKey, next.usernameKey),
        ...mutation(
          organizationId,
          build.insert(user).values({ organizationId, sourceId, ...row, ...columns }),
          event,
          [
            sql`UPDATE organization SET user_count = user_count + 1 WHERE id = ${organizationId}`,
            ...addEmails(organizationId, id, otherEmailKeys),
            ...storePassword(organizationId, id, next, now),
          ],
        ),
      ])
    },

    async update(before, { next, now, event }) {
      const { id, version } = before
      const columns = changedColumns(before, next)
      const row = { resource: next.resource, version: version + 1, modifiedAt: now, ...columns }
      const isRenamed = columns.userNameKey !== undefined || columns.usernameKey !== undefined
      const { userNameKey } = userColumns(next.resource)
      const { sealedPassword: _, ...state } = next
      return write({ ...before, ...row, ...state }, [
        ...(isRenamed ? [namesAreFree(organizationId, id, userNameKey, next.usernameKey)] : []),
        ...mutation(
          organizationId,
          build
            .update(user)
            .set(row)
            .where(and(mine(id), eq(user.version, version))),
          event,
          [
            ...changeEmails(organizationId, before, next),
            ...storePassword(organizationId, id, next, now),
          ],
        ),
      ])
    },

    async remove(before, now, event) {
      const { outcome } = await runGuarded(database, [
        namesAllGroups(organizationId, before),
        ...mutation(
          organizationId,
          build.delete(user).where(and(mine(before.id), eq(user.version, before.version))),
          event,
          removeDependents(organizationId, before, now),
        ),
      ])
      if (outcome.ok) return ok(undefined)
      // Gone already, by us or by another: reading again says so.
      return err(outcome.error.kind === 'refused' ? STALE : BUSY)
    },
  }
}

/** Whether what is stored is what a batch wrote whose answer was lost. */
function isSameWrite(found: StoredUser, wanted: StoredUser): boolean {
  return (
    found.version === wanted.version &&
    found.modifiedAt === wanted.modifiedAt &&
    jsonEquals(found.resource, wanted.resource)
  )
}

/** Aborts the batch unless the event, which names the groups that were read, names all: they are read again then. */
function namesAllGroups(organizationId: string, { id, groups }: StoredUser): Query {
  return refuseUnless(
    sql`NOT EXISTS (SELECT 1 FROM group_member
      WHERE organization_id = ${organizationId} AND member_id = ${id}
      AND group_id NOT IN (SELECT value FROM json_each(${JSON.stringify(groups.map((held) => held.id))})))`,
    'stale',
  )
}

function removeDependents(organizationId: string, before: StoredUser, now: number): Query[] {
  const { id } = before
  const membership = sql`organization_id = ${organizationId} AND member_id = ${id}`
  return [
    sql`UPDATE organization SET user_count = user_count - 1 WHERE id = ${organizationId}`,
    sql`UPDATE "group" SET version = version + 1, modified_at = ${now}
      WHERE organization_id = ${organizationId}
      AND id IN (SELECT group_id FROM group_member WHERE ${membership})`,
    sql`DELETE FROM group_member WHERE ${membership}`,
    ...removeEmails(organizationId, id, userColumns(before.resource).otherEmailKeys),
    sql`DELETE FROM pending_password WHERE organization_id = ${organizationId} AND user_id = ${id}`,
  ]
}

/** Users with their groups, in one statement. `condition` is about `u`; an order and a limit may follow it. */
function select(organizationId: string, condition: SQL): SQL {
  return sql`SELECT u.*, (
      SELECT json_group_array(json_object('id', g.id, 'displayName', g.resource ->> '$.displayName'))
      FROM group_member m JOIN "group" g ON g.organization_id = m.organization_id AND g.id = m.group_id
      WHERE m.organization_id = u.organization_id AND m.member_id = u.id
    ) AS groups
    FROM user u WHERE u.organization_id = ${organizationId} AND ${condition}`
}

/** Only what changes is set: naming an indexed column writes its index entry again, and that is billed. */
function changedColumns(before: StoredUser, next: UserState) {
  const from = userColumns(before.resource)
  const to = userColumns(next.resource)
  return {
    ...(from.userNameKey === to.userNameKey ? {} : { userNameKey: to.userNameKey }),
    ...(from.emailKey === to.emailKey ? {} : { emailKey: to.emailKey }),
    ...(from.externalId === to.externalId ? {} : { externalId: to.externalId }),
    ...(before.usernameKey === next.usernameKey ? {} : { usernameKey: next.usernameKey }),
    ...(before.suspended === next.suspended ? {} : { suspended: next.suspended }),
    ...(next.sealedPassword === undefined ? {} : { hasPassword: true }),
  }
}

function changeEmails(organizationId: string, before: StoredUser, next: UserState): Query[] {
  const from = userColumns(before.resource).otherEmailKeys
  const to = userColumns(next.resource).otherEmailKeys
  const gone = from.filter((key) => !to.includes(key))
  const added = to.filter((key) => !from.includes(key))
  return [
    ...removeEmails(organizationId, before.id, gone),
    ...addEmails(organizationId, before.id, added),
  ]
}

function removeEmails(organizationId: string, userId: string, keys: readonly string[]): Query[] {
  if (keys.length === 0) return []
  return [
    sql`DELETE FROM email WHERE organization_id = ${organizationId}
      AND address_key IN (SELECT value FROM json_each(${JSON.stringify(keys)})) AND user_id = ${userId}`,
  ]
}

function addEmails(organizationId: string, userId: string, keys: readonly string[]): Query[] {
  if (keys.length === 0) return []
  return [
    sql`INSERT INTO email (organization_id, address_key, user_id)
      SELECT ${organizationId}, value, ${userId} FROM json_each(${JSON.stringify(keys)}) WHERE true
      ON CONFLICT DO NOTHING`,
  ]
}

/** Stands after the event in the batch, whose sequence is the last one then. */
function storePassword(
  organizationId: string,
  userId: string,
  { sealedPassword }: UserState,
  now: number,
): Query[] {
  if (sealedPassword === undefined) return []
  return [
    sql`INSERT INTO pending_password (organization_id, user_id, sealed, sequence, created_at)
      SELECT ${organizationId}, ${userId}, ${sealedPassword}, max(sequence), ${now}
      FROM event WHERE organization_id = ${organizationId}
      ON CONFLICT (organization_id, user_id) DO UPDATE
      SET sealed = excluded.sealed, sequence = excluded.sequence, created_at = excluded.created_at`,
  ]
}
