import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

import type { JsonObject } from '../../kernel/json.ts'
import { createdAt, flag, organizationId } from './columns.ts'

/** Long work that a request started. That of a command is counted by the bindings that still owe what it asked for. */
export const job = sqliteTable(
  'job',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    type: text('type', {
      enum: ['bind', 'unbind', 'export', 'replay', 'approve', 'reject', 'import', 'undo'],
    }).notNull(),
    directoryId: text('directory_id').notNull(),
    /** The command that a drain carries out; null for work that counts for itself. */
    sequence: integer('sequence'),
    /** The sequences of the commands by which an import had its users bound. */
    commands: text('commands', { mode: 'json' }).$type<readonly number[]>(),
    /** Of a command: every binding that it is about has been found. Of other work: it is over. */
    ended: flag('ended'),
    /** How many resources it is about, as far as is known. */
    total: integer('total').notNull(),
    /** How many of them were met. */
    reached: integer('reached').notNull().default(0),
    /**
     * What it tells of: what went wrong, of work that counts for itself; what an undoing left as it was; what an answer or a replay
     * named and is not about. The first of them.
     */
    errors: text('errors', { mode: 'json' }).$type<readonly JsonObject[]>(),
    /** How many of those that were met could not be done, of work that counts for itself; or were named and are not what it is about. */
    failed: integer('failed').notNull().default(0),
    /** It ended before everything was met; the last error says why. */
    stopped: flag('stopped'),
    /** What an import was asked, and by whom. */
    request: text('request', { mode: 'json' }).$type<JsonObject>(),
    /** Where an import stands; null until it has begun. */
    progress: text('progress', { mode: 'json' }).$type<JsonObject>(),
    /** Each step that is stored takes the next: of two consumers that do the same step one is too late. */
    version: integer('version').notNull().default(0),
    /** When to look whether somebody still carries an import on; null for other work, and once it is over. */
    dueAt: integer('due_at'),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    index('job_by_sequence')
      .on(table.organizationId, table.sequence)
      .where(sql`sequence IS NOT NULL`),
    index('job_of_commands')
      .on(table.organizationId)
      .where(sql`commands IS NOT NULL`),
    index('job_due')
      .on(table.dueAt)
      .where(sql`due_at IS NOT NULL`),
  ],
)
