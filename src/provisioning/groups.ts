import { MAX_TOUCHED } from '../db/event-log.ts'
import type { MembersWanted } from '../db/group-reader.ts'
import type { StoreFault } from '../db/mutation.ts'
import { showGroup, showMember, type StoredGroup } from '../db/row.ts'
import { jsonEquals, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { etag } from '../scim/etag.ts'
import type { ScimFault } from '../scim/fault.ts'
import { foldMembers, matchesMember, splitMembers, touchedIds } from '../scim/member-patch.ts'
import { parsePatchRequest } from '../scim/messages.ts'
import { applyPatch } from '../scim/patch.ts'
import { isShown, type Projection } from '../scim/project.ts'
import { readResource } from '../scim/resource.ts'
import { GROUP } from '../scim/resource-types.ts'
import { documentChanges, memberChanges } from './changes.ts'
import { changeEvent, type Scope } from './scope.ts'
import {
  notFound,
  sizeFault,
  untilWritten,
  versionMismatch,
  type ResourceService,
  type Round,
  type Shown,
} from './service.ts'

/** Groups over SCIM (RFC 7644 section 3). Members are rows, read and written only as far as a request is about them. */
export const groupService: ResourceService = {
  type: GROUP,

  async create(scope, body) {
    const read = readResource(body, GROUP)
    if (!read.ok) return read
    const { resource, members = [], quirks } = read.value
    scope.noteQuirks(quirks)
    const id = scope.newId('grp')
    const add = members.map(({ value }) => value)
    const event = changeEvent(scope, {
      type: 'group_create',
      target: { type: 'group', id },
      touched: namedMembers(add),
      changes: [...documentChanges({}, resource), ...memberChanges(add, [])],
    })
    return untilWritten(scope, async () => {
      const creation = { resource, add, remove: [], now: scope.now, event }
      const written = await scope.groups.insert(id, scope.sourceId, creation)
      if (!written.ok) return written
      scope.changed()
      return ok(shown(written.value, scope))
    })
  },

  async read(scope, id, projection) {
    const found = await scope.groups.find(id, membersShown(projection))
    return found === undefined ? err(notFound(GROUP, id)) : ok(shown(found, scope))
  },

  async list(scope, query, projection) {
    const page = await scope.groups.list(query, membersShown(projection))
    return { ...page, items: page.items.map((found) => showGroup(found, scope.baseUrl)) }
  },

  async replace(scope, id, body) {
    const read = readResource(body, GROUP)
    if (!read.ok) return read
    const { resource, members, quirks } = read.value
    scope.noteQuirks(quirks)
    const wanted = members?.map(({ value }) => value)
    return untilWritten(scope, () =>
      // A PUT without `members` says nothing about them; with an empty list it removes all (RFC 7644 section 3.5.1).
      change(scope, id, { members: 'all', isShared: false }, ({ members: current }) =>
        ok({ resource, ...difference(current, wanted ?? current) }),
      ),
    )
  },

  async patch(scope, id, body, projection) {
    const parsed = parsePatchRequest(body)
    if (!parsed.ok) return parsed
    const split = splitMembers(parsed.value.operations, GROUP)
    if (!split.ok) return split
    const { rest, members } = split.value
    scope.noteQuirks([...parsed.value.quirks, ...split.value.quirks])
    const isUnseen = projection === undefined || membersShown(projection) === 'none'
    const wanted = isUnseen ? touchedIds(members) : 'all'
    // What else the group holds is neither decided upon nor shown: other writers may change it meanwhile.
    const isShared = projection === undefined && wanted !== 'all' && !scope.isConditional
    return untilWritten(scope, () =>
      change(scope, id, { members: wanted, isShared }, (before) => {
        const patched = applyPatch(before.resource, rest, GROUP)
        if (!patched.ok) return patched
        scope.noteQuirks(patched.value.quirks)
        const folded = foldMembers(members, before.members, (memberId, filter) =>
          matchesMember(showMember(memberId, scope.baseUrl), filter, GROUP),
        )
        return ok({ resource: patched.value.resource, ...folded })
      }),
    )
  },

  async remove(scope, id) {
    return untilWritten(scope, async () => {
      const before = await scope.groups.findToRemove(id)
      if (before === undefined) return err(notFound(GROUP, id))
      if (!scope.permits(before.version)) return err(versionMismatch(before.version))
      const event = changeEvent(scope, {
        type: 'group_delete',
        urgent: true,
        target: { type: 'group', id },
        // The groups that it was a member of have to let go of it as well.
        touched: [...before.memberOf, ...before.members],
        changes: [...documentChanges(before.resource, {}), ...memberChanges([], before.members)],
      })
      const removed = await scope.groups.remove(before, scope.now, event)
      if (removed.ok) scope.changed()
      return removed
    })
  },
}

interface Wanted {
  readonly resource: JsonObject
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

interface Reading {
  /** The members that are decided upon. */
  readonly members: MembersWanted
  /** Nothing but these members is, unless the document changes. */
  readonly isShared: boolean
}

/** One round of a PUT or PATCH: read, decide what is wanted, write when that is something else. */
async function change(
  scope: Scope,
  id: string,
  { members, isShared }: Reading,
  decide: (before: StoredGroup) => Result<Wanted, ScimFault>,
): Round<Shown> {
  const before = await scope.groups.find(id, members)
  if (before === undefined) return err(notFound(GROUP, id))
  if (!scope.permits(before.version)) return err(versionMismatch(before.version))
  const decided = decide(before)
  if (!decided.ok) return decided
  const { resource, add, remove } = decided.value
  const isSameDocument = jsonEquals(resource, before.resource)
  if (isSameDocument && add.length + remove.length === 0) return ok(shown(before, scope))
  const tooLarge = sizeFault(resource, GROUP)
  if (tooLarge !== undefined) return err(tooLarge)
  const event = changeEvent(scope, {
    type: 'group_update',
    target: { type: 'group', id },
    touched: namedMembers([...add, ...remove]),
    changes: [...documentChanges(before.resource, resource), ...memberChanges(add, remove)],
  })
  const update = { ...decided.value, now: scope.now, event }
  const written =
    isShared && isSameDocument
      ? await scope.groups.updateMembers(before, update)
      : await scope.groups.update(before, update)
  if (mayBeWritten(written)) scope.changed()
  return written.ok ? ok(shown(written.value, scope)) : written
}

/** The members that an event names. */
const namedMembers = (ids: readonly string[]): readonly string[] => ids.slice(0, MAX_TOUCHED + 1)

const mayBeWritten = (written: Result<StoredGroup, StoreFault>): boolean =>
  written.ok || (written.error.kind === 'stale' && written.error.mayBeDone === true)

function difference(
  current: readonly string[],
  wanted: readonly string[],
): Omit<Wanted, 'resource'> {
  const held = new Set(current)
  const kept = new Set(wanted)
  return {
    add: [...kept].filter((id) => !held.has(id)),
    remove: current.filter((id) => !kept.has(id)),
  }
}

const membersShown = (projection: Projection): 'all' | 'none' =>
  isShown('members', GROUP, projection) ? 'all' : 'none'

function shown(stored: StoredGroup, { baseUrl }: Scope): Shown {
  return {
    resource: showGroup(stored, baseUrl),
    tag: etag(stored.version),
    location: `${baseUrl}${GROUP.endpoint}/${stored.id}`,
  }
}
