/** A run of reconciliation as its consumer reads and writes it: one round trip to read, one guarded batch a step. */
import { type SQL, sql } from 'drizzle-orm'

import type { Json, JsonObject } from '../kernel/json.ts'
import { type Answer, type Database, decode } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import type { DirectoryRow } from './lease.ts'
import type { DirectionRow } from './round-store.ts'
import { attributeDirection, directory } from './tables/directories.ts'
import { type drift, reconciliation } from './tables/reconciliations.ts'

export type RunRow = typeof reconciliation.$inferSelect
export type DriftRow = typeof drift.$inferSelect

/** Which run, of which directory. */
export interface RunKey {
  readonly organizationId: string
  readonly directoryId: string
  readonly reconciliationId: string
}

export interface StoredRun {
  readonly run: RunRow
  readonly directory: DirectoryRow
  readonly directions: readonly DirectionRow[]
}

/** A run with the configuration of its directory; undefined when either is gone. */
export async function readRun(database: Database, key: RunKey): Promise<StoredRun | undefined> {
  const { organizationId, directoryId, reconciliationId } = key
  const [runs, directories, directions] = await database.run(
    sql`SELECT * FROM reconciliation WHERE organization_id = ${organizationId}
      AND id = ${reconciliationId} AND directory_id = ${directoryId}`,
    sql`SELECT * FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT * FROM attribute_direction
      WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}`,
  )
  const [run] = runs?.rows ?? []
  const [found] = directories?.rows ?? []
  if (run === undefined || found === undefined) return undefined
  return {
    run: decode(reconciliation, run),
    directory: decode(directory, found),
    directions: (directions?.rows ?? []).map((row) => decode(attributeDirection, row)),
  }
}

/** The imported values of one user that a step changes, as a merge patch. */
export interface ImportWrite {
  readonly userId: string
  /** The account that they are of. */
  readonly graphId: string
  readonly patch: JsonObject
  /** Whether a value that counts becomes another: else the user stays as it is, and so does its version. */
  readonly isChange: boolean
}

/** What one step leaves behind. */
export interface RunStep {
  /** The run as the step found it: a step that somebody else stored meanwhile makes this one too late. */
  readonly version: number
  readonly state: RunRow['state']
  readonly progress: JsonObject
  readonly counts: JsonObject
  readonly error: JsonObject | null
  readonly dueAt: number
  readonly now: number
  readonly drift: readonly Omit<DriftRow, 'organizationId' | 'directoryId' | 'reconciliationId'>[]
  /** Users whose account is there, whatever the run found before: it was read again. */
  readonly returned: readonly string[]
  readonly imports: readonly ImportWrite[]
  /** The newest sequence of the directory's directions when they were read: imports hold while nobody changed any. */
  readonly directionsAt: number
  readonly events: readonly NewEvent[]
  /** Bound accounts that the page showed, where they have to be remembered; what a page behind it showed is forgotten. */
  readonly seen: { readonly page: number; readonly graphIds: readonly string[] } | null
  /** Undefined: the link stays as it is. Null: there is none any more, and the next run compares everybody. */
  readonly deltaLink: JsonObject | null | undefined
}

/**
 * Stores a step. Throws the failure `refused`: `run` when somebody else carries the run on or it was decided, `imports` when a
 * direction was changed, or a user deleted, unbound or bound to another account, since they were read. Then nothing is stored.
 */
export async function storeStep(
  database: Database,
  key: RunKey,
  step: RunStep,
): Promise<readonly Answer[]> {
  const isOver = step.state !== 'running'
  return database.run(
    isAt(key, step.version),
    ...importStatements(key, step),
    sql`UPDATE reconciliation SET version = version + 1, state = ${step.state},
        progress = ${JSON.stringify(step.progress)}, counts = ${JSON.stringify(step.counts)},
        error = ${step.error === null ? null : JSON.stringify(step.error)}, due_at = ${step.dueAt},
        ended_at = ${isOver && step.state !== 'held' ? step.now : null}
      WHERE organization_id = ${key.organizationId} AND id = ${key.reconciliationId}`,
    ...returnStatements(key, step.returned),
    ...driftStatements(key, step.drift),
    ...seenStatements(key, step, isOver),
    ...(step.deltaLink === undefined ? [] : [linkStatement(key, step.deltaLink)]),
    ...(step.events.length === 0 ? [] : [appendEvents(key.organizationId, step.events)]),
  )
}

/** Ends a running run as failed, whatever step it is at; after one that was approved the next compares everybody. */
export async function failRun(
  database: Database,
  { organizationId, directoryId, reconciliationId }: RunKey,
  error: JsonObject,
  now: number,
): Promise<void> {
  await database.run(
    sql`UPDATE directory SET delta_link = NULL
      WHERE organization_id = ${organizationId} AND id = ${directoryId} AND EXISTS (
        SELECT 1 FROM reconciliation WHERE organization_id = ${organizationId} AND id = ${reconciliationId}
          AND state = 'running' AND progress ->> '$.isApproved')`,
    sql`UPDATE reconciliation SET state = 'failed', error = ${JSON.stringify(error)}, ended_at = ${now},
        version = version + 1
      WHERE organization_id = ${organizationId} AND id = ${reconciliationId} AND state = 'running'`,
    sql`DELETE FROM seen_accounts WHERE organization_id = ${organizationId}
      AND reconciliation_id = ${reconciliationId}`,
  )
}

const isAt = ({ organizationId, reconciliationId }: RunKey, version: number): SQL =>
  refuseUnless(
    sql`EXISTS (SELECT 1 FROM reconciliation WHERE organization_id = ${organizationId}
      AND id = ${reconciliationId} AND state = 'running' AND version = ${version})`,
    'run',
  )

/** Imported values are written only while the directory's direction is `import`, and only to users who are bound to that account. */
function importStatements(key: RunKey, { imports, directionsAt, now }: RunStep): SQL[] {
  if (imports.length === 0) return []
  const { organizationId, directoryId } = key
  const rows = JSON.stringify(
    imports.map((write) => ({ organizationId, directoryId, kind: 'user', ...write })),
  )
  return [
    refuseUnless(
      sql`${directionsAt} = (SELECT coalesce(max(sequence), 0) FROM attribute_direction
          WHERE organization_id = ${organizationId} AND directory_id = ${directoryId})
        AND ${imports.length} = (SELECT count(*) FROM json_each(${rows}) e
          CROSS JOIN binding b ON b.organization_id = e.value ->> 'organizationId'
            AND b.directory_id = e.value ->> 'directoryId' AND b.kind = e.value ->> 'kind'
            AND b.resource_id = e.value ->> 'userId' AND b.graph_id = e.value ->> 'graphId'
            AND b.state NOT IN ('unbinding', 'former')
          CROSS JOIN user u ON u.organization_id = b.organization_id AND u.id = b.resource_id)`,
      'imports',
    ),
    // The whole key comes out of the row: were a part of it constant, SQLite would walk the organization's users.
    sql`UPDATE user SET version = version + (e.value ->> 'isChange'),
        modified_at = iif(e.value ->> 'isChange', max(modified_at, ${now}), modified_at),
        imported = nullif(json_patch(coalesce(imported, '{}'), e.value -> 'patch'), '{}')
      FROM json_each(${rows}) e WHERE user.organization_id = e.value ->> 'organizationId'
        AND user.id = e.value ->> 'userId'`,
  ]
}

function returnStatements(
  { organizationId, reconciliationId }: RunKey,
  userIds: readonly string[],
): SQL[] {
  if (userIds.length === 0) return []
  return [
    sql`DELETE FROM drift WHERE organization_id = ${organizationId} AND reconciliation_id = ${reconciliationId}
      AND attribute = 'deleted' AND user_id IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))`,
  ]
}

function driftStatements(key: RunKey, rows: RunStep['drift']): SQL[] {
  if (rows.length === 0) return []
  const text = (value: Json) => JSON.stringify(value)
  const list = rows.map(({ ours, theirs, ...row }) => ({
    ...row,
    ours: text(ours),
    theirs: text(theirs),
  }))
  return [
    sql`INSERT INTO drift (organization_id, directory_id, reconciliation_id, user_id, attribute, graph_id,
        direction, ours, theirs)
      SELECT ${key.organizationId}, ${key.directoryId}, ${key.reconciliationId}, d.value ->> 'userId',
        d.value ->> 'attribute', d.value ->> 'graphId', d.value ->> 'direction', d.value ->> 'ours', d.value ->> 'theirs'
      FROM json_each(${JSON.stringify(list)}) d WHERE TRUE
      ON CONFLICT DO UPDATE SET ours = excluded.ours, theirs = excluded.theirs, direction = excluded.direction`,
  ]
}

function seenStatements(key: RunKey, { seen }: RunStep, isOver: boolean): SQL[] {
  const here = sql`organization_id = ${key.organizationId} AND reconciliation_id = ${key.reconciliationId}`
  if (isOver) return [sql`DELETE FROM seen_accounts WHERE ${here}`]
  if (seen === null) return []
  return [
    // Pages that were begun again: whoever was deleted meanwhile is on the old ones alone.
    sql`DELETE FROM seen_accounts WHERE ${here} AND page >= ${seen.page}`,
    sql`INSERT INTO seen_accounts (organization_id, directory_id, reconciliation_id, page, graph_ids)
      VALUES (${key.organizationId}, ${key.directoryId}, ${key.reconciliationId}, ${seen.page},
        ${JSON.stringify(seen.graphIds)})`,
  ]
}

const linkStatement = ({ organizationId, directoryId }: RunKey, link: JsonObject | null): SQL =>
  sql`UPDATE directory SET delta_link = ${link === null ? null : JSON.stringify(link)}
    WHERE organization_id = ${organizationId} AND id = ${directoryId}`
