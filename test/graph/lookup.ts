import { type DirectoryObject, isDeleted } from './changes.ts'
import { addressErrors } from './errors.ts'
import { alternateKey } from './path.ts'
import type { Directory } from './directory.ts'

/** The live user of an id or userPrincipalName; undefined when there is none. */
export function findUser(directory: Directory, key: string): DirectoryObject | undefined {
  const byId = directory.liveById(key, 'user')
  if (byId) return byId
  const holder = directory.holderOf('userPrincipalName', key)
  return holder && !isDeleted(holder) ? holder : undefined
}

/** The live group of an id or of `uniqueName='…'`. */
export function findGroup(directory: Directory, key: string): DirectoryObject | undefined {
  const alternate = alternateKey(key)
  if (alternate?.name !== 'uniqueName') return directory.liveById(key, 'group')
  const holder = directory.holderOf('uniqueName', alternate.value)
  return holder && !isDeleted(holder) ? holder : undefined
}

/** The user, or the service's 404. */
export function userOf(directory: Directory, key: string): DirectoryObject {
  const user = findUser(directory, key)
  if (!user) throw addressErrors.notFound(key)
  return user
}

/** The group, or the service's 404. */
export function groupOf(directory: Directory, key: string): DirectoryObject {
  const group = findGroup(directory, key)
  if (!group) throw addressErrors.notFound(alternateKey(key)?.value ?? key)
  return group
}
