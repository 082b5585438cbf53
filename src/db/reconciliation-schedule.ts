/** Which directories are to be reconciled, and which runs nobody carries on: found by cron, without an organization. */
import { sql } from 'drizzle-orm'

import { type Answer, type Database } from './client.ts'
import type { RunKey } from './reconciliation-store.ts'

/** Cron comes a little early or late; a run is due all the same. */
const SLACK_MS = 60_000
const MOST = 200
/** A run that was rung for is begun by then, unless the message was lost. */
export const SILENCE_MS = 30_000

export interface DueDirectory {
  readonly organizationId: string
  readonly directoryId: string
}

/** Active directories that have bound users, no run under way, and none begun within their interval. */
export async function dueDirectories(
  database: Database,
  now: number,
): Promise<readonly DueDirectory[]> {
  const [found] = await database.run(
    sql`SELECT d.organization_id, d.id FROM directory d
      WHERE d.state = 'active'
        AND NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.organization_id = d.organization_id
          AND r.directory_id = d.id AND r.state = 'running')
        AND coalesce((SELECT r.started_at FROM reconciliation r WHERE r.organization_id = d.organization_id
            AND r.directory_id = d.id ORDER BY r.id DESC LIMIT 1), 0)
          + coalesce(d.settings ->> '$.reconcile.intervalMinutes', 60) * 60000 <= ${now + SLACK_MS}
        AND EXISTS (SELECT 1 FROM binding b WHERE b.organization_id = d.organization_id
          AND b.directory_id = d.id AND b.graph_id IS NOT NULL)
      LIMIT ${MOST}`,
  )
  return (found?.rows ?? []).map((row) => ({
    organizationId: String(row['organization_id']),
    directoryId: String(row['id']),
  }))
}

/** Starts a run in the directory's own mode; false when another is under way by now. One round trip. */
export async function startScheduled(
  database: Database,
  { organizationId, directoryId, reconciliationId }: RunKey,
  now: number,
): Promise<boolean> {
  const [started] = await database.run(
    sql`INSERT INTO reconciliation (organization_id, id, directory_id, mode, state, counts, due_at, started_at)
      SELECT organization_id, ${reconciliationId}, id, coalesce(settings ->> '$.reconcile.mode', 'report'),
        'running', '{}', ${now + SILENCE_MS}, ${now}
      FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId} AND state = 'active'
        AND NOT EXISTS (SELECT 1 FROM reconciliation WHERE organization_id = ${organizationId}
          AND directory_id = ${directoryId} AND state = 'running')`,
  )
  return started?.changes === 1
}

/** Runs that should have been carried on by now. */
export async function silentRuns(database: Database, now: number): Promise<readonly RunKey[]> {
  const [found] = await database.run(
    sql`SELECT organization_id, directory_id, id FROM reconciliation INDEXED BY reconciliation_running
      WHERE state = 'running' AND due_at <= ${now} LIMIT ${MOST}`,
  )
  return (found?.rows ?? []).map(toKey)
}

/** What a run found is kept as long as the log is by default; a directory's newest run says when the next one is due. */
const KEPT_MS = 90 * 24 * 3_600_000
const MOST_DROPPED = 500

/** Drops runs that ended long ago with what they found, some at a time; gives their number. */
export async function dropOldRuns(database: Database, now: number): Promise<number> {
  const old = sql`SELECT organization_id, id FROM reconciliation r
    WHERE started_at < ${now - KEPT_MS} AND state <> 'running'
      AND EXISTS (SELECT 1 FROM reconciliation later WHERE later.organization_id = r.organization_id
        AND later.directory_id = r.directory_id AND later.id > r.id)
    ORDER BY organization_id, id LIMIT ${MOST_DROPPED}`
  const [, dropped] = await database.run(
    sql`DELETE FROM drift WHERE (organization_id, reconciliation_id) IN (${old})`,
    sql`DELETE FROM reconciliation WHERE (organization_id, id) IN (${old})`,
  )
  return dropped?.changes ?? 0
}

const toKey = (row: Answer['rows'][number]): RunKey => ({
  organizationId: String(row['organization_id']),
  directoryId: String(row['directory_id']),
  reconciliationId: String(row['id']),
})
