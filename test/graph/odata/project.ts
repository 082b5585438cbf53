import { type Json, type JsonObject, isJsonObject } from '../../../src/kernel/json.ts'
import type { DirectoryObject } from '../changes.ts'
import { addressErrors, queryErrors } from '../errors.ts'
import { type Kind, defaultSelect, propertyOf } from '../schema.ts'
import type { Directory } from '../directory.ts'
import type { QueryOptions } from './options.ts'

/** What to show of an object. */
export interface Shape {
  readonly kind: Kind
  readonly names: readonly string[]
  /** The manager's properties, when `$expand=manager` asks for them. */
  readonly manager?: readonly string[]
}

/** Turns `$select` and `$expand` into a shape. */
export function shapeOf(directory: Directory, kind: Kind, options: QueryOptions): Shape {
  const names = options.select ?? defaultSelect[kind]
  for (const name of names) checkSelectable(directory, kind, name)
  if (options.expand === undefined) return { kind, names }
  const expanded = /^manager(?:\(\$select=([^()]*)\))?$/.exec(options.expand.trim())
  if (!expanded || kind !== 'user') throw queryErrors.unsupported()
  const manager = expanded[1]?.split(',').map((name) => name.trim()) ?? defaultSelect.user
  for (const name of manager) checkSelectable(directory, 'user', name)
  return { kind, names, manager }
}

/** In a list, what SharePoint keeps is not to be had. */
export function checkListable(shape: Shape): void {
  if (shape.names.some((name) => propertyOf(shape.kind, name)?.sharePoint))
    throw addressErrors.notSupported()
}

function checkSelectable(directory: Directory, kind: Kind, name: string): void {
  const facts = propertyOf(kind, name)
  if (facts && !facts.navigation) return
  if (directory.settings.extensionProperties?.includes(name)) return
  throw queryErrors.unknownSelect(name, `microsoft.graph.${kind}`)
}

/** The object as JSON in a shape; `id` is always there. */
export function project(directory: Directory, object: DirectoryObject, shape: Shape): JsonObject {
  const names = shape.names.includes('id') ? shape.names : ['id', ...shape.names]
  const shown = Object.fromEntries(names.map((name) => [name, readPath(object, name)]))
  const manager = shape.manager && managerOf(directory, object.id)
  if (!shape.manager || !manager) return shown
  return {
    ...shown,
    manager: typed(manager, project(directory, manager, { kind: 'user', names: shape.manager })),
  }
}

/** The object with the annotation that tells its type, as lists of mixed objects carry it. */
export const typed = (object: DirectoryObject, shown: JsonObject): JsonObject => ({
  '@odata.type': `#microsoft.graph.${object.kind}`,
  ...shown,
})

/** The user's manager, unless it is in the recycle bin. */
export function managerOf(directory: Directory, userId: string): DirectoryObject | undefined {
  const [id] = directory.linked('manager', userId)
  return id === undefined ? undefined : directory.liveById(id)
}

/** A value by name or by path (`employeeOrgData/costCenter`); absent is null or an empty collection. */
export function readPath(object: DirectoryObject, path: string): Json {
  const [name = '', member] = path.split('/')
  if (name === 'id') return object.id
  const facts = propertyOf(object.kind, name)
  if (facts?.writeOnly) return null
  const value = object.properties[name] ?? (facts?.collection ? [] : null)
  if (member === undefined) return value
  return isJsonObject(value) ? (value[member] ?? null) : null
}
