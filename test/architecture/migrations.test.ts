import { describe, expect, it } from 'vitest'

import { gatherFacts } from './check-migrations.ts'
import { type MigrationFacts, problemsOf } from './migration-rules.ts'

describe('the migrations of this tree', () => {
  it('are safe, numbered and complete', async () => {
    const facts = await gatherFacts()
    expect(facts.files.length).toBeGreaterThan(0)
    expect(facts.tables.length).toBeGreaterThan(15)
    expect(problemsOf(facts)).toEqual([])
  })
})

const TABLE = 'CREATE TABLE `note` (\n\t`id` text PRIMARY KEY NOT NULL\n) WITHOUT ROWID;\n'

/** A sound history, its second migration replaced. */
const history = (sql: string, name = '0001_next.sql'): MigrationFacts => ({
  files: [
    { name: '0000_start.sql', sql: TABLE },
    { name, sql },
  ],
  journal: ['0000_start', name.replace('.sql', '')],
  tables: ['note'],
})

const ADD = 'ALTER TABLE `note` ADD `text` text;'

describe('a migration', () => {
  it('may add columns, tables and indexes', () => {
    const sql = `${ADD}--> statement-breakpoint\nCREATE INDEX \`note_by_text\` ON \`note\` (\`text\`);`
    expect(problemsOf(history(sql))).toEqual([])
  })

  it.each([
    ['drops a table', 'DROP TABLE `note`;'],
    ['drops a table', `${ADD}\ndrop  table note;`],
    ['renames a table or a column', 'ALTER TABLE `note` RENAME TO `remark`;'],
    ['renames a table or a column', 'ALTER TABLE `note` RENAME COLUMN "a" TO "b";'],
    ['drops a column', 'ALTER TABLE `note` DROP COLUMN `text`;'],
    ['rebuilds a table', 'CREATE TABLE `__new_note` (`id` text) WITHOUT ROWID;'],
    ['switches foreign keys off', 'PRAGMA foreign_keys=OFF;'],
    ['switches foreign keys off', 'PRAGMA defer_foreign_keys = true;'],
  ])('is refused when it %s: %s', (what, sql) => {
    expect(problemsOf(history(sql)).join('\n')).toContain(`0001_next.sql ${what}`)
  })

  it('may do so where a comment above the statement says why, and there only', () => {
    const allowed = '-- allowed: nothing has read it since the last release\nDROP TABLE `note`;'
    expect(problemsOf(history(allowed))).toEqual([])
    expect(problemsOf(history(`${allowed}\nDROP TABLE \`other\`;`))).toHaveLength(1)
    expect(problemsOf(history('-- allowed:\nDROP TABLE `note`;'))).toHaveLength(1)
  })

  it('is refused when its number leaves a gap or repeats one', () => {
    expect(problemsOf(history(ADD, '0002_next.sql'))[0]).toContain('should have the number 0001')
    expect(problemsOf(history(ADD, '0000_zero.sql'))[0]).toContain('should have the number 0001')
  })

  it('is refused when the journal does not know it, or knows one that is gone', () => {
    const facts = history(ADD)
    expect(problemsOf({ ...facts, journal: ['0000_start'] })[0]).toContain('is not in drizzle/meta')
    expect(problemsOf({ ...facts, files: facts.files.slice(0, 1) })[0]).toContain('no such file')
  })

  it('is missed when a table was declared and no migration creates it', () => {
    const facts = { ...history(ADD), tables: ['note', 'remark'] }
    expect(problemsOf(facts)).toEqual([expect.stringContaining('creates the table "remark"')])
  })

  it('is refused when a table has a rowid that should have none', () => {
    const sql = 'CREATE TABLE `remark` (\n\t`id` text PRIMARY KEY NOT NULL\n);'
    expect(problemsOf(history(sql))).toEqual([expect.stringContaining('WITHOUT ROWID')])
    const wide = 'CREATE TABLE `user` (\n\t`id` text PRIMARY KEY NOT NULL\n);'
    expect(problemsOf(history(wide))).toEqual([])
  })
})
