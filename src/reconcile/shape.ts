/** Runs and drift as the admin API shows them. */
import type { ResourceNames } from '../db/resource-names.ts'
import type { DriftRow, RunRow } from '../db/reconciliation-store.ts'
import type { JsonObject } from '../kernel/json.ts'
import { toRfc3339 } from '../kernel/time.ts'
import { groupOf } from '../plan/drift.ts'
import { DELETED } from './compare.ts'
import { type Counts, NO_COUNTS } from './context.ts'

/** A run. */
export function showRun(row: RunRow): JsonObject {
  const counts: Counts = { ...NO_COUNTS, ...row.counts }
  return {
    id: row.id,
    directoryId: row.directoryId,
    mode: row.mode,
    state: row.state,
    onDemand: row.onDemand,
    counts: { ...counts },
    error: row.error,
    startedAt: toRfc3339(row.startedAt),
    endedAt: row.endedAt === null ? null : toRfc3339(row.endedAt),
  }
}

/** One thing that a run found, of a user, of a membership, or of a group itself. */
export function showDrift(run: RunRow, row: DriftRow & ResourceNames): JsonObject {
  const { userId, graphId, attribute, direction, ours, theirs, userName, groupName } = row
  const shown = { graphId, attribute, direction, ours, theirs, action: actionOf(run, row) }
  const groupId = groupOf(attribute)
  if (groupId !== undefined)
    return { userId, userName, groupId, groupName, ...shown, attribute: 'members' }
  return userId.startsWith('grp_')
    ? { userId: null, userName, groupId: userId, groupName, ...shown }
    : { userId, userName, ...shown }
}

export const ACTIONS = ['reported', 'corrected', 'imported', 'held'] as const

/** An account that was deleted in Microsoft 365 is told of, and made again by nobody but an administrator. */
function actionOf(
  { mode, state }: RunRow,
  { direction, attribute }: DriftRow,
): (typeof ACTIONS)[number] {
  if (direction === 'import') return 'imported'
  if (mode === 'report' || attribute === DELETED) return 'reported'
  if (state === 'held') return 'held'
  return state === 'done' ? 'corrected' : 'reported'
}
