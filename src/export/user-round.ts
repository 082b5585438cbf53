/** The users of a round: plan each, send its writes wave by wave, say what became of its binding. */
import type { UserRow } from '../db/round-store.ts'
import type { Purpose } from '../graph/outcome.ts'
import { randomPassword, PASSWORD_BYTES } from '../kernel/random.ts'
import { directoryUser, type DirectoryUser } from '../plan/directory-user.ts'
import { seenOrgData } from '../plan/graph-user.ts'
import type { PlannedWrite, UserPlan } from '../plan/planned.ts'
import { getUser } from '../plan/requests.ts'
import { planUser } from '../plan/user-plan.ts'
import type { OrgData } from '../plan/user-body.ts'
import { isJsonObject } from '../kernel/json.ts'
import { assertNever } from '../kernel/result.ts'
import type { Round } from './context.ts'
import { type Draft, openDraft, owe } from './draft.ts'
import { finishUser, leaveUnreached } from './finish.ts'
import { lookForCreates } from './look-for-creates.ts'
import { sendWave, storeIntent, type WaveItem } from './sending.ts'
import { settleWrite } from './settle.ts'

/** One user of a round. */
export interface UserWork {
  readonly draft: Draft
  /** Undefined when it was deleted. */
  readonly user: DirectoryUser | undefined
  readonly password: { readonly text: string; readonly sequence: number } | undefined
  plan: UserPlan
  queue: PlannedWrite[]
  orgData: OrgData | undefined
}

/** Carries the round's users as far as the tokens reach. */
export async function exportUsers(round: Round): Promise<void> {
  const drafts = openUserDrafts(round)
  const ready = await lookForCreates(round, drafts)
  const works = await Promise.all(ready.map((draft) => openWork(round, draft)))
  await readOrgData(round, works)
  intendWrites(round, works)
  if (works.some((work) => work.queue.length > 0)) await storeIntent(round)
  for (let wave = nextWave(round, works); wave.length > 0; wave = nextWave(round, works))
    await sendUserWave(round, wave)
  for (const work of works) finishUser(round, work)
}

/** The drafts of the users that are bound here, or are to be: a user that is new, where new users are bound. */
function openUserDrafts(round: Round): Draft[] {
  const rows = new Map(
    round.loaded.bindings.filter(({ kind }) => kind === 'user').map((row) => [row.resourceId, row]),
  )
  const existing = new Set(round.loaded.users.map(({ id }) => id))
  const bindsAll = round.settings.bindNewUsers.mode === 'all'
  return round.targets.users.flatMap((target) => {
    const before = rows.get(target.id)
    if (before === undefined && !(bindsAll && target.created && existing.has(target.id))) return []
    if (before?.state === 'former') return []
    const draft = openDraft(round.key, target, before, 'all')
    round.drafts.set(target.id, draft)
    round.graphIds.set(target.id, draft.row.graphId)
    return [draft]
  })
}

async function openWork(round: Round, draft: Draft): Promise<UserWork> {
  const row = round.loaded.users.find(({ id }) => id === draft.target.id)
  const user = row === undefined ? undefined : directoryUser(row.resource, stateOf(row))
  const password = user === undefined ? undefined : await pendingPassword(round, draft)
  const work = { draft, user, password, orgData: undefined }
  const plan = planWork(round, work)
  return { ...work, plan, queue: [...plan.writes] }
}

const stateOf = ({ id, suspended, passwordExpired }: UserRow) => ({
  id,
  suspended,
  passwordExpired,
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
    ending: row.state === 'unbinding' ? 'unbound' : undefined,
    binding: row,
    directions: round.directions,
    settings: round.settings,
    managerGraphId: managerGraphId(round, user),
    password: password?.text,
    randomPassword: randomPassword(round.ports.randomBytes(PASSWORD_BYTES)),
    graphBase: round.ports.graphBase,
    current: orgData === undefined ? undefined : { employeeOrgData: orgData },
  })
}

function managerGraphId(round: Round, user: DirectoryUser | undefined): string | null | undefined {
  const managerId = user?.managerId ?? null
  if (managerId === null) return null
  if (round.graphIds.has(managerId)) return round.graphIds.get(managerId) ?? undefined
  return round.loaded.managerGraphIds.get(managerId)
}

/** employeeOrgData is written as a whole: where only one of its members is ours, the other is read first. */
async function readOrgData(round: Round, works: readonly UserWork[]): Promise<void> {
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

/** Notes in the intent what is about to be written of every user that the tokens may reach. */
function intendWrites(round: Round, works: readonly UserWork[]): void {
  for (const { draft, plan, queue } of works) {
    if (queue.length === 0 && plan.awaitsManager === null) continue
    if (round.intent.writes.length >= round.tokens) return
    const attributes = new Set(queue.flatMap((write) => write.attributes))
    if (plan.awaitsManager !== null) attributes.add('manager')
    round.intent.writes.push({
      kind: 'user',
      id: draft.target.id,
      reason: draft.row.reason,
      creatingAs: plan.action === 'create' ? createName(queue[0]) : null,
      attributes: [...attributes],
    })
  }
}

const createName = (write: PlannedWrite | undefined): string | null =>
  typeof write?.sets.email === 'string' ? write.sets.email : null

type UserStep = readonly [work: UserWork, write: PlannedWrite]

/** The next write of every user that has one, as far as the tokens reach. */
function nextWave(round: Round, works: readonly UserWork[]): UserStep[] {
  const wave: UserStep[] = []
  for (const work of works) {
    if (work.draft.stopped || round.unreached.has(work.draft.target)) continue
    if (work.queue.length === 0) planManagerThatArrived(round, work)
    const [write] = work.queue
    if (write === undefined) continue
    if (isNewlyCreated(work.draft) && write.attributes.includes('email')) {
      owe(work.draft, round.ports.clock.now())
      continue
    }
    if (round.tokens <= 0 || round.halt !== null) {
      leaveUnreached(round, work.draft)
      continue
    }
    round.tokens -= 1
    work.queue.shift()
    wave.push([work, write])
  }
  return wave
}

/**
 * Until the Graph id of a create is stored, its name is all by which the account can be found again: a rename waits for
 * the next round.
 */
const isNewlyCreated = ({ before, row }: Draft): boolean =>
  row.graphId !== null && (before?.graphId ?? null) === null

/** A manager who was created in this very round can be linked in it. */
function planManagerThatArrived(round: Round, work: UserWork): void {
  const { plan, draft } = work
  if (plan.awaitsManager === null || draft.row.graphId === null) return
  if (managerGraphId(round, work.user) === undefined) return
  work.plan = planWork(round, { ...work, password: undefined })
  work.queue = [...work.plan.writes]
}

async function sendUserWave(round: Round, wave: readonly UserStep[]): Promise<void> {
  const { clock, random } = round.ports
  const items = wave.map(([{ draft }, write]): WaveItem => {
    const request = write.request(draft.row.graphId ?? '')
    const purpose = purposeOf(write, request.method)
    return { id: draft.target.id, context: { purpose, request, ...ageOf(round, draft) } }
  })
  const outcomes = await sendWave(round, items)
  for (const [{ draft, plan, password }, write] of wave) {
    const outcome = outcomes.get(draft.target.id)
    if (outcome === undefined) continue
    if (draft.writes === 0) draft.row = { ...draft.row, snapshot: definedValues(plan.known) }
    settleWrite(draft, write, outcome, { now: clock.now(), random }, createName(write))
    round.graphIds.set(draft.target.id, draft.row.graphId)
    const carried = ['done', 'permanent', 'privilegedTarget', 'authError'].includes(outcome.kind)
    if (write.carriesPassword && password !== undefined && carried) {
      draft.row = { ...draft.row, passwordSequence: password.sequence }
      round.passwordsOf.push(draft.target.id)
    }
  }
}

const definedValues = (values: UserPlan['known']): Record<string, string | boolean | null> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )

/** An object that was written moments ago may be one that was created moments ago. */
function ageOf({ ports }: Round, { row, before }: Draft): { ageSeconds?: number } {
  if (before?.graphId !== row.graphId) return { ageSeconds: 0 }
  return row.exportedAt === null ? {} : { ageSeconds: (ports.clock.now() - row.exportedAt) / 1000 }
}

function purposeOf({ purpose }: PlannedWrite, method: string): Purpose {
  switch (purpose) {
    case 'create':
      return 'create_user'
    case 'revoke':
      return 'revoke_sessions'
    case 'manager':
      return method === 'DELETE' ? 'remove_manager' : 'set_manager'
    case 'delete':
      return 'delete_user'
    case 'update':
    case 'password':
      return 'update_user'
    default:
      return assertNever(purpose)
  }
}
