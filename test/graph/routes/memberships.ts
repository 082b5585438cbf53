import { type Json, type JsonObject, isJsonArray } from '../../../src/kernel/json.ts'
import type { Caller } from '../access.ts'
import type { DirectoryObject } from '../changes.ts'
import type { Directory } from '../directory.ts'
import type { Answer } from '../exchange.ts'
import { groupOf, userOf } from '../lookup.ts'
import { readOptions } from '../odata/options.ts'
import { listPage } from '../odata/page.ts'
import { permissions } from '../permissions.ts'
import { type Context, route } from '../route.ts'

/** The role that a privileged user holds; which one it is does not matter to anybody here. */
const ROLE = { id: '729827e3-9c14-49f7-bb1b-9608f156bbb8', displayName: 'Helpdesk Administrator' }

const memberOf =
  (isTransitive: boolean) =>
  (context: Context): Answer => {
    const { world, replica, request, params } = context
    const user = userOf(replica, params['id'] ?? '')
    const objects = groupsOf(replica, user.id, isTransitive)
    const page = listPage({
      directory: replica,
      now: world.now(),
      request,
      kind: 'group',
      objects,
      context: 'directoryObjects',
      isMixed: true,
    })
    return withRole(page, user, context)
  }

/** Groups with a member, and with `isTransitive` those that these groups are members of in turn. */
function groupsOf(directory: Directory, id: string, isTransitive: boolean): DirectoryObject[] {
  const found = new Map<string, DirectoryObject>()
  const visit = (member: string): void => {
    for (const group of directory.live('group')) {
      if (found.has(group.id) || !directory.linked('members', group.id).has(member)) continue
      found.set(group.id, group)
      if (isTransitive) visit(group.id)
    }
  }
  visit(id)
  return [...found.values()]
}

/** Adds the user's role, and hides what the caller may not read: of that, only type and id are told. */
function withRole(page: Answer, user: DirectoryObject, { caller, request }: Context): Answer {
  const { skipToken, filter, search, select } = readOptions(request)
  const body = page.body as JsonObject
  const groups = isJsonArray(body['value']) ? (body['value'] as readonly JsonObject[]) : []
  const shown = mayRead(caller, permissions.readGroups) ? groups : groups.map(hidden)
  const isFirst = skipToken === undefined && filter === undefined && search === undefined
  const roles = isFirst && user.isPrivileged ? [role(select, mayRead(caller, READ_ROLES))] : []
  return { ...page, body: { ...body, value: [...roles, ...shown] } }
}

const READ_ROLES = ['RoleManagement.Read.Directory', ...permissions.readDirectory]

const mayRead = ({ roles }: Caller, anyOf: readonly string[]): boolean =>
  anyOf.some((one) => roles.includes(one))

function role(select: readonly string[] | undefined, isShown: boolean): JsonObject {
  const displayName = isShown ? ROLE.displayName : null
  const named = select && !select.includes('displayName') ? {} : { displayName }
  return { '@odata.type': '#microsoft.graph.directoryRole', id: ROLE.id, ...named }
}

const hidden = (object: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(object).map(([name, value]): [string, Json] => [
      name,
      name === 'id' || name.startsWith('@') ? value : null,
    ]),
  )

function transitiveMembers({ world, replica: directory, request, params }: Context): Answer {
  const group = groupOf(directory, params['id'] ?? '')
  const objects = [...membersOf(directory, group.id)].flatMap((id) => directory.liveById(id) ?? [])
  const context = 'directoryObjects'
  const now = world.now()
  return listPage({ directory, now, request, kind: 'user', objects, context, isMixed: true })
}

function membersOf(directory: Directory, id: string, found = new Set<string>()): Set<string> {
  for (const member of directory.linked('members', id)) {
    if (found.has(member)) continue
    found.add(member)
    membersOf(directory, member, found)
  }
  return found
}

const readMemberships = [...permissions.readUsers, ...permissions.readGroups]

export const membershipRoutes = [
  route('GET /users/{id}/memberOf', 'user.memberOf', readMemberships, memberOf(false), 2),
  route(
    'GET /users/{id}/transitiveMemberOf',
    'user.transitiveMemberOf',
    readMemberships,
    memberOf(true),
    2,
  ),
  route(
    'GET /groups/{id}/transitiveMembers',
    'member.listTransitive',
    permissions.readGroups,
    transitiveMembers,
    5,
  ),
]
