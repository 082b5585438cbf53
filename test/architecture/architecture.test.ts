import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { cruiseTree, ROOT, RULES } from './cruising.ts'

/** A checker that reads nothing finds nothing: raise the floor as the product grows, never lower it. */
const FLOOR = 90

describe('the arrows of the design', () => {
  it('are kept by every module of src', async () => {
    const { modules, violations, homeless } = await cruiseTree(ROOT)
    expect(modules.length).toBeGreaterThan(FLOOR)
    expect(violations).toEqual([])
    expect(homeless).toEqual([])
  })
})

/** One planted violation: the file that breaks the rule, and what it imports. */
const PLANTS: Readonly<Record<string, readonly (readonly [file: string, imported: string])[]>> = {
  'core-knows-only-core': [
    ['src/plan/diff.ts', '../db/client.ts'],
    ['src/scim/patch.ts', '../../test/support/clock.ts'],
  ],
  'kernel-knows-only-kernel': [['src/kernel/clock.ts', '../scim/filter.ts']],
  'scim-knows-only-kernel': [['src/scim/filter.ts', '../plan/diff.ts']],
  'core-has-no-vendor-but-valibot': [
    ['src/plan/diff.ts', 'hono'],
    ['src/kernel/clock.ts', 'node:fs'],
  ],
  'adapters-look-down': [['src/db/client.ts', '../export/drain.ts']],
  'adapters-are-strangers': [
    ['src/graph/batch.ts', '../db/client.ts'],
    ['src/http/body.ts', '../graph/batch.ts'],
  ],
  'features-are-strangers': [
    ['src/export/drain.ts', '../directories/import.ts'],
    ['src/events/query.ts', '../console/page.tsx'],
  ],
  'only-db-knows-drizzle': [['src/provisioning/users.ts', 'drizzle-orm']],
  'only-db-knows-migrations': [['src/http/ready.ts', '../../drizzle/meta/_journal.json']],
  'nobody-imports-entry': [['src/provisioning/users.ts', '../deps.ts']],
  'product-knows-no-test': [['src/deps.ts', '../test/support/clock.ts']],
  'no-circles': [
    ['src/plan/diff.ts', './snapshot.ts'],
    ['src/plan/snapshot.ts', './diff.ts'],
  ],
  'no-blind-spots': [['src/export/drain.ts', './missing.ts']],
}

/** What the plants import, empty, and two packages. */
const GROUND: Readonly<Record<string, string>> = {
  'src/db/client.ts': 'export interface It {}',
  'src/scim/filter.ts': 'export interface It {}',
  'src/plan/diff.ts': 'export interface It {}',
  'src/export/drain.ts': 'export interface It {}',
  'src/graph/batch.ts': 'export interface It {}',
  'src/directories/import.ts': 'export interface It {}',
  'src/console/page.tsx': 'export interface It {}',
  'src/deps.ts': 'export interface It {}',
  'test/support/clock.ts': 'export interface It {}',
  'drizzle/meta/_journal.json': '{}',
  'node_modules/hono/package.json': '{"name":"hono","main":"index.js"}',
  'node_modules/hono/index.js': '',
  'node_modules/drizzle-orm/package.json': '{"name":"drizzle-orm","main":"index.js"}',
  'node_modules/drizzle-orm/index.js': '',
  'package.json': '{"dependencies":{"hono":"1.0.0","drizzle-orm":"1.0.0"}}',
}

const trees: string[] = []
afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true })
})

function plant(files: Readonly<Record<string, string>>): string {
  const tree = mkdtempSync(join(tmpdir(), 'isthmus-arrows-'))
  trees.push(tree)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    writeFileSync(join(tree, path), `${text}\n`)
  }
  return tree
}

const importing = (imported: string): string =>
  `import type { It } from '${imported}'\nexport interface Mine extends It {}`

describe('each rule', () => {
  it('has a planted violation below', () => {
    expect(Object.keys(PLANTS)).toEqual(RULES.map(({ name }) => name))
  })

  it.each(Object.entries(PLANTS))(
    '%s catches its violation, even of a type',
    async (rule, plants) => {
      const planted = Object.fromEntries(plants.map(([file, it]) => [file, importing(it)]))
      const { violations } = await cruiseTree(plant({ ...GROUND, ...planted }))
      const caught = plants.filter(([file]) =>
        violations.some((text) => text.startsWith(`${rule}: ${file} -> `)),
      )
      // A circle is told once, at one of its modules.
      expect(caught.length).toBe(rule === 'no-circles' ? 1 : plants.length)
    },
  )

  it('is silent about what the design allows', async () => {
    const allowed = {
      'src/console/page.tsx': importing('../directories/import.ts'),
      'src/db/client.ts': importing('drizzle-orm'),
      'src/plan/diff.ts': importing('../scim/filter.ts'),
      'src/graph/batch.ts': importing('../plan/diff.ts'),
      'src/export/drain.ts': importing('../db/client.ts'),
      'src/deps.ts': importing('./export/drain.ts'),
    }
    const { violations } = await cruiseTree(plant({ ...GROUND, ...allowed }))
    expect(violations).toEqual([])
  })

  it('does not reach a file outside the rooms, which is told apart', async () => {
    const { homeless } = await cruiseTree(plant({ ...GROUND, 'src/utils/all.ts': 'export {}' }))
    expect(homeless).toEqual(['src/utils/all.ts'])
  })
})
