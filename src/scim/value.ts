/**
 * A client's value for an attribute, in the form in which the document holds it: the schema's spelling of names,
 * booleans as booleans, one value or an array as the schema has it, and otherwise exactly what was sent (a client that
 * reads another value than it sent sends it again in every cycle).
 *
 * Absent are null, the empty text, the empty array and an object in which nothing is left (RFC 7643 section 2.5).
 * No format is checked (Q33), canonical values are not enforced (Q16), sub-attributes that the schema does not know
 * (Q23) or that are readOnly are ignored. Pure.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { assertNever, err, ok, type Result } from '../kernel/result.ts'
import { findSubAttribute, type AttributeDefinition, type AttributeType } from './attributes.ts'
import type { ScimFault } from './fault.ts'
import {
  coerceBoolean,
  emailText,
  isBlank,
  managerReference,
  roleElement,
  unwrapSingle,
  type AppliedQuirks,
} from './quirks.ts'

/** What reading a value needs to know about its surroundings. */
export interface ValueContext {
  /** The attribute as the client would name it, for faults. */
  readonly name: string
  readonly applied: AppliedQuirks
}

const EXPECTED: { readonly [K in AttributeType]: string } = {
  string: 'a text',
  boolean: 'true or false',
  decimal: 'a number',
  integer: 'a whole number',
  dateTime: 'a text such as "2026-01-31T12:00:00Z"',
  reference: 'a text',
  binary: 'a text in base64',
  complex: 'an object',
}

/** The value to store for `definition`; undefined when it is absent. Fault: invalidValue. */
export function readValue(
  value: Json,
  definition: AttributeDefinition,
  context: ValueContext,
): Result<Json | undefined, ScimFault> {
  if (!definition.multiValued) return readElement(value, definition, context)
  const elements = readElements(value, definition, context)
  if (!elements.ok) return elements
  return ok(elements.value.length === 0 ? undefined : elements.value)
}

/** The elements to store for a multi-valued attribute; a value that is no array is its only one. Fault: invalidValue. */
export function readElements(
  value: Json,
  definition: AttributeDefinition,
  context: ValueContext,
): Result<readonly Json[], ScimFault> {
  const address = emailText(definition.name, value, context.applied)
  if (address !== undefined) return ok([{ type: 'work', value: address }])
  const elements: Json[] = []
  for (const sent of isJsonArray(value) ? value : [value]) {
    const read = readElement(sent, definition, context)
    if (!read.ok) return read
    if (read.value !== undefined) elements.push(read.value)
  }
  return ok(elements)
}

/** One element of a multi-valued attribute, or the value of another; undefined when it is absent. Fault: invalidValue. */
function readElement(
  value: Json,
  definition: AttributeDefinition,
  context: ValueContext,
): Result<Json | undefined, ScimFault> {
  if (definition.type === 'complex') {
    const sent = readSentObject(value, definition, context)
    if (!sent.ok || sent.value === undefined) return sent
    return mergeComplex({}, sent.value, definition, context)
  }
  const sent = repaired(value, definition, context)
  if (isAbsent(sent, context.applied)) return ok(undefined)
  return isOfType(sent, definition.type) ? ok(sent) : err(wrongType(sent, definition, context))
}

/**
 * The object that a client means by its value for a complex attribute, its members still as sent; undefined when it
 * means none. Fault: invalidValue.
 */
export function readSentObject(
  value: Json,
  definition: AttributeDefinition,
  context: ValueContext,
): Result<JsonObject | undefined, ScimFault> {
  const sent = repaired(value, definition, context)
  if (isAbsent(sent, context.applied)) return ok(undefined)
  const object = typeof sent === 'string' ? objectOf(sent, definition) : sent
  return isJsonObject(object) ? ok(object) : err(wrongType(sent, definition, context))
}

/**
 * `current` with the sub-attributes that `sent` names: set, or removed where the value is absent; the others stay
 * (RFC 7644 section 3.5.2.3). Undefined when nothing is left. Fault: invalidValue.
 */
export function mergeComplex(
  current: JsonObject,
  sent: JsonObject,
  definition: AttributeDefinition,
  context: ValueContext,
): Result<JsonObject | undefined, ScimFault> {
  const merged = new Map(Object.entries(current))
  const seen = new Set<string>()
  for (const [name, value] of Object.entries(sent)) {
    const sub = findSubAttribute(definition, name)
    if (sub === undefined) context.applied.add(23)
    if (sub === undefined || sub.mutability === 'readOnly') continue
    const subContext = { ...context, name: `${context.name}.${sub.name}` }
    if (seen.has(sub.name)) return err(invalid(subContext, 'it is there twice, in another case'))
    seen.add(sub.name)
    const read = readValue(value, sub, subContext)
    if (!read.ok) return read
    if (read.value === undefined) merged.delete(sub.name)
    else merged.set(sub.name, read.value)
  }
  return ok(merged.size === 0 ? undefined : Object.fromEntries(merged))
}

/** Deepest nesting of what an unknown extension holds; comparing and projecting recurse over it. */
const MAX_OPAQUE_DEPTH = 8
/** Names that mean something to JavaScript objects; no attribute of any schema is called so. */
const RESERVED_NAMES = new Set(['__proto__', 'constructor', 'prototype'])

/** The value of an attribute that no schema describes (Q24): kept as sent within bounds. Fault: invalidValue. */
export function readOpaque(
  value: Json,
  context: ValueContext,
): Result<Json | undefined, ScimFault> {
  if (isAbsent(value, context.applied)) return ok(undefined)
  const reason = opaqueProblem(value, MAX_OPAQUE_DEPTH)
  return reason === undefined ? ok(value) : err(invalid(context, reason))
}

/** An invalidValue fault about the attribute at hand. */
export function invalid(context: ValueContext, reason: string): ScimFault {
  return { kind: 'invalidValue', attribute: context.name, reason }
}

/** Whether an attribute may be called so in a document. */
export const isReservedName = (name: string): boolean => RESERVED_NAMES.has(name)

function opaqueProblem(value: Json, depth: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === 0) return `it is nested deeper than ${MAX_OPAQUE_DEPTH} levels`
  if (isJsonObject(value)) {
    const reserved = Object.keys(value).find(isReservedName)
    if (reserved !== undefined) return `nothing can be named ${reserved}`
  }
  for (const item of Object.values<Json>(value)) {
    const problem = opaqueProblem(item, depth - 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

function isAbsent(value: Json, applied: AppliedQuirks): boolean {
  return isBlank(value, applied) || (isJsonArray(value) && value.length === 0)
}

/** Rewrites the shapes that only certain clients send. */
function repaired(value: Json, definition: AttributeDefinition, { applied }: ValueContext): Json {
  if (definition.type === 'boolean')
    return coerceBoolean(unwrapOne(value, definition, applied), applied)
  if (definition.name === 'manager') return managerReference(value, applied)
  if (definition.name === 'roles') return roleElement(value, applied)
  return unwrapOne(value, definition, applied)
}

function unwrapOne(value: Json, definition: AttributeDefinition, applied: AppliedQuirks): Json {
  return definition.multiValued
    ? value
    : unwrapSingle(value, definition.type === 'complex', applied)
}

/** A text for an attribute whose elements have a `value`: `["x"]` for `[{"value": "x"}]`. */
function objectOf(text: string, definition: AttributeDefinition): Json {
  return findSubAttribute(definition, 'value') === undefined ? text : { value: text }
}

function isOfType(value: Json, type: Exclude<AttributeType, 'complex'>): boolean {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
      return Number.isInteger(value)
    case 'decimal':
      return typeof value === 'number'
    case 'string':
    case 'dateTime':
    case 'reference':
    case 'binary':
      return typeof value === 'string'
    default:
      return assertNever(type)
  }
}

function wrongType(value: Json, definition: AttributeDefinition, context: ValueContext): ScimFault {
  const sent = isJsonArray(value) ? 'an array' : isJsonObject(value) ? 'an object' : typeof value
  const shown = typeof value === 'object' ? sent : `${sent} ${JSON.stringify(value).slice(0, 100)}`
  return invalid(context, `${EXPECTED[definition.type]} is expected, not ${shown}`)
}
