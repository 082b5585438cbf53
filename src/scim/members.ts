/**
 * Group members as clients send them. They are kept beside the group's document, one row each, so that a change of a few
 * members of a large group costs only those few. Pure.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from './fault.ts'
import { noteMemberShape, type AppliedQuirks } from './quirks.ts'
import { readMember } from './resolve.ts'

export interface Member {
  /** The id of a user or group. */
  readonly value: string
  readonly type?: 'User' | 'Group'
}

/**
 * The members in an array of objects or ids, a single object or a single id (Q9); `$ref` and display names are ignored
 * (Q10), and so are null and empty elements. Each id is given once, in the order of its first mention.
 * Fault: invalidValue for anything else, and for an object without an id.
 */
export function readMembers(
  value: Json,
  applied: AppliedQuirks,
): Result<readonly Member[], ScimFault> {
  const members = new Map<string, Member>()
  for (const sent of isJsonArray(value) ? value : [value]) {
    if (sent === null || sent === '') continue
    const member = readOne(sent)
    if (member === undefined) return err(NO_MEMBER)
    noteMemberShape(value, sent, applied)
    if (!members.has(member.value)) members.set(member.value, member)
  }
  return ok([...members.values()])
}

const NO_MEMBER: ScimFault = {
  kind: 'invalidValue',
  attribute: 'members',
  reason: 'every member is an object with the id of a user or group: {"value": "usr_…"}',
}

function readOne(sent: Json): Member | undefined {
  if (typeof sent === 'string') return { value: sent }
  const id = isJsonObject(sent) ? readMember(sent, 'value') : undefined
  if (!isJsonObject(sent) || typeof id !== 'string' || id === '') return undefined
  const type = memberType(sent)
  return type === undefined ? { value: id } : { value: id, type }
}

function memberType(sent: JsonObject): Member['type'] {
  const type = readMember(sent, 'type')
  const folded = typeof type === 'string' ? type.toLowerCase() : undefined
  if (folded === 'user') return 'User'
  return folded === 'group' ? 'Group' : undefined
}
