/** One user of a round: what is stored of it, what Graph is to hold, and the writes that are left. */
import type { UserRow } from '../db/round-store.ts'
import { REPLICATION_SECONDS } from '../graph/outcome-match.ts'
import type { Outcome } from '../graph/outcome.ts'
import { PASSWORD_BYTES, randomPassword } from '../kernel/random.ts'
import { directoryUser, type DirectoryUser } from '../plan/directory-user.ts'
import { verifiedDomains } from '../plan/domain-facts.ts'
import { heldOf } from '../plan/graph-user.ts'
import { stateOf } from '../plan/imported.ts'
import { endingBy, type Ending, type PlannedWrite, type UserPlan } from '../plan/planned.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import type { Held } from '../plan/snapshot.ts'
import { planUser } from '../plan/user-plan.ts'
import type { Round } from './context.ts'
import { ageOf, type BindingError, type Draft, isEnding } from './draft.ts'
import { takeLinkedAgain } from './linked-again.ts'
import { takeExportedAgain } from './overtaken.ts'
import { type LinkAgain, plannedManager, toldManager, wantedManager } from './manager.ts'
import { readRequest, readSeen } from './read-account.ts'
import { sendWave, type WaveItem } from './sending.ts'

/** One user of a round. */
export interface UserWork {
  readonly draft: Draft
  /** Undefined when it was deleted. */
  readonly user: DirectoryUser | undefined
  readonly password: { readonly text: string; readonly sequence: number } | undefined
  plan: UserPlan
  queue: PlannedWrite[]
  /** What was read because the plan needs it, and what became of the reading. */
  current: Held | undefined
  read: Outcome | undefined
  /** A part of what it owes that Graph refused, while the rest goes on. */
  refused: BindingError | undefined
  /** Why the account is not taken away though it should be, while the rest goes on. */
  held: BindingError | undefined
  /** When the link to the manager, whose account Graph does not know, is tried again, while the rest goes on. */
  linkAgain: LinkAgain | undefined
  /** The stored intent names its writes. */
  isIntended: boolean
}

/** Reads and plans one user. */
export async function openWork(round: Round, draft: Draft): Promise<UserWork> {
  const row = round.loaded.users.find(({ id }) => id === draft.target.id)
  const user = row === undefined ? undefined : directoryUser(row.resource, stateOf(row))
  takeLinkedAgain(round, draft, user)
  if (user !== undefined) takeExportedAgain(round, draft)
  const isAll = user !== undefined && draft.only === undefined
  const password = isAll ? await pendingPassword(round, draft) : undefined
  const work = { draft, user, password, current: undefined, read: undefined }
  const plan = planWork(round, work)
  const queue = [...plan.writes]
  const nothing = { refused: undefined, held: undefined, linkAgain: undefined }
  return { ...work, plan, queue, ...nothing, isIntended: false }
}

/** Whether a user that is new is bound because of that. Of an account of this directory an import makes no new user: its `bind` says whether it is bound. */
export const isBoundByCreation = (
  { bindNewUsers }: DirectorySettings,
  directoryId: string,
  { importedFrom }: UserRow,
): boolean => bindNewUsers.mode === 'all' && importedFrom?.directoryId !== directoryId

/** Whether a password came after the last one that was delivered or refused here, and after the command that bound its user. */
export const isPasswordOwed = (
  { sequence }: { readonly sequence: number },
  { passwordSequence }: Draft['row'],
): boolean => sequence > passwordSequence

async function pendingPassword(round: Round, draft: Draft): Promise<UserWork['password']> {
  const pending = round.loaded.passwords.find(({ userId }) => userId === draft.target.id)
  if (pending === undefined || !isPasswordOwed(pending, draft.row)) return undefined
  const text = await round.ports.openPassword(
    pending.organizationId,
    pending.userId,
    pending.sealed,
  )
  return text === undefined ? undefined : { text, sequence: pending.sequence }
}

/** Plans from what the draft knows now; `known` replaces the snapshot, so that nothing stale counts again. */
export function planWork(
  round: Round,
  { draft, user, password, current }: Pick<UserWork, 'draft' | 'user' | 'password' | 'current'>,
): UserPlan {
  const { row } = draft
  return planUser({
    user,
    ending: endingOf(row),
    // An account that we deleted is none: it comes back from the recycle bin, or another one is created.
    binding: row.deletedAt === null ? row : { ...row, graphId: null, snapshot: {}, unknown: [] },
    directions: round.directions,
    settings: round.settings,
    ...plannedManager(wantedManager(round, user), row),
    toldManager: toldManager(draft),
    password: password?.text,
    randomPassword: randomPassword(round.ports.randomBytes(PASSWORD_BYTES)),
    graphBase: round.ports.graphBase,
    verifiedDomains: verifiedDomains(round.domains),
    current,
    only: draft.only,
    isYoung: round.ports.clock.now() < replicatedAt(row),
  })
}

const endingOf = (row: Draft['row']): Ending | undefined =>
  isEnding(row) ? endingBy(row.unboundBy ?? 'admin') : undefined

/**
 * When every replica of Microsoft 365 shows the account as our last write left it. An account that was adopted may have been written,
 * whether or not that was answered.
 */
export const replicatedAt = ({ exportedAt, adoptedAt }: Draft['row']): number =>
  Math.max(exportedAt ?? 0, adoptedAt ?? 0) + REPLICATION_SECONDS * 1000

/**
 * Reads what plans need of what Graph holds: the rest of employeeOrgData, which is written as a whole; and what an account holds
 * that is to be put back as it was, for what somebody wrote after us is left.
 */
export async function readNeeded(round: Round, works: readonly UserWork[]): Promise<void> {
  const needy = works.filter(({ plan }) => plan.needs.length > 0)
  if (needy.length === 0) return
  const items = needy.map(({ draft, plan }): WaveItem => {
    const request = readRequest(draft.row.graphId ?? '', plan.needs)
    const context = { purpose: 'read', request, ...ageOf(draft, round.ports.clock.now()) } as const
    return { id: draft.target.id, context }
  })
  const outcomes = await sendWave(round, items)
  for (const work of needy) {
    work.read = outcomes.get(work.draft.target.id)
    const seen = work.read?.kind === 'done' ? readSeen(work.read.body) : undefined
    if (seen === undefined) continue
    work.current = heldOf(seen, work.plan.needs)
    work.plan = planWork(round, work)
    work.queue = [...work.plan.writes]
  }
}
