/** The users of a round: plan each, send its writes wave by wave, say what became of its binding. */
import type { BindingRow } from '../db/round-store.ts'
import { isPartOfRemoval, isRemoval } from '../plan/removal.ts'
import type { Round } from './context.ts'
import { checkDomains } from './domains.ts'
import { adoptionRejected } from './adoption.ts'
import { type Draft, fail, hasNoAccount, openDraft } from './draft.ts'
import { finishUser, noteEvent } from './finish.ts'
import { takeApproval, takeFindings } from './found.ts'
import { foundIn, onlyFound } from './found-alone.ts'
import { isDueByReport, lookForGone, readBeforeEnding } from './gone.ts'
import { lookForCreates, wantedName } from './look-for-creates.ts'
import { lookIntoRecycleBin } from './recycle-bin.ts'
import { readOverwritten } from './overwritten.ts'
import { askAnew, heldRemovals } from './removals.ts'
import { isWanted, settleReported } from './returned.ts'
import { storeIntent } from './sending.ts'
import type { Target } from './targets.ts'
import { tellDeleted } from './overtaken.ts'
import { createName, leaveRest, nextWave, sendUserWave } from './user-waves.ts'
import { isBoundByCreation, openWork, readNeeded, type UserWork } from './user-work.ts'

/** Carries the round's users as far as the tokens reach. */
export async function exportUsers(round: Round): Promise<void> {
  const drafts = openUserDrafts(round)
  const ready = await lookForCreates(round, drafts)
  const works = await Promise.all(ready.map((draft) => openWork(round, draft)))
  await readNeeded(round, works)
  await checkDomains(round, works)
  await lookIntoRecycleBin(round, works)
  await readBeforeEnding(round, works)
  settleReported(round, works)
  await holdRemovals(round, works)
  intendWrites(round, works)
  await readOverwritten(round, works)
  if (works.some((work) => work.queue.length > 0)) await storeIntent(round)
  for (let wave = nextWave(round, works); wave.length > 0; wave = nextWave(round, works))
    await sendUserWave(round, wave)
  leaveRest(round, works)
  await lookForGone(round, works)
  for (const work of works) finishUser(round, work)
}

/** The drafts of the users that are bound here, or are to be: a user that is new, where new users are bound. */
function openUserDrafts(round: Round): Draft[] {
  const rows = new Map(
    round.loaded.bindings.filter(({ kind }) => kind === 'user').map((row) => [row.resourceId, row]),
  )
  const existing = new Set(round.loaded.users.map(({ id }) => id))
  const { settings, key } = round
  const bindable = new Set(
    round.loaded.users
      .filter((user) => isBoundByCreation(settings, key.directoryId, user))
      .map(({ id }) => id),
  )
  return round.targets.users.flatMap((target) => {
    const before = rows.get(target.id)
    if (before === undefined && !(target.created && bindable.has(target.id))) return []
    if (before?.state === 'former') return []
    if (isLeftAsItIs(before, target) && existing.has(target.id)) return []
    const only = onlyFound(target, before, existing.has(target.id))
    const draft = openDraft(round.key, target, before, 'all', only)
    if (!isWanted(draft, existing.has(target.id))) return []
    if (isDueByReport(draft)) target.mayWrite = false
    round.drafts.set(target.id, draft)
    round.graphIds.set(target.id, draft.row.graphId)
    return meetUser(round, draft, existing.has(target.id))
  })
}

/** Nothing is planned for whoever's adoption was rejected, or whose account was found to be gone. */
function meetUser(round: Round, draft: Draft, exists: boolean): Draft[] {
  askAnew(draft)
  if (exists && isAdoptionRejected(round, draft)) return []
  if (exists) takeFindings(draft)
  else takeApproval(draft)
  draft.met = draft.row
  if (!exists) tellDeleted(round, draft)
  if (!draft.stopped) return [draft]
  noteEvent(round, draft)
  return []
}

/** An account whose adoption was rejected is left to whoever has it; a user that has another address by now is tried again. */
function isAdoptionRejected(round: Round, draft: Draft): boolean {
  const { row } = draft
  if (!hasNoAccount(row) || row.approval !== 'rejected') return false
  const name = wantedName(round, draft)
  if (wantsAnother(draft, name)) {
    draft.row = { ...row, approval: null }
    return false
  }
  fail(draft, adoptionRejected(row.adopting !== null, name))
  noteEvent(round, draft)
  return true
}

/** Whether the user has changed so that it is about another account than the one that was rejected, or may be. */
function wantsAnother({ row, target }: Draft, name: string | null): boolean {
  const hasChanged = target.urgentAt !== null || target.ordinaryAt !== null
  return hasChanged && row.adopting === null && row.error?.['name'] !== name
}

/**
 * Whether a change of its user is no reason to try again what was refused, only somebody who asks for it: the account is mastered on
 * premises, so that its data is not ours to write, or it is to be let go of, whatever else its user is here.
 */
function isLeftAsItIs(row: BindingRow | undefined, { due, removed }: Target): boolean {
  if (row === undefined || due || row.found !== null) return false
  if (row.state === 'unbinding') return row.dueAt === null && !removed
  return row.state === 'failed' && row.error?.['code'] === 'mastered_on_premises'
}

/** Beyond the directory's threshold an account is not taken away; everything else that is owed goes on. */
async function holdRemovals(round: Round, works: readonly UserWork[]): Promise<void> {
  const held = await heldRemovals(round, works)
  for (const work of works) {
    work.held = held.get(work.draft.target.id)
    if (work.held !== undefined) work.queue = work.queue.filter((write) => !isPartOfRemoval(write))
  }
}

/** Notes in the intent what is about to be written of every user that the tokens may reach. */
function intendWrites(round: Round, works: readonly UserWork[]): void {
  let tokens = round.tokens
  for (const work of works) {
    const { draft, plan, queue } = work
    if (queue.length === 0 && plan.awaitsManager === null) continue
    if (queue.length > 0 && --tokens < 0) return
    work.isIntended = true
    const attributes = new Set(queue.flatMap((write) => write.attributes))
    if (plan.awaitsManager !== null) attributes.add('manager')
    round.intent.writes.push({
      kind: 'user',
      id: draft.target.id,
      reason: draft.row.reason,
      creatingAs: plan.action === 'create' ? createName(queue[0]) : null,
      attributes: [...attributes],
      isTaking: queue.some(isRemoval),
      ...foundIn(draft),
    })
  }
}
