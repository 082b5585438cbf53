/**
 * Before anything is planned: creates that have no answer, or whose name was taken, are looked for by that name, and the accounts
 * that users were imported from by their ids.
 */
import { boundAccounts, type Holder } from '../db/bound-accounts.ts'
import type { UserRow } from '../db/round-store.ts'
import type { Outcome } from '../graph/outcome.ts'
import { backoffBase } from '../kernel/backoff.ts'
import { assertNever } from '../kernel/result.ts'
import { desiredUser } from '../plan/desired-user.ts'
import { directoryUser } from '../plan/directory-user.ts'
import { stateOf } from '../plan/imported.ts'
import { getUser } from '../plan/requests.ts'
import { exportedKeys } from '../plan/snapshot.ts'
import {
  type Account,
  type Adoption,
  ADOPTION_SELECT,
  decideAdoption,
  IMPORTED_MISSING,
  knownOfAdopted,
  readAccount,
} from './adoption.ts'
import type { Round } from './context.ts'
import { type Draft, fail, hasNoAccount, isEnding, owe } from './draft.ts'
import { noteEvent } from './finish.ts'
import { lookForPrivileges } from './privileges.ts'
import { sendWave, type WaveItem } from './sending.ts'
import { errorOf } from './settle.ts'

/** The drafts that can be planned; the others wait for a later look, or are held. */
export async function lookForCreates(round: Round, drafts: readonly Draft[]): Promise<Draft[]> {
  const looking = drafts.filter(
    (draft) => hasNoAccount(draft.row) && (draft.row.creatingAs !== null || adopts(round, draft)),
  )
  if (looking.length === 0) return [...drafts]
  const items = looking.map(({ target, row }): WaveItem => {
    const request = getUser(row.adopting ?? row.creatingAs ?? '', ADOPTION_SELECT)
    return { id: target.id, context: { purpose: 'read', request } }
  })
  const outcomes = new Map(await sendWave(round, items))
  const seen = new Map<string, Account>()
  for (const draft of looking) {
    const outcome = outcomes.get(draft.target.id)
    const account = outcome?.kind === 'done' ? readAccount(outcome.body) : undefined
    if (account !== undefined) seen.set(draft.target.id, account)
  }
  const bound = await boundAccounts(
    round.ports.database,
    round.key,
    [...seen.values()].map(({ id }) => id),
  )
  for (const [id, holder] of bound)
    // Whoever this round writes may be let go of by it: what becomes of the account the next one says.
    if (round.drafts.has(holder.resourceId)) bound.set(id, { ...holder, isFormer: false })
  const strangers = looking.filter((draft) => isStranger(round, draft, seen, bound))
  await lookForPrivileges(round, strangers, seen, outcomes)
  return drafts.filter((draft) => {
    if (!looking.includes(draft)) return true
    const outcome = outcomes.get(draft.target.id)
    return decide(round, draft, outcome, seen.get(draft.target.id), bound)
  })
}

/** Whether the binding takes over the account that its user was imported from; one that ends takes over none. */
const adopts = (round: Round, { row, target }: Draft): boolean =>
  row.adopting !== null && !isEnding(row) && round.loaded.users.some(({ id }) => id === target.id)

/** Whether the account would be adopted that was there before, and was never ours. */
function isStranger(
  round: Round,
  draft: Draft,
  seen: ReadonlyMap<string, Account>,
  bound: ReadonlyMap<string, Holder>,
): boolean {
  const account = seen.get(draft.target.id)
  if (account === undefined || bound.has(account.id)) return false
  return adoptionOf(round, draft, account, undefined).kind === 'adopt'
}

function adoptionOf(
  round: Round,
  draft: Draft,
  account: Account | undefined,
  boundTo: Holder | undefined,
): Adoption {
  const { row } = draft
  const wanted = wantedName(round, draft)
  return decideAdoption({
    account,
    name: row.creatingAs ?? wanted ?? row.adopting ?? '',
    wantedName: wanted,
    isImported: row.adopting !== null,
    creatingSince: row.creatingSince,
    boundTo,
    userId: draft.target.id,
    externalId: externalIdOf(round, draft),
    policy: round.settings.conflict,
    isApproved: row.approval === 'approved',
    attempts: row.attempts,
  })
}

/** Takes one decision into the draft; true when the draft can be planned. */
function decide(
  round: Round,
  draft: Draft,
  outcome: Outcome | undefined,
  account: Account | undefined,
  bound: Map<string, Holder>,
): boolean {
  const now = round.ports.clock.now()
  const { row } = draft
  if (account === undefined && outcome?.kind !== 'missing' && outcome?.kind !== 'notReplicated') {
    settleLook(round, draft, outcome)
    return false
  }
  const boundTo = account === undefined ? undefined : bound.get(account.id)
  const adoption = adoptionOf(round, draft, account, boundTo)
  switch (adoption.kind) {
    case 'ours':
    case 'adopt':
      takeOver(round, draft, adoption, account)
      if (adoption.kind === 'adopt' && boundTo !== undefined) round.takenOver.push(adoption.graphId)
      // Somebody else in this round may want the same account.
      bound.set(adoption.graphId, {
        resourceId: draft.target.id,
        isFormer: false,
        externalId: null,
        exported: [],
      })
      return true
    case 'waitForHolder':
      draft.row = { ...row, attempts: row.attempts + 1 }
      owe(draft, now + backoffBase(row.attempts + 1) * 1000)
      return false
    case 'startOver':
      draft.row = { ...row, creatingAs: null, creatingSince: null, attempts: 0 }
      return true
    case 'repeat':
      return true
    case 'lookAgain':
      draft.row = { ...row, attempts: row.attempts + 1 }
      owe(draft, now + adoption.afterMs)
      return false
    case 'hold':
      draft.row = { ...row, creatingAs: null, creatingSince: null }
      fail(draft, adoption.error, 'held')
      noteEvent(round, draft)
      return false
    case 'gone':
      fail(draft, IMPORTED_MISSING)
      noteEvent(round, draft)
      return false
    default:
      return assertNever(adoption)
  }
}

/** The userPrincipalName that the user is to have by now; whoever is deleted or unbound wants none. */
export function wantedName(round: Round, draft: Draft): string | null {
  const row = round.loaded.users.find(({ id }) => id === draft.target.id)
  if (row === undefined || isEnding(draft.row)) return null
  const { directions, settings } = round
  const user = directoryUser(row.resource, stateOf(row))
  const { values } = desiredUser({ user, directions, settings, managerGraphId: null })
  return typeof values.email === 'string' ? values.email : null
}

const userOf = ({ loaded }: Round, { target }: Draft): UserRow | undefined =>
  loaded.users.find(({ id }) => id === target.id)

const externalIdOf = (round: Round, draft: Draft): string | null =>
  userOf(round, draft)?.externalId ?? null

/** A look that was not answered, or refused: another one later, or a failure with Graph's reason. */
function settleLook(round: Round, draft: Draft, outcome: Outcome | undefined): void {
  const now = round.ports.clock.now()
  if (outcome?.kind === 'throttled') return owe(draft, now + outcome.retryAfterSeconds * 1000)
  // Nothing was asked any more, so nothing failed.
  if (round.halt !== null) return owe(draft, now)
  if (outcome?.kind === 'permanent' || outcome?.kind === 'privilegedTarget')
    return fail(draft, errorOf({ code: 'privileged_target', ...outcome }))
  if (outcome?.kind === 'authError' && outcome.scope === 'operation')
    return fail(draft, errorOf(outcome))
  const attempts = draft.row.attempts + 1
  draft.row = { ...draft.row, attempts }
  owe(draft, now + backoffBase(attempts) * 1000)
}

/** What we created ourselves holds something of ours, we do not know what; what was adopted, what a former user left there. */
function takeOver(
  round: Round,
  draft: Draft,
  adoption: Extract<Adoption, { kind: 'ours' | 'adopt' }>,
  account: Account | undefined,
): void {
  const { graphId } = adoption
  const isSuspended = userOf(round, draft)?.suspended === true
  draft.row = {
    ...draft.row,
    graphId,
    state: 'owed',
    ...(adoption.kind === 'ours'
      ? { snapshot: {}, unknown: [...exportedKeys(round.directions)] }
      : knownOfAdopted(account, isSuspended, adoption.exported)),
    exportedSequence: round.head,
    creatingAs: null,
    creatingSince: null,
    adopting: null,
    deletedAt: null,
    attempts: 0,
    approval: null,
    takenAt: null,
    adoptedAt: adoption.kind === 'adopt' ? round.ports.clock.now() : null,
    deliveredSequence: null,
  }
  round.graphIds.set(draft.target.id, graphId)
}
