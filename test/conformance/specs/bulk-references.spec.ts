import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { check } from '../check.ts'
import { at, newUser, type Answer, type Scim, textAt } from '../client.ts'
import { expectStatus, memberIds } from '../expectations.ts'
import { BULK_REQUEST, ENTERPRISE, GROUP } from '../urns.ts'

type Operation = Readonly<Record<string, unknown>>

const bulk = (scim: Scim, Operations: readonly Operation[], more: object = {}): Promise<Answer> =>
  scim.post('/Bulk', { schemas: [BULK_REQUEST], Operations, ...more })

const post = (path: string, bulkId: string, data: JsonObject): Operation => ({
  method: 'POST',
  path,
  bulkId,
  data,
})

const user = (scim: Scim, name: string, more: JsonObject = {}): Operation =>
  post('/Users', name, { ...newUser(scim.name(name)), ...more })

const group = (scim: Scim, name: string, ...members: readonly string[]): Operation =>
  post('/Groups', name, {
    schemas: [GROUP],
    displayName: scim.name(name),
    members: members.map((value) => ({ value })),
  })

function results(answer: Answer): readonly JsonObject[] {
  expectStatus(answer, 200)
  return answer.body['Operations'] as readonly JsonObject[]
}

/** The ids of what a bulk created, by bulkId; everything must have been created. */
function idsOf(answer: Answer): Readonly<Record<string, string>> {
  const made = results(answer).filter(({ method }) => method === 'POST')
  expect(
    made.map(({ status }) => status),
    answer.text,
  ).toEqual(made.map(() => '201'))
  return Object.fromEntries(
    made.map((each) => [textAt(each, 'bulkId'), textAt(each, 'location').split('/').at(-1) ?? '']),
  )
}

const membersOf = async (scim: Scim, id: string | undefined): Promise<string[]> =>
  memberIds((await scim.get(`/Groups/${id}`)).body)

check(
  'RFC 7644 §3.7.2: a group refers to a user that the bulk created before it',
  async (scim) => {
    const ids = idsOf(await bulk(scim, [user(scim, 'ann'), group(scim, 'staff', 'bulkId:ann')]))
    expect(await membersOf(scim, ids['staff'])).toEqual([ids['ann']])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: a group refers to a user that the bulk creates after it',
  async (scim) => {
    const ids = idsOf(await bulk(scim, [group(scim, 'staff', 'bulkId:ann'), user(scim, 'ann')]))
    expect(await membersOf(scim, ids['staff'])).toEqual([ids['ann']])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.1: two groups that hold each other are created',
  async (scim) => {
    const operations = [group(scim, 'a', 'bulkId:b'), group(scim, 'b', 'bulkId:a')]
    const ids = idsOf(await bulk(scim, operations))
    expect(await membersOf(scim, ids['a'])).toEqual([ids['b']])
    expect(await membersOf(scim, ids['b'])).toEqual([ids['a']])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.1: three groups in a circle are created',
  async (scim) => {
    const operations = [
      group(scim, 'a', 'bulkId:b'),
      group(scim, 'b', 'bulkId:c'),
      group(scim, 'c', 'bulkId:a'),
    ]
    const ids = idsOf(await bulk(scim, operations))
    for (const [outer, inner] of [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
    ] as const)
      expect(await membersOf(scim, ids[outer])).toEqual([ids[inner]])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: a chain in reverse order is created',
  async (scim) => {
    const operations = [
      group(scim, 'outer', 'bulkId:middle'),
      group(scim, 'middle', 'bulkId:inner'),
      group(scim, 'inner', 'bulkId:ann'),
      user(scim, 'ann'),
    ]
    const ids = idsOf(await bulk(scim, operations))
    expect(await membersOf(scim, ids['outer'])).toEqual([ids['middle']])
    expect(await membersOf(scim, ids['inner'])).toEqual([ids['ann']])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: the answer keeps the order of the request, whatever was created first',
  async (scim) => {
    const operations = [group(scim, 'staff', 'bulkId:ann'), user(scim, 'ann'), user(scim, 'bob')]
    const answer = await bulk(scim, operations)
    expect(results(answer).map(({ bulkId }) => bulkId)).toEqual(['staff', 'ann', 'bob'])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: a manager is referred to by bulkId',
  async (scim) => {
    const manager = { [ENTERPRISE]: { manager: { value: 'bulkId:boss' } } }
    const ids = idsOf(await bulk(scim, [user(scim, 'ann', manager), user(scim, 'boss')]))
    const { body } = await scim.get(`/Users/${ids['ann']}`)
    expect(at(body[ENTERPRISE], 'manager.value')).toBe(ids['boss'])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: two users that manage each other are created',
  async (scim) => {
    const managedBy = (name: string) => ({ [ENTERPRISE]: { manager: { value: `bulkId:${name}` } } })
    const operations = [user(scim, 'ann', managedBy('bob')), user(scim, 'bob', managedBy('ann'))]
    const ids = idsOf(await bulk(scim, operations))
    const managerOf = async (id: string | undefined) =>
      at((await scim.get(`/Users/${id}`)).body[ENTERPRISE], 'manager.value')
    expect([await managerOf(ids['ann']), await managerOf(ids['bob'])]).toEqual([
      ids['bob'],
      ids['ann'],
    ])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: a PATCH adds a member by bulkId',
  async (scim) => {
    const staff = await scim.group('staff')
    const data = { Operations: [{ op: 'add', path: 'members', value: [{ value: 'bulkId:ann' }] }] }
    const answer = await bulk(scim, [
      { method: 'PATCH', path: `/Groups/${staff.id}`, data },
      user(scim, 'ann'),
    ])
    const ids = idsOf(answer)
    expect(await membersOf(scim, staff.id)).toEqual([ids['ann']])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: a path refers to what the bulk created, or its operation is refused',
  async (scim) => {
    const data = { Operations: [{ op: 'add', path: 'title', value: 'x' }] }
    const answer = await bulk(scim, [
      user(scim, 'ann'),
      { method: 'PATCH', path: '/Users/bulkId:ann', data },
    ])
    const ids = idsOf(answer)
    const status = textAt(results(answer)[1], 'status')
    expect(status).toMatch(/^(?:20[04]|4\d\d)$/)
    const { body } = await scim.get(`/Users/${ids['ann']}`)
    expect(body['title']).toBe(status.startsWith('2') ? 'x' : undefined)
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: a bulkId that nobody has is an error of its operation alone',
  async (scim) => {
    const answer = await bulk(scim, [group(scim, 'staff', 'bulkId:nobody'), user(scim, 'ann')])
    const [first, second] = results(answer).map((result) => textAt(result, 'status'))
    expect([first, second]).toEqual([expect.stringMatching(/^4\d\d$/), '201'])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: a reference to what could not be created is an error',
  async (scim) => {
    const taken = await scim.user('taken')
    const twin = user(scim, 'twin', { userName: textAt(taken, 'userName') })
    const answer = await bulk(scim, [twin, group(scim, 'staff', 'bulkId:twin')])
    const [first, second] = results(answer).map((result) => textAt(result, 'status'))
    expect([first, second]).toEqual(['409', expect.stringMatching(/^4\d\d$/)])
  },
  'bulk',
)

check(
  'RFC 7644 §3.7.2: a bulkId is used once',
  async (scim) => {
    const answer = await bulk(scim, [user(scim, 'ann'), { ...user(scim, 'bob'), bulkId: 'ann' }])
    const codes =
      answer.status === 200 ? results(answer).map((result) => textAt(result, 'status')) : ['400']
    expect(codes).toContain('400')
  },
  'bulk',
  'contract',
)

check(
  'RFC 7644 §3.7.3: 50 users and their group are created by one bulk',
  async (scim) => {
    const { body } = await scim.get('/ServiceProviderConfig')
    const limit = Number(at(body, 'bulk.maxOperations'))
    expect(limit).toBeGreaterThan(1)
    const names = Array.from({ length: Math.min(50, limit - 1) }, (_, i) => `u${i}`)
    const operations = [
      group(scim, 'staff', ...names.map((name) => `bulkId:${name}`)),
      ...names.map((name) => user(scim, name)),
    ]
    const ids = idsOf(await bulk(scim, operations))
    const wanted = names.map((name) => ids[name] ?? '')
    expect(await membersOf(scim, ids['staff'])).toEqual(wanted.toSorted())
  },
  'bulk',
)
