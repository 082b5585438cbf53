import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'

import { apiClient } from '../support/api.ts'
import { readLog } from '../support/seed.ts'

const TENANT = '8b7ccf0c-20b1-4b4f-a9a0-3c0a6d3c1a11'

describe('sources', () => {
  test('are made with the strict policy, listed in pages, changed and removed', async () => {
    const api = await apiClient()
    const made = await api.post('/sources', { name: 'Entra', type: 'entra' })
    expect(made.status).toBe(201)
    expect(made.cost.roundTrips).toBeLessThanOrEqual(2)
    expect(made.body).toEqual({
      id: expect.stringMatching(/^src_/),
      name: 'Entra',
      type: 'entra',
      usernamePolicy: 'strict',
      entraTenantId: null,
      credentials: [],
      createdAt: expect.stringMatching(/Z$/),
      modifiedAt: expect.stringMatching(/Z$/),
    })
    const { id } = made.body
    // Ids made within one millisecond have no order.
    api.clock.now += 1
    await api.post('/sources', { name: 'Okta', type: 'okta', usernamePolicy: 'any' })
    const first = await api.get('/sources?limit=1')
    expect(first.body['items'].map(({ name }: { name: string }) => name)).toEqual(['Entra'])
    const second = await api.get(`/sources?limit=1&cursor=${first.body['nextCursor']}`)
    expect(second.body).toMatchObject({ items: [{ name: 'Okta' }], nextCursor: null })

    const patched = await api.patch(`/sources/${id}`, { usernamePolicy: 'any' })
    expect(patched.body).toMatchObject({ name: 'Entra', usernamePolicy: 'any' })
    expect(patched.cost.roundTrips).toBe(2)
    expect((await api.get(`/sources/${id}`)).body).toEqual(patched.body)
    expect((await api.delete(`/sources/${id}`)).status).toBe(204)
    expect((await api.get(`/sources/${id}`)).status).toBe(404)
    expect((await api.delete(`/sources/${id}`)).status).toBe(404)

    const log = await readLog(api.organizationId)
    expect(log.map(({ type, target_id }) => [type, target_id])).toEqual([
      ['source_create', id],
      ['source_create', expect.any(String)],
      ['source_update', id],
      ['source_delete', id],
    ])
    expect(log[2]).toMatchObject({
      body: { changes: [{ attribute: 'usernamePolicy', from: 'strict', to: 'any' }] },
    })
    expect(log.every((event) => event['class'] === 'record')).toBe(true)
  })

  test('of another organization are not there, and stay as they are', async () => {
    const owner = await apiClient()
    const stranger = await apiClient()
    const { body } = await owner.post('/sources', { name: 'Entra', type: 'entra' })
    const path = `/sources/${body['id']}`
    const credential = await owner.post(`${path}/credentials`, { type: 'bearer', name: 'one' })
    const before = (await owner.get(path)).body
    const tries = [
      stranger.get(path),
      stranger.patch(path, { name: 'Mine' }),
      stranger.delete(path),
      stranger.post(`${path}/credentials`, { type: 'bearer', name: 'mine' }),
      stranger.delete(`${path}/credentials/${credential.body['id']}`),
    ]
    for (const answer of await Promise.all(tries)) expect(answer.status).toBe(404)
    expect((await owner.get(path)).body).toEqual(before)
    expect(await readLog(stranger.organizationId)).toEqual([])
    expect((await stranger.get('/sources')).body).toEqual({ items: [], nextCursor: null })
  })

  test('two changes at once: both are carried out, or one is told to come again', async () => {
    const api = await apiClient()
    const { body } = await api.post('/sources', { name: 'Entra', type: 'entra' })
    const path = `/sources/${body['id']}`
    const answers = await Promise.all([
      api.patch(path, { name: 'One' }),
      api.patch(path, { usernamePolicy: 'any' }),
    ])
    const { body: after } = await api.get(path)
    const [renamed, loosened] = answers.map(({ status }) => status === 200)
    expect(after).toMatchObject({
      name: renamed === true ? 'One' : 'Entra',
      usernamePolicy: loosened === true ? 'any' : 'strict',
    })
    expect(answers.some(({ status }) => status === 200)).toBe(true)
  })
})

describe('credentials of a source', () => {
  async function withCredential(more: object = {}) {
    const api = await apiClient()
    const { body: source } = await api.post('/sources', {
      name: 'Entra',
      type: 'entra',
      usernamePolicy: 'any',
    })
    const path = `/sources/${source['id']}/credentials`
    const made = await api.post(path, { type: 'bearer', name: 'one', ...more })
    const scim = async (token: string) => {
      const headers = { Authorization: `Bearer ${token}` }
      const response = await api.app.request('https://gateway.test/scim/v2/Users', { headers })
      await response.text()
      return response.status
    }
    return { api, source, path, made, scim }
  }

  test('the secret is told once, works, and is nowhere else', async () => {
    const { api, source, made, scim } = await withCredential()
    expect(made.status).toBe(201)
    expect(made.body).toEqual({
      id: expect.stringMatching(/^cred_/),
      type: 'bearer',
      name: 'one',
      prefix: made.body['secret'].slice(0, 14),
      secret: expect.stringMatching(/^isth_scim_[0-9a-z]{52}$/),
      expiresAt: null,
      revokedAt: null,
      createdAt: expect.stringMatching(/Z$/),
    })
    const { secret } = made.body
    expect(await scim(secret)).toBe(200)
    const { results } = await env.DB.prepare(
      'SELECT * FROM source_credential WHERE organization_id = ?',
    )
      .bind(api.organizationId)
      .all()
    const log = await readLog(api.organizationId)
    const shown = await api.get(`/sources/${source['id']}`)
    expect(shown.body['credentials']).toHaveLength(1)
    expect(JSON.stringify([results, log, shown.body, api.lines])).not.toContain(secret)
    expect(shown.text).not.toContain('hash')
    expect(log.at(-1)).toMatchObject({
      type: 'credential_create',
      target_id: made.body['id'],
      body: { details: { sourceId: source['id'], name: 'one' } },
    })
  })

  test('revoking twice is revoking once; the token is refused within 30 s', async () => {
    const { api, path, made, scim } = await withCredential()
    expect(await scim(made.body['secret'])).toBe(200)
    const url = `${path}/${made.body['id']}`
    const revoked = await api.delete(url)
    expect(revoked.status).toBe(204)
    expect((await api.delete(url)).status).toBe(204)
    const log = await readLog(api.organizationId)
    expect(log.filter(({ type }) => type === 'credential_revoke')).toHaveLength(1)
    api.clock.now += 30_000
    expect(await scim(made.body['secret'])).toBe(401)
    expect((await api.delete(`${path}/cred_unknown`)).status).toBe(404)
  })

  test('a removed source takes its credentials with it', async () => {
    const { api, source, made, scim } = await withCredential()
    await api.delete(`/sources/${source['id']}`)
    expect(await scim(made.body['secret'])).toBe(401)
  })

  test('an end is kept; one that has passed is refused', async () => {
    const { api, path, made } = await withCredential({ expiresAt: '2099-01-01T00:00:00Z' })
    expect(made.body['expiresAt']).toBe('2099-01-01T00:00:00.000Z')
    for (const expiresAt of ['2001-01-01T00:00:00Z', 'soon']) {
      const { status, body } = await api.post(path, { type: 'bearer', name: 'x', expiresAt })
      expect(status).toBe(400)
      expect(body['errors']).toMatchObject([{ pointer: '/expiresAt' }])
    }
  })

  test('an OAuth client has a client id, and a secret that is told once', async () => {
    const { api, source, path } = await withCredential()
    const made = await api.post(path, { type: 'oauth_client', name: 'client' })
    expect(made.status).toBe(201)
    const { id, secret, ...rest } = made.body
    expect(secret).toMatch(/^isth_client_[0-9a-z]{52}$/)
    expect(rest).toMatchObject({ type: 'oauth_client', clientId: id, prefix: secret.slice(0, 14) })
    const shown = await api.get(`/sources/${source['id']}`)
    expect(shown.body['credentials']).toContainEqual({ id, ...rest })
    const log = await readLog(api.organizationId)
    expect(JSON.stringify([log, shown.body, api.lines])).not.toContain(secret)
  })

  const trust = {
    issuer: 'https://issuer.example.com',
    subject: 'repo:contoso/sync',
    audience: 'api://isthmus',
  }

  test('a federated credential names whom it trusts, and has no secret', async () => {
    const { api, path } = await withCredential()
    const audience = `api://isthmus/${api.organizationId}`
    const made = await api.post(path, { type: 'federated', name: 'ci', ...trust, audience })
    expect(made.status).toBe(201)
    const { id } = made.body
    expect(made.body).toMatchObject({ ...trust, audience, type: 'federated', clientId: id })
    expect(made.body).toMatchObject({ prefix: null, revokedAt: null })
    expect(made.body).not.toHaveProperty('secret')
    expect(made.body).not.toHaveProperty('warning')
    const again = await api.post(path, { type: 'federated', name: 'ci 2', ...trust, audience })
    expect(again.status).toBe(409)
    await api.delete(`${path}/${id}`)
    const after = await api.post(path, { type: 'federated', name: 'ci 2', ...trust, audience })
    expect(after.status).toBe(201)
  })

  test('a trust that was revoked stays its organization’s: nobody else is sent its users meanwhile', async () => {
    const { api, path } = await withCredential()
    const audience = crypto.randomUUID()
    const made = await api.post(path, { type: 'federated', name: 'ci', ...trust, audience })
    await api.delete(`${path}/${made.body['id']}`)
    const other = await withCredential()
    const wanted = { type: 'federated', name: 'theirs', ...trust, audience }
    expect((await other.api.post(other.path, wanted)).status).toBe(409)
    expect((await api.post(path, { ...wanted, name: 'ci 2' })).status).toBe(201)
  })

  test('a trust stays its organization’s when its source is removed: the client may go on sending', async () => {
    const { api, source, path } = await withCredential()
    const wanted = { type: 'federated', name: 'ci', ...trust, audience: crypto.randomUUID() }
    const { body: made } = await api.post(path, wanted)
    await api.delete(`/sources/${source['id']}`)
    const other = await withCredential()
    const refused = await other.api.post(other.path, wanted)
    expect(refused.status).toBe(409)
    expect(refused.body['detail']).toMatch(/ask the operator/)
    const { body: next } = await api.post('/sources', { name: 'Next', type: 'entra' })
    const again = await api.post(`/sources/${next['id']}/credentials`, wanted)
    expect(again.status).toBe(201)
    expect(again.body['id']).not.toBe(made['id'])
  })

  test('what Entra ID provisions of a tenant is one organization’s, by whichever subject a token is named', async () => {
    const { api, path } = await withCredential()
    const issuer = `https://sts.windows.net/${crypto.randomUUID()}/`
    const audience = '8adf8e6e-67b2-4cf2-a259-e3dc5476c621'
    const wanted = { type: 'federated', name: 'entra', issuer, audience }
    const application = { ...wanted, subject: '00000014-0000-0000-c000-000000000000' }
    const object = { ...wanted, subject: crypto.randomUUID() }
    expect((await api.post(path, application)).status).toBe(201)
    const other = await withCredential()
    expect((await other.api.post(other.path, object)).status).toBe(409)
    expect((await api.post(path, object)).status).toBe(201)
  })

  test("without a trust it is Entra's own provisioning token that is trusted, of the source's tenant", async () => {
    const { api, source, path } = await withCredential()
    const untold = await api.post(path, { type: 'federated', name: 'entra' })
    expect(untold.status).toBe(400)
    expect(untold.body['errors']).toMatchObject([{ pointer: '/issuer' }])
    const entraTenantId = crypto.randomUUID()
    await api.patch(`/sources/${source['id']}`, { entraTenantId })
    const { status, body } = await api.post(path, { type: 'federated', name: 'entra' })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      issuer: `https://sts.windows.net/${entraTenantId}/`,
      subject: '00000014-0000-0000-c000-000000000000',
      audience: '8adf8e6e-67b2-4cf2-a259-e3dc5476c621',
      warning: expect.stringContaining('every SCIM endpoint'),
    })
  })

  test.each([
    [{ issuer: trust.issuer }, ['/subject', '/audience']],
    [{ ...trust, issuer: 'http://issuer.example.com' }, ['/issuer']],
    [{ ...trust, issuer: 'https://user:pass@issuer.example.com' }, ['/issuer']],
    [{ ...trust, subject: '' }, ['/subject']],
  ])('a trust that is not whole or not safe is refused: %j', async (wanted, pointers) => {
    const { path, api } = await withCredential()
    const { status, body } = await api.post(path, { type: 'federated', name: 'x', ...wanted })
    expect(status).toBe(400)
    expect(body['errors'].map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers)
  })

  test('an unknown type is told which there are', async () => {
    const { api, path } = await withCredential()
    const { status, body } = await api.post(path, { type: 'saml', name: 'x' })
    expect(status).toBe(400)
    expect(body['errors']).toEqual([
      { pointer: '/type', detail: 'must be one of: bearer, oauth_client, federated' },
    ])
  })
})

describe('a source and a directory of one tenant', () => {
  const directory = {
    name: 'Contoso',
    tenantId: TENANT,
    clientId: '15714005-cafe-4b0b-9f00-0123456789ab',
    credential: { type: 'client_secret', secret: 'a secret of the app' },
  }

  test('are refused in either order unless the directory allows it', async () => {
    const api = await apiClient()
    const entraTenantId = TENANT.toUpperCase()
    const { body: source } = await api.post('/sources', { name: 'E', type: 'entra', entraTenantId })
    expect(source['entraTenantId']).toBe(TENANT)
    const refused = await api.post('/directories', directory)
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({
      sourceId: source['id'],
      detail: expect.stringMatching(/sameTenant/),
    })
    const made = await api.post('/directories', { ...directory, settings: { sameTenant: true } })
    expect(made.status).toBe(201)
    const path = `/directories/${made.body['id']}`
    expect((await api.patch(path, { settings: { sameTenant: false } })).status).toBe(409)
    await api.patch(`/sources/${source['id']}`, { entraTenantId: null })
    expect((await api.patch(path, { settings: { sameTenant: false } })).status).toBe(200)
    const again = await api.patch(`/sources/${source['id']}`, { entraTenantId })
    expect(again.status).toBe(409)
    expect(again.body['directoryId']).toBe(made.body['id'])
    expect((await api.get(`/sources/${source['id']}`)).body['entraTenantId']).toBeNull()
  })
})
