import { requireReach, requireRole } from '../access.ts'
import { type DirectoryObject, isDeleted, withProperties } from '../changes.ts'
import type { Directory } from '../directory.ts'
import { addressErrors, valueErrors } from '../errors.ts'
import { type Answer, answer, noContent } from '../exchange.ts'
import { readOptions } from '../odata/options.ts'
import { contextOf, listPage } from '../odata/page.ts'
import { project, shapeOf, typed } from '../odata/project.ts'
import { permissions } from '../permissions.ts'
import { type Context, route } from '../route.ts'
import { objectBody, propertiesIn } from '../rules/property.ts'
import { checkDomain } from '../rules/user.ts'
import { checkUnique } from '../rules/unique.ts'
import { checkValue } from '../rules/value.ts'
import { type Kind, defaultSelect, propertyOf } from '../schema.ts'
import { originalName } from './users.ts'
import { textFrom } from '../text.ts'

const list =
  (kind: Kind) =>
  ({ world, replica, request }: Context): Answer =>
    listPage({
      directory: replica,
      now: world.now(),
      request,
      kind,
      objects: replica.deleted(kind),
      context: `${kind}s`,
    })

function get({ replica, request, params }: Context): Answer {
  const object = deletedOf(replica, params)
  const options = readOptions(request)
  const shown = project(replica, object, shapeOf(replica, object.kind, options))
  const context = contextOf(request, 'directoryObjects', options, '/$entity')
  return answer(200, { '@odata.context': context, ...typed(object, shown) })
}

function purge({ tenant, caller, params }: Context): Answer {
  const object = deletedOf(tenant, params)
  checkMayChange({ caller }, object)
  tenant.commit([{ type: 'purge', id: object.id }])
  return noContent()
}

function restore({ tenant, caller, request, params }: Context): Answer {
  const object = deletedOf(tenant, params)
  checkMayChange({ caller }, object)
  const restored = withProperties(object, {
    deletedDateTime: null,
    ...(object.kind === 'user' ? { userPrincipalName: restoredName(request.body, object) } : {}),
  })
  if (object.kind === 'user') checkDomain(tenant, restored.properties, object)
  checkUnique(tenant, restored.properties, object.id)
  tenant.commit([{ type: 'put', object: restored }])
  const names = defaultSelect[object.kind]
  const shown = typed(restored, project(tenant, restored, { kind: object.kind, names }))
  const context = `${request.url.origin}/v1.0/$metadata#directoryObjects/$entity`
  return answer(200, { '@odata.context': context, ...shown })
}

/** The name to come back under: the one asked for, or the former one. */
function restoredName(body: Context['request']['body'], user: DirectoryObject): string {
  const {
    newUserPrincipalName,
    autoReconcileProxyConflict: _,
    ...rest
  } = propertiesIn(objectBody(body ?? {}))
  if (Object.keys(rest).length > 0) throw valueErrors.unknownProperty()
  if ((newUserPrincipalName ?? null) === null) return originalName(user)
  const facts = propertyOf('user', 'userPrincipalName') ?? { type: 'Edm.String' }
  checkValue('user', 'userPrincipalName', facts, newUserPrincipalName ?? null)
  return textFrom(newUserPrincipalName)
}

function checkMayChange({ caller }: Pick<Context, 'caller'>, object: DirectoryObject): void {
  if (object.kind === 'group') return requireRole(caller, permissions.writeGroups)
  requireRole(caller, permissions.deleteUsers)
  requireReach(caller, object)
}

function deletedOf(directory: Directory, params: Context['params']): DirectoryObject {
  const id = params['id'] ?? ''
  const object = directory.byId(id)
  if (!object || !isDeleted(object)) throw addressErrors.notFound(id)
  return object
}

const readDeleted = [...permissions.readUsers, 'User.DeleteRestore.All']
const changeDeleted = [...permissions.deleteUsers, ...permissions.writeGroups]
const bin = '/directory/deletedItems' as const

export const deletedItemRoutes = [
  route(`GET ${bin}/microsoft.graph.user`, 'deleted.list', readDeleted, list('user')),
  route(`GET ${bin}/microsoft.graph.group`, 'deleted.list', permissions.readGroups, list('group')),
  route(`GET ${bin}/{id}`, 'deleted.get', [...readDeleted, ...permissions.readGroups], get),
  route(`DELETE ${bin}/{id}`, 'deleted.purge', changeDeleted, purge),
  route(`POST ${bin}/{id}/restore`, 'deleted.restore', changeDeleted, restore),
]
