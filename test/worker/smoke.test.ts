import { expect, test } from 'vitest'
import { scimClient, readLog } from '../support/seed.ts'

test('smoke', async () => {
  const scim = await scimClient()
  const created = await scim.post('/Users', { userName: 'ann@x.com', externalId: 'e1', emails: [{ value: 'ann@x.com', primary: true, type: 'work' }] })
  console.log(created.status, created.text, JSON.stringify(created.cost))
  const id = created.body.id
  for (const p of [`/Users/${id}`, '/Users', '/Users?filter=userName+eq+%22ANN@x.com%22', '/Users?filter=emails.value+eq+%22ANN@x.com%22', '/Groups', '/ServiceProviderConfig', '/Schemas', '/nothing', '/Me']) {
    const r = await scim.get(p)
    console.log(p, r.status, r.text.slice(0, 300), JSON.stringify(r.cost))
  }
  const p = await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'displayName', value: 'x' }])
  console.log(p.status, p.text, JSON.stringify(p.cost))
  const p2 = await scim.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }])
  console.log(p2.status, p2.text, JSON.stringify(p2.cost))
  const g = await scim.post('/Groups', { displayName: 'G', members: [{ value: id }] })
  console.log(g.status, g.text, JSON.stringify(g.cost))
  console.log((await scim.get(`/Users/${id}`)).text)
  const d = await scim.delete(`/Users/${id}`)
  console.log(d.status, d.text, JSON.stringify(d.cost))
  console.log(JSON.stringify(await readLog(scim.organizationId), null, 1))
  console.log(scim.lines.map((x) => JSON.stringify(x)).join('\n'))
  expect(1).toBe(1)
})
