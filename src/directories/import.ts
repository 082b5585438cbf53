/** `POST /directories/{id}/import`: starts the import of some accounts, or of all that can be; it is carried out later. */
import * as v from 'valibot'

import { type ImportFault, type ImportKey, startImport } from '../db/import-store.ts'
import { invalidField, type Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { type DirectoryDeps, type DirectoryScope, noDirectory } from './context.ts'
import { showBegun } from './jobs.ts'

const MAX_IDS = 1000
const IDS = `must name 1 to ${MAX_IDS} accounts; for more, send several requests, or {"all":true}`
const ID =
  'must be the id of an account in Microsoft 365 (such as 87d349ed-44d7-43e1-9a83-5f2406dee5bd)'

export const importBody = v.strictObject({
  graphIds: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(ID),
          v.regex(/^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/, ID),
          v.toLowerCase(),
        ),
        IDS,
      ),
      v.minLength(1, IDS),
      v.maxLength(MAX_IDS, IDS),
    ),
  ),
  all: v.optional(v.literal(true, 'must be true, or left out')),
  bind: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description('The accounts are adopted: their users are exported to them from then on.'),
    ),
  ),
})

export interface ImportScope extends DirectoryScope {
  /** Somebody should carry the import on. */
  ringImport(key: ImportKey): void
}

/** Starts an import and gives its job. Problems: invalid, notFound, conflict (the credential is known to be refused). */
export async function startImportJob(
  scope: ImportScope,
  deps: DirectoryDeps,
  directoryId: string,
  { graphIds, all, bind = false }: v.InferOutput<typeof importBody>,
): Promise<Result<JsonObject, Problem>> {
  if ((graphIds === undefined) === (all === undefined)) return err(invalidField('', FORMS))
  const { organizationId, now, by } = scope
  const ids = graphIds === undefined ? null : [...new Set(graphIds)]
  const { actor, origin } = by
  const started = await startImport(scope.database, {
    organizationId,
    id: deps.newId('job'),
    directoryId,
    total: ids?.length ?? 0,
    createdAt: now,
    request: { graphIds: ids, bind, actor, origin },
  })
  if (!started.ok) return err(problemOf(started.error, directoryId))
  const job = started.value
  scope.ringImport({ organizationId, jobId: job.id })
  return ok(showBegun({ job, directory: READING }))
}

/** An import reads, which a pause does not forbid: it waits for nothing. */
const READING = { state: 'active', stateReason: null } as const

const problemOf = (fault: ImportFault, directoryId: string): Problem =>
  fault.kind === 'noDirectory'
    ? noDirectory(directoryId)
    : {
        kind: 'conflict',
        detail: `Microsoft 365 cannot be asked: ${fault.reason ?? 'The credential of the directory was refused.'} ${AGAIN}`,
      }

const AGAIN =
  'Then import again: once the directory has a new credential, or its state is set to "active". POST …/test tells more.'

const FORMS = 'must be {"graphIds":[…]} or {"all":true}'
