/** The memberships of a round: additions twenty at a time, removals one by one, the writes of one group as a chain. */
import { MEMBERS, readWholeGroup } from '../db/whole-group.ts'
import type { Edge } from '../db/round-store.ts'
import { REPLICATION_SECONDS } from '../graph/outcome-match.ts'
import type { Outcome } from '../graph/outcome.ts'
import { type MemberWrite, planMembers } from '../plan/group-plan.ts'
import { addMember } from '../plan/requests.ts'
import type { Round } from './context.ts'
import { type Draft, fail } from './draft.ts'
import { type EdgePlan, planEdge } from './edges.ts'
import { sendWave, storeIntent, type WaveItem } from './sending.ts'
import { settleWrite } from './settle.ts'

interface MemberStep {
  readonly id: string
  readonly draft: Draft
  readonly write: MemberWrite
  readonly edges: readonly EdgePlan[]
}

/** Groups of which a page is compared as a whole: more would make more of a round than one statement takes. */
const PAGES = 4

/** At most so many links of a group go out in one wave: one serial envelope. */
const CHAIN = 20

/** What the functions below share. */
interface Members {
  readonly round: Round
  /** Groups that have more to do. */
  readonly unsettled: Set<string>
  /** What went wrong with a membership, by group: it is told once, when every other was tried. */
  readonly failures: Map<string, Outcome>
  /** Where the page of a whole comparison began, by group. */
  readonly pageStart: Map<string, string>
}

/** Brings the memberships of these groups up to date; gives the ids of those that have more to do. */
export async function exportMembers(round: Round, drafts: readonly Draft[]): Promise<Set<string>> {
  const members: Members = {
    round,
    unsettled: new Set(),
    failures: new Map(),
    pageStart: new Map(),
  }
  let steps: MemberStep[] = []
  for (const draft of drafts) {
    const edges = await edgesOf(members, draft)
    steps.push(...stepsOf(round, draft, edges))
  }
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
  for (const draft of drafts) {
    const failure = members.failures.get(draft.target.id)
    if (failure !== undefined) settleFailure(round, draft, failure)
    // The rest of a group that is compared as a whole does not wait for one member of it.
    if (failure !== undefined && draft.row.memberCursor !== null)
      draft.row = { ...draft.row, dueAt: round.ports.clock.now(), state: 'owed' }
  }
  return members.unsettled
}

/** The memberships to look at: those that the log names or that wait, and the next page of a whole comparison. */
async function edgesOf(members: Members, draft: Draft): Promise<readonly Edge[]> {
  const { round, unsettled, pageStart } = members
  const { target, row } = draft
  const named = round.loaded.edges.filter(({ groupId }) => groupId === target.id)
  const cursor = target.whole ? '' : row.memberCursor
  if (cursor === null) return named
  if (pageStart.size >= PAGES) {
    draft.row = { ...row, memberCursor: cursor, dueAt: round.ports.clock.now() }
    unsettled.add(target.id)
    return named
  }
  const page = await readWholeGroup(round.ports.database, round.key, target.id, cursor)
  pageStart.set(target.id, cursor)
  draft.row = { ...draft.row, memberCursor: page.nextCursor }
  if (page.nextCursor !== null) {
    draft.row = { ...draft.row, dueAt: round.ports.clock.now() }
    unsettled.add(target.id)
  }
  const isAsked = row.unknown.includes(MEMBERS)
  const known = new Set(named.map(({ memberId }) => memberId))
  const others = page.edges.filter(({ memberId }) => !known.has(memberId))
  return [...named, ...others].map((edge) => (isAsked ? { ...edge, unknown: true } : edge))
}

function stepsOf(round: Round, draft: Draft, edges: readonly Edge[]): MemberStep[] {
  const wanted = new Set(edges.flatMap((edge) => (edge.isMember ? graphIdOf(round, edge) : [])))
  const plans = edges
    .map((edge) => planEdge(edge, graphIdOf(round, edge)))
    .map((plan) => withoutPassedOn(round, plan, wanted))
  for (const plan of plans) noteWaiting(round, plan)
  const writes = planMembers({
    graphBase: round.ports.graphBase,
    groupGraphId: draft.row.graphId ?? '',
    add: plans.flatMap(({ add }) => (add === null ? [] : [add])),
    remove: plans.flatMap(({ remove }) => (remove === null ? [] : [remove])),
  })
  return writes.map((write, i) => {
    const concerned = plans.filter(
      ({ add, remove }) =>
        (add !== null && write.adds.includes(add)) ||
        (remove !== null && write.removes.includes(remove)),
    )
    return { id: `${draft.target.id}.${i}`, draft, write, edges: concerned }
  })
}

/** An account that passed from one user to another stays a member under the other: only our row of it goes. */
function withoutPassedOn(
  round: Round,
  plan: EdgePlan,
  wanted: ReadonlySet<string | null>,
): EdgePlan {
  const { edge, remove } = plan
  const isPassedOn = edge.passedOn || wanted.has(remove)
  if (remove === null || edge.isMember || !isPassedOn) return plan
  const { groupId, memberId } = edge
  const exportedAt = round.ports.clock.now()
  round.edges.push({ groupId, memberId, graphId: null, unknown: false, exportedAt })
  return { ...plan, remove: null }
}

const isUnknown = ({ edges }: MemberStep): boolean => edges.some(({ edge }) => edge.unknown)

const graphIdOf = (round: Round, edge: Edge): string | null =>
  round.graphIds.has(edge.memberId) ? (round.graphIds.get(edge.memberId) ?? null) : edge.graphId

/** A member without a Graph id is waited for; one that asks for nothing is waited for no longer. */
function noteWaiting(round: Round, { edge, add, remove, awaits }: EdgePlan): void {
  if (awaits) round.awaits.push({ awaitedId: edge.memberId, waiterId: edge.groupId })
  else if (add === null && remove === null) noteArrived(round, edge)
}

/** Only what is stored as exported or as unknown will be met again without its waiting. */
const noteArrived = (round: Round, { groupId, memberId }: Edge): void => {
  round.arrived.push({ awaitedId: memberId, waiterId: groupId })
}

function intendEdges(round: Round, steps: readonly MemberStep[]): void {
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
      })
    for (const { edge } of edges)
      for (const graphId of [...write.adds, ...write.removes])
        if (isAbout(edge, graphId, write, round))
          round.intent.edges.push({ groupId: id, memberId: edge.memberId, graphId })
  }
}

const isAbout = (edge: Edge, graphId: string, write: MemberWrite, round: Round): boolean =>
  write.adds.includes(graphId) ? graphIdOf(round, edge) === graphId : edge.exportedAs === graphId

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

/**
 * A membership that was not reached is met again: in the log, which the position does not pass; among those that wait; or
 * in the page of a whole comparison, which begins again where it began.
 */
function putOff(members: Members, { draft, edges }: MemberStep): void {
  const { round, unsettled, pageStart } = members
  const { target } = draft
  unsettled.add(target.id)
  const isRemembered = edges.every(({ edge }) => edge.unknown)
  if (!isRemembered) round.cut.add(target)
  const start = pageStart.get(target.id)
  if (start !== undefined) draft.row = { ...draft.row, memberCursor: start }
  if (draft.row.dueAt === null && (target.due || isRemembered || start !== undefined))
    draft.row = { ...draft.row, dueAt: round.ports.clock.now(), state: 'owed' }
}

/** A membership that could not be written is unknown until it is: so it is met again, whatever the log says by then. */
const remember = (round: Round, { edge, add, remove, awaits }: EdgePlan): void => {
  const { groupId, memberId } = edge
  if (!awaits) noteArrived(round, edge)
  const exportedAt = edge.exportedAt ?? round.ports.clock.now()
  round.edges.push({ groupId, memberId, graphId: remove ?? add, unknown: true, exportedAt })
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

function settleStep(members: Members, step: MemberStep, outcome: Outcome): MemberStep[] {
  const { round, unsettled } = members
  const { draft, write, edges } = step
  if (outcome.kind === 'done' || outcome.kind === 'alreadyDone') {
    draft.writes += 1
    draft.attributes.add('members')
    draft.row = { ...draft.row, exportedAt: round.ports.clock.now() }
    // What the group itself was refused for stays told.
    if (!draft.stopped) draft.row = { ...draft.row, attempts: 0, error: null }
    for (const plan of edges) storeEdge(round, plan, write)
    return []
  }
  if (outcome.kind === 'retry' && outcome.reason === 'earlier_failed') return [step]
  const cannotTell = ['splitNeeded', 'permanent', 'missing', 'conflict'].includes(outcome.kind)
  if (cannotTell && write.adds.length > 1) return singles(round, step)
  if (isNotSent(outcome)) {
    putOff(members, step)
    return []
  }
  unsettled.add(draft.target.id)
  members.failures.set(draft.target.id, outcome)
  for (const plan of edges) remember(round, plan)
  return []
}

/** Throttled, or behind one that was: the round is over, and nothing is wrong with the membership. */
const isNotSent = (outcome: Outcome): boolean =>
  outcome.kind === 'throttled' || (outcome.kind === 'retry' && outcome.reason === 'not_sent')

function settleFailure(round: Round, draft: Draft, outcome: Outcome): void {
  if (outcome.kind === 'splitNeeded' || outcome.kind === 'restart')
    return fail(draft, {
      code: outcome.kind,
      message: 'Microsoft 365 answered a membership in a way that is not understood.',
      whatToDo: 'Export the group again.',
    })
  if (outcome.kind === 'missing')
    return fail(draft, {
      code: 'member_missing',
      message: 'A member of the group does not exist in Microsoft 365 any more.',
      whatToDo:
        'Restore the account in Microsoft 365 (Entra ID, Deleted users), or export that user again.',
    })
  const write = { purpose: 'update', sets: {}, attributes: [], carriesPassword: false } as const
  const { clock, random } = round.ports
  settleWrite(draft, write, outcome, { now: clock.now(), random }, null)
}

/** Twenty additions fail together when one cannot be added: one by one they show which. */
function singles(round: Round, { id, draft, write, edges }: MemberStep): MemberStep[] {
  return write.adds.map((graphId, i) => ({
    id: `${id}.${i}`,
    draft,
    write: {
      request: addMember(round.ports.graphBase, draft.row.graphId ?? '', graphId),
      adds: [graphId],
      removes: [],
    },
    edges: edges.filter(({ add }) => add === graphId),
  }))
}

/** What Graph holds now; an exchange of Graph ids is through when the new one was added. */
function storeEdge(round: Round, plan: EdgePlan, write: MemberWrite): void {
  const { edge, add, remove } = plan
  const { groupId, memberId } = edge
  const exportedAt = round.ports.clock.now()
  if (!plan.awaits) noteArrived(round, edge)
  if (add !== null && write.adds.includes(add))
    round.edges.push({ groupId, memberId, graphId: add, unknown: false, exportedAt })
  else if (add === null && remove !== null && write.removes.includes(remove))
    round.edges.push({ groupId, memberId, graphId: null, unknown: false, exportedAt })
}
