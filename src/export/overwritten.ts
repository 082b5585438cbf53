/**
 * Before a value that somebody else put into an account is overwritten for the first time, it is read: so a bind, and a change of a
 * direction, can be undone. Reads are cheap, and what was read is stored with the intent, before anything is sent.
 */
import { OVERWRITTEN_KEPT_MS } from '../db/overwritten-store.ts'
import { firstOverwrites, lostValues } from '../plan/overwrites.ts'
import type { Held, Snapshot, SnapshotKey } from '../plan/snapshot.ts'
import type { Round } from './context.ts'
import { putOff } from './finish.ts'
import { readRequest, readSeen } from './read-account.ts'
import { sendWave, type WaveItem } from './sending.ts'
import { isForNextRound } from './user-waves.ts'
import type { UserWork } from './user-work.ts'

interface Loss {
  readonly work: UserWork
  /** The attributes, by the event that makes us overwrite them. */
  readonly causes: ReadonlyMap<number, readonly SnapshotKey[]>
}

/** Reads what these users' writes overwrite for the first time. Whose account could not be read is put off. */
export async function readOverwritten(round: Round, works: readonly UserWork[]): Promise<void> {
  const losses = works.flatMap((work) => lossOf(round, work))
  if (losses.length === 0) return
  const outcomes = await sendWave(round, losses.map(toItem))
  for (const { work, causes } of losses) {
    const { target, row } = work.draft
    const outcome = outcomes.get(target.id)
    const seen = outcome?.kind === 'done' ? readSeen(outcome.body) : undefined
    if (seen !== undefined) {
      const sets: Snapshot = Object.assign({}, ...work.queue.map((write) => write.sets))
      for (const [sequence, keys] of causes) {
        const all: Held = Object.fromEntries(keys.map((key) => [key, seen[key] ?? null]))
        work.draft.held = { ...work.draft.held, ...all }
        const held = lostValues(keys, seen, sets)
        if (Object.keys(held).length === 0) continue
        round.overwritten.push({ userId: target.id, graphId: row.graphId ?? '', sequence, held })
      }
    } else if (outcome?.kind !== 'missing') putOff(round, work.draft)
  }
}

function lossOf(round: Round, work: UserWork): Loss[] {
  const { draft, plan, queue, isIntended } = work
  const { row, stopped } = draft
  const [next] = queue
  if (!isIntended || stopped || plan.action !== 'update' || row.graphId === null) return []
  if (next !== undefined && isForNextRound(draft, next)) return []
  const attributes = new Set(
    queue.filter(({ putsBack }) => putsBack !== true).flatMap((write) => write.attributes),
  )
  if (plan.awaitsManager !== null) attributes.add('manager')
  const isRecent =
    row.adoptedAt !== null && row.adoptedAt > round.ports.clock.now() - OVERWRITTEN_KEPT_MS
  const binding = { ...row, adoptedBy: isRecent ? row.boundSequence : null }
  const causes = firstOverwrites(binding, round.directions, attributes)
  return causes.size === 0 ? [] : [{ work, causes }]
}

function toItem({ work: { draft }, causes }: Loss): WaveItem {
  const request = readRequest(draft.row.graphId ?? '', [...causes.values()].flat())
  return { id: draft.target.id, context: { purpose: 'read', request } }
}
