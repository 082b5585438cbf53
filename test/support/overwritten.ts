/** Somebody whose account a direction has overwritten an hour ago: what undoing it sends, beside what else is owed. */
import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import { MANUAL, type PreviewedBind, previewedBind } from './previewed-bind.ts'
import type { Loose } from './seed.ts'

export const HOUR = 3_600_000

export interface Overwritten extends PreviewedBind {
  readonly ann: string
  readonly graphId: string
  /** Has the next write of Ann's account refused. */
  refuseOnce(): void
  /** Chooses directions, and gives what was sent because of it. */
  direct(directions: Loose): Promise<readonly string[]>
  title(value: string): Promise<void>
  suspend(): Promise<void>
  /** Changes Ann here, and has nothing carried out. */
  change(path: string, value: unknown): Promise<void>
  /** Asks to undo the last choice of export, and has nothing carried out; gives what reads the job. */
  ask(): Promise<() => Promise<Loose>>
  /** What was sent since that was asked, or a direction was chosen. */
  sent(): readonly string[]
  /** Tries what is due by now once: a command is carried out by the drain after the one that has met it. */
  tryOnce(): Promise<void>
  /** Undoes the last choice of export; gives the job when it is through, and what was sent. */
  undo(): Promise<{ readonly job: Loose; readonly sent: readonly string[] }>
  /** What Ann's account holds. */
  department(): unknown
}

/** Ann, whose department was Theirs until a direction overwrote it, an hour ago. */
export async function overwritten(settings: Loose = {}): Promise<Overwritten> {
  const each = await previewedBind({ ...MANUAL, ...settings })
  const { world } = each
  const path = `/directories/${world.directoryId}`
  const { journal } = world.graph
  const later = async () => {
    await world.settle()
    world.clock.now += HOUR
  }
  const sent = () =>
    journal
      .records()
      .filter(({ method, url }) => method !== 'GET' && !url.startsWith('/$batch'))
      .map(({ method, body }) => `${method} ${JSON.stringify(body)}`)
  const direct = async (directions: Loose) => {
    journal.clear()
    await world.api.patch(`${path}/attributes`, directions)
    await later()
    return sent()
  }
  await direct({ department: 'exclude' })
  const ann = await each.create('ann', { [ENTERPRISE_USER_URN]: { department: 'Ours' } })
  await each.bind([ann])
  world.clock.now += HOUR
  const graphId = String((await world.binding(ann))['graph_id'])
  world.graph.changeUser(graphId, { properties: { department: 'Theirs' } })
  await direct({ department: 'export' })
  const change = async (target: string, value: unknown) => {
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: target, value }])
  }
  const changed = async (target: string, value: unknown) => {
    await change(target, value)
    await later()
  }
  const ask = async () => {
    const { body } = await world.api.get('/events?type=integrationattribute_include&limit=1')
    const [{ id: eventId }] = body['items']
    journal.clear()
    const { body: job } = await world.api.post(`${path}/undo`, { eventId })
    return async () => (await world.api.get(`/jobs/${job['id']}`)).body
  }
  return {
    ...each,
    ann,
    graphId,
    direct,
    refuseOnce: () =>
      world.graph.faults.add({
        match: { method: 'PATCH', path: `^/users/${graphId}` },
        status: 403,
        code: 'Authorization_RequestDenied',
        message: 'Insufficient privileges to complete the operation.',
      }),
    title: (value) => changed('title', value),
    suspend: () => changed('active', false),
    change,
    ask,
    sent,
    async tryOnce() {
      await world.drain()
      await world.drain()
    },
    async undo() {
      const job = await ask()
      await later()
      return { job: await job(), sent: sent() }
    },
    department: () => world.graph.summary().users.find(({ id }) => id === graphId)?.['department'],
  }
}
