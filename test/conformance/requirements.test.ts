/** The table of requirements is what the checks say, and every rule and quirk of Entra ID has a check. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import {
  groupByRequirement,
  renderTable,
  requirementsOf,
  TABLE,
  type ListedCheck,
} from './requirements-table.ts'

/** Listed by a process of its own: under vitest the checks would register themselves as tests. */
function listChecks(): readonly ListedCheck[] {
  const { VITEST: _, ...env } = process.env
  const script = fileURLToPath(new URL('./requirements.ts', import.meta.url).href)
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, '--list'], {
    env,
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as readonly ListedCheck[]
}

/** A formatter may pad the cells of a table in its own way. */
const unpadded = (text: string): string => text.replaceAll(/ +|-{3,}/g, ' ')

describe('requirements of the conformance suite', () => {
  const listed = listChecks()

  it('are what REQUIREMENTS.md says (node test/conformance/requirements.ts makes it anew)', () => {
    expect(unpadded(readFileSync(TABLE, 'utf8'))).toBe(unpadded(renderTable(listed)))
  })

  it('begin the name of every check', () => {
    expect(listed.filter(({ name }) => requirementsOf(name).length === 0)).toEqual([])
  })

  it('are told apart by the name of their check', () => {
    const names = listed.map(({ file, name }) => `${file} ${name}`)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  it('hold every rule and every quirk of Entra ID', () => {
    const known = groupByRequirement(listed)
    const rules = Array.from({ length: 10 }, (_, i) => `Rule ${i + 1}`)
    const quirks = Array.from({ length: 42 }, (_, i) => `Q${String(i + 1).padStart(2, '0')}`)
    expect([...rules, ...quirks].filter((requirement) => !known.has(requirement))).toEqual([])
  })

  it('have 300 checks and more', () => {
    expect(listed.length).toBeGreaterThan(300)
  })
})
