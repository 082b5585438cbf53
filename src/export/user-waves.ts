/** The writes of a round's users, wave by wave: one write of a user at a time, names in the order in which they become free. */
import type { Outcome, Purpose } from '../graph/outcome.ts'
import { assertNever } from '../kernel/result.ts'
import type { PlannedWrite, UserPlan } from '../plan/planned.ts'
import type { Round } from './context.ts'
import { noteRefusedDomain } from './domains.ts'
import { ageOf, type Draft, owe } from './draft.ts'
import { leaveUnreached } from './finish.ts'
import { idToLink, takeGoneManager, takeMissingManager, wantedManager } from './manager.ts'
import { intermediateRename, nameTakenBy, waitsForName } from './names.ts'
import { takeRefusedPart } from './refused-part.ts'
import { noteRemoval } from './removals.ts'
import { sendWave, type WaveItem } from './sending.ts'
import { settleWrite } from './settle.ts'
import { planWork, type UserWork } from './user-work.ts'

/** The name under which a create is sent. */
export const createName = (write: PlannedWrite | undefined): string | null =>
  typeof write?.sets.email === 'string' ? write.sets.email : null

type UserStep = readonly [work: UserWork, write: PlannedWrite]

/** The next write of every user that has one, as far as the tokens reach. */
export function nextWave(round: Round, works: readonly UserWork[]): UserStep[] {
  const wave: UserStep[] = []
  const waiting: UserWork[] = []
  for (const work of works) {
    const write = nextWrite(round, work)
    if (write === undefined) continue
    if (waitsForName(work, write, works, wave)) waiting.push(work)
    else takeStep(round, wave, work, write)
  }
  const first = waiting.find(({ draft }) => draft.row.graphId !== null)
  // Everybody waits for somebody: names are exchanged in a circle, which an intermediate name opens.
  if (wave.length === 0 && first !== undefined) {
    const rename = intermediateRename(first)
    first.queue.unshift(rename)
    takeStep(round, wave, first, rename)
  }
  return wave
}

function nextWrite(round: Round, work: UserWork): PlannedWrite | undefined {
  const { draft } = work
  if (draft.stopped || round.unreached.has(draft.target)) return undefined
  if (work.queue.length === 0) planManagerThatArrived(round, work)
  const [write] = work.queue
  if (write === undefined) return undefined
  if (isForNextRound(draft, write)) {
    owe(draft, round.ports.clock.now())
    return undefined
  }
  return write
}

/** What is not in the stored intent is not sent: a crash would forget it. */
function takeStep(round: Round, wave: UserStep[], work: UserWork, write: PlannedWrite): void {
  if (round.tokens <= 0 || round.halt !== null || !work.isIntended)
    return leaveUnreached(round, work.draft)
  round.tokens -= 1
  work.queue.shift()
  wave.push([work, write])
}

/**
 * Until the Graph id of a create is stored, its name is all by which the account can be found again: a rename waits for
 * the next round.
 */
export const isForNextRound = (
  { before, row }: Draft,
  { attributes }: Pick<PlannedWrite, 'attributes'>,
): boolean =>
  row.graphId !== null && (before?.graphId ?? null) === null && attributes.includes('email')

/**
 * A manager who was created in this very round can be linked in it. The link is all that is sent: whatever else is planned now was
 * held or refused in this round, and the intent does not name it.
 */
function planManagerThatArrived(round: Round, work: UserWork): void {
  const { plan, draft } = work
  if (plan.awaitsManager === null || draft.row.graphId === null || !draft.target.mayWrite) return
  const manager = wantedManager(round, work.user)
  if (idToLink(manager) === undefined || manager?.isEnding === true) return
  work.plan = planWork(round, { ...work, password: undefined })
  work.queue = work.plan.writes.filter(({ purpose }) => purpose === 'manager')
}

/** Whoever still waits when nothing more is sent was not reached: nothing of it may be taken for done. */
export function leaveRest(round: Round, works: readonly UserWork[]): void {
  for (const { draft, queue } of works) {
    const isOver = draft.stopped || round.unreached.has(draft.target)
    if (!isOver && queue.length > 0) leaveUnreached(round, draft)
  }
}

/** Sends one wave and takes its outcomes into the drafts. */
export async function sendUserWave(round: Round, wave: readonly UserStep[]): Promise<void> {
  const { clock, random } = round.ports
  const items = wave.map(([{ draft }, write]): WaveItem => {
    const request = write.request(draft.row.graphId ?? '')
    const purpose = purposeOf(write, request.method)
    return { id: draft.target.id, context: { purpose, request, ...ageOf(draft, clock.now()) } }
  })
  const outcomes = await sendWave(round, items)
  for (const [work, write] of wave) {
    const { draft, plan, password } = work
    const outcome = outcomes.get(draft.target.id)
    if (outcome === undefined) continue
    startFromPlan(round, draft, plan)
    callHolder(round, draft, outcome)
    const isPart =
      takeRefusedPart(work, write, outcome) ||
      takeGoneManager(round, draft, write, outcome) ||
      takeMissingManager(round, work, write, outcome)
    if (!isPart) settleWrite(draft, write, outcome, { now: clock.now(), random }, createName(write))
    noteRemoval(round, draft, write, outcome)
    if (write.restores !== undefined && draft.row.graphId !== null)
      round.takenOver.push(write.restores)
    noteRefusedDomain(round, outcome)
    round.graphIds.set(draft.target.id, draft.row.graphId)
    if (password !== undefined && isPasswordSettled(write, outcome)) {
      const { sequence } = password
      const delivered = isDelivered(write, outcome) ? { deliveredSequence: sequence } : {}
      draft.row = { ...draft.row, passwordSequence: sequence, ...delivered }
      round.passwordsOf.push(draft.target.id)
    }
  }
}

/**
 * The change of a name calls the user who has it, and whose own rename was refused before: so the two exchange their names. A command that
 * is about this one alone does not.
 */
function callHolder(round: Round, { target }: Draft, outcome: Outcome): void {
  const holder = nameTakenBy(outcome)
  const hasChanged = target.mayRetry && (target.ordinaryAt ?? target.urgentAt) !== null
  if (holder !== undefined && hasChanged) round.calledHolders.push(holder)
}

/**
 * From the first write of a round on, the binding knows what the plan counted as known, and no more: nothing that went stale
 * may count again, now that the binding was exported at the log's present end.
 */
function startFromPlan(round: Round, draft: Draft, plan: UserPlan): void {
  if (draft.row.exportedSequence === round.head && draft.writes > 0) return
  const { email, ...others } = definedValues(plan.known)
  const isOurs = email !== undefined && !isNameOfOthers(draft, plan)
  draft.row = {
    ...draft.row,
    snapshot: isOurs ? { ...others, email } : others,
    unknown: [...plan.unknown],
    exportedSequence: round.head,
  }
}

/** Whoever is bound again and cannot be renamed yet has a name that is somebody else's, whatever it was before it was unbound. */
const isNameOfOthers = (
  { row: { adoptedAt, boundSequence, exportedSequence } }: Draft,
  { failure }: UserPlan,
): boolean => failure !== null && adoptedAt !== null && exportedSequence < (boundSequence ?? 0)

/** A password is delivered, or refused for its own sake or with everything else; whatever else keeps its write from happening, it waits. */
function isPasswordSettled(write: PlannedWrite, outcome: Outcome): boolean {
  if (outcome.kind === 'masteredOnPremises' || isDelivered(write, outcome)) return true
  if (!write.carriesPassword) return false
  if (outcome.kind === 'permanent' && outcome.code === 'password_rejected') return true
  if (write.purpose !== 'password') return false
  if (outcome.kind === 'authError') return outcome.scope === 'operation'
  return outcome.kind === 'permanent' || outcome.kind === 'privilegedTarget'
}

const isDelivered = ({ carriesPassword }: PlannedWrite, { kind }: Outcome): boolean =>
  carriesPassword && (kind === 'done' || kind === 'alreadyDone')

const definedValues = (values: UserPlan['known']): Record<string, string | boolean | null> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )

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
    case 'restore':
      return 'restore_user'
    case 'update':
    case 'password':
      return 'update_user'
    default:
      return assertNever(purpose)
  }
}
