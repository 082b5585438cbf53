/** What the steps of one run share. */
import type { Database } from '../db/client.ts'
import type { Lane } from '../db/lane-store.ts'
import type { DirectoryRow } from '../db/lease.ts'
import type { RunRow, RunStep } from '../db/reconciliation-store.ts'
import type { Transport } from '../graph/transport.ts'
import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Result } from '../kernel/result.ts'
import type { Directions } from '../plan/attributes.ts'
import type { ImportedName } from '../plan/imported.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import type { Ring, RunBell } from './bell.ts'
import type { Progress } from './progress.ts'

export interface ReconcilePorts {
  readonly database: Database
  readonly clock: Clock
  /** How many statements a run may ask of D1 before it rings and leaves. */
  readonly maxStatements: number
  /** Opens the directory's credential; the error is a sentence for its administrator. */
  readonly connect: (directory: DirectoryRow) => Promise<Result<Connection, string>>
  readonly ring: Ring
  /** Tells the operator of an error that nobody expected. */
  readonly reportBug: (thrown: unknown, bell: RunBell) => void
}

export interface Connection {
  readonly transport: Transport
  readonly lanes: readonly Lane[]
}

export interface Counts {
  /** Users that Graph told of. */
  readonly read: number
  /** Groups whose members were compared. */
  readonly groups: number
  readonly drift: number
  readonly corrected: number
  readonly imported: number
  /** Users in Microsoft 365 that are bound to nobody here. */
  readonly unbound: number
  readonly deleted: number
}

export const NO_COUNTS: Counts = {
  read: 0,
  groups: 0,
  drift: 0,
  corrected: 0,
  imported: 0,
  unbound: 0,
  deleted: 0,
}

/** A run as it stands before a step. */
export interface Run {
  readonly ports: ReconcilePorts
  readonly key: RunBell
  /** The error is a sentence for the directory's administrator. */
  readonly connection: Result<Connection, string>
  readonly directory: DirectoryRow
  readonly settings: DirectorySettings
  readonly directions: Directions
  /** The newest sequence of the directions: what is imported by them holds while nobody changed any. */
  readonly directionsAt: number
  readonly imports: readonly ImportedName[]
  readonly select: readonly string[]
  readonly row: RunRow
  readonly progress: Progress
  readonly counts: Counts
}

/** A run that can ask Graph. */
export type ConnectedRun = Omit<Run, 'connection'> & { readonly connection: Connection }

/** What a step wants stored; what it leaves out stays as it is. */
export interface StepResult extends Partial<
  Pick<RunStep, 'state' | 'drift' | 'returned' | 'imports' | 'events' | 'seen' | 'deltaLink'>
> {
  readonly progress: Progress
  readonly counts?: Counts
  readonly error?: JsonObject | null
  /** Nothing can be done before so many seconds have passed. */
  readonly waitSeconds?: number
  /** The directory has something to export: it is rung for once the step is stored. */
  readonly rings?: boolean
}
