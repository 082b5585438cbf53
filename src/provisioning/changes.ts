/** What an event tells of a mutation: attributes before and after. Pure; passwords are in no document. */
import type { Change } from '../db/event-log.ts'
import { isJsonObject, jsonEquals, type Json, type JsonObject } from '../kernel/json.ts'
import { ENTERPRISE_USER_URN } from '../scim/urns.ts'

/**
 * The attributes that differ, under the names that filters know: `title`, `name.givenName`, `department`, and others of
 * an extension as `urn:…:User:attribute`. Multi-valued attributes are told as a whole.
 */
export function documentChanges(before: JsonObject, after: JsonObject): Change[] {
  return differing(before, after).flatMap((name) => {
    const from = valueOf(before, name)
    const to = valueOf(after, name)
    if (name === 'schemas') return []
    const prefix =
      name === ENTERPRISE_USER_URN ? '' : name.startsWith('urn:') ? `${name}:` : `${name}.`
    if (!isJsonObject(from ?? to) || !isJsonObject(to ?? from))
      return [{ attribute: name, from, to }]
    return insideChanges(prefix, isJsonObject(from) ? from : {}, isJsonObject(to) ? to : {})
  })
}

function insideChanges(prefix: string, before: JsonObject, after: JsonObject): Change[] {
  return differing(before, after).map((name) => ({
    attribute: `${prefix}${name}`,
    from: valueOf(before, name),
    to: valueOf(after, name),
  }))
}

/** Members that a group lost, in `from`, and gained, in `to`: never the whole list, which may be long. */
export function memberChanges(add: readonly string[], remove: readonly string[]): Change[] {
  return add.length + remove.length === 0
    ? []
    : [{ attribute: 'members', from: [...remove], to: [...add] }]
}

function differing(before: JsonObject, after: JsonObject): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => !jsonEquals(valueOf(before, name), valueOf(after, name)))
}

function valueOf(object: JsonObject, name: string): Json {
  return Object.hasOwn(object, name) ? (object[name] ?? null) : null
}
