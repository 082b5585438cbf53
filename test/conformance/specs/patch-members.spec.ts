import { expect } from 'vitest'

import type { Json } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import type { Scim } from '../client.ts'
import { expectStatus, memberIds } from '../expectations.ts'

/** `{A}`, `{B}`, `{C}` are the ids of three users. */
interface Row {
  readonly requirement: string
  readonly before: string
  readonly operation: { readonly op: string; readonly path?: string; readonly value?: Json }
  readonly after: string
}

const rows: Readonly<Record<string, readonly (readonly [string, Row['operation'], string])[]>> = {
  'RFC 7644 §3.5.2.1': [
    ['', { op: 'add', path: 'members', value: [{ value: '{A}' }] }, 'A'],
    ['A', { op: 'add', path: 'members', value: [{ value: '{B}' }, { value: '{C}' }] }, 'ABC'],
    ['A', { op: 'add', path: 'members', value: [{ value: '{A}' }] }, 'A'],
    ['A', { op: 'add', value: { members: [{ value: '{B}' }] } }, 'AB'],
    ['A', { op: 'add', path: 'members', value: [] }, 'A'],
  ],
  'RFC 7644 §3.5.2.2': [
    ['ABC', { op: 'remove', path: 'members[value eq "{B}"]' }, 'AC'],
    ['ABC', { op: 'remove', path: 'members[value eq "{A}" or value eq "{C}"]' }, 'B'],
    ['ABC', { op: 'remove', path: 'members[type eq "User"]' }, ''],
    ['ABC', { op: 'remove', path: 'members' }, ''],
    ['A', { op: 'remove', path: 'members[value eq "{B}"]' }, 'A'],
    ['', { op: 'remove', path: 'members' }, ''],
  ],
  'RFC 7644 §3.5.2.3': [
    ['AB', { op: 'replace', path: 'members', value: [{ value: '{C}' }] }, 'C'],
    ['AB', { op: 'replace', path: 'members', value: [{ value: '{B}' }, { value: '{C}' }] }, 'BC'],
    ['AB', { op: 'replace', path: 'members', value: [] }, ''],
    ['AB', { op: 'replace', value: { members: [{ value: '{C}' }] } }, 'C'],
  ],
  'Rule 5': [
    ['ABC', { op: 'Remove', path: 'members', value: [{ $ref: null, value: '{B}' }] }, 'AC'],
    ['ABC', { op: 'Remove', path: 'members', value: [{ value: '{A}' }, { value: '{C}' }] }, 'B'],
    ['ABC', { op: 'Remove', path: 'members', value: [{ value: 'cf-nobody' }] }, 'ABC'],
    ['ABC', { op: 'remove', path: 'Members', value: [{ value: '{A}' }] }, 'BC'],
    ['A', { op: 'Remove', path: 'members', value: [{ value: '{A}' }] }, ''],
  ],
  Q09: [
    ['', { op: 'Add', path: 'members', value: '{A}' }, 'A'],
    ['', { op: 'Add', path: 'members', value: { value: '{A}' } }, 'A'],
    ['', { op: 'Add', path: 'members', value: ['{A}', '{B}'] }, 'AB'],
    ['AB', { op: 'Remove', path: 'members', value: '{A}' }, 'B'],
    ['AB', { op: 'Remove', path: 'members', value: { value: '{A}' } }, 'B'],
  ],
  Q10: [
    ['', { op: 'Add', path: 'members', value: [{ $ref: null, value: '{A}', display: 'x' }] }, 'A'],
    ['', { op: 'add', path: 'members', value: [{ value: '{A}', displayName: 'x' }] }, 'A'],
  ],
}

type Ids = Readonly<Record<string, string>>

const fill = (operation: Row['operation'], ids: Ids): unknown =>
  JSON.parse(JSON.stringify(operation).replaceAll(/\{([ABC])\}/g, (_, name) => ids[name] ?? ''))

async function threeUsers(scim: Scim): Promise<Ids> {
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => scim.user(name)))
  return { A: a?.id ?? '', B: b?.id ?? '', C: c?.id ?? '' }
}

for (const [requirement, list] of Object.entries(rows))
  for (const [before, operation, after] of list)
    check(
      `${requirement}: a group of ${before || 'nobody'} becomes ${after || 'nobody'} by ${JSON.stringify(operation)}`,
      async (scim) => {
        const ids = await threeUsers(scim)
        const members = before.split('').map((name) => ({ value: ids[name] ?? '' }))
        const group = await scim.group('g', { members })
        const patched = await scim.patch(`/Groups/${group.id}`, [fill(operation, ids)])
        expectStatus(patched, 200, 204)
        const wanted = after
          .split('')
          .map((name) => ids[name] ?? '')
          .toSorted()
        expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual(wanted)
      },
    )

check('RFC 7644 §3.5.2: a rename and members in one request are both done', async (scim) => {
  const ids = await threeUsers(scim)
  const group = await scim.group('g', { members: [{ value: ids['A'] ?? '' }] })
  await scim.patch(`/Groups/${group.id}`, [
    { op: 'replace', path: 'displayName', value: scim.name('renamed') },
    { op: 'add', path: 'members', value: [{ value: ids['B'] }] },
    { op: 'remove', path: `members[value eq "${ids['A']}"]` },
  ])
  const { body } = await scim.get(`/Groups/${group.id}`)
  expect([body['displayName'], memberIds(body)]).toEqual([scim.name('renamed'), [ids['B']]])
})

/** Again while the server says that it is busy, and when to come back. */
async function untilDone(scim: Scim, groupId: string, operation: object): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const answer = await scim.patch(`/Groups/${groupId}`, [operation])
    if (answer.status !== 503) return expectStatus(answer, 200, 204)
    const seconds = Number(answer.headers.get('Retry-After'))
    expect(seconds).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, Math.min(seconds, 3) * 1000))
  }
  throw new Error('The server stayed busy.')
}

check('RFC 7644 §3.5.2: members that several clients add at once are all kept', async (scim) => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const users = await Promise.all(names.map((name) => scim.user(name)))
  const group = await scim.group('g')
  await Promise.all(
    users.map(({ id }) =>
      untilDone(scim, group.id, { op: 'add', path: 'members', value: [{ value: id }] }),
    ),
  )
  const { body } = await scim.get(`/Groups/${group.id}`)
  expect(memberIds(body)).toEqual(users.map(({ id }) => id).toSorted())
})

check('RFC 7643 §4.2: value of a member is immutable', async (scim) => {
  const ids = await threeUsers(scim)
  const group = await scim.group('g', { members: [{ value: ids['A'] ?? '' }] })
  const path = `members[value eq "${ids['A']}"].value`
  const { status } = await scim.patch(`/Groups/${group.id}`, [
    { op: 'replace', path, value: ids['B'] },
  ])
  expect([200, 204, 400]).toContain(status)
  if (status === 400)
    expect(memberIds((await scim.get(`/Groups/${group.id}`)).body)).toEqual([ids['A']])
})

check(
  'RFC 7644 §3.5.2: a failed PATCH of a group changes neither name nor members',
  async (scim) => {
    const ids = await threeUsers(scim)
    const group = await scim.group('g', { members: [{ value: ids['A'] ?? '' }] })
    const refused = await scim.patch(`/Groups/${group.id}`, [
      { op: 'add', path: 'members', value: [{ value: ids['B'] }] },
      { op: 'replace', path: 'id', value: 'x' },
    ])
    expect(refused.status).toBe(400)
    expect((await scim.get(`/Groups/${group.id}`)).body).toEqual(group)
  },
)
