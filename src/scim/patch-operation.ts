/**
 * One PATCH operation on a document (RFC 7644 section 3.5.2). With a path it is about what the path names; without one its
 * value is an object, each of whose names is read as a path (Q6) after which `id`, `meta` and what no schema knows is
 * ignored, as in a POST. Pure; the document is never changed in place.
 */
import { isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ResourceType } from './attributes.ts'
import { MAX_NAMES, storedValue, withExtension, withStoredValue } from './document.ts'
import type { ScimFault } from './fault.ts'
import type { PatchOperation } from './messages.ts'
import type { PatchNotes } from './patch-change.ts'
import { findTarget, unknownAttribute, type PatchTarget } from './patch-target.ts'
import { changeValue } from './patch-value.ts'
import { isBlank, notePathAsName } from './quirks.ts'

type Outcome = Result<JsonObject, ScimFault>

/**
 * The document after the operation. Faults: noTarget for a `remove` without path; invalidPath for a path that no schema
 * knows; mutability for one that is readOnly; invalidValue for a value that is missing; and those of `changeValue`.
 */
export function applyOperation(
  resource: JsonObject,
  operation: PatchOperation,
  type: ResourceType,
  notes: PatchNotes,
): Outcome {
  const { op, path, value } = operation
  if (path === undefined && op === 'remove') return err({ kind: 'noTarget', path: '' })
  if (op !== 'remove' && value === undefined) return err(valueFault(path, 'it is missing'))
  if (path === undefined) return applyNames(resource, op, value, { type, notes, urn: '' })
  const target = findTarget(path, type, notes.applied)
  if (!target.ok) return target
  if (target.value === undefined) return err(unknownAttribute(path, type))
  const locked = readOnlyFault(target.value)
  if (locked === undefined) return applyTarget(resource, op, value, target.value, { type, notes })
  return locked.attribute === 'schemas' ? ok(resource) : err(locked)
}

interface Surroundings {
  readonly type: ResourceType
  readonly notes: PatchNotes
}

function applyTarget(
  resource: JsonObject,
  op: PatchOperation['op'],
  value: Json | undefined,
  target: PatchTarget,
  { type, notes }: Surroundings,
): Outcome {
  if (target.kind === 'attribute') {
    const { found } = target
    const changed = changeValue(storedValue(resource, found), { op, target, value, notes })
    return changed.ok ? ok(withStoredValue(resource, found, changed.value)) : changed
  }
  const { schema } = target
  if (op === 'remove' || value === undefined || isBlank(value, notes.applied))
    return ok(withExtension(resource, schema, {}))
  return applyNames(resource, op, value, { type, notes, urn: schema.id })
}

/** An object of values: of the resource, or of the extension `urn`. */
function applyNames(
  resource: JsonObject,
  op: PatchOperation['op'],
  value: Json | undefined,
  scope: Surroundings & { readonly urn: string },
): Outcome {
  const { urn } = scope
  if (!isJsonObject(value)) return err(valueFault(urn, 'an object with attributes is expected'))
  const entries = Object.entries(value)
  if (entries.length > MAX_NAMES) return err(valueFault(urn, `at most ${MAX_NAMES} attributes fit`))
  let next = resource
  for (const [name, inner] of entries) {
    const target = findNamed(name, scope)
    if (!target.ok) return target
    if (target.value === undefined) continue
    const applied = applyTarget(next, op, inner, target.value, scope)
    if (!applied.ok) return applied
    next = applied.value
  }
  return ok(next)
}

/** What a name in an object of values is about; undefined when it is to be ignored. */
function findNamed(
  name: string,
  { type, notes, urn }: Surroundings & { readonly urn: string },
): Result<PatchTarget | undefined, ScimFault> {
  const found = findTarget(urn === '' ? name : `${urn}:${name}`, type, notes.applied)
  if (!found.ok) return found
  const target = urn !== '' && found.value?.kind === 'extension' ? undefined : found.value
  if (target === undefined) notes.applied.add(23)
  else if (urn === '') notePathAsName(name, notes.applied)
  return ok(target !== undefined && readOnlyFault(target) ? undefined : target)
}

function readOnlyFault(
  target: PatchTarget,
): Extract<ScimFault, { kind: 'mutability' }> | undefined {
  if (target.kind === 'extension') return undefined
  const { definition, sub } = target.found
  if (definition.mutability !== 'readOnly' && sub?.mutability !== 'readOnly') return undefined
  const attribute = sub === undefined ? definition.name : `${definition.name}.${sub.name}`
  return { kind: 'mutability', attribute, reason: 'it is read-only' }
}

function valueFault(path: string | undefined, reason: string): ScimFault {
  const attribute = path === undefined || path === '' ? 'an operation without path' : path
  return { kind: 'invalidValue', attribute, reason }
}
