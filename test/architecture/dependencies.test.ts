import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { ROOT } from './cruising.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

it('docs/dependencies.md gives a reason for each package, and for no other', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  const page = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8')
  const rows = [...page.matchAll(/^\|\s*`([^`]+)`\s*\|\s*(.*?)\s*\|$/gm)].map(
    ([, name = '', reason = '']) => ({ name, reason }),
  )
  const named = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)]
  expect(rows.map(({ name }) => name).toSorted()).toEqual(named.toSorted())
  expect(rows.filter(({ reason }) => reason.length < 15)).toEqual([])
})
