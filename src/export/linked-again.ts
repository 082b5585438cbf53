/**
 * A manager who is bound again before an undoing has given the reports back whom they had: they are linked to her as at her first bind,
 * whoever their accounts have by now, and the undoing tells it. Pure but for the draft.
 */
import { eventId } from '../kernel/id.ts'
import type { JsonObject } from '../kernel/json.ts'
import { type Directions, directionOf } from '../plan/attributes.ts'
import type { DirectoryUser } from '../plan/directory-user.ts'
import type { UserBinding } from '../plan/planned.ts'
import { MANAGER_BOUND_MEANWHILE } from '../plan/problem.ts'
import type { Round } from './context.ts'
import { type Draft, isEnding } from './draft.ts'
import { bindOfManager, idToLink, type WantedManager, wantedManager } from './manager.ts'

type Linked = Pick<UserBinding, 'snapshot' | 'unknown' | 'restoring' | 'exportedSequence'>

/** The binding as it goes on from there: of the link nothing is known. Undefined where no manager is given back, or she is not bound again. */
export function linkedAgain<T extends Linked>(
  binding: T,
  manager: WantedManager,
  directions: Directions,
): T | undefined {
  if (binding.restoring?.manager === undefined || !isThere(manager)) return undefined
  const { direction, sequence } = directionOf(directions, 'manager')
  // What a direction that was chosen since sends is sent in any case.
  if (direction !== 'export' || sequence > binding.exportedSequence) return undefined
  const { manager: _, ...restoring } = binding.restoring
  const { manager: __, ...snapshot } = binding.snapshot
  const unknown = [...new Set([...binding.unknown, 'manager' as const])]
  const isThrough = Object.keys(restoring).length === 0
  return { ...binding, snapshot, unknown, restoring: isThrough ? null : restoring }
}

const isThere = (manager: WantedManager): boolean =>
  typeof idToLink(manager) === 'string' && manager?.isEnding !== true

/** Takes it into the draft of a user who stays bound. */
export function takeLinkedAgain(round: Round, draft: Draft, user: DirectoryUser | undefined): void {
  const { row } = draft
  if (user === undefined || isEnding(row)) return
  const again = linkedAgain(row, wantedManager(round, user), round.directions)
  if (again === undefined) return
  draft.row = again
  const { resourceId, graphId, undoSequence: sequence, restoring } = row
  if (sequence === null) return
  const bind = bindOfManager(round, user)
  const error: JsonObject = {
    resourceId,
    graphId,
    ...MANAGER_BOUND_MEANWHILE,
    ...(bind === null ? {} : { eventId: eventId(bind) }),
    before: restoring?.['manager'] ?? null,
  }
  round.jobErrors.push({ sequence, errors: [error] })
}
