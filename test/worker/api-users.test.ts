import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { apiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'
import { type Loose, readLog, scimClient } from '../support/seed.ts'

async function world(policy: 'any' | 'strict' | 'local-part' = 'any') {
  const scim = await scimClient({ policy })
  const api = await apiClient({ organizationId: scim.organizationId, role: 'manager' })
  const name = policy === 'any' ? {} : { userName: 'ann' }
  const { body: ann } = await scim.post('/Users', newUser('ann', name))
  const path = `/users/${ann['id']}`
  const { body: shown } = await api.get(path)
  return { scim, api, ann, path, shown }
}

const lastEvent = async (organizationId: string) => (await readLog(organizationId)).at(-1)

describe('PATCH /users/{id}', () => {
  test('changes what it names; SCIM shows it, with another version and one event', async () => {
    const { scim, api, ann, path, shown } = await world()
    const answer = await api.patch(path, {
      firstname: 'Anna',
      department: 'Sales',
      workCity: 'Bern',
      mobilePhone: '+41 1',
      alternateEmail: 'ann@home.test',
      manager: ann['id'],
      jobTitle: null,
    })
    expect(answer.status).toBe(200)
    const { modifiedAt: _, ...expected } = shown
    expect(answer.body).toMatchObject({
      ...expected,
      firstname: 'Anna',
      displayname: 'Anna Test',
      department: 'Sales',
      workCity: 'Bern',
      mobilePhone: '+41 1',
      alternateEmail: 'ann@home.test',
      manager: ann['id'],
      jobTitle: null,
      version: 2,
    })
    expect((await api.get(path)).body).toEqual(answer.body)
    const { body } = await scim.get(`/Users/${ann['id']}`)
    expect(body).toMatchObject({
      name: { givenName: 'Anna', familyName: 'Test' },
      emails: [{ value: 'ann@contoso.com' }, { value: 'ann@home.test', type: 'home' }],
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
        department: 'Sales',
        manager: { value: ann['id'] },
      },
    })
    expect(body['title']).toBeUndefined()
    expect(body['meta'].version).not.toBe(ann['meta'].version)
    const event = await lastEvent(api.organizationId)
    expect(event).toMatchObject({
      type: 'user_update',
      class: 'change',
      target_id: ann['id'],
      actor_type: 'admin',
      actor_id: api.adminId,
      body: {
        actor: { name: 'Ann Admin', keyId: api.keyId },
        origin: { ip: '192.0.2.7', requestId: answer.headers.get('X-Request-Id') },
      },
    })
    expect(event?.['body'].changes).toContainEqual({
      attribute: 'name.givenName',
      from: 'ann',
      to: 'Anna',
    })
    expect(api.rung).toEqual([api.organizationId])
  })

  test('what changes nothing writes nothing, tells nothing and rings for nobody', async () => {
    const { api, path, shown } = await world()
    const answer = await api.patch(path, { firstname: 'ann', suspended: false })
    expect(answer.body).toEqual(shown)
    expect(answer.cost.rowsWritten).toBe(0)
    expect(await readLog(api.organizationId)).toHaveLength(1)
    expect(api.rung).toEqual([])
    expect((await api.patch(path, {})).body).toEqual(shown)
  })

  test('suspends and activates, urgently, and what the client sent stays as sent', async () => {
    const { scim, api, ann, path } = await world()
    const suspended = await api.patch(path, { suspended: true })
    expect(suspended.body).toMatchObject({ suspended: true, status: 'suspended' })
    expect(await lastEvent(api.organizationId)).toMatchObject({
      type: 'user_suspend',
      urgent: 1,
      body: { changes: [{ attribute: 'active', from: true, to: false }] },
    })
    expect((await scim.get(`/Users/${ann['id']}`)).body['active']).toBe(false)
    await api.patch(path, { suspended: false })
    expect(await lastEvent(api.organizationId)).toMatchObject({ type: 'user_activate', urgent: 1 })
    expect((await scim.get(`/Users/${ann['id']}`)).body['active']).toBe(true)
  })

  test('a password that is expired makes a user inactive, and ends only by an administrator', async () => {
    const { scim, api, ann, path } = await world()
    const expired = await api.patch(path, { passwordExpired: true })
    expect(expired.body).toMatchObject({ passwordExpired: true, status: 'password_expired' })
    expect((await scim.get(`/Users/${ann['id']}`)).body['active']).toBe(false)
    await scim.patch(`/Users/${ann['id']}`, [{ op: 'replace', path: 'active', value: true }])
    expect((await api.get(path)).body['status']).toBe('password_expired')
    await api.patch(path, { passwordExpired: false })
    expect((await scim.get(`/Users/${ann['id']}`)).body['active']).toBe(true)
  })

  test('a password is sealed, told by nothing, and ends password_pending', async () => {
    const { api, path } = await world()
    expect((await api.get(path)).body['status']).toBe('password_pending')
    const password = 'Correct-horse-7'
    const answer = await api.patch(path, { password })
    expect(answer.body).toMatchObject({ status: 'active' })
    const event = await lastEvent(api.organizationId)
    expect(event).toMatchObject({ type: 'user_password', urgent: 1 })
    const [stored] = await connect(env.DB).run(
      sql`SELECT * FROM pending_password WHERE organization_id = ${api.organizationId}`,
    )
    expect(stored?.rows).toHaveLength(1)
    const all = JSON.stringify([stored, answer.text, await readLog(api.organizationId), api.lines])
    expect(all).not.toContain(password)
    for (const wrong of ['', 98_765_432_109, 'x'.repeat(257)]) {
      const refused = await api.patch(path, { password: wrong })
      expect(refused.status).toBe(400)
      expect(refused.body['errors']).toMatchObject([{ pointer: '/password' }])
      if (wrong !== '') expect(refused.text).not.toContain(String(wrong))
    }
  })

  test('under local-part the username is the part before the @, and sent back it leaves the address as it was', async () => {
    const scim = await scimClient({ policy: 'local-part' })
    const api = await apiClient({ organizationId: scim.organizationId, role: 'manager' })
    const { body: ann } = await scim.post('/Users', newUser('ann', { userName: 'Ann@contoso.com' }))
    const path = `/users/${ann['id']}`
    expect((await api.get(path)).body['username']).toBe('Ann')
    const { body } = await api.patch(path, { username: 'Ann', jobTitle: 'Chief' })
    expect(body).toMatchObject({ username: 'Ann', jobTitle: 'Chief' })
    expect((await scim.get(`/Users/${ann['id']}`)).body['userName']).toBe('Ann@contoso.com')
    expect((await api.patch(path, { username: 'anna' })).body['username']).toBe('anna')
    expect((await scim.get(`/Users/${ann['id']}`)).body['userName']).toBe('anna')
  })

  test('names a manager who is here; one that a client named ahead may stay', async () => {
    const { scim, api, ann, path } = await world()
    for (const manager of ['usr_none', 'nobody', 'grp_none']) {
      const { status, body } = await api.patch(path, { manager })
      expect(status).toBe(400)
      expect(body['errors']).toEqual([
        { pointer: '/manager', detail: 'must be the id of a user of yours (usr_…), or null' },
      ])
    }
    const { body: group } = await scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
    })
    expect((await api.patch(path, { manager: group['id'] })).status).toBe(400)
    const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
    await scim.patch(`/Users/${ann['id']}`, [
      { op: 'add', path: `${enterprise}:manager`, value: 'usr_later' },
    ])
    expect((await api.patch(path, { manager: 'usr_later', jobTitle: 'Chief' })).status).toBe(200)
    expect((await api.patch(path, { manager: null })).body['manager']).toBeNull()
  })

  test('names every field that is wrong by its pointer, and changes nothing', async () => {
    const { api, path, shown } = await world()
    const { status, body } = await api.patch(path, {
      firstname: 7,
      suspended: 'yes',
      department: 'x'.repeat(1025),
      status: 'active',
    })
    expect(status).toBe(400)
    const pointers = body['errors'].map(({ pointer }: Loose) => pointer)
    expect(pointers.toSorted()).toEqual(['/department', '/firstname', '/status', '/suspended'])
    expect((await api.get(path)).body).toEqual(shown)
  })

  test.each([
    [{ email: 'no address' }, '/email'],
    [{ username: null }, '/username'],
    [{ username: '' }, '/username'],
    [{ email: null }, '/email'],
  ])('%j is refused at its place', async (patch, pointer) => {
    const { api, path } = await world()
    await api.patch(path, { alternateEmail: 'ann@home.test' })
    const { status, body } = await api.patch(path, patch)
    expect(status).toBe(400)
    expect(body['errors']).toMatchObject([{ pointer }])
  })

  test("a username is held to the policy of the user's own source, when it changes", async () => {
    const { api, path } = await world('strict')
    const refused = await api.patch(path, { username: 'ann@contoso.com' })
    expect(refused.status).toBe(400)
    expect(refused.body['errors']).toMatchObject([
      { pointer: '/username', detail: expect.stringContaining('"strict"') },
    ])
    expect((await api.patch(path, { username: 'anna' })).body['username']).toBe('anna')
  })

  test('a name or address that another user has is 409 and names that one', async () => {
    const { scim, api, path } = await world()
    const { body: bob } = await scim.post('/Users', newUser('bob'))
    for (const patch of [{ username: 'BOB@contoso.com' }, { email: 'Bob@contoso.com' }]) {
      const { status, body } = await api.patch(path, patch)
      expect(status).toBe(409)
      expect(body['existingId']).toBe(bob['id'])
    }
  })

  test('an attribute that a directory imports is 409 and names the directory', async () => {
    const admin = await exportWorld()
    const { organizationId, directoryId, clock } = admin
    const api = await apiClient({ organizationId, clock })
    const { body: ann } = await admin.scim.post('/Users', newUser('ann'))
    await api.patch(`/directories/${directoryId}/attributes`, { department: 'import' })
    const refused = await api.patch(`/users/${ann['id']}`, {
      department: 'Sales',
      workCity: 'Bern',
    })
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({
      attribute: 'department',
      directoryId,
      detail: expect.stringContaining('"Department"'),
    })
    expect((await api.get(`/users/${ann['id']}`)).body['workCity']).toBeNull()
    expect((await api.patch(`/users/${ann['id']}`, { workCity: 'Bern' })).status).toBe(200)
  })

  test('reaches Microsoft 365 like a change over SCIM', async () => {
    const full = await exportWorld()
    const { organizationId, clock } = full
    const api = await apiClient({ organizationId, clock })
    const { body: ann } = await full.scim.post('/Users', newUser('ann'))
    await full.settle()
    await api.patch(`/users/${ann['id']}`, { department: 'Sales', suspended: true })
    full.bells.push({ organizationId, delaySeconds: 0 })
    await full.settle()
    const [user] = full.graph.summary().users
    expect(user).toMatchObject({ department: 'Sales', accountEnabled: false })
  })

  test('two changes at once lose nothing', async () => {
    const { api, path } = await world()
    const answers = await Promise.all([
      api.patch(path, { department: 'Sales' }),
      api.patch(path, { workCity: 'Bern' }),
      api.patch(path, { suspended: true }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await api.get(path)).body).toMatchObject({
      department: 'Sales',
      workCity: 'Bern',
      suspended: true,
      version: 4,
    })
  })
})

describe('DELETE /users/{id}', () => {
  test('removes the user as SCIM does; its events stay', async () => {
    const { scim, api, ann, path } = await world()
    expect((await api.delete(path)).status).toBe(204)
    expect((await api.delete(path)).status).toBe(404)
    expect((await api.get(path)).status).toBe(404)
    expect((await scim.get(`/Users/${ann['id']}`)).status).toBe(404)
    expect(await lastEvent(api.organizationId)).toMatchObject({
      type: 'user_delete',
      urgent: 1,
      actor_id: api.adminId,
    })
    const { status, body } = await api.get(`${path}/events`)
    expect(status).toBe(200)
    expect(body['items'].map(({ type }: Loose) => type)).toEqual(['user_delete', 'user_create'])
  })
})

describe('GET /users/{id}/events', () => {
  test('tells of this user alone, filtered and in pages', async () => {
    const { scim, api, ann, path } = await world()
    await scim.post('/Users', newUser('bob'))
    await api.patch(path, { suspended: true })
    const { body: first } = await api.get(`${path}/events?limit=1`)
    expect(first['items']).toMatchObject([{ type: 'user_suspend', target: { id: ann['id'] } }])
    const { body: second } = await api.get(`${path}/events?limit=1&cursor=${first['nextCursor']}`)
    expect(second['items']).toMatchObject([{ type: 'user_create' }])
    expect((await api.get(`${path}/events?target=usr_other`)).status).toBe(400)
    const { body: filtered } = await api.get(`${path}/events?type=user_create`)
    expect(filtered['items']).toMatchObject([{ target: { id: ann['id'] } }])
    expect((await api.get(`${path}/events?type=user_delete`)).body['items']).toEqual([])
  })

  test('of a user that nobody ever had, or that is another organization’s, is 404', async () => {
    const { api, path } = await world()
    const stranger = await apiClient()
    expect((await stranger.get(`${path}/events`)).status).toBe(404)
    expect((await api.get('/users/usr_unknown/events')).status).toBe(404)
    expect((await api.get('/groups/grp_unknown/events')).status).toBe(404)
  })
})

describe('groups', () => {
  async function withGroup() {
    const base = await world()
    const { body: group } = await base.scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
    })
    return { ...base, group, groupPath: `/groups/${group['id']}` }
  }

  test('are renamed, and members come and go by id', async () => {
    const { scim, api, ann, group, groupPath } = await withGroup()
    const { body: bob } = await scim.post('/Users', newUser('bob'))
    const patched = await api.patch(groupPath, {
      displayName: 'Vertrieb',
      externalId: 'g1',
      addMembers: [ann['id'], bob['id']],
    })
    expect(patched.status).toBe(200)
    expect(patched.body).toMatchObject({
      displayName: 'Vertrieb',
      externalId: 'g1',
      memberCount: 2,
      members: expect.arrayContaining([{ id: ann['id'], type: 'user' }]),
    })
    const less = await api.patch(groupPath, { removeMembers: [bob['id']], externalId: null })
    expect(less.body).toMatchObject({ memberCount: 1, externalId: null })
    expect((await scim.get(`/Groups/${group['id']}`)).body).toMatchObject({
      displayName: 'Vertrieb',
      members: [{ value: ann['id'] }],
    })
    const { body: events } = await api.get(`${groupPath}/events`)
    expect(events['items'].map(({ type }: Loose) => type)).toEqual([
      'group_update',
      'group_update',
      'group_create',
    ])
    expect(events['items'][0]).toMatchObject({ actor: { type: 'admin', id: api.adminId } })
  })

  test('take no member that this organization does not have', async () => {
    const { api, groupPath } = await withGroup()
    const other = await world()
    const { status, body } = await api.patch(groupPath, { addMembers: [other.ann['id']] })
    expect(status).toBe(400)
    expect(body['errors']).toMatchObject([{ pointer: '/addMembers' }])
    expect((await api.get(groupPath)).body['memberCount']).toBe(0)
  })

  test('are removed as over SCIM', async () => {
    const { scim, api, group, groupPath } = await withGroup()
    expect((await api.delete(groupPath)).status).toBe(204)
    expect((await api.delete(groupPath)).status).toBe(404)
    expect((await scim.get(`/Groups/${group['id']}`)).status).toBe(404)
  })

  test('a name that another group has is 409', async () => {
    const { scim, api, groupPath } = await withGroup()
    const { body: other } = await scim.post('/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Staff',
    })
    const { status, body } = await api.patch(groupPath, { displayName: 'STAFF' })
    expect(status).toBe(409)
    expect(body['existingId']).toBe(other['id'])
  })
})
