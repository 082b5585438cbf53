import { beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import {
  DEMO_CLIENT_ID,
  DEMO_TENANT_ID,
  type GraphEmulator,
  createGraphEmulator,
} from './emulator.ts'
import { type Send, type TestAnswer, errorOf, newUser, reference, signIn } from './test-client.ts'

const clock = { now: Date.UTC(2026, 5, 1) }
let emulator: GraphEmulator
let send: Send
let userId: string

beforeEach(async () => {
  emulator = createGraphEmulator({ now: () => clock.now })
  send = await signIn(emulator)
  userId = emulator.seed({ users: 1 }).users[0] ?? ''
})

const pass = (seconds: number): void => {
  clock.now += seconds * 1000
}

const patch = (title = 'Director'): Promise<TestAnswer> =>
  send('PATCH', `/users/${userId}`, { jobTitle: title })

/** So many writes, and the status of each. */
async function write(count: number): Promise<number[]> {
  const statuses: number[] = []
  for (let i = 0; i < count; i++) statuses.push((await patch()).status)
  return statuses
}

const times = (count: number, status: number): number[] => Array<number>(count).fill(status)

const fiveInTenSeconds = { quotas: { appTenantWrites: { limit: 5, seconds: 10 } } }

const batch = async (requests: Json): Promise<Record<string, Json>[]> => {
  const { status, body } = await send('POST', '/$batch', { requests })
  expect(status).toBe(200)
  return body['responses'] as Record<string, Json>[]
}

const inner = (id: string): Json => ({
  id,
  method: 'PATCH',
  url: `/users/${userId}`,
  headers: { 'Content-Type': 'application/json' },
  body: { jobTitle: id },
})

describe('a write quota', () => {
  it('is off until it is configured, and after it is switched off', async () => {
    expect(await write(10)).toEqual(times(10, 204))
    emulator.throttle.configure({ quotas: { appTenantWrites: { limit: 1, seconds: 10 } } })
    expect(await write(2)).toEqual([204, 429])
    emulator.throttle.switchOff()
    expect(await write(2)).toEqual([204, 204])
  })

  it('answers 429 with what the service tells', async () => {
    emulator.throttle.configure(fiveInTenSeconds)
    expect(await write(5)).toEqual(times(5, 204))
    const refused = await patch('never')
    expect(errorOf(refused)).toEqual({
      status: 429,
      code: 'TooManyRequests',
      message: 'Please retry again later.',
    })
    expect(refused.body).toMatchObject({
      error: { innerError: { code: '429', message: 'Please retry after', status: '429' } },
    })
    expect(refused.headers.get('retry-after')).toBe('2')
    expect(refused.headers.get('x-ms-throttle-scope')).toBe(
      `Tenant_Application/Write/${DEMO_CLIENT_ID}/${DEMO_TENANT_ID}`,
    )
    expect(refused.headers.get('x-ms-throttle-information')).toBe('WriteLimitExceeded')
    expect(emulator.summary().users[0]).toMatchObject({ jobTitle: 'Director' })
  })

  it('lets reads pass', async () => {
    emulator.throttle.configure({ quotas: { appTenantWrites: { limit: 1, seconds: 10 } } })
    await write(2)
    expect((await send('GET', `/users/${userId}`)).status).toBe(200)
  })

  it('refills without a break', async () => {
    emulator.throttle.configure({ ...fiveInTenSeconds, chargesRefused: false })
    expect(await write(6)).toEqual([...times(5, 204), 429])
    pass(2)
    expect(await write(2)).toEqual([204, 429])
    pass(100)
    expect(await write(6)).toEqual([...times(5, 204), 429])
  })

  it('goes on charging what it refuses, up to another bucketful', async () => {
    emulator.throttle.configure(fiveInTenSeconds)
    await write(7)
    expect((await patch()).headers.get('retry-after')).toBe('6')
    pass(2)
    expect(await write(1)).toEqual([429])
    await write(50)
    expect((await patch()).headers.get('retry-after')).toBe('12')
    pass(12)
    expect(await write(1)).toEqual([204])
  })

  it('lets no more through at once than its burst', async () => {
    const quota = { limit: 5, seconds: 10, burst: 2 }
    emulator.throttle.configure({ quotas: { appTenantWrites: quota }, chargesRefused: false })
    expect(await write(3)).toEqual([204, 204, 429])
    pass(2)
    expect(await write(2)).toEqual([204, 429])
  })

  it('passes faster with a time scale, and tells the wait in the time of the clock', async () => {
    emulator.throttle.configure({
      quotas: { appTenantWrites: { limit: 5, seconds: 600 } },
      timeScale: 60,
      chargesRefused: false,
    })
    await write(5)
    expect((await patch()).headers.get('retry-after')).toBe('2')
    pass(2)
    expect(await write(2)).toEqual([204, 429])
  })

  it('is taken by each request in a batch by itself', async () => {
    emulator.throttle.configure(fiveInTenSeconds)
    const responses = await batch(Array.from({ length: 8 }, (_, i) => inner(`${i}`)))
    const statuses = responses.map(({ status }) => status)
    expect(statuses.filter((status) => status === 204)).toHaveLength(5)
    const refused = responses.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(3)
    const names = Object.keys(refused[0]?.['headers'] ?? {}).map((name) => name.toLowerCase())
    expect(names).toContain('retry-after')
    expect(names).toContain('x-ms-throttle-scope')
  })

  it('takes one write for twenty members', async () => {
    const { users, groups } = emulator.seed({ users: 20, groups: 1, prefix: 'more' })
    emulator.throttle.configure({ quotas: { appTenantWrites: { limit: 1, seconds: 10 } } })
    const bound = { 'members@odata.bind': users.map(reference) }
    expect((await send('PATCH', `/groups/${groups[0]}`, bound)).status).toBe(204)
    expect(await write(1)).toEqual([429])
  })

  it('is taken by refused writes as well', async () => {
    emulator.throttle.configure({ quotas: { appTenantWrites: { limit: 1, seconds: 10 } } })
    expect((await send('PATCH', '/users/nobody', { jobTitle: 'x' })).status).toBe(404)
    expect(await write(1)).toEqual([429])
  })

  it.each([
    ['tenantWrites', `Tenant/Write/${DEMO_CLIENT_ID}/${DEMO_TENANT_ID}`],
    ['appWrites', `Application/Write/${DEMO_CLIENT_ID}/${DEMO_TENANT_ID}`],
  ] as const)('of %s names its scope', async (name, scope) => {
    emulator.throttle.configure({ quotas: { [name]: { limit: 1, seconds: 10 } } })
    expect(await write(1)).toEqual([204])
    expect((await patch()).headers.get('x-ms-throttle-scope')).toBe(scope)
  })

  it('is the published one when nothing else is said', async () => {
    emulator.throttle.configure()
    const answers = await Promise.all(Array.from({ length: 3010 }, () => patch()))
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(3000)
  })

  it('refuses settings that make no sense', () => {
    expect(() => emulator.throttle.configure({ timeScale: 0 })).toThrow(
      'timeScale: Invalid value: Expected >0 but received 0',
    )
  })
})

describe('resource units', () => {
  const units = (limit: number) => ({ quotas: { smallTenantUnits: { limit, seconds: 10 } } })

  it('run out by the cost of each request', async () => {
    emulator.throttle.configure({ ...units(5), chargesRefused: false })
    expect((await send('GET', '/users')).headers.get('x-ms-resource-unit')).toBe('2')
    expect((await send('GET', '/users')).status).toBe(200)
    const refused = await send('GET', '/users')
    expect(refused.status).toBe(429)
    expect(refused.headers.get('x-ms-throttle-information')).toBe('ResourceUnitLimitExceeded')
    expect((await send('GET', '/users?$select=id')).status).toBe(200)
  })

  it('are given back for what is refused with 400 or 403', async () => {
    emulator.throttle.configure(units(2))
    for (let i = 0; i < 5; i++)
      expect((await send('PATCH', `/users/${userId}`, { surname: '' })).status).toBe(400)
    expect((await send('GET', '/users')).status).toBe(200)
  })

  it('grow with the tenant', async () => {
    emulator.throttle.configure({
      quotas: {
        smallTenantUnits: { limit: 1, seconds: 10 },
        mediumTenantUnits: { limit: 100, seconds: 10 },
      },
      chargesRefused: false,
    })
    expect((await send('GET', `/users/${userId}`)).status).toBe(200)
    expect((await send('GET', `/users/${userId}`)).status).toBe(429)
    emulator.seed({ users: 49, prefix: 'more' })
    expect((await send('GET', `/users/${userId}`)).status).toBe(200)
  })
})

describe('the hint', () => {
  it('appears when four fifths of a quota are used', async () => {
    emulator.throttle.configure(fiveInTenSeconds)
    const hints: (string | null)[] = []
    for (let i = 0; i < 6; i++)
      hints.push((await patch()).headers.get('x-ms-throttle-limit-percentage'))
    expect(hints).toEqual([null, null, null, '0.8', '1.0', '1.2'])
  })
})

describe('Retry-After', () => {
  const told = async (retryAfter: 'decimal' | 'date' | 'missing' | 'absurd' | 'mixed') => {
    emulator.throttle.configure({
      quotas: { appTenantWrites: { limit: 4, seconds: 10 } },
      retryAfter,
      chargesRefused: false,
    })
    await write(4)
    pass(0.1)
    return (await patch()).headers
  }

  it('may have decimals, be a date, or be missing', async () => {
    expect((await told('decimal')).get('retry-after')).toBe('2.400')
    const headers = await told('date')
    const [until, date] = [headers.get('retry-after'), headers.get('date')]
    expect(Date.parse(until ?? '') - Date.parse(date ?? '')).toBe(3000)
    expect((await told('missing')).has('retry-after')).toBe(false)
  })

  it('may be absurd, or any of these by chance', async () => {
    expect(['-1', '86400000', 'soon', 'NaN']).toContain((await told('absurd')).get('retry-after'))
    const forms = new Set<string | null>()
    for (let i = 0; i < 30; i++) forms.add((await told('mixed')).get('retry-after'))
    expect(forms).toContain('3')
    expect(forms).toContain('2.400')
    expect(forms).toContain(null)
  })
})

describe('the counters of lanes', () => {
  const lane = `Tenant_Application/${DEMO_CLIENT_ID}/${DEMO_TENANT_ID}`
  const counted = () => {
    const { throttled, writesDuringRetryAfter, lanes } = emulator.counters.snapshot()
    return { throttled, writesDuringRetryAfter, lane: lanes[lane] }
  }

  it('tell what went over a lane and when', async () => {
    const start = clock.now
    await patch()
    pass(3)
    await send('POST', '/users', newUser('adele'))
    await send('GET', '/users')
    expect(counted().lane).toEqual({
      requests: 3,
      writes: 2,
      committedWrites: 2,
      resourceUnits: 4,
      throttled: 0,
      writesDuringRetryAfter: 0,
      firstWriteAt: start,
      lastWriteAt: clock.now,
    })
  })

  it('watch over every Retry-After', async () => {
    emulator.throttle.configure(fiveInTenSeconds)
    await write(6)
    expect(counted()).toMatchObject({ throttled: 1, writesDuringRetryAfter: 0 })
    await write(1)
    expect(counted()).toMatchObject({ throttled: 2, writesDuringRetryAfter: 1 })
    pass(30)
    await write(1)
    expect(counted()).toMatchObject({ throttled: 2, writesDuringRetryAfter: 1 })
  })

  it('do not blame what was under way when the 429 was told', async () => {
    emulator.throttle.configure(fiveInTenSeconds)
    await Promise.all(Array.from({ length: 8 }, () => patch()))
    expect(counted()).toMatchObject({ throttled: 3, writesDuringRetryAfter: 0 })
  })

  it('watch over the Retry-After of a fault', async () => {
    emulator.faults.add({ status: 429, retryAfter: 20 })
    await write(1)
    pass(19)
    await write(1)
    pass(1)
    await write(1)
    expect(counted()).toMatchObject({ throttled: 1, writesDuringRetryAfter: 1 })
  })

  it('go back to zero', async () => {
    await write(2)
    emulator.counters.reset()
    expect(counted()).toEqual({ throttled: 0, writesDuringRetryAfter: 0, lane: undefined })
  })
})

describe('/_control/throttle', () => {
  const control = async (method: string, body?: object) =>
    emulator.fetch(
      new Request('https://graph.microsoft.com/_control/throttle', {
        method,
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )

  it('configures, tells how full the buckets are, and switches off', async () => {
    expect((await control('POST', fiveInTenSeconds)).status).toBe(201)
    expect(await write(6)).toEqual([...times(5, 204), 429])
    const { settings, buckets } = (await (await control('GET')).json()) as Record<string, Json>
    expect(settings).toMatchObject(fiveInTenSeconds)
    expect(buckets).toContainEqual({
      bucket: `Tenant_Application/${DEMO_CLIENT_ID}/${DEMO_TENANT_ID}/Write`,
      spent: 6,
      burst: 5,
    })
    expect((await control('DELETE')).status).toBe(204)
    expect(await write(1)).toEqual([204])
  })

  it('refuses what it does not know', async () => {
    expect((await control('POST', { quota: 5 })).status).toBe(400)
  })
})
