/** The status of a directory, as administrators and the demo read it. */
import { type DirectoryStatus, readStatus } from '../db/directory-status.ts'
import type { Problem } from '../http/problem.ts'
import { bucketShape, type Quota } from '../kernel/bucket.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import { readSettings } from '../plan/configuration.ts'
import { type DirectoryScope, noDirectory } from './context.ts'

/** What a directory owes and how fast it may pay. Problem: notFound. */
export async function directoryStatus(
  scope: DirectoryScope,
  quotas: readonly Quota[],
  id: string,
): Promise<Result<JsonObject, Problem>> {
  const status = await readStatus(scope.database, scope.organizationId, id)
  return status === undefined ? err(noDirectory(id)) : ok(showStatus(status, quotas, scope.now))
}

function showStatus(status: DirectoryStatus, quotas: readonly Quota[], now: number): JsonObject {
  const { directory, owed, inFlight, failed, rejected, held, bound } = status
  const percent = readSettings(directory.settings).writeQuotaPercent
  const rates = quotas.map((quota) => bucketShape(quota, percent).perSecond)
  const writesPerSecond = Math.round(Math.min(...rates) * 100) / 100
  const blockedUntil = status.blockedUntil > now ? status.blockedUntil : null
  const isRunning = owed > 0 && directory.state === 'active'
  const begin = Math.max(blockedUntil ?? now, status.nextAt)
  const finish = begin + Math.ceil(owed / writesPerSecond) * 1000
  return {
    state: directory.state,
    stateReason: directory.stateReason,
    owed,
    inFlight,
    failed,
    rejected,
    held,
    bound,
    writesPerSecond,
    blockedUntil: blockedUntil === null ? null : toRfc3339(blockedUntil),
    estimatedFinish: isRunning ? toRfc3339(finish) : null,
    lastDrain: withTime(directory.lastDrain),
    lastError: withTime(directory.lastError),
  }
}

/** What a drain left, with its time as text. */
function withTime(stored: JsonObject | null): JsonObject | null {
  if (stored === null) return null
  const { at } = stored
  return typeof at === 'number' ? { ...stored, at: toRfc3339(at) } : stored
}
