/**
 * Whoever is unbound lets go of its memberships before its binding becomes `former` (export.md section 5): while one of them is still
 * to be removed, the binding stays `unbinding` and waits with the group. What was refused for good is the group's failure.
 */
import type { Parting } from '../db/letting-go.ts'
import type { Round } from './context.ts'

/** Keeps the bindings of this round that would have ended while a membership is still to be removed. */
export function awaitLettingGo(round: Round): void {
  const removed = new Set(round.edges.filter(({ graphId }) => graphId === null).map(nameOf))
  const left = round.loaded.parting.filter((membership) => !removed.has(nameOf(membership)))
  for (const [memberId, memberships] of Map.groupBy(left, (membership) => membership.memberId)) {
    const draft = round.drafts.get(memberId)
    if (draft?.row.state !== 'former' || draft.before === undefined) continue
    const isUntold = memberships.some(({ isMarked }) => !isMarked)
    if (isUntold) round.parting.push(memberId)
    const tries = memberships.flatMap((membership) => nextTry(round, membership) ?? [])
    if (!isUntold && tries.length === 0) continue
    const dueAt = isUntold ? round.ports.clock.now() : Math.max(...tries)
    const { askedSequence, askedBefore, undoSequence } = draft.before
    const asked = { askedSequence, askedBefore, undoSequence }
    draft.row = { ...draft.row, state: 'unbinding', dueAt, ...asked }
  }
}

const nameOf = ({ groupId, memberId }: Pick<Parting, 'groupId' | 'memberId'>): string =>
  `${groupId} ${memberId}`

/** When the group is tried next; null when its removals were refused. */
const nextTry = ({ drafts }: Round, { groupId, dueAt }: Parting): number | null => {
  const group = drafts.get(groupId)
  return group === undefined ? dueAt : group.row.dueAt
}
