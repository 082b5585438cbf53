/** What Microsoft 365 must hold when the cycle is over, told from the story and not from the requests. */
import { PEOPLE, type Person } from './people.ts'
import { CHANGES, DELETED, DISABLED, GROUPS, NEW_MANAGERS } from './story.ts'

/** A user as Graph names things; `manager` is a userPrincipalName. */
export interface ExpectedUser {
  readonly userPrincipalName: string
  readonly accountEnabled: boolean
  /** Deleted over SCIM: the account is disabled, or was never made because the delete overtook the export. */
  readonly isLeaver: boolean
  readonly displayName: string
  readonly givenName: string
  readonly surname: string
  readonly jobTitle: string
  readonly department: string
  readonly employeeId: string
  readonly preferredLanguage: string
  readonly streetAddress: string
  readonly city: string
  readonly state: string | null
  readonly postalCode: string
  readonly country: string
  readonly businessPhones: readonly string[]
  readonly mobilePhone: string | null
  readonly faxNumber: string | null
  readonly usageLocation: string
  readonly manager: string | null
}

export interface ExpectedGroup {
  readonly displayName: string
  /** userPrincipalNames, sorted. */
  readonly members: readonly string[]
}

export interface ExpectedState {
  readonly users: readonly ExpectedUser[]
  readonly groups: readonly ExpectedGroup[]
}

const after = PEOPLE.map((one, number): Person => ({
  ...one,
  ...CHANGES.find((change) => change.number === number)?.next,
}))

/** Company Email is the userPrincipalName; who has none is named by the username. */
const principalName = (one: Person): string => one.mail ?? one.userPrincipalName
const nameOf = (number: number): string => {
  const one = after[number]
  if (one === undefined) throw new RangeError(`there is no person ${number}`)
  return principalName(one)
}

function managerOf(number: number): string | null {
  const change = NEW_MANAGERS.find(([who]) => who === number)
  if (change !== undefined) return change[1] === null ? null : nameOf(change[1])
  const was = PEOPLE[number]?.manager ?? null
  if (was === null || number === DELETED) return null
  return nameOf(PEOPLE.findIndex(({ userPrincipalName }) => userPrincipalName === was))
}

const expectedUser = (one: Person, number: number): ExpectedUser => ({
  userPrincipalName: principalName(one),
  // A deleted user's account is disabled and kept, as the demo directory's settings say.
  accountEnabled: !DISABLED.includes(number) && number !== DELETED,
  isLeaver: number === DELETED,
  displayName: `${one.givenName} ${one.surname}`,
  givenName: one.givenName,
  surname: one.surname,
  jobTitle: one.jobTitle,
  department: one.department,
  employeeId: one.employeeId,
  preferredLanguage: one.preferredLanguage,
  streetAddress: one.streetAddress,
  city: one.city,
  state: one.state,
  postalCode: one.postalCode,
  country: one.country,
  businessPhones: [one.telephoneNumber],
  mobilePhone: one.mobile,
  faxNumber: one.facsimileTelephoneNumber,
  usageLocation: 'US',
  manager: managerOf(number),
})

export function expectedState(): ExpectedState {
  return {
    users: after.map(expectedUser),
    groups: GROUPS.map((group) => ({
      displayName: group.renamedTo ?? group.displayName,
      members: [...group.members, ...group.added]
        .filter((number) => number !== DELETED && !group.removed.includes(number))
        .map(nameOf)
        .toSorted(),
    })),
  }
}
