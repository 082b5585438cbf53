/**
 * One PATCH operation on a group's members, from every shape that clients send. Members are added and removed as a whole:
 * nothing inside a member can be changed (RFC 7643 section 4.2, `immutable`). Pure.
 */
import { isJsonObject, type Json } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ResourceType } from './attributes.ts'
import { isMembers } from './document.ts'
import type { ScimFault } from './fault.ts'
import { readMembers, type Member } from './members.ts'
import type { PatchOperation } from './messages.ts'
import { findTarget, type AttributeTarget } from './patch-target.ts'
import { isBlank, noteMemberRemoval, type AppliedQuirks } from './quirks.ts'
import { readMember } from './resolve.ts'
import type { Filter } from './tree.ts'

export type MemberOperation =
  | { readonly op: 'add'; readonly members: readonly Member[] }
  | { readonly op: 'remove'; readonly ids: readonly string[] }
  | { readonly op: 'replace'; readonly members: readonly Member[] }
  | { readonly op: 'clear' }
  /** A filter on something else than `value`; paths in it are sub-attributes of `members`. */
  | { readonly op: 'removeMatching'; readonly filter: Filter }

/** The target of a path that is about members; undefined for every other path. Faults: invalidPath, invalidFilter. */
export function findMembersTarget(
  path: string,
  type: ResourceType,
  applied: AppliedQuirks,
): Result<AttributeTarget | undefined, ScimFault> {
  // What is wrong with other paths is for applyPatch to say, in the order of the operations.
  if (!/(?:^|[:.])members(?:$|[.[\s])/i.test(path)) return ok(undefined)
  const noted: AppliedQuirks = new Set()
  const target = findTarget(path, type, noted)
  if (!target.ok) return target
  if (target.value?.kind !== 'attribute' || !isMembers(target.value.found, type))
    return ok(undefined)
  for (const quirk of noted) applied.add(quirk)
  return ok(target.value)
}

type Operations = Result<readonly MemberOperation[], ScimFault>

/** What an operation on `members` does to them, in order. Faults as in `splitMembers`. */
export function memberOperations(
  op: PatchOperation['op'],
  value: Json | undefined,
  target: AttributeTarget,
  applied: AppliedQuirks,
): Operations {
  const { sub } = target.found
  if (sub !== undefined && (target.filter !== undefined || sub.name !== 'value'))
    return err({
      kind: 'mutability',
      attribute: `members.${sub.name}`,
      reason: 'a member is added or removed as a whole',
    })
  if (op !== 'remove' && value === undefined)
    return err({ kind: 'invalidValue', attribute: 'members', reason: 'it is missing' })
  if (target.filter !== undefined)
    return onSelected(op, value ?? null, target, target.filter, applied)
  if (op === 'remove') return onRemove(value ?? null, applied)
  return onAll(op, value ?? null, applied)
}

/** Without a value all members go (RFC 7644 section 3.5.2.2); with one, those in it and no other (Q8). */
function onRemove(value: Json, applied: AppliedQuirks): Operations {
  if (value === null) return ok([{ op: 'clear' }])
  const listed = readMembers(value, applied)
  if (!listed.ok) return listed
  noteMemberRemoval(applied)
  return ok(listed.value.length === 0 ? [] : [{ op: 'remove', ids: idsOf(listed.value) }])
}

function onAll(op: 'add' | 'replace', value: Json, applied: AppliedQuirks): Operations {
  const members = isBlank(value, applied) ? ok([]) : readMembers(value, applied)
  if (!members.ok) return members
  if (members.value.length > 0) return ok([{ op, members: members.value }])
  return ok(op === 'replace' ? [{ op: 'clear' }] : [])
}

function onSelected(
  op: PatchOperation['op'],
  value: Json,
  { path }: AttributeTarget,
  filter: Filter,
  applied: AppliedQuirks,
): Operations {
  const ids = idsIn(filter)
  if (op === 'remove' || isBlank(value, applied))
    return ok([ids === undefined ? { op: 'removeMatching', filter } : { op: 'remove', ids }])
  if (ids === undefined) return err({ kind: 'noTarget', path })
  // Q4: a member that is not there yet is described by the filter.
  const namesNobody = isJsonObject(value) && readMember(value, 'value') === undefined
  const sent = namesNobody ? ok([]) : readMembers(value, applied)
  if (!sent.ok) return sent
  const members = sent.value.length > 0 ? sent.value : ids.map((id) => ({ value: id }))
  return ok([...(op === 'replace' ? [{ op: 'remove', ids } as const] : []), { op: 'add', members }])
}

/** The ids in `value eq "a" or value eq "b"`; undefined for any other filter. */
function idsIn(filter: Filter): readonly string[] | undefined {
  if (filter.kind === 'or') {
    const left = idsIn(filter.left)
    const right = idsIn(filter.right)
    return left && right && [...left, ...right]
  }
  if (filter.kind !== 'compare' || filter.operator !== 'eq') return undefined
  const isId = filter.path.attribute.toLowerCase() === 'value'
  return isId && typeof filter.value === 'string' ? [filter.value] : undefined
}

const idsOf = (members: readonly Member[]): string[] => members.map(({ value }) => value)
