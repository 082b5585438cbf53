import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

import type { JsonObject } from '../../kernel/json.ts'
import { flag, organizationId } from './columns.ts'

/** The log: an organization's events in commit order. */
export const event = sqliteTable(
  'event',
  {
    organizationId: organizationId(),
    sequence: integer('sequence').notNull(),
    time: integer('time').notNull(),
    /** `change` and `command` are followed by directories; a `record` is only read by people. */
    class: text('class', { enum: ['change', 'command', 'record'] }).notNull(),
    type: text('type').notNull(),
    /** Suspend, activate, delete and password overtake the rest of the log. */
    urgent: flag('urgent'),
    targetType: text('target_type').notNull(),
    targetId: text('target_id').notNull(),
    /** The one directory that a command is for, that a record tells of, or that a change was imported from. */
    directoryId: text('directory_id'),
    /** Ids of further resources to look at: members that a group gained or lost, groups that a deleted user was in. */
    touched: text('touched', { mode: 'json' }).$type<readonly string[]>(),
    outcome: text('outcome', { enum: ['success', 'failure'] }).notNull(),
    actorType: text('actor_type', { enum: ['admin', 'source', 'system', 'operator'] }).notNull(),
    actorId: text('actor_id'),
    /** Actor's name and key, origin, changes and details: what people read and no directory does. */
    body: text('body', { mode: 'json' }).$type<JsonObject>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.sequence] }),
    index('event_by_target').on(table.organizationId, table.targetId),
    index('event_urgent')
      .on(table.organizationId, table.sequence)
      .where(sql`urgent = 1`),
  ],
)
