/** What the job of an undoing, or of another command, is told of a user while the round is with it. */
import type { BindingRow } from '../db/round-store.ts'
import type { JsonObject } from '../kernel/json.ts'
import { PASSWORD_STAYS, type Problem, UNBOUND_MEANWHILE } from '../plan/problem.ts'
import type { Round } from './context.ts'
import type { Draft } from './draft.ts'
import type { UserWork } from './user-work.ts'

/** The job of an undoing that was refused tells that where the binding itself says what it is held for. What is tried again says so. */
export function tellRefused(round: Round, draft: Draft, error: BindingRow['error']): void {
  if (error === null || draft.row.dueAt !== null) return
  tellJob(round, draft, [error])
  draft.row = { ...draft.row, undoSequence: null }
}

/** What an undoing leaves: somebody changed it since, or Graph does not take what was there before. */
const LEFT: ReadonlySet<Problem['code']> = new Set(['changed_since', 'cannot_be_emptied'])

/** The job of an undoing tells which values it left, whatever becomes of the rest of the binding: once, for they are not to be put back any more. */
export function tellLeft(round: Round, { draft, plan }: UserWork): void {
  const { restoring } = draft.row
  const left = plan.problems.filter(({ code }) => LEFT.has(code))
  if (left.length === 0 || restoring === null) return
  tellJob(
    round,
    draft,
    left.map((problem): JsonObject => ({ ...problem })),
  )
  const told = new Set<string | null>(left.map(({ attribute }) => attribute))
  const rest = Object.entries(restoring).filter(([name]) => !told.has(name))
  draft.row = { ...draft.row, restoring: rest.length === 0 ? null : Object.fromEntries(rest) }
}

/** It tells as well what it had still to give back to whoever ends for another reason, and of a password that stays. */
export function tellEnded(round: Round, { draft, plan }: UserWork): void {
  const { restoring, unboundBy } = draft.row
  if (plan.action !== 'end') return
  if (unboundBy !== 'undo' && restoring !== null)
    tellJob(round, draft, [{ ...UNBOUND_MEANWHILE, before: restoring }])
  if (unboundBy === 'undo' && isPasswordOfBind(draft.row)) tellJob(round, draft, [PASSWORD_STAYS])
}

function tellJob(round: Round, { row }: Draft, told: readonly JsonObject[]): void {
  const { resourceId, graphId, undoSequence } = row
  if (undoSequence === null) return
  const errors = told.map((problem): JsonObject => ({ resourceId, graphId, ...problem }))
  round.jobErrors.push({ sequence: undoSequence, errors })
}

/** Whether a password was delivered into the account since the event that bound it, which may have brought the password itself. */
const isPasswordOfBind = ({ adoptedAt, deliveredSequence, boundSequence }: Draft['row']): boolean =>
  adoptedAt !== null && deliveredSequence !== null && deliveredSequence >= (boundSequence ?? 0)
