/** REQUIREMENTS.md: pure but for the place where it stands. */
import { join } from 'node:path'

export interface ListedCheck {
  readonly file: string
  readonly name: string
}

export const TABLE = join(import.meta.dirname, 'REQUIREMENTS.md')

/** What a name begins with: one requirement, or several with commas between. */
const REQUIREMENT =
  /^(?:RFC \d{4} §[\d.]+|Q\d\d|Rule \d+|Entra (?:[UGS]\d|§[\d.]+)|Web validator|Logic App \d+|Postman|Contract §\d)$/

export function requirementsOf(name: string): readonly string[] {
  const [start = ''] = name.split(': ', 1)
  return start.split(', ').filter((requirement) => REQUIREMENT.test(requirement))
}

const titleOf = (name: string): string => name.slice(name.indexOf(': ') + 2)

/** RFCs first, then what Entra needs, then its validators, then our contract; numbers in their order. */
const ORDER = ['RFC', 'Rule', 'Q', 'Entra', 'Web validator', 'Logic App', 'Postman', 'Contract']

function compare(a: string, b: string): number {
  const rank = (requirement: string) => ORDER.findIndex((start) => requirement.startsWith(start))
  return rank(a) - rank(b) || a.localeCompare(b, 'en', { numeric: true })
}

export function groupByRequirement(
  checks: readonly ListedCheck[],
): ReadonlyMap<string, readonly ListedCheck[]> {
  const groups = new Map<string, ListedCheck[]>()
  for (const check of checks)
    for (const requirement of requirementsOf(check.name))
      groups.set(requirement, [...(groups.get(requirement) ?? []), check])
  return new Map([...groups].toSorted(([a], [b]) => compare(a, b)))
}

export function renderTable(checks: readonly ListedCheck[]): string {
  const groups = [...groupByRequirement(checks)]
  const summary = groups.map(([requirement, of]) => {
    const files = [...new Set(of.map(({ file }) => file))]
    return [requirement, String(of.length), files.map((file) => `\`${file}\``).join(', ')]
  })
  return `# Requirements and their checks

Made by \`node test/conformance/requirements.ts\`; do not edit. ${checks.length} checks of ${groups.length} requirements. \`Q\` and \`Rule\` are the
peculiarities of Entra ID and the rules that follow from them, \`Entra U1\` and the like the requests of its cycle; the
validators are Microsoft's. Files are those of \`specs/\`.

${markdownTable([['Requirement', 'Checks', 'Files'], ...summary])}

## Checks

${groups.map(([requirement, of]) => section(requirement, of)).join('\n')}`
}

function section(requirement: string, checks: readonly ListedCheck[]): string {
  const lines = checks.map(({ file, name }) => `${file.padEnd(26)} ${titleOf(name)}`)
  return `### ${requirement}\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\`\n`
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = rows
  const rule = widths.map((width) => '-'.repeat(width))
  return [line(head), line(rule), ...body.map(line)].join('\n')
}
