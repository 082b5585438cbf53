/** What the emulated Microsoft 365 holds against what it should hold: pure. */
import type { ExpectedState } from './cycle.ts'
import type { ExpectedUser } from './recording/expected-state.ts'

/** `GET /_control/state` of the emulator, as far as it is read here. */
export interface TenantState {
  readonly users: readonly Account[]
  readonly groups: readonly HeldGroup[]
}

export interface Account extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly userPrincipalName: string
  readonly isDeleted: boolean
  readonly managerName: string | null
}

export interface HeldGroup extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly displayName: string
  readonly isDeleted: boolean
  /** Ids. */
  readonly members: readonly string[]
}

export interface Comparison {
  readonly differences: readonly string[]
  /** Accounts and groups that are none of the cycle's. */
  readonly others: readonly string[]
}

/** Every difference as a sentence, users before groups. */
export function compare(expected: ExpectedState, held: TenantState): Comparison {
  const accounts = held.users.filter(({ isDeleted }) => !isDeleted)
  const groups = held.groups.filter(({ isDeleted }) => !isDeleted)
  const byName = groupBy(accounts, ({ userPrincipalName }) => key(userPrincipalName))
  const groupsByName = groupBy(groups, ({ displayName }) => displayName)
  const names = new Map(accounts.map(({ id, userPrincipalName }) => [id, userPrincipalName]))
  const extra = accounts.filter(
    ({ userPrincipalName }) =>
      !expected.users.some((user) => key(user.userPrincipalName) === key(userPrincipalName)),
  )
  const numbers = new Set(expected.users.map(({ employeeId }) => employeeId))
  const isDouble = ({ employeeId }: Account) =>
    typeof employeeId === 'string' && numbers.has(employeeId)
  return {
    differences: [
      ...expected.users.flatMap((user) =>
        ofUser(user, byName.get(key(user.userPrincipalName)) ?? []),
      ),
      ...extra
        .filter(isDouble)
        .map(
          ({ userPrincipalName, employeeId }) =>
            `${userPrincipalName} is a second account of the person ${String(employeeId)}`,
        ),
      ...expected.groups.flatMap((group) =>
        ofGroup(group, groupsByName.get(group.displayName) ?? [], names),
      ),
    ],
    others: [
      ...extra.filter((account) => !isDouble(account)).map((account) => account.userPrincipalName),
      ...groups
        .map(({ displayName }) => displayName)
        .filter((name) => !expected.groups.some(({ displayName }) => displayName === name)),
    ],
  }
}

const key = (name: string): string => name.toLowerCase()

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const item of items) found.set(keyOf(item), [...(found.get(keyOf(item)) ?? []), item])
  return found
}

function ofUser(user: ExpectedUser, accounts: readonly Account[]): readonly string[] {
  const [account, second] = accounts
  const name = user.userPrincipalName
  if (account === undefined) return user.isLeaver ? [] : [`${name} is missing`]
  if (second !== undefined) return [`${name} is there ${accounts.length} times`]
  const { manager, isLeaver: _, ...properties } = user
  const wrong = Object.entries(properties).flatMap(([property, value]) =>
    same(account[property], value) ? [] : [difference(name, property, account[property], value)],
  )
  return same(account.managerName, manager)
    ? wrong
    : [...wrong, difference(name, 'manager', account.managerName, manager)]
}

const difference = (name: string, property: string, is: unknown, wanted: unknown): string =>
  `${name}: ${property} is ${JSON.stringify(is ?? null)}, not ${JSON.stringify(wanted)}`

/** Graph shows an absent value as null or not at all, an absent list as an empty one. */
function same(is: unknown, wanted: unknown): boolean {
  const plain = (value: unknown) =>
    Array.isArray(value) && value.length === 0 ? null : (value ?? null)
  return JSON.stringify(plain(is)) === JSON.stringify(plain(wanted))
}

function ofGroup(
  group: ExpectedState['groups'][number],
  held: readonly HeldGroup[],
  names: ReadonlyMap<string, string>,
): readonly string[] {
  const [found, second] = held
  const title = `group "${group.displayName}"`
  if (found === undefined) return [`${title} is missing`]
  if (second !== undefined) return [`${title} is there ${held.length} times`]
  const members = new Set(found.members.map((id) => key(names.get(id) ?? id)))
  const wanted = new Set(group.members.map(key))
  return [
    ...[...wanted].filter((one) => !members.has(one)).map((one) => `${title} lacks ${one}`),
    ...[...members].filter((one) => !wanted.has(one)).map((one) => `${title} holds ${one} too`),
  ]
}
