/** A tenant goes by its id and by each of its domains: an organization connects it once, under whichever name. */
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { createGraphEmulator, DEMO_CLIENT_SECRET, demoTenant } from '../graph/emulator.ts'
import { apiClient } from '../support/api.ts'
import { batchOf, exportWorld, newUser, seedDirectory } from '../support/export.ts'

const DOMAIN = 'contoso.onmicrosoft.com'
const OTHER_DOMAIN = 'contoso.com'

/** A gateway whose login host is Entra ID with one tenant. */
async function gateway(fetch = createGraphEmulator({}).fetch) {
  const api = await apiClient({
    instead: { fetch: (input, init) => fetch(new Request(input, init)) },
  })
  const directory = (tenantId: string, more = {}) =>
    api.post('/directories', {
      name: 'Contoso',
      tenantId,
      clientId: crypto.randomUUID(),
      credential: { type: 'client_secret', secret: DEMO_CLIENT_SECRET },
      ...more,
    })
  const source = (entraTenantId: string | null) =>
    api.post('/sources', { name: 'Entra', type: 'entra', entraTenantId })
  return { api, directory, source }
}

const NAMES = [demoTenant.id, DOMAIN, OTHER_DOMAIN]
const PAIRS = NAMES.flatMap((one) =>
  NAMES.filter((other) => other !== one).map((other) => [one, other]),
)

describe('a tenant by its id and by its domains', () => {
  test.each(PAIRS)('is connected once: as %s it is not again as %s', async (one, other) => {
    const { directory } = await gateway()
    const made = await directory(one)
    expect(made.status).toBe(201)
    expect(made.body['tenantId']).toBe(one)
    const again = await directory(other)
    expect(again.status).toBe(409)
    expect(again.body['directoryId']).toBe(made.body['id'])
  })

  test.each(PAIRS)('is not of a source as %s and of a directory as %s', async (one, other) => {
    const { directory, source, api } = await gateway()
    const named = await source(one)
    expect(named.body['entraTenantId']).toBe(one)
    const refused = await directory(other)
    expect(refused.status).toBe(409)
    expect(refused.body['sourceId']).toBe(named.body['id'])
    const path = `/sources/${named.body['id']}`
    await api.patch(path, { entraTenantId: null })
    const made = await directory(other)
    expect(made.status).toBe(201)
    const again = await api.patch(path, { entraTenantId: one })
    expect(again.status).toBe(409)
    expect(again.body['directoryId']).toBe(made.body['id'])
    const allowed = `/directories/${made.body['id']}`
    await api.patch(allowed, { settings: { sameTenant: true } })
    expect((await api.patch(path, { entraTenantId: one })).status).toBe(200)
    const back = await api.patch(allowed, { settings: { sameTenant: false } })
    expect(back.status).toBe(409)
  })

  test('is taken as it is named when Entra ID does not tell more', async () => {
    const { directory, source } = await gateway(async () => {
      throw new TypeError('no network')
    })
    expect((await directory(DOMAIN)).status).toBe(201)
    expect((await directory(DOMAIN)).status).toBe(409)
    expect((await source(DOMAIN)).status).toBe(409)
    expect((await source('fabrikam.com')).status).toBe(201)
  })
})

describe('a source whose tenant Entra ID did not tell when it was named', () => {
  /** A gateway whose login host answers only while `isThere`. */
  async function silent() {
    const entra = { isThere: false }
    const emulator = createGraphEmulator({})
    const { api, directory, source } = await gateway(async (request) => {
      if (!entra.isThere) throw new TypeError('no network')
      return emulator.fetch(request)
    })
    const made = await source(DOMAIN)
    const credential = (more = {}) =>
      api.post(`/sources/${made.body['id']}/credentials`, { type: 'bearer', name: 'one', ...more })
    return { entra, api, directory, credential, sourceId: made.body['id'] }
  }

  test('is known by its id when a directory is connected by another name', async () => {
    const { entra, directory, sourceId } = await silent()
    entra.isThere = true
    const refused = await directory(OTHER_DOMAIN)
    expect(refused.status).toBe(409)
    expect(refused.body['sourceId']).toBe(sourceId)
  })

  test('is known by its id before it gets a credential, and gets none beside a directory of its tenant', async () => {
    const { entra, directory, credential } = await silent()
    const made = await directory(demoTenant.id)
    expect(made.status).toBe(201)
    entra.isThere = true
    const refused = await credential()
    expect(refused.status).toBe(409)
    expect(refused.body['directoryId']).toBe(made.body['id'])
  })

  test('is asked for again until Entra ID answers', async () => {
    const { entra, credential } = await silent()
    expect((await credential()).status).toBe(201)
    expect((await credential({ type: 'federated' })).status).toBe(400)
    entra.isThere = true
    const trusting = await credential({ type: 'federated' })
    expect(trusting.status).toBe(201)
    expect(trusting.body['issuer']).toContain(demoTenant.id)
  })

  test('is told of by the test of a directory of its tenant', async () => {
    const { entra, api, directory, credential, sourceId } = await silent()
    expect((await credential()).status).toBe(201)
    const made = await directory(demoTenant.id, { clientId: demoTenant.apps[0]?.clientId })
    entra.isThere = true
    const tested = await api.post(`/directories/${made.body['id']}/test`, {})
    expect(tested.body).toMatchObject({ ok: false, problems: [{ code: 'tenant_of_source' }] })
    expect(tested.body['problems'][0].message).toContain(sourceId)
  })
})

describe('a directory whose tenant was not known when it was connected', () => {
  /** An organization with the directory of a tenant, and a second one by a domain of the same tenant. */
  async function twice() {
    const world = await exportWorld()
    const { organizationId } = world
    const [row] = await world.query(
      sql`SELECT client_id, tenant_id FROM directory WHERE id = ${world.directoryId}`,
    )
    const api = await apiClient({
      organizationId,
      instead: { fetch: (input, init) => world.graph.fetch(new Request(input, init)) },
    })
    const account = { tenantId: DOMAIN, clientId: String(row?.['client_id']), settings: {} }
    const second = await seedDirectory(api.deps, organizationId, account)
    const bell = { organizationId, directoryId: second }
    const drainSecond = () => world.jobs.queue(batchOf([bell]))
    return { world, api, second, drainSecond, tenantId: String(row?.['tenant_id']) }
  }
  test('is stopped by its first token, before Graph is asked for anything', async () => {
    const { world, api, second, drainSecond } = await twice()
    const { body: adele } = await world.scim.post('/Users', newUser('adele'))
    await drainSecond()
    expect(world.graph.summary().users).toEqual([])
    expect(world.graph.counters.snapshot().requests).toBe(0)
    const { body } = await api.get(`/directories/${second}`)
    expect(body['state']).toBe('auth_error')
    expect(body['stateReason']).toContain(world.directoryId)
    expect(body['stateReason']).toMatch(/Delete one of the two/)
    const tested = await api.post(`/directories/${second}/test`, undefined)
    expect(tested.body['problems'][0]).toMatchObject({ code: 'tenant_connected' })
    const preview = await api.post(`/directories/${second}/preview`, { userIds: [adele['id']] })
    expect(preview.status).toBe(409)
  })

  test('goes on when the other one is gone, and is known by its id from then on', async () => {
    const { world, api, second, drainSecond, tenantId } = await twice()
    await world.scim.post('/Users', newUser('adele'))
    await drainSecond()
    expect((await api.delete(`/directories/${world.directoryId}`)).status).toBe(204)
    await api.patch(`/directories/${second}`, { state: 'active' })
    await drainSecond()
    expect(world.graph.summary().users).toHaveLength(1)
    const again = await api.post('/directories', {
      name: 'Again',
      tenantId,
      clientId: crypto.randomUUID(),
      credential: { type: 'client_secret', secret: 'a secret' },
    })
    expect(again.body['directoryId']).toBe(second)
  })

  test('is stopped by a source of the same tenant, unless it allows that', async () => {
    const { world, api, second, drainSecond, tenantId } = await twice()
    await api.delete(`/directories/${world.directoryId}`)
    await api.post('/sources', { name: 'Entra', type: 'entra', entraTenantId: tenantId })
    await world.scim.post('/Users', newUser('adele'))
    await drainSecond()
    expect(world.graph.counters.snapshot().requests).toBe(0)
    const path = `/directories/${second}`
    expect((await api.get(path)).body['stateReason']).toMatch(/sameTenant/)
    await api.patch(path, { settings: { sameTenant: true }, state: 'active' })
    await drainSecond()
    expect(world.graph.summary().users).toHaveLength(1)
  })
})
