import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { createSealer } from '../../src/kernel/seal.ts'
import { mergeSettings, defaultSettings } from '../../src/plan/settings.ts'
import { DEMO_CLIENT_SECRET } from '../graph/demo.ts'
import { cheatSheet } from './cheat-sheet.ts'
import { DEMO } from './demo-credentials.ts'
import { seedStatements } from './seed.ts'

const KEY = Buffer.alloc(32, 7).toString('base64')
const DRIZZLE = join(import.meta.dirname, '../../drizzle')

async function seeded(): Promise<DatabaseSync> {
  const database = new DatabaseSync(':memory:')
  for (const name of readdirSync(DRIZZLE)
    .filter((file) => file.endsWith('.sql'))
    .toSorted())
    database.exec(readFileSync(join(DRIZZLE, name), 'utf8'))
  const statements = await seedStatements(1_700_000_000_000, KEY)
  if (!statements.ok) throw new Error(statements.error)
  for (const { sql, params } of statements.value) database.prepare(sql).run(...params)
  return database
}

it('the seed fits the tables, with tokens hashed and the secret sealed', async () => {
  const database = await seeded()
  const credential = database.prepare('SELECT * FROM source_credential').get()
  const hash = createHash('sha256').update(DEMO.scimToken).digest('hex')
  expect(credential).toMatchObject({ secret_hash: hash, organization_id: 'org_demo' })
  const directory = database.prepare('SELECT credential, settings FROM directory').get()
  expect(mergeSettings(defaultSettings, JSON.parse(String(directory?.['settings']))).ok).toBe(true)
  const sealer = createSealer({
    subtle: crypto.subtle,
    randomBytes: (length) => new Uint8Array(length),
    keys: { current: KEY },
  })
  if (!sealer.ok) throw new Error(sealer.error)
  const sealed = String(directory?.['credential'])
  const opened = await sealer.value.open(sealed, 'org_demo/dir_demo/client_secret')
  expect(opened).toEqual({ ok: true, value: DEMO_CLIENT_SECRET })
  const dump = JSON.stringify(database.prepare('SELECT * FROM api_key').all())
  expect(dump).not.toContain(DEMO.apiKey)
  const { count } = database.prepare('SELECT count(*) count FROM attribute_direction').get() ?? {}
  expect(count).toBe(14)
})

it('the cheat sheet prints a command that names the port and the token', () => {
  const facts = {
    port: 9000,
    seconds: 3.21,
    state: '.wrangler/dev',
    graphUrl: 'http://127.0.0.1:9001/v1.0',
    isEmulated: true,
    hasReference: false,
    hasConsole: false,
  }
  const sheet = cheatSheet(facts)
  expect(sheet).toContain(`OPERATOR_TOKEN=${DEMO.operatorToken}`)
  expect(sheet).toContain(
    `curl -H "Authorization: Bearer ${DEMO.scimToken}" "http://127.0.0.1:9000/scim/v2/Users?count=1"`,
  )
  expect(sheet).toContain('npm run demo -- --port 9000')
  expect(sheet).toContain('admin -- --url http://127.0.0.1:9000 status dir_demo')
  expect(sheet).toContain(`CLIENT_SECRET=${DEMO_CLIENT_SECRET}`)
  expect(sheet).not.toContain('Console')
  expect(cheatSheet({ ...facts, hasConsole: true })).toContain('http://127.0.0.1:9000/console')
})
