import { describe, expect, test } from 'vitest'

import { type ApiClient, apiClient } from '../support/api.ts'
import { readLog } from '../support/seed.ts'

const added = async (api: ApiClient, role: string): Promise<string> => {
  const answer = await api.post('/admins', { name: 'Bea', role, email: 'bea@contoso.com' })
  expect(answer.status).toBe(201)
  return answer.body['id']
}

describe('administrators', () => {
  test('are added, changed and removed, each with an event that tells before and after', async () => {
    const api = await apiClient()
    const id = await added(api, 'manager')
    const changed = await api.patch(`/admins/${id}`, { role: 'read_only' })
    expect(changed.body).toMatchObject({ id, name: 'Bea', role: 'read_only' })
    expect((await api.delete(`/admins/${id}`)).status).toBe(204)
    expect((await api.delete(`/admins/${id}`)).status).toBe(404)
    const log = await readLog(api.organizationId)
    expect(log.map(({ type }) => type)).toEqual(['admin_create', 'admin_update', 'admin_delete'])
    expect(log[1]?.['body']['changes']).toEqual([
      { attribute: 'role', from: 'manager', to: 'read_only' },
    ])
  })

  test('the last billing_admin stays: who has no key could manage nothing', async () => {
    const api = await apiClient()
    const other = await added(api, 'billing_admin')
    expect((await api.delete(`/admins/${api.adminId}`)).status).toBe(409)
    expect((await api.patch(`/admins/${api.adminId}`, { role: 'manager' })).status).toBe(409)
    const key = await api.post('/api-keys', { name: 'one', adminId: other })
    expect(key.status).toBe(201)
    expect((await api.patch(`/admins/${api.adminId}`, { role: 'manager' })).status).toBe(200)
  })

  test('take their keys with them', async () => {
    const api = await apiClient()
    const id = await added(api, 'administrator')
    const key = await api.post('/api-keys', { name: 'one', adminId: id })
    const headers = { Authorization: `Bearer ${key.body['secret']}` }
    expect((await api.send('GET', '/organization', undefined, headers)).status).toBe(200)
    await api.delete(`/admins/${id}`)
    api.clock.now += 30_000
    expect((await api.send('GET', '/organization', undefined, headers)).status).toBe(401)
  })
})
