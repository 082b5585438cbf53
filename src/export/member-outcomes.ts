/** What becomes of a membership when its write was answered, or was not. */
import type { Outcome } from '../graph/outcome.ts'
import type { MemberWrite } from '../plan/group-plan.ts'
import { addMember } from '../plan/requests.ts'
import type { Round } from './context.ts'
import { type BindingError, type Draft, fail } from './draft.ts'
import { type EdgePlan, isFound } from './edges.ts'
import { settleGoneGroup } from './gone-group.ts'
import { missingError } from './member-missing.ts'
import { firstMember, type Members, type MemberStep, noteArrived } from './member-steps.ts'
import { SETS_NOTHING, settleWrite } from './settle.ts'

/** Takes the outcome of one write; gives the steps that have to be tried in another shape. */
export function settleStep(members: Members, step: MemberStep, outcome: Outcome): MemberStep[] {
  const { round, unsettled } = members
  const { draft, write, edges } = step
  if (outcome.kind === 'done' || outcome.kind === 'alreadyDone') {
    draft.writes += 1
    draft.sent.set('members', {})
    draft.row = { ...draft.row, exportedAt: round.ports.clock.now() }
    // What the group itself was refused for stays told.
    if (!draft.stopped) draft.row = { ...draft.row, attempts: 0, error: null }
    for (const plan of edges) storeEdge(round, plan, write, outcome)
    noteTold(round, draft, write)
    return []
  }
  if (outcome.kind === 'retry' && outcome.reason === 'earlier_failed') return [step]
  const cannotTell = ['splitNeeded', 'permanent', 'missing', 'conflict'].includes(outcome.kind)
  if (cannotTell && write.adds.length > 1 && !isOfGroup(outcome, draft)) return singles(round, step)
  if (isNotSent(outcome)) {
    putOff(members, step)
    return []
  }
  unsettled.add(draft.target.id)
  noteFailure(members, step, outcome)
  for (const plan of edges) remember(round, plan)
  return []
}

function noteFailure({ failures }: Members, { draft, edges }: MemberStep, outcome: Outcome): void {
  const { missing = [] } = failures.get(draft.target.id) ?? {}
  const more = outcome.kind === 'missing' ? edges.map(({ edge }) => edge.memberId) : []
  failures.set(draft.target.id, { outcome, missing: [...new Set([...missing, ...more])] })
}

/** Graph does not know the group itself: no member of it is what is wrong. */
const isOfGroup = (outcome: Outcome, { row }: Draft): boolean =>
  outcome.kind === 'missing' && outcome.objectId === row.graphId

/** Throttled, or behind one that was: the round is over, and nothing is wrong with the membership. */
const isNotSent = (outcome: Outcome): boolean =>
  outcome.kind === 'throttled' || (outcome.kind === 'retry' && outcome.reason === 'not_sent')

/**
 * A membership that was not reached is met again: in the log, which the position does not pass; among those that wait; or
 * in the page of a whole comparison, which goes on before the first of them.
 */
export function putOff(members: Members, step: MemberStep): void {
  const { round, unsettled, pages } = members
  const { draft, edges } = step
  const { target } = draft
  unsettled.add(target.id)
  const isRemembered = edges.every(({ edge }) => edge.unknown && !isFound(target, edge))
  if (!isRemembered) round.cut.add(target)
  const page = pages.get(target.id)
  if (page !== undefined) {
    const before = page.memberIds.findLast((id) => id < firstMember(step)) ?? page.start
    const { memberCursor } = draft.row
    if (memberCursor === null || before < memberCursor)
      draft.row = { ...draft.row, memberCursor: before }
  }
  if (draft.row.dueAt === null && (target.due || isRemembered || page !== undefined))
    draft.row = { ...draft.row, dueAt: round.ports.clock.now(), state: 'owed' }
}

/** What was told of the group's members stays true by our own writes. */
function noteTold({ told }: Round, { row }: Draft, { adds, removes }: MemberWrite): void {
  const members = told.get(row.graphId ?? '')
  for (const graphId of adds) members?.add(graphId)
  for (const graphId of removes) members?.delete(graphId)
}

/** What Graph holds now; an exchange of Graph ids is through when the new one was added. */
function storeEdge(round: Round, plan: EdgePlan, write: MemberWrite, { kind }: Outcome): void {
  const { edge, add, remove } = plan
  const { groupId, memberId } = edge
  const exportedAt = round.ports.clock.now()
  const before = kind === 'done' ? { wasThere: false } : isFirst(plan) ? { wasThere: true } : {}
  if (!plan.awaits) noteArrived(round, edge)
  if (add !== null && write.adds.includes(add))
    round.edges.push({ groupId, memberId, graphId: add, unknown: false, exportedAt, ...before })
  else if (add === null && remove !== null && write.removes.includes(remove))
    round.edges.push({
      groupId,
      memberId,
      graphId: null,
      unknown: false,
      exportedAt,
      mayReturn: kind === 'alreadyDone' && deletesAccounts(round),
    })
}

/** Whether whoever is let go of here is deleted there: the account may come back with its memberships. */
const deletesAccounts = ({ settings: { onDelete, onUnbind } }: Round): boolean =>
  onDelete === 'delete' || onUnbind === 'delete'

/** Whether none of our writes can have made the account a member before: not even one that has no answer. */
const isFirst = ({ edge: { exportedAs, unknown }, add }: EdgePlan): boolean =>
  exportedAs !== add && !unknown

/** A membership that could not be written is unknown until it is: so it is met again, whatever the log says by then. */
const remember = (round: Round, { edge, add, remove, awaits }: EdgePlan): void => {
  const { groupId, memberId } = edge
  if (!awaits) noteArrived(round, edge)
  const exportedAt = edge.exportedAt ?? round.ports.clock.now()
  round.edges.push({ groupId, memberId, graphId: remove ?? add, unknown: true, exportedAt })
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

/** What went wrong with a membership becomes the failure of its group, once every other was tried. */
export function settleFailure({ round, failures }: Members, draft: Draft): void {
  const failure = failures.get(draft.target.id)
  if (failure === undefined) return
  const { outcome, missing } = failure
  if (isOfGroup(outcome, draft)) return settleGoneGroup(round, draft)
  const { clock, random } = round.ports
  const error = outcome.kind === 'missing' ? missingError(missing) : errorOf(outcome)
  if (error !== undefined) fail(draft, error)
  else settleWrite(draft, SETS_NOTHING, outcome, { now: clock.now(), random }, null)
  // The rest of a group that is compared as a whole does not wait for one member of it.
  if (draft.row.memberCursor !== null)
    draft.row = { ...draft.row, dueAt: clock.now(), state: 'owed' }
}

/** What an administrator reads where the outcome means something else for a membership than for an object. */
function errorOf({ kind }: Outcome): BindingError | undefined {
  if (kind !== 'splitNeeded' && kind !== 'restart') return undefined
  return {
    code: kind,
    message: 'Microsoft 365 answered a membership in a way that is not understood.',
    whatToDo: 'Export the group again.',
  }
}
