/**
 * What one operation makes of the elements of a multi-valued attribute: all of them, those that a filter selects, or a
 * sub-attribute of either (RFC 7644 section 3.5.2). Pure; no element is changed in place.
 *
 * `add` without filter appends, but an element that is there already, by value and type, or by type alone where types
 * are unique (Q28), takes the new sub-attributes instead. A filter that selects nothing describes the element to
 * create (Q4). When an operation makes an element primary, the others cease to be.
 */
import {
  isJsonObject,
  jsonEquals,
  type Json,
  type JsonArray,
  type JsonObject,
} from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { isPrimary, MAX_ELEMENTS } from './document.ts'
import type { ScimFault } from './fault.ts'
import { matchesElement } from './match.ts'
import { changeSub, contextOf, wantedValue, type Change } from './patch-change.ts'
import { elementOf, emailText, isUniqueByType } from './quirks.ts'
import type { Filter } from './tree.ts'
import { invalid, mergeComplex, readElements, readSentObject } from './value.ts'

type Elements = Result<JsonArray, ScimFault>
type Element = Result<Json | undefined, ScimFault>

/** The elements after the operation; undefined when none is left. Faults as in `changeValue`. */
export function changeElements(
  current: JsonArray,
  change: Change,
): Result<JsonArray | undefined, ScimFault> {
  const { filter, found } = change.target
  const changed =
    filter !== undefined
      ? changeSelected(current, change, filter)
      : found.sub === undefined
        ? changeAll(current, change)
        : changeSubOfAll(current, found.sub.name, change)
  if (!changed.ok) return changed
  if (changed.value.length > MAX_ELEMENTS) return err(invalid(contextOf(change), TOO_MANY))
  return ok(changed.value.length === 0 ? undefined : changed.value)
}

const TOO_MANY = `at most ${MAX_ELEMENTS} values are kept`

function changeAll(current: JsonArray, change: Change): Elements {
  const { op } = change
  const { definition } = change.target.found
  const context = contextOf(change)
  // The value of a `remove` lists what goes.
  const value = op === 'remove' ? change.value : wantedValue(change)
  if (value === undefined || value === null) return ok([])
  const address = emailText(definition.name, value, context.applied)
  if (address !== undefined && op !== 'remove') return changeAddress(current, address)
  const sent = readElements(value, definition, context)
  if (!sent.ok) return sent
  // Each is compared with each that is held.
  if (sent.value.length > MAX_ELEMENTS) return err(invalid(context, TOO_MANY))
  if (op === 'remove') return ok(current.filter((held) => !sent.value.some((e) => covers(held, e))))
  if (op === 'replace') return sent
  return ok(settlePrimary(current, addElements(current, sent.value, change)))
}

/** Q37: the address becomes that of the primary or the work element; without either, a new one. */
function changeAddress(current: JsonArray, address: string): Elements {
  const isWork = (held: Json): boolean => foldedType(held) === 'work'
  const held = current.find(isPrimary) ?? current.find(isWork)
  if (held === undefined || !isJsonObject(held))
    return ok([...current, { type: 'work', value: address }])
  const changed: Json = { ...held, value: address }
  return ok(current.map((element) => (element === held ? changed : element)))
}

function addElements(current: JsonArray, added: JsonArray, { target, notes }: Change): JsonArray {
  const { name } = target.found.definition
  const elements = [...current]
  for (const element of added) {
    const same = elements.findIndex((held) => isSame(held, element))
    const index =
      same >= 0 || !isUniqueByType(name) || foldedType(element) === undefined
        ? same
        : elements.findIndex((held) => foldedType(held) === foldedType(element))
    const held = elements[index]
    if (isJsonObject(held) && isJsonObject(element)) {
      if (same < 0) notes.applied.add(28)
      elements[index] = { ...held, ...element }
    } else if (same < 0) elements.push(element)
  }
  return elements
}

function changeSubOfAll(current: JsonArray, name: string, change: Change): Elements {
  const isSet = wantedValue(change) !== undefined
  if (isSet && current.length > 1)
    return err({
      kind: 'invalidPath',
      path: change.target.path,
      reason: 'it names several values; select one by a filter, such as [type eq "work"]',
    })
  return changeEach(
    isSet && current.length === 0 ? [{}] : current,
    () => true,
    (held) => changeSub(held, name, change),
  )
}

function changeSelected(current: JsonArray, change: Change, filter: Filter): Elements {
  const { found, path } = change.target
  const selects = (held: Json): boolean => matchesElement(held, filter, found)
  const described = elementOf(filter)
  if (current.some(selects)) {
    const changed = changeEach(current, selects, (held) => changeElement(held, described, change))
    return changed.ok ? ok(settlePrimary(current, changed.value)) : changed
  }
  const isSet = wantedValue(change) !== undefined
  if (isSet && described === undefined) return err({ kind: 'noTarget', path })
  change.notes.applied.add(4)
  if (!isSet) return ok(current)
  const created = changeElement(undefined, described, change)
  if (!created.ok) return created
  const says = found.sub === undefined ? created.value : readSub(created.value, found.sub.name)
  if (created.value === undefined || says === undefined) return ok(current)
  return ok(settlePrimary(current, addElements(current, [created.value], change)))
}

/**
 * A selected element after the operation, or the one to create when there is none. It keeps what the filter says of it,
 * so that the next operation with this filter finds it.
 */
function changeElement(
  held: JsonObject | undefined,
  described: JsonObject | undefined,
  change: Change,
): Element {
  const { definition, sub } = change.target.found
  const isKept = held !== undefined && (sub !== undefined || change.op === 'add')
  if (sub === undefined && wantedValue(change) === undefined) return ok(undefined)
  const start = isKept ? ok(held) : mergeComplex({}, described ?? {}, definition, contextOf(change))
  if (!start.ok) return start
  return sub === undefined
    ? mergeSent(start.value ?? {}, change)
    : changeSub(start.value ?? {}, sub.name, change)
}

function mergeSent(start: JsonObject, change: Change): Element {
  const { definition } = change.target.found
  const context = contextOf(change)
  const sent = readSentObject(change.value ?? null, definition, context)
  if (!sent.ok || sent.value === undefined) return sent
  return mergeComplex(start, sent.value, definition, context)
}

function changeEach(
  current: JsonArray,
  selects: (held: Json) => boolean,
  change: (held: JsonObject) => Element,
): Elements {
  const elements: Json[] = []
  for (const held of current) {
    const changed: Element = isJsonObject(held) && selects(held) ? change(held) : ok(held)
    if (!changed.ok) return changed
    if (changed.value !== undefined) elements.push(changed.value)
  }
  return ok(elements)
}

/** At most one element is primary: the one that this operation made so (RFC 7644 section 3.5.2). */
function settlePrimary(before: JsonArray, after: JsonArray): JsonArray {
  if (after.filter(isPrimary).length < 2) return after
  const fresh = after.filter(
    (element) => isPrimary(element) && !before.some((held) => jsonEquals(held, element)),
  )
  if (fresh.length !== 1) return after
  return after.map((element) =>
    isJsonObject(element) && isPrimary(element) && element !== fresh[0]
      ? { ...element, primary: false }
      : element,
  )
}

/** The same value of the same type is not kept twice (RFC 7643 section 2.4); without `value`, equal elements are not. */
function isSame(held: Json, added: Json): boolean {
  if (!isJsonObject(held) || !isJsonObject(added) || added['value'] === undefined)
    return jsonEquals(held, added)
  const isSameType = added['type'] === undefined || foldedType(held) === foldedType(added)
  return held['value'] === added['value'] && isSameType
}

/** Whether an element has everything that a value to be removed says. */
function covers(held: Json, listed: Json): boolean {
  if (!isJsonObject(held) || !isJsonObject(listed)) return jsonEquals(held, listed)
  return Object.entries(listed).every(([name, value]) => jsonEquals(held[name], value))
}

function readSub(element: Json | undefined, name: string): Json | undefined {
  return isJsonObject(element) ? element[name] : undefined
}

function foldedType(element: Json): string | undefined {
  const type = readSub(element, 'type')
  return typeof type === 'string' ? type.toLowerCase() : undefined
}
