/**
 * Brings the local D1 of a state directory up to date: migrations, then the demo organization if it is not there yet. A
 * process of its own, because wrangler's library takes over the signals of the process that loads it.
 * `node test/dev/prepare.ts STATE`, with ENCRYPTION_KEY in the environment.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { getPlatformProxy } from 'wrangler'

import { DEMO } from './demo-credentials.ts'
import { seedStatements } from './seed.ts'

const ROOT = join(import.meta.dirname, '../..')
const MIGRATIONS = join(ROOT, 'drizzle')
const BREAKPOINT = '--> statement-breakpoint'

/** The same table that `wrangler d1 migrations apply` keeps. */
const BOOKKEEPING = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

/** Each migration is one batch with its entry in the books: wholly applied or not at all. */
async function migrate(database: D1Database): Promise<void> {
  await database.prepare(BOOKKEEPING).run()
  const { results } = await database
    .prepare('SELECT name FROM d1_migrations')
    .all<{ name: string }>()
  const applied = new Set(results.map(({ name }) => name))
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'))
  for (const name of files.toSorted().filter((file) => !applied.has(file))) {
    const text = readFileSync(join(MIGRATIONS, name), 'utf8')
    const statements = text.split(BREAKPOINT).filter((sql) => sql.trim() !== '')
    await database.batch([
      ...statements.map((sql) => database.prepare(sql)),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
    ])
  }
}

async function seed(database: D1Database, encryptionKey: string): Promise<void> {
  const found = await database
    .prepare('SELECT id FROM organization WHERE id = ?')
    .bind(DEMO.organization)
    .first()
  if (found !== null) return
  const statements = await seedStatements(Date.now(), encryptionKey)
  if (!statements.ok) throw new Error(statements.error)
  await database.batch(
    statements.value.map(({ sql, params }) => database.prepare(sql).bind(...params)),
  )
}

async function main(state: string, encryptionKey: string): Promise<void> {
  const { env, dispose } = await getPlatformProxy<{ DB: D1Database }>({
    configPath: join(ROOT, 'wrangler.toml'),
    persist: { path: join(state, 'v3') },
    remoteBindings: false,
  })
  try {
    await migrate(env.DB)
    await seed(env.DB, encryptionKey)
  } finally {
    await dispose()
  }
}

const [state] = process.argv.slice(2)
if (state === undefined) throw new Error('the state directory is missing')
await main(state, process.env['ENCRYPTION_KEY'] ?? '')
