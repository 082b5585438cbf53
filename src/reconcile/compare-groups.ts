/**
 * Bound groups against what Microsoft 365 holds of them: their names, and the memberships of whoever is bound here. A whole comparison
 * goes through all of them behind the users, another one through those of which Graph told a change.
 */
import {
  type ComparedGroup,
  confirmDrift,
  exportedMemberships,
  type MemberDrift,
  nextGroups,
  type Suspects,
} from '../db/compared-groups.ts'
import { membershipOf } from '../plan/drift.ts'
import { afterFailure, tryAgain } from './answers.ts'
import { DELETED, type FoundRow, REPLICAS_MS } from './compare.ts'
import type { ConnectedRun, StepResult } from './context.ts'
import type { Progress } from './progress.ts'
import { takeGroupLink } from './read-group-page.ts'
import { readGroups, type ToldGroup, type ToldGroups } from './read-groups.ts'

/** How many groups one step reads: two requests each, in one envelope. */
const PER_STEP = 10
/** So often a group is read again because it was exported moments ago; one that always is, is left to the next run. */
const MAX_LOOKS = 8

/** Compares the next groups; behind the last, what was found is carried on. */
export async function compareGroups(run: ConnectedRun): Promise<StepResult> {
  const { ports, key, progress, connection, counts } = run
  const { groups, blockedUntil } = await nextGroups(ports.database, key, {
    after: progress.cursor,
    limit: PER_STEP,
    lanes: connection.lanes,
    ids: progress.groups.ids,
  })
  if (groups.length === 0) return { progress: { ...progress, phase: 'reports', cursor: '' } }
  const readAt = ports.clock.now()
  if (blockedUntil > readAt) return { progress, waitSeconds: (blockedUntil - readAt) / 1000 }
  if (progress.groups.deltaLink === null) return takeGroupLink(run)
  const told = await readGroups(connection.transport, groups)
  if (!told.ok) return told.error === undefined ? tryAgain(run) : afterFailure(run, told.error)
  const ids = [...told.value.keys()]
  // What is stored is read behind Graph: whatever was exported in between is known to be fresh.
  const suspects = await suspectsIn(run, told.value)
  const confirmed = await confirmDrift(ports.database, key, ids, suspects)
  const findings = ids.map((id) =>
    findingsOf(confirmed.groups.get(id), told.value.get(id), confirmed.drift, readAt),
  )
  const { next, count } = reach(progress, ids, findings)
  const done = findings.slice(0, count)
  return {
    ...next,
    counts: { ...counts, groups: counts.groups + count },
    drift: done.flatMap(({ rows }) => rows),
  }
}

/** What Graph does not tell of and was exported, and what it tells of that was not; one group after another, since they may be large. */
async function suspectsIn({ ports, key }: ConnectedRun, told: ToldGroups): Promise<Suspects> {
  const missing: [string, string][] = []
  const extra: [string, string][] = []
  for (const [id, group] of told) {
    if (group === undefined) continue
    const strangers = new Set(group.members)
    for (const { memberId, graphId } of await exportedMemberships(ports.database, key, id)) {
      strangers.delete(graphId)
      if (!group.members.has(graphId) && !isGone(told, memberId)) missing.push([id, memberId])
    }
    for (const graphId of strangers) extra.push([id, graphId])
  }
  return { missing, extra }
}

/** Of a group that is gone it is told once that it is, and not of each group that it was in. */
const isGone = (told: ToldGroups, id: string): boolean => told.has(id) && told.get(id) === undefined

/** What was found of one group. */
interface GroupFindings {
  readonly rows: readonly FoundRow[]
  /** Something may be an echo of an export: the group is to be read again. */
  readonly isUncertain: boolean
}

const NOTHING: GroupFindings = { rows: [], isUncertain: false }

function findingsOf(
  group: ComparedGroup | undefined,
  told: ToldGroup | undefined,
  drift: readonly MemberDrift[],
  readAt: number,
): GroupFindings {
  if (group === undefined) return NOTHING
  const isCertain = (exportedAt: number) => exportedAt <= readAt - REPLICAS_MS
  const members = drift.filter(
    ({ groupId, graphId, isMember }) =>
      groupId === group.id && told !== undefined && told.members.has(graphId) !== isMember,
  )
  const certain = members.filter(({ exportedAt }) => isCertain(exportedAt))
  const own = ownRows(group, told)
  const isSettled = isCertain(group.exportedAt) && !group.isInFlight
  return {
    rows: [...(isSettled ? own : []), ...certain.map(memberRow)],
    isUncertain: certain.length < members.length || (own.length > 0 && !isSettled),
  }
}

/** What a group itself is otherwise: gone, or called otherwise. */
function ownRows(group: ComparedGroup, told: ToldGroup | undefined): readonly FoundRow[] {
  const row = { userId: group.id, graphId: group.graphId, direction: 'export' } as const
  if (told === undefined) return [{ ...row, attribute: DELETED, ours: null, theirs: 'gone' }]
  const { displayName: ours } = group
  const theirs = told.displayName
  if (ours === null || normal(ours) === normal(theirs ?? '')) return []
  return [{ ...row, attribute: 'displayName', ours, theirs }]
}

const normal = (name: string): string => name.normalize('NFC').trim()

const memberRow = ({ groupId, memberId, graphId, isMember }: MemberDrift): FoundRow => ({
  userId: memberId,
  graphId,
  attribute: membershipOf(groupId),
  direction: 'export',
  ours: isMember,
  theirs: !isMember,
})

/** How far a step comes: up to the first group that has to be read again, unless that was done often enough. */
function reach(
  progress: Progress,
  ids: readonly string[],
  findings: readonly GroupFindings[],
): { readonly next: Pick<StepResult, 'progress' | 'waitSeconds'>; readonly count: number } {
  const uncertain = findings.findIndex(({ isUncertain }) => isUncertain)
  const isPatient = progress.attempts < MAX_LOOKS
  if (uncertain < 0 || (uncertain === 0 && !isPatient)) {
    // Of a group that was read often enough, what is certain is taken.
    const count = uncertain < 0 ? ids.length : 1
    const cursor = ids[count - 1] ?? progress.cursor
    const again = uncertain < 0 ? [] : ids.slice(0, 1)
    const groups = { ...progress.groups, again: [...progress.groups.again, ...again] }
    return { next: { progress: { ...progress, groups, cursor, attempts: 0 } }, count }
  }
  const cursor = ids[uncertain - 1] ?? progress.cursor
  const attempts = uncertain > 0 ? 0 : progress.attempts + 1
  const waitSeconds = uncertain > 0 ? 0 : REPLICAS_MS / 1000
  return { next: { progress: { ...progress, cursor, attempts }, waitSeconds }, count: uncertain }
}
