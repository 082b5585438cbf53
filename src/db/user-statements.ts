/** The batches that write users. What depends on the user's row (addresses, password, memberships) comes last. */
import { and, eq, sql } from 'drizzle-orm'

import type { JsonObject } from '../kernel/json.ts'
import type { Database, Query } from './client.ts'
import type { NewEvent } from './event-log.ts'
import { namesAllHolders } from './memberships.ts'
import { mutation } from './mutation.ts'
import { userColumns, type StoredUser } from './row.ts'
import { type ImportedAccount, user } from './tables/provisioning.ts'
import { addEmails, changeEmails, removeEmails, storePassword } from './user-dependents.ts'
import { namesAreFree } from './user-names.ts'

type Build = Database['build']

/** What a mutation makes of a user, when, and the event that tells of it. */
export interface UserMutation {
  readonly next: {
    readonly resource: JsonObject
    /** Key of the directory's username where it differs from `userName`. */
    readonly usernameKey: string | null
    readonly suspended: boolean
    /** Absent: as it was. */
    readonly passwordExpired?: boolean
    /** A new password, sealed for `passwordContext`. */
    readonly sealedPassword?: string
  }
  readonly now: number
  readonly event: NewEvent
}

/** The user as a mutation leaves it. */
export function userAfter(
  before: StoredUser | undefined,
  id: string,
  { next, now }: UserMutation,
): StoredUser {
  const { sealedPassword, ...state } = next
  return {
    passwordExpired: false,
    imported: null,
    groups: [],
    createdAt: now,
    ...before,
    ...state,
    id,
    hasPassword: before?.hasPassword === true || sealedPassword !== undefined,
    version: (before?.version ?? 0) + 1,
    modifiedAt: now,
  }
}

/** Where a user comes from: a source, or the account that it was imported from. */
export interface UserOrigin {
  readonly sourceId: string | null
  readonly importedFrom: ImportedAccount | null
}

export function insertUser(
  build: Build,
  owner: UserOrigin & { readonly organizationId: string },
  wanted: StoredUser,
  { next, now, event }: UserMutation,
): Query[] {
  const { organizationId } = owner
  const { groups: _, ...row } = wanted
  const { otherEmailKeys, ...columns } = userColumns(wanted.resource)
  return [
    namesAreFree(organizationId, wanted),
    ...mutation(
      organizationId,
      build.insert(user).values({ ...owner, ...row, ...columns }),
      event,
      [
        sql`UPDATE organization SET user_count = user_count + 1 WHERE id = ${organizationId}`,
        ...addEmails(organizationId, wanted.id, otherEmailKeys),
        ...storePassword(organizationId, wanted.id, next.sealedPassword, now),
      ],
    ),
  ]
}

export function updateUser(
  build: Build,
  organizationId: string,
  before: StoredUser,
  wanted: StoredUser,
  { next, now, event }: UserMutation,
): Query[] {
  const { resource, version, modifiedAt } = wanted
  const columns = changedColumns(before, wanted)
  const isRenamed = columns.userNameKey !== undefined || columns.usernameKey !== undefined
  const update = build
    .update(user)
    .set({ resource, version, modifiedAt, ...columns })
    .where(isAsRead(organizationId, before))
  return [
    ...(isRenamed ? [namesAreFree(organizationId, wanted)] : []),
    ...mutation(organizationId, update, event, [
      ...changeEmails(organizationId, before, wanted),
      ...storePassword(organizationId, wanted.id, next.sealedPassword, now),
    ]),
  ]
}

export function removeUser(
  build: Build,
  organizationId: string,
  before: StoredUser,
  now: number,
  event: NewEvent,
): Query[] {
  const { id, groups, resource } = before
  const membership = sql`organization_id = ${organizationId} AND member_id = ${id}`
  const removal = build.delete(user).where(isAsRead(organizationId, before))
  return [
    namesAllHolders(
      organizationId,
      id,
      groups.map((held) => held.id),
    ),
    ...mutation(organizationId, removal, event, [
      sql`UPDATE organization SET user_count = user_count - 1 WHERE id = ${organizationId}`,
      sql`UPDATE "group" SET version = version + 1, modified_at = ${now}
        WHERE organization_id = ${organizationId}
        AND id IN (SELECT group_id FROM group_member WHERE ${membership})`,
      sql`DELETE FROM group_member WHERE ${membership}`,
      ...removeEmails(organizationId, id, userColumns(resource).otherEmailKeys),
      sql`DELETE FROM pending_password WHERE organization_id = ${organizationId} AND user_id = ${id}`,
    ]),
  ]
}

function isAsRead(organizationId: string, { id, version }: StoredUser) {
  return and(eq(user.organizationId, organizationId), eq(user.id, id), eq(user.version, version))
}

/** Only what changes is set: naming an indexed column writes its index entry again, and that is billed. */
function changedColumns(before: StoredUser, wanted: StoredUser) {
  const from = userColumns(before.resource)
  const to = userColumns(wanted.resource)
  const { usernameKey, suspended, passwordExpired, hasPassword } = wanted
  return {
    ...(from.userNameKey === to.userNameKey ? {} : { userNameKey: to.userNameKey }),
    ...(from.emailKey === to.emailKey ? {} : { emailKey: to.emailKey }),
    ...(from.externalId === to.externalId ? {} : { externalId: to.externalId }),
    ...(before.usernameKey === usernameKey ? {} : { usernameKey }),
    ...(before.suspended === suspended ? {} : { suspended }),
    ...(before.passwordExpired === passwordExpired ? {} : { passwordExpired }),
    ...(before.hasPassword === hasPassword ? {} : { hasPassword }),
  }
}
