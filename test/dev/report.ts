/** What Microsoft 365 now holds, for people to read: pure. */
import type { Account, Comparison, TenantState } from './comparison.ts'

const SHOWN_USERS = 12
const SHOWN_DIFFERENCES = 40

/** Groups with member counts, the first users, who is disabled, and how many have a manager. */
export function describeTenant(held: TenantState): string {
  const accounts = held.users.filter(({ isDeleted }) => !isDeleted)
  const groups = held.groups.filter(({ isDeleted }) => !isDeleted)
  const disabled = accounts.filter(({ accountEnabled }) => accountEnabled === false)
  const managed = accounts.filter(({ managerName }) => managerName !== null)
  const rest = accounts.length - SHOWN_USERS
  return [
    `Microsoft 365 now holds ${accounts.length} users (${disabled.length} disabled, ${managed.length} with a manager) and ${groups.length} groups.`,
    '',
    table(
      ['User', 'Name', 'Title', 'Department', 'Manager', ''],
      accounts.slice(0, SHOWN_USERS).map(rowOf),
    ),
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
    '',
    table(
      ['Group', 'Members'],
      groups.map(({ displayName, members }) => [displayName, String(members.length)]),
    ),
    '',
    `  Disabled: ${disabled.map(({ userPrincipalName }) => userPrincipalName).join(', ') || 'nobody'}`,
  ].join('\n')
}

const rowOf = (account: Account): readonly string[] => [
  account.userPrincipalName,
  text(account['displayName']),
  text(account['jobTitle']),
  text(account['department']),
  account.managerName ?? '',
  account['accountEnabled'] === false ? 'disabled' : '',
]

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => width(row[column] ?? ''))),
  )
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell))).join('  ')}`.trimEnd()
  return [head, widths.map((size) => '-'.repeat(size)), ...rows].map(line).join('\n')
}

/** Columns that a terminal gives a text: most East Asian letters take two. */
const width = (cell: string): number =>
  Array.from(cell.normalize('NFC'), (letter) =>
    /[\u1100-\u115f\u2e80-\u9fff\uac00-\ud7a3\uff00-\uff60]|[\u{20000}-\u{3ffff}]/u.test(letter)
      ? 2
      : 1,
  ).reduce<number>((sum, columns) => sum + columns, 0)

/** The verdict, with the differences when there are any. */
export function describeComparison({ differences, others }: Comparison): string {
  const extra =
    others.length === 0
      ? ''
      : `\nBeside the cycle's, it holds ${others.length} more: ${others.slice(0, 5).join(', ')}${others.length > 5 ? ', …' : ''}`
  if (differences.length === 0) return `Everything is as it should be.${extra}`
  const shown = differences.slice(0, SHOWN_DIFFERENCES).map((each) => `  ${each}`)
  const more = differences.length - shown.length
  return `Microsoft 365 does not hold what it should (${differences.length} differences):
${shown.join('\n')}${more > 0 ? `\n  … and ${more} more` : ''}${extra}`
}
