/**
 * The stored document of a resource: writing values into copies of it, and what must hold of it as a whole.
 *
 * Names are spelled as in the schemas; extensions stand under their URN; nothing is null and nothing is empty;
 * `schemas` names the core schema and the extensions with data. Documents are never changed in place. Pure.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import type { ResourceType, SchemaDefinition } from './attributes.ts'
import type { ScimFault } from './fault.ts'
import { findKey, readMember, type ResolvedAttribute } from './resolve.ts'

/** Longest values (Unicode characters) of the attributes that directories limit. */
const MAX_CHARACTERS: readonly { path: readonly [string, string?]; max: number }[] = [
  { path: ['userName'], max: 1024 },
  { path: ['name', 'givenName'], max: 1024 },
  { path: ['name', 'familyName'], max: 1024 },
  { path: ['emails', 'value'], max: 1024 },
]

/** Bounds of a document; group members are not part of it. */
export const MAX_ELEMENTS = 500
const MAX_EXTENSION_ATTRIBUTES = 200
const MAX_EXTENSIONS = 20
/** Members of one JSON object that a client sends; each is looked up, and may be a copy of the document. */
export const MAX_NAMES = 500

/** A copy of `object` in which `name` has the value, or is missing when the value is undefined. */
export function withMember(object: JsonObject, name: string, value: Json | undefined): JsonObject {
  if (value !== undefined) return { ...object, [name]: value }
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name))
}

/** Takes the password out of a document: it is stored elsewhere, and never shown. */
export function takePassword(resource: JsonObject): { resource: JsonObject; password?: string } {
  const password = resource['password']
  return typeof password === 'string'
    ? { resource: withMember(resource, 'password', undefined), password }
    : { resource }
}

/** The stored value of an attribute, whatever its sub-attribute; undefined when it is absent. */
export function storedValue(resource: JsonObject, found: ResolvedAttribute): Json | undefined {
  const holder = found.extension === undefined ? resource : extensionData(resource, found.extension)
  return holder && readMember(holder, found.definition.name)
}

/** A copy of `resource` with the attribute set, or removed; an extension that has nothing left goes too. */
export function withStoredValue(
  resource: JsonObject,
  found: ResolvedAttribute,
  value: Json | undefined,
): JsonObject {
  const { definition, extension } = found
  if (extension === undefined) return withMember(resource, definition.name, value)
  const holder = extensionData(resource, extension) ?? {}
  const name = findKey(holder, definition.name) ?? definition.name
  return withExtension(resource, extension, withMember(holder, name, value))
}

/** What the document holds under the URN of an extension. */
function extensionData(resource: JsonObject, extension: SchemaDefinition): JsonObject | undefined {
  const data = readMember(resource, extension.id)
  return isJsonObject(data) ? data : undefined
}

/** A copy of `resource` with the data of an extension, or without the extension when there is none. */
export function withExtension(
  resource: JsonObject,
  extension: SchemaDefinition,
  data: JsonObject,
): JsonObject {
  const urn = findKey(resource, extension.id) ?? extension.id
  return withMember(resource, urn, Object.keys(data).length === 0 ? undefined : data)
}

/** A copy of `resource` whose `schemas` names the core schema and each extension with data. */
export function withSchemas(resource: JsonObject, type: ResourceType): JsonObject {
  return { ...resource, schemas: [type.schema.id, ...extensionUrns(resource)] }
}

/**
 * The first thing that must not be in a stored document of `type`: a required attribute missing, a value too long,
 * two primary values of one attribute, too many values. Fault: invalidValue.
 */
export function checkDocument(resource: JsonObject, type: ResourceType): ScimFault | undefined {
  const problem =
    missingProblem(resource, type) ??
    lengthProblem(resource) ??
    elementsProblem(resource, type) ??
    extensionsProblem(resource)
  return problem && { kind: 'invalidValue', ...problem }
}

interface Problem {
  readonly attribute: string
  readonly reason: string
}

function extensionUrns(resource: JsonObject): string[] {
  return Object.keys(resource).filter((name) => /^urn:/i.test(name))
}

function missingProblem(resource: JsonObject, type: ResourceType): Problem | undefined {
  const missing = type.schema.attributes.find(
    ({ name, required }) => required && resource[name] === undefined,
  )
  return (
    missing && { attribute: missing.name, reason: `every ${type.name} needs one that is not empty` }
  )
}

function lengthProblem(resource: JsonObject): Problem | undefined {
  const long = MAX_CHARACTERS.find(({ path: [name, sub], max }) => {
    const value = resource[name]
    const values = isJsonArray(value) ? value : [value]
    return values.some((item) => {
      const text = sub !== undefined && isJsonObject(item) ? item[sub] : item
      return typeof text === 'string' && text.length > max && Array.from(text).length > max
    })
  })
  return long && { attribute: long.path.join('.'), reason: `at most ${long.max} characters fit` }
}

function elementsProblem(resource: JsonObject, type: ResourceType): Problem | undefined {
  for (const { name, multiValued } of type.schema.attributes) {
    const value = multiValued ? resource[name] : undefined
    if (!isJsonArray(value)) continue
    if (value.length > MAX_ELEMENTS)
      return { attribute: name, reason: `at most ${MAX_ELEMENTS} values are kept` }
    if (value.filter(isPrimary).length > 1)
      return { attribute: name, reason: 'at most one value may have primary set to true' }
  }
  return undefined
}

function extensionsProblem(resource: JsonObject): Problem | undefined {
  const urns = extensionUrns(resource)
  if (urns.length > MAX_EXTENSIONS)
    return { attribute: 'schemas', reason: `at most ${MAX_EXTENSIONS} extensions are kept` }
  const large = urns.find(
    (urn) => Object.keys(resource[urn] ?? {}).length > MAX_EXTENSION_ATTRIBUTES,
  )
  return large === undefined
    ? undefined
    : { attribute: large, reason: `at most ${MAX_EXTENSION_ATTRIBUTES} attributes are kept` }
}

/** Whether an element is the primary one of its attribute. */
export function isPrimary(element: Json): boolean {
  return isJsonObject(element) && element['primary'] === true
}

/** Whether an attribute is the list of a group's members, which are kept beside the document. */
export function isMembers(
  { definition, extension }: ResolvedAttribute,
  type: ResourceType,
): boolean {
  return type.name === 'Group' && extension === undefined && definition.name === 'members'
}
