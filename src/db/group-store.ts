import { sql } from 'drizzle-orm'

import { ok, type Result } from '../kernel/result.ts'
import type { Database } from './client.ts'
import type { NewEvent } from './event-log.ts'
import type { WriteFailure } from './failure.ts'
import { groupReader, type GroupReader, type RemovableGroup } from './group-reader.ts'
import {
  groupAfter,
  insertGroup,
  removeGroup,
  updateGroup,
  updateMembers,
  type GroupMutation,
} from './group-statements.ts'
import { carryOut, carryOutRemoval, carryOutTelling, type StoreFault } from './mutation.ts'
import { groupColumns, type StoredGroup } from './row.ts'

export interface GroupStore extends GroupReader {
  insert(id: string, sourceId: string, creation: GroupMutation): Promise<Written<StoredGroup>>
  /** Fails as `stale` unless the group is as it was when `before` was read. */
  update(before: StoredGroup, change: GroupMutation): Promise<Written<StoredGroup>>
  /**
   * Changes members alone, whatever happened to the rest of the group since `before` was read. Fails as `stale` unless those
   * who are to be added are no members, and those who are to be removed are.
   */
  updateMembers(before: StoredGroup, change: GroupMutation): Promise<Written<StoredGroup>>
  /**
   * The group and its memberships go; groups that it was a member of get another version. Fails as `stale` unless it is as it
   * was when `before` was read, and is a member of no other groups.
   */
  remove(before: RemovableGroup, now: number, event: NewEvent): Promise<Written<undefined>>
}

type Written<T> = Result<T, StoreFault>

/** The groups of one organization. */
export function groupStore(database: Database, organizationId: string): GroupStore {
  const reader = groupReader(database, organizationId)
  const ports = (wanted: StoredGroup) => ({
    find: () => reader.find(wanted.id, 'none'),
    taken: (failure: WriteFailure) => takenBy(database, organizationId, wanted, failure),
  })
  return {
    ...reader,
    async insert(id, sourceId, creation) {
      const wanted = groupAfter(undefined, id, creation)
      const queries = insertGroup(database.build, { organizationId, sourceId }, wanted, creation)
      return carryOut(database, queries, wanted, ports(wanted))
    },
    async update(before, change) {
      const wanted = groupAfter(before, before.id, change)
      const queries = updateGroup(database.build, organizationId, before, wanted, change)
      return carryOut(database, queries, wanted, ports(wanted))
    },
    async updateMembers(before, change) {
      const queries = updateMembers(organizationId, before.id, change)
      const written = await carryOutTelling(database, queries)
      if (!written.ok) return written
      const row = written.value[0]?.rows[0] ?? {}
      const version = Number(row['version'])
      const modifiedAt = Number(row['modified_at'])
      return ok({ ...groupAfter(before, before.id, change), version, modifiedAt })
    },
    async remove(before, now, event) {
      const queries = removeGroup(database.build, organizationId, before, now, event)
      return carryOutRemoval(database, queries, () => reader.find(before.id, 'none'))
    },
  }
}

/** Which group has the name or the external id that a refused write wanted. */
async function takenBy(
  database: Database,
  organizationId: string,
  { resource }: StoredGroup,
  failure: WriteFailure,
): Promise<StoreFault> {
  const isName = failure.kind === 'unique' && failure.columns.includes('display_name_key')
  const { displayNameKey, externalId } = groupColumns(resource)
  const isHeld = isName
    ? sql`display_name_key = ${displayNameKey}`
    : sql`external_id = ${externalId}`
  const [answer] = await database.run(
    sql`SELECT id FROM "group" WHERE organization_id = ${organizationId} AND ${isHeld}`,
  )
  const existingId = answer?.rows[0]?.['id']
  const attribute = isName ? 'displayName' : 'externalId'
  const value = resource[attribute]
  return {
    kind: 'uniqueness',
    attribute,
    value: typeof value === 'string' ? value : '',
    ...(typeof existingId === 'string' ? { existingId } : {}),
  }
}
