/**
 * Before a value that somebody else put into an account is overwritten for the first time, it is read: so a bind, and a change of a
 * direction, can be undone. Reads are cheap, and what was read is stored with the intent, before anything is sent.
 */
import { OVERWRITTEN_KEPT_MS } from '../db/overwritten-store.ts'
import { firstOverwrites, lostValues, type OverwritingBinding } from '../plan/overwrites.ts'
import type { Held, Snapshot, SnapshotKey } from '../plan/snapshot.ts'
import type { Round } from './context.ts'
import { putOff } from './finish.ts'
import { bindOfManager } from './manager.ts'
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
  const isWritten = plan.action === 'update' || plan.action === 'none'
  if (!isIntended || stopped || !isWritten || row.graphId === null) return []
  if (next !== undefined && isForNextRound(draft, next)) return []
  const attributes = new Set(
    queue.filter(({ putsBack }) => putsBack !== true).flatMap((write) => write.attributes),
  )
  // The manager may get an account in this very round, and is linked in it then.
  if (plan.awaitsManager !== null && round.drafts.has(plan.awaitsManager)) attributes.add('manager')
  const causes = firstOverwrites(overwriting(round, work), round.directions, attributes)
  return causes.size === 0 ? [] : [{ work, causes }]
}

function overwriting(round: Round, { draft: { row }, user }: UserWork): OverwritingBinding {
  const { adoptedAt, boundSequence } = row
  const isRecent = adoptedAt !== null && adoptedAt > round.ports.clock.now() - OVERWRITTEN_KEPT_MS
  const managerBind = bindOfManager(round, user)
  const hasWaited = managerBind !== null && managerBind > (boundSequence ?? 0)
  return {
    ...row,
    adoptedBy: isRecent ? boundSequence : null,
    managerBoundBy: hasWaited ? managerBind : null,
  }
}

function toItem({ work: { draft }, causes }: Loss): WaveItem {
  const request = readRequest(draft.row.graphId ?? '', [...causes.values()].flat())
  return { id: draft.target.id, context: { purpose: 'read', request } }
}
