/**
 * References to resources that the same bulk request creates: `bulkId:xyz` in place of an id (RFC 7644 section 3.7.2),
 * anywhere in the data of an operation, and in the filters of a PATCH path as `members[value eq "bulkId:xyz"]`. Pure.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'

const REFERENCE = /^bulkId:(.+)$/s
const IN_FILTER = /"bulkId:([^"\\]+)"/g

/** The bulkId in a text that is a reference; undefined for any other text. */
export const referenceIn = (text: string): string | undefined => REFERENCE.exec(text)?.[1]

/** The bulkIds that the data of an operation refers to. */
export function bulkReferences(data: Json): ReadonlySet<string> {
  const found = new Set<string>()
  mapReferences(data, (bulkId) => {
    found.add(bulkId)
    return bulkId
  })
  return found
}

/** The data with ids in place of references. The error is the first bulkId without an id. */
export function resolveReferences(
  data: Json,
  idOf: (bulkId: string) => string | undefined,
): Result<Json, string> {
  let unknown: string | undefined
  const resolved = mapReferences(data, (bulkId) => {
    const id = idOf(bulkId)
    if (id === undefined) unknown ??= bulkId
    return id ?? bulkId
  })
  return unknown === undefined ? ok(resolved) : err(unknown)
}

/** A value that a resource is created without, to be added by a PATCH once what it refers to exists. */
export interface Deferred {
  readonly path: string
  readonly value: Json
}

export interface Split {
  readonly data: JsonObject
  readonly deferred: readonly Deferred[]
}

/** Attributes whose values are references and which no resource needs in order to be created. */
const DEFERRABLE = new Set(['manager', 'members'])

/**
 * Takes the attributes out of a resource that refer to one of `bulkIds`; undefined when one of them is not `manager` or
 * `members`, without which the resource would be another one.
 */
export function deferReferences(
  data: Json | undefined,
  bulkIds: ReadonlySet<string>,
  prefix: string = '',
): Split | undefined {
  if (!isJsonObject(data)) return undefined
  const kept: [string, Json][] = []
  const deferred: Deferred[] = []
  for (const [name, value] of Object.entries(data)) {
    const path = `${prefix}${name}`
    if (![...bulkReferences(value)].some((bulkId) => bulkIds.has(bulkId))) kept.push([name, value])
    else if (DEFERRABLE.has(name.slice(name.lastIndexOf(':') + 1).toLowerCase()))
      deferred.push({ path, value })
    else {
      const inner = /^urn:/i.test(name) ? deferReferences(value, bulkIds, `${path}:`) : undefined
      if (inner === undefined) return undefined
      kept.push([name, inner.data])
      deferred.push(...inner.deferred)
    }
  }
  return { data: Object.fromEntries(kept), deferred }
}

/** Recursion is bounded: no body is nested deeper than readers let through. */
function mapReferences(value: Json, replace: (bulkId: string) => string, name = ''): Json {
  if (typeof value === 'string') return mapText(value, replace, name)
  if (isJsonArray(value)) return value.map((item) => mapReferences(item, replace))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapReferences(item, replace, key)]),
  )
}

function mapText(text: string, replace: (bulkId: string) => string, name: string): string {
  const bulkId = referenceIn(text)
  if (bulkId !== undefined) return replace(bulkId)
  if (name.toLowerCase() !== 'path') return text
  return text.replaceAll(IN_FILTER, (_, inFilter: string) => `"${replace(inFilter)}"`)
}
