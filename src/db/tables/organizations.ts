import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

import type { JsonObject } from '../../kernel/json.ts'
import { createdAt, modifiedAt, organizationId } from './columns.ts'

export const organization = sqliteTable('organization', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  settings: text('settings', { mode: 'json' }).$type<JsonObject>().notNull(),
  /** Kept by the batches that create and delete, so that a total is no scan. */
  userCount: integer('user_count').notNull().default(0),
  groupCount: integer('group_count').notNull().default(0),
  createdAt: createdAt(),
})

export const admin = sqliteTable(
  'admin',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    role: text('role', {
      enum: ['billing_admin', 'administrator', 'manager', 'read_only'],
    }).notNull(),
    createdAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.id] })],
)

export const apiKey = sqliteTable(
  'api_key',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    adminId: text('admin_id').notNull(),
    name: text('name').notNull(),
    secretHash: text('secret_hash').notNull(),
    /** The first characters of the secret, for people to tell keys apart. */
    prefix: text('prefix').notNull(),
    expiresAt: integer('expires_at'),
    revokedAt: integer('revoked_at'),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex('api_key_by_secret').on(table.secretHash),
  ],
)

export const source = sqliteTable(
  'source',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    type: text('type', { enum: ['entra', 'okta', 'generic'] }).notNull(),
    usernamePolicy: text('username_policy', { enum: ['strict', 'local-part', 'any'] }).notNull(),
    entraTenantId: text('entra_tenant_id'),
    createdAt: createdAt(),
    modifiedAt: modifiedAt(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.id] })],
)

export const sourceCredential = sqliteTable(
  'source_credential',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    sourceId: text('source_id').notNull(),
    type: text('type', { enum: ['bearer', 'oauth_client', 'federated'] }).notNull(),
    name: text('name').notNull(),
    secretHash: text('secret_hash'),
    prefix: text('prefix'),
    expiresAt: integer('expires_at'),
    revokedAt: integer('revoked_at'),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex('source_credential_by_secret').on(table.secretHash),
    index('source_credential_by_source').on(table.organizationId, table.sourceId),
  ],
)
