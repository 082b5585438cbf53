import { requireReach } from '../access.ts'
import { type DirectoryObject, textOf, withProperties } from '../changes.ts'
import { GraphError, queryErrors } from '../errors.ts'
import { type Answer, answer, noContent } from '../exchange.ts'
import { userOf } from '../lookup.ts'
import { type QueryOptions, readOptions } from '../odata/options.ts'
import { contextOf, countMatching, listPage } from '../odata/page.ts'
import { project, shapeOf } from '../odata/project.ts'
import { permissions } from '../permissions.ts'
import { type Context, route } from '../route.ts'
import { checkQuota } from '../rules/quota.ts'
import { checkNewUser, checkUserUpdate } from '../rules/user.ts'
import { defaultSelect } from '../schema.ts'
import { toGraphTime } from '../world.ts'

function create({ world, tenant, request }: Context): Answer {
  const now = toGraphTime(world.now())
  const id = world.random.guid()
  const write = judged(world.counters, () => checkNewUser(tenant, request.body))
  const user: DirectoryObject = {
    kind: 'user',
    id,
    properties: {
      userType: 'Member',
      ...write.properties,
      createdDateTime: now,
      lastPasswordChangeDateTime: now,
      signInSessionsValidFromDateTime: now,
    },
    ...(write.password === undefined ? {} : { password: write.password }),
  }
  checkQuota(tenant)
  tenant.commit([{ type: 'put', object: user }])
  world.counters.userCreated(likenessesOf(user))
  const names = defaultSelect.user.filter((name) => name !== 'securityIdentifier')
  const shown = project(tenant, user, { kind: 'user', names })
  const context = `${request.url.origin}/v1.0/$metadata#users/$entity`
  return answer(
    201,
    { '@odata.context': context, ...shown },
    { Location: locationOf(tenant.settings.id, id) },
  )
}

/** Runs a judgement and counts the conflicts it finds. */
function judged<T>(counters: Context['world']['counters'], judge: () => T): T {
  try {
    return judge()
  } catch (error) {
    if (error instanceof GraphError && error.details?.[0]?.code === 'ObjectConflict')
      counters.createConflict()
    throw error
  }
}

/** By what a second account of the same person is recognised. */
function likenessesOf(user: DirectoryObject): string[] {
  const employeeId = textOf(user, 'employeeId')
  const names = `${textOf(user, 'mailNickname')}\n${textOf(user, 'displayName')}`
  return [`names:${names}`, ...(employeeId === undefined ? [] : [`employeeId:${employeeId}`])]
}

const locationOf = (tenantId: string, id: string): string =>
  `https://graph.microsoft.com/v2/${tenantId}/directoryObjects/${id}/Microsoft.DirectoryServices.User`

function list({ world, replica, request }: Context): Answer {
  const objects = replica.live('user')
  return listPage({
    directory: replica,
    now: world.now(),
    request,
    kind: 'user',
    objects,
    context: 'users',
  })
}

function count({ replica, request }: Context): Answer {
  const options = readOptions(request)
  if (!options.eventual) throw queryErrors.countNotSupported()
  const total = countMatching('user', replica.live('user'), options)
  return answer(200, total, { 'Content-Type': 'text/plain' })
}

function get({ replica, request, params }: Context): Answer {
  const options: QueryOptions = readOptions(request)
  const user = userOf(replica, params['id'] ?? '')
  const shown = project(replica, user, shapeOf(replica, 'user', options))
  const context = contextOf(request, 'users', options, '/$entity')
  return answer(200, { '@odata.context': context, ...shown })
}

function update({ world, tenant, caller, request, params }: Context): Answer {
  const user = userOf(tenant, params['id'] ?? '')
  const { properties, password } = checkUserUpdate(caller, user, request.body)
  const changed = withProperties(user, properties)
  if (password === undefined) tenant.commit([{ type: 'put', object: changed }])
  else {
    const times = { lastPasswordChangeDateTime: toGraphTime(world.now()) }
    tenant.commit([{ type: 'put', object: { ...withProperties(changed, times), password } }])
  }
  return noContent()
}

function remove(context: Context): Answer {
  softDeleteUser(context, userOf(context.tenant, context.params['id'] ?? ''))
  return noContent()
}

/** Into the recycle bin; the name is rewritten, so that a new account may take it. */
export function softDeleteUser({ world, tenant, caller }: Context, user: DirectoryObject): void {
  requireReach(caller, user)
  const upn = `${compact(user.id)}${textOf(user, 'userPrincipalName')}`
  const properties = { userPrincipalName: upn, deletedDateTime: toGraphTime(world.now()) }
  tenant.commit([{ type: 'put', object: withProperties(user, properties) }])
}

/** A deleted user's name as it was before the deletion. */
export function originalName(user: DirectoryObject): string {
  const upn = textOf(user, 'userPrincipalName') ?? ''
  const prefix = compact(user.id)
  return upn.startsWith(prefix) ? upn.slice(prefix.length) : upn
}

const compact = (id: string): string => id.replaceAll('-', '')

function revokeSessions({ world, tenant, request, params }: Context): Answer {
  const user = userOf(tenant, params['id'] ?? '')
  const properties = { signInSessionsValidFromDateTime: toGraphTime(world.now()) }
  tenant.commit([{ type: 'put', object: withProperties(user, properties) }])
  const context = `${request.url.origin}/v1.0/$metadata#Edm.Boolean`
  return answer(200, { '@odata.context': context, value: true })
}

const updateUsers = [...permissions.writeUsers, ...permissions.writeSomeOfUsers]

export const userRoutes = [
  route('GET /users', 'user.list', permissions.readUsers, list, 2),
  route('POST /users', 'user.create', permissions.writeUsers, create),
  route('GET /users/$count', 'user.count', permissions.readUsers, count),
  route('GET /users/{id}', 'user.get', permissions.readUsers, get),
  route('PATCH /users/{id}', 'user.update', updateUsers, update),
  route('DELETE /users/{id}', 'user.delete', permissions.deleteUsers, remove),
  route(
    'POST /users/{id}/revokeSignInSessions',
    'user.revoke',
    permissions.revokeSessions,
    revokeSessions,
  ),
]
