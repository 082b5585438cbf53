import { describe, expect, test } from 'vitest'

import { readLog, scimClient, type Loose, type ScimClient } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const BULK_REQUEST = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest'
const BULK_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse'
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'

const user = (name: string, more: object = {}) => ({
  method: 'POST',
  path: '/Users',
  bulkId: name,
  data: { userName: `${name}@contoso.com`, ...more },
})
const group = (name: string, members: unknown[] = []) => ({
  method: 'POST',
  path: '/Groups',
  bulkId: name,
  data: { displayName: name, members },
})
const managedBy = (manager: unknown) => ({ [ENTERPRISE]: { manager } })

async function bulk(scim: ScimClient, operations: object[], more: object = {}) {
  const answer = await scim.post('/Bulk', {
    schemas: [BULK_REQUEST],
    Operations: operations,
    ...more,
  })
  const results: Loose[] = answer.body['Operations'] ?? []
  return { ...answer, results, statuses: results.map(({ status }) => status) }
}

const idOf = (result: Loose | undefined): string =>
  String(result?.['location']).split('/').at(-1) ?? ''

async function namesOf(scim: ScimClient): Promise<string[]> {
  const { body } = await scim.post('/.search', { count: 200 })
  return body['Resources'].map((found: Loose) => found['userName'] ?? found['displayName'])
}

describe('bulk', () => {
  test('carries out every method, answers each and rings once', async () => {
    const scim = await scimClient()
    const kept = (await scim.post('/Users', { userName: 'kept' })).body
    const gone = (await scim.post('/Users', { userName: 'gone' })).body
    const team = (await scim.post('/Groups', { displayName: 'team' })).body
    scim.rung.length = 0
    const { status, headers, body } = await bulk(scim, [
      user('ann'),
      {
        method: 'PATCH',
        path: `/Groups/${team['id']}`,
        version: team['meta'].version,
        data: { Operations: [{ op: 'Add', path: 'members', value: [{ value: 'bulkId:ann' }] }] },
      },
      { method: 'put', path: `Users/${kept['id']}`, bulkId: 'mine', data: { userName: 'renamed' } },
      { method: 'DELETE', path: `/Users/${gone['id']}` },
    ])
    expect([status, headers.get('Content-Type')]).toEqual([200, 'application/scim+json'])
    const base = 'https://gateway.test/scim/v2'
    const id = idOf(body['Operations'][0])
    expect(body).toEqual({
      schemas: [BULK_RESPONSE],
      Operations: [
        {
          method: 'POST',
          bulkId: 'ann',
          location: `${base}/Users/${id}`,
          version: 'W/"1"',
          status: '201',
        },
        {
          method: 'PATCH',
          location: `${base}/Groups/${team['id']}`,
          version: 'W/"2"',
          status: '200',
        },
        {
          method: 'PUT',
          bulkId: 'mine',
          location: `${base}/Users/${kept['id']}`,
          version: 'W/"2"',
          status: '200',
        },
        { method: 'DELETE', location: `${base}/Users/${gone['id']}`, status: '204' },
      ],
    })
    expect(await namesOf(scim)).toEqual(['team', 'renamed', 'ann@contoso.com'])
    const { members } = (await scim.get(`/Groups/${team['id']}`)).body
    expect(members.map(({ value }: Loose) => value)).toEqual([id])
    expect(scim.rung).toEqual([scim.organizationId])
    const log = await readLog(scim.organizationId)
    expect(log.slice(3).map(({ type }) => type)).toEqual([
      'user_create',
      'group_update',
      'user_update',
      'user_delete',
    ])
  })

  test('a failure leaves the others alone, and says what a single request would say', async () => {
    const scim = await scimClient()
    const { results, statuses } = await bulk(scim, [
      user('ann'),
      { ...user('ann'), bulkId: 'again' },
      { method: 'PUT', path: '/Users/usr_nobody', data: { userName: 'x' } },
      { method: 'PATCH', path: '/Users/bulkId:ann', version: 'W/"7"', data: { Operations: [] } },
      { method: 'POST', path: '/Bulk', bulkId: 'nested', data: { Operations: [] } },
      { method: 'POST', path: '/Users', bulkId: 'nameless', data: { title: 'x' } },
      { method: 'DELETE', path: '/Users/' },
      user('bob'),
    ])
    expect(statuses).toEqual(['201', '409', '404', '412', '400', '400', '400', '201'])
    expect(results[1]).toEqual({
      method: 'POST',
      bulkId: 'again',
      status: '409',
      response: {
        schemas: [ERROR],
        status: '409',
        scimType: 'uniqueness',
        detail: expect.stringContaining(idOf(results[0])),
      },
    })
    expect(results[2]?.['location']).toBe('https://gateway.test/scim/v2/Users/usr_nobody')
    expect(results[3]?.['location']).toBe(results[0]?.['location'])
    expect(results[4]?.['response'].scimType).toBe('invalidPath')
    expect(await namesOf(scim)).toEqual(['ann@contoso.com', 'bob@contoso.com'])
  })

  test('failOnErrors ends the request, after as many failures', async () => {
    const scim = await scimClient()
    const wrong = { method: 'DELETE', path: '/Users/usr_nobody' }
    const operations = [user('ann'), wrong, user('bob'), wrong, user('cyn')]
    expect((await bulk(scim, operations, { failOnErrors: 2 })).statuses).toEqual([
      '201',
      '404',
      '201',
      '404',
    ])
    expect(await namesOf(scim)).toHaveLength(2)
  })

  test('references are resolved in any order, chains of them too', async () => {
    const scim = await scimClient()
    const { statuses, results } = await bulk(scim, [
      { method: 'PATCH', path: '/Users/bulkId:ann', data: { Operations: [titleOf('bulkId:bob')] } },
      group('all', [{ value: 'bulkId:inner', type: 'Group' }]),
      group('inner', [{ value: 'bulkId:ann' }, 'bulkId:bob']),
      user('ann', managedBy({ value: 'bulkId:bob' })),
      user('bob'),
      {
        method: 'PATCH',
        path: '/Groups/bulkId:inner',
        data: { Operations: [{ op: 'remove', path: 'members[value eq "bulkId:bob"]' }] },
      },
    ])
    expect(statuses).toEqual(['200', '201', '201', '201', '201', '200'])
    const [, all, inner, ann, bob] = results.map(idOf)
    const found = (await scim.get(`/Users/${ann}`)).body
    expect([found['title'], found[ENTERPRISE]]).toEqual([bob, { manager: { value: bob } }])
    const membersOf = async (id: string | undefined) =>
      (await scim.get(`/Groups/${id}`)).body['members'].map(({ value }: Loose) => value)
    expect([await membersOf(all), await membersOf(inner)]).toEqual([[inner], [ann]])
  })
  const titleOf = (value: string) => ({ op: 'replace', path: 'title', value })

  test('a reference to nothing is refused, and so is one to what failed', async () => {
    const scim = await scimClient()
    const { statuses, results } = await bulk(scim, [
      user('ann', managedBy('bulkId:nobody')),
      group('team', [{ value: 'bulkId:ann' }]),
      { method: 'DELETE', path: '/Users/bulkId:team' },
      { method: 'PATCH', path: '/Users/bulkId:elsewhere', data: { Operations: [] } },
    ])
    expect(statuses).toEqual(['400', '409', '409', '400'])
    expect(results[0]?.['response']).toMatchObject({
      scimType: 'invalidValue',
      detail: expect.stringContaining('bulkId:nobody'),
    })
    expect(results[1]?.['response'].detail).toContain('bulkId:ann was not created')
    expect(await namesOf(scim)).toEqual([])
    expect(scim.rung).toEqual([])
  })

  test('circles of managers and of members are created, then connected', async () => {
    const scim = await scimClient()
    const { statuses, results } = await bulk(scim, [
      user('ann', managedBy({ value: 'bulkId:bob' })),
      user('bob', managedBy('bulkId:cyn')),
      user('cyn', managedBy([{ value: 'bulkId:ann' }])),
      user('self', managedBy('bulkId:self')),
      group('one', [{ value: 'bulkId:two' }, { value: 'bulkId:ann' }]),
      group('two', [{ value: 'bulkId:one' }]),
    ])
    expect(statuses).toEqual(['201', '201', '201', '201', '201', '201'])
    const [ann, bob, cyn, self, one, two] = results.map(idOf)
    const managers = await Promise.all(
      [ann, bob, cyn, self].map(async (id) => (await scim.get(`/Users/${id}`)).body[ENTERPRISE]),
    )
    expect(managers.map(({ manager }) => manager.value)).toEqual([bob, cyn, ann, self])
    expect(results[0]?.['version']).toBe('W/"2"')
    const { members } = (await scim.get(`/Groups/${one}`)).body
    expect(members.map(({ value }: Loose) => value).toSorted()).toEqual([ann, two].toSorted())
  })

  test('a circle that cannot be resolved is refused, one that fails leaves nothing behind', async () => {
    const scim = await scimClient()
    await scim.post('/Users', { userName: 'taken' })
    const { statuses, results } = await bulk(scim, [
      user('ann', { title: 'bulkId:bob' }),
      user('bob', { title: 'bulkId:ann' }),
      user('cyn', managedBy('bulkId:dan')),
      {
        ...user('dan', managedBy('bulkId:cyn')),
        data: { userName: 'taken', ...managedBy('bulkId:cyn') },
      },
      group('team', [{ value: 'bulkId:cyn' }]),
    ])
    expect(statuses).toEqual(['409', '409', '409', '409', '409'])
    expect(results[0]?.['response'].detail).toContain('manager and members only')
    expect(results[2]?.['response'].detail).toContain('nothing of the circle was kept')
    expect(results[3]?.['response'].scimType).toBe('uniqueness')
    expect(await namesOf(scim)).toEqual(['taken'])
    const log = await readLog(scim.organizationId)
    expect(log.map(({ type }) => type)).toEqual(['user_create', 'user_create', 'user_delete'])
  })

  test.for([
    ['no body', undefined, 400, 'invalidSyntax'],
    ['no operations', {}, 400, 'invalidSyntax'],
    ['an operation without method', { Operations: [{ path: '/Users' }] }, 400, 'invalidSyntax'],
    ['a bulkId twice', { Operations: [user('ann'), user('ann')] }, 400, 'invalidSyntax'],
    [
      'too many operations',
      { Operations: Array.from({ length: 81 }, (_, index) => user(`user${index}`)) },
      413,
      undefined,
    ],
    [
      'too much data',
      { Operations: [user('ann', { title: 'x'.repeat(2 ** 20) })] },
      413,
      undefined,
    ],
  ] as const)('%s is refused as a whole', async ([, body, status, scimType]) => {
    const scim = await scimClient()
    const answer = await scim.send('POST', '/Bulk', body)
    expect([answer.status, answer.body['scimType']]).toEqual([status, scimType])
    expect(await namesOf(scim)).toEqual([])
  })

  test('there is nothing but POST', async () => {
    const scim = await scimClient()
    const { status, headers } = await scim.get('/bulk')
    expect([status, headers.get('Allow')]).toEqual([405, 'POST'])
  })

  test('the largest request stays within the statements that D1 carries out', async () => {
    const scim = await scimClient()
    const names = Array.from({ length: 80 }, (_, index) => `user${index}`)
    const emails = (name: string) =>
      ['work', 'home'].map((type) => ({ type, value: `${name}@${type}.test` }))
    const created = await bulk(
      scim,
      names.map((name) => user(name, { emails: emails(name), password: 'secret' })),
    )
    expect(new Set(created.statuses)).toEqual(new Set(['201']))
    const ids = created.results.map(idOf)
    const patched = await bulk(
      scim,
      ids.map((id, index) => ({
        method: 'PATCH',
        path: `/Users/${id}`,
        data: {
          Operations: [
            { op: 'replace', value: { userName: `new${index}`, password: 'other' } },
            { op: 'replace', path: 'emails', value: emails(`new${index}`) },
          ],
        },
      })),
    )
    expect(new Set(patched.statuses)).toEqual(new Set(['200']))
    const deleted = await bulk(
      scim,
      ids.map((id) => ({ method: 'DELETE', path: `/Users/${id}` })),
    )
    expect(new Set(deleted.statuses)).toEqual(new Set(['204']))
    for (const { cost } of [created, patched, deleted]) expect(cost.statements).toBeLessThan(900)
    expect(await namesOf(scim)).toEqual([])
  })

  test('a circle that is too large is refused before anything of it is created', async () => {
    const scim = await scimClient()
    const circle = Array.from({ length: 31 }, (_, at) =>
      user(`user${at}`, managedBy(`bulkId:user${(at + 1) % 31}`)),
    )
    expect(new Set((await bulk(scim, circle)).statuses)).toEqual(new Set(['409']))
    const within = circle.slice(0, 30)
    const closed = [...within.slice(0, 29), user('user29', managedBy('bulkId:user0'))]
    const { statuses, cost } = await bulk(scim, closed)
    expect(new Set(statuses)).toEqual(new Set(['201']))
    expect(cost.statements).toBeLessThan(900)
  })
})

test('the tag of a user changes with its groups, and a change is not kept from it', async () => {
  const scim = await scimClient()
  const { results } = await bulk(scim, [user('ann'), group('team')])
  const [ann, team] = results.map(idOf)
  const read = (headers = {}) => scim.get(`/Users/${ann}`, headers)
  const alone = (await read()).headers.get('ETag') ?? ''
  expect(alone).toBe('W/"1"')
  const added = await scim.patch(`/Groups/${team}`, [{ op: 'add', path: 'members', value: ann }])
  expect(added.cost.rowsWritten).toBeLessThanOrEqual(5)
  const within = await read({ 'If-None-Match': alone })
  const tag = within.headers.get('ETag') ?? ''
  expect([within.status, within.body['meta'].version]).toEqual([200, tag])
  expect(tag).not.toBe(alone)
  expect((await read({ 'If-None-Match': tag })).status).toBe(304)
  await scim.patch(`/Groups/${team}`, [{ op: 'replace', path: 'displayName', value: 'crew' }])
  const renamed = await read({ 'If-None-Match': tag })
  expect([renamed.status, renamed.body['groups'][0].display]).toEqual([200, 'crew'])
  const title = [{ op: 'add', path: 'title', value: 'Chief' }]
  const changed = await scim.patch(`/Users/${ann}`, title, { 'If-Match': tag })
  expect(changed.status).toBe(200)
  expect(changed.headers.get('ETag')).toBe((await read()).headers.get('ETag'))
  const late = await scim.patch(`/Users/${ann}`, [{ op: 'remove', path: 'title' }], {
    'If-Match': tag,
  })
  expect(late.status).toBe(412)
  await scim.delete(`/Groups/${team}`)
  expect((await read()).headers.get('ETag')).toBe('W/"2"')
})
