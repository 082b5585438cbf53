/** The recorded requests of `test/fixtures`, made unique for one check so that they can be played to any server. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { textAt } from './client.ts'

export interface Fixture {
  readonly title: string
  readonly type: 'User' | 'Group'
  /** A PATCH of the document `before`, or of a group with the members `membersBefore`. */
  readonly request?: Json
  readonly before?: JsonObject
  readonly membersBefore?: readonly string[]
  /** A POST. */
  readonly body?: JsonObject
  readonly after?: JsonObject
  readonly membersAfter?: readonly string[]
  readonly changed?: boolean
  readonly fault?: { readonly kind: string }
}

export interface NamedFixture extends Fixture {
  readonly requirement: string
  readonly file: string
}

const ROOT = join(import.meta.dirname, '../fixtures')

/** `q08-…` is about Q08, `3.5.2.1-…` about that section of RFC 7644; other files are those of other tests. */
export function loadFixtures(folder: 'entra' | 'rfc7644'): readonly NamedFixture[] {
  const files = readdirSync(join(ROOT, folder)).filter((file) => /^(?:q\d\d|3\.5\.2)/.test(file))
  return files.toSorted().map((file) => {
    const fixture = JSON.parse(readFileSync(join(ROOT, folder, file), 'utf8')) as Fixture
    const [start = ''] = file.split('-')
    const requirement = folder === 'entra' ? start.toUpperCase() : `RFC 7644 §${start}`
    return { ...fixture, requirement, file: file.replace(/\.json$/, '') }
  })
}

/** The fixture with addresses, and names of groups, that nobody else uses. */
export function makeUnique<T extends Fixture>(fixture: T, prefix: string): T {
  // The name `__proto__` is refused before anything is read, see hostile.spec.ts.
  const { ['__proto__']: _, ...body } = fixture.body ?? {}
  const safe = fixture.body === undefined ? fixture : { ...fixture, body }
  const text = JSON.stringify(safe).replaceAll(/[\w.+-]+@[\w.-]+/g, `${prefix}-$&`)
  const own = JSON.parse(text) as T
  return own.type === 'User'
    ? own
    : { ...own, ...uniqueGroup(own, 'body', prefix), ...uniqueGroup(own, 'after', prefix) }
}

function uniqueGroup(fixture: Fixture, part: 'body' | 'after', prefix: string): Partial<Fixture> {
  const group = fixture[part]
  if (group === undefined) return {}
  const rename = (name: string): JsonObject =>
    group[name] === undefined ? {} : { [name]: `${prefix}-${textAt(group, name)}` }
  return { [part]: { ...group, ...rename('displayName'), ...rename('externalId') } }
}

/** The fixture with the ids of real members in place of those in the file. */
export function withMembers(fixture: Fixture, ids: ReadonlyMap<string, string>): Fixture {
  let text = JSON.stringify(fixture)
  for (const [name, id] of ids) text = text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), id)
  return JSON.parse(text) as Fixture
}

export const membersNamed = ({ membersBefore = [], membersAfter = [] }: Fixture): string[] => [
  ...new Set([...membersBefore, ...membersAfter]),
]
