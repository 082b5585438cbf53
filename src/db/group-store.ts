import { and, eq, sql, type SQL } from 'drizzle-orm'

import { err, ok, type Result } from '../kernel/result.ts'
import { jsonEquals, type JsonObject } from '../kernel/json.ts'
import { matchesFilter } from '../scim/match.ts'
import { GROUP } from '../scim/resource-types.ts'
import type { Filter } from '../scim/tree.ts'
import type { Answer, Database, Query } from './client.ts'
import { MAX_TOUCHED, type NewEvent } from './event-log.ts'
import type { WriteFailure } from './failure.ts'
import { askedMembers, searchCondition } from './filter-sql.ts'
import { BUSY, mutation, runGuarded, STALE, type StoreFault } from './mutation.ts'
import { groupColumns, readGroup, showGroup, type StoredGroup } from './row.ts'
import { walk, WALK_PAGE, type Page, type Slice } from './search.ts'
import { group } from './tables/provisioning.ts'

/** Which members are read with a group: all of them, those of these ids that are members, or as many as an event names. */
export type MembersWanted = 'all' | 'none' | 'touched' | readonly string[]

export interface GroupMutation {
  readonly resource: JsonObject
  /** Members to add and to remove, by id. */
  readonly add: readonly string[]
  readonly remove: readonly string[]
  readonly now: number
  readonly event: NewEvent
}

export interface GroupStore {
  find(id: string, members: MembersWanted): Promise<StoredGroup | undefined>
  /** Groups in the order of their ids, which is that of their creation. */
  list(slice: Slice, members: 'all' | 'none'): Promise<Page<StoredGroup>>
  /** Groups that satisfy a filter which `checkFilter` has passed. */
  search(filter: Filter, slice: Slice, members: 'all' | 'none'): Promise<Page<StoredGroup>>
  insert(id: string, sourceId: string, creation: GroupMutation): Promise<Written<StoredGroup>>
  /** Fails as `stale` unless the group is as it was when `before` was read. */
  update(before: StoredGroup, change: GroupMutation): Promise<Written<StoredGroup>>
  /** The group and its memberships go; groups that it was a member of get another version. */
  remove(before: StoredGroup, now: number, event: NewEvent): Promise<Written<undefined>>
}

type Written<T> = Result<T, StoreFault>

/** The groups of one organization. */
export function groupStore(database: Database, organizationId: string): GroupStore {
  const { build } = database
  const mine = (id: string) => and(eq(group.organizationId, organizationId), eq(group.id, id))

  /** The groups that `condition` (about `g`) selects, in the order of their ids, with members: one round trip. */
  async function read(
    condition: SQL,
    members: MembersWanted,
    limit: number = WALK_PAGE,
  ): Promise<StoredGroup[]> {
    const [groups, held] = await database.run(
      ...select(organizationId, sql`${condition} ORDER BY g.id LIMIT ${limit}`, members),
    )
    return assemble(groups, held)
  }

  async function write(
    wanted: StoredGroup,
    queries: readonly Query[],
  ): Promise<Written<StoredGroup>> {
    const { outcome, repeated } = await runGuarded(database, queries)
    if (outcome.ok) return ok(wanted)
    const { error } = outcome
    if (error.kind === 'unavailable' || error.kind === 'overloaded') return err(BUSY)
    // A batch whose first answer was lost may have been carried out: then it runs into what it wrote itself.
    if (repeated) {
      const [found] = await read(sql`g.id = ${wanted.id}`, 'none')
      if (found !== undefined && isSameWrite(found, wanted)) return ok(wanted)
    }
    return err(error.kind === 'refused' ? STALE : await taken(wanted, error))
  }

  async function taken({ resource }: StoredGroup, failure: WriteFailure): Promise<StoreFault> {
    const isName = failure.kind === 'unique' && failure.columns.includes('display_name_key')
    const { displayNameKey, externalId } = groupColumns(resource)
    const held = isName
      ? sql`display_name_key = ${displayNameKey}`
      : sql`external_id = ${externalId}`
    const [answer] = await database.run(
      sql`SELECT id FROM "group" WHERE organization_id = ${organizationId} AND ${held}`,
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

  return {
    async find(id, members) {
      const [found] = await read(sql`g.id = ${id}`, members)
      return found
    },

    async list({ skip, take }, members) {
      const [counted, groups, held] = await database.run(
        sql`SELECT group_count FROM organization WHERE id = ${organizationId}`,
        ...select(organizationId, sql`1 = 1 ORDER BY g.id LIMIT ${take} OFFSET ${skip}`, members),
      )
      const total = Number(counted?.rows[0]?.['group_count'] ?? 0)
      return { total, items: assemble(groups, held) }
    },

    async search(filter, slice, members) {
      const indexed = searchCondition(filter, GROUP, organizationId)
      // Few candidates come with what is shown of them, many only with what the filter asks about.
      const asked = members === 'all' && indexed !== undefined ? 'all' : askedMembers(filter, GROUP)
      const found = await walk(
        (after) => read(sql`${indexed ?? sql`1 = 1`} AND g.id > ${after}`, asked),
        (candidate) => matchesFilter(showGroup(candidate, ''), filter, GROUP),
        slice,
      )
      if (members === 'none' || asked === 'all' || found.items.length === 0) return found
      const ids = JSON.stringify(found.items.map(({ id }) => id))
      const items = await read(sql`g.id IN (SELECT value FROM json_each(${ids}))`, 'all')
      return { ...found, items }
    },

    async insert(id, sourceId, { resource, add, now, event }) {
      const row = { id, resource, version: 1, createdAt: now, modifiedAt: now }
      const columns = groupColumns(resource)
      return write({ ...row, members: add }, [
        ...mutation(
          organizationId,
          build.insert(group).values({ organizationId, sourceId, ...row, ...columns }),
          event,
          [
            sql`UPDATE organization SET group_count = group_count + 1 WHERE id = ${organizationId}`,
            ...addMembers(organizationId, id, add),
          ],
        ),
      ])
    },

    async update(before, { resource, add, remove, now, event }) {
      const { id, version } = before
      const row = { resource, version: version + 1, modifiedAt: now }
      const gone = new Set(remove)
      const members = [...before.members.filter((member) => !gone.has(member)), ...add]
      return write({ ...before, ...row, members }, [
        ...mutation(
          organizationId,
          build
            .update(group)
            .set({ ...row, ...changedColumns(before, resource) })
            .where(and(mine(id), eq(group.version, version))),
          event,
          [...removeMembers(organizationId, id, remove), ...addMembers(organizationId, id, add)],
        ),
      ])
    },

    async remove(before, now, event) {
      const { outcome } = await runGuarded(
        database,
        mutation(
          organizationId,
          build.delete(group).where(and(mine(before.id), eq(group.version, before.version))),
          event,
          removeDependents(organizationId, before.id, now),
        ),
      )
      if (outcome.ok) return ok(undefined)
      // Gone already, by us or by another: reading again says so.
      return err(outcome.error.kind === 'refused' ? STALE : BUSY)
    },
  }
}

/** Groups and, where wanted, their members: two statements for one batch. `page` is about `g` and may end in a limit. */
function select(organizationId: string, page: SQL, members: MembersWanted): Query[] {
  const here = sql`"group" g WHERE g.organization_id = ${organizationId} AND ${page}`
  const groups = sql`SELECT g.* FROM ${here}`
  if (members === 'none' || members.length === 0) return [groups]
  const touched = sql`LIMIT ${MAX_TOUCHED + 1}`
  const some =
    typeof members === 'string'
      ? sql``
      : sql`AND member_id IN (SELECT value FROM json_each(${JSON.stringify(members)}))`
  return [
    groups,
    sql`SELECT group_id, member_id FROM group_member WHERE organization_id = ${organizationId}
      AND group_id IN (SELECT g.id FROM ${here}) ${some} ${members === 'touched' ? touched : sql``}`,
  ]
}

function assemble(groups: Answer | undefined, memberships: Answer | undefined): StoredGroup[] {
  const members = new Map<string, string[]>()
  for (const row of memberships?.rows ?? []) {
    const groupId = String(row['group_id'])
    const held = members.get(groupId)
    if (held === undefined) members.set(groupId, [String(row['member_id'])])
    else held.push(String(row['member_id']))
  }
  return (groups?.rows ?? []).map((row) => readGroup(row, members.get(String(row['id'])) ?? []))
}

/** Whether what is stored is what a batch wrote whose answer was lost. */
function isSameWrite(found: StoredGroup, wanted: StoredGroup): boolean {
  return (
    found.version === wanted.version &&
    found.modifiedAt === wanted.modifiedAt &&
    jsonEquals(found.resource, wanted.resource)
  )
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

function addMembers(organizationId: string, groupId: string, ids: readonly string[]): Query[] {
  if (ids.length === 0) return []
  return [
    sql`INSERT INTO group_member (organization_id, group_id, member_id)
      SELECT ${organizationId}, ${groupId}, value FROM json_each(${JSON.stringify(ids)}) WHERE true
      ON CONFLICT DO NOTHING`,
  ]
}

function removeMembers(organizationId: string, groupId: string, ids: readonly string[]): Query[] {
  if (ids.length === 0) return []
  return [
    sql`DELETE FROM group_member WHERE organization_id = ${organizationId} AND group_id = ${groupId}
      AND member_id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
  ]
}

function removeDependents(organizationId: string, id: string, now: number): Query[] {
  const membership = sql`organization_id = ${organizationId} AND member_id = ${id}`
  return [
    sql`UPDATE organization SET group_count = group_count - 1 WHERE id = ${organizationId}`,
    sql`UPDATE "group" SET version = version + 1, modified_at = ${now}
      WHERE organization_id = ${organizationId}
      AND id IN (SELECT group_id FROM group_member WHERE ${membership})`,
    sql`DELETE FROM group_member WHERE ${membership}`,
    sql`DELETE FROM group_member WHERE organization_id = ${organizationId} AND group_id = ${id}`,
  ]
}
