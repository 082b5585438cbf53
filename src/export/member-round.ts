/** The memberships of a round: additions twenty at a time, removals one by one, the writes of one group as a chain. */
import { REPLICATION_SECONDS } from '../graph/outcome-match.ts'
import type { Round } from './context.ts'
import type { Draft } from './draft.ts'
import { putOff, settleFailure, settleStep } from './member-outcomes.ts'
import { intendEdges, type Members, type MemberStep, stepsOf } from './member-steps.ts'
import { sendWave, storeIntent, type WaveItem } from './sending.ts'

/** At most so many links of a group go out in one wave: one serial envelope. */
const CHAIN = 20

/** Brings the memberships of these groups up to date; gives the ids of those that have more to do. */
export async function exportMembers(round: Round, drafts: readonly Draft[]): Promise<Set<string>> {
  const members: Members = {
    round,
    unsettled: new Set(),
    failures: new Map(),
    pages: new Map(),
  }
  let steps: MemberStep[] = []
  for (const draft of drafts) steps.push(...(await stepsOf(members, draft)))
  // What is unknown already is tried last: it must not keep out what is new.
  steps = steps.toSorted((a, b) => Number(isUnknown(a)) - Number(isUnknown(b)))
  for (const step of steps.slice(round.tokens)) putOff(members, step)
  steps = steps.slice(0, round.tokens)
  if (steps.length === 0) return members.unsettled
  intendEdges(round, steps)
  await storeIntent(round)
  while (steps.length > 0) {
    const [wave, later] = nextWave(members, steps)
    if (wave.length === 0) break
    steps = [...(await sendMemberWave(members, wave)), ...later]
  }
  for (const draft of drafts) settleFailure(members, draft)
  return members.unsettled
}

const isUnknown = ({ edges }: MemberStep): boolean => edges.some(({ edge }) => edge.unknown)

/** The steps that the tokens reach, at most one chain a group; the groups of the others are left for a later round. */
function nextWave(
  members: Members,
  steps: readonly MemberStep[],
): readonly [wave: MemberStep[], later: MemberStep[]] {
  const { round } = members
  const wave: MemberStep[] = []
  const later: MemberStep[] = []
  const chains = new Map<string, number>()
  for (const step of steps) {
    const { draft } = step
    const length = chains.get(draft.target.id) ?? 0
    if (round.tokens <= 0 || round.halt !== null) putOff(members, step)
    else if (length >= CHAIN) later.push(step)
    else {
      round.tokens -= 1
      chains.set(draft.target.id, length + 1)
      wave.push(step)
    }
  }
  return [wave, later]
}

/** Sends one wave and gives the steps that have to be tried in another shape. */
async function sendMemberWave(
  members: Members,
  wave: readonly MemberStep[],
): Promise<MemberStep[]> {
  const { round } = members
  const items = wave.map((step): WaveItem => {
    const { request, removes } = step.write
    const purpose = removes.length > 0 ? 'remove_member' : 'add_members'
    const context = { purpose, request, ...ageOf(round, step) } as const
    return { id: step.id, chain: step.draft.target.id, context }
  })
  const outcomes = await sendWave(round, items)
  return wave.flatMap((step) => {
    const outcome = outcomes.get(step.id)
    return outcome === undefined ? [] : settleStep(members, step, outcome)
  })
}

/**
 * A removal that Graph does not know of may be one of a member who was added moments ago, and whom a replica does not know
 * yet. A member to be added may have been created moments ago; when is not loaded, so lag is assumed at first.
 */
function ageOf({ ports }: Round, { draft, write, edges }: MemberStep): { ageSeconds?: number } {
  if (write.removes.length === 0) return { ageSeconds: draft.row.attempts < 3 ? 0 : NOT_YOUNG }
  const addedAt = Math.max(...edges.map(({ edge }) => edge.exportedAt ?? 0))
  return { ageSeconds: (ports.clock.now() - addedAt) / 1000 }
}

/** Older than any replica lag. */
const NOT_YOUNG = REPLICATION_SECONDS + 1
