/**
 * Writes the recorded cycle, test/fixtures/entra-cycle: `node test/dev/recording/generate.ts`. The files are what is
 * played and reviewed; test/dev/cycle.test.ts proves that they are in step with this.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import {
  attributeChanges,
  connection,
  type Exchange,
  groupChanges,
  groups,
  leavers,
  managerChanges,
  managers,
  memberships,
  referenceChecks,
  users,
} from './exchanges.ts'
import { expectedState } from './expected-state.ts'

/** Exchanges that end before those of the next part begin. */
export interface Part {
  readonly title: string
  readonly exchanges: readonly Exchange[]
}

/** Where the files are. */
export const FIXTURE = join(import.meta.dirname, '../../fixtures/entra-cycle')

/** Every file of the fixture, by name. */
export function generate(): Readonly<Record<string, unknown>> {
  const part = (title: string, exchanges: readonly Exchange[]): Part => ({ title, exchanges })
  return {
    '1-connection.json': part('Connection check', connection()),
    '2-users.json': part('Users', users()),
    '3-groups.json': part('Groups', groups()),
    '4-references.json': part('Managers and members', [...managers(), ...memberships()]),
    '5-changes.json': part('Changes', [
      ...referenceChecks(),
      ...attributeChanges(),
      ...managerChanges(),
    ]),
    '6-leavers.json': part('Disabled, enabled, deleted', leavers()),
    '7-group-changes.json': part('Changes of groups', groupChanges()),
    'expected.json': expectedState(),
  }
}

/** The text of a file of the fixture. */
export const render = (content: unknown): string => `${JSON.stringify(content, null, 2)}\n`

if (import.meta.main)
  for (const [name, content] of Object.entries(generate()))
    writeFileSync(join(FIXTURE, name), render(content))
