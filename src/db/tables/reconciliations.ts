import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

import type { Json, JsonObject } from '../../kernel/json.ts'
import { flag, organizationId } from './columns.ts'

/** One comparison of a directory with what Microsoft 365 holds. A consumer writes it page by page, guarded by `version`. */
export const reconciliation = sqliteTable(
  'reconciliation',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    directoryId: text('directory_id').notNull(),
    mode: text('mode', { enum: ['report', 'enforce'] }).notNull(),
    state: text('state', { enum: ['running', 'held', 'done', 'rejected', 'failed'] }).notNull(),
    /** An administrator asked for it: it compares everything, whatever the delta link would tell. */
    onDemand: flag('on_demand'),
    /** Where it stands; null until it has begun. */
    progress: text('progress', { mode: 'json' }).$type<JsonObject>(),
    counts: text('counts', { mode: 'json' }).$type<JsonObject>().notNull(),
    /** Why it failed, or is held. */
    error: text('error', { mode: 'json' }).$type<JsonObject>(),
    /** Each step that is stored takes the next: of two consumers that do the same step one is too late. */
    version: integer('version').notNull().default(0),
    /** When to look whether somebody still carries it on. */
    dueAt: integer('due_at').notNull(),
    startedAt: integer('started_at').notNull(),
    endedAt: integer('ended_at'),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    index('reconciliation_by_directory').on(table.organizationId, table.directoryId, table.id),
    uniqueIndex('reconciliation_running')
      .on(table.organizationId, table.directoryId)
      .where(sql`state = 'running'`),
  ],
)

/** What a run found, by user (or group) and attribute. */
export const drift = sqliteTable(
  'drift',
  {
    organizationId: organizationId(),
    directoryId: text('directory_id').notNull(),
    reconciliationId: text('reconciliation_id').notNull(),
    userId: text('user_id').notNull(),
    /** An attribute's API name, `accountEnabled`, `deleted`, or `members:` with the group that `user_id` is or is not a member of. */
    attribute: text('attribute').notNull(),
    graphId: text('graph_id').notNull(),
    direction: text('direction', { enum: ['export', 'import'] }).notNull(),
    ours: text('ours', { mode: 'json' }).$type<Json>(),
    theirs: text('theirs', { mode: 'json' }).$type<Json>(),
  },
  (table) => [
    primaryKey({
      columns: [table.organizationId, table.reconciliationId, table.userId, table.attribute],
    }),
  ],
)

/** The bound accounts that a page of a whole comparison showed: who is on none of them is looked for. */
export const seenAccounts = sqliteTable(
  'seen_accounts',
  {
    organizationId: organizationId(),
    directoryId: text('directory_id').notNull(),
    reconciliationId: text('reconciliation_id').notNull(),
    page: integer('page').notNull(),
    graphIds: text('graph_ids', { mode: 'json' }).$type<readonly string[]>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.reconciliationId, table.page] })],
)
