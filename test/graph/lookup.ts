import { type DirectoryObject, isDeleted } from './changes.ts'
import { addressErrors } from './errors.ts'
import { alternateKey } from './path.ts'
import type { Tenant } from './tenant.ts'

/** The live user of an id or userPrincipalName; undefined when there is none. */
export function findUser(tenant: Tenant, key: string): DirectoryObject | undefined {
  const byId = tenant.liveById(key, 'user')
  if (byId) return byId
  const holder = tenant.holderOf('userPrincipalName', key)
  return holder && !isDeleted(holder) ? holder : undefined
}

/** The live group of an id or of `uniqueName='…'`. */
export function findGroup(tenant: Tenant, key: string): DirectoryObject | undefined {
  const alternate = alternateKey(key)
  if (alternate?.name !== 'uniqueName') return tenant.liveById(key, 'group')
  const holder = tenant.holderOf('uniqueName', alternate.value)
  return holder && !isDeleted(holder) ? holder : undefined
}

/** The user, or the service's 404. */
export function userOf(tenant: Tenant, key: string): DirectoryObject {
  const user = findUser(tenant, key)
  if (!user) throw addressErrors.notFound(key)
  return user
}

/** The group, or the service's 404. */
export function groupOf(tenant: Tenant, key: string): DirectoryObject {
  const group = findGroup(tenant, key)
  if (!group) throw addressErrors.notFound(alternateKey(key)?.value ?? key)
  return group
}
