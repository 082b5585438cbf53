import type { Result } from '../kernel/result.ts'
import type { Database } from './client.ts'
import type { NewEvent } from './event-log.ts'
import { carryOut, carryOutRemoval, type StoreFault } from './mutation.ts'
import type { StoredUser } from './row.ts'
import { nameHolder } from './user-names.ts'
import { userReader, type UserReader } from './user-reader.ts'
import {
  insertUser,
  removeUser,
  updateUser,
  userAfter,
  type UserMutation,
  type UserOrigin,
} from './user-statements.ts'

export type { UserMutation, UserOrigin } from './user-statements.ts'

export interface UserStore extends UserReader {
  insert(id: string, origin: UserOrigin, creation: UserMutation): Promise<Written<StoredUser>>
  /** Fails as `stale` unless the user is as it was when `before` was read. */
  update(before: StoredUser, change: UserMutation): Promise<Written<StoredUser>>
  /** The user, its memberships, addresses and undelivered password go; its groups get another version. */
  remove(before: StoredUser, now: number, event: NewEvent): Promise<Written<undefined>>
}

type Written<T> = Result<T, StoreFault>

/** What a sealed password is bound to, so that it opens for this user only. */
export const passwordContext = (organizationId: string, userId: string): string =>
  `org/${organizationId}/user/${userId}/password`

/** The users of one organization. */
export function userStore(database: Database, organizationId: string): UserStore {
  const reader = userReader(database, organizationId)
  const ports = (wanted: StoredUser) => ({
    find: () => reader.find(wanted.id),
    taken: async (failure: Parameters<typeof nameHolder>[2]): Promise<StoreFault> => {
      const { query, attribute, value } = nameHolder(organizationId, wanted, failure)
      const [answer] = await database.run(query)
      const [holder] = answer?.rows ?? []
      const fault = { kind: 'uniqueness', attribute, value } as const
      if (holder === undefined) return fault
      const existing = { ...fault, existingId: String(holder['id']) }
      return holder['is_imported'] === 1 ? { ...existing, isImported: true } : existing
    },
  })
  return {
    ...reader,
    async insert(id, origin, creation) {
      const wanted = userAfter(undefined, id, creation)
      const queries = insertUser(database.build, { organizationId, ...origin }, wanted, creation)
      return carryOut(database, queries, wanted, ports(wanted))
    },
    async update(before, change) {
      const wanted = userAfter(before, before.id, change)
      const queries = updateUser(database.build, organizationId, before, wanted, change)
      return carryOut(database, queries, wanted, ports(wanted))
    },
    async remove(before, now, event) {
      const queries = removeUser(database.build, organizationId, before, now, event)
      return carryOutRemoval(database, queries, () => reader.find(before.id))
    },
  }
}
