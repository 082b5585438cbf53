/** The batches that write groups. Memberships come after the group's row, its event and the counter. */
import { and, eq, sql } from 'drizzle-orm'

import type { JsonObject } from '../kernel/json.ts'
import type { Database, Query } from './client.ts'
import type { NewEvent } from './event-log.ts'
import type { RemovableGroup } from './group-reader.ts'
import { namesAllHolders } from './memberships.ts'
import { mutation } from './mutation.ts'
import { groupColumns, type StoredGroup } from './row.ts'
import { group } from './tables/provisioning.ts'

type Build = Database['build']

/** What a mutation makes of a group, when, and the event that tells of it. */
export interface GroupMutation {
  readonly resource: JsonObject
  /** Members to add and to remove, by id. */
  readonly add: readonly string[]
  readonly remove: readonly string[]
  readonly now: number
  readonly event: NewEvent
}

/** The group as a mutation leaves it, with those of its members that were read or added. */
export function groupAfter(
  before: StoredGroup | undefined,
  id: string,
  { resource, add, remove, now }: GroupMutation,
): StoredGroup {
  const gone = new Set(remove)
  const kept = (before?.members ?? []).filter((member) => !gone.has(member))
  return {
    id,
    resource,
    version: (before?.version ?? 0) + 1,
    createdAt: before?.createdAt ?? now,
    modifiedAt: now,
    members: [...kept, ...add],
  }
}

export function insertGroup(
  build: Build,
  owner: { readonly organizationId: string; readonly sourceId: string },
  wanted: StoredGroup,
  { add, event }: GroupMutation,
): Query[] {
  const { organizationId } = owner
  const { members: _, ...row } = wanted
  const insert = build.insert(group).values({ ...owner, ...row, ...groupColumns(row.resource) })
  return mutation(organizationId, insert, event, [
    sql`UPDATE organization SET group_count = group_count + 1 WHERE id = ${organizationId}`,
    ...addMembers(organizationId, row.id, add),
  ])
}

export function updateGroup(
  build: Build,
  organizationId: string,
  before: StoredGroup,
  { id, resource, version, modifiedAt }: StoredGroup,
  { add, remove, event }: GroupMutation,
): Query[] {
  const update = build
    .update(group)
    .set({ resource, version, modifiedAt, ...changedColumns(before, resource) })
    .where(isAsRead(organizationId, before))
  return mutation(organizationId, update, event, [
    ...removeMembers(organizationId, id, remove),
    ...addMembers(organizationId, id, add),
  ])
}

/**
 * Members come and go, and nothing else of the group changes: it does not matter what other writers do to its name or to
 * other members meanwhile. The guard is all that was decided upon: who is to be added is no member, who is to be removed is
 * one. The first answer tells the group's next version.
 */
export function updateMembers(
  organizationId: string,
  id: string,
  { add, remove, now, event }: GroupMutation,
): Query[] {
  const members = (ids: readonly string[]) => sql`group_member
    WHERE organization_id = ${organizationId} AND group_id = ${id}
    AND member_id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`
  const update = sql`UPDATE "group" SET version = version + 1, modified_at = max(modified_at, ${now})
    WHERE organization_id = ${organizationId} AND id = ${id}
    AND NOT EXISTS (SELECT 1 FROM ${members(add)})
    AND (SELECT count(*) FROM ${members(remove)}) = ${remove.length}
    RETURNING version, modified_at`
  return mutation(organizationId, update, event, [
    ...removeMembers(organizationId, id, remove),
    ...addMembers(organizationId, id, add),
  ])
}

export function removeGroup(
  build: Build,
  organizationId: string,
  before: RemovableGroup,
  now: number,
  event: NewEvent,
): Query[] {
  const { id, memberOf } = before
  const membership = sql`organization_id = ${organizationId} AND member_id = ${id}`
  const removal = build.delete(group).where(isAsRead(organizationId, before))
  return [
    namesAllHolders(organizationId, id, memberOf),
    ...mutation(organizationId, removal, event, [
      sql`UPDATE organization SET group_count = group_count - 1 WHERE id = ${organizationId}`,
      sql`UPDATE "group" SET version = version + 1, modified_at = ${now}
      WHERE organization_id = ${organizationId}
      AND id IN (SELECT group_id FROM group_member WHERE ${membership})`,
      sql`DELETE FROM group_member WHERE ${membership}`,
      sql`DELETE FROM group_member WHERE organization_id = ${organizationId} AND group_id = ${id}`,
    ]),
  ]
}

function isAsRead(organizationId: string, { id, version }: StoredGroup) {
  return and(eq(group.organizationId, organizationId), eq(group.id, id), eq(group.version, version))
}

/** Only what changes is set: naming an indexed column writes its index entry again, and that is billed. */
function changedColumns(before: StoredGroup, resource: JsonObject) {
  const from = groupColumns(before.resource)
  const to = groupColumns(resource)
  return {
    ...(from.displayNameKey === to.displayNameKey ? {} : { displayNameKey: to.displayNameKey }),
    ...(from.externalId === to.externalId ? {} : { externalId: to.externalId }),
  }
}

/** Ids in one statement: a bound text may have 2 MB, and an id has up to some hundred bytes. */
const IDS_PER_STATEMENT = 5000

function inChunks(ids: readonly string[], statement: (ids: string) => Query): Query[] {
  const count = Math.ceil(ids.length / IDS_PER_STATEMENT)
  return Array.from({ length: count }, (_, at) =>
    statement(JSON.stringify(ids.slice(at * IDS_PER_STATEMENT, (at + 1) * IDS_PER_STATEMENT))),
  )
}

function addMembers(organizationId: string, groupId: string, ids: readonly string[]): Query[] {
  return inChunks(
    ids,
    (chunk) => sql`INSERT INTO group_member (organization_id, group_id, member_id)
      SELECT ${organizationId}, ${groupId}, value FROM json_each(${chunk}) WHERE true
      ON CONFLICT DO NOTHING`,
  )
}

function removeMembers(organizationId: string, groupId: string, ids: readonly string[]): Query[] {
  return inChunks(
    ids,
    (chunk) => sql`DELETE FROM group_member
      WHERE organization_id = ${organizationId} AND group_id = ${groupId}
      AND member_id IN (SELECT value FROM json_each(${chunk}))`,
  )
}
