/** Which members an object may have where a request has one that is unknown: so that a misspelt name is told the right ones. Pure. */
import type * as v from 'valibot'

import { isJsonObject } from '../kernel/json.ts'

interface Node {
  readonly type: string
  readonly entries?: Readonly<Record<string, Node>>
  readonly wrapped?: Node
  readonly item?: Node
  readonly options?: readonly Node[]
  readonly literal?: unknown
  /** The member by which the options of a `variant` are told apart. */
  readonly key?: string
}

/**
 * The names that stand beside the last name of a path into a value that `schema` refused; undefined where the schema does not say.
 */
export function knownMembers(
  schema: v.GenericSchema,
  value: unknown,
  path: readonly unknown[],
): readonly string[] | undefined {
  let at: { node: Node; value: unknown } | undefined = { node: schema, value }
  for (const name of path.slice(0, -1)) at = at && memberOf(at.node, at.value, String(name))
  const entries = at && objectOf(at.node, at.value)?.entries
  return entries && Object.keys(entries)
}

function memberOf(node: Node, value: unknown, name: string) {
  const inside = isJsonObject(value) || Array.isArray(value) ? Reflect.get(value, name) : undefined
  const object = objectOf(node, value)
  const member = object?.entries?.[name] ?? object?.item
  return member && { node: member, value: inside }
}

/** The schema that says something of members: within what makes it optional, and of several the one that is meant. */
function objectOf(node: Node, value: unknown): Node | undefined {
  if (node.wrapped !== undefined) return objectOf(node.wrapped, value)
  if (node.options === undefined) return node
  return node.options.find((option) => isMeant(option, node.key, value))
}

function isMeant({ entries = {} }: Node, key: string | undefined, value: unknown): boolean {
  if (!isJsonObject(value)) return false
  if (key !== undefined) return entries[key]?.literal === value[key]
  return Object.entries(entries).every(([name, { type }]) => type === 'optional' || name in value)
}
