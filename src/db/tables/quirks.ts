import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

import { organizationId } from './columns.ts'

/** How often a peculiarity of a source's client was tolerated; the numbers are those of `QUIRKS`. */
export const quirkCount = sqliteTable(
  'quirk_count',
  {
    organizationId: organizationId(),
    sourceId: text('source_id').notNull(),
    number: integer('number').notNull(),
    /** Requests, not occurrences within one. */
    count: integer('count').notNull(),
    lastSeen: integer('last_seen').notNull(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.sourceId, table.number] })],
)
