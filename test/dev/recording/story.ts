/**
 * What happens at Contoso during the cycle, as data: who changes, who leaves, which groups there are. The recorded
 * requests and the expected end are both made from this, by different roads.
 */
import { PEOPLE, type Person } from './people.ts'
import type { Dialect } from './requests.ts'

/** The first fifty people belong to a job without the flag, the others to one with it. */
export const dialectOf = (number: number): Dialect => (number < 50 ? 'default' : 'flag')

export interface Change {
  readonly number: number
  readonly what: string
  readonly next: Partial<Person>
}

const moved: Partial<Person> = {
  physicalDeliveryOfficeName: '3/199',
  streetAddress: 'Theresienhöhe 13',
  city: 'München',
  state: 'Bayern',
  postalCode: '80339',
  country: 'Germany',
}

/** Changes of the default mapping's attributes, each kind once per dialect. */
export const CHANGES: readonly Change[] = [
  { number: 5, what: 'title', next: { jobTitle: 'Senior Recruiter' } },
  { number: 55, what: 'title', next: { jobTitle: 'Główny księgowy' } },
  { number: 7, what: 'department', next: { department: 'Finance', jobTitle: 'Controller' } },
  { number: 57, what: 'department', next: { department: 'R+D', jobTitle: 'Researcher' } },
  {
    number: 11,
    what: 'phones',
    next: { telephoneNumber: '+44 20 7946 0999', mobile: '+44 700 555 999' },
  },
  {
    number: 59,
    what: 'phones',
    next: { telephoneNumber: '+48 22 555 0999', mobile: '+48 700 555 999' },
  },
  { number: 13, what: 'address', next: moved },
  { number: 62, what: 'address', next: moved },
  { number: 16, what: 'rename', next: renamed('nia.okafor-reid', 'Nia', 'Okafor-Reid') },
  { number: 73, what: 'rename', next: renamed('luiza.prado', 'Luíza', 'Prado e Silva') },
  { number: 32, what: 'display name', next: { displayName: "Anaïs L'Hôpital (Paris)" } },
  { number: 82, what: 'display name', next: { displayName: '高橋 陽子 (Tokyo)' } },
  { number: 33, what: 'first name', next: { givenName: 'Jean' } },
  { number: 83, what: 'first name', next: { givenName: 'だいすけ' } },
  { number: 36, what: 'language', next: { preferredLanguage: 'fr-CH' } },
  { number: 86, what: 'employee number', next: { employeeId: 'X-2086' } },
]

function renamed(local: string, givenName: string, surname: string): Partial<Person> {
  const address = `${local}@contoso.com`
  return {
    userPrincipalName: address,
    mail: address,
    mailNickname: local,
    surname,
    displayName: `${givenName} ${surname}`,
  }
}

/** Somebody who has no manager from the start, and leaves for good. */
export const DELETED = 58
export const DISABLED: readonly number[] = [18, 68]
/** Disabled by mistake, and enabled again. */
export const ENABLED_AGAIN: readonly number[] = [38, 88]
/** Number of the person, and of the new manager; null takes the manager away. */
export const NEW_MANAGERS: readonly (readonly [number, number | null])[] = [
  [45, 30],
  [95, 80],
  [47, null],
  [97, null],
]

export interface GroupStory {
  readonly displayName: string
  readonly dialect: Dialect
  readonly members: readonly number[]
  /** How many members one request adds. */
  readonly chunk: number
  readonly removed: readonly number[]
  readonly added: readonly number[]
  readonly renamedTo: string | null
}

const where = (test: (person: Person, number: number) => boolean): readonly number[] =>
  [...PEOPLE.keys()].filter((number) => {
    const one = PEOPLE[number]
    return one !== undefined && test(one, number)
  })
const numbers = (from: number, step: number, count: number) =>
  Array.from({ length: count }, (_, i) => from + i * step)
const still = { removed: [], added: [], renamedTo: null }

export const GROUPS: readonly GroupStory[] = [
  {
    ...still,
    displayName: 'All Employees',
    dialect: 'default',
    members: numbers(0, 1, 100),
    chunk: 60,
  },
  {
    ...still,
    displayName: 'Engineering',
    dialect: 'default',
    members: where(({ department }) => department === 'Engineering'),
    chunk: 5,
    removed: [12, 18, 36],
  },
  {
    ...still,
    displayName: 'Sales EMEA',
    dialect: 'flag',
    members: where(
      ({ department }, number) => department === 'Sales' && number >= 10 && number < 70,
    ),
    chunk: 1,
    renamedTo: 'Sales Europe & Middle East',
  },
  {
    ...still,
    displayName: 'Büro München',
    dialect: 'flag',
    members: numbers(20, 1, 10),
    chunk: 4,
    removed: [24],
    added: [13, 62],
  },
  {
    ...still,
    displayName: 'R+D Lab',
    dialect: 'flag',
    members: where(({ department }) => department === 'R+D'),
    chunk: 7,
    added: [57],
  },
  {
    ...still,
    displayName: 'Directors',
    dialect: 'default',
    members: numbers(0, 10, 10),
    chunk: 1,
    removed: [90],
  },
  {
    ...still,
    displayName: "Volunteers' Network",
    dialect: 'flag',
    members: numbers(1, 4, 25),
    chunk: 25,
    removed: [5, 9],
  },
  {
    ...still,
    displayName: 'Temporary: Q4 Audit',
    dialect: 'default',
    members: numbers(3, 11, 9),
    chunk: 2,
    added: [2, 4],
    renamedTo: 'Audit 2026',
  },
]
