/** The planner's vocabulary: what it is given and what it answers. */
import type { Json } from '../kernel/json.ts'
import type { Directions } from './attributes.ts'
import type { DirectoryUser } from './directory-user.ts'
import type { Problem } from './problem.ts'
import type { GraphRequest } from './requests.ts'
import type { DirectorySettings } from './settings.ts'
import type { Exported, Held, Snapshot, SnapshotKey } from './snapshot.ts'

export type Purpose =
  | 'create'
  /** The account of a former user comes back from the recycle bin, in place of a create. */
  | 'restore'
  | 'update'
  | 'password'
  | 'revoke'
  | 'manager'
  | 'delete'

/** One request. Writes go out in their order, each after the one before was answered. */
export interface PlannedWrite<Values = Snapshot> {
  readonly purpose: Purpose
  /** Given the Graph id, which a write that follows a create learns from its answer. The create itself ignores it. */
  readonly request: (graphId: string) => GraphRequest
  /** What Graph holds once it is answered OK. */
  readonly sets: Values
  /** What becomes unknown when it is not answered. */
  readonly attributes: readonly string[]
  /** Whether it delivers the pending password. */
  readonly carriesPassword: boolean
  /** The Graph id of the account that a restore brings back. */
  readonly restores?: string
  /** It gives its attributes back what the account held before: nothing of it is ours afterwards. */
  readonly putsBack?: true
  /** What it gives them back. */
  readonly back?: Held
}

/** What a plan takes from somebody, for the directory's threshold; null when nothing. */
export type TakesAway = 'disable' | 'delete' | null

export interface Plan<Values> {
  readonly action: 'create' | 'update' | 'none' | 'end'
  /** What counts as known, and as unknown, before the writes; `settle` says what does after them. */
  readonly known: Values
  readonly unknown: readonly string[]
  readonly writes: readonly PlannedWrite<Values>[]
  readonly problems: readonly Problem[]
  readonly takesAway: TakesAway
}

export interface UserBinding extends Exported {
  readonly graphId: string | null
  /** The userPrincipalName of a create that has no answer. */
  readonly creatingAs: string | null
  /** What the account held before a bind or a direction that was undone, and is to hold again. */
  readonly restoring?: Held | null
}

/** `undone`: the account is let go of as it was before it was bound. */
export type Ending = 'deleted' | 'unbound' | 'undone'

/** How a binding ends that ends though its user exists. */
export const endingBy = (unboundBy: 'admin' | 'groups' | 'undo'): Ending =>
  unboundBy === 'undo' ? 'undone' : 'unbound'

/** What stands before a key of which what is desired by now is sent. */
export const DESIRED = 'desired:'

export interface UserPlanInput {
  /** Undefined when it was deleted. */
  readonly user: DirectoryUser | undefined
  readonly ending?: Ending | undefined
  readonly binding: UserBinding
  readonly directions: Directions
  readonly settings: Pick<
    DirectorySettings,
    'upnSource' | 'blankPolicy' | 'onSuspend' | 'onDelete' | 'onUnbind' | 'usageLocation'
  >
  /** Null: no manager wanted; undefined: one is wanted, but has no Graph id yet, or none that is there. */
  readonly managerGraphId: string | null | undefined
  /** The Graph id of the manager who is wanted and whose account is missing: the link to it went with it. */
  readonly lostManagerId?: string | undefined
  /** What reconciliation told the link to the manager to be, where that finding is all that makes it unknown; undefined where none is. */
  readonly toldManager?: Json | undefined
  /** The Graph id of the manager who is ending: a link to her that has no answer is ours. */
  readonly endingManagerId?: string | undefined
  /** The pending password. */
  readonly password?: string | undefined
  /** For a create without pending password. */
  readonly randomPassword: string
  /** The version root that links are given with, such as `https://graph.microsoft.com/v1.0`. */
  readonly graphBase: string
  /** The domains that the tenant has verified, folded; undefined when they are not known. */
  readonly verifiedDomains?: ReadonlySet<string> | undefined
  /** What Graph holds now of what an earlier plan of the same user needed: a blank is null. */
  readonly current?: Held | undefined
  /**
   * The only keys that are sent, where the rest of what is owed is not to be tried now; undefined: everything. Of a key that follows
   * `DESIRED` what is desired is sent, of any other what was exported before.
   */
  readonly only?: ReadonlySet<string> | undefined
  /** So short a while after the last export that what was read may be what Graph held before it. */
  readonly isYoung?: boolean
}

export interface UserPlan extends Plan<Snapshot> {
  /** Our id of the manager who has no Graph id yet, or whose account is missing. */
  readonly awaitsManager: string | null
  /**
   * Why the user can be neither created nor renamed. The writes of the plan are to be carried out all the same (a
   * disable must not wait for a name); afterwards the binding has failed, with this reason.
   */
  readonly failure: Problem | null
  /** What has to be read from Graph first: read it and plan again with `current`. Its writes are left out until then. */
  readonly needs: readonly SnapshotKey[]
  /** What was read may be older than the last export, so that it says nothing yet: to be read again when it says more. */
  readonly readsAgain: boolean
}
