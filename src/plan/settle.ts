/** What is known of a resource in Graph after one write of a plan. */
import type { PlannedWrite } from './planned.ts'

/** The values that Graph holds, and the keys of which nobody knows. */
export interface Knowledge<Values> {
  readonly snapshot: Values
  readonly unknown: readonly string[]
}

/**
 * `answered`: Graph holds it now, if only because it did before. `unanswered`: it may or may not, so that its attributes
 * differ from every value until a write of them is answered. A write that was refused or not sent changes nothing.
 */
export function knownAfter<Values extends object>(
  { snapshot, unknown }: Knowledge<Values>,
  { sets, attributes }: Pick<PlannedWrite<Values>, 'sets' | 'attributes'>,
  outcome: 'answered' | 'unanswered',
): Knowledge<Values> {
  return outcome === 'answered'
    ? {
        snapshot: { ...snapshot, ...sets },
        unknown: unknown.filter((name) => !attributes.includes(name)),
      }
    : { snapshot, unknown: [...new Set([...unknown, ...attributes])] }
}
