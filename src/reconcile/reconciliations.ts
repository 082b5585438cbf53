/** Reconciliation as administrators use it: start a run, read what it found, approve or reject what is held. */
import type { Database } from '../db/client.ts'
import { listDrift } from '../db/drift-store.ts'
import type { EventType } from '../db/event-log.ts'
import {
  decideHeld,
  findRun,
  listRuns,
  type NotActive,
  startOnDemand,
} from '../db/reconciliation-list.ts'
import type { RunRow } from '../db/reconciliation-store.ts'
import type { ApiScope, ListBody } from '../http/api-context.ts'
import { pageOf, type PageQuery, toCursor } from '../http/parse-request.ts'
import type { Problem } from '../http/problem.ts'
import type { IdPrefix } from '../kernel/id.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { RunBell } from './bell.ts'
import { whyNotActive } from './not-active.ts'
import { showDrift, showRun } from './shape.ts'

export interface Scope extends ApiScope<Database> {
  readonly newId: (prefix: IdPrefix) => string
  /** Somebody should carry the run on. */
  readonly ringRun: (bell: RunBell) => void
}

type Outcome = Promise<Result<JsonObject, Problem>>

/** Starts a run that compares everybody. Problems: notFound, conflict (paused, or one is under way). */
export async function startReconciliation(
  scope: Scope,
  directoryId: string,
  mode: RunRow['mode'],
): Outcome {
  const { database, organizationId } = scope
  const reconciliationId = scope.newId('rec')
  const key = { organizationId, directoryId, reconciliationId }
  const event = eventOf(scope, 'reconciliation_request', { directoryId, reconciliationId, mode })
  const fault = await startOnDemand(database, key, mode, event)
  if (fault?.kind === 'noDirectory') return err(missing('Directory', directoryId))
  if (fault !== undefined)
    return err(fault.kind === 'notActive' ? stopped(fault) : underWay(fault.id))
  scope.ringRun(key)
  return readReconciliation(scope, reconciliationId)
}

function stopped({ state, reason }: NotActive): Problem {
  const { message, whatToDo } = whyNotActive(state, reason)
  return { kind: 'conflict', detail: `${message} ${whatToDo}` }
}

const underWay = (id: string): Problem => ({
  kind: 'conflict',
  detail: `A reconciliation of this directory is under way (${id}). Wait until it has ended.`,
  evidence: { reconciliationId: id },
})

/** The directory's runs, newest first. Problem: notFound. */
export async function listReconciliations(
  { database, organizationId }: Scope,
  directoryId: string,
  page: PageQuery,
): Promise<Result<ListBody, Problem>> {
  const asked = { ...page, limit: page.limit + 1 }
  const found = await listRuns(database, { organizationId, directoryId }, asked)
  if (found === undefined) return err(missing('Directory', directoryId))
  return ok(pageOf(found, page.limit, showRun))
}

/** One run. Problem: notFound. */
export async function readReconciliation({ database, organizationId }: Scope, id: string): Outcome {
  const row = await findRun(database, organizationId, id)
  return row === undefined ? err(missing('Reconciliation', id)) : ok(showRun(row))
}

/** What a run found so far, by user and attribute. Problem: notFound. */
export async function readDrift(
  { database, organizationId }: Scope,
  id: string,
  { after, limit }: PageQuery,
): Promise<Result<ListBody, Problem>> {
  const run = await findRun(database, organizationId, id)
  if (run === undefined) return err(missing('Reconciliation', id))
  const found = await listDrift(database, organizationId, id, { after, limit: limit + 1 })
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  const hasMore = found.length > limit && last !== undefined
  return ok({
    items: rows.map((row) => showDrift(run, row)),
    nextCursor: hasMore ? toCursor(`${last.userId}/${last.attribute}`) : null,
  })
}

/**
 * Lets a held run put Microsoft 365 right, or ends it. Problems: notFound, conflict (it is not held, another is under way, or the
 * directory of one to be approved is not active).
 */
export async function decideReconciliation(
  scope: Scope,
  id: string,
  decision: 'approve' | 'reject',
): Outcome {
  const { database, organizationId } = scope
  const run = await findRun(database, organizationId, id)
  if (run === undefined) return err(missing('Reconciliation', id))
  const { directoryId } = run
  const approves = decision === 'approve'
  const type = approves ? 'reconciliation_approve' : 'reconciliation_reject'
  const event = eventOf(scope, type, { directoryId, reconciliationId: id })
  const decided = await decideHeld(database, organizationId, id, approves, event)
  if (decided === 'notHeld') return err(notHeld(run))
  if (decided === 'running') return err(underWay('another one'))
  if (decided !== 'decided') return err(stopped(decided))
  if (approves) scope.ringRun({ organizationId, directoryId, reconciliationId: id })
  return readReconciliation(scope, id)
}

const notHeld = ({ id, state }: RunRow): Problem => ({
  kind: 'conflict',
  detail: `The reconciliation ${id} is ${state}: only one that is held can be approved or rejected.`,
})

/** What an administrator did with a run is a record; the commands that follow name users. */
function eventOf(scope: Scope, type: EventType, details: JsonObject & { directoryId: string }) {
  const { directoryId } = details
  const target = { type: 'directory', id: directoryId }
  return { ...scope.by, class: 'record', type, target, directoryId, details } as const
}

const missing = (what: string, id: string): Problem => ({
  kind: 'notFound',
  what: `${what} ${id.slice(0, 100)}`,
})
