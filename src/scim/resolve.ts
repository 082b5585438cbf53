/**
 * From an attribute's name to its definition and to its values in a resource. Pure; reads only own members, so
 * that `constructor` or `__proto__` in a request names nothing.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import {
  attribute,
  findAttribute,
  findSubAttribute,
  type AttributeDefinition,
  type ResourceType,
  type SchemaDefinition,
} from './attributes.ts'
import { COMMON_ATTRIBUTES } from './common-schema.ts'
import { RESOURCE_TYPES } from './resource-types.ts'
import type { AttributePath } from './tree.ts'

export interface ResolvedAttribute {
  readonly definition: AttributeDefinition
  /** Set when the path names a sub-attribute. */
  readonly sub?: AttributeDefinition
  /** Set when the attribute lives in an object under this schema's URN; `id` is the key. */
  readonly extension?: SchemaDefinition
  /** True under a URN that we do not know (Q24): `definition` is made up and the value may be any JSON. */
  readonly opaque: boolean
}

/**
 * The attribute that `path` names in resources of `type`; undefined when the schemas have none of that name, and
 * for a URN alone (`resolveSchema` is for that). Names and URNs ignore case. A bare name is looked up in the core
 * schema, then among the common attributes, then in the extensions (`manager`, `department`).
 */
export function resolveAttribute(
  path: AttributePath,
  type: ResourceType,
): ResolvedAttribute | undefined {
  const found =
    path.schema === undefined ? resolveBare(path, type) : resolveIn(path.schema, path, type)
  if (found === undefined || path.sub === undefined) return found
  const sub = resolveSub(found, path.sub)
  return sub && { ...found, sub }
}

/** The definition of a sub-attribute by its name, in any case; opaque attributes have every one. */
export function resolveSub(
  found: ResolvedAttribute,
  name: string,
): AttributeDefinition | undefined {
  return found.opaque ? opaqueAttribute(name) : findSubAttribute(found.definition, name)
}

/**
 * The schema with this URN: the core schema of `type`, one of its extensions, or, for a URN that no resource type
 * knows, a made-up extension without attributes (Q24). Undefined for a schema of another resource type, and for
 * what is no URN.
 */
export function resolveSchema(urn: string, type: ResourceType): SchemaDefinition | undefined {
  const known = findSchema([type], urn)
  if (known !== undefined) return known
  if (!/^urn:/i.test(urn) || findSchema(RESOURCE_TYPES, urn) !== undefined) return undefined
  return {
    id: urn,
    name: urn,
    description: 'An extension that is kept as it was sent',
    attributes: [],
  }
}

/**
 * What a comparison with this attribute compares: a complex attribute stands for its `value` sub-attribute
 * (RFC 7644 section 3.4.2.2). Undefined when it has none, such as `name`.
 */
export function comparedAttribute(found: ResolvedAttribute): ResolvedAttribute | undefined {
  if (found.sub !== undefined || found.definition.type !== 'complex') return found
  const sub = resolveSub(found, 'value')
  return sub && { ...found, sub }
}

/** The keys that lead to the attribute in a stored resource: extension URN if any, name, sub-attribute if any. */
export function storedKeys(found: ResolvedAttribute): readonly string[] {
  const { extension, definition, sub } = found
  return [extension?.id, definition.name, sub?.name].filter((key) => key !== undefined)
}

/**
 * The values of the attribute in `resource`: the elements of a multi-valued one, at most one of another, none when
 * it is absent or null. With a sub-attribute, its value in each element that has one.
 */
export function readValues(resource: JsonObject, found: ResolvedAttribute): readonly Json[] {
  const { extension, definition, sub } = found
  const holder = extension === undefined ? resource : readMember(resource, extension.id)
  const elements = isJsonObject(holder) ? listOf(readMember(holder, definition.name)) : []
  return sub === undefined
    ? elements
    : elements.flatMap((element) => readSubValues(element, sub.name))
}

/** The values of a sub-attribute in one element; an element that is no object is its own `value`. */
export function readSubValues(element: Json, name: string): readonly Json[] {
  if (isJsonObject(element)) return listOf(readMember(element, name))
  return name.toLowerCase() === 'value' ? listOf(element) : []
}

/** The member of that name, in any case; an exact match wins. Inherited members do not count. */
export function readMember(object: JsonObject, name: string): Json | undefined {
  const key = findKey(object, name)
  return key === undefined ? undefined : object[key]
}

/** How `object` spells the member of that name, when it has it; an exact match wins. */
export function findKey(object: JsonObject, name: string): string | undefined {
  if (Object.hasOwn(object, name)) return name
  const folded = name.toLowerCase()
  return Object.keys(object).find((key) => key.toLowerCase() === folded)
}

function resolveBare(path: AttributePath, type: ResourceType): ResolvedAttribute | undefined {
  const core = resolveCore(path.attribute, type)
  if (core !== undefined) return core
  for (const extension of type.extensions) {
    const definition = findAttribute(extension.attributes, path.attribute)
    if (definition !== undefined) return { definition, extension, opaque: false }
  }
  return undefined
}

function resolveIn(
  urn: string,
  path: AttributePath,
  type: ResourceType,
): ResolvedAttribute | undefined {
  const schema = resolveSchema(urn, type)
  if (schema === undefined || path.attribute === '') return undefined
  if (schema === type.schema) return resolveCore(path.attribute, type)
  if (!type.extensions.includes(schema))
    return { definition: opaqueAttribute(path.attribute), extension: schema, opaque: true }
  const definition = findAttribute(schema.attributes, path.attribute)
  return definition && { definition, extension: schema, opaque: false }
}

function resolveCore(name: string, type: ResourceType): ResolvedAttribute | undefined {
  const definition =
    findAttribute(type.schema.attributes, name) ?? findAttribute(COMMON_ATTRIBUTES, name)
  return definition && { definition, opaque: false }
}

function findSchema(types: readonly ResourceType[], urn: string): SchemaDefinition | undefined {
  const folded = urn.toLowerCase()
  return types
    .flatMap((type) => [type.schema, ...type.extensions])
    .find((schema) => schema.id.toLowerCase() === folded)
}

function opaqueAttribute(name: string): AttributeDefinition {
  return attribute(name, 'An attribute that is kept as it was sent')
}

function listOf(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return []
  return isJsonArray(value) ? value.filter((item) => item !== null) : [value]
}
