/** Whom a preview is about, and what it is previewed with. */
import type { Holder } from '../db/bound-accounts.ts'
import type { DeletedAccount } from '../db/deleted-accounts.ts'
import type { Unfollowed } from '../db/preview-lag.ts'
import type { BindingRow, ManagerAccount, UserRow } from '../db/round-store.ts'
import type { Outcome } from '../graph/outcome.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Directions } from '../plan/attributes.ts'
import { desiredUser } from '../plan/desired-user.ts'
import { directoryUser, type DirectoryUser } from '../plan/directory-user.ts'
import { stateOf } from '../plan/imported.ts'
import type { PlannedWrite, UserBinding } from '../plan/planned.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import type { Account } from './adoption.ts'
import type { BindingError } from './draft.ts'

/** A user, and how it is bound. */
export interface Subject {
  readonly user: UserRow
  /** Without Graph id where we deleted the account. */
  readonly binding: BindingRow | undefined
  /** The account that a bind takes over, whatever its name: the user was imported from it. */
  readonly importedFrom: string | null
  readonly hasPassword: boolean
  /** What the directory has still to follow of the user. */
  readonly unfollowed: Unfollowed
  /** The user is bound by what is still to be followed. */
  readonly willBeBound: boolean
  /** What is previewed leads to an export of the user. */
  readonly isCalled: boolean
  /** The account that we deleted and that stands in the way of a create, if there would be one. */
  readonly deleted: DeletedAccount | undefined
}

export interface Configuration {
  readonly settings: DirectorySettings
  readonly directions: Directions
  readonly graphBase: string
  /** The accounts of managers, by our ids. */
  readonly managers: ReadonlyMap<string, PreviewedManager>
}

/** The account of a manager. `isBack`: it was found deleted and is there again, without the links that went with it. */
interface PreviewedManager extends ManagerAccount {
  readonly isBack?: boolean
}

/** What a page of users is previewed with; outcomes and accounts by the id of the user they were read for. */
export interface Setting extends Configuration {
  readonly verifiedDomains: ReadonlySet<string> | undefined
  readonly outcomes: ReadonlyMap<string, Outcome>
  readonly accounts: ReadonlyMap<string, Account>
  /** What the deleted accounts of the subjects hold that are in the recycle bin. */
  readonly recycleBin: ReadonlyMap<string, JsonObject>
  /** Who has the accounts already, and those of managers that are imported, by Graph id. */
  readonly holders: ReadonlyMap<string, Holder>
  /** Accounts of managers, by Graph id, that are not in Microsoft 365 any more. */
  readonly gone: ReadonlySet<string>
  /** The Graph ids of other accounts that have the names to which bound users would be renamed, by our ids of these. */
  readonly taken: ReadonlyMap<string, string>
  /** Who of the same preview gets the account or the name that a user wants as well, by the id of that user. */
  readonly rivals: ReadonlyMap<string, string>
}

export const personOf = ({ user }: Pick<Subject, 'user'>): DirectoryUser =>
  directoryUser(user.resource, stateOf(user))

/** The userPrincipalName under which the user would be created; null when it is to have none. */
export function nameToCreate(
  { settings, directions }: Configuration,
  subject: Pick<Subject, 'user'>,
): string | null {
  const wanted = { user: personOf(subject), directions, settings, managerGraphId: null }
  const { email } = desiredUser(wanted).values
  return typeof email === 'string' ? email : null
}

/** The account that would be written to, and what counts as known of it. */
export interface WritableTarget extends Pick<
  UserBinding,
  'graphId' | 'snapshot' | 'unknown' | 'exportedSequence' | 'restoring'
> {
  /** It is in the recycle bin: the write that brings it back, and what it holds there. */
  readonly comesBack?: { readonly write: PlannedWrite; readonly held: JsonObject }
}
export type Target =
  | WritableTarget
  | { readonly graphId: string | null; readonly refused: BindingError }
