/**
 * What a run of reconciliation that only reports leads to: bindings whose account is gone have failed, those whose account came back are
 * well again, and Microsoft 365 is written nothing. What is still owed to an account that came back waits for an administrator.
 */
import { AWAY } from '../plan/drift.ts'
import { type BindingError, type Draft, fail } from './draft.ts'
import type { UserWork } from './user-work.ts'

/** What an administrator reads of an account that came back while something was owed to it. */
const ACCOUNT_RETURNED: BindingError = {
  code: 'account_returned',
  message:
    'The account is in Microsoft 365 again, and what has changed here meanwhile, or was refused before, was not exported: a reconciliation that only reports found it.',
  whatToDo: 'Replay this: what is owed is exported. A reconciliation that enforces does the same.',
}

const RETURNED_AND_ENDING: BindingError = {
  ...ACCOUNT_RETURNED,
  message:
    'The account is in Microsoft 365 again, though its user was deleted here: it may be enabled. A reconciliation that only reports found it, and left it as it is.',
  whatToDo:
    'Replay this: the account is ended as the directory says. A reconciliation that enforces does the same.',
}

/** Whether reconciliation found the account again that it had found deleted. */
export const isReturned = ({ row, target }: Draft): boolean =>
  target.found.has(`deleted:returned:${row.graphId}`)

/** Whether it found the account of the binding deleted. */
export const isFoundDeleted = ({ row, target }: Draft): boolean =>
  target.found.has(`deleted:recycle_bin:${row.graphId}`) ||
  target.found.has(`deleted:gone:${row.graphId}`)

/** Whether the round has something to do with a user: what a run that only reports has found may be over by now. */
export function isWanted(draft: Draft, exists: boolean): boolean {
  const { row, target } = draft
  if (target.mayWrite) return true
  if (isReturned(draft)) return row.state === 'failed' && AWAY.has(row.error?.['code'])
  const isOver = exists ? row.state === 'unbinding' : row.state !== 'failed' && row.state !== 'held'
  return isFoundDeleted(draft) && !isOver
}

/** Writes nothing for whoever a run that only reports has named: who is owed something has failed, and says so. */
export function settleReported(works: readonly UserWork[]): void {
  for (const work of works) {
    const { draft, plan, queue } = work
    if (draft.target.mayWrite || draft.stopped) continue
    const isEnding = plan.action === 'end'
    const isOwed = queue.length > 0 || plan.needs.length > 0 || plan.readsAgain
    work.queue = []
    if (isEnding || isOwed) fail(draft, isEnding ? RETURNED_AND_ENDING : ACCOUNT_RETURNED)
  }
}
