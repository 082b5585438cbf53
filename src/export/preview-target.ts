/** Which account a preview is about: the one that is bound, one that would be adopted, or one that would be created. Pure. */
import type { Holder } from '../db/bound-accounts.ts'
import type { BindingRow, ManagerAccount, UserRow } from '../db/round-store.ts'
import type { Outcome } from '../graph/outcome.ts'
import type { Directions } from '../plan/attributes.ts'
import { desiredUser } from '../plan/desired-user.ts'
import { directoryUser, type DirectoryUser } from '../plan/directory-user.ts'
import type { UserBinding } from '../plan/planned.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import {
  type Account,
  adoptionRejected,
  decideAdoption,
  IMPORTED_MISSING,
  MAX_CALLS,
} from './adoption.ts'
import type { BindingError } from './draft.ts'
import { errorOf, OBJECT_MISSING } from './settle.ts'
import { stateOf } from './user-work.ts'

/** A user, and how it is bound. */
export interface Subject {
  readonly user: UserRow
  readonly binding: BindingRow | undefined
  /** The account that a bind takes over, whatever its name: the user was imported from it. */
  readonly importedFrom: string | null
  readonly hasPassword: boolean
}

export interface Configuration {
  readonly settings: DirectorySettings
  readonly directions: Directions
  readonly graphBase: string
  /** The accounts of managers, by our ids. */
  readonly managers: ReadonlyMap<string, ManagerAccount>
}

/** What a page of users is previewed with; outcomes and accounts by the id of the user they were read for. */
export interface Setting extends Configuration {
  readonly verifiedDomains: ReadonlySet<string> | undefined
  readonly outcomes: ReadonlyMap<string, Outcome>
  readonly accounts: ReadonlyMap<string, Account>
  /** Who has the accounts already, and those of managers that are imported, by Graph id. */
  readonly holders: ReadonlyMap<string, Holder>
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
export type WritableTarget = Pick<
  UserBinding,
  'graphId' | 'snapshot' | 'unknown' | 'exportedSequence'
>
export type Target =
  | WritableTarget
  | { readonly graphId: string | null; readonly refused: BindingError }

const NOBODY = { graphId: null, snapshot: {}, unknown: [], exportedSequence: 0 } as const

/** Which account the next export would write to; none is one that would be created. */
export function targetOf(setting: Setting, subject: Subject): Target {
  const { user, binding, importedFrom } = subject
  const outcome = setting.outcomes.get(user.id)
  if (binding?.graphId) return boundTarget(binding, binding.graphId, outcome)
  const account = setting.accounts.get(user.id)
  const name = nameToCreate(setting, subject)
  if (binding !== undefined && isRejected(binding, name)) {
    const refused = adoptionRejected(binding.adopting !== null, name)
    return { graphId: account?.id ?? null, refused }
  }
  if (account !== undefined) return adopted(setting, subject, account)
  if (outcome !== undefined && outcome.kind !== 'missing') return other(outcome)
  const isGone = outcome !== undefined && importedFrom !== null
  return isGone ? { graphId: null, refused: IMPORTED_MISSING } : NOBODY
}

/** Whether an administrator rejected to adopt an account, and the user still has the address that is about: another bind leaves it so. */
const isRejected = (
  { approval, unboundBy, adopting, error }: BindingRow,
  name: string | null,
): boolean =>
  approval === 'rejected' && unboundBy === null && (adopting !== null || error?.['name'] === name)

function boundTarget(binding: BindingRow, graphId: string, outcome: Outcome | undefined): Target {
  if (outcome?.kind === 'missing' && binding.deletedAt !== null) return NOBODY
  if (outcome?.kind !== 'done') return { graphId, refused: unseen(outcome) }
  const { snapshot, error } = binding
  const isFormer = binding.state === 'former'
  // Of an account that was let go of, or deleted in Microsoft 365, nothing is known any more; the former one is somebody else's.
  if (!isFormer && error?.['code'] !== OBJECT_MISSING.code) return binding
  const { email } = snapshot
  const name = typeof email === 'string' ? { email } : {}
  return { ...binding, snapshot: isFormer ? name : snapshot, unknown: Object.keys(snapshot) }
}

/** The account as one that was somebody's before. `isApproved`: as if an administrator had said so. */
export function adopted(
  setting: Setting,
  { user, importedFrom }: Subject,
  account: Account,
  isApproved = false,
): Target {
  const name = nameToCreate(setting, { user }) ?? ''
  const holder = setting.holders.get(account.id)
  const adoption = decideAdoption({
    account,
    name,
    wantedName: name,
    creatingSince: null,
    boundTo: holder?.resourceId === user.id ? undefined : holder,
    externalId: user.externalId,
    policy: setting.settings.conflict,
    isImported: importedFrom !== null,
    isApproved,
    // Whoever has the name and does not give it away keeps it.
    attempts: MAX_CALLS,
  })
  if (adoption.kind === 'hold') return { graphId: account.id, refused: adoption.error }
  const exported = adoption.kind === 'adopt' ? adoption.exported : []
  return {
    graphId: account.id,
    snapshot: {},
    unknown: exported,
    exportedSequence: Number.MAX_SAFE_INTEGER,
  }
}

const other = (outcome: Outcome): Target => ({ graphId: null, refused: unseen(outcome) })

function unseen(outcome: Outcome | undefined): BindingError {
  if (outcome?.kind === 'permanent') return errorOf(outcome)
  if (outcome?.kind === 'missing') return GONE
  return UNREADABLE
}

const GONE: BindingError = {
  code: 'object_missing',
  message: 'The account does not exist in Microsoft 365 any more: somebody deleted it there.',
  whatToDo: 'Restore it in Microsoft 365 (Entra ID, Deleted users), then preview again.',
}
const UNREADABLE: BindingError = {
  code: 'account_unreadable',
  message: 'Microsoft 365 did not show the account.',
  whatToDo: 'Test the connection of the directory, then preview again.',
}
