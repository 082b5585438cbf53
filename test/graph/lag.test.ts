import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import { type EmulatorOptions, type GraphEmulator, createGraphEmulator } from './emulator.ts'
import { type Send, errorOf, idOf, newGroup, newUser, reference, signIn } from './test-client.ts'

const clock = { now: Date.UTC(2026, 5, 1) }
let emulator: GraphEmulator
let send: Send

const begin = async (options: EmulatorOptions = {}): Promise<void> => {
  emulator = createGraphEmulator({ now: () => clock.now, ...options })
  send = await signIn(emulator)
}

beforeEach(() => begin({ lag: {} }))

const pass = (seconds: number): void => {
  clock.now += seconds * 1000
}

const eventual = { ConsistencyLevel: 'eventual' }

/** The different statuses of many reads. */
async function statuses(path: string): Promise<number[]> {
  const seen = new Set<number>()
  for (let i = 0; i < 30; i++) seen.add((await send('GET', path)).status)
  return [...seen].toSorted()
}

describe('a lag', () => {
  it('is off until it is configured, and after it is switched off', async () => {
    await begin()
    const id = idOf(await send('POST', '/users', newUser('adele')))
    expect(await statuses(`/users/${id}`)).toEqual([200])
    emulator.lag.configure()
    const late = idOf(await send('POST', '/users', newUser('bob')))
    expect(await statuses(`/users/${id}`)).toEqual([200])
    expect(await statuses(`/users/${late}`)).toEqual([404])
    emulator.lag.switchOff()
    expect(await statuses(`/users/${late}`)).toEqual([200])
  })

  it('hides a new user first, then from some replicas, then from none', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    expect(await statuses(`/users/${id}`)).toEqual([404])
    const seen = new Set<string>()
    for (let i = 0; i < 20; i++) {
      pass(0.5)
      seen.add((await statuses(`/users/${id}`)).join())
    }
    expect([...seen]).toContain('200,404')
    expect(await statuses(`/users/${id}`)).toEqual([200])
  })

  it('shows old values for a while', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele', { jobTitle: 'Old' })))
    pass(10)
    await send('PATCH', `/users/${id}`, { jobTitle: 'New' })
    expect((await send('GET', `/users/${id}`)).body['jobTitle']).toBe('Old')
    pass(10)
    expect((await send('GET', `/users/${id}`)).body['jobTitle']).toBe('New')
  })

  it('is never longer than it may be', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele', { jobTitle: '0' })))
    pass(10)
    for (let i = 1; i <= 20; i++) {
      await send('PATCH', `/users/${id}`, { jobTitle: String(i) })
      pass(1)
      const title = Number((await send('GET', `/users/${id}`)).body['jobTitle'])
      expect(title).toBeLessThanOrEqual(i)
      expect(title).toBeGreaterThanOrEqual(i - 10)
    }
  })

  it('is none for writes: they see the truth', async () => {
    const id = idOf(await send('POST', '/users', newUser('adele')))
    expect((await send('PATCH', `/users/${id}`, { jobTitle: 'New' })).status).toBe(204)
    expect(errorOf(await send('POST', '/users', newUser('adele')))).toMatchObject({ status: 400 })
    expect((await send('DELETE', `/users/${id}`)).status).toBe(204)
  })

  it('hides new objects from references', async () => {
    const { users, groups } = emulator.seed({ users: 1, groups: 1 })
    pass(10)
    const [old = ''] = users
    const [group = ''] = groups
    const id = idOf(await send('POST', '/users', newUser('adele')))
    const body = { '@odata.id': reference(id) }
    const missing = "The source resource object or one of the objects being referenced don't exist."
    expect((await send('PUT', `/users/${old}/manager/$ref`, body)).status).toBe(404)
    expect((await send('POST', `/groups/${group}/members/$ref`, body)).status).toBe(404)
    const bind = { 'members@odata.bind': [reference(old), reference(id)] }
    expect(errorOf(await send('PATCH', `/groups/${group}`, bind))).toMatchObject({
      status: 400,
      message: missing,
    })
    pass(10)
    expect((await send('PATCH', `/groups/${group}`, bind)).status).toBe(204)
    expect((await send('PUT', `/users/${old}/manager/$ref`, body)).status).toBe(204)
  })

  it('lets a new group take no members yet', async () => {
    const { users } = emulator.seed({ users: 1 })
    pass(10)
    const group = idOf(await send('POST', '/groups', newGroup('ops')))
    const bind = { 'members@odata.bind': users.map(reference) }
    expect(errorOf(await send('PATCH', `/groups/${group}`, bind))).toMatchObject({
      status: 400,
      message: "The source resource object or one of the objects being referenced don't exist.",
    })
    const body = { '@odata.id': reference(users[0] ?? '') }
    expect((await send('POST', `/groups/${group}/members/$ref`, body)).status).toBe(400)
    pass(10)
    expect((await send('POST', `/groups/${group}/members/$ref`, body)).status).toBe(204)
  })

  it('of the eventual index is longer', async () => {
    emulator.lag.configure({ seconds: 1, indexSeconds: 1000 })
    await send('POST', '/users', newUser('adele'))
    pass(1)
    const filter = "/users?$count=true&$filter=startsWith(mailNickname,'adele')"
    const found = async (headers: Record<string, string>) =>
      (await send('GET', filter, undefined, headers)).body['value']
    expect(await found({})).toHaveLength(1)
    expect(await found(eventual)).toHaveLength(0)
    expect((await send('GET', '/users/$count', undefined, eventual)).body['text']).toBe('0')
    pass(1000)
    expect(await found(eventual)).toHaveLength(1)
  })

  it('of delta queries is their own: what comes late is told in a later round', async () => {
    emulator.lag.configure({ seconds: 0, deltaSeconds: 1000 })
    const id = idOf(await send('POST', '/users', newUser('adele')))
    const first = await send('GET', '/users/delta?$select=displayName')
    expect(first.body['value']).toEqual([])
    pass(1000)
    const link = String(first.body['@odata.deltaLink']).replace(
      'https://graph.microsoft.com/v1.0',
      '',
    )
    expect((await send('GET', link)).body['value']).toEqual([{ displayName: 'User adele', id }])
  })

  it('is the same with the same seed', async () => {
    const tell = async (seed: number): Promise<number[]> => {
      clock.now = Date.UTC(2026, 5, 1)
      await begin({ seed, lag: {} })
      const id = idOf(await send('POST', '/users', newUser('adele')))
      const told: number[] = []
      for (let i = 0; i < 20; i++) {
        pass(0.5)
        told.push((await send('GET', `/users/${id}`)).status)
      }
      return told
    }
    expect(await tell(3)).toEqual(await tell(3))
    expect(await tell(3)).not.toEqual(await tell(4))
  })
})

describe('/_control/lag', () => {
  const control = (method: string, body?: JsonObject) =>
    emulator.fetch(
      new Request('https://graph.microsoft.com/_control/lag', {
        method,
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )

  it('configures, tells, and switches off', async () => {
    expect((await control('POST', { seconds: 5 })).status).toBe(201)
    expect(await (await control('GET')).json()).toEqual({
      replicas: 3,
      seconds: 5,
      indexSeconds: 60,
      deltaSeconds: 10,
    })
    expect((await control('POST', { replicas: 0 })).status).toBe(400)
    expect((await control('DELETE')).status).toBe(204)
    expect(await (await control('GET')).json()).toBeNull()
  })
})
