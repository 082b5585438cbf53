/** What the memberships of a group ask for: which of them are looked at, and the writes that bring Graph up to date. */
import type { Edge } from '../db/round-edges.ts'
import { MEMBERS, readWholeGroup } from '../db/whole-group.ts'
import type { MemberIds } from '../graph/members.ts'
import type { Outcome } from '../graph/outcome.ts'
import { type MemberWrite, planMembers } from '../plan/group-plan.ts'
import type { Round } from './context.ts'
import type { Draft } from './draft.ts'
import { type EdgePlan, isFound, planEdge, withFinding } from './edges.ts'
import { foundIn } from './found-alone.ts'
import { toldMembers } from './told-members.ts'

/** One write of a group, and the memberships that it is about. */
export interface MemberStep {
  readonly id: string
  readonly draft: Draft
  readonly write: MemberWrite
  readonly edges: readonly EdgePlan[]
}

/** What the last write of memberships came to that went wrong, and which members Graph did not know in any of them. */
interface MemberFailure {
  readonly outcome: Outcome
  readonly missing: readonly string[]
}

/** A page of a whole comparison: where it began, and the members on it, in order. */
interface WholePage {
  readonly start: string
  readonly memberIds: readonly string[]
}

/** What the memberships of a round share. */
export interface Members {
  readonly round: Round
  /** Groups that have more to do. */
  readonly unsettled: Set<string>
  /** What went wrong with a membership, by group: it is told once, when every other was tried. */
  readonly failures: Map<string, MemberFailure>
  /** The page of a whole comparison, by group. */
  readonly pages: Map<string, WholePage>
}

/** The memberships to look at of a group, as writes. */
export async function stepsOf(members: Members, draft: Draft): Promise<MemberStep[]> {
  return planSteps(members.round, draft, await edgesOf(members, draft))
}

/** Groups of which a page is compared as a whole: more would make more of a round than one statement takes. */
const PAGES = 4

/** The memberships to look at: those that the log names or that wait, and the next page of a whole comparison. */
async function edgesOf(members: Members, draft: Draft): Promise<readonly Edge[]> {
  const { round, unsettled, pages } = members
  const { target, row } = draft
  const named = round.loaded.edges
    .filter(({ groupId }) => groupId === target.id)
    .map((edge) => withFinding(target, edge))
  if (draft.only !== undefined) return named.filter((edge) => isFound(target, edge))
  const cursor = target.whole ? '' : row.memberCursor
  if (cursor === null) return named
  if (pages.size >= PAGES) {
    draft.row = { ...row, memberCursor: cursor, dueAt: round.ports.clock.now() }
    unsettled.add(target.id)
    return named
  }
  const page = await readWholeGroup(round.ports.database, round.key, target.id, cursor)
  pages.set(target.id, { start: cursor, memberIds: page.edges.map(({ memberId }) => memberId) })
  draft.row = { ...draft.row, memberCursor: page.nextCursor }
  if (page.nextCursor !== null) {
    draft.row = { ...draft.row, dueAt: round.ports.clock.now() }
    unsettled.add(target.id)
  }
  const known = new Set(named.map(({ memberId }) => memberId))
  const others = page.edges.filter(({ memberId }) => !known.has(memberId))
  const edges = [...named, ...others]
  if (!row.unknown.includes(MEMBERS) || row.graphId === null) return edges
  const told = await toldMembers(round, row.graphId, cursor)
  return edges.map((edge) => (isTold(edge, told) ? edge : { ...edge, unknown: true }))
}

/** Whether Microsoft 365 holds what was exported of the membership: it has not to be sent again. */
const isTold = ({ unknown, exportedAs }: Edge, told: MemberIds | undefined): boolean =>
  !unknown && (exportedAs === null || told?.has(exportedAs) === true)

function planSteps(round: Round, draft: Draft, edges: readonly Edge[]): MemberStep[] {
  const wanted = new Set(edges.flatMap((edge) => (edge.isMember ? graphIdOf(round, edge) : [])))
  const plans = edges
    .map((edge) => planEdge(edge, graphIdOf(round, edge)))
    .map((plan) => withoutLeft(round, plan, wanted))
  for (const plan of plans) noteWaiting(round, plan)
  const writes = planMembers({
    graphBase: round.ports.graphBase,
    groupGraphId: draft.row.graphId ?? '',
    add: plans.flatMap(({ add }) => (add === null ? [] : [add])),
    remove: plans.flatMap(({ remove }) => (remove === null ? [] : [remove])),
  })
  const steps = writes.map((write, i) => {
    const concerned = plans.filter(
      ({ add, remove }) =>
        (add !== null && write.adds.includes(add)) ||
        (remove !== null && write.removes.includes(remove)),
    )
    return { id: `${draft.target.id}.${i}`, draft, write, edges: concerned }
  })
  // Removals first, for nobody is to keep what was taken away. Then the order of the page: what the quota does not reach is its end.
  const isAddition = ({ write }: MemberStep): number => (write.adds.length > 0 ? 1 : 0)
  return steps.toSorted(
    (a, b) => isAddition(a) - isAddition(b) || (firstMember(a) < firstMember(b) ? -1 : 1),
  )
}

/** The lowest id of the members that a write is about. */
export const firstMember = ({ edges }: Pick<MemberStep, 'edges'>): string =>
  edges.map(({ edge }) => edge.memberId).toSorted()[0] ?? ''

/**
 * An account that passed from one user to another stays a member under the other; and so does one that was a member before its bind,
 * which is being undone: only our row of it goes.
 */
function withoutLeft(round: Round, plan: EdgePlan, wanted: ReadonlySet<string | null>): EdgePlan {
  const { edge, remove } = plan
  const isPassedOn = !edge.isMember && (edge.passedOn || wanted.has(remove))
  if (remove === null || !(isPassedOn || edge.isTheirs)) return plan
  const { groupId, memberId } = edge
  const exportedAt = round.ports.clock.now()
  round.edges.push({ groupId, memberId, graphId: null, unknown: false, exportedAt })
  return { ...plan, remove: null }
}

const graphIdOf = (round: Round, edge: Edge): string | null =>
  round.graphIds.has(edge.memberId) ? (round.graphIds.get(edge.memberId) ?? null) : edge.graphId

/** A member without a Graph id is waited for; one that asks for nothing is waited for no longer. */
function noteWaiting(round: Round, { edge, add, remove, awaits }: EdgePlan): void {
  if (awaits) round.awaits.push({ awaitedId: edge.memberId, waiterId: edge.groupId })
  else if (add === null && remove === null) noteArrived(round, edge)
}

/** Only what is stored as exported or as unknown will be met again without its waiting. */
export const noteArrived = (round: Round, { groupId, memberId }: Edge): void => {
  round.arrived.push({ awaitedId: memberId, waiterId: groupId })
}

/** Names the writes in the intent: what has no answer is unknown afterwards. */
export function intendEdges(round: Round, steps: readonly MemberStep[]): void {
  for (const { draft, write, edges } of steps) {
    const { id } = draft.target
    if (!round.intent.writes.some((intended) => intended.id === id))
      round.intent.writes.push({
        kind: 'group',
        id,
        reason: draft.row.reason,
        creatingAs: null,
        attributes: [],
        isTaking: false,
        ...foundIn(draft),
      })
    for (const { edge } of edges)
      for (const graphId of [...write.adds, ...write.removes])
        if (isAbout(edge, graphId, write, round))
          round.intent.edges.push({ groupId: id, memberId: edge.memberId, graphId })
  }
}

const isAbout = (edge: Edge, graphId: string, write: MemberWrite, round: Round): boolean =>
  write.adds.includes(graphId) ? graphIdOf(round, edge) === graphId : edge.exportedAs === graphId
