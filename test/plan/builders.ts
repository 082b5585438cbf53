/** Inputs of the planner with sensible defaults. */
import type { JsonObject } from '../../src/kernel/json.ts'
import {
  ATTRIBUTES,
  type AttributeName,
  type ChosenDirection,
  type Direction,
  type Directions,
} from '../../src/plan/attributes.ts'
import { directoryUser, type DirectoryUser } from '../../src/plan/directory-user.ts'
import type { Plan, UserBinding, UserPlanInput } from '../../src/plan/planned.ts'
import { type Knowledge, knownAfter } from '../../src/plan/settle.ts'
import { type DirectorySettings, defaultSettings } from '../../src/plan/settings.ts'
import { GRAPH_BASE, GRAPH_ID } from './model-graph.ts'

export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

export const ADELE: JsonObject = {
  userName: 'adele',
  externalId: 'ext-1',
  name: { givenName: 'Adele', familyName: 'Vance' },
  displayName: 'Adele V.',
  emails: [
    { type: 'work', value: 'adele@contoso.com', primary: true },
    { type: 'home', value: 'adele@example.net' },
  ],
  title: 'Retail Manager',
  phoneNumbers: [
    { type: 'work', value: '+1 425 555 0109' },
    { type: 'mobile', value: '+1 425 555 0110' },
    { type: 'fax', value: '+1 425 555 0111' },
  ],
  addresses: [
    {
      type: 'work',
      streetAddress: '1 Main St',
      locality: 'Redmond',
      region: 'WA',
      postalCode: '98052',
      country: 'US',
    },
  ],
  locale: 'en-US',
  userType: 'Employee',
  preferredLanguage: 'en-US',
  [ENTERPRISE]: {
    department: 'Sales',
    costCenter: 'CC1',
    organization: 'Contoso',
    employeeNumber: '701984',
    division: 'Retail',
    manager: { value: 'usr_boss' },
  },
}

export function user(document: JsonObject = ADELE, state: object = {}): DirectoryUser {
  return directoryUser(document, {
    id: 'usr_1',
    suspended: false,
    passwordExpired: false,
    ...state,
  })
}

/** Directions given as `{ department: 'export' }`, chosen at the sequence 1 unless said otherwise. */
export function directions(
  chosen: Partial<Record<AttributeName, Direction | ChosenDirection>> = {},
): Directions {
  return new Map(
    ATTRIBUTES.flatMap(({ name }) => {
      const direction = chosen[name]
      if (direction === undefined) return []
      return [[name, typeof direction === 'string' ? { direction, sequence: 1 } : direction]]
    }),
  )
}

export const EVERYTHING = directions(
  Object.fromEntries(ATTRIBUTES.map(({ name }) => [name, 'export'])),
)

export const NEVER_EXPORTED: UserBinding = {
  graphId: null,
  snapshot: {},
  unknown: [],
  exportedSequence: 0,
  creatingAs: null,
}

export const ADOPTED: UserBinding = { ...NEVER_EXPORTED, graphId: GRAPH_ID }

export function input(
  overrides: Partial<Omit<UserPlanInput, 'settings'>> & {
    settings?: Partial<DirectorySettings>
  } = {},
): UserPlanInput {
  return {
    user: user(),
    binding: NEVER_EXPORTED,
    directions: EVERYTHING,
    managerGraphId: null,
    randomPassword: 'random-password',
    graphBase: GRAPH_BASE,
    ...overrides,
    settings: { ...defaultSettings, ...overrides.settings },
  }
}

/** What became of a write: `refused` and `unsent` changed nothing. */
export type WriteOutcome = 'answered' | 'unanswered' | 'refused' | 'unsent'

/** What is known after the writes of a plan. A write without an outcome was not sent. */
export function settle<Values extends object>(
  plan: Pick<Plan<Values>, 'known' | 'unknown' | 'writes'>,
  outcomes: readonly WriteOutcome[],
): Knowledge<Values> {
  let known: Knowledge<Values> = { snapshot: plan.known, unknown: plan.unknown }
  for (const [i, write] of plan.writes.entries()) {
    const outcome = outcomes[i] ?? 'unsent'
    if (outcome === 'answered' || outcome === 'unanswered')
      known = knownAfter(known, write, outcome)
  }
  return known
}
