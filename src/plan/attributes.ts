/**
 * The attributes that a directory exports, imports or excludes, as data: what the admin API shows of them, the desired state, request
 * bodies and the reading of Graph users follow this table. What nobody gives a direction is not in it, such as accountEnabled and
 * mailNickname, which a create writes too, and the names of groups.
 */

export type Direction = 'export' | 'import' | 'exclude'

/**
 * `text` is one string; `collection` a list of at most one string of ours; `orgData` one of the two members of
 * employeeOrgData, which Graph replaces as a whole; `relationship` a link to another user; `password` is write-only.
 */
export type AttributeKind = 'text' | 'collection' | 'orgData' | 'relationship' | 'password'

export interface Attribute<Name extends string = string> {
  /** Its name in the admin API and in snapshots. */
  readonly name: Name
  readonly label: string
  /** The Graph property (for `orgData`: the complex property that holds it). */
  readonly graph: string
  readonly graphLabel: string
  readonly kind: AttributeKind
  /** The directions an administrator may choose. */
  readonly directions: readonly Direction[]
  /** Always exported. */
  readonly locked: boolean
  /** Whether Graph can be told that there is no value. */
  readonly clearable: boolean
  /** In UTF-16 units; null where Microsoft publishes none. */
  readonly maxLength: number | null
  /** Where its value comes from in a SCIM user. */
  readonly scim: string
}

const ALWAYS: readonly Direction[] = ['export']
const ANY: readonly Direction[] = ['export', 'import', 'exclude']
const ONE_WAY: readonly Direction[] = ['export', 'exclude']
const ENTERPRISE = 'enterprise:2.0:User'

type Texts = readonly [label: string, graph: string, graphLabel: string, scim: string]

function attribute<const Name extends string>(
  name: Name,
  [label, graph, graphLabel, scim]: Texts,
  maxLength: number | null,
  overrides: Partial<Attribute<Name>> = {},
): Attribute<Name> {
  const directions = overrides.directions ?? ANY
  return {
    name,
    label,
    graph,
    graphLabel,
    kind: 'text',
    directions,
    locked: directions === ALWAYS,
    clearable: true,
    maxLength,
    scim,
    ...overrides,
  }
}

/** In the order in which they are shown. */
export const ATTRIBUTES = [
  attribute('firstname', ['First Name', 'givenName', 'First name', 'name.givenName'], 64, {
    directions: ALWAYS,
  }),
  attribute('lastname', ['Last Name', 'surname', 'Last name', 'name.familyName'], 64, {
    directions: ALWAYS,
  }),
  attribute(
    'displayname',
    ['First Name + Last Name', 'displayName', 'Display name', 'name.givenName + name.familyName'],
    256,
    { directions: ALWAYS, clearable: false },
  ),
  attribute('email', ['Company Email', 'userPrincipalName', 'Email', 'emails (primary)'], 113, {
    directions: ALWAYS,
    clearable: false,
  }),
  attribute('password', ['Password', 'passwordProfile.password', 'Password', 'password'], 256, {
    directions: ALWAYS,
    clearable: false,
    kind: 'password',
  }),
  attribute(
    'department',
    ['Department', 'department', 'Department', `${ENTERPRISE}:department`],
    64,
  ),
  attribute('jobTitle', ['Job Title', 'jobTitle', 'Job title', 'title'], 128),
  attribute('location', ['Location', 'officeLocation', 'Office', 'locale'], 128),
  attribute(
    'alternateEmail',
    ['Alternate Email', 'otherMails', 'Alternate email', 'emails (of another type)'],
    250,
    { kind: 'collection' },
  ),
  attribute(
    'employeeIdentifier',
    ['Employee ID', 'employeeId', 'Employee ID', `${ENTERPRISE}:employeeNumber`],
    16,
  ),
  attribute('employeeType', ['Employee Type', 'employeeType', 'Employee type', 'userType'], null),
  attribute(
    'company',
    ['Company', 'companyName', 'Company name', `${ENTERPRISE}:organization`],
    64,
  ),
  attribute(
    'costCenter',
    ['Cost Center', 'employeeOrgData', 'Cost center', `${ENTERPRISE}:costCenter`],
    null,
    { kind: 'orgData' },
  ),
  attribute(
    'division',
    ['Division', 'employeeOrgData', 'Division', `${ENTERPRISE}:division`],
    null,
    { kind: 'orgData' },
  ),
  attribute(
    'preferredLanguage',
    ['Preferred Language', 'preferredLanguage', 'Preferred language', 'preferredLanguage'],
    null,
  ),
  attribute(
    'workStreetAddress',
    ['Work Street Address', 'streetAddress', 'Street address', 'addresses[work].streetAddress'],
    1024,
  ),
  attribute('workCity', ['Work City', 'city', 'City', 'addresses[work].locality'], 128),
  attribute(
    'workState',
    ['Work State', 'state', 'State or province', 'addresses[work].region'],
    128,
  ),
  attribute(
    'workPostalCode',
    ['Work Postal Code', 'postalCode', 'ZIP or postal code', 'addresses[work].postalCode'],
    40,
  ),
  attribute(
    'workCountry',
    ['Work Country', 'country', 'Country or region', 'addresses[work].country'],
    128,
  ),
  attribute(
    'workPhone',
    ['Work Phone', 'businessPhones', 'Office phone', 'phoneNumbers[work]'],
    64,
    {
      kind: 'collection',
    },
  ),
  attribute(
    'mobilePhone',
    ['Personal Cell', 'mobilePhone', 'Mobile phone', 'phoneNumbers[mobile]'],
    64,
  ),
  attribute('fax', ['Fax', 'faxNumber', 'Fax number', 'phoneNumbers[fax]'], 64),
  attribute('manager', ['Manager', 'manager', 'Manager', `${ENTERPRISE}:manager`], null, {
    kind: 'relationship',
  }),
  // Graph cannot be told that a user has no usage location any more.
  attribute(
    'usageLocation',
    [
      'Usage Location',
      'usageLocation',
      'Usage location',
      "Microsoft:Entra:2.0:User:usageLocation, else the directory's default",
    ],
    2,
    { directions: ONE_WAY, clearable: false },
  ),
] as const

export type AttributeName = (typeof ATTRIBUTES)[number]['name']

const BY_NAME: ReadonlyMap<string, Attribute<AttributeName>> = new Map(
  ATTRIBUTES.map((item) => [item.name, item]),
)

/** True for the API name of an attribute. */
export function isAttributeName(name: string): name is AttributeName {
  return BY_NAME.has(name)
}

/** The row of the table. */
export function attributeNamed(name: AttributeName): Attribute<AttributeName> {
  const found = BY_NAME.get(name)
  if (found === undefined) throw new Error(`no attribute is named ${name}`)
  return found
}

/** The direction of an attribute that nobody has chosen one for. */
export function defaultDirection(name: AttributeName): Direction {
  return attributeNamed(name).locked ? 'export' : 'exclude'
}

/** A direction and the sequence of the event that chose it; 0 when nobody did. */
export interface ChosenDirection {
  readonly direction: Direction
  readonly sequence: number
  /** What was exported before it counts for nothing; null or absent: what was exported before `sequence`. */
  readonly countsSince?: number | null
}

/** The chosen directions of one directory; what is missing has its default. */
export type Directions = ReadonlyMap<AttributeName, ChosenDirection>

/** The direction in force; a locked attribute is exported whatever is stored. */
export function directionOf(directions: Directions, name: AttributeName): ChosenDirection {
  const chosen = directions.get(name)
  if (chosen === undefined) return { direction: defaultDirection(name), sequence: 0 }
  return attributeNamed(name).locked ? { ...chosen, direction: 'export' } : chosen
}

/** What Entra's default mapping fills among the attributes whose direction can be chosen, `manager` included. */
export const ENTRA_DEFAULT_ATTRIBUTES: readonly AttributeName[] = [
  'department',
  'jobTitle',
  'employeeIdentifier',
  'preferredLanguage',
  'workStreetAddress',
  'workCity',
  'workState',
  'workPostalCode',
  'workCountry',
  'workPhone',
  'mobilePhone',
  'fax',
  'manager',
]
