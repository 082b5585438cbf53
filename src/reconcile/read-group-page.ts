/**
 * One page of what changed of Microsoft 365's groups. It says which groups are worth a look: those that are bound here, and of which it tells
 * something else than was exported. What is drift is said of the whole group, read again.
 */
import { suspectedGroups } from '../db/compared-groups.ts'
import { groupsAwaitingReturned } from '../db/told-links.ts'
import { followLink } from '../graph/delta.ts'
import { groupsFromNow, readGroupDelta } from '../graph/group-delta.ts'
import { classifyAnswer } from '../graph/outcome.ts'
import { afterFailure, tryAgain } from './answers.ts'
import type { ConnectedRun, StepResult } from './context.ts'
import { ALL_GROUPS, type Progress } from './progress.ts'

/** The list is a part of everything that the run stores: of more groups than these, all are compared. */
const MOST_GROUPS = 1000

/** Reads one page, and notes which groups are to be compared. */
export async function readGroupPage(run: ConnectedRun): Promise<StepResult> {
  const { progress, connection, ports, key } = run
  const { link, ids } = progress.groups
  // All of them are compared, whatever changed.
  if (link === null || ids === null) return { progress: comparing(progress) }
  const request = followLink(link)
  const outcome = classifyAnswer(await connection.transport.send(request), {
    purpose: 'read',
    request,
  })
  // Graph has forgotten the link, and with it what changed.
  if (outcome.kind === 'restart') return { progress: comparing(progress, ALL_GROUPS) }
  if (outcome.kind !== 'done') return afterFailure(run, outcome)
  const page = readGroupDelta(outcome.body)
  if (page === undefined) return tryAgain(run)
  const suspected = await suspectedGroups(ports.database, key, page.groups)
  const { nextLink, deltaLink } = page
  const waiting =
    nextLink === null ? await groupsAwaitingReturned(ports.database, key, MOST_GROUPS) : []
  const all = [...new Set([...ids, ...suspected, ...waiting])]
  if (all.length > MOST_GROUPS) return { progress: comparing(progress, ALL_GROUPS) }
  const groups = { ...progress.groups, link: nextLink, ids: all, deltaLink }
  const next = { ...progress, groups, attempts: 0 }
  return { progress: nextLink === null ? comparing(next) : next }
}

const comparing = (progress: Progress, groups = progress.groups): Progress => ({
  ...progress,
  groups,
  phase: 'groups',
  cursor: '',
  attempts: 0,
})

/** Before all groups are compared: whatever changes from then on is told by the next run. */
export async function takeGroupLink(run: ConnectedRun): Promise<StepResult> {
  const { progress, connection } = run
  const request = groupsFromNow()
  const outcome = classifyAnswer(await connection.transport.send(request), {
    purpose: 'read',
    request,
  })
  if (outcome.kind !== 'done') return afterFailure(run, outcome)
  const deltaLink = readGroupDelta(outcome.body)?.deltaLink ?? null
  if (deltaLink === null) return tryAgain(run)
  return { progress: { ...progress, groups: { ...progress.groups, deltaLink }, attempts: 0 } }
}
