/** Every recorded request is sent as it is; what the server then shows is what the recording says. */
import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { at, type Answer, type Resource, type Scim, textAt } from '../client.ts'
import { expectError, expectStatus, memberIds } from '../expectations.ts'
import { loadFixtures, makeUnique, membersNamed, withMembers, type Fixture } from '../fixtures.ts'

/** What the server adds by itself is no part of a fixture. */
function comparable(shown: JsonObject, expected: JsonObject): JsonObject {
  const own = new Set(['id', 'meta', 'groups', 'members'])
  if (expected['active'] === undefined) own.add('active')
  const entries = Object.entries(shown).filter(([name]) => !own.has(name))
  return { ...Object.fromEntries(entries), schemas: [...(shown['schemas'] as string[])].toSorted() }
}

function expectAfter(shown: JsonObject, after: JsonObject): void {
  const schemas = [...(after['schemas'] as string[])].toSorted()
  expect(comparable(shown, after)).toEqual({ ...after, schemas })
}

async function replayPost(scim: Scim, { type, body, after, fault }: Fixture): Promise<void> {
  const answer = await scim.post(`/${type}s`, body)
  if (fault !== undefined) return expectError(answer, 400, fault.kind)
  expectStatus(answer, 201)
  expectAfter(answer.body, after ?? {})
  const read = await scim.get(`/${type}s/${textAt(answer.body, 'id')}`)
  expectAfter(read.body, after ?? {})
}

async function replayPatch(scim: Scim, fixture: Fixture): Promise<void> {
  const { before, request, after, fault, changed } = fixture
  const created = await scim.post('/Users', before)
  expectStatus(created, 201)
  const path = `/Users/${textAt(created.body, 'id')}`
  const answer = await scim.send('PATCH', path, request)
  const read = await scim.get(path)
  if (fault !== undefined) {
    expectError(answer, 400, fault.kind)
    return expect(read.body).toEqual(created.body)
  }
  expectPatched(answer, after ?? {})
  expectAfter(read.body, after ?? {})
  const versions = [at(created.body, 'meta.version'), at(read.body, 'meta.version')]
  if (versions[0] !== undefined) expect(new Set(versions).size).toBe(changed === false ? 1 : 2)
}

function expectPatched(answer: Answer, after: JsonObject): void {
  expectStatus(answer, 200, 204)
  if (answer.status === 200) expectAfter(answer.body, after)
}

async function replayMembers(scim: Scim, fixture: Fixture): Promise<void> {
  const ids = new Map<string, string>()
  for (const [i, name] of membersNamed(fixture).entries())
    ids.set(name, (await scim.user(`m${i}`)).id)
  const { request, membersBefore = [], membersAfter = [] } = withMembers(fixture, ids)
  const members = membersBefore.map((value) => ({ value }))
  const group: Resource = await scim.group('g', { members })
  expectStatus(await scim.send('PATCH', `/Groups/${group.id}`, request), 200, 204)
  expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual(membersAfter.toSorted())
}

for (const folder of ['entra', 'rfc7644'] as const)
  for (const fixture of loadFixtures(folder))
    check(`${fixture.requirement}: ${fixture.title} (fixture ${fixture.file})`, async (scim) => {
      const own = makeUnique(fixture, scim.prefix)
      if (own.body !== undefined) return replayPost(scim, own)
      return own.membersBefore === undefined ? replayPatch(scim, own) : replayMembers(scim, own)
    })
