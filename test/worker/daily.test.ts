import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

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

describe('a credential that ends', () => {
  const DAY = 86_400_000
  const expiring = async (organizationId: string) => {
    const [events] = await connect(env.DB).run(
      sql`SELECT target_type, target_id, body FROM event
        WHERE organization_id = ${organizationId} AND type = 'credential_expiring' ORDER BY sequence`,
    )
    return (events?.rows ?? []).map(({ target_type, target_id, body }) => ({
      target_type,
      target_id,
      days: JSON.parse(String(body)).details.days,
    }))
  }
  const seedCredentials = (organizationId: string, expiresAt: number) => [
    sql`INSERT INTO directory (organization_id, id, name, tenant_id, client_id, credential_type, credential_expires_at,
        settings, state, position, urgent_position, created_at, modified_at)
      VALUES (${organizationId}, 'dir_x', 'Contoso', ${organizationId}, 'c', 'certificate', ${expiresAt}, '{}', 'active', 0, 0, 0, 0)`,
    sql`INSERT INTO source_credential (organization_id, id, source_id, type, name, expires_at, revoked_at, created_at)
      VALUES (${organizationId}, ${`cred_a${organizationId}`}, 'src_x', 'oauth_client', 'in use', ${expiresAt}, NULL, 0),
        (${organizationId}, ${`cred_b${organizationId}`}, 'src_x', 'oauth_client', 'revoked', ${expiresAt}, 1, 0)`,
  ]

  test('is told of 30 days, 7 days and a day ahead, once each, and no more when it was revoked or has ended', async () => {
    const { organizationId, deps, clock } = await apiClient()
    const end = clock.now + 40 * DAY
    await connect(env.DB).run(...seedCredentials(organizationId, end))
    const told: number[][] = []
    for (let day = 0; day < 45; day++) {
      const before = (await expiring(organizationId)).length
      await createJobs(deps).scheduled({ cron: DAILY })
      await createJobs(deps).scheduled({ cron: DAILY })
      const events = (await expiring(organizationId)).slice(before)
      if (events.length > 0) told.push(events.map(({ days }) => days))
      clock.now += DAY
    }
    expect(told).toEqual([
      [30, 30],
      [7, 7],
      [1, 1],
    ])
    const targets = (await expiring(organizationId)).map(({ target_id }) => target_id)
    expect(new Set(targets)).toEqual(new Set(['dir_x', `cred_a${organizationId}`]))
  })

  test('is told of anew when it was replaced by one that ends too', async () => {
    const { organizationId, deps, clock } = await apiClient()
    await connect(env.DB).run(...seedCredentials(organizationId, clock.now + 2 * DAY))
    await createJobs(deps).scheduled({ cron: DAILY })
    await connect(env.DB)
      .run(sql`UPDATE directory SET credential_expires_at = ${clock.now + 20 * DAY}
      WHERE organization_id = ${organizationId}`)
    await createJobs(deps).scheduled({ cron: DAILY })
    const days = (await expiring(organizationId)).filter(
      ({ target_type }) => target_type === 'directory',
    )
    expect(days).toMatchObject([{ days: 2 }, { days: 20 }])
  })
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
