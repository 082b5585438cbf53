/**
 * Tolerant reading of stored JSON: names ignore case (RFC 7643 section 2.1), one value stands for a list of one, a bare
 * value for an element that has only `value`, and a blank text is no text.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'

/** The member of that name; its spelling is exact in what we stored, and looked for otherwise. */
export function member(object: JsonObject, name: string): Json | undefined {
  if (Object.hasOwn(object, name)) return object[name]
  const folded = name.toLowerCase()
  const found = Object.keys(object).find((key) => key.toLowerCase() === folded)
  return found === undefined ? undefined : object[found]
}

/** The member of that name when it is an object, else an empty one. */
export function objectMember(object: JsonObject, name: string): JsonObject {
  const value = member(object, name)
  return isJsonObject(value) ? value : {}
}

/** A text without surrounding blanks; numbers are texts, and everything else is none. */
export function text(value: Json | undefined): string | null {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return null
  const trimmed = value.trim()
  return trimmed === '' ? null : trimmed
}

/** The elements of a multi-valued attribute as objects. */
export function elements(value: Json | undefined): readonly JsonObject[] {
  const items: readonly Json[] = isJsonArray(value) ? value : value === undefined ? [] : [value]
  return items.flatMap((item) => {
    if (isJsonObject(item)) return [item]
    return text(item) === null ? [] : [{ value: item }]
  })
}

/** True when a value, a boolean included, reads as that text in any case. */
export function sameText(value: Json | undefined, expected: string): boolean {
  return (
    (typeof value === 'string' || typeof value === 'boolean') &&
    String(value).trim().toLowerCase() === expected
  )
}

/** The type of an element, folded; empty when it has none. */
export function typeOf(element: JsonObject): string {
  return text(member(element, 'type'))?.toLowerCase() ?? ''
}

/** The element of that type: the primary one of several, else the first. */
export function ofType(items: readonly JsonObject[], type: string): JsonObject | undefined {
  const candidates = items.filter((item) => typeOf(item) === type)
  return candidates.find((item) => sameText(member(item, 'primary'), 'true')) ?? candidates[0]
}
