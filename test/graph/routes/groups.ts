import type { JsonObject } from '../../../src/kernel/json.ts'
import { isUnified, requireRole } from '../access.ts'
import { type Change, type DirectoryObject, type Relation, withProperties } from '../changes.ts'
import { addressErrors, linkErrors, valueErrors } from '../errors.ts'
import { type Answer, answer, noContent, prefers } from '../exchange.ts'
import { findGroup, groupOf } from '../lookup.ts'
import { readOptions } from '../odata/options.ts'
import { contextOf, listPage } from '../odata/page.ts'
import { project, shapeOf } from '../odata/project.ts'
import { alternateKey } from '../path.ts'
import { permissions } from '../permissions.ts'
import { type Context, route } from '../route.ts'
import { checkGroupUpdate, checkMembershipWritable, checkNewGroup } from '../rules/group.ts'
import { objectBody, propertiesIn } from '../rules/property.ts'
import { checkQuota } from '../rules/quota.ts'
import { type BoundLinks, boundLinks, checkKnown } from '../rules/references.ts'
import { defaultSelect } from '../schema.ts'
import type { Tenant } from '../tenant.ts'
import { toGraphTime } from '../world.ts'

function list({ world, replica, request }: Context): Answer {
  const objects = replica.live('group')
  return listPage({
    directory: replica,
    now: world.now(),
    request,
    kind: 'group',
    objects,
    context: 'groups',
  })
}

function get({ replica, request, params }: Context): Answer {
  const options = readOptions(request)
  const group = groupOf(replica, params['id'] ?? '')
  const shown = project(replica, group, shapeOf(replica, 'group', options))
  const context = contextOf(request, 'groups', options, '/$entity')
  return answer(200, { '@odata.context': context, ...shown })
}

function create(context: Context): Answer {
  return createFrom(context, objectBody(context.request.body))
}

function createFrom({ world, tenant, replica, request }: Context, body: JsonObject): Answer {
  const values = checkNewGroup(tenant, body)
  const links = boundLinks(replica, body, request.url.origin)
  const now = toGraphTime(world.now())
  const group: DirectoryObject = {
    kind: 'group',
    id: world.random.guid(),
    properties: { groupTypes: [], ...values, createdDateTime: now, renewedDateTime: now },
  }
  checkQuota(tenant)
  tenant.commit([{ type: 'put', object: group }, ...linkChanges(tenant, group, links)])
  const shown = project(tenant, group, { kind: 'group', names: defaultSelect.group })
  const context = `${request.url.origin}/v1.0/$metadata#groups/$entity`
  return answer(201, { '@odata.context': context, ...shown })
}

/** Plain update, or by `uniqueName` and with `Prefer: create-if-missing` an upsert. */
function update(context: Context): Answer {
  const { tenant, request, params } = context
  const key = params['id'] ?? ''
  const body = objectBody(request.body)
  const alternate = alternateKey(key)
  const group = findGroup(tenant, key)
  if (group) return updateExisting(context, group, body)
  const named = alternate?.name === 'uniqueName' && prefers(request, 'create-if-missing')
  if (!alternate || !named) throw addressErrors.notFound(alternate?.value ?? key)
  requireRole(context.caller, permissions.writeGroups)
  const { uniqueName = alternate.value } = body
  if (uniqueName !== alternate.value) throw valueErrors.invalidValue('group', 'uniqueName')
  return createFrom(context, { ...body, uniqueName })
}

function updateExisting(context: Context, group: DirectoryObject, body: JsonObject): Answer {
  const { tenant, replica, caller, request } = context
  const values = checkGroupUpdate(tenant, group, body)
  if (Object.keys(propertiesIn(body)).length > 0) requireRole(caller, permissions.writeGroups)
  const links = boundLinks(replica, body, request.url.origin)
  const changes = linkChanges(tenant, group, links)
  if (changes.length > 0) checkKnown(replica, group)
  tenant.commit([{ type: 'put', object: withProperties(group, values) }, ...changes])
  return noContent()
}

/** The links to add: one that exists already, or is named twice, spoils all of them. */
function linkChanges(tenant: Tenant, group: DirectoryObject, links: BoundLinks): Change[] {
  const relations: Relation[] = ['members', 'owners']
  return relations.flatMap((relation): Change[] => {
    const added = links[relation] ?? []
    if (added.length === 0) return []
    checkMembershipWritable(group)
    const present = tenant.linked(relation, group.id)
    if (new Set(added).size < added.length || added.some((id) => present.has(id)))
      throw linkErrors.alreadyLinked()
    return [{ type: 'link', relation, from: group.id, added, removed: [] }]
  })
}

function remove(context: Context): Answer {
  deleteGroup(context, groupOf(context.tenant, context.params['id'] ?? ''))
  return noContent()
}

/** Only Microsoft 365 groups go into the recycle bin; a security group is gone for good. */
export function deleteGroup({ world, tenant }: Context, group: DirectoryObject): void {
  const deletedDateTime = toGraphTime(world.now())
  if (isUnified(group))
    tenant.commit([{ type: 'put', object: withProperties(group, { deletedDateTime }) }])
  else tenant.commit([{ type: 'purge', id: group.id }])
}

export const groupRoutes = [
  route('GET /groups', 'group.list', permissions.readGroups, list),
  route('POST /groups', 'group.create', permissions.createGroups, create),
  route('GET /groups/{id}', 'group.get', permissions.readGroups, get),
  route('PATCH /groups/{id}', 'group.update', permissions.writeMembers, update),
  route('DELETE /groups/{id}', 'group.delete', permissions.writeGroups, remove),
]
