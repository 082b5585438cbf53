/** What a write makes of a user's state beside its document, and which event tells of it. Pure. */
import type { EventType } from '../db/event-log.ts'
import type { StoredUser } from '../db/row.ts'
import type { JsonObject } from '../kernel/json.ts'
import { ok, type Result } from '../kernel/result.ts'
import { withMember } from '../scim/document.ts'
import type { ScimFault } from '../scim/fault.ts'
import { checkUserName, primaryEmail, type UsernamePolicy } from '../scim/username.ts'

/** A name that every policy accepts: with it, `checkUserName` checks the address alone. */
const ANY_NAME = 'a'

/**
 * The key of the directory's username where it differs from `userName`. The policy is that of the source that writes, and
 * only what this write changes is held to it: other sources may have other policies. Fault: invalidValue.
 */
export function checkNames(
  next: JsonObject,
  policy: UsernamePolicy,
  before?: { readonly resource: JsonObject; readonly usernameKey: string | null },
): Result<string | null, ScimFault> {
  const userName = userNameOf(next)
  const email = primaryEmail(next)
  const isSameName = before !== undefined && userNameOf(before.resource) === userName
  const isSameEmail = before !== undefined && primaryEmail(before.resource) === email
  if (isSameName && isSameEmail) return ok(before.usernameKey)
  const checked = checkUserName(isSameName ? ANY_NAME : userName, email, policy)
  if (!checked.ok) return checked
  if (isSameName) return ok(before.usernameKey)
  const { key, usernameKey } = checked.value
  return ok(usernameKey === key ? null : usernameKey)
}

/** The document as a client sees it that reads or patches it: `active` says whether the user is suspended. */
export function withActive({ resource, suspended }: StoredUser): JsonObject {
  return { ...resource, active: !suspended }
}

/**
 * Whether a document suspends its user. A client that sends no `active` (a PUT without it, a PATCH that removes it) says
 * nothing about it, and ends no suspension.
 */
export function suspendedBy(next: JsonObject, before: boolean): boolean {
  return typeof next['active'] === 'boolean' ? !next['active'] : before
}

/** A patched document with `active` as the client sent it: untouched when the patch did not change it. */
export function withSentActive(next: JsonObject, { resource, suspended }: StoredUser): JsonObject {
  const isUntouched = next['active'] === !suspended
  return isUntouched ? withMember(next, 'active', resource['active']) : next
}

/** One mutation is one event: what is urgent names it. */
export function updateEvent(
  before: boolean,
  suspended: boolean,
  hasNewPassword: boolean,
): { readonly type: EventType; readonly urgent: boolean } {
  if (!before && suspended) return { type: 'user_suspend', urgent: true }
  if (before && !suspended) return { type: 'user_activate', urgent: true }
  if (hasNewPassword) return { type: 'user_password', urgent: true }
  return { type: 'user_update', urgent: false }
}

function userNameOf(resource: JsonObject): string {
  const userName = resource['userName']
  return typeof userName === 'string' ? userName : ''
}
