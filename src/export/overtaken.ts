/** What jobs are told of a user, or group, whom something later has overtaken. Pure but for the draft. */
import type { BindingRow } from '../db/round-store.ts'
import { eventId } from '../kernel/id.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { directionOf, isAttributeName } from '../plan/attributes.ts'
import { ASK_UNBOUND, EXPORTED_AGAIN } from '../plan/problem.ts'
import type { Round } from './context.ts'
import { type Draft, isEnding } from './draft.ts'

/** What is exported by a later choice is not put back any more. */
export function takeExportedAgain(round: Round, draft: Draft): void {
  const { restoring, undoSequence, resourceId, graphId } = draft.row
  if (restoring === null || undoSequence === null || isEnding(draft.row)) return
  const laterOf = (name: string): number | undefined => {
    const { direction, sequence } = isAttributeName(name)
      ? directionOf(round.directions, name)
      : NOT_CHOSEN
    return direction === 'export' && sequence > undoSequence ? sequence : undefined
  }
  const rest: Record<string, Json> = {}
  const left: JsonObject[] = []
  for (const [attribute, before] of Object.entries(restoring)) {
    const later = laterOf(attribute)
    if (later === undefined) rest[attribute] = before
    else
      left.push({
        resourceId,
        graphId,
        ...EXPORTED_AGAIN,
        attribute,
        before,
        eventId: eventId(later),
      })
  }
  if (left.length === 0) return
  round.jobErrors.push({ sequence: undoSequence, errors: left })
  draft.row = { ...draft.row, restoring: Object.keys(rest).length === 0 ? null : rest }
}

/** Whether the account is enabled is nobody's choice. */
const NOT_CHOSEN = { direction: 'exclude', sequence: 0 } as const

/**
 * Whoever asked for anything else of a user that was deleted meanwhile is told so, or what was refused before; whoever asked after that
 * asked for its end.
 */
export function tellDeleted(round: Round, draft: Draft): void {
  const { target, before, row } = draft
  if (before === undefined || isEnding(before)) return
  const met = target.urgentAt ?? target.ordinaryAt ?? 0
  const asked = commandsOf(row)
  const overtaken = asked.filter((sequence) => sequence < met)
  if (overtaken.length === 0) return
  const isRefused = before.dueAt === null && before.error !== null
  const error = { ...(isRefused ? before.error : ASK_UNBOUND), resourceId: row.resourceId }
  for (const sequence of overtaken)
    round.jobErrors.push({ sequence, errors: [error], areFailures: true })
  draft.row = { ...row, ...askedBy(asked.filter((sequence) => sequence > met)) }
}

const commandsOf = ({ askedSequence, askedBefore }: BindingRow): readonly number[] =>
  askedSequence === null ? [] : [...(askedBefore ?? []), askedSequence]

const askedBy = (
  commands: readonly number[],
): Pick<BindingRow, 'askedSequence' | 'askedBefore'> => ({
  askedSequence: commands.at(-1) ?? null,
  askedBefore: commands.length > 1 ? commands.slice(0, -1) : null,
})
