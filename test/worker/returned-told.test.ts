import { describe, expect, test } from 'vitest'

import { reconcileWorld, type ReconcileWorld } from '../support/reconcile.ts'

const REFUSED = {
  times: 1,
  status: 403,
  code: 'Authorization_RequestDenied',
  message: 'Insufficient privileges to complete the operation.',
} as const

interface Row {
  readonly attribute: string
  readonly ours: unknown
  readonly theirs: unknown
}

/** What a run told of what Microsoft 365 holds otherwise, in the order of the attributes. */
async function told(world: ReconcileWorld, run: Record<string, unknown>): Promise<Row[]> {
  const rows = await world.drift(run)
  return rows.map(({ attribute, ours, theirs }) => ({ attribute, ours, theirs }))
}

/** The writes since the journal was cleared: what they change of a user, and how often. */
const sent = ({ graph }: ReconcileWorld): unknown[] =>
  graph.journal
    .records()
    .filter(({ method, url }) => method !== 'GET' && !/\$batch|\/token$/.test(url))
    .map(({ method, url, body }) =>
      method === 'PATCH' ? body : `${method} ${url.replace(/^.*\/users\/[^/]*/, '')}`,
    )

/** Ann, whose account somebody deletes in Microsoft 365, which a run finds. */
async function away() {
  const world = await reconcileWorld()
  const [ann = ''] = await world.exported('ann')
  const graphId = world.accountOf('ann')
  const remove = async () => {
    await world.removeAccount(graphId)
    await world.run('report')
    expect(await world.binding(ann)).toMatchObject({ error: { code: 'object_missing' } })
  }
  const patch = async (path: string, value: unknown) => {
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path, value }])
    await world.settle()
  }
  /** Its user is deleted here, and from then on the directory says what becomes of such accounts. */
  const left = async (onDelete: 'disable' | 'delete' | 'leave') => {
    await world.scim.delete(`/Users/${ann}`)
    await world.settle()
    expect(await world.binding(ann)).toMatchObject({ state: 'failed' })
    const path = `/directories/${world.directoryId}`
    expect(await world.api.patch(path, { settings: { onDelete } })).toMatchObject({ status: 200 })
  }
  /** Somebody restores it: a run that reports tells what the one that enforces behind it tells, and sends. */
  const restored = async () => {
    world.clock.now += 3_600_000
    await world.restoreAccount(graphId)
    world.graph.journal.clear()
    const before = await told(world, await world.run('report'))
    expect(sent(world)).toEqual([])
    world.clock.now += 3_600_000
    const run = await world.run('enforce')
    expect(await told(world, run)).toEqual(before)
    const { counts } = run
    const writes = sent(world)
    world.clock.now += 3_600_000
    world.graph.journal.clear()
    expect(await told(world, await world.run('enforce'))).toEqual([])
    expect(sent(world)).toEqual([])
    return { told: before, sent: writes, counts }
  }
  return { world, ann, graphId, remove, patch, left, restored }
}

const BACK: Row = { attribute: 'deleted', ours: 'deleted', theirs: null }

describe('an account that came back', () => {
  test.each(['report', 'enforce'] as const)(
    'and is owed nothing, is told of once, and sent nothing (%s)',
    async (mode) => {
      const { world, ann, graphId, remove } = await away()
      await remove()
      world.clock.now += 3_600_000
      await world.restoreAccount(graphId)
      world.graph.journal.clear()
      expect(await told(world, await world.run(mode))).toEqual([BACK])
      expect(await world.binding(ann)).toMatchObject({ state: 'synced', error: null })
      expect(await told(world, await world.run('enforce'))).toEqual([])
      expect(sent(world)).toEqual([])
    },
  )

  test('is told of with what has changed here meanwhile, and sent that', async () => {
    const { remove, patch, restored } = await away()
    await remove()
    await patch('title', 'Boss')
    expect(await restored()).toMatchObject({
      told: [BACK, { attribute: 'jobTitle', ours: 'Boss', theirs: 'Engineer' }],
      sent: [{ jobTitle: 'Boss' }],
      counts: { drift: 2, corrected: 1 },
    })
  })

  test('is told of by the run of the hour too, which reads it by its id', async () => {
    const { world, graphId, remove, patch } = await away()
    await world.tick()
    await remove()
    await patch('title', 'Boss')
    await world.tick()
    await world.restoreAccount(graphId)
    world.graph.journal.clear()
    expect(await told(world, (await world.tick()) ?? {})).toEqual([
      BACK,
      { attribute: 'jobTitle', ours: 'Boss', theirs: 'Engineer' },
    ])
    expect(sent(world)).toEqual([])
  })

  test('is told of with what was refused before, and sent that', async () => {
    const { world, graphId, remove, patch, restored } = await away()
    world.graph.faults.add({ match: { method: 'PATCH', path: `^/users/${graphId}` }, ...REFUSED })
    await patch('title', 'Boss')
    world.clock.now += 3_600_000
    await remove()
    expect(await restored()).toMatchObject({
      told: [BACK, { attribute: 'jobTitle', ours: 'Boss', theirs: 'Engineer' }],
      sent: [{ jobTitle: 'Boss' }],
    })
  })

  test('is told of with what somebody changed there too, each attribute once, as it is desired by now', async () => {
    const { world, graphId, remove, patch, restored } = await away()
    await patch('title', 'Boss')
    await patch('nickName', 'Annie')
    world.clock.now += 3_600_000
    await remove()
    await patch('title', 'Chief')
    world.graph.changeUser(graphId, { properties: { jobTitle: 'Head', givenName: 'Anna' } })
    expect(await restored()).toMatchObject({
      told: [
        BACK,
        { attribute: 'firstname', ours: 'ann', theirs: 'Anna' },
        { attribute: 'jobTitle', ours: 'Chief', theirs: 'Head' },
      ],
      sent: [{ givenName: 'ann', jobTitle: 'Chief' }],
    })
  })

  test('is told of with its disabling, where its user was suspended meanwhile', async () => {
    const { remove, patch, restored } = await away()
    await remove()
    await patch('active', false)
    expect(await restored()).toMatchObject({
      told: [{ attribute: 'accountEnabled', ours: false, theirs: true }, BACK],
      sent: [{ accountEnabled: false }, 'POST /revokeSignInSessions'],
      counts: { corrected: 1 },
    })
  })

  test('is told of with its disabling, where its user was deleted meanwhile', async () => {
    const { remove, left, restored } = await away()
    await remove()
    await left('disable')
    expect(await restored()).toMatchObject({
      told: [{ attribute: 'accountEnabled', ours: false, theirs: true }, BACK],
      sent: [{ accountEnabled: false }, 'POST /revokeSignInSessions'],
      counts: { corrected: 1 },
    })
  })

  test('is told of with its deletion, where its user was deleted meanwhile and the directory says so', async () => {
    const { graphId, remove, left, restored } = await away()
    await remove()
    await left('delete')
    expect(await restored()).toMatchObject({
      told: [{ attribute: 'account', ours: null, theirs: graphId }, BACK],
      sent: ['DELETE '],
      counts: { corrected: 1 },
    })
  })

  test('is left alone, where its user was deleted meanwhile and the directory says so', async () => {
    const { remove, left, restored } = await away()
    await remove()
    await left('leave')
    expect(await restored()).toMatchObject({ sent: [], counts: { corrected: 0 } })
  })

  test('is told of with its new password, and with nothing of it', async () => {
    const { remove, patch, restored } = await away()
    await remove()
    await patch('password', 'Correct-Horse-9')
    const { told: rows, sent: writes } = await restored()
    expect(rows).toEqual([BACK, { attribute: 'password', ours: null, theirs: null }])
    expect(writes).toHaveLength(1)
  })

  test.each(['disable', 'delete'] as const)(
    'whose ending (%s) the threshold holds, is asked about once, and ended then',
    async (onDelete) => {
      const { world, graphId, remove, left } = await away()
      await remove()
      await left(onDelete)
      await world.lower({ count: 0, percent: 0 })
      world.clock.now += 3_600_000
      await world.restoreAccount(graphId)
      world.graph.journal.clear()
      const run = await world.run('enforce')
      expect(run).toMatchObject({ state: 'held', counts: { corrected: 0 }, error: { disables: 1 } })
      expect(sent(world)).toEqual([])
      expect(await world.decide(run, 'approve')).toMatchObject({ counts: { corrected: 1 } })
      expect(sent(world)).toEqual(
        onDelete === 'delete'
          ? ['DELETE ']
          : [{ accountEnabled: false }, 'POST /revokeSignInSessions'],
      )
    },
  )
})
