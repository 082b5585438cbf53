import { sql } from 'drizzle-orm'
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
    email: text('email'),
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
    /** The most that the key may do; null: what its administrator may. */
    role: text('role', { enum: ['billing_admin', 'administrator', 'manager', 'read_only'] }),
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
    /** As the administrator names it: its id, or one of its domains. */
    entraTenantId: text('entra_tenant_id'),
    /** The id of that tenant, as Entra ID told it; null where it has not. */
    tenantGuid: text('tenant_guid'),
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
    /** Of a federated credential: what the claims of the client's JWT have to be. */
    issuer: text('issuer'),
    subject: text('subject'),
    audience: text('audience'),
    expiresAt: integer('expires_at'),
    revokedAt: integer('revoked_at'),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex('source_credential_by_secret').on(table.secretHash),
    index('source_credential_by_source').on(table.organizationId, table.sourceId),
    // The id is the OAuth client id: it comes without an organization.
    uniqueIndex('source_credential_by_id').on(table.id),
    // A JWT comes without an organization too, so that only one may trust it.
    uniqueIndex('source_credential_by_trust')
      .on(table.issuer, table.subject, table.audience)
      .where(sql`issuer IS NOT NULL AND revoked_at IS NULL`),
  ],
)

/** Access tokens that `/oauth/token` issued; found by the token alone, which tells the organization. */
export const accessToken = sqliteTable('access_token', {
  tokenHash: text('token_hash').primaryKey(),
  organizationId: organizationId(),
  credentialId: text('credential_id').notNull(),
  expiresAt: integer('expires_at').notNull(),
})

/** What administrators were told of a credential (of a source, a key, or a directory), so that they are told once. */
export const credentialNotice = sqliteTable(
  'credential_notice',
  {
    organizationId: organizationId(),
    /** Of the credential, or of the directory that has it. */
    id: text('id').notNull(),
    /** The expiry that was warned of, and how many days ahead; another expiry is another credential. */
    warnedOf: integer('warned_of'),
    warnedDays: integer('warned_days'),
    /** When its refusal was last made an event. */
    refusedAt: integer('refused_at'),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.id] })],
)

/** The answer to a POST that carried an Idempotency-Key, to be given again to a repeat. */
export const idempotencyKey = sqliteTable(
  'idempotency_key',
  {
    organizationId: organizationId(),
    /** Whose key it is: two administrators may use the same one. */
    adminId: text('admin_id').notNull(),
    key: text('key').notNull(),
    /** SHA-256 of method, path, query and body: the same key with another request is a mistake. */
    requestHash: text('request_hash').notNull(),
    /** Null until the request has been answered. */
    status: integer('status'),
    /** Null, too, where it held a secret. */
    answer: text('answer'),
    /** What the answer was about, where it cannot be given again. */
    resourceId: text('resource_id'),
    createdAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.adminId, table.key] })],
)
