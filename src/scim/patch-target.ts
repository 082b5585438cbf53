/**
 * What a PATCH path names (RFC 7644 figure 7): an attribute, a sub-attribute, the elements that a filter selects, or an
 * extension as a whole. Pure.
 */
import { err, ok, type Result } from '../kernel/result.ts'
import type { ResourceType, SchemaDefinition } from './attributes.ts'
import { checkElementFilter } from './check-filter.ts'
import type { ScimFault } from './fault.ts'
import { parsePath } from './path.ts'
import { noteExtensionPath, repairUrn, type AppliedQuirks } from './quirks.ts'
import { resolveAttribute, resolveSchema, type ResolvedAttribute } from './resolve.ts'
import type { Filter } from './tree.ts'
import { isReservedName } from './value.ts'

export interface AttributeTarget {
  readonly kind: 'attribute'
  /** As the client wrote it, for faults. */
  readonly path: string
  readonly found: ResolvedAttribute
  /** Selects elements; its values have the types of their attributes. */
  readonly filter?: Filter
}

export interface ExtensionTarget {
  readonly kind: 'extension'
  readonly path: string
  readonly schema: SchemaDefinition
}

export type PatchTarget = AttributeTarget | ExtensionTarget

/**
 * The target of a path; undefined when the schemas have no attribute of that name, which is a fault in a path and to be
 * ignored in the name of a member. Faults: invalidPath for what is no path, for a filter where nothing can be selected
 * and for a core schema's URN alone; invalidFilter for a filter that makes no sense for its attribute.
 */
export function findTarget(
  text: string,
  type: ResourceType,
  applied: AppliedQuirks,
): Result<PatchTarget | undefined, ScimFault> {
  const parsed = parsePath(repairUrn(text, applied))
  if (!parsed.ok) return parsed
  const { schema = '', attribute, filter } = parsed.value
  if (attribute === '') return extensionTarget(text, schema, type)
  const found = resolveAttribute(parsed.value, type)
  if (found === undefined || isReservedName(found.definition.name)) return ok(undefined)
  noteExtensionPath(text, found.opaque, applied)
  return filter === undefined
    ? ok({ kind: 'attribute', path: text, found })
    : filteredTarget(text, filter, found)
}

/** The fault for a path to an attribute that the schemas do not have. */
export function unknownAttribute(path: string, type: ResourceType): ScimFault {
  return { kind: 'invalidPath', path, reason: `no schema of ${type.name} has such an attribute` }
}

function extensionTarget(
  path: string,
  urn: string,
  type: ResourceType,
): Result<PatchTarget | undefined, ScimFault> {
  const schema = resolveSchema(urn, type)
  if (schema === undefined) return ok(undefined)
  if (schema !== type.schema) return ok({ kind: 'extension', path, schema })
  return err({ kind: 'invalidPath', path, reason: 'the name of an attribute is expected after it' })
}

function filteredTarget(
  path: string,
  filter: Filter,
  found: ResolvedAttribute,
): Result<PatchTarget, ScimFault> {
  const { definition, opaque } = found
  if (!definition.multiValued)
    return err({
      kind: 'invalidPath',
      path,
      reason: `${definition.name} has no elements that a filter could select`,
    })
  const checked = checkElementFilter(filter, { definition, opaque })
  return checked.ok ? ok({ kind: 'attribute', path, found, filter: checked.value }) : checked
}
