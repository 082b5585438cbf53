/** What the steps of one import share. */
import type { Database } from '../db/client.ts'
import type { ImportKey } from '../db/import-store.ts'
import type { JobRow } from '../db/job-store.ts'
import type { DirectoryRow } from '../db/lease.ts'
import type { Transport } from '../graph/transport.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Result } from '../kernel/result.ts'
import type { CreateUser } from './create-user-port.ts'
import type { ImportProgress, ImportRequest } from './import-progress.ts'

export interface ImportPorts {
  readonly database: Database
  readonly clock: Clock
  readonly subtle: SubtleCrypto
  /** How many statements an import may ask of D1 before it rings and leaves. */
  readonly maxStatements: number
  /** Opens the directory's credential; the error is a sentence for its administrator. */
  readonly connect: (
    directory: DirectoryRow,
  ) => Promise<Result<{ readonly transport: Transport }, string>>
  readonly createUser: CreateUser
  /** Rings for the import; without `jobId`, for the directories of the organization. */
  readonly ring: (
    bell: { readonly organizationId: string; readonly jobId?: string },
    delaySeconds?: number,
  ) => Promise<void>
  /** Tells the operator of an error that nobody expected. */
  readonly reportBug: (thrown: unknown, key: ImportKey) => void
}

/** An import as it stands before a step. */
export interface ImportRun {
  readonly ports: ImportPorts
  readonly key: ImportKey
  readonly job: JobRow
  readonly request: ImportRequest
  readonly progress: ImportProgress
}
