/**
 * What a run of reconciliation that only reports leads to: bindings whose account is gone have failed, those whose account came back are
 * well again, and Microsoft 365 is written nothing. What is still owed to an account that came back waits for an administrator, and so
 * do the users who are to be linked to it as their manager: nobody calls them before.
 */
import { directionOf } from '../plan/attributes.ts'
import { AWAY } from '../plan/drift.ts'
import type { Round } from './context.ts'
import { type BindingError, type Draft, fail, isFoundDeleted, isReturned } from './draft.ts'
import type { UserWork } from './user-work.ts'

/** What an administrator reads of an account that came back while something was owed to it. */
const OWED_TO_RETURNED: BindingError = {
  code: 'account_returned',
  message:
    'The account is in Microsoft 365 again, and what has changed here meanwhile, or was refused before, was not exported: a reconciliation that only reports found it.',
  whatToDo: 'Replay this: what is owed is exported. A reconciliation that enforces does the same.',
}

/** What an administrator reads where users wait to be linked to the account as their manager. */
function awaitedReturned(isOwed: boolean, waiters: number): BindingError {
  const returned = isOwed
    ? OWED_TO_RETURNED.message
    : 'The account is in Microsoft 365 again: a reconciliation that only reports found it, and wrote nothing.'
  const waiting =
    waiters === 1
      ? '1 user whose manager this is waits'
      : `${waiters} users whose manager this is wait`
  return {
    code: 'account_returned',
    message: `${returned} ${waiting} for the link to it.`,
    whatToDo: `Replay this: ${isOwed ? 'what is owed is exported, and ' : ''}whoever waits is linked. A reconciliation that enforces does the same.`,
  }
}

const RETURNED_AND_ENDING: BindingError = {
  ...OWED_TO_RETURNED,
  message:
    'The account is in Microsoft 365 again, though its user was deleted here: it may be enabled. A reconciliation that only reports found it, and left it as it is.',
  whatToDo:
    'Replay this: the account is ended as the directory says. A reconciliation that enforces does the same.',
}

/** Whether the round has something to do with a user: what a run that only reports has found may be over by now. */
export function isWanted(draft: Draft, exists: boolean): boolean {
  const { row, target } = draft
  if (target.mayWrite) return true
  if (isReturned(draft)) return row.state === 'failed' && AWAY.has(row.error?.['code'])
  const isOver = exists ? row.state === 'unbinding' : row.state !== 'failed' && row.state !== 'held'
  return isFoundDeleted(draft) && !isOver
}

/**
 * Writes nothing for whoever a run that only reports has named: who is owed something, or waited for, has failed, and says so. Who waits
 * is called by whatever takes that failure away.
 */
export function settleReported(round: Round, works: readonly UserWork[]): void {
  for (const work of works) {
    const { draft, plan, queue } = work
    if (draft.target.mayWrite || draft.stopped) continue
    const isOwed = queue.length > 0 || plan.needs.length > 0 || plan.readsAgain
    const waiters = linkWaiters(round, draft)
    work.queue = []
    if (plan.action === 'end') fail(draft, RETURNED_AND_ENDING)
    else if (waiters > 0) fail(draft, awaitedReturned(isOwed, waiters))
    else if (isOwed) fail(draft, OWED_TO_RETURNED)
  }
}

/** How many users wait to be linked to the account as their manager. */
function linkWaiters({ directions, loaded }: Round, { target }: Draft): number {
  if (directionOf(directions, 'manager').direction !== 'export') return 0
  return loaded.linkWaiters.get(target.id) ?? 0
}
