/** An import as its consumer reads and writes it: one round trip to read, one guarded batch a step. */
import { type SQL, sql } from 'drizzle-orm'

import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { type Database, decode } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import type { JobRow } from './job-store.ts'
import type { DirectoryRow } from './lease.ts'
import { directory } from './tables/directories.ts'
import { job } from './tables/jobs.ts'

export interface ImportKey {
  readonly organizationId: string
  readonly jobId: string
}

/** An import that was rung for is begun by then, unless the message was lost. */
const SILENCE_MS = 30_000
const MOST = 200

export type NewImport = Pick<
  JobRow,
  'organizationId' | 'id' | 'directoryId' | 'total' | 'createdAt'
> & { readonly request: JsonObject }

export type ImportFault =
  | { readonly kind: 'noDirectory' }
  /** Microsoft 365 does not accept the credential, as was found before. */
  | { readonly kind: 'refused'; readonly reason: string | null }

/** Starts an import, unless the directory's credential is known to be refused. One round trip. */
export async function startImport(
  database: Database,
  { organizationId, id, directoryId, total, createdAt, request }: NewImport,
): Promise<Result<JobRow, ImportFault>> {
  const [made, found] = await database.run(
    sql`INSERT INTO job (organization_id, id, type, directory_id, ended, total, request, due_at, created_at)
      SELECT organization_id, ${id}, 'import', id, 0, ${total}, ${JSON.stringify(request)},
        ${createdAt + SILENCE_MS}, ${createdAt}
      FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}
        AND state <> 'auth_error' RETURNING *`,
    sql`SELECT state_reason FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
  )
  const [row] = made?.rows ?? []
  if (row !== undefined) return ok(decode(job, row))
  const [refused] = found?.rows ?? []
  if (refused === undefined) return err({ kind: 'noDirectory' })
  const reason = refused['state_reason']
  return err({ kind: 'refused', reason: typeof reason === 'string' ? reason : null })
}

export interface StoredImport {
  readonly job: JobRow
  readonly directory: DirectoryRow
}

/** An import that is not over, with its directory; undefined when there is none. A directory takes its jobs with it. */
export async function readImport(
  database: Database,
  { organizationId, jobId }: ImportKey,
): Promise<StoredImport | undefined> {
  const here = sql`organization_id = ${organizationId}`
  const [jobs, directories] = await database.run(
    sql`SELECT * FROM job WHERE ${here} AND id = ${jobId} AND type = 'import' AND ended = 0`,
    sql`SELECT * FROM directory WHERE ${here}
      AND id = (SELECT directory_id FROM job WHERE ${here} AND id = ${jobId})`,
  )
  const [row] = jobs?.rows ?? []
  const [found] = directories?.rows ?? []
  if (row === undefined || found === undefined) return undefined
  return { job: decode(job, row), directory: decode(directory, found) }
}

/** What one step leaves behind. */
export interface ImportStep extends Pick<
  JobRow,
  'version' | 'reached' | 'failed' | 'errors' | 'ended' | 'stopped'
> {
  readonly progress: JsonObject
  readonly dueAt: number
  readonly events: readonly NewEvent[]
  /** Has the users of the step bound; undefined where nobody is to be. */
  readonly command: NewEvent | undefined
}

/** Stores a step. Throws the failure `refused: import` when somebody else carried the import on meanwhile. */
export async function storeImportStep(
  database: Database,
  { organizationId, jobId }: ImportKey,
  step: ImportStep,
): Promise<void> {
  const mine = sql`organization_id = ${organizationId} AND id = ${jobId}`
  await database.run(
    refuseUnless(isAt(mine, step.version), 'import'),
    sql`UPDATE job SET version = version + 1, reached = ${step.reached}, failed = ${step.failed},
        errors = ${JSON.stringify(step.errors)}, progress = ${JSON.stringify(step.progress)},
        ended = ${step.ended ? 1 : 0}, stopped = ${step.stopped ? 1 : 0},
        due_at = ${step.ended ? null : step.dueAt}
      WHERE ${mine}`,
    ...(step.events.length === 0 ? [] : [appendEvents(organizationId, step.events)]),
    ...(step.command === undefined ? [] : commandStatements(organizationId, mine, step.command)),
  )
}

/** The job keeps the command's sequence: by it the bindings are known that it waits for. */
const commandStatements = (organizationId: string, mine: SQL, command: NewEvent): SQL[] => [
  appendEvents(organizationId, [command]),
  sql`UPDATE job SET commands = json_insert(coalesce(commands, '[]'), '$[#]',
      (SELECT max(sequence) FROM event WHERE organization_id = ${organizationId})) WHERE ${mine}`,
]

/** Ends an import that cannot go on, whatever step it is at. */
export async function failImport(
  database: Database,
  { organizationId, jobId }: ImportKey,
  error: JsonObject,
): Promise<void> {
  await database.run(
    sql`UPDATE job SET ended = 1, stopped = 1, due_at = NULL, version = version + 1,
        errors = json_insert(coalesce(errors, '[]'), '$[#]', json(${JSON.stringify(error)}))
      WHERE organization_id = ${organizationId} AND id = ${jobId} AND type = 'import' AND ended = 0`,
  )
}

const isAt = (mine: SQL, version: number): SQL =>
  sql`EXISTS (SELECT 1 FROM job WHERE ${mine} AND ended = 0 AND version = ${version})`

/** What the log tells of users: that they were created, and that their import was told of. */
export async function readMade(
  database: Database,
  organizationId: string,
  userIds: readonly string[],
): Promise<{ readonly created: ReadonlySet<string>; readonly told: ReadonlySet<string> }> {
  const [found] = await database.run(
    sql`SELECT target_id, type FROM event WHERE organization_id = ${organizationId}
      AND target_id IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))
      AND type IN ('user_create', 'user_import')`,
  )
  const rows = found?.rows ?? []
  const idsOf = (type: string) =>
    new Set(rows.filter((row) => row['type'] === type).map((row) => String(row['target_id'])))
  return { created: idsOf('user_create'), told: idsOf('user_import') }
}

/** Imports that should have been carried on by now. */
export async function silentImports(
  database: Database,
  now: number,
): Promise<readonly ImportKey[]> {
  const [found] = await database.run(
    sql`SELECT organization_id, id FROM job INDEXED BY job_due WHERE due_at <= ${now} LIMIT ${MOST}`,
  )
  return (found?.rows ?? []).map((row) => ({
    organizationId: String(row['organization_id']),
    jobId: String(row['id']),
  }))
}
