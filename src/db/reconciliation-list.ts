/** Runs of reconciliation as administrators start, read and decide them. */
import { type SQL, sql } from 'drizzle-orm'

import { isRefused, write } from './admin-write.ts'
import { type Database, decode } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import { SILENCE_MS } from './reconciliation-schedule.ts'
import type { RunKey, RunRow } from './reconciliation-store.ts'
import { reconciliation } from './tables/reconciliations.ts'

/** The directory is paused, or its credential was refused. */
export interface NotActive {
  readonly kind: 'notActive'
  readonly state: string
  readonly reason: string | null
}

/** Why a run was not started. */
export type StartFault =
  | { readonly kind: 'noDirectory' }
  | NotActive
  | { readonly kind: 'running'; readonly id: string }

/** Starts a run of everybody that an administrator asked for; undefined when it was started. */
export async function startOnDemand(
  database: Database,
  { organizationId, directoryId, reconciliationId }: RunKey,
  mode: RunRow['mode'],
  event: NewEvent,
): Promise<StartFault | undefined> {
  const written = await write(database, [
    sql`INSERT INTO reconciliation (organization_id, id, directory_id, mode, state, on_demand, counts, due_at, started_at)
      SELECT organization_id, ${reconciliationId}, id, ${mode}, 'running', 1, '{}', ${event.time + SILENCE_MS}, ${event.time}
      FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId} AND state = 'active'`,
    appendEvents(organizationId, [event], { onlyIfChanged: true }),
    refuseUnless(sql`changes() = 1`, 'stale'),
  ])
  if (written.ok) return undefined
  const [directories, running] = await database.run(
    sql`SELECT state, state_reason FROM directory
      WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT id FROM reconciliation WHERE organization_id = ${organizationId}
      AND directory_id = ${directoryId} AND state = 'running'`,
  )
  const [found] = directories?.rows ?? []
  if (found === undefined) return { kind: 'noDirectory' }
  if (isRefused(written.error, 'stale')) return notActive(found)
  const id = running?.rows[0]?.['id']
  return { kind: 'running', id: typeof id === 'string' ? id : '' }
}

function notActive({ state, state_reason: reason }: Record<string, unknown>): NotActive {
  return {
    kind: 'notActive',
    state: String(state),
    reason: typeof reason === 'string' ? reason : null,
  }
}

/** A run of this organization. */
export async function findRun(
  database: Database,
  organizationId: string,
  id: string,
): Promise<RunRow | undefined> {
  const [found] = await database.run(
    sql`SELECT * FROM reconciliation WHERE organization_id = ${organizationId} AND id = ${id}`,
  )
  return found?.rows.map((row) => decode(reconciliation, row))[0]
}

/** The directory's runs, newest first, before the one of that id; undefined when there is no such directory. */
export async function listRuns(
  database: Database,
  { organizationId, directoryId }: Omit<RunKey, 'reconciliationId'>,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly RunRow[] | undefined> {
  const before: SQL = after === undefined ? sql`TRUE` : sql`id < ${after}`
  const [directories, found] = await database.run(
    sql`SELECT 1 FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT * FROM reconciliation WHERE organization_id = ${organizationId}
      AND directory_id = ${directoryId} AND ${before} ORDER BY id DESC LIMIT ${limit}`,
  )
  if ((directories?.rows.length ?? 0) === 0) return undefined
  return (found?.rows ?? []).map((row) => decode(reconciliation, row))
}

/**
 * Approves or rejects a run that is held, with the event that tells of it. An approved one is carried on, in a directory that is
 * active: elsewhere it would fail. `notHeld`: it is not, or no longer; `running`: another run of the directory is under way.
 */
export async function decideHeld(
  database: Database,
  organizationId: string,
  id: string,
  approves: boolean,
  event: NewEvent,
): Promise<'decided' | 'notHeld' | NotActive | 'running'> {
  const change = approves
    ? sql`state = 'running', error = NULL, due_at = ${event.time + SILENCE_MS},
        progress = json_set(progress, '$.isApproved', json('true'), '$.cursor', '')`
    : sql`state = 'rejected', ended_at = ${event.time}`
  const held = sql`organization_id = ${organizationId} AND id = ${id} AND state = 'held'`
  const mayBe = approves
    ? sql`(SELECT d.state FROM directory d WHERE d.organization_id = reconciliation.organization_id
        AND d.id = reconciliation.directory_id) = 'active'`
    : sql`TRUE`
  const written = await write(database, [
    sql`UPDATE reconciliation SET ${change}, version = version + 1 WHERE ${held} AND ${mayBe}`,
    appendEvents(organizationId, [event], { onlyIfChanged: true }),
    refuseUnless(sql`changes() = 1`, 'stale'),
  ])
  if (written.ok) return 'decided'
  if (!isRefused(written.error, 'stale')) return 'running'
  const [found] = await database.run(
    sql`SELECT state, state_reason FROM directory WHERE organization_id = ${organizationId}
      AND id = (SELECT directory_id FROM reconciliation WHERE ${held})`,
  )
  const [row] = found?.rows ?? []
  return row === undefined ? 'notHeld' : notActive(row)
}
