/** What is known of a resource in Graph after the writes of a plan, by what became of each. */
import { assertNever } from '../kernel/result.ts'
import type { Plan } from './planned.ts'

/**
 * `answered`: Graph holds it now, if only because it did before. `unanswered`: it may or may not. `refused`: Graph holds
 * what it held. `unsent`: the run ended before.
 */
export type WriteOutcome = 'answered' | 'unanswered' | 'refused' | 'unsent'

/**
 * The snapshot and the unknown keys to store, together with the sequence that the plan was made at (also when nothing
 * was sent: a plan forgets what counts no longer). A write without an outcome was not sent.
 */
export function settle<Values extends object>(
  plan: Pick<Plan<Values>, 'known' | 'unknown' | 'writes'>,
  outcomes: readonly WriteOutcome[],
): { readonly snapshot: Values; readonly unknown: readonly string[] } {
  let snapshot = plan.known
  const unknown = new Set(plan.unknown)
  for (const [i, write] of plan.writes.entries()) {
    const outcome = outcomes[i] ?? 'unsent'
    switch (outcome) {
      case 'answered':
        snapshot = { ...snapshot, ...write.sets }
        for (const attribute of write.attributes) unknown.delete(attribute)
        break
      case 'unanswered':
        for (const attribute of write.attributes) unknown.add(attribute)
        break
      case 'refused':
      case 'unsent':
        break
      default:
        assertNever(outcome)
    }
  }
  return { snapshot, unknown: [...unknown] }
}
