/**
 * What a migration may not do unnoticed: pure. A deployment runs the new migrations before the new code, so the old code
 * must go on working beside them; and a rebuilt table takes everything that refers to it along.
 */

export interface MigrationFile {
  readonly name: string
  readonly sql: string
}

export interface MigrationFacts {
  readonly files: readonly MigrationFile[]
  /** Tags of drizzle/meta/_journal.json, in order. */
  readonly journal: readonly string[]
  /** Names of the tables in src/db/tables. */
  readonly tables: readonly string[]
}

const BREAKPOINT = '--> statement-breakpoint'
const ALLOWED = /^[ \t]*--[ \t]*allowed:[ \t]*\S/im
const HOW_TO_ALLOW =
  'If it is meant, write a line "-- allowed: <why nothing is lost and the deployed code still works>" above the statement.'

/** Wide rows of JSON read slower without a rowid; every other table costs a second written row with one. */
const MAY_HAVE_ROWID: readonly string[] = ['user', 'directory']

const DANGERS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\bDROP\s+TABLE\b/i, 'drops a table'],
  [/\bALTER\s+TABLE\b.*\bRENAME\b/is, 'renames a table or a column'],
  [/\bALTER\s+TABLE\b.*\bDROP\b/is, 'drops a column'],
  [/__new_/i, 'rebuilds a table (drizzle-kit does that when SQLite cannot alter it)'],
  [/\bPRAGMA\s+(defer_)?foreign_keys\b/i, 'switches foreign keys off'],
]

/** Every problem as a sentence; empty when there is none. */
export function problemsOf({ files, journal, tables }: MigrationFacts): readonly string[] {
  return [
    ...numbering(files),
    ...bookkeeping(files, journal),
    ...files.flatMap(dangers),
    ...missingTables(files, tables),
    ...rowids(files),
  ]
}

function numbering(files: readonly MigrationFile[]): readonly string[] {
  return files.flatMap(({ name }, place) => {
    const wanted = String(place).padStart(4, '0')
    if (name.startsWith(`${wanted}_`)) return []
    return [
      `${name} should have the number ${wanted}: migrations are numbered without gaps, because they are applied in the order of their numbers.`,
    ]
  })
}

function bookkeeping(
  files: readonly MigrationFile[],
  journal: readonly string[],
): readonly string[] {
  const names = files.map(({ name }) => name.replace(/\.sql$/, ''))
  const how = 'Make migrations with "npm run db:generate", and delete none.'
  return [
    ...names
      .filter((name) => !journal.includes(name))
      .map((name) => `${name}.sql is not in drizzle/meta/_journal.json. ${how}`),
    ...journal
      .filter((tag) => !names.includes(tag))
      .map((tag) => `drizzle/meta/_journal.json names ${tag}, but there is no such file. ${how}`),
  ]
}

const statementsOf = (sql: string): readonly string[] =>
  sql.split(BREAKPOINT).flatMap((part) => part.split(/;[ \t]*(?:\n|$)/))

const withoutComments = (sql: string): string => sql.replaceAll(/--[^\n]*/g, '')

function dangers({ name, sql }: MigrationFile): readonly string[] {
  return statementsOf(sql).flatMap((statement) => {
    const code = withoutComments(statement)
    if (ALLOWED.test(statement)) return []
    const found = DANGERS.find(([pattern]) => pattern.test(code))
    if (found === undefined) return []
    return [`${name} ${found[1]}: "${firstWords(code)}". ${HOW_TO_ALLOW}`]
  })
}

const firstWords = (code: string): string => code.trim().replaceAll(/\s+/g, ' ').slice(0, 80)

interface Created {
  readonly file: string
  readonly table: string
  readonly isWithoutRowid: boolean
}

function createdTables(files: readonly MigrationFile[]): readonly Created[] {
  return files.flatMap(({ name, sql }) =>
    statementsOf(sql).flatMap((statement): Created[] => {
      const code = withoutComments(statement).trim()
      const table = /^CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[`"]?(\w+)/i.exec(code)?.[1]
      if (table === undefined) return []
      return [{ file: name, table, isWithoutRowid: /\)\s*WITHOUT\s+ROWID$/i.test(code) }]
    }),
  )
}

function missingTables(
  files: readonly MigrationFile[],
  tables: readonly string[],
): readonly string[] {
  const created = createdTables(files).map(({ table }) => table)
  return tables
    .filter((table) => !created.includes(table))
    .map(
      (table) =>
        `No migration creates the table "${table}" of src/db/tables. Run "npm run db:generate".`,
    )
}

function rowids(files: readonly MigrationFile[]): readonly string[] {
  return createdTables(files)
    .filter(({ table, isWithoutRowid }) => !isWithoutRowid && !MAY_HAVE_ROWID.includes(table))
    .map(
      ({ file, table }) =>
        `${file} creates "${table}" with a rowid, so every insert writes two rows. drizzle-kit cannot say it: write WITHOUT ROWID after the closing bracket by hand.`,
    )
}
