/** What would become of one user, from what Graph holds now: the same decisions as a round of a drain. Pure. */
import type { Holder } from '../db/bound-accounts.ts'
import type { BindingRow, UserRow } from '../db/round-store.ts'
import type { Outcome } from '../graph/outcome.ts'
import { isJsonObject, type Json } from '../kernel/json.ts'
import type { Directions } from '../plan/attributes.ts'
import { desiredUser } from '../plan/desired-user.ts'
import { directoryUser, type DirectoryUser } from '../plan/directory-user.ts'
import { type Change, heldOf, plannedChanges, type SeenUser, seenUser } from '../plan/graph-user.ts'
import type { UserBinding, UserPlan } from '../plan/planned.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import { type Held, SNAPSHOT_KEYS } from '../plan/snapshot.ts'
import { planUser } from '../plan/user-plan.ts'
import { type Account, decideAdoption, IMPORTED_MISSING, MAX_CALLS } from './adoption.ts'
import type { BindingError } from './draft.ts'
import { type PreviewImport, previewImports } from './preview-imports.ts'
import { errorOf, OBJECT_MISSING } from './settle.ts'
import { isPartOfRemoval, REMOVAL_REJECTED } from './threshold.ts'
import { stateOf } from './user-work.ts'

/** A user, and how it is bound. */
export interface Subject {
  readonly user: UserRow
  readonly binding: BindingRow | undefined
  /** The account that a bind takes over, whatever its name: the user was imported from it. */
  readonly importedFrom: string | null
  readonly managerGraphIds: ReadonlyMap<string, string>
  readonly hasPassword: boolean
}

export interface Configuration {
  readonly settings: DirectorySettings
  readonly directions: Directions
  readonly graphBase: string
}

/** What a page of users is previewed with; outcomes and accounts by the id of the user they were read for. */
export interface Setting extends Configuration {
  readonly verifiedDomains: ReadonlySet<string> | undefined
  readonly outcomes: ReadonlyMap<string, Outcome>
  readonly accounts: ReadonlyMap<string, Account>
  /** Who has the accounts already, and those of managers that are imported, by Graph id. */
  readonly holders: ReadonlyMap<string, Holder>
}

export interface PreviewItem {
  readonly userId: string
  readonly graphId: string | null
  readonly action: 'create' | 'update' | 'none' | 'conflict'
  readonly changes: readonly PreviewChange[]
  readonly imports: readonly PreviewImport[]
  /** Of an account that would be held: what would be changed of it once that is approved. */
  readonly ifApproved: readonly PreviewChange[]
  /** What an administrator should know: values that do not fit, and why nothing can be done. */
  readonly problems: readonly BindingError[]
}

interface PreviewChange {
  readonly attribute: string
  readonly graph: string
  readonly current: Json
  readonly next: Json
}

const personOf = ({ user }: Pick<Subject, 'user'>): DirectoryUser =>
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

/** Says what the next export would do with the user. */
export function previewItem(setting: Setting, subject: Subject): PreviewItem {
  const { user } = subject
  const target = targetOf(setting, subject)
  if ('refused' in target) {
    const item = conflict(user.id, target.graphId, [target.refused])
    return { ...item, ifApproved: changesIfApproved(setting, subject) }
  }
  const { seen, plan: wanted } = lookAt(setting, subject, target)
  const isKept = isRemovalRejected(subject, wanted)
  const plan = isKept ? withoutRemoval(wanted) : wanted
  const problems = [
    ...(isKept ? [REMOVAL_REJECTED] : []),
    ...plan.problems.map(({ code, message, whatToDo, attribute }) => ({
      code,
      message,
      whatToDo,
      ...(attribute === null ? {} : { attribute }),
    })),
  ]
  if (plan.failure !== null && plan.writes.length === 0)
    return conflict(user.id, target.graphId, [
      errorOf({ ...plan.failure, attribute: 'email' }),
      ...problems,
    ])
  return {
    userId: user.id,
    graphId: target.graphId,
    ...changesOf(plan, seen, subject),
    imports: previewImports(personOf(subject), setting.directions, seen, (graphId) =>
      liveHolder(setting, graphId),
    ),
    ifApproved: [],
    problems,
  }
}

/** What the target holds now, and what would be written to it. */
function lookAt(
  setting: Setting,
  subject: Subject,
  target: WritableTarget,
): { readonly seen: SeenUser; readonly plan: UserPlan } {
  const outcome = setting.outcomes.get(subject.user.id)
  const body = target.graphId !== null && outcome?.kind === 'done' ? outcome.body : undefined
  const seen = isJsonObject(body) ? seenUser(body, managerIn(body['manager'])) : {}
  const current = isJsonObject(body) ? heldOf(seen, SNAPSHOT_KEYS) : undefined
  return { seen, plan: planOf(setting, subject, target, current) }
}

/** Of an account that is held whatever an administrator answers, nothing. */
function changesIfApproved(setting: Setting, subject: Subject): readonly PreviewChange[] {
  const account = setting.accounts.get(subject.user.id)
  if (subject.binding?.graphId || account === undefined) return []
  const target = adopted(setting, subject, account, true)
  if ('refused' in target) return []
  const { seen, plan } = lookAt(setting, subject, target)
  return changesOf(plan, seen, subject).changes
}

/** Whether the account stays as it is though it should be disabled; of somebody who was unbound another bind asks anew. */
const isRemovalRejected = ({ binding }: Subject, { takesAway }: UserPlan): boolean =>
  takesAway !== null && binding?.approval === 'rejected' && binding.unboundBy === null

const withoutRemoval = (plan: UserPlan): UserPlan => ({
  ...plan,
  writes: plan.writes.filter((write) => !isPartOfRemoval(write)),
})

function liveHolder({ holders }: Setting, graphId: string): string | undefined {
  const holder = holders.get(graphId)
  return holder?.isFormer === false ? holder.resourceId : undefined
}

function changesOf(
  plan: UserPlan,
  seen: SeenUser,
  { hasPassword }: Subject,
): Pick<PreviewItem, 'action' | 'changes'> {
  const changes: readonly (Change | PreviewChange)[] = plannedChanges(plan, seen)
  const all = hasPassword ? [...changes, PASSWORD] : changes
  if (plan.action === 'create') return { action: 'create', changes: all }
  return { action: all.length === 0 ? 'none' : 'update', changes: all }
}

/** That there is a new one is told, and nothing of it. */
const PASSWORD: PreviewChange = {
  attribute: 'password',
  graph: 'passwordProfile.password',
  current: null,
  next: null,
}

const conflict = (
  userId: string,
  graphId: string | null,
  problems: readonly BindingError[],
): PreviewItem => ({
  userId,
  graphId,
  action: 'conflict',
  changes: [],
  imports: [],
  ifApproved: [],
  problems,
})

/** The account that would be written to, and what counts as known of it. */
type WritableTarget = Pick<UserBinding, 'graphId' | 'snapshot' | 'unknown' | 'exportedSequence'>
type Target = WritableTarget | { readonly graphId: string | null; readonly refused: BindingError }

const NOBODY = { graphId: null, snapshot: {}, unknown: [], exportedSequence: 0 } as const

function targetOf(setting: Setting, subject: Subject): Target {
  const { user, binding, importedFrom } = subject
  const outcome = setting.outcomes.get(user.id)
  if (binding?.graphId) return boundTarget(binding, binding.graphId, outcome)
  const account = setting.accounts.get(user.id)
  if (account !== undefined) return adopted(setting, subject, account)
  if (outcome !== undefined && outcome.kind !== 'missing') return other(outcome)
  const isGone = outcome !== undefined && importedFrom !== null
  return isGone ? { graphId: null, refused: IMPORTED_MISSING } : NOBODY
}

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

function adopted(
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

/** The Graph id of the manager in the answer to a reading of a user. */
export const managerIn = (manager: Json | undefined): string | null => {
  const id = isJsonObject(manager) ? manager['id'] : undefined
  return typeof id === 'string' ? id : null
}

function planOf(
  { directions, settings, graphBase, verifiedDomains }: Setting,
  subject: Subject,
  target: WritableTarget,
  current: Held | undefined,
): UserPlan {
  const user = personOf(subject)
  const { managerId } = user
  return planUser({
    user,
    binding: { ...target, creatingAs: null },
    directions,
    settings,
    managerGraphId: managerId === null ? null : subject.managerGraphIds.get(managerId),
    randomPassword: '',
    graphBase,
    verifiedDomains,
    current,
  })
}
