import { expect, it } from 'vitest'

import { createTokenSource } from '../../src/graph/token.ts'
import {
  createGraphEmulator,
  DEMO_CLIENT_ID,
  DEMO_TENANT_ID,
  demoTenant,
} from '../graph/emulator.ts'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificates.ts'

it('the Graph emulator needs nothing of Node: certificates, quotas, lag, faults and delta on workerd', async () => {
  const now = Date.UTC(2026, 5, 1)
  const apps = demoTenant.apps.map((app) => ({ ...app, certificates: [{ pem: CERTIFICATE }] }))
  const emulator = createGraphEmulator({
    now: () => now,
    tenants: [{ ...demoTenant, apps }],
    throttle: { quotas: { appTenantWrites: { limit: 1, seconds: 10 } } },
    lag: {},
  })
  const source = createTokenSource({
    fetch: (input, init) => emulator.fetch(new Request(input, init)),
    clock: { now: () => now },
    loginBaseUrl: 'https://login.microsoftonline.com',
    graphBaseUrl: 'https://graph.microsoft.com/v1.0',
  })
  const account = { tenantId: DEMO_TENANT_ID, clientId: DEMO_CLIENT_ID }
  const signedIn = await source.token({
    ...account,
    credential: { type: 'certificate', certificate: CERTIFICATE, privateKey: PRIVATE_KEY },
  })
  if (!signedIn.ok) throw new Error(JSON.stringify(signedIn.error))
  const send = (method: string, path: string) =>
    emulator.fetch(
      new Request(`https://graph.microsoft.com/v1.0${path}`, {
        method,
        headers: { Authorization: `Bearer ${signedIn.value}` },
      }),
    )
  emulator.seed({ users: 2 })
  expect((await send('GET', '/users/seed1@contoso.com')).status).toBe(404)
  emulator.lag.switchOff()
  expect((await send('DELETE', '/users/seed1@contoso.com')).status).toBe(204)
  expect((await send('DELETE', '/users/seed2@contoso.com')).status).toBe(429)
  const { value } = await (
    await send('GET', '/users/delta?$select=userPrincipalName')
  ).json<{
    value: unknown[]
  }>()
  expect(value).toMatchObject([{ userPrincipalName: 'seed2@contoso.com' }])
  emulator.faults.plan({ rate: 1, kinds: ['503-burst'] })
  expect((await send('GET', '/users')).status).toBe(503)
})
