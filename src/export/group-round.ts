/** The groups of a round: first the groups themselves, then their memberships, which may name users created just before. */
import { type DirectoryGroup, directoryGroup } from '../plan/directory-user.ts'
import {
  groupUniqueName,
  type GroupPlan,
  type GroupSnapshot,
  planGroup,
} from '../plan/group-plan.ts'
import type { PlannedWrite } from '../plan/planned.ts'
import { getGroup } from '../plan/requests.ts'
import type { Round } from './context.ts'
import { type Draft, openDraft } from './draft.ts'
import { leaveUnreached, noteEvent, settleState } from './finish.ts'
import { exportMembers } from './member-round.ts'
import { sendWave, storeIntent, type WaveItem } from './sending.ts'
import { settleWrite } from './settle.ts'

/** One group of a round. */
export interface GroupWork {
  readonly draft: Draft
  /** Undefined when it was deleted. */
  readonly group: DirectoryGroup | undefined
  readonly plan: GroupPlan
}

/** Carries the round's groups and memberships as far as the tokens reach. */
export async function exportGroups(round: Round): Promise<void> {
  const works = openGroupWorks(round)
  await sendGroups(round, works)
  const ready = works.filter(({ draft, plan }) => isReady(round, draft, plan))
  const unsettled = await exportMembers(
    round,
    ready.map(({ draft }) => draft),
  )
  for (const work of works) finishGroup(round, work, unsettled.has(work.draft.target.id))
}

function openGroupWorks(round: Round): GroupWork[] {
  const rows = new Map(
    round.loaded.bindings
      .filter(({ kind }) => kind === 'group')
      .map((row) => [row.resourceId, row]),
  )
  return round.targets.groups.flatMap((target) => {
    const row = round.loaded.groups.find(({ id }) => id === target.id)
    const before = rows.get(target.id)
    const isNew = round.settings.bindNewGroups === 'all' && target.created && row !== undefined
    if (before?.state === 'former' || (before === undefined && !isNew)) return []
    const draft = openDraft(round.key, target, before, 'all')
    round.drafts.set(target.id, draft)
    round.graphIds.set(target.id, draft.row.graphId)
    const group = row === undefined ? undefined : directoryGroup(row.resource, { id: row.id })
    const plan = planGroup({
      organizationId: round.key.organizationId,
      group,
      ending: draft.row.state === 'unbinding' ? 'unbound' : undefined,
      binding: { ...draft.row, snapshot: snapshotOf(draft) },
      settings: round.settings,
    })
    return [{ draft, group, plan }]
  })
}

function snapshotOf({ row }: Draft): GroupSnapshot {
  const name = row.snapshot['displayName']
  return typeof name === 'string' ? { displayName: name } : {}
}

type GroupStep = readonly [work: GroupWork, write: PlannedWrite<GroupSnapshot>]

/** Creates, renames and deletes: one write a group. */
async function sendGroups(round: Round, works: readonly GroupWork[]): Promise<void> {
  const steps: GroupStep[] = []
  for (const work of works) {
    const [write] = work.plan.writes
    if (write === undefined) continue
    if (round.tokens <= 0 || round.halt !== null) {
      leaveUnreached(round, work.draft)
      continue
    }
    round.tokens -= 1
    steps.push([work, write])
    const { id } = work.draft.target
    const attributes = [...write.attributes]
    round.intent.writes.push({ kind: 'group', id, reason: 'all', creatingAs: null, attributes })
  }
  if (steps.length === 0) return
  await storeIntent(round)
  const outcomes = await sendWave(round, steps.map(toItem))
  for (const [{ draft }, write] of steps) {
    const outcome = outcomes.get(draft.target.id)
    if (outcome === undefined) continue
    const { clock, random } = round.ports
    settleWrite(draft, write, outcome, { now: clock.now(), random }, null)
  }
  await readCreatedIds(round, works)
  for (const { draft } of works) round.graphIds.set(draft.target.id, draft.row.graphId)
}

function toItem([{ draft }, write]: GroupStep): WaveItem {
  const purpose =
    write.purpose === 'create'
      ? 'create_group'
      : write.purpose === 'delete'
        ? 'delete_group'
        : 'update_group'
  return {
    id: draft.target.id,
    context: { purpose, request: write.request(draft.row.graphId ?? '') },
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

const isReady = (round: Round, draft: Draft, plan: GroupPlan): boolean =>
  plan.action !== 'end' && draft.row.graphId !== null && !round.unreached.has(draft.target)

function finishGroup(round: Round, { draft, plan }: GroupWork, hasUnsettled: boolean): void {
  if (round.unreached.has(draft.target)) return
  const { target } = draft
  if (plan.action === 'end' && !draft.stopped) {
    round.endedGroups.push(target.id)
    round.graphIds.set(target.id, null)
  }
  if (!draft.stopped && !hasUnsettled)
    settleState(round, draft, plan.action === 'end' ? 'former' : 'synced', plan.problems)
  else if (!draft.stopped && draft.row !== draft.before) draft.row = { ...draft.row, state: 'owed' }
  // Members that could not be looked at are found again by comparing all of them.
  if (draft.row.graphId === null && (target.members.size > 0 || target.whole))
    draft.row = { ...draft.row, memberCursor: '' }
  noteEvent(round, draft)
}
