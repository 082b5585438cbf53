/**
 * A resource as a client sends it whole, in POST and PUT (RFC 7644 sections 3.3 and 3.5.1), read into the document that
 * is stored. What the client may not set (`id`, `meta`, `schemas`, `groups`) and what no schema knows (Q23) is ignored,
 * so a client may send back what it has read; data under an unknown extension URN is kept as sent (Q24).
 * The password and a group's members are handed back beside the document, which holds neither. Pure.
 */
import { isJsonObject, jsonEquals, type Json, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { parseAttributePath } from './attribute-path.ts'
import type { ResourceType, SchemaDefinition } from './attributes.ts'
import {
  checkDocument,
  isMembers,
  MAX_NAMES,
  storedValue,
  takePassword,
  withSchemas,
  withStoredValue,
} from './document.ts'
import type { ScimFault } from './fault.ts'
import { readMembers, type Member } from './members.ts'
import { isBlank, repairUrn, type AppliedQuirks, type QuirkNumber } from './quirks.ts'
import { resolveAttribute, resolveSchema, type ResolvedAttribute } from './resolve.ts'
import { invalid, isReservedName, readOpaque, readValue } from './value.ts'

export interface ReadResource {
  /** Without `id`, `meta`, `password`, `groups` and `members`. */
  readonly resource: JsonObject
  readonly password?: string
  /** Of a group; absent when the client sent no member `members`, empty when it sent none of them. */
  readonly members?: readonly Member[]
  readonly quirks: readonly QuirkNumber[]
}

interface Draft {
  readonly type: ResourceType
  readonly applied: AppliedQuirks
  resource: JsonObject
  members: readonly Member[] | undefined
}

/**
 * Reads the body of a POST or PUT. Faults: invalidSyntax for a body that is no object; invalidValue for a value of another
 * type than the schema's (with the attribute and what is accepted), for a required attribute that is missing, and for
 * what `checkDocument` refuses.
 */
export function readResource(body: unknown, type: ResourceType): Result<ReadResource, ScimFault> {
  if (!isJsonObject(body))
    return err({ kind: 'invalidSyntax', reason: `A ${type.name} is a JSON object.` })
  const draft: Draft = { type, applied: new Set(), resource: {}, members: undefined }
  const fault =
    readObject(draft, body, type.name, (name, value) => readMemberOf(draft, name, value)) ??
    checkDocument(draft.resource, type)
  if (fault !== undefined) return err(fault)
  const { resource, password } = takePassword(draft.resource)
  return ok({
    resource: withSchemas(resource, type),
    ...(password === undefined ? {} : { password }),
    ...(draft.members === undefined ? {} : { members: draft.members }),
    quirks: [...draft.applied],
  })
}

function readObject(
  draft: Draft,
  body: JsonObject,
  name: string,
  read: (name: string, value: Json) => ScimFault | undefined,
): ScimFault | undefined {
  const entries = Object.entries(body)
  if (entries.length > MAX_NAMES)
    return invalid({ name, applied: draft.applied }, `at most ${MAX_NAMES} attributes are read`)
  for (const [member, value] of entries) {
    const fault = read(member, value)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** A member of the body: the URN of an extension, or the name of an attribute with or without a URN before it. */
function readMemberOf(draft: Draft, sent: string, value: Json): ScimFault | undefined {
  const name = repairUrn(sent, draft.applied)
  const path = parseAttributePath(name)
  const found = path.ok ? resolveAttribute(path.value, draft.type) : undefined
  if (found?.sub !== undefined) return ignore(draft)
  if (found !== undefined && !(found.opaque && isJsonObject(value)))
    return readAttribute(draft, found, value)
  const schema = resolveSchema(name, draft.type)
  if (schema === undefined || schema === draft.type.schema) return ignore(draft)
  return readExtension(draft, schema, value)
}

function readExtension(draft: Draft, schema: SchemaDefinition, value: Json): ScimFault | undefined {
  const context = { name: schema.id, applied: draft.applied }
  if (isBlank(value, draft.applied)) return undefined
  if (!isJsonObject(value)) return invalid(context, 'an object with its attributes is expected')
  return readObject(draft, value, schema.id, (attribute, inner) => {
    const found = resolveAttribute({ schema: schema.id, attribute }, draft.type)
    return found === undefined ? ignore(draft) : readAttribute(draft, found, inner)
  })
}

/** What no schema knows is ignored, so that one stray mapping does not keep a user from being provisioned (Q23). */
function ignore(draft: Draft): undefined {
  draft.applied.add(23)
}

function readAttribute(draft: Draft, found: ResolvedAttribute, value: Json): ScimFault | undefined {
  const { definition, opaque } = found
  if (definition.mutability === 'readOnly') return undefined
  if (isMembers(found, draft.type)) {
    const members = readMembers(value, draft.applied)
    if (members.ok) draft.members = members.value
    return members.ok ? undefined : members.error
  }
  const context = { name: definition.name, applied: draft.applied }
  if (opaque && isReservedName(definition.name))
    return invalid(context, 'no attribute can be named so')
  const read = opaque ? readOpaque(value, context) : readValue(value, definition, context)
  if (!read.ok) return read.error
  if (read.value === undefined) return undefined
  const before = storedValue(draft.resource, found)
  if (before !== undefined && !jsonEquals(before, read.value))
    return invalid(context, 'it is there twice with different values')
  draft.resource = withStoredValue(draft.resource, found, read.value)
  return undefined
}
