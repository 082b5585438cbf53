/** One user of a round: what is stored of it, what Graph is to hold, and the writes that are left. */
import type { UserRow } from '../db/round-store.ts'
import { isJsonObject } from '../kernel/json.ts'
import { PASSWORD_BYTES, randomPassword } from '../kernel/random.ts'
import { directoryUser, type DirectoryUser } from '../plan/directory-user.ts'
import { seenOrgData } from '../plan/graph-user.ts'
import { importedValues } from '../plan/imported.ts'
import type { PlannedWrite, UserPlan } from '../plan/planned.ts'
import { getUser } from '../plan/requests.ts'
import type { OrgData } from '../plan/user-body.ts'
import { planUser } from '../plan/user-plan.ts'
import type { Round } from './context.ts'
import { verifiedDomains } from './domain-facts.ts'
import { type BindingError, type Draft, isEnding } from './draft.ts'
import { sendWave, type WaveItem } from './sending.ts'

/** One user of a round. */
export interface UserWork {
  readonly draft: Draft
  /** Undefined when it was deleted. */
  readonly user: DirectoryUser | undefined
  readonly password: { readonly text: string; readonly sequence: number } | undefined
  plan: UserPlan
  queue: PlannedWrite[]
  orgData: OrgData | undefined
  /** A part of what it owes that Graph refused, while the rest goes on. */
  refused: BindingError | undefined
  /** Why the account is not taken away though it should be, while the rest goes on. */
  held: BindingError | undefined
  /** The stored intent names its writes. */
  isIntended: boolean
}

/** Reads and plans one user. */
export async function openWork(round: Round, draft: Draft): Promise<UserWork> {
  const row = round.loaded.users.find(({ id }) => id === draft.target.id)
  const user = row === undefined ? undefined : directoryUser(row.resource, stateOf(row))
  const password = user === undefined ? undefined : await pendingPassword(round, draft)
  const work = { draft, user, password, orgData: undefined }
  const plan = planWork(round, work)
  const queue = [...plan.writes]
  return { ...work, plan, queue, refused: undefined, held: undefined, isIntended: false }
}

/** What the planner takes of a user's row beside its document. */
export const stateOf = ({ id, usernameKey, suspended, passwordExpired, imported }: UserRow) => ({
  id,
  usernameKey,
  suspended,
  passwordExpired,
  imported: importedValues(imported),
})

async function pendingPassword(round: Round, draft: Draft): Promise<UserWork['password']> {
  const pending = round.loaded.passwords.find(({ userId }) => userId === draft.target.id)
  if (pending === undefined || pending.sequence <= draft.row.passwordSequence) return undefined
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
  { draft, user, password, orgData }: Pick<UserWork, 'draft' | 'user' | 'password' | 'orgData'>,
): UserPlan {
  const { row } = draft
  return planUser({
    user,
    ending: endingOf(row),
    // An account that we deleted is none: it comes back from the recycle bin, or another one is created.
    binding: row.deletedAt === null ? row : { ...row, graphId: null, snapshot: {}, unknown: [] },
    directions: round.directions,
    settings: round.settings,
    managerGraphId: managerGraphId(round, user),
    password: password?.text,
    randomPassword: randomPassword(round.ports.randomBytes(PASSWORD_BYTES)),
    graphBase: round.ports.graphBase,
    verifiedDomains: verifiedDomains(round.domains),
    current: orgData === undefined ? undefined : { employeeOrgData: orgData },
  })
}

function endingOf(row: Draft['row']): 'unbound' | 'undone' | undefined {
  if (!isEnding(row)) return undefined
  return row.unboundBy === 'undo' ? 'undone' : 'unbound'
}

/** Null: no manager wanted; undefined: one is wanted, but has no Graph id yet. */
export function managerGraphId(
  round: Round,
  user: DirectoryUser | undefined,
): string | null | undefined {
  const managerId = user?.managerId ?? null
  if (managerId === null) return null
  if (round.graphIds.has(managerId)) return round.graphIds.get(managerId) ?? undefined
  return round.loaded.managerGraphIds.get(managerId)
}

/** employeeOrgData is written as a whole: where only one of its members is ours, the other is read first. */
export async function readOrgData(round: Round, works: readonly UserWork[]): Promise<void> {
  const needy = works.filter(({ plan }) => plan.needs.length > 0)
  if (needy.length === 0) return
  const items = needy.map(({ draft }): WaveItem => {
    const request = getUser(draft.row.graphId ?? '', ['employeeOrgData'])
    return { id: draft.target.id, context: { purpose: 'read', request } }
  })
  const outcomes = await sendWave(round, items)
  for (const work of needy) {
    const outcome = outcomes.get(work.draft.target.id)
    if (outcome?.kind !== 'done' || !isJsonObject(outcome.body)) continue
    work.orgData = seenOrgData(outcome.body)
    work.plan = planWork(round, work)
    work.queue = [...work.plan.writes]
  }
}
