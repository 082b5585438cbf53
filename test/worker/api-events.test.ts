import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect, type Database } from '../../src/db/client.ts'
import { dropOldEvents } from '../../src/db/event-retention.ts'
import { apiClient, type ApiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'

const DAY = 24 * 3_600_000

/** Adds events `from` to `to` of one time; the body may hold anything. */
async function addEvents(
  { organizationId, clock }: Pick<ApiClient, 'organizationId' | 'clock'>,
  [from, to]: readonly [number, number],
  { time = clock.now, type = 'auth_failure', body = '{}' } = {},
): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO event (organization_id, sequence, time, class, type, urgent, target_type, target_id, outcome, actor_type, body)
     SELECT ?1, value, ?2, 'record', ?3, 0, 'x', 'x', 'success', 'system', ?4
     FROM (WITH RECURSIVE n(value) AS (SELECT ?5 UNION ALL SELECT value + 1 FROM n WHERE value < ?6) SELECT value FROM n)`,
  )
    .bind(organizationId, time, type, body, from, to)
    .run()
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '')

describe('GET /events/export', () => {
  test('NDJSON: the events of the list, newest first, one a line', async () => {
    const api = await apiClient()
    await api.post('/sources', { name: 'One', type: 'entra' })
    await api.post('/sources', { name: 'Two', type: 'entra' })
    const { body: list } = await api.get('/events')
    for (const path of ['/events/export', '/events/export?format=ndjson']) {
      const { status, headers, text } = await api.get(path)
      expect(status).toBe(200)
      expect(headers.get('Content-Type')).toBe('application/x-ndjson')
      expect(headers.get('Content-Disposition')).toBe('attachment; filename="events.ndjson"')
      expect(headers.get('Cache-Control')).toBe('no-store')
      expect(lines(text).map((line) => JSON.parse(line))).toEqual(list['items'])
    }
    expect((await (await apiClient()).get('/events/export')).text).toBe('')
  })

  test('CSV: a header, a line each, quoted as RFC 4180 says', async () => {
    const api = await apiClient()
    await api.post('/sources', { name: 'A "quoted", name', type: 'entra' })
    const { headers, text } = await api.get('/events/export?format=csv')
    expect(headers.get('Content-Type')).toBe('text/csv; charset=utf-8; header=present')
    const [head, line, end] = text.split('\r\n')
    expect(head).toBe(
      'id,sequence,time,type,outcome,actorType,actorId,actorName,actorKeyId,targetType,targetId,directoryId,ip,requestId,changes,details',
    )
    expect(line).toContain(`,source_create,success,admin,${api.adminId},Ann Admin,${api.keyId},`)
    expect(line).toContain('""A \\""quoted\\"", name""')
    expect(end).toBe('')
  })

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])(
    'CSV: a name that a spreadsheet would take for a formula is none: %j',
    async (name) => {
      const api = await apiClient()
      await addEvents(api, [1, 1], { body: JSON.stringify({ actor: { name } }) })
      const { text } = await api.get('/events/export?format=csv')
      const cell = `'${name}`
      expect(text).toContain(name.includes('\r') ? `,"${cell}",` : `,${cell},`)
    },
  )

  test('filters as the list does, and refuses what it does not know', async () => {
    const api = await apiClient()
    await addEvents(api, [1, 3])
    await addEvents(api, [4, 4], { type: 'undo' })
    const { text } = await api.get('/events/export?type=undo')
    expect(lines(text)).toHaveLength(1)
    for (const query of ['format=xml', 'from=yesterday']) {
      const { status, body } = await api.get(`/events/export?${query}`)
      expect(status).toBe(400)
      expect(body['errors']).toMatchObject([{ parameter: query.split('=')[0] }])
    }
  })

  test('a long log is read a page at a time, no further than the reader has come', async () => {
    let opened: Database | undefined
    const api = await apiClient({ instead: { connect: () => (opened = connect(env.DB)) } })
    await addEvents(api, [1, 2500])
    await api.get('/organization')
    const response = await api.app.request('https://gateway.test/api/v1/events/export', {
      headers: { Authorization: `Bearer ${api.key}` },
    })
    // Hono has read nothing yet, and a page is read for each chunk that is asked for.
    const reader = response.body?.getReader()
    const sequences: number[] = []
    let trips = opened?.meter.roundTrips ?? 0
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      const now = opened?.meter.roundTrips ?? 0
      expect(now - trips).toBeLessThanOrEqual(1)
      trips = now
      for (const line of lines(new TextDecoder().decode(part.value)))
        sequences.push(JSON.parse(line).sequence)
    }
    expect(sequences).toEqual(Array.from({ length: 2500 }, (_, i) => 2500 - i))
    expect(opened?.meter.roundTrips).toBe(5)
  })

  test('walks on where nothing matches for long, at most 20,000 rows a query', async () => {
    const api = await apiClient()
    await addEvents(api, [1, 1], { type: 'undo' })
    await addEvents(api, [2, 45_000])
    const { text } = await api.get('/events/export?type=undo')
    expect(lines(text).map((line) => JSON.parse(line).sequence)).toEqual([1])
  })

  test('what cannot be read breaks the answer off', async () => {
    let fails = false
    const broken = (): Database => {
      const database = connect(env.DB)
      const run: Database['run'] = (...queries) =>
        fails ? Promise.reject(new Error('D1 is away')) : database.run(...queries)
      return { ...database, run }
    }
    const api = await apiClient({ instead: { connect: broken } })
    await addEvents(api, [1, 1200])
    const response = await api.app.request('https://gateway.test/api/v1/events/export', {
      headers: { Authorization: `Bearer ${api.key}` },
    })
    const reader = response.body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    fails = true
    await expect(reader?.read()).rejects.toThrow('D1 is away')
  })
})

describe('retention', () => {
  const database = connect(env.DB)
  async function sequences({ organizationId }: { organizationId: string }) {
    const [found] = await database.run(
      sql`SELECT sequence FROM event WHERE organization_id = ${organizationId} ORDER BY sequence`,
    )
    return (found?.rows ?? []).map(({ sequence }) => sequence)
  }

  test('events go after 90 days, or after what the organization says', async () => {
    const clock = { now: Date.now() }
    const usual = await apiClient({ clock })
    const short = await apiClient({ clock })
    const long = await apiClient({ clock })
    for (const api of [usual, short, long]) {
      await addEvents(api, [11, 12], { time: clock.now - 90 * DAY - 1 })
      await addEvents(api, [13, 14], { time: clock.now - 90 * DAY })
      await addEvents(api, [15, 16], { time: clock.now - DAY - 1 })
      await addEvents(api, [17, 18])
    }
    await short.patch('/organization', { eventRetentionDays: 1 })
    await long.patch('/organization', { eventRetentionDays: 365 })
    await dropOldEvents(database, clock.now)
    expect(await sequences(usual)).toEqual([13, 14, 15, 16, 17, 18])
    expect(await sequences(short)).toEqual([17, 18, 19])
    expect(await sequences(long)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19])
  })

  test('the newest event stays, however old: the log goes on from it', async () => {
    const api = await apiClient()
    await addEvents(api, [1, 5], { time: api.clock.now - 200 * DAY })
    await dropOldEvents(database, api.clock.now)
    expect(await sequences(api)).toEqual([5])
    await api.post('/sources', { name: 'One', type: 'entra' })
    expect(await sequences(api)).toEqual([5, 6])
  })

  test('what a directory has not followed stays, however old', async () => {
    const world = await exportWorld()
    const { organizationId, directoryId, clock } = world
    await world.scim.post('/Users', newUser('ann'))
    await world.settle()
    const [before] = await world.query(
      sql`SELECT position, urgent_position FROM directory WHERE id = ${directoryId}`,
    )
    await world.query(sql`UPDATE directory SET state = 'paused' WHERE id = ${directoryId}`)
    await world.scim.post('/Users', newUser('bob'))
    await world.scim.post('/Users', newUser('cid'))
    const all = await sequences({ organizationId })
    clock.now += 200 * DAY
    await dropOldEvents(database, clock.now)
    const followed = Math.min(Number(before?.['position']), Number(before?.['urgent_position']))
    expect(await sequences({ organizationId })).toEqual(
      all.filter((sequence) => Number(sequence) > followed),
    )
    await world.query(sql`UPDATE directory SET state = 'active' WHERE id = ${directoryId}`)
    world.bells.push({ organizationId, delaySeconds: 0 })
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(3)
  })

  test('a long log goes in chunks', async () => {
    const api = await apiClient()
    await dropOldEvents(database, api.clock.now)
    await addEvents(api, [1, 5000], { time: api.clock.now - 200 * DAY })
    await addEvents(api, [5001, 5002])
    const meter = connect(env.DB)
    expect(await dropOldEvents(meter, api.clock.now)).toBe(5000)
    expect(await sequences(api)).toEqual([5001, 5002])
    // One look at all organizations, one at what can be undone, and three chunks of 2,000.
    expect(meter.meter.roundTrips).toBe(5)
    expect(meter.meter.rowsRead).toBeLessThan(30_000)
  })
})
