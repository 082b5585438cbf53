/**
 * PATCH (RFC 7644 section 3.5.2): a document and operations in, the next document or a fault out. All operations apply in
 * order or none does; the document that was passed in is never changed. Pure.
 *
 * The members of a group are not in its document: `splitMembers` (member-patch.ts) takes the operations on them out first.
 */
import {
  isJsonArray,
  isJsonObject,
  jsonEquals,
  type Json,
  type JsonObject,
} from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { AttributeDefinition, ResourceType } from './attributes.ts'
import { checkDocument, takePassword, withMember, withSchemas } from './document.ts'
import type { ScimFault } from './fault.ts'
import type { PatchOperation } from './messages.ts'
import { applyOperation } from './patch-operation.ts'
import type { PatchNotes } from './patch-change.ts'
import type { QuirkNumber } from './quirks.ts'

export interface PatchOutcome {
  /** The next document; the one passed in, itself, when nothing changed. */
  readonly resource: JsonObject
  /** Whether the documents differ. A password is no part of either: look at `password` too. */
  readonly changed: boolean
  /** A password that the operations set; it is in no document. */
  readonly password?: string
  readonly quirks: readonly QuirkNumber[]
}

/**
 * Applies the operations to a stored document. Faults are those of the operation that fails first: invalidPath for an
 * attribute that no schema has, mutability for one that is readOnly or required and to be removed, noTarget for a
 * `remove` without path or a filter that matches nothing and describes no element (Q4), invalidFilter, invalidValue.
 */
export function applyPatch(
  resource: JsonObject,
  operations: readonly PatchOperation[],
  type: ResourceType,
): Result<PatchOutcome, ScimFault> {
  const notes: PatchNotes = { applied: new Set(), hollowed: new Set() }
  let draft = resource
  for (const operation of operations) {
    const applied = applyOperation(draft, operation, type, notes)
    if (!applied.ok) return applied
    draft = applied.value
  }
  for (const attribute of notes.hollowed) draft = withoutHollow(draft, attribute)
  const fault = checkDocument(draft, type)
  if (fault !== undefined) return err(fault)
  const { resource: document, password } = takePassword(draft)
  const changed = !jsonEquals(withSchemas(document, type), withSchemas(resource, type))
  return ok({
    resource: changed ? withSchemas(document, type) : resource,
    changed,
    ...(password === undefined ? {} : { password }),
    quirks: [...notes.applied],
  })
}

/** Elements that lost a sub-attribute and say nothing any more go, now that no later operation can fill them. */
function withoutHollow(resource: JsonObject, { name }: AttributeDefinition): JsonObject {
  const elements = resource[name]
  if (!isJsonArray(elements)) return resource
  const kept = elements.filter((element) => !isHollow(element))
  return withMember(resource, name, kept.length === 0 ? undefined : kept)
}

function isHollow(element: Json): boolean {
  return (
    isJsonObject(element) &&
    Object.keys(element).every((name) => name === 'type' || name === 'primary')
  )
}
