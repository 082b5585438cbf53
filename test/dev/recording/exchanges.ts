/** The exchanges of the recorded cycle, made from the story in the order in which Entra ID sends them. */
import { createHash } from 'node:crypto'

import { PEOPLE, type Person } from './people.ts'
import {
  addMembers,
  type Assignment,
  createGroup,
  createUser,
  deleteUser,
  type Dialect,
  ENTERPRISE,
  holdsReference,
  matchGroup,
  matchUser,
  patchActive,
  patchManager,
  patchUser,
  type RecordedRequest,
  removeMembers,
  renameGroup,
} from './requests.ts'
import {
  CHANGES,
  DELETED,
  dialectOf,
  DISABLED,
  ENABLED_AGAIN,
  type GroupStory,
  GROUPS,
  NEW_MANAGERS,
} from './story.ts'

export interface Exchange {
  /** Unique in the cycle. */
  readonly name: string
  readonly kind: 'check' | 'match' | 'create' | 'change' | 'delete'
  readonly dialect?: Dialect
  /** The resource it is about: exchanges of one resource keep their order. */
  readonly of?: string
  readonly request: RecordedRequest
  readonly expect: { readonly status: number; readonly totalResults?: number }
  /** Only for a second cycle over the same state: the name that the resource has since its rename. */
  readonly laterPath?: string
}

const at = (number: number): Person => {
  const found = PEOPLE[number]
  if (found === undefined) throw new RangeError(`there is no person ${number}`)
  return found
}
const keyOf = (number: number) => `user:${at(number).userPrincipalName}`
const groupKey = (group: GroupStory) => `group:${group.displayName}`
const connectionCheck = 'c9d20d1f-6f0c-4a88-8d7e-0f3f8b1f2f6a'

/** Group object ids of the Entra tenant, made of the name so that they stay the same. */
function objectId(name: string): string {
  const hex = createHash('sha256').update(`contoso group ${name}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export const connection = (): Exchange[] => [
  {
    name: 'connection check',
    kind: 'check',
    request: matchUser(connectionCheck),
    expect: { status: 200, totalResults: 0 },
  },
]

export const users = (): Exchange[] =>
  PEOPLE.flatMap((one, number): Exchange[] => {
    const of = keyOf(number)
    const later = CHANGES.find((change) => change.number === number)?.next.userPrincipalName
    return [
      {
        name: `find ${one.userPrincipalName}`,
        kind: 'match',
        of,
        request: matchUser(one.userPrincipalName),
        expect: { status: 200 },
        ...(later === undefined ? {} : { laterPath: matchUser(later).path }),
      },
      {
        name: `create ${one.userPrincipalName}`,
        kind: 'create',
        of,
        request: createUser(one),
        expect: { status: 201 },
      },
    ]
  })

export const groups = (): Exchange[] =>
  GROUPS.flatMap((group): Exchange[] => {
    const of = groupKey(group)
    const { displayName, renamedTo } = group
    return [
      {
        name: `find group ${displayName}`,
        kind: 'match',
        of,
        request: matchGroup(displayName),
        expect: { status: 200 },
        ...(renamedTo === null ? {} : { laterPath: matchGroup(renamedTo).path }),
      },
      {
        name: `create group ${displayName}`,
        kind: 'create',
        of,
        request: createGroup(displayName, objectId(displayName)),
        expect: { status: 201 },
      },
    ]
  })

const change = (
  of: string,
  { name, dialect, request }: Pick<Exchange, 'name' | 'request'> & { dialect: Dialect },
): Exchange => ({
  name,
  kind: 'change',
  dialect,
  of,
  request,
  expect: { status: of.startsWith('user:') ? 200 : 204 },
})

export const managers = (): Exchange[] =>
  PEOPLE.flatMap((one, number) => {
    if (one.manager === null || number === DELETED) return []
    const [dialect, manager] = [dialectOf(number), `user:${one.manager}`]
    const request = patchManager(dialect, keyOf(number), { op: 'Add', manager })
    return [
      change(keyOf(number), { name: `manager of ${one.userPrincipalName}`, dialect, request }),
    ]
  })

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  )
}

export const memberships = (): Exchange[] =>
  GROUPS.flatMap((group) =>
    chunks(group.members, group.chunk).map((members, place) =>
      change(groupKey(group), {
        name: `add ${members.length} to ${group.displayName} (${place + 1})`,
        dialect: group.dialect,
        request: addMembers(group.dialect, groupKey(group), members.map(keyOf)),
      }),
    ),
  )

/** SCIM paths of the default mapping. */
const PATHS: Readonly<Partial<Record<keyof Person, string>>> = {
  userPrincipalName: 'userName',
  displayName: 'displayName',
  jobTitle: 'title',
  mail: 'emails[type eq "work"].value',
  preferredLanguage: 'preferredLanguage',
  givenName: 'name.givenName',
  surname: 'name.familyName',
  physicalDeliveryOfficeName: 'addresses[type eq "work"].formatted',
  streetAddress: 'addresses[type eq "work"].streetAddress',
  city: 'addresses[type eq "work"].locality',
  state: 'addresses[type eq "work"].region',
  postalCode: 'addresses[type eq "work"].postalCode',
  country: 'addresses[type eq "work"].country',
  telephoneNumber: 'phoneNumbers[type eq "work"].value',
  mobile: 'phoneNumbers[type eq "mobile"].value',
  facsimileTelephoneNumber: 'phoneNumbers[type eq "fax"].value',
  mailNickname: 'externalId',
  employeeId: `${ENTERPRISE}:employeeNumber`,
  department: `${ENTERPRISE}:department`,
}

/** What Entra sends of a change: every mapped attribute whose source changed, `name.formatted` among them. */
function assignments(before: Person, next: Partial<Person>): readonly Assignment[] {
  const after = { ...before, ...next }
  const mapped = Object.entries(PATHS).flatMap(([name, path]): Assignment[] => {
    const property = name as keyof Person
    const [was, is] = [before[property], after[property]]
    if (was === is) return []
    return [{ path, value: is, ...(was === null ? { op: 'Add' as const } : {}) }]
  })
  const formatted = `${after.givenName} ${after.surname}`
  const same = formatted === `${before.givenName} ${before.surname}`
  return same ? mapped : [...mapped, { path: 'name.formatted', value: formatted }]
}

export const attributeChanges = (): Exchange[] =>
  CHANGES.map(({ number, what, next }) => {
    const dialect = dialectOf(number)
    const request = patchUser(dialect, keyOf(number), assignments(at(number), next))
    return change(keyOf(number), {
      name: `${what} of ${at(number).userPrincipalName}`,
      dialect,
      request,
    })
  })

/** Entra may ask whether a reference is there already, before it changes one. */
export const referenceChecks = (): Exchange[] => {
  const of = keyOf(46)
  const ask = (manager: number, totalResults: number): Exchange => ({
    name: `is ${at(manager).userPrincipalName} manager of ${at(46).userPrincipalName}`,
    kind: 'check',
    of,
    request: holdsReference(['Users', 'manager'], [of, keyOf(manager)]),
    expect: { status: 200, totalResults },
  })
  const group = `group:${GROUPS[0]?.displayName}`
  const isMember: Exchange = {
    name: `is ${at(46).userPrincipalName} in ${GROUPS[0]?.displayName}`,
    kind: 'check',
    of: group,
    request: holdsReference(['Groups', 'members'], [group, of]),
    expect: { status: 200, totalResults: 1 },
  }
  return [ask(40, 1), ask(30, 0), isMember]
}

export const managerChanges = (): Exchange[] =>
  NEW_MANAGERS.map(([number, next]) => {
    const dialect = dialectOf(number)
    const manager = next === null ? null : keyOf(next)
    const request = patchManager(dialect, keyOf(number), { op: 'Replace', manager })
    const what = next === null ? 'no manager for' : 'new manager of'
    return change(keyOf(number), {
      name: `${what} ${at(number).userPrincipalName}`,
      dialect,
      request,
    })
  })

const activity = (number: number, active: boolean): Exchange => {
  const dialect = dialectOf(number)
  const name = `${active ? 'enable' : 'disable'} ${at(number).userPrincipalName}`
  return change(keyOf(number), {
    name,
    dialect,
    request: patchActive(dialect, keyOf(number), active),
  })
}

export const leavers = (): Exchange[] => [
  ...[...DISABLED, ...ENABLED_AGAIN, DELETED].map((number) => activity(number, false)),
  ...ENABLED_AGAIN.map((number) => activity(number, true)),
  {
    name: `delete ${at(DELETED).userPrincipalName}`,
    kind: 'delete',
    of: keyOf(DELETED),
    request: deleteUser(keyOf(DELETED)),
    expect: { status: 204 },
  },
]

export const groupChanges = (): Exchange[] =>
  GROUPS.flatMap((group) => {
    const { dialect, displayName, removed, added, renamedTo } = group
    const key = groupKey(group)
    const step = (name: string, request: RecordedRequest) => change(key, { name, dialect, request })
    return [
      ...(removed.length === 0
        ? []
        : [
            step(
              `remove ${removed.length} from ${displayName}`,
              removeMembers(dialect, key, removed.map(keyOf)),
            ),
          ]),
      ...(added.length === 0
        ? []
        : [
            step(
              `add ${added.length} to ${displayName}`,
              addMembers(dialect, key, added.map(keyOf)),
            ),
          ]),
      ...(renamedTo === null
        ? []
        : [step(`rename group ${displayName}`, renameGroup(dialect, key, renamedTo))]),
    ]
  })
