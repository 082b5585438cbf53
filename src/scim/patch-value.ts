/**
 * What one operation makes of the value of one attribute (RFC 7644 sections 3.5.2.1 to 3.5.2.3): the stored value in, the
 * new one out, undefined when the attribute goes. Pure; the stored value is never changed in place.
 *
 * Both `add` and `replace` set a single value (Q3), merge into an object (Q7), and remove by null or an empty text (Q27).
 */
import { isJsonArray, isJsonObject, jsonEquals, type Json } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { withMember } from './document.ts'
import type { ScimFault } from './fault.ts'
import { changeSub, contextOf, wantedValue, type Change } from './patch-change.ts'
import { changeElements } from './patch-elements.ts'
import { findKey } from './resolve.ts'
import { mergeComplex, readOpaque, readSentObject, readValue } from './value.ts'

/**
 * The new value of the attribute. Faults: invalidValue for a value of another type, or none for a required attribute;
 * mutability for removing a required attribute; noTarget for a filter that matches nothing and describes no element;
 * invalidPath for a sub-attribute of several elements at once.
 */
export function changeValue(
  current: Json | undefined,
  change: Change,
): Result<Json | undefined, ScimFault> {
  const { definition } = change.target.found
  const next = nextValue(current, change)
  if (!next.ok || next.value !== undefined || !definition.required) return next
  const attribute = definition.name
  return change.op === 'remove'
    ? err({
        kind: 'mutability',
        attribute,
        reason: 'it is required; replace it instead of removing it',
      })
    : err({ kind: 'invalidValue', attribute, reason: 'it is required and must not be empty' })
}

function nextValue(current: Json | undefined, change: Change): Result<Json | undefined, ScimFault> {
  const { definition, sub, opaque } = change.target.found
  if (opaque) return changeOpaque(current, change)
  if (definition.multiValued) return changeElements(isJsonArray(current) ? current : [], change)
  if (sub !== undefined) return changeSub(isJsonObject(current) ? current : {}, sub.name, change)
  return changeSingle(current, change)
}

function changeSingle(
  current: Json | undefined,
  change: Change,
): Result<Json | undefined, ScimFault> {
  const { definition } = change.target.found
  const context = contextOf(change)
  const wanted = wantedValue(change)
  if (wanted === undefined) return ok(undefined)
  if (definition.type !== 'complex') return readValue(wanted, definition, context)
  const sent = readSentObject(wanted, definition, context)
  if (!sent.ok || sent.value === undefined) return sent
  return mergeComplex(isJsonObject(current) ? current : {}, sent.value, definition, context)
}

/** An attribute that no schema describes (Q24): set or removed as a whole, or one member of an object; arrays grow. */
function changeOpaque(
  current: Json | undefined,
  change: Change,
): Result<Json | undefined, ScimFault> {
  const { sub } = change.target.found
  const read = readOpaque(wantedValue(change) ?? null, contextOf(change))
  if (!read.ok) return read
  if (sub === undefined) return ok(change.op === 'add' ? union(current, read.value) : read.value)
  const object = isJsonObject(current) ? current : {}
  const next = withMember(object, findKey(object, sub.name) ?? sub.name, read.value)
  return ok(Object.keys(next).length === 0 ? undefined : next)
}

function union(current: Json | undefined, added: Json | undefined): Json | undefined {
  if (!isJsonArray(current) || !isJsonArray(added)) return added
  return [...current, ...added.filter((item) => !current.some((held) => jsonEquals(held, item)))]
}
