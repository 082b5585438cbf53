import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { apiClient } from '../support/api.ts'
import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

const pathOf = ({ directoryId }: ReconcileWorld) => `/directories/${directoryId}/reconciliations`

describe('POST /directories/{id}/reconciliations', () => {
  test('answers 202 with the run, which every reader can follow', async () => {
    const world = await reconcileWorld()
    const { status, body } = await world.api.post(pathOf(world), { mode: 'enforce' })
    expect(status).toBe(202)
    expect(body).toEqual({
      id: expect.stringMatching(/^rec_/),
      directoryId: world.directoryId,
      mode: 'enforce',
      state: 'running',
      onDemand: true,
      counts: { read: 0, groups: 0, drift: 0, corrected: 0, imported: 0, unbound: 0, deleted: 0 },
      error: null,
      startedAt: expect.any(String),
      endedAt: null,
    })
    const reader = await world.api.as('read_only')
    expect((await reader.get(`/reconciliations/${body['id']}`)).body).toEqual(body)
    expect((await reader.get(pathOf(world))).body).toEqual({ items: [body], nextCursor: null })
  })

  test('reports unless it is told to enforce, and refuses any other mode', async () => {
    const world = await reconcileWorld()
    const refused = await world.api.post(pathOf(world), { mode: 'repair' })
    expect(refused.status).toBe(400)
    expect(refused.body['errors']).toEqual([
      { pointer: '/mode', detail: 'must be one of: report, enforce' },
    ])
    expect((await world.api.post(pathOf(world), {})).body).toMatchObject({ mode: 'report' })
  })

  test('goes without a body too, and reports then', async () => {
    const world = await reconcileWorld()
    const { status, body } = await world.api.send('POST', pathOf(world))
    expect({ status, body }).toMatchObject({ status: 202, body: { mode: 'report' } })
  })

  test('answers 409 with the run that is under way, and to a paused directory', async () => {
    const world = await reconcileWorld()
    const { body: running } = await world.api.post(pathOf(world), {})
    const second = await world.api.post(pathOf(world), {})
    expect(second.status).toBe(409)
    expect(second.body).toMatchObject({ reconciliationId: running['id'] })
    await world.query(sql`UPDATE reconciliation SET state = 'done' WHERE id = ${running['id']}`)
    await world.api.patch(`/directories/${world.directoryId}`, { state: 'paused' })
    const paused = await world.api.post(pathOf(world), {})
    expect(paused.status).toBe(409)
    expect(paused.body['detail']).toBe(
      'The directory is paused. Set its state to "active", then try again.',
    )
    await world.query(
      sql`UPDATE directory SET state = 'auth_error', state_reason = 'The client secret has expired.'
        WHERE id = ${world.directoryId}`,
    )
    const refused = await world.api.post(pathOf(world), {})
    expect(refused.status).toBe(409)
    expect(refused.body['detail']).toContain('refused: The client secret has expired. Do what')
  })

  test('is in the log with its administrator', async () => {
    const world = await reconcileWorld()
    const { body } = await world.api.post(pathOf(world), {})
    const { body: log } = await world.api.get('/events?type=reconciliation_request')
    expect(log['items']).toMatchObject([
      {
        actor: { type: 'admin', id: world.api.adminId },
        target: { type: 'directory', id: world.directoryId },
        details: { reconciliationId: body['id'], mode: 'report' },
      },
    ])
  })
})

describe('lists', () => {
  test('of runs are paged, newest first', async () => {
    const world = await reconcileWorld()
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      const run = await world.run('report')
      ids.unshift(run['id'])
      world.clock.now += 1000
    }
    const first = await world.api.get(`${pathOf(world)}?limit=2`)
    const rest = await world.api.get(`${pathOf(world)}?limit=2&cursor=${first.body['nextCursor']}`)
    const listed = [...first.body['items'], ...rest.body['items']].map(({ id }) => id)
    expect(listed).toEqual(ids)
    expect(rest.body['nextCursor']).toBeNull()
  })

  test('of drift are paged by user and attribute', async () => {
    const world = await reconcileWorld()
    await world.exported('ann', 'bob')
    for (const name of ['ann', 'bob'])
      world.graph.changeUser(world.accountOf(name), {
        properties: { jobTitle: 'Boss', surname: 'Other' },
      })
    const run = await world.run('report')
    const found: string[] = []
    let cursor = ''
    do {
      const path = `/reconciliations/${run['id']}/drift?limit=3${cursor}`
      const { body } = await world.api.get(path)
      found.push(...body['items'].map((row: { attribute: string }) => row.attribute))
      cursor = body['nextCursor'] === null ? '' : `&cursor=${body['nextCursor']}`
    } while (cursor !== '')
    expect(found).toEqual(['jobTitle', 'lastname', 'jobTitle', 'lastname'])
  })
})

test('of another organization nothing is seen, started or decided', async () => {
  const world = await reconcileWorld()
  const run = await world.run('report')
  await world.query(sql`UPDATE reconciliation SET state = 'held' WHERE id = ${run['id']}`)
  const stranger = await apiClient()
  for (const answer of [
    await stranger.get(pathOf(world)),
    await stranger.post(pathOf(world), {}),
    await stranger.get(`/reconciliations/${run['id']}`),
    await stranger.get(`/reconciliations/${run['id']}/drift`),
    await stranger.post(`/reconciliations/${run['id']}/approve`, {}),
    await stranger.post(`/reconciliations/${run['id']}/reject`, {}),
  ])
    expect(answer.status).toBe(404)
  expect(await world.read(run)).toMatchObject({ state: 'held' })
})

test('only what is held can be approved or rejected', async () => {
  const world = await reconcileWorld()
  const run = await world.run('report')
  for (const decision of ['approve', 'reject']) {
    const answer = await world.api.post(`/reconciliations/${run['id']}/${decision}`, {})
    expect(answer.status).toBe(409)
    expect(answer.body['detail']).toContain('is done')
  }
})

test('a directory that is deleted takes its runs and what they found along', async () => {
  const world = await reconcileWorld()
  await world.exported('ann')
  world.graph.changeUser(world.accountOf('ann'), { properties: { jobTitle: 'Boss' } })
  const run = await world.run('report')
  await world.api.delete(`/directories/${world.directoryId}`)
  expect((await world.api.get(`/reconciliations/${run['id']}`)).status).toBe(404)
  const left = await world.query(sql`SELECT 1 FROM drift WHERE reconciliation_id = ${run['id']}`)
  expect(left).toEqual([])
})

test('runs are kept for 90 days, and the newest of a directory beyond', async () => {
  const world = await reconcileWorld()
  await world.exported('ann')
  world.graph.changeUser(world.accountOf('ann'), { properties: { jobTitle: 'Boss' } })
  const first = await world.run('report')
  world.clock.now += 60_000
  const second = await world.run('report')
  world.clock.now += 90 * 24 * 3_600_000
  await world.jobs.scheduled({ cron: '17 3 * * *' })
  const { body } = await world.api.get(pathOf(world))
  expect(body['items'].map(({ id }: { id: string }) => id)).toEqual([second['id']])
  const left = await world.query(sql`SELECT DISTINCT reconciliation_id FROM drift
    WHERE reconciliation_id IN (${first['id']}, ${second['id']})`)
  expect(left).toEqual([{ reconciliation_id: second['id'] }])
})
