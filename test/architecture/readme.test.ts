/** README.md is what a new administrator reads: what it lists is complete. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { ATTRIBUTES } from '../../src/plan/attributes.ts'
import { missingPermissions } from '../../src/directories/permissions.ts'
import { defaultSettings } from '../../src/plan/settings.ts'
import { ROOT } from './cruising.ts'

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
/** The cells of the rows of the tables. */
const rows = readme.split('\n').flatMap((line) => (line.startsWith('| ') ? [line.split('|')] : []))

describe('README', () => {
  test.each(ATTRIBUTES.map(({ name, graph }) => [name, graph] as const))(
    'tells where %s comes from and that it goes to %s',
    (name, graph) => {
      const property = graph.split('.')[0] ?? ''
      const telling = rows.filter(
        ([, , , attribute = '', target = '']) =>
          attribute.includes(`\`${name}\``) &&
          (target.includes(`\`${property}\``) || target.includes(`the ${property} relationship`)),
      )
      expect(telling).not.toEqual([])
    },
  )

  const lacking = missingPermissions([], { settings: defaultSettings, hasGroups: true })
  const needed = lacking.map(({ permission }) => permission)
  // Who grants User.ReadWrite.All need not know the narrow ones that it includes.
  const INCLUDED = ['User.EnableDisableAccount.All', 'User.RevokeSessions.All']
  const toBeGranted = needed.filter((permission) => !INCLUDED.includes(permission))
  test.each(toBeGranted)('tells of the permission %s, and what it is for', (permission) => {
    const cells = rows.filter(([, name = '']) => name.includes(`\`${permission}\``))
    expect(cells).toHaveLength(1)
  })
})
