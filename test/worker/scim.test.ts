import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { createApp } from '../../src/app.ts'
import { connect } from '../../src/db/client.ts'
import { passwordContext } from '../../src/db/user-store.ts'
import { createDeps, readConfig } from '../../src/deps.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import worker from '../../src/worker.ts'
import { readLog, scimClient, seedSource, type ScimClient } from '../support/seed.ts'

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'

/** As Entra ID sends it under its default mapping, nulls and misspelt URN included. */
const entraUser = (name: string) => ({
  schemas: [USER, ENTERPRISE],
  externalId: `ext-${name}`,
  userName: `${name}@contoso.com`,
  active: true,
  addresses: null,
  displayName: `${name} Lee`,
  emails: [{ primary: true, type: 'work', value: `${name}@contoso.com` }],
  meta: { resourceType: 'User' },
  name: { formatted: `Lee ${name}`, familyName: 'Lee', givenName: name },
  roles: [],
  title: null,
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0User': { department: 'Sales' },
})

async function createUser(scim: ScimClient, name: string, more: JsonObject = {}): Promise<string> {
  const { status, body } = await scim.post('/Users', { ...entraUser(name), ...more })
  expect(status).toBe(201)
  return body['id']
}

const filterBy = (filter: string) => `filter=${encodeURIComponent(filter).replaceAll('%20', '+')}`

async function rows(query: ReturnType<typeof sql>): Promise<readonly Record<string, unknown>[]> {
  const [answer] = await connect(env.DB).run(query)
  return answer?.rows ?? []
}

describe('users', () => {
  test('a created user is answered, read and listed as it was sent', async () => {
    const scim = await scimClient()
    const created = await scim.post('/Users', entraUser('ann'))
    expect(created.status).toBe(201)
    const { id } = created.body
    const url = `https://gateway.test/scim/v2/Users/${id}`
    expect(created.headers.get('Location')).toBe(url)
    expect(created.headers.get('ETag')).toBe('W/"1"')
    expect(created.headers.get('Content-Type')).toBe('application/scim+json')
    const { meta, ...attributes } = created.body
    expect(attributes).toEqual({
      schemas: [USER, ENTERPRISE],
      id: expect.stringMatching(/^usr_[0-9a-z]{26}$/),
      externalId: 'ext-ann',
      userName: 'ann@contoso.com',
      active: true,
      displayName: 'ann Lee',
      emails: [{ primary: true, type: 'work', value: 'ann@contoso.com' }],
      name: { formatted: 'Lee ann', familyName: 'Lee', givenName: 'ann' },
      [ENTERPRISE]: { department: 'Sales' },
    })
    expect(meta).toMatchObject({ resourceType: 'User', location: url, version: 'W/"1"' })
    expect((await scim.get(`/Users/${id}`)).body).toEqual(created.body)
    expect((await scim.get('/Users')).body).toMatchObject({
      totalResults: 1,
      startIndex: 1,
      itemsPerPage: 1,
      Resources: [created.body],
    })
  })

  test('the connection test of Entra finds nobody and answers 200', async () => {
    const scim = await scimClient()
    const path = '/Users?filter=userName+eq+%227d420df3-9995-4831-a406-ecf8166f5f6a%22'
    const { status, body } = await scim.get(path)
    expect(status).toBe(200)
    expect(body).toMatchObject({ totalResults: 0, Resources: [], itemsPerPage: 0, startIndex: 1 })
  })

  test.for([
    ['userName eq "ANN@contoso.com"', ['ann']],
    ['externalId eq "ext-ann"', ['ann']],
    ['externalId eq ext-ann', ['ann']],
    ['emails[type eq "work"].value eq "Ann@contoso.com"', ['ann']],
    ['emails[type eq "work" and value eq "ann@contoso.com"]', ['ann']],
    ['emails.value eq "ann@home.example"', ['ann']],
    ['emails[type eq "home"].value eq "ann@home.example"', ['ann']],
    ['emails[type eq "work"].value eq "ann@home.example"', []],
    ['userName eq "ann@contoso.com" and active eq "True"', ['ann']],
    ['userName eq "ann@contoso.com" and active eq false', []],
    ['userName sw "b" or displayName co "ANN"', ['ann', 'bob']],
    ['not (userName eq "ann@contoso.com")', ['bob']],
    [`${ENTERPRISE}:department eq "sales"`, ['ann', 'bob']],
    ['meta.resourceType eq "User" and title pr', []],
  ] as const)('the filter %s finds %j', async ([filter, names]) => {
    const scim = await scimClient()
    const home = { type: 'home', value: 'ann@home.example' }
    await createUser(scim, 'ann', { emails: [...entraUser('ann').emails, home] })
    await createUser(scim, 'bob')
    const { status, body } = await scim.get(`/Users?${filterBy(filter)}`)
    expect(status).toBe(200)
    const found = body['Resources'].map((user: { userName: string }) => user.userName)
    expect(found).toEqual(names.map((name) => `${name}@contoso.com`))
    expect(body['totalResults']).toBe(names.length)
  })

  test('Entra asks by id and manager before it changes the manager, for the id alone', async () => {
    const scim = await scimClient()
    const ann = await createUser(scim, 'ann')
    const bob = await createUser(scim, 'bob')
    await scim.patch(`/Users/${ann}`, [{ op: 'Add', path: `${ENTERPRISE}:manager`, value: bob }])
    for (const [manager, total] of [
      [bob, 1],
      [ann, 0],
    ] as const) {
      const filter = filterBy(`id eq "${ann}" and manager eq "${manager}"`)
      const { body } = await scim.get(`/Users?${filter}&attributes=id`)
      expect(body['totalResults']).toBe(total)
      const shown = body['Resources'].map((user: object) => Object.keys(user).toSorted())
      expect(shown).toEqual(total === 1 ? [['id', 'schemas']] : [])
    }
  })

  const dialects = {
    'without the flag': [
      { op: 'Replace', path: 'displayName', value: 'Pvlo' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 't@x.com' },
      { op: 'Replace', path: 'name.givenName', value: 'Gtfd' },
      { op: 'Add', path: `${ENTERPRISE}:department`, value: 'Retail' },
      { op: 'Replace', path: 'active', value: 'False' },
    ],
    'with the flag': [
      { op: 'replace', path: 'emails[type eq "work"].value', value: 't@x.com' },
      {
        op: 'replace',
        value: {
          displayName: 'Pvlo',
          'name.givenName': 'Gtfd',
          [`${ENTERPRISE}:department`]: 'Retail',
          active: false,
        },
      },
    ],
  }
  test.for(Object.entries(dialects))('Entra changes a user %s', async ([, operations]) => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann')
    const patched = await scim.patch(`/Users/${id}`, operations)
    expect(patched.status).toBe(200)
    expect(patched.headers.get('ETag')).toBe('W/"2"')
    expect(patched.body).toMatchObject({
      displayName: 'Pvlo',
      active: false,
      name: { givenName: 'Gtfd', familyName: 'Lee' },
      emails: [{ primary: true, type: 'work', value: 't@x.com' }],
      [ENTERPRISE]: { department: 'Retail' },
    })
    expect((await scim.get(`/Users/${id}`)).body).toEqual(patched.body)
    const log = await readLog(scim.organizationId)
    expect(log.map(({ type, urgent }) => [type, urgent])).toEqual([
      ['user_create', 0],
      ['user_suspend', 1],
    ])
    expect(log[1]?.['body'].changes).toEqual(
      expect.arrayContaining([
        { attribute: 'active', from: true, to: false },
        { attribute: 'displayName', from: 'ann Lee', to: 'Pvlo' },
        { attribute: 'name.givenName', from: 'ann', to: 'Gtfd' },
        { attribute: 'department', from: 'Sales', to: 'Retail' },
      ]),
    )
    expect(log[1]?.['body']).toMatchObject({
      actor: { name: 'Entra' },
      origin: { requestId: patched.headers.get('X-Request-Id') },
    })
    expect(scim.rung).toEqual([scim.organizationId, scim.organizationId])
  })

  test('a PATCH that changes nothing writes nothing and rings no bell', async () => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann')
    for (const operations of [[], [{ op: 'Replace', path: 'displayName', value: 'ann Lee' }]]) {
      const { status, body, cost } = await scim.patch(`/Users/${id}`, operations)
      expect([status, body['meta'].version, cost.rowsWritten]).toEqual([200, 'W/"1"', 0])
    }
    expect(await readLog(scim.organizationId)).toHaveLength(1)
    expect(scim.rung).toHaveLength(1)
  })

  test('active is stored as it was sent, or not at all, and served as it is', async () => {
    const scim = await scimClient()
    const { active: _, ...silent } = entraUser('ann')
    const created = await scim.post('/Users', silent)
    const { id } = created.body
    expect(created.body['active']).toBe(true)
    await rows(sql`UPDATE user SET suspended = 1 WHERE id = ${id}`)
    const same = await scim.patch(`/Users/${id}`, [
      { op: 'replace', path: 'displayName', value: 'ann Lee' },
    ])
    expect([same.body['active'], same.cost.rowsWritten]).toEqual([false, 0])
    await scim.patch(`/Users/${id}`, [{ op: 'add', path: 'title', value: 'Dr' }])
    const [stored] = await rows(sql`SELECT resource FROM user WHERE id = ${id}`)
    expect(JSON.parse(String(stored?.['resource']))).not.toHaveProperty('active')
  })

  test('a suspension by an administrator is ended by active: true, and by nothing else', async () => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann')
    await rows(sql`UPDATE user SET suspended = 1 WHERE id = ${id}`)
    expect((await scim.get(`/Users/${id}`)).body['active']).toBe(false)
    const titled = await scim.patch(`/Users/${id}`, [{ op: 'add', path: 'title', value: 'Dr' }])
    expect(titled.body).toMatchObject({ title: 'Dr', active: false })
    const { active: _, ...withoutActive } = entraUser('ann')
    expect((await scim.put(`/Users/${id}`, withoutActive)).body['active']).toBe(false)
    const activated = await scim.patch(`/Users/${id}`, [
      { op: 'Replace', path: 'active', value: 'True' },
    ])
    expect(activated.body['active']).toBe(true)
    const types = (await readLog(scim.organizationId)).map(({ type }) => type)
    expect(types).toEqual(['user_create', 'user_update', 'user_update', 'user_activate'])
  })

  test('a user whose password has expired is served as inactive and stays so', async () => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann')
    await rows(sql`UPDATE user SET password_expired = 1 WHERE id = ${id}`)
    const patch = [{ op: 'replace', path: 'active', value: true }]
    const { body, cost } = await scim.patch(`/Users/${id}`, patch)
    expect([body['active'], cost.rowsWritten]).toEqual([false, 0])
  })

  test('PUT replaces what the client owns and keeps what it does not', async () => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann', { title: 'Dr' })
    const { body: before } = await scim.get(`/Users/${id}`)
    const { status, body } = await scim.put(`/Users/${id}`, {
      ...before,
      id: 'other',
      title: undefined,
      nickName: 'A',
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({ id, nickName: 'A', meta: { created: before['meta'].created } })
    expect(body['title']).toBeUndefined()
    const again = await scim.put(`/Users/${id}`, body)
    expect([again.cost.rowsWritten, again.headers.get('ETag')]).toEqual([0, 'W/"2"'])
  })

  test('a password is sealed beside its event, never stored readable, logged or returned', async () => {
    const scim = await scimClient()
    const secret = 'Tr0ub4dor&3-ann'
    const id = await createUser(scim, 'ann', { password: secret })
    const pendingOf = async () => {
      const [row] = await rows(sql`SELECT * FROM pending_password WHERE user_id = ${id}`)
      const sealed = String(row?.['sealed'])
      const opened = await scim.deps.sealer.open(sealed, passwordContext(scim.organizationId, id))
      return [opened.ok && opened.value, row?.['sequence']]
    }
    expect(await pendingOf()).toEqual([secret, 1])
    const next = `${secret}-2`
    const patched = await scim.patch(`/Users/${id}`, [
      { op: 'replace', path: 'password', value: next },
    ])
    expect(patched.status).toBe(200)
    expect(await pendingOf()).toEqual([next, 2])
    const log = await readLog(scim.organizationId)
    expect(log.map(({ type, urgent }) => [type, urgent])).toEqual([
      ['user_create', 0],
      ['user_password', 1],
    ])
    const [stored] = await rows(sql`SELECT * FROM user WHERE id = ${id}`)
    expect(stored?.['has_password']).toBe(1)
    const everything = JSON.stringify([stored, log, scim.lines, patched.text])
    expect(everything).not.toContain(secret)
  })

  test('a deleted user is gone at once: 404, its names free, its groups without it', async () => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann', {
      emails: [...entraUser('ann').emails, { type: 'home', value: 'ann@home.example' }],
      password: 'Secret-1234567',
    })
    const group = await scim.post('/Groups', { displayName: 'Staff', members: [{ value: id }] })
    const groupId = group.body['id']
    const shown = await scim.get(`/Users/${id}`)
    expect(shown.body['groups']).toEqual([
      {
        value: groupId,
        $ref: `https://gateway.test/scim/v2/Groups/${groupId}`,
        display: 'Staff',
        type: 'direct',
      },
    ])
    const deleted = await scim.delete(`/Users/${id}`)
    expect([deleted.status, deleted.text]).toEqual([204, ''])
    expect((await scim.get(`/Users/${id}`)).status).toBe(404)
    expect((await scim.delete(`/Users/${id}`)).status).toBe(404)
    const { body } = await scim.get(`/Groups/${groupId}`)
    expect([body['members'], body['meta'].version]).toEqual([[], 'W/"2"'])
    const event = (await readLog(scim.organizationId)).at(-1)
    expect(event).toMatchObject({ type: 'user_delete', urgent: 1, touched: [groupId] })
    for (const table of ['email', 'pending_password', 'group_member'])
      expect(
        await rows(
          sql`SELECT 1 FROM ${sql.identifier(table)} WHERE organization_id = ${scim.organizationId}`,
        ),
      ).toEqual([])
    await createUser(scim, 'ann')
    expect((await scim.get('/Users')).body['totalResults']).toBe(1)
  })

  test('unique names and addresses: 409 that names the holder, and nothing is written', async () => {
    const scim = await scimClient()
    const ann = await createUser(scim, 'ann')
    const bob = await createUser(scim, 'bob')
    const clashes = [
      [{ ...entraUser('cid'), userName: 'ANN@contoso.com' }, `userName "ANN@contoso.com"`],
      [{ ...entraUser('cid'), emails: entraUser('ann').emails }, 'emails "ann@contoso.com"'],
    ] as const
    const before = await readLog(scim.organizationId)
    for (const [body, text] of clashes) {
      const { status, body: error } = await scim.post('/Users', body)
      expect([status, error]).toEqual([
        409,
        {
          schemas: [ERROR],
          status: '409',
          scimType: 'uniqueness',
          detail: `${text} is already used by ${ann}.`,
        },
      ])
    }
    const renamed = await scim.patch(`/Users/${bob}`, [
      { op: 'replace', path: 'userName', value: 'Ann@contoso.com' },
    ])
    expect([renamed.status, renamed.body['scimType']]).toEqual([409, 'uniqueness'])
    const put = await scim.put(`/Users/${bob}`, entraUser('ann'))
    expect(put.status).toBe(409)
    expect(await readLog(scim.organizationId)).toEqual(before)
    expect((await scim.get('/Users')).body['totalResults']).toBe(2)
  })

  test('names are unique whatever their case, beyond ASCII too', async () => {
    const scim = await scimClient()
    await createUser(scim, 'ann', { userName: 'ÄNNE' })
    const { status } = await scim.post('/Users', { ...entraUser('bob'), userName: 'änne' })
    expect(status).toBe(409)
  })
})

describe('username policies', () => {
  test('strict refuses an address and says what to change', async () => {
    const scim = await scimClient({ policy: 'strict' })
    const { status, body } = await scim.post('/Users', entraUser('ann'))
    expect([status, body['scimType']]).toEqual([400, 'invalidValue'])
    expect(body['detail']).toMatch(/policy of this source is "strict".*mailNickname.*\/console/s)
    const id = await createUser(scim, 'ann', { userName: 'ann' })
    const renamed = await scim.patch(`/Users/${id}`, [
      { op: 'replace', path: 'userName', value: 'ann@contoso.com' },
    ])
    expect([renamed.status, renamed.body['scimType']]).toEqual([400, 'invalidValue'])
  })

  test('local-part echoes the address; name and local part must both be free', async () => {
    const scim = await scimClient({ policy: 'local-part' })
    const ann = await createUser(scim, 'ann')
    expect((await scim.get(`/Users/${ann}`)).body['userName']).toBe('ann@contoso.com')
    const clashes = ['ann@fabrikam.com', 'ANN']
    for (const userName of clashes) {
      const { status, body } = await scim.post('/Users', { ...entraUser('bob'), userName })
      expect([status, body['detail']]).toEqual([
        409,
        `userName "${userName}" is already used by ${ann}.`,
      ])
    }
    const plain = await scimClient({ policy: 'strict', organizationId: scim.organizationId })
    const strict = await plain.post('/Users', { ...entraUser('eve'), userName: 'ann' })
    expect(strict.status).toBe(409)
    await createUser(plain, 'cid', { userName: 'cid' })
    const taken = await scim.post('/Users', { ...entraUser('dan'), userName: 'cid@contoso.com' })
    expect([taken.status, taken.body['scimType']]).toEqual([409, 'uniqueness'])
  })

  test('a source is held to its policy for what it changes, not for what another source wrote', async () => {
    const any = await scimClient()
    const id = await createUser(any, 'ann')
    const strict = await scimClient({ policy: 'strict', organizationId: any.organizationId })
    const titled = await strict.patch(`/Users/${id}`, [{ op: 'add', path: 'title', value: 'Dr' }])
    expect(titled.status).toBe(200)
    const bare = await strict.patch(`/Users/${id}`, [{ op: 'remove', path: 'emails' }])
    expect([bare.status, bare.body['detail']]).toEqual([400, expect.stringContaining('"strict"')])
  })
})

describe('groups', () => {
  async function createGroup(scim: ScimClient, members: string[] = []): Promise<string> {
    const { status, body } = await scim.post('/Groups', {
      schemas: [GROUP, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      externalId: '8aa1a0c0-0000-0000-0000-000000000000',
      displayName: 'Staff',
      meta: { resourceType: 'Group' },
      ...(members.length === 0 ? {} : { members: members.map((value) => ({ value })) }),
    })
    expect(status).toBe(201)
    return body['id']
  }
  const membersOf = async (scim: ScimClient, id: string): Promise<string[]> =>
    (await scim.get(`/Groups/${id}`)).body['members'].map(({ value }: { value: string }) => value)

  test('Entra creates a group without members and drops the foreign URN', async () => {
    const scim = await scimClient()
    const id = await createGroup(scim)
    const { body, headers } = await scim.get(`/Groups/${id}`)
    expect(body).toMatchObject({ schemas: [GROUP], id, displayName: 'Staff', members: [] })
    expect(headers.get('ETag')).toBe('W/"1"')
    const path = `/Groups?excludedAttributes=members&${filterBy('DisplayName eq "staff"')}`
    const found = await scim.get(path)
    expect(found.body['totalResults']).toBe(1)
    expect(found.body['Resources'][0]).not.toHaveProperty('members')
  })

  test('members are added and removed in both dialects, answered by 204', async () => {
    const scim = await scimClient()
    const [ann, bob, cid] = [await createUser(scim, 'ann'), await createUser(scim, 'bob'), 'usr_x']
    const id = await createGroup(scim)
    const patch = (operation: object) => scim.patch(`/Groups/${id}`, [operation])
    const added = await patch({
      op: 'Add',
      path: 'members',
      value: [ann, bob, cid].map((value) => ({ $ref: null, value })),
    })
    expect([added.status, added.text, added.headers.get('Content-Type')]).toEqual([204, '', null])
    expect(await membersOf(scim, id)).toEqual([ann, bob, cid].toSorted())
    await patch({ op: 'Remove', path: 'members', value: [{ $ref: null, value: ann }] })
    expect(await membersOf(scim, id)).toEqual([bob, cid].toSorted())
    await patch({ op: 'remove', path: `members[value eq "${cid}"]` })
    expect(await membersOf(scim, id)).toEqual([bob])
    const same = await patch({ op: 'add', path: 'members', value: [{ value: bob }] })
    expect([same.status, same.cost.rowsWritten]).toEqual([204, 0])
    await patch({ op: 'replace', path: 'members', value: [{ value: ann }] })
    expect(await membersOf(scim, id)).toEqual([ann])
    await patch({ op: 'remove', path: 'members' })
    expect(await membersOf(scim, id)).toEqual([])
    const log = (await readLog(scim.organizationId)).filter(({ target_id }) => target_id === id)
    expect(log.map(({ type, touched }) => [type, touched?.toSorted() ?? []])).toEqual([
      ['group_create', []],
      ['group_update', [ann, bob, cid].toSorted()],
      ['group_update', [ann]],
      ['group_update', [cid]],
      ['group_update', [ann, bob].toSorted()],
      ['group_update', [ann]],
    ])
    expect(log[2]?.['body'].changes).toEqual([{ attribute: 'members', from: [ann], to: [] }])
  })

  test('a rename answers 204, and 200 with the group when attributes are asked for', async () => {
    const scim = await scimClient()
    const id = await createGroup(scim, ['usr_a', 'usr_b'])
    const renamed = await scim.patch(`/Groups/${id}`, [
      { op: 'Replace', path: 'displayName', value: 'Crew' },
    ])
    expect([renamed.status, renamed.text]).toEqual([204, ''])
    const operations = { Operations: [{ op: 'replace', value: { displayName: 'Team' } }] }
    const shown = await scim.send('PATCH', `/Groups/${id}?attributes=members`, operations)
    expect(shown.status).toBe(200)
    expect(shown.body['members']).toHaveLength(2)
    const bare = await scim.send('PATCH', `/Groups/${id}?excludedAttributes=members`, operations)
    expect(bare.body).toMatchObject({ displayName: 'Team' })
    expect(bare.body).not.toHaveProperty('members')
  })

  test('PUT with members replaces them, without members keeps them', async () => {
    const scim = await scimClient()
    const id = await createGroup(scim, ['usr_a', 'usr_b'])
    const kept = await scim.put(`/Groups/${id}`, { displayName: 'Crew' })
    expect([kept.status, kept.body['members'].length]).toEqual([200, 2])
    const members = [{ value: 'usr_b' }, { value: 'usr_c' }]
    const replaced = await scim.put(`/Groups/${id}`, { displayName: 'Crew', members })
    expect(replaced.body['members'].map(({ value }: { value: string }) => value)).toEqual([
      'usr_b',
      'usr_c',
    ])
    const cleared = await scim.put(`/Groups/${id}`, { displayName: 'Crew', members: [] })
    expect(cleared.body['members']).toEqual([])
  })

  test.for([
    ['id eq "$G" and members eq "usr_a"', 1],
    ['members eq "usr_a" and id eq "$G"', 1],
    ['id eq "$G" and members eq "usr_z"', 0],
    ['members.value eq "usr_a"', 1],
    ['members[value eq "usr_b"]', 1],
    ['members[value sw "usr_"]', 1],
    ['not (members eq "usr_a")', 1],
    ['displayName sw "sta" and members pr', 1],
    ['externalId eq "8aa1a0c0-0000-0000-0000-000000000000"', 1],
  ] as const)('the filter %s finds %i', async ([filter, total]) => {
    const scim = await scimClient()
    const id = await createGroup(scim, ['usr_a', 'usr_b'])
    await scim.post('/Groups', { displayName: 'Others' })
    const query = filterBy(filter.replace('$G', id))
    const { status, body } = await scim.get(`/Groups?${query}`)
    expect([status, body['totalResults']]).toEqual([200, total])
    const found = body['Resources'].filter((group: { id: string }) => group.id === id)
    expect(found.every(({ members }: { members: unknown[] }) => members.length === 2)).toBe(true)
  })

  test('names and external ids are unique; a deleted group frees them and leaves its users', async () => {
    const scim = await scimClient()
    const ann = await createUser(scim, 'ann')
    const id = await createGroup(scim, [ann])
    const sameName = await scim.post('/Groups', { displayName: 'STAFF' })
    expect([sameName.status, sameName.body['detail']]).toEqual([
      409,
      `displayName "STAFF" is already used by ${id}.`,
    ])
    const externalId = '8aa1a0c0-0000-0000-0000-000000000000'
    const sameId = await scim.post('/Groups', { displayName: 'Crew', externalId })
    expect([sameId.status, sameId.body['detail']]).toEqual([
      409,
      `externalId "${externalId}" is already used by ${id}.`,
    ])
    const parent = await scim.post('/Groups', { displayName: 'All', members: [{ value: id }] })
    expect(parent.body['members']).toMatchObject([{ value: id, type: 'Group' }])
    expect((await scim.delete(`/Groups/${id}`)).status).toBe(204)
    expect((await scim.get(`/Groups/${id}`)).status).toBe(404)
    expect((await scim.get(`/Users/${ann}`)).body).not.toHaveProperty('groups')
    expect(await membersOf(scim, parent.body['id'])).toEqual([])
    expect((await readLog(scim.organizationId)).at(-1)).toMatchObject({
      type: 'group_delete',
      urgent: 1,
      // The group that it was a member of has to let go of it too.
      touched: [parent.body['id'], ann],
    })
    await createGroup(scim)
  })
})

describe('lists', () => {
  test('pages are bounded, counted without a scan and in the order of creation', async () => {
    const scim = await scimClient()
    const ids: string[] = []
    for (const name of ['ann', 'bob', 'cid']) ids.push(await createUser(scim, name))
    const idsAt = async (query: string) => {
      const { body } = await scim.get(`/Users?${query}`)
      const found: string[] = body['Resources'].map(({ id }: { id: string }) => id)
      return [body['totalResults'], body['startIndex'], found]
    }
    expect(await idsAt('startIndex=2&count=1')).toEqual([3, 2, [ids[1]]])
    expect(await idsAt('startIndex=0&count=2')).toEqual([3, 1, ids.slice(0, 2)])
    expect(await idsAt('startIndex=-5')).toEqual([3, 1, ids])
    expect(await idsAt('count=0')).toEqual([3, 1, []])
    expect(await idsAt('count=-1')).toEqual([3, 1, []])
    expect(await idsAt('count=5000')).toEqual([3, 1, ids])
    expect(await idsAt('startIndex=9')).toEqual([3, 9, []])
    expect(await idsAt(`${filterBy('userName pr')}&startIndex=2&count=1`)).toEqual([3, 2, [ids[1]]])
    expect(await idsAt('aadOptscim062020&unknown=1&sortBy=userName&sortOrder=')).toEqual([
      3,
      1,
      ids,
    ])
  })

  test('attributes and excludedAttributes choose what is shown, everywhere', async () => {
    const scim = await scimClient()
    const created = await scim.post('/Users?attributes=userName', entraUser('ann'))
    expect(Object.keys(created.body).toSorted()).toEqual(['id', 'schemas', 'userName'])
    const { id } = created.body
    const read = await scim.get(`/Users/${id}?excludedAttributes=emails,name.familyName`)
    expect(read.body).not.toHaveProperty('emails')
    expect(read.body['name']).toEqual({ formatted: 'Lee ann', givenName: 'ann' })
    const listed = await scim.get('/Users?attributes=name.givenName')
    expect(listed.body['Resources'][0].name).toEqual({ givenName: 'ann' })
  })

  test('a search by POST is the same as a GET', async () => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann')
    const { status, body } = await scim.post('/Users/.search', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      filter: 'userName eq "ann@contoso.com"',
      attributes: ['userName'],
      count: 10,
    })
    expect(status).toBe(200)
    expect(body['Resources']).toEqual([
      { schemas: [USER, ENTERPRISE], id, userName: 'ann@contoso.com' },
    ])
  })
})

describe('versions', () => {
  test('If-Match and If-None-Match are honoured when they are sent', async () => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann')
    const path = `/Users/${id}`
    const operations = [{ op: 'replace', path: 'title', value: 'Dr' }]
    expect((await scim.get(path, { 'If-None-Match': 'W/"1"' })).status).toBe(304)
    expect((await scim.get(path, { 'If-None-Match': 'W/"2"' })).status).toBe(200)
    const stale = { 'If-Match': 'W/"7"' }
    const refusals = [
      await scim.patch(path, operations, stale),
      await scim.put(path, entraUser('ann'), stale),
      await scim.delete(path, stale),
    ]
    for (const { status, headers, cost } of refusals)
      expect([status, headers.get('ETag'), cost.rowsWritten]).toEqual([412, 'W/"1"', 0])
    const current = { 'If-Match': 'W/"1"' }
    expect((await scim.patch(path, operations, current)).headers.get('ETag')).toBe('W/"2"')
    expect((await scim.delete(path, { 'If-Match': '*' })).status).toBe(204)
  })
})

describe('isolation', () => {
  test('another organization gets 404 for every id, finds nothing and clashes with nothing', async () => {
    const ours = await scimClient()
    const theirs = await scimClient()
    const user = await createUser(ours, 'ann')
    const group = await ours.post('/Groups', { displayName: 'Staff', members: [{ value: user }] })
    const groupId: string = group.body['id']
    const operations = [{ op: 'replace', path: 'displayName', value: 'Mine' }]
    for (const path of [`/Users/${user}`, `/Groups/${groupId}`]) {
      expect((await theirs.get(path)).status).toBe(404)
      expect((await theirs.patch(path, operations)).status).toBe(404)
      const body = { userName: 'x', displayName: 'x' }
      expect((await theirs.put(path, body)).status).toBe(404)
      expect((await theirs.delete(path)).status).toBe(404)
    }
    for (const path of [
      '/Users',
      '/Groups',
      `/Users?${filterBy(`id eq "${user}"`)}`,
      `/Users?${filterBy('emails.value eq "ann@contoso.com"')}`,
      `/Users?${filterBy(`groups.value eq "${groupId}"`)}`,
      `/Groups?${filterBy(`members eq "${user}"`)}`,
    ])
      expect((await theirs.get(path)).body['totalResults']).toBe(0)
    await createUser(theirs, 'ann')
    const mine = await theirs.post('/Groups', { displayName: 'Staff', members: [{ value: user }] })
    expect(mine.status).toBe(201)
    const { body } = await ours.get(`/Users/${user}`)
    expect(body['groups']).toHaveLength(1)
    expect(await readLog(ours.organizationId)).toHaveLength(2)
    const every = await rows(
      sql`SELECT DISTINCT organization_id FROM event WHERE target_id IN (${user}, ${groupId})`,
    )
    expect(every).toEqual([{ organization_id: ours.organizationId }])
  })

  test('two sources of one organization see the same users', async () => {
    const entra = await scimClient()
    const okta = await scimClient({ organizationId: entra.organizationId })
    const id = await createUser(entra, 'ann')
    expect((await okta.get(`/Users/${id}`)).status).toBe(200)
  })
})

describe('refusals', () => {
  const deep = (depth: number) => `${'('.repeat(depth)}userName pr${')'.repeat(depth)}`
  const big = JSON.stringify({ userName: 'x', displayName: 'y'.repeat(1024 * 1024) })
  const json = { 'Content-Type': 'application/scim+json' }
  type Refusal = readonly [
    name: string,
    request: readonly [
      method: string,
      path: string,
      body?: unknown,
      headers?: Record<string, string>,
    ],
    status: number,
    scimType?: string,
  ]
  const refusals: readonly Refusal[] = [
    ['malformed JSON', ['POST', '/Users', '{"userName":'], 400, 'invalidSyntax'],
    ['no body', ['POST', '/Users', '', json], 400, 'invalidSyntax'],
    ['an array for a user', ['POST', '/Users', []], 400, 'invalidSyntax'],
    [
      'a nested bomb',
      ['POST', '/Users', `${'['.repeat(5000)}${']'.repeat(5000)}`],
      400,
      'invalidSyntax',
    ],
    ['__proto__', ['POST', '/Users', '{"userName":"x","__proto__":{"a":1}}'], 400, 'invalidSyntax'],
    ['a wrong type', ['POST', '/Users', { userName: 7 }], 400, 'invalidValue'],
    ['no userName', ['POST', '/Users', { displayName: 'x' }], 400, 'invalidValue'],
    [
      'a text for emails[].value',
      ['POST', '/Users', { userName: 'x', emails: [{ value: {} }] }],
      400,
      'invalidValue',
    ],
    [
      'no address',
      ['POST', '/Users', { userName: 'x', emails: [{ value: 'no' }] }],
      400,
      'invalidValue',
    ],
    ['too large', ['POST', '/Users', big], 413],
    ['XML', ['POST', '/Users', '<a/>', { 'Content-Type': 'application/xml' }], 415],
    [
      'no operation',
      ['PATCH', '/Users/$U', { Operations: [{ op: 'move', path: 'title' }] }],
      400,
      'invalidSyntax',
    ],
    [
      'a bad path',
      ['PATCH', '/Users/$U', { Operations: [{ op: 'add', path: 'a b', value: 1 }] }],
      400,
      'invalidPath',
    ],
    [
      'an unknown path',
      ['PATCH', '/Users/$U', { Operations: [{ op: 'add', path: 'shoeSize', value: 1 }] }],
      400,
      'invalidPath',
    ],
    [
      'a read-only path',
      ['PATCH', '/Users/$U', { Operations: [{ op: 'add', path: 'id', value: 'x' }] }],
      400,
      'mutability',
    ],
    [
      'a removed userName',
      ['PATCH', '/Users/$U', { Operations: [{ op: 'remove', path: 'userName' }] }],
      400,
      'mutability',
    ],
    [
      'a half PATCH',
      [
        'PATCH',
        '/Users/$U',
        {
          Operations: [
            { op: 'add', path: 'title', value: 'x' },
            { op: 'add', path: 'userName', value: {} },
          ],
        },
      ],
      400,
      'invalidValue',
    ],
    [
      'members without ids',
      ['POST', '/Groups', { displayName: 'x', members: [{ display: 'x' }] }],
      400,
      'invalidValue',
    ],
    [
      'an unknown filter attribute',
      ['GET', `/Users?${filterBy('shoeSize eq 1')}`],
      400,
      'invalidFilter',
    ],
    ['an unfinished filter', ['GET', `/Users?${filterBy('userName eq')}`], 400, 'invalidFilter'],
    ['an empty filter', ['GET', '/Users?filter='], 400, 'invalidFilter'],
    ['a deep filter', ['GET', `/Users?${filterBy(deep(500))}`], 400, 'invalidFilter'],
    [
      'a filter on the password',
      ['GET', `/Users?${filterBy('password eq "x"')}`],
      400,
      'invalidFilter',
    ],
    ['no number', ['GET', '/Users?count=many'], 400, 'invalidValue'],
    ['an unknown order', ['GET', '/Users?sortBy=userName&sortOrder=up'], 400, 'invalidValue'],
    ['an unknown order of nothing', ['GET', '/Groups?sortOrder=up'], 400, 'invalidValue'],
    [
      'an unknown order in a search',
      ['POST', '/Users/.search', { sortBy: 'userName', sortOrder: 'up' }],
      400,
      'invalidValue',
    ],
    [
      'an unknown order in a search at the root',
      ['POST', '/.search', { sortBy: 'id', sortOrder: 'up' }],
      400,
      'invalidValue',
    ],
    [
      'a remove of nothing',
      ['PATCH', '/Users/$U', { Operations: [{ op: 'remove' }] }],
      400,
      'noTarget',
    ],
    ['an unknown user', ['GET', '/Users/usr_unknown'], 404],
    ['an unknown path of the service', ['GET', '/Cars'], 404],
    ['a wrong method', ['PATCH', '/Users', {}], 405],
    ['/Me', ['GET', '/Me'], 501],
    ['a bulk request without operations', ['POST', '/Bulk', {}], 400, 'invalidSyntax'],
  ]
  test.for(refusals)(
    '%s is refused and nothing is written',
    async ([, request, status, scimType]) => {
      const scim = await scimClient()
      const id = await createUser(scim, 'ann')
      const [method, path, body, headers] = request
      const answer = await scim.send(method, path.replace('$U', id), body, headers)
      expect([answer.status, answer.body['scimType']]).toEqual([status, scimType])
      expect(answer.body).toMatchObject({ schemas: [ERROR], status: String(status) })
      expect(answer.body['detail']).toMatch(/^\S.{10,}\.$/s)
      expect(answer.headers.get('Content-Type')).toBe('application/scim+json')
      expect(answer.headers.get('X-Request-Id')).toMatch(/^req_/)
      expect(answer.cost.rowsWritten).toBe(0)
      expect(await readLog(scim.organizationId)).toHaveLength(1)
      expect((await scim.get(`/Users/${id}`)).headers.get('ETag')).toBe('W/"1"')
    },
  )

  test('a body that only grows past the limit while it is read is refused', async () => {
    const scim = await scimClient()
    const chunk = new TextEncoder().encode(' '.repeat(64 * 1024))
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1
        controller.enqueue(chunk)
      },
    })
    expect((await scim.send('POST', '/Users', endless)).status).toBe(413)
    expect(sent).toBeLessThan(40)
  })

  test('a user that grows PATCH by PATCH is refused before it is larger than a row may be', async () => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann')
    const grow = (name: string) =>
      scim.patch(`/Users/${id}`, [
        { op: 'add', path: `urn:example:Big:1.0:User:${name}`, value: 'x'.repeat(900_000) },
      ])
    expect((await grow('one')).status).toBe(200)
    const { status, body } = await grow('two')
    expect([status, body['scimType']]).toEqual([400, 'invalidValue'])
    expect(await readLog(scim.organizationId)).toHaveLength(2)
  })

  test.for([
    [{ op: 'remove' }, /^A "remove" needs a path.*DELETE\.$/],
    [{ op: 'Remove', path: 'userName' }, /^userName cannot be changed: it is required; replace it/],
    [{ op: 'Replace', path: 'userName', value: '' }, /userName.*required and must not be empty/],
  ] as const)('the refusal of %j says what to do', async ([operation, detail]) => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann')
    const { body } = await scim.patch(`/Users/${id}`, [operation])
    expect(body['detail']).toMatch(detail)
  })

  test('a refusal tells the Allow of 405 and names the text that cannot be read', async () => {
    const scim = await scimClient()
    const { headers } = await scim.send('DELETE', '/Users')
    expect(headers.get('Allow')).toBe('GET, POST')
    const { body } = await scim.get(`/Users?${filterBy('userName is "x"')}`)
    expect(body['detail']).toContain('userName is "x"')
  })

  test.for([
    ['application/json', 201],
    ['application/scim+json', 201],
    ['application/scim+json; charset=utf-8', 201],
    ['APPLICATION/JSON;charset=UTF-8', 201],
    [undefined, 201],
    ['text/plain', 415],
    ['application/jsonp', 415],
  ] as const)('the content type %s answers %i', async ([type, status]) => {
    const scim = await scimClient()
    const body = new TextEncoder().encode(JSON.stringify(entraUser('ann')))
    const stream = new Response(body).body
    const headers = type === undefined ? {} : { 'Content-Type': type }
    const response = await createApp(scim.deps).request(
      new Request('https://gateway.test/scim/v2/Users', {
        method: 'POST',
        headers: { Authorization: `Bearer ${scim.token}`, ...headers },
        body: stream,
      }),
    )
    expect(response.status).toBe(status)
  })
})

describe('credentials', () => {
  test.for([
    ['no header', {}],
    ['another scheme', { Authorization: 'Basic YTpi' }],
    ['an empty token', { Authorization: 'Bearer ' }],
    ['an unknown token', { Authorization: 'Bearer isth_scim_unknown' }],
    ['two tokens', { Authorization: 'Bearer a b' }],
  ] as const)('%s is 401, which says so and logs no token', async ([, headers]) => {
    const scim = await scimClient()
    for (const path of ['/Users', '/ServiceProviderConfig', '/nothing']) {
      const answer = await scim.send('GET', path, undefined, { Authorization: '', ...headers })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Bearer/)
      expect(answer.body).toMatchObject({ schemas: [ERROR], status: '401' })
    }
    expect(JSON.stringify(scim.lines)).not.toMatch(/isth_scim|YTpi/)
  })

  test('a revoked credential is refused within 30 seconds, an expired one at once', async () => {
    let now = Date.now()
    const clock = { now: () => now }
    const source = await seedSource({ expiresAt: now + 60_000 })
    const scim = await scimClient({ as: source, instead: { clock } })
    expect((await scim.get('/Users')).status).toBe(200)
    await rows(
      sql`UPDATE source_credential SET revoked_at = ${now} WHERE id = ${source.credentialId}`,
    )
    now += 30_000
    expect((await scim.get('/Users')).status).toBe(401)
    await rows(
      sql`UPDATE source_credential SET revoked_at = NULL WHERE id = ${source.credentialId}`,
    )
    now += 29_000
    expect((await scim.get('/Users')).status).toBe(200)
    now += 1000
    expect((await scim.get('/Users')).status).toBe(401)
  })

  test('a credential above the limit is told to wait', async () => {
    const keys: string[] = []
    const isWithinLimit = async (key: string) => keys.push(key) < 2
    const scim = await scimClient({ instead: { isWithinLimit } })
    expect((await scim.get('/Users')).status).toBe(200)
    const { status, headers, body } = await scim.get('/Users')
    expect([status, headers.get('Retry-After'), body['status']]).toEqual([429, '10', '429'])
    expect(keys[0]).toBe(`${scim.organizationId}:${scim.credentialId}`)
  })
})

describe('the surface', () => {
  test.for(['//Users', '/users', '/Users/', '/USERS'])(
    '%s is /Users, and counted',
    async (path) => {
      const scim = await scimClient()
      const { status, body } = await scim.get(path)
      expect([status, body['totalResults']]).toEqual([200, 0])
      expect(scim.lines.at(-1)).toMatchObject({ quirks: [38], route: '/scim/v2/Users' })
    },
  )

  test('discovery says what there is', async () => {
    const scim = await scimClient()
    const config = await scim.get('/ServiceProviderConfig')
    expect(config.body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 80, maxPayloadSize: 1_048_576 },
    })
    const types = await scim.get('/ResourceTypes')
    expect(types.body['totalResults']).toBe(2)
    expect((await scim.get('/ResourceTypes/User')).body['endpoint']).toBe('/Users')
    const schemas = await scim.get('/Schemas')
    expect(schemas.body['Resources'].map(({ id }: { id: string }) => id)).toEqual([
      USER,
      ENTERPRISE,
      GROUP,
    ])
    expect((await scim.get(`/Schemas/${USER}`)).body['id']).toBe(USER)
    expect((await scim.get('/Schemas/urn:nothing')).status).toBe(404)
    expect((await scim.get(`/Schemas?${filterBy('id pr')}`)).status).toBe(403)
    for (const { headers } of [config, types, schemas])
      expect(headers.get('Content-Type')).toBe('application/scim+json')
  })

  test('PUBLIC_URL, where it is set, is what clients are told', async () => {
    const scim = await scimClient({ env: { PUBLIC_URL: 'https://scim.example.com/' } })
    const { headers, body } = await scim.post('/Users', entraUser('ann'))
    const url = `https://scim.example.com/scim/v2/Users/${body['id']}`
    expect([headers.get('Location'), body['meta'].location]).toEqual([url, url])
  })

  test('a request leaves one line without personal data', async () => {
    const scim = await scimClient()
    const id = await createUser(scim, 'ann')
    await scim.get(`/Users?${filterBy('userName eq "ann@contoso.com"')}`)
    await scim.get('/Users/ann@contoso.com')
    await scim.get('/ann@contoso.com')
    await scim.post('/Users', entraUser('ann'))
    await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }])
    expect(scim.lines).toHaveLength(6)
    expect(scim.lines.at(-1)).toEqual({
      level: 'info',
      message: 'request',
      requestId: expect.stringMatching(/^req_/),
      organization: scim.organizationId,
      source: scim.sourceId,
      method: 'PATCH',
      route: '/scim/v2/Users/:id',
      status: 200,
      ms: expect.any(Number),
      roundTrips: 2,
      rowsRead: expect.any(Number),
      rowsWritten: 4,
      quirks: [1, 2],
    })
    expect(JSON.stringify(scim.lines)).not.toMatch(/ann|contoso/)
  })

  test('an error that nobody expected is 500 with an id; its text stays in the log, without parameters', async () => {
    const failing = {
      ...connect(env.DB),
      run: () => Promise.reject(new Error('Failed query: SELECT ? params: ann@contoso.com')),
    }
    const source = await seedSource()
    const warm = await scimClient({ as: source })
    await warm.get('/Users')
    const scim = await scimClient({ as: source, instead: { connect: () => failing } })
    const { status, body, headers } = await scim.get('/Users/usr_x')
    expect([status, body['detail']]).toEqual([500, expect.stringContaining('req_')])
    expect(body['detail']).toContain(headers.get('X-Request-Id'))
    expect(scim.lines).toHaveLength(2)
    expect(JSON.stringify([body, scim.lines])).not.toContain('contoso')
  })

  test('a database that is overloaded or away is 503 with Retry-After', async () => {
    const away = {
      ...connect(env.DB),
      run: () => Promise.reject(new Error('D1_ERROR: Network connection lost.')),
    }
    const source = await seedSource()
    await (await scimClient({ as: source })).get('/Users')
    const scim = await scimClient({ as: source, instead: { connect: () => away } })
    const { status, headers } = await scim.get('/Users/usr_x')
    expect([status, headers.get('Retry-After')]).toEqual([503, '2'])
    expect((await scim.post('/Users', entraUser('ann'))).status).toBe(503)
  })

  test('a bell that cannot be rung does not fail the request', async () => {
    const queue = { send: () => Promise.reject(new Error('queue away')) }
    const lines: JsonObject[] = []
    const deps = createDeps({ ...env, EXPORT_QUEUE: queue }, { log: (line) => lines.push(line) })
    const scim = await scimClient({ instead: { announce: deps.announce } })
    expect((await scim.post('/Users', entraUser('ann'))).status).toBe(201)
    expect(lines).toMatchObject([{ message: 'bell not rung', organization: scim.organizationId }])
  })

  test('the worker answers, and without its settings says which are wrong', async () => {
    const ctx = createExecutionContext()
    const request = new Request('https://gateway.test/healthz') as Parameters<
      typeof worker.fetch
    >[0]
    expect((await worker.fetch(request, env, ctx)).status).toBe(200)
    const response = await worker.fetch(request, { ...env, OPERATOR_TOKEN: '' }, ctx)
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.stringContaining('OPERATOR_TOKEN is missing'),
    ])
    await waitOnExecutionContext(ctx)
  })

  test('health and readiness', async () => {
    const scim = await scimClient()
    const app = createApp(scim.deps)
    for (const path of ['/healthz', '/readyz']) {
      const response = await app.request(path)
      expect([response.status, response.headers.get('X-Request-Id')]).toEqual([
        200,
        expect.stringMatching(/^req_/),
      ])
    }
    const nowhere = await app.request('/scim/v3/Users')
    expect([nowhere.status, nowhere.headers.get('Content-Type')]).toEqual([
      404,
      'application/scim+json',
    ])
  })

  test('the settings are read once, and each that is wrong is named without its value', async () => {
    expect(readConfig(env).ok).toBe(true)
    const wrong = {
      ...env,
      GRAPH_WRITE_QUOTA: 'many',
      OPERATOR_TOKEN: 'hunter2',
      RATE_LIMIT: 'maybe',
    }
    const read = readConfig({ ...wrong, ENCRYPTION_KEY: '' })
    expect(read.ok ? '' : read.error).toBe(
      'GRAPH_WRITE_QUOTA must be writes/seconds, for example 3000/150; ' +
        'RATE_LIMIT must be on or off; ' +
        'ENCRYPTION_KEY is missing: it must be the base64 of 32 random bytes; ' +
        'OPERATOR_TOKEN must be a text of at least 32 characters',
    )
    expect(() => createDeps({ ...env, ENCRYPTION_KEY: 'c2hvcnQ=' })).toThrow(
      /ENCRYPTION_KEY must be/,
    )
  })
})
