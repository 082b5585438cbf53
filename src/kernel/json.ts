/** Anything that JSON can hold. */
export type Json = string | number | boolean | null | JsonArray | JsonObject
export type JsonArray = readonly Json[]
export interface JsonObject {
  readonly [name: string]: Json
}

/** True for a JSON object; arrays and null are none. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True for a JSON array (`Array.isArray` forgets that JSON arrays are read-only). */
export function isJsonArray(value: unknown): value is JsonArray {
  return Array.isArray(value)
}

/** Equality of JSON values: order counts in arrays, not among the members of an object. */
export function jsonEquals(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (isJsonArray(a) && isJsonArray(b))
    return a.length === b.length && a.every((item, i) => jsonEquals(item, b[i]))
  if (!isJsonObject(a) || !isJsonObject(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && jsonEquals(a[name], b[name]))
  )
}
