/** One group of a round: what is stored of it, and what Graph is to hold. */
import type { GroupRow } from '../db/round-store.ts'
import type { Outcome } from '../graph/outcome.ts'
import { isJsonObject } from '../kernel/json.ts'
import { type DirectoryGroup, directoryGroup } from '../plan/directory-user.ts'
import {
  groupUniqueName,
  type GroupPlan,
  type GroupSnapshot,
  planGroup,
} from '../plan/group-plan.ts'
import { getGroup } from '../plan/requests.ts'
import type { Round } from './context.ts'
import { type Draft, isEnding, openDraft, owe } from './draft.ts'
import { noteEvent } from './finish.ts'
import { takeGroupFindings } from './found.ts'
import { onlyFound } from './found-alone.ts'
import { askAnew } from './removals.ts'
import { sendWave, type WaveItem } from './sending.ts'
import { SETS_NOTHING, settleWrite } from './settle.ts'
import { tellDeleted } from './overtaken.ts'

/** One group of a round. */
export interface GroupWork {
  readonly draft: Draft
  /** Undefined when it was deleted. */
  readonly group: DirectoryGroup | undefined
  plan: GroupPlan
  /** A replica did not know the group when its name was sent: it would not know it for its members either. */
  isUnseen: boolean
}

/** The groups that are bound here, or are to be: a group that is new, where new groups are bound. */
export function openGroupWorks(round: Round): GroupWork[] {
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
    const only = onlyFound(target, before, row !== undefined)
    return openGroupWork(round, openDraft(round.key, target, before, 'all', only), row)
  })
}

function openGroupWork(round: Round, draft: Draft, row: GroupRow | undefined): GroupWork[] {
  const { target } = draft
  if (row !== undefined) takeGroupFindings(round, draft)
  round.drafts.set(target.id, draft)
  round.graphIds.set(target.id, draft.row.graphId)
  if (draft.stopped) noteEvent(round, draft)
  // What a run that only reports has found of it is over by now.
  if (draft.stopped || !target.mayWrite) return []
  askAnew(draft)
  draft.met = draft.row
  if (row === undefined) tellDeleted(round, draft)
  const group = row === undefined ? undefined : directoryGroup(row.resource, { id: row.id })
  return [{ draft, group, plan: planWork(round, { draft, group }), isUnseen: false }]
}

/** Plans the group itself from what the draft knows now. */
export const planWork = (
  round: Round,
  { draft, group }: Pick<GroupWork, 'draft' | 'group'>,
): GroupPlan =>
  planGroup({
    organizationId: round.key.organizationId,
    group,
    ending: isEnding(draft.row) ? 'unbound' : undefined,
    binding: { ...draft.row, snapshot: snapshotOf(draft) },
    only: draft.only,
    settings: round.settings,
  })

function snapshotOf({ row }: Draft): GroupSnapshot {
  const name = row.snapshot['displayName']
  return typeof name === 'string' ? { displayName: name } : {}
}

/** A group that ends while its create has no answer may exist: what is to be deleted is looked for by its unique name. */
export async function lookForEnding(round: Round, works: readonly GroupWork[]): Promise<void> {
  if (round.settings.onGroupDelete !== 'delete') return
  const lost = works.filter(
    ({ draft: { row }, plan }) =>
      plan.action === 'end' && row.graphId === null && row.unknown.length > 0,
  )
  if (lost.length === 0) return
  for (const { draft } of lost)
    // The tries of its create do not count as looks.
    if (draft.row.state !== 'unbinding')
      draft.row = { ...draft.row, state: 'unbinding', attempts: 0 }
  const outcomes = await sendWave(
    round,
    lost.map(({ draft }) => lookItem(round, draft)),
  )
  for (const work of lost) {
    const { draft } = work
    const outcome = outcomes.get(draft.target.id)
    const body = outcome?.kind === 'done' && isJsonObject(outcome.body) ? outcome.body : {}
    if (typeof body['id'] === 'string') draft.row = { ...draft.row, graphId: body['id'] }
    // It was never made, or is gone: then there is nothing to delete.
    else if (outcome?.kind !== 'missing') tryAgain(round, draft, outcome)
    work.plan = planWork(round, work)
  }
}

function tryAgain(round: Round, draft: Draft, outcome: Outcome | undefined): void {
  const { clock, random } = round.ports
  if (outcome === undefined || outcome.kind === 'done') return owe(draft, clock.now())
  settleWrite(draft, SETS_NOTHING, outcome, { now: clock.now(), random }, null)
}

/** So often a group that a replica does not know is looked for. */
const LOOKS = 3

const lookItem = (round: Round, { target, row }: Draft): WaveItem => ({
  id: target.id,
  context: {
    purpose: 'read',
    request: getGroup(groupUniqueName(round.key.organizationId, target.id)),
    ...(row.attempts < LOOKS ? { ageSeconds: 0 } : {}),
  },
})
