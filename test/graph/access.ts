import type { DirectoryObject } from './changes.ts'
import { accessErrors } from './errors.ts'
import type { AppSettings, DirectoryRole } from './settings.ts'
import { permissions } from './permissions.ts'
import type { Tenant } from './tenant.ts'

/** The application that a token speaks for. */
export interface Caller {
  readonly tenant: Tenant
  readonly app: AppSettings
  /** The `roles` claim, as it was when the token was issued. */
  readonly roles: readonly string[]
}

/** Demands one of some application permissions. */
export function requireRole(caller: Caller, anyOf: readonly string[]): void {
  if (!anyOf.some((role) => caller.roles.includes(role))) throw accessErrors.denied()
}

const holds = (caller: Caller, anyOf: readonly DirectoryRole[]): boolean =>
  anyOf.some((role) => caller.app.directoryRoles?.includes(role))

/** Sensitive actions on a privileged user are for service principals with the highest roles. */
export function requireReach(caller: Caller, target: DirectoryObject): void {
  if (!isPrivileged(caller.tenant, target)) return
  if (!holds(caller, ['Privileged Authentication Administrator', 'Global Administrator']))
    throw accessErrors.denied()
}

/** The permissions that open an update of one property, for an application that may not write users. */
const NARROW: Readonly<Record<string, string>> = {
  accountEnabled: 'User.EnableDisableAccount.All',
  businessPhones: 'User-Phone.ReadWrite.All',
  mobilePhone: 'User-Phone.ReadWrite.All',
  otherMails: 'User-Mail.ReadWrite.All',
  // Demanded of everybody, and apart.
  passwordProfile: 'User-PasswordProfile.ReadWrite.All',
}

/** Demands the permission to write each of these properties of a user. */
export function requireUpdate(caller: Caller, names: readonly string[]): void {
  const mayWriteAll = permissions.writeUsers.some((role) => caller.roles.includes(role))
  if (mayWriteAll) return
  for (const name of names) requireRole(caller, [NARROW[name] ?? ''])
}

/** A password reset takes a permission and, at least, the role of a User Administrator. */
export function requirePasswordReset(caller: Caller): void {
  requireRole(caller, ['User-PasswordProfile.ReadWrite.All'])
  const roles: DirectoryRole[] = [
    'User Administrator',
    'Privileged Authentication Administrator',
    'Global Administrator',
  ]
  if (!holds(caller, roles)) throw accessErrors.denied()
}

/** Holds an admin role, or is a member or owner of a role-assignable group. */
function isPrivileged(tenant: Tenant, user: DirectoryObject): boolean {
  if (user.isPrivileged) return true
  for (const group of tenant.live('group')) {
    if (group.properties['isAssignableToRole'] !== true) continue
    if (tenant.linked('members', group.id).has(user.id)) return true
    if (tenant.linked('owners', group.id).has(user.id)) return true
  }
  return false
}

/** On-premises mastered: Graph refuses to write it. */
export const isSynced = (object: DirectoryObject): boolean =>
  object.properties['onPremisesSyncEnabled'] === true

/** A dynamic group keeps its own members. */
export const isDynamic = (group: DirectoryObject): boolean =>
  JSON.stringify(group.properties['groupTypes'] ?? []).includes('DynamicMembership')

export const isUnified = (group: DirectoryObject): boolean =>
  JSON.stringify(group.properties['groupTypes'] ?? []).includes('Unified')

/** `User_<id>`: how an error names the object in the way. */
export const holderName = (holder: DirectoryObject): string =>
  `${holder.kind === 'user' ? 'User' : 'Group'}_${holder.id}`
