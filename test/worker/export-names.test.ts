import { describe, expect, test } from 'vitest'

import { type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import type { Loose } from '../support/seed.ts'

/** Creates users over SCIM, has them carried out, and gives their ids. */
async function carried(world: ExportWorld, ...names: string[]): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) ids.push((await world.scim.post('/Users', newUser(name))).body['id'])
  await world.settle()
  return ids
}

/** Gives the user another address, which is its name in Microsoft 365. */
async function rename(world: ExportWorld, id: string | undefined, name: string): Promise<void> {
  const value = `${name}@contoso.com`
  const operations = [{ op: 'replace', path: 'emails[type eq "work"].value', value }]
  const { status } = await world.scim.patch(`/Users/${id}`, operations)
  expect(status).toBe(200)
}

/** Who has which name, by first name. */
function names(world: ExportWorld): Record<string, unknown> {
  const users: Loose[] = [...world.graph.summary().users]
  const live = users.filter((user) => user['isDeleted'] !== true)
  return Object.fromEntries(
    live.map((user) => [user['givenName'], user['userPrincipalName'].split('@')[0]]),
  )
}

const failures = (world: ExportWorld): number => world.graph.counters.snapshot().createConflicts

describe('a name in Microsoft 365', () => {
  test('that one user gives away and another takes in the same round is freed before it is taken', async () => {
    const world = await exportWorld()
    const [a, b] = await carried(world, 'a', 'b')
    await rename(world, a, 'elsewhere')
    await rename(world, b, 'a')
    await world.settle()
    expect(names(world)).toEqual({ a: 'elsewhere', b: 'a' })
    expect(world.graph.counters.snapshot().answersByStatus['400']).toBeUndefined()
  })

  test('that two users exchange goes through an intermediate name', async () => {
    const world = await exportWorld()
    const [a, b] = await carried(world, 'a', 'b')
    await rename(world, a, 'between')
    await rename(world, b, 'a')
    await rename(world, a, 'b')
    await world.settle()
    expect(names(world)).toEqual({ a: 'b', b: 'a' })
  })

  test('that goes round among four users arrives with each of them', async () => {
    const world = await exportWorld()
    const [a, b, c, d] = await carried(world, 'a', 'b', 'c', 'd')
    await rename(world, a, 'between')
    await rename(world, d, 'a')
    await rename(world, c, 'd')
    await rename(world, b, 'c')
    await rename(world, a, 'b')
    await world.settle()
    expect(names(world)).toEqual({ a: 'b', b: 'c', c: 'd', d: 'a' })
  })

  test('that a new user takes from one who was renamed is waited for', async () => {
    const world = await exportWorld()
    const [a] = await carried(world, 'a')
    await rename(world, a, 'elsewhere')
    await world.scim.post('/Users', {
      ...newUser('b'),
      emails: [{ type: 'work', value: 'a@contoso.com' }],
    })
    await world.settle()
    expect(names(world)).toEqual({ a: 'elsewhere', b: 'a' })
    expect(failures(world)).toBe(0)
  })

  test('whose holder was renamed without Graph hearing of it yet is asked for again once it has', async () => {
    const world = await exportWorld()
    const [a, b] = await carried(world, 'a', 'b')
    await rename(world, a, 'elsewhere')
    // The rename of the holder is put off, so that the taker comes first.
    world.graph.faults.add({
      match: { method: 'PATCH' },
      status: 409,
      code: 'Directory_ConcurrencyViolation',
    })
    await world.drain()
    await rename(world, b, 'a')
    await world.settle()
    expect(names(world)).toEqual({ a: 'elsewhere', b: 'a' })
  })

  test('of a former user goes, with the account, to a new user with the same externalId', async () => {
    const world = await exportWorld()
    const [old] = await carried(world, 'a')
    await world.scim.delete(`/Users/${old}`)
    await world.settle()
    const { body } = await world.scim.post('/Users', newUser('a'))
    await world.settle()
    expect(world.graph.summary().users).toHaveLength(1)
    expect(world.graph.summary().users[0]).toMatchObject({ accountEnabled: true })
    expect(await world.binding(body['id'])).toMatchObject({ state: 'synced' })
    expect(await world.binding(old ?? '')).toMatchObject({ state: 'former', graph_id: null })
  })

  test('of a former user is held from a new user with another externalId, and says why', async () => {
    const world = await exportWorld()
    const [old] = await carried(world, 'a')
    await world.scim.delete(`/Users/${old}`)
    await world.settle()
    const { body } = await world.scim.post('/Users', newUser('a', { externalId: 'somebody else' }))
    await world.settle()
    const binding = await world.binding(body['id'])
    expect(binding).toMatchObject({ state: 'held', graph_id: null })
    expect(binding['error']).toMatchObject({ code: 'account_of_former_user' })
    expect(world.graph.summary().users[0]).toMatchObject({ accountEnabled: false })
  })

  test('of an account that was there before is adopted, or held where the directory says so', async () => {
    for (const conflict of ['adopt', 'hold'] as const) {
      const world = await exportWorld({ settings: { conflict } })
      world.graph.seed({ users: 1, prefix: 'a' })
      const { body } = await world.scim.post('/Users', {
        ...newUser('a'),
        emails: [{ type: 'work', value: 'a1@contoso.com' }],
      })
      await world.settle()
      expect(world.graph.summary().users).toHaveLength(1)
      const isAdopted = conflict === 'adopt'
      expect(await world.binding(body['id'])).toMatchObject({
        state: isAdopted ? 'synced' : 'held',
      })
      expect(world.graph.summary().users[0]).toMatchObject({
        displayName: isAdopted ? 'a Test' : 'Seeded User 1',
      })
    }
  })
})
