import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { batchOf, type ExportWorld, exportWorld, newUser } from '../support/export.ts'

/** Creates users over SCIM and gives their ids. */
async function createUsers(world: ExportWorld, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++)
    ids.push((await world.scim.post('/Users', newUser(`u${i}`))).body['id'])
  return ids
}

describe('a dead letter', () => {
  test('is logged for the operator and rung for again', async () => {
    const lines: JsonObject[] = []
    const world = await exportWorld({ instead: { log: (line) => lines.push(line) } })
    await createUsers(world, 1)
    const { organizationId, directoryId } = world
    await world.jobs.queue(batchOf([{ organizationId, directoryId }], 'isthmus-export-dead'))
    expect(lines).toEqual([
      { level: 'error', message: 'a bell was a dead letter', organizationId, directoryId },
    ])
    expect(world.bells).toEqual([{ organizationId, directoryId, delaySeconds: 300 }])
    expect(world.graph.summary().users).toEqual([])
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
  })
})

describe('the directories of one invocation', () => {
  test('share what D1 takes of it: who has had its share goes on with the next bell', async () => {
    const world = await exportWorld({ env: { GRAPH_WRITE_QUOTA: '30000/150' } })
    const { organizationId, directoryId } = world
    await createUsers(world, 250)
    const others = Array.from({ length: 13 }, (_, i) => ({
      organizationId,
      directoryId: `dir_other${i}`,
    }))
    await world.jobs.queue(batchOf([{ organizationId, directoryId }, ...others]))
    const statements = world.opened.reduce((sum, { meter }) => sum + meter.statements, 0)
    // Each of the fourteen may begin one more round of at most 60.
    expect(statements).toBeLessThanOrEqual(10 + 60)
    const carried = world.graph.summary().users.length
    expect(carried).toBeGreaterThan(0)
    expect(carried).toBeLessThan(250)
    expect(world.bells).toContainEqual({ organizationId, directoryId, delaySeconds: 1 })
    world.opened.length = 0
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(250)
  })
})

describe('a look for what lags', () => {
  test('takes any when there are more than it takes, so that none is left out for ever', async () => {
    const world = await exportWorld()
    await createUsers(world, 1)
    const database = connect(env.DB)
    const insert = sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
      INSERT INTO directory (organization_id, id, name, tenant_id, client_id, credential_type, settings, state,
        position, urgent_position, created_at, modified_at)
      SELECT ${world.organizationId}, 'dir_many' || i, 'x', 'tenant' || i, 'c', 'federated', '{}', 'active', 0, 0, 0, 0 FROM n`
    await database.run(insert)
    const seen = new Set<string>()
    let largest = 0
    for (let look = 0; look < 30; look++) {
      world.bells.length = 0
      await world.jobs.scheduled({ cron: '* * * * *' })
      largest = Math.max(largest, world.bells.length)
      for (const { directoryId } of world.bells) seen.add(directoryId ?? '')
    }
    expect(largest).toBeLessThanOrEqual(500)
    expect(seen.size).toBe(1201)
  })
})
