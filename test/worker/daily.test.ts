import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { createJobs } from '../../src/jobs.ts'
import { apiClient } from '../support/api.ts'

const DAILY = '17 3 * * *'

test('the daily cron drops access tokens that nobody can use any more', async () => {
  const { organizationId, deps, lines, clock } = await apiClient()
  const insert = (hash: string, expiresAt: number) =>
    sql`INSERT INTO access_token (token_hash, organization_id, credential_id, expires_at)
      VALUES (${organizationId + hash}, ${organizationId}, 'cred_x', ${expiresAt})`
  const database = connect(env.DB)
  await database.run(insert('old', clock.now), insert('young', clock.now + 1))
  await createJobs(deps).scheduled({ cron: DAILY })
  const [left] = await database.run(
    sql`SELECT token_hash FROM access_token WHERE organization_id = ${organizationId}`,
  )
  expect(left?.rows).toEqual([{ token_hash: `${organizationId}young` }])
  expect(lines).toContainEqual({ message: 'expired access tokens dropped', count: 1 })
})

test('a task that fails is logged, and keeps none of the others from its turn', async () => {
  const { deps, lines } = await apiClient()
  let opened = 0
  const broken = () => {
    opened += 1
    return { ...deps.connect(), run: () => Promise.reject(new Error('D1 is away')) }
  }
  await createJobs({ ...deps, connect: broken }).scheduled({ cron: DAILY })
  expect(opened).toBe(lines.length)
  for (const line of lines)
    expect(line).toMatchObject({
      level: 'error',
      message: 'daily task failed',
      error: 'Error: D1 is away',
    })
})

test('another cron does none of it', async () => {
  const { deps, lines } = await apiClient()
  await createJobs(deps).scheduled({ cron: '*/15 * * * *' })
  expect(lines).toEqual([])
})
