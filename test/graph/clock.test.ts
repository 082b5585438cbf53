import { expect, it } from 'vitest'
import { createGraphEmulator } from './emulator.ts'
import { idOf, newUser, signIn } from './test-client.ts'

it('lets time pass, beside the clock that was passed in', async () => {
  const emulator = createGraphEmulator()
  const before = await signIn(emulator)
  const id = idOf(await before('POST', '/users', newUser('adele')))
  await before('DELETE', `/users/${id}`)
  emulator.advance(31 * 86_400)
  expect((await before('GET', '/users')).status).toBe(401)
  const after = await signIn(emulator)
  expect((await after('GET', `/directory/deletedItems/${id}`)).status).toBe(404)
})

it('lets time pass over HTTP', async () => {
  const emulator = createGraphEmulator()
  const url = 'https://graph.microsoft.com/_control/clock'
  const body = JSON.stringify({ seconds: 3600 })
  const response = await emulator.fetch(new Request(url, { method: 'POST', body }))
  expect(await response.json()).toEqual({ now: '2026-01-01T01:00:00Z' })
})

it('spreads latencies around the median', async () => {
  const waited: number[] = []
  const sleep = async (milliseconds: number): Promise<void> => {
    waited.push(milliseconds)
  }
  const emulator = createGraphEmulator({ latency: { p50: 200, p95: 800 }, sleep })
  const send = await signIn(emulator)
  for (let i = 0; i < 400; i++) await send('GET', '/organization')
  const sorted = waited.toSorted((a, b) => a - b)
  expect(sorted).toHaveLength(400)
  expect(sorted[200]).toBeGreaterThan(150)
  expect(sorted[200]).toBeLessThan(260)
  expect(sorted[380]).toBeGreaterThan(600)
  expect(sorted[380]).toBeLessThan(1100)
})

it('waits for the delay of a fault in the same time', async () => {
  const waited: number[] = []
  const sleep = async (milliseconds: number): Promise<void> => {
    waited.push(milliseconds)
  }
  const emulator = createGraphEmulator({ sleep })
  const send = await signIn(emulator)
  emulator.faults.add({ commit: true, delay: 45_000 })
  expect((await send('POST', '/users', newUser('adele'))).status).toBe(201)
  expect(waited).toEqual([45_000])
})
