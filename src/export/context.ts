/** What the parts of one round share. Everything here lives as long as the round. */
import type { Database } from '../db/client.ts'
import type { NewEvent } from '../db/event-log.ts'
import type { Lane } from '../db/lane-store.ts'
import type { JobErrors } from '../db/job-errors.ts'
import type { DirectoryRow, LeaseKey } from '../db/lease.ts'
import type { Awaited, EdgeChange } from '../db/round-commit.ts'
import type { Overwritten } from '../db/overwritten-store.ts'
import type { TriedDirectory } from '../db/refused-connection.ts'
import type { RoundTargets } from '../db/round-store.ts'
import type { Outcome, ThrottleScope } from '../graph/outcome.ts'
import type { Transport } from '../graph/transport.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Directions } from '../plan/attributes.ts'
import type { DomainFacts } from '../plan/domain-facts.ts'
import type { Removals } from '../plan/removed-lately.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import type { Draft } from './draft.ts'
import type { Intent } from './intent.ts'
import type { Target, Targets } from './targets.ts'

/** What the export needs of the outside. */
export interface ExportPorts {
  readonly database: Database
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly sleep: (milliseconds: number) => Promise<void>
  /** The plaintext of a pending password; undefined when it does not open. */
  readonly openPassword: (
    organizationId: string,
    userId: string,
    sealed: string,
  ) => Promise<string | undefined>
  /** The version root of Graph, such as `https://graph.microsoft.com/v1.0`. */
  readonly graphBase: string
}

/**
 * Members of groups as Microsoft 365 told them, by the group's Graph id. Lives as long as the drain, so that a large group is not read
 * anew for each of its pages.
 */
export type ToldMembers = Map<string, Set<string>>

export interface Round {
  readonly ports: ExportPorts
  readonly key: LeaseKey
  readonly transport: Transport
  readonly directory: DirectoryRow
  /** The directory as it was when the credential that is used was opened. */
  readonly tried: TriedDirectory
  readonly settings: DirectorySettings
  readonly directions: Directions
  readonly lanes: readonly Lane[]
  /** The log's end when the round read it. */
  readonly head: number
  readonly targets: Targets
  readonly loaded: RoundTargets
  readonly drafts: Map<string, Draft>
  /** Graph ids of users and groups as far as the round knows them, those it created among them; null: has none. */
  readonly graphIds: Map<string, string | null>
  readonly told: ToldMembers
  /** Targets that were not begun: nothing of them is stored. */
  readonly unreached: Set<Target>
  /** Targets that have to be met again in the log: no position moves beyond them. */
  readonly cut: Set<Target>
  readonly awaits: Awaited[]
  readonly arrived: Awaited[]
  readonly doneWaiting: string[]
  readonly edges: EdgeChange[]
  readonly endedGroups: string[]
  readonly passwordsOf: string[]
  /** Graph ids of accounts whose name somebody waits for. */
  readonly calledHolders: string[]
  /** Graph ids of accounts of former bindings that were taken over, or restored. */
  readonly takenOver: string[]
  /** What accounts held, read before it is overwritten; stored with the intent, before anything is sent. */
  readonly overwritten: Overwritten[]
  /** Who is to leave the groups that it is in, and was not told to before. */
  readonly parting: string[]
  /** What the jobs of commands tell of. */
  readonly jobErrors: JobErrors[]
  readonly events: NewEvent[]
  /** The disables and deletions, as the directory's threshold counts them. */
  readonly removals: RoundRemovals
  readonly intent: Intent
  /** When the lease was last renewed. */
  renewedAt: number
  /** Write tokens that are left. */
  tokens: number
  writes: number
  /** Set by a 429 or a refused credential: nothing more is sent in this round, nor read. */
  halt: Halt | null
  /** Until when the 429s of this round forbid writes, by scope. */
  readonly blocks: Map<ThrottleScope, number>
  /** Which domains the tenant has verified, as far as that is known. */
  domains: DomainFacts | null
}

/** The removals of a round as they are counted. */
export interface RoundRemovals {
  /** What is stored of them; with the users counted anew when that was needed. */
  before: Removals
  /** How many this round let through, and how many of those went out. */
  granted: number
  sent: number
}

export type Halt =
  | { readonly kind: 'throttled'; readonly until: number }
  | { readonly kind: 'auth'; readonly error: Extract<Outcome, { kind: 'authError' }> }

/** Nothing is sent before `until`; a refused credential says more, and stands. */
export function noteThrottle(round: Round, until: number): void {
  if (round.halt === null || (round.halt.kind === 'throttled' && round.halt.until < until))
    round.halt = { kind: 'throttled', until }
}

/** Notes an outcome that concerns the whole connection, not only the object it was about. */
export function noteHalt(round: Round, outcome: Outcome): void {
  if (outcome.kind === 'throttled') {
    const until = round.ports.clock.now() + Math.ceil(outcome.retryAfterSeconds * 1000)
    round.blocks.set(outcome.scope, Math.max(until, round.blocks.get(outcome.scope) ?? 0))
    noteThrottle(round, until)
  }
  if (outcome.kind === 'authError' && outcome.scope === 'connection')
    round.halt = { kind: 'auth', error: outcome }
}
