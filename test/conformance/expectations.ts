/** What many checks expect. */
import { expect } from 'vitest'

import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { resourcesOf, textAt, type Answer, type Scim } from './client.ts'
import { ERROR, LIST_RESPONSE } from './urns.ts'

/** An error of RFC 7644 section 3.12: its status as a text, its scimType, a detail for people. */
export function expectError(answer: Answer, status: number, scimType?: string): void {
  expect([answer.status, answer.body['scimType']], answer.text).toEqual([status, scimType])
  expect(answer.body).toMatchObject({
    schemas: [ERROR],
    status: String(status),
    detail: expect.stringMatching(/\S/),
  })
  expect(answer.headers.get('Content-Type')).toMatch(/^application\/scim\+json/)
}

/** A list whose members say of themselves what they are; gives the number of all that match. */
export function expectList(answer: Answer): number {
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toMatchObject({
    schemas: [LIST_RESPONSE],
    totalResults: expect.any(Number),
  })
  return Number(answer.body['totalResults'])
}

/** The status; what was answered instead is shown. */
export function expectStatus(answer: Answer, ...statuses: readonly number[]): void {
  expect(statuses, answer.text).toContain(answer.status)
}

/** What a read of the resource shows of the attributes named in `expected`; undefined there means absent. */
export async function expectStored(
  scim: Scim,
  path: string,
  expected: Readonly<Record<string, Json | undefined>>,
): Promise<void> {
  const { status, body } = await scim.get(path)
  expect(status).toBe(200)
  expectShown(body, expected)
}

export function expectShown(
  body: JsonObject,
  expected: Readonly<Record<string, Json | undefined>>,
): void {
  const shown = Object.keys(expected).map((name) => [name, body[name]])
  expect(Object.fromEntries(shown)).toEqual(expected)
}

/** The user names or display names of a list, without the prefix, in alphabetical order. */
export function namesIn(answer: Answer, prefix: string): string[] {
  return inOrder(answer, prefix).toSorted()
}

/** The same in the order of the list. */
export function inOrder(answer: Answer, prefix: string): string[] {
  return resourcesOf(answer).map((resource) =>
    (textAt(resource, 'userName') || textAt(resource, 'displayName')).replace(`${prefix}-`, ''),
  )
}

/** The ids of a list. */
export const idsIn = (answer: Answer): string[] => resourcesOf(answer).map(({ id }) => id)

/** The values of a group's members. */
export function memberIds(body: JsonObject): string[] {
  const members = (body['members'] ?? []) as readonly JsonObject[]
  return members.map((member) => textAt(member, 'value')).toSorted()
}
