/** What a PATCH operation does to one attribute, as the functions that carry it out see it. Pure. */
import type { Json, JsonObject } from '../kernel/json.ts'
import type { Result } from '../kernel/result.ts'
import type { AttributeDefinition } from './attributes.ts'
import type { ScimFault } from './fault.ts'
import type { PatchOperation } from './messages.ts'
import type { AttributeTarget } from './patch-target.ts'
import { isBlank, type AppliedQuirks } from './quirks.ts'
import { mergeComplex, type ValueContext } from './value.ts'

/** What the operations of one PATCH collect. */
export interface PatchNotes {
  readonly applied: AppliedQuirks
  /** Multi-valued attributes of which some element lost a sub-attribute. */
  readonly hollowed: Set<AttributeDefinition>
}

export interface Change {
  readonly op: PatchOperation['op']
  readonly target: AttributeTarget
  /** Undefined when the operation carries none. */
  readonly value: Json | undefined
  readonly notes: PatchNotes
}

/** How faults name the attribute of a change. */
export function contextOf({ target, notes }: Change): ValueContext {
  const { definition, opaque } = target.found
  return { name: opaque ? target.path : definition.name, applied: notes.applied }
}

/** What the target is to be; undefined when it is to go: by `remove`, by null or by an empty text (Q27). */
export function wantedValue({ op, value, notes }: Change): Json | undefined {
  const isGone = op === 'remove' || value === undefined || isBlank(value, notes.applied)
  return isGone ? undefined : value
}

/** `current` with its sub-attribute `name` set or removed; undefined when nothing is left. Fault: invalidValue. */
export function changeSub(
  current: JsonObject,
  name: string,
  change: Change,
): Result<JsonObject | undefined, ScimFault> {
  const { definition } = change.target.found
  const sent = { [name]: wantedValue(change) ?? null }
  const changed = mergeComplex(current, sent, definition, contextOf(change))
  if (changed.ok && definition.multiValued && changed.value?.[name] === undefined)
    change.notes.hollowed.add(definition)
  return changed
}
