/** Recorded Entra ID requests and the examples of RFC 7644 section 3.5.2, replayed from test/fixtures. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import type { ResourceType } from '../../src/scim/attributes.ts'
import type { ScimFault } from '../../src/scim/fault.ts'
import { foldMembers, splitMembers, touchedIds } from '../../src/scim/member-patch.ts'
import { parsePatchRequest, type PatchRequest } from '../../src/scim/messages.ts'
import { applyPatch } from '../../src/scim/patch.ts'
import { GROUP, USER } from '../../src/scim/resource-types.ts'
import { readResource } from '../../src/scim/resource.ts'

interface Fixture {
  readonly title: string
  readonly type: 'User' | 'Group'
  /** A PATCH of the document `before`, or of the members `membersBefore`. */
  readonly request?: Json
  readonly before?: JsonObject
  readonly membersBefore?: readonly string[]
  /** A POST. */
  readonly body?: Json
  readonly after?: JsonObject
  readonly membersAfter?: readonly string[]
  readonly changed?: boolean
  readonly fault?: Partial<ScimFault>
  readonly quirks: readonly number[]
}

const ROOT = join(import.meta.dirname, '../fixtures')

/** Name and content of the fixtures of this test; the folders hold those of other tests too. */
function fixtures(folder: string): [string, Fixture][] {
  return readdirSync(join(ROOT, folder))
    .filter((file) => /^(?:q\d\d|3\.5\.2)/.test(file))
    .toSorted()
    .map((file) => {
      const fixture = JSON.parse(readFileSync(join(ROOT, folder, file), 'utf8')) as Fixture
      return [`${file.replace(/\.json$/, '')}: ${fixture.title}`, fixture]
    })
}

const typeOf = (fixture: Fixture): ResourceType => (fixture.type === 'User' ? USER : GROUP)

const sorted = (quirks: readonly number[]): number[] =>
  [...new Set(quirks)].toSorted((a, b) => a - b)

function replay(fixture: Fixture): object {
  if (fixture.body !== undefined) return replayPost(fixture, fixture.body)
  const request = parsePatchRequest(fixture.request)
  if (!request.ok) return { fault: request.error }
  return fixture.membersBefore === undefined
    ? replayPatch(fixture, request.value)
    : replayMembers(fixture.membersBefore, request.value)
}

function replayPost(fixture: Fixture, body: Json): object {
  const read = readResource(body, typeOf(fixture))
  if (!read.ok) return { fault: read.error }
  return { after: read.value.resource, quirks: sorted(read.value.quirks) }
}

function replayPatch(fixture: Fixture, { operations, quirks }: PatchRequest): object {
  const outcome = applyPatch(frozen(fixture.before ?? {}), operations, typeOf(fixture))
  if (!outcome.ok) return { fault: outcome.error }
  const { resource, changed } = outcome.value
  return { after: resource, changed, quirks: sorted([...quirks, ...outcome.value.quirks]) }
}

function replayMembers(before: readonly string[], { operations, quirks }: PatchRequest): object {
  const split = splitMembers(operations, GROUP)
  if (!split.ok) return { fault: split.error }
  const touched = touchedIds(split.value.members)
  const current = before.filter((id) => touched === 'all' || touched.includes(id))
  const { add, remove } = foldMembers(split.value.members, current)
  return {
    membersAfter: [...before.filter((id) => !remove.includes(id)), ...add],
    quirks: sorted([...quirks, ...split.value.quirks]),
  }
}

function expected({ fault, after, membersAfter, changed, quirks }: Fixture): object {
  if (fault !== undefined) return { fault }
  if (membersAfter !== undefined) return { membersAfter, quirks: sorted(quirks) }
  return { after, ...(changed === undefined ? {} : { changed }), quirks: sorted(quirks) }
}

/** Frozen to the bottom: a PATCH that changed its input in place would throw. */
function frozen(value: JsonObject): JsonObject {
  freeze(value)
  return value
}

function freeze(value: Json): void {
  if (typeof value !== 'object' || value === null) return
  for (const inner of Object.values<Json>(value)) freeze(inner)
  Object.freeze(value)
}

describe.each(['entra', 'rfc7644'])('%s', (folder) => {
  it.each(fixtures(folder))('%s', (_name, fixture) => {
    const replayed = replay(fixture)
    expect(replayed).toMatchObject(expected(fixture))
    // toMatchObject lets a document hold more than it should.
    expect('after' in replayed ? replayed.after : undefined).toEqual(fixture.after)
  })
})

it('has a fixture for every quirk of a request body', () => {
  const seen = new Set(fixtures('entra').map(([file]) => Number(file.slice(1, 3))))
  const expected = [...Array(16).keys()].map((i) => i + 1)
  expect([...seen]).toEqual(
    expect.arrayContaining([...expected, 23, 24, 25, 26, 27, 28, 32, 33, 34, 37, 40]),
  )
})
