/** Undoing what is being sent at this very moment. */
import { describe, expect, test } from 'vitest'

import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { apiClient } from '../support/api.ts'
import { exportWorld, newUser } from '../support/export.ts'
import { MANUAL } from '../support/previewed-bind.ts'
import type { Loose } from '../support/seed.ts'

/** A world in which something happens while the next change of an account is on its way, before or after Microsoft 365 has carried it out. */
async function inFlight() {
  let meanwhile: (() => Promise<void>) | undefined
  let isBefore = true
  const world = await exportWorld({
    settings: MANUAL,
    fetch: (next) => async (input, init) => {
      const request = new Request(input, init)
      const isBatch = request.url.endsWith('/$batch')
      const isChange = isBatch && (await request.clone().text()).includes('"PATCH"')
      const happens = isChange ? meanwhile : undefined
      if (happens === undefined) return next(request)
      meanwhile = undefined
      if (isBefore) await happens()
      const answer = await next(request)
      if (!isBefore) await happens()
      return answer
    },
  })
  const { organizationId, clock, directoryId } = world
  const api = await apiClient({ organizationId, clock })
  const directory = `/directories/${directoryId}`
  const [theirs = ''] = world.graph.seed({ users: 1, prefix: 'old' }).users
  world.graph.changeUser(theirs, {
    properties: {
      userPrincipalName: 'ann@contoso.com',
      department: 'Theirs',
      jobTitle: 'Chief',
      usageLocation: 'US',
    },
  })
  const department = { [ENTERPRISE_USER_URN]: { department: 'Ours' } }
  const { body: ann } = await world.scim.post('/Users', newUser('ann', department))
  const account = (): Loose => world.graph.summary().users.find(({ id }) => id === theirs) as Loose
  return {
    world,
    api,
    directory,
    ann: String(ann['id']),
    account,
    /** Undoes the newest event of a type while it is being carried out; gives the job when it is through. */
    async undoWhile(when: string, type: string, carriedOut: () => Promise<unknown>) {
      let jobId = ''
      isBefore = when === 'before'
      meanwhile = async () => {
        const { body } = await api.get(`/events?type=${type}&limit=1`)
        const eventId = body['items'][0]['id']
        jobId = (await api.post(`${directory}/undo`, { eventId })).body['id']
      }
      await carriedOut()
      await world.settle()
      clock.now += 3_600_000
      await world.settle()
      return (await api.get(`/jobs/${jobId}`)).body
    },
  }
}

describe.each(['before', 'after'])(
  'undoing %s Microsoft 365 has carried out what is on its way',
  (when) => {
    test('puts back what a bind overwrites, and lets go of the account', async () => {
      const { world, api, directory, ann, account, undoWhile } = await inFlight()
      const before = account()
      const job = await undoWhile(when, 'binding_create', () =>
        api.post(`${directory}/bindings`, { userIds: [ann] }),
      )
      expect(job).toMatchObject({ state: 'done', done: 1, errors: [] })
      expect(account()).toMatchObject(before)
      expect(await world.binding(ann)).toMatchObject({ state: 'former', graph_id: null })
    })

    test('puts back what a direction overwrites', async () => {
      const { world, api, directory, ann, account, undoWhile } = await inFlight()
      await api.patch(`${directory}/attributes`, { department: 'exclude' })
      await api.post(`${directory}/bindings`, { userIds: [ann] })
      await world.settle()
      world.clock.now += 3_600_000
      expect(account()).toMatchObject({ department: 'Theirs', jobTitle: 'Engineer' })
      const job = await undoWhile(when, 'integrationattribute_include', () =>
        api.patch(`${directory}/attributes`, { department: 'export' }),
      )
      expect(job).toMatchObject({ state: 'done', done: 1, errors: [] })
      expect(account()).toMatchObject({ department: 'Theirs', jobTitle: 'Engineer' })
      expect(await world.binding(ann)).toMatchObject({ state: 'synced', restoring: null })
    })
  },
)
