import { isSynced, requireRole } from '../access.ts'
import { addressErrors, valueErrors } from '../errors.ts'
import { type Answer, answer, noContent } from '../exchange.ts'
import { userOf } from '../lookup.ts'
import { readOptions } from '../odata/options.ts'
import { contextOf } from '../odata/page.ts'
import { managerOf, project, shapeOf, typed } from '../odata/project.ts'
import { permissions } from '../permissions.ts'
import { type Context, route } from '../route.ts'
import { objectBody } from '../rules/property.ts'
import { referencedBy } from '../rules/references.ts'
import { softDeleteUser } from './users.ts'

function get({ replica, request, params }: Context): Answer {
  const options = readOptions(request)
  const manager = managerOf(replica, userOf(replica, params['id'] ?? '').id)
  if (!manager) throw addressErrors.notFound('manager')
  const shown = project(replica, manager, shapeOf(replica, 'user', options))
  const context = contextOf(request, 'directoryObjects', options, '/$entity')
  return answer(200, { '@odata.context': context, ...typed(manager, shown) })
}

function put({ tenant, replica, request, params }: Context): Answer {
  const user = userOf(tenant, params['id'] ?? '')
  if (isSynced(user)) throw valueErrors.synced()
  const manager = referencedBy(replica, objectBody(request.body), request.url.origin)
  if (manager.kind !== 'user') throw valueErrors.invalidValues()
  const removed = [...tenant.linked('manager', user.id)]
  tenant.commit([
    { type: 'link', relation: 'manager', from: user.id, added: [manager.id], removed },
  ])
  return noContent()
}

function clear({ tenant, params }: Context): Answer {
  const user = userOf(tenant, params['id'] ?? '')
  if (isSynced(user)) throw valueErrors.synced()
  if (!managerOf(tenant, user.id)) throw addressErrors.notFound('manager')
  const removed = [...tenant.linked('manager', user.id)]
  tenant.commit([{ type: 'link', relation: 'manager', from: user.id, added: [], removed }])
  return noContent()
}

/** Without `/$ref` the address is that of the manager's own account, and so the account goes. */
function deleteTarget(context: Context): Answer {
  const { tenant, caller, params } = context
  const manager = managerOf(tenant, userOf(tenant, params['id'] ?? '').id)
  if (!manager) throw addressErrors.notFound('manager')
  requireRole(caller, permissions.deleteUsers)
  softDeleteUser(context, manager)
  return noContent()
}

export const managerRoutes = [
  route('GET /users/{id}/manager', 'manager.get', permissions.readUsers, get),
  route('PUT /users/{id}/manager/$ref', 'manager.set', permissions.writeUsers, put),
  route('DELETE /users/{id}/manager/$ref', 'manager.clear', permissions.writeUsers, clear),
  route(
    'DELETE /users/{id}/manager',
    'manager.deleteAccount',
    permissions.writeUsers,
    deleteTarget,
  ),
]
