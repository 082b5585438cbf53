import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

import type { JsonObject } from '../../kernel/json.ts'
import { createdAt, flag, modifiedAt, organizationId } from './columns.ts'

/** An account in a directory's tenant. */
export interface ImportedAccount {
  readonly directoryId: string
  readonly graphId: string
}

/**
 * The SCIM resource is one JSON document; columns beside it exist only because they are indexed or decide something.
 * A rowid table: rows of a kilobyte read faster there than under `WITHOUT ROWID`.
 */
export const user = sqliteTable(
  'user',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    /** `userName`, folded. */
    userNameKey: text('user_name_key').notNull(),
    /** The directory's username, folded, where the policy `local-part` makes it differ from `userName`. */
    usernameKey: text('username_key'),
    /** The primary e-mail address, folded. */
    emailKey: text('email_key'),
    externalId: text('external_id'),
    suspended: flag('suspended'),
    passwordExpired: flag('password_expired'),
    /** A user without a password is `password_pending`. */
    hasPassword: flag('has_password'),
    resource: text('resource', { mode: 'json' }).$type<JsonObject>().notNull(),
    /** Values that a directory owns, beside what the client sent: attribute -> { value, directoryId, at }. */
    imported: text('imported', { mode: 'json' }).$type<JsonObject>(),
    sourceId: text('source_id'),
    /** The account that an import made it of; null: a source sent it. */
    importedFrom: text('imported_from', { mode: 'json' }).$type<ImportedAccount>(),
    version: integer('version').notNull(),
    createdAt: createdAt(),
    modifiedAt: modifiedAt(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex('user_by_user_name').on(table.organizationId, table.userNameKey),
    uniqueIndex('user_by_username')
      .on(table.organizationId, table.usernameKey)
      .where(sql`username_key IS NOT NULL`),
    uniqueIndex('user_by_email')
      .on(table.organizationId, table.emailKey)
      .where(sql`email_key IS NOT NULL`),
    index('user_by_external_id')
      .on(table.organizationId, table.externalId)
      .where(sql`external_id IS NOT NULL`),
  ],
)

/** E-mail addresses beyond the primary, so that a filter on any address searches an index. */
export const email = sqliteTable(
  'email',
  {
    organizationId: organizationId(),
    addressKey: text('address_key').notNull(),
    userId: text('user_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.addressKey, table.userId] })],
)

export const group = sqliteTable(
  'group',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    displayNameKey: text('display_name_key').notNull(),
    externalId: text('external_id'),
    /** The SCIM resource without its members, which are rows. */
    resource: text('resource', { mode: 'json' }).$type<JsonObject>().notNull(),
    sourceId: text('source_id'),
    version: integer('version').notNull(),
    createdAt: createdAt(),
    modifiedAt: modifiedAt(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex('group_by_display_name').on(table.organizationId, table.displayNameKey),
    uniqueIndex('group_by_external_id')
      .on(table.organizationId, table.externalId)
      .where(sql`external_id IS NOT NULL`),
  ],
)

/** One row a membership; `member_id` is a user's or a group's id, its prefix says which. */
export const groupMember = sqliteTable(
  'group_member',
  {
    organizationId: organizationId(),
    groupId: text('group_id').notNull(),
    memberId: text('member_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.groupId, table.memberId] }),
    index('group_member_by_member').on(table.organizationId, table.memberId, table.groupId),
  ],
)

/** A password on its way to the directories: sealed, and gone once each has delivered or refused it. */
export const pendingPassword = sqliteTable(
  'pending_password',
  {
    organizationId: organizationId(),
    userId: text('user_id').notNull(),
    sealed: text('sealed').notNull(),
    /** The sequence of the event that brought it: a later password replaces it and its sequence. */
    sequence: integer('sequence').notNull(),
    createdAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.userId] })],
)
