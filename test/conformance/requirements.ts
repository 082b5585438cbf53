/**
 * Which check is about which requirement, read from the names of the checks without running them.
 * `node test/conformance/requirements.ts` writes REQUIREMENTS.md; with `--list` it prints the checks as JSON instead.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { checks } from './check.ts'
import { TABLE, renderTable, type ListedCheck } from './requirements-table.ts'

const SPECS = join(import.meta.dirname, 'specs')

async function listChecks(): Promise<readonly ListedCheck[]> {
  const listed: ListedCheck[] = []
  for (const file of readdirSync(SPECS).toSorted()) {
    const before = checks.length
    await import(join(SPECS, file))
    listed.push(...checks.slice(before).map((name) => ({ file, name })))
  }
  return listed
}

const listed = await listChecks()
if (process.argv.includes('--list')) console.log(JSON.stringify(listed))
else writeFileSync(TABLE, renderTable(listed))
