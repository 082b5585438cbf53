/** Which application permissions of Microsoft Graph a directory needs, by what it is set to do. Pure. */
import type { DirectorySettings } from '../plan/settings.ts'

/** What a directory does in Microsoft 365 beside creating and updating users, which every one does. */
export interface Undertaking {
  readonly settings: DirectorySettings
  /** Groups are bound, or new ones will be. */
  readonly hasGroups: boolean
}

export interface MissingPermission {
  readonly permission: string
  readonly why: string
  /** False: only what `why` names fails; the rest works. */
  readonly isRequired: boolean
}

interface Need {
  /** The one to grant, then those that include it. */
  readonly anyOf: readonly [string, ...string[]]
  readonly why: string
  readonly isRequired: boolean
  readonly applies: (undertaking: Undertaking) => boolean
}

const WRITE_USERS = 'User.ReadWrite.All'
const WRITE_ALL = 'Directory.ReadWrite.All'

const uses = (action: 'disable' | 'delete') => (undertaking: Undertaking) => {
  const { onDelete, onUnbind, onSuspend } = undertaking.settings
  return onDelete === action || onUnbind === action || onSuspend === action
}
const always = (): boolean => true

/** https://learn.microsoft.com/graph/permissions-reference; the narrow ones suffice beside a right to update profiles. */
const NEEDS: readonly Need[] = [
  {
    anyOf: [WRITE_USERS, WRITE_ALL],
    why: 'to create users and to update their attributes and managers',
    isRequired: true,
    applies: always,
  },
  {
    anyOf: ['User.EnableDisableAccount.All', WRITE_USERS, WRITE_ALL],
    why: 'to disable and enable accounts (onSuspend, onDelete or onUnbind is "disable")',
    isRequired: true,
    applies: uses('disable'),
  },
  {
    anyOf: ['User.RevokeSessions.All', WRITE_USERS, WRITE_ALL],
    why: 'to end the sessions of a disabled user',
    isRequired: true,
    applies: uses('disable'),
  },
  {
    // Directory.ReadWrite.All does not include deletion.
    anyOf: ['User.DeleteRestore.All', WRITE_USERS],
    why: 'to delete and restore users (onDelete or onUnbind is "delete")',
    isRequired: true,
    applies: uses('delete'),
  },
  {
    anyOf: ['Group.ReadWrite.All', WRITE_ALL],
    why: 'to create groups and to keep their members',
    isRequired: true,
    applies: ({ hasGroups }) => hasGroups,
  },
  {
    anyOf: ['Domain.Read.All', 'Organization.Read.All', 'Directory.Read.All', WRITE_ALL],
    why: 'to read which domains are verified, before a user is refused for the domain of the address',
    isRequired: false,
    applies: always,
  },
  {
    anyOf: ['User-PasswordProfile.ReadWrite.All'],
    why: 'to set the password of a user who exists already; the application needs the role User Administrator too',
    isRequired: false,
    applies: always,
  },
]

/** What a token's `roles` lack. */
export function missingPermissions(
  granted: readonly string[],
  undertaking: Undertaking,
): MissingPermission[] {
  return NEEDS.filter(
    ({ anyOf, applies }) =>
      applies(undertaking) && !anyOf.some((permission) => granted.includes(permission)),
  ).map(({ anyOf: [permission], why, isRequired }) => ({ permission, why, isRequired }))
}
