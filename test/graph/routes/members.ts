import { requireRole } from '../access.ts'
import type { DirectoryObject, Relation } from '../changes.ts'
import { addressErrors, linkErrors } from '../errors.ts'
import { type Answer, noContent } from '../exchange.ts'
import { groupOf } from '../lookup.ts'
import { listPage } from '../odata/page.ts'
import { permissions } from '../permissions.ts'
import { type Context, route } from '../route.ts'
import { checkMembershipWritable } from '../rules/group.ts'
import { objectBody } from '../rules/property.ts'
import { checkKnown, referencedBy } from '../rules/references.ts'
import { deleteGroup } from './groups.ts'
import { softDeleteUser } from './users.ts'

function list({ world, replica: directory, request, params }: Context): Answer {
  const group = groupOf(directory, params['id'] ?? '')
  const ids = [...directory.linked('members', group.id)]
  const objects = ids.flatMap((id) => directory.liveById(id) ?? [])
  const context = 'directoryObjects'
  const now = world.now()
  return listPage({ directory, now, request, kind: 'user', objects, context, isMixed: true })
}

function add({ tenant, replica, request, params }: Context): Answer {
  const group = groupOf(tenant, params['id'] ?? '')
  checkMembershipWritable(group)
  checkKnown(replica, group)
  const member = referencedBy(replica, objectBody(request.body), request.url.origin)
  if (tenant.linked('members', group.id).has(member.id)) throw linkErrors.alreadyLinked()
  tenant.commit([
    { type: 'link', relation: 'members', from: group.id, added: [member.id], removed: [] },
  ])
  return noContent()
}

const removeFrom =
  (relation: Relation) =>
  ({ tenant, params }: Context): Answer => {
    const group = groupOf(tenant, params['id'] ?? '')
    checkMembershipWritable(group)
    const { id } = linkedOf({ tenant, params }, group, relation)
    tenant.commit([{ type: 'link', relation, from: group.id, added: [], removed: [id] }])
    return noContent()
  }

/**
 * The trap: without `/$ref` the address is that of the account itself. The real service deletes the account
 * when the application may, so this one does too.
 */
const deleteLinked =
  (relation: Relation) =>
  (context: Context): Answer => {
    const { tenant, caller, params } = context
    const target = linkedOf(context, groupOf(tenant, params['id'] ?? ''), relation)
    requireRole(caller, target.kind === 'user' ? permissions.deleteUsers : permissions.writeGroups)
    if (target.kind === 'user') softDeleteUser(context, target)
    else deleteGroup(context, target)
    return noContent()
  }

function linkedOf(
  { tenant, params }: Pick<Context, 'tenant' | 'params'>,
  group: DirectoryObject,
  relation: Relation,
): DirectoryObject {
  const id = params['memberId'] ?? ''
  const target = tenant.liveById(id)
  if (!target || !tenant.linked(relation, group.id).has(target.id)) throw addressErrors.notFound(id)
  return target
}

const { readGroups, writeMembers } = permissions

export const memberRoutes = [
  route('GET /groups/{id}/members', 'member.list', readGroups, list, 3),
  route('POST /groups/{id}/members/$ref', 'member.add', writeMembers, add),
  route(
    'DELETE /groups/{id}/members/{memberId}/$ref',
    'member.remove',
    writeMembers,
    removeFrom('members'),
  ),
  route(
    'DELETE /groups/{id}/members/{memberId}',
    'member.deleteAccount',
    writeMembers,
    deleteLinked('members'),
  ),
  route(
    'DELETE /groups/{id}/owners/{memberId}/$ref',
    'owner.remove',
    writeMembers,
    removeFrom('owners'),
  ),
  route(
    'DELETE /groups/{id}/owners/{memberId}',
    'owner.deleteAccount',
    writeMembers,
    deleteLinked('owners'),
  ),
]
