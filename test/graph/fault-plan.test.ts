import { beforeEach, describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { DEMO_CLIENT_ID, type GraphEmulator, HangUp, createGraphEmulator } from './emulator.ts'
import { FAULT_KINDS, type FaultKind, type FaultPlanOptions } from './fault-plan.ts'
import { type Send, askToken, newUser, signIn } from './test-client.ts'

let emulator: GraphEmulator
let send: Send

beforeEach(async () => {
  emulator = createGraphEmulator()
  send = await signIn(emulator)
})

/** What became of so many creates: a status, or that the connection was lost. */
async function creates(count: number, prefix = 'u'): Promise<(number | string)[]> {
  const told: (number | string)[] = []
  for (let i = 0; i < count; i++) {
    const sent = send('POST', '/users', newUser(`${prefix}${i}`))
    told.push(await sent.then(({ status }) => status, nameOf))
  }
  return told
}

/** A dropped connection, or JSON that breaks off. */
function nameOf(error: unknown): string {
  if (error instanceof HangUp) return 'hang-up'
  if (error instanceof SyntaxError) return 'truncated'
  throw error
}

const users = () => emulator.summary().users.length
const always = (kind: FaultKind, more: Partial<FaultPlanOptions> = {}): void => {
  emulator.faults.plan({ rate: 1, kinds: [kind], ...more })
}

describe('a fault plan', () => {
  it('strikes about the share of the requests that it is told', async () => {
    emulator.faults.plan({ rate: 0.2, kinds: ['commit-then-504'] })
    const told = await creates(300)
    const struck = told.filter((status) => status === 504).length
    expect(struck).toBeGreaterThan(35)
    expect(struck).toBeLessThan(85)
    expect(told.filter((status) => status === 201)).toHaveLength(300 - struck)
    expect(emulator.faults.current?.strikes()).toEqual({ 'commit-then-504': struck })
    expect(users()).toBe(300)
  })

  it('does the same with the same seed', async () => {
    const told = async (seed: number) => {
      emulator = createGraphEmulator()
      send = await signIn(emulator)
      emulator.faults.plan({ seed, rate: 0.3, kinds: FAULT_KINDS.slice(0, 8) })
      return creates(60)
    }
    expect(await told(7)).toEqual(await told(7))
    expect(await told(7)).not.toEqual(await told(8))
  })

  it.each([
    ['commit-then-500', 500, 1],
    ['commit-then-504', 504, 1],
    ['commit-then-hang-up', 'hang-up', 1],
    ['hang-up', 'hang-up', 0],
    ['truncated', 'truncated', 1],
    ['429-burst', 429, 0],
    ['503-burst', 503, 0],
    ['concurrency', 409, 0],
    ['expired-token', 401, 0],
    ['dropped-consent', 401, 0],
    ['drift', 201, 1],
  ] as const)('of the kind %s answers %s and carries out %i', async (kind, answer, carriedOut) => {
    always(kind, { most: 1 })
    expect(await creates(1)).toEqual([answer])
    expect(users()).toBe(carriedOut)
  })

  it('goes on with a burst whatever the rate, and tells how long to wait', async () => {
    const lengths = new Set<number>()
    for (let seed = 0; seed < 10; seed++) {
      emulator.faults.plan({ seed, rate: 0.1, kinds: ['429-burst'] })
      const told = await creates(30, `s${seed}-`)
      const first = told.indexOf(429)
      if (first >= 0) lengths.add(told.slice(first).findIndex((status) => status !== 429))
    }
    expect(Math.max(...lengths)).toBeGreaterThan(1)
    always('429-burst')
    const { headers } = await send('GET', '/users')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('ends after so many strikes, and when it is cleared', async () => {
    always('hang-up', { most: 2 })
    expect(await creates(3)).toEqual(['hang-up', 'hang-up', 201])
    always('hang-up')
    emulator.faults.clear()
    expect((await send('GET', '/users')).status).toBe(200)
  })

  it('strikes only what a kind can happen to', async () => {
    always('concurrency')
    expect((await send('GET', '/users')).status).toBe(200)
    expect((await askToken(emulator)).status).toBe(200)
    always('503-burst')
    expect((await askToken(emulator)).status).toBe(503)
  })

  it('strikes envelopes and what is inside', async () => {
    const request = (id: string): Json => ({
      id,
      method: 'POST',
      url: '/users',
      headers: { 'Content-Type': 'application/json' },
      body: newUser(id),
    })
    const batch = { requests: Array.from({ length: 20 }, (_, i) => request(`u${i}`)) }
    always('commit-then-500', { most: 1 })
    expect((await send('POST', '/$batch', batch)).status).toBe(500)
    expect(users()).toBe(20)
    emulator.faults.plan({ seed: 3, rate: 0.3, kinds: ['concurrency'] })
    const responses = (await send('POST', '/$batch', batch)).body['responses'] as JsonObject[]
    const statuses = responses.map(({ status }) => status)
    expect(statuses).toContain(409)
    expect(statuses).toContain(400)
  })

  it('gives way to a fault that was planned by itself', async () => {
    always('drift')
    emulator.faults.add({ status: 423 })
    expect(await creates(1)).toEqual([423])
  })
})

describe('what happens beside', () => {
  it('tokens are no good until a new one is fetched', async () => {
    always('expired-token', { most: 1 })
    expect((await send('GET', '/users')).status).toBe(401)
    expect((await send('GET', '/users')).status).toBe(401)
    send = await signIn(emulator)
    expect((await send('GET', '/users')).status).toBe(200)
  })

  it('the consent is gone until it is given back', async () => {
    always('dropped-consent', { most: 1 })
    expect((await send('GET', '/users')).status).toBe(401)
    expect((await askToken(emulator)).body['error_codes']).toEqual([700016])
    emulator.restoreConsent()
    expect((await send('GET', '/users')).status).toBe(200)
    expect(emulator.tenant().app(DEMO_CLIENT_ID)?.roles).toContain('User.ReadWrite.All')
  })

  it('another administrator changes somebody', async () => {
    emulator.seed({ users: 3 })
    always('drift')
    const { status } = await send('GET', '/users')
    expect(status).toBe(200)
    const titles = emulator.summary().users.map(({ jobTitle }) => jobTitle ?? null)
    expect(titles.filter((title) => title !== null)).toEqual([expect.stringMatching(/^Drift \d+$/)])
  })
})

describe('/_control/fault-plan', () => {
  const control = (method: string, path: string, body?: JsonObject) =>
    emulator.fetch(
      new Request(`https://graph.microsoft.com/_control/${path}`, {
        method,
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )

  it('plans, tells what was struck, and forgets', async () => {
    expect(
      (await control('POST', 'fault-plan', { seed: 7, rate: 1, kinds: ['hang-up'] })).status,
    ).toBe(201)
    expect(await creates(2)).toEqual(['hang-up', 'hang-up'])
    expect(await (await control('GET', 'fault-plan')).json()).toEqual({
      seed: 7,
      rate: 1,
      kinds: ['hang-up'],
      strikes: { 'hang-up': 2 },
    })
    expect((await control('DELETE', 'faults')).status).toBe(204)
    expect(await (await control('GET', 'fault-plan')).json()).toBeNull()
  })

  it('refuses kinds and rates that there are not', async () => {
    expect((await control('POST', 'fault-plan', { rate: 0.1, kinds: ['earthquake'] })).status).toBe(
      400,
    )
    expect((await control('POST', 'fault-plan', { rate: 20 })).status).toBe(400)
  })
})
