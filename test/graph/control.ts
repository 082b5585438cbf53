import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { type Change, type DirectoryObject, isDeleted, textOf, withProperties } from './changes.ts'
import type { Tenant } from './tenant.ts'
import { type World, toGraphTime } from './world.ts'

/** What a control request may do to a user; nothing is validated, this is the hand of another administrator. */
export interface UserChange {
  readonly properties?: JsonObject
  readonly isPrivileged?: boolean
  /** An id; null takes the manager away. */
  readonly manager?: string | null
}

export interface MembersChange {
  readonly properties?: JsonObject
  readonly addMembers?: readonly string[]
  readonly removeMembers?: readonly string[]
}

export interface SeedPlan {
  readonly users?: number
  readonly groups?: number
  /** Members of each group, taken from the seeded users in turn. */
  readonly membersPerGroup?: number
  /** Default: the tenant's default domain. */
  readonly domain?: string
  /** Begins the names; default `seed`. */
  readonly prefix?: string
}

/** Changes a user as another administrator would; undefined when there is no such user. */
export function changeUser(
  tenant: Tenant,
  id: string,
  change: UserChange,
): DirectoryObject | undefined {
  const user = tenant.byId(id)
  if (user?.kind !== 'user') return undefined
  const { properties = {}, isPrivileged, manager } = change
  const changed: DirectoryObject = {
    ...withProperties(user, properties),
    ...(isPrivileged === undefined ? {} : { isPrivileged }),
  }
  const changes: Change[] = [{ type: 'put', object: changed }]
  if (manager !== undefined) {
    const removed = [...tenant.linked('manager', user.id)]
    const added = manager === null ? [] : [manager]
    changes.push({ type: 'link', relation: 'manager', from: user.id, added, removed })
  }
  tenant.commit(changes)
  return changed
}

/** Changes a group and its members as another administrator would; undefined when there is no such group. */
export function changeGroup(
  tenant: Tenant,
  id: string,
  { properties = {}, addMembers = [], removeMembers = [] }: MembersChange,
): DirectoryObject | undefined {
  const group = tenant.byId(id)
  if (group?.kind !== 'group') return undefined
  const changed = withProperties(group, properties)
  tenant.commit([
    { type: 'put', object: changed },
    {
      type: 'link',
      relation: 'members',
      from: group.id,
      added: addMembers,
      removed: removeMembers,
    },
  ])
  return changed
}

/** Fills a tenant with users and groups in one step; tells their ids. */
export function seed(
  world: World,
  tenant: Tenant,
  plan: SeedPlan,
): { users: string[]; groups: string[] } {
  const users = times(plan.users, (i) => seedUser(world, tenant, plan, i))
  const groups = times(plan.groups, (i) => seedGroup(world, plan, i))
  const size = Math.min(plan.membersPerGroup ?? 0, users.length)
  const links = groups.map((group, i): Change => {
    const added = times(size, (j) => users[(i * size + j) % users.length]?.id ?? '')
    return { type: 'link', relation: 'members', from: group.id, added, removed: [] }
  })
  const puts = [...users, ...groups].map((object): Change => ({ type: 'put', object }))
  tenant.commit([...puts, ...links])
  return { users: users.map(({ id }) => id), groups: groups.map(({ id }) => id) }
}

function seedUser(world: World, tenant: Tenant, plan: SeedPlan, i: number): DirectoryObject {
  const { domains } = tenant.settings
  const domain = plan.domain ?? (domains.find((one) => one.isDefault) ?? domains[0])?.name
  const name = `${plan.prefix ?? 'seed'}${i + 1}`
  return {
    kind: 'user',
    id: world.random.guid(),
    properties: {
      accountEnabled: true,
      displayName: `Seeded User ${i + 1}`,
      mailNickname: name,
      userPrincipalName: `${name}@${domain}`,
      userType: 'Member',
      createdDateTime: toGraphTime(world.now()),
    },
  }
}

const seedGroup = (world: World, plan: SeedPlan, i: number): DirectoryObject => ({
  kind: 'group',
  id: world.random.guid(),
  properties: {
    displayName: `Seeded Group ${i + 1}`,
    groupTypes: [],
    mailEnabled: false,
    mailNickname: `${plan.prefix ?? 'seed'}-group${i + 1}`,
    securityEnabled: true,
    createdDateTime: toGraphTime(world.now()),
  },
})

const times = <T>(count: number | undefined, make: (i: number) => T): T[] =>
  Array.from({ length: count ?? 0 }, (_, i) => make(i))

/** The whole tenant for people and assertions. */
export interface TenantSummary {
  readonly tenant: string
  readonly sequence: number
  readonly users: readonly JsonObject[]
  readonly groups: readonly JsonObject[]
}

/** Users with managers, groups with members, the recycle bin included; links are told by id. */
export function summary(tenant: Tenant): TenantSummary {
  return {
    tenant: tenant.settings.id,
    sequence: tenant.log.length,
    users: [...tenant.all('user')].map((user) => ({
      ...described(user),
      ...userLinks(tenant, user),
    })),
    groups: [...tenant.all('group')].map((group) => ({
      ...described(group),
      members: [...tenant.linked('members', group.id)],
    })),
  }
}

function userLinks(tenant: Tenant, user: DirectoryObject): JsonObject {
  const [managerId = null] = tenant.linked('manager', user.id)
  const manager = managerId === null ? undefined : tenant.byId(managerId)
  return {
    managerId,
    managerName: (manager && textOf(manager, 'userPrincipalName')) ?? null,
  }
}

function described(object: DirectoryObject): Record<string, Json> {
  const { id, properties, isPrivileged, password } = object
  return {
    id,
    ...properties,
    isDeleted: isDeleted(object),
    ...(isPrivileged === undefined ? {} : { isPrivileged }),
    ...(password === undefined ? {} : { password }),
  }
}
