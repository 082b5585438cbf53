import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { directoryStore } from '../../src/db/directory-store.ts'
import type { NewEvent } from '../../src/db/event-log.ts'
import { sourceStore } from '../../src/db/source-store.ts'
import { apiClient, type ApiClient } from '../support/api.ts'
import { type Loose, scimClient } from '../support/seed.ts'

const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest'
const ANN = {
  userName: 'ann',
  name: { givenName: 'Ann', familyName: 'Archer' },
  emails: [{ value: 'ann@contoso.com', type: 'work', primary: true }],
}

const DIRECTORY = {
  name: 'Contoso',
  tenantId: 'contoso.onmicrosoft.com',
  clientId: '11111111-2222-3333-4444-555555555555',
  credential: { type: 'client_secret', secret: 'very-secret' },
  settings: { onDelete: 'delete' },
}

const eventAbout = (type: 'source' | 'directory'): NewEvent => ({
  class: 'record',
  type: `${type}_delete`,
  time: 0,
  target: { type, id: 'x' },
  actor: { type: 'system', id: null },
})

async function provisioning() {
  const api = await apiClient()
  return { api, scim: await scimClient({ organizationId: api.organizationId }) }
}

/** The newest event of a type. */
const told = async (api: ApiClient, type: string): Promise<Loose> =>
  (await api.get(`/events?type=${type}`)).body['items'][0]

/** What the creation tells, the other way round. */
const gone = ({ changes }: Loose) =>
  changes.map(({ attribute, to }: Loose) => ({ attribute, from: to, to: null }))

describe('the event of a deletion tells who was deleted', () => {
  test.each(['the admin API', 'SCIM', 'SCIM, in bulk'])(
    'a user and a group, over %s',
    async (way) => {
      const { api, scim } = await provisioning()
      const { body: ann } = await scim.post('/Users', ANN)
      const members = [{ value: ann['id'] }]
      const team = { schemas: [GROUP], displayName: 'Sales', externalId: 'sales', members }
      const { body: sales } = await scim.post('/Groups', team)
      const paths = [`/Groups/${sales['id']}`, `/Users/${ann['id']}`]
      if (way === 'SCIM, in bulk') {
        const Operations = paths.map((path) => ({ method: 'DELETE', path }))
        await scim.post('/Bulk', { schemas: [BULK], Operations })
      } else
        for (const path of paths)
          await (way === 'SCIM' ? scim.delete(path) : api.delete(path.toLowerCase()))
      const { changes } = await told(api, 'user_delete')
      expect(changes).toContainEqual({ attribute: 'userName', from: 'ann', to: null })
      expect(changes).toContainEqual({ attribute: 'emails', from: ANN.emails, to: null })
      expect(changes).toEqual([
        ...gone(await told(api, 'user_create')),
        { attribute: 'active', from: true, to: null },
      ])
      expect((await told(api, 'group_delete'))['changes']).toEqual([
        { attribute: 'displayName', from: 'Sales', to: null },
        { attribute: 'externalId', from: 'sales', to: null },
        { attribute: 'members', from: [ann['id']], to: [] },
      ])
    },
  )

  test('as they were last, and no password', async () => {
    const { api, scim } = await provisioning()
    const { body: ann } = await scim.post('/Users', { ...ANN, password: 'Correct-horse-9' })
    await api.patch(`/users/${ann['id']}`, { lastname: 'Baker', suspended: true })
    await api.delete(`/users/${ann['id']}`)
    const event = await told(api, 'user_delete')
    expect(event['changes']).toContainEqual({
      attribute: 'name.familyName',
      from: 'Baker',
      to: null,
    })
    expect(event['changes']).toContainEqual({ attribute: 'active', from: false, to: null })
    expect(JSON.stringify(event)).not.toMatch(/password|Correct/)
  })

  test('of a large group the name, and how many of its attributes there were', async () => {
    const { api, scim } = await provisioning()
    const { body: sales } = await scim.post('/Groups', { schemas: [GROUP], displayName: 'Sales' })
    await connect(env.DB).run(
      sql`INSERT INTO group_member (organization_id, group_id, member_id)
        WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 900)
        SELECT ${api.organizationId}, ${sales['id']}, format('usr_%022d', value) FROM n`,
    )
    await scim.delete(`/Groups/${sales['id']}`)
    expect(await told(api, 'group_delete')).toMatchObject({
      changes: [{ attribute: 'displayName', from: 'Sales', to: null }, { attribute: 'members' }],
      changeCount: 2,
    })
  })

  test('a source, an administrator and a directory', async () => {
    const api = await apiClient()
    const { body: source } = await api.post('/sources', { name: 'Okta', type: 'okta' })
    const email = 'bea@example.com'
    const { body: bea } = await api.post('/admins', { name: 'Bea', email, role: 'manager' })
    const { body: directory } = await api.post('/directories', DIRECTORY)
    for (const [kind, path] of [
      ['source', `/sources/${source['id']}`],
      ['admin', `/admins/${bea['id']}`],
      ['directory', `/directories/${directory['id']}`],
    ]) {
      expect((await api.delete(path ?? '')).status).toBe(204)
      const { changes } = await told(api, `${kind}_delete`)
      expect(changes).toEqual(gone(await told(api, `${kind}_create`)))
      expect(changes[0]).toEqual({ attribute: 'name', from: expect.any(String), to: null })
    }
    const directoryEvent = await told(api, 'directory_delete')
    expect(directoryEvent['changes']).toContainEqual({
      attribute: 'settings.onDelete',
      from: 'delete',
      to: null,
    })
    expect(JSON.stringify(directoryEvent)).not.toContain('very-secret')
  })

  test('as it is: a source or directory that changed since it was read is not deleted', async () => {
    const api = await apiClient()
    const { organizationId } = api
    const { body: one } = await api.post('/sources', { name: 'Okta', type: 'okta' })
    const { body: two } = await api.post('/directories', DIRECTORY)
    const sources = sourceStore(connect(env.DB), organizationId)
    const directories = directoryStore(connect(env.DB), organizationId)
    const source = await sources.find(one['id'])
    const directory = await directories.find(two['id'])
    if (source === undefined || directory === undefined) throw new Error('nothing was created')
    for (const path of [`/sources/${one['id']}`, `/directories/${two['id']}`])
      await api.patch(path, { name: 'Renamed' })
    const stale = { ok: false, error: { kind: 'stale' } }
    expect(await sources.remove(source, source.createdAt, eventAbout('source'))).toEqual(stale)
    expect(await directories.remove(directory, eventAbout('directory'))).toEqual(stale)
    expect((await api.get('/sources')).body['items']).toMatchObject([{ name: 'Renamed' }])
    expect((await api.get('/directories')).body['items']).toMatchObject([{ name: 'Renamed' }])
    const deletions = '/events?type=source_delete,directory_delete'
    expect((await api.get(deletions)).body['items']).toEqual([])
  })

  test('a key and a credential of a source, as their creations do, and no secret', async () => {
    const api = await apiClient()
    const { body: key } = await api.post('/api-keys', { name: 'Laptop', role: 'read_only' })
    await api.delete(`/api-keys/${key['id']}`)
    const { body: source } = await api.post('/sources', { name: 'Okta', type: 'okta' })
    const path = `/sources/${source['id']}/credentials`
    const { body: token } = await api.post(path, { name: 'Token', type: 'bearer' })
    await api.delete(`${path}/${token['id']}`)
    const created = (await api.get('/events?type=credential_create')).body['items']
    const revoked = (await api.get('/events?type=credential_revoke')).body['items']
    const details = (events: readonly Loose[]) => events.map((event) => event['details'])
    expect(details(revoked)).toEqual(details(created))
    expect(details(revoked)).toMatchObject([{ name: 'Token' }, { name: 'Laptop' }])
    for (const { secret } of [key, token]) expect(JSON.stringify(revoked)).not.toContain(secret)
  })
})
