/** Users who would be created, where an account of another name may be theirs already: it is told, and nobody takes it. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { MANUAL, type PreviewedBind, previewedBind } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

const numbered = (employeeNumber: string) => ({ [ENTERPRISE_USER_URN]: { employeeNumber } })
const mailed = (value: string) => ({ emails: [{ type: 'work', primary: true, value }] })

/** Somebody else's account of that name, with these properties. */
function stranger({ account, world }: PreviewedBind, name: string, properties: Loose): string {
  const id = account(name)
  world.graph.changeUser(id, { properties })
  return id
}

/** What a preview tells of one user, which sends nothing. */
async function previewed({ world, preview }: PreviewedBind, userId: string): Promise<Loose> {
  world.graph.counters.reset()
  const { status, body } = await preview([userId])
  expect({ status, writes: world.graph.counters.snapshot().writes }).toEqual({
    status: 200,
    writes: 0,
  })
  return body['items'][0]
}

/** The searches since the journal was cleared. */
const searches = ({ world }: PreviewedBind): string[] =>
  world.graph.journal
    .records()
    .map(({ url }) => decodeURIComponent(url))
    .filter((url) => url.startsWith('/users?$filter='))

describe('a preview of somebody who would be created', () => {
  test.each([
    ['the employeeId', { employeeId: 'e17' }, 'the same employeeId (e17)'],
    ['the mail', { mail: 'Ann@contoso.com' }, 'the same mail (Ann@contoso.com)'],
    [
      'the other mail',
      { otherMails: ['x@example.net', 'ann@contoso.com'] },
      'the same otherMails (ann@contoso.com)',
    ],
    [
      'both',
      { employeeId: 'E17', mail: 'ann@contoso.com' },
      'the same employeeId (E17) and mail (ann@contoso.com)',
    ],
  ])('tells once of the account that has %s', async (_, properties, same) => {
    const each = await previewedBind()
    stranger(each, 'asmith', properties)
    const item = await previewed(each, await each.create('ann', numbered('E17')))
    expect(item).toMatchObject({ action: 'create', graphId: null })
    expect(item['problems']).toEqual([
      {
        code: 'possible_match',
        message: `The account asmith@contoso.com in Microsoft 365, which nobody here is bound to, may be this person’s: it has ${same}. That does not prove it, so the account is not taken, and a second one is created.`,
        whatToDo:
          'If it is the same person, before the bind give the account asmith@contoso.com the userPrincipalName ann@contoso.com, or the user the address asmith@contoso.com; then preview again: the account is adopted. If it is somebody else’s, nothing.',
      },
    ])
  })

  test('leaves the changes as they are, and the bind makes the second account by one POST', async () => {
    const each = await previewedBind()
    const other = stranger(each, 'asmith', { employeeId: 'E17', mail: 'ann@contoso.com' })
    const before = each.world.graph.summary().users.find(({ id }) => id === other)
    const ann = await each.create('ann', numbered('E17'))
    const { items, told, sent } = await each.compare([ann])
    expect(items).toMatchObject([{ action: 'create', problems: [{ code: 'possible_match' }] }])
    expect(sent).toEqual(told)
    const writes = each.world.graph.journal.records().filter(({ method }) => method !== 'GET')
    expect(writes.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /users'])
    expect(each.world.graph.summary().users.find(({ id }) => id === other)).toEqual(before)
  })

  test.each(['the user the address', 'the account the name'])(
    'is told that the account is adopted once an administrator gives %s',
    async (gives) => {
      const each = await previewedBind()
      const other = stranger(each, 'asmith', { employeeId: 'E17' })
      const ann = await each.create('ann', numbered('E17'))
      expect(await previewed(each, ann)).toMatchObject({ action: 'create' })
      if (gives === 'the account the name')
        each.world.graph.changeUser(other, { properties: { userPrincipalName: 'ann@contoso.com' } })
      else
        await each.world.scim.patch(`/Users/${ann}`, [
          { op: 'replace', path: 'emails[type eq "work"].value', value: 'asmith@contoso.com' },
        ])
      const { items, told, sent } = await each.compare([ann])
      expect(items).toMatchObject([{ action: 'update', graphId: other, problems: [] }])
      expect(sent).toEqual(told)
      expect(await each.world.binding(ann)).toMatchObject({ state: 'synced', graph_id: other })
    },
  )

  test('tells that the account is held for an approval where the directory adopts nobody', async () => {
    const each = await previewedBind({ ...MANUAL, conflict: 'hold' })
    stranger(each, 'asmith', { mail: 'ann@contoso.com' })
    const { problems } = await previewed(each, await each.create('ann'))
    expect(problems).toMatchObject([
      { whatToDo: expect.stringContaining('the account is adopted, once that is approved.') },
    ])
  })

  test('tells of two accounts that none is taken', async () => {
    const each = await previewedBind()
    stranger(each, 'asmith', { employeeId: 'E17' })
    stranger(each, 'ann.smith', { mail: 'ann@contoso.com', userType: 'Guest' })
    const { action, problems } = await previewed(each, await each.create('ann', numbered('E17')))
    expect(action).toBe('create')
    expect(problems).toEqual([
      {
        code: 'possible_match',
        message:
          'More than one account in Microsoft 365 may be this person’s: asmith@contoso.com (has the same employeeId (E17)); ann.smith@contoso.com (has the same mail (ann@contoso.com), but is a guest, so it cannot be adopted). That is ambiguous, none is taken, and another one is created.',
        whatToDo:
          'Find out which of them is this person’s; before the bind give that account the userPrincipalName ann@contoso.com, or the user the address that it has as its userPrincipalName; then preview again. If none is, nothing.',
      },
    ])
  })

  test.each([4, 25])('names three of %i accounts, and says that there are more', async (count) => {
    const each = await previewedBind()
    const { users } = each.world.graph.seed({ users: count, prefix: 'many' })
    for (const id of users) each.world.graph.changeUser(id, { properties: { employeeId: 'none' } })
    const { problems } = await previewed(each, await each.create('ann', numbered('none')))
    expect(problems).toHaveLength(1)
    expect(problems[0].message.match(/has the same employeeId/g)).toHaveLength(3)
    expect(problems[0].message).toContain('; and there are more. That is ambiguous')
  })

  test.each([
    ['a guest', { userType: 'Guest' }, 'is a guest', 'remove the guest, or do not bind'],
    ['mastered on premises', { onPremisesSyncEnabled: true }, 'is mastered on premises', 'out of'],
  ])('tells of an account that is %s why it cannot be adopted', async (_, more, why, way) => {
    const each = await previewedBind()
    stranger(each, 'asmith', { mail: 'ann@contoso.com', ...more })
    const { action, problems } = await previewed(each, await each.create('ann'))
    expect(action).toBe('create')
    expect(problems).toMatchObject([
      {
        code: 'possible_match',
        message: expect.stringContaining(`It ${why}, so it cannot be adopted`),
        whatToDo: expect.stringContaining(way),
      },
    ])
  })

  test('leaves out accounts that others here are bound to', async () => {
    const each = await previewedBind()
    const bob = await each.create('bob', numbered('E17'))
    await each.bind([bob])
    const ann = await each.create('ann', numbered('E17'))
    expect(await previewed(each, ann)).toMatchObject({ action: 'create', problems: [] })
    stranger(each, 'asmith', { employeeId: 'E17' })
    const { problems } = await previewed(each, ann)
    expect(problems).toHaveLength(1)
    expect(problems[0].message).toMatch(/^The account asmith@contoso\.com in Microsoft 365/)
  })

  test('tells of the account that a former user had, which an approval adopts', async () => {
    const each = await previewedBind()
    const bob = await each.create('bob', numbered('E17'))
    await each.bind([bob])
    await each.world.scim.delete(`/Users/${bob}`)
    await each.world.settle()
    const { action, problems } = await previewed(each, await each.create('ann', numbered('E17')))
    expect(action).toBe('create')
    expect(problems).toMatchObject([
      {
        message: expect.stringContaining('The account bob@contoso.com'),
        whatToDo: expect.stringContaining('the account is adopted, once that is approved.'),
      },
    ])
  })

  test.each([["' or id ne 'x"], ["O''Neil"], ['a&b=c#d+e%'], ['.'], ['Zoë 1']])(
    'looks for the value as it is written: %s',
    async (id) => {
      const each = await previewedBind()
      stranger(each, 'asmith', { employeeId: id })
      stranger(each, 'other', {})
      const { problems } = await previewed(each, await each.create('ann', numbered(id)))
      expect(problems).toMatchObject([{ code: 'possible_match' }])
      expect(problems[0].message).toContain(`the same employeeId (${id})`)
      expect(problems[0].message).not.toContain('other@contoso.com')
      expect(each.world.graph.counters.snapshot().answersByStatus['400']).toBeUndefined()
    },
  )

  test('does not look for what no account can hold, nor for somebody of whom there is nothing', async () => {
    const each = await previewedBind()
    each.world.graph.journal.clear()
    const long = await each.create('ann', {
      ...mailed('ann@contoso.com'),
      ...numbered('1'.repeat(17)),
    })
    expect(await previewed(each, long)).toMatchObject({ action: 'create' })
    expect(searches(each)).toEqual([expect.not.stringContaining('employeeId eq')])
    each.world.graph.journal.clear()
    const bare = await each.create('bob', { emails: [] })
    expect(await previewed(each, bare)).toMatchObject({ action: 'create', problems: [] })
    expect(searches(each)).toEqual([])
  })
})

describe('the searches of a preview', () => {
  test('are one for each user who would be created, and none for anybody else', async () => {
    const each = await previewedBind()
    const { world, create, preview } = each
    const bound = await create('bound', numbered('1'))
    await each.bind([bound])
    world.clock.now += 3_600_000
    each.account('adopted')
    stranger(each, 'guest', { userType: 'Guest' })
    const others = [bound, await create('adopted', numbered('2')), await create('guest')]
    const created: string[] = []
    for (let at = 0; at < 21; at += 1) created.push(await create(`new${at}`, numbered(`n${at}`)))
    world.graph.journal.clear()
    world.graph.counters.reset()
    const { body } = await preview([...others, ...created])
    const actions = Object.groupBy(body['items'] as Loose[], ({ action }) => action)
    expect(Object.fromEntries(Object.entries(actions).map(([k, v]) => [k, v?.length]))).toEqual({
      none: 1,
      update: 1,
      conflict: 1,
      create: 21,
    })
    expect(searches(each).toSorted()).toEqual(
      created
        .map((_, at) => {
          const mail = `new${at}@contoso.com`
          return `/users?$filter=employeeId eq 'n${at}' or mail eq '${mail}' or otherMails/any(m:m eq '${mail}')&$select=id,userPrincipalName,employeeId,mail,otherMails,userType,onPremisesSyncEnabled&$top=19`
        })
        .toSorted(),
    )
    // Accounts, memberships of the two that are strangers', and the searches: twenty in an envelope.
    expect(world.graph.counters.snapshot().envelopes).toHaveLength(2 + 1 + 2)
    world.graph.journal.clear()
    await preview(others)
    expect(searches(each)).toEqual([])
  })

  test.each([429, 503])(
    'that are answered by %i are those of the whole preview: to be asked for again',
    async (status) => {
      const each = await previewedBind()
      const ann = await each.create('ann')
      const match = { method: 'GET', path: '^/users[?]' }
      each.world.graph.faults.add({ match, status, retryAfter: 7 })
      const answer = await each.preview([ann])
      expect(answer.status).toBe(503)
      expect(answer.headers.get('Retry-After')).toBe('7')
    },
  )
})
