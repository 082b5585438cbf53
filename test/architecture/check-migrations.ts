/** `npm run check:migrations`: refuses migrations that lose data or are forgotten halfway. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { is } from 'drizzle-orm'
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core'

import { type MigrationFacts, problemsOf } from './migration-rules.ts'

const ROOT = join(import.meta.dirname, '../..')
const MIGRATIONS = join(ROOT, 'drizzle')
const TABLES = join(ROOT, 'src/db/tables')

interface Journal {
  readonly entries: readonly { readonly tag: string }[]
}

/** Everything in this tree that the rules look at. */
export async function gatherFacts(): Promise<MigrationFacts> {
  const names = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'))
  const journal = readFileSync(join(MIGRATIONS, 'meta/_journal.json'), 'utf8')
  return {
    files: names
      .toSorted()
      .map((name) => ({ name, sql: readFileSync(join(MIGRATIONS, name), 'utf8') })),
    journal: (JSON.parse(journal) as Journal).entries.map(({ tag }) => tag),
    tables: await tableNames(),
  }
}

async function tableNames(): Promise<readonly string[]> {
  const modules = await Promise.all(
    readdirSync(TABLES).map(
      async (name) => (await import(join(TABLES, name))) as Readonly<Record<string, unknown>>,
    ),
  )
  return modules
    .flatMap((module) => Object.values(module))
    .flatMap((value) => (is(value, SQLiteTable) ? [getTableConfig(value).name] : []))
}

if (import.meta.main) {
  const facts = await gatherFacts()
  const problems = problemsOf(facts)
  for (const problem of problems) console.error(problem)
  if (problems.length === 0)
    console.log(
      `${facts.files.length} migrations, ${facts.tables.length} tables: nothing to object to.`,
    )
  process.exitCode = problems.length === 0 ? 0 : 1
}
