/** What jobs cost an organization that has many of them: counted, of the statements alone. */
import { env } from 'cloudflare:workers'
import { type SQL, sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'

import { tellAskedBefore, tellAskedOfTurn } from '../../src/db/asked.ts'
import { connect } from '../../src/db/client.ts'
import { readJob, readJobs } from '../../src/db/job-store.ts'
import { newId } from '../support/seed.ts'

const JOBS = 500
const PAGE = 500

/** An organization whose jobs are of the commands 1 to 500. */
async function manyJobs() {
  const [organizationId, directoryId] = [newId('org'), newId('dir')]
  const database = connect(env.DB)
  const counted = sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${JOBS})`
  await database.run(
    sql`INSERT INTO organization (id, name, settings, created_at) VALUES (${organizationId}, 'Contoso', '{}', 0)`,
    sql`INSERT INTO directory (organization_id, id, name, tenant_id, client_id, credential_type, credential, settings, state, position,
      urgent_position, created_at, modified_at)
      VALUES (${organizationId}, ${directoryId}, 'd', 't', 'c', 'client_secret', 'x', '{}', 'active', 0, 0, 0, 0)`,
    sql`${counted} INSERT INTO job (organization_id, id, type, directory_id, sequence, ended, total, created_at)
      SELECT ${organizationId}, printf('job_%06d', i), 'export', ${directoryId}, i, 1, 1, 0 FROM n`,
  )
  const key = { organizationId, directoryId, token: 'token' }
  const ids = sql`SELECT resource_id FROM binding WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}
    AND kind = 'user' ORDER BY resource_id LIMIT ${PAGE}`
  return {
    key,
    ids,
    database,
    /** So many users, of whom these commands ask something still: the last, and as JSON those before it. */
    bind: (users: number, asked: number | null, before: SQL = sql`NULL`) =>
      database.run(sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${users})
        INSERT INTO binding (organization_id, directory_id, kind, resource_id, graph_id, state, reason, snapshot, unknown, due_at,
          asked_sequence, asked_before)
        SELECT ${organizationId}, ${directoryId}, 'user', printf('usr_%06d', i), printf('g%06d', i), 'owed', 'manual', '{}', '[]', 1,
          ${asked}, ${before} FROM n`),
    /** The rows that it reads. */
    async reads(statement: SQL): Promise<number> {
      const before = database.meter.rowsRead
      await database.run(statement)
      return database.meter.rowsRead - before
    },
    failed: async () => {
      const [answer] = await database.run(
        sql`SELECT sequence, failed, json_array_length(errors) AS told FROM job WHERE organization_id = ${organizationId} AND failed > 0 ORDER BY 1`,
      )
      return answer?.rows
    },
  }
}

let world: Awaited<ReturnType<typeof manyJobs>>
beforeEach(async () => {
  world = await manyJobs()
})

describe('telling jobs of a page of 500 users, in an organization of 500 jobs', () => {
  const ALL = sql`TRUE`
  const unbind = { action: 'unbind', sequence: JOBS + 1 }

  test('reads next to nothing where nobody has asked for anything', async () => {
    const { key, ids, bind, reads, failed } = world
    await bind(2 * PAGE, null)
    expect(await reads(tellAskedOfTurn(key, 'ends', ALL, ids))).toBeLessThan(50)
    expect(await reads(tellAskedBefore(key, unbind, ALL, ids))).toBeLessThan(50)
    expect(await failed()).toEqual([])
  })

  test('reads the users of the page alone where none of them is told of', async () => {
    const { key, ids, bind, reads, failed } = world
    await bind(20 * PAGE, 20)
    expect(await reads(tellAskedOfTurn(key, 'ends', sql`FALSE`, ids))).toBeLessThan(4 * PAGE)
    expect(await reads(tellAskedBefore(key, unbind, sql`FALSE`, ids))).toBeLessThan(4 * PAGE)
    expect(await failed()).toEqual([])
  })

  test('reads so many rows for each that is told of, and no other job', async () => {
    const { key, ids, bind, reads, failed } = world
    await bind(20 * PAGE, 20, sql`'[10]'`)
    expect(await reads(tellAskedOfTurn(key, 'ends', ALL, ids))).toBeLessThan(25 * PAGE)
    const told = { failed: PAGE, told: 100 }
    expect(await failed()).toEqual([
      { sequence: 10, ...told },
      { sequence: 20, ...told },
    ])
    expect(await reads(tellAskedBefore(key, unbind, ALL, ids))).toBeLessThan(25 * PAGE)
  })

  test('reads every import once for each command told of, not for each user', async () => {
    const { key, ids, bind, reads, failed, database } = world
    await database.run(
      sql`UPDATE job SET commands = json_array(sequence), sequence = NULL WHERE organization_id = ${key.organizationId} AND sequence % 2 = 0`,
    )
    await bind(20 * PAGE, 20, sql`'[9]'`)
    expect(await reads(tellAskedOfTurn(key, 'ends', ALL, ids))).toBeLessThan(25 * PAGE + 4 * JOBS)
    const told = { failed: PAGE, told: 100 }
    expect(await failed()).toEqual([
      { sequence: null, ...told },
      { sequence: 9, ...told },
    ])
  })
})

describe('reading the jobs of 5,000 users of whom two commands ask something, in an organization of 500 jobs', () => {
  const USERS = 5000
  const remaining = new Map([
    [10, USERS],
    [20, USERS],
  ])

  test('walks those users once for the whole page, and then for the two', async () => {
    const { key, bind, database } = world
    await bind(USERS, 20, sql`'[10]'`)
    const before = database.meter.rowsRead
    const jobs = await readJobs(database, key.organizationId, { after: undefined, limit: JOBS })
    expect(jobs.map(({ job }) => job.sequence)).toEqual(
      Array.from({ length: JOBS }, (_, i) => JOBS - i),
    )
    for (const { job, remaining: left } of jobs)
      expect(left).toBe(remaining.get(job.sequence ?? 0) ?? 0)
    expect(database.meter.rowsRead - before).toBeLessThan(20 * USERS)
  })

  test('walks them once for one of the jobs', async () => {
    const { key, bind, database } = world
    await bind(USERS, 20, sql`'[10]'`)
    const before = database.meter.rowsRead
    const progress = await readJob(database, key.organizationId, 'job_000010')
    expect(progress?.remaining).toBe(USERS)
    expect(database.meter.rowsRead - before).toBeLessThan(12 * USERS)
  })

  test('counts whoever waits for two steps of an import once', async () => {
    const { key, bind, database } = world
    const { organizationId } = key
    await database.run(
      sql`UPDATE job SET commands = '[9, 10]', sequence = NULL WHERE organization_id = ${organizationId} AND sequence = 10`,
    )
    await bind(USERS, 20, sql`'[9, 10]'`)
    const progress = await readJob(database, organizationId, 'job_000010')
    expect(progress?.remaining).toBe(USERS)
  })
})
