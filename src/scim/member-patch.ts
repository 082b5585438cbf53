/**
 * PATCH of group members (RFC 7644 section 3.5.2). Members are rows beside the group, so a PATCH that touches k of
 * 100,000 members costs k reads and writes. Four steps, of which this file has the pure three:
 *
 * 1. `splitMembers` takes the operations on members out of a PATCH; `applyPatch` gets the rest.
 * 2. `touchedIds` says which ids they are about; the store reads which of those are members now.
 * 3. `foldMembers` plays the operations over that set and gives the difference.
 * 4. The store writes the difference, and nothing when it is empty.
 */
import { isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ResourceType } from './attributes.ts'
import type { ScimFault } from './fault.ts'
import { matchesElement } from './match.ts'
import { findMembersTarget, memberOperations, type MemberOperation } from './member-operation.ts'
import type { PatchOperation } from './messages.ts'
import type { AppliedQuirks, QuirkNumber } from './quirks.ts'
import { resolveAttribute } from './resolve.ts'
import type { Filter } from './tree.ts'

export type { MemberOperation } from './member-operation.ts'

export interface SplitPatch {
  /** The operations on the document, in order; a path-less one without its members. */
  readonly rest: readonly PatchOperation[]
  /** The operations on members, in order. */
  readonly members: readonly MemberOperation[]
  readonly quirks: readonly QuirkNumber[]
}

/**
 * Takes the operations on `members` out of a PATCH, from every shape: the path in any case, with or without URN, with a
 * filter; a path-less object with the name `members`; arrays of objects or ids, a single object or id (Q8, Q9, Q10).
 * A user has no members: everything is the rest. Faults: invalidValue for a value that is no list of members; mutability
 * for a change inside a member; noTarget for adding to what a filter selects; invalidPath; invalidFilter.
 */
export function splitMembers(
  operations: readonly PatchOperation[],
  type: ResourceType,
): Result<SplitPatch, ScimFault> {
  if (type.name !== 'Group') return ok({ rest: operations, members: [], quirks: [] })
  const applied: AppliedQuirks = new Set()
  const rest: PatchOperation[] = []
  const members: MemberOperation[] = []
  for (const operation of operations) {
    const split = splitOperation(operation, type, applied)
    if (!split.ok) return split
    if (split.value.rest !== undefined) rest.push(split.value.rest)
    members.push(...split.value.members)
  }
  const filters = members.filter(({ op }) => op === 'removeMatching').length
  return filters > MAX_FILTERS ? err(TOO_MANY_FILTERS) : ok({ rest, members, quirks: [...applied] })
}

/** Each looks at every member, of which there may be 100,000; by `value`, members are looked up. */
const MAX_FILTERS = 20

const TOO_MANY_FILTERS: ScimFault = {
  kind: 'invalidValue',
  attribute: 'members',
  reason: `at most ${MAX_FILTERS} operations may select members by something else than their value`,
}

/** The ids that the operations are about; `all` when what they do depends on every member that the group has. */
export function touchedIds(operations: readonly MemberOperation[]): readonly string[] | 'all' {
  const ids = new Set<string>()
  for (const operation of operations) {
    if (operation.op !== 'add' && operation.op !== 'remove') return 'all'
    for (const id of idsOf(operation)) ids.add(id)
  }
  return [...ids]
}

/**
 * What the operations come to, the later winning: the ids to add and to remove. `current` are the ids, of those that
 * `touchedIds` gave, that are members now. `matches` says whether a member satisfies the filter of a `removeMatching`
 * (see `matchesMember`); it is asked about added members too.
 */
export function foldMembers(
  operations: readonly MemberOperation[],
  current: Iterable<string>,
  matches: (id: string, filter: Filter) => boolean = () => false,
): { readonly add: readonly string[]; readonly remove: readonly string[] } {
  const before = new Set(current)
  let after = new Set(before)
  for (const operation of operations) {
    if (operation.op === 'replace' || operation.op === 'clear') after = new Set()
    if (operation.op === 'removeMatching')
      after = new Set([...after].filter((id) => !matches(id, operation.filter)))
    for (const id of idsOf(operation)) {
      if (operation.op === 'remove') after.delete(id)
      else after.add(id)
    }
  }
  return {
    add: [...after].filter((id) => !before.has(id)),
    remove: [...before].filter((id) => !after.has(id)),
  }
}

/** Whether a member, `{ value, type, display }`, satisfies the filter of a `removeMatching`. */
export function matchesMember(member: JsonObject, filter: Filter, type: ResourceType): boolean {
  const owner = resolveAttribute({ attribute: 'members' }, type)
  return owner !== undefined && matchesElement(member, filter, owner)
}

function idsOf(operation: MemberOperation): readonly string[] {
  if (operation.op === 'remove') return operation.ids
  if (operation.op === 'clear' || operation.op === 'removeMatching') return []
  return operation.members.map(({ value }) => value)
}

interface Split {
  readonly rest?: PatchOperation
  readonly members: readonly MemberOperation[]
}

function splitOperation(
  operation: PatchOperation,
  type: ResourceType,
  applied: AppliedQuirks,
): Result<Split, ScimFault> {
  const { op, path, value } = operation
  if (path === undefined) return splitNames(operation, type, applied)
  const target = findMembersTarget(path, type, applied)
  if (!target.ok) return target
  if (target.value === undefined) return ok({ rest: operation, members: [] })
  const members = memberOperations(op, value, target.value, applied)
  return members.ok ? ok({ members: members.value }) : members
}

/** A path-less operation: the members among its names, and the operation without them. */
function splitNames(
  operation: PatchOperation,
  type: ResourceType,
  applied: AppliedQuirks,
): Result<Split, ScimFault> {
  const { op, value } = operation
  if (!isJsonObject(value) || op === 'remove') return ok({ rest: operation, members: [] })
  const members: MemberOperation[] = []
  const others: [string, Json][] = []
  for (const [name, inner] of Object.entries(value)) {
    const target = findMembersTarget(name, type, applied)
    if (!target.ok) return target
    if (target.value === undefined) {
      others.push([name, inner])
      continue
    }
    const read = memberOperations(op, inner, target.value, applied)
    if (!read.ok) return read
    members.push(...read.value)
  }
  const rest: PatchOperation = { op, value: Object.fromEntries(others) }
  return ok(others.length === 0 ? { members } : { rest, members })
}
