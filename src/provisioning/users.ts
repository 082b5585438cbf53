import { showUser, userTag, type StoredUser } from '../db/row.ts'
import type { UserMutation } from '../db/user-store.ts'
import { jsonEquals, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { withoutShown } from '../plan/sent-back.ts'
import type { ScimFault } from '../scim/fault.ts'
import { parsePatchRequest } from '../scim/messages.ts'
import { applyPatch } from '../scim/patch.ts'
import { readResource } from '../scim/resource.ts'
import { USER } from '../scim/resource-types.ts'
import { documentChanges } from './changes.ts'
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
import { checkNames, suspendedBy, updateEvent, withActive, withSentActive } from './user-state.ts'

/** Users over SCIM (RFC 7644 section 3). */
export const userService: ResourceService = {
  type: USER,

  async create(scope, body) {
    const read = readResource(body, USER)
    if (!read.ok) return read
    const { resource, password, quirks } = read.value
    scope.noteQuirks(quirks)
    const names = checkNames(resource, scope.usernamePolicy)
    if (!names.ok) return names
    const id = scope.newId('usr')
    const next = {
      resource,
      usernameKey: names.value,
      suspended: suspendedBy(resource, false),
      ...(await sealed(scope, id, password)),
    }
    const event = changeEvent(scope, {
      type: 'user_create',
      target: { type: 'user', id },
      changes: documentChanges({}, resource),
      ...passwordDetails(password),
    })
    return untilWritten(scope, async () => {
      const origin = { sourceId: scope.sourceId, importedFrom: null }
      const written = await scope.users.insert(id, origin, { next, now: scope.now, event })
      if (!written.ok) return written
      scope.changed()
      return ok(shown(written.value, scope))
    })
  },

  async read(scope, id) {
    const found = await scope.users.find(id)
    return found === undefined ? err(notFound(USER, id)) : ok(shown(found, scope))
  },

  async list(scope, query) {
    const page = await scope.users.list(query)
    return { ...page, items: page.items.map((found) => showUser(found, scope.baseUrl)) }
  },

  async replace(scope, id, body) {
    const read = readResource(body, USER)
    if (!read.ok) return read
    scope.noteQuirks(read.value.quirks)
    return untilWritten(scope, () =>
      changeUser(scope, id, (before) => {
        const resource = withoutShown(read.value.resource, before)
        return ok({ ...read.value, resource, suspended: suspendedBy(resource, before.suspended) })
      }),
    )
  },

  async patch(scope, id, body) {
    const parsed = parsePatchRequest(body)
    if (!parsed.ok) return parsed
    const { operations, quirks } = parsed.value
    scope.noteQuirks(quirks)
    return untilWritten(scope, () =>
      changeUser(scope, id, (before) => {
        const patched = applyPatch(withActive(before), operations, USER)
        if (!patched.ok) return patched
        scope.noteQuirks(patched.value.quirks)
        const { resource } = patched.value
        const suspended = suspendedBy(resource, before.suspended)
        return ok({ ...patched.value, resource: withSentActive(resource, before), suspended })
      }),
    )
  },

  async remove(scope, id) {
    return untilWritten(scope, async () => {
      const before = await scope.users.find(id)
      if (before === undefined) return err(notFound(USER, id))
      if (!scope.permits(before.version)) return err(versionMismatch(before.version))
      const event = changeEvent(scope, {
        type: 'user_delete',
        urgent: true,
        target: { type: 'user', id },
        touched: before.groups.map((group) => group.id),
        changes: documentChanges(withActive(before), {}),
      })
      const removed = await scope.users.remove(before, scope.now, event)
      if (removed.ok) scope.changed()
      return removed
    })
  },
}

interface Wanted {
  readonly resource: JsonObject
  readonly suspended: boolean
  /** Absent: as it was. SCIM says nothing about it, an administrator does. */
  readonly passwordExpired?: boolean
  readonly password?: string
}

/** One round of a PUT or PATCH: read, decide what is wanted, write when that is something else. */
export async function changeUser(
  scope: Scope,
  id: string,
  decide: (before: StoredUser) => Result<Wanted, ScimFault>,
): Round<Shown> {
  const before = await scope.users.find(id)
  if (before === undefined) return err(notFound(USER, id))
  if (!scope.permits(before.version)) return err(versionMismatch(before.version))
  const decided = decide(before)
  if (!decided.ok) return decided
  const { resource, suspended, passwordExpired = before.passwordExpired, password } = decided.value
  const isSameState = suspended === before.suspended && passwordExpired === before.passwordExpired
  const isSame = isSameState && jsonEquals(resource, before.resource)
  if (isSame && password === undefined) return ok(shown(before, scope))
  const tooLarge = sizeFault(resource, USER)
  if (tooLarge !== undefined) return err(tooLarge)
  const names = checkNames(resource, scope.usernamePolicy, before)
  if (!names.ok) return names
  const next = { resource, usernameKey: names.value, suspended, passwordExpired }
  const written = await scope.users.update(before, {
    next: { ...next, ...(await sealed(scope, id, password)) },
    now: scope.now,
    event: eventOf(scope, before, next, password),
  })
  if (!written.ok) return written
  scope.changed()
  return ok(shown(written.value, scope))
}

function eventOf(
  scope: Scope,
  before: StoredUser,
  next: UserMutation['next'],
  password: string | undefined,
): UserMutation['event'] {
  const { passwordExpired = before.passwordExpired } = next
  const from = { ...withActive(before), passwordExpired: before.passwordExpired }
  const to = { ...next.resource, active: !next.suspended, passwordExpired }
  return changeEvent(scope, {
    ...updateEvent(before.suspended, next.suspended, password !== undefined),
    target: { type: 'user', id: before.id },
    changes: documentChanges(from, to),
    ...passwordDetails(password),
  })
}

/** An event says that there is a new password, and nothing of it. */
function passwordDetails(password: string | undefined): { details?: JsonObject } {
  return password === undefined ? {} : { details: { password: 'set' } }
}

async function sealed(
  scope: Scope,
  id: string,
  password: string | undefined,
): Promise<{ sealedPassword?: string }> {
  return password === undefined ? {} : { sealedPassword: await scope.seal(id, password) }
}

function shown(stored: StoredUser, { baseUrl }: Scope): Shown {
  return {
    resource: showUser(stored, baseUrl),
    tag: userTag(stored),
    location: `${baseUrl}${USER.endpoint}/${stored.id}`,
  }
}
