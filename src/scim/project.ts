/**
 * Which attributes of a resource an answer shows (RFC 7644 section 3.9, RFC 7643 section 7 `returned`). Pure.
 *
 * `attributes` asks for what is shown beside what is always returned, `excludedAttributes` takes from what is shown
 * otherwise; never-returned attributes stay hidden, `id` and `schemas` stay visible. Names are read leniently
 * (Q39): in any case, with or without URN, sub-attributes, a filter in brackets; unknown ones mean nothing.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { parseAttributePath } from './attribute-path.ts'
import { findAttribute, type AttributeDefinition, type ResourceType } from './attributes.ts'
import { COMMON_ATTRIBUTES } from './common-schema.ts'
import { resolveAttribute, resolveSchema, storedKeys } from './resolve.ts'

export interface Projection {
  readonly attributes?: readonly string[] | undefined
  readonly excludedAttributes?: readonly string[] | undefined
}

/** The part to be shown of `resource`: a document with what is served beside it (`id`, `meta`, `groups`, `members`). */
export function project(
  resource: JsonObject,
  type: ResourceType,
  { attributes = [], excludedAttributes = [] }: Projection,
): JsonObject {
  const selection: Selection = {
    wanted: attributes.length === 0 ? undefined : keysOf(attributes, type),
    unwanted: keysOf(excludedAttributes, type),
  }
  const definitions = [...type.schema.attributes, ...COMMON_ATTRIBUTES]
  const root: Place = { key: '', isWanted: selection.wanted === undefined, definitions }
  return pick(resource, root, selection, type)
}

/** Whether an answer would show `name` (such as `members`) at all: what is not shown need not be loaded. */
export function isShown(name: string, type: ResourceType, projection: Projection): boolean {
  return Object.hasOwn(project({ [name]: '' }, type, projection), name)
}

/** Names after these are not read: they are read again for each resource of a page. */
const MAX_NAMES = 200

/** Keys are the names that lead to a value, folded and joined; a key is inside every key that it continues. */
interface Selection {
  readonly wanted: ReadonlySet<string> | undefined
  readonly unwanted: ReadonlySet<string>
}

interface Place {
  readonly key: string
  /** True below an attribute that was asked for as a whole. */
  readonly isWanted: boolean
  readonly definitions: readonly AttributeDefinition[]
}

function pick(
  object: JsonObject,
  place: Place,
  selection: Selection,
  type: ResourceType,
): JsonObject {
  const shown = Object.entries(object).flatMap(([name, value]): [string, Json][] => {
    const key = joinKey(place.key, name)
    const definition = findAttribute(place.definitions, name)
    const isWanted = place.isWanted || selection.wanted?.has(key) === true
    if (!isVisible(key, definition, isWanted, selection)) return []
    if (!isNamedInside(key, selection)) return [[name, value]]
    const definitions = definition?.subAttributes ?? resolveSchema(name, type)?.attributes ?? []
    const inside = pickInside(value, { key, isWanted, definitions }, selection, type)
    return inside === undefined ? [] : [[name, inside]]
  })
  return Object.fromEntries(shown)
}

function pickInside(
  value: Json,
  place: Place,
  selection: Selection,
  type: ResourceType,
): Json | undefined {
  if (isJsonArray(value)) {
    const elements = value.map((element) => pickInside(element, place, selection, type))
    const shown = elements.filter((element) => element !== undefined)
    return shown.length === 0 ? undefined : shown
  }
  if (!isJsonObject(value)) return value
  const shown = pick(value, place, selection, type)
  return Object.keys(shown).length === 0 ? undefined : shown
}

function isVisible(
  key: string,
  definition: AttributeDefinition | undefined,
  isWanted: boolean,
  { wanted, unwanted }: Selection,
): boolean {
  const returned = definition?.returned ?? 'default'
  if (returned === 'never' || returned === 'always') return returned === 'always'
  if (unwanted.has(key)) return false
  const isNamed = wanted !== undefined && (wanted.has(key) || hasInside(wanted, key))
  return isNamed || (isWanted && returned !== 'request')
}

function isNamedInside(key: string, { wanted, unwanted }: Selection): boolean {
  return hasInside(unwanted, key) || (wanted !== undefined && hasInside(wanted, key))
}

function hasInside(keys: ReadonlySet<string>, key: string): boolean {
  return [...keys].some((other) => other.startsWith(`${key}/`))
}

function keysOf(names: readonly string[], type: ResourceType): Set<string> {
  return new Set(names.slice(0, MAX_NAMES).flatMap((name) => keysOfName(name, type)))
}

function keysOfName(name: string, type: ResourceType): string[] {
  const path = parseAttributePath(withoutFilter(name.trim()))
  if (!path.ok) return []
  const found = resolveAttribute(path.value, type)
  if (found !== undefined) return [storedKeys(found).reduce(joinKey, '')]
  const { schema: urn = '', attribute } = path.value
  const schema = attribute === '' ? resolveSchema(urn, type) : undefined
  if (schema === undefined) return []
  return schema === type.schema
    ? schema.attributes.map(({ name }) => joinKey('', name))
    : [joinKey('', schema.id)]
}

/** Longer names are those of no attribute: the longest that we know, with its URN, has 78 characters. */
const MAX_NAME = 512

/** `emails[type eq "work"].value` as `emails.value` (Q39). */
function withoutFilter(name: string): string {
  if (name.length > MAX_NAME) return ''
  const [open, close] = [name.indexOf('['), name.lastIndexOf(']')]
  return open < 0 || close < open ? name : name.slice(0, open) + name.slice(close + 1)
}

const joinKey = (key: string, name: string): string => `${key}/${name.toLowerCase()}`
