import { Hono } from 'hono'
import * as v from 'valibot'
import { changeGroup, changeUser, seed, summary } from './control.ts'
import { findUser } from './lookup.ts'
import { readSettings } from './read-settings.ts'
import type { Tenant } from './tenant.ts'
import { type World, findTenant, toGraphTime } from './world.ts'

/** `/_control/*`: for tests and demonstrations; it asks for no token. `?tenant=` chooses among several tenants. */
export function controlApp(world: World): Hono {
  const app = new Hono()
  const tenantOf = (name: string | undefined): Tenant => {
    const tenant = name === undefined ? [...world.tenants.values()][0] : findTenant(world, name)
    if (!tenant) throw new RangeError(`there is no tenant ${name}`)
    return tenant
  }
  app.onError((error, c) => c.json({ error: error.message }, 400))
  app.get('/state', (c) => c.json(summary(tenantOf(c.req.query('tenant')))))
  app.get('/log', (c) => c.json(tenantOf(c.req.query('tenant')).log))
  app.get('/counters', (c) => c.json(world.counters.snapshot()))
  app.delete('/counters', (c) => {
    world.counters.reset()
    world.journal.clear()
    return c.body(null, 204)
  })
  app.get('/journal', (c) => c.json(world.journal.records()))
  app.get('/faults', (c) => c.json(world.faults.list()))
  app.post('/faults', async (c) => c.json(world.faults.add(await c.req.json()), 201))
  app.post('/fault-plan', async (c) => c.json(world.faults.plan(await c.req.json()).settings, 201))
  app.get('/fault-plan', (c) => {
    const { current } = world.faults
    return c.json(current ? { ...current.settings, strikes: current.strikes() } : null)
  })
  app.delete('/faults', (c) => {
    world.faults.clear()
    return c.body(null, 204)
  })
  const throttled = () => ({
    settings: world.throttle.settings ?? null,
    buckets: world.throttle.levels(),
  })
  app.get('/throttle', (c) => c.json(throttled()))
  app.post('/throttle', async (c) => {
    world.throttle.configure(await c.req.json())
    return c.json(throttled(), 201)
  })
  app.delete('/throttle', (c) => {
    world.throttle.switchOff()
    return c.body(null, 204)
  })
  app.get('/lag', (c) => c.json(world.lag.settings ?? null))
  app.post('/lag', async (c) => {
    world.lag.configure(await c.req.json())
    return c.json(world.lag.settings, 201)
  })
  app.delete('/lag', (c) => {
    world.lag.switchOff()
    return c.body(null, 204)
  })
  app.get('/delta', (c) => c.json(world.delta.settings))
  app.post('/delta', async (c) => {
    world.delta.configure(await c.req.json())
    return c.json(world.delta.settings, 201)
  })
  app.post('/resync', (c) => {
    world.delta.resync()
    return c.body(null, 204)
  })
  app.post('/seed', async (c) =>
    c.json(seed(world, tenantOf(c.req.query('tenant')), await c.req.json()), 201),
  )
  app.post('/users/:id', async (c) => {
    const tenant = tenantOf(c.req.query('tenant'))
    const key = c.req.param('id')
    const id = findUser(tenant, key)?.id ?? key
    const user = changeUser(tenant, id, await c.req.json())
    return user ? c.json(user) : c.json({ error: `there is no user ${key}` }, 404)
  })
  app.post('/groups/:id', async (c) => {
    const tenant = tenantOf(c.req.query('tenant'))
    const group = changeGroup(tenant, c.req.param('id'), await c.req.json())
    return group ? c.json(group) : c.json({ error: 'there is no such group' }, 404)
  })
  app.post('/apps/:clientId', async (c) => {
    tenantOf(c.req.query('tenant')).changeApp(c.req.param('clientId'), await c.req.json())
    return c.body(null, 204)
  })
  app.post('/clock', async (c) => {
    const { seconds } = readSettings(v.strictObject({ seconds: v.number() }), await c.req.json())
    world.advance(seconds * 1000)
    return c.json({ now: toGraphTime(world.now()) })
  })
  app.post('/restore-consent', (c) => {
    tenantOf(c.req.query('tenant')).restoreConsent()
    return c.body(null, 204)
  })
  app.post('/revoke-tokens', (c) => {
    world.tokenGeneration += 1
    return c.body(null, 204)
  })
  return app
}
