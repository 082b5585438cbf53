/**
 * The Graph requests that exist, each built in one function. URLs are relative to the version root; ids and names are
 * percent-encoded, quotes inside quotes doubled. Every link is removed by `removeLink`, which refuses a URL that does not
 * end in `/$ref`: without the suffix Graph deletes the linked object itself.
 */
import type { JsonObject } from '../kernel/json.ts'

export interface GraphRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: JsonObject
}

/** Graph refuses more links than this in one request. */
export const MAX_LINKS_PER_REQUEST = 20

function segment(text: string): string {
  if (text === '' || text === '.' || text === '..')
    throw new RangeError(`"${text}" names nothing in a Graph URL`)
  return encodeURIComponent(text).replaceAll('%40', '@').replaceAll('%24', '$')
}

/** A text in a `$filter`. */
const literal = (text: string): string => `'${encodeURIComponent(text.replaceAll("'", "''"))}'`

const quoted = (text: string): string => `'${segment(text.replaceAll("'", "''"))}'`

/** `/users/{id or userPrincipalName}`; a name that begins with `$` would be read as a system segment. */
export function userUrl(idOrName: string): string {
  return idOrName.startsWith('$') ? `/users(${quoted(idOrName)})` : `/users/${segment(idOrName)}`
}

const deletedUrl = (graphId: string): string => `/directory/deletedItems/${segment(graphId)}`
const groupUrl = (graphId: string): string => `/groups/${segment(graphId)}`
const groupByNameUrl = (uniqueName: string): string => `/groups(uniqueName=${quoted(uniqueName)})`

/** Reads a user by Graph id or userPrincipalName. */
export function getUser(idOrName: string, select: readonly string[]): GraphRequest {
  return { method: 'GET', url: `${userUrl(idOrName)}?$select=${select.join(',')}` }
}

/** Reads a user together with the Graph id of the manager. */
export function getUserWithManager(graphId: string, select: readonly string[]): GraphRequest {
  const expand = '$expand=manager($select=id)'
  return { method: 'GET', url: `${userUrl(graphId)}?$select=${select.join(',')}&${expand}` }
}

/** Reads whom Graph holds as the manager of a user; 404 when nobody. */
export function getManager(graphId: string): GraphRequest {
  return { method: 'GET', url: `${userUrl(graphId)}/manager?$select=id` }
}

export interface UserListing {
  readonly select: readonly string[]
  readonly top: number
  /** What one of the names of a user begins with; undefined: every user. */
  readonly startsWith: string | undefined
  /** Where Graph's page before ended, letter by letter; undefined on the first page. */
  readonly skipToken: string | undefined
}

const SEARCHED_NAMES = ['displayName', 'userPrincipalName', 'givenName', 'surname']

/** What a `$skiptoken` may hold: nothing that ends the parameter it stands in. */
export const SKIP_TOKEN = /^[\w\-.~%!$'()*+,;:@/?=]{1,2000}$/

/** Lists the users of the tenant, a page at a time. */
export function listUsers({ select, top, startsWith, skipToken }: UserListing): GraphRequest {
  if (skipToken !== undefined && !SKIP_TOKEN.test(skipToken))
    throw new RangeError('that is no $skiptoken of Graph')
  const begin = literal(startsWith ?? '')
  const tests = SEARCHED_NAMES.map((name) => `startsWith(${name},${begin})`)
  const filter = startsWith === undefined ? '' : `&$filter=${tests.join('%20or%20')}`
  const place = skipToken === undefined ? '' : `&$skiptoken=${skipToken}`
  return { method: 'GET', url: `/users?$select=${select.join(',')}&$top=${top}${filter}${place}` }
}

/** By what an account is looked for that may be somebody's; null: not by that. */
export interface Likeness {
  readonly employeeId: string | null
  readonly mail: string | null
}

/** Fewer than twenty, and Graph charges a search one unit less: as much as for a single account. */
const MAX_ALIKE = 19

/**
 * Lists the users of that employeeId or e-mail address; undefined without either. No advanced query: those are answered from an index that
 * lags behind.
 */
export function findAlike(
  { employeeId, mail }: Likeness,
  select: readonly string[],
): GraphRequest | undefined {
  const address = mail === null ? undefined : literal(mail)
  const tests = [
    ...(employeeId === null ? [] : [`employeeId eq ${literal(employeeId)}`]),
    ...(address === undefined ? [] : [`mail eq ${address}`, `otherMails/any(m:m eq ${address})`]),
  ]
  if (tests.length === 0) return undefined
  const filter = tests.join(' or ').replaceAll(' ', '%20')
  return {
    method: 'GET',
    url: `/users?$filter=${filter}&$select=${select.join(',')}&$top=${MAX_ALIKE}`,
  }
}

/** Reads which domains the tenant has, and which of them are verified. */
export function listDomains(): GraphRequest {
  return { method: 'GET', url: '/domains?$select=id,isVerified' }
}

/** So many roles and groups of a user are read: the most that Graph lists at once. */
export const MAX_MEMBERSHIPS = 999

/** Reads the roles and groups of a user, also those it has through other groups. */
export function listMemberships(graphId: string): GraphRequest {
  const select = '$select=id,isAssignableToRole'
  return {
    method: 'GET',
    url: `${userUrl(graphId)}/transitiveMemberOf?${select}&$top=${MAX_MEMBERSHIPS}`,
  }
}

/** Reads an object in the recycle bin; 404 when it is not there. */
export function getDeleted(graphId: string, select: readonly string[] = ['id']): GraphRequest {
  return { method: 'GET', url: `${deletedUrl(graphId)}?$select=${select.join(',')}` }
}

/** Brings a deleted user back, under this name. */
export function restoreUser(graphId: string, name: string): GraphRequest {
  return {
    method: 'POST',
    url: `${deletedUrl(graphId)}/restore`,
    body: { newUserPrincipalName: name, autoReconcileProxyConflict: true },
  }
}

/** Creates a user. */
export function createUser(body: JsonObject): GraphRequest {
  return { method: 'POST', url: '/users', body }
}

/** Changes the properties that `body` names. */
export function updateUser(graphId: string, body: JsonObject): GraphRequest {
  return { method: 'PATCH', url: userUrl(graphId), body }
}

/** Sets a password; never together with other properties, which would fail with it. */
export function setPassword(graphId: string, password: string): GraphRequest {
  return updateUser(graphId, {
    passwordProfile: { password, forceChangePasswordNextSignIn: false },
  })
}

/** Ends the sessions of a user. A POST inside a `$batch` needs a body. */
export function revokeSessions(graphId: string): GraphRequest {
  return { method: 'POST', url: `${userUrl(graphId)}/revokeSignInSessions`, body: {} }
}

/** Deletes a user; Graph keeps it for 30 days. */
export function deleteUser(graphId: string): GraphRequest {
  return { method: 'DELETE', url: userUrl(graphId) }
}

/** Makes somebody the manager of a user. */
export function setManager(graphBase: string, graphId: string, managerId: string): GraphRequest {
  return {
    method: 'PUT',
    url: `${userUrl(graphId)}/manager/$ref`,
    body: { '@odata.id': `${graphBase}/users/${segment(managerId)}` },
  }
}

/** Leaves a user without manager; 404 says that there was none. */
export function removeManager(graphId: string): GraphRequest {
  return removeLink(`${userUrl(graphId)}/manager/$ref`)
}

/** Reads the Graph id of a group by its unique name. */
export function getGroup(uniqueName: string): GraphRequest {
  return { method: 'GET', url: `${groupByNameUrl(uniqueName)}?$select=id` }
}

/** Reads the name of a group. */
export function getGroupName(graphId: string): GraphRequest {
  return { method: 'GET', url: `${groupUrl(graphId)}?$select=id,displayName` }
}

/** Lists the members of a group, as many on a page as Graph allows. */
export function listMembers(graphId: string): GraphRequest {
  return { method: 'GET', url: `${groupUrl(graphId)}/members?$select=id&$top=999` }
}

/** Creates the group of that unique name or updates it: repeating it makes no second group. 204 carries no id. */
export function upsertGroup(uniqueName: string, body: JsonObject): GraphRequest {
  return {
    method: 'PATCH',
    url: groupByNameUrl(uniqueName),
    headers: { Prefer: 'create-if-missing' },
    body,
  }
}

/** Changes the properties that `body` names. */
export function updateGroup(graphId: string, body: JsonObject): GraphRequest {
  return { method: 'PATCH', url: groupUrl(graphId), body }
}

/** Deletes a group, in most tenants for good. */
export function deleteGroup(graphId: string): GraphRequest {
  return { method: 'DELETE', url: groupUrl(graphId) }
}

const objectReference = (graphBase: string, graphId: string): string =>
  `${graphBase}/directoryObjects/${segment(graphId)}`

/** Adds up to twenty members, all or none: it fails when one of them is a member already. */
export function addMembers(
  graphBase: string,
  groupId: string,
  memberIds: readonly string[],
): GraphRequest {
  if (memberIds.length > MAX_LINKS_PER_REQUEST)
    throw new RangeError(`a request links at most ${MAX_LINKS_PER_REQUEST} members`)
  const references = memberIds.map((id) => objectReference(graphBase, id))
  return updateGroup(groupId, { 'members@odata.bind': references })
}

/** Adds one member: the way out when some of twenty are members already. */
export function addMember(graphBase: string, groupId: string, memberId: string): GraphRequest {
  return {
    method: 'POST',
    url: `${groupUrl(groupId)}/members/$ref`,
    body: { '@odata.id': objectReference(graphBase, memberId) },
  }
}

/** Ends one membership; the member itself stays. */
export function removeMember(groupId: string, memberId: string): GraphRequest {
  return removeLink(`${groupUrl(groupId)}/members/${segment(memberId)}/$ref`)
}

/** The only place where a link is deleted. */
function removeLink(url: string): GraphRequest {
  if (!url.endsWith('/$ref'))
    throw new Error(`deleting ${url} would delete the object itself: the URL must end in /$ref`)
  return { method: 'DELETE', url }
}
