/** How Entra ID writes its SCIM requests: headers, query encoding, bodies, and the two dialects of PATCH. */
import type { Person } from './people.ts'

/** `default`, or what the flag `aadOptscim062020` in the tenant URL asks for. */
export type Dialect = 'default' | 'flag'

export interface RecordedRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

type Operation = Readonly<{ op: string; path?: string; value?: unknown }>

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const ADSCIM_GROUP = 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const AUTHORIZATION = { Authorization: 'Bearer {{token}}' }
const WITH_BODY = { ...AUTHORIZATION, 'Content-Type': 'application/scim+json; charset=utf-8' }

/** A blank becomes `+`, everything else that is no letter, digit or `-_.!*()` its bytes in lower-case hex. */
export function encodeQuery(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replaceAll('~', '%7e')
    .replaceAll("'", '%27')
    .replaceAll(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())
}

export const placeholder = (key: string): string => `{{id:${key}}}`

const get = (path: string): RecordedRequest => ({ method: 'GET', path, headers: AUTHORIZATION })

/** An id in a filter keeps its placeholder, all the rest is encoded. */
const filter = (...parts: readonly string[]): string =>
  parts.map((part) => (part.startsWith('{{') ? part : encodeQuery(part))).join('')

export const matchUser = (userName: string): RecordedRequest =>
  get(`/scim/v2/Users?filter=${filter(`userName eq "${userName}"`)}`)

export const matchGroup = (displayName: string): RecordedRequest =>
  get(
    `/scim/v2/Groups?excludedAttributes=members&filter=${filter(`displayName eq "${displayName}"`)}`,
  )

/** Whether a resource already holds a reference: Entra asks before it changes one. */
export const holdsReference = (
  [type, attribute]: readonly ['Users', 'manager'] | readonly ['Groups', 'members'],
  [key, reference]: readonly [string, string],
): RecordedRequest =>
  get(
    `/scim/v2/${type}?filter=${filter('id eq "', placeholder(key), `" and ${attribute} eq "`, placeholder(reference), '"')}&attributes=id`,
  )

export const deleteUser = (key: string): RecordedRequest => ({
  method: 'DELETE',
  path: `/scim/v2/Users/${placeholder(key)}`,
  headers: AUTHORIZATION,
})

/** The create of the default mapping: what the source has no value for is left out. */
export function createUser(person: Person): RecordedRequest {
  const { mail, givenName, surname } = person
  const body = {
    schemas: [`${CORE}:User`, ENTERPRISE],
    externalId: person.mailNickname,
    userName: person.userPrincipalName,
    active: true,
    addresses: [
      withoutNulls({
        primary: false,
        type: 'work',
        formatted: person.physicalDeliveryOfficeName,
        streetAddress: person.streetAddress,
        locality: person.city,
        region: person.state,
        postalCode: person.postalCode,
        country: person.country,
      }),
    ],
    displayName: person.displayName,
    ...(mail === null ? {} : { emails: [{ primary: true, type: 'work', value: mail }] }),
    meta: { resourceType: 'User' },
    name: { formatted: `${givenName} ${surname}`, familyName: surname, givenName },
    phoneNumbers: phoneNumbers(person),
    preferredLanguage: person.preferredLanguage,
    roles: [],
    title: person.jobTitle,
    [ENTERPRISE]: { employeeNumber: person.employeeId, department: person.department },
  }
  return { method: 'POST', path: '/scim/v2/Users', headers: WITH_BODY, body }
}

function phoneNumbers(person: Person) {
  const numbers = [
    { type: 'work', value: person.telephoneNumber },
    { type: 'mobile', value: person.mobile },
    { type: 'fax', value: person.facsimileTelephoneNumber },
  ]
  return numbers
    .filter(({ value }) => value !== null)
    .map((number) => ({ primary: number.type === 'work', ...number }))
}

const withoutNulls = (members: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null))

export const createGroup = (displayName: string, externalId: string): RecordedRequest => ({
  method: 'POST',
  path: '/scim/v2/Groups',
  headers: WITH_BODY,
  body: {
    schemas: [`${CORE}:Group`, ADSCIM_GROUP],
    externalId,
    displayName,
    meta: { resourceType: 'Group' },
  },
})

const patch = (type: 'Users' | 'Groups', key: string, operations: readonly Operation[]) =>
  ({
    method: 'PATCH',
    path: `/scim/v2/${type}/${placeholder(key)}`,
    headers: WITH_BODY,
    body: { schemas: [PATCH_OP], Operations: operations },
  }) satisfies RecordedRequest

/** A value that Entra sends; `Add` where it believes the target to be empty. */
export interface Assignment {
  readonly path: string
  readonly value: unknown
  readonly op?: 'Add'
}

/**
 * Without the flag one capitalised operation per attribute, booleans as text. With it, filtered paths stay apart and
 * the rest is one operation without a path, whose members are paths.
 */
export function patchUser(dialect: Dialect, key: string, assignments: readonly Assignment[]) {
  return patch('Users', key, operationsOf(dialect, assignments))
}

function operationsOf(dialect: Dialect, assignments: readonly Assignment[]): readonly Operation[] {
  if (dialect === 'default')
    return assignments.map(({ path, value, op }) => ({ op: op ?? 'Replace', path, value }))
  const filtered = assignments.filter(({ path }) => path.includes('['))
  const plain = assignments.filter(({ path }) => !path.includes('['))
  const merged = Object.fromEntries(plain.map(({ path, value }) => [path, value]))
  return [
    ...filtered.map(({ path, value, op }) => ({
      op: (op ?? 'Replace').toLowerCase(),
      path,
      value,
    })),
    ...(plain.length === 0 ? [] : [{ op: 'replace', value: merged }]),
  ]
}

/** Disable and enable: text without the flag, a boolean of its own with it. */
export const patchActive = (dialect: Dialect, key: string, active: boolean) =>
  patch('Users', key, [
    dialect === 'default'
      ? { op: 'Replace', path: 'active', value: active ? 'True' : 'False' }
      : { op: 'replace', path: 'active', value: active },
  ])

/** The manager is a bare id; an empty text takes it away. */
export function patchManager(
  dialect: Dialect,
  key: string,
  { op, manager }: { op: 'Add' | 'Replace'; manager: string | null },
) {
  const value = manager === null ? '' : placeholder(manager)
  const path = `${ENTERPRISE}:manager`
  return patch('Users', key, [
    dialect === 'default'
      ? { op, path, value }
      : { op: op.toLowerCase(), value: { [path]: value } },
  ])
}

export const renameGroup = (dialect: Dialect, key: string, displayName: string) =>
  patch('Groups', key, operationsOf(dialect, [{ path: 'displayName', value: displayName }]))

export const addMembers = (dialect: Dialect, key: string, members: readonly string[]) =>
  patch('Groups', key, [
    {
      op: dialect === 'default' ? 'Add' : 'add',
      path: 'members',
      value: members.map((member) =>
        dialect === 'default'
          ? { $ref: null, value: placeholder(member) }
          : { value: placeholder(member) },
      ),
    },
  ])

/** Without the flag a value array, which must remove these members only; with it one filter per member. */
export const removeMembers = (dialect: Dialect, key: string, members: readonly string[]) =>
  patch(
    'Groups',
    key,
    dialect === 'default'
      ? [
          {
            op: 'Remove',
            path: 'members',
            value: members.map((member) => ({ $ref: null, value: placeholder(member) })),
          },
        ]
      : members.map((member) => ({
          op: 'remove',
          path: `members[value eq "${placeholder(member)}"]`,
        })),
  )
