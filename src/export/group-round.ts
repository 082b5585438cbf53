/** The groups of a round: first the groups themselves, then their memberships, which may name users created just before. */
import { MEMBERS } from '../db/whole-group.ts'
import { groupUniqueName, type GroupSnapshot } from '../plan/group-plan.ts'
import type { PlannedWrite } from '../plan/planned.ts'
import { isRemoval } from '../plan/removal.ts'
import { getGroup } from '../plan/requests.ts'
import type { Round } from './context.ts'
import { ageOf, type Draft } from './draft.ts'
import { foundIn, keepEarlier, keepWaiting } from './found-alone.ts'
import { isGone, isToldGone, settleGoneGroup } from './gone-group.ts'
import { leaveUnreached, noteEvent, settleState } from './finish.ts'
import { type GroupWork, lookForEnding, openGroupWorks, planWork } from './group-work.ts'
import { exportMembers } from './member-round.ts'
import { heldRemovals, noteRemoval, settleHeld } from './removals.ts'
import { sendWave, storeIntent, type WaveItem } from './sending.ts'
import { settleWrite } from './settle.ts'

/** Carries the round's groups and memberships as far as the tokens reach. */
export async function exportGroups(round: Round): Promise<void> {
  const works = openGroupWorks(round)
  await lookForEnding(round, works)
  await holdDeletions(round, works)
  await sendGroups(round, works)
  // Whatever ends with this round is no member of another group any more.
  for (const work of works) if (isEnded(round, work)) round.graphIds.set(work.draft.target.id, null)
  const ready = works.filter((work) => isReady(round, work))
  const unsettled = await exportMembers(
    round,
    ready.map(({ draft }) => draft),
  )
  for (const work of works) finishGroup(round, work, unsettled.has(work.draft.target.id))
}

/** Deletions beyond the directory's threshold are held. */
async function holdDeletions(round: Round, works: readonly GroupWork[]): Promise<void> {
  const held = await heldRemovals(round, works)
  for (const { draft } of works) {
    const error = held.get(draft.target.id)
    if (error !== undefined) settleHeld(draft, error)
  }
}

type GroupStep = readonly [work: GroupWork, write: PlannedWrite<GroupSnapshot>]

/** Creates, renames and deletes: one write a group. */
async function sendGroups(round: Round, works: readonly GroupWork[]): Promise<void> {
  const steps: GroupStep[] = []
  for (const work of works) {
    const [write] = work.plan.writes
    if (write === undefined || work.draft.stopped) continue
    if (round.tokens <= 0 || round.halt !== null) {
      leaveUnreached(round, work.draft)
      continue
    }
    round.tokens -= 1
    steps.push([work, write])
    const { id } = work.draft.target
    const attributes = [...write.attributes]
    const isTaking = isRemoval(write)
    const { reason } = work.draft.row
    round.intent.writes.push({
      kind: 'group',
      id,
      reason,
      creatingAs: null,
      attributes,
      isTaking,
      ...foundIn(work.draft),
    })
  }
  if (steps.length === 0) return
  await storeIntent(round)
  const outcomes = await sendWave(
    round,
    steps.map((step) => toItem(round, step)),
  )
  for (const [work, write] of steps) {
    const { draft } = work
    const outcome = outcomes.get(draft.target.id)
    if (outcome === undefined) continue
    work.isUnseen = outcome.kind === 'notReplicated'
    const { clock, random } = round.ports
    if (outcome.kind === 'missing' && write.purpose === 'update') settleGoneGroup(round, draft)
    else settleWrite(draft, write, outcome, { now: clock.now(), random }, null)
    noteRemoval(round, draft, write, outcome)
  }
  await readCreatedIds(round, works)
  for (const { draft } of works) round.graphIds.set(draft.target.id, draft.row.graphId)
}

function toItem(round: Round, [{ draft }, write]: GroupStep): WaveItem {
  const purpose =
    write.purpose === 'create'
      ? 'create_group'
      : write.purpose === 'delete'
        ? 'delete_group'
        : 'update_group'
  return {
    id: draft.target.id,
    context: {
      purpose,
      request: write.request(draft.row.graphId ?? ''),
      ...ageOf(draft, round.ports.clock.now()),
    },
  }
}

/** An upsert that met its group answers without an id. */
async function readCreatedIds(round: Round, works: readonly GroupWork[]): Promise<void> {
  const nameless = works.filter(
    ({ draft, plan }) => plan.action === 'create' && draft.writes > 0 && draft.row.graphId === null,
  )
  if (nameless.length === 0) return
  const items = nameless.map(({ draft }): WaveItem => {
    const request = getGroup(groupUniqueName(round.key.organizationId, draft.target.id))
    // It was written just now: a replica that does not know it lags.
    return { id: draft.target.id, context: { purpose: 'read', request, ageSeconds: 0 } }
  })
  const outcomes = await sendWave(round, items)
  const { clock, random } = round.ports
  for (const { draft, plan } of nameless) {
    const outcome = outcomes.get(draft.target.id)
    const [write] = plan.writes
    // Its answer tells the id, as the create's own would have; without it the upsert is simply repeated.
    if (write !== undefined && outcome !== undefined)
      settleWrite(draft, write, outcome, { now: clock.now(), random }, null)
  }
}

const isReady = (round: Round, work: GroupWork): boolean =>
  work.plan.action !== 'end' && !isWithoutGroup(work) && !round.unreached.has(work.draft.target)

const isEnded = (round: Round, { draft, plan }: GroupWork): boolean =>
  plan.action === 'end' && !draft.stopped && !round.unreached.has(draft.target)

/** Whether there is no group there that could have members. */
const isWithoutGroup = ({ draft, isUnseen }: GroupWork): boolean =>
  draft.row.graphId === null || isUnseen || isGone(draft)

function finishGroup(round: Round, work: GroupWork, hasUnsettled: boolean): void {
  const { draft, plan } = work
  if (round.unreached.has(draft.target)) return
  forgetMembers(round, draft)
  if (isEnded(round, work)) round.endedGroups.push(draft.target.id)
  if (draft.only !== undefined && !isThereAfterAll(round, work, hasUnsettled))
    settleFound(draft, hasUnsettled)
  else if (!draft.stopped && !hasUnsettled)
    settleState(round, draft, plan.action === 'end' ? 'former' : 'synced', plan.problems)
  else if (!draft.stopped && draft.row !== draft.before) draft.row = { ...draft.row, state: 'owed' }
  noteUnseen(work)
  noteEvent(round, draft)
  keepWaiting(draft)
}

/** Whether what was found of a group that was taken for gone is put right, and nothing else is owed. */
function isThereAfterAll(round: Round, work: GroupWork, hasUnsettled: boolean): boolean {
  const { draft, group } = work
  const { before, stopped, writes } = draft
  if (before === undefined || stopped || hasUnsettled || writes === 0) return false
  const rest = () => planWork(round, { draft: { ...draft, only: undefined }, group })
  return isToldGone({ row: before }) && rest().writes.length === 0
}

/** What the quota did not reach is met again, in the log or as it was due. */
function settleFound(draft: Draft, hasUnsettled: boolean): void {
  const { before, row } = draft
  if (draft.stopped || !hasUnsettled || before === undefined) return keepEarlier(draft)
  const { state, error, dueAt, found } = before
  draft.row = { ...row, state, error, dueAt, found }
}

/** Members that could not be looked at are found again by comparing all of them. */
function noteUnseen(work: GroupWork): void {
  const { draft } = work
  const { row, target } = draft
  if (isWithoutGroup(work) && (target.members.size > 0 || target.whole))
    draft.row = { ...row, memberCursor: '' }
}

/** Once all memberships were compared, none is to be sent again, and nobody asks who was told of. */
function forgetMembers({ told }: Round, draft: Draft): void {
  const { memberCursor, unknown, graphId } = draft.row
  if (memberCursor !== null || !unknown.includes(MEMBERS)) return
  draft.row = { ...draft.row, unknown: unknown.filter((name) => name !== MEMBERS) }
  if (graphId !== null) told.delete(graphId)
}
