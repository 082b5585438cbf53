/** Many writers of one group: Entra ID sends the members of a group in requests of their own, several at once. */
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect, type Database } from '../../src/db/client.ts'
import { readLog, scimClient, type Loose, type ScimClient } from '../support/seed.ts'
import { lossy, staged, together } from '../support/staged.ts'

const add = (...ids: string[]) => ({ op: 'Add', path: 'members', value: ids.map((value) => ({ value })) }) // prettier-ignore
const remove = (...ids: string[]) => ({ op: 'Remove', path: 'members', value: ids.map((value) => ({ value })) }) // prettier-ignore
const rename = (displayName: string) => ({ op: 'Replace', path: 'displayName', value: displayName })

interface World {
  readonly scim: ScimClient
  readonly path: string
  readonly with: (connecting: () => Database) => Promise<ScimClient>
  readonly members: () => Promise<string[]>
  readonly version: () => Promise<string | null>
  /** What the events after the group's creation tell of members: who was removed, and who was added. */
  readonly told: () => Promise<Loose[]>
}

/** A group with these members, and a client whose credential is known already. */
async function groupOf(...ids: string[]): Promise<World> {
  const scim = await scimClient()
  const members = ids.map((value) => ({ value }))
  const { body } = await scim.post('/Groups', { displayName: 'Everybody', members })
  const path = `/Groups/${body['id']}`
  return {
    scim,
    path,
    with: (connecting) => scimClient({ as: scim, instead: { connect: connecting } }),
    members: async () => {
      const { body: group } = await scim.get(path)
      return group['members'].map(({ value }: Loose) => value).toSorted()
    },
    version: async () => (await scim.get(path)).headers.get('ETag'),
    told: async () =>
      (await readLog(scim.organizationId))
        .slice(1)
        .map(({ body: { changes } }) => changes.find((c: Loose) => c['attribute'] === 'members')),
  }
}

/** Sends all the PATCHes of one group at once: each has read the group before the first one writes. */
async function atOnce(world: World, operations: readonly object[], headers = {}) {
  const client = await world.with(together(operations.length, 2))
  const answers = await Promise.all(
    operations.map((operation) => client.patch(world.path, [operation], headers)),
  )
  return { answers, statuses: answers.map(({ status }) => status), rung: client.rung }
}

const eight = Array.from({ length: 8 }, (_, at) => `usr_${at}`)

describe('eight PATCHes of one group at once', () => {
  test('each with another member: all are members, each at the first try', async () => {
    const world = await groupOf()
    const { answers, statuses, rung } = await atOnce(world, eight.map((id) => add(id))) // prettier-ignore
    expect(statuses).toEqual(eight.map(() => 204))
    expect(answers.map(({ cost }) => [cost.roundTrips, cost.rowsWritten])).toEqual(
      eight.map(() => [2, 5]),
    )
    expect(await world.members()).toEqual(eight)
    const tags = answers.map(({ headers }) => headers.get('ETag')).toSorted()
    expect(tags).toEqual(eight.map((_, at) => `W/"${at + 2}"`))
    expect(await world.version()).toBe('W/"9"')
    const told = await world.told()
    expect(told.flatMap(({ to }) => to).toSorted()).toEqual(eight)
    expect(told).toHaveLength(8)
    const log = await readLog(world.scim.organizationId)
    expect(log.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(log.slice(1).map(({ touched }) => touched)).toEqual(told.map(({ to }) => to))
    expect(rung).toHaveLength(8)
  })

  test('each with the same member: one adds it, seven have nothing to do', async () => {
    const world = await groupOf()
    const { statuses } = await atOnce(world, eight.map(() => add('usr_x'))) // prettier-ignore
    expect(statuses).toEqual(eight.map(() => 204))
    expect([await world.members(), await world.version()]).toEqual([['usr_x'], 'W/"2"'])
    expect(await world.told()).toEqual([{ attribute: 'members', from: [], to: ['usr_x'] }])
  })

  test('members who come and members who go do not stand in each other’s way', async () => {
    const world = await groupOf(...eight.slice(0, 4))
    const operations = [...eight.slice(0, 4).map((id) => remove(id)), ...eight.slice(4).map((id) => add(id))] // prettier-ignore
    const { answers, statuses } = await atOnce(world, operations)
    expect(statuses).toEqual(eight.map(() => 204))
    expect(answers.map(({ cost }) => cost.roundTrips)).toEqual(eight.map(() => 2))
    expect([await world.members(), await world.version()]).toEqual([eight.slice(4), 'W/"9"'])
  })

  test('each without the same member: one removes it', async () => {
    const world = await groupOf('usr_x', 'usr_y')
    const operations = [remove('usr_x'), remove('usr_x', 'usr_y'), remove('usr_x')]
    const { statuses } = await atOnce(world, operations)
    expect(statuses).toEqual([204, 204, 204])
    expect(await world.members()).toEqual([])
    const told = (await world.told()).flatMap(({ from }) => from)
    expect(told.toSorted()).toEqual(['usr_x', 'usr_y'])
  })

  test('with members in common: none is told of twice', async () => {
    const world = await groupOf()
    const { statuses } = await atOnce(world, [add('a', 'b'), add('b', 'c'), add('c', 'd', 'a')])
    expect(statuses).toEqual([204, 204, 204])
    expect(await world.members()).toEqual(['a', 'b', 'c', 'd'])
    const told = (await world.told()).flatMap(({ to }) => to)
    expect(told.toSorted()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('with If-Match: one is carried out, the others are refused', async () => {
    const world = await groupOf()
    const { statuses } = await atOnce(world, eight.map((id) => add(id)), { 'If-Match': 'W/"1"' }) // prettier-ignore
    expect(statuses.toSorted()).toEqual([204, ...eight.slice(1).map(() => 412)])
    expect([(await world.members()).length, await world.version()]).toEqual([1, 'W/"2"'])
  })

  test('in bulk requests of their own, too', async () => {
    const world = await groupOf()
    const client = await world.with(together(8, 2))
    const answers = await Promise.all(
      eight.map((id) =>
        client.post('/Bulk', {
          Operations: [{ method: 'PATCH', path: world.path, data: { Operations: [add(id)] } }],
        }),
      ),
    )
    expect(answers.map(({ body }) => body['Operations'][0].status)).toEqual(eight.map(() => '200'))
    expect(await world.members()).toEqual(eight)
  })
})

describe('a change of members beside another change', () => {
  /** What the request answers when `meanwhile` happens after it has read and before it writes. */
  async function overtaken(world: World, meanwhile: () => Promise<unknown>) {
    const slow = await world.with(
      staged(async (batch) => {
        if (batch === 2) await meanwhile()
      }),
    )
    return slow.patch(world.path, [add('usr_a')])
  }

  test('a rename stays, and so does the member', async () => {
    const world = await groupOf()
    const { status, headers, cost } = await overtaken(world, () =>
      world.scim.patch(world.path, [rename('All')]),
    )
    expect([status, headers.get('ETag'), cost.roundTrips]).toEqual([204, 'W/"3"', 2])
    const { body } = await world.scim.get(world.path)
    expect([body['displayName'], body['members'].length]).toEqual(['All', 1])
  })

  test('a group that was deleted is 404, and nothing of it is left', async () => {
    const world = await groupOf()
    const { status } = await overtaken(world, () => world.scim.delete(world.path))
    expect(status).toBe(404)
    const [left] = await connect(env.DB).run(
      sql`SELECT * FROM group_member WHERE organization_id = ${world.scim.organizationId}`,
    )
    expect(left?.rows).toEqual([])
    expect(await readLog(world.scim.organizationId)).toHaveLength(2)
  })

  test('a list that replaces all members is decided upon again', async () => {
    const world = await groupOf('usr_b')
    const slow = await world.with(
      staged(async (batch) => {
        if (batch === 2) await world.scim.patch(world.path, [add('usr_c')])
      }),
    )
    const replacing = { op: 'replace', path: 'members', value: [{ value: 'usr_d' }] }
    expect((await slow.patch(world.path, [replacing])).status).toBe(204)
    expect(await world.members()).toEqual(['usr_d'])
    expect((await world.told()).at(-1)).toMatchObject({ to: ['usr_d'], from: ['usr_b', 'usr_c'] })
  })

  test('a group that is shown is shown with the members of its version', async () => {
    const world = await groupOf()
    const client = await world.with(together(2, 2))
    const answers = await Promise.all(
      eight.slice(0, 2).map((id) => client.patch(`${world.path}?attributes=members,meta`, [add(id)])), // prettier-ignore
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const shown = answers.map(({ body }) => [body['meta'].version, body['members'].length])
    expect(shown.toSorted()).toEqual([['W/"2"', 1], ['W/"3"', 2]]) // prettier-ignore
  })

  test('the time of the last change does not go back', async () => {
    const world = await groupOf()
    const { body } = await world.scim.get(world.path)
    const early = await scimClient({ as: world.scim, instead: { clock: { now: () => 1 } } })
    expect((await early.patch(world.path, [add('usr_a')])).status).toBe(204)
    const after = await world.scim.get(world.path)
    expect(after.body['meta'].lastModified).toBe(body['meta'].lastModified)
    expect(after.body['members']).toHaveLength(1)
  })

  test.for([true, false])(
    'is done once when D1’s answer is lost (carried out: %s), and rings',
    async (isCarriedOut) => {
      const world = await groupOf('usr_b')
      const client = await world.with(lossy(2, isCarriedOut))
      const operations = [add('usr_a'), remove('usr_b')]
      const { status, headers } = await client.patch(world.path, operations)
      expect([status, headers.get('ETag')]).toEqual([204, 'W/"2"'])
      expect(await world.members()).toEqual(['usr_a'])
      expect(await world.told()).toEqual([{ attribute: 'members', from: ['usr_b'], to: ['usr_a'] }])
      expect(client.rung).toHaveLength(1)
    },
  )
})
