/** Which account a preview is about: the one that is bound, one that would be adopted or comes back, or one that would be created. Pure. */
import type { BindingRow } from '../db/round-store.ts'
import type { Outcome } from '../graph/outcome.ts'
import {
  type Account,
  accountBoundError,
  adoptionRejected,
  decideAdoption,
  IMPORTED_MISSING,
  knownOfAdopted,
  MAX_CALLS,
} from './adoption.ts'
import { type BindingError, storedError } from './draft.ts'
import { returned } from './preview-return.ts'
import { nameToCreate, type Setting, type Subject, type Target } from './preview-subject.ts'
import { errorOf, OBJECT_MISSING } from './settle.ts'

const NOBODY = { graphId: null, snapshot: {}, unknown: [], exportedSequence: 0 } as const

/** Which account the next export would write to; none is one that would be created. */
export function targetOf(setting: Setting, subject: Subject): Target {
  const { user, binding } = subject
  const outcome = setting.outcomes.get(user.id)
  if (binding?.graphId) return boundTarget(binding, binding.graphId, outcome)
  return (
    leftAlone(setting, subject) ??
    rejected(setting, subject) ??
    taken(setting, subject) ??
    returned(setting, subject, binding?.approval === 'approved') ??
    found(setting, subject, outcome)
  )
}

/** Whoever is held without an account, or has failed, and is not called, has none afterwards either. */
function leftAlone(
  { accounts }: Setting,
  { user, binding, isCalled }: Subject,
): Target | undefined {
  const refused = isCalled || binding === undefined ? undefined : storedError(binding)
  return refused && { graphId: accounts.get(user.id)?.id ?? null, refused }
}

function taken(setting: Setting, subject: Subject): Target | undefined {
  const { id } = subject.user
  const rival = setting.rivals.get(id)
  if (rival === undefined) return undefined
  const refused = accountBoundError(nameToCreate(setting, subject) ?? '', rival)
  return { graphId: setting.accounts.get(id)?.id ?? null, refused }
}

function rejected(setting: Setting, subject: Subject): Target | undefined {
  const { user, binding } = subject
  const name = nameToCreate(setting, subject)
  if (binding === undefined || !isRejected(binding, name)) return undefined
  const refused = adoptionRejected(binding.adopting !== null, name)
  return { graphId: setting.accounts.get(user.id)?.id ?? null, refused }
}

/** The account that has the name, or that the user was imported from. */
function found(setting: Setting, subject: Subject, outcome: Outcome | undefined): Target {
  const account = setting.accounts.get(subject.user.id)
  if (account !== undefined) return adopted(setting, subject, account)
  if (outcome !== undefined && outcome.kind !== 'missing') return other(outcome)
  const isGone = outcome !== undefined && subject.importedFrom !== null
  return isGone ? { graphId: null, refused: IMPORTED_MISSING } : NOBODY
}

/** Whether an administrator rejected to adopt an account, and the user still has the address that is about: another bind leaves it so. */
const isRejected = (
  { approval, unboundBy, adopting, error }: BindingRow,
  name: string | null,
): boolean =>
  approval === 'rejected' && unboundBy === null && (adopting !== null || error?.['name'] === name)

function boundTarget(binding: BindingRow, graphId: string, outcome: Outcome | undefined): Target {
  if (outcome?.kind !== 'done') return { graphId, refused: unseen(outcome) }
  const { snapshot, error } = binding
  const isLetGo = binding.state === 'former' || binding.unboundBy === 'undo'
  // Of an account that was let go of, or deleted in Microsoft 365, nothing is known any more; the former one is somebody else's.
  if (!isLetGo && error?.['code'] !== OBJECT_MISSING.code) return binding
  const { email } = snapshot
  const name = typeof email === 'string' ? { email } : {}
  const known = Object.keys(snapshot).filter(
    (key) => key !== 'accountEnabled' || snapshot[key] !== false,
  )
  const unknown = [...new Set([...known, ...binding.unknown])]
  return isLetGo
    ? { ...binding, snapshot: name, restoring: null, unknown }
    : { ...binding, unknown }
}

/** The account that would be written to once an administrator approves what is held; undefined where nobody is asked. */
export function targetIfApproved(setting: Setting, subject: Subject): Target | undefined {
  const { user, binding, isCalled } = subject
  if (setting.rivals.has(user.id)) return undefined
  const outcome = setting.outcomes.get(user.id)
  const isHeld = !isCalled && binding?.state === 'held'
  if (binding?.graphId) return isHeld ? boundTarget(binding, binding.graphId, outcome) : undefined
  const account = setting.accounts.get(user.id)
  return (
    returned(setting, subject, true) ??
    (account && adopted(setting, subject, account, true)) ??
    (isHeld ? found(setting, subject, outcome) : undefined)
  )
}

/** The account as one that was somebody's before. `isApproved`: as if an administrator had said so. */
function adopted(
  setting: Setting,
  { user, importedFrom }: Subject,
  account: Account,
  isApproved = false,
): Target {
  const name = nameToCreate(setting, { user }) ?? ''
  const adoption = decideAdoption({
    account,
    name,
    wantedName: name,
    creatingSince: null,
    boundTo: setting.holders.get(account.id),
    userId: user.id,
    externalId: user.externalId,
    policy: setting.settings.conflict,
    isImported: importedFrom !== null,
    isApproved,
    // Whoever has the name and does not give it away keeps it.
    attempts: MAX_CALLS,
  })
  if (adoption.kind === 'hold') return { graphId: account.id, refused: adoption.error }
  const exported = adoption.kind === 'adopt' ? adoption.exported : []
  const { suspended } = user
  return {
    graphId: account.id,
    ...knownOfAdopted(account, suspended, exported),
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
