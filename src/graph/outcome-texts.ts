/** The sentences of `outcome-table.ts`: for an administrator, who does not know Graph. */
import type { Purpose } from './outcome-types.ts'

/** `{attribute}`, `{permission}`, `{reason}` (Graph's own words) and `{again}` (what to do once it is mended) are filled in. */
export interface Explanation {
  readonly message: string
  readonly whatToDo: string
}

export const OUR_FAULT: Explanation = {
  message: 'Microsoft 365 does not understand the request of the gateway.',
  whatToDo: 'This is a fault of the gateway: report it with the request ID.',
}

export const REJECTED: Explanation = {
  message: 'Microsoft 365 refused the request: {reason}',
  whatToDo: 'Correct what Microsoft 365 names, then {again}.',
}

export const UNVERIFIED_DOMAIN: Explanation = {
  message: 'The domain of the sign-in name is not verified in this Microsoft 365 tenant.',
  whatToDo:
    'Verify the domain in the Microsoft 365 admin center, or give the user an address in a verified domain, then export again.',
}

export const PASSWORD_REJECTED: Explanation = {
  message: "The password does not meet the tenant's password rules.",
  whatToDo: 'Choose a longer password without common words or names.',
}

export const MASTERED_ON_PREMISES: Explanation = {
  message: 'The account is synchronized from an on-premises Active Directory, which owns its data.',
  whatToDo:
    'Change the account in Active Directory, or unbind it here, or end its synchronization in Entra Connect.',
}

export const MASTERED_EXTERNALLY: Explanation = {
  message: 'The value is owned by another service and cannot be changed through Microsoft Graph.',
  whatToDo: 'Change it where it came from, or exclude the attribute in this directory.',
}

export const VALUE_MISSING: Explanation = {
  message: 'Microsoft 365 requires a value for {attribute}.',
  whatToDo: 'Give the user a value for this attribute.',
}

export const VALUE_INVALID: Explanation = {
  message: 'Microsoft 365 does not accept the value of {attribute}.',
  whatToDo: 'Correct the value (its length and characters), or exclude the attribute.',
}

export const VALUES_INVALID: Explanation = {
  message: 'Microsoft 365 does not accept one of the values, and does not say which.',
  whatToDo:
    'Check the values of the user. In a federated domain, Microsoft 365 also demands an immutable ID, which accounts made by the gateway do not have.',
}

export const QUOTA_EXCEEDED: Explanation = {
  message: 'A quota of the Microsoft 365 tenant is used up.',
  whatToDo:
    'Delete objects that are no longer needed (deleted ones count for 30 days, unless they are deleted permanently), or have Microsoft raise the quota.',
}

export const CONSENT_NEEDED: Explanation = {
  message: 'The application is not known in this Microsoft 365 tenant.',
  whatToDo:
    'An administrator of the tenant has to grant admin consent to the application, then check the connection again.',
}

export const PERMISSION_MISSING: Explanation = {
  message: 'The application is not permitted to do this in Microsoft 365.',
  whatToDo: 'Grant the application permission {permission}, with admin consent, then {again}.',
}

export const PRIVILEGED_TARGET: Explanation = {
  message:
    'Microsoft 365 does not let the application change this: the account has an administrator role or belongs to a role-assignable group, or the permission {permission} is missing.',
  whatToDo:
    'Grant the application the permission {permission} with admin consent, if it lacks it. Under Roles and administrators in Entra ID, assign it the role User Administrator, which changing a password always takes; for accounts of other administrators and of role-assignable groups the role Privileged Authentication Administrator. Then replay the failure, or change the account by hand.',
}

/** The application permission that a kind of request needs (https://learn.microsoft.com/graph/permissions-reference). */
export const PERMISSIONS: Readonly<Record<Purpose, string>> = {
  create_user: 'User.ReadWrite.All',
  update_user: 'User.ReadWrite.All',
  delete_user: 'User.ReadWrite.All',
  restore_user: 'User.ReadWrite.All',
  revoke_sessions: 'User.ReadWrite.All',
  set_manager: 'User.ReadWrite.All',
  remove_manager: 'User.ReadWrite.All',
  create_group: 'Group.ReadWrite.All',
  update_group: 'Group.ReadWrite.All',
  delete_group: 'Group.ReadWrite.All',
  add_members: 'Group.ReadWrite.All',
  remove_member: 'Group.ReadWrite.All',
  read: 'User.Read.All and Domain.Read.All',
}

/** What setting a password needs beside `User.ReadWrite.All`. */
export const PASSWORD_PERMISSION = 'User-PasswordProfile.ReadWrite.All'
